//! `cco session`: use and cost by session.
//!
//! Must not: do more than name its query and its shapes.

use super::ReportCommand;
use crate::app::App;
use crate::args::ReportArgs;
use crate::error::CliError;
use crate::print::{json, table};

/// Runs the command.
pub(super) fn run(app: &mut App<'_>, args: &ReportArgs) -> Result<(), CliError> {
    ReportCommand {
        query: |engine, filter, _| engine.sessions(filter),
        json: json::sessions,
        table: &table::SESSION,
        shown: |_| true,
        models: |row| &row.models,
    }
    .run(app, args)
}
