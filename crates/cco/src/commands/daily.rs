//! `cco daily`: use and cost by day, with `--instances` of each project by itself.
//!
//! Must not: do more than name its query and its shapes.

use cco_engine::report::Period;

use super::{Sorting, report};
use crate::app::App;
use crate::args::DailyArgs;
use crate::error::CliError;
use crate::print::{json, reports};

/// Runs the command.
pub(super) fn run(app: &mut App<'_>, args: &DailyArgs) -> Result<(), CliError> {
    if args.instances {
        let report = report(&reports::INSTANCES, Sorting::Time).json(json::instances);
        return report
            .run(app, &args.report, |engine, filter| engine.periods_of_projects(filter, Period::Day));
    }
    report(&reports::DAILY, Sorting::Time)
        .run(app, &args.report, |engine, filter| engine.periods(filter, Period::Day))
}
