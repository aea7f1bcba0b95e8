//! `cco session`: use and cost by session.
//!
//! Must not: do more than name its query and its shapes.

use super::{Sorting, report};
use crate::app::App;
use crate::args::SessionArgs;
use crate::error::CliError;
use crate::print::reports;

/// Runs the command.
pub(super) fn run(app: &mut App<'_>, args: &SessionArgs) -> Result<(), CliError> {
    let wanted = args.id.as_deref();
    if wanted == Some("") {
        return Err(CliError::usage("--id is empty")
            .hint("the beginning of a session's id, as `cco session` shows it"));
    }
    let mut report = report(&reports::SESSION, Sorting::Time);
    if let Some(id) = wanted {
        report = report.nothing_is(format!("no session's id begins with {id:?}"));
    }
    report.run(app, &args.report, |engine, filter| {
        let mut rows = engine.sessions(filter)?;
        rows.retain(|row| wanted.is_none_or(|id| row.session.starts_with(id)));
        Ok(rows)
    })
}
