//! What is answered, and what is asked for it: the one place that decides about the endpoint.
//!
//! A function of its parts: it reads no clock, file or network of its own, so every way through it is a row of a test.
//! Cheapest first: what is remembered, then the claim, then the login, then the endpoint; the ledger's own sums stand
//! in at the end. Must not: read a login before it is needed, serve what was remembered for a login that was refused,
//! or let a failed write change an answer.

use cco_model::limit::backoff::{self, FRESH_MS, Failure};
use cco_model::limit::poll::{ATTEMPTS_AN_HOUR, counted_attempts, next_attempt_ms};
use cco_model::limit::trouble::Trouble;

use crate::client::{Outcome, Transport};
use crate::credentials::{Found, Login, Unreadable};
use crate::secret::Fingerprint;
use crate::usage::{self, Usage};

/// Until when the endpoint is left alone, with one credential.
pub type BackOff = backoff::BackOff<Fingerprint>;

/// An answer of the endpoint, as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cached {
    /// When it came, UTC milliseconds.
    pub fetched_at_ms: i64,
    /// Of the credential that it was given to.
    pub fingerprint: Fingerprint,
    /// All of it.
    pub body: Vec<u8>,
}

/// Something that could not be written or taken. It changes no answer; it is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What failed.
    pub what: Effect,
    /// What the system says.
    pub error: String,
}

/// What is done to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Take the claim.
    Claim,
    /// Remember an attempt.
    Attempt,
    /// Remember an answer.
    PutCache,
    /// Forget it.
    RemoveCache,
    /// Remember not to ask.
    PutBackoff,
}

/// Who may ask.
pub enum Claimed<C> {
    /// We may, as long as this is held.
    Ours(C),
    /// Another process asks.
    Held,
    /// Nobody can tell; we ask.
    Unknown(Fault),
}

/// What is remembered of one account at one base URL, among all processes.
pub trait Store {
    /// Keeps others from asking until it goes.
    type Claim;
    /// The last answer.
    fn cached(&self) -> Option<Cached>;
    /// The last back-off, over or not.
    fn backoff(&self) -> Option<BackOff>;
    /// When the endpoint was asked, lately.
    fn attempts(&self) -> Vec<i64>;
    /// Takes the claim, without waiting.
    fn claim(&self) -> Claimed<Self::Claim>;
    /// Remembers when the endpoint was asked.
    fn put_attempts(&self, attempts: &[i64]) -> Result<(), Fault>;
    /// Remembers an answer.
    fn put_cache(&self, cached: &Cached) -> Result<(), Fault>;
    /// Forgets the answer.
    fn remove_cache(&self) -> Result<(), Fault>;
    /// Remembers not to ask.
    fn put_backoff(&self, backoff: &BackOff) -> Result<(), Fault>;
}

/// Everything that an answer depends on.
pub struct Parts<'a, S: Store, L> {
    /// The user has allowed to ask.
    pub endpoint_allowed: bool,
    /// Of the account's credential, where that can be told without asking a key store. What was remembered with
    /// another one is as good as nothing.
    pub known: Option<Fingerprint>,
    /// What is remembered.
    pub store: &'a S,
    /// Asks the service.
    pub transport: &'a dyn Transport,
    /// Reads the login as of a time.
    pub credentials: &'a dyn Fn(i64) -> Found,
    /// What the ledger knows, where it has entries.
    pub local: &'a dyn Fn() -> Option<L>,
    /// UTC milliseconds.
    pub now_ms: &'a dyn Fn() -> i64,
}

/// What is known of the limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown<L> {
    /// It was asked for just now.
    New(Snapshot),
    /// Remembered, and fresh.
    Cached(Snapshot),
    /// Remembered, and old; `why` says why it is no newer.
    Stale(Snapshot),
    /// The ledger's own sums.
    Local(L),
    /// Nothing but `why`.
    Nothing,
}

/// An answer of the endpoint and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What it says.
    pub usage: Usage,
    /// When it came, UTC milliseconds.
    pub fetched_at_ms: i64,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<L> {
    /// What is known.
    pub shown: Shown<L>,
    /// Why it is not newer or better.
    pub why: Option<Trouble>,
    /// Before this the endpoint will not be asked, UTC milliseconds; none: nothing keeps us.
    pub again_at_ms: Option<i64>,
    /// What could not be written.
    pub faults: Vec<Fault>,
}

/// Finds the answer.
pub fn answer<S: Store, L>(parts: &Parts<'_, S, L>) -> Answer<L> {
    let mut run = Run { parts, faults: Vec::new() };
    let (shown, why, again_at_ms) = run.decide();
    Answer { shown, why, again_at_ms, faults: run.faults }
}

