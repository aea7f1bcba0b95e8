//! The questions that reports ask: sums from the roll-ups, single calls only where a sum would not be exact.

mod changes;
mod tools;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use cco_model::civil;
use cco_model::money::NanoUsd;
use cco_model::sums::Sums;
use cco_model::tokens::Tokens;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rusqlite::{Row, params};

pub use self::tools::ToolSums;
use crate::rollup::{Kind, day_number, day_of_number, month_number, month_of_number};
use crate::write::{SoftError, SoftKind, path_of};
use crate::{Ledger, LedgerError};

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

/// Calls of one session, project and model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPart {
    /// Session id; empty where rows had none.
    pub session: Arc<str>,
    /// Project path; empty where unknown.
    pub project: Arc<str>,
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

/// Ids of names that calls must have ([`Ledger::named`]); none: any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Only {
    /// Their project.
    pub projects: Option<HashSet<i64>>,
    /// Their model.
    pub models: Option<HashSet<i64>>,
    /// Their account; 0 is an unknown one.
    pub accounts: Option<HashSet<i64>>,
}

impl Only {
    /// Nothing is left out.
    pub fn is_everything(&self) -> bool {
        self.projects.is_none() && self.models.is_none() && self.accounts.is_none()
    }

    pub(crate) fn holds(&self, project: i64, model: i64, account: i64) -> bool {
        let in_set = |set: &Option<HashSet<i64>>, id| set.as_ref().is_none_or(|set| set.contains(&id));
        in_set(&self.projects, project) && in_set(&self.models, model) && in_set(&self.accounts, account)
    }
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

/// Things that have names and can be asked for by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// Projects, by path.
    Project,
    /// Models, as in the transcripts.
    Model,
    /// Sessions, by id.
    Session,
}

/// One state of the ledger, however many questions are asked of it and whoever writes meanwhile.
pub struct Snapshot<'l> {
    _transaction: Option<rusqlite::Transaction<'l>>,
}

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

/// The sums of a group so far.
struct Total {
    sums: Sums,
    first_ms: i64,
    last_ms: i64,
}

impl Total {
    /// Adds a row whose sums stand in the columns from `first` on.
    fn add(&mut self, row: &Row<'_>, first: usize) -> rusqlite::Result<()> {
        self.sums += sums_of(row, first)?;
        self.first_ms = self.first_ms.min(row.get(first + 11)?);
        self.last_ms = self.last_ms.max(row.get(first + 12)?);
        Ok(())
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
        Ok(Snapshot { _transaction: transaction })
    }

