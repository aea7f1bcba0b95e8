//! `/api/stats/sessions` and `/api/stats/sessions/{id}`: sessions, and one with its calls.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use cco_engine::Engine;
use cco_engine::stats::{SessionCall, SessionCursor, SessionDetail, SessionSums};
use cco_wire::exact::Usd;
use cco_wire::text::{iso, iso_ms, project_name};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::answer::{Answer, answer};
use super::asked::{Asked, short};
use super::filter::{self, Filter};
use super::problem::Problem;
use super::sums::SumsAnswer;

/// Sessions of a page, and the most that one may have.
const SESSIONS: u32 = 50;
const MOST_SESSIONS: u32 = 500;
/// The same of calls.
const CALLS: u32 = 200;
const MOST_CALLS: u32 = 1_000;
/// Sessions that are named where several are meant.
const OFFERED: usize = 5;

/// A page of sessions, the latest first.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionsAnswer {
    sessions: Vec<SessionAnswer>,
    /// What to ask the next page with; none: this is the last.
    next_cursor: Option<String>,
}

/// A session.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionAnswer {
    id: String,
    project: String,
    project_path: String,
    branch: String,
    first: String,
    last: String,
    /// Its last call is less than five minutes old.
    active: bool,
    #[serde(flatten)]
    sums: SumsAnswer,
    models: Vec<String>,
}

/// A session with a page of its calls.
#[derive(Serialize, ToSchema)]
pub(super) struct DetailAnswer {
    session: SessionAnswer,
    calls: Vec<CallAnswer>,
    next_cursor: Option<String>,
    tools: Vec<ToolAnswer>,
    agents: Vec<AgentAnswer>,
}

/// A call.
#[derive(Serialize, ToSchema)]
pub(super) struct CallAnswer {
    id: i64,
    timestamp: String,
    model: String,
    tier: String,
    agent: String,
    skill: String,
    tokens: u64,
    input: u64,
    output: u64,
    cache_write_5m: u64,
    cache_write_1h: u64,
    cache_read: u64,
    /// None: it has no price.
    #[schema(value_type = Option<f64>)]
    cost: Option<Usd>,
    tools: Vec<String>,
    sidechain: bool,
}

/// A tool.
#[derive(Serialize, ToSchema)]
pub(super) struct ToolAnswer {
    name: String,
    uses: u64,
    failures: u64,
}

/// What a kind of agent did; `""` is the main thread.
#[derive(Serialize, ToSchema)]
pub(super) struct AgentAnswer {
    name: String,
    #[serde(flatten)]
    sums: SumsAnswer,
}

/// Sessions with calls in a stretch of time, of these calls alone, the latest first.
#[utoipa::path(get, path = "/api/stats/sessions", tag = "stats", params(
    ("limit" = Option<u32>, Query, description = "Sessions of a page, at most 500"),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    filter::Described,
), responses((status = OK, body = SessionsAnswer), (status = BAD_REQUEST, body = Problem)))]
pub(super) async fn sessions(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let settings = api.stats()?;
    let known: Vec<&str> = filter::PARAMETERS.into_iter().chain(["limit", "cursor"]).collect();
    let asked = Asked::new(&uri, &known)?;
    let filter = Filter::new(&api, &settings, &asked)?;
    let limit = asked.number("limit", MOST_SESSIONS)?.unwrap_or(SESSIONS) as usize;
    let after: Option<SessionCursor> = asked
        .text("cursor")
        .map(|cursor| {
            let (at_ms, id) = cursor.split_once('_').ok_or_else(bad_cursor)?;
            Ok::<_, Problem>((at_ms.parse().map_err(|_| bad_cursor())?, id.to_owned()))
        })
        .transpose()?;
    let made = answer(&api, &settings, &asked, move |engine| {
        let (range, only) = (filter.range(engine)?, filter.only(engine)?);
        let page = engine.session_page(&range, &only, after.as_ref(), limit, filter.now)?;
        let sessions = page.rows.iter().map(SessionAnswer::new).collect();
        let next_cursor = page.next.map(|(at_ms, id)| format!("{at_ms}_{id}"));
        Ok(Answer::of(&SessionsAnswer { sessions, next_cursor })?)
    });
    Ok(made.await?.send(&headers))
}

