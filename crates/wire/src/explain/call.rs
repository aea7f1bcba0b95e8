//! One call: what it is, its price, and what became of each of its rows.

use std::path::PathBuf;

use cco_engine::explain::{CallStory, Place, RowStory, Searched, ToolUse, Verdict};
use serde::Serialize;

use super::price::Price;
use super::{Counts, words};
use crate::exact::Usd;
use crate::text;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Call<'a> {
    id: i64,
    time: String,
    model_name: &'a str,
    session_id: &'a str,
    project_path: &'a str,
    branch: &'a str,
    agent: &'a str,
    skill: &'a str,
    plugin: &'a str,
    mcp_server: &'a str,
    message_id: &'a str,
    request_id: &'a str,
    effort: &'a str,
    sidechain: bool,
    fast: bool,
    us_inference: bool,
    batch: bool,
    #[serde(flatten)]
    counts: Counts,
    thinking_tokens: u64,
    cost: Option<Usd>,
    cache_savings: Usd,
    logged_cost: Option<Usd>,
    price_list: &'a str,
    price: Price<'a>,
    tools: Vec<Tool<'a>>,
    rows: Vec<Row<'a>>,
    searched: SearchedFiles,
}

impl<'a> Call<'a> {
    pub(super) fn new(story: &'a CallStory) -> Self {
        let facts = &story.facts;
        let [agent, skill, plugin, mcp_server] = &facts.attribution;
        let terms = facts.usage.terms;
        Self {
            id: facts.id,
            time: text::iso(story.at),
            model_name: &facts.model,
            session_id: &facts.session,
            project_path: &facts.project,
            branch: &facts.branch,
            agent,
            skill,
            plugin,
            mcp_server,
            message_id: &story.message,
            request_id: &facts.request,
            effort: &facts.effort,
            sidechain: facts.sidechain,
            fast: terms.fast,
            us_inference: terms.us_inference,
            batch: terms.batch,
            counts: Counts::of(&facts.usage),
            thinking_tokens: facts.usage.thinking,
            cost: facts.cost.map(Usd),
            cache_savings: Usd(facts.savings),
            logged_cost: facts.logged.map(Usd),
            price_list: &facts.price_list,
            price: Price::new(story),
            tools: story.tools.iter().map(Tool::new).collect(),
            rows: story.rows.iter().map(Row::new).collect(),
            searched: SearchedFiles::new(&story.searched),
        }
    }
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'a str,
    failed: bool,
}

impl<'a> Tool<'a> {
    fn new(tool: &'a ToolUse) -> Self {
        Self { name: &tool.name, failed: tool.failed }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    path: String,
    offset: u64,
    /// `there`, `gone`, `rewritten` or `unreadable`.
    place: &'static str,
    verdict: &'static str,
    /// Of a dropped row: the rule's name.
    reason: Option<&'static str>,
    why: &'static str,
    time: Option<String>,
    session_id: &'a str,
    sidechain: bool,
    #[serde(flatten)]
    counts: Counts,
}

impl<'a> Row<'a> {
    fn new(row: &'a RowStory) -> Self {
        let (verdict, reason) = match row.verdict {
            Verdict::Kept => ("kept", None),
            Verdict::Dropped(reason) => ("dropped", Some(reason.code())),
            Verdict::Untimed => ("dropped", Some("untimed")),
            Verdict::NotRead => ("not-read", None),
        };
        Self {
            path: row.path.to_string_lossy().into_owned(),
            offset: row.offset,
            place: match row.place {
                Place::There => "there",
                Place::Gone => "gone",
                Place::Rewritten => "rewritten",
                Place::Unreadable => "unreadable",
            },
            verdict,
            reason,
            why: words(row.verdict),
            time: row.at.map(text::iso),
            session_id: &row.session,
            sidechain: row.sidechain,
            counts: Counts::of(&row.usage),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SearchedFiles {
    files: u64,
    bytes: u64,
    files_left: u64,
    bytes_left: u64,
    unreadable: Vec<String>,
}

impl SearchedFiles {
    fn new(searched: &Searched) -> Self {
        let path = |(path, _): &(PathBuf, String)| path.to_string_lossy().into_owned();
        Self {
            files: searched.files,
            bytes: searched.bytes,
            files_left: searched.files_left,
            bytes_left: searched.bytes_left,
            unreadable: searched.unreadable.iter().map(path).collect(),
        }
    }
}
