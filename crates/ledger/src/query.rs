//! The questions that reports ask: sums from the roll-ups, single calls only where a sum would not be exact.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;

use cco_model::civil;
use cco_model::money::NanoUsd;
use cco_model::sums::Sums;
use cco_model::tokens::Tokens;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rusqlite::{Row, params};

use crate::rollup::{day_number, day_of_number};
use crate::write::{SoftError, path_of};
use crate::{Ledger, LedgerError};

/// Calls of one model in a stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelPart {
    /// Model name as in the transcripts.
    pub model: String,
    /// Its calls.
    pub sums: Sums,
    /// The first of them, UTC milliseconds.
    pub first_ms: i64,
    /// The last of them, UTC milliseconds.
    pub last_ms: i64,
}

/// Calls of one session, project and model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPart {
    /// Session id; empty where rows had none.
    pub session: String,
    /// Project path; empty where unknown.
    pub project: String,
    /// What was called.
    pub part: ModelPart,
}

/// Uses of one tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolSums {
    /// Its name.
    pub tool: String,
    /// How often it was used.
    pub uses: u64,
    /// How often that failed.
    pub failures: u64,
}

/// Column list of sums over roll-up rows, in the order that [`sums_of`] reads.
macro_rules! sums {
    () => {
        "sum(calls), sum(input), sum(output), sum(cache_write_5m), sum(cache_write_1h), sum(cache_read),
         sum(web_search), sum(cost_nanos), sum(savings_nanos), sum(unpriced_calls), sum(unpriced_tokens),
         min(first_ms), max(last_ms)"
    };
}

/// The same over rows of `call`.
macro_rules! call_sums {
    () => {
        "count(*), sum(input), sum(output), sum(cache_write_5m), sum(cache_write_1h), sum(cache_read),
         sum(web_search), sum(cost_nanos), sum(savings_nanos), sum(flags & 32 = 0),
         sum(CASE WHEN flags & 32 = 0 THEN input + output + cache_write_5m + cache_write_1h + cache_read ELSE 0 END),
         min(at_ms), max(at_ms)"
    };
}

/// One state of the ledger, however many questions are asked of it and whoever writes meanwhile.
pub struct Snapshot<'l> {
    _transaction: Option<rusqlite::Transaction<'l>>,
}

