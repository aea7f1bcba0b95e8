//! What only the connection itself can show.

use std::collections::HashMap;
use std::path::Path;

use cco_model::batch::{Batch, CallRow, ToolUse};
use cco_model::call::{Standing, Usage};
use cco_model::file::FileState;
use cco_model::limit::AccountId;
use cco_model::money::NanoUsd;
use cco_model::price::PriceList;
use cco_model::tokens::Tokens;
use jiff::tz::TimeZone;
use rusqlite::StatementStatus;

use super::{Intake, Taken};
use crate::audit::Side;
use crate::limits::{HeldBy, Holding, Observed};
use crate::{Ledger, LedgerError, Place};

/// Calls of ten output tokens each, one a minute.
fn batch(calls: std::ops::Range<u64>) -> Batch {
    let mut batch = Batch::default();
    let (model, session) = (batch.names.intern(b"claude-opus-4-8"), batch.names.intern(b"s1"));
    let usage = Usage { tokens: Tokens { output: 10, ..Tokens::default() }, ..Usage::default() };
    for call in calls {
        let mut key = [7; 16];
        key[..8].copy_from_slice(&call.to_be_bytes());
        batch.calls.push(CallRow {
            key,
            at_ms: 1_790_000_000_000 + call.cast_signed() * 60_000,
            standing: Standing::new(false, &usage),
            sidechain: false,
            usage,
            model,
            session: Some(session),
            cwd: None,
            branch: None,
            attribution: cco_model::batch::Attribution::default(),
            effort: None,
            request: None,
            offset: call,
            logged_cost: None,
        });
    }
    batch
}

/// Takes calls in, as a transcript's bytes of the same numbers.
fn take(ledger: &mut Ledger, calls: std::ops::Range<u64>) -> Result<Taken, LedgerError> {
    let from_start = calls.start == 0;
    take_batch(ledger, calls.clone(), from_start, &batch(calls), true)
}

fn take_batch(
    ledger: &mut Ledger,
    calls: std::ops::Range<u64>,
    from_start: bool,
    batch: &Batch,
    last: bool,
) -> Result<Taken, LedgerError> {
    take_held(ledger, calls, from_start, batch, &HeldBy::default(), last)
}

fn take_held(
    ledger: &mut Ledger,
    calls: std::ops::Range<u64>,
    from_start: bool,
    batch: &Batch,
    accounts: &HeldBy,
    last: bool,
) -> Result<Taken, LedgerError> {
    let prices = PriceList::new("none".to_owned(), Vec::new(), NanoUsd(0));
    let state = FileState {
        device: 1,
        inode: 1,
        born_ns: 1,
        size: calls.end,
        mtime_ns: 1,
        offset: calls.end,
        fingerprint: 0,
    };
    let mut writer = ledger.writer(&prices)?;
    let id = writer.transcript(Path::new("/t.jsonl"), &state)?;
    let intake = Intake {
        expected_offset: calls.start,
        from_start,
        state,
        batch,
        projects: &HashMap::new(),
        accounts,
        soft_errors: &[],
        damaged_lines: 0,
        recovered_records: 0,
    };
    let taken = writer.take(id, &intake)?;
    writer.commit(last)?;
    Ok(taken)
}

fn counted(ledger: &Ledger) -> u64 {
    assert_eq!(ledger.audit().expect("an audit"), []);
    ledger.extent().expect("an extent").0
}

fn pragma(ledger: &Ledger, name: &str) -> i64 {
    ledger.connection.pragma_query_value(None, name, |row| row.get(0)).expect("a pragma")
}

#[test]
fn a_full_disk_loses_nothing_and_the_next_try_completes_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place::File(folder.path().join("ledger.db"));
    let mut ledger = Ledger::open(&place, &TimeZone::UTC).expect("a ledger");
    assert_eq!(take(&mut ledger, 0..100).expect("room"), Taken::Yes);
    ledger.use_wal().expect("a log");
    // From no room at all up to one page too few, so that it runs out in the middle and at the end of the commit.
    let full = pragma(&ledger, "page_count");
    let mut failures = 0;
    for room in 0.. {
        ledger.connection.pragma_update(None, "max_page_count", full + room).expect("a limit");
        match take(&mut ledger, 100..1000) {
            Err(error) => {
                assert!(error.is_full(), "{error}");
                failures += 1;
                ledger.forget_uncommitted();
                assert_eq!(counted(&ledger), 100);
            }
            Ok(taken) => {
                assert_eq!(taken, Taken::Yes);
                break;
            }
        }
    }
    assert!(failures > 5, "{failures}");
    assert_eq!(counted(&ledger), 1000);
    drop(ledger);
    assert_eq!(counted(&Ledger::open(&place, &TimeZone::UTC).expect("a ledger")), 1000);
}

