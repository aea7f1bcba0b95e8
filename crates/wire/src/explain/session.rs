//! A session: its calls, its files, and Claude Code's own cost beside ours.

use cco_engine::explain::{SessionFile, SessionStory};
use serde::Serialize;

use super::group::{Group, session_id};
use crate::exact::Usd;
use crate::text;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Session<'a> {
    session_id: &'a str,
    #[serde(flatten)]
    group: Group<'a>,
    claude_code_cost: Option<Usd>,
    claude_code_cost_time: Option<String>,
    /// Ours less Claude Code's.
    difference: Option<Usd>,
    pull_requests: &'a [String],
    files: Vec<File>,
}

impl<'a> Session<'a> {
    pub(super) fn new(name: &'a str, story: &'a SessionStory) -> Self {
        let state = story.cost_state.as_ref();
        let time = state.filter(|state| state.at_ms != 0).map(|state| state.at_ms);
        Self {
            session_id: session_id(name),
            group: Group::new(&story.group),
            claude_code_cost: state.map(|state| Usd(state.cost)),
            claude_code_cost_time: time.map(text::iso_ms),
            difference: state.map(|state| Usd(story.group.sums.cost - state.cost)),
            pull_requests: &story.pull_requests,
            files: story.files.iter().map(File::new).collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File {
    path: String,
    gone: bool,
    bytes: u64,
    calls_kept: u64,
    rows: Option<u64>,
    calls: Option<u64>,
    rows_of_other_sessions: Option<u64>,
    calls_of_other_sessions: Option<u64>,
}

impl File {
    fn new(file: &SessionFile) -> Self {
        let rows = file.rows.as_ref();
        Self {
            path: file.path.to_string_lossy().into_owned(),
            gone: file.gone,
            bytes: file.size,
            calls_kept: file.kept,
            rows: rows.map(|rows| rows.rows),
            calls: rows.map(|rows| rows.calls),
            rows_of_other_sessions: rows.map(|rows| rows.rows_of_others),
            calls_of_other_sessions: rows.map(|rows| rows.calls_of_others),
        }
    }
}
