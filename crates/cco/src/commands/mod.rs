//! One file for each command; here the way that all reports go.
//!
//! Must not: count anything that the engine counts.

pub(crate) mod alone;

mod accounts;
mod alarm;
mod ask;
mod blocks;
mod branch;
mod completions;
mod config;
mod daemon;
mod daily;
mod dashboard;
mod docs;
mod doctor;
mod explain;
mod glance;
mod limits;
mod live;
mod man;
mod model;
mod monthly;
mod project;
mod reprice;
mod scan;
mod session;
mod statusline;
mod weekly;

pub(crate) use daemon::{begin_daemon, daemon_unit};

use std::collections::BTreeMap;

use cco_engine::report::{Filter, ModelSums};
use cco_engine::{Engine, EngineError};
use cco_model::sums::Sums;
use jiff::civil::Date;

use crate::app::{App, Footing};
use crate::args::{Command, Order, ReportArgs, StatsCommand};
use crate::error::{CliError, Exit};
use crate::print::fit::wrap;
use crate::print::json::total;
use crate::print::reports::Report;
use crate::print::{csv, json, text};

/// Does what was asked for.
pub(crate) fn run(app: &mut App<'_>, command: Option<Command>) -> Result<Exit, CliError> {
    if let Some(span) = command.as_ref().and_then(Command::span) {
        span.check(app.now.date())?;
    }
    match command {
        Some(Command::Limits(args)) => return limits::run(app, &args),
        Some(Command::Accounts(args)) => accounts::run(app, args.command.as_ref()),
        None => glance::run(app),
        // Those run before the ledger is opened.
        Some(Command::Alone(_)) => Ok(()),
        Some(Command::Daily(args)) => daily::run(app, &args),
        Some(Command::Weekly(args)) => weekly::run(app, &args),
        Some(Command::Monthly(args)) => monthly::run(app, &args),
        Some(Command::Session(args)) => session::run(app, &args),
        Some(Command::Blocks(args)) => blocks::run(app, &args),
        Some(Command::Project(args)) => project::run(app, &args),
        Some(Command::Branch(args)) => branch::run(app, &args),
        Some(Command::Model(args)) => model::run(app, &args),
        Some(Command::Explain(args)) => explain::run(app, &args),
        Some(Command::Reprice(args)) => reprice::run(app, &args),
        Some(Command::Scan(args) | Command::Stats(StatsCommand::Scan(args))) => scan::run(app, &args),
    }?;
    Ok(Exit::Done)
}

/// Which rows come first when nothing is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sorting {
    /// The oldest; queries give them so.
    Time,
    /// The dearest, of equals those with most tokens.
    Cost,
}

/// A report on its way: its entry, and what differs from others.
struct ReportCommand<R: 'static> {
    entry: &'static Report<R>,
    sorting: Sorting,
    json: fn(&Report<R>, &[R]) -> Result<String, CliError>,
    /// Rows that people see; scripts get all.
    shown: fn(&R) -> bool,
    /// What to say when there is no row.
    nothing: Option<String>,
    /// Lines below the table.
    below: String,
}

/// The way that all reports go.
fn report<R>(entry: &'static Report<R>, sorting: Sorting) -> ReportCommand<R> {
    ReportCommand { entry, sorting, json: json::groups, shown: |_| true, nothing: None, below: String::new() }
}

impl<R> ReportCommand<R> {
    /// With a JSON of its own shape.
    fn json(self, json: fn(&Report<R>, &[R]) -> Result<String, CliError>) -> Self {
        Self { json, ..self }
    }

    /// Without these rows for people.
    fn shown(self, shown: fn(&R) -> bool) -> Self {
        Self { shown, ..self }
    }

    /// With other words when there is no row.
    fn nothing_is(self, words: String) -> Self {
        Self { nothing: Some(words), ..self }
    }

    /// With these lines below the table.
    fn below(self, below: String) -> Self {
        Self { below, ..self }
    }

    /// Takes in what is new, asks, prints.
    fn run(
        self,
        app: &mut App<'_>,
        args: &ReportArgs,
        query: impl FnOnce(&Engine, &Filter) -> Result<Vec<R>, EngineError>,
    ) -> Result<(), CliError> {
        let footing = app.take_in()?;
        let filter = app.filter(args)?;
        let rows = query(&app.engine, &filter)?;
        self.print(app, footing, args, rows)
    }

    /// Prints rows that were asked for.
    fn print(
        self,
        app: &mut App<'_>,
        footing: Footing,
        args: &ReportArgs,
        mut rows: Vec<R>,
    ) -> Result<(), CliError> {
        let show = &args.show;
        if self.sorting == Sorting::Cost {
            let weight = |row: &R| {
                let sums = (self.entry.sums)(row);
                (sums.cost, sums.tokens.total())
            };
            rows.sort_by_key(|row| std::cmp::Reverse(weight(row)));
        }
        let usual = if self.sorting == Sorting::Cost { Order::Desc } else { Order::Asc };
        if show.order.is_some_and(|order| order != usual) {
            rows.reverse();
        }
        if app.json {
            app.out.data(&(self.json)(self.entry, &rows)?)?;
        }
        if footing == Footing::Nothing {
            return Err(app.nothing());
        }
        if app.json {
            return Ok(());
        }
        rows.retain(self.shown);
        if show.csv {
            return app.out.data(&csv::groups(self.entry, &rows, show.breakdown));
        }
        if rows.is_empty() {
            let words = self.nothing.unwrap_or_else(|| nothing_words(args, app.now.date()));
            app.out.note(&words);
            return Ok(());
        }
        let screen = if show.compact { app.screen.compact() } else { app.screen };
        let table = self.entry.render(&rows, &app.now, screen, show.breakdown);
        app.out.data(&(table + &wrap(&self.below, screen.columns)))?;
        let all = total(rows.iter().map(|row| (self.entry.sums)(row)));
        note_unpriced(app, rows.iter().flat_map(self.entry.models), &all);
        Ok(())
    }
}

/// That there is nothing of what was asked for.
fn nothing_words(args: &ReportArgs, today: Date) -> String {
    let chosen = [&args.project, &args.branch, &args.model, &args.account];
    let what = if chosen.into_iter().all(Vec::is_empty) { "no calls" } else { "no such calls" };
    match args.span.days(today) {
        (None, None) => format!("{what} yet"),
        (Some(since), None) => format!("{what} since {since}"),
        (None, Some(until)) => format!("{what} until {until}"),
        (Some(since), Some(until)) if since == until => format!("{what} on {since}"),
        (Some(since), Some(until)) => format!("{what} from {since} to {until}"),
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
