//! The write-ahead log: turned on, kept short, and its room given back.
//!
//! SQLite moves what the log holds into the ledger by itself, but leaves the file as long as it ever was, and where a
//! commit finds no room it does not look whether the log has some to give. Must not: know what is written, or wait for
//! those who read.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::open::{BUSY_TIMEOUT, is_busy};
use crate::{Ledger, LedgerError, damage};

/// Pages in the log after which a commit moves them into the ledger: 2 MiB. It moves them no later for a log of four
/// times that (SQLite's own number), which is half of a small home.
const MOST_PAGES: i64 = 256;
/// A log that became longer, by one large transaction or under a long look at the ledger, is cut, in bytes.
const MOST_BYTES: u64 = 4 << 20;
/// How long those who read are waited for when there is no room; each of their looks is short.
const PATIENCE: Duration = Duration::from_millis(500);

/// Says how long the log may become in ordinary use.
pub(crate) fn bound(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "wal_autocheckpoint", MOST_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", MOST_BYTES.cast_signed())
}

/// False while another process is in the ledger: a first load goes without the log, and its journal is as safe.
pub(crate) fn turn_on(connection: &Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(Duration::ZERO)?;
    let turned = connection.pragma_update(None, "journal_mode", "WAL");
    connection.busy_timeout(BUSY_TIMEOUT)?;
    match turned {
        Ok(()) => Ok(true),
        Err(error) if is_busy(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

impl Ledger {
    /// Turns the write-ahead log on, if it is not yet. While another process reads, that is left to the next one.
    pub fn use_wal(&mut self) -> Result<(), LedgerError> {
        if !self.wal {
            self.wal = turn_on(&self.connection)?;
        }
        Ok(())
    }

    /// Cuts a log that has become long. While somebody reads what is older, it stays for the next one who tries.
    pub fn shorten_log(&self) -> Result<(), LedgerError> {
        if self.log_bytes() > MOST_BYTES {
            self.empty_log(Duration::ZERO)?;
        }
        Ok(())
    }

    /// There was no room to write: has the log give back what it takes. True: there is more room now.
    pub fn make_room(&self) -> bool {
        let before = self.log_bytes();
        // Without room for the ledger to take over what the log holds, or where a reader needs it, nothing is lost.
        before > 0 && self.empty_log(PATIENCE).is_ok() && self.log_bytes() < before
    }

    /// Moves into the ledger what the log holds, and cuts it to nothing where nobody reads it any more.
    fn empty_log(&self, patience: Duration) -> Result<(), LedgerError> {
        self.connection.busy_timeout(patience)?;
        let emptied = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        self.connection.busy_timeout(BUSY_TIMEOUT)?;
        Ok(emptied?)
    }

    /// What the log takes on the disk, in bytes; 0 in memory.
    fn log_bytes(&self) -> u64 {
        let path = self.connection.path().filter(|path| !path.is_empty());
        let log = path.and_then(|path| fs::metadata(damage::beside(Path::new(path), "-wal")).ok());
        log.map_or(0, |log| log.len())
    }
}

#[cfg(test)]
mod tests;
