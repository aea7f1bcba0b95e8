//! However calls are grouped, in whatever zone, for whatever span and filter: parts are what the calls themselves say.

#[expect(dead_code, reason = "shared with other tests, which use more of it")]
mod common;

use std::collections::{BTreeMap, BTreeSet};

use cco_engine::report::{BlockRow, BurnRate, Filter, Group, Named, Only, Period, Worker};
use cco_engine::sums::Sums;
use common::{Tree, everything, scan, zone};
use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;
use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, ToSpan, Unit};
use proptest::prelude::*;

const ZONES: [&str; 8] = [
    "UTC",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    // It skipped the 30th of December 2011.
    "Pacific/Apia",
    "Africa/Casablanca",
    "Pacific/Chatham",
];
/// Instants about which clocks go forward, back, by half an hour, and over a whole day.
const ANCHORS: [&str; 6] = [
    "2026-03-08T06:30:00Z",
    "2026-11-01T05:30:00Z",
    "2026-04-04T14:30:00Z",
    "2026-10-03T15:00:00Z",
    "2011-12-30T09:00:00Z",
    "2026-10-20T12:00:00Z",
];
const MODELS: [&str; 3] = ["claude-opus-4-8", "claude-haiku-4-5-20251001", "house/unknown"];
const PROJECTS: [&str; 3] = ["/code/app", "/code/site", "/elsewhere/app"];
const BRANCHES: [&str; 2] = ["main", ""];
const SKILLS: [&str; 2] = ["", "review"];

/// A call, by places in the lists above.
#[derive(Clone, Debug)]
struct Call {
    anchor: usize,
    minutes: i64,
    model: usize,
    project: usize,
    branch: usize,
    skill: usize,
    session: u8,
    output: u64,
}

impl Call {
    fn at(&self) -> Timestamp {
        ANCHORS[self.anchor].parse::<Timestamp>().expect("an instant") + self.minutes.minutes()
    }

    fn day(&self, zone: &TimeZone) -> Date {
        self.at().to_zoned(zone.clone()).date()
    }

    fn line(&self, number: usize) -> String {
        let Self { session, output, .. } = self;
        let (at, model, cwd) = (self.at(), MODELS[self.model], PROJECTS[self.project]);
        let (branch, skill) = (BRANCHES[self.branch], SKILLS[self.skill]);
        format!(
            r#"{{"type":"assistant","uuid":"u{number}","sessionId":"s{session}","timestamp":"{at}","cwd":"{cwd}","gitBranch":"{branch}","attributionSkill":"{skill}","message":{{"role":"assistant","id":"msg_{number:024}","model":"{model}","usage":{{"input_tokens":1,"output_tokens":{output}}}}}}}"#
        ) + "\n"
    }
}

fn call() -> impl Strategy<Value = Call> {
    let near = prop_oneof![-3_000_i64..3_000, -100_i64..100];
    (0..ANCHORS.len(), near, 0..MODELS.len(), 0..PROJECTS.len(), 0..2_usize, 0..2_usize, 0..4_u8, 1..500_u64)
        .prop_map(|(anchor, minutes, model, project, branch, skill, session, output)| Call {
            anchor,
            minutes,
            model,
            project,
            branch,
            skill,
            session,
            output,
        })
}

/// Calls and output tokens of each group, by any name of it.
type Told = BTreeMap<String, (u64, u64)>;

fn counted<'c>(calls: impl Iterator<Item = &'c Call>, name: impl Fn(&Call) -> String) -> Told {
    let mut told = Told::new();
    for call in calls {
        let (calls, output) = told.entry(name(call)).or_default();
        *calls += 1;
        *output += call.output;
    }
    told
}

fn told<K>(groups: &[Group<K>], name: impl Fn(&K) -> String) -> Told {
    for group in groups {
        let mut parts = Sums::default();
        group.models.iter().for_each(|model| parts += model.sums);
        assert_eq!(parts, group.sums, "models add up to their group");
    }
    groups.iter().map(|group| (name(&group.key), (group.sums.calls, group.sums.tokens.output))).collect()
}

/// Every call with the start of its block, in order of time.
fn in_blocks(calls: &[Call]) -> Vec<(Timestamp, &Call)> {
    let mut calls: Vec<&Call> = calls.iter().collect();
    calls.sort_by_key(|call| call.at());
    let (mut start, mut before) = (Timestamp::MIN, Timestamp::MIN);
    let five_hours = SignedDuration::from_hours(5);
    let to_hour = TimestampRound::new().smallest(Unit::Hour).mode(RoundMode::Floor);
    let mut placed = Vec::new();
    for call in calls {
        let at = call.at();
        if at.duration_since(start) > five_hours || at.duration_since(before) > five_hours {
            start = at.round(to_hour).expect("a whole hour");
        }
        before = at;
        placed.push((start, call));
    }
    placed
}

