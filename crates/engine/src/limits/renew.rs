//! Renewing the logins of accounts that the user handed over, before the service is asked with them.
//!
//! Owns which logins those are, whether one is due, and what of it the ledger is told. Must not: know how a login is
//! renewed, or renew one that a key store may have.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cco_ledger::limits::Observed;
use cco_limits::accounts::{Account, Accounts};
use cco_limits::credentials::{self, FILE, KeyStore, KeychainFault, service_name};
use cco_limits::live;
use cco_limits::refresh::{
    EARLY_MS, Exchange, ExchangeFailure, Held, Lack, Parts, Recovery, RefreshFailure, Refreshed, TIME_LIMIT,
    TokenClient, TokenSettings, TokenUrl, WAIT, recover, refresh,
};
use cco_limits::secret::Secret;
use cco_model::limit::login::Reason;
use cco_model::limit::trouble::Trouble;
use cco_model::limit::{AccountId, Attempt, LoginChange};

use super::ask::Asking;
use super::look::Found;
use crate::Engine;

/// How long to wait for the locks of something that was broken off: whoever is at it now ends it himself.
const WAIT_TO_RECOVER: Duration = Duration::from_secs(1);

/// Which logins may be renewed, and how.
#[derive(Clone, Debug)]
pub struct Renewing {
    /// The accounts that the user handed over.
    pub managed: Vec<AccountId>,
    /// The OAuth client that the logins were made for; none: nobody told, and nothing is renewed.
    pub client_id: Option<String>,
    /// Where.
    pub url: TokenUrl,
    /// The user's home folder, where Claude Code has one of its locks; none: nothing is renewed.
    pub home: Option<PathBuf>,
}

/// What was tried with the login of a managed account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// Whose.
    pub account: AccountId,
    /// The config directory.
    pub directory: PathBuf,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of trying to renew a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The OAuth client is not known.
    NoClientId,
    /// There is no home folder, so Claude Code's locks cannot be taken.
    NoHome,
    /// The settings are such that nobody can be asked: why.
    Unusable(String),
    /// A key store has the login, or may have it.
    InKeyStore,
    /// The rest.
    Came(Refreshed),
}

/// Why an account cannot be managed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CannotManage {
    /// No config directory holds it.
    NotHere,
    /// A key store has its login.
    InKeyStore,
    /// A key store may have its login, and may not be asked.
    KeyStoreNotAllowed,
    /// There is no login in a file.
    NoFile,
    /// The login has no refresh token.
    NotRenewable,
}

/// Nobody is asked when something is brought to an end.
struct Nobody;

impl Exchange for Nobody {
    fn renew(&self, _: &Secret) -> cco_limits::refresh::Renewal {
        cco_limits::refresh::Renewal::Failed(ExchangeFailure::Network)
    }
}

impl Engine {
    /// Brings to an end what killed processes began with logins; nobody is asked. Also for accounts that are not managed
    /// any more. Says what came of it, by config directory; nothing where there was nothing.
    pub fn recover_logins(
        &self,
        found: &Found,
        asking: &Asking,
        now_ms: &dyn Fn() -> i64,
    ) -> Vec<(PathBuf, Result<Recovery, Held>)> {
        let nobody = AccountId { organization: "".into(), account: "".into() };
        let mut ended = Vec::new();
        for directory in found.accounts.directories() {
            let place = Place { engine: self, found, asking, directory: &directory.path, now_ms };
            // Without a home folder no process of ours can have begun anything.
            let Some(home) = &asking.renewing.home else { break };
            let result = place.with(&nobody, home, &Nobody, WAIT_TO_RECOVER, recover);
            if result != Ok(Recovery::Nothing) {
                ended.push((directory.path.clone(), result));
            }
        }
        ended
    }

