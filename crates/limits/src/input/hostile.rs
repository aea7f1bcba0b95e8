//! What a file of somebody else may turn into: every reader must live with all of it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Unread;

/// Hands every prefix of `good` to `read`, `flips` copies with one to three flipped bits, and everything that is no
/// such file; `read` may tell what it likes, in time and without a panic.
pub(crate) fn torment<T>(good: &str, flips: u32, read: &dyn Fn(&Path) -> Result<T, Unread>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let started = Instant::now();
    for length in 0..=good.len() {
        fs::write(&path, &good.as_bytes()[..length]).unwrap();
        let _told = read(&path);
    }
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..flips {
        let mut bytes = good.as_bytes().to_vec();
        for _ in 0..=random % 3 {
            random = step(random);
            let bit = usize::try_from(random % (bytes.len() as u64 * 8)).unwrap();
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        fs::write(&path, &bytes).unwrap();
        let _told = read(&path);
    }
    fs::remove_file(&path).unwrap();
    assert_classes_of_no_file(&path, read);
    assert!(started.elapsed() < Duration::from_secs(60), "a reader hangs");
}

fn step(mut random: u64) -> u64 {
    random ^= random << 13;
    random ^= random >> 7;
    random ^ (random << 17)
}

fn assert_classes_of_no_file<T>(path: &Path, read: &dyn Fn(&Path) -> Result<T, Unread>) {
    let class = |what: &str| match read(path) {
        Ok(_) => panic!("{what} was read"),
        Err(unread) => unread,
    };
    assert_eq!(class("nothing"), Unread::Absent);
    fs::create_dir(path).unwrap();
    assert!(matches!(class("a folder"), Unread::Unreadable(_)));
    fs::remove_dir(path).unwrap();
    std::os::unix::fs::symlink("/nonexistent/target", path).unwrap();
    assert!(matches!(class("a link to nothing"), Unread::Unreadable(_)));
    fs::remove_file(path).unwrap();
    std::os::unix::fs::symlink(path, path).unwrap();
    assert!(matches!(class("a link to itself"), Unread::Unreadable(_)));
    fs::remove_file(path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", path).unwrap();
    assert!(matches!(class("a device"), Unread::Unreadable(_)));
    fs::remove_file(path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
    assert!(matches!(class("a pipe"), Unread::Unreadable(_)));
    fs::remove_file(path).unwrap();
    fs::File::create(path).unwrap().set_len(1 << 40).unwrap();
    assert!(matches!(class("a terabyte of nothing"), Unread::Broken(_)));
    fs::remove_file(path).unwrap();
    assert_eq!(read(&path.join("below")).err(), Some(Unread::Absent));
}
