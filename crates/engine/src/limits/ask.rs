//! Asking the service, for the accounts that may be asked.

use std::cell::Cell;
use std::path::PathBuf;

use cco_ledger::limits::{Attempts, Observed};
use cco_limits::accounts::Account;
use cco_limits::cascade::{self, Parts, Snapshot, Store};
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
use super::renew::{self, Renewal, Renewing};
use super::tries::Tries;
use crate::{Engine, EngineError};

/// How far back readings are looked at to tell whether there is a newer one to be had.
const RECENT_MS: i64 = 3_600_000;
/// How long a dead login that is in no file is left alone.
const LOOK_AGAIN_MS: i64 = 10 * 60_000;

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
    /// Which logins may be renewed.
    pub renewing: Renewing,
}

/// What asking came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// For whom an answer was looked for.
    pub whom: Vec<AccountId>,
    /// Of those, who was not asked for: what is remembered is fresh, or it is too soon after a failure.
    pub not_asked: Vec<AccountId>,
    /// Why answers are not new, and when they may be.
    pub tries: Tries,
    /// What could not be written, in words; it changed no answer.
    pub faults: Vec<String>,
    /// What was tried with logins that are managed.
    pub renewals: Vec<Renewal>,
}

/// Remembers whether the service was really asked, and what it made of the login.
struct Watched<'c> {
    client: &'c Client,
    said: Cell<Said>,
}

/// What was learned of a login by asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// Nobody was asked.
    NotAsked,
    /// Nothing: it works, or something else failed.
    Nothing,
    /// It is refused.
    Refused(Reason),
}

impl Transport for Watched<'_> {
    fn ask(&self, token: &Secret, now_ms: i64) -> Outcome {
        let outcome = self.client.ask(token, now_ms);
        self.said.set(match outcome {
            Outcome::Unauthorized => Said::Refused(Reason::Unauthorized),
            Outcome::Forbidden => Said::Refused(Reason::Forbidden),
            _ => Said::Nothing,
        });
        outcome
    }
}

impl Engine {
    /// The accounts for which the service should be asked by now: those whose own readings are old. `all`: everyone
    /// that a config directory holds, whatever is known. Nobody asks for one that its user took off the list.
    pub fn due(&self, found: &Found, all: bool) -> Result<Vec<AccountId>, EngineError> {
        let now_ms = self.now.as_millisecond();
        // What is older is stale anyway.
        let readings = self.ledger.readings(now_ms - RECENT_MS)?;
        let merged = merge_all(&readings, now_ms);
        let removed: Vec<AccountId> =
            self.ledger.accounts()?.into_iter().filter(|known| known.removed).map(|known| known.id).collect();
        let mut due = Vec::new();
        for account in found.accounts.all().iter().filter(|account| !removed.contains(&account.id)) {
            let login = super::login_of(self.ledger.login(&account.id)?);
            let attempts = self.ledger.attempts(&account.id)?;
            let windows = || merged.get(&account.id).into_iter().flatten();
            let resets: Vec<i64> = windows().filter_map(|(_, current)| current.resets_at_ms).collect();
            let asked = poll::Asked {
                account: &account.id,
                sessions: found.of(&account.id).sessions,
                login,
                read_at_ms: windows().filter_map(|(_, current)| current.observed_at_ms).max(),
                asked_at_ms: attempts.last_success_ms.max(last_failure_ms(&attempts)),
                resets_ms: &resets,
            };
            let again = may_be_mended(account, login, &attempts, now_ms);
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
        if due.is_empty() {
            return Ok(Ok(Asked::default()));
        }
        let client = match Client::new(&asking.settings) {
            Ok(client) => client,
            Err(unusable) => return Ok(Err(unusable)),
        };
        let round = Round { found, asking, client: &client, now_ms };
        let mut asked = Asked { whom: due.to_vec(), ..Asked::default() };
        let mut observed = Observed::default();
        for account in found.accounts.all().iter().filter(|account| due.contains(&account.id)) {
            self.ask_for(account, &round, &mut asked, &mut observed);
        }
        asked.faults.extend(self.note_down(observed)?);
        self.tries.clone_from(&asked.tries);
        Ok(Ok(asked))
    }

    fn ask_for(&self, account: &Account, round: &Round<'_>, asked: &mut Asked, observed: &mut Observed) {
        let Round { found, asking, client, now_ms } = *round;
        let renewals = self.renew(account, found, asking, now_ms);
        renew::take_renewals(&renewals, now_ms(), observed);
        let logins = Logins::of(account, found, asking);
        let store = Files::new(&asking.state, &account.id, &asking.settings.base);
        let transport = Watched { client, said: Cell::new(Said::NotAsked) };
        let answer = cascade::answer(&Parts {
            endpoint_allowed: true,
            known: logins.known(asking, now_ms()),
            store: &store,
            transport: &transport,
            credentials: &|at_ms| logins.read(at_ms),
            // What this machine used is asked for when it is shown.
            local: &|| None::<()>,
            now_ms,
        });
        asked.faults.extend(answer.faults.iter().map(|fault| fault.error.clone()));
        let trouble = renew::trouble(answer.why, &renewals);
        asked.renewals.extend(renewals);
        let said = transport.said.get();
        if said == Said::NotAsked {
            asked.not_asked.push(account.id.clone());
        }
        asked.tries.next_ms.extend(answer.again_at_ms.map(|at_ms| (account.id.clone(), at_ms)));
        let used = logins.used.get().filter(|_| said != Said::NotAsked);
        let used = used.and_then(|used| account.directories.get(used));
        if let Some(directory) = used.filter(|directory| self.holder(directory).as_ref() != Some(&account.id))
        {
            // Whose login it was that asked cannot be told any more, so the answer is nobody's.
            let _ = store.remove_cache();
            let directory = directory.display();
            asked
                .faults
                .push(format!("the login of {directory} changed while it asked; the answer is not kept"));
            asked.tries.troubles.insert(account.id.clone(), Trouble::NoData);
            return;
        }
        take_answer(&account.id, &answer.shown, trouble, said, now_ms(), observed);
        asked.tries.troubles.extend(trouble.map(|trouble| (account.id.clone(), trouble)));
    }
}

/// What asking for one account after another has in common.
#[derive(Clone, Copy)]
struct Round<'r> {
    found: &'r Found,
    asking: &'r Asking,
    client: &'r Client,
    now_ms: &'r dyn Fn() -> i64,
}

