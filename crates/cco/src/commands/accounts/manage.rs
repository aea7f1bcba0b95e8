//! `cco accounts manage` and `unmanage`: whose logins cco may renew.
//!
//! The answer is kept in `config.toml`, by the account's ids: where the user sees it, can take it back without cco, and
//! where no rebuilt ledger brings it back after that. Must not: renew anything.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use cco_engine::limits::{Asking, CannotManage};

use crate::app::App;
use crate::choose;
use crate::config::keys;
use crate::error::CliError;
use crate::print::text;

/// What there is to know before a login is handed over.
const WARNING: [&str; 5] = [
    "A refresh token works once. While cco holds this login, another program that renews it, or an older copy of it \
     that is put back, can log you out everywhere; so can cco, when it is killed in the very moment of an answer.",
    "It is renewed only when it has expired or has less than a minute left, and only while no Claude Code runs with it: \
     close Claude Code there.",
    "Only a login in a file (.credentials.json) is renewed, never one in a key store.",
    "Nobody promises that Anthropic gives a program other than Claude Code a new login.",
    "If it goes wrong: `claude /login` makes a new login. `cco accounts unmanage` leaves it to Claude Code again.",
];

/// Hands an account's login over.
pub(super) fn manage(app: &mut App<'_>, name: &str, yes: bool) -> Result<(), CliError> {
    let found = super::super::limits::look(app)?;
    let accounts = app.engine.accounts()?;
    let known = choose::account(name, &accounts)?;
    let label = choose::account_label(known);
    let Some(config) = app.limits.config_file.clone() else {
        return Err(CliError::failed("there is no config.toml in which that could be remembered"));
    };
    let Some(asking) = &app.limits.asking else {
        return Err(CliError::failed("nothing is kept after this run, so no login can be renewed safely"));
    };
    if app.limits.managed.contains(&known.id) {
        app.out.note(&format!("{label} is managed already"));
        return Ok(());
    }
    let directories = app.engine.can_manage(&found, &known.id, asking).map_err(|why| refused(&label, why))?;
    check_settings(asking)?;
    if !yes {
        if !app.can_ask || app.json {
            return Err(CliError::usage(
                "manage asks before it takes a login over, and nobody can answer here",
            )
            .hint(format!("`cco accounts manage {} --yes` hands it over without asking", text::name(name))));
        }
        if !confirmed(app, &label, &directories)? {
            app.out.note("nothing was changed; cco only reads this login");
            return Ok(());
        }
    }
    let id = known.id.clone();
    let same = |text: &str| keys::limits::account_id(text).as_ref() == Some(&id);
    super::super::config::add(&config, keys::limits::MANAGED, &id.to_string(), &same)?;
    app.out
        .note(&format!("{label} is managed: its login is renewed when it has expired, and nobody uses it"));
    if app.limits.allowed != Some(true) {
        app.out.hint(&format!(
            "that happens when the service is asked for limits; `cco config set {} true` allows that",
            keys::limits::ENDPOINT
        ));
    }
    app.out.hint(&format!("`cco accounts unmanage {}` takes it back", text::name(name)));
    Ok(())
}

/// Leaves an account's login to Claude Code again. One that the ledger does not know any more can be named by its id.
pub(super) fn unmanage(app: &mut App<'_>, name: &str) -> Result<(), CliError> {
    super::super::limits::look(app)?;
    let accounts = app.engine.accounts()?;
    let (id, label) = match (choose::account(name, &accounts), keys::limits::account_id(name)) {
        (Ok(known), _) => (known.id.clone(), choose::account_label(known)),
        (Err(_), Some(id)) if app.limits.managed.contains(&id) => (id.clone(), id.to_string()),
        (Err(wrong), _) => return Err(wrong),
    };
    let Some(config) = app.limits.config_file.clone() else { return Ok(()) };
    let same = |text: &str| keys::limits::account_id(text).as_ref() == Some(&id);
    if super::super::config::take_out(&config, keys::limits::MANAGED, &same)? {
        app.out.note(&format!("{label} is not managed any more; its login stays as it is, and is only read"));
    } else {
        app.out.note(&format!("{label} is not managed"));
    }
    Ok(())
}

fn refused(label: &str, why: CannotManage) -> CliError {
    let cannot = |why: &str| CliError::usage(format!("{label} cannot be managed: {why}"));
    match why {
        CannotManage::NotHere => cannot("no config directory on this machine holds it")
            .hint("log in with Claude Code, or name its directory: `cco accounts add DIR`"),
        CannotManage::InKeyStore => cannot("its login is in the system's key store")
            .hint("only logins in files are renewed; Claude Code renews the others when it is opened"),
        CannotManage::KeyStoreNotAllowed => cannot("its login may be in the system's key store")
            .hint(format!("`cco config set {} true` lets cco look there", keys::limits::KEYCHAIN)),
        CannotManage::NoFile => {
            cannot("there is no login in its directory").hint("run `claude /login` with that directory first")
        }
        CannotManage::NotRenewable => {
            cannot("its login has no refresh token").hint("`claude /login` makes one that has")
        }
    }
}

fn check_settings(asking: &Asking) -> Result<(), CliError> {
    if asking.renewing.client_id.is_none() {
        return Err(CliError::usage(format!(
            "`{}` is not set, and without it no login can be renewed",
            keys::limits::CLIENT_ID
        ))
        .hint("it is the OAuth client that the login was made for; cco knows none and guesses none")
        .hint(format!("`cco config set {} ID` sets it", keys::limits::CLIENT_ID)));
    }
    if asking.renewing.home.is_none() {
        return Err(CliError::usage("HOME is not set, so Claude Code's locks cannot be found"));
    }
    Ok(())
}

/// Says what it means, and asks on stderr; anything but a yes is a no.
fn confirmed(app: &mut App<'_>, label: &str, directories: &[PathBuf]) -> Result<bool, CliError> {
    let places: Vec<String> = directories.iter().map(|path| path.display().to_string()).collect();
    let places = text::clean(&places.join(", ")).into_owned();
    let told: String = WARNING.iter().map(|line| format!("- {line}\n")).collect();
    app.out.aside(&format!(
        "Hand the login of {label} in {places} over to cco?\n{told}May cco renew it? [y/N] "
    ));
    debug_assert!(std::io::stdin().is_terminal(), "nobody else is asked");
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| CliError::failed(format!("cannot read the answer: {error}")))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
