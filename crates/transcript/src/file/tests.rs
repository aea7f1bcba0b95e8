use std::fs;
use std::os::unix::fs::symlink;

use rustix::fs::{CWD, FileType, mknodat};

use super::*;
use crate::find::walk;
use crate::testing::file_of;

#[test]
fn what_was_replaced_between_walk_and_open_is_refused_without_waiting() {
    let root = tempfile::tempdir().expect("a folder");
    let path = root.path().join("projects/s.jsonl");
    let other = root.path().join("other.jsonl");
    fs::create_dir(root.path().join("projects")).expect("projects");
    fs::write(&path, "{}\n").expect("a transcript");
    fs::write(&other, "{}\n").expect("another file");
    let seen = walk(&[root.path().to_owned()]).files[0].state;
    assert!(open(&path, &seen).is_ok());
    // The first stays under another name, so that its inode is not given to the next.
    fs::rename(&path, root.path().join("kept")).expect("a rename");
    symlink(root.path().join("kept"), &path).expect("a link to the very file");
    assert!(open(&path, &seen).is_err(), "a link");
    fs::remove_file(&path).expect("no link");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    assert!(open(&path, &seen).is_err(), "a pipe without a writer");
    fs::rename(&other, &path).expect("another file in its place");
    assert!(open(&path, &seen).is_err(), "another file");
}

#[test]
fn a_fingerprint_tells_another_beginning_or_end_but_not_what_follows() {
    let bytes = vec![b'x'; 5000];
    let of = |bytes: &[u8], offset| fingerprint(&file_of(bytes), offset).expect("a readable file");
    for offset in [0, 1, 1023, 1024, 1025, 3000, 5000] {
        let print = of(&bytes, offset);
        assert_eq!(of(&[&bytes[..], b"more"].concat(), offset), print);
        for changed in [0, offset.saturating_sub(1)] {
            let mut other = bytes.clone();
            other[usize::try_from(changed).expect("small")] = b'y';
            assert_eq!(of(&other, offset) == print, offset == 0, "byte {changed} before {offset}");
        }
        if offset > 0 {
            assert_ne!(of(&bytes[..usize::try_from(offset - 1).expect("small")], offset), print, "truncated");
        }
    }
}
