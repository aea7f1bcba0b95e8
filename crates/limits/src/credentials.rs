//! The login of a config directory: read anew each time, from where Claude Code keeps it.
//!
//! Owns what the classes of failure are: nobody is logged in, it cannot be read now, it can never be used as it is, its
//! time is over. Must not: write, renew, remember, or say anything of a token but its fingerprint.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

use crate::secret::{Fingerprint, Secret};

mod file;
mod keychain;
mod login;

pub use keychain::{Keychain, KeychainFault, SecurityTool, service_name};

/// The file beside the settings.
pub const FILE: &str = ".credentials.json";

/// A credential file's content.
pub(crate) fn read_file(path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, Found> {
    file::read(path).map(|content| content.bytes)
}

/// What was found where a login should be.
#[derive(Debug)]
pub enum Found {
    /// Nobody is logged in.
    Absent,
    /// Not to be had now; perhaps a moment later.
    Unreadable(Unreadable),
    /// It is there and cannot be used; only the user can mend it.
    Broken(Broken),
    /// Its time is over.
    Expired(Expired),
    /// A token to ask with.
    Ok(Login),
}

/// Why a login cannot be read now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The file's system failed, or we may not read it.
    File,
    /// The Keychain failed.
    Keychain(KeychainFault),
    /// The Keychain may not be asked for this account, and no file has the login.
    KeychainNotAllowed,
}

/// Why a login cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A directory, a pipe, a device.
    #[error("it is no regular file")]
    NotAFile,
    /// The file, or the link to it, belongs to somebody else.
    #[error("it belongs to another user")]
    NotOurs,
    /// Far longer than any login.
    #[error("it is too long")]
    TooLong,
    /// Damaged or half-written.
    #[error("it is no JSON that Claude Code writes")]
    NotJson,
    /// There is a login without a token.
    #[error("it has no accessToken")]
    NoToken,
    /// The token could not be sent.
    #[error("its accessToken has characters that no token has")]
    OddToken,
}

/// A login that must be renewed, by opening Claude Code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired {
    /// Of its token.
    pub fingerprint: Fingerprint,
    /// Since when, UTC milliseconds.
    pub at_ms: i64,
    /// Until when Claude Code can renew it, UTC milliseconds; none: not told.
    pub renewable_until_ms: Option<i64>,
}

/// A login that can be used.
#[derive(Debug)]
pub struct Login {
    /// To ask with.
    pub token: Secret,
    /// When the token ends, UTC milliseconds; none: not told.
    pub expires_at_ms: Option<i64>,
    /// There is a refresh token, which Claude Code will use.
    pub renewable: bool,
    /// Until when it can, UTC milliseconds; none: not told.
    pub renewable_until_ms: Option<i64>,
    /// Others can read the file that it was in: to be told to the user.
    pub readable_by_others: bool,
}

/// Whether the system's key store holds logins here, and may be asked.
#[derive(Clone, Copy)]
pub enum KeyStore<'a> {
    /// This system has none: logins are in files.
    None,
    /// It has one; the user has not allowed to ask it for this account.
    NotAllowed,
    /// Ask it, then look for the file.
    Ask(&'a dyn Keychain),
}

/// What can be told of the file of a login without using it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileState {
    /// When it was written, UTC milliseconds; none: there is no such file.
    pub written_at_ms: Option<i64>,
    /// Others can read it.
    pub readable_by_others: bool,
    /// Until when Claude Code can renew the login, UTC milliseconds; none: not told.
    pub renewable_until_ms: Option<i64>,
}

/// Looks at the file of a config directory's login; no key store is asked.
pub fn file_state(directory: &Path, now_ms: i64) -> FileState {
    let path = directory.join(FILE);
    let Ok(metadata) = std::fs::metadata(&path) else { return FileState::default() };
    let found = file::read(&path).map(|read| login::parse(&read.bytes, now_ms, read.readable_by_others));
    let renewable_until_ms = match &found {
        Ok(Found::Ok(login)) => login.renewable_until_ms,
        Ok(Found::Expired(expired)) => expired.renewable_until_ms,
        _ => None,
    };
    let written = metadata.modified().ok().and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    FileState {
        written_at_ms: written.and_then(|written| i64::try_from(written.as_millis()).ok()),
        readable_by_others: metadata.is_file() && metadata.mode() & 0o077 != 0,
        renewable_until_ms,
    }
}

/// Reads the login of one config directory.
pub struct Source<'a> {
    /// The config directory.
    pub directory: &'a Path,
    /// What `CLAUDE_CONFIG_DIR` says where it chose the directory, to the letter.
    pub config_dir: Option<&'a str>,
    /// The key store.
    pub key_store: KeyStore<'a>,
}

impl Source<'_> {
    /// Reads it. A key store that cannot be read is not the same as one that has nothing: then no older file is believed.
    pub fn read(&self, now_ms: i64) -> Found {
        if let KeyStore::Ask(keychain) = self.key_store {
            match keychain.password(&service_name(self.config_dir)) {
                Ok(text) => match login::parse(text.as_bytes(), now_ms, false) {
                    Found::Absent => {}
                    found => return found,
                },
                Err(KeychainFault::Absent) => {}
                Err(fault) => return Found::Unreadable(Unreadable::Keychain(fault)),
            }
        }
        match (file::read(&self.directory.join(FILE)), self.key_store) {
            (Ok(read), _) => login::parse(&read.bytes, now_ms, read.readable_by_others),
            (Err(Found::Absent), KeyStore::NotAllowed) => Found::Unreadable(Unreadable::KeychainNotAllowed),
            (Err(found), _) => found,
        }
    }
}

#[cfg(test)]
mod tests;
