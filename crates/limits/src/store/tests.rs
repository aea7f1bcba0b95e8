use std::os::unix::fs::symlink;

use cco_model::limit::backoff::{Failure, Outcome, Tag};
use tempfile::TempDir;

use super::*;
use crate::secret::Fingerprint;

const NOW: i64 = 1_770_556_680_000;

fn account(name: &str) -> AccountId {
    AccountId { organization: "org".into(), account: name.into() }
}

fn print() -> Fingerprint {
    Fingerprint::parse("0123456789abcdef").unwrap()
}

fn cached() -> Cached {
    let body = "{\"five_hour\": {\"utilization\": 29}, \"é\": \"\\u001b\"}\n".as_bytes().to_vec();
    Cached { fetched_at_ms: NOW, fingerprint: print(), body }
}

fn backoff() -> BackOff {
    BackOff::after(Outcome::RateLimited(None), None, print(), NOW)
}

struct Place {
    folder: TempDir,
    files: Files,
}

/// A folder with everything in it.
fn full() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::new(&folder.path().join("state"), &account("one"), &BaseUrl::official());
    files.put_cache(&cached()).unwrap();
    files.put_backoff(&backoff()).unwrap();
    files.put_attempts(&[NOW, NOW + 1]).unwrap();
    Place { folder, files }
}

#[test]
fn what_was_written_is_read_back_to_the_byte() {
    let Place { folder: _folder, files } = full();
    assert_eq!(files.cached(), Some(cached()));
    assert_eq!(files.backoff(), Some(backoff()));
    assert_eq!(files.attempts(), [NOW, NOW + 1]);
    let failures = [
        Failure::Timeout,
        Failure::Network,
        Failure::NoConnection,
        Failure::NoName,
        Failure::Tls,
        Failure::Redirect,
        Failure::Server,
        Failure::Refused,
        Failure::Parse,
    ];
    let tags = [Tag::Stamp, Tag::Unauthorized, Tag::Forbidden, Tag::RateLimited];
    for tag in tags.into_iter().chain(failures.map(Tag::Failed)) {
        let stored =
            BackOff { tag, until_ms: i64::MAX, written_at_ms: i64::MIN, in_a_row: u32::MAX, ..backoff() };
        files.put_backoff(&stored).unwrap();
        assert_eq!(files.backoff(), Some(stored));
    }
    files.remove_cache().unwrap();
    files.remove_cache().unwrap();
    assert_eq!(files.cached(), None);
}

#[test]
fn files_are_the_users_alone_and_none_is_left_half_written() {
    let Place { folder: _folder, files } = full();
    let _claim = files.claim();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&files.folder), 0o700);
    let paths: Vec<_> = fs::read_dir(&files.folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(paths.len(), 4, "{paths:?}");
    for path in paths {
        assert_eq!(mode(&path), 0o600, "{path:?}");
    }
}

#[test]
fn accounts_and_base_urls_have_their_own_files_and_an_account_one_claim() {
    let Place { folder: _folder, files } = full();
    let other = Files::new(&files.folder, &account("two"), &BaseUrl::official());
    let local = BaseUrl::parse("http://127.0.0.1:8080").unwrap();
    let elsewhere = Files::new(&files.folder, &account("one"), &local);
    assert_eq!((other.cached(), other.backoff(), other.attempts().len()), (None, None, 0));
    assert_eq!((elsewhere.cached(), elsewhere.backoff(), elsewhere.attempts().len()), (None, None, 2));
    let claim = files.claim();
    assert!(matches!(claim, Claimed::Ours(_)));
    assert!(matches!(elsewhere.claim(), Claimed::Held));
    assert!(matches!(other.claim(), Claimed::Ours(_)));
    drop(claim);
    assert!(matches!(elsewhere.claim(), Claimed::Ours(_)), "the claim is free when its holder is gone");
}

/// Writes damaged content over a file, and asserts that it is as good as absent and can be written anew.
fn each_damage(damages: impl Fn(&[u8]) -> Vec<Vec<u8>>) {
    let Place { folder: _folder, files } = full();
    for path in [files.cache_path(), files.backoff_path(), files.attempts_path()] {
        let whole = fs::read(&path).unwrap();
        for damaged in damages(&whole) {
            fs::write(&path, &damaged).unwrap();
            let is_cache = path == files.cache_path();
            let is_backoff = path == files.backoff_path();
            let shown = String::from_utf8_lossy(&damaged);
            assert_eq!(files.cached().is_none(), is_cache, "{shown}");
            assert_eq!(files.backoff().is_none(), is_backoff, "{shown}");
            assert_eq!(files.attempts().is_empty(), !is_cache && !is_backoff, "{shown}");
        }
        fs::write(&path, whole).unwrap();
    }
}

