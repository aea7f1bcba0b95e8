//! Programs of others that are started, and may keep nobody waiting.
//!
//! Must not: go through a shell.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// How often it is looked whether one has ended.
const STEP: Duration = Duration::from_millis(5);

/// A file that can be run.
pub(crate) fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// How a child ended; none: it did not in this time, and is gone.
pub(crate) fn ends_within(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let until = Instant::now() + patience;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < until => std::thread::sleep(STEP),
            Ok(None) | Err(_) => {
                // It may have ended by itself; either way nothing of it stays.
                _ = child.kill();
                _ = child.wait();
                return None;
            }
        }
    }
}
