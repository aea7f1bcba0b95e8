//! What was in a `settings.json` before its status line was ours: a copy of the file, and a record of it.
//!
//! Must not: touch the settings themselves.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::document::Document;
use super::file::sync;
use crate::error::{CliError, why};

/// The folder of copies in `cco`'s own.
const BACKUPS: &str = "backups";
/// Hex digits that tell files from each other.
const SHORT: usize = 16;

/// What is remembered of an installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The file, for people.
    pub(crate) file: String,
    /// The command that was written.
    pub(crate) command: String,
    /// The file before.
    pub(crate) before: Before,
    /// The SHA-256 of the file after.
    pub(crate) after_sha256: String,
    /// The status line before, as it was written.
    pub(crate) old_line: Option<String>,
}

/// What a file was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Before {
    /// It was not there.
    Absent,
    /// These bytes, of which there is a copy.
    Bytes {
        /// Of them.
        sha256: String,
    },
    /// Nobody knows: its status line was ours already.
    Unknown,
}

/// What the whole file was before its status line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Original {
    /// There was none.
    Absent,
    /// This text.
    Text(String),
}

/// Where copies and records are kept.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    state: PathBuf,
    backups: PathBuf,
}

impl Records {
    /// Those in `cco`'s own folder, where `state` is what processes remember.
    pub(crate) fn new(folder: &Path, state: PathBuf) -> Self {
        Self { state, backups: folder.join(BACKUPS) }
    }

    /// The record of a file; none: there is none. One that cannot be read is an error: it may hold another tool's line.
    pub(crate) fn read(&self, settings: &Path) -> Result<Option<Record>, CliError> {
        let path = self.record(settings);
        let bytes = if_there(fs::read(&path)).map_err(|error| unread(&path, &why(&error)))?;
        let record = bytes.map(|bytes| serde_json::from_slice(&bytes)).transpose();
        record.map_err(|error| unread(&path, &format!("it is damaged: {error}")))
    }

    /// Puts down what was there, and says where the copy is. Both are on the disk when this returns.
    pub(crate) fn write(
        &self,
        settings: &Path,
        record: &Record,
        before: Option<&str>,
    ) -> io::Result<Option<PathBuf>> {
        let mut copy = None;
        if let (Before::Bytes { sha256 }, Some(text)) = (&record.before, before)
            && *sha256 == sum(text)
        {
            write_private(&self.backup(sha256), text.as_bytes())?;
            copy = Some(self.backup(sha256));
        }
        write_private(&self.record(settings), &serde_json::to_vec(record)?)?;
        Ok(copy)
    }

    /// Forgets a file.
    pub(crate) fn forget(&self, settings: &Path) {
        // One that stays is no harm: it is held against the file before it is believed.
        _ = fs::remove_file(self.record(settings));
    }

    /// What the whole file was, where nothing but the status line has changed since.
    pub(crate) fn original(
        &self,
        record: &Record,
        now: &Document<'_>,
        text: &str,
    ) -> Result<Option<Original>, CliError> {
        let original = match &record.before {
            Before::Absent => Original::Absent,
            Before::Bytes { sha256 } => {
                let path = self.backup(sha256);
                let copy =
                    if_there(fs::read_to_string(&path)).map_err(|error| unread(&path, &why(&error)))?;
                match copy.filter(|copy| sum(copy) == *sha256) {
                    Some(copy) => Original::Text(copy),
                    None => return Ok(None),
                }
            }
            Before::Unknown => return Ok(None),
        };
        let before = match &original {
            Original::Absent => "",
            Original::Text(text) => text,
        };
        let again = now.line().and_then(|line| Document::read(before).ok()?.with(line).ok());
        Ok((again.as_deref() == Some(text)).then_some(original))
    }

    fn record(&self, settings: &Path) -> PathBuf {
        let digits = hex(&Sha256::digest(settings.as_os_str().as_bytes()));
        self.state.join(format!("statusline-{}.json", &digits[..SHORT]))
    }

    fn backup(&self, sha256: &str) -> PathBuf {
        let digits: String = sha256.chars().filter(char::is_ascii_hexdigit).take(SHORT).collect();
        self.backups.join(format!("settings.json.{digits}"))
    }
}

/// What was read; none: it is not there.
fn if_there<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

fn unread(path: &Path, why: &str) -> CliError {
    CliError::failed(format!("cannot read {}, which tells what was there before: {why}", path.display()))
        .hint("nothing was changed; without that file only cco's own status line is taken out")
}

/// The SHA-256 of a text.
pub(crate) fn sum(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a file whole or not at all, for its user alone.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync(folder);
    Ok(())
}
