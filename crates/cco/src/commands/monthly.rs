//! `cco monthly`: use and cost by calendar month.
//!
//! Must not: do more than name its query and its shapes.

use cco_engine::report::Period;

use super::{Sorting, report};
use crate::app::App;
use crate::args::ReportArgs;
use crate::error::CliError;
use crate::print::reports;

/// Runs the command.
pub(super) fn run(app: &mut App<'_>, args: &ReportArgs) -> Result<(), CliError> {
    report(&reports::MONTHLY, Sorting::Time)
        .run(app, args, |engine, filter| engine.periods(filter, Period::Month))
}
