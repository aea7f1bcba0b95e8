//! What came of renewing logins, in words.
//!
//! Must not: print; know more of a login than what came of it.

use std::path::Path;

use cco_engine::limits::{
    ExchangeFailure, Held, Lack, Outcome, Recovery, RefreshFailure, Refreshed, Renewal,
};
use cco_model::civil;
use jiff::Zoned;

use super::{LOG_IN, dead_words};
use crate::config::keys;
use crate::print::text;

/// Something to say, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// All is well.
    Note(String),
    /// Something is not as it should be; what to do, where there is something.
    Warning(String, Option<String>),
}

impl Said {
    /// Without what to do.
    pub(crate) fn words(&self) -> &str {
        match self {
            Self::Note(words) | Self::Warning(words, _) => words,
        }
    }
}

/// What came of an account's login; none: nothing worth a word. `label`: what the account is called.
pub(crate) fn said(renewal: &Renewal, label: &str, now: &Zoned) -> Option<Said> {
    let place = text::clean(&renewal.directory.display().to_string()).into_owned();
    let not = |why: String, hint: Option<String>| {
        Some(Said::Warning(format!("the login of {label} in {place} is not renewed: {why}"), hint))
    };
    let open = "it is renewed when you open Claude Code".to_owned();
    let at = |at_ms| text::clock(civil::timestamp(at_ms), now);
    match &renewal.outcome {
        Outcome::NoClientId => not(
            format!("`{}` is not set", keys::limits::CLIENT_ID),
            Some(format!("`cco config set {} ID` sets it; {open}", keys::limits::CLIENT_ID)),
        ),
        Outcome::NoHome => {
            not("HOME is not set, so Claude Code's locks cannot be found".to_owned(), Some(open))
        }
        Outcome::Unusable(why) => not(text::clean(why).into_owned(), Some(open)),
        Outcome::InKeyStore => not("the system's key store has it, or may have it".to_owned(), Some(open)),
        Outcome::Came(refreshed) => match refreshed {
            Refreshed::NotHandedOver | Refreshed::NotNeeded => None,
            Refreshed::Renewed { expires_at_ms } => Some(Said::Note(format!(
                "the login of {label} in {place} was renewed, until {}",
                at(*expires_at_ms)
            ))),
            Refreshed::Recovered => Some(Said::Note(recovered(&place))),
            Refreshed::Lacking(lack) => not(lacking(*lack).to_owned(), Some(LOG_IN.to_owned())),
            Refreshed::LiveSession => {
                not("Claude Code is running with it, and renews it itself".to_owned(), None)
            }
            Refreshed::Locked(held) => not(locked(*held), None),
            Refreshed::AnotherAccount => {
                not("whose it is cannot be told, or it is another account's".to_owned(), Some(open))
            }
            Refreshed::BackedOff { until_ms } => {
                not(format!("the last attempt failed; the next one is at {}", at(*until_ms)), Some(open))
            }
            Refreshed::NeedsLogin { reason, .. } => {
                not(dead_words(*reason).to_owned(), Some(LOG_IN.to_owned()))
            }
            Refreshed::Failed(failure) => not(failed(*failure), Some(open)),
        },
    }
}

/// What came of something that a killed process had begun; none: it is being ended by somebody else.
pub(crate) fn said_of_recovery(directory: &Path, result: &Result<Recovery, Held>) -> Option<Said> {
    let place = text::clean(&directory.display().to_string()).into_owned();
    let broken_off = format!("a renewal of the login in {place} was broken off");
    let warning = |why: &str, hint: Option<&str>| {
        Some(Said::Warning(format!("{broken_off}{why}"), hint.map(str::to_owned)))
    };
    match result {
        Ok(Recovery::Nothing) | Err(Held::ByUs | Held::ByClaudeCode) => None,
        Ok(Recovery::Saved | Recovery::Stored) => Some(Said::Note(recovered(&place))),
        Ok(Recovery::Superseded) => {
            Some(Said::Note(format!("{broken_off}; there is another login by now, which stays as it is")))
        }
        Ok(Recovery::Restored) => warning(": the damaged login was put back as it was before", None),
        Ok(Recovery::Unanswered) => warning(
            " before its answer was on disk",
            Some(
                "one more attempt, after five minutes, tells whether the login still works; else run `claude /login`",
            ),
        ),
        Ok(Recovery::Waiting) => {
            warning(", and the login's file is damaged", Some("close Claude Code there, and run cco again"))
        }
        Err(Held::Fault(why)) => warning(&format!(", and that cannot be ended now: {why}"), None),
    }
}

fn recovered(place: &str) -> String {
    format!("the login in {place} was renewed: what a killed process had got for it was saved")
}

fn lacking(lack: Lack) -> &'static str {
    match lack {
        Lack::Absent => "nobody is logged in there",
        Lack::NotRenewable => "it has no refresh token",
        Lack::Broken => "its file is damaged",
        Lack::Unreadable => "its file cannot be read",
    }
}

fn locked(held: Held) -> String {
    match held {
        Held::ByUs => "another cco renews it now".to_owned(),
        // Ours from before a kill look the same, until they are a minute old.
        Held::ByClaudeCode => {
            "somebody else is renewing it, or was stopped while doing so a minute ago".to_owned()
        }
        Held::Fault(why) => format!("a lock cannot be taken: {why}"),
    }
}

fn failed(failure: RefreshFailure) -> String {
    match failure {
        RefreshFailure::Exchange(ExchangeFailure::Timeout) => "the service did not answer in time".to_owned(),
        RefreshFailure::Exchange(ExchangeFailure::Network) => "the service cannot be reached".to_owned(),
        RefreshFailure::Exchange(ExchangeFailure::Status(status)) => format!("the service said {status}"),
        RefreshFailure::Exchange(ExchangeFailure::BadAnswer) => {
            "the service's answer makes no sense".to_owned()
        }
        RefreshFailure::NotAsked(why) => format!("nothing can be written down, so nobody was asked: {why}"),
        RefreshFailure::NotSaved(why) => {
            format!("the new login could not be saved yet ({why}); the next attempt saves it")
        }
    }
}
