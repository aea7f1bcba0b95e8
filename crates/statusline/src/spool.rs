//! What a status line leaves for other commands: one line of JSON for each thing it learned.
//!
//! Must not: know where these lines are kept.

use cco_model::limit::{Percent, Window};
use serde::{Deserialize, Serialize};

use crate::payload::Told;
use crate::scene::Scene;

/// No line is longer, its end included: so much is written in one piece.
pub const MOST_BYTES: usize = 4_096;

/// What one run of a status line learned of its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// Of which session.
    pub session: String,
    /// Its config directory; none: that cannot be told, and neither can its account.
    pub config_dir: Option<String>,
    /// Where it works.
    pub dir: Option<String>,
    /// How long it had waited for answers, in milliseconds.
    pub api_ms: Option<u64>,
    /// Its limits, each with when it was told so first, UTC milliseconds.
    pub windows: Vec<(Told, i64)>,
    /// What it has cost, in nano-dollars.
    pub cost: Option<i64>,
    /// When that was first seen to be more than before, UTC milliseconds.
    pub cost_moved_ms: Option<i64>,
    /// Tokens in its context.
    pub context: Option<u64>,
}

/// The same as it is written.
#[derive(Serialize, Deserialize)]
struct Line {
    at: i64,
    session: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    config_dir: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dir: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    api_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    windows: Vec<(String, Option<i32>, Option<i64>, i64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cost: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cost_moved: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    context: Option<u64>,
}

impl Observation {
    /// What a scene teaches; none: it tells of no session, or nothing but what was observed last.
    pub fn of(scene: &Scene<'_>) -> Option<Self> {
        let payload = scene.payload;
        let new = Self {
            at_ms: scene.now_ms,
            session: payload.session.clone()?,
            config_dir: scene.config_directory(),
            dir: payload.dir.clone(),
            api_ms: payload.cost.api_duration_ms,
            windows: payload.windows.iter().map(|told| (told.clone(), scene.told_at_ms(told))).collect(),
            cost: payload.cost.nanos,
            cost_moved_ms: scene.cost_moved_ms(),
            context: payload.context.used,
        };
        let known = scene.last().is_some_and(|last| Self { at_ms: last.at_ms, ..new.clone() } == *last);
        (!known).then_some(new)
    }

    /// As one line with its end, without the long names where they make it too long; none: it is too long all the same.
    pub fn line(&self) -> Option<String> {
        let line = |it: &Self| {
            let window = |(told, at_ms): &(Told, i64)| {
                (told.window.to_string(), told.percent.map(Percent::tenths), told.resets_at_ms, *at_ms)
            };
            let line = Line {
                at: it.at_ms,
                session: it.session.clone(),
                config_dir: it.config_dir.clone(),
                dir: it.dir.clone(),
                api_ms: it.api_ms,
                windows: it.windows.iter().map(window).collect(),
                cost: it.cost,
                cost_moved: it.cost_moved_ms,
                context: it.context,
            };
            let text = serde_json::to_string(&line).ok()? + "\n";
            (text.len() <= MOST_BYTES).then_some(text)
        };
        line(self).or_else(|| line(&Self { dir: None, ..self.clone() }))
    }

    /// Reads a line; none: it is torn, or none of ours.
    pub fn read(line: &[u8]) -> Option<Self> {
        let line: Line = serde_json::from_slice(line).ok()?;
        let window = |(name, tenths, resets_at_ms, at_ms): (String, Option<i32>, _, i64)| {
            let window: Window = name.parse().ok()?;
            let percent = tenths.map(|tenths| Percent::of_tenths(&window, tenths));
            Some((Told { window, percent, resets_at_ms }, at_ms))
        };
        Some(Self {
            at_ms: line.at,
            session: line.session,
            config_dir: line.config_dir,
            dir: line.dir,
            api_ms: line.api_ms,
            windows: line.windows.into_iter().filter_map(window).collect(),
            cost: line.cost,
            cost_moved_ms: line.cost_moved,
            context: line.context,
        })
    }

    /// The last whole one in a spool file.
    pub fn last_in(spool: &[u8]) -> Option<Self> {
        spool.split(|byte| *byte == b'\n').rev().filter(|line| !line.is_empty()).find_map(Self::read)
    }

    /// The name of a session's spool file; none: its id is no name for a file.
    pub fn file_name(session: &str) -> Option<String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (!session.is_empty() && session.len() <= 100 && session.chars().all(is_plain))
            .then(|| format!("{session}.jsonl"))
    }
}
