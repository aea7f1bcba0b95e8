//! What is remembered of renewing one credential, among processes: not before when, or never again; and for people, what
//! came of the last attempt.
//!
//! Must not: hold a token, or keep anybody from renewing another credential than the one that it is about.

use std::io;
use std::path::PathBuf;

use cco_model::limit::age_ms;
use cco_model::limit::login::Reason;

use super::BACK_OFF_MS;
use super::exchange::ExchangeFailure;
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

/// What an attempt to renew a login came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CameTo {
    /// It was renewed.
    Renewed,
    /// What a killed process had got for it was saved.
    Recovered,
    /// A process was killed before it could write an answer down.
    Unanswered,
    /// The service gave no successor this time.
    Failed(ExchangeFailure),
    /// Its session has ended.
    Dead(Reason),
}

const RENEWED: &str = "renewed";
const RECOVERED: &str = "recovered";

impl CameTo {
    fn name(self) -> String {
        match self {
            Self::Renewed => RENEWED.to_owned(),
            Self::Recovered => RECOVERED.to_owned(),
            Self::Unanswered => "unanswered".to_owned(),
            Self::Failed(failure) => failure.to_string(),
            Self::Dead(reason) => reason.name().to_owned(),
        }
    }
}

/// The last attempt to renew a login, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastRenewal {
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// What came of it, in a word or two.
    pub came_to: String,
}

impl LastRenewal {
    /// The login was left with a successor.
    pub fn worked(&self) -> bool {
        worked(&self.came_to)
    }
}

fn worked(came_to: &str) -> bool {
    [RENEWED, RECOVERED].contains(&came_to)
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    credential: Fingerprint,
    written_at_ms: i64,
    came_to: String,
}

/// The file of one credential file.
pub(super) struct Notes {
    pub(super) folder: PathBuf,
    pub(super) path: PathBuf,
}

impl Notes {
    fn read(&self) -> Option<Stored> {
        read_entry("refresh-note", &read(&self.path)?)
    }

    /// What holds for a refresh token now.
    pub(super) fn of(&self, credential: Fingerprint, now_ms: i64) -> Option<Note> {
        let stored =
            self.read().filter(|stored| stored.credential == credential && !worked(&stored.came_to))?;
        if let Some(reason) = Reason::ALL.into_iter().find(|reason| reason.name() == stored.came_to) {
            return Some(Note::Dead(reason));
        }
        let until_ms = stored.written_at_ms.saturating_add(BACK_OFF_MS);
        let written_before = age_ms(Some(stored.written_at_ms), now_ms).is_some();
        (written_before && now_ms < until_ms).then_some(Note::Until(until_ms))
    }

    pub(super) fn last(&self) -> Option<LastRenewal> {
        self.read().map(|stored| LastRenewal { at_ms: stored.written_at_ms, came_to: stored.came_to })
    }

    pub(super) fn put(&self, credential: Fingerprint, came_to: CameTo, at_ms: i64) -> io::Result<()> {
        let stored = Stored { credential, written_at_ms: at_ms, came_to: came_to.name() };
        replace(&self.folder, &self.path, &write_entry("refresh-note", &stored))
    }
}
