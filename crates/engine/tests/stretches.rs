//! Whatever stretch of time is asked for, in whatever zone and with whatever filter: the answer is what the calls
//! themselves say, and its parts add up to its whole.

#[expect(dead_code, reason = "shared with other tests, which use more of it")]
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cco_engine::report::{Named, Only};
use cco_engine::stats::{
    By, Granularity, Scope, SeriesPoint, SessionSums, Split, Stats, StatsError, StatsQuestion, UNKNOWN_TIER,
};
use cco_engine::sums::Sums;
use cco_engine::{Engine, LedgerPlace};
use common::{Tree, scan, zone};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

const ZONES: [&str; 9] = [
    "UTC",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    // It skipped the 30th of December 2011.
    "Pacific/Apia",
    "Africa/Casablanca",
    "Pacific/Chatham",
    // It went back over midnight until 2011.
    "America/St_Johns",
];
/// Instants about which clocks go forward, back, by half an hour, over midnight, and over a whole day.
const ANCHORS: [&str; 7] = [
    "2026-03-08T06:30:00Z",
    "2026-11-01T05:30:00Z",
    "2026-04-04T14:30:00Z",
    "2026-10-03T15:00:00Z",
    "2011-12-30T09:00:00Z",
    "2010-11-07T02:30:00Z",
    "2026-10-20T12:00:00Z",
];
const MODELS: [(&str, &str); 3] =
    [("claude-opus-4-8", "Opus"), ("claude-haiku-4-5-20251001", "Haiku"), ("house/unknown", UNKNOWN_TIER)];
/// What calls of each model use.
const TOOLS: [&str; 3] = ["Bash", "Read", "mcp__github__search"];
const PROJECTS: [&str; 3] = ["/code/app", "/code/site", "/elsewhere/app"];
const BRANCHES: [&str; 3] = ["main", "", "fix"];

/// A call, by places in the lists above.
#[derive(Clone, Debug)]
struct Call {
    at_ms: i64,
    model: usize,
    project: usize,
    branch: usize,
    session: u8,
    output: u64,
}

impl Call {
    fn at(&self) -> Timestamp {
        Timestamp::from_millisecond(self.at_ms).expect("an instant")
    }

    fn line(&self, number: usize) -> String {
        let Self { session, output, .. } = self;
        let (at, model, cwd) = (self.at(), MODELS[self.model].0, PROJECTS[self.project]);
        let (branch, tool) = (BRANCHES[self.branch], TOOLS[self.model]);
        format!(
            r#"{{"type":"assistant","uuid":"u{number}","sessionId":"s{session}","timestamp":"{at:.3}","cwd":"{cwd}","gitBranch":"{branch}","message":{{"role":"assistant","id":"msg_{number:024}","model":"{model}","content":[{{"type":"tool_use","id":"toolu_{number:024}","name":"{tool}"}}],"usage":{{"input_tokens":1,"output_tokens":{output}}}}}}}"#
        ) + "\n"
    }
}

fn anchor_ms(anchor: usize) -> i64 {
    ANCHORS[anchor].parse::<Timestamp>().expect("an instant").as_millisecond()
}

/// Instants about the anchors: near by, days off, and on whole quarters and hours.
fn instant() -> impl Strategy<Value = i64> {
    let off = prop_oneof![
        -3_000_000_i64..3_000_000,
        -4_000_000_000_i64..4_000_000_000,
        (-300_i64..300).prop_map(|quarters| quarters * 900_000),
        (-300_i64..300, -1_i64..2).prop_map(|(quarters, off)| quarters * 900_000 + off),
    ];
    (0..ANCHORS.len(), off).prop_map(|(anchor, off)| anchor_ms(anchor) + off)
}

fn call() -> impl Strategy<Value = Call> {
    (instant(), 0..MODELS.len(), 0..PROJECTS.len(), 0..BRANCHES.len(), 0..4_u8, 1..500_u64).prop_map(
        |(at_ms, model, project, branch, session, output)| Call {
            at_ms,
            model,
            project,
            branch,
            session,
            output,
        },
    )
}

