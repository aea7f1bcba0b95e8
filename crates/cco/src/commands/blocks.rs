//! `cco blocks`: five-hour blocks with burn rate. Pauses are for scripts; the table leaves them out.
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
        query: cco_engine::Engine::blocks,
        json: json::blocks,
        table: &table::BLOCKS,
        shown: |row| !row.gap,
        models: |row| &row.models,
    }
    .run(app, args)
}
