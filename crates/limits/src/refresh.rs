//! Renewing the login of an account that the user handed over.
//!
//! Reading is the rule and this the exception: a refresh token is spent by its first use, so whoever renews a login
//! must be alone with it, and must not lose what comes back. Owns the order: locks, a fresh look at the credential,
//! an intent on disk, one question, the successor on disk, the credential, and only then the locks again. Must not:
//! touch a key store, renew a login that Claude Code is using or that is another account's, ask a second time for the
//! same credential once its session has ended, or replace a credential by an older or a worse one.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use cco_model::limit::AccountId;
use cco_model::limit::login::Reason;
use cco_model::plant::{Bug, planted};

use crate::credentials::FILE;
use crate::store::{make_folder, short_hash};

mod credential;
mod exchange;
mod intent;
mod locks;
mod notes;
mod save;
mod url;

pub use credential::Lack;
use credential::{Credential, Successor};
pub use exchange::{Exchange, ExchangeFailure, Grant, Renewal, TIME_LIMIT, TokenClient, TokenSettings};
use intent::{Begun, Intent, Spent};
pub use locks::Held;
use locks::Locks;
pub use notes::LastRenewal;
use notes::{CameTo, Note, Notes};
pub use save::Recovery;
pub use url::{TokenUrl, TokenUrlNotAllowed};

/// A login is renewed when it has this many milliseconds left, or none.
pub const EARLY_MS: i64 = 60_000;
/// After a failure nobody tries again for this many milliseconds.
pub const BACK_OFF_MS: i64 = 300_000;
/// How long to wait for the locks; Claude Code holds them for one question.
pub const WAIT: Duration = Duration::from_secs(12);
/// Of an access token whose life the service does not tell.
const LIFE_MS: i64 = 3_600_000;

/// Everything that renewing a login depends on.
pub struct Parts<'a> {
    /// The user has handed this account over, and its login is in its file: where a key store has it the file is an
    /// older one, which must not be spent.
    pub allowed: bool,
    /// The account that was handed over.
    pub account: &'a AccountId,
    /// Its config directory.
    pub config: &'a Path,
    /// Claude Code's older lock: `.claude.lock` in the home folder.
    pub legacy_lock: &'a Path,
    /// A folder of ours, for intents, notes and a lock.
    pub state: &'a Path,
    /// Whose login the config directory holds, read anew; none: that cannot be told, and nothing is renewed.
    pub held_by: &'a dyn Fn() -> Option<AccountId>,
    /// A Claude Code process uses the config directory, or that cannot be told.
    pub live_session: &'a dyn Fn() -> bool,
    /// Asks for a successor.
    pub exchange: &'a dyn Exchange,
    /// UTC milliseconds. The ages of Claude Code's locks are reckoned by it.
    pub now_ms: &'a dyn Fn() -> i64,
    /// How long to wait for the locks: [`WAIT`].
    pub wait: Duration,
    /// Told after each step; tests end the process there.
    pub step: &'a dyn Fn(Step),
}

/// What has been done on the way, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// All locks are held.
    Locked,
    /// The credential file as it was is kept.
    PreviousKept,
    /// The intent is on disk.
    Intended,
    /// The answer is in memory, and nowhere else.
    Answered,
    /// The successor is on disk, beside the intent.
    Noted,
    /// The new credential file is on disk, under another name.
    Written,
    /// It has the credential's name.
    Renamed,
    /// Its folder is on disk.
    Synced,
    /// It was read back.
    Verified,
    /// What was kept of the previous one is gone.
    PreviousGone,
    /// The intent is gone.
    IntentGone,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 11] = [
        Self::Locked,
        Self::PreviousKept,
        Self::Intended,
        Self::Answered,
        Self::Noted,
        Self::Written,
        Self::Renamed,
        Self::Synced,
        Self::Verified,
        Self::PreviousGone,
        Self::IntentGone,
    ];
}

