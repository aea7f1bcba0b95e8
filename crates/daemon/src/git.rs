//! How the repositories of sessions are: commits ahead and behind, files that differ.
//!
//! `git` is asked, never through a shell, for a short time, and told to run nothing that a repository names: hooks,
//! monitors and filters are whoever's made the repository. Must not: write to a repository, or take its lock.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use cco_engine::snapshot::Repository;

/// How long one question may take at first. A repository that takes longer is given more the next time.
const BUDGET: Duration = Duration::from_millis(100);
/// The longest that one may take.
const MOST: Duration = Duration::from_secs(1);
/// An answer is not read any further, in bytes.
const MOST_BYTES: u64 = 4 << 20;
/// So many repositories are looked at in one go.
const MOST_REPOSITORIES: usize = 32;
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
/// Folders above that are looked at for a repository.
const MOST_ABOVE: usize = 40;

/// What is known from earlier looks.
#[derive(Debug, Default)]
pub(crate) struct Git {
    /// What repositories were given that took too long.
    budgets: HashMap<PathBuf, Duration>,
}

impl Git {
    /// The repositories that these folders lie in, as far as they can be told.
    pub(crate) fn look(&mut self, folders: &[PathBuf], now_ms: impl Fn() -> i64) -> Vec<Repository> {
        let mut roots: Vec<PathBuf> = folders.iter().filter_map(|folder| root_of(folder)).collect();
        roots.sort();
        roots.dedup();
        roots.truncate(MOST_REPOSITORIES);
        self.budgets.retain(|root, _| roots.contains(root));
        roots.iter().filter_map(|root| self.look_at(root, now_ms())).collect()
    }

    fn look_at(&mut self, root: &Path, now_ms: i64) -> Option<Repository> {
        let budget = self.budgets.get(root).copied().unwrap_or(BUDGET);
        let ends = Instant::now() + budget;
        let Some(counts) = Self::filters(root, ends).and_then(|filters| Self::status(root, &filters, ends))
        else {
            self.budgets.insert(root.to_owned(), (budget * 2).min(MOST));
            return None;
        };
        Some(Repository {
            root: root.to_str()?.to_owned(),
            ahead: counts.ahead,
            behind: counts.behind,
            dirty: counts.dirty,
            seen_at_ms: now_ms,
        })
    }

    /// The filters that the repository's own settings name: programs that `git status` would run.
    fn filters(root: &Path, ends: Instant) -> Option<Vec<String>> {
        let words = ["config", "--show-scope", "--name-only", "-z", "--get-regexp", r"^filter\..*"];
        let (status, answer) = Self::ask(root, &[], &words.map(OsString::from), ends)?;
        // 1: there are none.
        matches!(status, Some(0 | 1)).then(|| filters_of_repository(&answer))
    }

    fn status(root: &Path, filters: &[String], ends: Instant) -> Option<Counts> {
        let off = filters.iter().flat_map(|name| {
            [("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")]
                .map(|(key, value)| (format!("filter.{name}.{key}"), value))
        });
        let off: Vec<(String, &str)> = off.collect();
        let words = ["status", "--porcelain=v2", "--branch", "-z", "--ignore-submodules=all", "--no-renames"];
        let (status, answer) = Self::ask(root, &off, &words.map(OsString::from), ends)?;
        (status == Some(0)).then(|| counts(&answer))
    }

    /// What `git` answers: how it ended and what it said; none: not in time, or it cannot be run.
    fn ask(
        root: &Path,
        settings: &[(String, &str)],
        words: &[OsString],
        ends: Instant,
    ) -> Option<(Option<i32>, Vec<u8>)> {
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
            command
                .env(format!("GIT_CONFIG_KEY_{count}"), name)
                .env(format!("GIT_CONFIG_VALUE_{count}"), value);
            count += 1;
        }
        command.env("GIT_CONFIG_COUNT", count.to_string());
        command.arg("--no-optional-locks").arg("-C").arg(root).args(words);
        let child = command.spawn().ok()?;
        wait(child, ends)
    }
}

/// The child's end and its words; it is ended where it takes too long.
fn wait(mut child: Child, ends: Instant) -> Option<(Option<i32>, Vec<u8>)> {
    let said = child.stdout.take().map(read_aside);
    let answer = said.and_then(|said| said.recv_timeout(ends.saturating_duration_since(Instant::now())).ok());
    if answer.is_none() {
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    Some((status.code(), answer?))
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

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    ahead: u64,
    behind: u64,
    dirty: u64,
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

/// The folder above that has `.git`.
fn root_of(folder: &Path) -> Option<PathBuf> {
    if !folder.is_absolute() {
        return None;
    }
    let has_git = |root: &&Path| root.join(OsStr::new(".git")).symlink_metadata().is_ok();
    folder.ancestors().take(MOST_ABOVE).find(has_git).map(Path::to_owned)
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
