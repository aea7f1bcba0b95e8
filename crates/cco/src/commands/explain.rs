//! `cco explain WHAT`: where a number comes from.
//!
//! Must not: work anything out; the engine tells, `print::explain` words it.

use cco_engine::explain::{Depth, Found, Subject, Within};
use cco_wire::names::nearest;

use crate::app::{App, Footing};
use crate::args::ExplainArgs;
use crate::error::CliError;
use crate::print::explain::{self, Heading};
use crate::print::fit::wrap;
use crate::print::json::render;
use crate::print::text;

/// Projects that are offered where one was meant.
const OFFERED: usize = 5;

/// Runs the command.
pub(super) fn run(app: &mut App<'_>, args: &ExplainArgs) -> Result<(), CliError> {
    if app.take_in()? == Footing::Nothing {
        return Err(app.nothing());
    }
    match app.engine.find_subject(&args.what, app.now.date())? {
        Found::One(subject) => explain_one(app, &subject, args),
        Found::Calls(calls) => {
            let page = explain::answers(&calls, &app.now, app.screen.columns);
            Err(several(&args.what, "calls", page.lines().map(str::trim).map(str::to_owned).collect())
                .hint("cco explain '#NUMBER' explains one of them"))
        }
        Found::Sessions { names, more } => {
            let error = several(&args.what, "sessions", names);
            Err(if more { error.hint("and more; `cco session` lists them all") } else { error })
        }
        Found::Projects(paths) => Err(several(&args.what, "projects", paths)),
        Found::NeedsRequest => Err(CliError::usage(format!(
            "{:?} is no message id of the API; such calls are known by their request id too",
            args.what
        ))
        .hint("give the request id (req_…), or the call's number from `cco explain DAY`")),
        Found::Nothing { sessions, projects } => Err(unknown(&args.what, &sessions, &projects)),
    }
}

fn explain_one(app: &mut App<'_>, subject: &Subject, args: &ExplainArgs) -> Result<(), CliError> {
    let depth = Depth { all_files: args.all_files, calls: args.limit };
    let mut progress = app.progress();
    let engine = &app.engine;
    let (zone, within) = (app.now.time_zone().clone(), Within::default());
    let (page, json) = match subject {
        Subject::Call { id, message } => {
            let story =
                engine.explain_call(*id, message.as_deref(), depth, &mut |step| progress.update(step))?;
            let Some(story) = story else { return Err(unknown(&args.what, &[], &[])) };
            (explain::call(&story, &app.now, app.screen.columns), render(&cco_wire::explain::call(&story))?)
        }
        Subject::Session { id, name } => {
            let story =
                engine.explain_session(*id, name, &within, depth, &mut |step| progress.update(step))?;
            (
                explain::session(name, &story, &app.now, app.screen.columns),
                render(&cco_wire::explain::session(name, &story))?,
            )
        }
        Subject::Day(day) => {
            let story = engine.explain_day(*day, &zone, &within, depth)?;
            let heading = Heading::Day(*day);
            (
                explain::group(&heading, &story, &app.now, app.screen.columns),
                render(&cco_wire::explain::day(*day, &story, &zone))?,
            )
        }
        Subject::Project { id, path } => {
            let story = engine.explain_project(*id, &within, depth)?;
            let heading = Heading::Project(path);
            (
                explain::group(&heading, &story, &app.now, app.screen.columns),
                render(&cco_wire::explain::project(path, &story))?,
            )
        }
    };
    progress.finish();
    app.out.data(&if app.json { json } else { wrap(&page, app.screen.columns) })
}

/// A word that names several things.
fn several(what: &str, kind: &str, names: Vec<String>) -> CliError {
    let mut error = CliError::usage(format!("{what:?} names several {kind}; which one?"));
    error.hints = names;
    error
}

/// A word that names nothing, and what may have been meant.
fn unknown(what: &str, sessions: &[String], projects: &[String]) -> CliError {
    if ["msg_", "req_", "#", "call:"].iter().any(|start| what.starts_with(start)) {
        return CliError::usage(format!("no call in the ledger is {what:?}"))
            .hint("`cco explain today` lists calls with their numbers; a whole id is needed");
    }
    let mut error = CliError::usage(format!("nothing here is called {what:?}"));
    let name = |path: &String| if what.contains('/') { path.clone() } else { text::project(path) };
    let names: Vec<String> = projects.iter().map(name).collect();
    let mut near: Vec<&str> = Vec::new();
    let mut left: Vec<&str> = names.iter().map(String::as_str).collect();
    while let Some(found) = nearest(what, left.iter().copied()).filter(|_| near.len() < OFFERED) {
        near.push(found);
        left.retain(|name| *name != found);
    }
    if !near.is_empty() {
        error = error.hint(format!("did you mean the project {}?", near.join(", ")));
    }
    if !sessions.is_empty() {
        error = error.hint(format!("did you mean the session {}?", sessions.join(", ")));
    }
    error.hint(
        "a day (2026-10-20, today, yesterday), a session's id or how it begins, a call (msg_…, req_…, '#123'), or a \
         project's path or last name; `cco session` lists sessions",
    )
}