    /// Whether the login of an account can be renewed by us at all.
    pub fn can_manage(
        &self,
        found: &Found,
        account: &AccountId,
        asking: &Asking,
    ) -> Result<Vec<PathBuf>, CannotManage> {
        let known = found.accounts.all().iter().find(|known| known.id == *account);
        let directories = known.map_or(&[][..], |known| &known.directories);
        let mut why = CannotManage::NotHere;
        let mut usable = Vec::new();
        for directory in directories {
            match self.can_manage_in(found, directory, asking) {
                Ok(()) => usable.push(directory.clone()),
                Err(reason) => why = reason,
            }
        }
        if usable.is_empty() { Err(why) } else { Ok(usable) }
    }

    fn can_manage_in(&self, found: &Found, directory: &Path, asking: &Asking) -> Result<(), CannotManage> {
        if asking.key_store.is_some() && !asking.key_store_allowed {
            return Err(CannotManage::KeyStoreNotAllowed);
        }
        if key_store_may_have(found, directory, asking) {
            return Err(CannotManage::InKeyStore);
        }
        match in_file(directory, self.now.as_millisecond()) {
            credentials::Found::Absent => Err(CannotManage::NoFile),
            credentials::Found::Ok(login) if !login.renewable => Err(CannotManage::NotRenewable),
            _ => Ok(()),
        }
    }

    /// Renews the login of an account, if it is managed and has no login that can be used. One that works is enough: no
    /// refresh token is spent without need.
    pub(super) fn renew(
        &self,
        account: &Account,
        found: &Found,
        asking: &Asking,
        now_ms: &dyn Fn() -> i64,
    ) -> Vec<Renewal> {
        let works = |directory: &PathBuf| {
            matches!(in_file(directory, now_ms().saturating_add(EARLY_MS)), credentials::Found::Ok(_))
        };
        if !asking.renewing.managed.contains(&account.id) || account.directories.iter().any(works) {
            return Vec::new();
        }
        let mut renewals = Vec::new();
        for directory in &account.directories {
            let place = Place { engine: self, found, asking, directory, now_ms };
            let outcome = place.renew(&account.id);
            let is_done = matches!(
                outcome,
                Outcome::Came(Refreshed::Renewed { .. } | Refreshed::Recovered | Refreshed::NotNeeded)
            );
            renewals.push(Renewal { account: account.id.clone(), directory: directory.clone(), outcome });
            if is_done {
                break;
            }
        }
        renewals
    }
}

/// A config directory whose login is looked at.
#[derive(Clone, Copy)]
struct Place<'p> {
    engine: &'p Engine,
    found: &'p Found,
    asking: &'p Asking,
    directory: &'p Path,
    now_ms: &'p dyn Fn() -> i64,
}

impl Place<'_> {
    fn renew(&self, account: &AccountId) -> Outcome {
        let renewing = &self.asking.renewing;
        if key_store_may_have(self.found, self.directory, self.asking) {
            return Outcome::InKeyStore;
        }
        let Some(client_id) = &renewing.client_id else { return Outcome::NoClientId };
        let Some(home) = &renewing.home else { return Outcome::NoHome };
        let settings = TokenSettings {
            url: renewing.url.clone(),
            client_id: client_id.clone(),
            user_agent: self.asking.settings.user_agent.clone(),
            time_limit: TIME_LIMIT,
            proxies: self.asking.settings.proxies.clone(),
        };
        match TokenClient::new(&settings) {
            Ok(client) => Outcome::Came(self.with(account, home, &client, WAIT, refresh)),
            Err(unusable) => Outcome::Unusable(unusable.to_string()),
        }
    }

    fn with<T>(
        &self,
        account: &AccountId,
        home: &Path,
        exchange: &dyn Exchange,
        wait: Duration,
        act: impl FnOnce(&Parts<'_>) -> T,
    ) -> T {
        act(&Parts {
            allowed: true,
            account,
            config: self.directory,
            legacy_lock: &home.join(".claude.lock"),
            state: &self.asking.state,
            held_by: &|| self.engine.holder(self.directory),
            live_session: &|| self.is_in_use(),
            exchange,
            now_ms: self.now_ms,
            wait,
            step: &|_| (),
        })
    }

    /// Claude Code runs with this login, from this directory or from another one whose login is the same file; or that
    /// cannot be told.
    fn is_in_use(&self) -> bool {
        let file = |directory: &Path| directory.join(FILE).canonicalize().ok();
        let own = file(self.directory);
        let directories = self.found.accounts.directories().iter().map(|directory| directory.path.as_path());
        let same = directories.filter(|path| own.is_some() && file(path) == own);
        std::iter::once(self.directory)
            .chain(same)
            .any(|path| live::sessions(path, &live::runs).map_or(true, |all| !all.is_empty()))
    }
}

