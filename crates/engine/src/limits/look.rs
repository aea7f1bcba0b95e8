//! What files say of accounts and limits: nothing here asks anybody.

use std::path::{Path, PathBuf};

use cco_ledger::limits::{Holding, Observed, SeenAccount};
use cco_limits::accounts::{Accounts, Directory, Held, Root, SlotMarks};
use cco_limits::credentials::service_name;
use cco_limits::shared_files::bad_reads::BadReads;
use cco_limits::shared_files::hot_swap::{self, Slots};
use cco_limits::shared_files::{Failed, merged, subscription};
use cco_limits::{Unread, live, shared_files, usage};
use cco_model::limit::mark::Sessions;
use cco_model::limit::session::plain_path;
use cco_model::limit::{AccountId, Reading, Source};
use jiff::tz::TimeZone;

use crate::spool::{self, Taken};
use crate::{Engine, EngineError};

/// Where others keep what they know of accounts and limits.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Config directories of Claude Code.
    pub roots: Vec<Root>,
    /// Logins may be in the system's key store, so that one that is in no file may still be there.
    pub has_key_store: bool,
    /// Folders of an account switcher's quota files, the best first.
    pub session_health: Vec<PathBuf>,
    /// Folders of its list of logins, the best first.
    pub switcher: Vec<PathBuf>,
    /// Where processes remember for each other which of these files are broken; none: nowhere.
    pub state: Option<PathBuf>,
    /// Limits that were typed by hand.
    pub subscription: Option<PathBuf>,
    /// Whose days and times were typed.
    pub zone: Option<TimeZone>,
    /// The folder in which status lines leave what they observe.
    pub spool: Option<PathBuf>,
}

impl Places {
    /// One config directory, and nothing else.
    pub fn only(directory: &Path) -> Self {
        let root = Root { path: directory.to_owned(), default_of: None };
        Self { roots: vec![root], ..Self::default() }
    }
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
    /// Every name of the config directories that hold an account: as they are given, and without links.
    pub(crate) fn names_of(&self, id: &AccountId) -> Vec<String> {
        let holds = |directory: &&Directory| matches!(&directory.held, Held::Account(held) if held == id);
        let names = self.accounts.directories().iter().filter(holds).flat_map(|it| [&it.path, &it.real]);
        let mut names: Vec<String> = names.filter_map(|path| Some(path.to_str()?.to_owned())).collect();
        names.dedup();
        names
    }

    /// Every name of the config directories that do not tell just now who is logged in.
    pub(crate) fn untold(&self) -> Vec<String> {
        let untold = self.accounts.directories().iter().filter(|it| matches!(it.held, Held::Unknown(_)));
        untold
            .flat_map(|it| [&it.path, &it.real])
            .filter_map(|path| Some(path.to_str()?.to_owned()))
            .collect()
    }

    /// The name by which a config directory is known, of any name that it has.
    pub(crate) fn name_of(&self, path: &str) -> String {
        let plain = plain_path(Path::new(path));
        let known = self.accounts.directories().iter().find(|it| it.path == plain || it.real == plain);
        known.map_or(plain, |it| it.path.clone()).display().to_string()
    }

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

    /// Looks at all places, and keeps what they say. Returns also why that could not be kept, if so.
    pub fn look_at_accounts(&mut self) -> Result<(Found, Option<String>), EngineError> {
        let (mut found, observed, reads) = self.found()?;
        remember(&self.places, &reads, self.now.as_millisecond());
        found.unread.extend(broken(reads));
        let trouble = match self.note_down(observed)? {
            None => self.take_in_spool(&found)?,
            // Who holds which directory is not known by now, so neither is whose a session is.
            trouble => trouble,
        };
        self.found = Some(found.clone());
        Ok((found, trouble))
    }

    /// Takes in what status lines observed. Directories and accounts are known by now. The files stay until a snapshot
    /// remembers the sessions: until then a line knows of nothing else when it was told what.
    fn take_in_spool(&mut self, found: &Found) -> Result<Option<String>, EngineError> {
        let Some(folder) = self.places.spool.as_deref().filter(|_| !self.is_rebuilding) else {
            return Ok(None);
        };
        let taken = Taken::from(folder);
        let readings = self.readings_of(&taken.observations, found)?;
        let trouble = self.note_down(Observed { readings, ..Observed::default() })?;
        if trouble.is_none() {
            self.taken.extend(taken.files);
        }
        self.told.extend(taken.observations);
        Ok(trouble)
    }

    /// Status lines have observed something since.
    pub(crate) fn spool_has_news(&self) -> bool {
        self.places.spool.as_deref().is_some_and(spool::has_news)
    }

    /// Looks at all places, and keeps nothing.
    pub fn see_accounts(&self) -> Result<Found, EngineError> {
        let (mut found, _, reads) = self.found()?;
        found.unread.extend(broken(reads));
        Ok(found)
    }

