//! The locks under which a login may be renewed: one of the system's for all of us, then Claude Code's two.
//!
//! Claude Code's are directories: who makes one holds it, touches it meanwhile, and removes it; one that nobody has
//! touched for a minute is a dead process's. Must not: take one that was touched within the minute, or remove one that
//! is not ours any more.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, RenameFlags, Timespec, Timestamps, UTIME_NOW};

use crate::store;

const STALE_MS: i64 = 60_000;
const TOUCH: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// Who stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Another process of ours renews the login.
    ByUs,
    /// Claude Code renews it.
    ByClaudeCode,
    /// A lock could not be made.
    Fault(io::ErrorKind),
}

/// All locks. They are given back when this goes, last first.
#[derive(Debug)]
pub(super) struct Locks {
    theirs: Vec<Directory>,
    _ours: File,
}

impl Locks {
    /// Takes all, in order, within a time.
    pub(super) fn take(
        ours: &Path,
        theirs: [&Path; 2],
        wait: Duration,
        now_ms: &dyn Fn() -> i64,
    ) -> Result<Self, Held> {
        let start = Instant::now();
        let ours_file = store::open_lock(ours).map_err(|error| Held::Fault(error.kind()))?;
        loop {
            match ours_file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if start.elapsed() < wait => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(Held::ByUs),
                Err(TryLockError::Error(error)) => return Err(Held::Fault(error.kind())),
            }
        }
        let aside = ours.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut locks = Self { theirs: Vec::new(), _ours: ours_file };
        for path in theirs {
            loop {
                match Directory::take(path, &aside, now_ms()) {
                    Ok(Some(lock)) => break locks.theirs.push(lock),
                    Ok(None) if start.elapsed() < wait => thread::sleep(PAUSE),
                    Ok(None) => return Err(Held::ByClaudeCode),
                    Err(error) => return Err(Held::Fault(error.kind())),
                }
            }
        }
        Ok(locks)
    }

    /// Touches Claude Code's locks. False: one was taken from us, as after a night's sleep of the machine.
    pub(super) fn touch(&self) -> bool {
        self.theirs.iter().all(Directory::touch)
    }

    /// Does something that may take long, and keeps the locks from looking dead meanwhile.
    pub(super) fn while_touching<T>(&self, work: impl FnOnce() -> T) -> T {
        let (done, wait) = channel::<()>();
        thread::scope(|scope| {
            scope.spawn(move || {
                while wait.recv_timeout(TOUCH) == Err(RecvTimeoutError::Timeout) {
                    self.touch();
                }
            });
            let result = work();
            drop(done);
            result
        })
    }
}

impl Drop for Locks {
    fn drop(&mut self) {
        while self.theirs.pop().is_some() {}
    }
}

/// Which directory it is, and when it was last touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    device: u64,
    inode: u64,
    touched: (i64, i64),
}

impl Seen {
    /// None: it is no directory.
    fn of(path: &Path) -> io::Result<Option<Self>> {
        let found = fs::symlink_metadata(path)?;
        let touched = (found.mtime(), found.mtime_nsec());
        Ok(found.is_dir().then(|| Self { device: found.dev(), inode: found.ino(), touched }))
    }

    fn is_stale(self, now_ms: i64) -> bool {
        let (seconds, nanos) = self.touched;
        now_ms.saturating_sub(seconds.saturating_mul(1_000).saturating_add(nanos / 1_000_000)) > STALE_MS
    }
}

/// A lock of Claude Code's, held by us.
#[derive(Debug)]
struct Directory {
    path: PathBuf,
    seen: Mutex<Option<Seen>>,
}

impl Directory {
    /// None: somebody holds it. A dead process's is cleared, and then it is tried once more, whatever the patience:
    /// nobody holds it. Not at once: Claude Code may be about to clear the same one, and would clear ours.
    fn take(path: &Path, aside: &str, now_ms: i64) -> io::Result<Option<Self>> {
        for _ in 0..2 {
            match fs::create_dir(path) {
                Ok(()) => {
                    let seen = Mutex::new(Seen::of(path)?);
                    return Ok(Some(Self { path: path.to_owned(), seen }));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
            match Seen::of(path) {
                Ok(Some(seen)) if seen.is_stale(now_ms) => {
                    clear(path, seen, aside)?;
                    thread::sleep(PAUSE);
                }
                Ok(_) => return Ok(None),
                // It was given back just now.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn is_ours(&self, seen: Option<Seen>) -> bool {
        seen.is_some() && Seen::of(&self.path).is_ok_and(|now| now == seen)
    }

    fn touch(&self) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_ours(*seen) {
            return false;
        }
        let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        let times = Timestamps { last_access: now, last_modification: now };
        // A lock that cannot be touched gets old, which the rest of the minute allows for.
        let _ = rustix::fs::utimensat(CWD, &self.path, &times, AtFlags::SYMLINK_NOFOLLOW);
        *seen = Seen::of(&self.path).ok().flatten();
        seen.is_some()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_ours(seen) {
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// Removes a dead process's lock. It is moved aside first: if it turns out to be another one than was seen, somebody
/// was faster, and it is put back.
fn clear(path: &Path, dead: Seen, aside: &str) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{aside}"));
    let moved = path.with_file_name(name);
    let _ = fs::remove_dir(&moved);
    if Seen::of(path).is_ok_and(|now| now != Some(dead)) {
        return Ok(());
    }
    match rustix::fs::renameat_with(CWD, path, CWD, &moved, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::EXIST) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    let is_dead = Seen::of(&moved).is_ok_and(|now| now == Some(dead));
    if !is_dead || fs::remove_dir(&moved).is_err() {
        let _ = rustix::fs::renameat_with(CWD, &moved, CWD, path, RenameFlags::NOREPLACE);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
