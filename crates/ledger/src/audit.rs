//! Holds the roll-ups against the calls they are sums of. They must never differ: a difference is a bug of cco.

use cco_model::sums::Sums;

use crate::rollup::{Deltas, Key};
use crate::{Ledger, LedgerError, query, stored};

/// A roll-up row that is not the sum of its calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it sums up: `quarter`, `day`, `session`, `model_day` or `month`.
    pub rollup: &'static str,
    /// Its quarter hour, day or month (counted from 1970), or its session's id.
    pub bucket: i64,
    /// What the row says: sums, first and last call (UTC milliseconds); none: there is no such row.
    pub kept: Option<(Sums, i64, i64)>,
    /// What the calls say; none: there are no such calls.
    pub calls: Option<(Sums, i64, i64)>,
}

impl Ledger {
    /// Every roll-up row that differs from its calls. Reads the whole ledger: seconds at a million calls.
    pub fn audit(&self) -> Result<Vec<Difference>, LedgerError> {
        // One view of the ledger, whoever writes meanwhile.
        let view = self.connection.unchecked_transaction()?;
        let mut anew = Deltas::new(self.zone.clone());
        stored::for_each(&view, |call| anew.add(call))?;
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
            let kept = Some((query::sums_of(row, 7)?, row.get(18)?, row.get(19)?));
            let calls = expected.remove(&key);
            if kept != calls {
                differences.push(Difference { rollup: key.kind.name(), bucket: key.bucket, kept, calls });
            }
        }
        let mut missing: Vec<_> = expected.into_iter().collect();
        missing.sort_unstable_by_key(|(key, _)| *key);
        differences.extend(missing.into_iter().map(|(key, calls)| Difference {
            rollup: key.kind.name(),
            bucket: key.bucket,
            kept: None,
            calls: Some(calls),
        }));
        Ok(differences)
    }
}