/// The blocks are those of all calls, and hold the chosen ones.
fn assert_blocks(rows: &[BlockRow], wanted: &BTreeMap<Timestamp, Vec<&Call>>) {
    let rows: Vec<&BlockRow> = rows.iter().filter(|row| !row.gap).collect();
    assert_eq!(
        rows.iter().map(|row| row.start).collect::<Vec<_>>(),
        wanted.keys().copied().collect::<Vec<_>>()
    );
    for (row, calls) in rows.iter().zip(wanted.values()) {
        let (first, last) = (calls[0].at(), calls[calls.len() - 1].at());
        let tokens: u64 = calls.iter().map(|call| call.output + 1).sum();
        assert_eq!((row.end, row.last), (Some(row.start + 5.hours()), Some(last)));
        assert_eq!((row.sums.calls, row.sums.tokens.total()), (calls.len() as u64, tokens));
        let models: Told = row
            .models
            .iter()
            .map(|part| (part.model.to_string(), (part.sums.calls, part.sums.tokens.output)))
            .collect();
        assert_eq!(models, counted(calls.iter().copied(), |call| MODELS[call.model].to_owned()));
        let minutes = last.duration_since(first).as_mins().unsigned_abs();
        let speed = row.burn_rate.map(|rate| rate.milli_tokens_per_minute);
        assert_eq!(speed.is_some(), minutes >= 10);
        let off = speed.map_or(0, |speed| (speed * minutes).abs_diff(tokens * 1_000));
        assert!(2 * off <= minutes, "{speed:?} thousandths a minute for {tokens} in {minutes} minutes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn groups_are_what_their_calls_say_in_every_zone_and_span_and_for_every_filter(
        calls in proptest::collection::vec(call(), 1..80),
        ledger_zone in 0..ZONES.len(),
        asked_zone in 0..ZONES.len(),
        since in proptest::option::of((0..ANCHORS.len(), -40_i64..3)),
        length in proptest::option::of(0_i64..80),
        only_model in proptest::option::of(0..MODELS.len()),
        only_project in proptest::option::of(0..PROJECTS.len()),
        only_branch in proptest::option::of(0..BRANCHES.len()),
    ) {
        let tree = Tree::new();
        let lines: Vec<String> = calls.iter().enumerate().map(|(number, call)| call.line(number)).collect();
        let (one, other) = lines.split_at(lines.len() / 2);
        tree.put("p/s0.jsonl", one.concat());
        tree.put("p/s1.jsonl", other.concat());
        let mut engine = tree.open(cco_engine::LedgerPlace::Memory, zone(ZONES[ledger_zone]));
        scan(&mut engine);
        prop_assert_eq!(engine.audit().expect("an audit"), []);

        // The ledger's own zone half of the time: it is answered from other roll-ups.
        let zone = zone(ZONES[if asked_zone % 2 == 0 { ledger_zone } else { asked_zone }]);
        let since: Option<Date> = since.map(|(anchor, days)| {
            let anchor: Timestamp = ANCHORS[anchor].parse().expect("an instant");
            anchor.to_zoned(TimeZone::UTC).date() + days.days()
        });
        let until = length.map(|days| since.unwrap_or(date(2026, 9, 1)) + days.days());
        let ids = |named, name: &str| {
            let known = engine.named(named).expect("names");
            let mut ids: BTreeSet<i64> =
                known.into_iter().filter(|(_, known)| **known == *name).map(|(id, _)| id).collect();
            ids.extend(name.is_empty().then_some(0));
            ids
        };
        let filter = Filter {
            days: (since, until),
            zone: zone.clone(),
            only: Only {
                branches: only_branch.map(|branch| ids(Named::Branch, BRANCHES[branch])),
            models: only_model.map(|model| ids(Named::Model, MODELS[model])),
                projects: only_project.map(|project| ids(Named::Project, PROJECTS[project])),
                accounts: None,
            },
        };
        let asked = || {
            calls.iter().filter(|call| {
                let day = call.day(&zone);
                since.is_none_or(|since| since <= day)
                    && until.is_none_or(|until| day <= until)
                    && only_model.is_none_or(|model| model == call.model)
                    && only_project.is_none_or(|project| project == call.project)
                    && only_branch.is_none_or(|branch| branch == call.branch)
            })
        };
        for period in [Period::Day, Period::Week(Weekday::Monday), Period::Week(Weekday::Sunday), Period::Month] {
            let rows = engine.periods(&filter, period).expect("periods");
            let wanted = counted(asked(), |call| period.start(call.day(&zone)).to_string());
            prop_assert_eq!(told(&rows, Date::to_string), wanted, "{:?}", period);
        }
        let rows = engine.periods_of_projects(&filter, Period::Day).expect("instances");
        let wanted = counted(asked(), |call| format!("{} {}", PROJECTS[call.project], call.day(&zone)));
        prop_assert_eq!(told(&rows, |instance| format!("{} {}", instance.project, instance.start)), wanted);
        let rows = engine.projects(&filter).expect("projects");
        let wanted = counted(asked(), |call| PROJECTS[call.project].to_owned());
        prop_assert_eq!(told(&rows, ToString::to_string), wanted);
        let rows = engine.branches(&filter).expect("branches");
        let wanted = counted(asked(), |call| format!("{} {}", PROJECTS[call.project], BRANCHES[call.branch]));
        prop_assert_eq!(told(&rows, |branch| format!("{} {}", branch.project, branch.branch)), wanted);
        let rows = engine.models(&filter).expect("models");
        prop_assert_eq!(told(&rows, |model| model.name.to_string()), counted(asked(), |call| MODELS[call.model].to_owned()));
        let rows = engine.workers(&filter, Worker::Skill).expect("skills");
        prop_assert_eq!(told(&rows, String::clone), counted(asked(), |call| SKILLS[call.skill].to_owned()));
        let sessions = engine.sessions(&filter).expect("sessions");
        let rows: Told = sessions
            .iter()
            .map(|row| (row.session.to_string(), (row.sums.calls, row.sums.tokens.output)))
            .collect();
        prop_assert_eq!(rows, counted(asked(), |call| format!("s{}", call.session)));
        let chosen = |call: &Call| {
            only_model.is_none_or(|model| model == call.model)
                && only_project.is_none_or(|project| project == call.project)
                && only_branch.is_none_or(|branch| branch == call.branch)
        };
        let mut wanted: BTreeMap<Timestamp, Vec<&Call>> = BTreeMap::new();
        for (start, call) in in_blocks(&calls) {
            let day = start.to_zoned(zone.clone()).date();
            if chosen(call) && since.is_none_or(|since| since <= day) && until.is_none_or(|until| day <= until) {
                wanted.entry(start).or_default().push(call);
            }
        }
        let blocks = engine.blocks(&filter, date(2027, 1, 1).to_zoned(TimeZone::UTC).expect("a day").timestamp());
        assert_blocks(&blocks.expect("blocks"), &wanted);
    }
}

#[test]
fn the_running_block_goes_at_the_speed_of_the_calls_that_are_asked_for() {
    let tree = Tree::new();
    let call = |minutes, project, output| {
        let call = Call { anchor: 5, minutes, model: 0, project, branch: 0, skill: 0, session: 0, output };
        call.line(minutes.unsigned_abs() as usize)
    };
    // 10:30, 11:00, 11:30 and 11:50; and a block before that, which the second project alone has calls in.
    let lines = [call(-900, 1, 9), call(-90, 0, 999), call(-60, 1, 99), call(-30, 0, 999), call(-10, 1, 199)];
    tree.put("p/s0.jsonl", lines.concat());
    let mut engine = tree.engine();
    scan(&mut engine);
    let now: Timestamp = ANCHORS[5].parse().expect("an instant");
    let blocks = |project: usize| {
        let known = engine.named(Named::Project).expect("projects");
        let ids = known.into_iter().filter(|(_, path)| **path == *PROJECTS[project]).map(|(id, _)| id);
        let only = Only { projects: Some(ids.collect()), ..Only::default() };
        engine.blocks(&Filter { only, ..everything(TimeZone::UTC) }, now).expect("blocks")
    };
    let [running] = &blocks(0)[..] else { panic!("one block has calls of the first project") };
    assert_eq!((running.active, running.sums.calls), (true, 2));
    assert_eq!(running.start, now - 2.hours(), "it starts when the first call of all begins it");
    let second = blocks(1);
    assert!(second.iter().all(|block| !block.gap), "a pause between chosen calls is no pause");
    let running = &second[second.len() - 1];
    assert_eq!(running.start, now - 2.hours(), "its own first call would begin it an hour later");
    // 300 tokens in 50 minutes; 200 of them in the last half hour; three hours are left.
    let speed = |rate: Option<BurnRate>| rate.map(|rate| rate.milli_tokens_per_minute);
    assert_eq!(speed(running.burn_rate), Some(6_000));
    assert_eq!(speed(running.burn_rate_recent), Some(6_667));
    let projection = running.projection.expect("a running block is projected");
    assert_eq!((projection.total_tokens, projection.remaining_minutes), (300 + 180 * 6, 180));
    assert_eq!(blocks(2), [], "no call, no block");
}

#[test]
fn a_block_of_a_few_minutes_goes_at_the_speed_of_half_an_hour_and_is_not_projected() {
    let tree = Tree::new();
    let call = |minutes, output| {
        let call = Call { anchor: 5, minutes, model: 0, project: 0, branch: 0, skill: 0, session: 0, output };
        call.line(minutes.unsigned_abs() as usize)
    };
    tree.put("p/s0.jsonl", [call(-3, 1_499), call(-1, 1_499)].concat());
    let mut engine = tree.engine();
    scan(&mut engine);
    let now: Timestamp = ANCHORS[5].parse().expect("an instant");
    let blocks = engine.blocks(&everything(TimeZone::UTC), now).expect("blocks");
    let [running] = &blocks[..] else { panic!("one block: {blocks:?}") };
    assert!(running.active);
    assert_eq!((running.burn_rate, running.projection), (None, None), "two minutes are no estimate of hours");
    assert_eq!(running.burn_rate_recent.map(|rate| rate.milli_tokens_per_minute), Some(100_000));
}
