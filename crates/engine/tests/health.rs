//! What a check-up learns of a ledger, and of transcripts that it does not read.

mod common;

use std::os::unix::fs::symlink;

use cco_engine::health::{Holdings, KeyFaults, SoftFindings, Step, transcripts};
use common::{ROW, Row, Tree, agreed_totals, scan};
use jiff::Timestamp;

fn now() -> Timestamp {
    "2026-10-20T13:00:00Z".parse().expect("a time")
}

#[test]
fn a_sound_ledger_is_found_sound_and_every_step_is_told() {
    let tree = Tree::new();
    tree.put("a/s.jsonl", ROW.line());
    let mut engine = tree.engine();
    scan(&mut engine);
    let mut steps = Vec::new();
    let health = engine.health(now(), true, &mut |step| steps.push(step));
    assert_eq!(steps, [Step::File, Step::Contents, Step::Keys, Step::Rollups]);
    let first = Some(now().as_millisecond() - 3_600_000);
    let holdings = Holdings { calls: 1, first_ms: first, last_ms: first, of_gone_transcripts: 0 };
    assert_eq!(health.holdings, Ok(holdings));
    assert_eq!(health.complaints, Ok(vec![]));
    assert_eq!((health.cut_off, health.prices_waiting), (Ok(false), Ok(false)));
    assert_eq!((health.ahead, health.unpriced), (Ok(0), Ok(vec![])));
    assert_eq!(health.soft, Ok(SoftFindings::default()));
    let deep = health.deep.expect("it was asked for");
    assert_eq!((deep.keys, deep.differences), (Ok(KeyFaults::default()), Ok(vec![])));
    assert!(engine.health(now(), false, &mut |_| {}).deep.is_none());
    // What a check-up calls sound is what every way of adding up agrees on.
    assert_eq!(agreed_totals(&engine).map(|sums| sums.calls), Ok(1));
}

#[test]
fn what_is_odd_is_told_apart() {
    let tree = Tree::new();
    let ahead = Row { message: Some("msg_01AHEADAHEADAHEADAHEAD"), at: "2026-10-21T12:00:00Z", ..ROW };
    let unpriced = Row { message: Some("msg_01ACMEACMEACMEACMEACME"), model: "acme-1", ..ROW };
    let odd = Row { message: Some("msg_01ODDODDODDODDODDODDOD"), ..ROW }.line().replace(":10", ":-10");
    let huge = Row { message: Some("msg_01HUGEHUGEHUGEHUGEHUGE"), input: 1 << 53, ..ROW };
    tree.put("a/s.jsonl", ["{\"type\":\"assistant\"\n", &ahead.line(), &unpriced.line(), &odd].concat());
    let mut big = String::new();
    for number in 0..600 {
        let id = format!("msg_01HUGEHUGEHUGE{number:08}");
        big += &Row { message: Some(&id), ..huge }.line();
    }
    tree.put("a/t.jsonl", big);
    let mut engine = tree.engine();
    scan(&mut engine);
    let health = engine.health(now(), false, &mut |_| {});
    let soft = health.soft.expect("an answer");
    assert_eq!((soft.damaged.len(), soft.odd.len()), (1, 1));
    assert!(!soft.too_large.is_empty());
    assert_eq!(health.ahead, Ok(1));
    let unpriced = health.unpriced.expect("an answer");
    // A cost beyond all money is none, so the huge calls have none either; they have the most tokens.
    let models: Vec<&str> = unpriced.iter().map(|one| one.model.as_str()).collect();
    assert_eq!(models, ["claude-opus-4-8", "acme-1"]);
}

#[test]
fn transcripts_are_found_without_being_read() {
    let tree = Tree::new();
    let root = tree.path("").parent().expect("a root").to_owned();
    assert_eq!(transcripts(std::slice::from_ref(&root)).found, 0);
    tree.put("a/s.jsonl", "");
    symlink("/nowhere.jsonl", tree.path("a/gone.jsonl")).expect("a link");
    let found = transcripts(&[root]);
    assert_eq!((found.found, found.unreadable.len()), (1, 0));
}
