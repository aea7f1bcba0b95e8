//! Another price list for history: what is shown is what happens, once, and every sum follows.

mod common;

use std::collections::BTreeSet;

use cco_engine::money::NanoUsd;
use cco_engine::price::{PriceList, Rate};
use cco_engine::price_list::{ModelOverride, embedded, with_overrides};
use cco_engine::report::{Filter, Named, Only, Period};
use cco_engine::reprice::{Amounts, Repricing};
use cco_engine::{Engine, LedgerPlace};
use common::{ROW, Row, Tree, agreed_totals, everything, scan, zone};
use jiff::civil::date;
use jiff::tz::TimeZone;

const SECOND: &str = "msg_01SECONDSECONDSECONDXX";
const THIRD: &str = "msg_01THIRDTHIRDTHIRDTHIRD";

/// A list in which these models cost so many dollars for a million tokens, in and out.
fn list(models: &[(&str, &str)]) -> PriceList {
    let overrides: Vec<ModelOverride> = models
        .iter()
        .map(|(model, usd)| ModelOverride {
            model: (*model).to_owned(),
            input: Rate::from_decimal(usd),
            output: Rate::from_decimal(usd),
            ..ModelOverride::default()
        })
        .collect();
    with_overrides(embedded(), &overrides)
}

fn all() -> Filter {
    everything(TimeZone::UTC)
}

fn preview(engine: &Engine) -> Repricing {
    engine.preview_repricing(&all()).expect("a preview")
}

fn reprice(engine: &mut Engine) -> Repricing {
    engine.reprice(&all(), &mut |_| {}).expect("repricing")
}

/// Two days, two models, one of them in two sessions.
fn tree() -> (Tree, LedgerPlace) {
    let tree = Tree::new();
    let sonnet = Row { message: Some(SECOND), model: "claude-sonnet-4-5", session: "s2", ..ROW };
    let early = Row { message: Some(THIRD), at: "2026-10-01T20:00:00.000Z", ..ROW };
    tree.put("p/s1.jsonl", ROW.line() + &early.line());
    tree.put("p/s2.jsonl", sonnet.line());
    let place = LedgerPlace::File(tree.path("ledger.db"));
    let mut first = tree.open(place.clone(), TimeZone::UTC);
    scan(&mut first);
    (tree, place)
}

#[test]
fn what_was_shown_is_what_happens_and_a_second_run_changes_nothing() {
    let (tree, place) = tree();
    let mut engine = tree.open_with(place, TimeZone::UTC, list(&[(ROW.model, "100")]));
    scan(&mut engine);
    let before = agreed_totals(&engine).expect("sums that agree").cost;
    let shown = preview(&engine);
    let amounts = Amounts { calls: 2, old: NanoUsd(510_000), new: NanoUsd(2_200_000), ..Amounts::default() };
    assert_eq!(shown.all, amounts);
    assert_eq!(shown.models.len(), 1);
    assert_eq!(shown.models[0].lists, [embedded().id()]);
    assert_eq!(agreed_totals(&engine).expect("sums that agree").cost, before, "looking changes nothing");

    assert_eq!(reprice(&mut engine), shown);
    assert_eq!(engine.audit().expect("an audit"), []);
    let after = agreed_totals(&engine).expect("sums that agree").cost;
    assert_eq!(after - before, shown.all.difference());

    assert_eq!(preview(&engine), Repricing::default());
    assert_eq!(reprice(&mut engine), Repricing::default());
    scan(&mut engine);
    assert_eq!(agreed_totals(&engine).expect("sums that agree").cost, after);
}

#[test]
fn a_ledger_that_was_repriced_is_the_one_that_the_list_would_have_filled() {
    let (tree, place) = tree();
    let prices = || list(&[(ROW.model, "100"), ("claude-sonnet-4-5", "0")]);
    let mut engine = tree.open_with(place, TimeZone::UTC, prices());
    scan(&mut engine);
    reprice(&mut engine);
    let mut fresh = tree.open_with(LedgerPlace::Memory, TimeZone::UTC, prices());
    scan(&mut fresh);
    assert_eq!(engine.sessions(&all()).expect("sessions"), fresh.sessions(&all()).expect("sessions"));
    assert_eq!(
        engine.periods(&all(), Period::Day).expect("days"),
        fresh.periods(&all(), Period::Day).expect("days")
    );
}

#[test]
fn the_list_that_priced_a_ledger_has_nothing_to_change() {
    let (tree, _) = tree();
    let mut engine = tree.engine();
    scan(&mut engine);
    assert_eq!(preview(&engine), Repricing::default());
    assert_eq!(reprice(&mut engine), Repricing::default());
}

