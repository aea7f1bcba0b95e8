//! `cco blocks`: five-hour blocks with burn rate. Pauses are for scripts; tables leave them out.
//!
//! Must not: work out a block; the engine does.

use cco_engine::report::BlockRow;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};

use super::{Sorting, live, report};
use crate::app::App;
use crate::args::{BlocksArgs, Day, SpanArgs, TokenLimit};
use crate::error::CliError;
use crate::print::fit::wrap;
use crate::print::glance::block_speed;
use crate::print::{json, reports, text};

/// So many blocks are each held against a limit in words.
const FEW: usize = 10;
/// Days that `--recent` goes back.
const RECENT_DAYS: i64 = 3;

/// Runs the command.
pub(super) fn run(app: &mut App<'_>, args: &BlocksArgs) -> Result<(), CliError> {
    if args.live {
        return live::run(app, args);
    }
    let footing = app.take_in()?;
    let mut span = args.span.clone();
    if args.recent {
        span.since = Some(Day::Date(app.now.date().saturating_sub(RECENT_DAYS.days())));
        span.until = span.until.or(Some(Day::Today));
    }
    let mut rows = app.engine.blocks(&app.span(&span), app.instant())?;
    let limit = limit(app, args.token_limit, &rows)?;
    let mut entry = report(&reports::BLOCKS, Sorting::Time).json(json::blocks).shown(|row| !row.gap);
    if args.active {
        rows.retain(|row| row.active);
        entry = entry.nothing_is("no block is running".to_owned());
    }
    let said: Vec<String> = limit.map_or_else(Vec::new, |limit| shares(&rows, limit, app.now.time_zone()));
    let speed = rows.iter().find(|row| args.active && row.active).map(|row| block_speed(row, &app.now));
    entry.print(app, footing, &span, &args.show, rows)?;
    if app.json || args.show.csv {
        return Ok(());
    }
    app.out.data(&wrap(&speed.unwrap_or_default(), app.screen.columns))?;
    said.iter().for_each(|line| app.out.note(line));
    if span.since.or(span.until).is_some() {
        app.out.note(
            "these are the blocks that begin on these days; one that goes on after midnight counts whole",
        );
    }
    Ok(())
}

/// The number of tokens that blocks are held against.
pub(super) fn limit(
    app: &App<'_>,
    wished: Option<TokenLimit>,
    rows: &[BlockRow],
) -> Result<Option<u64>, CliError> {
    Ok(match wished {
        None => None,
        Some(TokenLimit::Tokens(tokens)) => Some(tokens),
        Some(TokenLimit::Max) => {
            let all = match rows.first() {
                Some(_) => app.engine.blocks(&app.span(&SpanArgs::default()), app.instant())?,
                None => Vec::new(),
            };
            all.iter().filter(|row| !row.active).map(|row| row.sums.tokens.total()).max()
        }
    })
}

/// How much of a limit each block used, and where the running one ends up.
fn shares(rows: &[BlockRow], limit: u64, zone: &TimeZone) -> Vec<String> {
    let share = |row: &BlockRow| {
        let start = text::minute(row.start, zone);
        let used = row.sums.tokens.total();
        format!("block of {start}: {} of {} tokens", percent(used, limit), text::count(limit))
    };
    let blocks = || rows.iter().filter(|row| !row.gap);
    // Of many blocks only those that matter: the running one and those at the limit.
    let few = blocks().count() <= FEW;
    let told = |row: &&BlockRow| few || row.active || row.sums.tokens.total() >= limit;
    let mut said: Vec<String> = blocks().filter(told).map(share).collect();
    if said.is_empty() {
        said.push(format!("no block reached {} tokens", text::count(limit)));
    }
    let projected = rows.iter().filter(|row| row.active).filter_map(|row| row.projection);
    said.extend(projected.map(|projection| {
        let left = SignedDuration::from_mins(i64::try_from(projection.remaining_minutes).unwrap_or(0));
        format!("at this rate ~{} of the limit in {left:#}", percent(projection.total_tokens, limit))
    }));
    said
}

/// `87 %`, rounded down: 100 % is only said when it is reached.
pub(super) fn percent(part: u64, whole: u64) -> String {
    format!("{} %", u128::from(part) * 100 / u128::from(whole.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_reached_when_it_is_reached() {
        assert_eq!(percent(999, 1000), "99 %");
        assert_eq!(percent(1000, 1000), "100 %");
        assert_eq!(percent(u64::MAX, 1), "1844674407370955161500 %");
        assert_eq!(percent(1, 0), "100 %");
    }
}
