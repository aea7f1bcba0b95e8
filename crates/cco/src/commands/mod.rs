//! One file for each command; here the way that all reports go.
//!
//! Must not: count anything that the engine counts.

mod blocks;
mod daily;
mod glance;
mod scan;
mod session;

use std::collections::BTreeMap;

use cco_engine::report::{Filter, ModelSums};
use cco_engine::{Engine, EngineError};
use cco_model::sums::Sums;
use jiff::Timestamp;

use crate::app::{App, Footing};
use crate::args::{Command, ReportArgs, StatsCommand};
use crate::error::CliError;
use crate::print::table::Report;
use crate::print::text;

/// Does what was asked for.
pub(crate) fn run(app: &mut App<'_>, command: Option<Command>) -> Result<(), CliError> {
    match command {
        None => glance::run(app),
        Some(Command::Daily(args)) => daily::run(app, &args),
        Some(Command::Session(args)) => session::run(app, &args),
        Some(Command::Blocks(args)) => blocks::run(app, &args),
        Some(Command::Scan(args) | Command::Stats(StatsCommand::Scan(args))) => scan::run(app, &args),
    }
}

/// A report: how it is asked for and how it is shown.
struct ReportCommand<R: 'static> {
    query: fn(&Engine, &Filter, Timestamp) -> Result<Vec<R>, EngineError>,
    json: fn(&[R]) -> Result<String, CliError>,
    table: &'static Report<R>,
    /// Rows that the table shows.
    shown: fn(&R) -> bool,
    models: fn(&R) -> &[ModelSums],
}

impl<R> ReportCommand<R> {
    /// Takes in what is new, asks, prints.
    fn run(&self, app: &mut App<'_>, args: &ReportArgs) -> Result<(), CliError> {
        let footing = app.take_in()?;
        let mut rows = (self.query)(&app.engine, &app.filter(args), app.instant())?;
        if app.json {
            app.out.data(&(self.json)(&rows)?)?;
        }
        if footing == Footing::Nothing {
            return Err(app.nothing());
        }
        if app.json {
            return Ok(());
        }
        rows.retain(self.shown);
        if rows.is_empty() {
            app.out.note(&format!("no calls{}", span_words(args)));
            return Ok(());
        }
        app.out.data(&self.table.render(&rows, &app.now, app.screen))?;
        note_unpriced(app, rows.iter().flat_map(self.models));
        Ok(())
    }
}

/// The span of a report in words, to follow "no calls".
fn span_words(args: &ReportArgs) -> String {
    match (args.since, args.until) {
        (None, None) => " yet".to_owned(),
        (Some(since), None) => format!(" since {since}"),
        (None, Some(until)) => format!(" until {until}"),
        (Some(since), Some(until)) => format!(" from {since} to {until}"),
    }
}

/// Says which models have no price, so that no `?` stands there unexplained.
fn note_unpriced<'m>(app: &mut App<'_>, models: impl Iterator<Item = &'m ModelSums>) {
    let mut unpriced: BTreeMap<&str, Sums> = BTreeMap::new();
    for model in models.filter(|model| model.sums.unpriced_calls > 0) {
        *unpriced.entry(&model.model).or_default() += model.sums;
    }
    for (model, sums) in &unpriced {
        let calls = text::plural(sums.unpriced_calls, "call", "calls");
        let name = text::name(model);
        app.out.note(&format!("no price for {name} ({calls}); its cost is not in the totals"));
    }
    if !unpriced.is_empty() {
        app.out.hint("[prices.\"MODEL\"] in config.toml sets a price, in dollars for a million tokens");
    }
}
