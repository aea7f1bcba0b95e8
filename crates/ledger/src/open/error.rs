//! Why a ledger was not opened.

use std::io;
use std::path::PathBuf;

use super::SCHEMA_VERSION;
use crate::{Trouble, damage, in_words};

/// Why a ledger was not opened. It is untouched then.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// SQLite would take such a path for a URI with options.
    #[error("the ledger's path begins with `file:`, which SQLite would read as a URI: {}", .0.display())]
    UriPath(PathBuf),
    /// Another program's database, or no database.
    #[error("{} is not a ledger of cco; it was left as it is", .0.display())]
    Foreign(PathBuf),
    /// Written by a later version.
    #[error("{} was written by a newer cco (schema {found}, this one knows {SCHEMA_VERSION}); it was left as it is", .path.display())]
    Newer {
        /// The ledger.
        path: PathBuf,
        /// Its schema version.
        found: i32,
    },
    /// Written before the first release; nothing translates those.
    #[error("{} was written by a development version of cco (schema {found}); it was left as it is", .path.display())]
    Older {
        /// The ledger.
        path: PathBuf,
        /// Its schema version.
        found: i32,
    },
    /// The file system refused.
    #[error("{}: {error}", .path.display())]
    Io {
        /// The ledger.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// SQLite refused.
    #[error("{}: {}", .path.display(), in_words(error))]
    Sqlite {
        /// The ledger.
        path: PathBuf,
        /// Why.
        error: rusqlite::Error,
    },
    /// It is ours, as the journal beside it shows, and cannot be read.
    #[error("{} is damaged", .0.display())]
    Damaged(PathBuf),
    /// Another process rebuilds it, for longer than we wait.
    #[error("another cco is rebuilding {}", .0.display())]
    Rebuilding(PathBuf),
    /// Its days are of a zone that this machine has no file for; other days must not be mixed in.
    #[error("{} keeps its days in the zone {zone}, which this machine does not know", .path.display())]
    UnknownZone {
        /// The ledger.
        path: PathBuf,
        /// The zone's name.
        zone: String,
    },
    /// The SQLite in this program is too old to be trusted with a WAL.
    #[error("SQLite {0} can lose committed rows; 3.51.3 or newer is needed")]
    OldSqlite(&'static str),
}

impl OpenError {
    /// What kind of trouble SQLite had, when it was SQLite that had it.
    pub fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Sqlite { error, .. } => Trouble::of(error),
            Self::Damaged(_) => Some(Trouble::Damaged),
            Self::Rebuilding(_) => Some(Trouble::Busy),
            _ => None,
        }
    }

    /// The ledger may be damaged: worth a thorough look.
    pub fn is_suspect(&self) -> bool {
        match self {
            Self::Sqlite { error, .. } => damage::is_suspect(error),
            Self::Damaged(_) => true,
            _ => false,
        }
    }
}
