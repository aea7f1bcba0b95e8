//! `cco limits`: how near the limits of the plan are, for every account.
//!
//! Must not: work out what a reading means, or touch a login.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use anstream::adapter::strip_str;
use cco_engine::limits::{AccountLimits, Asked, Found};

use super::alarm;
use super::live::{LiveScreen, key_within};
use crate::app::App;
use crate::args::{Guard, LimitsArgs};
use crate::config::keys;
use crate::error::{CliError, Exit, why};
use crate::print::limits::{self as page, Verdict};
use crate::print::text;
use crate::{choose, env, home};

/// How often `--watch` looks; whom it asks, and when, is the broker's rule.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Runs the command.
pub(super) fn run(app: &mut App<'_>, args: &LimitsArgs) -> Result<Exit, CliError> {
    if args.watch {
        return watch(app, args).map(|()| Exit::Done);
    }
    // A name that is wrong is told before anybody is asked.
    choose::accounts(&args.account, &app.engine.accounts()?).or_else(|wrong| {
        look(app)?;
        choose::accounts(&args.account, &app.engine.accounts()?).map_err(|_| wrong)
    })?;
    let (found, asked) = take_in(app, args)?;
    asked.faults.iter().for_each(|fault| app.out.warning(&format!("limits: {fault}")));
    if args.refresh {
        let all = app.engine.limits(&found, &asked.troubles, app.now.time_zone())?;
        alarm::raise(app, &all, true);
    }
    let mut limits = known(app, args, &found, &asked)?;
    if limits.iter().any(AccountLimits::lacks_five_hours) {
        // What this machine used stands in, so all of it has to be counted.
        app.scan_quietly()?;
        limits = known(app, args, &found, &asked)?;
    }
    if app.json {
        app.out.data(&page::json(&limits, &app.now)?)?;
    } else if limits.is_empty() {
        tell_of_none(app, args)?;
    } else {
        app.out.data(&page::render(&limits, &app.now, app.screen.columns))?;
        if !args.refresh {
            tell_how_to_know_more(app, &limits);
        }
    }
    guarded(app, &args.guard, &limits)
}

/// Says why there is nothing to show.
fn tell_of_none(app: &mut App<'_>, args: &LimitsArgs) -> Result<(), CliError> {
    let accounts = app.engine.accounts()?;
    let chosen = choose::accounts(&args.account, &accounts)?;
    let is_chosen = |row| chosen.as_ref().is_none_or(|rows| rows.contains(&row));
    let removed: Vec<_> =
        accounts.into_iter().filter(|known| known.removed && is_chosen(known.row)).collect();
    if removed.is_empty() && chosen.is_some() {
        app.out.note("no limit is known of calls whose account is not known");
    } else {
        super::accounts::tell_of_none(app, &removed);
    }
    Ok(())
}

/// Looks at all files that tell of accounts and limits.
pub(super) fn look(app: &mut App<'_>) -> Result<Found, CliError> {
    let (found, trouble) = app.engine.look_at_accounts()?;
    trouble.iter().for_each(|why| app.out.warning(why));
    for (path, why) in &found.unread {
        app.out.warning(&format!("{} was passed over: {}", path.display(), text::clean(why)));
    }
    Ok(found)
}

/// Files first, then the service where it may be asked.
fn take_in(app: &mut App<'_>, args: &LimitsArgs) -> Result<(Found, Asked), CliError> {
    let (found, refresh) = (look(app)?, args.refresh);
    // A script is not asked, and neither is who sends the answer elsewhere.
    let can_ask = app.can_ask && app.screen.is_terminal && !app.json && args.guard.is_empty();
    let allowed = match app.limits.allowed {
        None if !found.accounts.all().is_empty() && can_ask => consent(app)?,
        allowed => allowed == Some(true),
    };
    if refresh && !allowed {
        app.out.warning("the service may not be asked; this is what files tell");
        if app.limits.config_file.is_some() {
            app.out.hint(&format!("`cco config set {} true` allows it", keys::ENDPOINT));
        }
    }
    let asked = if allowed { ask(app, &found, refresh)? } else { Asked::default() };
    Ok((found, asked))
}

