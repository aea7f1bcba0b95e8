//! The ledger: one SQLite file that holds every call ever seen, and sums of them.
//!
//! Owns the schema, the one writer, the queries, and the roll-ups, which change in the transaction of their rows.
//! Must not: know HTTP, arguments or a transcript's format, or choose a time zone (it is given one).

pub mod audit;
pub mod open;
pub mod query;
pub mod write;

mod names;
mod rollup;
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
    /// There is no room to write; what was committed before is safe.
    pub fn is_full(&self) -> bool {
        let Self::Sqlite(error) = self;
        error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
    }

    /// Another process held the ledger for longer than we wait.
    pub fn is_busy(&self) -> bool {
        let Self::Sqlite(error) = self;
        matches!(
            error.sqlite_error_code(),
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
        )
    }
}
