//! `cco daemon logs`: the end of the log, and what comes.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use cco_daemon::log::FILE;

use super::LOGS;
use crate::args::LogsArgs;
use crate::error::{CliError, Exit, why};
use crate::print::{Output, text};

/// Of the file so much of its end is looked at, in bytes.
const TAIL: u64 = 1 << 20;
/// How often it is looked whether something was added.
const TURN: Duration = Duration::from_millis(200);

/// Runs the command.
pub(super) fn run(args: &LogsArgs, folder: &Path, out: &mut Output) -> Result<Exit, CliError> {
    let path = folder.join(LOGS).join(FILE);
    let failed = |error: std::io::Error| {
        let error = CliError::failed(format!("{}: {}", path.display(), why(&error)));
        error.hint("a daemon writes it; `cco daemon start` starts one")
    };
    let mut file = File::open(&path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).map_err(failed)?;
    let tail = rest_of(&mut file).map_err(failed)?;
    let lines: Vec<&str> = tail.lines().collect();
    for line in &lines[lines.len().saturating_sub(args.lines)..] {
        out.data(&format!("{}\n", text::clean(line)))?;
    }
    if args.follow {
        follow(&path, file, out).map_err(failed)??;
    }
    Ok(Exit::Done)
}

/// Prints what comes, until it is ended from outside.
fn follow(path: &Path, mut file: File, out: &mut Output) -> std::io::Result<Result<(), CliError>> {
    loop {
        std::thread::sleep(TURN);
        let more = rest_of(&mut file)?;
        for line in more.lines() {
            if let Err(error) = out.data(&format!("{}\n", text::clean(line))) {
                return Ok(Err(error));
            }
        }
        // It was put aside, and another one begun.
        let inode = |file: &File| file.metadata().map(|about| about.ino()).ok();
        let is_another = |new: &File| inode(new) != inode(&file);
        if more.is_empty()
            && let Some(new) = File::open(path).ok().filter(is_another)
        {
            file = new;
        }
    }
}

fn rest_of(file: &mut File) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
