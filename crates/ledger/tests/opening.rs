//! What is opened, what is refused, and that the refused is left as it was.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Barrier;

use cco_ledger::{Ledger, OpenError, Place};
use jiff::tz::{Offset, TimeZone};
use rusqlite::Connection;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

fn open(path: &Path) -> Result<Ledger, OpenError> {
    Ledger::open(&Place::File(path.to_owned()), &TimeZone::UTC)
}

/// Every file in a folder, with its bytes.
fn everything_in(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), fs::read(path).expect("a file")))
        .collect()
}

/// Opening is refused, and not a byte is another one, nor a file more or less.
fn refused(path: &Path) -> OpenError {
    let folder = path.parent().expect("a folder");
    let before = everything_in(folder);
    let Err(error) = open(path) else { panic!("{} was opened", path.display()) };
    assert!(before == everything_in(folder), "{} or what lies beside it was changed", path.display());
    error
}

#[test]
fn what_is_no_ledger_is_refused_and_left_as_it_was() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("notes.txt"), "dear diary\n").expect("a file");
    fs::write(path("long.txt"), "dear diary\n".repeat(1000)).expect("a file");
    fs::write(path("zeros"), [0; 8192]).expect("a file");
    fs::write(path("half a header"), b"SQLite format 3\0").expect("a file");
    fs::create_dir(path("directory")).expect("a folder");
    let plain = Connection::open(path("plain.db")).expect("a database");
    plain.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1);").expect("a table");
    let marked = Connection::open(path("marked.db")).expect("a database");
    marked.execute_batch("PRAGMA application_id = 7;").expect("an id");
    drop((plain, marked));
    for name in ["notes.txt", "long.txt", "zeros", "directory", "plain.db", "marked.db"] {
        let error = refused(&path(name));
        assert!(matches!(error, OpenError::Foreign(_)), "{name}: {error}");
    }
    assert!(matches!(open(Path::new("/dev/null")), Err(OpenError::Foreign(_))), "nor is a device");
}

#[test]
fn another_programs_database_whose_tables_are_still_in_its_log_is_left_as_it_was() {
    let folder = folder();
    let (live, left) = (folder.path().join("live.db"), folder.path().join("left.db"));
    let connection = Connection::open(&live).expect("a database");
    connection.pragma_update(None, "journal_mode", "WAL").expect("a log");
    connection.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1);").expect("a table");
    // As a kill would leave it.
    fs::copy(&live, &left).expect("a copy");
    fs::copy(folder.path().join("live.db-wal"), folder.path().join("left.db-wal")).expect("a copy");
    drop(connection);
    let before = everything_in(folder.path());
    assert!(matches!(open(&left), Err(OpenError::Foreign(_))));
    let after = everything_in(folder.path());
    for name in ["left.db", "left.db-wal"] {
        let path = folder.path().join(name);
        assert!(before.get(&path) == after.get(&path), "{name} was changed");
    }
}

#[test]
fn a_ledger_of_another_version_is_refused_and_left_as_it_was() {
    let folder = folder();
    let path = folder.path().join("ledger.db");
    drop(open(&path).expect("a ledger"));
    let with_version = |version: i32| {
        let other = Connection::open(&path).expect("a database");
        other.pragma_update(None, "user_version", version).expect("a version");
        drop(other);
        refused(&path)
    };
    let (newer, older) = (with_version(9), with_version(1));
    assert!(matches!(newer, OpenError::Newer { found: 9, .. }), "{newer}");
    assert!(matches!(older, OpenError::Older { found: 1, .. }), "{older}");
}

#[test]
fn a_path_that_sqlite_would_take_for_a_uri_is_refused() {
    for path in ["file:ledger.db", "file:ledger.db?mode=memory", "file:///tmp/ledger.db?nolock=1"] {
        assert!(matches!(open(Path::new(path)), Err(OpenError::UriPath(_))), "{path}");
        assert!(!Path::new(path).exists());
    }
}

#[test]
fn a_path_of_odd_characters_names_the_file_that_it_names() {
    let folder = folder();
    let names: [&[u8]; 9] = [
        b"led ger.db",
        b"ledger.db?mode=memory",
        b"ledger#%41.db",
        b"file:ledger.db",
        b"'; DROP TABLE call; --",
        b":memory:",
        b"new\nline",
        "\u{201f}\u{1f600}".as_bytes(),
        b"latin-1 \xe9",
    ];
    for name in names {
        let path = folder.path().join(OsStr::from_bytes(name));
        for _ in 0..2 {
            open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        assert!(fs::metadata(&path).is_ok_and(|file| file.len() > 0), "{}", path.display());
    }
    assert_eq!(
        everything_in(folder.path()).len(),
        2 * names.len(),
        "each with its journal, and nothing else"
    );
}

#[test]
fn an_empty_file_becomes_a_ledger() {
    let folder = folder();
    let path = folder.path().join("ledger.db");
    fs::write(&path, "").expect("a file");
    drop(open(&path).expect("a ledger"));
    assert_eq!(open(&path).expect("the same ledger").extent().expect("an extent"), (0, None));
}

#[test]
fn many_that_make_one_ledger_at_once_all_get_the_same_one() {
    let folder = folder();
    let (path, start) = (folder.path().join("ledger.db"), Barrier::new(16));
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                start.wait();
                let mut ledger = open(&path).expect("a ledger");
                ledger.use_wal().expect("a log");
                assert_eq!(ledger.extent().expect("an extent"), (0, None));
            });
        }
    });
    let made = Connection::open(&path).expect("a database");
    let ids: i64 = made
        .query_row("SELECT count(*) FROM meta WHERE key = 'ledger'", [], |row| row.get(0))
        .expect("a ledger's id");
    assert_eq!(ids, 1);
}

#[test]
fn a_ledger_and_its_log_are_for_its_user_alone() {
    let folder = folder();
    let path = folder.path().join("ledger.db");
    let mut ledger = open(&path).expect("a ledger");
    ledger.use_wal().expect("a log");
    ledger.extent().expect("an extent");
    // Opened once more, it has its log from the start.
    let again = open(&path).expect("the same ledger");
    again.extent().expect("an extent");
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        let file = fs::metadata(folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_ledger_keeps_the_zone_that_it_was_made_in() {
    let folder = folder();
    let path = folder.path().join("ledger.db");
    let berlin = TimeZone::get("Europe/Berlin").expect("a zone");
    let made = Ledger::open(&Place::File(path.clone()), &berlin).expect("a ledger");
    assert_eq!(made.zone(), &berlin);
    drop(made);
    assert_eq!(open(&path).expect("the same ledger").zone(), &berlin);
}

#[test]
fn days_of_a_zone_without_a_name_are_kept_in_utc_for_the_next_one_may_be_another() {
    let folder = folder();
    for place in [Place::Memory, Place::File(folder.path().join("ledger.db"))] {
        for hours in [9, -5] {
            let nameless = TimeZone::fixed(Offset::constant(hours));
            let ledger = Ledger::open(&place, &nameless).expect("a ledger");
            assert_eq!(ledger.zone(), &TimeZone::UTC, "{place:?}, {hours} hours");
        }
    }
}
