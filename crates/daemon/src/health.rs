//! How the parts of a daemon are: named checks, each with words and a time.

use std::time::Duration;

use cco_engine::limits::Tries;
use jiff::Timestamp;

use crate::event::{Refreshed, Scanned};
use crate::event_loop::LATE;

/// Whether one part works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// It does.
    pub(crate) is_ok: bool,
    /// What there is to say of it.
    pub(crate) detail: String,
    /// When that was seen.
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
    /// Why.
    deaf: Option<String>,
    /// Folders that should be followed and cannot be, each with why.
    missing: Vec<String>,
    /// When the service last answered.
    pub(crate) broker_success: Option<Timestamp>,
    /// When it last did not, and why.
    pub(crate) broker_failure: Option<(Timestamp, String)>,
    /// How asking goes, account by account.
    pub(crate) tries: Tries,
}

impl Check {
    fn new(is_ok: bool, detail: impl Into<String>, at: Timestamp) -> Self {
        Self { is_ok, detail: detail.into(), at }
    }
}

impl Health {
    /// Nothing is known yet.
    pub(crate) fn beginning(now: Timestamp) -> Self {
        let begins = || Check::new(true, "begins", now);
        Self {
            ledger: begins(),
            watcher: begins(),
            broker: begins(),
            disk: begins(),
            lag: begins(),
            is_polling: true,
            deaf: None,
            missing: Vec::new(),
            broker_success: None,
            broker_failure: None,
            tries: Tries::default(),
        }
    }

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

    /// The keeper has taken in what was new, or could not.
    pub(crate) fn on_scan(&mut self, scanned: &Scanned, now: Timestamp) {
        if let Ok(taken) = &scanned.result
            && self.missing != taken.missing
        {
            self.missing.clone_from(&taken.missing);
            self.judge_watcher(now);
        }
        self.ledger = match &scanned.result {
            Ok(_) => Check::new(true, "what is new is taken in", now),
            Err(why) => Check::new(false, why, now),
        };
        self.disk = match (scanned.disk_fails, &scanned.result) {
            (false, _) => Check::new(true, "what is observed is kept", now),
            (true, Err(why)) => Check::new(false, why, now),
            (true, Ok(taken)) => {
                Check::new(false, taken.summary.not_journalled.as_deref().unwrap_or_default(), now)
            }
        };
    }

    /// The broker has looked, and asked whom it may.
    pub(crate) fn on_asked(&mut self, refreshed: &Refreshed, now: Timestamp) {
        if refreshed.answered {
            self.broker_success = Some(now);
        }
        if let Some(trouble) = &refreshed.trouble {
            self.broker_failure = Some((now, trouble.clone()));
        }
        if let Some(tries) = &refreshed.tries {
            self.tries.clone_from(tries);
        }
        self.broker = match refreshed.faults.first() {
            Some(fault) => Check::new(false, fault, now),
            None => Check::new(true, "accounts are looked at", now),
        };
    }

    /// Changes are heard of, or are not: why. Data is a second old then, which is no failure.
    pub(crate) fn on_watching(&mut self, deaf: Option<&String>, now: Timestamp) {
        self.is_polling = deaf.is_some();
        self.deaf = deaf.cloned();
        self.judge_watcher(now);
    }

    fn judge_watcher(&mut self, now: Timestamp) {
        self.watcher = match &self.deaf {
            _ if !self.missing.is_empty() => {
                Check::new(false, format!("no transcripts to follow in {}", self.missing.join(", ")), now)
            }
            None => Check::new(true, "changes are heard of as they happen", now),
            Some(why) => Check::new(true, format!("polling, since {why}"), now),
        };
    }

    /// How long something has waited to be taken in. True: that is news.
    pub(crate) fn on_lag(&mut self, late: Option<Duration>, now: Timestamp) -> bool {
        let late = late.filter(|late| *late > LATE);
        let is_news = self.lag.is_ok != late.is_none() || self.lag.detail == "begins";
        if is_news || late.is_some() {
            self.lag = match late {
                None => Check::new(true, "nothing waits", now),
                Some(late) => Check::new(
                    false,
                    format!("something written {} s ago is not counted", late.as_secs()),
                    now,
                ),
            };
        }
        is_news
    }
}
