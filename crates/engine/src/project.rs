//! Which project a working directory belongs to: the repository it lies in, else itself.
//!
//! A transcript's `cwd` is untrusted text. All that is done with it: a look for `.git` in it and its ancestors, and a
//! bounded read of a `.git` file; local absolute paths only, once for each (by two
//! threads perhaps, when both meet it first), nothing else is opened.
//!
//! Asked while transcripts are read and never while the ledger is locked: a file system that hangs keeps nobody else
//! from the ledger.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cco_model::batch::{Batch, NameId};
use rustix::fs::{Mode, OFlags};

/// The longest path, and the deepest, that is looked up.
const MAX_PATH: usize = 4096;
const MAX_PARTS: usize = 128;
/// A `.git` file holds one path.
const MAX_GIT_FILE: u64 = 8 * 1024;

/// Asks the disk.
pub(crate) struct DiskProjects {
    /// A repository rooted here is a person's settings, not a project.
    pub(crate) user_home: Option<PathBuf>,
}

/// Projects of working directories, for the threads of one scan.
pub(crate) struct Projects {
    disk: DiskProjects,
    /// The ledger knows their projects.
    known: HashSet<String>,
    /// What this scan asked for.
    asked: Mutex<HashMap<String, String>>,
}

impl Projects {
    pub(crate) fn new(disk: DiskProjects, known: HashSet<String>) -> Self {
        Self { disk, known, asked: Mutex::default() }
    }

    /// The projects of a batch's working directories that the ledger does not know.
    pub(crate) fn of(&self, batch: &Batch) -> HashMap<NameId, String> {
        let mut projects = HashMap::new();
        let mut last = None;
        for name in batch.calls.iter().filter_map(|call| call.cwd) {
            if last.replace(name) == Some(name) || projects.contains_key(&name) {
                continue;
            }
            let cwd = batch.names.get(name);
            if !self.known.contains(cwd) {
                projects.insert(name, self.project_of(cwd));
            }
        }
        projects
    }

    fn project_of(&self, cwd: &str) -> String {
        // A map of texts is whole whatever a thread died of while it held the lock.
        let asked = || self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(project) = asked().get(cwd) {
            return project.clone();
        }
        // Not under the lock: the disk may take its time.
        let project = self.disk.project_of(cwd);
        asked().entry(cwd.to_owned()).or_insert(project).clone()
    }
}

impl DiskProjects {
    fn project_of(&self, cwd: &str) -> String {
        let repository = looked_up(Path::new(cwd)).and_then(|path| self.repository(path));
        repository.map_or_else(|| cwd.to_owned(), |path| path.to_string_lossy().into_owned())
    }

    fn repository(&self, cwd: &Path) -> Option<PathBuf> {
        for folder in cwd.ancestors().filter(|folder| Some(*folder) != self.user_home.as_deref()) {
            let git = folder.join(".git");
            match fs::symlink_metadata(&git) {
                Ok(metadata) if metadata.is_dir() => return Some(folder.to_owned()),
                Ok(metadata) if metadata.is_file() => {
                    return Some(main_repository(folder, &git).unwrap_or_else(|| folder.to_owned()));
                }
                _ => {}
            }
        }
        None
    }
}

/// The path, when it may be looked up: absolute, without `..`, and no device or process file.
fn looked_up(path: &Path) -> Option<&Path> {
    let text = path.as_os_str().as_encoded_bytes();
    let plain = text.starts_with(b"/") && !text.starts_with(b"//") && !text.contains(&0);
    let ordinary = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    // Longer ones do not exist, and each part of one is a look at the disk.
    let short = text.len() <= MAX_PATH && path.components().count() <= MAX_PARTS;
    let special = ["/dev", "/proc", "/sys"].iter().any(|folder| path.starts_with(folder));
    (plain && short && ordinary && !special).then_some(path)
}

/// The main repository of a linked worktree, whose `.git` file leads to `<main>/.git/worktrees/<name>`.
/// None for other `.git` files, such as a submodule's: that is a repository of its own.
fn main_repository(folder: &Path, git_file: &Path) -> Option<PathBuf> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(git_file, flags, Mode::empty()).ok()?);
    let mut text = String::new();
    file.take(MAX_GIT_FILE).read_to_string(&mut text).ok()?;
    let target = folder.join(text.strip_prefix("gitdir:")?.trim());
    let worktrees = target.parent()?;
    if worktrees.file_name()? != "worktrees" {
        return None;
    }
    let git = without_dots(worktrees.parent()?)?;
    Some(if git.file_name()? == ".git" { git.parent()?.to_owned() } else { git })
}

