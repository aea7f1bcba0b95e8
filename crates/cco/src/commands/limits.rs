//! `cco limits`: how near the limits of the plan are, for every account.
//!
//! Must not: work out what a reading means, or touch a login.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use anstream::adapter::strip_str;
use cco_engine::limits::{AccountLimits, Asked, Found};
use jiff::Timestamp;

use super::alarm;
use super::live::{LiveScreen, Woken};
use crate::app::App;
use crate::args::{Guard, LimitsArgs};
use crate::config::keys;
use crate::error::{CliError, Exit, why};
use crate::print::limits::renewal::{self, Said};
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
    renewals(app, &asked)?.iter().for_each(|said| tell(app, said));
    if args.refresh {
        let all = app.engine.limits(&found, &asked.tries, app.now.time_zone())?;
        alarm::raise(app, &all, true);
        share(app, &found, &all).iter().for_each(|fault| app.out.warning(fault));
    }
    let mut limits = known(app, args, &found, &asked)?;
    if limits.iter().any(AccountLimits::lacks_five_hours) {
        // What this machine used stands in, so all of it has to be counted.
        match app.scan_quietly() {
            Err(error) if error.is_busy => app.out.warning(
                "another cco is at work on the ledger: what this machine used may not be counted yet",
            ),
            scanned => scanned?,
        }
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
    if args.refresh {
        tell_who_was_not_asked_for(app, &limits, &asked);
    }
    if args.account.is_empty() && limits.iter().any(|known| !known.is_logged_out) {
        // What nobody is logged in with here can never be told again, and nothing here uses it up.
        limits.retain(|known| !known.is_logged_out);
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

/// What came of renewing logins, in words.
fn renewals(app: &App<'_>, asked: &Asked) -> Result<Vec<Said>, CliError> {
    let accounts = if asked.renewals.is_empty() { Vec::new() } else { app.engine.accounts()? };
    let said = asked.renewals.iter().filter_map(|renewal| {
        let known = accounts.iter().find(|known| known.id == renewal.account);
        let label = known.map_or_else(|| renewal.account.to_string(), choose::account_label);
        renewal::said(renewal, &label, &app.now)
    });
    Ok(said.collect())
}

fn tell(app: &mut App<'_>, said: &Said) {
    match said {
        Said::Note(words) => app.out.note(words),
        Said::Warning(words, hint) => {
            app.out.warning(words);
            hint.iter().for_each(|hint| app.out.hint(hint));
        }
    }
}

/// Ends what killed processes began with logins, also where nothing is asked and nobody is managed any more.
fn recover(app: &mut App<'_>, found: &Found) {
    let Some(asking) = &app.limits.asking else { return };
    let clock = || clock_ms(app.now.timestamp());
    let ended = app.engine.recover_logins(found, asking, &clock);
    let said: Vec<Said> =
        ended.iter().filter_map(|(path, result)| renewal::said_of_recovery(path, result)).collect();
    said.iter().for_each(|said| tell(app, said));
}

/// The clock at this moment; where it cannot be read, the moment at which the run began.
fn clock_ms(began: Timestamp) -> i64 {
    env::later().unwrap_or(began).as_millisecond()
}

/// Looks at all files that tell of accounts and limits.
pub(super) fn look(app: &mut App<'_>) -> Result<Found, CliError> {
    let (found, trouble) = app.engine.look_at_accounts()?;
    trouble.iter().for_each(|why| app.out.warning(why));
    for (path, why) in &found.unread {
        app.out.warning(&format!("{} was passed over: {}", path.display(), text::clean(why)));
    }
    recover(app, &found);
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
            app.out.hint(&format!("`cco config set {} true` allows it", keys::limits::ENDPOINT));
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
    let clock = || clock_ms(app.now.timestamp());
    app.engine.ask(found, &due, asking, &clock)?.map_err(|unusable| CliError::usage(unusable.to_string()))
}

/// Tells older tools what is known, where the user wants that. Returns what could not be written.
fn share(app: &mut App<'_>, found: &Found, limits: &[AccountLimits]) -> Vec<String> {
    if !app.limits.share {
        return Vec::new();
    }
    // What a busy ledger could not take in is counted the next time; a cost that is old by then would look new.
    let counted = app.scan_quietly().and_then(|()| app.glance());
    let glance = counted.as_ref().ok().filter(|glance| glance.calls_ever > 0);
    let is_asking = app.limits.allowed == Some(true);
    let faults = app.engine.share(found, limits, glance, is_asking);
    faults.into_iter().map(|fault| format!("older tools are not told: {fault}")).collect()
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
    let asking = app.limits.asking.as_ref().filter(|_| app.limits.allowed == Some(true));
    let tries = match asking {
        Some(asking) => app.engine.tries(found, asking, asked.tries.clone()),
        None => asked.tries.clone(),
    };
    let mut limits = app.engine.limits(found, &tries, app.now.time_zone())?;
    limits.retain(|known| chosen.as_ref().is_none_or(|rows| rows.contains(&known.account.row)));
    Ok(limits)
}

/// Whoever wants new numbers at once is told why there are none, and when there will be.
fn tell_who_was_not_asked_for(app: &mut App<'_>, limits: &[AccountLimits], asked: &Asked) {
    for (known, label) in limits.iter().zip(page::labels(limits)) {
        let Some(again) = page::next_try(known, &app.now) else { continue };
        if !asked.not_asked.contains(&known.account.id) {
            continue;
        }
        let words = match known.trouble {
            Some(trouble) => {
                format!("not asked for {label}: {}; next try {again}", trouble.long(app.now.time_zone()))
            }
            None => format!("not asked for {label}: what it said last is fresh; next try {again}"),
        };
        app.out.note(&words);
    }
}

fn tell_how_to_know_more(app: &mut App<'_>, limits: &[AccountLimits]) {
    if limits.iter().all(|known| known.windows.is_empty()) && app.limits.allowed != Some(true) {
        app.out.note("nothing is known of these limits yet");
        app.out.hint(&format!("`cco config set {} true` lets cco ask the service", keys::limits::ENDPOINT));
        app.out.hint("or type what Claude Code shows: docs/limits.md has the form of subscription.yaml");
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
    let screen = LiveScreen::enter()?;
    let mut is_first = true;
    loop {
        app.refresh_now()?;
        let (found, _) = app.engine.look_at_accounts()?;
        let asked =
            if app.limits.allowed == Some(true) { ask(app, &found, false)? } else { Asked::default() };
        let all = app.engine.limits(&found, &asked.tries, app.now.time_zone())?;
        alarm::raise(app, &all, false);
        if !asked.whom.is_empty() || is_first {
            let _ = share(app, &found, &all);
        }
        is_first = false;
        app.leave_snapshot();
        let limits = known(app, args, &found, &asked)?;
        let said = renewals(app, &asked)?;
        let begun = Instant::now();
        loop {
            let mut page = page::watched(&limits, &app.now, env::stdout_columns(), env::stdout_rows());
            // A low terminal has room for numbers only.
            if page.ends_with('\n') {
                page += &page::notes(said.iter().map(Said::words), env::stdout_columns());
            }
            let page = if app.out.is_plain() { strip_str(&page).to_string() } else { page };
            LiveScreen::show(&page)?;
            match screen.wait(LOOK_EVERY.saturating_sub(begun.elapsed()))? {
                Woken::End => return Ok(()),
                Woken::Redraw if begun.elapsed() < LOOK_EVERY => {}
                Woken::Redraw | Woken::Rested => break,
            }
        }
    }
}
