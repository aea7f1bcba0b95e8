//! A ledger that is damaged: making sure that it is, setting it aside, and putting a new one in its place.
//!
//! Nothing is set aside on suspicion: SQLite's integrity check must find something, or the file must be no database
//! where the journal beside it says that a ledger of ours was. What is set aside is renamed, never changed or deleted.
//! The new ledger is built beside the old one and takes its name when it is whole, so a kill leaves either.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cco_model::price::PriceList;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode};

use crate::journal::{Head, Held, Journal};
use crate::open::{self, plain_path};
use crate::replay::{ReplayError, Replayed};
use crate::salvage::Salvage;
use crate::write::restore::Returning;
use crate::{Ledger, LedgerError, OpenError, Place};

/// What SQLite keeps of a database: the file itself, its write-ahead log and index, its rollback journal.
const PARTS: [&str; 4] = ["", "-wal", "-shm", "-journal"];
/// A new ledger while it is built.
const BUILDING: &str = ".rebuilding";
/// A new ledger that is whole and waits for its name.
const REBUILT: &str = ".rebuilt";
/// A copy of a damaged ledger, to be read.
const COPY: &str = ".salvage";
/// A schema that was lost has none of these. Only prepared, never run.
const TABLES: &str = "SELECT call.key, call_key.call_id, calls, failed, unjournalled, organization, dir, outcome, reason,
         fresh, may_lower, reading.seq
     FROM call, call_key, rollup, tool_use, transcript, account, held, attempt, login, plan_window, reading_left, reading";
/// How long another process's rebuilding is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a look at a ledger waits for those who work on it.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The error may come of damage. A full disk, a lock, a missing right or a failing device never do.
pub(crate) fn is_suspect(error: &rusqlite::Error) -> bool {
    use rusqlite::Error as E;
    match error {
        E::SqliteFailure(failure, words) => match failure.code {
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation => true,
            // A schema that cannot be read has no tables.
            ErrorCode::Unknown => words.as_ref().is_some_and(|words| words.starts_with("no such ")),
            _ => false,
        },
        E::SqlInputError { msg, .. } => msg.starts_with("no such "),
        E::FromSqlConversionFailure(..)
        | E::IntegralValueOutOfRange(..)
        | E::InvalidColumnType(..)
        | E::QueryReturnedNoRows
        | E::Utf8Error(..) => true,
        _ => false,
    }
}

/// A damaged ledger, held until a new one has its name.
pub struct Repair {
    path: PathBuf,
    journal: Journal,
    head: Head,
    _held: Held,
    salvage: Salvage,
}

impl Repair {
    /// Takes hold of the ledger at `place` and looks whether it is damaged. None: it is not, or not any more.
    pub fn begin(place: &Place) -> Result<Option<Self>, OpenError> {
        let Place::File(path) = place else { return Ok(None) };
        let path = plain_path(path)?;
        let journal = Journal::of(&path);
        let held = hold(&path, &journal)?;
        let head = journal.head().unwrap_or(Head::Foreign);
        if !is_damaged(&path, &head)? {
            return Ok(None);
        }
        let io = |error| OpenError::Io { path: path.clone(), error };
        for leftover in [BUILDING, REBUILT] {
            remove(&beside(&path, leftover)).map_err(io)?;
        }
        let id = if let Head::Ours(id) = &head { id.as_deref() } else { None };
        let salvage = Salvage::of(&path, &beside(&path, COPY), id).map_err(io)?;
        Ok(Some(Self { path, journal, head, _held: held, salvage }))
    }

    /// A new ledger, empty but for what helps to read transcripts as they were read before.
    pub fn new_ledger(&self, zone: &TimeZone, prices: &PriceList) -> Result<Ledger, OpenError> {
        let path = beside(&self.path, BUILDING);
        let sqlite = |error: rusqlite::Error| OpenError::Sqlite { path: path.clone(), error };
        open::prepare_file(&path, &Head::Empty)?;
        let zone = self.salvage.zone.as_deref().and_then(open::zone_named).unwrap_or_else(|| zone.clone());
        let id = if let Head::Ours(id) = &self.head { id.as_ref() } else { None };
        let id = id.or(self.salvage.id.as_ref()).map(String::as_str);
        let mut ledger = Ledger::open_plain(&path, &zone, id)?;
        let introduced = self.salvage.introduce(&mut ledger, prices).and_then(|()| match self.head {
            Head::Foreign => Ok(()),
            Head::Empty | Head::Ours(_) => ledger.remember_accounts(&self.journal, prices),
        });
        // Before transcripts are read: whose their calls are depends on it.
        let introduced = introduced.and_then(|()| self.salvage.fill_in_observed(&mut ledger, prices));
        introduced.map_err(|LedgerError::Sqlite(error)| sqlite(error))?;
        Ok(ledger)
    }

    /// Brings back what the journal holds.
    pub fn from_journal(&self, ledger: &mut Ledger, prices: &PriceList) -> Result<Replayed, ReplayError> {
        if self.head == Head::Foreign {
            return Ok(Replayed::default());
        }
        ledger.replay(&self.journal, 0, prices, Returning::JournalToNew)
    }

    /// Brings back what could be read of the damaged ledger and nothing else tells; returns how many calls.
    pub fn from_damaged(&self, ledger: &mut Ledger, prices: &PriceList) -> Result<u64, LedgerError> {
        self.salvage.restore(ledger, prices)
    }

