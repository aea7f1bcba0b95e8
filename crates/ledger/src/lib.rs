//! The ledger: one SQLite file that holds every call ever seen, and sums of them.
//!
//! Owns the schema, the one writer, the queries, and the roll-ups, which change in the transaction of their rows.
//! Must not: know HTTP, arguments or a transcript's format, or choose a time zone (it is given one).

pub mod audit;
pub mod damage;
pub mod health;
pub mod keep;
pub mod limits;
pub mod lookup;
pub mod open;
pub mod query;
pub mod replay;
pub mod write;

mod journal;
mod names;
mod rollup;
mod salvage;
mod stored;
mod wal;

use rusqlite::ffi;

pub use open::{Ledger, OpenError, Place};

/// A statement failed, or the ledger holds what it cannot hold.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// SQLite's own word, but for a lock that it took in vain.
    #[error("{}", in_words(.0))]
    Sqlite(#[from] rusqlite::Error),
}

/// "Database is locked" helps nobody who did not lock it.
pub(crate) fn in_words(error: &rusqlite::Error) -> String {
    match error.sqlite_error().map(|error| error.extended_code) {
        Some(ffi::SQLITE_BUSY) => "another process holds it and was waited for in vain".to_owned(),
        _ => error.to_string(),
    }
}

impl LedgerError {
    /// What kind of trouble it is, where something can be done about it.
    pub fn trouble(&self) -> Option<Trouble> {
        let Self::Sqlite(error) = self;
        Trouble::of(error)
    }

    /// The ledger may be damaged: worth a thorough look.
    pub fn is_suspect(&self) -> bool {
        let Self::Sqlite(error) = self;
        damage::is_suspect(error)
    }

    /// There is no room to write; what was committed before is safe.
    pub fn is_full(&self) -> bool {
        self.trouble() == Some(Trouble::Full)
    }
}

/// Trouble that a person can do something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No room to write.
    Full,
    /// Another process held the ledger for longer than we wait.
    Busy,
    /// The file is damaged.
    Damaged,
    /// The disk failed, or refused to write.
    Disk,
}

impl Trouble {
    fn of(error: &rusqlite::Error) -> Option<Self> {
        use rusqlite::ErrorCode as Code;
        // The index of the write-ahead log could not grow.
        if error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_SHMSIZE) {
            return Some(Self::Full);
        }
        match error.sqlite_error_code()? {
            Code::DiskFull => Some(Self::Full),
            Code::DatabaseBusy | Code::DatabaseLocked | Code::FileLockingProtocolFailed => Some(Self::Busy),
            Code::DatabaseCorrupt | Code::NotADatabase => Some(Self::Damaged),
            Code::SystemIoFailure | Code::ReadOnly | Code::CannotOpen | Code::PermissionDenied => {
                Some(Self::Disk)
            }
            _ => None,
        }
    }
}
