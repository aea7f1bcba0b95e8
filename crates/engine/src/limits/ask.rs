//! Asking the service, for the accounts that may be asked.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use cco_ledger::limits::Observed;
use cco_limits::accounts::Account;
use cco_limits::cascade::{self, Parts, Snapshot};
use cco_limits::client::{Client, Outcome, Settings, Transport, Unusable};
use cco_limits::credentials::{self, KeyStore, Keychain};
use cco_limits::secret::{Fingerprint, Secret};
use cco_limits::store::Files;
use cco_model::limit::login::{Login, Reason};
use cco_model::limit::merge::merge_all;
use cco_model::limit::poll;
use cco_model::limit::trouble::Trouble;
use cco_model::limit::{AccountId, Attempt, LoginChange, Source};

use super::look::{self, Found};
use crate::{Engine, EngineError};

/// How the service is asked.
pub struct Asking {
    /// The folder in which processes remember for each other.
    pub state: PathBuf,
    /// Where, in whose name, and through what.
    pub settings: Settings,
    /// The system's key store; none: this system has none.
    pub key_store: Option<Box<dyn Keychain>>,
    /// It may be asked.
    pub key_store_allowed: bool,
}

/// What asking came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Why an account's answer is not new, by account.
    pub troubles: BTreeMap<AccountId, Trouble>,
    /// What could not be written, in words; it changed no answer.
    pub faults: Vec<String>,
}

/// Remembers whether the service was really asked.
struct Watched<'c> {
    client: &'c Client,
    asked: Cell<bool>,
}

impl Transport for Watched<'_> {
    fn ask(&self, token: &Secret, now_ms: i64) -> Outcome {
        self.asked.set(true);
        self.client.ask(token, now_ms)
    }
}

impl Engine {
    /// The accounts for which the service should be asked by now: those whose own readings are old. `all`: everyone
    /// that a config directory holds, whatever is known.
    pub fn due(&self, found: &Found, all: bool) -> Result<Vec<AccountId>, EngineError> {
        let now_ms = self.now.as_millisecond();
        let readings = self.ledger.readings(now_ms - super::OLDEST_READING_MS)?;
        let merged = merge_all(&readings, now_ms);
        let mut due = Vec::new();
        for account in found.accounts.all() {
            let login = super::login_of(self.ledger.login(&account.id)?);
            let attempts = self.ledger.attempts(&account.id)?;
            let windows = || merged.get(&account.id).into_iter().flatten();
            let resets: Vec<i64> = windows().filter_map(|(_, current)| current.resets_at_ms).collect();
            let asked = poll::Asked {
                account: &account.id,
                sessions: found.of(&account.id).sessions,
                login,
                read_at_ms: windows().filter_map(|(_, current)| current.observed_at_ms).max(),
                asked_at_ms: attempts.last_success_ms.max(attempts.last_failure.map(|(at_ms, _)| at_ms)),
                resets_ms: &resets,
            };
            // A dead login is left alone until somebody has logged in again.
            let again = matches!(login, Login::NeedsLogin { since_ms, .. } if credential_ms(account) > Some(since_ms));
            if all || again || asked.stale(now_ms).is_some() {
                due.push(account.id.clone());
            }
        }
        Ok(due)
    }

    /// Asks for the limits of these accounts, where what is remembered of the last answer is not fresh, and keeps what
    /// comes back.
    pub fn ask(
        &mut self,
        found: &Found,
        due: &[AccountId],
        asking: &Asking,
        now_ms: &dyn Fn() -> i64,
    ) -> Result<Result<Asked, Unusable>, EngineError> {
        let client = match Client::new(&asking.settings) {
            Ok(client) => client,
            Err(unusable) => return Ok(Err(unusable)),
        };
        let (mut asked, mut observed) = (Asked::default(), Observed::default());
        for account in found.accounts.all().iter().filter(|account| due.contains(&account.id)) {
            let Some(directory) = account.directories.first() else { continue };
            let is_default =
                found.accounts.directories().iter().any(|it| it.path == *directory && it.is_default);
            let source = credentials::Source {
                directory,
                config_dir: directory.to_str().filter(|_| !is_default),
                key_store: match &asking.key_store {
                    None => KeyStore::None,
                    Some(keychain) if asking.key_store_allowed => KeyStore::Ask(&**keychain),
                    Some(_) => KeyStore::NotAllowed,
                },
            };
            let store = Files::new(&asking.state, &account.id, &asking.settings.base);
            let transport = Watched { client: &client, asked: Cell::new(false) };
            let answer = cascade::answer(&Parts {
                endpoint_allowed: true,
                known: known(&source, asking, now_ms()),
                store: &store,
                transport: &transport,
                credentials: &|at_ms| source.read(at_ms),
                // What this machine used is asked for when it is shown.
                local: &|| None::<()>,
                now_ms,
            });
            asked.faults.extend(answer.faults.iter().map(|fault| fault.error.clone()));
            let trouble = answer.why;
            take_answer(&account.id, &answer.shown, trouble, transport.asked.get(), now_ms(), &mut observed);
            asked.troubles.extend(trouble.map(|trouble| (account.id.clone(), trouble)));
        }
        asked.faults.extend(self.observe(&observed)?);
        Ok(Ok(asked))
    }
}

/// When a login of the account was last written, UTC milliseconds; none where it is in no file.
pub(super) fn credential_ms(account: &Account) -> Option<i64> {
    let written = |directory: &PathBuf| {
        let file = std::fs::metadata(directory.join(".credentials.json")).ok()?;
        let written = file.modified().ok()?.duration_since(std::time::SystemTime::UNIX_EPOCH).ok()?;
        i64::try_from(written.as_millis()).ok()
    };
    account.directories.iter().filter_map(written).max()
}

/// Whose answers are remembered, where that can be told without asking a key store.
fn known(source: &credentials::Source<'_>, asking: &Asking, now_ms: i64) -> Option<Fingerprint> {
    if asking.key_store.is_some() {
        return None;
    }
    match source.read(now_ms) {
        credentials::Found::Ok(login) => Some(login.token.fingerprint()),
        credentials::Found::Expired(expired) => Some(expired.fingerprint),
        _ => None,
    }
}

/// What an answer says: readings, how asking went, and whether the login works.
fn take_answer(
    account: &AccountId,
    shown: &cascade::Shown<()>,
    trouble: Option<Trouble>,
    asked: bool,
    at_ms: i64,
    observed: &mut Observed,
) {
    if let cascade::Shown::New(snapshot)
    | cascade::Shown::Cached(snapshot)
    | cascade::Shown::Stale(snapshot) = shown
    {
        let Snapshot { usage, fetched_at_ms } = snapshot;
        observed.readings.extend(look::readings(account, usage, *fetched_at_ms, Source::Endpoint));
    }
    let is_new = matches!(shown, cascade::Shown::New(_));
    if asked {
        let outcome = match trouble {
            None => Attempt::OK,
            Some(trouble) => trouble.short(),
        };
        observed.attempts.push(Attempt { account: account.clone(), at_ms, outcome: outcome.into() });
    }
    let dead = match trouble {
        Some(Trouble::Unauthorized) => Some(Reason::Unauthorized),
        Some(Trouble::Forbidden) if matches!(shown, cascade::Shown::Nothing | cascade::Shown::Local(())) => {
            Some(Reason::Forbidden)
        }
        Some(Trouble::NoCredentials) => Some(Reason::LoggedOut),
        _ => None,
    };
    if is_new || dead.is_some() {
        let dead = dead.map(|reason| reason.name().into());
        observed.logins.push(LoginChange { account: account.clone(), at_ms, dead });
    }
}
