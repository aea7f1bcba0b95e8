//! How often tools were used, and how often that failed.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use cco_model::civil;
use jiff::civil::Date;
use rusqlite::params;

use super::Question;
use super::only::{Marks, Only};
use crate::rollup::day_number;
use crate::{Ledger, LedgerError};

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

/// Of more calls than these a walk over all uses is quicker than one look-up for each: 5 µs, and 100 ms at a million.
const FEW: usize = 20_000;

/// Tool 0 failed before its use was seen, and is none yet.
const USES_OF_CALL: &str = "SELECT tool_id, failed FROM tool_use WHERE call_id = ?1 AND tool_id <> 0";

/// Uses and failures by tool.
type Counts = BTreeMap<i64, (u64, u64)>;

impl Ledger {
    /// Uses and failures of each tool, by name. A use belongs to its call; one without a call is told when all are
    /// asked for.
    pub fn tools(&self, question: &Question) -> Result<Vec<ToolSums>, LedgerError> {
        let ever = question.days == (None, None);
        // The sums tell neither accounts nor branches apart.
        let only = &question.only;
        let summed =
            (ever || question.zone == self.zone) && only.accounts.is_none() && only.branches.is_none();
        let counts = if summed {
            self.tool_sums(question, ever && question.only.is_everything())?
        } else {
            self.tools_one_by_one(question)?
        };
        self.named_tools(counts)
    }

    /// The same of the calls in a range of UTC milliseconds; no use without a call. From the sums where no call lies
    /// between its ends and those of the ledger's days, else by a look at every tool use.
    pub fn tools_within(&self, range: &Range<i64>, only: &Only) -> Result<Vec<ToolSums>, LedgerError> {
        let whole =
            if only.accounts.is_none() && only.branches.is_none() { self.whole_days(range)? } else { None };
        let counts = match whole {
            Some(days) => {
                let days = (Some(days.0), Some(days.1));
                let question = Question { days, zone: self.zone.clone(), only: only.clone() };
                self.tool_sums(&question, false)?
            }
            None => self.tools_of_calls(&self.call_ids(range, only)?)?,
        };
        self.named_tools(counts)
    }

    /// The days, first and last, that hold the calls of a range and no others.
    fn whole_days(&self, range: &Range<i64>) -> Result<Option<(Date, Date)>, LedgerError> {
        let Some((first_ms, last_ms)) = self.ends()? else { return Ok(None) };
        let (start, end) = (range.start.max(first_ms), range.end.min(last_ms.saturating_add(1)));
        if start >= end {
            return Ok(None);
        }
        let days = (civil::day_of(start, &self.zone), civil::day_of(end - 1, &self.zone));
        let whole = civil::day_range_ms(Some(days.0), Some(days.1), &self.zone);
        let is_whole = !self.has_calls(&(whole.start..start))? && !self.has_calls(&(end..whole.end))?;
        Ok(is_whole.then_some(days))
    }

    fn has_calls(&self, range: &Range<i64>) -> Result<bool, LedgerError> {
        let mut select =
            self.connection.prepare_cached("SELECT 1 FROM call WHERE at_ms >= ?1 AND at_ms < ?2 LIMIT 1")?;
        Ok(select.exists([range.start, range.end])?)
    }

    fn named_tools(&self, counts: Counts) -> Result<Vec<ToolSums>, LedgerError> {
        let names = self.names_by("SELECT id, name FROM tool")?;
        let sums =
            |(id, (uses, failures))| ToolSums { tool: names.get(id).as_ref().to_owned(), uses, failures };
        let mut tools: Vec<ToolSums> = counts.into_iter().map(sums).collect();
        tools.sort_unstable_by(|a, b| a.tool.cmp(&b.tool));
        Ok(tools)
    }

    /// From the sums by day of the ledger's zone.
    fn tool_sums(&self, question: &Question, without_calls: bool) -> Result<Counts, LedgerError> {
        let (since, until) = question.days;
        let mut select = self.connection.prepare_cached(
            "SELECT project_id, model_id, tool_id, uses, failures FROM tool_sum WHERE day BETWEEN ?1 AND ?2",
        )?;
        let mut rows =
            select.query(params![since.map_or(i64::MIN, day_number), until.map_or(i64::MAX, day_number)])?;
        let mut counts = Counts::new();
        while let Some(row) = rows.next()? {
            let (project, model) = (row.get(0)?, row.get(1)?);
            // Every call has a model.
            if question.only.holds(&Marks { project, model, ..Marks::default() })
                && (model != 0 || without_calls)
            {
                let (uses, failures) = counts.entry(row.get(2)?).or_default();
                *uses += row.get::<_, i64>(3)?.cast_unsigned();
                *failures += row.get::<_, i64>(4)?.cast_unsigned();
            }
        }
        Ok(counts)
    }

    /// Use by use: days of another zone are no sums of days of the ledger's.
    fn tools_one_by_one(&self, question: &Question) -> Result<Counts, LedgerError> {
        let range = civil::day_range_ms(question.days.0, question.days.1, &question.zone);
        self.tools_of_calls(&self.call_ids(&range, &question.only)?)
    }

    fn tools_of_calls(&self, calls: &HashSet<i64>) -> Result<Counts, LedgerError> {
        let mut counts = Counts::new();
        self.tool_uses_of_calls(calls, &mut |tool, failed, _| {
            let (uses, failures) = counts.entry(tool).or_default();
            *uses += 1;
            *failures += u64::from(failed);
        })?;
        Ok(counts)
    }

    /// Tells tool, failure and call of every use that one of these calls made. All uses are looked at where there is no
    /// index by call ([`Ledger::prepare_following`]), or where the calls are many.
    pub(super) fn tool_uses_of_calls(
        &self,
        calls: &HashSet<i64>,
        each: &mut dyn FnMut(i64, bool, i64),
    ) -> Result<(), LedgerError> {
        if calls.is_empty() {
            return Ok(());
        }
        if calls.len() <= FEW && self.has_tools_by_call()? {
            let mut select = self.connection.prepare_cached(USES_OF_CALL)?;
            for call in calls {
                let mut rows = select.query([call])?;
                while let Some(row) = rows.next()? {
                    each(row.get(0)?, row.get(1)?, *call);
                }
            }
            return Ok(());
        }
        let mut select = self
            .connection
            .prepare_cached("SELECT tool_id, failed, call_id FROM tool_use WHERE tool_id <> 0")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let call = row.get(2)?;
            if calls.contains(&call) {
                each(row.get(0)?, row.get(1)?, call);
            }
        }
        Ok(())
    }

    fn has_tools_by_call(&self) -> Result<bool, LedgerError> {
        let mut select =
            self.connection.prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = 'tool_use_call'")?;
        Ok(select.exists([])?)
    }

    fn call_ids(&self, range: &Range<i64>, only: &Only) -> Result<HashSet<i64>, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT id, project_id, branch_id, model_id, account_id FROM call WHERE at_ms BETWEEN ?1 AND ?2",
        )?;
        let mut rows = select.query([range.start, range.end.saturating_sub(1)])?;
        let mut ids = HashSet::new();
        while let Some(row) = rows.next()? {
            let (project, branch) = (row.get(1)?, row.get(2)?);
            let marks = Marks { project, branch, attribution: 0, model: row.get(3)?, account: row.get(4)? };
            if only.holds(&marks) {
                ids.insert(row.get(0)?);
            }
        }
        Ok(ids)
    }
}

#[cfg(test)]
mod tests;
