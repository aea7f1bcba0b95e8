//! STANDS IN until the branch `queries` is merged, which has the same.

use std::sync::Arc;

use cco_model::money::NanoUsd;
use cco_model::tokens::Tokens;

use super::Named;
use crate::{Ledger, LedgerError};

/// A call that was changed.
#[derive(Clone, Debug)]
pub struct Changed {
    /// By which commit.
    pub seq: i64,
    /// Its number.
    pub id: i64,
    /// When it was, UTC milliseconds.
    pub at_ms: i64,
    /// Its model.
    pub model: Arc<str>,
    /// Its project's path.
    pub project: Arc<str>,
    /// Its session.
    pub session: Arc<str>,
    /// Its branch.
    pub branch: Arc<str>,
    /// Its tokens.
    pub tokens: Tokens,
    /// Its cost.
    pub cost: Option<NanoUsd>,
}

impl Ledger {
    /// Ledger id and sequence.
    pub fn mark(&self) -> Result<(String, i64), LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT (SELECT value FROM meta WHERE key = 'ledger'), (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'seq')",
        )?;
        Ok(select.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    /// The highest number of a call.
    pub fn newest_call(&self) -> Result<i64, LedgerError> {
        let mut select = self.connection.prepare_cached("SELECT coalesce(max(id), 0) FROM call")?;
        Ok(select.query_row([], |row| row.get(0))?)
    }

    /// Calls that changed since.
    pub fn changes_since(&self, seq: i64, limit: usize) -> Result<Vec<Changed>, LedgerError> {
        let (models, projects, sessions, branches) = (
            self.names(Named::Model)?,
            self.names(Named::Project)?,
            self.names(Named::Session)?,
            self.branches()?,
        );
        let mut select = self.connection.prepare_cached(
            "SELECT seq, id, at_ms, model_id, project_id, session_id, branch_id, input, output, cache_write_5m, cache_write_1h, cache_read, cost_nanos, flags & 32 FROM call WHERE seq > ?1 ORDER BY seq, id LIMIT ?2",
        )?;
        let rows = select.query_map([seq, limit as i64], |row| {
            let count = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
            let priced: i64 = row.get(13)?;
            Ok(Changed {
                seq: row.get(0)?,
                id: row.get(1)?,
                at_ms: row.get(2)?,
                model: models.get(row.get(3)?),
                project: projects.get(row.get(4)?),
                session: sessions.get(row.get(5)?),
                branch: branches.get(row.get(6)?),
                tokens: Tokens {
                    input: count(7)?,
                    output: count(8)?,
                    cache_write_5m: count(9)?,
                    cache_write_1h: count(10)?,
                    cache_read: count(11)?,
                },
                cost: (priced != 0).then_some(NanoUsd(row.get(12)?)),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