fn engine(calls: &[Call], ledger_zone: &str) -> (Tree, Engine) {
    let tree = Tree::new();
    let lines: Vec<String> = calls.iter().enumerate().map(|(number, call)| call.line(number)).collect();
    tree.put("p/s0.jsonl", lines.concat());
    let mut engine = tree.open(LedgerPlace::Memory, zone(ledger_zone));
    scan(&mut engine);
    (tree, engine)
}

fn ids(engine: &Engine, named: Named, name: &str) -> BTreeSet<i64> {
    let known = engine.named(named).expect("names");
    let mut ids: BTreeSet<i64> =
        known.into_iter().filter(|(_, known)| **known == *name).map(|(id, _)| id).collect();
    if name.is_empty() {
        ids.insert(0);
    }
    ids
}

fn question(range: std::ops::Range<i64>, zone: TimeZone, granularity: Granularity) -> StatsQuestion {
    let at = |ms| Timestamp::from_millisecond(ms).expect("an instant");
    let (range, now) = (at(range.start)..at(range.end), at(anchor_ms(6)));
    StatsQuestion { range, zone, granularity, split: None, only: Only::default(), now }
}

/// Calls and output tokens of each, by any name.
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

fn told<N: ToString>(parts: &[(N, Sums)]) -> Told {
    parts.iter().map(|(name, sums)| (name.to_string(), (sums.calls, sums.tokens.output))).collect()
}

fn sum<'s>(parts: impl IntoIterator<Item = &'s Sums>) -> Sums {
    let mut all = Sums::default();
    parts.into_iter().for_each(|sums| all += *sums);
    all
}

fn assert_parts_are_the_whole(stats: &Stats, split: Option<Split>) {
    let all = stats.sums;
    assert_eq!(sum(stats.tiers.iter().map(|part| &part.1)), all, "tiers");
    assert_eq!(sum(stats.models.iter().map(|part| &part.1)), all, "models");
    assert_eq!(sum(stats.projects.iter().map(|part| &part.1)), all, "projects");
    assert_eq!(sum(stats.series.iter().map(|point| &point.sums)), all, "series");
    for point in &stats.series {
        assert_eq!(sum(point.tiers.iter().map(|part| &part.1)), point.sums, "tiers of a point");
        let parts = if split.is_some() { point.sums } else { Sums::default() };
        assert_eq!(sum(point.parts.iter().map(|part| &part.1)), parts, "parts of a point");
    }
}

/// Every point says what the calls from its start to the next one's say, and starts where clocks say so.
fn assert_series(series: &[SeriesPoint], asked: &[&Call], question: &StatsQuestion) {
    let zone = &question.zone;
    for (number, point) in series.iter().enumerate() {
        let end = series.get(number + 1).map_or(question.range.end, |next| next.start);
        assert!(point.start < end, "{} is empty", point.start);
        let start = if number == 0 { question.range.start } else { point.start };
        let inside = asked.iter().filter(|call| start <= call.at() && call.at() < end);
        let wanted = inside.fold((0, 0), |sum, call| (sum.0 + 1, sum.1 + call.output));
        assert_eq!((point.sums.calls, point.sums.tokens.output), wanted, "the point of {}", point.start);
        let clock = point.start.to_zoned(zone.clone());
        let before = point.start - SignedDuration::from_millis(1);
        let was_set = zone.to_offset(before) != zone.to_offset(point.start);
        let whole_minute = clock.second() == 0;
        let whole_hour = whole_minute && clock.minute() == 0;
        let is_start = match question.granularity {
            Granularity::Minute => whole_minute,
            Granularity::Hour => whole_hour,
            Granularity::Day => whole_hour && clock.hour() == 0,
            Granularity::Week => {
                whole_hour && clock.hour() == 0 && clock.weekday() == jiff::civil::Weekday::Monday
            }
            Granularity::Month => whole_hour && clock.hour() == 0 && clock.day() == 1,
            Granularity::Year => whole_hour && clock.hour() == 0 && clock.day_of_year() == 1,
            Granularity::Century => {
                whole_hour && clock.hour() == 0 && clock.day_of_year() == 1 && clock.year() % 100 == 0
            }
        };
        assert!(is_start || was_set, "{clock} starts no {:?}", question.granularity);
        let longest = match question.granularity {
            Granularity::Minute => 60,
            Granularity::Hour => 3_600,
            Granularity::Day => 90_000,
            Granularity::Week => 7 * 86_400 + 3_600,
            Granularity::Month => 31 * 86_400 + 3_600,
            Granularity::Year => 366 * 86_400 + 3_600,
            Granularity::Century => 100 * 366 * 86_400,
        };
        assert!(end.duration_since(point.start).as_secs() <= longest, "{} is too long", point.start);
    }
}

