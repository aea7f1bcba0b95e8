//! Whose calls they are: by the account that their config directory held when they began.

mod common;

use std::collections::BTreeSet;
use std::fs;

use cco_engine::limits::{Holding, Observed};
use cco_engine::report::{Filter, Only};
use cco_engine::{Engine, LedgerPlace};
use cco_model::limit::AccountId;
use common::{FIRST, ROW, Row, Tree, agreed_totals, everything, scan};
use jiff::Timestamp;
use jiff::tz::TimeZone;

fn account(name: &str) -> AccountId {
    AccountId { organization: "org".into(), account: name.into() }
}

fn hold(engine: &mut Engine, tree: &Tree, hours: std::ops::RangeInclusive<u32>, name: Option<&str>) {
    for hour in hours {
        look(engine, tree, &format!("2026-10-20T{hour:02}:00:00Z"), name);
    }
}

fn look(engine: &mut Engine, tree: &Tree, at: &str, name: Option<&str>) {
    let at: Timestamp = at.parse().expect("an instant");
    let projects = tree.path("");
    let dir = projects.parent().and_then(|root| root.to_str()).expect("a path").to_owned();
    let holding = Holding {
        dir,
        from_ms: at.as_millisecond(),
        until_ms: at.as_millisecond(),
        account: name.map(account),
    };
    engine.set_now(at);
    let trouble = engine.observe(&Observed { holdings: vec![holding], ..Observed::default() });
    assert_eq!(trouble.expect("a commit"), None);
}

/// A call at each of these hours of one day.
fn calls(hours: impl IntoIterator<Item = u32>) -> String {
    let line = |hour: u32| {
        let (id, at) = (format!("msg_{hour:020}"), format!("2026-10-20T{hour:02}:30:00Z"));
        Row { message: Some(&id), at: &at, output: 10 + u64::from(hour), ..ROW }.line()
    };
    hours.into_iter().map(line).collect()
}

/// Calls of an account, as every report counts them; none: of nobody that is known.
fn counted(engine: &Engine, name: Option<&str>) -> u64 {
    let row = match name {
        None => 0,
        Some(name) => {
            let known = engine.accounts().expect("accounts");
            known.iter().find(|known| known.id == account(name)).map_or(-1, |known| known.row)
        }
    };
    let only = Only { accounts: Some(BTreeSet::from([row])), ..Only::default() };
    let filter = |zone| Filter { only: only.clone(), ..everything(zone) };
    let zones = [TimeZone::UTC, common::zone("Asia/Kathmandu")];
    let [here, there] = zones.map(|zone| {
        let models = engine.models(&filter(zone.clone())).expect("models");
        let sessions = engine.sessions(&filter(zone.clone())).expect("sessions");
        let blocks = engine.blocks(&filter(zone), Timestamp::UNIX_EPOCH).expect("blocks");
        [
            models.iter().map(|group| group.sums.calls).sum::<u64>(),
            sessions.iter().map(|session| session.sums.calls).sum(),
            blocks.iter().map(|block| block.sums.calls).sum(),
        ]
    });
    assert_eq!(here, there);
    assert!(here.iter().all(|calls| *calls == here[0]), "{here:?}");
    here[0]
}

#[test]
fn calls_belong_to_the_account_that_was_logged_in_when_they_began_and_older_ones_to_nobody() {
    let tree = Tree::new();
    let mut engine = tree.engine();
    tree.put("p/s1.jsonl", calls(0..20));
    hold(&mut engine, &tree, 5..=10, Some("work"));
    hold(&mut engine, &tree, 11..=13, Some("private"));
    hold(&mut engine, &tree, 14..=15, None);
    hold(&mut engine, &tree, 16..=17, Some("work"));
    scan(&mut engine);
    let all = |engine: &Engine| [None, Some("work"), Some("private")].map(|name| counted(engine, name));
    // Half past ten, and half past thirteen and fifteen, lie between looks that saw different accounts.
    assert_eq!(all(&engine), [5 + 1 + 3, 5 + 4, 2]);
    // A copy of the first call in another file changes nothing, whoever is logged in by now.
    hold(&mut engine, &tree, 21..=21, Some("private"));
    tree.put(
        "p/s2.jsonl",
        calls(0..1) + &Row { message: Some(FIRST), at: "2026-10-20T22:00:00Z", ..ROW }.line(),
    );
    scan(&mut engine);
    assert_eq!(all(&engine), [9, 9, 3]);
    assert_eq!(agreed_totals(&engine).expect("agreement").calls, 21);
}

#[test]
fn a_ledger_that_was_lost_knows_again_whose_calls_they_were() {
    let tree = Tree::new();
    let folder = tempfile::tempdir().expect("a folder");
    let place = LedgerPlace::File(folder.path().join("ledger.db"));
    let mut engine = tree.open(place.clone(), TimeZone::UTC);
    tree.put("p/s1.jsonl", calls(0..10));
    tree.put("p/s2.jsonl", calls(10..20));
    hold(&mut engine, &tree, 5..=14, Some("work"));
    hold(&mut engine, &tree, 15..=15, Some("private"));
    scan(&mut engine);
    // One transcript is swept and journalled, the other is still there.
    fs::remove_file(tree.path("p/s1.jsonl")).expect("a transcript");
    scan(&mut engine);
    let all = |engine: &Engine| [None, Some("work"), Some("private")].map(|name| counted(engine, name));
    assert_eq!(all(&engine), [6, 9, 5]);
    drop(engine);
    for damaged in [false, true] {
        let path = folder.path().join("ledger.db");
        for part in ["-wal", "-shm"] {
            let _absent = fs::remove_file(folder.path().join(format!("ledger.db{part}")));
        }
        if damaged {
            fs::write(&path, "no database at all").expect("damage");
        } else {
            fs::remove_file(&path).expect("a ledger");
        }
        let mut engine = tree.open(place.clone(), TimeZone::UTC);
        scan(&mut engine);
        assert_eq!(all(&engine), [6, 9, 5], "damaged: {damaged}");
        assert_eq!(engine.audit().expect("an audit"), []);
    }
}

#[test]
fn calls_of_the_minutes_before_a_switch_stay_what_they_were_said_to_be() {
    let tree = Tree::new();
    let folder = tempfile::tempdir().expect("a folder");
    let place = LedgerPlace::File(folder.path().join("ledger.db"));
    let mut engine = tree.open(place.clone(), TimeZone::UTC);
    look(&mut engine, &tree, "2026-10-20T12:29:00Z", Some("work"));
    // Half past twelve, four minutes before somebody else logs in, and no look in between was written down.
    tree.put("p/s1.jsonl", calls(12..13));
    scan(&mut engine);
    look(&mut engine, &tree, "2026-10-20T12:33:00Z", Some("private"));
    assert_eq!(counted(&engine, Some("work")), 1);
    drop(engine);
    fs::write(folder.path().join("ledger.db"), "no database at all").expect("damage");
    let mut engine = tree.open(place, TimeZone::UTC);
    scan(&mut engine);
    assert_eq!([None, Some("work"), Some("private")].map(|name| counted(&engine, name)), [0, 1, 0]);
}