type Told<L> = (Shown<L>, Option<Trouble>, Option<i64>);

struct Run<'a, 'b, S: Store, L> {
    parts: &'a Parts<'b, S, L>,
    faults: Vec<Fault>,
}

/// What is remembered, as far as it counts at a moment.
struct Memory {
    now_ms: i64,
    snapshot: Option<(Snapshot, Fingerprint)>,
    backoff: Option<BackOff>,
}

impl Memory {
    fn is_fresh(&self) -> bool {
        self.snapshot.as_ref().is_some_and(|(snapshot, _)| self.now_ms - snapshot.fetched_at_ms < FRESH_MS)
    }

    fn stale(&self) -> Option<Snapshot> {
        self.snapshot.as_ref().map(|(snapshot, _)| snapshot.clone())
    }

    /// Forgets an answer that is not newer than a refusal. That outlives the refusal's back-off, since removing the
    /// answer may have failed.
    fn without_refused(mut self) -> Self {
        let refused_ms = self.backoff.filter(|backoff| backoff.tag.is_auth());
        let refused_ms = refused_ms.map(|backoff| backoff.written_at_ms);
        self.snapshot = self.snapshot.filter(|(snapshot, _)| Some(snapshot.fetched_at_ms) > refused_ms);
        self
    }

    /// Forgets what was another credential's.
    fn only_of(mut self, fingerprint: Fingerprint) -> Self {
        self.snapshot = self.snapshot.filter(|(_, of)| *of == fingerprint);
        self.backoff = self.backoff.filter(|backoff| backoff.credential == fingerprint);
        self
    }
}

impl<S: Store, L> Run<'_, '_, S, L> {
    fn decide(&mut self) -> Told<L> {
        let memory = self.remember();
        if let Some(told) = self.settled(&memory) {
            return told;
        }
        if !self.parts.endpoint_allowed {
            return self.stale_or_local(&memory, Trouble::NoData, None);
        }
        let _claim = match self.parts.store.claim() {
            Claimed::Ours(claim) => Some(claim),
            Claimed::Held => return self.stale_or_local(&memory, Trouble::Refreshing, None),
            Claimed::Unknown(fault) => {
                self.faults.push(fault);
                None
            }
        };
        // Whoever held the claim a moment ago may have asked already.
        let memory = self.remember();
        self.settled(&memory).unwrap_or_else(|| self.with_claim(memory))
    }

    /// The clock is read last, so that what a peer just wrote is not from the future.
    fn remember(&self) -> Memory {
        let (cached, backoff) = (self.parts.store.cached(), self.parts.store.backoff());
        let now_ms = (self.parts.now_ms)();
        let snapshot = cached.filter(|cached| cached.fetched_at_ms <= now_ms).and_then(|cached| {
            let usage = usage::parse(&cached.body).ok()?;
            Some((Snapshot { usage, fetched_at_ms: cached.fetched_at_ms }, cached.fingerprint))
        });
        let memory = Memory { now_ms, snapshot, backoff };
        match self.parts.known {
            Some(fingerprint) => memory.only_of(fingerprint),
            None => memory,
        }
        .without_refused()
    }

    /// The rows of the table that need nothing but memory.
    fn settled(&self, memory: &Memory) -> Option<Told<L>> {
        let backoff = memory.backoff.filter(|backoff| backoff.in_force(memory.now_ms));
        let end_ms = backoff.map(|backoff| backoff.ends_at_ms());
        if memory.is_fresh() {
            return Some((memory.stale().map_or(Shown::Nothing, Shown::Cached), None, end_ms));
        }
        Some(match (backoff?.trouble(), memory.stale()) {
            (Some(trouble), _) => self.stale_or_local(memory, trouble, end_ms),
            (None, Some(snapshot)) => (Shown::Stale(snapshot), None, end_ms),
            (None, None) => self.local(Trouble::NoData, end_ms),
        })
    }

    fn with_claim(&mut self, memory: Memory) -> Told<L> {
        let recent = counted_attempts(&self.parts.store.attempts(), memory.now_ms);
        if let Some(until_ms) = next_attempt_ms(&recent, memory.now_ms) {
            return self.stale_or_local(&memory, Trouble::RateLimited { until_ms }, Some(until_ms));
        }
        match (self.parts.credentials)(memory.now_ms) {
            Found::Absent => self.local(Trouble::NoCredentials, None),
            Found::Unreadable(Unreadable::File) => {
                self.stale_or_local(&memory, Trouble::CredentialsUnreadable, None)
            }
            Found::Unreadable(Unreadable::Keychain(_) | Unreadable::KeychainNotAllowed) => {
                self.stale_or_local(&memory, Trouble::KeychainError, None)
            }
            Found::Broken(_) => self.local(Trouble::CredentialsUnreadable, None),
            Found::Expired(expired) => {
                self.stale_or_local(&memory.only_of(expired.fingerprint), Trouble::Expired, None)
            }
            Found::Ok(login) => {
                let memory = memory.only_of(login.token.fingerprint());
                self.ask(&memory, &login, recent)
            }
        }
    }