#[test]
fn a_file_cut_anywhere_is_as_good_as_absent() {
    // Without the line end at its end it is still whole.
    each_damage(|whole| (0..whole.len() - 1).map(|length| whole[..length].to_vec()).collect());
}

#[test]
fn one_flipped_bit_makes_a_file_as_good_as_absent() {
    each_damage(|whole| {
        let flip = |bit: usize| {
            let mut bytes = whole.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        };
        // The last byte is a line end; some flips of it give other white space, which changes nothing.
        (0..(whole.len() - 1) * 8).map(flip).collect()
    });
}

#[test]
fn other_schemas_and_files_in_each_others_place_are_as_good_as_absent() {
    each_damage(|whole| {
        let text = std::str::from_utf8(whole).unwrap();
        vec![
            text.replace("\"schema\":1", "\"schema\":2").into_bytes(),
            text.replace("\"schema\":1", "\"schema\":1,\"new\":0").into_bytes(),
            b"{}".to_vec(),
            b"null".to_vec(),
            vec![b' '; 300_000],
            vec![0; 64],
            b"\xff\xfe".to_vec(),
        ]
    });
    let Place { folder: _folder, files } = full();
    fs::copy(files.backoff_path(), files.cache_path()).unwrap();
    fs::copy(files.attempts_path(), files.backoff_path()).unwrap();
    assert_eq!((files.cached(), files.backoff()), (None, None));
}

#[test]
fn a_directory_a_pipe_a_link_and_a_huge_file_are_as_good_as_absent_and_nobody_waits() {
    type Make = fn(&Path);
    let make: [(&str, Make); 5] = [
        ("a directory", |path| fs::create_dir(path).unwrap()),
        ("a pipe", |path| {
            rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        }),
        ("a link to itself", |path| symlink(path, path).unwrap()),
        ("a link to a whole file", |path| {
            let whole = path.with_extension("whole");
            fs::write(&whole, format::write_cached(&cached())).unwrap();
            symlink(whole, path).unwrap();
        }),
        ("a sparse gigabyte", |path| fs::File::create(path).unwrap().set_len(1 << 30).unwrap()),
    ];
    for (what, make) in make {
        let Place { folder: _folder, files } = full();
        fs::remove_file(files.cache_path()).unwrap();
        make(&files.cache_path());
        assert_eq!(files.cached(), None, "{what}");
        let healed = files.put_cache(&cached()).is_ok();
        assert_eq!(healed, what != "a directory", "{what}");
        assert_eq!(files.cached().is_some(), healed, "{what}");
    }
}

#[test]
fn what_a_killed_writer_left_is_in_nobodys_way() {
    let Place { folder: _folder, files } = full();
    let left = files.cache_path().with_extension("json.new");
    fs::write(&left, "half").unwrap();
    files.put_cache(&cached()).unwrap();
    assert!(!left.exists() && files.cached().is_some());
    symlink(files.backoff_path(), &left).unwrap();
    files.put_cache(&cached()).unwrap();
    assert_eq!(files.backoff(), Some(backoff()), "nothing is written through a link");
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("state"), "a file").unwrap();
    let files = Files::new(&folder.path().join("state"), &account("one"), &BaseUrl::official());
    assert_eq!((files.cached(), files.backoff(), files.attempts()), (None, None, Vec::new()));
    assert!(matches!(files.claim(), Claimed::Unknown(Fault { what: Effect::Claim, .. })));
    assert_eq!(files.put_cache(&cached()).unwrap_err().what, Effect::PutCache);
    assert_eq!(files.put_backoff(&backoff()).unwrap_err().what, Effect::PutBackoff);
    assert_eq!(files.put_attempts(&[]).unwrap_err().what, Effect::Attempt);
    assert_eq!(files.remove_cache().unwrap_err().what, Effect::RemoveCache);
}

#[test]
fn the_claim_is_no_link_and_no_pipe() {
    let Place { folder, files } = full();
    let target = folder.path().join("target");
    fs::write(&target, "precious").unwrap();
    symlink(&target, files.path(&files.account, "claim")).unwrap();
    assert!(matches!(files.claim(), Claimed::Unknown(_)));
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
}
