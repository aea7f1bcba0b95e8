//! What files say of accounts and limits: nothing here asks anybody.

use std::path::{Path, PathBuf};

use cco_ledger::limits::{Holding, Observed, SeenAccount};
use cco_limits::accounts::{Accounts, Directory, Held, Root, SlotMarks};
use cco_limits::credentials::service_name;
use cco_limits::shared_files::{Failed, hot_swap, merged, subscription};
use cco_limits::{Unread, live, shared_files, usage};
use cco_model::limit::mark::Sessions;
use cco_model::limit::{AccountId, Reading, Source};
use jiff::tz::TimeZone;

use crate::{Engine, EngineError};

/// Where others keep what they know of accounts and limits.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Config directories of Claude Code.
    pub roots: Vec<Root>,
    /// Folders of an account switcher's quota files, the best first.
    pub session_health: Vec<PathBuf>,
    /// Limits that were typed by hand.
    pub subscription: Option<PathBuf>,
    /// Whose days and times were typed.
    pub zone: Option<TimeZone>,
}

/// What a look found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Which accounts are where.
    pub accounts: Accounts,
    /// Files that are there and could not be used, each with why.
    pub unread: Vec<(PathBuf, String)>,
    /// Accounts whose sessions are at work.
    live: Vec<AccountId>,
}

/// What a look found of one account.
pub(super) struct OfAccount {
    pub(super) directories: Vec<String>,
    pub(super) sessions: Sessions,
    /// When its login was last written, where that is in a file.
    pub(super) credential_ms: Option<i64>,
}

impl Found {
    pub(super) fn of(&self, id: &AccountId) -> OfAccount {
        let account = self.accounts.all().iter().find(|account| account.id == *id);
        let directories = account.map_or(&[][..], |account| &account.directories);
        OfAccount {
            credential_ms: account.and_then(super::ask::credential_ms),
            directories: directories.iter().map(|path| path.display().to_string()).collect(),
            sessions: if self.live.contains(id) { Sessions::Live } else { Sessions::Idle },
        }
    }
}

impl Engine {
    /// Looks in one more config directory from now on.
    pub fn look_further(&mut self, directory: &Path) {
        if !self.places.roots.iter().any(|root| root.path == directory) {
            self.places.roots.push(Root { path: directory.to_owned(), default_of: None });
        }
    }

    /// Looks at all places, and keeps what they say. Returns also why the journal could not be written, if so.
    pub fn look_at_accounts(&mut self) -> Result<(Found, Option<String>), EngineError> {
        let (found, observed) = self.found();
        let trouble = self.observe(&observed)?;
        Ok((found, trouble))
    }

    /// The same for whoever shows other things too: what cannot be kept now is kept by the next look. Returns also why,
    /// if so.
    pub fn glance_at_accounts(&mut self) -> Result<(Found, Option<String>), EngineError> {
        let (found, observed) = self.found();
        match self.observe(&observed) {
            Ok(trouble) => Ok((found, trouble)),
            Err(error) if error.is_suspect() => Err(error),
            Err(error) => Ok((found, Some(error.to_string()))),
        }
    }

    /// What all places say.
    fn found(&self) -> (Found, Observed) {
        let places = &self.places;
        let now_ms = self.now.as_millisecond();
        let mut found = Found { accounts: Accounts::discover(&places.roots), ..Found::default() };
        let mut observed = Observed::default();
        for directory in found.accounts.directories() {
            observe_directory(directory, now_ms, &mut observed, &mut found.unread);
        }
        for account in found.accounts.all() {
            let (id, email) = (account.id.clone(), account.email.clone().unwrap_or_default());
            observed.accounts.push(SeenAccount { id, email, at_ms: now_ms, name: None, removed: None });
            let runs = |path: &PathBuf| live::sessions(path, &live::runs).is_ok_and(|all| !all.is_empty());
            if account.directories.iter().any(runs) {
                found.live.push(account.id.clone());
            }
        }
        observed.readings.extend(of_older_tools(places, now_ms, &found.accounts, &mut found.unread));
        (found, observed)
    }
}

fn observe_directory(
    directory: &Directory,
    now_ms: i64,
    observed: &mut Observed,
    unread: &mut Vec<(PathBuf, String)>,
) {
    let account = match &directory.held {
        Held::Account(id) => Some(id.clone()),
        Held::Nobody => None,
        // Half-written, mostly. That is no look at all: the ones before and after it tell whose it was.
        Held::Unknown(why) => return unread.push((directory.path.clone(), why.clone())),
    };
    if let Some(dir) = directory.path.to_str() {
        let dir = dir.to_owned();
        observed.holdings.push(Holding { dir, from_ms: now_ms, until_ms: now_ms, account: account.clone() });
    }
    let (Some(account), Some(cached)) = (account, &directory.usage) else { return };
    let Ok(usage) = usage::parse_raw(&cached.utilization) else { return };
    observed.readings.extend(readings(&account, &usage, cached.fetched_at_ms, Source::ClaudeCache));
}

/// The readings in an answer of the service.
pub(super) fn readings<'u>(
    account: &'u AccountId,
    usage: &'u usage::Usage,
    observed_at_ms: i64,
    source: Source,
) -> impl Iterator<Item = Reading> + 'u {
    usage.buckets.iter().map(move |bucket| Reading {
        account: account.clone(),
        window: bucket.window.clone(),
        percent: bucket.percent,
        resets_at_ms: bucket.resets_at_ms,
        observed_at_ms,
        source,
        told: None,
    })
}

/// What an account switcher fetched, and what was typed by hand.
pub(super) fn of_older_tools(
    places: &Places,
    now_ms: i64,
    accounts: &Accounts,
    unread: &mut Vec<(PathBuf, String)>,
) -> Vec<Reading> {
    let service =
        |directory: &Directory| service_name(directory.path.to_str().filter(|_| !directory.is_default));
    let whose = |slot: &SlotMarks| accounts.of_slot(slot, &service).cloned();
    let mut readings = Vec::new();
    let mut failed = |Failed { path, why }: Failed| match why {
        Unread::Absent | Unread::Ours => {}
        why => unread.push((path, why.to_string())),
    };
    let folders = &places.session_health;
    match shared_files::first_of(folders, hot_swap::NAME, |path| hot_swap::read(path, now_ms)) {
        Ok((_, slots)) => readings.extend(slots.readings(&whose)),
        Err(error) => failed(error),
    }
    match shared_files::first_of(folders, merged::NAME, |path| merged::read(path, now_ms)) {
        Ok((_, merged)) => readings.extend(merged.slots.readings(&whose)),
        Err(error) => failed(error),
    }
    if let (Some(path), Some(zone)) = (&places.subscription, &places.zone) {
        match subscription::read(path, zone) {
            Ok(typed) => readings.extend(typed.readings(&whose)),
            Err(why) => failed(Failed { path: path.clone(), why }),
        }
    }
    readings
}
