//! The questions that reports ask: sums from the roll-ups, single calls only where a sum would not be exact.

/// Column list of sums of a roll-up row, in the order that [`sums_of`] reads, with first and last time.
macro_rules! sums {
    () => {
        "calls, input, output, cache_write_5m, cache_write_1h, cache_read, web_search, cost_nanos, savings_nanos,
         unpriced_calls, unpriced_tokens, first_ms, last_ms"
    };
}

/// The same of a call.
macro_rules! call_sums {
    () => {
        "1, input, output, cache_write_5m, cache_write_1h, cache_read, web_search, cost_nanos, savings_nanos,
         flags & 32 = 0,
         CASE WHEN flags & 32 = 0 THEN input + output + cache_write_5m + cache_write_1h + cache_read ELSE 0 END,
         at_ms, at_ms"
    };
}
pub(crate) use call_sums;

mod cache;
mod changes;
mod exact;
mod names;
mod only;
mod recent;
mod session;
mod sessions;
mod sources;
mod spans;
mod tools;
mod walk;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use cco_model::civil;
use cco_model::money::NanoUsd;
use cco_model::sums::Sums;
use cco_model::tokens::Tokens;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rusqlite::Row;

pub use self::cache::SumCache;
pub use self::changes::{ChangedCall, Mark};
pub use self::exact::Cell;
pub use self::names::Named;
pub use self::only::Only;
pub use self::recent::RecentCall;
pub use self::session::{SessionCall, SessionTools};
pub use self::sessions::{SessionCounts, SessionPart};
pub use self::sources::{LastAsked, Sizes, TranscriptFacts};
pub use self::spans::SessionPlace;
pub use self::tools::ToolSums;
pub use self::walk::Told;
use crate::rollup::{Kind, day_number, day_of_number, month_number, month_of_number};
use crate::write::{SoftError, SoftKind, path_of};
use crate::{Ledger, LedgerError};
use names::Names;
pub(crate) use only::Marks;
use walk::Source;

/// Calls of one model in a stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelPart {
    /// Model name as in the transcripts.
    pub model: Arc<str>,
    /// Its calls.
    pub sums: Sums,
    /// The first of them, UTC milliseconds.
    pub first_ms: i64,
    /// The last of them, UTC milliseconds.
    pub last_ms: i64,
}

/// Calls of one model in a quarter hour, all of them asked for or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarterPart {
    /// The quarter hour, counted from 1970 UTC.
    pub quarter: i64,
    /// They are among those that the question is about.
    pub asked: bool,
    /// What was called.
    pub part: ModelPart,
}

/// Which calls are asked for.
#[derive(Clone, Debug)]
pub struct Question {
    /// The first and the last day, both included; none: without that bound.
    pub days: (Option<Date>, Option<Date>),
    /// Whose days.
    pub zone: TimeZone,
    /// Which of the calls on them.
    pub only: Only,
}

/// What groups of calls are told apart by; models always are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct By {
    /// The day, in the question's zone.
    pub day: bool,
    /// The project.
    pub project: bool,
    /// The branch.
    pub branch: bool,
    /// Agent, skill, plugin and MCP server.
    pub attribution: bool,
}

/// Calls of one model in a group. What groups are not told apart by is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The day.
    pub day: Option<Date>,
    /// Project path; empty where unknown.
    pub project: Arc<str>,
    /// Branch; empty where unknown.
    pub branch: Arc<str>,
    /// Who worked.
    pub attribution: Arc<Attribution>,
    /// What was called.
    pub part: ModelPart,
}

/// Who worked, by name; all empty: the main thread itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attribution {
    /// Agent type.
    pub agent: String,
    /// Skill.
    pub skill: String,
    /// Plugin.
    pub plugin: String,
    /// MCP server.
    pub mcp_server: String,
}

/// One state of the ledger, however many questions are asked of it and whoever writes meanwhile.
pub struct Snapshot<'l> {
    ledger: &'l Ledger,
    /// None: another snapshot holds the state.
    transaction: Option<rusqlite::Transaction<'l>>,
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        if self.transaction.is_some() {
            self.ledger.cached_at.set(None);
        }
    }
}

/// The sums of a group so far.
#[derive(Clone, Copy)]
struct Total {
    sums: Sums,
    first_ms: i64,
    last_ms: i64,
}

impl Total {
    /// Adds a row whose sums stand in the columns from `first` on.
    fn add(&mut self, row: &Row<'_>, first: usize) -> rusqlite::Result<()> {
        self.merge(&Self {
            sums: sums_of(row, first)?,
            first_ms: row.get(first + 11)?,
            last_ms: row.get(first + 12)?,
        });
        Ok(())
    }

