//! `cco daemon install` and `uninstall`: the system starts the daemon at every login, or does so no more.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::LOGS;
use super::unit::{LAUNCHD, SYSTEMD, Variable, launchd, systemd};
use crate::child::ends_within;
use crate::env::{self, CCO_HOME, CLAUDE_CONFIG_DIR, Env};
use crate::error::{CliError, Exit, why};
use crate::print::Output;

/// A unit is no longer, in bytes.
const MOST_BYTES: u64 = 64 << 10;
/// How long the system's own tool may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Writes the unit, and has the system follow it.
pub(super) fn install(folder: &Path, env: &Env, out: &mut Output) -> Result<Exit, CliError> {
    let path = unit_path(env)?;
    let text =
        unit(folder, env).ok_or_else(|| CliError::failed("the file of this program cannot be found"))?;
    write(&path, &text)?;
    out.note(&format!("{} is written", path.display()));
    for words in followed(&path) {
        if let Err(reason) = run(&words) {
            out.warning(&format!("`{}`: {reason}", words.join(" ")));
            out.hint("run it where a user session of the system is at hand; until then `cco daemon start` starts it");
            return Ok(Exit::Failed);
        }
    }
    out.note("the daemon runs now, and at every login");
    Ok(Exit::Done)
}

/// Takes the unit away.
pub(super) fn uninstall(env: &Env, out: &mut Output) -> Result<Exit, CliError> {
    let path = unit_path(env)?;
    if !path.exists() {
        out.note(&format!("nothing is installed: {} is not there", path.display()));
        return Ok(Exit::Done);
    }
    for words in left(&path) {
        if let Err(reason) = run(&words) {
            out.warning(&format!("`{}`: {reason}", words.join(" ")));
        }
    }
    fs::remove_file(&path).map_err(|error| {
        CliError::failed(format!("{} cannot be removed: {}", path.display(), why(&error)))
    })?;
    out.note(&format!("{} is gone; the daemon is not started at login any more", path.display()));
    Ok(Exit::Done)
}

/// The unit that the system follows, and whether it is the one that would be written now; none: there is none.
pub(crate) fn installed(folder: &Path, env: &Env) -> Option<(PathBuf, bool)> {
    let path = unit_path(env).ok()?;
    let is_small = path.metadata().is_ok_and(|about| about.is_file() && about.len() < MOST_BYTES);
    let text = fs::read_to_string(&path).ok().filter(|_| is_small)?;
    Some((path, unit(folder, env).is_some_and(|ours| ours == text)))
}

/// What the system is told.
fn unit(folder: &Path, env: &Env) -> Option<String> {
    let program = env::program()?;
    let home = env.cco_home.as_ref().map(|home| home.to_string_lossy().into_owned());
    let config = env.claude_config_dir.as_ref().map(|dir| dir.to_string_lossy().into_owned());
    let variables: Vec<Variable<'_>> = [(CCO_HOME, home.as_deref()), (CLAUDE_CONFIG_DIR, config.as_deref())]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    Some(match cfg!(target_os = "macos") {
        true => launchd(&program, &variables, &folder.join(LOGS).join(cco_daemon::log::FILE)),
        false => systemd(&program, &variables),
    })
}

/// Where the unit stands.
fn unit_path(env: &Env) -> Result<PathBuf, CliError> {
    let home = env
        .home
        .as_ref()
        .ok_or_else(|| CliError::failed("HOME is not set: there is no place for the unit"))?;
    Ok(match cfg!(target_os = "macos") {
        true => home.join("Library/LaunchAgents").join(format!("{LAUNCHD}.plist")),
        false => {
            let config = env.xdg_config_home.clone().unwrap_or_else(|| home.join(".config"));
            config.join("systemd/user").join(SYSTEMD)
        }
    })
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let written = fs::DirBuilder::new().recursive(true).mode(0o755).create(folder).and_then(|()| {
        let new = tempfile::NamedTempFile::new_in(folder)?;
        fs::write(new.path(), text)?;
        new.persist(path).map(drop).map_err(|error| error.error)
    });
    written
        .map_err(|error| CliError::failed(format!("{} cannot be written: {}", path.display(), why(&error))))
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// What has the system follow the unit.
fn followed(path: &Path) -> Vec<Vec<String>> {
    match cfg!(target_os = "macos") {
        true => vec![words(&["launchctl", "bootstrap", &domain(), &path.to_string_lossy()])],
        false => vec![
            words(&["systemctl", "--user", "daemon-reload"]),
            words(&["systemctl", "--user", "enable", "--now", SYSTEMD]),
        ],
    }
}

/// What has it follow it no more.
fn left(path: &Path) -> Vec<Vec<String>> {
    match cfg!(target_os = "macos") {
        true => vec![words(&["launchctl", "bootout", &domain(), &path.to_string_lossy()])],
        false => vec![words(&["systemctl", "--user", "disable", "--now", SYSTEMD])],
    }
}

fn domain() -> String {
    format!("gui/{}", rustix::process::getuid().as_raw())
}

fn run(words: &[String]) -> Result<(), String> {
    let [program, arguments @ ..] = words else { return Ok(()) };
    let quiet = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = quiet.map_err(|error| format!("cannot be run: {}", why(&error)))?;
    match ends_within(&mut child, PATIENCE) {
        Some(status) if status.success() => Ok(()),
        Some(_) => Err("it failed".to_owned()),
        None => Err("it did not end".to_owned()),
    }
}
