//! Several connections on one ledger: a report sees one state, a writer waits for its turn, opening waits too.

mod common;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use cco_ledger::Ledger;
use cco_ledger::query::{By, Only, Question, SumCache, Told};
use cco_ledger::write::Taken;
use common::{open, take};
use jiff::tz::TimeZone;
use rusqlite::Connection;

/// How long a lock is held against those who wait for it: far beyond what they need to begin waiting.
const HELD: Duration = Duration::from_millis(700);

fn ledger_file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.db");
    (folder, path)
}

/// Calls as each question counts them, and the models that days and sessions name.
fn told(ledger: &Ledger) -> (Vec<u64>, Vec<String>) {
    let all = Question { days: (None, None), zone: TimeZone::UTC, only: Only::default() };
    let days = ledger.groups(&all, By { day: true, ..By::default() }).expect("days");
    let quarters = ledger.quarters(&(i64::MIN..i64::MAX), &Only::default()).expect("quarters");
    let sessions = ledger.sessions(&(i64::MIN..i64::MAX), &all.only).expect("sessions");
    let projects = ledger.groups(&all, By { project: true, ..By::default() }).expect("projects");
    let counts = vec![
        ledger.extent().expect("an extent").0,
        days.iter().map(|group| group.part.sums.calls).sum(),
        quarters.iter().map(|calls| calls.part.sums.calls).sum(),
        sessions.iter().map(|session| session.part.sums.calls).sum(),
        projects.iter().map(|group| group.part.sums.calls).sum(),
    ];
    let models = days.into_iter().map(|group| group.part.model.to_string());
    (counts, models.chain(sessions.into_iter().map(|session| session.part.model.to_string())).collect())
}

/// Runs `work` while another connection holds the ledger by a transaction of this kind; `work` must outlast it.
fn while_held<T>(path: &Path, kind: &str, work: impl FnOnce() -> T) -> T {
    let (released, (held, is_held)) = (AtomicBool::new(false), channel());
    std::thread::scope(|scope| {
        let released = &released;
        scope.spawn(move || {
            let holder = Connection::open(path).expect("a connection");
            holder.execute_batch(kind).expect("the lock");
            held.send(()).expect("somebody waits");
            std::thread::sleep(HELD);
            released.store(true, Ordering::Release);
            holder.execute_batch("ROLLBACK").expect("the lock's end");
        });
        is_held.recv().expect("the lock");
        let result = work();
        assert!(released.load(Ordering::Acquire), "it did not wait for the lock");
        result
    })
}

#[test]
fn all_questions_to_one_snapshot_are_answered_from_one_state_while_others_commit() {
    let (_folder, path) = ledger_file();
    let (mut writing, reading) = (open(&path).expect("a ledger"), open(&path).expect("the same"));
    take(&mut writing, 0..10, "first").expect("a commit");
    writing.use_wal().expect("a log");
    let snapshot = reading.snapshot().expect("a snapshot");
    let before = told(&reading);
    assert_eq!(before.0, [10; 5]);
    take(&mut writing, 10..30, "second").expect("a commit beside the reader");
    assert_eq!(told(&reading), before);
    let inner = reading.snapshot().expect("a snapshot in the snapshot");
    drop(inner);
    assert_eq!(told(&reading), before, "the inner one does not end the outer one");
    drop(snapshot);
    assert_eq!(told(&reading).0, [30; 5], "the next report sees what is new");
}

#[test]
fn a_report_beside_a_busy_writer_adds_up_and_knows_each_name() {
    const COMMITS: u64 = 60;
    let (_folder, path) = ledger_file();
    let (mut writing, reading) = (open(&path).expect("a ledger"), open(&path).expect("the same"));
    take(&mut writing, 0..5, "model 0").expect("a commit");
    writing.use_wal().expect("a log");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let done = &done;
        scope.spawn(move || {
            for n in 1..COMMITS {
                // Names that the reader has never met.
                take(&mut writing, n * 5..n * 5 + 5, &format!("model {n}")).expect("a commit");
            }
            done.store(true, Ordering::Release);
        });
        let mut reports = 0;
        while !done.load(Ordering::Acquire) || reports == 0 {
            let _snapshot = reading.snapshot().expect("a snapshot");
            let (counts, models) = told(&reading);
            assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
            assert!(models.iter().all(|model| model.starts_with("model ")), "{models:?}");
            reports += 1;
        }
    });
    assert_eq!(told(&reading).0, [COMMITS * 5; 5]);
}

