//! `cco weekly`: use and cost by week.
//!
//! Must not: do more than name its query and its shapes.

use cco_engine::report::Period;

use super::{Sorting, report};
use crate::app::App;
use crate::args::WeeklyArgs;
use crate::error::CliError;
use crate::print::reports;

/// Runs the command.
pub(super) fn run(app: &mut App<'_>, args: &WeeklyArgs) -> Result<(), CliError> {
    let week = Period::Week(args.start_of_week);
    report(&reports::WEEKLY, Sorting::Time)
        .run(app, &args.report, |engine, filter| engine.periods(filter, week))
}
