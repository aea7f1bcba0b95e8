//! The daemon's own log: a line for what happens, in a file that stays small.
//!
//! Owns the form of a line and the files `daemon.log`, `.1` and `.2`. Must not: hold a secret, or fail anybody because
//! a line could not be written.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use cco_model::untrusted;
use jiff::Timestamp;

use crate::setup::Clock;

/// The file that is written to, in the folder of logs.
pub const FILE: &str = "daemon.log";
/// A file that has grown to this is put aside, in bytes.
const FULL: u64 = 10 << 20;
/// Files put aside that are kept.
const KEPT: u32 = 2;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// It is as it should be.
    Note,
    /// Somebody should know.
    Warning,
}

/// Writes a line for one that is no daemon yet, or none any more.
pub fn warn(folder: &Path, now: Timestamp, what: &str) {
    Log::new(folder, Arc::new(move || now), false).warn("daemon", what);
}

/// Where lines go.
pub(crate) struct Log {
    folder: PathBuf,
    clock: Clock,
    /// On stderr as well.
    is_aloud: bool,
    file: Mutex<Option<Open>>,
}

struct Open {
    file: File,
    length: u64,
}

impl Log {
    /// Into a folder, which is made when absent; and on stderr, where that is wanted.
    pub(crate) fn new(folder: &Path, clock: Clock, is_aloud: bool) -> Self {
        Self { folder: folder.to_owned(), clock, is_aloud, file: Mutex::new(None) }
    }

    /// What happened, and who says so.
    pub(crate) fn note(&self, who: &str, what: &str) {
        self.line(Level::Note, who, what);
    }

    /// What somebody should know.
    pub(crate) fn warn(&self, who: &str, what: &str) {
        self.line(Level::Warning, who, what);
    }

    fn line(&self, level: Level, who: &str, what: &str) {
        let at = (self.clock)().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let mark = match level {
            Level::Note => "",
            Level::Warning => "warning: ",
        };
        // A name of a file may hold anything.
        let line = format!("{at} {who}: {mark}{}\n", untrusted::clean(what).replace('\n', " "));
        // Whoever sees it on stderr finds it in the file.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.append(&mut file, line.as_bytes());
        if self.is_aloud {
            let _ = io::stderr().lock().write_all(line.as_bytes());
        }
    }

    fn append(&self, open: &mut Option<Open>, line: &[u8]) -> io::Result<()> {
        if open.as_ref().is_some_and(|open| open.length >= FULL) {
            *open = None;
            self.put_aside();
        }
        let open = match open {
            Some(open) => open,
            None => open.insert(self.open()?),
        };
        open.length += line.len() as u64;
        open.file.write_all(line)
    }

    fn open(&self) -> io::Result<Open> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let path = self.folder.join(FILE);
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let length = file.metadata()?.len();
        Ok(Open { file, length })
    }

    fn put_aside(&self) {
        let name = |number: u32| self.folder.join(format!("{FILE}.{number}"));
        for number in (1..KEPT).rev() {
            let _ = fs::rename(name(number), name(number + 1));
        }
        let _ = fs::rename(self.folder.join(FILE), name(1));
    }
}