/// The logins of an account: one in each config directory that holds it.
struct Logins<'a> {
    sources: Vec<credentials::Source<'a>>,
    /// The one whose token was taken.
    used: Cell<Option<usize>>,
}

impl<'a> Logins<'a> {
    fn of(account: &'a Account, found: &Found, asking: &'a Asking) -> Self {
        let key_store = match &asking.key_store {
            None => KeyStore::None,
            Some(keychain) if asking.key_store_allowed => KeyStore::Ask(&**keychain),
            Some(_) => KeyStore::NotAllowed,
        };
        let source = |directory: &'a PathBuf| {
            let is_default =
                found.accounts.directories().iter().any(|it| it.path == *directory && it.is_default);
            credentials::Source {
                directory,
                config_dir: directory.to_str().filter(|_| !is_default),
                key_store,
            }
        };
        Self { sources: account.directories.iter().map(source).collect(), used: Cell::new(None) }
    }

    /// The first that can be used, else the one that is nearest to it: an account is logged out only where all of its
    /// directories are.
    fn read(&self, now_ms: i64) -> credentials::Found {
        let mut best = credentials::Found::Absent;
        for (number, source) in self.sources.iter().enumerate() {
            let found = source.read(now_ms);
            if usefulness(&found) > usefulness(&best) {
                best = found;
                self.used.set(Some(number));
            }
            if matches!(best, credentials::Found::Ok(_)) {
                break;
            }
        }
        best
    }

    /// Whose answers are remembered, where that can be told without asking a key store.
    fn known(&self, asking: &Asking, now_ms: i64) -> Option<Fingerprint> {
        if asking.key_store.is_some() {
            return None;
        }
        let fingerprint = match self.read(now_ms) {
            credentials::Found::Ok(login) => Some(login.token.fingerprint()),
            credentials::Found::Expired(expired) => Some(expired.fingerprint),
            _ => None,
        };
        self.used.set(None);
        fingerprint
    }
}

fn usefulness(found: &credentials::Found) -> u8 {
    match found {
        credentials::Found::Ok(_) => 4,
        credentials::Found::Expired(_) => 3,
        credentials::Found::Unreadable(_) => 2,
        credentials::Found::Broken(_) => 1,
        credentials::Found::Absent => 0,
    }
}

/// A dead login is left alone until somebody has logged in again: until its file is newer than the last time that it
/// was refused. One that is in no file is looked for now and then, since a key store tells no times.
fn may_be_mended(account: &Account, login: Login, attempts: &Attempts, now_ms: i64) -> bool {
    let Login::NeedsLogin { since_ms, .. } = login else { return false };
    let refused_ms = last_failure_ms(attempts).map_or(since_ms, |failed| failed.max(since_ms));
    match credential_ms(account) {
        Some(written) => written > refused_ms,
        None => now_ms.saturating_sub(refused_ms) >= LOOK_AGAIN_MS,
    }
}

fn last_failure_ms(attempts: &Attempts) -> Option<i64> {
    attempts.last_failure.as_ref().map(|(at_ms, _)| *at_ms)
}

/// When a login of the account was last written, UTC milliseconds; none where it is in no file.
pub(super) fn credential_ms(account: &Account) -> Option<i64> {
    let written = |directory: &PathBuf| {
        let file = std::fs::metadata(directory.join(credentials::FILE)).ok()?;
        let written = file.modified().ok()?.duration_since(std::time::SystemTime::UNIX_EPOCH).ok()?;
        i64::try_from(written.as_millis()).ok()
    };
    account.directories.iter().filter_map(written).max()
}

/// What an answer says: readings, how asking went, and whether the login works.
fn take_answer(
    account: &AccountId,
    shown: &cascade::Shown<()>,
    trouble: Option<Trouble>,
    said: Said,
    at_ms: i64,
    observed: &mut Observed,
) {
    use cascade::Shown;
    let mut login = |at_ms, dead: Option<Reason>| {
        let dead = dead.map(|reason| reason.name().into());
        observed.logins.push(LoginChange { account: account.clone(), at_ms, dead });
    };
    match (said, trouble) {
        (Said::Refused(reason), _) => login(at_ms, Some(reason)),
        (_, Some(Trouble::NoCredentials)) => login(at_ms, Some(Reason::LoggedOut)),
        // That it worked counts from when it did.
        _ => {
            if let Shown::New(snapshot) | Shown::Cached(snapshot) = shown {
                login(snapshot.fetched_at_ms, None);
            }
        }
    }
    if let Shown::New(snapshot) | Shown::Cached(snapshot) | Shown::Stale(snapshot) = shown {
        let Snapshot { usage, fetched_at_ms } = snapshot;
        observed.readings.extend(look::readings(account, usage, *fetched_at_ms, Source::Endpoint));
    }
    if said != Said::NotAsked {
        let outcome = match trouble {
            None => Attempt::OK,
            Some(trouble) => trouble.short(),
        };
        observed.attempts.push(Attempt { account: account.clone(), at_ms, outcome: outcome.into() });
    }
}