    /// What all places say.
    fn found(&self) -> Result<(Found, Observed, Reads), EngineError> {
        let places = &self.places;
        let now_ms = self.now.as_millisecond();
        let mut found = Found { accounts: Accounts::discover(&places.roots), ..Found::default() };
        let mut observed = Observed::default();
        let history = self.ledger.account_history()?;
        for directory in found.accounts.directories() {
            observe_directory(directory, now_ms, &history, &mut observed, &mut found.unread);
        }
        for account in found.accounts.all() {
            let (id, email) = (account.id.clone(), account.email.clone().unwrap_or_default());
            observed.accounts.push(SeenAccount { id, email, at_ms: now_ms, name: None, removed: None });
            let runs = |path: &PathBuf| live::sessions(path, &live::runs).is_ok_and(|all| !all.is_empty());
            if account.directories.iter().any(runs) {
                found.live.push(account.id.clone());
            }
        }
        let (readings, reads) = of_older_tools(places, now_ms, &found.accounts);
        observed.readings.extend(readings);
        Ok((found, observed, reads))
    }
}

fn observe_directory(
    directory: &Directory,
    now_ms: i64,
    history: &[Holding],
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
    if may_be_of_another_organization(history, directory, &account, cached.fetched_at_ms) {
        return;
    }
    let Ok(usage) = usage::parse_raw(&cached.utilization) else { return };
    observed.readings.extend(readings(&account, &usage, cached.fetched_at_ms, Source::ClaudeCache));
}

/// Claude Code remembers the account of its numbers, and not the organization. One person can be in several: what was
/// remembered before the directory was seen to hold this one may be of the one before.
fn may_be_of_another_organization(
    history: &[Holding],
    directory: &Directory,
    account: &AccountId,
    fetched_at_ms: i64,
) -> bool {
    let here = || history.iter().filter(|held| Path::new(&held.dir) == directory.path);
    let is_other = |id: &AccountId| id.account == account.account && id.organization != account.organization;
    let others = here().filter(|held| held.account.as_ref().is_some_and(is_other));
    let Some(until_ms) = others.map(|held| held.until_ms).max() else { return false };
    let own = here().filter(|held| held.account.as_ref() == Some(account) && held.from_ms > until_ms);
    own.map(|held| held.from_ms).min().is_none_or(|since_ms| fetched_at_ms < since_ms)
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

/// Files of older tools, and how reading them went.
pub(super) type Reads = Vec<(PathBuf, Result<(), Unread>)>;

/// Those that are there and cannot be used, each with why.
pub(super) fn broken(reads: Reads) -> impl Iterator<Item = (PathBuf, String)> {
    reads.into_iter().filter_map(|(path, read)| match read {
        Ok(()) | Err(Unread::Absent | Unread::Ours) => None,
        Err(why) => Some((path, why.to_string())),
    })
}

/// Remembers how often a file was bad in a row. That it cannot be remembered is no reason to stop.
fn remember(places: &Places, reads: &Reads, now_ms: i64) {
    let Some(state) = &places.state else { return };
    let before = BadReads::load(state);
    let mut after = before.clone();
    for (path, read) in reads {
        after.saw(path, read.as_ref().copied(), now_ms);
    }
    if after != before {
        let _ = after.save(state);
    }
}

/// What an account switcher fetched, and what was typed by hand.
pub(super) fn of_older_tools(places: &Places, now_ms: i64, accounts: &Accounts) -> (Vec<Reading>, Reads) {
    let service =
        |directory: &Directory| service_name(directory.path.to_str().filter(|_| !directory.is_default));
    let whose = |slot: &SlotMarks| accounts.of_slot(slot, &service).cloned();
    let mut readings = Vec::new();
    let mut reads = Reads::new();
    let folders = &places.session_health;
    let mut read = |name: &str, read: &dyn Fn(&Path) -> Result<Slots, Unread>| {
        // In the others it is not there, or not looked at.
        reads.extend(folders.iter().map(|folder| (folder.join(name), Err(Unread::Absent))));
        match shared_files::first_of(folders, name, read) {
            Ok((path, slots)) => {
                reads.push((path, Ok(())));
                readings.extend(slots.readings(&whose));
            }
            Err(Failed { path, why }) => {
                reads.retain(|(other, _)| *other != path);
                reads.push((path, Err(why)));
            }
        }
    };
    read(hot_swap::NAME, &|path| hot_swap::read(path, now_ms));
    read(merged::NAME, &|path| merged::read(path, now_ms).map(|merged| merged.slots));
    if let (Some(path), Some(zone)) = (&places.subscription, &places.zone) {
        let typed = subscription::read(path, zone);
        reads.push((path.clone(), typed.as_ref().map(|_| ()).map_err(Clone::clone)));
        readings.extend(typed.iter().flat_map(|typed| typed.readings(&whose)));
    }
    (readings, reads)
}
