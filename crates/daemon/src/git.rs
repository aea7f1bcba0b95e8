//! How the repositories of sessions are: commits ahead and behind, files that differ.
//!
//! Owns which repository is looked at when, and for how long. Must not: know how `git` is asked.

mod status;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cco_engine::snapshot::{Repository, Stamp};

use self::status::{Counts, Missed};

/// How long a look at a repository may take that others wait for. It never grows: one slow repository would keep what is
/// known of all others from being told.
const BUDGET: Duration = Duration::from_millis(100);
/// How long one may take that nobody waits for, since all others have been told of by then. Without it a large
/// repository, or any on a cold disk, would never be told of.
const PATIENCE: Duration = Duration::from_secs(1);
/// A repository is looked at with patience no more often.
const APART: Duration = Duration::from_secs(120);
/// So many repositories are looked at in one go.
const MOST_REPOSITORIES: usize = 32;
/// Folders above that are looked at for a repository.
const MOST_ABOVE: usize = 40;

/// What is known from earlier looks.
#[derive(Debug, Default)]
pub(crate) struct Git {
    /// Repositories that took too long, and from when on each may be looked at with patience.
    slow: HashMap<PathBuf, Instant>,
    /// The one that was looked at with patience last: of those that wait equally long the next one is next.
    last: Option<PathBuf>,
    /// The state of `config.toml` under which they did.
    stamp: Option<Stamp>,
}

impl Git {
    /// Under other settings everything is found anew: whoever changes them may have mended what was slow.
    pub(crate) fn follow(&mut self, stamp: Option<Stamp>) {
        if self.stamp != stamp {
            *self = Self { stamp, last: self.last.take(), ..Self::default() };
        }
    }

    /// The repositories that these folders lie in, as far as they can be told soon.
    pub(crate) fn look(&mut self, folders: &[PathBuf], now_ms: impl Fn() -> i64) -> Vec<Repository> {
        let mut roots: Vec<PathBuf> = folders.iter().filter_map(|folder| root_of(folder)).collect();
        roots.sort();
        roots.dedup();
        roots.truncate(MOST_REPOSITORIES);
        let seen = self.look_shortly(&roots, Instant::now(), |root| {
            status::ask(root, BUDGET).map(|counts| (counts, now_ms()))
        });
        seen.into_iter().filter_map(|(root, (counts, at_ms))| repository(&root, counts, at_ms)).collect()
    }

    /// One of those that took too long, if it is its turn; for whoever has told of all others.
    pub(crate) fn look_patiently(&mut self, now_ms: impl Fn() -> i64) -> Option<Repository> {
        let root = self.due(Instant::now())?;
        let began = Instant::now();
        let seen = status::ask(&root, PATIENCE);
        self.on_patience(&root, began, began.elapsed());
        repository(&root, seen.ok()?, now_ms())
    }

    /// Looks at each that is not known to be slow.
    fn look_shortly<T>(
        &mut self,
        roots: &[PathBuf],
        now: Instant,
        mut look: impl FnMut(&Path) -> Result<T, Missed>,
    ) -> Vec<(PathBuf, T)> {
        self.slow.retain(|root, _| roots.contains(root));
        let mut seen = Vec::new();
        for root in roots.iter().filter(|root| !self.slow.contains_key(*root)).cloned().collect::<Vec<_>>() {
            match look(&root) {
                Ok(it) => seen.push((root, it)),
                Err(Missed::TooLong) => drop(self.slow.insert(root, now)),
                Err(Missed::Untold) => {}
            }
        }
        seen
    }

    /// The slow one that has waited longest for its turn.
    fn due(&self, now: Instant) -> Option<PathBuf> {
        let due = self.slow.iter().filter(|(_, from)| **from <= now);
        // All of them in turn, by their names.
        let had_its_turn = |root: &PathBuf| self.last.as_ref().is_some_and(|last| root <= last);
        due.min_by_key(|(root, from)| (**from, had_its_turn(root), *root)).map(|(root, _)| root.clone())
    }

    /// One was looked at with patience, and took so long. One that would have been told in time is slow no more: it was
    /// its disk that was cold.
    fn on_patience(&mut self, root: &Path, began: Instant, took: Duration) {
        self.last = Some(root.to_owned());
        if took <= BUDGET {
            self.slow.remove(root);
        } else {
            self.slow.insert(root.to_owned(), began + APART);
        }
    }
}

