//! One file for each command; here the way that all reports go.
//!
//! Must not: count anything that the engine counts.

mod blocks;
mod daily;
mod explain;
mod glance;
mod reprice;
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
use crate::print::json::total;
use crate::print::table::Report;
use crate::print::text;

/// Does what was asked for.
pub(crate) fn run(app: &mut App<'_>, command: Option<Command>) -> Result<(), CliError> {
    match command {
        None => glance::run(app),
        Some(Command::Daily(args)) => daily::run(app, &args),
        Some(Command::Session(args)) => session::run(app, &args),
        Some(Command::Blocks(args)) => blocks::run(app, &args),
        Some(Command::Explain(args)) => explain::run(app, &args),
        Some(Command::Reprice(args)) => reprice::run(app, &args),
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
        let all = total(rows.iter().map(|row| (self.table.sums)(row)));
        note_unpriced(app, rows.iter().flat_map(self.models), &all);
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

/// Says which models have no price and how much that leaves out, so that no `?` stands there unexplained. `all` are the
/// calls that the report covers, those of models that it does not name too.
fn note_unpriced<'m>(app: &mut App<'_>, models: impl Iterator<Item = &'m ModelSums>, all: &Sums) {
    let mut unpriced: BTreeMap<&str, Sums> = BTreeMap::new();
    for model in models.filter(|model| model.sums.unpriced_calls > 0) {
        *unpriced.entry(&model.model).or_default() += model.sums;
    }
    let (mut more_calls, mut more_tokens) = (all.unpriced_calls, all.unpriced_tokens);
    for (model, sums) in &unpriced {
        let amount = amount(sums.unpriced_calls, sums.unpriced_tokens);
        let name = text::name(model);
        app.out.note(&format!("no price for {name} ({amount}); its cost is not in the totals"));
        more_calls = more_calls.saturating_sub(sums.unpriced_calls);
        more_tokens = more_tokens.saturating_sub(sums.unpriced_tokens);
    }
    if more_calls > 0 {
        let amount = amount(more_calls, more_tokens);
        app.out.note(&format!("no price for other models ({amount}); their cost is not in the totals"));
    }
    if more_calls > 0 || !unpriced.is_empty() {
        app.out.hint("[prices.\"MODEL\"] in config.toml sets a price, in dollars for a million tokens");
    }
}

fn amount(calls: u64, tokens: u64) -> String {
    format!("{}, {}", text::plural(calls, "call", "calls"), text::plural(tokens, "token", "tokens"))
}
