//! What is written down before a refresh token is spent, and what came back for it before it is saved.
//!
//! Two files, of this user alone: `.intent` says which credential is being spent and takes the successor up as its
//! second line; `.previous` is the credential file as it was. They are the only files of ours that hold a token, and
//! are there only from before the question until its answer is on disk. Must not: believe a line that is not whole.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::credential::{Credential, Successor};
use crate::secret::{Fingerprint, Secret};
use crate::store::format::{read_entry, seal, unseal, write_entry};

const MAX_FILE: usize = 1 << 20;

/// A credential that is being spent.
#[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spent {
    pub(super) at_ms: i64,
    pub(super) refresh: Fingerprint,
    pub(super) access: Fingerprint,
}

impl Spent {
    pub(super) fn of(credential: &Credential, at_ms: i64) -> Self {
        Self { at_ms, refresh: credential.refresh.fingerprint(), access: credential.access }
    }

    /// It is this credential, not one that came later.
    pub(super) fn is(&self, credential: &Credential) -> bool {
        self.refresh == credential.refresh.fingerprint() && self.access == credential.access
    }
}

/// The two files of one credential.
pub(super) struct Intent {
    pub(super) intent: PathBuf,
    pub(super) previous: PathBuf,
}

/// What a killed process left.
pub(super) struct Left {
    /// None: not even the first line is whole, so nothing was asked.
    pub(super) spent: Option<Spent>,
    pub(super) successor: Option<Successor>,
    pub(super) previous: Option<Credential>,
}

impl Intent {
    pub(super) fn exists(&self) -> bool {
        [&self.intent, &self.previous].into_iter().any(|path| fs::symlink_metadata(path).is_ok())
    }

    pub(super) fn keep_previous(&self, credential: &Credential) -> io::Result<()> {
        write_new(&self.previous, credential.text.as_bytes()).map(drop)
    }

    pub(super) fn begin(&self, spent: &Spent) -> io::Result<Begun> {
        let file = write_new(&self.intent, write_entry("refresh-intent", spent).as_bytes())?;
        sync_folder(&self.intent)?;
        Ok(Begun(file))
    }

    pub(super) fn read(&self) -> Left {
        let text = read(&self.intent)
            .and_then(|bytes| Some(Zeroizing::new(std::str::from_utf8(&bytes).ok()?.to_owned())));
        let mut lines = text.as_ref().map(|text| text.lines()).into_iter().flatten();
        let spent: Option<Spent> = lines.next().and_then(|line| read_entry("refresh-intent", line));
        let successor = lines.next().filter(|_| spent.is_some()).and_then(read_successor);
        let previous = read(&self.previous)
            .and_then(|bytes| Credential::parse(&bytes).ok())
            .filter(|previous| spent.is_some_and(|spent| spent.is(previous)));
        Left { spent, successor, previous }
    }

    /// The previous content goes first: what is left by a kill between the two can do no harm.
    pub(super) fn end(&self, between: impl FnOnce()) -> io::Result<()> {
        remove(&self.previous)?;
        between();
        remove(&self.intent)?;
        sync_folder(&self.intent)
    }
}

/// An intent that waits for its successor. It stays open, so that one write is all that stands between an answer and
/// the disk.
pub(super) struct Begun(File);

impl Begun {
    pub(super) fn add(&mut self, successor: &Successor) -> io::Result<()> {
        self.0.write_all(stored(successor)?.as_bytes())?;
        self.0.sync_all()
    }
}

/// A new file with this in it, on the disk. Whatever was there is gone.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<File> {
    remove(path)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::open(path, flags, Mode::from_raw_mode(0o600))?);
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(file)
}

pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn read(path: &Path) -> Option<Zeroizing<Vec<u8>>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    let metadata = file.metadata().ok()?;
    let length = usize::try_from(metadata.len()).ok().filter(|length| *length <= MAX_FILE)?;
    if !metadata.is_file() {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(length + 64));
    file.take(length as u64 + 1).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn stored(successor: &Successor) -> io::Result<Zeroizing<String>> {
    #[derive(serde::Serialize)]
    struct Stored<'a> {
        access: &'a str,
        refresh: Option<&'a str>,
        expires_at_ms: i64,
        renewable_until_ms: Option<i64>,
    }
    let stored = Stored {
        access: successor.access.expose(),
        refresh: successor.refresh.as_ref().map(Secret::expose),
        expires_at_ms: successor.expires_at_ms,
        renewable_until_ms: successor.renewable_until_ms,
    };
    let room = 6 * (stored.access.len() + stored.refresh.map_or(0, str::len)) + 256;
    let mut entry = Zeroizing::new(Vec::with_capacity(room));
    serde_json::to_writer(&mut *entry, &stored)?;
    Ok(seal("refresh-successor", std::str::from_utf8(&entry).map_err(io::Error::other)?))
}

fn read_successor(line: &str) -> Option<Successor> {
    #[derive(serde::Deserialize)]
    struct Stored<'a> {
        #[serde(borrow)]
        access: &'a RawValue,
        #[serde(borrow)]
        refresh: Option<&'a RawValue>,
        expires_at_ms: i64,
        renewable_until_ms: Option<i64>,
    }
    let stored: Stored<'_> = serde_json::from_str(unseal("refresh-successor", line)?).ok()?;
    let secret = |value: &RawValue| {
        serde_json::from_str::<String>(value.get()).ok().map(Zeroizing::new).and_then(Secret::new)
    };
    let refresh = match stored.refresh.filter(|value| value.get() != "null") {
        Some(value) => Some(secret(value)?),
        None => None,
    };
    let (expires_at_ms, renewable_until_ms) = (stored.expires_at_ms, stored.renewable_until_ms);
    Some(Successor { access: secret(stored.access)?, refresh, expires_at_ms, renewable_until_ms })
}
