//! What the cascade stands in, made up.

use std::cell::{Cell, RefCell};

use super::*;
use crate::credentials::{Broken, Expired, KeychainFault};

/// A store, a service, a login and a ledger that do as they are told and write down what is done to them.
pub(super) struct World {
    pub(super) cached: RefCell<Option<Cached>>,
    pub(super) backoff: RefCell<Option<BackOff>>,
    pub(super) attempts: RefCell<Vec<i64>>,
    pub(super) claim: &'static str,
    pub(super) writes_fail: bool,
    pub(super) outcome: RefCell<Outcome>,
    pub(super) login: &'static str,
    pub(super) local: bool,
    pub(super) known: Option<Fingerprint>,
    pub(super) allowed: bool,
    pub(super) now: Cell<i64>,
    pub(super) log: RefCell<Vec<String>>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            cached: RefCell::default(),
            backoff: RefCell::default(),
            attempts: RefCell::default(),
            claim: "free",
            writes_fail: false,
            outcome: RefCell::new(Outcome::Ok(BODY.to_vec())),
            login: "ok",
            local: false,
            known: Some(ours()),
            allowed: true,
            now: Cell::new(NOW),
            log: RefCell::default(),
        }
    }
}

impl World {
    fn log(&self, line: impl Into<String>) {
        self.log.borrow_mut().push(line.into());
    }

    fn write(&self, what: Effect, line: String, effect: impl FnOnce()) -> Result<(), Fault> {
        self.log(line);
        if self.writes_fail {
            return Err(Fault { what, error: "full".into() });
        }
        effect();
        Ok(())
    }

    fn read_login(&self) -> Found {
        self.log("login");
        match self.login {
            "absent" => Found::Absent,
            "unreadable" => Found::Unreadable(Unreadable::Keychain(KeychainFault::TimedOut)),
            "broken" => Found::Broken(Broken::NoToken),
            "expired" => {
                Found::Expired(Expired { fingerprint: ours(), at_ms: NOW, renewable_until_ms: None })
            }
            "ok" => Found::Ok(Login {
                token: secret(),
                expires_at_ms: None,
                renewable: true,
                renewable_until_ms: None,
                readable_by_others: false,
            }),
            other => panic!("{other}"),
        }
    }

    pub(super) fn answer(&self) -> Answer<&'static str> {
        answer(&Parts {
            endpoint_allowed: self.allowed,
            known: self.known,
            store: self,
            transport: self,
            credentials: &|_| self.read_login(),
            local: &|| {
                self.log("local");
                self.local.then_some("sums")
            },
            now_ms: &|| self.now.get(),
        })
    }

    pub(super) fn told(&self) -> String {
        told(&self.answer())
    }

    pub(super) fn asked(&self) -> usize {
        self.log.borrow().iter().filter(|line| *line == "ask").count()
    }
}

pub(super) fn told(answer: &Answer<&'static str>) -> String {
    let shown = match &answer.shown {
        Shown::New(_) => "new",
        Shown::Cached(_) => "cached",
        Shown::Stale(_) => "stale",
        Shown::Local(_) => "local",
        Shown::Nothing => "nothing",
    };
    answer.why.map_or(shown.to_owned(), |why| format!("{shown}, {}", words(why)))
}

/// What people are told, without what to do.
fn words(trouble: Trouble) -> String {
    let long = trouble.long(&jiff::tz::TimeZone::UTC);
    long.split(" (").next().unwrap_or_default().to_owned()
}

impl Store for World {
    type Claim = ();

    fn cached(&self) -> Option<Cached> {
        self.cached.borrow().clone()
    }

    fn backoff(&self) -> Option<BackOff> {
        *self.backoff.borrow()
    }

    fn attempts(&self) -> Vec<i64> {
        self.attempts.borrow().clone()
    }

    fn claim(&self) -> Claimed<()> {
        self.log("claim");
        match self.claim {
            "free" => Claimed::Ours(()),
            "held" => Claimed::Held,
            _ => Claimed::Unknown(Fault { what: Effect::Claim, error: "no such folder".into() }),
        }
    }

    fn put_attempts(&self, attempts: &[i64]) -> Result<(), Fault> {
        self.write(Effect::Attempt, "attempt".into(), || *self.attempts.borrow_mut() = attempts.to_vec())
    }

    fn put_cache(&self, cached: &Cached) -> Result<(), Fault> {
        self.write(Effect::PutCache, "put cache".into(), || *self.cached.borrow_mut() = Some(cached.clone()))
    }

    fn remove_cache(&self) -> Result<(), Fault> {
        self.write(Effect::RemoveCache, "remove cache".into(), || *self.cached.borrow_mut() = None)
    }

    fn put_backoff(&self, backoff: &BackOff) -> Result<(), Fault> {
        let seconds = (backoff.until_ms - backoff.written_at_ms) / 1_000;
        let line = match backoff.trouble() {
            None => format!("stamp {seconds}"),
            Some(trouble) if backoff.tag.is_auth() => format!("auth {} {seconds}", words(trouble)),
            Some(trouble) => format!("other {} {seconds}", words(trouble)),
        };
        self.write(Effect::PutBackoff, line, || *self.backoff.borrow_mut() = Some(*backoff))
    }
}

impl Transport for World {
    fn ask(&self, token: &Secret, _: i64) -> Outcome {
        assert_eq!(token.fingerprint(), ours());
        self.log("ask");
        self.outcome.borrow().clone()
    }
}