#[test]
fn days_and_models_narrow_what_changes() {
    let (tree, place) = tree();
    let prices = list(&[(ROW.model, "100"), ("claude-sonnet-4-5", "200")]);
    let mut engine = tree.open_with(place, TimeZone::UTC, prices);
    scan(&mut engine);
    let since = Filter { days: (Some(date(2026, 10, 2)), None), ..all() };
    let first = Filter { days: (None, Some(date(2026, 10, 1))), ..all() };
    // There the second of October has begun by then.
    let there = |filter: &Filter| Filter { zone: zone("Pacific/Kiritimati"), ..filter.clone() };
    let models = engine.named(Named::Model).expect("names");
    let opus = models.iter().filter(|(_, name)| **name == *ROW.model).map(|(id, _)| *id).collect();
    let only = Only { models: Some(opus), ..Only::default() };
    let of_opus = |filter: &Filter| Filter { only: only.clone(), ..filter.clone() };
    let nobody = Only { models: Some(BTreeSet::new()), ..Only::default() };
    let calls =
        |engine: &Engine, filter: &Filter| engine.preview_repricing(filter).expect("a preview").all.calls;
    for (filter, count) in [
        (all(), 3),
        (since.clone(), 2),
        (there(&since), 3),
        (first.clone(), 1),
        (there(&first), 0),
        (of_opus(&all()), 2),
        (of_opus(&since), 1),
        (Filter { only: nobody, ..all() }, 0),
    ] {
        assert_eq!(calls(&engine, &filter), count, "{filter:?}");
    }
    let done = engine.reprice(&of_opus(&since), &mut |_| {}).expect("repricing");
    assert_eq!(done.all.calls, 1);
    assert_eq!(engine.audit().expect("an audit"), []);
    assert_eq!(calls(&engine, &all()), 2, "what was left out is still to do");
}

#[test]
fn prices_that_come_and_go_are_told_apart() {
    let tree = Tree::new();
    let house = Row { message: Some(SECOND), model: "house/model", ..ROW };
    tree.put("p/s1.jsonl", ROW.line() + &house.line());
    let place = LedgerPlace::File(tree.path("ledger.db"));
    // The list without the model is known already when the calls come in, so that a scan does not price them.
    scan(&mut tree.open(place.clone(), TimeZone::UTC));
    let with_house = || list(&[("house/model", "10")]);
    let mut engine = tree.open_with(place.clone(), TimeZone::UTC, with_house());
    scan(&mut engine);
    drop(engine);
    let mut without = tree.open(place.clone(), TimeZone::UTC);
    scan(&mut without);
    let lost = Amounts { lost: 1, lost_cost: NanoUsd(110_000), ..Amounts::default() };
    assert_eq!(preview(&without).all, lost);
    assert_eq!(reprice(&mut without).all, lost);
    assert_eq!(agreed_totals(&without).expect("sums that agree").unpriced_calls, 1);
    drop(without);
    // A scan would give it the price by itself.
    let mut engine = tree.open_with(place, TimeZone::UTC, with_house());
    let gained = Amounts { gained: 1, gained_cost: NanoUsd(110_000), ..Amounts::default() };
    assert_eq!(reprice(&mut engine).all, gained);
    assert_eq!(agreed_totals(&engine).expect("sums that agree").unpriced_calls, 0);
    assert_eq!(gained.difference(), -lost.difference());
}

#[test]
fn many_calls_are_changed_in_several_transactions_and_none_twice() {
    let tree = Tree::new();
    let lines: String =
        (0..12_000).map(|n| Row { message: Some(&format!("msg_{n:024}")), ..ROW }.line()).collect();
    tree.put("p/s1.jsonl", lines);
    let place = LedgerPlace::File(tree.path("ledger.db"));
    scan(&mut tree.open(place.clone(), TimeZone::UTC));
    let mut engine = tree.open_with(place.clone(), TimeZone::UTC, list(&[(ROW.model, "100")]));
    assert_eq!(preview(&engine).all.calls, 12_000);
    // Another process reprices meanwhile: after the first transaction it does the rest.
    let mut steps = Vec::new();
    let mut other = tree.open_with(place, TimeZone::UTC, list(&[(ROW.model, "100")]));
    let mut elsewhere = None;
    let done = engine
        .reprice(&all(), &mut |calls| {
            steps.push(calls);
            elsewhere.get_or_insert_with(|| reprice(&mut other));
        })
        .expect("repricing");
    let elsewhere = elsewhere.expect("the other one");
    assert_eq!(done.all.calls, 5_000);
    assert_eq!(done.all.calls + elsewhere.all.calls, 12_000);
    assert_eq!(steps[0], 5_000);
    assert_eq!(engine.audit().expect("an audit"), []);
    assert_eq!(preview(&engine), Repricing::default());
}

#[test]
fn cut_off_between_two_transactions_every_sum_is_exact_and_the_next_run_does_the_rest() {
    let tree = Tree::new();
    let lines: String =
        (0..11_000).map(|n| Row { message: Some(&format!("msg_{n:024}")), ..ROW }.line()).collect();
    tree.put("p/s1.jsonl", lines);
    let place = LedgerPlace::File(tree.path("ledger.db"));
    scan(&mut tree.open(place.clone(), TimeZone::UTC));
    let prices = || list(&[(ROW.model, "100")]);
    let cut_off = std::panic::catch_unwind(|| {
        let mut engine = tree.open_with(place.clone(), TimeZone::UTC, prices());
        engine.reprice(&all(), &mut |calls| assert!(calls < 10_000, "cut off"))
    });
    assert!(cut_off.is_err());
    let mut engine = tree.open_with(place.clone(), TimeZone::UTC, prices());
    agreed_totals(&engine).expect("sums that agree");
    assert_eq!(reprice(&mut engine).all.calls, 1_000);
    let cost = agreed_totals(&engine).expect("sums that agree").cost;
    assert_eq!(cost, NanoUsd(11_000 * 1_100_000));
}