impl Engine {
    /// The account that a config directory holds at this moment.
    pub(super) fn holder(&self, directory: &Path) -> Option<AccountId> {
        let mut roots = self.places.roots.iter().filter(|root| root.path == *directory);
        roots.find_map(|root| Accounts::discover(std::slice::from_ref(root)).of_directory(directory).cloned())
    }
}

/// Its login in a file; no key store is asked.
fn in_file(directory: &Path, now_ms: i64) -> credentials::Found {
    credentials::Source { directory, config_dir: None, key_store: KeyStore::None }.read(now_ms)
}

/// A key store has the login, or that cannot be told. Then its file is an older one, which must not be spent.
fn key_store_may_have(found: &Found, directory: &Path, asking: &Asking) -> bool {
    let Some(key_store) = &asking.key_store else { return false };
    let is_default = found.accounts.directories().iter().any(|it| it.path == *directory && it.is_default);
    let service = service_name(directory.to_str().filter(|_| !is_default));
    !asking.key_store_allowed || !matches!(key_store.password(&service), Err(KeychainFault::Absent))
}

/// What the ledger is told of one account: that its login is dead, and how asking for a successor failed.
pub(super) fn take_renewals(renewals: &[Renewal], at_ms: i64, observed: &mut Observed) {
    for Renewal { account, outcome, .. } in renewals {
        if let Some(why) = outcome.failure() {
            let outcome = format!("not renewed: {why}").into();
            observed.attempts.push(Attempt { account: account.clone(), at_ms, outcome });
        }
    }
    if let Some((account, reason)) = dead(renewals) {
        let dead = Some(reason.name().into());
        observed.logins.push(LoginChange { account: account.clone(), at_ms, dead });
    }
}

/// Why there is no newer answer, by what came of renewing: opening Claude Code does not mend a login whose session has
/// ended.
pub(super) fn trouble(told: Option<Trouble>, renewals: &[Renewal]) -> Option<Trouble> {
    let is_dead = dead(renewals).is_some();
    told.map(|told| if is_dead && told == Trouble::Expired { Trouble::Unauthorized } else { told })
}

/// An account whose user must log in: its login is dead wherever there is one.
fn dead(renewals: &[Renewal]) -> Option<(&AccountId, Reason)> {
    let outcomes = || renewals.iter().map(|renewal| &renewal.outcome);
    let is_no_help = |outcome: &Outcome| {
        outcome.dead().is_some() || *outcome == Outcome::Came(Refreshed::Lacking(Lack::Absent))
    };
    let reason = outcomes().find_map(Outcome::dead).filter(|_| outcomes().all(is_no_help))?;
    Some((&renewals.first()?.account, reason))
}

impl Outcome {
    /// Only its user can mend this login.
    fn dead(&self) -> Option<Reason> {
        match self {
            Self::Came(Refreshed::NeedsLogin { reason, .. }) => Some(*reason),
            _ => None,
        }
    }

    /// Why the service, when it was asked just now, gave no successor that is in its place.
    fn failure(&self) -> Option<String> {
        match self {
            Self::Came(Refreshed::NeedsLogin { reason, first: true }) => {
                Some(reason.name().replace('_', " "))
            }
            Self::Came(Refreshed::Failed(RefreshFailure::Exchange(failure))) => Some(failure.to_string()),
            Self::Came(Refreshed::Failed(RefreshFailure::NotSaved(why))) => Some(format!("not saved: {why}")),
            _ => None,
        }
    }
}
