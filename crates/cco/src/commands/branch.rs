//! `cco branch`: use and cost by branch of a project, dearest first.
//!
//! Must not: do more than name its query and its shapes.

use cco_engine::Engine;

use super::{Sorting, report};
use crate::app::App;
use crate::args::ReportArgs;
use crate::error::CliError;
use crate::print::reports;

/// Runs the command.
pub(super) fn run(app: &mut App<'_>, args: &ReportArgs) -> Result<(), CliError> {
    report(&reports::BRANCH, Sorting::Cost).run(app, args, Engine::branches)
}
