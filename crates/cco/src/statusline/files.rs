//! The files of a status line: small, regular, read in one go and without waiting. What cannot be read is not there.

use std::fs::{DirBuilder, File, Metadata};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use cco_statusline::payload::{self, Payload};
use cco_statusline::snapshot::{self, Snapshot};
use cco_statusline::spool::Observation;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};

use crate::env::Patience;

/// The snapshot's name in the state folder.
pub(crate) const SNAPSHOT: &str = "snapshot";
/// The folder of spool files.
pub(crate) const SPOOL: &str = "spool";
/// Of a spool file so much of its end is read, in bytes: its last line.
const TAIL: u64 = 2 * cco_statusline::spool::MOST_BYTES as u64;
/// A spool file that nobody takes in grows no longer than this, in bytes.
const FULL: u64 = 1 << 20;
/// Read from stdin at once: more than payloads have, mostly, and few pages to fill.
const PIECE: usize = 8 << 10;

/// What comes on stdin: a whole object, or what there is when it ends, grows too long, or keeps us waiting.
pub(super) fn handed_over(patience: &Patience) -> Vec<u8> {
    let stdin = std::io::stdin();
    let mut bytes = Vec::new();
    let mut piece = [0; PIECE];
    while bytes.len() < payload::MOST_BYTES && is_ready(&stdin, patience) {
        match rustix::io::read(&stdin, &mut piece[..]) {
            Ok(0) => break,
            Ok(length) => bytes.extend_from_slice(&piece[..length]),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => continue,
            Err(_) => break,
        }
        if Payload::is_whole(&bytes) {
            break;
        }
    }
    bytes
}

fn is_ready(stdin: &std::io::Stdin, patience: &Patience) -> bool {
    let Ok(left) = Timespec::try_from(patience.left()) else { return false };
    let mut waiting = [PollFd::new(stdin, PollFlags::IN)];
    match poll(&mut waiting, Some(&left)) {
        Ok(ready) => ready > 0,
        Err(error) => error == rustix::io::Errno::INTR && !patience.left().is_zero(),
    }
}

/// The snapshot of a state folder.
pub(crate) fn snapshot(state: &Path) -> Option<Snapshot> {
    Snapshot::read(&small(&state.join(SNAPSHOT), snapshot::MOST_BYTES as u64)?)
}

/// All of a regular file that is no longer than this.
pub(super) fn small(path: &Path, most: u64) -> Option<Vec<u8>> {
    let (mut file, about) = regular(path)?;
    let length = usize::try_from(about.len()).ok().filter(|_| about.len() <= most)?;
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

/// A file that is no pipe and no device: those may wait for ever.
fn regular(path: &Path) -> Option<(File, Metadata)> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::from(open(path, flags, Mode::empty()).ok()?);
    let about = file.metadata().ok().filter(Metadata::is_file)?;
    Some((file, about))
}

/// When a file was last written to, UTC milliseconds.
pub(super) fn changed_ms(path: &str) -> Option<i64> {
    let path = Path::new(path);
    let about = path.is_absolute().then(|| path.metadata().ok())?.filter(Metadata::is_file)?;
    about.mtime().checked_mul(1_000)?.checked_add(about.mtime_nsec() / 1_000_000)
}

/// A session's spool file.
pub(super) struct Spool {
    folder: PathBuf,
    path: PathBuf,
}

impl Spool {
    /// Of a session, in a state folder; none: its id is no file's name.
    pub(super) fn of((state, session): (&Path, &str)) -> Option<Self> {
        let folder = state.join(SPOOL);
        Some(Self { path: folder.join(Observation::file_name(session)?), folder })
    }

    /// What was observed last, unless it was taken in since.
    pub(super) fn last(&self) -> Option<Observation> {
        let (file, about) = regular(&self.path)?;
        let from = about.len().saturating_sub(TAIL);
        let mut tail = vec![0; usize::try_from(about.len() - from).ok()?];
        file.read_exact_at(&mut tail, from).ok()?;
        Observation::last_in(&tail)
    }

    /// Adds a line, in one write. What cannot be written is observed again another time.
    pub(super) fn append(&self, line: &str) {
        let flags = OFlags::WRONLY
            | OFlags::APPEND
            | OFlags::CREATE
            | OFlags::CLOEXEC
            | OFlags::NONBLOCK
            | OFlags::NOFOLLOW;
        let opened = || open(&self.path, flags, Mode::RUSR | Mode::WUSR);
        let opened = opened().or_else(|error| {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
            if made.is_ok() { opened() } else { Err(error) }
        });
        let Ok(file) = opened.map(File::from) else { return };
        if file.metadata().is_ok_and(|about| about.is_file() && about.len() < FULL) {
            let _ = rustix::io::write(&file, line.as_bytes());
        }
    }
}
