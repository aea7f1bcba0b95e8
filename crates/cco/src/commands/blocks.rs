//! `cco blocks`: five-hour blocks with burn rate. Pauses are for scripts; tables leave them out.
//!
//! Must not: work out a block; the engine does.

use cco_engine::limits::Tries;
use cco_engine::report::{BlockRow, Filter, Only};
use jiff::ToSpan;

use super::{Sorting, live, report};
use crate::app::App;
use crate::args::{BlocksArgs, Day, SpanArgs, TokenLimit};
use crate::error::CliError;
use crate::print::blocks::{BLOCKS, BLOCKS_OF_LIMIT, ShownBlock, percent};
use crate::print::glance::block_speed;
use crate::print::limits::glance::told_reset;
use crate::print::{STRONG, json, styled, text};

/// Days that `--recent` goes back.
const RECENT_DAYS: i64 = 3;

/// Runs the command.
pub(super) fn run(app: &mut App<'_>, args: &BlocksArgs) -> Result<(), CliError> {
    if args.live {
        return live::run(app, args);
    }
    let footing = app.take_in()?;
    let mut asked = args.report.clone();
    if args.recent {
        asked.span.since = Some(Day::Date(app.now.date().saturating_sub(RECENT_DAYS.days())));
        asked.span.until = asked.span.until.or(Some(Day::Today));
    }
    let filter = app.filter(&asked)?;
    let mut rows = app.engine.blocks(&filter, app.instant())?;
    let limit = limit(app, args.token_limit, &filter.only, &rows)?;
    let columns = if limit.is_some() { &BLOCKS_OF_LIMIT } else { &BLOCKS };
    let mut entry = report(columns, Sorting::Time).json(json::blocks).shown(|block| !block.row.gap);
    if args.active {
        rows.retain(|row| row.active);
        entry = entry.nothing_is(none_running(&filter.only).to_owned());
    }
    let mut said = said_of_limit(&rows, args.token_limit, limit);
    if !app.json && !asked.show.csv && rows.iter().any(|row| row.active) {
        said.extend(said_of_reset(app)?);
    }
    if let Some(running) = rows.iter().find(|row| row.active) {
        let title = styled(STRONG, "The running block");
        entry = entry.below(format!("{title}\n{}", block_speed(running, &app.now)));
    }
    let rows = rows.into_iter().map(|row| ShownBlock { row, limit }).collect();
    entry.print(app, footing, &asked, rows)?;
    if app.json || asked.show.csv {
        return Ok(());
    }
    said.iter().for_each(|line| app.out.note(line));
    if asked.span.since.or(asked.span.until).is_some() {
        app.out.note(
            "these are the blocks that begin on these days; one that goes on after midnight counts whole",
        );
    }
    Ok(())
}

/// A block's end is worked out from calls of this machine; of the only account here the real one may be known.
fn said_of_reset(app: &mut App<'_>) -> Result<Option<String>, CliError> {
    let (found, _) = app.engine.look_at_accounts()?;
    let limits = app.engine.limits(&found, &Tries::default(), app.now.time_zone())?;
    let words = |reset| format!("Claude's own five hours reset {}, as told", text::clock(reset, &app.now));
    Ok(told_reset(&limits).map(words))
}

/// What to say where no block is both running and asked for.
pub(super) fn none_running(only: &Only) -> &'static str {
    if only.is_everything() { "no block is running" } else { "no block with such calls is running" }
}

/// The number of tokens that blocks are held against.
pub(super) fn limit(
    app: &App<'_>,
    wished: Option<TokenLimit>,
    only: &Only,
    rows: &[BlockRow],
) -> Result<Option<u64>, CliError> {
    Ok(match wished {
        None => None,
        Some(TokenLimit::Tokens(tokens)) => Some(tokens),
        Some(TokenLimit::Max) => {
            let ever = Filter { only: only.clone(), ..app.span(&SpanArgs::default()) };
            let all = match rows.first() {
                Some(_) => app.engine.blocks(&ever, app.instant())?,
                None => Vec::new(),
            };
            all.iter().filter(|row| !row.active && !row.gap).map(|row| row.sums.tokens.total()).max()
        }
    })
}

/// Which limit blocks are held against, and how much of it the running one will have used.
fn said_of_limit(rows: &[BlockRow], wished: Option<TokenLimit>, limit: Option<u64>) -> Vec<String> {
    let (Some(wished), false) = (wished, rows.is_empty()) else { return Vec::new() };
    let Some(limit) = limit else {
        return vec!["no block is finished yet, so there is no fullest one to be the limit".to_owned()];
    };
    let whose = if wished == TokenLimit::Max { ", as many as the fullest finished block has" } else { "" };
    let mut said = vec![format!("100 % are {} tokens{whose}", text::count(limit))];
    let projected = rows.iter().filter(|row| row.active).filter_map(|row| row.projection);
    said.extend(projected.map(|projection| {
        let percent = percent(projection.total_tokens, limit);
        let left = text::duration(projection.remaining_minutes);
        format!("at this rate ~{percent} % of the limit in {left}")
    }));
    said
}