/// The path with `.` and `..` worked out by its text alone: nothing on it is looked up.
fn without_dots(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop().then_some(())?;
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worktree_belongs_to_its_main_repository_and_a_repository_at_home_does_not_count() {
        let home = tempfile::tempdir().expect("a folder");
        let path = |name: &str| home.path().join(name);
        for folder in [".git", "app/.git/worktrees/fix", "app/src/deep", "app-fix/src", "loose", "lib/sub"] {
            fs::create_dir_all(path(folder)).expect("a folder");
        }
        let absolute = format!("gitdir: {}\n", path("app/.git/worktrees/fix").display());
        fs::write(path("app-fix/.git"), absolute).expect("a file");
        fs::write(path("lib/sub/.git"), "gitdir: ../.git/modules/sub\n").expect("a file");
        let projects = DiskProjects { user_home: Some(home.path().to_owned()) };
        for (cwd, project) in [
            ("app/src/deep", "app"),
            ("app-fix/src", "app"),
            ("app/gone/since", "app"),
            ("lib/sub", "lib/sub"),
            ("loose", "loose"),
        ] {
            let cwd = path(cwd).to_string_lossy().into_owned();
            assert_eq!(projects.project_of(&cwd), path(project).to_string_lossy(), "{cwd}");
        }
    }

    /// What a hostile transcript may name: not one of them is looked up.
    const NEVER: [&str; 28] = [
        "",
        ".",
        "app",
        "~/app",
        "../etc",
        "/a/../b",
        "/home/dev/..",
        "//server/share",
        "///server/share",
        "\\\\server\\share",
        "\\\\?\\C:\\secret",
        "\\\\.\\pipe\\x",
        "\\\\?\\UNC\\server\\share",
        "C:\\Users\\dev",
        "c:/users/dev",
        "file:///etc",
        "smb://server/share",
        "https://example.com/x",
        "/proc/1/cwd",
        "/proc/self/root/etc",
        "/./proc/self",
        "/dev",
        "/dev/fd",
        "/dev/./stdin",
        "/dev/tcp/example.com/80",
        "/sys/kernel",
        "/home/dev\0/etc",
        "\0",
    ];

    #[test]
    fn only_local_absolute_paths_are_looked_up() {
        for text in NEVER {
            assert_eq!(looked_up(Path::new(text)), None, "{text:?}");
        }
        for text in ["/a".repeat(128), format!("/{}", "a".repeat(4096))] {
            assert_eq!(looked_up(Path::new(&text)), None, "{}", text.len());
        }
        // A name that only begins like theirs is a folder like any other.
        for text in
            ["/home/dev/app", "/", "/development/x", "/home/dev/proc", "/home/..dev/a b", "/home/\u{202e}x"]
        {
            assert_eq!(looked_up(Path::new(text)), Some(Path::new(text)), "{text:?}");
        }
    }

    #[test]
    fn a_path_that_is_not_looked_up_is_its_own_project_letter_by_letter() {
        let projects = DiskProjects { user_home: None };
        for text in NEVER {
            assert_eq!(projects.project_of(text), text);
        }
    }

    #[test]
    fn a_git_entry_that_is_no_plain_file_or_folder_is_neither_followed_nor_waited_for() {
        let home = tempfile::tempdir().expect("a folder");
        let path = |name: &str| home.path().join(name);
        for folder in ["pipe", "link", "loop", "secret/.git", "long", "binary", "away"] {
            fs::create_dir_all(path(folder)).expect("a folder");
        }
        // Opening a pipe to read it waits for ever.
        let pipe = path("pipe/.git");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, Mode::RUSR, 0)
            .expect("a pipe");
        std::os::unix::fs::symlink(path("secret/.git"), path("link/.git")).expect("a link");
        std::os::unix::fs::symlink(".git", path("loop/.git")).expect("a link");
        let worktree = format!("gitdir: {}/.git/worktrees/x", path("secret").display());
        fs::write(path("long/.git"), " ".repeat(1 << 20) + &worktree).expect("a file");
        fs::write(path("binary/.git"), b"gitdir: \xff\xfe\0").expect("a file");
        // It names a repository that is not there: only its text is used, nobody looks.
        fs::write(path("away/.git"), "gitdir: //server/share/.git/worktrees/x\n").expect("a file");
        let projects = DiskProjects { user_home: None };
        for (cwd, project) in [
            ("pipe", "pipe"),
            ("link", "link"),
            ("loop", "loop"),
            ("long/src", "long"),
            ("binary/src", "binary"),
        ] {
            let cwd = path(cwd).to_string_lossy().into_owned();
            assert_eq!(projects.project_of(&cwd), path(project).to_string_lossy(), "{cwd}");
        }
        assert_eq!(projects.project_of(&path("away").to_string_lossy()), "/server/share");
    }
}