#[test]
fn a_writer_waits_while_another_process_writes() {
    let (_folder, path) = ledger_file();
    let mut ledger = open(&path).expect("a ledger");
    take(&mut ledger, 0..10, "first").expect("a commit");
    // Under the journal of a first load, and under the write-ahead log.
    for from in [10, 20] {
        let taken = while_held(&path, "BEGIN IMMEDIATE", || take(&mut ledger, from..from + 10, "second"));
        assert_eq!(taken.expect("its turn"), Taken::Yes);
        ledger.use_wal().expect("a log");
    }
    assert_eq!(told(&ledger).0, [30; 5]);
}

#[test]
fn reports_do_not_wait_for_a_writer() {
    let (_folder, path) = ledger_file();
    let mut ledger = open(&path).expect("a ledger");
    take(&mut ledger, 0..10, "first").expect("a commit");
    ledger.use_wal().expect("a log");
    let holder = Connection::open(&path).expect("a connection");
    holder.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    assert_eq!(told(&ledger).0, [10; 5]);
    assert_eq!(told(&open(&path).expect("opened beside the writer")).0, [10; 5]);
}

#[test]
fn opening_a_ledger_that_another_process_holds_is_tried_again() {
    let (_folder, path) = ledger_file();
    // Nothing yet, and a first load without the write-ahead log: a holder keeps readers out too.
    std::fs::write(&path, "").expect("a file");
    for calls in [0, 1] {
        let mut ledger = while_held(&path, "BEGIN EXCLUSIVE", || open(&path)).expect("a ledger");
        assert_eq!(told(&ledger).0, [calls; 5]);
        take(&mut ledger, calls..calls + 1, "name").expect("a commit");
    }
}

/// The system takes away all locks that a process has on a file as soon as it closes any descriptor of it.
#[cfg(target_os = "linux")]
#[test]
fn opening_a_ledger_takes_no_lock_away_from_others_in_this_process() {
    use std::os::unix::fs::MetadataExt;

    let (folder, made) = ledger_file();
    drop(open(&made));
    // A file that this process did not make.
    let path = folder.path().join("another.db");
    std::fs::copy(made, &path).expect("a copy");
    let held = Connection::open(&path).expect("a connection");
    held.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let inode = format!(":{} ", path.metadata().expect("its file").ino());
    let locks = || {
        let all = std::fs::read_to_string("/proc/locks").expect("the system's locks");
        all.lines().filter(|lock| lock.contains(&inode)).count()
    };
    let before = locks();
    assert!(before > 0, "SQLite holds locks of this kind");
    let second = Ledger::open(&cco_ledger::Place::File(path), &TimeZone::UTC).expect("the same ledger");
    assert!(locks() >= before, "opening closed a file that SQLite had locked");
    drop(second);
}

/// Calls by their days, as a connection with a cache answers.
fn cells(ledger: &Ledger) -> u64 {
    let mut calls = 0;
    ledger
        .cells(&[1_780_000_000_000, 1_800_000_000_000], &Only::default(), Told::Everything, &mut |cell| {
            calls += cell.sums.calls;
        })
        .expect("an answer");
    calls
}

#[test]
fn a_snapshot_is_answered_from_its_own_state_when_the_shared_cache_has_gone_on() {
    let (_folder, path) = ledger_file();
    let mut writer = open(&path).expect("a ledger");
    assert_eq!(take(&mut writer, 0..40, "one").expect("taken"), Taken::Yes);
    writer.prepare_following().expect("triggers");
    let cache: std::sync::Arc<SumCache> = std::sync::Arc::default();
    let [behind, ahead] = [(), ()].map(|()| {
        let mut ledger = open(&path).expect("a ledger");
        ledger.use_cache(std::sync::Arc::clone(&cache));
        ledger
    });
    let earlier = behind.snapshot().expect("a snapshot");
    assert_eq!(cells(&behind), 40);
    assert_eq!(take(&mut writer, 40..50, "one").expect("taken"), Taken::Yes);
    let later = ahead.snapshot().expect("a snapshot");
    assert_eq!((cells(&ahead), cells(&behind), cells(&ahead)), (50, 40, 50));
    drop((earlier, later));
    let now = behind.snapshot().expect("a snapshot");
    assert_eq!(cells(&behind), 50);
    drop(now);
    assert_eq!(cells(&behind), 50, "without a snapshot, SQLite is asked");
}