fn ask(app: &mut App<'_>, found: &Found, refresh: bool) -> Result<Asked, CliError> {
    let due = app.engine.due(found, refresh)?;
    if due.is_empty() {
        return Ok(Asked::default());
    }
    // Who cannot remember when it asked last would ask every time.
    let (asking, reason) = match &app.limits.asking {
        None => (None, "nothing is kept after this run".to_owned()),
        Some(asking) => match home::make_writable(&asking.state) {
            Ok(()) => (Some(asking), String::new()),
            Err(error) => (None, format!("cannot write to {}: {}", asking.state.display(), why(&error))),
        },
    };
    let Some(asking) = asking else {
        let fault = format!("the service is not asked, since an answer cannot be remembered: {reason}");
        return Ok(Asked { faults: vec![fault], ..Asked::default() });
    };
    let clock = || env::later().map_or(app.now.timestamp(), |now| now).as_millisecond();
    app.engine.ask(found, &due, asking, &clock)?.map_err(|unusable| CliError::usage(unusable.to_string()))
}

/// Asks once whether the service may be asked, and remembers the answer.
fn consent(app: &mut App<'_>) -> Result<bool, CliError> {
    let Some(config) = app.limits.config_file.clone() else { return Ok(false) };
    let answer = super::ask::consent(app.out, &config)?;
    app.limits.allowed = answer.or(app.limits.allowed);
    Ok(answer == Some(true))
}

/// What is known, of the accounts that were chosen.
fn known(
    app: &App<'_>,
    args: &LimitsArgs,
    found: &Found,
    asked: &Asked,
) -> Result<Vec<AccountLimits>, CliError> {
    let chosen = choose::accounts(&args.account, &app.engine.accounts()?)?;
    let mut limits = app.engine.limits(found, &asked.troubles, app.now.time_zone())?;
    limits.retain(|known| chosen.as_ref().is_none_or(|rows| rows.contains(&known.account.row)));
    Ok(limits)
}

fn tell_how_to_know_more(app: &mut App<'_>, limits: &[AccountLimits]) {
    if limits.iter().all(|known| known.windows.is_empty()) && app.limits.allowed != Some(true) {
        app.out.note("nothing is known of these limits yet");
        app.out.hint(&format!("`cco config set {} true` lets cco ask the service", keys::ENDPOINT));
    }
}

/// Says which guards are reached, and which cannot be judged.
fn guarded(app: &mut App<'_>, guards: &[Guard], limits: &[AccountLimits]) -> Result<Exit, CliError> {
    let mut verdicts: BTreeMap<Verdict, Vec<String>> = BTreeMap::new();
    for guard in guards {
        for (verdict, words) in page::judge(guard, limits) {
            verdicts.entry(verdict).or_default().push(words);
        }
    }
    for words in
        verdicts.iter().filter(|(verdict, _)| **verdict != Verdict::Below).flat_map(|(_, words)| words)
    {
        app.out.warning(words);
    }
    Ok(match verdicts.keys().next_back() {
        Some(Verdict::Reached) => Exit::Problem,
        Some(Verdict::CannotTell) => Exit::CannotTell,
        Some(Verdict::Below) | None => Exit::Done,
    })
}

/// Looks again and again until a key is pressed.
fn watch(app: &mut App<'_>, args: &LimitsArgs) -> Result<(), CliError> {
    if app.json || !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(CliError::usage("--watch needs a terminal").hint("`cco limits --json` is for scripts"));
    }
    take_in(app, args)?;
    let _screen = LiveScreen::enter()?;
    loop {
        app.refresh_now()?;
        let (found, _) = app.engine.look_at_accounts()?;
        let asked =
            if app.limits.allowed == Some(true) { ask(app, &found, false)? } else { Asked::default() };
        let all = app.engine.limits(&found, &asked.troubles, app.now.time_zone())?;
        alarm::raise(app, &all, false);
        let limits = known(app, args, &found, &asked)?;
        let page = page::render(&limits, &app.now, env::stdout_columns()) + &page::foot(&app.now);
        let page = if app.out.is_plain() { strip_str(&page).to_string() } else { page };
        LiveScreen::show(&page)?;
        if key_within(LOOK_EVERY)? {
            return Ok(());
        }
    }
}
