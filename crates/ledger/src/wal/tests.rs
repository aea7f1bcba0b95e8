use jiff::tz::TimeZone;
use tempfile::TempDir;

use super::{MOST_BYTES, MOST_PAGES};
use crate::{Ledger, Place};

/// What a page takes in the log.
const FRAME: u64 = 8192 + 24;

fn open(folder: &TempDir) -> Ledger {
    let mut ledger =
        Ledger::open(&Place::File(folder.path().join("ledger.db")), &TimeZone::UTC).expect("a ledger");
    ledger.use_wal().expect("a log");
    ledger
}

/// A commit of so many fresh pages, in order: by chance, some commits would change many more.
fn commit(ledger: &Ledger, pages: i64) {
    let insert = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
         INSERT INTO project (name)
         SELECT printf('%08d', n + (SELECT count(*) FROM project)) || hex(zeroblob(4000)) FROM n";
    ledger.connection.execute(insert, [pages]).expect("a commit");
}

fn names(ledger: &Ledger) -> i64 {
    ledger.connection.query_row("SELECT count(*) FROM project", [], |row| row.get(0)).expect("a count")
}

#[test]
fn in_ordinary_use_the_log_stays_short() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = open(&folder);
    for _ in 0..100 {
        commit(&ledger, 20);
        // The commit that finds it too long still went into it.
        let most = (MOST_PAGES.cast_unsigned() + 100) * FRAME;
        assert!(ledger.log_bytes() <= most, "{} bytes", ledger.log_bytes());
    }
}

#[test]
fn a_log_that_grew_under_somebody_who_reads_is_cut_when_he_has_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, reader) = (open(&folder), open(&folder));
    let look = reader.snapshot().expect("a snapshot");
    let before = names(&reader);
    for _ in 0..10 {
        commit(&ledger, 200);
    }
    ledger.shorten_log().expect("an attempt");
    assert!(ledger.log_bytes() > MOST_BYTES, "it was needed: {} bytes", ledger.log_bytes());
    assert_eq!(names(&reader), before);
    drop(look);
    ledger.shorten_log().expect("a checkpoint");
    assert_eq!(ledger.log_bytes(), 0);
    assert_eq!(names(&reader), before + 2_000);
}

#[test]
fn a_short_log_is_left_alone_until_there_is_no_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = open(&folder);
    commit(&ledger, 20);
    let before = ledger.log_bytes();
    ledger.shorten_log().expect("nothing to do");
    assert_eq!(ledger.log_bytes(), before);
    assert!(ledger.make_room());
    assert!(!ledger.make_room(), "there is nothing more to be had");
    assert_eq!((ledger.log_bytes(), names(&ledger)), (0, 20));
}

#[test]
fn whoever_makes_room_waits_as_long_as_before_for_his_next_turn() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = open(&folder);
    commit(&ledger, 20);
    ledger.make_room();
    let wait: i64 =
        ledger.connection.pragma_query_value(None, "busy_timeout", |row| row.get(0)).expect("a number");
    assert_eq!(wait, 10_000);
}
