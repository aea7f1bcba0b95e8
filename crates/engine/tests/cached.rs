//! Engines that keep sums in memory answer as one that reads them anew, whoever writes between two questions.

#[expect(dead_code, reason = "shared with other tests, which use more of it")]
mod common;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use cco_engine::report::{Named, Only};
use cco_engine::stats::{By, Granularity, Scope, Split, StatsQuestion, SumCache};
use cco_engine::{Engine, LedgerPlace};
use common::{Tree, scan, zone};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

const PROJECTS: [&str; 2] = ["/home/dev/app", "/home/dev/api"];
const MODELS: [&str; 2] = ["claude-opus-4-8", "claude-haiku-4-5-20251001"];
const BRANCHES: [&str; 2] = ["main", "fix"];
const ZONES: [&str; 3] = ["Europe/Berlin", "Asia/Kathmandu", "Pacific/Apia"];
/// In the middle of the instants at which calls are, a Sunday on which Berlin's clocks are set back.
const MIDDLE: &str = "2026-10-25T00:30:00Z";

/// A row. A later one of its call with more tokens is believed in its place, and takes the call with it: to another
/// time, project, session.
#[derive(Clone, Debug)]
struct Told {
    call: u8,
    quarters: i64,
    project: usize,
    model: usize,
    branch: usize,
    session: u8,
    output: u64,
}

impl Told {
    fn line(&self, number: usize) -> String {
        let Self { call, session, output, .. } = self;
        let (cwd, model, branch) = (PROJECTS[self.project], MODELS[self.model], BRANCHES[self.branch]);
        let at = at(self.quarters * 900_000 + 1_000);
        format!(
            r#"{{"type":"assistant","uuid":"u{number}","sessionId":"s{session}","timestamp":"{at:.3}","cwd":"{cwd}","gitBranch":"{branch}","message":{{"role":"assistant","id":"msg_{call:024}","model":"{model}","usage":{{"input_tokens":1,"output_tokens":{output}}}}}}}"#
        ) + "\n"
    }
}

/// So many milliseconds from the middle.
fn at(ms: i64) -> Timestamp {
    let middle: Timestamp = MIDDLE.parse().expect("an instant");
    Timestamp::from_millisecond(middle.as_millisecond() + ms).expect("an instant")
}

/// Within some hours, or within some months.
fn quarters() -> impl Strategy<Value = i64> {
    prop_oneof![-40_i64..40, -6_000_i64..6_000]
}

fn told() -> impl Strategy<Value = Told> {
    let session = prop_oneof![0..3_u8, 0..40_u8];
    (0..24_u8, quarters(), 0..2_usize, 0..2_usize, 0..2_usize, session, 1..99_u64).prop_map(
        |(call, quarters, project, model, branch, session, output)| Told {
            call,
            quarters,
            project,
            model,
            branch,
            session,
            output,
        },
    )
}

/// What is asked: a range in milliseconds from the middle, whose days, how finely, and of which project, model, branch.
#[derive(Clone, Debug)]
struct Asked {
    range: Range<i64>,
    zone: usize,
    granularity: Granularity,
    only: [Option<usize>; 3],
    now: i64,
}

fn asked() -> impl Strategy<Value = Asked> {
    let granularity = prop_oneof![Just(Granularity::Hour), Just(Granularity::Day), Just(Granularity::Month)];
    let only = proptest::array::uniform3(proptest::option::of(0..2_usize));
    (quarters(), 1_i64..4_000, 0..ZONES.len(), granularity, only, quarters(), -1_i64..2).prop_map(
        |(from, length, zone, granularity, only, now, off)| Asked {
            range: from * 900_000 + off..(from + length) * 900_000 + off,
            zone,
            granularity,
            only,
            now: now * 900_000,
        },
    )
}

impl Asked {
    fn only(&self, engine: &Engine) -> Only {
        let ids = |named, names: [&str; 2], chosen: Option<usize>| {
            let known = engine.named(named).expect("names").into_iter();
            let chosen = chosen.map(|chosen| names[chosen]);
            chosen
                .map(|name| known.filter(|(_, it)| **it == *name).map(|(id, _)| id).collect::<BTreeSet<_>>())
        };
        let [project, model, branch] = self.only;
        Only {
            projects: ids(Named::Project, PROJECTS, project),
            models: ids(Named::Model, MODELS, model),
            branches: ids(Named::Branch, BRANCHES, branch),
            accounts: None,
        }
    }

