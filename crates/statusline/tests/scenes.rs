//! What people see: whole lines, from payloads as Claude Code writes them.

use std::collections::BTreeMap;

use cco_model::limit::login::{Login, Reason};
use cco_model::limit::merge::Current;
use cco_model::limit::pace::{Basis, Pace};
use cco_model::limit::{AccountId, Percent, Source, Window};
use cco_statusline::colour::Depth;
use cco_statusline::payload::Payload;
use cco_statusline::preset::Preset;
use cco_statusline::settings::Settings;
use cco_statusline::snapshot::{AccountNow, Alert, BlockNow, Clock, Local, Repository, Snapshot, Today};
use cco_statusline::spool::Observation;
use cco_statusline::{Head, Nearby, Scene, Screen, render};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// Sunday 2026-02-08 13:18 UTC.
const NOW: i64 = 1_770_556_680_000;
const PAYLOADS: &str = include_str!("payloads.json");

/// A stage on which one thing at a time can be set.
struct Stage {
    payload: serde_json::Value,
    snapshot: Snapshot,
    nearby: Nearby,
    settings: Settings,
    now: i64,
}

impl Stage {
    fn new(payload: serde_json::Value) -> Self {
        Self {
            payload,
            snapshot: Snapshot {
                zone: Clock { told: String::new(), offsets: vec![(0, 0)], until_ms: i64::MAX },
                written_at_ms: NOW,
                looked_at_ms: Some(NOW),
                counted_at_ms: Some(NOW),
                ..Snapshot::default()
            },
            nearby: Nearby { home: Some("/home/dev".to_owned()), ..Nearby::default() },
            settings: Settings::default(),
            now: NOW,
        }
    }

    /// A session in `~/app` that says nothing of limits.
    fn session() -> Self {
        Self::new(serde_json::json!({
            "session_id": "s1",
            "transcript_path": "/home/dev/.claude/projects/-home-dev-app/s1.jsonl",
            "workspace": {"current_dir": "/home/dev/app"},
            "model": {"id": "claude-opus-4-5-20251101"},
            "context_window": {
                "context_window_size": 200_000,
                "current_usage": {"input_tokens": 2_000, "cache_read_input_tokens": 10_000},
            },
        }))
    }

    /// Whose account has these windows: percent, minutes to the reset, age in minutes.
    fn account(mut self, windows: &[(Window, i32, Option<i64>, i64)]) -> Self {
        let now = self.now;
        let current = |&(ref window, percent, resets_in, age): &(Window, i32, Option<i64>, i64)| {
            let current = Current {
                percent: Some(Percent::of_tenths(window, percent * 10)),
                resets_at_ms: resets_in.map(|minutes| now + minutes * MINUTE),
                observed_at_ms: Some(now - age * MINUTE),
                source: Source::Endpoint,
            };
            (window.clone(), current)
        };
        self.snapshot.accounts =
            vec![account("work", "/home/dev/.claude", windows.iter().map(current).collect())];
        self
    }