#[test]
fn bytes_that_another_process_took_are_not_taken_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place::File(folder.path().join("ledger.db"));
    let mut one = Ledger::open(&place, &TimeZone::UTC).expect("a ledger");
    let mut other = Ledger::open(&place, &TimeZone::UTC).expect("the same ledger");
    assert_eq!(take(&mut one, 0..10).expect("a commit"), Taken::Yes);
    assert_eq!(take(&mut other, 0..10).expect("a commit"), Taken::Overtaken);
    assert_eq!(take(&mut other, 10..20).expect("a commit"), Taken::Yes);
    assert_eq!((counted(&one), counted(&other)), (20, 20));
}

#[test]
fn the_audit_names_each_roll_up_that_is_wrong_missing_or_left_over() {
    let mut ledger = Ledger::open(&Place::Memory, &TimeZone::UTC).expect("a ledger");
    take(&mut ledger, 0..1).expect("a commit");
    // The row is spoiled, looked at, and put back from a copy.
    for (rollup, spoil, kept) in [
        ("day", "UPDATE rollup SET output = output + 1 WHERE kind = 2", Some(11)),
        ("quarter", "UPDATE rollup SET last_ms = last_ms + 1 WHERE kind = 1", Some(10)),
        ("session", "DELETE FROM rollup WHERE kind = 3", None),
        ("model_day", "UPDATE rollup SET calls = 2 WHERE kind = 4", Some(10)),
        ("month", "UPDATE rollup SET output = 0 WHERE kind = 5", Some(0)),
    ] {
        let run = |sql: &str| ledger.connection.execute_batch(sql).expect("a statement");
        run("CREATE TEMP TABLE sound AS SELECT * FROM rollup");
        run(spoil);
        let differences = ledger.audit().expect("an audit");
        run("REPLACE INTO rollup SELECT * FROM sound; DROP TABLE sound");
        let [difference] = &differences[..] else { panic!("{spoil}: {differences:?}") };
        assert_eq!(difference.rollup, rollup);
        let output = |side: Option<Side>| match side? {
            Side::Calls { sums, .. } => Some(sums.tokens.output),
            Side::Uses { .. } => None,
        };
        assert_eq!(output(difference.kept), kept);
        assert_eq!(output(difference.found), Some(10));
    }
    assert_eq!(counted(&ledger), 1);
    ledger.connection.execute_batch("DELETE FROM call").expect("spoiled");
    let differences = ledger.audit().expect("an audit");
    assert_eq!(differences.iter().filter(|d| d.found.is_none()).count(), 5, "{differences:?}");
}

#[test]
fn a_ledger_reaches_no_other_file_and_trusts_no_schema() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger =
        Ledger::open(&Place::File(folder.path().join("ledger.db")), &TimeZone::UTC).expect("a ledger");
    let other = folder.path().join("other.db");
    let attach = ledger.connection.execute("ATTACH ?1 AS other", [other.to_string_lossy()]);
    assert!(attach.is_err_and(|error| error.to_string().contains("too many attached databases")));
    assert!(!other.exists());
    let schema = ledger
        .connection
        .execute_batch("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = '' WHERE name = 'call';");
    assert!(schema.is_err(), "the schema cannot be written by hand");
    let extension = ledger.connection.query_row("SELECT load_extension('other')", [], |_| Ok(()));
    let refused = extension.map_err(|error| error.to_string());
    assert!(
        refused
            .as_ref()
            .is_err_and(|error| error.contains("not authorized") || error.contains("no such function")),
        "{refused:?}"
    );
    assert_eq!(pragma(&ledger, "trusted_schema"), 0);
    assert_eq!((pragma(&ledger, "synchronous"), pragma(&ledger, "auto_vacuum")), (2, 2));
    assert_eq!((pragma(&ledger, "mmap_size"), pragma(&ledger, "busy_timeout")), (0, 10_000));
}

