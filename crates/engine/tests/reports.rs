//! Reports of a part of history say what reports of all of it say; prices that come to be known; one clock too fast.

mod common;

use std::collections::BTreeMap;

use cco_engine::report::{BlockRow, Filter, Named, Only, Period};
use cco_engine::{LedgerPlace, price_list};
use common::{ROW, Row, Tree, agreed_totals, everything, scan};
use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;

const OTHER: &str = "msg_01OTHEROTHEROTHEROTHER";
const NOON: &str = "2026-10-20T12:00:00Z";

fn noon() -> Timestamp {
    NOON.parse().expect("a time")
}

/// The branches of calls, in turn.
const BRANCHES: [&str; 2] = ["main", "fix"];

/// A tree with a call at each of these minutes from 2026-10-01.
fn tree_with_calls_at(minutes: &[i64]) -> Tree {
    let tree = Tree::new();
    let start: Timestamp = "2026-10-01T00:00:00Z".parse().expect("a time");
    let lines: Vec<String> = minutes
        .iter()
        .enumerate()
        .map(|(n, minute)| {
            let at = (start + minute.minutes()).to_string();
            let message = format!("msg_{n:024}");
            let line = Row { message: Some(&message), at: &at, ..ROW }.line();
            line.replacen("{", &format!(r#"{{"gitBranch":"{}","#, BRANCHES[n % BRANCHES.len()]), 1)
        })
        .collect();
    tree.put("p/s1.jsonl", lines.concat());
    tree
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_since_a_day_are_those_of_all_history_that_start_then(
        pauses in proptest::collection::vec(prop_oneof![3 => 1_i64..240, 1 => 280_i64..320, 1 => 400_i64..5_000], 1..60),
        day in 1_i8..25,
    ) {
        let mut at = 0;
        let minutes: Vec<i64> = pauses.into_iter().map(|pause| { at += pause; at }).collect();
        let tree = tree_with_calls_at(&minutes);
        let mut engine = tree.engine();
        scan(&mut engine);
        let now = "2026-12-31T00:00:00Z".parse().expect("a time");
        let since = Filter { days: (Some(date(2026, 10, day)), None), ..everything(TimeZone::UTC) };
        let first = date(2026, 10, day).to_zoned(TimeZone::UTC).expect("a day").timestamp();
        let all = engine.blocks(&everything(TimeZone::UTC), now).expect("blocks");
        let wanted: Vec<BlockRow> = all.into_iter().filter(|block| block.start >= first).collect();
        prop_assert_eq!(engine.blocks(&since, now).expect("blocks"), wanted);
    }

    #[test]
    fn blocks_of_each_branch_add_up_to_those_of_all_calls(
        pauses in proptest::collection::vec(prop_oneof![6 => 1_i64..9, 3 => 1_i64..240, 1 => 280_i64..320], 1..60),
    ) {
        let mut at = 0;
        let minutes: Vec<i64> = pauses.into_iter().map(|pause| { at += pause; at }).collect();
        let tree = tree_with_calls_at(&minutes);
        let mut engine = tree.engine();
        scan(&mut engine);
        let now = "2026-12-31T00:00:00Z".parse().expect("a time");
        let calls = |only: Only| {
            let blocks = engine.blocks(&Filter { only, ..everything(TimeZone::UTC) }, now).expect("blocks");
            let blocks = blocks.into_iter().filter(|block| !block.gap);
            blocks.map(|block| (block.start, block.sums.calls)).collect::<BTreeMap<_, _>>()
        };
        let mut together: BTreeMap<Timestamp, u64> = BTreeMap::new();
        for (n, branch) in BRANCHES.into_iter().enumerate() {
            let known = engine.named(Named::Branch).expect("branches");
            let ids = known.into_iter().filter(|(_, name)| **name == *branch).map(|(id, _)| id).collect();
            let of_branch = calls(Only { branches: Some(ids), ..Only::default() });
            prop_assert_eq!(of_branch.values().sum::<u64>(), minutes.iter().skip(n).step_by(2).count() as u64);
            of_branch.into_iter().for_each(|(start, calls)| *together.entry(start).or_default() += calls);
        }
        prop_assert_eq!(together, calls(Only::default()));
    }
}

#[test]
fn a_clock_that_was_wrong_gives_a_block_without_an_end_and_no_gap_before_it() {
    let tree = Tree::new();
    let ahead = Row { message: Some(OTHER), at: "2027-01-01T00:30:00Z", ..ROW };
    tree.put("p/s1.jsonl", [ROW.line(), ahead.line()].concat());
    let mut engine = tree.engine();
    scan(&mut engine);
    let blocks = engine.blocks(&everything(TimeZone::UTC), noon() + 1.hour()).expect("blocks");
    let ends: Vec<_> = blocks.iter().map(|block| (block.gap, block.end.is_some())).collect();
    assert_eq!(ends, [(false, true), (false, false)]);
}

#[test]
fn a_call_without_a_price_gets_one_when_a_list_has_it_and_no_other_call_is_priced_anew() {
    let tree = Tree::new();
    let unknown = Row { message: Some(OTHER), model: "house/model", ..ROW };
    tree.put("p/s1.jsonl", [ROW.line(), unknown.line()].concat());
    let place = LedgerPlace::File(tree.path("ledger.db"));
    let rate = |usd| cco_engine::price::Rate::from_decimal(usd);
    let mut first = tree.open(place.clone(), TimeZone::UTC);
    scan(&mut first);
    let before = first.periods(&everything(TimeZone::UTC), Period::Day).expect("days").remove(0).sums;
    assert_eq!(before.unpriced_calls, 1);
    drop(first);

    let overrides = ["house/model", ROW.model].map(|model| price_list::ModelOverride {
        model: model.to_owned(),
        input: rate("1000"),
        output: rate("1000"),
        ..price_list::ModelOverride::default()
    });
    let prices = price_list::with_overrides(price_list::embedded(), &overrides);
    let mut second = tree.open_with(place, TimeZone::UTC, prices);
    scan(&mut second);
    let after = second.periods(&everything(TimeZone::UTC), Period::Day).expect("days").remove(0);
    assert_eq!(after.sums.unpriced_calls, 0);
    let known = after.models.iter().find(|model| &*model.model == ROW.model).expect("the known model");
    assert_eq!(known.sums.cost, before.cost, "a call that had a price keeps it");
    assert_eq!(second.audit().expect("an audit"), []);
}

#[test]
fn counts_too_large_to_be_added_up_are_named_and_stop_nothing() {
    let tree = Tree::new();
    let lines: Vec<String> = (0..1_100)
        .map(|n| Row { message: Some(&format!("msg_{n:024}")), output: (1 << 53) - 1_000, ..ROW }.line())
        .collect();
    tree.put("p/s1.jsonl", lines.concat());
    let place = LedgerPlace::File(tree.path("ledger.db"));
    let mut engine = tree.open(place, TimeZone::UTC);
    let summary = engine.scan(&mut |_| {}).expect("a scan");
    // 2^62 tokens hold 512 of them.
    assert_eq!((summary.calls_new, summary.findings.len()), (512, 588));
    assert_eq!(engine.findings().expect("findings"), summary.findings);
    tree.put("p/s2.jsonl", ROW.line());
    assert_eq!(engine.scan(&mut |_| {}).expect("another scan").calls_new, 1, "small ones still fit");
    assert_eq!(agreed_totals(&engine).map(|sums| sums.calls), Ok(513));
}

#[test]
fn a_price_that_was_taken_away_and_given_again_prices_what_came_meanwhile() {
    let tree = Tree::new();
    let unknown = |message, at| Row { message: Some(message), model: "house/model", at, ..ROW }.line();
    let place = LedgerPlace::File(tree.path("ledger.db"));
    let overrides = [price_list::ModelOverride {
        model: "house/model".to_owned(),
        input: cco_engine::price::Rate::from_decimal("1"),
        output: cco_engine::price::Rate::from_decimal("1"),
        ..price_list::ModelOverride::default()
    }];
    let with = || price_list::with_overrides(price_list::embedded(), &overrides);
    let unpriced_with = |prices| {
        let mut engine = tree.open_with(place.clone(), TimeZone::UTC, prices);
        scan(&mut engine);
        agreed_totals(&engine).expect("totals").unpriced_calls
    };
    tree.put("p/s1.jsonl", unknown(OTHER, NOON));
    assert_eq!(unpriced_with(with()), 0);
    tree.put("p/s2.jsonl", unknown("msg_01THIRDTHIRDTHIRDTHIRD", NOON));
    assert_eq!(unpriced_with(price_list::embedded()), 1);
    assert_eq!(unpriced_with(with()), 0, "the list is known, the call is not");
}
