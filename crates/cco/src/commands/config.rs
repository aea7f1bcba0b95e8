//! `cco config`: where the settings are, what they are and why, changing one, checking all, an editor for them.
//!
//! Must not: have rules about values or a way of reading them; `config` has.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use cco_daemon::lock;
use serde_json::{Value as Json, json};

use crate::args::{CommonArgs, ConfigCommand, ConfigSet};
use crate::config::check::{Checked, check};
use crate::config::edit::remove::{has_value, without_value};
use crate::config::edit::{Target, template, with_value};
use crate::config::keys::{self, KEYS, Key, Value};
use crate::config::prices::{OwnPrice, rate_of};
use crate::config::{Config, Source, Sourced, read_if_there};
use crate::env::{CCO_HOME, Env};
use crate::error::{CliError, Exit, why};
use crate::print::fit::wrap;
use crate::print::{FAINT, Output, json, styled, text};
use crate::{home, places};

/// The editor where neither variable names one.
const EDITOR: &str = "vi";
/// Tries of a change while another program changes the file too.
const TRIES: u32 = 5;

/// Runs the command.
pub(super) fn run(
    command: &ConfigCommand,
    common: &CommonArgs,
    env: &Env,
    out: &mut Output,
) -> Result<Exit, CliError> {
    let path = home::config_file(home::folder(env)?.as_deref()).ok_or_else(|| {
        CliError::failed(format!("neither {CCO_HOME} nor HOME is set: there is no place for settings"))
    })?;
    match command {
        ConfigCommand::Path => show_path(&path, common.json, out),
        ConfigCommand::Show => show(&path, common, env, out),
        ConfigCommand::Get(args) => get(&path, &args.key, common, env, out),
        ConfigCommand::Set(args) => set(&path, args, env, out),
        ConfigCommand::Unset(args) => unset(&path, &args.key, env, out),
        ConfigCommand::Check => tell(check(Some(&path), env)?, &path, common.json, out),
        ConfigCommand::Edit => edit(&path, env, out),
    }
}

fn show_path(path: &Path, json: bool, out: &mut Output) -> Result<Exit, CliError> {
    let there = path.exists();
    if json {
        out.data(&json::render(&json!({ "path": path.display().to_string(), "exists": there }))?)?;
        return Ok(Exit::Done);
    }
    out.data(&format!("{}\n", path.display()))?;
    if !there {
        out.note("there is no such file: all settings are defaults");
    }
    Ok(Exit::Done)
}

/// The settings as reports would take them.
fn load(path: &Path, common: &CommonArgs, env: &Env) -> Result<Config, CliError> {
    let mut config = Config::load(Some(path), env)?;
    if let Some(zone) = &common.timezone {
        config.set(keys::stats::TIMEZONE, zone, Source::Flag("--timezone"))?;
    }
    config.refused().into_iter().try_for_each(Err)?;
    Ok(config)
}

/// The value of one setting, and nothing else, for scripts.
fn get(path: &Path, name: &str, common: &CommonArgs, env: &Env, out: &mut Output) -> Result<Exit, CliError> {
    let config = load(path, common, env)?;
    let key = match Target::named(name)? {
        Target::Key(key) => key,
        Target::Rate { model, class } => return get_rate(&config, &model, class, common, out),
    };
    if common.json {
        out.data(&json::render(&setting_json(key, &config))?)?;
        return Ok(Exit::Done);
    }
    let value = config
        .value(key.path)
        .ok_or_else(|| CliError::failed(format!("`{}` is not set, and has no default", key.path)))?;
    out.data(&match &value.value {
        Value::Text(text) => format!("{}\n", text::clean(text)),
        value => format!("{}\n", text::clean(&value.to_string())),
    })?;
    Ok(Exit::Done)
}

