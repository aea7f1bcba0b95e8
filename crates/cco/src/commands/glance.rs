//! `cco` alone: today at a glance. A machine without transcripts is greeted, not refused.
//!
//! Must not: fail where there is merely nothing yet.

use std::path::Path;

use cco_engine::limits::{AccountLimits, Found, Tries};
use cco_engine::report::{Glance, ModelSums};

use super::note_unpriced;
use crate::app::{App, Footing};
use crate::error::{CliError, without_number};
use crate::print::{self, text};

/// Runs the command.
pub(super) fn run(app: &mut App<'_>) -> Result<(), CliError> {
    let footing = app.take_in()?;
    let glance = app.glance()?;
    let limits = limits(app)?;
    if app.json {
        app.out.data(&print::json::glance(&glance, print::limits::glance::json(&limits, &app.now))?)?;
    }
    if footing == Footing::Nothing {
        let nothing = app.nothing();
        app.out.note(&nothing.message);
        nothing.hints.iter().for_each(|hint| app.out.hint(hint));
        return Ok(());
    }
    if !app.json {
        app.out.data(&print::glance::render(&glance, &limits, &app.now, app.screen.columns))?;
        note_unpriced(app, unpriced(&glance).into_iter(), &glance.week);
    }
    Ok(())
}

/// What files and the ledger know of limits; the service is not asked. `cco limits` says what is wrong with a file.
fn limits(app: &mut App<'_>) -> Result<Vec<AccountLimits>, CliError> {
    let (found, trouble) = app.engine.look_at_accounts()?;
    if let Some(why) = trouble {
        app.out.warning(&format!("what is new of limits is not kept yet: {}", without_number(&why)));
    }
    warn_of_directories(app, &found);
    if found.accounts.all().is_empty() && !app.json {
        // Only accounts of this machine stand on the page.
        return Ok(Vec::new());
    }
    Ok(app.engine.limits(&found, &Tries::default(), app.now.time_zone())?)
}

/// Where it cannot be told who is logged in, a line for an account is missing without a sign.
fn warn_of_directories(app: &mut App<'_>, found: &Found) {
    let directories = found.accounts.directories();
    let of_one = |path: &Path| directories.iter().any(|directory| directory.path == *path);
    for (path, why) in found.unread.iter().filter(|(path, _)| of_one(path)) {
        let (path, why) = (path.display(), without_number(why));
        app.out.warning(&format!("who is logged in at {path} cannot be told: {}", text::clean(why)));
    }
}

/// Models without a price on the page, each once: those of the week, and those of a block that began before it.
fn unpriced(glance: &Glance) -> Vec<&ModelSums> {
    let block = glance.block.iter().flat_map(|block| &block.models);
    let mut models: Vec<&ModelSums> = Vec::new();
    for model in glance.models.iter().chain(&glance.today.models).chain(block) {
        if model.sums.unpriced_calls > 0 && models.iter().all(|other| other.model != model.model) {
            models.push(model);
        }
    }
    models
}