/// What became of a login that was to be renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The user did not hand it over.
    NotHandedOver,
    /// It has more than a minute left; perhaps somebody else renewed it just now.
    NotNeeded,
    /// There is nothing to renew.
    Lacking(Lack),
    /// Claude Code is running and renews it itself.
    LiveSession,
    /// The locks were not to be had.
    Locked(Held),
    /// The login is another account's than the one that was handed over, or whose it is cannot be told.
    AnotherAccount,
    /// It failed lately; nobody tries before this time, UTC milliseconds.
    BackedOff {
        /// When it ends.
        until_ms: i64,
    },
    /// Only its user can mend it, by logging in.
    NeedsLogin {
        /// Why.
        reason: Reason,
        /// It turned out just now: to be told once.
        first: bool,
    },
    /// What a killed process had got for it was saved.
    Recovered,
    /// It was renewed.
    Renewed {
        /// When the new access token ends, UTC milliseconds.
        expires_at_ms: i64,
    },
    /// It was not, for a reason that may pass.
    Failed(RefreshFailure),
}

/// Why a login was not renewed this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshFailure {
    /// The service gave no successor.
    Exchange(ExchangeFailure),
    /// Nothing could be written down, so nothing was asked.
    NotAsked(io::ErrorKind),
    /// The successor could not be saved yet. Where it could be written down, the next attempt saves it.
    NotSaved(io::ErrorKind),
}

/// Renews the login, if it is time, and if we are alone with it.
pub fn refresh(parts: &Parts<'_>) -> Refreshed {
    if !parts.allowed {
        return Refreshed::NotHandedOver;
    }
    let run = Run::new(parts);
    // Most of the time this is all: a look at two files.
    let first_look = run.renewable();
    match &first_look {
        // It may be in the middle of being written; the locks tell.
        Ok(_) | Err(Refreshed::Lacking(Lack::Broken)) => {}
        Err(refreshed) if !run.intent.exists() => return *refreshed,
        Err(_) => {}
    }
    match run.locks() {
        Ok(locks) => run.locked(&locks, first_look).unwrap_or_else(|refreshed| refreshed),
        Err(held) => Refreshed::Locked(held),
    }
}

/// Brings to an end what a killed process began, without asking anybody. For when `cco` starts; also for an account that
/// the user has taken back since.
pub fn recover(parts: &Parts<'_>) -> Result<Recovery, Held> {
    let run = Run::new(parts);
    if !run.intent.exists() {
        return Ok(Recovery::Nothing);
    }
    let _locks = run.locks()?;
    run.recover().map_err(|error| Held::Fault(error.kind()))
}

/// What is known of renewing the login of a config directory, for people. Takes no lock and changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// The last attempt; none: there was none.
    pub last: Option<LastRenewal>,
    /// A killed process left something to bring to an end, or one is at it now.
    pub unfinished: bool,
}

/// Looks at what is known of renewing the login of a config directory. `state`: as in [`Parts`].
pub fn traces(state: &Path, config: &Path) -> Traces {
    let Files { intent, notes, .. } = Files::of(state, config);
    Traces { last: notes.last(), unfinished: intent.exists() }
}

/// What killed processes left of renewing logins of other config directories than these. Nobody brings it to an end, and
/// there may be tokens in it.
pub fn orphans<'c>(state: &Path, configs: impl IntoIterator<Item = &'c Path>) -> Vec<PathBuf> {
    let of = |config| {
        let Intent { intent, previous } = Files::of(state, config).intent;
        [intent, previous]
    };
    let known: Vec<PathBuf> = configs.into_iter().flat_map(of).collect();
    let is_left = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("refresh-") && [".intent", ".previous"].iter().any(|end| name.ends_with(end))
    };
    let entries = fs::read_dir(state).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut left: Vec<PathBuf> = entries.filter(|path| is_left(path) && !known.contains(path)).collect();
    left.sort();
    left
}

/// The files of renewing one login.
struct Files {
    /// The credential file; behind a link where there is one.
    credential: PathBuf,
    lock: PathBuf,
    intent: Intent,
    notes: Notes,
}

