//! Opening the ledger: what is refused, what is made, how SQLite is set.

mod error;
mod file;

use std::cell::Cell;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cco_model::plant::{Bug, planted};
use jiff::tz::TimeZone;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior};

pub use self::error::OpenError;
pub(crate) use self::file::{plain_path, prepare_file};
use crate::journal::{self, Head, Journal};
use crate::names::NameCaches;
use crate::query::SumCache;
use crate::rollup::Load;
use crate::{LedgerError, damage, keep, wal};

/// Set in every ledger, so that another program's database is told apart: "cco1".
const APPLICATION_ID: i32 = 0x6363_6f31;
/// The schema that this program writes.
const SCHEMA_VERSION: i32 = 6;
const SCHEMA: &str = include_str!("schema.sql");
/// The first SQLite whose WAL reset cannot lose committed rows: 3.51.3.
pub(crate) const OLDEST_SQLITE: i32 = 3_051_003;
/// The same for people.
pub(crate) const OLDEST_SQLITE_NAME: &str = "3.51.3";
/// How long a statement waits for another process's transaction.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long another process's rebuilding of a damaged ledger is waited for.
const REBUILD_PATIENCE: Duration = Duration::from_secs(60);

/// Where a ledger is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this file, made when absent. Its folder exists.
    File(PathBuf),
    /// In memory, for one process.
    Memory,
}

/// An open ledger.
pub struct Ledger {
    pub(crate) connection: Connection,
    pub(crate) names: NameCaches,
    pub(crate) load: Load,
    /// Where what transcripts cannot give again is written too; none in memory.
    pub(crate) journal: Option<Journal>,
    /// The ledger's own id.
    pub(crate) id: String,
    /// The zone of the day roll-ups, fixed when the ledger was made.
    pub(crate) zone: TimeZone,
    /// The write-ahead log is in use; a new ledger's first load goes without.
    pub(crate) wal: bool,
    /// Sums in memory, for those that are asked again and again.
    pub(crate) cache: Option<Arc<SumCache>>,
    /// It notes which sums change, so that a cache can follow.
    pub(crate) is_followed: Cell<bool>,
    /// The number of the sequence that the snapshot of this connection is of, where the cache is of it too.
    pub(crate) cached_at: Cell<Option<i64>>,
}

