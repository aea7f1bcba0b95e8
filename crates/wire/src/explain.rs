//! Where a number comes from, for scripts. Keys stay; further ones may come.
//!
//! Must not: add up anything.

use std::ops::Range;

use cco_engine::explain::{
    CallLine, CallStory, GroupStory, Place, RowStory, Searched, SessionFile, SessionStory, ToolUse, Verdict,
};
use cco_engine::report::ModelSums;
use cco_engine::scan::Finding;
use cco_model::call::Usage;
use cco_model::money::NanoUsd;
use cco_model::price::Rate;
use cco_model::price::parts::{Breakdown, Part};
use cco_model::reason::Reason;
use cco_model::sums::Sums;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::exact::Usd;
use crate::text;

/// `{"call":…}`.
pub fn call(story: &CallStory) -> impl Serialize {
    #[derive(Serialize)]
    struct Document<'a> {
        call: Call<'a>,
    }
    Document { call: Call::new(story) }
}

/// `{"session":…}`.
pub fn session<'a>(name: &'a str, story: &'a SessionStory) -> impl Serialize + 'a {
    #[derive(Serialize)]
    struct Document<'a> {
        session: Session<'a>,
    }
    Document { session: Session::new(name, story) }
}

/// `{"day":…}`.
pub fn day(day: Date, story: &GroupStory, zone: &TimeZone) -> impl Serialize {
    Document::Day {
        date: day.to_string(),
        timezone: zone.iana_name().map(str::to_owned),
        group: Group::new(story),
    }
}

/// `{"project":…}`.
pub fn project(path: &str, story: &GroupStory) -> impl Serialize {
    Document::Project { project: text::whole_project(path), path: path.to_owned(), group: Group::new(story) }
}

