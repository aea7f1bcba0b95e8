//! `cco reprice`: the present price list for calls that another one priced. Shows the difference, asks, changes.
//!
//! Must not: change anything that it has not shown, but for calls that came in since.

use cco_engine::report::{Filter, Named, Only};
use cco_engine::reprice::Repricing;

use crate::app::{App, Footing};
use crate::args::RepriceArgs;
use crate::choose;
use crate::error::CliError;
use crate::print::fit::wrap;
use crate::print::reprice::{self as page, RepriceProgress};
use crate::print::text;

/// Runs the command.
pub(super) fn run(app: &mut App<'_>, args: &RepriceArgs) -> Result<(), CliError> {
    let asks = !args.dry_run && !args.yes;
    if asks && (!app.can_ask || app.json) {
        return Err(CliError::usage("reprice asks before it changes costs, and nobody can answer here")
            .hint("cco reprice --dry-run shows what would change")
            .hint("cco reprice --yes changes it without asking"));
    }
    if app.take_in()? == Footing::Nothing {
        return Err(app.nothing());
    }
    let only =
        Only { models: choose::models(&args.model, &app.engine.named(Named::Model)?)?, ..Only::default() };
    let filter = Filter { only, ..app.span(&args.span) };
    let preview = app.engine.preview_repricing(&filter)?;
    let list = app.engine.price_list_id().to_owned();
    let nothing_to_do = preview.all.touched() == 0;
    if args.dry_run || nothing_to_do {
        show(app, &preview, &list, false)?;
        if !nothing_to_do && !app.json {
            app.out.note("nothing was changed; `cco reprice` without --dry-run does it");
        }
        return Ok(());
    }
    if asks {
        show(app, &preview, &list, false)?;
        if !confirmed(app, &preview)? {
            app.out.note("nothing was changed");
            return Ok(());
        }
    }
    let mut progress = RepriceProgress::new(app.stderr_is_terminal, preview.all.touched());
    let done = app.engine.reprice(&filter, &mut |calls| progress.update(calls));
    progress.finish();
    let done = done?;
    if app.json || !asks || done != preview {
        show(app, &done, &list, true)?;
    }
    if !app.json {
        let calls = text::plural(done.all.touched(), "call", "calls");
        app.out.note(&format!("{calls} repriced, by {}", page::change(done.all.difference())));
    }
    Ok(())
}

fn show(app: &mut App<'_>, repricing: &Repricing, list: &str, applied: bool) -> Result<(), CliError> {
    if app.json {
        return app.out.data(&page::json(repricing, list, applied)?);
    }
    app.out.data(&wrap(&page::table(repricing, list, app.screen.columns), app.screen.columns))
}

/// Asks on stderr; anything but a yes is a no.
fn confirmed(app: &mut App<'_>, preview: &Repricing) -> Result<bool, CliError> {
    let calls = text::plural(preview.all.touched(), "call", "calls");
    Ok(super::ask::yes_or_no(app.out, &format!("Change the cost of {calls}?"))? == Some(true))
}
