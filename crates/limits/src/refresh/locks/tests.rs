use std::time::{Instant, SystemTime};

use super::*;

struct Place {
    home: tempfile::TempDir,
    ours: PathBuf,
    theirs: [PathBuf; 2],
}

fn place() -> Place {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    let (ours, theirs) = (at("refresh-1.lock"), [at(".oauth_refresh.lock"), at(".claude.lock")]);
    Place { home, ours, theirs }
}

#[expect(clippy::disallowed_methods, reason = "the file system stamps directories with the real time")]
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

fn until(mut is_so: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < patience, "it never came to that");
    }
}

impl Place {
    fn take(&self, later_ms: i64) -> Result<Locks, Held> {
        self.take_by(&|| now_ms() + later_ms)
    }

    fn take_by(&self, now_ms: &dyn Fn() -> i64) -> Result<Locks, Held> {
        let theirs = [self.theirs[0].as_path(), self.theirs[1].as_path()];
        Locks::take(&self.ours, theirs, Duration::from_millis(50), now_ms)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.home.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn all_locks_are_held_together_and_given_back() {
    let place = place();
    let locks = place.take(0).unwrap();
    assert!(place.theirs.iter().all(|path| path.is_dir()));
    assert_eq!(place.take(0).unwrap_err(), Held::ByUs);
    drop(locks);
    assert_eq!(place.names(), ["refresh-1.lock"]);
    drop(place.take(0).unwrap());
}

#[test]
fn a_lock_that_was_touched_within_a_minute_is_never_taken() {
    for which in [0, 1] {
        let place = place();
        fs::create_dir(&place.theirs[which]).unwrap();
        let touched_ms =
            place.theirs[which].metadata().map(|of| of.mtime() * 1_000 + of.mtime_nsec() / 1_000_000);
        let minute_ms = touched_ms.unwrap() + 60_000;
        assert_eq!(place.take_by(&|| minute_ms).unwrap_err(), Held::ByClaudeCode);
        assert_eq!(place.take(-86_400_000).unwrap_err(), Held::ByClaudeCode, "a clock that went back");
        assert!(place.theirs[which].is_dir());
        assert!(!place.theirs[1 - which].exists(), "what was taken first is given back");
        drop(place.take_by(&|| minute_ms + 1).unwrap());
    }
}

#[test]
fn a_dead_processs_lock_is_taken_over_after_a_minute() {
    let place = place();
    for path in &place.theirs {
        fs::create_dir(path).unwrap();
    }
    fs::create_dir(place.home.path().join(".claude.lock.refresh-1")).unwrap();
    drop(place.take(61_000).unwrap());
    assert_eq!(place.names(), ["refresh-1.lock"], "also what a killed process had moved aside is gone");
}

#[test]
fn a_lock_that_is_no_empty_directory_is_left_alone() {
    let place = place();
    fs::write(&place.theirs[0], "a file").unwrap();
    assert_eq!(place.take(61_000).unwrap_err(), Held::ByClaudeCode);
    assert_eq!(fs::read_to_string(&place.theirs[0]).unwrap(), "a file");
    fs::remove_file(&place.theirs[0]).unwrap();
    fs::create_dir_all(place.theirs[0].join("inside")).unwrap();
    assert_eq!(place.take(61_000).unwrap_err(), Held::ByClaudeCode);
    assert!(place.theirs[0].join("inside").is_dir());
}

#[test]
fn a_lock_that_was_taken_from_us_is_not_removed() {
    let place = place();
    let locks = place.take(0).unwrap();
    let ours = Seen::of(&place.theirs[0]).unwrap();
    // Until it is another one, also for a disk that gives the same number again and counts time in coarse steps.
    until(|| {
        fs::remove_dir(&place.theirs[0]).unwrap();
        fs::create_dir(&place.theirs[0]).unwrap();
        Seen::of(&place.theirs[0]).unwrap() != ours
    });
    assert!(!locks.touch(), "and we know");
    drop(locks);
    assert_eq!(place.names(), [".oauth_refresh.lock", "refresh-1.lock"]);
}

#[test]
fn a_dead_lock_that_somebody_else_was_faster_to_take_is_put_back() {
    let place = place();
    fs::create_dir(&place.theirs[0]).unwrap();
    let dead = Seen::of(&place.theirs[0]).unwrap().unwrap();
    let touched = Seen { touched: (dead.touched.0 - 90, 0), ..dead };
    clear(&place.theirs[0], touched, "refresh-1").unwrap();
    assert_eq!(Seen::of(&place.theirs[0]).unwrap(), Some(dead));
}

#[test]
fn what_is_held_is_touched() {
    let place = place();
    let locks = place.take(0).unwrap();
    let before = Seen::of(&place.theirs[1]).unwrap().unwrap();
    until(|| {
        assert!(locks.touch());
        Seen::of(&place.theirs[1]).unwrap().unwrap().touched > before.touched
    });
    assert_eq!(locks.while_touching(|| 7), 7);
    drop(locks);
    assert_eq!(place.names(), ["refresh-1.lock"]);
}