impl Files {
    /// Names them. Opens and makes nothing.
    fn of(state: &Path, config: &Path) -> Self {
        let named = config.join(FILE);
        let credential = fs::canonicalize(&named).unwrap_or_else(|_| match fs::canonicalize(config) {
            Ok(config) => config.join(FILE),
            Err(_) => named,
        });
        let key = short_hash(&[&credential.to_string_lossy()]);
        let at = |kind: &str| state.join(format!("refresh-{key}.{kind}"));
        Self {
            credential,
            lock: at("lock"),
            intent: Intent { intent: at("intent"), previous: at("previous") },
            notes: Notes { folder: state.to_owned(), path: at("json") },
        }
    }
}

/// One attempt.
struct Run<'a, 'b> {
    parts: &'a Parts<'b>,
    /// The credential file; behind a link where there is one.
    file: PathBuf,
    lock: PathBuf,
    intent: Intent,
    notes: Notes,
}

impl<'a, 'b> Run<'a, 'b> {
    /// Names the files. Opens and makes nothing.
    fn new(parts: &'a Parts<'b>) -> Self {
        let Files { credential: file, lock, intent, notes } = Files::of(parts.state, parts.config);
        Self { parts, file, lock, intent, notes }
    }

    fn now_ms(&self) -> i64 {
        (self.parts.now_ms)()
    }

    fn read(&self) -> Result<Credential, Lack> {
        Credential::read(&self.parts.config.join(FILE))
    }

    fn locks(&self) -> Result<Locks, Held> {
        make_folder(self.parts.state).map_err(|error| Held::Fault(error.kind()))?;
        let theirs = self.parts.config.join(".oauth_refresh.lock");
        let theirs = [theirs.as_path(), self.parts.legacy_lock];
        let locks = Locks::take(&self.lock, theirs, self.parts.wait, self.parts.now_ms)?;
        (self.parts.step)(Step::Locked);
        Ok(locks)
    }

    /// The credential, if it is to be renewed now. Asked before the locks are taken, and again under them.
    fn renewable(&self) -> Result<Credential, Refreshed> {
        let credential = self.read().map_err(Refreshed::Lacking)?;
        if !credential.is_due(self.now_ms()) {
            return Err(Refreshed::NotNeeded);
        }
        match self.notes.of(credential.refresh.fingerprint(), self.now_ms()) {
            Some(Note::Dead(reason)) => return Err(Refreshed::NeedsLogin { reason, first: false }),
            Some(Note::Until(until_ms)) => return Err(Refreshed::BackedOff { until_ms }),
            None => {}
        }
        if (self.parts.live_session)() {
            return Err(Refreshed::LiveSession);
        }
        match (self.parts.held_by)() {
            Some(account) if is_same(&account, self.parts.account) => Ok(credential),
            _ => Err(Refreshed::AnotherAccount),
        }
    }

    fn locked(
        &self,
        locks: &Locks,
        first_look: Result<Credential, Refreshed>,
    ) -> Result<Refreshed, Refreshed> {
        let recovery = self.recover().map_err(|error| not_saved(&error))?;
        if recovery == Recovery::Waiting {
            return Err(not_saved(&io::ErrorKind::ResourceBusy.into()));
        }
        let look = if planted(Bug::NoLookUnderLocks) { first_look } else { self.renewable() };
        let credential = match look {
            Err(Refreshed::NotNeeded) if recovery == Recovery::Saved => Err(Refreshed::Recovered),
            other => other,
        }?;
        let spent = Spent::of(&credential, self.now_ms());
        let begun = self.prepare(&credential, &spent).map_err(|error| {
            let _ = self.forget();
            Refreshed::Failed(RefreshFailure::NotAsked(error.kind()))
        })?;
        if !locks.touch() {
            let _ = self.forget();
            return Err(Refreshed::Locked(Held::ByClaudeCode));
        }
        let renewal = locks.while_touching(|| self.parts.exchange.renew(&credential.refresh));
        (self.parts.step)(Step::Answered);
        match renewal {
            Renewal::Granted(grant) => self.granted(&credential, &spent, begun, grant),
            Renewal::Dead(reason) => self.over(&credential, reason),
            Renewal::Failed(failure) => {
                self.note(&spent, CameTo::Failed(failure))?;
                Ok(Refreshed::Failed(RefreshFailure::Exchange(failure)))
            }
        }
    }