    /// All that an engine says.
    fn answer(&self, engine: &Engine) -> String {
        let (range, zone) = (at(self.range.start)..at(self.range.end), zone(ZONES[self.zone]));
        let only = self.only(engine);
        let scope = Scope { range: range.clone(), zone: zone.clone(), only: only.clone() };
        let question = StatsQuestion {
            range,
            zone,
            granularity: self.granularity,
            split: Some(Split::Project),
            only,
            now: at(self.now),
        };
        let stats = engine.stats(&question).map_err(|error| error.to_string());
        let slices = [By::WeekdayHour, By::Branch, By::Session].map(|by| engine.breakdown(&scope, by));
        let after = at(self.now).as_millisecond().min(scope.range.end.as_millisecond());
        let after = (after, "s2".to_owned());
        let pages = [None, Some(&after)]
            .map(|after| engine.session_page(&scope.range, &scope.only, after, 2, at(self.now)));
        format!("{stats:#?} {slices:#?} {pages:#?}")
    }
}

/// One that writes and remembers no sums, and two that share what they remember.
struct Engines {
    tree: Tree,
    writer: Engine,
    cached: [Engine; 2],
    files: usize,
}

impl Engines {
    fn new(ledger_zone: &str, before: &[Told]) -> Self {
        let tree = Tree::new();
        let open = || tree.open(LedgerPlace::File(tree.path("../ledger.db")), zone(ledger_zone));
        let (writer, cache) = (open(), Arc::<SumCache>::default());
        let cached = [open(), open()].map(|mut engine| {
            engine.use_cache(Arc::clone(&cache));
            engine
        });
        let mut engines = Self { writer, cached, files: 0, tree };
        engines.write(before);
        engines.writer.prepare_following().expect("triggers");
        engines
    }

    fn write(&mut self, told: &[Told]) {
        let lines: String =
            told.iter().enumerate().map(|(at, told)| told.line(self.files * 100 + at)).collect();
        self.tree.put(&format!("p/{}.jsonl", self.files), lines);
        self.files += 1;
        scan(&mut self.writer);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_written_between_questions_they_are_answered_as_if_nothing_were_remembered(
        ledger_zone in 0..ZONES.len(),
        before in proptest::collection::vec(told(), 0..30),
        steps in proptest::collection::vec(
            (proptest::collection::vec(told(), 0..4), proptest::collection::vec((0..2_usize, asked()), 0..3)),
            1..6,
        ),
    ) {
        let mut engines = Engines::new(ZONES[ledger_zone], &before);
        let mut again: Vec<Asked> = Vec::new();
        for (told, questions) in steps {
            engines.write(&told);
            prop_assert_eq!(engines.writer.audit().expect("an audit"), []);
            let new = questions.iter().map(|(_, asked)| asked.clone());
            // What was asked before is asked again: its sums are in memory, and may have changed.
            for (number, asked) in again.clone().into_iter().chain(new.clone()).enumerate() {
                let engine = questions.get(number).map_or(number % 2, |(engine, _)| *engine);
                let said = asked.answer(&engines.cached[engine]);
                prop_assert_eq!(said, asked.answer(&engines.writer));
            }
            again.extend(new);
        }
    }
}

/// The calls of all time.
fn calls(engine: &Engine) -> u64 {
    let question = StatsQuestion {
        range: at(-9_000_000_000)..at(9_000_000_000),
        zone: TimeZone::UTC,
        granularity: Granularity::Month,
        split: None,
        only: Only::default(),
        now: at(0),
    };
    engine.stats(&question).expect("an answer").sums.calls
}

const ONE: Told = Told { call: 1, quarters: 0, project: 0, model: 0, branch: 0, session: 0, output: 1 };

#[test]
fn a_ledger_that_nobody_follows_is_not_remembered() {
    let tree = Tree::new();
    tree.put("p/one.jsonl", ONE.line(0));
    let open = || tree.open(LedgerPlace::File(tree.path("../ledger.db")), TimeZone::UTC);
    let (mut writer, mut cached) = (open(), open());
    cached.use_cache(Arc::default());
    scan(&mut writer);
    assert_eq!(calls(&cached), 1);
    tree.put("p/two.jsonl", Told { call: 2, ..ONE }.line(1));
    scan(&mut writer);
    assert_eq!(calls(&cached), 2, "its changes are not noted");
}
