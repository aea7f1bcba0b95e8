//! What is remembered of renewing one credential, among processes: not before when, or never again.
//!
//! Must not: hold a token, or outlive the credential that it is about.

use std::io;
use std::path::PathBuf;

use cco_model::limit::age_ms;
use cco_model::limit::login::Reason;

use super::BACK_OFF_MS;
use crate::secret::Fingerprint;
use crate::store::format::{read_entry, write_entry};
use crate::store::{read, replace};

/// What keeps a credential from being renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// Its session has ended, for good.
    Dead(Reason),
    /// It failed.
    Until(i64),
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    credential: Fingerprint,
    written_at_ms: i64,
    /// The name of the reason; none: it failed.
    dead: Option<String>,
}

/// The file of one credential file.
pub(super) struct Notes {
    pub(super) folder: PathBuf,
    pub(super) path: PathBuf,
}

impl Notes {
    /// What holds for a refresh token now.
    pub(super) fn of(&self, credential: Fingerprint, now_ms: i64) -> Option<Note> {
        let stored: Stored = read_entry("refresh-note", &read(&self.path)?)?;
        if stored.credential != credential {
            return None;
        }
        if let Some(dead) = stored.dead {
            return Reason::ALL.into_iter().find(|reason| reason.name() == dead).map(Note::Dead);
        }
        let until_ms = stored.written_at_ms.saturating_add(BACK_OFF_MS);
        let written_before = age_ms(Some(stored.written_at_ms), now_ms).is_some();
        (written_before && now_ms < until_ms).then_some(Note::Until(until_ms))
    }

    pub(super) fn put(&self, credential: Fingerprint, dead: Option<Reason>, at_ms: i64) -> io::Result<()> {
        let dead = dead.map(|reason| reason.name().to_owned());
        let stored = Stored { credential, written_at_ms: at_ms, dead };
        replace(&self.folder, &self.path, &write_entry("refresh-note", &stored))
    }
}