    fn ask(&mut self, memory: &Memory, login: &Login, mut attempts: Vec<i64>) -> Told<L> {
        attempts.push(memory.now_ms);
        let first = attempts.len().saturating_sub(ATTEMPTS_AN_HOUR);
        let written = self.parts.store.put_attempts(&attempts[first..]);
        self.note(written);
        let outcome = self.parts.transport.ask(&login.token, memory.now_ms);
        let fingerprint = login.token.fingerprint();
        let now_ms = (self.parts.now_ms)();
        let came_to = without_usage(&outcome);
        let answer = match outcome {
            Outcome::Ok(body) => usage::parse(&body).ok().map(|usage| (body, usage)),
            _ => None,
        };
        let came_to = if answer.is_some() { backoff::Outcome::Answered } else { came_to };
        let next = BackOff::after(came_to, memory.backoff.as_ref(), fingerprint, now_ms);
        let answer = answer.map(|(body, usage)| (Cached { fetched_at_ms: now_ms, fingerprint, body }, usage));
        self.remember_outcome(memory, &next, answer)
    }

    /// The cache changes before the back-off is written: a peer that looks between the two must not find what is
    /// revoked.
    fn remember_outcome(
        &mut self,
        memory: &Memory,
        next: &BackOff,
        answer: Option<(Cached, Usage)>,
    ) -> Told<L> {
        let changed = match &answer {
            Some((new, _)) => self.parts.store.put_cache(new),
            None if next.tag.is_auth() => self.parts.store.remove_cache(),
            None => Ok(()),
        };
        self.note(changed);
        let written = self.parts.store.put_backoff(next);
        self.note(written);
        let end_ms = Some(next.ends_at_ms());
        match (answer, next.trouble().unwrap_or(Trouble::NoData)) {
            (Some((new, usage)), _) => {
                (Shown::New(Snapshot { usage, fetched_at_ms: new.fetched_at_ms }), None, end_ms)
            }
            (None, trouble) if next.tag.is_auth() => self.local(trouble, end_ms),
            (None, trouble) => self.stale_or_local(memory, trouble, end_ms),
        }
    }

    fn note(&mut self, result: Result<(), Fault>) {
        self.faults.extend(result.err());
    }

    fn stale_or_local(&self, memory: &Memory, trouble: Trouble, again_at_ms: Option<i64>) -> Told<L> {
        match memory.stale() {
            Some(snapshot) => (Shown::Stale(snapshot), Some(trouble), again_at_ms),
            None => self.local(trouble, again_at_ms),
        }
    }

    fn local(&self, trouble: Trouble, again_at_ms: Option<i64>) -> Told<L> {
        let shown = (self.parts.local)().map_or(Shown::Nothing, Shown::Local);
        (shown, Some(trouble), again_at_ms)
    }
}

/// What an outcome without a usage answer means for the time of the next question.
fn without_usage(outcome: &Outcome) -> backoff::Outcome {
    match outcome {
        Outcome::Unauthorized => backoff::Outcome::Unauthorized,
        Outcome::Forbidden => backoff::Outcome::Forbidden,
        Outcome::RateLimited(advice) => backoff::Outcome::RateLimited(*advice),
        Outcome::OtherForbidden => backoff::Outcome::Failed(Failure::Refused),
        Outcome::Timeout => backoff::Outcome::Failed(Failure::Timeout),
        Outcome::Network => backoff::Outcome::Failed(Failure::Network),
        Outcome::NoConnection => backoff::Outcome::Failed(Failure::NoConnection),
        Outcome::NoName => backoff::Outcome::Failed(Failure::NoName),
        Outcome::Tls => backoff::Outcome::Failed(Failure::Tls),
        Outcome::Redirect => backoff::Outcome::Failed(Failure::Redirect),
        Outcome::Server(_) => backoff::Outcome::Failed(Failure::Server),
        Outcome::Ok(_) | Outcome::BadBody => backoff::Outcome::Failed(Failure::Parse),
    }
}

#[cfg(test)]
mod tests;
