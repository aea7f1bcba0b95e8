//! Which row a call has: keys of this transaction in memory, all others in their table.
//!
//! Keys are hashes. Written one by one they touch a page each; written at the end, in their order, they touch each
//! page once: a ledger of 150,000 calls, larger than the cache, is filled in a fifth less processor time.

use cco_model::batch::KeyMap;
use cco_model::call::CallKey;
use rusqlite::{Connection, OptionalExtension, params};

/// Keys held in memory: 10 MB of them.
const MOST: usize = 200_000;

pub(super) struct Keys {
    new: KeyMap<CallKey, i64>,
    /// The table has rows; that of a first load has none to ask for.
    stored: bool,
}

impl Keys {
    pub(super) fn new(connection: &Connection) -> rusqlite::Result<Self> {
        let stored = connection.prepare_cached("SELECT 1 FROM call_key LIMIT 1")?.exists([])?;
        Ok(Self { new: KeyMap::default(), stored })
    }

    pub(super) fn row_of(&self, connection: &Connection, key: &CallKey) -> rusqlite::Result<Option<i64>> {
        match self.new.get(key) {
            Some(id) => Ok(Some(*id)),
            None if self.stored => connection
                .prepare_cached("SELECT call_id FROM call_key WHERE key = ?1")?
                .query_row([key], |row| row.get(0))
                .optional(),
            None => Ok(None),
        }
    }

    pub(super) fn add(&mut self, connection: &Connection, key: CallKey, id: i64) -> rusqlite::Result<()> {
        self.new.insert(key, id);
        if self.new.len() >= MOST { self.flush(connection) } else { Ok(()) }
    }

    /// Writes the new keys; a key that has a row already is an error and fails the transaction.
    pub(super) fn flush(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        // Taken, not drained: what comes next in a commit needs the memory.
        let mut new: Vec<(CallKey, i64)> = std::mem::take(&mut self.new).into_iter().collect();
        new.sort_unstable();
        let mut insert = connection.prepare_cached("INSERT INTO call_key VALUES (?1, ?2)")?;
        for (key, id) in &new {
            insert.execute(params![key, id])?;
        }
        self.stored |= !new.is_empty();
        Ok(())
    }
}