fn repository(root: &Path, counts: Counts, seen_at_ms: i64) -> Option<Repository> {
    let Counts { ahead, behind, dirty } = counts;
    Some(Repository { root: root.to_str()?.to_owned(), ahead, behind, dirty, seen_at_ms })
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

    const TURN: Duration = Duration::from_secs(30);

    fn roots(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(PathBuf::from).collect()
    }

    /// Which of these are looked at shortly, where those of this name take too long.
    fn looked_at(git: &mut Git, names: &[&str], now: Instant, slow: &[&str]) -> Vec<PathBuf> {
        let mut looked_at = Vec::new();
        git.look_shortly(&roots(names), now, |root| {
            looked_at.push(root.to_owned());
            if roots(slow).iter().any(|it| it == root) { Err(Missed::TooLong) } else { Ok(()) }
        });
        looked_at
    }

    #[test]
    fn one_that_took_too_long_is_waited_for_never_again_by_the_others() {
        let (mut git, began) = (Git::default(), Instant::now());
        assert_eq!(looked_at(&mut git, &["/a", "/b", "/c"], began, &["/b"]), roots(&["/a", "/b", "/c"]));
        assert_eq!(git.due(began), Some("/b".into()), "its turn is in the same round");
        git.on_patience(Path::new("/b"), began, BUDGET * 2);
        for turn in 1..=20 {
            let now = began + TURN * turn;
            assert_eq!(looked_at(&mut git, &["/a", "/b", "/c"], now, &["/b"]), roots(&["/a", "/c"]));
        }
    }

    #[test]
    fn slow_ones_are_looked_at_one_a_round_and_each_every_two_minutes_at_most() {
        let (mut git, began) = (Git::default(), Instant::now());
        let names = ["/a", "/b"];
        looked_at(&mut git, &names, began, &names);
        let mut turns = Vec::new();
        for turn in 0..10 {
            let now = began + TURN * turn;
            looked_at(&mut git, &names, now, &names);
            if let Some(root) = git.due(now) {
                git.on_patience(&root, now, PATIENCE);
                turns.push((root.display().to_string(), turn));
            }
        }
        let turns: Vec<(&str, u32)> = turns.iter().map(|(root, turn)| (root.as_str(), *turn)).collect();
        assert_eq!(turns, [("/a", 0), ("/b", 1), ("/a", 4), ("/b", 5), ("/a", 8), ("/b", 9)]);
    }

    #[test]
    fn none_is_kept_from_its_turn_by_settings_that_change_again_and_again() {
        let (mut git, began) = (Git::default(), Instant::now());
        let names = ["/a", "/b", "/c"];
        let mut turns = Vec::new();
        for turn in 0..6_u32 {
            git.follow(Some(Stamp { size: turn.into(), changed_ns: 0, inode: 0 }));
            looked_at(&mut git, &names, began + TURN * turn, &names);
            let root = git.due(began + TURN * turn).expect("one of them");
            git.on_patience(&root, began + TURN * turn, PATIENCE);
            turns.push(root);
        }
        assert_eq!(turns, roots(&["/a", "/b", "/c", "/a", "/b", "/c"]));
    }

    #[test]
    fn one_whose_disk_was_cold_is_told_of_with_the_others_from_then_on() {
        let (mut git, began) = (Git::default(), Instant::now());
        looked_at(&mut git, &["/a"], began, &["/a"]);
        git.on_patience(Path::new("/a"), began, BUDGET);
        assert_eq!(looked_at(&mut git, &["/a"], began + TURN, &[]), roots(&["/a"]));
    }

    #[test]
    fn one_that_nobody_works_in_any_more_has_no_turn_and_begins_anew() {
        let (mut git, began) = (Git::default(), Instant::now());
        looked_at(&mut git, &["/a"], began, &["/a"]);
        looked_at(&mut git, &["/b"], began, &[]);
        assert_eq!(git.due(began), None);
        assert_eq!(looked_at(&mut git, &["/a"], began, &[]), roots(&["/a"]));
    }

    #[test]
    fn one_that_cannot_be_told_is_not_slow() {
        let mut git = Git::default();
        git.look_shortly(&roots(&["/a"]), Instant::now(), |_| Err::<(), _>(Missed::Untold));
        assert_eq!(git.due(Instant::now()), None);
    }
}
