//! How the files are written: `{"schema":1,"sha256":…,"entry":…}`, the hash being that of the entry's text.
//!
//! Must not: give back anything that was not written here. One flipped bit makes a file nobody's.

use std::fmt::Write;

use cco_model::limit::backoff::{Failure, Tag};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::cascade::{BackOff, Cached};
use crate::secret::Fingerprint;

const SCHEMA: u32 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    schema: u32,
    sha256: String,
    #[serde(borrow)]
    entry: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CachedEntry {
    fetched_at_ms: i64,
    fingerprint: Fingerprint,
    /// As text: so the bytes come back as they came.
    body: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BackOffEntry {
    written_at_ms: i64,
    until_ms: i64,
    tag: StoredTag,
    in_a_row: u32,
    credential: Fingerprint,
}

/// The model's tags as they are written; the model itself knows no file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredTag {
    Stamp,
    Unauthorized,
    Forbidden,
    RateLimited,
    Timeout,
    Network,
    NoConnection,
    NoName,
    Tls,
    Redirect,
    Server,
    Refused,
    Parse,
}

impl From<Tag> for StoredTag {
    fn from(tag: Tag) -> Self {
        match tag {
            Tag::Stamp => Self::Stamp,
            Tag::Unauthorized => Self::Unauthorized,
            Tag::Forbidden => Self::Forbidden,
            Tag::RateLimited => Self::RateLimited,
            Tag::Failed(Failure::Timeout) => Self::Timeout,
            Tag::Failed(Failure::Network) => Self::Network,
            Tag::Failed(Failure::NoConnection) => Self::NoConnection,
            Tag::Failed(Failure::NoName) => Self::NoName,
            Tag::Failed(Failure::Tls) => Self::Tls,
            Tag::Failed(Failure::Redirect) => Self::Redirect,
            Tag::Failed(Failure::Server) => Self::Server,
            Tag::Failed(Failure::Refused) => Self::Refused,
            Tag::Failed(Failure::Parse) => Self::Parse,
        }
    }
}

impl From<StoredTag> for Tag {
    fn from(tag: StoredTag) -> Self {
        match tag {
            StoredTag::Stamp => Self::Stamp,
            StoredTag::Unauthorized => Self::Unauthorized,
            StoredTag::Forbidden => Self::Forbidden,
            StoredTag::RateLimited => Self::RateLimited,
            StoredTag::Timeout => Self::Failed(Failure::Timeout),
            StoredTag::Network => Self::Failed(Failure::Network),
            StoredTag::NoConnection => Self::Failed(Failure::NoConnection),
            StoredTag::NoName => Self::Failed(Failure::NoName),
            StoredTag::Tls => Self::Failed(Failure::Tls),
            StoredTag::Redirect => Self::Failed(Failure::Redirect),
            StoredTag::Server => Self::Failed(Failure::Server),
            StoredTag::Refused => Self::Failed(Failure::Refused),
            StoredTag::Parse => Self::Failed(Failure::Parse),
        }
    }
}

fn sha256(kind: &str, entry: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(kind.as_bytes());
    hash.update([0]);
    hash.update(entry.as_bytes());
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// An entry's text with what it takes to know it again. Wiped when it goes: some entries hold a token.
pub(crate) fn seal(kind: &str, entry: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(entry.len() + 160));
    let _ =
        writeln!(text, "{{\"schema\":{SCHEMA},\"sha256\":\"{}\",\"entry\":{entry}}}", sha256(kind, entry));
    text
}

/// The entry's text, if it is whole and of this kind.
pub(crate) fn unseal<'a>(kind: &str, text: &'a str) -> Option<&'a str> {
    let envelope: Envelope<'a> = serde_json::from_str(text).ok()?;
    let entry = envelope.entry.get();
    (envelope.schema == SCHEMA && envelope.sha256 == sha256(kind, entry)).then_some(entry)
}

pub(crate) fn write_entry(kind: &str, entry: &impl Serialize) -> String {
    // Numbers, texts and lists of them always can be JSON.
    seal(kind, &serde_json::to_string(entry).unwrap_or_default()).to_string()
}

pub(crate) fn read_entry<T: DeserializeOwned>(kind: &str, text: &str) -> Option<T> {
    serde_json::from_str(unseal(kind, text)?).ok()
}

pub(super) fn write_cached(cached: &Cached) -> String {
    let body = String::from_utf8_lossy(&cached.body).into_owned();
    let (fetched_at_ms, fingerprint) = (cached.fetched_at_ms, cached.fingerprint);
    write_entry("cache", &CachedEntry { fetched_at_ms, fingerprint, body })
}

pub(super) fn read_cached(text: &str) -> Option<Cached> {
    let CachedEntry { fetched_at_ms, fingerprint, body } = read_entry("cache", text)?;
    Some(Cached { fetched_at_ms, fingerprint, body: body.into_bytes() })
}

pub(super) fn write_backoff(backoff: &BackOff) -> String {
    let BackOff { tag, in_a_row, written_at_ms, until_ms, credential } = *backoff;
    write_entry("backoff", &BackOffEntry { written_at_ms, until_ms, tag: tag.into(), in_a_row, credential })
}

pub(super) fn read_backoff(text: &str) -> Option<BackOff> {
    let BackOffEntry { written_at_ms, until_ms, tag, in_a_row, credential } = read_entry("backoff", text)?;
    Some(BackOff { tag: tag.into(), in_a_row, written_at_ms, until_ms, credential })
}

pub(super) fn write_attempts(attempts: &[i64]) -> String {
    write_entry("attempts", &attempts)
}

pub(super) fn read_attempts(text: &str) -> Option<Vec<i64>> {
    read_entry("attempts", text)
}