#[test]
fn a_statement_is_planned_once_whatever_is_bound_to_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ledger =
        Ledger::open(&Place::File(folder.path().join("ledger.db")), &TimeZone::UTC).expect("a ledger");
    take(&mut ledger, 0..10).expect("a commit");
    let mut select = ledger
        .connection
        .prepare("SELECT flags FROM call WHERE session_id = ?1 AND at_ms <= ?2 ORDER BY at_ms DESC, id DESC")
        .expect("a statement");
    for session in 0..5 {
        let mut rows = select.query([session, i64::MAX - session]).expect("an answer");
        while rows.next().expect("a row").is_some() {}
    }
    assert_eq!(
        (select.get_status(StatementStatus::Run), select.get_status(StatementStatus::RePrepare)),
        (5, 0)
    );
}

#[test]
fn a_writer_that_waited_in_vain_says_that_another_one_holds_the_ledger_and_may_try_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place::File(folder.path().join("ledger.db"));
    let mut holder = Ledger::open(&place, &TimeZone::UTC).expect("a ledger");
    assert_eq!(take(&mut holder, 0..10).expect("a commit"), Taken::Yes);
    let mut ledger = Ledger::open(&place, &TimeZone::UTC).expect("the same ledger");
    // Under the journal of a first load, and under the write-ahead log.
    for calls in [10..20, 20..30] {
        // A short wait for the test; what it is otherwise stands in the test before.
        ledger.connection.busy_timeout(std::time::Duration::from_millis(20)).expect("a shorter wait");
        holder.connection.execute_batch("BEGIN IMMEDIATE").expect("the lock");
        let error = take(&mut ledger, calls.clone()).expect_err("held");
        assert_eq!(error.trouble(), Some(crate::Trouble::Busy), "{error}");
        assert_eq!(error.to_string(), "another process holds it and was waited for in vain");
        assert_eq!(counted(&ledger), calls.start, "reports need no lock");
        holder.connection.execute_batch("ROLLBACK").expect("the lock's end");
        assert_eq!(take(&mut ledger, calls).expect("its turn"), Taken::Yes);
        holder.use_wal().expect("a log");
    }
    assert_eq!((counted(&holder), counted(&ledger)), (30, 30));
}

#[test]
fn the_sqlite_inside_keeps_committed_rows() {
    assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
}

#[test]
fn a_first_load_that_is_cut_off_is_settled_by_the_next_scan() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place::File(folder.path().join("ledger.db"));
    let mut ledger = Ledger::open(&place, &TimeZone::UTC).expect("a ledger");
    take_batch(&mut ledger, 0..10, true, &batch(0..10), false).expect("taken");
    let mut earlier = batch(0..10);
    earlier.calls.retain(|call| call.offset == 9);
    earlier.calls[0].at_ms -= 3_600_000;
    take_batch(&mut ledger, 10..11, false, &earlier, false).expect("taken");
    assert!(ledger.load_was_cut_off().expect("an answer"));
    assert!(
        !ledger.audit().expect("an audit").is_empty(),
        "the last call left its quarter hour, whose end is open"
    );
    drop(ledger);

    let mut ledger = Ledger::open(&place, &TimeZone::UTC).expect("the ledger again");
    let prices = PriceList::new("none".to_owned(), Vec::new(), NanoUsd(0));
    ledger.writer(&prices).expect("a writer").commit(true).expect("a commit");
    assert!(!ledger.load_was_cut_off().expect("an answer"));
    assert_eq!(ledger.audit().expect("an audit"), []);
}

#[test]
fn a_first_load_settles_what_a_peer_that_died_had_only_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place::File(folder.path().join("ledger.db"));
    let mut one = Ledger::open(&place, &TimeZone::UTC).expect("a ledger");
    take_batch(&mut one, 0..10, true, &batch(0..10), false).expect("taken");
    let mut peer = Ledger::open(&place, &TimeZone::UTC).expect("the same ledger");
    let mut earlier = batch(0..10);
    earlier.calls.retain(|call| call.offset == 9);
    earlier.calls[0].at_ms -= 3_600_000;
    take_batch(&mut peer, 10..11, false, &earlier, false).expect("taken");
    // Killed before its last commit.
    drop(peer);
    take_batch(&mut one, 11..21, false, &batch(11..21), true).expect("taken");
    assert!(!one.load_was_cut_off().expect("an answer"));
    assert_eq!(one.audit().expect("an audit"), []);
}

