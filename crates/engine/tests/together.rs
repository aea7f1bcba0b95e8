//! Many engines on one ledger file: each is right alone, and together they count each call once.

mod common;

use std::fs;
use std::io::Write;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use cco_engine::{LedgerPlace, price_list};
use cco_ledger::Ledger;
use common::{ROW, Row, Tree, agreed_totals, scan};
use jiff::tz::TimeZone;

const ENGINES: usize = 8;
const FILES: usize = 12;
const CALLS: usize = 40;
/// All calls of all files.
const ALL: u64 = (FILES * CALLS) as u64;

/// Calls of a file: every answer in two rows, and copies of every third call of the file before.
fn text(file: usize, calls: std::ops::Range<usize>) -> String {
    let mut text = String::new();
    let copied = calls.clone().step_by(3).map(|call| ((file + FILES - 1) % FILES, call));
    for (owner, call) in calls.map(|call| (file, call)).chain(copied) {
        let (id, session) = (format!("msg_{:020}", owner * 1000 + call), format!("s{owner}"));
        let at = format!("2026-10-{:02}T{:02}:{:02}:00Z", 1 + call % 28, file, owner);
        let row = Row { message: Some(&id), session: &session, at: &at, ..ROW };
        text += &Row { output: 1, ..row }.line();
        text += &row.line();
    }
    text
}

fn name(file: usize) -> String {
    format!("p{}/s{file}.jsonl", file % 3)
}

#[test]
fn eight_engines_that_make_one_ledger_and_read_one_tree_at_once_count_each_call_once() {
    let (tree, folder) = (Tree::new(), tempfile::tempdir().expect("a folder for the ledger"));
    let ledger = LedgerPlace::File(folder.path().join("ledger.db"));
    (0..FILES).for_each(|file| tree.put(&name(file), text(file, 0..CALLS)));
    let start = Barrier::new(ENGINES);
    let new: u64 = std::thread::scope(|scope| {
        let engines: Vec<_> = (0..ENGINES)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    let mut engine = tree.open(ledger.clone(), TimeZone::UTC);
                    let summary = engine.scan(&mut |_| {}).expect("a scan");
                    assert_eq!(agreed_totals(&engine).expect("sums that agree").calls, ALL);
                    summary.calls_new
                })
            })
            .collect();
        engines.into_iter().map(|engine| engine.join().expect("no error")).sum()
    });
    assert_eq!(new, ALL, "each call was new to one engine alone");
    let sums = agreed_totals(&tree.open(ledger, TimeZone::UTC)).expect("sums that agree");
    let mut alone = tree.engine();
    scan(&mut alone);
    assert_eq!(Ok(sums), agreed_totals(&alone), "as one engine alone would count");
    assert_eq!((sums.calls, sums.tokens.output), (ALL, 10 * ALL));
}

#[test]
fn eight_engines_that_read_while_files_grow_end_at_the_exact_totals() {
    let (tree, folder) = (Tree::new(), tempfile::tempdir().expect("a folder for the ledger"));
    let ledger = LedgerPlace::File(folder.path().join("ledger.db"));
    (0..FILES).for_each(|file| tree.put(&name(file), ""));
    let (written, scans) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let (tree, written, scans) = (&tree, &written, &scans);
            scope.spawn(move || {
                for step in 0..CALLS {
                    // Not faster than they read, but no longer than a failing reader may take.
                    let turn = |tries: &u32| *tries < 1_000_000 && scans.load(Ordering::Acquire) < step;
                    (0..u32::MAX).take_while(turn).for_each(|_| std::thread::yield_now());
                    for file in (writer..FILES).step_by(2) {
                        let path = tree.path(&name(file));
                        let mut transcript = fs::File::options().append(true).open(path).expect("a file");
                        // In pieces, so that rows are met half written.
                        for piece in text(file, step..step + 1).as_bytes().chunks(101) {
                            transcript.write_all(piece).expect("room");
                        }
                    }
                }
                written.fetch_add(1, Ordering::Release);
            });
        }
        for _ in 0..ENGINES {
            scope.spawn(|| {
                let mut engine = tree.open(ledger.clone(), TimeZone::UTC);
                while written.load(Ordering::Acquire) < 2 {
                    scan(&mut engine);
                    scans.fetch_add(1, Ordering::Release);
                }
                scan(&mut engine);
                let sums = agreed_totals(&engine).expect("sums that agree");
                assert_eq!((sums.calls, sums.tokens.output), (ALL, 10 * ALL));
            });
        }
    });
}

/// Takes the ten seconds that a writer waits for its turn, idle.
#[test]
fn a_scan_that_waits_in_vain_for_its_turn_says_what_to_do_and_the_next_one_reads_all() {
    let (tree, folder) = (Tree::new(), tempfile::tempdir().expect("a folder for the ledger"));
    let place = LedgerPlace::File(folder.path().join("ledger.db"));
    let mut engine = tree.open(place.clone(), TimeZone::UTC);
    tree.put("p/s1.jsonl", text(1, 0..2));
    scan(&mut engine);
    let known = agreed_totals(&engine).expect("sums that agree").calls;

    let prices = price_list::embedded();
    let mut other = Ledger::open(&place, &TimeZone::UTC).expect("the same ledger");
    let writer = other.writer(&prices).expect("a writer");
    tree.put("p/s2.jsonl", text(2, 2..4));
    let error = engine.scan(&mut |_| {}).expect_err("another one writes");
    assert!(error.hint().is_some_and(|hint| hint.contains("another cco is at work")), "{error}");
    assert_eq!(agreed_totals(&engine).expect("sums that agree").calls, known, "reports need no turn");

    drop(writer);
    scan(&mut engine);
    let mut alone = tree.engine();
    scan(&mut alone);
    assert_eq!(agreed_totals(&engine), agreed_totals(&alone));
}
