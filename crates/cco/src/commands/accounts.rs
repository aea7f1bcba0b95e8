//! `cco accounts`: the logins of Claude Code that were seen on this machine.
//!
//! Must not: renew a login; one that is handed over is renewed when the service is asked.

mod manage;

use std::path::{Path, PathBuf};

use cco_engine::limits::{Found, KnownAccount, Observed, SeenAccount};
use cco_engine::report::{Filter, Only, Period};
use serde_json::{Value, json};

use crate::app::App;
use crate::args::{AccountsCommand, SpanArgs};
use crate::choose;
use crate::config::keys;
use crate::error::CliError;
use crate::print::fit::{Keep, Squeeze};
use crate::print::table::{align, word};
use crate::print::{FAINT, STRONG, json, styled, text};

/// Runs the command.
pub(super) fn run(app: &mut App<'_>, command: Option<&AccountsCommand>) -> Result<(), CliError> {
    match command {
        None | Some(AccountsCommand::List) => list(app),
        Some(AccountsCommand::Add { dir }) => add(app, dir),
        Some(AccountsCommand::Rename { account, name }) => rename(app, account, name),
        Some(AccountsCommand::Remove { account }) => remove(app, account),
        Some(AccountsCommand::Manage { account, yes }) => manage::manage(app, account, *yes),
        Some(AccountsCommand::Unmanage { account }) => manage::unmanage(app, account),
    }
}

fn list(app: &mut App<'_>) -> Result<(), CliError> {
    let found = super::limits::look(app)?;
    let (accounts, removed): (Vec<KnownAccount>, Vec<KnownAccount>) =
        app.engine.accounts()?.into_iter().partition(|account| !account.removed);
    let unknown = unknown_calls(app)?;
    if app.json {
        let rows: Vec<Value> =
            accounts.iter().map(|account| json(account, &found, is_managed(app, account))).collect();
        return app.out.data(&json::render(&json!({ "accounts": rows, "unknownCalls": unknown }))?);
    }
    if accounts.is_empty() {
        tell_of_none(app, &removed);
        return Ok(());
    }
    let any_managed = accounts.iter().any(|account| is_managed(app, account));
    let mut header = ["Account", "E-mail", "Config directory"].map(str::to_owned).to_vec();
    header.extend(any_managed.then(|| "Login".to_owned()));
    let mut lines = vec![header];
    let labels = choose::account_labels(&accounts.iter().collect::<Vec<_>>());
    for (account, name) in accounts.iter().zip(labels) {
        let places = directories(account, &found);
        let place = if places.is_empty() { "none now".to_owned() } else { places.join(", ") };
        let email = if account.name.is_empty() { String::new() } else { text::name(&account.email) };
        let mut line = vec![name, email, text::clean(&place).into_owned()];
        line.extend(any_managed.then(|| login_words(is_managed(app, account))));
        lines.push(line);
    }
    if unknown > 0 {
        let calls = text::plural(unknown, "call", "calls");
        let mut line =
            vec![choose::UNKNOWN.to_owned(), String::new(), format!("{calls} of no known account")];
        line.extend(any_managed.then(String::new));
        lines.push(line);
    }
    let mut columns = vec![
        word(0, Squeeze::Before(9, Keep::Start)),
        word(1, Squeeze::Never),
        word(0, Squeeze::Before(5, Keep::End)),
        word(0, Squeeze::Never),
    ];
    if accounts.iter().all(|account| account.name.is_empty()) {
        // Addresses are the accounts' names then.
        columns.remove(1);
        lines.iter_mut().for_each(|line| drop(line.remove(1)));
    }
    let columns = &columns[..lines.first().map_or(0, Vec::len)];
    let rows = align(lines, columns, app.screen.columns);
    let page: String = rows
        .iter()
        .enumerate()
        .map(|(row, line)| if row == 0 { format!("{}\n", styled(STRONG, line)) } else { format!("{line}\n") })
        .collect();
    app.out.data(&page)?;
    let gone = accounts.iter().filter(|account| directories(account, &found).is_empty()).count();
    if gone > 0 {
        let words = "`cco accounts remove NAME` takes one off the list; what was counted stays";
        app.out.data(&format!("{}\n", styled(FAINT, words)))?;
    }
    Ok(())
}

/// Calls of the ledger whose account is not known.
fn unknown_calls(app: &App<'_>) -> Result<u64, CliError> {
    let only = Only { accounts: Some([0].into()), ..Only::default() };
    let all = Filter { only, ..app.span(&SpanArgs::default()) };
    Ok(app.engine.periods(&all, Period::Month)?.iter().map(|month| month.sums.calls).sum())
}

fn is_managed(app: &App<'_>, account: &KnownAccount) -> bool {
    app.limits.managed.contains(&account.id)
}

fn login_words(is_managed: bool) -> String {
    if is_managed { "renewed by cco" } else { "only read" }.to_owned()
}

fn directories(account: &KnownAccount, found: &Found) -> Vec<String> {
    let here = found.accounts.all().iter().find(|seen| seen.id == account.id);
    here.map_or_else(Vec::new, |seen| seen.directories.iter().map(|dir| dir.display().to_string()).collect())
}

fn json(account: &KnownAccount, found: &Found, is_managed: bool) -> Value {
    json!({
        "account": choose::account_label(account),
        "name": account.name,
        "email": account.email,
        "organizationUuid": &*account.id.organization,
        "accountUuid": &*account.id.account,
        "directories": directories(account, found),
        "managed": is_managed,
        "firstSeen": text::iso_ms(account.first_ms),
    })
}

