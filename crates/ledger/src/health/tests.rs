//! Each fault is planted in a sound ledger, and found.

use std::path::Path;

use jiff::tz::TimeZone;

use super::{Holdings, KeyFaults, Unpriced};
use crate::{Ledger, Place};

/// A ledger with three calls of two transcripts, of which the second is gone.
fn ledger() -> Ledger {
    ledger_at(&Place::Memory)
}

fn ledger_at(place: &Place) -> Ledger {
    let ledger = Ledger::open(place, &TimeZone::UTC).expect("a new ledger");
    let mut sql = String::from(
        "INSERT INTO transcript (id, path, device, inode, born_ns, size, mtime_ns, \"offset\", fingerprint, gone)
         VALUES (1, x'61', 0, 1, 0, 0, 0, 0, 0, 0), (2, x'62', 0, 2, 0, 0, 0, 0, 0, 1);
         INSERT INTO model VALUES (1, 'acme-1'), (2, 'acme-2');",
    );
    for (id, transcript) in [(1, 1), (2, 2), (3, 2)] {
        sql += &format!(
            "INSERT INTO call (id, at_ms, session_id, project_id, branch_id, model_id, attribution_id, account_id,
                 transcript_id, \"offset\", request_id, effort, input, output, cache_write_5m, cache_write_1h,
                 cache_read, web_search, thinking, cost_nanos, savings_nanos, logged_cost_nanos, price_list_id, flags,
                 seq, key)
             VALUES ({id}, {id}000, 0, 0, 0, 1, 0, 0, {transcript}, 0, '', '',
                 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, x'0{id}');
             INSERT INTO call_key VALUES (x'0{id}', {id});"
        );
    }
    ledger.connection.execute_batch(&sql).expect("rows");
    ledger
}

fn change(ledger: &Ledger, sql: &str) {
    ledger.connection.execute_batch(sql).expect("a change");
}

#[test]
fn holdings_tell_how_far_back_and_what_only_the_ledger_has() {
    let holdings = Holdings { calls: 3, first_ms: Some(1000), last_ms: Some(3000), of_gone_transcripts: 2 };
    assert_eq!(ledger().holdings().expect("holdings"), holdings);
    let empty = Ledger::open(&Place::Memory, &TimeZone::UTC).expect("a new ledger");
    assert_eq!(empty.holdings().expect("holdings"), Holdings::default());
}

#[test]
fn calls_after_an_instant_are_those_behind_it() {
    let ledger = ledger();
    let after = |at_ms| ledger.calls_after(at_ms).expect("a number");
    assert_eq!([after(0), after(1000), after(2999), after(3000)], [3, 2, 1, 0]);
}

#[test]
fn every_call_has_one_key_and_every_key_one_call() {
    let faults = |sql: &str| {
        let ledger = ledger();
        change(&ledger, sql);
        ledger.key_faults().expect("an answer")
    };
    let none = KeyFaults::default();
    assert_eq!(faults(""), none);
    assert_eq!(faults("DELETE FROM call_key WHERE call_id > 1"), KeyFaults { calls_without_key: 2, ..none });
    assert_eq!(faults("INSERT INTO call_key VALUES (x'aa', 1)"), KeyFaults { calls_with_several: 1, ..none });
    assert_eq!(faults("DELETE FROM call WHERE id = 2"), KeyFaults { keys_without_call: 1, ..none });
}

#[test]
fn calls_that_are_in_no_sum_are_a_difference() {
    assert!(!ledger().audit().expect("an audit").is_empty());
}

#[test]
fn unpriced_models_come_with_the_most_tokens_first() {
    let ledger = ledger();
    assert_eq!(ledger.unpriced().expect("an answer"), []);
    // kind, bucket, five ids, calls, five tokens, searches, cost, savings, unpriced calls and tokens, first, last.
    for (day, model, calls, tokens) in [(1, 1, 2, 10), (2, 1, 1, 5), (1, 2, 1, 99), (1, 0, 0, 0)] {
        change(
            &ledger,
            &format!(
                "INSERT INTO rollup VALUES (4, {day}, 0, 0, {model}, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, {calls},
                     {tokens}, 0, 0)"
            ),
        );
    }
    let unpriced = |model: &str, calls, tokens| Unpriced { model: model.to_owned(), calls, tokens };
    assert_eq!(ledger.unpriced().expect("an answer"), [unpriced("acme-2", 1, 99), unpriced("acme-1", 3, 15)]);
}

#[test]
fn a_damaged_page_is_complained_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.db");
    let place = Place::File(path.clone());
    let ledger = ledger_at(&place);
    let complaints = |ledger: &Ledger| [false, true].map(|deep| ledger.complaints(deep).expect("an answer"));
    assert_eq!(complaints(&ledger), [vec![], vec![]] as [Vec<String>; 2]);
    change(&ledger, "PRAGMA wal_checkpoint(TRUNCATE)");
    let root: i64 = ledger
        .connection
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'call'", [], |row| row.get(0))
        .expect("a page");
    drop(ledger);
    spoil(&path, root);
    let ledger = Ledger::open(&place, &TimeZone::UTC).expect("its first page is whole");
    let [quick, deep] = complaints(&ledger);
    assert!(!quick.is_empty() && !deep.is_empty(), "{quick:?} {deep:?}");
}

/// Overwrites the number of cells of a page.
fn spoil(path: &Path, page: i64) {
    use std::os::unix::fs::FileExt;
    let file = std::fs::File::options().write(true).open(path).expect("the ledger");
    let start = (page.cast_unsigned() - 1) * 8192;
    file.write_all_at(&[0xff; 16], start).expect("a damaged page");
}

#[test]
fn sqlite_is_new_enough() {
    let (found, oldest, trusted) = super::sqlite();
    assert!(trusted, "{found} is older than {oldest}");
}
