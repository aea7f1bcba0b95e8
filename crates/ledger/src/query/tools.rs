//! How often tools were used, and how often that failed.

use std::collections::{BTreeMap, HashSet};

use cco_model::civil;
use rusqlite::params;

use super::Question;
use super::only::Marks;
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
        let calls = self.call_ids(question)?;
        let mut select = self.connection.prepare_cached("SELECT tool_id, failed, call_id FROM tool_use")?;
        let mut rows = select.query([])?;
        let mut counts = Counts::new();
        while let Some(row) = rows.next()? {
            // Tool 0 failed before its use was seen, and is none yet.
            let tool: i64 = row.get(0)?;
            if tool != 0 && calls.contains(&row.get(2)?) {
                let (uses, failures) = counts.entry(tool).or_default();
                *uses += 1;
                *failures += u64::from(row.get::<_, bool>(1)?);
            }
        }
        Ok(counts)
    }

    fn call_ids(&self, question: &Question) -> Result<HashSet<i64>, LedgerError> {
        let range = civil::day_range_ms(question.days.0, question.days.1, &question.zone);
        let mut select = self.connection.prepare_cached(
            "SELECT id, project_id, branch_id, model_id, account_id FROM call WHERE at_ms BETWEEN ?1 AND ?2",
        )?;
        let mut rows = select.query([range.start, range.end.saturating_sub(1)])?;
        let mut ids = HashSet::new();
        while let Some(row) = rows.next()? {
            let (project, branch) = (row.get(1)?, row.get(2)?);
            let marks = Marks { project, branch, attribution: 0, model: row.get(3)?, account: row.get(4)? };
            if question.only.holds(&marks) {
                ids.insert(row.get(0)?);
            }
        }
        Ok(ids)
    }
}