    fn scene<T>(&self, draw: impl FnOnce(&Scene<'_>) -> T) -> T {
        let payload = match &self.payload {
            serde_json::Value::String(text) => Payload::read(text.as_bytes()),
            payload => Payload::read(payload.to_string().as_bytes()),
        };
        draw(&Scene {
            payload: &payload,
            snapshot: &self.snapshot,
            nearby: &self.nearby,
            settings: &self.settings,
            now_ms: self.now,
            zone: None,
        })
    }

    fn drawn(&self, columns: usize, depth: Depth) -> String {
        self.scene(|scene| render(scene, Screen { columns, depth })).join("\n")
    }

    fn lines(&self) -> String {
        self.drawn(200, Depth::None)
    }

    /// What one segment says.
    fn segment(&mut self, id: &str) -> String {
        self.settings.lines = Some(vec![vec![id.to_owned()]]);
        self.lines()
    }
}

fn account(label: &str, directory: &str, windows: BTreeMap<Window, Current>) -> AccountNow {
    AccountNow {
        id: AccountId { organization: "org".into(), account: label.into() },
        label: label.to_owned(),
        directories: vec![directory.to_owned()],
        since_ms: None,
        login: Login::Active,
        logged_out: false,
        trouble: None,
        windows,
        pace: None,
        local: None,
    }
}

const DEAD: Login = Login::NeedsLogin { reason: Reason::Unauthorized, since_ms: NOW - HOUR };

#[test]
fn the_classic_line_tells_of_the_session_and_of_its_limits() {
    let windows = [(Window::FiveHour, 73, Some(135), 1), (Window::SevenDay, 41, Some(28 * 60 + 5), 1)];
    let mut stage = Stage::session().account(&windows);
    stage.payload["cost"] = serde_json::json!({"total_cost_usd": 246.2, "total_duration_ms": 133_683_258});
    stage.nearby.head = Some(Head { root: "/home/dev/app".to_owned(), branch: "main".to_owned() });
    stage.snapshot.repositories = vec![Repository {
        root: "/home/dev/app".to_owned(),
        ahead: 0,
        behind: 0,
        dirty: 3,
        seen_at_ms: NOW - MINUTE,
    }];
    stage.snapshot.block = Some(BlockNow {
        ends_at_ms: NOW + HOUR,
        cost: 8_100_000_000,
        projected: Some(19_000_000_000),
        tokens: 83_456_000,
        tokens_per_minute: Some(520_500),
    });
    insta::assert_snapshot!(stage.lines(), @r"
    📁:~/app 🌿:main*3 🤖:Opus4.5 🧠:154k-free[---------|--]
    🕐:13:18|⌛:2h15m(73%)|📅:28h(41%)@Mon 💰:$246|$6.63/h 📊:83.4Mtok(521ktpm)
    ");
    for (id, text) in [("block", "⏱:$8.10→$19"), ("tokens", "📊:83.4Mtok(521ktpm)")] {
        assert_eq!(stage.segment(id), text);
    }
}

#[test]
fn a_payload_that_tells_nothing_is_one_line_all_the_same() {
    for payload in ["", "{", "null", "[]", "\u{0}\u{1b}[2J", "{\"model\":", "{}"] {
        let stage = Stage::new(payload.into());
        assert_eq!(stage.lines(), "🤖:Claude 🕐:13:18", "{payload:?}");
    }
}

#[test]
fn without_readings_and_ledger_the_second_line_is_the_clock() {
    insta::assert_snapshot!(Stage::session().lines(), @r"
    📁:~/app 🤖:Opus4.5 🧠:154k-free[---------|--]
    🕐:13:18
    ");
}

/// The worked examples of limits, on Sunday 13:18; those of the week end as many hours from then.
#[test]
fn a_window_is_shown_with_its_rest_its_use_and_the_mark_of_its_age() {
    let five = |percent, resets, age| (Window::FiveHour, percent, resets, age);
    let week = |percent, resets, age| (Window::SevenDay, percent, Some(resets), age);
    let rows = [
        (five(29, Some(42), 1), "⌛:42m(29%)"),
        (five(29, Some(42), 5), "⌛:42m(29%)⚠"),
        (five(29, Some(42), 11), "⌛:42m(29%)⚠⚠"),
        (five(29, Some(42), 61), "⌛:42m(29%)🔺"),
        (five(73, Some(135), 1), "⌛:2h15m(73%)"),
        (week(98, 97 * 60 + 20, 1), "📅:97h(98%)@Thu"),
        (five(29, Some(-1), 2), "⌛:reset"),
        (five(0, None, 1), "⌛:5h(0%)"),
        (week(51, 27 * 60 + 36, 698), "📅:27h(51%)@Mon🔺"),
    ];
    for (row, text) in rows {
        let id = if row.0 == Window::FiveHour { "five_hour" } else { "week" };
        assert_eq!(Stage::session().account(&[row]).segment(id), text);
    }
    // The same a day later: the reset is on Tuesday.
    let mut monday = Stage::session().account(&[week(51, 24 * 60 + 27 * 60 + 36, 698 - 24 * 60)]);
    monday.now += 24 * HOUR;
    assert_eq!(monday.segment("week"), "📅:27h(51%)@Tue🔺");
}

#[test]
fn the_ledger_stands_in_for_readings_and_a_dead_login_says_so() {
    let mut stage = Stage::session().account(&[]);
    stage.snapshot.accounts[0].local = Some(Local { tokens: 420_000, ends_at_ms: NOW + 75 * MINUTE });
    assert_eq!(stage.segment("five_hour"), "⌛:~1h15m 420k");
    stage.snapshot.accounts[0].local = None;
    stage.snapshot.accounts[0].login = DEAD;
    assert_eq!(stage.segment("five_hour"), "⌛:[login]🔺");
}

#[test]
fn what_is_known_of_a_dead_login_stays_marked() {
    let mut stage = Stage::session().account(&[(Window::FiveHour, 29, Some(42), 1)]);
    stage.snapshot.accounts[0].login = DEAD;
    assert_eq!(stage.segment("five_hour"), "⌛:42m(29%)🔺");
    stage.payload["rate_limits"] =
        serde_json::json!({"five_hour": {"used_percentage": 31, "resets_at": (NOW + 42 * MINUTE) / 1000}});
    assert_eq!(stage.segment("five_hour"), "⌛:42m(31%)", "the session's own word is as good as its login");
}

#[test]
fn a_session_never_shows_the_limits_of_another_account() {
    let mut stage = Stage::session().account(&[(Window::FiveHour, 90, Some(42), 1)]);
    let theirs = stage.snapshot.accounts[0].windows.clone();
    stage.snapshot.accounts = vec![account("home", "/home/dev/.claude-home", theirs.clone())];
    assert_eq!(stage.lines().lines().last(), Some("🕐:13:18"));
    // The session's own directory is told by the environment, whatever its transcript's path says.
    stage.nearby.config_dir = Some("/home/dev/.claude-home/".to_owned());
    assert_eq!(stage.segment("five_hour"), "⌛:42m(90%)");
    // Where two accounts claim a directory it is nobody's.
    stage.snapshot.accounts.push(account("work", "/home/dev/.claude-home", theirs));
    assert_eq!(stage.segment("five_hour"), "🕐:13:18");
}

#[test]
fn what_a_session_was_told_before_somebody_else_logged_in_stays_theirs() {
    let mut stage =
        Stage::session().account(&[(Window::FiveHour, 5, Some(42), 1), (Window::SevenDay, 7, Some(600), 1)]);
    let other = account("home", "/home/dev/.claude-home", BTreeMap::new());
    stage.snapshot.accounts.push(other);
    let told =
        serde_json::json!({"five_hour": {"used_percentage": 88, "resets_at": (NOW + 42 * MINUTE) / 1000}});
    stage.payload["rate_limits"] = told;
    stage.nearby.last = stage.scene(Observation::of);
    stage.settings.lines = Some(vec![["account", "five_hour", "week"].map(str::to_owned).to_vec()]);
    assert_eq!(stage.lines(), "👤work ⌛:42m(88%)|📅:10h(7%)@Sun");
    stage.now = NOW + MINUTE;
    stage.snapshot.accounts[0].since_ms = Some(NOW + 1);
    assert_eq!(stage.lines(), "⌛:41m(88%)", "neither the name nor the week is theirs");
    stage.payload["cost"] = serde_json::json!({"total_api_duration_ms": 1});
    stage.nearby.last = Some(Observation { api_ms: Some(0), ..stage.nearby.last.clone().unwrap() });
    assert_eq!(stage.lines(), "👤work ⌛:41m(88%)|📅:9h(7%)@Sun", "told again since");
}

#[test]
fn a_window_that_ended_makes_the_others_no_younger_and_neither_does_a_clear() {
    let mut stage = Stage::session();
    let week = serde_json::json!({"used_percentage": 41, "resets_at": (NOW + 600 * MINUTE) / 1000});
    let five = serde_json::json!({"used_percentage": 29, "resets_at": (NOW + 10 * MINUTE) / 1000});
    stage.payload["rate_limits"] = serde_json::json!({"five_hour": five, "seven_day": week});
    stage.payload["cost"] = serde_json::json!({"total_api_duration_ms": 5_000});
    stage.nearby.last = stage.scene(Observation::of);
    stage.now = NOW + 20 * MINUTE;
    stage.payload["rate_limits"] = serde_json::json!({"seven_day": week});
    assert_eq!(stage.segment("week"), "📅:9h(41%)@Sun⚠⚠");
    stage.payload["cost"] = serde_json::json!({"total_api_duration_ms": 0});
    assert_eq!(stage.segment("week"), "📅:9h(41%)@Sun⚠⚠");
}

#[test]
fn what_a_session_says_that_nobody_remembers_is_as_old_as_its_transcript() {
    let mut stage = Stage::session();
    stage.payload["rate_limits"] =
        serde_json::json!({"five_hour": {"used_percentage": 29, "resets_at": (NOW + 42 * MINUTE) / 1000}});
    stage.nearby.transcript_changed_ms = Some(NOW - 61 * MINUTE);
    assert_eq!(stage.segment("five_hour"), "⌛:42m(29%)🔺");
}

#[test]
fn a_pace_is_of_the_window_that_is_drawn_and_as_old() {
    let mut stage = Stage::session().account(&[(Window::FiveHour, 42, Some(120), 5)]);
    stage.snapshot.accounts[0].pace =
        Some(Pace { tenths_per_hour: 130, basis: Basis::Recent, tenths_at_reset: 680, full_at_ms: None });
    assert_eq!(stage.segment("pace"), "🔥:13%/h→68%⚠");
    let told = |percent, minutes| serde_json::json!({"five_hour": {"used_percentage": percent, "resets_at": (NOW + minutes * MINUTE) / 1000}});
    stage.payload["rate_limits"] = told(80, 120);
    assert_eq!(stage.segment("pace"), "🔥:13%/h→106%⚠", "from what is used by now");
    stage.payload["rate_limits"] = told(5, 280);
    assert_eq!(stage.segment("pace"), "🕐:13:18", "another window, so another account");
}

#[test]
fn a_login_that_is_not_here_any_more_marks_its_numbers() {
    let mut stage = Stage::session().account(&[(Window::FiveHour, 29, Some(42), 1)]);
    stage.snapshot.accounts[0].logged_out = true;
    assert_eq!(stage.segment("five_hour"), "⌛:42m(29%)🔺");
}

#[test]
fn a_session_that_is_told_something_since_needs_no_login() {
    let mut stage = Stage::session().account(&[]);
    (stage.snapshot.alerts, stage.snapshot.accounts[0].login) = (vec![Alert::Login], DEAD);
    assert_eq!(stage.segment("alert"), "🔺login");
    stage.payload["rate_limits"] = serde_json::json!({"five_hour": {"used_percentage": 29}});
    assert_eq!(stage.segment("alert"), "🕐:13:18");
}

#[test]
fn weeks_of_models_show_when_they_are_fuller_than_the_week() {
    let opus = Window::SevenDayModel("opus".into());
    let of = |opus_percent| {
        let windows =
            [(Window::SevenDay, 41, Some(28 * 60), 1), (opus.clone(), opus_percent, Some(28 * 60), 1)];
        Stage::session().account(&windows).segment("week")
    };
    assert_eq!(of(41), "📅:28h(41%)@Mon");
    assert_eq!(of(80), "📅:28h(41%)@Mon 📅Opus:28h(80%)@Mon");
}

#[test]
fn a_value_that_the_session_repeats_gets_old() {
    let mut stage = Stage::session();
    stage.payload["rate_limits"] =
        serde_json::json!({"five_hour": {"used_percentage": 29, "resets_at": (NOW + 42 * MINUTE) / 1000}});
    stage.payload["cost"] = serde_json::json!({"total_api_duration_ms": 500});
    assert_eq!(stage.segment("five_hour"), "⌛:42m(29%)");
    let last = stage.scene(Observation::of).unwrap();
    stage.nearby.last = Some(last.clone());
    stage.now += 5 * MINUTE;
    assert_eq!(stage.segment("five_hour"), "⌛:37m(29%)⚠");
    assert_eq!(stage.scene(Observation::of), None, "it teaches nothing new");
    stage.payload["cost"] = serde_json::json!({"total_api_duration_ms": 900});
    assert_eq!(stage.segment("five_hour"), "⌛:37m(29%)", "an answer came since");
    // What was taken in by now counts as well as what lies in the spool.
    stage.payload["cost"] = serde_json::json!({"total_api_duration_ms": 500});
    (stage.nearby.last, stage.snapshot.sessions) = (None, vec![last]);
    assert_eq!(stage.segment("five_hour"), "⌛:37m(29%)⚠");
}

#[test]
fn a_transcript_that_stands_still_while_the_cost_moves_is_told() {
    let mut stage = Stage::session();
    stage.payload["cost"] = serde_json::json!({"total_cost_usd": 1});
    stage.nearby.transcript_changed_ms = Some(NOW);
    let first = stage.scene(Observation::of).unwrap();
    stage.nearby.last = Some(first);
    stage.now = NOW + 10 * MINUTE;
    assert_eq!(stage.segment("transcript"), "🕐:13:28", "nobody has asked anything since");
    stage.payload["cost"] = serde_json::json!({"total_cost_usd": 2});
    assert_eq!(stage.segment("transcript"), "📝:10m");
    stage.nearby.last = stage.scene(Observation::of);
    stage.now = NOW + 11 * MINUTE;
    assert_eq!(stage.segment("transcript"), "📝:11m", "it stays so until something is written");
    stage.nearby.transcript_changed_ms = Some(NOW + 10 * MINUTE);
    stage.now = NOW + 30 * MINUTE;
    assert_eq!(stage.segment("transcript"), "🕐:13:48");
}

#[test]
fn totals_belong_to_their_day_and_get_old() {
    let mut stage = Stage::session();
    stage.snapshot.today =
        Some(Today { from_ms: NOW - 13 * HOUR, until_ms: NOW + 11 * HOUR, cost: 12_400_000_000 });
    assert_eq!(stage.segment("today"), "☀:$12.4");
    stage.now += 5 * MINUTE;
    assert_eq!(stage.segment("today"), "☀:$12.4⚠");
    stage.now += 11 * HOUR;
    assert_eq!(stage.segment("today"), "🕐:00:23", "yesterday's total is not today's");
}

#[test]
fn the_prompt_cache_tells_its_end_when_that_is_near() {
    let mut stage = Stage::session();
    let mut at = |left_ms: i64| {
        stage.payload["prompt_cache"] =
            serde_json::json!({"hit_ratio": 0.948, "expires_at": (NOW + left_ms) as f64 / 1000.0});
        stage.segment("cache")
    };
    assert_eq!(at(HOUR), "💾:94%");
    assert_eq!(at(5 * MINUTE), "💾:5m");
    assert_eq!(at(5 * MINUTE - 1), "💾:4m");
    assert_eq!(at(-1), "💾:94%");
}

#[test]
fn alerts_come_first_and_go_last() {
    let mut stage = Stage::session();
    stage.snapshot.alerts = vec![Alert::Login, Alert::Disk];
    assert!(stage.lines().starts_with("🔺login ⚠disk 📁:~/app "));
    assert!(stage.drawn(17, Depth::None).starts_with("🔺login ⚠disk"));
    stage.settings.preset = Preset::Plain;
    assert!(stage.lines().starts_with("!!!login !disk ~/app "));
}

#[test]
fn what_matters_least_gets_shorter_first_and_goes_first() {
    let windows = [(Window::FiveHour, 73, Some(135), 1), (Window::SevenDay, 41, Some(28 * 60 + 5), 1)];
    let mut stage = Stage::session().account(&windows);
    stage.payload["cost"] = serde_json::json!({"total_cost_usd": 2.5, "total_duration_ms": 2_250_000});
    let widths = [70, 60, 50, 40, 30, 20, 10, 5, 1];
    let drawn = widths.map(|columns| format!("{columns}\n{}", stage.drawn(columns, Depth::None)));
    insta::assert_snapshot!(drawn.join("\n"), @r"
    70
    📁:~/app 🤖:Opus4.5 🧠:154k-free[---------|--]
    🕐:13:18|⌛:2h15m(73%)|📅:28h(41%)@Mon 💰:$2.50|$4.00/h
    60
    📁:~/app 🤖:Opus4.5 🧠:154k-free[---------|--]
    🕐:13:18|⌛:2h15m(73%)|📅:28h(41%)@Mon 💰:$2.50|$4.00/h
    50
    📁:~/app 🤖:Opus4.5 🧠:154k-free[---------|--]
    🕐:13:18|⌛:2h15m(73%)|📅:28h(41%)@Mon 💰:$2.50
    40
    📁:~/app 🤖:Opus4.5 🧠:154k-free[----|-]
    🕐:13:18|⌛:2h15m(73%)|📅:41% 💰:$2.50
    30
    📁:~/app 🤖:Opus4.5 🧠:154k
    ⌛:2h15m(73%)|📅:41% 💰:$2.50
    20
    🤖:Opus4.5 🧠:154k
    ⌛:2h15m(73%)|📅:41%
    10
    🧠:154k
    ⌛:73%
    5
    …
    …
    1
    …
    …
    ");
}

#[test]
fn every_payload_has_its_lines_in_every_preset() {
    let payloads: Vec<serde_json::Value> = serde_json::from_str(PAYLOADS).unwrap();
    let windows = [(Window::FiveHour, 29, Some(42), 1), (Window::SevenDay, 51, Some(27 * 60), 1)];
    let mut all = String::new();
    for entry in payloads {
        all += &format!("# {}\n", entry["name"].as_str().unwrap());
        for preset in Preset::ALL {
            // The moment in which the payloads' windows are open.
            let stage = Stage { now: 1_795_206_600_000, ..Stage::new(entry["payload"].clone()) };
            let mut stage = stage.account(&windows);
            stage.settings.preset = preset;
            all += &stage.drawn(120, Depth::None);
            all += "\n";
        }
    }
    insta::assert_snapshot!("payloads", all);
}
