//! Where the calls come from: transcripts, and how asking the service went.

use std::fs;
use std::path::{Path, PathBuf};

use crate::damage::beside;
use crate::journal::Journal;
use crate::write::path_of;
use crate::{Ledger, LedgerError};

/// A transcript, and what could not be taken from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscriptFacts {
    /// Where it was last seen.
    pub path: PathBuf,
    /// It is gone.
    pub gone: bool,
    /// Its size when it was last read.
    pub bytes: u64,
    /// When it was last written to, nanoseconds since 1970 UTC.
    pub written_ns: i64,
    /// Lines that were damaged.
    pub damaged_lines: u64,
    /// Rows that do not count: without a time, or with impossible counts.
    pub skipped_rows: u64,
}

/// Bytes of the files that a ledger is made of; 0 for one that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// The database.
    pub database: u64,
    /// SQLite's write-ahead log of it, which is emptied now and then.
    pub log: u64,
    /// What transcripts cannot give again.
    pub journal: u64,
}

impl Sizes {
    /// Those of the ledger at this path, now.
    pub fn of(ledger: &Path) -> Self {
        let size = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
        Self {
            database: size(ledger),
            log: size(&beside(ledger, "-wal")),
            journal: Journal::of(ledger).size(),
        }
    }

    /// All of them together.
    pub fn total(&self) -> u64 {
        self.database + self.log + self.journal
    }
}

/// When the service was last asked for limits, UTC milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastAsked {
    /// And answered.
    pub success_ms: Option<i64>,
    /// And did not.
    pub failure_ms: Option<i64>,
}

impl Ledger {
    /// Every transcript that ever was.
    pub fn transcript_facts(&self) -> Result<Vec<TranscriptFacts>, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT path, gone, size, mtime_ns, damaged_lines,
                 (SELECT count(*) FROM soft_error WHERE transcript_id = transcript.id AND kind <> 1)
             FROM transcript",
        )?;
        let rows = select.query_map([], |row| {
            let count = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
            Ok(TranscriptFacts {
                path: path_of(row.get(0)?),
                gone: row.get(1)?,
                bytes: count(2)?,
                written_ns: row.get(3)?,
                damaged_lines: count(4)?,
                skipped_rows: count(5)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When asking the service last went well, and when not, for any account.
    pub fn last_asked(&self) -> Result<LastAsked, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT max(CASE WHEN outcome = 'ok' THEN at_ms END), max(CASE WHEN outcome <> 'ok' THEN at_ms END)
             FROM attempt",
        )?;
        Ok(select.query_row([], |row| Ok(LastAsked { success_ms: row.get(0)?, failure_ms: row.get(1)? }))?)
    }
}
