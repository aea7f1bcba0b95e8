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

pub use open::{Ledger, OpenError, Place};

/// A statement failed, or the ledger holds what it cannot hold.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// SQLite's own word.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
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
