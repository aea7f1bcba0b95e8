//! Whatever happens to transcripts, a call that was counted stays, and every sum stays exact.
//!
//! Random lives of a few files are held against a model that knows only this: a scan sees every whole row that stands
//! in a file, and nothing seen is forgotten. The normal run tries the same 240 lives every time. `CCO_SEQUENCES` sets
//! another number, for the long lane, and then each run tries others: 5,000 in CI, 50,000 by night.
//! Not in the model, since one `stat` and a fingerprint of both ends cannot tell: a change in the middle of a large file
//! that grew in the same breath.

mod common;
#[path = "common/scenarios.rs"]
mod scenarios;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use cco_engine::{Engine, LedgerPlace};
use common::{ROW, Row, Tree, agreed_totals, everything, scan, zone};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::test_runner::{
    Config, FileFailurePersistence, RngAlgorithm, TestCaseError, TestRng, TestRunner,
};

/// How many lives the normal run tries.
const LIVES: u32 = 240;
const SLOTS: [&str; 5] = ["p/a.jsonl", "p/b.jsonl", "p/s/subagents/agent-c.jsonl", "q/a.jsonl", "q/e.jsonl"];
/// Where a life's rows begin: the last hour of summer time in Europe is among the next days.
const BEGIN: i64 = 1_792_800_000_000;

/// Something that happens; files are named by their slot.
#[derive(Clone, Debug)]
enum Event {
    /// Whole rows of new calls are written to the end.
    Append {
        file: usize,
        minutes: Vec<u16>,
    },
    /// A row of a new call is written in part.
    AppendTorn {
        file: usize,
        minute: u16,
        bytes: usize,
    },
    /// The rest of the row that was written in part last, or what looks like it.
    Finish {
        file: usize,
    },
    /// Another row of a call that some file told of: more or fewer tokens, earlier or later, aside or not.
    Again {
        file: usize,
        call: usize,
        minute: u16,
        output: u64,
        side: bool,
    },
    Rename {
        from: usize,
        to: usize,
    },
    Copy {
        from: usize,
        to: usize,
    },
    /// Log rotation: the content goes to another file, the file itself goes on empty.
    CopyTruncate {
        from: usize,
        to: usize,
    },
    Truncate {
        file: usize,
        permille: usize,
    },
    Delete {
        file: usize,
    },
    /// Deleted and made anew at once: mostly on the same inode.
    Recreate {
        file: usize,
        minutes: Vec<u16>,
    },
    /// Every row becomes one of another call; the size stays.
    RewriteSameSize {
        file: usize,
    },
    Scan,
    Reopen,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let file = || 0..SLOTS.len();
    let minutes = || prop::collection::vec(0..6000_u16, 1..4);
    let event = prop_oneof![
        4 => (file(), minutes()).prop_map(|(file, minutes)| Event::Append { file, minutes }),
        2 => (file(), 0..6000_u16, 1..400_usize)
            .prop_map(|(file, minute, bytes)| Event::AppendTorn { file, minute, bytes }),
        2 => file().prop_map(|file| Event::Finish { file }),
        4 => (file(), any::<usize>(), 0..6000_u16, 100..1000_u64, prop::bool::weighted(0.2))
            .prop_map(|(file, call, minute, output, side)| Event::Again { file, call, minute, output, side }),
        1 => (file(), file()).prop_map(|(from, to)| Event::Rename { from, to }),
        1 => (file(), file()).prop_map(|(from, to)| Event::Copy { from, to }),
        1 => (file(), file()).prop_map(|(from, to)| Event::CopyTruncate { from, to }),
        1 => (file(), 0..1000_usize).prop_map(|(file, permille)| Event::Truncate { file, permille }),
        1 => file().prop_map(|file| Event::Delete { file }),
        1 => (file(), minutes()).prop_map(|(file, minutes)| Event::Recreate { file, minutes }),
        1 => file().prop_map(|file| Event::RewriteSameSize { file }),
        6 => Just(Event::Scan),
        1 => Just(Event::Reopen),
    ];
    prop::collection::vec(event, 1..=39)
}

/// A row that was made up, and its text. All are of one length, whatever they say.
#[derive(Clone, Debug)]
struct Made {
    call: usize,
    at_ms: i64,
    output: u64,
    side: bool,
    text: String,
}