/// The rate that holds: the user's own, else the price list's.
fn get_rate(
    config: &Config,
    model: &str,
    class: &str,
    common: &CommonArgs,
    out: &mut Output,
) -> Result<Exit, CliError> {
    let list = config.price_list();
    let priced = list.find(model);
    let rate = priced.and_then(|priced| rate_of(&priced.rates, class));
    if common.json {
        // By whatever name: a list may have several for one model.
        let is_meant = |own: &&OwnPrice| {
            list.find(&own.rates.model) == priced && own.classes().iter().any(|(name, _)| *name == class)
        };
        let own = config.prices.iter().find(is_meant);
        out.data(&json::render(&json!({
            "key": format!("prices.{model:?}.{class}"),
            "value": rate,
            "source": if own.is_some() { "file" } else { "default" },
            "place": own.map(|own| &own.place),
            "effective": true,
        }))?)?;
        return Ok(Exit::Done);
    }
    let rate = rate.ok_or_else(|| {
        CliError::failed(format!("{} has no price for {class}", text::clean(model)))
            .hint("`cco config set` gives it one, in dollars for a million tokens")
    })?;
    out.data(&format!("{rate}\n"))?;
    Ok(Exit::Done)
}

/// Every setting with where it comes from.
fn show(path: &Path, common: &CommonArgs, env: &Env, out: &mut Output) -> Result<Exit, CliError> {
    let config = load(path, common, env)?;
    if common.json {
        out.data(&json::render(&shown_json(path, &config))?)?;
        return Ok(Exit::Done);
    }
    config.warnings.iter().for_each(|warning| out.warning(warning));
    let lines: Vec<(String, String)> = shown_lines(&config);
    let wide = lines.iter().map(|(setting, _)| setting.chars().count()).max().unwrap_or_default();
    for (setting, source) in lines.iter().map(|(setting, source)| (text::clean(setting), text::clean(source)))
    {
        out.data(&format!("{setting:<wide$}  {}\n", styled(FAINT, &format!("# {source}"))))?;
    }
    Ok(Exit::Done)
}

fn shown_lines(config: &Config) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for key in KEYS {
        let idle = if key.idle.is_some() { ", no effect yet" } else { "" };
        lines.push(match config.value(key.path) {
            Some(Sourced { value, source }) => (format!("{} = {value}", key.path), format!("{source}{idle}")),
            None => (format!("{} is not set", key.path), format!("default{idle}")),
        });
    }
    for own in &config.prices {
        for (class, rate) in own.classes() {
            let name = format!("{}.{:?}.{class}", keys::PRICES, own.rates.model);
            lines.push((format!("{name} = {rate}"), own.place.clone()));
        }
    }
    lines
}

fn shown_json(path: &Path, config: &Config) -> Json {
    let settings: Vec<Json> = KEYS.iter().map(|key| setting_json(key, config)).collect();
    let prices: Vec<Json> = config
        .prices
        .iter()
        .map(|own| {
            let rates: serde_json::Map<String, Json> = own
                .classes()
                .into_iter()
                .map(|(class, rate)| (class.to_owned(), Json::String(rate)))
                .collect();
            json!({ "model": own.rates.model, "place": own.place, "rates": rates })
        })
        .collect();
    json!({ "path": path.display().to_string(), "settings": settings, "prices": prices })
}

fn setting_json(key: &Key, config: &Config) -> Json {
    let value = config.value(key.path);
    let (kind, place) = source_json(value.map_or(&Source::Default, |value| &value.source));
    json!({
        "key": key.path,
        "value": value.map(|value| value_json(&value.value)),
        "source": kind,
        "place": place,
        "effective": key.idle.is_none(),
    })
}

fn source_json(source: &Source) -> (&'static str, Option<&str>) {
    match source {
        Source::Default => ("default", None),
        Source::File(place) => ("file", Some(place)),
        Source::Variable(name) => ("environment", Some(name)),
        Source::Flag(name) => ("flag", Some(name)),
    }
}

fn value_json(value: &Value) -> Json {
    match value {
        Value::Flag(flag) => json!(flag),
        Value::Whole(number) => json!(number),
        Value::Text(text) => json!(text),
        Value::Texts(texts) => json!(texts),
        Value::Lists(lists) => json!(lists),
        Value::Wholes(numbers) => json!(numbers),
    }
}

