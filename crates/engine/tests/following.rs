//! Whoever follows a ledger learns of every call once, of a changed one again, and can look at one session whole.

#[expect(dead_code, reason = "shared with other tests, which use more of it")]
mod common;

use cco_engine::Engine;
use cco_engine::stats::ChangedCall;
use common::{ROW, Row, Tree, scan};
use jiff::Timestamp;

fn row(message: &str, at: &str, output: u64) -> String {
    Row { message: Some(message), request: None, at, output, ..ROW }.line()
}

fn told(changes: &[ChangedCall]) -> Vec<(i64, u64)> {
    changes.iter().map(|call| (call.id, call.tokens.output)).collect()
}

fn now() -> Timestamp {
    "2026-10-20T12:10:00Z".parse().expect("an instant")
}

fn three_calls(tree: &Tree) -> Engine {
    let rows = [
        row("msg_1", "2026-10-20T12:00:00.000Z", 1),
        row("msg_2", "2026-10-20T12:00:00.000Z", 2),
        row("msg_3", "2026-10-20T12:07:00.000Z", 3),
    ];
    tree.put("p/s1.jsonl", rows.concat());
    let mut engine = tree.engine();
    scan(&mut engine);
    engine
}

#[test]
fn every_call_is_told_once_in_the_order_of_the_sequence_and_a_grown_one_again() {
    let tree = Tree::new();
    let mut engine = three_calls(&tree);
    engine.prepare_following().expect("an index");
    engine.prepare_following().expect("it is there already");
    let first = engine.changes_since(0, 2).expect("changes");
    let second = engine.changes_since(first[1].seq, 2).expect("changes");
    assert_eq!(told(&first), [(1, 1), (2, 2)]);
    assert_eq!(told(&second), [(3, 3)]);
    let mark = engine.mark().expect("a mark");
    assert_eq!(engine.changes_since(mark.seq, 9).expect("none"), []);
    assert_eq!(engine.changes_since(second[0].seq, 9).expect("none"), []);

    let grown = row("msg_2", "2026-10-20T12:00:01.000Z", 20);
    let fourth = row("msg_4", "2026-10-20T12:08:00.000Z", 4);
    tree.put("p/s2.jsonl", grown + &fourth);
    scan(&mut engine);
    let changes = engine.changes_since(mark.seq, 9).expect("changes");
    assert_eq!(told(&changes), [(2, 20), (4, 4)], "the grown one is known by its row");
    let after = engine.mark().expect("a mark");
    assert_eq!(after.ledger, mark.ledger);
    assert!(after.seq >= changes[1].seq && after.seq > mark.seq);
    assert_eq!(engine.audit().expect("an audit"), []);
    let complaints = engine.health(now(), true, &mut |_| {}).complaints;
    assert_eq!(complaints, Ok(Vec::new()), "a check-up minds no index");
}

#[test]
fn a_scan_without_news_leaves_the_mark() {
    let tree = Tree::new();
    let mut engine = three_calls(&tree);
    let mark = engine.mark().expect("a mark");
    scan(&mut engine);
    assert_eq!(engine.mark().expect("a mark"), mark);
}

#[test]
fn a_session_is_told_call_by_call_over_pages() {
    let tree = Tree::new();
    let engine = three_calls(&tree);
    let page = |after, limit| {
        engine.session_detail("s1", after, limit, now()).expect("an answer").expect("a session")
    };
    let first = page(None, 2);
    let ids = |detail: &cco_engine::stats::SessionDetail| {
        detail.calls.rows.iter().map(|call| call.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&first), [1, 2], "of one instant, by row");
    assert_eq!(
        (first.session.sums.calls, first.session.sums.tokens.output),
        (3, 6),
        "all of it on each page"
    );
    assert!(first.session.active, "its last call is three minutes old");
    assert_eq!(&*first.session.project, "/home/dev/app");
    assert_eq!(first.agents.len(), 1);
    assert_eq!(first.agents[0].1, first.session.sums);
    let second = page(first.calls.next, 2);
    assert_eq!((ids(&second), second.calls.next), (vec![3], None));
    assert_eq!(ids(&page(page(None, 1).calls.next, 1)), [2], "a page may end between calls of one instant");
    assert!(engine.session_detail("s9", None, 2, now()).expect("an answer").is_none());
}

#[test]
fn sources_tell_what_each_root_holds() {
    let tree = Tree::new();
    let mut engine = three_calls(&tree);
    tree.put("p/s2.jsonl", "{\"type\":\"assistant\",\"message\n");
    scan(&mut engine);
    let sources = engine.sources().expect("sources");
    let [root] = &sources.roots[..] else { panic!("one root") };
    assert!(root.usable);
    assert_eq!((root.transcripts, root.gone, root.damaged_lines), (2, 0, 1));
    assert_eq!((sources.ledger.calls, sources.ledger.mark.clone()), (3, engine.mark().expect("a mark")));
    assert_eq!((sources.elsewhere.transcripts, sources.ledger.path), (0, None));
    assert!(root.last_event.is_some() && sources.last_success.is_none());
}