impl Ledger {
    /// Opens the ledger at `place`, making it when it does not exist; a new one keeps its days in `zone`.
    pub fn open(place: &Place, zone: &TimeZone) -> Result<Self, OpenError> {
        if rusqlite::version_number() < OLDEST_SQLITE {
            return Err(OpenError::OldSqlite(rusqlite::version()));
        }
        let Place::File(path) = place else {
            let sqlite = |error| OpenError::Sqlite { path: PathBuf::from(":memory:"), error };
            let connection = Connection::open_in_memory().map_err(sqlite)?;
            return Self::set_up(connection, Path::new(":memory:"), zone, None).map_err(sqlite)?;
        };
        let path = &plain_path(path)?;
        let journal = Journal::of(path);
        damage::finish_swap(path, &journal)?;
        // Held while the file is opened: nobody puts another one in its place between SQLite's looks at its parts.
        let held = match journal.hold(false, REBUILD_PATIENCE) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(OpenError::Rebuilding(path.clone()));
            }
            held => held.ok(),
        };
        let head = journal.head().unwrap_or(Head::Foreign);
        prepare_file(path, &head)?;
        let id = if let Head::Ours(id) = &head { id.as_deref() } else { None };
        let mut ledger = Self::open_plain(path, zone, id)?;
        if let Some(id) = id.filter(|id| *id != ledger.id) {
            if damage::id_without_log(path).is_some_and(|of_file| of_file == id) {
                // A log that is another ledger's lies over ours, and must not get into it.
                let _left_as_it_is = ledger.abandon();
                return Err(OpenError::Damaged(path.clone()));
            }
            ledger.adopt(id).map_err(|error| OpenError::Sqlite { path: path.clone(), error })?;
        }
        drop(held);
        if head == Head::Empty {
            // Whoever cannot now leaves it to the next one.
            let _later =
                journal.hold(true, Duration::ZERO).map(|held| held.map(|mut held| held.begin(&ledger.id)));
        }
        ledger.journal = Some(journal);
        Ok(ledger)
    }

    /// Opens the ledger at a path and leaves alone what is beside it; a new one gets this id.
    pub(crate) fn open_plain(path: &Path, zone: &TimeZone, id: Option<&str>) -> Result<Self, OpenError> {
        let mut tries = 0;
        let begun = Instant::now();
        loop {
            let opened = open_file(path).and_then(|connection| Self::set_up(connection, path, zone, id));
            match opened {
                Ok(ledger) => return ledger,
                Err(error) if is_busy(&error) && begun.elapsed() < BUSY_TIMEOUT => {
                    tries += 1;
                    std::thread::sleep(Duration::from_millis(5) * tries.min(10));
                }
                Err(error) => return Err(OpenError::Sqlite { path: path.to_owned(), error }),
            }
        }
    }

    /// The journal beside it is another ledger's: from now on it is this one's too, and all that it holds comes in.
    fn adopt(&mut self, id: &str) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute("UPDATE meta SET value = ?1 WHERE key = 'ledger'", [id])?;
        keep::lost(&transaction)?;
        transaction.commit()?;
        id.clone_into(&mut self.id);
        Ok(())
    }

    /// The zone of the day roll-ups.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Leaves the file as it is, log and all: it is going to be looked at, and perhaps set aside.
    pub fn abandon(&self) -> Result<(), LedgerError> {
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Ok(())
    }

    /// Keeps less of the file in memory than a first load wants: for those that live long, of which there are several.
    /// What the system keeps of the file is as good for questions: with four times as much none was quicker.
    pub fn live_long(&self) -> Result<(), LedgerError> {
        self.connection.pragma_update(None, "cache_size", -500)?;
        Ok(())
    }

    fn set_up(
        mut connection: Connection,
        path: &Path,
        zone: &TimeZone,
        id: Option<&str>,
    ) -> rusqlite::Result<Result<Self, OpenError>> {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        // Without it SQLite may plan a statement anew for each value that is bound to it: so it did for the branch of
        // every session of a list, which was a third of what a page took.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        // Another program's log, or a damaged one, is not written into its database, only because we looked and went
        // away again.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.set_prepared_statement_cache_capacity(64);
        if is_foreign(&connection)? {
            return Ok(Err(OpenError::Foreign(path.to_owned())));
        }
        let synchronous = if planted(Bug::LedgerNotSynced) { "NORMAL" } else { "FULL" };
        connection.pragma_update(None, "synchronous", synchronous)?;
        wal::bound(&connection)?;
        // Rows are written in the order of their keys: 24 MB was no faster on three gigabytes.
        connection.pragma_update(None, "cache_size", -16_000)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "mmap_size", 0)?;
        // Damage shows when a page is read, and not as odd numbers.
        connection.pragma_update(None, "cell_size_check", true)?;
        let version = schema_version(&connection)?;
        if version > SCHEMA_VERSION {
            return Ok(Err(OpenError::Newer { path: path.to_owned(), found: version }));
        }
        if (1..SCHEMA_VERSION).contains(&version) {
            return Ok(Err(OpenError::Older { path: path.to_owned(), found: version }));
        }
        // A new ledger keeps its rollback journal for its first load: fresh pages then go to the file once, where the
        // write-ahead log would hold them first. `use_wal` follows the first commit.
        let wal = version > 0 && wal::turn_on(&connection)?;
        if version == 0 {
            create(&mut connection, zone, id)?;
        }
        let meta = |key: &str| -> rusqlite::Result<String> {
            connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0))
        };
        let (zone_name, id) = (meta("zone")?, meta("ledger")?);
        // Looking a zone up by name costs milliseconds; the caller mostly holds it already. A zone without a name
        // keeps its days in UTC, as `meta` says, and not in its own: the next one without a name may be another.
        let known = (zone.iana_name() == Some(&*zone_name)).then(|| zone.clone());
        let Some(zone) = known.or_else(|| zone_named(&zone_name)) else {
            return Ok(Err(OpenError::UnknownZone { path: path.to_owned(), zone: zone_name }));
        };
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        let (names, load) = (NameCaches::default(), Load::default());
        Ok(Ok(Self {
            connection,
            names,
            load,
            journal: None,
            id,
            zone,
            wal,
            cache: None,
            is_followed: Cell::new(false),
            cached_at: Cell::new(None),
        }))
    }
}

/// The zone of this name. UTC needs no zone database.
pub(crate) fn zone_named(name: &str) -> Option<TimeZone> {
    if name == "UTC" { Some(TimeZone::UTC) } else { TimeZone::get(name).ok() }
}

/// What a zone is called in the ledger.
fn zone_name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("UTC")
}

fn schema_version(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// It has tables, and they are not ours.
fn is_foreign(connection: &Connection) -> rusqlite::Result<bool> {
    // Tables first: another process may make the ledger between the two looks, and makes both at once.
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    Ok(application != APPLICATION_ID && tables > 0)
}

fn create(connection: &mut Connection, zone: &TimeZone, id: Option<&str>) -> rusqlite::Result<()> {
    // Both hold only before the first table is made. Pages of 8 KiB take half the system calls of a load.
    connection.pragma_update(None, "page_size", 8192)?;
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let made_meanwhile: Option<String> = transaction
        .query_row("SELECT name FROM sqlite_schema WHERE name = 'meta'", [], |row| row.get(0))
        .optional()?;
    if made_meanwhile.is_none() {
        transaction.execute_batch(SCHEMA)?;
        transaction.execute(
            "INSERT INTO meta VALUES ('zone', ?1), ('seq', '0'), ('weight', '0'), ('changes', '0'),
                 ('unjournalled', '0'),
                 ('ledger', coalesce(?2, lower(hex(randomblob(16)))))",
            (zone_name(zone), id),
        )?;
        // Of a journal that begins with this ledger nothing has to come back.
        let known = if id.is_none() { journal::first_record(&"0".repeat(32)).len() } else { 0 };
        transaction.execute("INSERT INTO meta VALUES ('journal', ?1)", [known.to_string()])?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    transaction.commit()
}

pub(crate) fn open_file(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    Connection::open_with_flags(path, flags)
}

pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
    )
}