/// Changes one value in the file, and nothing else.
fn set(path: &Path, args: &ConfigSet, env: &Env, out: &mut Output) -> Result<Exit, CliError> {
    let (target, value) = write(path, &args.key, &args.value)?;
    out.note(&format!("{} = {value} in {}", target.name(), path.display()));
    warn_of_what_goes_before(&target, env, out);
    if let Target::Key(key) = &target
        && [keys::daemon::LISTEN, keys::daemon::ALLOW_REMOTE].contains(&key.path)
        && let Ok(config) = Config::load(Some(path), env)
        && let Err(wrong) = keys::daemon::listen(&config)
    {
        out.warning(&format!("{}: no daemon starts", wrong.message));
        out.hint(&wrong.hint);
    }
    hint_at_history(&target, out);
    hint_at_restart(&target, env, out);
    Ok(Exit::Done)
}

/// Writes one value, as it would be typed; returns what was set and how TOML has it.
pub(super) fn write(path: &Path, key: &str, typed: &[String]) -> Result<(Target, String), CliError> {
    let target = Target::named(key)?;
    let value = target.value(typed)?;
    change(path, |text| {
        with_value(text, &target.path(), &value)
            .ok_or_else(|| no_way(path, &format!("there is no place for `{}`", target.name())))
    })?;
    Ok((target, value))
}

/// Adds a text to a list in the file, unless one of its texts is known to mean the same. Looks at the list that is in
/// the file by then, so that two who add at once both do.
pub(super) fn add(
    path: &Path,
    key: &str,
    text: &str,
    is_known: &dyn Fn(&str) -> bool,
) -> Result<(), CliError> {
    let target = Target::named(key)?;
    change(path, |file| {
        let mut all = texts(file, &target.path());
        if all.iter().any(|known| is_known(known)) {
            return Ok(file.to_owned());
        }
        all.push(text.to_owned());
        with_value(file, &target.path(), &target.value(&all)?)
            .ok_or_else(|| no_way(path, &format!("there is no place for `{}`", target.name())))
    })
}

/// Takes texts out of a list in the file; says whether there were any.
pub(super) fn take_out(path: &Path, key: &str, is_meant: &dyn Fn(&str) -> bool) -> Result<bool, CliError> {
    let target = Target::named(key)?;
    if !texts(&read(path)?, &target.path()).iter().any(|text| is_meant(text)) {
        return Ok(false);
    }
    change(path, |file| {
        let (meant, rest): (Vec<String>, Vec<String>) =
            texts(file, &target.path()).into_iter().partition(|text| is_meant(text));
        match (meant.is_empty(), rest.is_empty()) {
            (true, _) => Ok(file.to_owned()),
            (false, true) => without_value(file, &target.path())
                .ok_or_else(|| no_way(path, &format!("there is no way to take `{}` out", target.name()))),
            (false, false) => with_value(file, &target.path(), &target.value(&rest)?)
                .ok_or_else(|| no_way(path, &format!("there is no place for `{}`", target.name()))),
        }
    })?;
    Ok(true)
}

/// The texts of a list as it is set in the file.
pub(super) fn listed(path: &Path, key: &str) -> Result<Vec<String>, CliError> {
    Ok(texts(&read(path)?, &Target::named(key)?.path()))
}

/// The texts of a list in the file; none where there is no such list.
fn texts(file: &str, path: &[&str]) -> Vec<String> {
    let table = file.parse::<toml::Table>().unwrap_or_default();
    let list = path.iter().try_fold(toml::Value::Table(table), |value, part| value.get(part).cloned());
    let list = list.as_ref().and_then(toml::Value::as_array).into_iter().flatten();
    list.filter_map(toml::Value::as_str).map(str::to_owned).collect()
}