/// One session, whole, with a page of its calls in their order; by its id, or as much of its beginning as is its alone.
#[utoipa::path(get, path = "/api/stats/sessions/{id}", tag = "stats", params(
    ("id" = String, Path, description = "The session's id, or its beginning"),
    ("limit" = Option<u32>, Query, description = "Calls of a page, at most 1000"),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
), responses((status = OK, body = DetailAnswer), (status = NOT_FOUND, body = Problem), (status = CONFLICT, body = Problem, description = "The ids of several sessions begin so")))]
pub(super) async fn session(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let settings = api.stats()?;
    let asked = Asked::new(&uri, &["limit", "cursor"])?;
    let limit = asked.number("limit", MOST_CALLS)?.unwrap_or(CALLS) as usize;
    let after = asked
        .text("cursor")
        .map(|cursor| {
            let (at_ms, row) = cursor.split_once('_').ok_or_else(bad_cursor)?;
            let number = |text: &str| text.parse().map_err(|_| bad_cursor());
            Ok::<_, Problem>((number(at_ms)?, number(row)?))
        })
        .transpose()?;
    let now = (api.clock)();
    let made = answer(&api, &settings, &asked, move |engine| {
        let id = the_one(&id, engine.sessions_called(&id, OFFERED + 1)?)?;
        let detail = engine.session_detail(&id, after, limit, now)?.ok_or_else(|| nobody(&id))?;
        Ok(Answer::of(&DetailAnswer::new(detail, engine))?)
    });
    Ok(made.await?.send(&headers))
}

/// The one session that is meant.
fn the_one(asked: &str, mut ids: Vec<String>) -> Result<String, Problem> {
    if ids.len() > 1 {
        let more = if ids.len() > OFFERED { ", and others" } else { "" };
        ids.truncate(OFFERED);
        let detail = format!("several sessions' ids begin with {:?}", short(asked));
        return Err(
            Problem::new(StatusCode::CONFLICT, detail).hint(format!("give more of {}{more}", ids.join(", ")))
        );
    }
    ids.pop().ok_or_else(|| nobody(asked))
}

fn nobody(asked: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("no session's id begins with {:?}", short(asked)))
        .hint("/api/stats/sessions lists them")
}

fn bad_cursor() -> Problem {
    Problem::parameter("cursor", "this is no cursor").hint("give `next_cursor` of the page before as it is")
}

impl SessionAnswer {
    fn new(session: &SessionSums) -> Self {
        Self {
            id: session.session.to_string(),
            project: project_name(&session.project),
            project_path: session.project.to_string(),
            branch: session.branch.to_string(),
            first: iso(session.first),
            last: iso(session.last),
            active: session.active,
            sums: SumsAnswer::new(&session.sums),
            models: session.models.iter().map(|(model, _)| model.to_string()).collect(),
        }
    }
}

impl DetailAnswer {
    fn new(detail: SessionDetail, engine: &Engine) -> Self {
        let tool = |(name, uses): (Arc<str>, cco_engine::stats::ToolUses)| ToolAnswer {
            name: name.to_string(),
            uses: uses.uses,
            failures: uses.failures,
        };
        Self {
            session: SessionAnswer::new(&detail.session),
            calls: detail
                .calls
                .rows
                .iter()
                .map(|call| CallAnswer::new(call, engine.tier(&call.model)))
                .collect(),
            next_cursor: detail.calls.next.map(|(at_ms, row)| format!("{at_ms}_{row}")),
            tools: detail.tools.into_iter().map(tool).collect(),
            agents: detail
                .agents
                .into_iter()
                .map(|(name, sums)| AgentAnswer { name, sums: SumsAnswer::new(&sums) })
                .collect(),
        }
    }
}

impl CallAnswer {
    fn new(call: &SessionCall, tier: &str) -> Self {
        let tokens = &call.tokens;
        Self {
            id: call.id,
            timestamp: iso_ms(call.at_ms),
            model: call.model.to_string(),
            tier: tier.to_owned(),
            agent: call.attribution.agent.clone(),
            skill: call.attribution.skill.clone(),
            tokens: tokens.total(),
            input: tokens.input,
            output: tokens.output,
            cache_write_5m: tokens.cache_write_5m,
            cache_write_1h: tokens.cache_write_1h,
            cache_read: tokens.cache_read,
            cost: call.cost.map(Usd),
            tools: call.tools.iter().map(ToString::to_string).collect(),
            sidechain: call.sidechain,
        }
    }
}