    fn merge(&mut self, other: &Self) {
        self.sums += other.sums;
        self.first_ms = self.first_ms.min(other.first_ms);
        self.last_ms = self.last_ms.max(other.last_ms);
    }

    fn part(self, model: Arc<str>) -> ModelPart {
        ModelPart { model, sums: self.sums, first_ms: self.first_ms, last_ms: self.last_ms }
    }
}

impl Default for Total {
    fn default() -> Self {
        Self { sums: Sums::default(), first_ms: i64::MAX, last_ms: i64::MIN }
    }
}

/// Day, project, branch, attribution, model; 0 for what groups are not told apart by.
type GroupKey = (i64, i64, i64, i64, i64);

impl Ledger {
    /// Holds the ledger's present state for all questions that follow, until it is dropped. Inside another snapshot
    /// it is that one.
    pub fn snapshot(&self) -> Result<Snapshot<'_>, LedgerError> {
        let begin = self.connection.is_autocommit();
        let transaction = begin.then(|| self.connection.unchecked_transaction()).transpose()?;
        let snapshot = Snapshot { ledger: self, transaction };
        if begin {
            self.cached_at.set(self.follow_with_cache()?);
        }
        Ok(snapshot)
    }

    /// Sums of calls by group and model, in order of days and then of when names were first seen.
    pub fn groups(&self, question: &Question, by: By) -> Result<Vec<Group>, LedgerError> {
        let mut totals: BTreeMap<GroupKey, Total> = BTreeMap::new();
        for (kind, from, to) in self.spans(question, by) {
            let mut day = DayOfBucket::new(kind, by.day, &question.zone);
            let units = from..to.saturating_add(1);
            // Grouped here and not by SQL, which would sort all rows: half the time.
            self.rows(Source::Rollup(kind), units, &question.only, &mut |row| {
                let marks = row.marks;
                let key = (
                    day.of(row.unit),
                    if by.project { marks.project } else { 0 },
                    if by.branch { marks.branch } else { 0 },
                    if by.attribution { marks.attribution } else { 0 },
                    marks.model,
                );
                totals.entry(key).or_default().merge(&row.total()?);
                Ok(())
            })?;
        }
        let (models, projects) = (self.names(Named::Model)?, self.names(Named::Project)?);
        let branches = if by.branch { self.names(Named::Branch)? } else { Names::default() };
        let attributions = if by.attribution { self.attributions()? } else { HashMap::new() };
        let group = |((day, project, branch, attribution, model), total): (GroupKey, Total)| Group {
            day: by.day.then(|| day_of_number(day)),
            project: projects.get(project),
            branch: branches.get(branch),
            attribution: attributions.get(&attribution).cloned().unwrap_or_default(),
            part: total.part(models.get(model)),
        };
        Ok(totals.into_iter().map(group).collect())
    }

    /// Which roll-up rows answer a question: the coarsest that tell apart what must be, from bucket to bucket.
    fn spans(&self, question: &Question, by: By) -> Vec<(Kind, i64, i64)> {
        let (since, until) = question.days;
        if question.zone != self.zone {
            let range = civil::day_range_ms(since, until, &question.zone);
            let last = civil::quarter_of(range.end.saturating_sub(1));
            return vec![(Kind::Quarter, civil::quarter_of(range.start), last)];
        }
        let (first, last) = (since.map_or(i64::MIN, day_number), until.map_or(i64::MAX, day_number));
        if !by.project
            && !by.branch
            && !by.attribution
            && question.only.projects.is_none()
            && question.only.branches.is_none()
        {
            return vec![(Kind::ModelDay, first, last)];
        }
        if by.day {
            return vec![(Kind::Day, first, last)];
        }
        // Whole months, and the days before and behind them.
        let first_month = since.map_or(i64::MIN, |day| month_number(day) + i64::from(day.day() > 1));
        let last_month =
            until.map_or(i64::MAX, |day| month_number(day) - i64::from(day < day.last_of_month()));
        if first_month > last_month {
            return vec![(Kind::Day, first, last)];
        }
        let mut spans = vec![(Kind::Month, first_month, last_month)];
        if since.is_some() {
            spans.push((Kind::Day, first, day_number(month_of_number(first_month)) - 1));
        }
        if until.is_some() {
            spans.push((Kind::Day, day_number(month_of_number(last_month + 1)), last));
        }
        spans
    }

    /// Sums of all calls by quarter hour and model, in order of time, for a range of UTC milliseconds whose ends are
    /// whole quarters; those that are asked for stand by themselves.
    pub fn quarters(&self, range: &Range<i64>, only: &Only) -> Result<Vec<QuarterPart>, LedgerError> {
        let mut totals: BTreeMap<(i64, i64, bool), Total> = BTreeMap::new();
        let units = civil::quarter_of(range.start)..civil::quarter_of(range.end.saturating_sub(1)) + 1;
        self.rows(Source::Rollup(Kind::Quarter), units, &Only::default(), &mut |row| {
            let key = (row.unit, row.marks.model, only.holds(&row.marks));
            totals.entry(key).or_default().merge(&row.total()?);
            Ok(())
        })?;
        let models = self.names(Named::Model)?;
        let part = |((quarter, model, asked), total): ((i64, i64, bool), Total)| QuarterPart {
            quarter,
            asked,
            part: total.part(models.get(model)),
        };
        Ok(totals.into_iter().map(part).collect())
    }

    /// All single calls of a range of UTC milliseconds, in order of time, each as a part of its own.
    pub fn calls(&self, range: &Range<i64>, only: &Only) -> Result<Vec<QuarterPart>, LedgerError> {
        let models = self.names(Named::Model)?;
        let mut parts = Vec::new();
        self.rows(Source::Calls, range.clone(), &Only::default(), &mut |row| {
            parts.push(QuarterPart {
                quarter: civil::quarter_of(row.unit),
                asked: only.holds(&row.marks),
                part: row.total()?.part(models.get(row.marks.model)),
            });
            Ok(())
        })?;
        Ok(parts)
    }

    /// Every damaged line and odd row of the transcripts that are still there, by path and offset.
    pub fn soft_errors(&self) -> Result<Vec<(PathBuf, SoftError)>, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT path, soft_error.\"offset\", kind, detail FROM soft_error JOIN transcript ON id = transcript_id
             WHERE NOT gone ORDER BY path, 2",
        )?;
        let rows = select.query_map([], |row| {
            let count = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
            let soft = SoftError { offset: count(1)?, kind: SoftKind::of(row.get(2)?), detail: count(3)? };
            Ok((path_of(row.get(0)?), soft))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When the first and the last call were, UTC milliseconds; none: there is no call.
    pub fn ends(&self) -> Result<Option<(i64, i64)>, LedgerError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT (SELECT min(at_ms) FROM call), (SELECT max(at_ms) FROM call)")?;
        let ends =
            select.query_row([], |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?)))?;
        Ok(ends.0.zip(ends.1))
    }

    /// How many calls there are, and when the last one was (UTC milliseconds).
    pub fn extent(&self) -> Result<(u64, Option<i64>), LedgerError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT coalesce(sum(calls), 0), max(last_ms) FROM rollup WHERE kind = 4")?;
        let extent = select.query_row([], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?)))?;
        Ok(extent)
    }
}

