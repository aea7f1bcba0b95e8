//! Holds the sums against the calls and uses of tools that they are sums of. They must never differ: a difference is a bug of cco.

use cco_model::sums::Sums;

use rusqlite::Connection;

use crate::rollup::{Deltas, Key};
use crate::write::tools::{ToolPlace, tool_counts};
use crate::{Ledger, LedgerError, query, stored};

/// A row of sums that is not the sum of its calls or of its uses of tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it sums up: `quarter`, `day`, `session`, `model_day` or `month` of calls, or `tool_day`.
    pub rollup: &'static str,
    /// Its quarter hour, day or month (counted from 1970), or its session's id.
    pub bucket: i64,
    /// What the row says; none: there is no such row.
    pub kept: Option<Side>,
    /// What was found one by one; none: there is nothing to sum up.
    pub found: Option<Side>,
}

/// What a row of sums says, or should say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Of calls.
    Calls {
        /// All of them.
        sums: Sums,
        /// The first, UTC milliseconds.
        first_ms: i64,
        /// The last, UTC milliseconds.
        last_ms: i64,
    },
    /// Of a tool.
    Uses {
        /// How often it was used.
        uses: i64,
        /// How often that failed.
        failures: i64,
    },
}

impl Ledger {
    /// Every row of sums that differs from what it is the sum of. Reads the whole ledger: seconds at a million calls.
    pub fn audit(&self) -> Result<Vec<Difference>, LedgerError> {
        // One view of the ledger, whoever writes meanwhile.
        let view = self.connection.unchecked_transaction()?;
        let mut differences = self.audit_calls(&view)?;
        differences.extend(self.audit_tools(&view)?);
        Ok(differences)
    }

    fn audit_calls(&self, view: &Connection) -> Result<Vec<Difference>, LedgerError> {
        let side = |(sums, first_ms, last_ms)| Side::Calls { sums, first_ms, last_ms };
        let mut anew = Deltas::new(self.zone.clone());
        stored::for_each(view, |call| anew.add(call))?;
        let mut expected = anew.into_rows();
        let mut differences = Vec::new();
        let mut select = view.prepare(
            "SELECT kind, bucket, project_id, branch_id, model_id, attribution_id, account_id, calls, input, output,
                 cache_write_5m, cache_write_1h, cache_read, web_search, cost_nanos, savings_nanos, unpriced_calls,
                 unpriced_tokens, first_ms, last_ms
             FROM rollup ORDER BY kind, bucket",
        )?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let key = Key::of_row(row)?;
            let kept = Some(side((query::sums_of(row, 7)?, row.get(18)?, row.get(19)?)));
            let found = expected.remove(&key).map(side);
            if kept != found {
                differences.push(Difference { rollup: key.kind.name(), bucket: key.bucket, kept, found });
            }
        }
        let mut missing: Vec<_> = expected.into_iter().collect();
        missing.sort_unstable_by_key(|(key, _)| *key);
        differences.extend(missing.into_iter().map(|(key, found)| Difference {
            rollup: key.kind.name(),
            bucket: key.bucket,
            kept: None,
            found: Some(side(found)),
        }));
        Ok(differences)
    }

    fn audit_tools(&self, view: &Connection) -> Result<Vec<Difference>, LedgerError> {
        let mut found = tool_counts(view, &self.zone)?;
        let mut differences = Vec::new();
        let mut differs = |place: ToolPlace, kept, found| {
            let side = |(uses, failures)| Side::Uses { uses, failures };
            let (kept, found) = (Option::map(kept, side), Option::map(found, side));
            if kept != found {
                differences.push(Difference { rollup: "tool_day", bucket: place.day, kept, found });
            }
        };
        let mut select = view.prepare(
            "SELECT day, project_id, model_id, tool_id, uses, failures FROM tool_sum ORDER BY 1, 2, 3, 4",
        )?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let place = ToolPlace { day: row.get(0)?, project: row.get(1)?, model: row.get(2)? };
            let counted = found.remove(&(place, row.get(3)?));
            differs(place, Some((row.get(4)?, row.get(5)?)), counted);
        }
        found.into_iter().for_each(|((place, _), counted)| differs(place, None, Some(counted)));
        Ok(differences)
    }
}
