//! Files of somebody else, read without being held up, led astray or filled up by them.
//!
//! Owns how they are opened (regular files only, never waiting) and the classes of what can be wrong with one.
//! Links are followed: people keep such files elsewhere and link to them. Must not: know what is in a file.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// Why a file gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// There is nothing of that name.
    #[error("is not there")]
    Absent,
    /// This program wrote it, so it tells nothing new.
    #[error("was written by cco itself")]
    Ours,
    /// It is there and cannot be opened or read, or is no file.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// It was read, and is not what it should be: half-written, damaged, of another format.
    #[error("is broken: {0}")]
    Broken(String),
}

impl Unread {
    fn of(error: &io::Error) -> Self {
        Self::Unreadable(error.kind().to_string())
    }

    /// What a JSON parser complains about, without a word of what is in the file.
    pub(crate) fn of_json(error: &serde_json::Error) -> Self {
        let place = format!("line {}, column {}", error.line(), error.column());
        match error.classify() {
            serde_json::error::Category::Io => {
                Self::Unreadable(error.io_error_kind().map_or_else(String::new, |kind| kind.to_string()))
            }
            serde_json::error::Category::Eof => Self::Broken(format!("it ends in the middle ({place})")),
            serde_json::error::Category::Syntax => Self::Broken(format!("no JSON at {place}")),
            serde_json::error::Category::Data => Self::Broken(format!("an unexpected value at {place}")),
        }
    }

    pub(crate) fn broken(reason: &str) -> Self {
        Self::Broken(reason.to_owned())
    }
}

/// A regular file that is not larger than it may be.
#[derive(Debug)]
pub(crate) struct Input {
    file: File,
    seen: Metadata,
}

impl Input {
    /// Opens a file for reading. A pipe or a device is opened without waiting, and refused.
    pub(crate) fn open(path: &Path, limit: u64) -> Result<Self, Unread> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(error) => return Err(not_opened(path, &error.into())),
        };
        let seen = file.metadata().map_err(|error| Unread::of(&error))?;
        if !seen.is_file() {
            return Err(Unread::Unreadable("it is no regular file".to_owned()));
        }
        if seen.len() > limit {
            return Err(Unread::Broken(format!("it has {} bytes, more than {limit}", seen.len())));
        }
        Ok(Self { file, seen })
    }

    /// When it was written, UTC milliseconds.
    pub(crate) fn modified_ms(&self) -> i64 {
        self.seen.mtime().saturating_mul(1_000).saturating_add(self.seen.mtime_nsec() / 1_000_000)
    }

    /// What is in it, up to the length that it had when it was opened.
    pub(crate) fn reader(&self) -> impl Read {
        (&self.file).take(self.seen.len())
    }

    /// All of it as text.
    pub(crate) fn text(&self) -> Result<String, Unread> {
        let mut bytes = Vec::new();
        self.reader().read_to_end(&mut bytes).map_err(|error| Unread::of(&error))?;
        self.check_unchanged()?;
        String::from_utf8(bytes).map_err(|_| Unread::broken("it is no UTF-8 text"))
    }

    /// Nobody wrote to it since it was opened: what was read is not half of this and half of that.
    pub(crate) fn check_unchanged(&self) -> Result<(), Unread> {
        let now = self.file.metadata().map_err(|error| Unread::of(&error))?;
        let state = |of: &Metadata| (of.len(), of.mtime(), of.mtime_nsec());
        if state(&now) == state(&self.seen) {
            return Ok(());
        }
        Err(Unread::broken("it was written to while it was read"))
    }
}

/// A link to nothing is told apart from nothing: somebody meant a file to be there.
fn not_opened(path: &Path, error: &io::Error) -> Unread {
    match error.kind() {
        ErrorKind::NotFound if path.symlink_metadata().is_ok() => {
            Unread::Unreadable("it is a link to nothing".to_owned())
        }
        ErrorKind::NotFound | ErrorKind::NotADirectory => Unread::Absent,
        _ => Unread::of(error),
    }
}

#[cfg(test)]
pub(crate) mod hostile;