impl Ledger {
    /// Holds the ledger's present state for all questions that follow, until it is dropped. Inside another snapshot
    /// it is that one.
    pub fn snapshot(&self) -> Result<Snapshot<'_>, LedgerError> {
        let begin = self.connection.is_autocommit();
        let transaction = begin.then(|| self.connection.unchecked_transaction()).transpose()?;
        Ok(Snapshot { _transaction: transaction })
    }

    /// Sums by day and model, in order of days. Days are of `zone`; `days` is inclusive.
    pub fn days(
        &self,
        days: (Option<Date>, Option<Date>),
        zone: &TimeZone,
    ) -> Result<Vec<(Date, ModelPart)>, LedgerError> {
        if *zone == self.zone {
            let bounds = day_bounds(days);
            let parts = self.parts(
                concat!(
                    "SELECT model_id, bucket, ", sums!(),
                    " FROM rollup WHERE kind = 4 AND bucket BETWEEN ?1 AND ?2 GROUP BY bucket, model_id ORDER BY bucket"
                ),
                bounds,
            )?;
            return Ok(parts.into_iter().map(|(day, part)| (day_of_number(day), part)).collect());
        }
        let quarters = self.quarters(&civil::day_range_ms(days.0, days.1, zone))?;
        Ok(quarters
            .into_iter()
            .map(|(quarter, part)| (civil::day_of(quarter * civil::QUARTER_MS, zone), part))
            .collect())
    }

    /// Sums by quarter hour (counted from 1970 UTC) and model, in order of time, for a range of UTC milliseconds
    /// whose ends are whole quarters.
    pub fn quarters(&self, range: &Range<i64>) -> Result<Vec<(i64, ModelPart)>, LedgerError> {
        let bounds = (civil::quarter_of(range.start), civil::quarter_of(range.end.saturating_sub(1)));
        self.parts(
            concat!(
                "SELECT model_id, bucket, ", sums!(),
                " FROM rollup WHERE kind = 1 AND bucket BETWEEN ?1 AND ?2 GROUP BY bucket, model_id ORDER BY bucket"
            ),
            bounds,
        )
    }

    /// Single calls of a range of UTC milliseconds, in order of time, each as a part of its own.
    pub fn calls(&self, range: &Range<i64>) -> Result<Vec<ModelPart>, LedgerError> {
        let parts = self.parts(
            concat!(
                "SELECT model_id, at_ms, ",
                call_sums!(),
                " FROM call WHERE at_ms BETWEEN ?1 AND ?2 GROUP BY at_ms, id ORDER BY at_ms"
            ),
            (range.start, range.end.saturating_sub(1)),
        )?;
        Ok(parts.into_iter().map(|(_, part)| part).collect())
    }

    /// Sums by session, project and model. With a range of UTC milliseconds, of the calls in it alone.
    pub fn sessions(&self, range: Option<&Range<i64>>) -> Result<Vec<SessionPart>, LedgerError> {
        let sql = if range.is_some() {
            concat!(
                "SELECT model_id, session_id, ",
                call_sums!(),
                ", project_id FROM call WHERE at_ms BETWEEN ?1 AND ?2 GROUP BY session_id, project_id, model_id"
            )
        } else {
            concat!(
                "SELECT model_id, bucket, ",
                sums!(),
                ", project_id FROM rollup WHERE kind = 3 AND ?1 <= ?2 GROUP BY bucket, project_id, model_id"
            )
        };
        let (from, to) = range.map_or((0, 0), |range| (range.start, range.end.saturating_sub(1)));
        let models = self.names("SELECT id, name FROM model")?;
        let sessions = self.names("SELECT id, name FROM session")?;
        let projects = self.names("SELECT id, name FROM project")?;
        let name = |names: &HashMap<i64, String>, id: i64| names.get(&id).cloned().unwrap_or_default();
        let mut select = self.connection.prepare_cached(sql)?;
        let rows = select.query_map([from, to], |row| {
            Ok(SessionPart {
                session: name(&sessions, row.get(1)?),
                project: name(&projects, row.get(15)?),
                part: part_of(row, &models)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Sums by project path on these days of `zone`; empty path: unknown.
    pub fn projects(
        &self,
        days: (Option<Date>, Option<Date>),
        zone: &TimeZone,
    ) -> Result<Vec<(String, Sums)>, LedgerError> {
        let (sql, bounds) = if *zone == self.zone {
            let sql = concat!(
                "SELECT project_id, 0, ",
                sums!(),
                " FROM rollup WHERE kind = 2 AND bucket BETWEEN ?1 AND ?2 GROUP BY project_id"
            );
            (sql, day_bounds(days))
        } else {
            let range = civil::day_range_ms(days.0, days.1, zone);
            let sql = concat!(
                "SELECT project_id, 0, ",
                sums!(),
                " FROM rollup WHERE kind = 1 AND bucket BETWEEN ?1 AND ?2 GROUP BY project_id"
            );
            (sql, (civil::quarter_of(range.start), civil::quarter_of(range.end.saturating_sub(1))))
        };
        let projects = self.names("SELECT id, name FROM project")?;
        let mut select = self.connection.prepare_cached(sql)?;
        let rows = select.query_map([bounds.0, bounds.1], |row| {
            Ok((projects.get(&row.get(0)?).cloned().unwrap_or_default(), sums_of(row, 2)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Uses and failures of each tool, by name.
    pub fn tools(&self) -> Result<Vec<ToolSums>, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT tool.name, count(*), sum(failed) FROM tool_use JOIN tool ON tool.id = tool_id
             GROUP BY tool_id ORDER BY tool.name",
        )?;
        let rows = select.query_map([], |row| {
            let count = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
            Ok(ToolSums { tool: row.get(0)?, uses: count(1)?, failures: count(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Every damaged line and odd row of the transcripts that are still there, by path and offset.
    pub fn soft_errors(&self) -> Result<Vec<(PathBuf, SoftError)>, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT path, soft_error.\"offset\", kind, detail FROM soft_error JOIN transcript ON id = transcript_id
             WHERE NOT gone ORDER BY path, 2",
        )?;
        let rows = select.query_map([], |row| {
            let count = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
            let soft = SoftError { offset: count(1)?, kind: row.get(2)?, detail: count(3)? };
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

    /// Runs a query whose columns are model id, bucket and sums.
    fn parts(&self, sql: &'static str, (from, to): (i64, i64)) -> Result<Vec<(i64, ModelPart)>, LedgerError> {
        let models = self.names("SELECT id, name FROM model")?;
        let mut select = self.connection.prepare_cached(sql)?;
        let rows = select.query_map(params![from, to], |row| Ok((row.get(1)?, part_of(row, &models)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn names(&self, sql: &'static str) -> Result<HashMap<i64, String>, LedgerError> {
        let mut select = self.connection.prepare_cached(sql)?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn day_bounds((since, until): (Option<Date>, Option<Date>)) -> (i64, i64) {
    (since.map_or(i64::MIN, day_number), until.map_or(i64::MAX, day_number))
}

fn part_of(row: &Row<'_>, models: &HashMap<i64, String>) -> rusqlite::Result<ModelPart> {
    Ok(ModelPart {
        model: models.get(&row.get(0)?).cloned().unwrap_or_default(),
        sums: sums_of(row, 2)?,
        first_ms: row.get(13)?,
        last_ms: row.get(14)?,
    })
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
