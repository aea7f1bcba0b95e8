//! Facts for a check-up of accounts, logins and limits.
//!
//! Owns the looking. Must not: ask the service or a key store, keep what it saw, or judge.

use std::path::{Path, PathBuf};

use cco_ledger::limits::{Attempts, KnownAccount};
use cco_limits::accounts::{Accounts, Held};
use cco_limits::shared_files::bad_reads::BadReads;
use cco_limits::{credentials, live, refresh};
use cco_model::limit::login::Login;
use cco_model::limit::{AccountId, CLOCK_SLACK_MS};

pub use cco_limits::credentials::FileState;

use super::look::{self, Places, of_older_tools};
use super::share::SharedFile;
use crate::{Engine, EngineError};

/// What files tell of accounts and limits.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// The config directories that were looked at.
    pub directories: Vec<DirectorySeen>,
    /// Files of older tools that are there and cannot be used.
    pub broken: Vec<Broken>,
    /// Those that are written too, where the user wants that.
    pub shared: Vec<SharedFile>,
    /// What was begun with the login of a directory that is not looked at any more.
    pub orphans: Vec<PathBuf>,
}

/// A file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Where.
    pub path: PathBuf,
    /// Why.
    pub why: String,
    /// It is so for good: how many reads of it were bad in a row, and since when (UTC milliseconds). None: it may just
    /// be half-written.
    pub lasting: Option<(u32, i64)>,
}

/// A config directory.
#[derive(Clone, Debug)]
pub struct DirectorySeen {
    /// Where.
    pub path: PathBuf,
    /// Who is logged in there; an error: why it cannot be told; none: nobody.
    pub account: Result<Option<AccountSeen>, String>,
    /// The file of its login.
    pub credential: FileState,
    /// Since when sessions of it are at work, UTC milliseconds; none: none is.
    pub active_since_ms: Option<i64>,
    /// What is known of renewing its login.
    pub renewal: refresh::Traces,
}

/// An account in a config directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSeen {
    /// Which.
    pub id: AccountId,
    /// What people know it by.
    pub label: String,
}

/// What the ledger knows of an account's login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownLogin {
    /// Whose.
    pub account: KnownAccount,
    /// How it is.
    pub login: Login,
    /// Since when it is so, UTC milliseconds; none: it was never tried.
    pub since_ms: Option<i64>,
    /// How asking went.
    pub attempts: Attempts,
}

impl KnownLogin {
    /// The credential was written since the login was found dead, and was not tried yet. A time that lies ahead of now
    /// was stamped by a wrong clock and says nothing.
    pub fn may_be_mended(&self, written_at_ms: Option<i64>, now_ms: i64) -> bool {
        let (Login::NeedsLogin { since_ms, .. }, Some(written_ms)) = (self.login, written_at_ms) else {
            return false;
        };
        let failed_ms = self.attempts.last_failure.as_ref().map(|(at_ms, _)| *at_ms);
        written_ms > since_ms
            && Some(written_ms) > failed_ms
            && written_ms <= now_ms.saturating_add(CLOCK_SLACK_MS)
    }
}

/// Looks at these places. `state`: the folder in which processes remember for each other; none: there is none.
pub fn files(places: &Places, state: Option<&Path>, now_ms: i64) -> Files {
    let accounts = Accounts::discover(&places.roots);
    let (_, reads) = of_older_tools(places, now_ms, &accounts);
    let bad = places.state.as_deref().map(BadReads::load).unwrap_or_default();
    let broken = look::broken(reads).map(|(path, why)| Broken {
        lasting: bad.named(&path).map(|bad| (bad.count, bad.first_ms)),
        path,
        why,
    });
    let broken = broken.collect();
    let label = |id: &AccountId| accounts.all().iter().find(|it| it.id == *id).map(|it| it.label.clone());
    let seen = |id: &AccountId| AccountSeen { id: id.clone(), label: label(id).unwrap_or_default() };
    let directories = accounts.directories().iter().map(|directory| DirectorySeen {
        path: directory.path.clone(),
        account: match &directory.held {
            Held::Account(id) => Ok(Some(seen(id))),
            Held::Nobody => Ok(None),
            Held::Unknown(why) => Err(why.clone()),
        },
        credential: credentials::file_state(&directory.path, now_ms),
        active_since_ms: live::active_since_ms(&directory.path, &live::runs),
        renewal: state.map(|state| refresh::traces(state, &directory.path)).unwrap_or_default(),
    });
    let directories: Vec<DirectorySeen> = directories.collect();
    let paths = directories.iter().map(|seen| seen.path.as_path());
    let orphans = state.map(|state| refresh::orphans(state, paths)).unwrap_or_default();
    Files { directories, broken, shared: Vec::new(), orphans }
}

impl Engine {
    /// What is known of the logins of all accounts that the user wants to see.
    pub fn logins(&self) -> Result<Vec<KnownLogin>, EngineError> {
        let accounts = self.ledger.accounts()?.into_iter().filter(|account| !account.removed);
        accounts.map(|account| self.known_login(account)).collect()
    }

    pub(super) fn known_login(&self, account: KnownAccount) -> Result<KnownLogin, EngineError> {
        let change = self.ledger.login(&account.id)?;
        Ok(KnownLogin {
            since_ms: change.as_ref().map(|change| change.at_ms),
            login: super::login_of(change),
            attempts: self.ledger.attempts(&account.id)?,
            account,
        })
    }
}
