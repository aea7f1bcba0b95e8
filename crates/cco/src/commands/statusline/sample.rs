//! A made-up session to draw: the same on every machine and every day.
//!
//! Must not: depend on anything.

use std::collections::BTreeMap;

use cco_model::limit::login::Login;
use cco_model::limit::merge::Current;
use cco_model::limit::pace::{Basis, Pace};
use cco_model::limit::{AccountId, Percent, Source, Window};
use cco_statusline::payload::Payload;
use cco_statusline::settings::Settings;
use cco_statusline::snapshot::{AccountNow, Alert, BlockNow, Clock, Repository, Snapshot, Today};
use cco_statusline::spool::Observation;
use cco_statusline::{Head, Nearby, Scene, Screen, render};

/// Sunday 2026-02-08 13:18 UTC.
const NOW_MS: i64 = 1_770_556_680_000;
const MINUTE_MS: i64 = 60_000;
const PAYLOAD: &str = r#"{
  "session_id": "5a3c", "session_name": "login page", "version": "2.1.251",
  "transcript_path": "/home/dev/.claude/projects/-home-dev-app/5a3c.jsonl",
  "workspace": {"current_dir": "/home/dev/app", "git_worktree": "login", "repo": {"host": "github.com"}},
  "model": {"id": "claude-opus-4-6"}, "output_style": {"name": "Explanatory"}, "effort": {"level": "high"},
  "vim": {"mode": "INSERT"}, "agent": {"name": "reviewer"},
  "pr": {"number": 42, "url": "https://github.com/dev/app/pull/42"},
  "cost": {"total_cost_usd": 2.5, "total_duration_ms": 2250000, "total_api_duration_ms": 900000,
           "total_lines_added": 156, "total_lines_removed": 23},
  "context_window": {"context_window_size": 200000,
                     "current_usage": {"input_tokens": 2000, "cache_read_input_tokens": 72000}},
  "prompt_cache": {"hit_ratio": 0.94, "expires_at": 1770556920},
  "rate_limits": {"five_hour": {"used_percentage": 73, "resets_at": 1770564780},
                  "seven_day": {"used_percentage": 41, "resets_at": 1770657780}}
}"#;

/// What is drawn, but for how.
pub(super) struct Sample {
    payload: Payload,
    snapshot: Snapshot,
    nearby: Nearby,
}

impl Sample {
    /// A session on a good day.
    pub(super) fn usual() -> Self {
        let snapshot = Snapshot {
            written_at_ms: NOW_MS,
            zone: Clock { told: String::new(), offsets: vec![(0, 0)], until_ms: i64::MAX },
            counted_at_ms: Some(NOW_MS),
            today: Some(today()),
            block: Some(block()),
            repositories: vec![repository()],
            ..Snapshot::default()
        };
        let nearby = Nearby {
            home: Some("/home/dev".to_owned()),
            head: Some(Head { root: "/home/dev/app".to_owned(), branch: "main".to_owned() }),
            transcript_changed_ms: Some(NOW_MS),
            ..Nearby::default()
        };
        Self { payload: Payload::read(PAYLOAD.as_bytes()), snapshot, nearby }
    }

    /// The same with something to say for every segment.
    pub(super) fn eventful() -> Self {
        let mut sample = Self::usual();
        sample.snapshot.alerts = vec![Alert::Disk];
        sample.snapshot.accounts =
            vec![account("work", "/home/dev/.claude"), account("private", "/home/dev/.other")];
        sample.snapshot.sessions = vec![observed()];
        sample.nearby.transcript_changed_ms = Some(NOW_MS - 10 * MINUTE_MS);
        sample
    }

    /// It drawn.
    pub(super) fn draw(&self, settings: &Settings, screen: Screen) -> Vec<String> {
        let scene = Scene {
            payload: &self.payload,
            snapshot: &self.snapshot,
            nearby: &self.nearby,
            settings,
            now_ms: NOW_MS,
            zone: None,
        };
        render(&scene, screen)
    }
}

fn today() -> Today {
    let from_ms = NOW_MS - 798 * MINUTE_MS;
    Today { from_ms, until_ms: from_ms + 1_440 * MINUTE_MS, cost: 12_400_000_000 }
}

fn block() -> BlockNow {
    BlockNow {
        ends_at_ms: NOW_MS + 135 * MINUTE_MS,
        cost: 8_100_000_000,
        projected: Some(19_000_000_000),
        tokens: 83_456_000,
        tokens_per_minute: Some(521_000),
    }
}

fn repository() -> Repository {
    let root = "/home/dev/app".to_owned();
    Repository { root, ahead: 2, behind: 1, dirty: 3, seen_at_ms: NOW_MS - MINUTE_MS }
}

/// An account whose five hours fill fast.
fn account(label: &str, directory: &str) -> AccountNow {
    let current = |window: &Window, tenths| Current {
        percent: Some(Percent::of_tenths(window, tenths)),
        resets_at_ms: Some(NOW_MS + 135 * MINUTE_MS),
        observed_at_ms: Some(NOW_MS - MINUTE_MS),
        source: Source::Endpoint,
    };
    let windows = [(Window::FiveHour, 730), (Window::Other("spend_limit".into()), 620)];
    let windows = windows.map(|(window, tenths)| (window.clone(), current(&window, tenths)));
    AccountNow {
        id: AccountId { organization: "org".into(), account: label.into() },
        label: label.to_owned(),
        directories: vec![directory.to_owned()],
        since_ms: None,
        login: Login::Active,
        logged_out: false,
        trouble: None,
        windows: BTreeMap::from(windows),
        pace: Some(Pace {
            tenths_per_hour: 130,
            basis: Basis::Recent,
            tenths_at_reset: 1_120,
            full_at_ms: None,
        }),
        local: None,
    }
}

/// The session when it had cost less.
fn observed() -> Observation {
    Observation {
        at_ms: NOW_MS - 10 * MINUTE_MS,
        session: "5a3c".to_owned(),
        config_dir: Some("/home/dev/.claude".to_owned()),
        dir: None,
        api_ms: Some(600_000),
        windows: Vec::new(),
        cost: Some(2_000_000_000),
        cost_moved_ms: None,
        context: None,
    }
}

#[cfg(test)]
mod tests {
    use cco_statusline::colour::Depth;
    use cco_statusline::segments::SEGMENTS;

    use super::*;

    #[test]
    fn every_segment_has_something_to_say_of_the_sample() {
        let screen = Screen { columns: 120, depth: Depth::None };
        let drawn = |sample: &Sample, id: &str| {
            let lines = Some(vec![vec![id.to_owned()]]);
            sample.draw(&Settings { lines, ..Settings::default() }, screen).join("|")
        };
        let clock = drawn(&Sample::usual(), "clock");
        for segment in SEGMENTS.iter().filter(|segment| segment.id != "clock") {
            assert_ne!(drawn(&Sample::eventful(), segment.id), clock, "{} says nothing", segment.id);
        }
    }
}
