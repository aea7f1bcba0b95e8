//! What is remembered among processes, in files: the last answer, the back-off, the attempts of an hour, the claim.
//!
//! Owns the folder it is given. A file there is either whole and ours, or as good as absent: it carries a hash of what
//! it says. Must not: hold a token, follow a link, wait for anybody, or fail an answer.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use cco_model::limit::AccountId;
use rustix::fs::{Mode, OFlags};
use sha2::{Digest, Sha256};

use crate::base::BaseUrl;
use crate::cascade::{BackOff, Cached, Claimed, Effect, Fault, Store};

pub(crate) mod format;

/// The longest file that is read: a body in JSON, and what stands around it.
const MAX_FILE: u64 = 256 * 1024;

/// The files of one account at one base URL.
pub struct Files {
    folder: PathBuf,
    /// Names the account and the base URL.
    here: String,
    /// Names the account: the claim and the attempts are of all its base URLs.
    account: String,
}

/// Holds the claim until it goes; the system takes it back from a process that ends.
#[derive(Debug)]
pub struct Claim {
    _file: File,
}

impl Files {
    /// Names the files. Opens and makes nothing.
    pub fn new(folder: &Path, account: &AccountId, base: &BaseUrl) -> Self {
        let account = account.to_string();
        let here = short_hash(&[&account, base.as_str()]);
        Self { folder: folder.to_owned(), here, account: short_hash(&[&account]) }
    }

    fn path(&self, owner: &str, kind: &str) -> PathBuf {
        self.folder.join(format!("limits-{owner}.{kind}"))
    }

    fn cache_path(&self) -> PathBuf {
        self.path(&self.here, "cache.json")
    }

    fn backoff_path(&self) -> PathBuf {
        self.path(&self.here, "backoff.json")
    }

    fn attempts_path(&self) -> PathBuf {
        self.path(&self.account, "attempts.json")
    }

    fn try_claim(&self) -> io::Result<Option<Claim>> {
        make_folder(&self.folder)?;
        let file = open_lock(&self.path(&self.account, "claim"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Claim { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Makes a folder of ours, if it is not there.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Opens a file that is only there to be locked.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::from_raw_mode(0o600))?);
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("the claim is no regular file")),
    }
}

/// Replaces a file as a whole. Only the holder of a lock writes, so there is one new file at a time, and what a killed
/// writer left is in the way of nobody else.
pub(crate) fn replace(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    make_folder(folder)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    match fs::remove_file(folder.join(&name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut new = tempfile::Builder::new()
        .prefix(&name)
        .rand_bytes(0)
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(path)?;
    Ok(())
}

impl Store for Files {
    type Claim = Claim;

    fn cached(&self) -> Option<Cached> {
        format::read_cached(&read(&self.cache_path())?)
    }

    fn backoff(&self) -> Option<BackOff> {
        format::read_backoff(&read(&self.backoff_path())?)
    }

    fn attempts(&self) -> Vec<i64> {
        read(&self.attempts_path()).and_then(|text| format::read_attempts(&text)).unwrap_or_default()
    }

    fn claim(&self) -> Claimed<Claim> {
        match self.try_claim() {
            Ok(Some(claim)) => Claimed::Ours(claim),
            Ok(None) => Claimed::Held,
            Err(error) => Claimed::Unknown(fault(Effect::Claim, &error)),
        }
    }

    fn put_attempts(&self, attempts: &[i64]) -> Result<(), Fault> {
        let text = format::write_attempts(attempts);
        replace(&self.folder, &self.attempts_path(), &text).map_err(|error| fault(Effect::Attempt, &error))
    }

    fn put_cache(&self, cached: &Cached) -> Result<(), Fault> {
        let text = format::write_cached(cached);
        replace(&self.folder, &self.cache_path(), &text).map_err(|error| fault(Effect::PutCache, &error))
    }

    fn remove_cache(&self) -> Result<(), Fault> {
        match fs::remove_file(self.cache_path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(fault(Effect::RemoveCache, &error)),
            _ => Ok(()),
        }
    }

    fn put_backoff(&self, backoff: &BackOff) -> Result<(), Fault> {
        let text = format::write_backoff(backoff);
        replace(&self.folder, &self.backoff_path(), &text).map_err(|error| fault(Effect::PutBackoff, &error))
    }
}

fn fault(what: Effect, error: &io::Error) -> Fault {
    Fault { what, error: error.to_string() }
}

/// A small regular file of this user; none: anything else.
pub(crate) fn read(path: &Path) -> Option<String> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    let metadata = file.metadata().ok()?;
    let ours = metadata.uid() == rustix::process::geteuid().as_raw();
    if !metadata.is_file() || !ours || metadata.len() > MAX_FILE {
        return None;
    }
    let mut text = String::new();
    file.take(MAX_FILE).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Names files after what they belong to.
pub(crate) fn short_hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
