//! Notifications on the desktop, through the system's own tool, and what was said when.
//!
//! Must not: decide what is worth a notification; wait for long; hand a secret to the tool.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::child::{ends_within, is_program};
use crate::error::why;

/// Longer than this the tool is not waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// The file that remembers the last alarm, in the folder of what processes remember for each other.
const SAID: &str = "alarm.json";

/// The desktop of this machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Desktop {
    /// `PATH`: where the tool is looked for.
    pub(crate) search: Option<OsString>,
}

impl Desktop {
    /// Shows a notification; an error: why it could not be shown.
    pub(crate) fn show(&self, title: &str, text: &str) -> Result<(), String> {
        let name = if cfg!(target_os = "macos") { "osascript" } else { "notify-send" };
        let program = self.find(name).ok_or_else(|| format!("there is no {name}"))?;
        let mut command = Command::new(program);
        if cfg!(target_os = "macos") {
            let script = "display notification (item 2 of argv) with title (item 1 of argv)";
            command.args(["-e", "on run argv", "-e", script, "-e", "end run", title, text]);
        } else {
            command.args(["--app-name=cco", "--urgency=critical", "--", title, text]);
        }
        run(command, name)
    }

    fn find(&self, name: &str) -> Option<PathBuf> {
        let folders = std::env::split_paths(self.search.as_ref()?).filter(|folder| folder.is_absolute());
        folders.map(|folder| folder.join(name)).find(|path| is_program(path))
    }
}

fn run(mut command: Command, name: &str) -> Result<(), String> {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = quiet.spawn().map_err(|error| format!("{name} cannot be run: {}", why(&error)))?;
    match ends_within(&mut child, PATIENCE) {
        Some(status) if status.success() => Ok(()),
        Some(_) => Err(format!("{name} failed")),
        None => Err(format!("{name} did not end in {} seconds", PATIENCE.as_secs())),
    }
}

/// The last alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// When, UTC milliseconds.
    pub(crate) at_ms: i64,
    /// Why the desktop did not show it; none: it did.
    pub(crate) not_shown: Option<String>,
}

impl Said {
    /// The last one; none: there was none, or the file cannot be read.
    pub(crate) fn read(state: &Path) -> Option<Self> {
        let file = state.join(SAID);
        let is_small = file.metadata().is_ok_and(|found| found.is_file() && found.len() < 10_000);
        let said: Value =
            serde_json::from_slice(&std::fs::read(file.as_path()).ok().filter(|_| is_small)?).ok()?;
        let not_shown = said.get("notShown").and_then(Value::as_str).map(str::to_owned);
        Some(Self { at_ms: said.get("atMs")?.as_i64()?, not_shown })
    }

    /// Remembers it, whole or not at all, and beyond a failure of the power: nobody is told twice a day.
    pub(crate) fn write(&self, state: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(state)?;
        let mut file = tempfile::NamedTempFile::new_in(state)?;
        file.write_all(json!({ "atMs": self.at_ms, "notShown": self.not_shown }).to_string().as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(state.join(SAID)).map_err(|error| error.error)?;
        std::fs::File::open(state)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Instant;

    use super::*;

    fn tool(text: &str) -> (tempfile::TempDir, Desktop) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["notify-send", "osascript"] {
            let path = folder.path().join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let search = Some(std::env::join_paths(["relative".as_ref(), folder.path()]).unwrap());
        (folder, Desktop { search })
    }

    #[test]
    fn a_tool_that_fails_hangs_or_is_not_there_is_an_error_and_nothing_else() {
        let (_folder, desktop) = tool("exit 0");
        assert_eq!(desktop.show("a", "b"), Ok(()));
        let (_folder, desktop) = tool("exit 1");
        assert!(desktop.show("a", "b").unwrap_err().ends_with("failed"));
        let begun = Instant::now();
        let (_folder, desktop) = tool("exec sleep 60");
        assert!(desktop.show("a", "b").unwrap_err().contains("did not end"));
        assert!(begun.elapsed() < PATIENCE * 5);
        assert!(Desktop::default().show("a", "b").unwrap_err().starts_with("there is no"));
    }

    #[test]
    fn what_was_said_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        assert_eq!(Said::read(&state), None);
        let said = Said { at_ms: 5, not_shown: Some("there is no notify-send".to_owned()) };
        said.write(&state).unwrap();
        assert_eq!(Said::read(&state), Some(said));
        std::fs::write(state.join(SAID), "{").unwrap();
        assert_eq!(Said::read(&state), None);
    }
}
