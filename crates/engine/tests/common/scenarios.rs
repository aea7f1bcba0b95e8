//! Stories that a planted bug must spoil. Each is told as a check that says what went wrong.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use cco_engine::{Engine, LedgerPlace, price_list};
use cco_ledger::Ledger;
use cco_ledger::limits::Observed;
use cco_model::limit::{AccountId, Percent, Reading, Source, Window};
use jiff::tz::TimeZone;

use crate::common::{self, FIRST, ROW, Row, Tree, agreed_totals};

/// The id of another call.
const SECOND: &str = "msg_01SECONDSECONDSECONDXX";

/// What a story ends with: nothing to say, or what is wrong.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// All ways of adding up agree on so many calls and output tokens.
fn expect(engine: &Engine, calls: u64, output: u64) -> Outcome {
    let sums = agreed_totals(engine)?;
    let got = (sums.calls, sums.tokens.output);
    if got == (calls, output) { Ok(()) } else { Err(format!("{got:?} instead of {:?}", (calls, output))) }
}

/// The days of UTC that have calls.
fn days(engine: &Engine) -> Vec<String> {
    let days =
        engine.periods(&common::everything(TimeZone::UTC), cco_engine::report::Period::Day).expect("days");
    days.into_iter().map(|day| day.key.to_string()).collect()
}

fn append(tree: &Tree, name: &str, text: &str) {
    let path = tree.path(name);
    let mut file = fs::File::options().append(true).open(&path).expect("a transcript");
    file.write_all(text.as_bytes()).expect("room on the disk");
    drop(file);
    tree.touch(&path);
}

/// The last row of a streamed answer comes in a later scan, and it is the one that holds the count.
pub(crate) fn an_answer_that_grew_has_its_final_count() -> Outcome {
    let (tree, started, finished) = (Tree::new(), Row { output: 1, ..ROW }, Row { output: 300, ..ROW });
    let mut engine = tree.engine();
    tree.put("p/s1.jsonl", started.line());
    common::scan(&mut engine);
    append(&tree, "p/s1.jsonl", &finished.line());
    common::scan(&mut engine);
    expect(&engine, 1, 300)
}

/// A resumed session copies old rows into a new file, in another folder.
pub(crate) fn a_copied_call_counts_once() -> Outcome {
    let tree = Tree::new();
    tree.put("p/s1.jsonl", ROW.line());
    tree.put("p/s2.jsonl", ROW.line() + &Row { message: Some(SECOND), session: "s2", ..ROW }.line());
    tree.put("elsewhere/s1.jsonl", ROW.line());
    let mut engine = tree.engine();
    common::scan(&mut engine);
    expect(&engine, 2, 20)
}

/// A scan meets a row that is still being written; the next one reads the rest.
pub(crate) fn a_row_that_was_torn_counts_once_it_is_whole() -> Outcome {
    let (tree, late) = (Tree::new(), Row { message: Some(SECOND), output: 5, ..ROW }.line());
    let (begun, rest) = late.split_at(120);
    let mut engine = tree.engine();
    tree.put("p/s1.jsonl", ROW.line() + begun);
    common::scan(&mut engine);
    expect(&engine, 1, 10)?;
    append(&tree, "p/s1.jsonl", rest);
    common::scan(&mut engine);
    expect(&engine, 2, 15)
}

/// A row of zeros from before midnight, in the same file, in the same scan and in an earlier one.
pub(crate) fn a_row_of_zeros_sets_no_day() -> Outcome {
    let zeros = Row { input: 0, output: 0, at: "2026-10-19T23:59:59.000Z", ..ROW };
    for pause in [false, true] {
        let tree = Tree::new();
        let mut engine = tree.engine();
        tree.put("p/s1.jsonl", zeros.line());
        if pause {
            common::scan(&mut engine);
        }
        append(&tree, "p/s1.jsonl", &ROW.line());
        common::scan(&mut engine);
        expect(&engine, 1, 10)?;
        if days(&engine) != ["2026-10-20"] {
            return Err(format!("days {:?}", days(&engine)));
        }
    }
    Ok(())
}

/// A later scan finds an earlier, longer row of a call: it moves to the day before, and leaves nothing behind.
pub(crate) fn a_call_that_moved_leaves_its_old_day() -> Outcome {
    let (tree, before) = (Tree::new(), "2026-10-19T23:50:00.000Z");
    let mut engine = tree.engine();
    tree.put("p/s1.jsonl", ROW.line());
    common::scan(&mut engine);
    tree.put("p/s2.jsonl", Row { message: Some(FIRST), at: before, output: 40, session: "s2", ..ROW }.line());
    common::scan(&mut engine);
    expect(&engine, 1, 40)?;
    if days(&engine) == ["2026-10-19"] { Ok(()) } else { Err(format!("days {:?}", days(&engine))) }
}