    /// Sets the damaged ledger aside and gives the new one its name; returns where the damaged one is.
    pub fn finish(self, ledger: Ledger, now: Timestamp) -> Result<PathBuf, OpenError> {
        let io = |error| OpenError::Io { path: self.path.clone(), error };
        let building = beside(&self.path, BUILDING);
        let sqlite = |error| OpenError::Sqlite { path: building.clone(), error };
        ledger.connection.close().map_err(|(_, error)| sqlite(error))?;
        File::open(&building).and_then(|file| file.sync_all()).map_err(io)?;
        let rebuilt = beside(&self.path, REBUILT);
        fs::rename(&building, &rebuilt).map_err(io)?;
        let aside = aside_name(&self.path, now);
        swap(&self.path, &rebuilt, &aside).map_err(io)?;
        Ok(aside)
    }
}

/// Ends what a killed process began: the damaged ledger has lost its name and the new one has not got it yet.
pub(crate) fn finish_swap(path: &Path, journal: &Journal) -> Result<(), OpenError> {
    let rebuilt = beside(path, REBUILT);
    if path.exists() || !rebuilt.exists() {
        return Ok(());
    }
    let io = |error| OpenError::Io { path: path.to_owned(), error };
    let _held = hold(path, journal)?;
    if path.exists() || !rebuilt.exists() {
        return Ok(());
    }
    let aside = last_aside(path).unwrap_or_else(|| beside(path, ".damaged"));
    swap(path, &rebuilt, &aside).map_err(io)
}

/// The path with something behind its name.
pub(crate) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn hold(path: &Path, journal: &Journal) -> Result<Held, OpenError> {
    match journal.hold(true, PATIENCE) {
        Ok(Some(held)) => Ok(held),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(OpenError::Rebuilding(path.to_owned()))
        }
        Ok(None) => Err(OpenError::Rebuilding(path.to_owned())),
        Err(error) => Err(OpenError::Io { path: journal.path().to_owned(), error }),
    }
}

/// Renames what SQLite kept of the damaged ledger, the file itself first: as long as it has no name, whoever opens it
/// waits. Then the new one gets the name.
fn swap(path: &Path, rebuilt: &Path, aside: &Path) -> io::Result<()> {
    for part in PARTS {
        match fs::rename(beside(path, part), beside(aside, part)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(rebuilt, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn aside_name(path: &Path, now: Timestamp) -> PathBuf {
    let name = beside(path, &format!(".damaged-{}", now.strftime("%Y%m%dT%H%M%SZ")));
    let taken = |name: &PathBuf| PARTS.iter().any(|part| beside(name, part).exists());
    let numbered = (2..).map(|number| beside(&name, &format!("-{number}")));
    std::iter::once(name.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(name)
}

/// The ledger that was set aside last.
fn last_aside(path: &Path) -> Option<PathBuf> {
    let start = beside(Path::new(path.file_name()?), ".damaged-").into_os_string();
    let entries = fs::read_dir(path.parent()?).ok()?.filter_map(Result::ok).map(|entry| entry.file_name());
    let is_one = |name: &OsStr| {
        name.as_encoded_bytes().starts_with(start.as_encoded_bytes())
            && !PARTS[1..].iter().any(|part| name.as_encoded_bytes().ends_with(part.as_bytes()))
    };
    entries.filter(|name| is_one(name)).max().map(|name| path.with_file_name(name))
}

/// Removes a database of ours that nobody uses.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    for part in PARTS {
        match fs::remove_file(beside(path, part)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Looks at all of the ledger. What is not ours, or cannot be looked at, is an error.
fn is_damaged(path: &Path, head: &Head) -> Result<bool, OpenError> {
    if !path.exists() {
        return Ok(false);
    }
    match open::prepare_file(path, head) {
        Err(OpenError::Damaged(_)) => return Ok(true),
        prepared => prepared?,
    }
    if fs::metadata(path).is_ok_and(|file| file.len() == 0) {
        return Ok(false);
    }
    match look(path, head) {
        Ok(damaged) => Ok(damaged),
        Err(error) if is_suspect(&error) => Ok(true),
        Err(error) => Err(OpenError::Sqlite { path: path.to_owned(), error }),
    }
}

fn look(path: &Path, head: &Head) -> rusqlite::Result<bool> {
    let connection = open::open_file(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // A damaged file is left as it is.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    let whole: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if whole != "ok" {
        return Ok(true);
    }
    if connection.pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0))? == 0 {
        // Nothing was ever committed to it.
        return Ok(false);
    }
    let meta = |key: &str| {
        connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get::<_, String>(0))
    };
    let id = meta("ledger")?;
    for number in ["seq", "weight", "changes", "journal", "unjournalled"] {
        if meta(number)?.parse::<i64>().is_err() {
            return Ok(true);
        }
    }
    connection.prepare(TABLES)?;
    let other = matches!(head, Head::Ours(Some(journal)) if *journal != id);
    Ok(other
        && id_without_log(path).is_some_and(|of_file| matches!(head, Head::Ours(Some(id)) if *id == of_file)))
}

/// The ledger's id as its file alone has it, without its log.
pub(crate) fn id_without_log(path: &Path) -> Option<String> {
    let copy = beside(path, ".look");
    remove(&copy).ok()?;
    let id = fs::copy(path, &copy).ok().and_then(|_| id_of(&open::open_file(&copy).ok()?).ok());
    let _left_behind = remove(&copy);
    id
}

pub(crate) fn id_of(connection: &Connection) -> rusqlite::Result<String> {
    connection.query_row("SELECT value FROM meta WHERE key = 'ledger'", [], |row| row.get(0))
}

/// Copies what SQLite needs to read a database; `log`: with its write-ahead log.
pub(crate) fn copy(from: &Path, to: &Path, log: bool) -> io::Result<()> {
    remove(to)?;
    let parts: &[&str] = if log { &["", "-wal", "-journal"] } else { &["", "-journal"] };
    for part in parts {
        match fs::copy(beside(from, part), beside(to, part)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
