//! What a check-up asks of the ledger: is the file whole, does what is in it hold together, what is left open.

use rusqlite::{CachedStatement, Params};

use crate::open::{OLDEST_SQLITE, OLDEST_SQLITE_NAME};
use crate::{Ledger, LedgerError, Trouble};

/// The calls that a ledger holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// How many.
    pub calls: u64,
    /// When the first one was, UTC milliseconds.
    pub first_ms: Option<i64>,
    /// When the last one was, UTC milliseconds.
    pub last_ms: Option<i64>,
    /// Calls whose transcript is no longer there.
    pub of_gone_transcripts: u64,
}

/// Calls of one model that have no price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpriced {
    /// Model name as in the transcripts.
    pub model: String,
    /// How many calls.
    pub calls: u64,
    /// Their tokens.
    pub tokens: u64,
}

/// Where calls and their keys do not go one to one. A difference is a bug of cco, or damage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyFaults {
    /// Calls that no key leads to: they would be counted again.
    pub calls_without_key: u64,
    /// Calls that several keys lead to.
    pub calls_with_several: u64,
    /// Keys that lead to no call.
    pub keys_without_call: u64,
}

/// The SQLite in this program, the oldest that may be trusted, and whether it may.
pub fn sqlite() -> (&'static str, &'static str, bool) {
    (rusqlite::version(), OLDEST_SQLITE_NAME, rusqlite::version_number() >= OLDEST_SQLITE)
}

impl Ledger {
    /// What SQLite finds wrong with the file; nothing: it is whole. `deep` holds indexes against their tables too.
    pub fn complaints(&self, deep: bool) -> Result<Vec<String>, LedgerError> {
        let ask = || -> Result<Vec<String>, LedgerError> {
            // At most 100 lines.
            let mut select = self.connection.prepare(if deep {
                "PRAGMA integrity_check(100)"
            } else {
                "PRAGMA quick_check(100)"
            })?;
            let lines = select.query_map([], |row| row.get::<_, String>(0))?;
            Ok(lines.collect::<Result<_, _>>()?)
        };
        match ask() {
            Ok(lines) => Ok(lines.into_iter().filter(|line| line != "ok").collect()),
            // Some damage ends the check itself.
            Err(error) if error.trouble() == Some(Trouble::Damaged) => Ok(vec![error.to_string()]),
            Err(error) => Err(error),
        }
    }

    /// How many calls there are, from when, and how many of them only the ledger still has.
    pub fn holdings(&self) -> Result<Holdings, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT count(*), min(at_ms), max(at_ms),
                 coalesce(sum(transcript_id IN (SELECT id FROM transcript WHERE gone <> 0)), 0) FROM call",
        )?;
        Ok(select.query_row([], |row| {
            Ok(Holdings {
                calls: row.get::<_, i64>(0)?.cast_unsigned(),
                first_ms: row.get(1)?,
                last_ms: row.get(2)?,
                of_gone_transcripts: row.get::<_, i64>(3)?.cast_unsigned(),
            })
        })?)
    }

    /// How many calls are dated after this instant (UTC milliseconds).
    pub fn calls_after(&self, at_ms: i64) -> Result<u64, LedgerError> {
        number(self.connection.prepare_cached("SELECT count(*) FROM call WHERE at_ms > ?1")?, [at_ms])
    }

    /// Models with calls that have no price, the most tokens first.
    pub fn unpriced(&self) -> Result<Vec<Unpriced>, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT coalesce(name, ''), sum(unpriced_calls), sum(unpriced_tokens)
             FROM rollup LEFT JOIN model ON model.id = model_id
             WHERE kind = 4 GROUP BY model_id HAVING sum(unpriced_calls) > 0 ORDER BY 3 DESC, 1",
        )?;
        let rows = select.query_map([], |row| {
            let count = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
            Ok(Unpriced { model: row.get(0)?, calls: count(1)?, tokens: count(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Where calls and keys do not go one to one. Reads both tables whole.
    pub fn key_faults(&self) -> Result<KeyFaults, LedgerError> {
        Ok(KeyFaults {
            calls_without_key: number(
                self.connection.prepare_cached(
                    "SELECT count(*) FROM call WHERE id NOT IN (SELECT call_id FROM call_key)",
                )?,
                [],
            )?,
            calls_with_several: number(
                self.connection.prepare_cached(
                    "SELECT count(*) FROM (SELECT 1 FROM call_key GROUP BY call_id HAVING count(*) > 1)",
                )?,
                [],
            )?,
            keys_without_call: number(
                self.connection.prepare_cached(
                    "SELECT count(*) FROM call_key WHERE NOT EXISTS (SELECT 1 FROM call WHERE id = call_id)",
                )?,
                [],
            )?,
        })
    }
}

fn number(mut select: CachedStatement<'_>, parameters: impl Params) -> Result<u64, LedgerError> {
    let number: i64 = select.query_row(parameters, |row| row.get(0))?;
    Ok(number.cast_unsigned())
}

#[cfg(test)]
mod tests;
