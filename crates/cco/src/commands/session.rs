//! `cco session`: use and cost by session.
//!
//! Must not: do more than name its query and its shapes, and what a wrong id may have meant.

use cco_engine::report::SessionRow;
use cco_wire::names::nearest;

use super::{Sorting, report};
use crate::app::{App, Footing};
use crate::args::{ReportArgs, SessionArgs, SpanArgs};
use crate::error::CliError;
use crate::print::{json, reports};

/// Runs the command.
pub(super) fn run(app: &mut App<'_>, args: &SessionArgs) -> Result<(), CliError> {
    let wanted = args.id.as_deref();
    if wanted == Some("") {
        return Err(CliError::usage("--id is empty")
            .hint("the beginning of a session's id, as `cco session` shows it"));
    }
    let footing = app.take_in()?;
    let filter = app.filter(&args.report)?;
    let mut rows = app.engine.sessions(&filter)?;
    let mut report = report(&reports::SESSION, Sorting::Time);
    if let Some(id) = wanted {
        rows.retain(|row| row.session.starts_with(id));
        if rows.is_empty() && footing != Footing::Nothing {
            must_be_known(app, id)?;
        }
        if let ([row], true, false) = (rows.as_slice(), app.json, footing == Footing::Nothing) {
            return one(app, row, &args.report, filter.only.is_everything());
        }
        report = report.nothing_is(format!("the session {id:?} has no such calls"));
    }
    report.print(app, footing, &args.report, rows)
}

/// One session, for scripts; its calls go with it where no flag leaves some of them out.
fn one(app: &mut App<'_>, row: &SessionRow, asked: &ReportArgs, all: bool) -> Result<(), CliError> {
    let is_whole = all && asked.span.since.or(asked.span.until).is_none();
    let calls = is_whole.then(|| app.engine.calls_of_session(&row.session)).transpose()?;
    app.out.data(&json::session(&reports::SESSION, row, calls.as_deref())?)
}

/// An id that no session begins with is a mistake; one whose calls the filter leaves out is none.
fn must_be_known(app: &App<'_>, id: &str) -> Result<(), CliError> {
    let ever = app.span(&SpanArgs::default());
    let all = app.engine.sessions(&ever)?;
    if all.iter().any(|row| row.session.starts_with(id)) {
        return Ok(());
    }
    let mut near = app.engine.sessions_near(id)?;
    if near.is_empty() {
        near.extend(nearest(id, all.iter().map(|row| &*row.session)).map(str::to_owned));
    }
    let mut error = CliError::usage(format!("no session's id begins with {id:?}"));
    if !near.is_empty() {
        error = error.hint(format!("did you mean the session {}?", near.join(", ")));
    }
    Err(error.hint("`cco session` lists them all"))
}
