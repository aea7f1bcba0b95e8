//! A transcript that turns into something else while it is looked at gives its own bytes, or none.
//!
//! `CCO_RACES` sets how many times it turns; the normal run asks for 2,000 of each kind, `scripts/torture` for 10,000.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use cco_transcript::file;
use cco_transcript::find::walk;
use cco_transcript::read::Reader;
use rustix::fs::{CWD, FileType, Mode, RenameFlags, mknodat, renameat_with};

/// Output tokens of the transcript's rows, and of rows that lie elsewhere.
const OURS: u64 = 7;
const FOREIGN: u64 = 666;

fn row(id: u64, output: u64) -> String {
    format!(
        r#"{{"type":"assistant","sessionId":"s","timestamp":"2026-10-20T12:00:00Z","message":{{"id":"msg_{id:020}","model":"m","usage":{{"output_tokens":{output}}}}}}}"#
    ) + "\n"
}

/// A root with one transcript, and beside the root what it turns into.
struct World {
    folder: tempfile::TempDir,
    transcript: PathBuf,
    aside: PathBuf,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for name in ["root/projects/p", "other"] {
            fs::create_dir_all(at(name)).expect("a folder");
        }
        let (transcript, aside) = (at("root/projects/p/s.jsonl"), at("aside"));
        fs::write(&transcript, row(1, OURS) + &row(2, OURS)).expect("a transcript");
        // As long as the transcript, so that no size tells them apart.
        fs::write(at("secret"), row(3, FOREIGN) + &row(4, FOREIGN)).expect("a secret");
        fs::write(at("other/s.jsonl"), row(5, FOREIGN)).expect("another tree's transcript");
        Self { folder, transcript, aside }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn root(&self) -> PathBuf {
        self.at("root")
    }
}

/// How many times a file turns.
#[expect(
    clippy::disallowed_methods,
    reason = "a lane of tests is chosen by the environment, as the file's doc says"
)]
fn turns() -> u64 {
    std::env::var("CCO_RACES").map_or(2_000, |number| number.parse().expect("CCO_RACES is a number"))
}

/// What looks at a transcript saw: how often it was read, and how often refused.
#[derive(Debug, Default)]
struct Looks {
    read: u64,
    refused: u64,
}

/// Walks once, then opens and reads as a scan does, but some times over. Panics on a byte that is not the transcript's.
fn look(root: &Path, reader: &mut Reader, looks: &mut Looks) {
    let walk = walk(&[root.to_owned()]);
    for found in walk.files.iter().cycle().take(8 * walk.files.len()) {
        let Ok(file) = file::open(&found.path, &found.state) else {
            looks.refused += 1;
            continue;
        };
        let (size, identity) = (found.state.size, (found.state.device, found.state.inode));
        let piece = reader.read(&file, identity, 0..size, true, size).expect("a readable file");
        let outputs: Vec<u64> = piece.batch.calls.iter().map(|call| call.usage.tokens.output).collect();
        assert_eq!(outputs, [OURS; 2], "{found:?}");
        looks.read += 1;
    }
}

/// One thread lets another thing and the transcript change places, again and again, by one call each time, while this
/// one looks, until both have done enough.
fn turns_into(make: impl Fn(&World, &Path)) {
    let world = World::new();
    make(&world, &world.aside);
    let (stop, turned) = (AtomicBool::new(false), AtomicU64::new(0));
    let (mut looks, mut reader) = (Looks::default(), Reader::default());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Acquire) {
                renameat_with(CWD, &world.transcript, CWD, &world.aside, RenameFlags::EXCHANGE)
                    .expect("an exchange");
                turned.fetch_add(1, Ordering::AcqRel);
            }
        });
        let mut rounds = 0;
        let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            // On one core the two seldom meet: then it takes longer.
            let met = |looks: &Looks| looks.read.min(looks.refused) > 0;
            while rounds < turns()
                || turned.load(Ordering::Acquire) < turns()
                || (!met(&looks) && rounds < 100 * turns())
            {
                look(&world.root(), &mut reader, &mut looks);
                rounds += 1;
            }
        }));
        stop.store(true, Ordering::Release);
        looked.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    assert!(looks.read > 0 && looks.refused > 0, "a race that never was one: {looks:?}");
}

#[test]
fn a_transcript_that_turns_into_a_link_to_a_secret_gives_nothing_of_it() {
    turns_into(|world, path| symlink(world.at("secret"), path).expect("a link"));
}

#[test]
fn a_transcript_that_turns_into_a_pipe_is_not_waited_for() {
    turns_into(|_, path| {
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    });
}

#[test]
fn a_transcript_that_turns_into_a_link_to_a_device_does_not_read_it() {
    turns_into(|_, path| symlink("/dev/zero", path).expect("a link"));
}

#[test]
fn a_transcript_that_turns_into_a_folder_is_no_file() {
    turns_into(|world, path| {
        fs::create_dir(path).expect("a folder");
        fs::copy(world.at("secret"), path.join("secret")).expect("a file in it");
    });
}

#[test]
fn a_transcript_that_turns_into_a_link_to_itself_is_no_file_then() {
    turns_into(|world, path| symlink(&world.transcript, path).expect("a link"));
}

#[test]
fn a_file_that_takes_the_place_of_the_one_that_was_seen_is_left_to_the_next_scan() {
    let world = World::new();
    let (kept, secret) = (world.at("kept"), world.at("secret"));
    let walk = walk(&[world.root()]);
    let found = walk.files.first().expect("a transcript");
    for _ in 0..turns() {
        fs::rename(&world.transcript, &kept).expect("out of the way");
        fs::rename(&secret, &world.transcript).expect("a regular file in its place");
        assert!(file::open(&found.path, &found.state).is_err(), "another file");
        fs::rename(&world.transcript, &secret).expect("away again");
        fs::rename(&kept, &world.transcript).expect("back");
        assert!(file::open(&found.path, &found.state).is_ok(), "the file that was seen");
    }
}

#[test]
fn a_folder_on_the_way_that_turns_into_a_link_leads_to_no_other_file() {
    let world = World::new();
    let (project, kept, link) = (world.at("root/projects/p"), world.at("kept"), world.at("link"));
    symlink(world.at("other"), &link).expect("a link");
    let walk = walk(&[world.root()]);
    let seen = walk.files.first().expect("a transcript");
    let opened = AtomicU64::new(0);
    for _ in 0..turns() {
        fs::rename(&project, &kept).expect("out of the way");
        fs::rename(&link, &project).expect("the link in its place");
        assert!(file::open(&seen.path, &seen.state).is_err(), "it leads elsewhere");
        fs::rename(&project, &link).expect("away again");
        fs::rename(&kept, &project).expect("back");
        opened.fetch_add(u64::from(file::open(&seen.path, &seen.state).is_ok()), Ordering::Relaxed);
    }
    assert_eq!(opened.into_inner(), turns());
}
