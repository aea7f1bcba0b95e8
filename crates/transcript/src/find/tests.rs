//! What a walk finds, and what it must not be led to.

use std::os::unix::fs::symlink;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

use super::*;

fn tree(files: &[&str]) -> TempDir {
    let root = tempfile::tempdir().expect("a folder");
    fs::create_dir(root.path().join(PROJECTS)).expect("projects");
    for name in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, "{}\n").expect("a file");
    }
    root
}

fn names(root: &TempDir) -> Vec<String> {
    let walk = walk(&[root.path().to_owned()]);
    assert!(walk.unreadable.is_empty(), "{:?}", walk.unreadable);
    let root = fs::canonicalize(root.path()).expect("the root");
    let name = |found: &Found| {
        let path = fs::canonicalize(&found.path).expect("a path");
        path.strip_prefix(&root).expect("a path inside").display().to_string()
    };
    walk.files.iter().map(name).collect()
}

#[test]
fn every_layout_is_found_and_journals_and_other_files_are_not() {
    let root = tree(&[
        "projects/p/s.jsonl",
        "projects/p/s/subagents/workflows/run/agent-1.jsonl",
        "projects/p/s/subagents/workflows/run/journal.jsonl",
        "projects/p/notes.txt",
        "elsewhere/x.jsonl",
    ]);
    assert_eq!(names(&root), ["projects/p/s.jsonl", "projects/p/s/subagents/workflows/run/agent-1.jsonl"]);
}

#[test]
fn links_lead_to_each_transcript_once_and_loops_and_dangling_links_end() {
    let root = tree(&["projects/p/s.jsonl", "real/t.jsonl", "real/secret.txt", "real/journal.jsonl"]);
    let at = |name: &str| root.path().join(name);
    for (target, link) in [
        ("real", "projects/linked"),
        ("real", "projects/again"),
        ("projects", "projects/p/loop"),
        ("nowhere", "projects/p/dangling.jsonl"),
        ("projects/p/self.jsonl", "projects/p/self.jsonl"),
        ("real/secret.txt", "projects/p/secret.jsonl"),
        ("real/journal.jsonl", "projects/p/diary.jsonl"),
        ("/dev/zero", "projects/p/zero.jsonl"),
        ("real/t.jsonl", "projects/p/t-by-link.jsonl"),
    ] {
        symlink(at(target), at(link)).expect("a link");
    }
    fs::hard_link(at("projects/p/s.jsonl"), at("projects/p/same.jsonl")).expect("a hard link");
    let found = names(&root);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().any(|name| name == "real/t.jsonl"), "{found:?}");
}

#[test]
fn a_pipe_named_like_a_transcript_is_not_one() {
    let root = tree(&["projects/p/s.jsonl"]);
    let pipe = root.path().join("projects/p/pipe.jsonl");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    symlink(&pipe, root.path().join("projects/p/to-pipe.jsonl")).expect("a link");
    assert_eq!(names(&root), ["projects/p/s.jsonl"]);
}

#[test]
fn however_many_folders_each_transcript_is_found_once_under_the_same_path() {
    let names: Vec<String> =
        (0..200).map(|n| format!("projects/p{}/s{n}/subagents/a.jsonl", n % 7)).collect();
    let root = tree(&names.iter().map(String::as_str).collect::<Vec<_>>());
    // The same folder as a second root, and by a link that leads back up.
    let again = tempfile::tempdir().expect("a folder");
    symlink(root.path(), again.path().join("root")).expect("a link");
    symlink(root.path(), root.path().join("projects/p1/up")).expect("a link");
    let roots = [again.path().join("root"), root.path().to_owned()];
    let mut paths: Vec<PathBuf> =
        names.iter().map(|name| roots.iter().map(|root| root.join(name)).min().expect("two roots")).collect();
    paths.sort();
    for _ in 0..50 {
        let walk = walk(&roots);
        assert_eq!(walk.files.into_iter().map(|found| found.path).collect::<Vec<_>>(), paths);
    }
}