/// A scan is broken off in the middle, as a kill would: what it had not committed is read again by the next one.
pub(crate) fn a_scan_that_is_broken_off_counts_nothing_and_the_next_one_all() -> Outcome {
    let (tree, folder) = (Tree::new(), tempfile::tempdir().expect("a folder for the ledger"));
    let open = || tree.open(LedgerPlace::File(folder.path().join("ledger.db")), TimeZone::UTC);
    tree.put("p/s1.jsonl", ROW.line());
    common::scan(&mut open());
    for (n, name) in ["p/s1.jsonl", "p/s2.jsonl", "q/s3.jsonl"].into_iter().enumerate() {
        let id = format!("msg_{n:020}");
        let line = Row { message: Some(&id), output: 5, ..ROW }.line();
        if n == 0 { append(&tree, name, &line) } else { tree.put(name, line) }
    }
    for after in 1..=3 {
        let (mut engine, mut arrived) = (open(), 0);
        let scan = std::panic::AssertUnwindSafe(|| {
            engine.scan(&mut |_| {
                arrived += 1;
                if arrived == after {
                    // As panic does, without a word on stderr.
                    std::panic::resume_unwind(Box::new("broken off"));
                }
            })
        });
        assert!(std::panic::catch_unwind(scan).is_err(), "it was broken off");
        drop(engine);
        expect(&open(), 1, 10)?;
    }
    let mut engine = open();
    common::scan(&mut engine);
    expect(&engine, 4, 25)
}

/// Long enough for a writer that does not wait, wherever this runs.
const NOT_WAITING: Duration = Duration::from_millis(700);

/// A second writer does not begin before the first has ended, and then it sees what the first one did.
pub(crate) fn a_writer_begins_when_no_other_is_at_work() -> Outcome {
    let folder = tempfile::tempdir().expect("a folder for the ledger");
    let place = LedgerPlace::File(folder.path().join("ledger.db"));
    let open = || Ledger::open(&place, &TimeZone::UTC).expect("a ledger");
    let prices = price_list::embedded();
    let (mut one, mut other) = (open(), open());
    // The first commit of all also writes the price list down; from then on a writer begins by reading.
    one.writer(&prices).and_then(|writer| writer.commit(true)).expect("a commit");
    one.use_wal().expect("a log");
    let (begun, has_begun) = channel();
    let first = one.writer(&prices).expect("a writer");
    std::thread::scope(|scope| {
        let prices = &prices;
        let second = scope.spawn(move || {
            let writer = other.writer(prices)?;
            begun.send(()).expect("somebody listens");
            writer.commit(true)
        });
        let at_once = has_begun.recv_timeout(NOT_WAITING);
        let ended = first.commit(true);
        let second = second.join().expect("no panic");
        match (at_once, ended, second) {
            (Err(_), Ok(_), Ok(_)) => Ok(()),
            (Ok(()), ..) => Err("two writers were at work at once".to_owned()),
            (_, ended, second) => Err(format!("{ended:?}, {second:?}")),
        }
    })
}

/// A reading of an account's five hours, taken at a time of this number.
fn observed(number: i64) -> Observed {
    let window = Window::FiveHour;
    Observed {
        readings: vec![Reading {
            account: AccountId { organization: "org".into(), account: "one".into() },
            percent: Some(Percent::of_tenths(&window, 290)),
            window,
            resets_at_ms: None,
            observed_at_ms: number,
            source: Source::Endpoint,
            told: None,
        }],
        ..Observed::default()
    }
}

/// The readings that a ledger made anew beside the journal has.
fn anew(folder: &Path) -> Outcome<Vec<i64>> {
    for part in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        let _absent = fs::remove_file(folder.join(part));
    }
    let place = LedgerPlace::File(folder.join("ledger.db"));
    let mut ledger = Ledger::open(&place, &TimeZone::UTC).map_err(|error| error.to_string())?;
    ledger.catch_up(&price_list::embedded()).map_err(|error| error.to_string())?;
    let readings = ledger.readings(i64::MIN).map_err(|error| error.to_string())?;
    Ok(readings.iter().map(|reading| reading.observed_at_ms).collect())
}

/// A ledger is lost after readings were taken in.
pub(crate) fn a_reading_that_was_taken_in_comes_back_from_the_journal() -> Outcome {
    let folder = tempfile::tempdir().expect("a folder for the ledger");
    let place = LedgerPlace::File(folder.path().join("ledger.db"));
    let mut ledger = Ledger::open(&place, &TimeZone::UTC).expect("a ledger");
    for number in [1, 2] {
        let (new, trouble) = ledger.observe(&observed(number), 9).expect("a commit");
        assert!(new == 1 && trouble.is_none(), "{trouble:?}");
    }
    drop(ledger);
    let back = anew(folder.path())?;
    if back == [1, 2] { Ok(()) } else { Err(format!("{back:?} came back")) }
}

/// The journal is full for a while, as its disk is; then it is not, and the ledger is lost.
pub(crate) fn a_reading_that_the_journal_refused_is_written_to_it_later() -> Outcome {
    let folder = tempfile::tempdir().expect("a folder for the ledger");
    let (place, journal) =
        (LedgerPlace::File(folder.path().join("ledger.db")), folder.path().join("ledger.journal"));
    let mut ledger = Ledger::open(&place, &TimeZone::UTC).expect("a ledger");
    let kept = fs::read(&journal).expect("a journal");
    fs::remove_file(&journal).expect("a journal");
    std::os::unix::fs::symlink("/dev/full", &journal).expect("a link");
    let (_, trouble) = ledger.observe(&observed(1), 9).expect("a commit");
    assert!(trouble.is_some(), "a full device takes nothing");
    fs::remove_file(&journal).expect("a link");
    fs::write(&journal, kept).expect("a journal");
    let (_, trouble) = ledger.observe(&observed(2), 9).expect("a commit");
    assert!(trouble.is_none(), "{trouble:?}");
    drop(ledger);
    let back = anew(folder.path())?;
    if back == [1, 2] { Ok(()) } else { Err(format!("{back:?} came back")) }
}
