//! Everything that a status line depends on, and the questions that several segments ask of it.

use std::collections::BTreeMap;
use std::path::Path;

use cco_model::limit::login::Login;
use cco_model::limit::mark::{Mark, Sessions};
use cco_model::limit::merge::{self, Current, same_end, waited_longer};
use cco_model::limit::session::{config_directory, for_session};
use cco_model::limit::shown::{Known, LocalUse, Shown, Value, shown};
use cco_model::limit::{AccountId, Reading, Source, Told as ToldTo, Window, age_ms};
use jiff::tz::TimeZone;

use crate::payload::{Payload, Told};
use crate::settings::Settings;
use crate::snapshot::{AccountNow, Snapshot};
use crate::spool::Observation;

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// What Claude Code hands over.
    pub payload: &'a Payload,
    /// What other commands left.
    pub snapshot: &'a Snapshot,
    /// What files near the session tell.
    pub nearby: &'a Nearby,
    /// How to draw.
    pub settings: &'a Settings,
    /// The present, UTC milliseconds.
    pub now_ms: i64,
    /// Whose hours and days are shown; none: those of the snapshot.
    pub zone: Option<&'a TimeZone>,
}

/// What files near a session tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nearby {
    /// The user's home folder.
    pub home: Option<String>,
    /// `CLAUDE_CONFIG_DIR`, where it names one folder.
    pub config_dir: Option<String>,
    /// What the repository of the folder has checked out.
    pub head: Option<Head>,
    /// When the transcript was last written to, UTC milliseconds.
    pub transcript_changed_ms: Option<i64>,
    /// What the status line of this session observed last.
    pub last: Option<Observation>,
}

/// What a repository has checked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The root of its working tree.
    pub root: String,
    /// The branch, or the start of the commit's id.
    pub branch: String,
}

impl<'a> Scene<'a> {
    /// The zone to show a moment in.
    pub(crate) fn zone_at(&self, at_ms: i64) -> TimeZone {
        match self.zone {
            Some(zone) => zone.clone(),
            None => self.snapshot.zone.at(at_ms),
        }
    }