/// The number of the day of a roll-up's bucket. Rows come in order of buckets, so each day is worked out once.
struct DayOfBucket<'z> {
    kind: Kind,
    wanted: bool,
    zone: &'z TimeZone,
    last: Option<(i64, i64)>,
}

impl<'z> DayOfBucket<'z> {
    fn new(kind: Kind, wanted: bool, zone: &'z TimeZone) -> Self {
        Self { kind, wanted, zone, last: None }
    }

    fn of(&mut self, bucket: i64) -> i64 {
        match (self.wanted, self.kind) {
            (false, _) => 0,
            (true, Kind::Quarter) => match self.last {
                Some((quarter, day)) if quarter == bucket => day,
                _ => {
                    let day = day_number(civil::day_of(bucket * civil::QUARTER_MS, self.zone));
                    self.last = Some((bucket, day));
                    day
                }
            },
            (true, _) => bucket,
        }
    }
}

/// Sums in the columns from `first` on.
pub(crate) fn sums_of(row: &Row<'_>, first: usize) -> rusqlite::Result<Sums> {
    let number = |column: usize| row.get::<_, i64>(first + column);
    let count = |column: usize| number(column).map(i64::cast_unsigned);
    Ok(Sums {
        calls: count(0)?,
        tokens: Tokens {
            input: count(1)?,
            output: count(2)?,
            cache_write_5m: count(3)?,
            cache_write_1h: count(4)?,
            cache_read: count(5)?,
        },
        web_search: count(6)?,
        cost: NanoUsd(number(7)?),
        savings: NanoUsd(number(8)?),
        unpriced_calls: count(9)?,
        unpriced_tokens: count(10)?,
    })
}
