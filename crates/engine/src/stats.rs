//! What is asked again and again of a ledger that is being filled: sums of any stretch of time, exact to the
//! millisecond, with what they are made of.
//!
//! Everything in one answer is added up from the same rows, so that its parts add up to its whole.
//! Must not: know HTTP, word anything, or cost more the longer the history is that was not asked for.

mod breakdown;
mod series;
mod sessions;
mod sources;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use cco_ledger::query::{Cell, Named, Told};
pub use cco_ledger::query::{ChangedCall, Mark, RecentCall, SessionCounts, SumCache};
use cco_model::civil;
use cco_model::sums::Sums;
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use breakdown::{By, ProjectSums, Scope, Slice, ToolUses, server_of};
pub use series::{fitting, hour_of};
pub use sessions::{Page, SessionCall, SessionCursor, SessionDetail, SessionSums};
pub use sources::{SourceLedger, SourceRoot, Sources};

use crate::report::Only;
use crate::{Engine, EngineError};
use series::Buckets;

/// The most points that a series has.
pub const MOST_POINTS: usize = 1_500;
/// Calls that an answer names.
const MOST_RECENT: u64 = 20;
/// A session is active for so long after a call.
const ACTIVE_MS: i64 = 5 * 60_000;
/// What models are called that the price list does not know.
pub const UNKNOWN_TIER: &str = "Unknown";

/// How long the buckets of a series are, by the clocks of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granularity {
    /// A minute.
    Minute,
    /// An hour of the clock: one that is repeated is two buckets, one that is cut by a change of clocks is shorter.
    Hour,
    /// A civil day.
    Day,
    /// Seven days from Monday.
    Week,
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
    /// A hundred years, from one whose number ends in `00`: whatever clocks there were, few of these hold it.
    Century,
}

impl Granularity {
    /// From fine to coarse.
    pub const ALL: [Self; 7] =
        [Self::Minute, Self::Hour, Self::Day, Self::Week, Self::Month, Self::Year, Self::Century];
}

/// What the points of a series are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Model, as in the transcripts.
    Model,
    /// Project, by path.
    Project,
}

/// Which calls, and how they are to be told.
#[derive(Clone, Debug)]
pub struct StatsQuestion {
    /// From when until before when; exact to the millisecond.
    pub range: Range<Timestamp>,
    /// Whose hours and days.
    pub zone: TimeZone,
    /// Buckets of the series.
    pub granularity: Granularity,
    /// What points are told apart by, beside their kinds of models.
    pub split: Option<Split>,
    /// Which of the calls.
    pub only: Only,
    /// The present: what is active, and which day is today.
    pub now: Timestamp,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// All of it.
    pub sums: Sums,
    /// By kind of model, such as `Opus`, dearest first.
    pub tiers: Vec<(Arc<str>, Sums)>,
    /// By model, as in the transcripts, dearest first.
    pub models: Vec<(Arc<str>, Sums)>,
    /// By path, dearest first; empty: unknown.
    pub projects: Vec<(Arc<str>, Sums)>,
    /// One point for every bucket, oldest first.
    pub series: Vec<SeriesPoint>,
    /// The last calls, the last first.
    pub recent: Vec<RecentCall>,
    /// Sessions, whenever they were.
    pub sessions: SessionCounts,
}

/// A bucket of a series: what of it lies in the range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesPoint {
    /// When the bucket starts; the first one may do so before the range.
    pub start: Timestamp,
    /// Its calls.
    pub sums: Sums,
    /// By kind of model, dearest first.
    pub tiers: Vec<(Arc<str>, Sums)>,
    /// By what was asked for, dearest first.
    pub parts: Vec<(Arc<str>, Sums)>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum StatsError {
    /// The series would be too long.
    #[error("{points} points, and {MOST_POINTS} are the most")]
    TooManyPoints {
        /// How many points it would have.
        points: u64,
    },
    /// The ledger.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<cco_ledger::LedgerError> for StatsError {
    fn from(error: cco_ledger::LedgerError) -> Self {
        Self::Engine(error.into())
    }
}

impl Engine {
    /// The ledger's present state: some ten microseconds.
    pub fn mark(&self) -> Result<Mark, EngineError> {
        Ok(self.ledger.mark()?)
    }

    /// The same without waiting for anybody; none: it would have to be waited for.
    pub fn mark_at_once(&self) -> Result<Option<Mark>, EngineError> {
        Ok(self.ledger.mark_at_once()?)
    }

    /// From now on sums that were read are kept here, for all engines that are given the same; an answer does not
    /// change by it.
    pub fn use_cache(&mut self, cache: Arc<SumCache>) {
        self.ledger.use_cache(cache);
    }

    /// Makes [`Self::changes_since`] quick. For those that follow the ledger: it costs a second once, and some room.
    pub fn prepare_following(&self) -> Result<(), EngineError> {
        Ok(self.ledger.prepare_following()?)
    }

    /// Calls that came or changed behind this number of the sequence, in its order, at most `limit`.
    pub fn changes_since(&self, seq: i64, limit: usize) -> Result<Vec<ChangedCall>, EngineError> {
        Ok(self.ledger.changes_since(seq, limit)?)
    }

    /// The greatest row of a call: what is told later and has a smaller one is an older call, changed. 0: there is none.
    pub fn newest_call(&self) -> Result<i64, EngineError> {
        Ok(self.ledger.newest_call()?)
    }

    /// When the first and the last call were; none: there is no call.
    pub fn first_and_last_call(&self) -> Result<Option<(Timestamp, Timestamp)>, EngineError> {
        Ok(self.ledger.ends()?.map(|(first, last)| (civil::timestamp(first), civil::timestamp(last))))
    }

