//! Starting the daemon after the line is out, where the user wants that and none runs.
//!
//! Must not: keep the line waiting, or wait for the daemon.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use cco_daemon::control::Client;

use crate::commands::begin_daemon;
use crate::env;
use crate::places;

/// The file whose time says when a daemon was last begun, in the state folder.
const BEGUN: &str = "autostart";
/// Nothing is asked, only whether it can be reached.
const PATIENCE: Duration = Duration::from_secs(1);
/// One that does not come up is not begun again before this: every message draws a line. In milliseconds.
const AGAIN_MS: i64 = 15_000;

/// Begins a daemon for this home.
pub(super) fn begin(folder: &Path, now_ms: i64) {
    let state = places::state(folder);
    // One that runs takes the connection for a use, and stays.
    if Client::reach(&state, PATIENCE).is_ok() || !is_due(&state, now_ms) {
        return;
    }
    if let Some(program) = env::program() {
        // Who starts nothing says nothing: the next line tries again.
        let _ = begin_daemon(&program, &["daemon", "run", "--background", "--idle"], Stdio::null());
    }
}

/// Of many lines at once one begins it.
fn is_due(state: &Path, now_ms: i64) -> bool {
    let marker = state.join(BEGUN);
    let begun_ms = fs::metadata(&marker).map(|about| about.mtime().saturating_mul(1_000));
    if begun_ms.is_ok_and(|begun_ms| (now_ms - AGAIN_MS..=now_ms).contains(&begun_ms)) {
        return false;
    }
    let _ = fs::remove_file(&marker);
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&marker);
    made.is_ok()
}
