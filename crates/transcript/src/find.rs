//! Finding transcripts: `<root>/projects/**/*.jsonl`, each file once, whatever links lead to it.

use std::collections::HashSet;
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use cco_model::file::FileState;

/// The folder below a config root that holds transcripts.
pub const PROJECTS: &str = "projects";
/// A workflow's own log, in the same place and form, but no transcript.
const JOURNAL: &str = "journal.jsonl";

/// A transcript that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is; of a linked file, where the link leads.
    pub path: PathBuf,
    /// What one `stat` says; `offset` and `fingerprint` are 0.
    pub state: FileState,
}

/// What a walk over all roots saw.
#[derive(Debug, Default)]
pub struct Walk {
    /// Transcripts by path, each once.
    pub files: Vec<Found>,
    /// Roots without a `projects` folder.
    pub without_projects: Vec<PathBuf>,
    /// Folders and files that could not be looked at.
    pub unreadable: Vec<(PathBuf, io::Error)>,
}

/// Folders that make a second thread worth its start.
const MANY_FOLDERS: usize = 16;

/// Walks all roots. Two threads share the folders: a listing mostly waits for the system, and this is half of what a
/// scan without news costs.
///
/// What is found does not depend on who is faster: folders and files first, of which the smallest path of a file
/// counts, then links in their order.
pub fn walk(roots: &[PathBuf]) -> Walk {
    let mut part = Part::default();
    let mut without_projects = Vec::new();
    for root in roots {
        let projects = root.join(PROJECTS);
        match fs::metadata(&projects) {
            Ok(metadata) if metadata.is_dir() => part.folders.push(projects),
            Ok(_) => without_projects.push(root.clone()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => without_projects.push(root.clone()),
            Err(error) => part.unreadable.push((projects, error)),
        }
    }
    let mut walk = Links::default().follow(part.walk());
    walk.without_projects = without_projects;
    walk.files.sort_unstable_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
    walk.unreadable.sort_by(|a, b| a.0.cmp(&b.0));
    walk
}

/// Folders that a thread takes at once.
const AT_ONCE: usize = 16;

/// What a thread has seen, and folders that it has not looked into yet.
#[derive(Default)]
struct Part {
    folders: Vec<PathBuf>,
    /// Folders that were looked into.
    seen: HashSet<(u64, u64)>,
    /// Links are followed: what was looked into is not looked into again, so that links in a circle end. Before, each
    /// folder has one path, but where a root lies in another; both are walked then, and the smaller path counts.
    by_link: bool,
    files: Vec<Found>,
    links: Vec<PathBuf>,
    unreadable: Vec<(PathBuf, io::Error)>,
}

impl Part {
    /// Looks into all folders, and into those in them.
    fn walk(mut self) -> Self {
        while self.folders.len() < MANY_FOLDERS {
            let Some(folder) = self.folders.pop() else { return self };
            self.folder(&folder);
        }
        let shared = Shared { folders: Mutex::new(std::mem::take(&mut self.folders)), ..Shared::default() };
        std::thread::scope(|scope| {
            let helper = std::thread::Builder::new().name("walk".to_owned());
            let part = Self { seen: self.seen.clone(), by_link: self.by_link, ..Self::default() };
            let helper = helper.spawn_scoped(scope, || shared.work(part));
            self = shared.work(std::mem::take(&mut self));
            // Without a helper this thread has done it all.
            let Ok(helper) = helper else { return };
            match helper.join() {
                Ok(part) => {
                    self.seen.extend(part.seen);
                    self.files.extend(part.files);
                    self.links.extend(part.links);
                    self.unreadable.extend(part.unreadable);
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        });
        self
    }

    fn folder(&mut self, path: &Path) {
        let entries = match fs::metadata(path).and_then(|metadata| {
            let new = self.seen.insert((metadata.dev(), metadata.ino()));
            (new || !self.by_link).then(|| fs::read_dir(path)).transpose()
        }) {
            Ok(Some(entries)) => entries,
            Ok(None) => return,
            Err(error) => return self.cannot_read(path, error),
        };
        for entry in entries {
            match entry {
                Ok(entry) => self.entry(&entry),
                Err(error) => self.cannot_read(path, error),
            }
        }
    }

    fn entry(&mut self, entry: &DirEntry) {
        let Ok(kind) = entry.file_type() else { return };
        let path = entry.path();
        if kind.is_dir() {
            self.folders.push(path);
        } else if kind.is_symlink() {
            self.links.push(path);
        } else if kind.is_file() && is_transcript(&path) {
            match entry.metadata() {
                Ok(metadata) => self.files.push(Found { path, state: state_of(&metadata) }),
                Err(error) => self.cannot_read(&path, error),
            }
        }
    }

    fn cannot_read(&mut self, path: &Path, error: io::Error) {
        // Gone between the listing and the look: Claude Code deletes old transcripts.
        if error.kind() != io::ErrorKind::NotFound {
            self.unreadable.push((path.to_owned(), error));
        }
    }
}

/// Folders that wait for a thread.
#[derive(Default)]
struct Shared {
    folders: Mutex<Vec<PathBuf>>,
    /// Threads that look into a folder, and may find more.
    busy: AtomicUsize,
    more: Condvar,
}

impl Shared {
    /// Takes folders until there are none and none can come.
    fn work(&self, mut part: Part) -> Part {
        while let Some(some) = self.next() {
            let busy = Busy(self);
            some.iter().for_each(|folder| part.folder(folder));
            self.lock().append(&mut part.folders);
            drop(busy);
        }
        part
    }

    /// Some folders at once: a lock for each of them is a third of their listing.
    fn next(&self) -> Option<Vec<PathBuf>> {
        let mut folders = self.lock();
        loop {
            if !folders.is_empty() {
                self.busy.fetch_add(1, Ordering::Relaxed);
                let rest = folders.len() - folders.len().div_ceil(2).min(AT_ONCE);
                return Some(folders.split_off(rest));
            }
            if self.busy.load(Ordering::Relaxed) == 0 {
                return None;
            }
            folders = self.more.wait(folders).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread looks into a folder until this is dropped, be it by a panic.
struct Busy<'s>(&'s Shared);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let folders = self.0.lock();
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
        drop(folders);
        self.0.more.notify_all();
    }
}

/// Where links lead, once all that is there without them is known.
#[derive(Default)]
struct Links {
    walk: Walk,
    files: HashSet<(u64, u64)>,
}

impl Links {
    fn follow(mut self, mut part: Part) -> Walk {
        loop {
            part.files.sort_unstable_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
            for found in part.files.drain(..) {
                self.file(found);
            }
            self.walk.unreadable.append(&mut part.unreadable);
            let mut links = std::mem::take(&mut part.links);
            if links.is_empty() {
                return self.walk;
            }
            links.sort_unstable();
            part.by_link = true;
            for link in links {
                self.link(&link, &mut part);
            }
        }
    }

    /// A link to a folder leads to its transcripts; one to a file only to a regular `.jsonl` of the same user.
    fn link(&mut self, path: &Path, part: &mut Part) {
        // A link that leads nowhere is nobody's transcript.
        let Ok(metadata) = fs::metadata(path) else { return };
        if metadata.is_dir() {
            if !part.seen.contains(&(metadata.dev(), metadata.ino())) {
                part.folders.push(path.to_owned());
                *part = std::mem::take(part).walk();
            }
            return;
        }
        let ours = metadata.is_file() && metadata.uid() == rustix::process::geteuid().as_raw();
        if !ours || !is_transcript(path) {
            return;
        }
        match fs::canonicalize(path) {
            Ok(target) if is_transcript(&target) => {
                self.file(Found { path: target, state: state_of(&metadata) });
            }
            Ok(_) => {}
            Err(error) => part.cannot_read(path, error),
        }
    }

    fn file(&mut self, found: Found) {
        if self.files.insert((found.state.device, found.state.inode)) {
            self.walk.files.push(found);
        }
    }
}

fn is_transcript(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "jsonl")
        && path.file_name().is_some_and(|name| name != JOURNAL)
}

fn state_of(metadata: &Metadata) -> FileState {
    let mtime_ns = metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec());
    let birth = metadata.created().ok().and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    let birth_ns = birth.and_then(|since| i64::try_from(since.as_nanos()).ok());
    FileState {
        device: metadata.dev(),
        inode: metadata.ino(),
        born_ns: birth_ns.map_or(mtime_ns, |birth_ns| birth_ns.min(mtime_ns)),
        size: metadata.len(),
        mtime_ns,
        offset: 0,
        fingerprint: 0,
    }
}

#[cfg(test)]
mod tests;
