//! What changed since a number of the sequence.

use std::sync::Arc;
use std::time::Duration;

use cco_model::money::NanoUsd;
use cco_model::tokens::Tokens;
use rusqlite::{Transaction, TransactionBehavior, params};

use crate::open::BUSY_TIMEOUT;
use crate::{Ledger, LedgerError, Trouble};

/// `changed` says of each day and each session at which number of the sequence the transaction began that changed its
/// sums last: whoever read them at a later number has them as they are.
const FOLLOWING: &str = "
    CREATE INDEX IF NOT EXISTS call_seq ON call (seq);
    CREATE INDEX IF NOT EXISTS tool_use_call ON tool_use (call_id, tool_id, failed);
    CREATE TABLE IF NOT EXISTS changed (
        kind INTEGER NOT NULL, bucket INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (kind, bucket)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS changed_seq ON changed (seq);
    CREATE TRIGGER IF NOT EXISTS rollup_inserted AFTER INSERT ON rollup WHEN new.kind IN (2, 3) BEGIN
        INSERT INTO changed VALUES (
            new.kind, new.bucket, (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'seq')
        ) ON CONFLICT (kind, bucket) DO UPDATE SET seq = excluded.seq WHERE seq <> excluded.seq;
    END;
    CREATE TRIGGER IF NOT EXISTS rollup_updated AFTER UPDATE ON rollup WHEN new.kind IN (2, 3) BEGIN
        INSERT INTO changed VALUES (
            new.kind, new.bucket, (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'seq')
        ) ON CONFLICT (kind, bucket) DO UPDATE SET seq = excluded.seq WHERE seq <> excluded.seq;
    END;
    CREATE TRIGGER IF NOT EXISTS rollup_deleted AFTER DELETE ON rollup WHEN old.kind IN (2, 3) BEGIN
        INSERT INTO changed VALUES (
            old.kind, old.bucket, (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'seq')
        ) ON CONFLICT (kind, bucket) DO UPDATE SET seq = excluded.seq WHERE seq <> excluded.seq;
    END;";

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

    /// The same without waiting for anybody; none: it would have to be waited for.
    pub fn mark_at_once(&self) -> Result<Option<Mark>, LedgerError> {
        self.connection.busy_timeout(Duration::ZERO)?;
        let mark = self.mark();
        self.connection.busy_timeout(BUSY_TIMEOUT)?;
        match mark {
            Err(error) if error.trouble() == Some(Trouble::Busy) => Ok(None),
            mark => mark.map(Some),
        }
    }

    /// Makes what those need who follow a ledger, where it is missing: the indexes that let [`Self::changes_since`] and
    /// [`Self::tools_of_session`] be quick, which take a second at a million calls with a tool each and some 12 bytes
    /// for each call and 21 for each use of a tool, and the triggers that note which sums changed, whoever writes.
    /// Nobody else pays for it.
    pub fn prepare_following(&self) -> Result<(), LedgerError> {
        if self.is_followed()? {
            return Ok(());
        }
        // Sorted in memory, a million calls take 80 MiB, which stay with whoever lives long.
        self.connection.pragma_update(None, "temp_store", "FILE")?;
        let made = self.make_what_follows();
        self.connection.pragma_update(None, "temp_store", "MEMORY")?;
        match made {
            // There may be no room for files, and no folder.
            Err(error) if error.trouble() != Some(Trouble::Busy) => self.make_what_follows(),
            made => made,
        }
    }

    fn make_what_follows(&self) -> Result<(), LedgerError> {
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
        transaction.execute_batch(FOLLOWING)?;
        Ok(transaction.commit()?)
    }

    /// [`Self::prepare_following`] was called, by any process.
    pub(super) fn is_followed(&self) -> Result<bool, LedgerError> {
        if !self.is_followed.get() {
            let mut select = self.connection.prepare_cached(
                "SELECT count(*) = 4 FROM sqlite_schema
                 WHERE name IN ('tool_use_call', 'rollup_inserted', 'rollup_updated', 'rollup_deleted')",
            )?;
            self.is_followed.set(select.query_row([], |row| row.get(0))?);
        }
        Ok(self.is_followed.get())
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