/// A range that has at most as many points as a series may.
fn fitting(start: i64, length: i64, granularity: Granularity) -> std::ops::Range<i64> {
    let most = match granularity {
        Granularity::Minute => 24 * 3_600_000,
        Granularity::Hour => 50 * 86_400_000,
        _ => 1_400 * 86_400_000,
    };
    start..start + length.min(most)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_stretch_is_what_its_calls_say_in_every_zone_and_for_every_filter(
        calls in proptest::collection::vec(call(), 1..80),
        ledger_zone in 0..ZONES.len(),
        asked_zone in 0..ZONES.len(),
        start in instant(),
        length in prop_oneof![1_i64..7_200_000, 1_i64..9_000_000_000, 1_i64..600_000_000_000],
        granularity in 0..Granularity::ALL.len(),
        only_model in proptest::option::of(0..MODELS.len()),
        only_project in proptest::option::of(0..PROJECTS.len()),
        only_branch in proptest::option::of(0..BRANCHES.len()),
        split in proptest::option::of(prop_oneof![Just(Split::Model), Just(Split::Project)]),
    ) {
        let (_tree, engine) = engine(&calls, ZONES[ledger_zone]);
        // The ledger's own zone half of the time: its days are answered from other roll-ups.
        let zone = zone(ZONES[if asked_zone % 2 == 0 { ledger_zone } else { asked_zone }]);
        let granularity = Granularity::ALL[granularity];
        let only = Only {
            models: only_model.map(|model| ids(&engine, Named::Model, MODELS[model].0)),
            projects: only_project.map(|project| ids(&engine, Named::Project, PROJECTS[project])),
            branches: only_branch.map(|branch| ids(&engine, Named::Branch, BRANCHES[branch])),
            accounts: None,
        };
        let range = fitting(start, length, granularity);
        let question = StatsQuestion { only, split, ..question(range.clone(), zone, granularity) };
        let stats = engine.stats(&question).expect("an answer");

        let chosen: Vec<&Call> = calls.iter().filter(|call| {
            only_model.is_none_or(|model| model == call.model)
                && only_project.is_none_or(|project| project == call.project)
                && only_branch.is_none_or(|branch| branch == call.branch)
        }).collect();
        let mut asked: Vec<&Call> =
            chosen.iter().copied().filter(|call| range.contains(&call.at_ms)).collect();
        let all = asked.iter().fold((0, 0), |sum, call| (sum.0 + 1, sum.1 + call.output));
        prop_assert_eq!((stats.sums.calls, stats.sums.tokens.output), all);
        assert_parts_are_the_whole(&stats, split);
        let by = |name: &dyn Fn(&Call) -> String| counted(asked.iter().copied(), name);
        prop_assert_eq!(told(&stats.models), by(&|call| MODELS[call.model].0.to_owned()));
        prop_assert_eq!(told(&stats.tiers), by(&|call| MODELS[call.model].1.to_owned()));
        prop_assert_eq!(told(&stats.projects), by(&|call| PROJECTS[call.project].to_owned()));
        assert_series(&stats.series, &asked, &question);

        asked.sort_by_key(|call| std::cmp::Reverse(call.at_ms));
        let recent: Vec<i64> = stats.recent.iter().map(|call| call.at_ms).collect();
        prop_assert_eq!(recent, asked.iter().take(20).map(|call| call.at_ms).collect::<Vec<_>>());
        let sessions = |from: i64, to: i64| {
            let in_time = chosen.iter().filter(|call| (from..to).contains(&call.at_ms));
            in_time.map(|call| call.session).collect::<BTreeSet<_>>().len() as u64
        };
        let now = question.now.to_zoned(question.zone.clone());
        let midnight = now.start_of_day().expect("a day");
        let tomorrow = midnight.tomorrow().and_then(|day| day.start_of_day()).expect("a day");
        let (midnight, tomorrow) = (midnight.timestamp().as_millisecond(), tomorrow.timestamp().as_millisecond());
        let now_ms = question.now.as_millisecond();
        let counts = (stats.sessions.active, stats.sessions.today, stats.sessions.total);
        let wanted = (sessions(now_ms - 300_000, now_ms + 1), sessions(midnight, tomorrow), sessions(i64::MIN, i64::MAX));
        prop_assert_eq!(counts, wanted);
        assert_breakdowns(&engine, &question, &asked);
        assert_pages(&engine, &question, &asked, 2);
    }
}