    /// The kind of model that one is, such as `Opus`.
    pub fn tier(&self, model: &str) -> &str {
        self.prices.find(model).map_or(UNKNOWN_TIER, |priced| &priced.tier)
    }

    /// Sums of a stretch of time, with what they are made of.
    pub fn stats(&self, question: &StatsQuestion) -> Result<Stats, StatsError> {
        let range = milliseconds(&question.range);
        let Buckets { starts, cuts } =
            series::buckets(&range, &question.zone, question.granularity, MOST_POINTS)
                .map_err(|points| StatsError::TooManyPoints { points })?;
        let _snapshot = self.ledger.snapshot()?;
        let names = Names::of(self)?;
        let (mut all, mut projects) = (Fold::default(), SumsById::default());
        let mut points: Vec<Fold> = vec![Fold::default(); starts.len()];
        self.ledger.cells(&cuts, &question.only, Told::Coarse, &mut |cell| {
            points[cell.stretch].add(cell, question.split);
            projects.add(cell.project, &cell.sums);
        })?;
        points.iter().for_each(|point| all.merge(point));
        let series = starts.into_iter().zip(points).map(|(start, point)| SeriesPoint {
            start: civil::timestamp(start),
            tiers: names.tiers(&point.models),
            parts: match question.split {
                None => Vec::new(),
                Some(Split::Model) => named(&point.models, &names.models),
                Some(Split::Project) => named(&point.projects, &names.projects),
            },
            sums: point.sums,
        });
        let most = usize::try_from(all.sums.calls.min(MOST_RECENT)).unwrap_or(0);
        Ok(Stats {
            tiers: names.tiers(&all.models),
            models: named(&all.models, &names.models),
            projects: named(&projects, &names.projects),
            sums: all.sums,
            series: series.collect(),
            recent: self.ledger.recent(&range, &question.only, most)?,
            sessions: self.session_counts(question)?,
        })
    }

    fn session_counts(&self, question: &StatsQuestion) -> Result<SessionCounts, EngineError> {
        let now_ms = question.now.as_millisecond();
        let day = civil::day_of(now_ms, &question.zone);
        let today = civil::day_range_ms(Some(day), Some(day), &question.zone);
        Ok(self.ledger.session_counts(&(now_ms - ACTIVE_MS..now_ms + 1), &today, &question.only)?)
    }
}

/// Sums by ids of names, in order of ids: there are few.
#[derive(Clone, Default)]
struct SumsById(Vec<(i64, Sums)>);

impl SumsById {
    fn add(&mut self, id: i64, sums: &Sums) {
        match self.0.binary_search_by_key(&id, |(known, _)| *known) {
            Ok(at) => self.0[at].1 += *sums,
            Err(at) => self.0.insert(at, (id, *sums)),
        }
    }
}

/// A point of a series.
#[derive(Clone, Default)]
struct Fold {
    sums: Sums,
    models: SumsById,
    /// Only where points are told apart by them.
    projects: SumsById,
}

impl Fold {
    fn add(&mut self, cell: &Cell, split: Option<Split>) {
        self.sums += cell.sums;
        self.models.add(cell.model, &cell.sums);
        if split == Some(Split::Project) {
            self.projects.add(cell.project, &cell.sums);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.sums += other.sums;
        other.models.0.iter().for_each(|(id, sums)| self.models.add(*id, sums));
    }
}

struct Names {
    models: HashMap<i64, Arc<str>>,
    projects: HashMap<i64, Arc<str>>,
    /// The kind of each model.
    tiers: HashMap<i64, Arc<str>>,
}

impl Names {
    fn of(engine: &Engine) -> Result<Self, EngineError> {
        let models: HashMap<i64, Arc<str>> = engine.ledger.named(Named::Model)?.into_iter().collect();
        Ok(Self {
            tiers: models.iter().map(|(id, model)| (*id, engine.tier(model).into())).collect(),
            models,
            projects: engine.ledger.named(Named::Project)?.into_iter().collect(),
        })
    }

    fn tiers(&self, models: &SumsById) -> Vec<(Arc<str>, Sums)> {
        let mut tiers: Vec<(Arc<str>, Sums)> = Vec::new();
        for (id, sums) in &models.0 {
            let tier = self.tiers.get(id).cloned().unwrap_or_else(|| UNKNOWN_TIER.into());
            match tiers.iter_mut().find(|(known, _)| *known == tier) {
                Some((_, known)) => *known += *sums,
                None => tiers.push((tier, *sums)),
            }
        }
        dearest_first(tiers)
    }
}

fn named(sums: &SumsById, names: &HashMap<i64, Arc<str>>) -> Vec<(Arc<str>, Sums)> {
    let name = |id: &i64| names.get(id).cloned().unwrap_or_default();
    dearest_first(sums.0.iter().map(|(id, sums)| (name(id), *sums)).collect())
}

/// Of equals, the one with more tokens, then by name.
fn dearest_first<N: Ord>(mut parts: Vec<(N, Sums)>) -> Vec<(N, Sums)> {
    let weight = |sums: &Sums| std::cmp::Reverse((sums.cost, sums.tokens.total()));
    parts.sort_by(|(name, sums), (other, others)| (weight(sums), name).cmp(&(weight(others), other)));
    parts
}

/// The milliseconds of a half-open range. What begins inside of one begins with the next: calls have whole ones.
fn milliseconds(range: &Range<Timestamp>) -> Range<i64> {
    let up = |at: Timestamp| {
        at.as_millisecond()
            + i64::from(Timestamp::from_millisecond(at.as_millisecond()).is_ok_and(|whole| whole < at))
    };
    let start = up(range.start);
    start..up(range.end).max(start)
}