    /// Nothing is asked before all of this is on disk.
    fn prepare(&self, credential: &Credential, spent: &Spent) -> io::Result<Begun> {
        self.intent.keep_previous(credential)?;
        (self.parts.step)(Step::PreviousKept);
        let begun = self.intent.begin(spent)?;
        if planted(Bug::SuccessorWithoutIntent) {
            self.forget()?;
        }
        self.try_folder()?;
        (self.parts.step)(Step::Intended);
        Ok(begun)
    }

    fn granted(
        &self,
        credential: &Credential,
        spent: &Spent,
        mut begun: Begun,
        grant: Grant,
    ) -> Result<Refreshed, Refreshed> {
        if !is_whose(&grant, self.parts.account) {
            // It is spent all the same, so asking again could only be refused.
            self.note(spent, CameTo::Dead(Reason::SessionEnded))?;
            return Ok(Refreshed::AnotherAccount);
        }
        let now_ms = self.now_ms();
        let expires_at_ms = now_ms.saturating_add(grant.lives_ms.unwrap_or(LIFE_MS));
        let renewable_until_ms = grant.renewable_ms.map(|life| now_ms.saturating_add(life));
        let Grant { access, refresh, .. } = grant;
        let successor = Successor { access, refresh, expires_at_ms, renewable_until_ms };
        // If it cannot be written down it can still be saved.
        let _ = begun.add(&successor);
        (self.parts.step)(Step::Noted);
        let saved = self.save(spent, &successor, Some(credential));
        let recovery = saved.map_err(|error| not_saved(&error))?;
        Ok(match recovery {
            Recovery::Saved => {
                self.tell(spent, CameTo::Renewed);
                Refreshed::Renewed { expires_at_ms }
            }
            Recovery::Waiting => not_saved(&io::ErrorKind::ResourceBusy.into()),
            _ => Refreshed::NotNeeded,
        })
    }

    /// The service knows the token no more. If another one lies there by now, somebody was faster, and nothing is over.
    fn over(&self, credential: &Credential, reason: Reason) -> Result<Refreshed, Refreshed> {
        let spent = Spent::of(credential, self.now_ms());
        if self.read().is_ok_and(|now| now.refresh.fingerprint() != spent.refresh) {
            let _ = self.forget();
            return Ok(Refreshed::NotNeeded);
        }
        self.note(&spent, CameTo::Dead(reason))?;
        Ok(Refreshed::NeedsLogin { reason, first: true })
    }

    /// Remembers that it failed; then the intent has nothing more to say. Where that cannot be remembered the intent
    /// stays, which keeps everybody from asking as well.
    fn note(&self, spent: &Spent, came_to: CameTo) -> Result<(), Refreshed> {
        let forgotten = planted(Bug::DeadLoginForgotten) && matches!(came_to, CameTo::Dead(_));
        let noted = if forgotten { Ok(()) } else { self.notes.put(spent.refresh, came_to, self.now_ms()) };
        noted.and_then(|()| self.forget()).map_err(|error| match came_to {
            CameTo::Dead(reason) => Refreshed::NeedsLogin { reason, first: true },
            _ => not_saved(&error),
        })
    }

    /// Remembers for people that a successor is in its place; that counts whether it can be remembered or not.
    fn tell(&self, spent: &Spent, came_to: CameTo) {
        let _ = self.notes.put(spent.refresh, came_to, self.now_ms());
    }
}

fn not_saved(error: &io::Error) -> Refreshed {
    Refreshed::Failed(RefreshFailure::NotSaved(error.kind()))
}

/// An organization that nothing told is no difference.
fn is_same(one: &AccountId, other: &AccountId) -> bool {
    let untold = one.organization.is_empty() || other.organization.is_empty();
    one.account == other.account && (untold || one.organization == other.organization)
}

/// The service does not say that it is somebody else's.
fn is_whose(grant: &Grant, account: &AccountId) -> bool {
    let differs = |told: &Option<String>, ours: &str| {
        told.as_deref().is_some_and(|told| !told.is_empty() && !ours.is_empty() && told != ours)
    };
    !differs(&grant.account, &account.account) && !differs(&grant.organization, &account.organization)
}
