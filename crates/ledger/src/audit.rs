//! Holds the roll-ups against the calls they are sums of. They must never differ: a difference is a bug of cco.

use cco_model::sums::Sums;
use rusqlite::Row;

use crate::rollup::{Deltas, Kind};
use crate::{Ledger, LedgerError, query, stored};

/// A roll-up row that is not the sum of its calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The table: `rollup_quarter`, `rollup_day` or `rollup_session`.
    pub rollup: &'static str,
    /// Its quarter hour, its day (both counted from 1970) or its session's id.
    pub bucket: i64,
    /// What the row says: sums, first and last call (UTC milliseconds); none: there is no such row.
    pub kept: Option<(Sums, i64, i64)>,
    /// What the calls say; none: there are no such calls.
    pub calls: Option<(Sums, i64, i64)>,
}

/// The table of a kind, and its rows in the columns that [`query`] reads sums from.
fn table(kind: Kind) -> (&'static str, &'static str) {
    macro_rules! table {
        ($name:literal) => {
            ($name, concat!(
                "SELECT model_id, bucket, calls, input, output, cache_write_5m, cache_write_1h, cache_read, web_search,
                     cost_nanos, savings_nanos, unpriced_calls, unpriced_tokens, first_ms, last_ms, project_id,
                     branch_id, attribution_id, account_id
                 FROM ", $name, " ORDER BY bucket"
            ))
        };
    }
    match kind {
        Kind::Quarter => table!("rollup_quarter"),
        Kind::Day => table!("rollup_day"),
        Kind::Session => table!("rollup_session"),
    }
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
        for kind in [Kind::Quarter, Kind::Day, Kind::Session] {
            let (rollup, sql) = table(kind);
            let mut select = view.prepare(sql)?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let key = key_of(kind, row)?;
                let kept = Some((query::sums_of(row)?, row.get(13)?, row.get(14)?));
                let calls = expected.remove(&key);
                if kept != calls {
                    differences.push(Difference { rollup, bucket: key.bucket, kept, calls });
                }
            }
        }
        let mut missing: Vec<_> = expected.into_iter().collect();
        missing.sort_unstable_by_key(|(key, _)| *key);
        differences.extend(missing.into_iter().map(|(key, calls)| Difference {
            rollup: table(key.kind).0,
            bucket: key.bucket,
            kept: None,
            calls: Some(calls),
        }));
        Ok(differences)
    }
}

fn key_of(kind: Kind, row: &Row<'_>) -> rusqlite::Result<crate::rollup::Key> {
    Ok(crate::rollup::Key {
        kind,
        bucket: row.get(1)?,
        project: row.get(15)?,
        branch: row.get(16)?,
        model: row.get(0)?,
        attribution: row.get(17)?,
        account: row.get(18)?,
    })
}