/// Takes one value out of the file, and nothing else; says what holds now.
fn unset(path: &Path, key: &str, env: &Env, out: &mut Output) -> Result<Exit, CliError> {
    let target = Target::named(key)?;
    let (name, shown) = (target.name(), path.display());
    // Looked at first, so that nothing is made where there is nothing to take out.
    if !has_value(&read(path)?, &target.path()) {
        out.note(&format!("{name} is not set in {shown}; {}", what_holds(&target, path, env)?));
        return Ok(Exit::Done);
    }
    change(path, |text| {
        if !has_value(text, &target.path()) {
            return Ok(text.to_owned());
        }
        without_value(text, &target.path())
            .ok_or_else(|| no_way(path, &format!("there is no way to take `{name}` out")))
    })?;
    out.note(&format!("{name} is taken out of {shown}; {}", what_holds(&target, path, env)?));
    hint_at_history(&target, out);
    hint_at_restart(&target, env, out);
    Ok(Exit::Done)
}

/// What a setting is without the file's value, and where that comes from.
fn what_holds(target: &Target, path: &Path, env: &Env) -> Result<String, CliError> {
    let config = Config::load(Some(path), env)?;
    match target {
        Target::Key(key) => Ok(match config.value(key.path) {
            Some(Sourced { value, source }) => format!("it is {value} now ({source})"),
            None => "nothing else sets it".to_owned(),
        }),
        Target::Rate { model, class } => {
            let list = config.price_list();
            let rate = list.find(model).and_then(|priced| rate_of(&priced.rates, class));
            Ok(match rate {
                Some(rate) => format!("its rate is {rate} now (price list {})", list.id()),
                None => "such tokens have no price now".to_owned(),
            })
        }
    }
}

/// A new text for the file, made of what is there at that moment.
fn change(path: &Path, new_text: impl Fn(&str) -> Result<String, CliError>) -> Result<(), CliError> {
    let _turn = turn(path);
    for _ in 0..TRIES {
        let text = read(path)?;
        let new = new_text(&text)?;
        if new == text || write_over(path, &text, &new)? {
            return Ok(());
        }
    }
    Err(CliError::failed(format!("{} is changed by another program all the time", path.display())))
}

/// The file's text. One that is no TOML is refused in the words of every other command.
fn read(path: &Path) -> Result<String, CliError> {
    let text = read_if_there(path)?;
    toml::de::DeTable::parse(&text)
        .map(drop)
        .or_else(|_| crate::config::file::read(&path.display().to_string(), &text).map(drop))?;
    Ok(text)
}

fn no_way(path: &Path, what: &str) -> CliError {
    CliError::failed(format!("{}: {what} that leaves the rest as it is", path.display()))
        .hint("write it by hand: `cco config edit`")
}

fn hint_at_history(target: &Target, out: &mut Output) {
    if matches!(target, Target::Rate { .. }) {
        out.hint("calls that have a price keep it; `cco reprice --dry-run` shows what the new one changes");
    }
}

/// A daemon that runs follows every other setting at once.
fn hint_at_restart(target: &Target, env: &Env, out: &mut Output) {
    let Target::Key(key) = target else { return };
    let folder = home::folder(env).ok().flatten();
    if keys::daemon::is_read_once(key.path)
        && folder.is_some_and(|folder| lock::running(&places::state(&folder)).is_some())
    {
        out.hint("the daemon that runs takes it at its next start: `cco daemon restart`");
    }
}

fn warn_of_what_goes_before(target: &Target, env: &Env, out: &mut Output) {
    let Target::Key(key) = target else { return };
    if let Some(variable) = key.variable
        && crate::config::variable_value(variable, env).is_some()
    {
        out.warning(&format!("{variable} is set and goes before the file"));
    }
    if let Some(instead) = key.idle {
        out.warning(&format!("`{}` has no effect in this version{instead}", key.path));
    }
}