    /// A symbol, or the word that stands for it in plain letters.
    pub(crate) fn label(&self, symbol: &'static str, word: &'static str) -> &'static str {
        if self.settings.preset.look().symbols { symbol } else { word }
    }

    /// A mark of age.
    pub(crate) fn mark(&self, mark: Mark) -> &'static str {
        match mark {
            _ if self.settings.preset.look().symbols => mark.symbol(),
            Mark::None => "",
            Mark::Aging => "!",
            Mark::Old => "!!",
            Mark::Critical => "!!!",
        }
    }

    /// The config directory of the session.
    pub fn config_directory(&self) -> Option<String> {
        let path = |text: &'a Option<String>| text.as_deref().map(Path::new);
        let directory = config_directory(path(&self.nearby.config_dir), path(&self.payload.transcript))?;
        directory.into_os_string().into_string().ok()
    }

    /// The account of the session; none where that cannot be told for sure. What a session was told before its directory
    /// held this account was told to another one.
    pub(crate) fn account(&self) -> Option<&'a AccountNow> {
        let account = self.snapshot.account_of(&self.config_directory()?)?;
        let told_since = |since_ms| self.payload.windows.iter().all(|told| self.told_at_ms(told) >= since_ms);
        account.since_ms.is_none_or(told_since).then_some(account)
    }

    /// What was last observed of this session, here or by whoever took it in.
    pub(crate) fn last(&self) -> Option<&'a Observation> {
        let session = self.payload.session.as_deref()?;
        let of_session = |it: &&Observation| it.session == session;
        let spooled = self.nearby.last.as_ref().filter(of_session);
        let kept = self.snapshot.sessions.iter().find(of_session);
        spooled.into_iter().chain(kept).max_by_key(|it| it.at_ms)
    }

    /// When the session was told first what it says now of a limit, UTC milliseconds. What it repeats without having
    /// waited for an answer since is no new observation. Where nobody remembers the session it was told no later than
    /// its transcript was last written to, since that is where its answers go.
    pub(crate) fn told_at_ms(&self, told: &Told) -> i64 {
        let Some(last) = self.last().filter(|last| last.at_ms <= self.now_ms) else {
            return self.nearby.transcript_changed_ms.unwrap_or(self.now_ms).min(self.now_ms);
        };
        if waited_longer(last.api_ms, self.payload.cost.api_duration_ms) {
            return self.now_ms;
        }
        let before = last.windows.iter().find(|(before, _)| before.window == told.window);
        let same = before.filter(|(before, _)| {
            before.percent == told.percent && same_end(before.resets_at_ms, told.resets_at_ms)
        });
        same.map_or(self.now_ms, |(_, at_ms)| *at_ms)
    }

    /// When this session was first seen to cost what it costs now, after it had cost less, UTC milliseconds.
    pub(crate) fn cost_moved_ms(&self) -> Option<i64> {
        let (last, cost) = (self.last()?, self.payload.cost.nanos?);
        if last.cost? < cost { Some(self.now_ms) } else { last.cost_moved_ms }
    }

    /// The windows to show for this session.
    pub(crate) fn windows(&self) -> BTreeMap<Window, Current> {
        let account = self.account().map(|account| &account.windows);
        for_session(&self.own_windows(), account, self.now_ms)
    }

    fn own_windows(&self) -> BTreeMap<Window, Current> {
        let session = ToldTo {
            session: self.payload.session.as_deref().unwrap_or_default().into(),
            api_duration_ms: self.payload.cost.api_duration_ms,
        };
        let nobody = AccountId { organization: "".into(), account: "".into() };
        let readings = self.payload.windows.iter().map(|it| Reading {
            account: nobody.clone(),
            window: it.window.clone(),
            percent: it.percent,
            resets_at_ms: it.resets_at_ms,
            observed_at_ms: self.told_at_ms(it),
            source: Source::Stdin,
            told: Some(session.clone()),
        });
        let current = |reading: Reading| {
            let current = merge::merge(&reading.window, [&reading], self.now_ms)?;
            Some((reading.window, current))
        };
        readings.filter_map(current).collect()
    }

    /// How a window is shown.
    pub(crate) fn shown(&self, window: &Window, current: Option<&Current>) -> Option<Shown> {
        let account = self.account();
        let known = Known {
            current,
            local: self.local_use(account),
            trouble: account.and_then(|account| account.trouble),
            // The session's own word is as good as its login, whatever became of the one in the file.
            login: match (account, current.map(|current| current.source)) {
                (_, Some(Source::Stdin)) | (None, _) => Login::Unknown,
                (Some(account), _) => account.login,
            },
            // Whoever draws a line is at work.
            sessions: Sessions::Live,
        };
        let shown_at = current.and_then(|current| current.resets_at_ms).unwrap_or(self.now_ms);
        let mut shown = shown(window, &known, self.now_ms, &self.zone_at(shown_at))?;
        let is_own = current.is_some_and(|current| current.source == Source::Stdin);
        let is_number = matches!(shown.value, Value::Open { .. } | Value::NotStarted);
        if !is_own && is_number && account.is_some_and(|account| account.logged_out) {
            // Only the user can bring a newer number.
            shown.mark = Mark::Critical;
        }
        Some(shown)
    }

    /// What was used on this machine: by the session's account, or by all where no account was ever seen.
    fn local_use(&self, account: Option<&AccountNow>) -> Option<LocalUse> {
        let (local, at_ms) = match account {
            Some(account) => (account.local?, self.snapshot.looked_at_ms),
            None if self.snapshot.accounts.is_empty() => {
                (self.snapshot.block.as_ref()?.local(), self.snapshot.counted_at_ms)
            }
            None => return None,
        };
        Some(LocalUse {
            tokens: local.tokens,
            ends_at_ms: local.ends_at_ms,
            age_ms: age_ms(at_ms, self.now_ms),
        })
    }
}
