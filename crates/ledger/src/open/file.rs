//! A ledger's file before SQLite sees it: its path, making it, and what its first bytes say.
//!
//! Must not: write into a file that is there.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{APPLICATION_ID, OpenError, SCHEMA_VERSION};
use crate::damage;
use crate::journal::Head;

/// Of a file so much is looked at before SQLite sees it, in bytes.
const HEADER: usize = 108;

/// The path as SQLite is to have it.
pub(crate) fn plain_path(path: &Path) -> Result<PathBuf, OpenError> {
    if path.as_os_str().as_encoded_bytes().starts_with(b"file:") {
        return Err(OpenError::UriPath(path.to_owned()));
    }
    std::path::absolute(path).map_err(|error| OpenError::Io { path: path.to_owned(), error })
}

/// Ledgers whose files were looked at without SQLite. They stay open: when a process closes any descriptor of a file,
/// the system takes away all its locks on that file, those of SQLite's other connections in this process too.
static KEPT_OPEN: Mutex<Vec<File>> = Mutex::new(Vec::new());

fn keep_open(file: File) {
    KEPT_OPEN.lock().unwrap_or_else(PoisonError::into_inner).push(file);
}

/// The first bytes of a file.
fn header(path: &Path) -> io::Result<Vec<u8>> {
    let about = fs::metadata(path)?;
    let is_same = |file: &&File| {
        file.metadata().is_ok_and(|known| (known.dev(), known.ino()) == (about.dev(), about.ino()))
    };
    let mut kept = KEPT_OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = kept.iter().find(is_same).map(first_bytes);
    known.unwrap_or_else(|| {
        let file = File::open(path)?;
        let header = first_bytes(&file);
        kept.push(file);
        header
    })
}

fn first_bytes(file: &File) -> io::Result<Vec<u8>> {
    let mut header = vec![0; HEADER];
    let mut length = 0;
    while length < HEADER {
        match file.read_at(&mut header[length..], length as u64) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    header.truncate(length);
    Ok(header)
}

/// Makes the file when it is absent, for its user alone; refuses one that is not ours before SQLite sees it.
pub(crate) fn prepare_file(path: &Path, journal: &Head) -> Result<(), OpenError> {
    let ours = matches!(journal, Head::Ours(_));
    let io = |error| OpenError::Io { path: path.to_owned(), error };
    match fs::symlink_metadata(path) {
        // A folder, a device, or a pipe that would be waited on.
        Ok(_) if fs::metadata(path).is_ok_and(|target| !target.is_file()) => {
            return Err(OpenError::Foreign(path.to_owned()));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o600);
            keep_open(options.open(path).map_err(io)?);
            return Ok(());
        }
        Err(error) => return Err(io(error)),
    }
    let header = header(path).map_err(io)?;
    if header.is_empty() {
        let log = fs::metadata(damage::beside(path, "-wal")).map_or(0, |log| log.len());
        return if ours && log > 0 { Err(OpenError::Damaged(path.to_owned())) } else { Ok(()) };
    }
    let number = |at: usize| {
        let bytes = header.get(at..at + 4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
        bytes.map_or(0, i32::from_be_bytes)
    };
    // The SQLite file format: user version at 60, application id at 68, the schema's page from 100, its number of
    // cells at 103. A ledger whose first commit is still in its write-ahead log has neither id nor schema here.
    let (version, application) = (number(60), number(68));
    let log_only = application == 0 && header.get(103..105).is_none_or(|cells| cells == [0, 0]);
    // What every database has there: payload fractions, and a format that SQLite can read.
    let database = header.starts_with(b"SQLite format 3\0")
        && header.get(18..24).is_some_and(|format| matches!(format, [1 | 2, 1 | 2, _, 64, 32, 32]));
    if !database && ours {
        return Err(OpenError::Damaged(path.to_owned()));
    }
    if !database || (application != APPLICATION_ID && !log_only) {
        return Err(OpenError::Foreign(path.to_owned()));
    }
    let path = path.to_owned();
    match version {
        newer if newer > SCHEMA_VERSION => Err(OpenError::Newer { path, found: newer }),
        older if application == APPLICATION_ID && (1..SCHEMA_VERSION).contains(&older) => {
            Err(OpenError::Older { path, found: older })
        }
        _ => Ok(()),
    }
}