/// Other `cco` that set something wait until this is dropped. Without it (a file system that has no locks, a folder
/// that cannot be made) the change goes on: what cannot be written is told by whoever writes.
fn turn(path: &Path) -> Option<File> {
    let folder = path.parent()?;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).ok()?;
    let folder = File::open(folder).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

/// Puts a new text in the place of the old one, whole or not at all; false when the old one is no longer there. A link
/// stays a link.
fn write_over(path: &Path, old: &str, new: &str) -> Result<bool, CliError> {
    let failed = |error: &std::io::Error| {
        CliError::failed(format!("cannot write {}: {}", path.display(), why(error)))
            .hint("check that the folder is there, can be written and has room")
    };
    let real = real_file(path).map_err(|error| failed(&error))?;
    let folder = real.parent().unwrap_or(Path::new("/"));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| failed(&error))?;
    // The file is its owner's alone: `tempfile` makes it so.
    let mut file =
        tempfile::Builder::new().prefix(".config-").tempfile_in(folder).map_err(|error| failed(&error))?;
    file.write_all(new.as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .map_err(|error| failed(&error))?;
    if read_if_there(path)? != old {
        return Ok(false);
    }
    file.persist(&real).map_err(|error| failed(&error.error))?;
    Ok(true)
}

/// Where a file really is; a link that leads nowhere yet names the file to make.
fn real_file(path: &Path) -> std::io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == ErrorKind::NotFound => match std::fs::read_link(path) {
            Ok(target) => Ok(path.parent().unwrap_or(Path::new("/")).join(target)),
            Err(_) => Ok(path.to_owned()),
        },
        found => found,
    }
}

/// Opens the file in the user's editor, then says whether all is well.
fn edit(path: &Path, env: &Env, out: &mut Output) -> Result<Exit, CliError> {
    // What is there, a link too, is the editor's: it may be what has to be mended.
    if path.symlink_metadata().is_err() {
        write_over(path, "", &template())?;
    }
    let line = env.editor.as_deref().map_or(EDITOR.as_bytes(), OsStr::as_bytes);
    let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let mut words = words.map(OsStr::from_bytes);
    let program = words.next().unwrap_or(OsStr::new(EDITOR));
    let hint = "set VISUAL or EDITOR to the editor of your choice";
    let ended =
        Command::new(program).args(words).arg(path).status().map_err(|error| {
            CliError::failed(format!("cannot start {program:?}: {}", why(&error))).hint(hint)
        })?;
    if !ended.success() {
        return Err(
            CliError::failed(format!("{program:?} ended with {ended}; nothing was checked")).hint(hint)
        );
    }
    tell(check(Some(path), env)?, path, false, out)
}

/// Says what a check found.
fn tell(checked: Checked, path: &Path, json: bool, out: &mut Output) -> Result<Exit, CliError> {
    let ok = checked.errors.is_empty() && checked.doubts.is_empty();
    let exit = if ok { Exit::Done } else { Exit::Problem };
    let problems: Vec<(String, Vec<String>)> = checked
        .errors
        .into_iter()
        .map(|error| (error.message, error.hints))
        .chain(checked.doubts.into_iter().map(|(doubt, hint)| (doubt, hint.into_iter().collect())))
        .collect();
    if json {
        let shown: Vec<Json> =
            problems.iter().map(|(message, hints)| json!({ "message": message, "fix": hints })).collect();
        let path = path.display().to_string();
        let notes: Vec<&String> = checked.idle.iter().collect();
        out.data(&json::render(&json!({ "path": path, "problems": shown, "notes": notes, "ok": ok }))?)?;
        return Ok(exit);
    }
    for (message, hints) in &problems {
        out.warning(message);
        hints.iter().for_each(|hint| out.hint(hint));
    }
    checked.idle.iter().for_each(|idle| out.note(idle));
    if ok {
        let there =
            if path.exists() { "all is well" } else { "there is no such file: all settings are defaults" };
        let line = format!("{}: {there}\n", path.display());
        out.data(&wrap(&line, crate::env::stdout_columns()))?;
    }
    Ok(exit)
}