/// What the sums say of uses and failures, by day.
fn tool_days(ledger: &Ledger) -> Vec<(i64, i64, i64)> {
    assert_eq!(ledger.audit().expect("an audit"), []);
    let mut select = ledger
        .connection
        .prepare("SELECT day, sum(uses), sum(failures) FROM tool_sum GROUP BY day ORDER BY day")
        .expect("a statement");
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("rows");
    rows.collect::<Result<_, _>>().expect("sums")
}

#[test]
fn sums_of_tool_uses_follow_their_calls_to_other_days_and_count_late_names_and_failures() {
    const DAY: i64 = 20_717;
    let mut ledger = Ledger::open(&Place::Memory, &TimeZone::UTC).expect("a ledger");
    let at = |minutes: i64, uses: &[(i64, bool)], failures: &[i64]| {
        let mut batch = batch(0..1);
        batch.calls[0].at_ms = DAY * 86_400_000 + minutes * 60_000;
        let name = batch.names.intern(b"Bash");
        let call = batch.calls[0].key;
        let used = |(id, with_call): &(i64, bool)| ToolUse { id: *id, call: with_call.then_some(call), name };
        batch.tool_uses = uses.iter().map(used).collect();
        batch.tool_failures = failures.to_vec();
        batch
    };
    let mut offset = 0;
    let mut take = |ledger: &mut Ledger, batch: &Batch, last| {
        let stretch = offset..offset + 1;
        offset += 1;
        take_batch(ledger, stretch, false, batch, last).expect("a commit");
    };
    // A failure before its use, a use without a call, and two of the call.
    take(&mut ledger, &at(60, &[(1, true), (2, true), (3, false)], &[1, 4]), true);
    assert_eq!(tool_days(&ledger), [(0, 1, 0), (DAY, 2, 1)]);
    // The use that failed before is seen, the one without a call has one, and all again.
    take(&mut ledger, &at(60, &[(1, true), (3, true), (4, true)], &[1]), true);
    assert_eq!(tool_days(&ledger), [(DAY, 4, 2)]);
    // The call turns out to have begun the day before; a failure comes late.
    take(&mut ledger, &at(-1, &[(2, true)], &[2]), true);
    assert_eq!(tool_days(&ledger), [(DAY - 1, 4, 3)]);
}

#[test]
fn a_call_is_of_the_account_that_was_held_when_it_began_in_however_many_pieces_its_rows_come() {
    let rows = [(0, 10), (7, 20)];
    for order in [[0, 1], [1, 0]] {
        let mut ledger = Ledger::open(&Place::Memory, &TimeZone::UTC).expect("a ledger");
        let begun = batch(0..1).calls[0].at_ms;
        let held = |minutes: i64, name: &str| {
            let at = begun + minutes * 60_000;
            let id = AccountId { organization: "o".into(), account: name.into() };
            Holding { dir: "/d".to_owned(), from_ms: at, until_ms: at, account: Some(id) }
        };
        let holdings = vec![held(-1, "a"), held(4, "a"), held(6, "b")];
        ledger.observe(&Observed { holdings, ..Observed::default() }, begun + 360_000).expect("a commit");
        let accounts = ledger.held_by(i64::MAX).expect("holders").remove("/d").expect("a directory");
        for (step, row) in order.into_iter().enumerate() {
            let (minutes, output) = rows[row];
            let mut batch = batch(0..1);
            let call = &mut batch.calls[0];
            call.at_ms = begun + minutes * 60_000;
            call.usage.tokens.output = output;
            call.standing = Standing::new(false, &call.usage);
            let step = step as u64;
            take_held(&mut ledger, step..step + 1, false, &batch, &accounts, true).expect("a commit");
        }
        let account = "SELECT uuid FROM call JOIN account ON account.id = account_id";
        let account: String = ledger.connection.query_row(account, [], |row| row.get(0)).expect("a call");
        assert_eq!(account, "a", "{order:?}");
        assert_eq!(ledger.audit().expect("an audit"), []);
    }
}
