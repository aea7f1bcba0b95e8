//! What a folder's repository has checked out, from its files: no `git` is run.

use std::path::{Path, PathBuf};

use cco_statusline::Head;

use super::files::small;

/// `HEAD` and the file that leads to a linked worktree's folder are a line each.
const MOST_BYTES: u64 = 4_096;
/// Folders above that are looked at.
const MOST_ABOVE: usize = 40;
/// Characters of a commit's id.
const ID: usize = 7;

/// The head of the repository that a folder lies in.
pub(super) fn of(dir: &str) -> Option<Head> {
    let dir = Path::new(dir);
    dir.is_absolute().then_some(())?;
    let (root, folder) = dir.ancestors().take(MOST_ABOVE).find_map(|root| Some((root, git_folder(root)?)))?;
    let head = small(&folder.join("HEAD"), MOST_BYTES)?;
    let branch = branch(std::str::from_utf8(&head).ok()?.trim())?;
    Some(Head { root: root.to_str()?.to_owned(), branch })
}

/// The folder that holds `HEAD`: `.git`, or where the file of that name leads.
fn git_folder(root: &Path) -> Option<PathBuf> {
    let git = root.join(".git");
    if git.metadata().ok()?.is_dir() {
        return Some(git);
    }
    let text = small(&git, MOST_BYTES)?;
    let led_to = std::str::from_utf8(&text).ok()?.trim().strip_prefix("gitdir:")?.trim();
    Some(root.join(led_to))
}

/// A branch by its name, a commit by the start of its id. A table of references has a name here that is no branch.
fn branch(head: &str) -> Option<String> {
    match head.strip_prefix("ref:") {
        Some(name) => {
            let name = name.trim();
            let branch = name.strip_prefix("refs/heads/").unwrap_or(name);
            (!branch.is_empty() && !branch.starts_with('.')).then(|| branch.to_owned())
        }
        None => {
            let is_id = head.len() >= 40 && head.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_id.then(|| head[..ID].to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_branch_is_found_from_within_a_repository_and_a_linked_worktree() {
        let home = tempfile::tempdir().unwrap();
        let at = |path: &str| home.path().join(path);
        fs::create_dir_all(at("app/.git/worktrees/fix")).unwrap();
        fs::create_dir_all(at("app/src/deep")).unwrap();
        fs::create_dir_all(at("fix")).unwrap();
        fs::write(at("app/.git/HEAD"), "ref: refs/heads/feature/a\n").unwrap();
        fs::write(at("app/.git/worktrees/fix/HEAD"), "0123456789abcdef0123456789abcdef01234567\n").unwrap();
        fs::write(at("fix/.git"), "gitdir: ../app/.git/worktrees/fix\n").unwrap();
        let head = |path: &str| of(at(path).to_str().unwrap()).map(|head| (head.root, head.branch));
        let root = |path: &str| at(path).to_str().unwrap().to_owned();
        assert_eq!(head("app/src/deep"), Some((root("app"), "feature/a".to_owned())));
        assert_eq!(head("fix"), Some((root("fix"), "0123456".to_owned())));
        assert_eq!(head("app/gone/since"), Some((root("app"), "feature/a".to_owned())));
        assert_eq!(of("app"), None);
    }

    #[test]
    fn what_is_no_head_is_no_branch() {
        let heads = [
            "",
            "ref:",
            "ref: refs/heads/.invalid",
            "0123",
            "not a head at all, but a text that is long enough",
        ];
        assert_eq!(heads.map(branch), [const { None }; 5]);
        assert_eq!(branch("ref: refs/remotes/x").as_deref(), Some("refs/remotes/x"));
    }
}