fn made(call: usize, minute: u16, output: u64, side: bool) -> Made {
    let at_ms = BEGIN + i64::from(minute) * 60_000;
    let at = format!("{:.3}", Timestamp::from_millisecond(at_ms).expect("a time of this year"));
    let (id, session) = (format!("msg_{call:020}"), session_of(call));
    // A blank more, where `false` is a letter longer than `true`.
    let usage = if side { " " } else { "" };
    let row = Row { message: Some(&id), session: &session, at: &at, output, side, usage, ..ROW };
    Made { call, at_ms, output, side, text: row.text() }
}

fn session_of(call: usize) -> String {
    format!("s{}", call % 3)
}

/// What is known of a call: whether it is the main thread's, its output, and when it began.
type Believed = (bool, u64, i64);

/// The files as they should be, and what must have been counted.
#[derive(Default)]
struct Model {
    files: [Option<String>; SLOTS.len()],
    rows: Vec<Made>,
    calls: usize,
    counted: BTreeMap<usize, Believed>,
}

impl Model {
    fn new_call(&mut self, minute: u16) -> String {
        self.calls += 1;
        self.row(self.calls - 1, minute, 100 + u64::from(minute % 900), false)
    }

    fn row(&mut self, call: usize, minute: u16, output: u64, side: bool) -> String {
        let row = made(call, minute, output, side);
        let text = row.text.clone();
        self.rows.push(row);
        text
    }

    /// A row that was cut off keeps its place: what follows goes behind it, on its line.
    fn append(&mut self, file: usize, text: &str) {
        self.files[file].get_or_insert_default().push_str(text);
    }

    fn new_rows(&mut self, minutes: &[u16]) -> String {
        minutes.iter().map(|minute| self.new_call(*minute) + "\n").collect()
    }

    /// A scan sees each whole row of each file.
    fn scan(&mut self) {
        for row in &self.rows {
            if self.files.iter().flatten().any(|text| text.contains(&row.text)) {
                let (main, output, at_ms) =
                    self.counted.entry(row.call).or_insert((!row.side, row.output, row.at_ms));
                (*main, *output) = (*main, *output).max((!row.side, row.output));
                *at_ms = row.at_ms.min(*at_ms);
            }
        }
    }

    /// Calls and output by a group.
    fn sums<K: Ord>(&self, group: impl Fn(usize, i64) -> K) -> BTreeMap<K, (u64, u64)> {
        let mut sums = BTreeMap::new();
        for (call, (_, output, at_ms)) in &self.counted {
            let (calls, tokens) = sums.entry(group(*call, *at_ms)).or_insert((0, 0));
            *calls += 1;
            *tokens += output;
        }
        sums
    }

    fn days(&self, zone: &TimeZone) -> BTreeMap<String, (u64, u64)> {
        let day = |at_ms| Timestamp::from_millisecond(at_ms).expect("a time").to_zoned(zone.clone()).date();
        self.sums(|_, at_ms| day(at_ms).to_string())
    }
}

/// The files as they are, and the ledger.
struct World {
    tree: Tree,
    ledger: LedgerPlace,
    engine: Option<Engine>,
    _ledger_folder: tempfile::TempDir,
}

impl World {
    /// Syncing is the disk's business: a ledger in memory-backed storage loses nothing but time.
    fn new() -> Self {
        let shared = PathBuf::from("/dev/shm");
        let folder = if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() };
        let folder = folder.expect("a folder for the ledger");
        let (tree, ledger) = (Tree::new(), LedgerPlace::File(folder.path().join("ledger.db")));
        for slot in SLOTS {
            fs::create_dir_all(tree.path(slot).parent().expect("a folder")).expect("a folder");
        }
        Self { tree, ledger, engine: None, _ledger_folder: folder }
    }

    fn engine(&mut self) -> &mut Engine {
        let (tree, ledger) = (&self.tree, &self.ledger);
        self.engine.get_or_insert_with(|| tree.open(ledger.clone(), zone("Europe/Berlin")))
    }

    /// Does to the files what the model says was done. Only what the event names is touched.
    fn follow(&self, event: &Event, before: &[Option<String>], after: &[Option<String>]) {
        let path = |slot: usize| self.tree.path(SLOTS[slot]);
        match event {
            Event::Rename { from, to } if from != to => fs::rename(path(*from), path(*to)).expect("a rename"),
            Event::Delete { file } | Event::Recreate { file, .. } if before[*file].is_some() => {
                fs::remove_file(path(*file)).expect("a deletion");
            }
            _ => {}
        }
        for (slot, (old, new)) in before.iter().zip(after).enumerate() {
            let renamed = matches!(event, Event::Rename { .. });
            let (Some(new), false) = (new, renamed || old == new) else { continue };
            let made_anew = matches!(event, Event::Recreate { file, .. } if *file == slot);
            let old = old.as_ref().filter(|_| !made_anew);
            let grown = old.and_then(|old| new.strip_prefix(old.as_str()));
            let shrunk = old.is_some_and(|old| old.starts_with(new.as_str()));
            let mut options = fs::File::options();
            let options = options.write(true).create(true).append(grown.is_some());
            let mut file = options.open(path(slot)).expect("a transcript");
            match grown {
                _ if shrunk => file.set_len(new.len() as u64).expect("a truncation"),
                Some(rest) => file.write_all(rest.as_bytes()).expect("room"),
                None => {
                    file.set_len(0).expect("a truncation");
                    file.write_all(new.as_bytes()).expect("room");
                }
            }
            drop(file);
            self.tree.touch(&path(slot));
        }
    }
}

