//! `/api/explain`: where a number comes from, as `cco explain WHAT --json` has it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use cco_engine::Engine;
use cco_engine::explain::{Depth, Found, Subject};
use cco_wire::names::nearest;
use cco_wire::text::{iso_ms, whole_project};
use jiff::tz::TimeZone;

use super::Api;
use super::answer::{Answer, Failure, answer};
use super::asked::{Asked, short};
use super::problem::Problem;

/// Dearest calls that are listed, where nobody says how many.
const CALLS: u32 = 10;
const MOST_CALLS: u32 = 500;
/// So many of several are named.
const NAMED: usize = 8;

/// The rows behind a number: of a day, a session, a call or a project.
#[utoipa::path(get, path = "/api/explain", tag = "explain", params(
    ("what" = String, Query, description = "A day (`2026-11-26`, `today`), a session's id or how it begins, a call (`msg_…`, `req_…`, `#123`), a project's path or last name"),
    ("all_files" = Option<bool>, Query, description = "Look through all transcripts for rows of a call"),
    ("limit" = Option<u32>, Query, description = "Calls that are listed"),
    ("timezone" = Option<String>, Query, description = "Whose days"),
), responses((status = OK, body = Object), (status = NOT_FOUND, body = Problem)))]
pub(super) async fn explain(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    api.stats()?;
    let asked = Asked::new(&uri, &["what", "all_files", "limit", "timezone"])?;
    let what = asked.text("what").filter(|what| !what.is_empty()).map(str::to_owned);
    let what = what.ok_or_else(|| {
        Problem::parameter("what", "what is to be explained?")
            .hint("what=today, or a session, a call, a project")
    })?;
    let calls = asked.number("limit", MOST_CALLS)?.unwrap_or(CALLS);
    let depth = Depth { all_files: asked.flag("all_files")?, calls: calls as usize };
    let zone = asked.zone("timezone")?.unwrap_or_else(|| api.zone());
    let today = (api.clock)().to_zoned(zone.clone()).date();
    let made = move |engine: &mut Engine| match engine.find_subject(&what, today)? {
        Found::One(subject) => story(engine, &subject, depth, &zone, &what),
        other => Err(unclear(&what, other).into()),
    };
    let answer = if depth.all_files { slowly(&api, made).await? } else { answer(&api, &asked, made).await? };
    Ok(answer.send(&headers))
}

/// All transcripts may be gigabytes.
async fn slowly(
    api: &Api,
    make: impl FnOnce(&mut Engine) -> Result<Answer, Failure> + Send + 'static,
) -> Result<Answer, Problem> {
    let asked = api.slow.ask(move |engine| match make(engine) {
        Ok(answer) => Ok(Ok(answer)),
        Err(Failure::Problem(problem)) => Ok(Err(problem)),
        Err(Failure::Engine(error)) => Err(error),
    });
    asked.await?
}

fn story(
    engine: &Engine,
    subject: &Subject,
    depth: Depth,
    zone: &TimeZone,
    what: &str,
) -> Result<Answer, Failure> {
    let document = match subject {
        Subject::Call { id, message } => {
            let story = engine.explain_call(*id, message.as_deref(), depth, &mut |_| {})?;
            let nothing = Found::Nothing { sessions: Vec::new(), projects: Vec::new() };
            Answer::of(&cco_wire::explain::call(&story.ok_or_else(|| unclear(what, nothing))?))
        }
        Subject::Session { id, name } => {
            let story = engine.explain_session(*id, name, depth, &mut |_| {})?;
            Answer::of(&cco_wire::explain::session(name, &story))
        }
        Subject::Day(day) => {
            Answer::of(&cco_wire::explain::day(*day, &engine.explain_day(*day, zone, depth)?, zone))
        }
        Subject::Project { id, path } => {
            Answer::of(&cco_wire::explain::project(path, &engine.explain_project(*id, depth)?))
        }
    };
    Ok(document?)
}

/// A word that names nothing, or several things.
fn unclear(what: &str, found: Found) -> Problem {
    let several = |kind: &str, names: Vec<String>| {
        Problem::parameter("what", format!("{:?} names several {kind}", short(what)))
            .hint(format!("which one? {}", names.join(", ")))
    };
    match found {
        Found::Calls(calls) => {
            let name =
                |call: &cco_engine::explain::CallLine| format!("#{} ({})", call.id, iso_ms(call.at_ms));
            several("calls", calls.iter().take(NAMED).map(name).collect())
        }
        Found::Sessions { names, .. } => several("sessions", names),
        Found::Projects(paths) => several("projects", paths),
        Found::NeedsRequest => {
            Problem::parameter("what", format!("{:?} is no message id of the API", short(what)))
                .hint("give the request id (req_…) or the call's number (#123)")
        }
        Found::One(_) | Found::Nothing { .. } => nothing(what, found),
    }
}

fn nothing(what: &str, found: Found) -> Problem {
    let mut problem = Problem::new(StatusCode::NOT_FOUND, format!("nothing is called {:?}", short(what)));
    let Found::Nothing { sessions, projects } = found else { return problem };
    let names: Vec<String> = projects.iter().map(|path| whole_project(path)).collect();
    let project = Some(what).filter(|what| what.len() <= 64);
    let project = project.and_then(|what| nearest(what, names.iter().map(String::as_str)));
    let near = sessions.first().map(String::as_str).or(project);
    if let Some(near) = near {
        problem = problem.hint(format!("did you mean {near}?"));
    }
    problem
}
