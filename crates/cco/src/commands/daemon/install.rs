//! `cco daemon install` and `uninstall`: the system starts the daemon at every login, or does so no more.

use std::fs::{self, File};
use std::io::{Read, Seek};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::start::{self, tell_of_port};
use super::unit::{LAUNCHD, SYSTEMD, Variable, launchd, systemd};
use super::{in_brackets, stop};
use crate::child::ends_within;
use crate::env::{self, CCO_HOME, CLAUDE_CONFIG_DIR, Env};
use crate::error::{CliError, Exit, why};
use crate::print::Output;

/// A unit is no longer, in bytes, and of what a tool says no more is read.
const MOST_BYTES: u64 = 64 << 10;
/// How long the system's own tool may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Writes the unit, and has the system follow it.
pub(super) fn install(folder: &Path, env: &Env, out: &mut Output) -> Result<Exit, CliError> {
    let path = unit_path(env)?;
    let text = unit(env).ok_or_else(|| CliError::failed("the file of this program cannot be found"))?;
    let was_there = path.exists();
    write(&path, &text)?;
    // One that runs holds the lock: the unit's own would leave it to that one, which may not stay.
    let followed = prepare().and_then(|()| {
        stop::end(folder)?;
        follow(&path)
    });
    if let Err(error) = followed {
        out.warning(&error.message);
        if was_there || fs::remove_file(&path).is_err() {
            out.note(&format!("{} is written, and the system was not told of it", path.display()));
        } else {
            out.note("nothing is installed");
        }
        out.hint(
            "run it where a user session of the system is at hand; until then `cco daemon start` starts it",
        );
        return Ok(Exit::Failed);
    }
    out.note(&format!("{} is written", path.display()));
    match start::wait(folder) {
        Some(status) => {
            out.note(&format!("the daemon runs now, and at every login{}", in_brackets(Some(&status.about))));
            tell_of_port(&status.about, out);
            Ok(Exit::Done)
        }
        None => {
            out.warning("the system follows it, and no daemon answers yet");
            out.hint("`cco daemon logs` may say why");
            Ok(Exit::Failed)
        }
    }
}

/// Takes the unit away.
pub(super) fn uninstall(env: &Env, out: &mut Output) -> Result<Exit, CliError> {
    let path = unit_path(env)?;
    if !path.exists() {
        out.note(&format!("nothing is installed: {} is not there", path.display()));
        return Ok(Exit::Done);
    }
    if let Err(error) = leave() {
        out.warning(&error.message);
    }
    fs::remove_file(&path).map_err(|error| {
        CliError::failed(format!("{} cannot be removed: {}", path.display(), why(&error)))
    })?;
    out.note(&format!("{} is gone; the daemon is not started at login any more", path.display()));
    Ok(Exit::Done)
}

/// The unit that the system follows, and whether it is the one that would be written now; none: there is none.
pub(crate) fn installed(env: &Env) -> Option<(PathBuf, bool)> {
    let path = unit_path(env).ok()?;
    let is_small = path.metadata().is_ok_and(|about| about.is_file() && about.len() < MOST_BYTES);
    let text = fs::read_to_string(&path).ok().filter(|_| is_small)?;
    Some((path, unit(env).is_some_and(|ours| ours == text)))
}

/// What the system is told.
fn unit(env: &Env) -> Option<String> {
    let program = env::program()?;
    let home = env.cco_home.as_ref().map(|home| home.to_string_lossy().into_owned());
    let config = env.claude_config_dir.as_ref().map(|dir| dir.to_string_lossy().into_owned());
    let variables: Vec<Variable<'_>> = [(CCO_HOME, home.as_deref()), (CLAUDE_CONFIG_DIR, config.as_deref())]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    Some(match cfg!(target_os = "macos") {
        true => launchd(&program, &variables),
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

/// Has the system read the unit anew; where it cannot, nothing was changed yet.
fn prepare() -> Result<(), CliError> {
    if cfg!(target_os = "macos") {
        // One that is there already is not taken twice; where there is none, that fails.
        let _ = leave();
        return Ok(());
    }
    run(&["systemctl", "--user", "daemon-reload"])
}

fn follow(path: &Path) -> Result<(), CliError> {
    match cfg!(target_os = "macos") {
        true => run(&["launchctl", "bootstrap", &domain(), &path.to_string_lossy()]),
        false => run(&["systemctl", "--user", "enable", "--now", SYSTEMD]),
    }
}

/// Has the system follow it no more, and end the daemon.
fn leave() -> Result<(), CliError> {
    match cfg!(target_os = "macos") {
        true => run(&["launchctl", "bootout", &format!("{}/{LAUNCHD}", domain())]),
        false => run(&["systemctl", "--user", "disable", "--now", SYSTEMD]),
    }
}

fn domain() -> String {
    format!("gui/{}", rustix::process::getuid().as_raw())
}

/// Runs a tool of the system. An error has the tool's own words.
fn run(words: &[&str]) -> Result<(), CliError> {
    let failed = |reason: &str| CliError::failed(format!("`{}` {reason}", words.join(" ")));
    let [program, arguments @ ..] = words else { return Ok(()) };
    let begin = || {
        let said = tempfile::tempfile()?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(said.try_clone()?);
        Ok((command.spawn()?, said))
    };
    let begun: std::io::Result<(Child, File)> = begin();
    let (mut child, mut said) = begun.map_err(|error| failed(&format!("cannot be run: {}", why(&error))))?;
    match ends_within(&mut child, PATIENCE) {
        Some(status) if status.success() => Ok(()),
        Some(_) => {
            let mut text = Vec::new();
            let _ = said.rewind().and_then(|()| said.take(MOST_BYTES).read_to_end(&mut text));
            let text = String::from_utf8_lossy(&text);
            Err(failed(
                match text.trim() {
                    "" => "failed".to_owned(),
                    text => format!("failed: {text}"),
                }
                .as_str(),
            ))
        }
        None => Err(failed("did not end")),
    }
}
