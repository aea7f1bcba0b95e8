//! One question to `git`: how a repository is.
//!
//! It is asked without a shell, for a time, and told to run nothing that a repository names: hooks, monitors and filters
//! are whoever's made the repository. Must not: write to a repository, or take its lock.

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// An answer is not read any further, in bytes.
const MOST_BYTES: u64 = 4 << 20;
/// Between two looks whether it has ended.
const TURN: Duration = Duration::from_millis(1);
/// What a repository's settings could have run, turned off.
const OFF: [(&str, &str); 5] = [
    ("core.fsmonitor", ""),
    ("core.hooksPath", "/dev/null"),
    ("core.sshCommand", ""),
    ("core.pager", ""),
    ("core.untrackedCache", "keep"),
];
/// What names a repository or its settings in the environment.
const OF_ONE_REPOSITORY: [&str; 7] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_CONFIG_PARAMETERS",
];

/// How a repository is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) ahead: u64,
    pub(super) behind: u64,
    pub(super) dirty: u64,
}

/// Why that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missed {
    /// It took longer than it was given, and was ended.
    TooLong,
    /// `git` cannot be run, or does not know either.
    Untold,
}

/// How this repository is, by `git`, which has so long for all that it is asked.
pub(super) fn ask(root: &Path, budget: Duration) -> Result<Counts, Missed> {
    let ends = Instant::now() + budget;
    let filters = filters(root, ends)?;
    counted(root, &filters, ends)
}

/// The filters that the repository's own settings name: programs that `git status` would run.
fn filters(root: &Path, ends: Instant) -> Result<Vec<String>, Missed> {
    let words = ["config", "--show-scope", "--name-only", "-z", "--get-regexp", r"^filter\..*"];
    let (status, answer) = run(root, &[], &words.map(OsString::from), ends)?;
    // 1: there are none.
    if matches!(status, Some(0 | 1)) { Ok(filters_of_repository(&answer)) } else { Err(Missed::Untold) }
}

fn counted(root: &Path, filters: &[String], ends: Instant) -> Result<Counts, Missed> {
    let off = filters.iter().flat_map(|name| {
        [("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")]
            .map(|(key, value)| (format!("filter.{name}.{key}"), value))
    });
    let off: Vec<(String, &str)> = off.collect();
    let words = ["status", "--porcelain=v2", "--branch", "-z", "--ignore-submodules=all", "--no-renames"];
    let (status, answer) = run(root, &off, &words.map(OsString::from), ends)?;
    if status == Some(0) { Ok(counts(&answer)) } else { Err(Missed::Untold) }
}

/// How `git` ended, and what it said.
fn run(
    root: &Path,
    settings: &[(String, &str)],
    words: &[OsString],
    ends: Instant,
) -> Result<(Option<i32>, Vec<u8>), Missed> {
    let mut command = Command::new("git");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    // Whoever began the daemon may have been at work in a repository.
    for variable in OF_ONE_REPOSITORY {
        command.env_remove(variable);
    }
    // The user's own settings are the user's; what a repository could have run is turned off, and nothing is
    // fetched: a repository says with which program.
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_ALLOW_PROTOCOL", "none");
    // Not as arguments: there a name that holds `=` would be cut at it.
    let settings = OFF.into_iter().chain(settings.iter().map(|(name, value)| (name.as_str(), *value)));
    let mut count: usize = 0;
    for (name, value) in settings {
        command.env(format!("GIT_CONFIG_KEY_{count}"), name).env(format!("GIT_CONFIG_VALUE_{count}"), value);
        count += 1;
    }
    command.env("GIT_CONFIG_COUNT", count.to_string());
    command.arg("--no-optional-locks").arg("-C").arg(root).args(words);
    let child = command.spawn().map_err(|_| Missed::Untold)?;
    wait(child, ends)
}

/// The child's end and its words; it is ended where it takes too long.
fn wait(mut child: Child, ends: Instant) -> Result<(Option<i32>, Vec<u8>), Missed> {
    let left = || ends.saturating_duration_since(Instant::now());
    let answer = match child.stdout.take().map(read_aside) {
        Some(said) => said.recv_timeout(left()).map_err(|error| match error {
            RecvTimeoutError::Timeout => Missed::TooLong,
            RecvTimeoutError::Disconnected => Missed::Untold,
        }),
        None => Err(Missed::Untold),
    };
    // Whoever has said all mostly ends at once, and need not.
    while answer.is_ok() && !left().is_zero() {
        if let Ok(Some(status)) = child.try_wait() {
            return Ok((status.code(), answer?));
        }
        std::thread::sleep(TURN);
    }
    let _ = child.kill();
    let _ = child.wait();
    Err(answer.err().unwrap_or(Missed::TooLong))
}

/// Reads on a thread of its own, which ends with the child.
fn read_aside(stdout: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    let read = move || {
        let mut bytes = Vec::new();
        if stdout.take(MOST_BYTES).read_to_end(&mut bytes).is_ok() {
            let _ = sender.send(bytes);
        }
    };
    let _ = std::thread::Builder::new().name("git-read".to_owned()).spawn(read);
    receiver
}

/// Of names of settings with their scopes, the filters that are the repository's own, not its user's.
fn filters_of_repository(answer: &[u8]) -> Vec<String> {
    let mut words = answer.split(|byte| *byte == 0).filter_map(|word| std::str::from_utf8(word).ok());
    let mut filters = Vec::new();
    while let (Some(scope), Some(name)) = (words.next(), words.next()) {
        let filter = name.strip_prefix("filter.").and_then(|name| name.rsplit_once('.'));
        if let Some((filter, _)) = filter.filter(|_| !["system", "global"].contains(&scope)) {
            filters.push(filter.to_owned());
        }
    }
    filters.sort();
    filters.dedup();
    filters
}

/// What `git status --porcelain=v2 --branch -z --no-renames` says.
fn counts(answer: &[u8]) -> Counts {
    let mut counts = Counts::default();
    for line in answer.split(|byte| *byte == 0) {
        match line.first() {
            Some(b'#') => {
                let words = line.strip_prefix(b"# branch.ab ").and_then(|it| std::str::from_utf8(it).ok());
                let Some((ahead, behind)) = words.and_then(|it| it.split_once(' ')) else { continue };
                counts.ahead = ahead.trim_start_matches('+').parse().unwrap_or(0);
                counts.behind = behind.trim_start_matches('-').parse().unwrap_or(0);
            }
            Some(b'1' | b'2' | b'u' | b'?') => counts.dirty += 1,
            _ => {}
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_those_of_the_lines() {
        let answer = b"# branch.oid abc\0# branch.head main\0# branch.upstream origin/main\0# branch.ab +2 -7\0\
            1 .M N... 100644 100644 100644 a a src/a b.rs\0? new\nfile\0u UU N... 1 1 1 1 a b c both\0! ignored\0";
        assert_eq!(counts(answer), Counts { ahead: 2, behind: 7, dirty: 3 });
        assert_eq!(counts(b""), Counts::default());
        assert_eq!(
            counts(b"# branch.ab +x\0# branch.ab +9999999999999999999999 -1\0"),
            Counts { behind: 1, ..Counts::default() }
        );
    }
}
