//! `/api/explain`: where a number comes from, as `cco explain WHAT --json` has it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use cco_engine::Engine;
use cco_engine::explain::{Depth, Found, Subject, Within};
use cco_wire::names::nearest;
use cco_wire::text::{iso_ms, whole_project};

use super::Api;
use super::answer::{Answer, Failure, answer};
use super::asked::{Asked, short};
use super::filter::{self, Filter};
use super::problem::Problem;
use crate::setup::Http;

/// Dearest calls that are listed, where nobody says how many.
const CALLS: u32 = 10;
const MOST_CALLS: u32 = 500;
/// So many of several are named.
const NAMED: usize = 8;

/// The rows behind a number: of a day, a session, a call or a project, or of a stretch of time. Filters leave out calls,
/// and the time counts only where one is asked for; of a call nothing can be left out.
#[utoipa::path(get, path = "/api/explain", tag = "explain", params(
    ("what" = Option<String>, Query, description = "A day (`2026-11-26`, `today`), a session's id or how it begins, a call (`msg_…`, `req_…`, `#123`), a project's path or last name; without it, all calls that the filters mean"),
    ("all_files" = Option<bool>, Query, description = "Look through all transcripts for rows of a call"),
    ("limit" = Option<u32>, Query, description = "Calls that are listed"),
    filter::Described,
), responses((status = OK, body = Object), (status = NOT_FOUND, body = Problem)))]
pub(super) async fn explain(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let settings = api.stats()?;
    let known: Vec<&str> = ["what", "all_files", "limit"].into_iter().chain(filter::PARAMETERS).collect();
    let asked = Asked::new(&uri, &known)?;
    let question = Question::new(&api, &settings, &asked)?;
    let is_slow = question.depth.all_files;
    let made = move |engine: &mut Engine| question.answer(engine);
    let answer =
        if is_slow { slowly(&api, made).await? } else { answer(&api, &settings, &asked, made).await? };
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

/// What is to be explained.
struct Question {
    /// None: what the filter means.
    what: Option<String>,
    depth: Depth,
    filter: Filter,
    /// A time is asked for.
    has_time: bool,
    /// Something that leaves out calls.
    narrows: Option<&'static str>,
}

impl Question {
    fn new(api: &Api, settings: &Http, asked: &Asked) -> Result<Self, Problem> {
        let is_given = |name: &&str| asked.text(name).is_some();
        let narrows = filter::PARAMETERS.into_iter().filter(|name| *name != "timezone").find(is_given);
        let what = asked.text("what").filter(|what| !what.is_empty()).map(str::to_owned);
        if what.is_none() && narrows.is_none() {
            return Err(Problem::parameter("what", "what is to be explained?")
                .hint("what=today, or a session, a call, a project; or period=week"));
        }
        let calls = asked.number("limit", MOST_CALLS)?.unwrap_or(CALLS);
        Ok(Self {
            what,
            depth: Depth { all_files: asked.flag("all_files")?, calls: calls as usize },
            filter: Filter::new(api, settings, asked)?,
            has_time: ["period", "from", "to"].iter().any(is_given),
            narrows,
        })
    }

    fn answer(&self, engine: &Engine) -> Result<Answer, Failure> {
        let Self { filter, depth, .. } = self;
        let Some(what) = &self.what else {
            let (range, only) = (filter.range(engine)?, filter.only(engine)?);
            let story = engine.explain_time(&range, &only, *depth)?;
            return Ok(Answer::of(&cco_wire::explain::period(&range, &story, &filter.zone))?);
        };
        let today = filter.now.to_zoned(filter.zone.clone()).date();
        match engine.find_subject(what, today)? {
            Found::One(subject) => self.story(engine, &subject, what),
            other => Err(unclear(what, other).into()),
        }
    }

    fn story(&self, engine: &Engine, subject: &Subject, what: &str) -> Result<Answer, Failure> {
        let Self { filter, depth, .. } = self;
        let range = self.has_time.then(|| filter.range(engine)).transpose()?;
        let within = Within { range, only: filter.only(engine)? };
        let document = match subject {
            Subject::Call { id, message } => {
                if let Some(name) = self.narrows {
                    return Err(Problem::parameter(name, "nothing can be left out of a call").into());
                }
                let story = engine.explain_call(*id, message.as_deref(), *depth, &mut |_| {})?;
                let nothing = Found::Nothing { sessions: Vec::new(), projects: Vec::new() };
                Answer::of(&cco_wire::explain::call(&story.ok_or_else(|| unclear(what, nothing))?))
            }
            Subject::Session { id, name } => {
                let story = engine.explain_session(*id, name, &within, *depth, &mut |_| {})?;
                Answer::of(&cco_wire::explain::session(name, &story))
            }
            Subject::Day(day) => {
                let story = engine.explain_day(*day, &filter.zone, &within, *depth)?;
                Answer::of(&cco_wire::explain::day(*day, &story, &filter.zone))
            }
            Subject::Project { id, path } => {
                let story = engine.explain_project(*id, &within, *depth)?;
                Answer::of(&cco_wire::explain::project(path, &story))
            }
        };
        Ok(document?)
    }
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