/// The length to which a file may be cut: anywhere, but that a torn row's line, which has no end yet, holds no whole one
/// (whether the torn one swallows it is open until its line ends).
fn cut(text: &str, permille: usize) -> usize {
    let end = text.len() * permille / 1000;
    let line = text[..end].rfind('\n').map_or(0, |at| at + 1);
    if text[line..end].matches("{\"type\"").count() > 1 { line } else { end }
}

/// The event in the model; false: it cannot happen to these files.
fn happen(model: &mut Model, event: &Event) -> bool {
    let there = |model: &Model, file: &usize| model.files[*file].is_some();
    match event {
        Event::Append { file, minutes } => {
            let rows = model.new_rows(minutes);
            model.append(*file, &rows);
        }
        Event::AppendTorn { file, minute, bytes } => {
            let row = model.new_call(*minute);
            let open =
                model.files[*file].as_ref().is_some_and(|text| !text.is_empty() && !text.ends_with('\n'));
            let end = if open { "\n" } else { "" };
            model.append(*file, &format!("{end}{}", &row[..(*bytes).min(row.len())]));
        }
        Event::Finish { file } => {
            let Some(row) = model.rows.last().map(|row| row.text.clone()) else { return false };
            let Some(text) = &model.files[*file] else { return false };
            let line = text.rfind('\n').map_or(0, |at| at + 1);
            let Some(rest) = row.strip_prefix(&text[line..]) else { return false };
            model.append(*file, &format!("{rest}\n"));
        }
        Event::Again { file, call, minute, output, side } => {
            if model.calls == 0 {
                return false;
            }
            let row = model.row(call % model.calls, *minute, *output, *side) + "\n";
            model.append(*file, &row);
        }
        Event::Rename { from, to } if there(model, from) && from != to => {
            model.files[*to] = model.files[*from].take();
        }
        Event::Copy { from, to } if there(model, from) && from != to => {
            model.files[*to] = model.files[*from].clone();
        }
        Event::CopyTruncate { from, to } if there(model, from) && from != to => {
            model.files[*to] = model.files[*from].replace(String::new());
        }
        Event::Truncate { file, permille } if there(model, file) => {
            if let Some(text) = &mut model.files[*file] {
                text.truncate(cut(text, *permille));
            }
        }
        Event::Delete { file } if there(model, file) => model.files[*file] = None,
        Event::Recreate { file, minutes } if there(model, file) => {
            model.files[*file] = Some(model.new_rows(minutes));
        }
        Event::RewriteSameSize { file } if there(model, file) => {
            let mut text = model.files[*file].take().unwrap_or_default();
            for old in model.rows.clone().iter().filter(|row| text.contains(&row.text)).collect::<Vec<_>>() {
                let new = model.new_call(u16::try_from(model.calls * 7 % 6000).unwrap_or(0));
                assert_eq!(new.len(), old.text.len(), "rows are of one length");
                text = text.replace(&old.text, &new);
            }
            model.files[*file] = Some(text);
        }
        _ => return false,
    }
    true
}

/// Every report says what the model says.
fn is_exact(engine: &Engine, model: &Model) -> Result<(), TestCaseError> {
    agreed_totals(engine).map_err(TestCaseError::fail)?;
    // The ledger's own days, and days added up from quarter hours.
    for name in ["Europe/Berlin", "Asia/Kathmandu"] {
        let days = engine.periods(&everything(zone(name)), cco_engine::report::Period::Day).expect("days");
        let days: BTreeMap<String, (u64, u64)> =
            days.iter().map(|day| (day.key.to_string(), (day.sums.calls, day.sums.tokens.output))).collect();
        prop_assert_eq!(days, model.days(&zone(name)), "days of {}", name);
    }
    let sessions = engine.sessions(&everything(TimeZone::UTC)).expect("sessions");
    let sessions: BTreeMap<String, (u64, u64)> = sessions
        .iter()
        .map(|row| (row.session.to_string(), (row.sums.calls, row.sums.tokens.output)))
        .collect();
    prop_assert_eq!(sessions, model.sums(|call, _| session_of(call)), "sessions");
    Ok(())
}

