//! `cco daily`: use and cost by day.
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
        query: |engine, filter, _| engine.daily(filter),
        json: json::daily,
        table: &table::DAILY,
        shown: |_| true,
        models: |row| &row.models,
    }
    .run(app, args)
}
