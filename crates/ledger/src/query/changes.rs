//! What changed since a number of the sequence.

use std::sync::Arc;

use cco_model::money::NanoUsd;
use cco_model::tokens::Tokens;
use rusqlite::params;

use crate::{Ledger, LedgerError};

/// A state of a ledger: whatever is answered stays true while it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mark {
    /// The ledger's own id.
    pub ledger: String,
    /// The number of its last change; it only grows.
    pub seq: i64,
}

/// A call that is new, or that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedCall {
    /// The number of its last change; no other call has it.
    pub seq: i64,
    /// Its row in the ledger: the later a call came in, the greater. One that is told again is an older one, changed.
    pub id: i64,
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// Model name as in the transcripts.
    pub model: Arc<str>,
    /// Project path; empty where unknown.
    pub project: Arc<str>,
    /// Branch; empty where unknown.
    pub branch: Arc<str>,
    /// Session id; empty where rows had none.
    pub session: Arc<str>,
    /// What it counts.
    pub tokens: Tokens,
    /// What it costs; none: it has no price.
    pub cost: Option<NanoUsd>,
}

impl Ledger {
    /// The ledger's present state: some ten microseconds.
    pub fn mark(&self) -> Result<Mark, LedgerError> {
        let mut select =
            self.connection.prepare_cached("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'seq'")?;
        Ok(Mark { ledger: self.id.clone(), seq: select.query_row([], |row| row.get(0))? })
    }

    /// Makes the indexes that [`Self::changes_since`] and [`Self::tools_of_session`] need to be quick, where they are
    /// missing. They take a second at a million calls with a tool each, and some 12 bytes for each call and 21 for each
    /// use of a tool; only who follows a ledger pays for that.
    pub fn prepare_following(&self) -> Result<(), LedgerError> {
        self.connection.prepare_cached("CREATE INDEX IF NOT EXISTS call_seq ON call (seq)")?.execute([])?;
        self.connection
            .prepare_cached(
                "CREATE INDEX IF NOT EXISTS tool_use_call ON tool_use (call_id, tool_id, failed)",
            )?
            .execute([])?;
        Ok(())
    }

    /// Calls that came or changed behind this number of the sequence, in its order, at most `limit`.
    pub fn changes_since(&self, seq: i64, limit: usize) -> Result<Vec<ChangedCall>, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT call.seq, call.id, at_ms, coalesce(model.name, ''), coalesce(project.name, ''),
                 coalesce(branch.name, ''), coalesce(session.name, ''), input, output, cache_write_5m, cache_write_1h,
                 cache_read, cost_nanos, flags & 32 <> 0
             FROM call LEFT JOIN model ON model.id = model_id LEFT JOIN project ON project.id = project_id
                 LEFT JOIN branch ON branch.id = branch_id LEFT JOIN session ON session.id = session_id
             WHERE call.seq > ?1 ORDER BY call.seq LIMIT ?2",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map(params![seq, limit], |row| {
            let name = |column: usize| row.get::<_, String>(column).map(Arc::from);
            let count = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
            let (cost, priced) = (NanoUsd(row.get(12)?), row.get(13)?);
            Ok(ChangedCall {
                seq: row.get(0)?,
                id: row.get(1)?,
                at_ms: row.get(2)?,
                model: name(3)?,
                project: name(4)?,
                branch: name(5)?,
                session: name(6)?,
                tokens: Tokens {
                    input: count(7)?,
                    output: count(8)?,
                    cache_write_5m: count(9)?,
                    cache_write_1h: count(10)?,
                    cache_read: count(11)?,
                },
                cost: if priced { Some(cost) } else { None },
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The greatest row of a call; 0: there is none.
    pub fn newest_call(&self) -> Result<i64, LedgerError> {
        let mut select = self.connection.prepare_cached("SELECT coalesce(max(id), 0) FROM call")?;
        Ok(select.query_row([], |row| row.get(0))?)
    }
}