/// Says why the list is empty, and what to do.
pub(super) fn tell_of_none(app: &mut App<'_>, removed: &[KnownAccount]) {
    let Some(first) = removed.first() else {
        app.out.note("no account of Claude Code was seen on this machine yet");
        app.out.hint("log in with Claude Code, or name its directory: `cco accounts add DIR`");
        return;
    };
    let number = text::plural(removed.len() as u64, "account is", "accounts are");
    app.out.note(&format!("{number} off the list, and there is no other"));
    let typed = choose::typed(first, removed);
    app.out.hint(&format!("`cco accounts rename {typed} NAME` brings it back"));
}

fn add(app: &mut App<'_>, dir: &Path) -> Result<(), CliError> {
    // A shell leaves `~` alone in quotes.
    let dir = app.limits.config_dir(dir);
    let dir: PathBuf = std::path::absolute(&dir).unwrap_or(dir).components().collect();
    if !dir.is_dir() {
        return Err(CliError::usage(format!("{} is no folder", dir.display()))
            .hint("a config directory of Claude Code holds .claude.json, .credentials.json or projects/"));
    }
    let (Some(path), Some(config)) = (dir.to_str(), app.limits.config_file.clone()) else {
        return Err(CliError::failed(format!("{} cannot be kept in config.toml", dir.display())));
    };
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let is_known = |known: &str| real(&app.limits.config_dir(Path::new(known))) == real(&dir);
    super::config::add(&config, keys::limits::CONFIG_DIRS, path, &is_known)?;
    app.engine.look_further(&dir);
    let found = super::limits::look(app)?;
    // Under another name it may be looked at already.
    match found.accounts.of_directory(&dir).or_else(|| found.accounts.of_directory(&real(&dir))) {
        Some(id) => {
            let accounts = app.engine.accounts()?;
            let label = accounts.iter().find(|known| known.id == *id).map(choose::account_label);
            app.out.note(&format!("{path} is looked at; it holds {}", label.unwrap_or_default()));
        }
        None if found.unread.iter().any(|(unread, _)| *unread == dir) => {
            app.out.note(&format!("{path} is looked at; who is logged in there cannot be told now"));
        }
        None => app.out.note(&format!("{path} is looked at; nobody is logged in there now")),
    }
    if dir.join("projects").is_dir() && !app.engine.roots().iter().any(|root| real(root) == real(&dir)) {
        let key = keys::stats::WATCH_PATHS;
        // Setting a list replaces it.
        let listed = super::config::listed(&config, key)?;
        let all: Vec<String> =
            listed.iter().map(String::as_str).chain([path]).map(text::shell_word).collect();
        let all = all.join(" ");
        app.out.hint(&format!("its transcripts are not counted: `cco config set {key} {all}` does that"));
    }
    Ok(())
}

fn rename(app: &mut App<'_>, account: &str, name: &str) -> Result<(), CliError> {
    // Who was not looked for yet can be named all the same.
    super::limits::look(app)?;
    let accounts = app.engine.accounts()?;
    let known = choose::account(account, &accounts)?;
    let name = name.trim();
    check_name(name, known, &accounts)?;
    say_of(app, known, Some(name.to_owned()), Some(false))?;
    let words = match name {
        "" => format!("{} has no name of yours any more", text::name(account)),
        name => format!("{} is called {} now", text::name(account), text::name(name)),
    };
    app.out.note(&words);
    Ok(())
}

/// A name must be seen as it is, and mean one account.
fn check_name(name: &str, known: &KnownAccount, accounts: &[KnownAccount]) -> Result<(), CliError> {
    let wrong = |words: String| Err(CliError::usage(words).hint("choose another one"));
    if name == choose::UNKNOWN {
        return wrong(format!("{name:?} is what calls of no known account are called"));
    }
    if !name.is_empty() && text::name(name) != name {
        return wrong("the name is too long, or has characters that cannot be seen".to_owned());
    }
    match accounts.iter().find(|other| other.id != known.id && choose::called(other, name)) {
        Some(other) => {
            let mut unnamed = other.clone();
            unnamed.name.clear();
            wrong(format!("{name:?} is what {} is called", choose::typed(&unnamed, accounts)))
        }
        None => Ok(()),
    }
}

fn remove(app: &mut App<'_>, account: &str) -> Result<(), CliError> {
    super::limits::look(app)?;
    let accounts = app.engine.accounts()?;
    let known = choose::account(account, &accounts)?;
    say_of(app, known, None, Some(true))?;
    app.out.note(&format!("{} is off the list; what was counted stays", choose::account_label(known)));
    app.out.hint(&format!(
        "`cco accounts rename {} NAME` brings it back; its login was not touched",
        choose::typed(known, &accounts)
    ));
    Ok(())
}

fn say_of(
    app: &mut App<'_>,
    known: &KnownAccount,
    name: Option<String>,
    removed: Option<bool>,
) -> Result<(), CliError> {
    let (id, at_ms) = (known.id.clone(), app.instant().as_millisecond());
    let seen = SeenAccount { id, email: String::new(), at_ms, name, removed };
    let trouble = app.engine.observe(&Observed { accounts: vec![seen], ..Observed::default() })?;
    trouble.iter().for_each(|why| app.out.warning(why));
    if app.lasts {
        return Ok(());
    }
    Err(CliError::failed("nothing is kept after this run, and this neither"))
}