fn live(events: &[Event]) -> Result<(), TestCaseError> {
    let (mut world, mut model) = (World::new(), Model::default());
    for event in events.iter().chain([&Event::Scan]) {
        match event {
            Event::Scan => {
                scan(world.engine());
                model.scan();
                is_exact(world.engine(), &model)?;
            }
            Event::Reopen => world.engine = None,
            event => {
                let before = model.files.clone();
                if happen(&mut model, event) {
                    world.follow(event, &before, &model.files);
                }
            }
        }
    }
    Ok(())
}

/// The number of lives that the long lane asks for.
#[expect(
    clippy::disallowed_methods,
    reason = "a lane of tests is chosen by the environment, as the file's doc says"
)]
fn asked_for() -> Option<u32> {
    std::env::var("CCO_SEQUENCES").ok().map(|number| number.parse().expect("CCO_SEQUENCES is a number"))
}

/// The same lives in every normal run, others in every run of the long lane.
fn runner(normal: u32) -> TestRunner {
    let asked = asked_for();
    let regressions = FileFailurePersistence::Direct("tests/lifecycle.regressions");
    let config = Config {
        cases: asked.unwrap_or(normal),
        max_shrink_iters: 4000,
        failure_persistence: Some(Box::new(regressions)),
        ..Config::default()
    };
    match asked {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    }
}

#[test]
fn a_counted_call_stays_and_totals_stay_exact_whatever_happens_to_files() {
    runner(LIVES).run(&events(), |events| live(&events)).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn the_order_in_which_files_are_met_changes_no_total() {
    let row = (0..12_usize, 0..6000_u16, 100..1000_u64, any::<bool>(), 0..SLOTS.len());
    let order = Just([0, 1, 2, 3, 4]).prop_shuffle();
    let rows = prop::collection::vec(row, 1..60);
    let told = |(rows, order): (Vec<_>, [usize; 5])| {
        let (mut at_once, mut one_by_one) = (Model::default(), World::new());
        for (call, minute, output, side, file) in rows {
            let text = at_once.row(call, minute, output, side) + "\n";
            at_once.append(file, &text);
        }
        at_once.scan();
        let all = Tree::new();
        for file in order {
            if let Some(text) = &at_once.files[file] {
                all.put(SLOTS[file], text);
                one_by_one.tree.put(SLOTS[file], text);
            }
            scan(one_by_one.engine());
        }
        let mut engine = all.open(LedgerPlace::Memory, zone("Europe/Berlin"));
        scan(&mut engine);
        is_exact(&engine, &at_once)?;
        is_exact(one_by_one.engine(), &at_once)?;
        prop_assert_eq!(agreed_totals(&engine), agreed_totals(one_by_one.engine()));
        Ok(())
    };
    runner(LIVES / 6).run(&(rows, order), told).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn an_answer_that_grew_has_its_final_count() {
    scenarios::an_answer_that_grew_has_its_final_count().expect("told as it is");
}

#[test]
fn a_copied_call_counts_once() {
    scenarios::a_copied_call_counts_once().expect("told as it is");
}

#[test]
fn a_row_that_was_torn_counts_once_it_is_whole() {
    scenarios::a_row_that_was_torn_counts_once_it_is_whole().expect("told as it is");
}

#[test]
fn a_row_of_zeros_sets_no_day() {
    scenarios::a_row_of_zeros_sets_no_day().expect("told as it is");
}

#[test]
fn a_call_that_moved_leaves_its_old_day() {
    scenarios::a_call_that_moved_leaves_its_old_day().expect("told as it is");
}

#[test]
fn a_scan_that_is_broken_off_counts_nothing_and_the_next_one_all() {
    scenarios::a_scan_that_is_broken_off_counts_nothing_and_the_next_one_all().expect("told as it is");
}

#[test]
fn a_writer_begins_when_no_other_is_at_work() {
    scenarios::a_writer_begins_when_no_other_is_at_work().expect("told as it is");
}

#[test]
fn a_reading_that_was_taken_in_comes_back_from_the_journal() {
    scenarios::a_reading_that_was_taken_in_comes_back_from_the_journal().expect("told as it is");
}

#[test]
fn a_reading_that_the_journal_refused_is_written_to_it_later() {
    scenarios::a_reading_that_the_journal_refused_is_written_to_it_later().expect("told as it is");
}
