//! Calls that have a day, a project, a session or a stretch of time in common, and what they come to.

use cco_engine::explain::{CallLine, GroupStory};
use cco_engine::report::ModelSums;
use cco_engine::scan::Finding;
use cco_model::sums::Sums;
use serde::Serialize;

use super::Counts;
use crate::exact::Usd;
use crate::text;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Totals {
    #[serde(flatten)]
    counts: Counts,
    total_cost: Usd,
    cache_savings: Usd,
    calls: u64,
    unpriced_calls: u64,
    unpriced_tokens: u64,
}

impl Totals {
    fn new(sums: &Sums) -> Self {
        Self {
            counts: Counts::new(&sums.tokens, sums.web_search),
            total_cost: Usd(sums.cost),
            cache_savings: Usd(sums.savings),
            calls: sums.calls,
            unpriced_calls: sums.unpriced_calls,
            unpriced_tokens: sums.unpriced_tokens,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Group<'a> {
    #[serde(flatten)]
    totals: Totals,
    first_activity: Option<String>,
    last_activity: Option<String>,
    models: Vec<ByModel<'a>>,
    sessions: Vec<BySession<'a>>,
    projects: Vec<ByProject<'a>>,
    dearest_calls: Vec<Line<'a>>,
    findings: Vec<Found<'a>>,
    findings_total: u64,
}

impl<'a> Group<'a> {
    pub(super) fn new(story: &'a GroupStory) -> Self {
        Self {
            totals: Totals::new(&story.sums),
            first_activity: story.span.map(|(first, _)| text::iso(first)),
            last_activity: story.span.map(|(_, last)| text::iso(last)),
            models: story.models.iter().map(ByModel::new).collect(),
            sessions: story.sessions.iter().map(|(id, sums)| BySession::new(id, sums)).collect(),
            projects: story.projects.iter().map(|(path, sums)| ByProject::new(path, sums)).collect(),
            dearest_calls: story.calls.iter().map(Line::new).collect(),
            findings: story.findings.iter().map(Found::new).collect(),
            findings_total: story.findings_total,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ByModel<'a> {
    model_name: &'a str,
    #[serde(flatten)]
    totals: Totals,
}

impl<'a> ByModel<'a> {
    fn new(model: &'a ModelSums) -> Self {
        Self { model_name: &model.model, totals: Totals::new(&model.sums) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BySession<'a> {
    session_id: &'a str,
    #[serde(flatten)]
    totals: Totals,
}

impl<'a> BySession<'a> {
    fn new(id: &'a str, sums: &Sums) -> Self {
        Self { session_id: session_id(id), totals: Totals::new(sums) }
    }
}

/// What a session is called; one without an id is said to be unknown.
pub(super) fn session_id(id: &str) -> &str {
    if id.is_empty() { "unknown" } else { id }
}

#[derive(Serialize)]
struct ByProject<'a> {
    project: String,
    path: &'a str,
    #[serde(flatten)]
    totals: Totals,
}

impl<'a> ByProject<'a> {
    fn new(path: &'a str, sums: &Sums) -> Self {
        Self { project: text::whole_project(path), path, totals: Totals::new(sums) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    id: i64,
    time: String,
    model_name: &'a str,
    session_id: &'a str,
    total_tokens: u64,
    cost: Option<Usd>,
}

impl<'a> Line<'a> {
    fn new(call: &'a CallLine) -> Self {
        Self {
            id: call.id,
            time: text::iso_ms(call.at_ms),
            model_name: &call.model,
            session_id: &call.session,
            total_tokens: call.tokens.total(),
            cost: call.cost.map(Usd),
        }
    }
}

#[derive(Serialize)]
struct Found<'a> {
    path: String,
    offset: Option<u64>,
    what: &'a str,
}

impl<'a> Found<'a> {
    fn new(finding: &'a Finding) -> Self {
        Self {
            path: finding.path.to_string_lossy().into_owned(),
            offset: finding.offset,
            what: &finding.what,
        }
    }
}
