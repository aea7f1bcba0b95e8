//! How the parts of a daemon are: named checks, each with words and a time.

use jiff::Timestamp;

/// Whether one part works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// It does.
    pub(crate) is_ok: bool,
    /// What there is to say of it.
    pub(crate) detail: String,
    /// Since when that is so, or when it was last looked at.
    pub(crate) at: Timestamp,
}

/// How the daemon is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Health {
    /// The ledger can be read and written.
    pub(crate) ledger: Check,
    /// Changes of transcripts are heard of.
    pub(crate) watcher: Check,
    /// Limits are asked for, where they may be.
    pub(crate) broker: Check,
    /// What is observed can be kept.
    pub(crate) disk: Check,
    /// What is written is soon in the ledger.
    pub(crate) lag: Check,
    /// Changes are heard of by polling, and not as events.
    pub(crate) is_polling: bool,
    /// When the service last answered.
    pub(crate) broker_success: Option<Timestamp>,
    /// When it last did not, and why.
    pub(crate) broker_failure: Option<(Timestamp, String)>,
}

impl Health {
    /// Every check with its name.
    pub(crate) fn checks(&self) -> [(&'static str, &Check); 5] {
        [
            ("ledger", &self.ledger),
            ("watcher", &self.watcher),
            ("broker", &self.broker),
            ("disk", &self.disk),
            ("lag", &self.lag),
        ]
    }

    /// All parts work.
    pub(crate) fn is_ok(&self) -> bool {
        self.checks().iter().all(|(_, check)| check.is_ok)
    }
}