/// `{"period":…}`: a stretch of time, half-open.
pub fn period(range: &Range<Timestamp>, story: &GroupStory, zone: &TimeZone) -> impl Serialize {
    Document::Period {
        start: text::iso(range.start),
        end_exclusive: text::iso(range.end),
        timezone: zone.iana_name().map(str::to_owned),
        group: Group::new(story),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Document<'a> {
    Period {
        start: String,
        end_exclusive: String,
        timezone: Option<String>,
        #[serde(flatten)]
        group: Group<'a>,
    },
    Day {
        date: String,
        timezone: Option<String>,
        #[serde(flatten)]
        group: Group<'a>,
    },
    Project {
        project: String,
        path: String,
        #[serde(flatten)]
        group: Group<'a>,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    input_tokens: u64,
    output_tokens: u64,
    #[serde(rename = "cacheCreation5mTokens")]
    cache_creation_5m_tokens: u64,
    #[serde(rename = "cacheCreation1hTokens")]
    cache_creation_1h_tokens: u64,
    cache_read_tokens: u64,
    total_tokens: u64,
    web_searches: u64,
}

impl Counts {
    fn new(tokens: &cco_model::tokens::Tokens, web_searches: u64) -> Self {
        Self {
            input_tokens: tokens.input,
            output_tokens: tokens.output,
            cache_creation_5m_tokens: tokens.cache_write_5m,
            cache_creation_1h_tokens: tokens.cache_write_1h,
            cache_read_tokens: tokens.cache_read,
            total_tokens: tokens.total(),
            web_searches,
        }
    }

    fn of(usage: &Usage) -> Self {
        Self::new(&usage.tokens, usage.web_search)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Call<'a> {
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
    fn new(story: &'a CallStory) -> Self {
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

/// How the present list comes to a price.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Price<'a> {
    price_list: &'a str,
    agrees: bool,
    #[serde(flatten)]
    known: Option<Known<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Known<'a> {
    priced_as: &'a str,
    day: String,
    valid_from: Option<String>,
    valid_until: Option<String>,
    above_prompt_tokens: Option<u64>,
    fast_rates: bool,
    us_multiplier: Option<Usd>,
    batch_multiplier: Option<Usd>,
    classes: Vec<Class>,
    web_search_rate: Usd,
    web_search_cost: Option<Usd>,
    total: Option<Usd>,
    /// In 10⁻¹⁸ dollars.
    rounding_atto: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Class {
    class: &'static str,
    tokens: u64,
    /// Dollars for a million tokens.
    rate: Option<Usd>,
    cost: Option<Usd>,
}

impl<'a> Price<'a> {
    fn new(story: &'a CallStory) -> Self {
        Self {
            price_list: &story.list,
            agrees: story.price_agrees(),
            known: story.breakdown.as_ref().map(Known::new),
        }
    }
}

impl<'a> Known<'a> {
    fn new(breakdown: &'a Breakdown) -> Self {
        let valid = breakdown.band.history.unwrap_or_default();
        let day = |day: Option<jiff::civil::Date>| day.map(|day| day.to_string());
        // Thousandths, as a decimal number.
        let factor = |factor: cco_model::price::Permille| Usd(NanoUsd(i64::from(factor.0) * 1_000_000));
        Self {
            priced_as: &breakdown.priced_as,
            day: breakdown.day.to_string(),
            valid_from: day(valid.from),
            valid_until: day(valid.until),
            above_prompt_tokens: breakdown.band.above_prompt_tokens,
            fast_rates: breakdown.band.fast,
            us_multiplier: breakdown.us.map(factor),
            batch_multiplier: breakdown.batch.map(factor),
            classes: breakdown.parts.iter().map(Class::new).collect(),
            web_search_rate: Usd(breakdown.web_search_rate),
            web_search_cost: breakdown.web_search_cost.map(Usd),
            total: breakdown.total.map(Usd),
            rounding_atto: i64::try_from(breakdown.rounding_atto).unwrap_or_default(),
        }
    }
}

impl Class {
    fn new(part: &Part) -> Self {
        // Pico-dollars for a token are millionths of dollars for a million tokens.
        let dollars =
            |rate: Rate| i64::try_from(rate.0).ok()?.checked_mul(1_000).map(|rate| Usd(NanoUsd(rate)));
        Self {
            class: part.class,
            tokens: part.tokens,
            rate: part.rate.and_then(dollars),
            cost: part.cost.map(Usd),
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
        let path = |(path, _): &(std::path::PathBuf, String)| path.to_string_lossy().into_owned();
        Self {
            files: searched.files,
            bytes: searched.bytes,
            files_left: searched.files_left,
            bytes_left: searched.bytes_left,
            unreadable: searched.unreadable.iter().map(path).collect(),
        }
    }
}

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
struct Group<'a> {
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
    fn new(story: &'a GroupStory) -> Self {
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
        Self { session_id: if id.is_empty() { "unknown" } else { id }, totals: Totals::new(sums) }
    }
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
            time: text::iso(Timestamp::from_millisecond(call.at_ms).unwrap_or(Timestamp::MAX)),
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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Session<'a> {
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
    fn new(name: &'a str, story: &'a SessionStory) -> Self {
        let state = story.cost_state.as_ref();
        let time = state.filter(|state| state.at_ms != 0).map(|state| state.at_ms);
        Self {
            session_id: if name.is_empty() { "unknown" } else { name },
            group: Group::new(&story.group),
            claude_code_cost: state.map(|state| Usd(state.cost)),
            claude_code_cost_time: time.and_then(|at| Timestamp::from_millisecond(at).ok()).map(text::iso),
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

/// What became of a row, in words.
pub fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Kept => "the call's counts come from it",
        Verdict::Untimed => "it has no readable time, and no row before it in the file has one",
        Verdict::NotRead => "it was written since the last scan; the next one reads it",
        Verdict::Dropped(reason) => reason_words(reason),
    }
}

fn reason_words(reason: Reason) -> &'static str {
    match reason {
        Reason::AllZero => "all its counts are zero; such a row does not count and sets no time",
        Reason::WrappedReplay => {
            "a progress row around a subagent's answer; a row of the main thread is believed before it"
        }
        Reason::SidechainReplay => {
            "a replay in a side thread; a row of the main thread is believed before it"
        }
        Reason::Placeholder => "a placeholder with less output, written while the answer was still coming",
        Reason::FewerTokens => "it counts fewer tokens than the kept row",
        Reason::NoSpeed => "it does not say its speed and the kept row does, so it is an older writing",
        Reason::Repeated => "the same counts again: one answer is written as several rows",
        Reason::Forked => "a copy in a resumed or forked session, in a file born later",
        Reason::BornLater => "a copy in a file born later",
        Reason::LaterPath => "a copy in a file born at the same moment, whose path comes later",
        Reason::Outranks => {
            "it would be believed before the kept row: the file was changed after it was read"
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_reason_has_words_of_its_own() {
        let all: HashSet<&str> = Reason::ALL.into_iter().map(reason_words).collect();
        assert_eq!(all.len(), Reason::ALL.len());
    }
}
