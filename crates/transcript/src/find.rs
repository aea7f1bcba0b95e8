//! Finding transcripts: `<root>/projects/**/*.jsonl`, each file once, whatever links lead to it.

use std::collections::HashSet;
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
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

/// Walks all roots.
pub fn walk(roots: &[PathBuf]) -> Walk {
    let mut walker = Walker { walk: Walk::default(), folders: HashSet::new(), files: HashSet::new() };
    for root in roots {
        let projects = root.join(PROJECTS);
        match fs::metadata(&projects) {
            Ok(metadata) if metadata.is_dir() => walker.folder(&projects, &metadata),
            Ok(_) => walker.walk.without_projects.push(root.clone()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                walker.walk.without_projects.push(root.clone());
            }
            Err(error) => walker.walk.unreadable.push((projects, error)),
        }
    }
    let mut walk = walker.walk;
    walk.files.sort_unstable_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
    walk
}

struct Walker {
    walk: Walk,
    folders: HashSet<(u64, u64)>,
    files: HashSet<(u64, u64)>,
}

impl Walker {
    fn folder(&mut self, path: &Path, metadata: &Metadata) {
        if !self.folders.insert((metadata.dev(), metadata.ino())) {
            return;
        }
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return self.unreadable(path, error),
        };
        for entry in entries {
            match entry {
                Ok(entry) => self.entry(&entry),
                Err(error) => self.unreadable(path, error),
            }
        }
    }

    fn entry(&mut self, entry: &DirEntry) {
        let Ok(kind) = entry.file_type() else { return };
        let path = entry.path();
        if kind.is_dir() || kind.is_symlink() {
            // A link that leads nowhere is nobody's transcript.
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => self.folder(&path, &metadata),
                Ok(metadata) => self.link(&path, &metadata),
                Err(error) if kind.is_dir() => self.unreadable(&path, error),
                Err(_) => {}
            }
        } else if kind.is_file() && is_transcript(&path) {
            match entry.metadata() {
                Ok(metadata) => self.file(path, &metadata),
                Err(error) => self.unreadable(&path, error),
            }
        }
    }

    /// A link to a file is read only when it leads to a regular `.jsonl` of the same user.
    fn link(&mut self, path: &Path, metadata: &Metadata) {
        let ours = metadata.is_file() && metadata.uid() == rustix::process::geteuid().as_raw();
        if !ours || !is_transcript(path) {
            return;
        }
        match fs::canonicalize(path) {
            Ok(target) if is_transcript(&target) => self.file(target, metadata),
            Ok(_) => {}
            Err(error) => self.unreadable(path, error),
        }
    }

    fn file(&mut self, path: PathBuf, metadata: &Metadata) {
        if self.files.insert((metadata.dev(), metadata.ino())) {
            self.walk.files.push(Found { path, state: state_of(metadata) });
        }
    }

    fn unreadable(&mut self, path: &Path, error: io::Error) {
        // Gone between the listing and the look: Claude Code deletes old transcripts.
        if error.kind() != io::ErrorKind::NotFound {
            self.walk.unreadable.push((path.to_owned(), error));
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
