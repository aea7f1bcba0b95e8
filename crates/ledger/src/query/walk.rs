//! The one way to rows of sums, from roll-ups or from single calls: in order of time, those that are asked for.

use std::ops::Range;

use rusqlite::Row;

use super::Total;
use super::only::{Marks, Only};
use crate::rollup::Kind;
use crate::{Ledger, LedgerError};

/// Where rows come from, and so what their unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Sums; the unit is the kind's bucket.
    Rollup(Kind),
    /// Single calls; the unit is a UTC millisecond.
    Calls,
}

/// What rows have to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// All there is.
    Everything,
    /// Not branches, nor who worked: these may be 0.
    Coarse,
}

/// Sums of calls of one unit that have all marks in common, not read yet.
pub(super) struct Found<'r> {
    pub(super) unit: i64,
    pub(super) marks: Marks,
    total: Where<'r>,
}

/// Where the sums are.
enum Where<'r> {
    Row(&'r Row<'r>),
    Memory(&'r Total),
}

impl Found<'_> {
    pub(super) fn total(&self) -> rusqlite::Result<Total> {
        match self.total {
            Where::Row(row) => {
                let mut total = Total::default();
                total.add(row, FIRST_SUM)?;
                Ok(total)
            }
            Where::Memory(total) => Ok(*total),
        }
    }
}

/// The column in which sums begin.
const FIRST_SUM: usize = 6;

impl Ledger {
    /// Tells every row of these units (half-open) that is asked for, in order of units.
    pub(super) fn rows(
        &self,
        source: Source,
        units: Range<i64>,
        only: &Only,
        each: &mut dyn FnMut(&Found<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), LedgerError> {
        self.told_rows(source, units, only, Told::Everything, each)
    }

    /// The same, where rows need not tell everything apart. Who asks for branches has them told.
    pub(super) fn told_rows(
        &self,
        source: Source,
        units: Range<i64>,
        only: &Only,
        told: Told,
        each: &mut dyn FnMut(&Found<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), LedgerError> {
        let told = if only.branches.is_some() { Told::Everything } else { told };
        let cached = match source {
            Source::Rollup(kind) => self.cached_rows(kind, &units, told)?,
            Source::Calls => None,
        };
        let Some(cached) = cached else { return self.read_rows(source, units, only, each) };
        for row in cached.iter().flat_map(|block| block.iter()) {
            if units.contains(&row.unit) && only.holds(&row.marks) {
                each(&Found { unit: row.unit, marks: row.marks, total: Where::Memory(&row.total) })?;
            }
        }
        Ok(())
    }

    /// The same, read by SQLite.
    pub(super) fn read_rows(
        &self,
        source: Source,
        units: Range<i64>,
        only: &Only,
        each: &mut dyn FnMut(&Found<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), LedgerError> {
        let (kind, sql) = match source {
            // The table's key is in this order: nothing is sorted.
            Source::Rollup(kind) => (
                kind as i64,
                concat!(
                    "SELECT bucket, project_id, branch_id, attribution_id, model_id, account_id, ",
                    sums!(),
                    " FROM rollup WHERE kind = ?1 AND bucket BETWEEN ?2 AND ?3 ORDER BY bucket"
                ),
            ),
            Source::Calls => (
                0,
                concat!(
                    "SELECT at_ms, project_id, branch_id, attribution_id, model_id, account_id, ",
                    call_sums!(),
                    " FROM call WHERE ?1 = 0 AND at_ms BETWEEN ?2 AND ?3 ORDER BY at_ms"
                ),
            ),
        };
        let mut select = self.connection.prepare_cached(sql)?;
        let mut rows = select.query([kind, units.start, units.end.saturating_sub(1)])?;
        while let Some(row) = rows.next()? {
            let marks = Marks {
                project: row.get(1)?,
                branch: row.get(2)?,
                attribution: row.get(3)?,
                model: row.get(4)?,
                account: row.get(5)?,
            };
            if only.holds(&marks) {
                each(&Found { unit: row.get(0)?, marks, total: Where::Row(row) })?;
            }
        }
        Ok(())
    }
}