    /// Sums of calls by group and model, in order of days and then of when names were first seen.
    pub fn groups(&self, question: &Question, by: By) -> Result<Vec<Group>, LedgerError> {
        let mut totals: BTreeMap<GroupKey, Total> = BTreeMap::new();
        for (kind, from, to) in self.spans(question, by) {
            let mut day = DayOfBucket::new(kind, by.day, &question.zone);
            // Grouped here and not by SQL, which would sort all rows: half the time.
            let mut select = self.connection.prepare_cached(concat!(
                "SELECT bucket, project_id, branch_id, attribution_id, model_id, account_id, ",
                sums!(),
                " FROM rollup WHERE kind = ?1 AND bucket BETWEEN ?2 AND ?3"
            ))?;
            let mut rows = select.query(params![kind as i64, from, to])?;
            while let Some(row) = rows.next()? {
                let (project, model) = (row.get(1)?, row.get(4)?);
                if !question.only.holds(project, model, row.get(5)?) {
                    continue;
                }
                let key = (
                    day.of(row.get(0)?),
                    if by.project { project } else { 0 },
                    if by.branch { row.get(2)? } else { 0 },
                    if by.attribution { row.get(3)? } else { 0 },
                    model,
                );
                totals.entry(key).or_default().add(row, 6)?;
            }
        }
        let (models, projects) = (self.names(Named::Model)?, self.names(Named::Project)?);
        let branches = if by.branch { self.branches()? } else { Names::default() };
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
        if !by.project && !by.branch && !by.attribution && question.only.projects.is_none() {
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
        let mut select = self.connection.prepare_cached(concat!(
            "SELECT bucket, project_id, model_id, account_id, ",
            sums!(),
            " FROM rollup WHERE kind = 1 AND bucket BETWEEN ?1 AND ?2"
        ))?;
        let last = civil::quarter_of(range.end.saturating_sub(1));
        let mut rows = select.query([civil::quarter_of(range.start), last])?;
        while let Some(row) = rows.next()? {
            let model = row.get(2)?;
            let asked = only.holds(row.get(1)?, model, row.get(3)?);
            totals.entry((row.get(0)?, model, asked)).or_default().add(row, 4)?;
        }
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
        let mut select = self.connection.prepare_cached(concat!(
            "SELECT project_id, model_id, account_id, ",
            call_sums!(),
            " FROM call WHERE at_ms BETWEEN ?1 AND ?2 ORDER BY at_ms"
        ))?;
        let rows = select.query_map([range.start, range.end.saturating_sub(1)], |row| {
            let (project, model, account) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let mut call = Total::default();
            call.add(row, 3)?;
            Ok(QuarterPart {
                quarter: civil::quarter_of(call.first_ms),
                asked: only.holds(project, model, account),
                part: call.part(models.get(model)),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Sums by session, project and model, of the calls in a range of UTC milliseconds.
    pub fn sessions(&self, range: &Range<i64>, only: &Only) -> Result<Vec<SessionPart>, LedgerError> {
        let mut totals: BTreeMap<[i64; 4], Total> = BTreeMap::new();
        let mut astride: HashSet<[i64; 4]> = HashSet::new();
        let last = range.end.saturating_sub(1);
        let mut select = self.connection.prepare_cached(concat!(
            "SELECT bucket, project_id, model_id, account_id, ",
            sums!(),
            " FROM rollup WHERE kind = 3 AND last_ms >= ?1 AND first_ms <= ?2"
        ))?;
        let mut rows = select.query([range.start, last])?;
        while let Some(row) = rows.next()? {
            let key = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
            if !only.holds(key[1], key[2], key[3]) {
                continue;
            }
            let (first_ms, last_ms): (i64, i64) = (row.get(15)?, row.get(16)?);
            if range.contains(&first_ms) && range.contains(&last_ms) {
                totals.entry(key).or_default().add(row, 4)?;
            } else {
                astride.insert(key);
            }
        }
        // Sessions that began before the range or went on behind it: their calls in it, one by one.
        let mut select = self.connection.prepare_cached(concat!(
            "SELECT session_id, project_id, model_id, account_id, ",
            call_sums!(),
            " FROM call WHERE session_id = ?1 AND at_ms BETWEEN ?2 AND ?3"
        ))?;
        for session in astride.iter().map(|key| key[0]).collect::<HashSet<i64>>() {
            let mut rows = select.query([session, range.start, last])?;
            while let Some(row) = rows.next()? {
                let key = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
                if astride.contains(&key) {
                    totals.entry(key).or_default().add(row, 4)?;
                }
            }
        }
        let (models, projects) = (self.names(Named::Model)?, self.names(Named::Project)?);
        let sessions = self.names(Named::Session)?;
        let part = |([session, project, model, _], total): ([i64; 4], Total)| SessionPart {
            session: sessions.get(session),
            project: projects.get(project),
            part: total.part(models.get(model)),
        };
        Ok(totals.into_iter().map(part).collect())
    }

    /// Every name of a kind with its id, in the order in which they were first seen.
    pub fn named(&self, named: Named) -> Result<Vec<(i64, Arc<str>)>, LedgerError> {
        let mut names: Vec<(i64, Arc<str>)> = self.names(named)?.0.into_iter().collect();
        names.sort_unstable_by_key(|(id, _)| *id);
        Ok(names)
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

    /// How many calls there are, and when the last one was (UTC milliseconds).
    pub fn extent(&self) -> Result<(u64, Option<i64>), LedgerError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT coalesce(sum(calls), 0), max(last_ms) FROM rollup WHERE kind = 4")?;
        let extent = select.query_row([], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?)))?;
        Ok(extent)
    }

    fn names(&self, named: Named) -> Result<Names, LedgerError> {
        self.names_by(match named {
            Named::Project => "SELECT id, name FROM project",
            Named::Model => "SELECT id, name FROM model",
            Named::Session => "SELECT id, name FROM session",
        })
    }

    fn branches(&self) -> Result<Names, LedgerError> {
        self.names_by("SELECT id, name FROM branch")
    }

    fn names_by(&self, sql: &'static str) -> Result<Names, LedgerError> {
        let mut select = self.connection.prepare_cached(sql)?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?.into())))?;
        Ok(Names(rows.collect::<Result<_, _>>()?))
    }

    fn attributions(&self) -> Result<HashMap<i64, Arc<Attribution>>, LedgerError> {
        let mut select =
            self.connection.prepare_cached("SELECT id, agent, skill, plugin, mcp_server FROM attribution")?;
        let rows = select.query_map([], |row| {
            let attribution = Attribution {
                agent: row.get(1)?,
                skill: row.get(2)?,
                plugin: row.get(3)?,
                mcp_server: row.get(4)?,
            };
            Ok((row.get(0)?, Arc::new(attribution)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Names by id.
#[derive(Default)]
struct Names(HashMap<i64, Arc<str>>);

impl Names {
    /// The name of an id; empty for 0, which is unknown.
    fn get(&self, id: i64) -> Arc<str> {
        self.0.get(&id).cloned().unwrap_or_default()
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