/// What a call is told apart by.
type Name<'n> = &'n dyn Fn(&Call) -> String;

/// Every breakdown is what the calls say.
fn assert_breakdowns(engine: &Engine, question: &StatsQuestion, asked: &[&Call]) {
    let StatsQuestion { range, zone, only, .. } = question.clone();
    let scope = Scope { range, zone: zone.clone(), only };
    let clock = |call: &Call| call.at().to_zoned(zone.clone());
    // A day that has begun is not left again: St. John's went back over midnight.
    let day = |call: &Call| {
        let day = clock(call).date();
        let next = day.tomorrow().and_then(|day| day.to_zoned(zone.clone())).expect("a day");
        if next.timestamp() <= call.at() { next.date() } else { day }
    };
    let weekday = |call: &Call| day(call).weekday().to_monday_one_offset();
    let branch = |call: &Call| format!("{}\n{}", PROJECTS[call.project], BRANCHES[call.branch]);
    let ways: [(By, Name<'_>); 9] = [
        (By::Model, &|call| MODELS[call.model].0.to_owned()),
        (By::Project, &|call| PROJECTS[call.project].to_owned()),
        (By::Branch, &branch),
        (By::Session, &|call| format!("s{}", call.session)),
        (By::Account, &|_| "0".to_owned()),
        (By::HourOfDay, &|call| clock(call).hour().to_string()),
        (By::Weekday, &|call| weekday(call).to_string()),
        (By::WeekdayHour, &|call| format!("{}-{}", weekday(call), clock(call).hour())),
        (By::Day, &|call| day(call).to_string()),
    ];
    for (by, key) in ways {
        let slices = engine.breakdown(&scope, by).expect("a breakdown");
        let rows: Vec<(String, Sums)> = slices.iter().map(|slice| (slice.key.clone(), slice.sums)).collect();
        assert_eq!(told(&rows), counted(asked.iter().copied(), key), "{by:?}");
        for slice in &slices {
            let last = asked.iter().filter(|call| key(call) == slice.key).map(|call| call.at()).max();
            assert_eq!(slice.last, last, "the last of {by:?} {}", slice.key);
        }
    }
    let tools = engine.breakdown(&scope, By::Tool).expect("tools");
    assert!(tools.is_sorted_by_key(|tool| std::cmp::Reverse(tool.uses.expect("uses").uses)), "{tools:?}");
    let uses: BTreeMap<String, u64> =
        tools.iter().map(|tool| (tool.key.clone(), tool.uses.expect("uses").uses)).collect();
    let wanted = counted(asked.iter().copied(), |call| TOOLS[call.model].to_owned());
    assert_eq!(uses, wanted.into_iter().map(|(tool, (calls, _))| (tool, calls)).collect());
    let mut branches = Told::new();
    for project in engine.project_list(&scope).expect("projects") {
        assert_eq!(sum(project.branches.iter().map(|branch| &branch.1)), project.sums);
        for (branch, sums, _) in &project.branches {
            branches.insert(format!("{}\n{branch}", project.path), (sums.calls, sums.tokens.output));
        }
    }
    assert_eq!(branches, counted(asked.iter().copied(), branch));
}

/// Pages of one or two hold every session once, the latest first, with what the range holds of it.
fn assert_pages(engine: &Engine, question: &StatsQuestion, asked: &[&Call], limit: usize) {
    let mut sessions: Vec<SessionSums> = Vec::new();
    let mut cursor = None;
    loop {
        let page = engine.session_page(&question.range, &question.only, cursor.as_ref(), limit, question.now);
        let page = page.expect("a page");
        assert!(page.rows.len() <= limit);
        sessions.extend(page.rows);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let rows: Vec<(Arc<str>, Sums)> = sessions.iter().map(|row| (row.session.clone(), row.sums)).collect();
    assert_eq!(told(&rows), counted(asked.iter().copied(), |call| format!("s{}", call.session)));
    assert_eq!(rows.len(), rows.iter().map(|row| row.0.clone()).collect::<BTreeSet<_>>().len());
    let places: Vec<_> =
        sessions.iter().map(|row| (std::cmp::Reverse(row.last), row.session.clone())).collect();
    assert!(places.is_sorted(), "the latest first");
    for row in &sessions {
        let calls = || asked.iter().filter(|call| format!("s{}", call.session) == *row.session);
        let ends = (calls().map(|call| call.at()).min(), calls().map(|call| call.at()).max());
        assert_eq!(ends, (Some(row.first), Some(row.last)));
        // Of calls at one time any may be the last.
        let latest = calls().filter(|call| call.at() == row.last).map(|call| BRANCHES[call.branch]);
        assert!(latest.clone().any(|branch| branch == &*row.branch), "{} of {}", row.branch, row.session);
    }
}

/// A call so many hours behind the last anchor.
fn call_after(hour: i64, session: u8, branch: usize) -> Call {
    Call { at_ms: anchor_ms(6) + hour * 3_600_000, model: 0, project: 0, branch, session, output: 1 }
}

#[test]
fn sessions_that_went_on_behind_a_range_stand_by_their_last_call_in_it() {
    let start_ms = anchor_ms(6);
    // Two that had no call of one of their branches behind it; four with one branch; one that ended within it.
    let within =
        [(5, 0, 0), (15, 0, 2), (25, 1, 0), (20, 1, 2), (10, 2, 0), (30, 3, 0), (40, 4, 0), (50, 5, 0)];
    let behind = [(200, 0, 0), (200, 1, 2), (201, 2, 0), (202, 3, 0), (203, 4, 0), (204, 5, 0)];
    let told = [within.as_slice(), &behind, &[(45, 6, 0)]].concat();
    let calls: Vec<Call> =
        told.iter().map(|(hour, session, branch)| call_after(*hour, *session, *branch)).collect();
    let (_tree, engine) = engine(&calls, "UTC");
    // Ranges that end with each call in turn, and long after the last of those within.
    for hour in within.iter().map(|(hour, ..)| *hour).chain([45, 100]) {
        let range = start_ms..start_ms + hour * 3_600_000 + 1;
        let question = question(range, TimeZone::UTC, Granularity::Day);
        let asked: Vec<&Call> = calls.iter().filter(|call| call.at() < question.range.end).collect();
        for limit in 1..8 {
            assert_pages(&engine, &question, &asked, limit);
        }
    }
}

#[test]
fn of_a_filter_the_latest_sessions_are_those_with_the_latest_calls_that_it_leaves() {
    let start_ms = anchor_ms(6);
    // Hours of a call on a branch that is asked for, and of a later one on another.
    let told = [(0, 10, 90), (1, 80, 81), (2, 20, 95), (3, 70, 71), (4, 5, 99)];
    let calls: Vec<Call> = told
        .iter()
        .flat_map(|(session, asked, later)| {
            [call_after(*asked, *session, 2), call_after(*later, *session, 0)]
        })
        .collect();
    let (_tree, engine) = engine(&calls, "UTC");
    let mut question = question(start_ms..start_ms + 360_000_000, TimeZone::UTC, Granularity::Day);
    question.only.branches = Some(ids(&engine, Named::Branch, BRANCHES[2]));
    let asked: Vec<&Call> = calls.iter().filter(|call| call.branch == 2).collect();
    for limit in 1..5 {
        assert_pages(&engine, &question, &asked, limit);
    }
}

/// The starts of the buckets of a range.
fn starts(zone_name: &str, from: &str, to: &str, granularity: Granularity) -> Vec<String> {
    let (_tree, engine) = engine(&[], "UTC");
    let ms = |text: &str| text.parse::<Timestamp>().expect("an instant").as_millisecond();
    let question = question(ms(from)..ms(to), zone(zone_name), granularity);
    let stats = engine.stats(&question).expect("an answer");
    let shown =
        |point: &SeriesPoint| point.start.to_zoned(question.zone.clone()).strftime("%d %H:%M%:z").to_string();
    stats.series.iter().map(shown).collect()
}

#[test]
fn a_day_on_which_clocks_change_has_as_many_hours_as_it_lasts() {
    let (from, to) = ("2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z");
    assert_eq!(starts("America/New_York", from, to, Granularity::Hour).len(), 23);
    let back = starts("America/New_York", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", Granularity::Hour);
    assert_eq!(back.len(), 25);
    assert_eq!(back[..4], ["01 00:00-04:00", "01 01:00-04:00", "01 01:00-05:00", "01 02:00-05:00"]);
}

#[test]
fn a_clock_that_is_set_by_half_an_hour_cuts_the_hour() {
    let back =
        starts("Australia/Lord_Howe", "2026-04-04T14:00:00Z", "2026-04-04T16:30:00Z", Granularity::Hour);
    assert_eq!(back, ["05 01:00+11:00", "05 01:30+10:30", "05 02:00+10:30"]);
    let forward =
        starts("Australia/Lord_Howe", "2026-10-03T14:30:00Z", "2026-10-03T16:30:00Z", Granularity::Hour);
    assert_eq!(forward, ["04 01:00+10:30", "04 02:30+11:00", "04 03:00+11:00"]);
    // A range that begins behind the change begins in what the change cut.
    let behind =
        starts("Australia/Lord_Howe", "2026-04-04T15:10:00Z", "2026-04-04T15:20:00Z", Granularity::Hour);
    assert_eq!(behind, ["05 01:30+10:30"]);
}

#[test]
fn hours_of_kathmandu_begin_at_its_own_clocks_whole_hours() {
    let hours = starts("Asia/Kathmandu", "2026-10-20T12:00:00Z", "2026-10-20T13:20:00Z", Granularity::Hour);
    assert_eq!(hours, ["20 17:00+05:45", "20 18:00+05:45", "20 19:00+05:45"]);
}

#[test]
fn a_day_that_a_zone_skipped_has_no_point() {
    let days = starts("Pacific/Apia", "2011-12-28T10:00:00Z", "2012-01-01T10:00:00Z", Granularity::Day);
    assert_eq!(days, ["28 00:00-10:00", "29 00:00-10:00", "31 00:00+14:00", "01 00:00+14:00"]);
}

#[test]
fn a_series_that_would_be_too_long_says_how_long() {
    let (_tree, engine) = engine(&[], "UTC");
    let from = anchor_ms(6);
    let points = |minutes: i64| {
        let question = question(from..from + minutes * 60_000, TimeZone::UTC, Granularity::Minute);
        engine.stats(&question)
    };
    assert_eq!(points(1_500).expect("as many as there may be").series.len(), 1_500);
    assert!(matches!(points(1_501), Err(StatsError::TooManyPoints { points: 1_501 })));
    let ever = StatsQuestion {
        range: Timestamp::MIN..Timestamp::MAX,
        ..question(0..1, zone("America/New_York"), Granularity::Day)
    };
    assert!(matches!(engine.stats(&ever), Err(StatsError::TooManyPoints { points: 7_300_000.. })));
    let months = StatsQuestion {
        granularity: Granularity::Month,
        range: question(0..1, TimeZone::UTC, Granularity::Day).range,
        ..ever
    };
    assert_eq!(engine.stats(&months).expect("one month").series.len(), 1);
}

#[test]
fn an_empty_range_has_no_points_and_no_calls() {
    let call = Call { at_ms: anchor_ms(6), model: 0, project: 0, branch: 0, session: 0, output: 9 };
    let (_tree, engine) = engine(&[call], "UTC");
    let stats = engine.stats(&question(anchor_ms(6)..anchor_ms(6), TimeZone::UTC, Granularity::Hour));
    let stats = stats.expect("an answer");
    assert_eq!((stats.sums, stats.series.len(), stats.recent.len()), (Sums::default(), 0, 0));
    assert_eq!(stats.sessions.total, 1, "sessions are counted whenever they were");
}

/// Forty days of a busy project, and one that was seldom worked on.
fn busy_and_rare() -> Vec<Call> {
    let call = |hours: i64, project| Call {
        at_ms: anchor_ms(6) - hours * 3_600_000,
        model: 0,
        project,
        branch: 0,
        session: project as u8,
        output: 1,
    };
    let busy = (0..960).map(|hours| call(hours, 0));
    let rare = (0..30).map(|number| call(600 + number * number * 3, 1));
    // At the instant at which the look at single calls ends.
    busy.chain(rare).chain([call(399, 1)]).collect()
}

#[test]
fn the_last_calls_are_found_however_far_back_and_rare_they_are() {
    let calls = busy_and_rare();
    let (_tree, engine) = engine(&calls, "America/New_York");
    let only = Only { projects: Some(ids(&engine, Named::Project, PROJECTS[1])), ..Only::default() };
    for back_hours in [601_i64, 700, 1_000, 3_000] {
        let range = anchor_ms(6) - back_hours * 3_600_000..anchor_ms(6) + 1;
        let question = StatsQuestion {
            only: only.clone(),
            ..question(range.clone(), zone("Asia/Kathmandu"), Granularity::Month)
        };
        let stats = engine.stats(&question).expect("an answer");
        let mut wanted: Vec<i64> = calls
            .iter()
            .filter(|call| call.project == 1 && range.contains(&call.at_ms))
            .map(|call| call.at_ms)
            .collect();
        wanted.sort_unstable_by_key(|at_ms| std::cmp::Reverse(*at_ms));
        wanted.truncate(20);
        assert!(!wanted.is_empty());
        assert_eq!(stats.recent.iter().map(|call| call.at_ms).collect::<Vec<_>>(), wanted);
    }
}

#[test]
fn a_range_that_ends_inside_a_millisecond_holds_the_calls_of_that_one() {
    let call = Call { at_ms: anchor_ms(6), model: 0, project: 0, branch: 0, session: 0, output: 9 };
    let (_tree, engine) = engine(&[call], "UTC");
    let at: Timestamp = ANCHORS[6].parse().expect("an instant");
    let half = SignedDuration::from_micros(500);
    let calls = |range| {
        let question = StatsQuestion { range, ..question(0..1, TimeZone::UTC, Granularity::Minute) };
        engine.stats(&question).expect("an answer").sums.calls
    };
    assert_eq!(
        (calls(at - half..at), calls(at - half..at + half), calls(at + half..at + half + half)),
        (0, 1, 0)
    );
}
