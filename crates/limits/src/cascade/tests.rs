//! Every way through the cascade, against the table that it was made from.

use cco_model::limit::backoff::{RetryAfter, Tag};
use std::cell::{Cell, RefCell};

use super::*;
use crate::secret::Secret;
use world::{World, told};

mod world;

const NOW: i64 = 1_770_556_680_000;
const BODY: &[u8] = br#"{"five_hour": {"utilization": 29}}"#;
const TOKEN: &str = "tok-canary-0123456789-abcdefghij";

fn secret() -> Secret {
    Secret::new(TOKEN.to_owned()).unwrap()
}

fn ours() -> Fingerprint {
    secret().fingerprint()
}

fn foreign() -> Fingerprint {
    Fingerprint::parse("ffffffffffffffff").unwrap()
}

/// A state of the cache: how it is called in the table, and the cache.
fn caches() -> Vec<(&'static str, &'static str, Option<Cached>)> {
    let of = |age_ms, fingerprint, body: &[u8]| {
        Some(Cached { fetched_at_ms: NOW - age_ms, fingerprint, body: body.to_vec() })
    };
    vec![
        ("absent", "none", None),
        ("new", "fresh", of(0, ours(), BODY)),
        ("nearly old", "fresh", of(179_999, ours(), BODY)),
        ("just old", "stale", of(180_000, ours(), BODY)),
        ("old", "stale", of(3_600_000, ours(), BODY)),
        ("from the future", "none", of(-1, ours(), BODY)),
        ("no usage", "none", of(10_000, ours(), b"{}")),
        ("another login's", "none", of(10_000, foreign(), BODY)),
    ]
}

/// A state of the back-off beside a cache of this time: how it is called in the table, and the back-off.
fn backoffs(fetched_at_ms: i64) -> Vec<(&'static str, &'static str, Option<BackOff>)> {
    let of = |tag, written_at_ms, until_ms| {
        Some(BackOff { tag, in_a_row: 1, written_at_ms, until_ms, credential: ours() })
    };
    let (auth, other) = (Tag::Unauthorized, Tag::Failed(Failure::Timeout));
    let void = |backoff: Option<BackOff>| backoff.map(|backoff| BackOff { credential: foreign(), ..backoff });
    let day = 86_400_000;
    vec![
        ("absent", "none", None),
        ("just over", "none", of(other, NOW - 30_000, NOW)),
        ("long over", "none", of(other, NOW - 90_000, NOW - 60_000)),
        ("stamp", "stamp", of(Tag::Stamp, NOW - 10, NOW + 1)),
        ("refused since", "auth", of(auth, fetched_at_ms + 1, NOW + 10)),
        ("refused then", "auth", of(auth, fetched_at_ms, NOW + 10)),
        ("refused before", "auth older", of(auth, fetched_at_ms - 1, NOW + 10)),
        ("refused since, over", "auth, over", of(auth, fetched_at_ms + 1, NOW)),
        ("failed", "other", of(other, NOW - 10, NOW + 1)),
        ("of another login", "none", void(of(auth, NOW, NOW + 10))),
        ("failed with another login", "none", void(of(other, NOW, NOW + 10))),
        ("longer than a day", "none", of(other, NOW - day, NOW + 365 * day)),
        ("a day, nearly", "other", of(other, NOW - day + 1, NOW + 365 * day)),
        ("from the future", "none", of(other, NOW + day, NOW + 2 * day)),
    ]
}

/// An answer of the endpoint: the outcome, and what the table says of it: error, cache effect, back-off effect.
fn endpoints(failed_before: bool) -> Vec<(Outcome, &'static str, Vec<&'static str>)> {
    let twice = |first, second| if failed_before { second } else { first };
    vec![
        (Outcome::Ok(BODY.to_vec()), "", vec!["put cache", "stamp 180"]),
        (Outcome::Unauthorized, "Unauthorized", vec!["remove cache", "auth Unauthorized 30"]),
        (Outcome::Forbidden, "Forbidden", vec!["remove cache", "auth Forbidden 300"]),
        (Outcome::RateLimited(None), "Rate limited", vec!["other Rate limited 300"]),
        (Outcome::RateLimited(RetryAfter::of_ms(7_200_000)), "Rate limited", vec!["other Rate limited 7200"]),
        (Outcome::Timeout, "Timeout", vec![twice("other Timeout 30", "other Timeout 60")]),
        (Outcome::Network, "Network error", vec![twice("other Network error 30", "other Network error 60")]),
        (Outcome::Server(503), "Server error", vec![twice("other Server error 30", "other Server error 60")]),
        (Outcome::OtherForbidden, "Forbidden", vec![twice("other Forbidden 30", "other Forbidden 60")]),
        (Outcome::BadBody, "Parse error", vec![twice("other Parse error 30", "other Parse error 60")]),
        (
            Outcome::Ok(b"<html>".to_vec()),
            "Parse error",
            vec![twice("other Parse error 30", "other Parse error 60")],
        ),
    ]
}

/// What the table says: the answer before the ledger is looked at, and what is done on the way, in order.
fn by_the_table(
    (cache, backoff, claim, login): (&str, &str, &str, &'static str),
    (error, effects): (&str, &[&'static str]),
) -> (String, Vec<&'static str>) {
    // What was refused does not come back when the back-off is over.
    let (cache, backoff) = if backoff == "auth, over" { ("none", "none") } else { (cache, backoff) };
    // A refusal that is older than no cache at all is a refusal.
    let backoff = if cache == "none" && backoff == "auth older" { "auth" } else { backoff };
    let stale_else = |error: &str| {
        if cache == "stale" { format!("stale, {error}") } else { format!("local, {error}") }
    };
    let local = |error: &str| format!("local, {error}");
    match (cache, backoff) {
        ("fresh", "none" | "stamp" | "other" | "auth older") => return ("cached".into(), vec![]),
        ("stale", "stamp") => return ("stale".into(), vec![]),
        ("stale", "other") => return ("stale, Timeout".into(), vec![]),
        ("stale", "auth older") => return ("stale, Unauthorized".into(), vec![]),
        (_, "auth") => return (local("Unauthorized"), vec![]),
        ("none", "other") => return (local("Timeout"), vec![]),
        ("none", "stamp") => return (local("No data"), vec![]),
        ("none" | "stale", "none") => {}
        cell => panic!("the table does not know {cell:?}"),
    }
    match (claim, login) {
        ("held", _) => (stale_else("Refreshing"), vec!["claim"]),
        (_, "absent") => (local("No credentials"), vec!["claim", "login"]),
        (_, "unreadable") => (stale_else("Keychain error"), vec!["claim", "login"]),
        (_, "broken") => (local("Credentials unreadable"), vec!["claim", "login"]),
        (_, "expired") => (stale_else("Expired"), vec!["claim", "login"]),
        (_, "ok") => {
            let done = [&["claim", "login", "attempt", "ask"], effects].concat();
            match effects[0] {
                "put cache" => ("new".into(), done),
                "remove cache" => (local(error), done),
                _ => (stale_else(error), done),
            }
        }
        cell => panic!("the table does not know {cell:?}"),
    }
}

#[test]
fn every_cell_of_the_table_holds() {
    let mut cells = 0;
    for (cache_name, cache, cached) in caches() {
        let fetched_at_ms = cached.as_ref().map_or(NOW - 10, |cached| cached.fetched_at_ms);
        for (backoff_name, backoff, stored) in backoffs(fetched_at_ms) {
            let in_a_row = stored.is_some_and(|backoff| {
                backoff.credential == ours()
                    && matches!(backoff.tag, Tag::Failed(_))
                    && (0..86_400_000).contains(&(NOW - backoff.written_at_ms))
            });
            for claim in ["free", "held", "unknown"] {
                for login in ["absent", "unreadable", "broken", "expired", "ok"] {
                    for (outcome, error, effects) in endpoints(in_a_row) {
                        for (local, writes_fail) in [(false, false), (true, false), (true, true)] {
                            cells += 1;
                            let world = World {
                                cached: RefCell::new(cached.clone()),
                                backoff: RefCell::new(stored),
                                claim,
                                writes_fail,
                                outcome: RefCell::new(outcome.clone()),
                                login,
                                local,
                                ..World::default()
                            };
                            let cell =
                                format!("{cache_name} | {backoff_name} | {claim} | {login} | {outcome:?}");
                            let (mut said, mut done) =
                                by_the_table((cache, backoff, claim, login), (error, &effects));
                            if said.starts_with("local") {
                                done.push("local");
                                if !local {
                                    said = said.replacen("local", "nothing", 1);
                                }
                            }
                            let answer = world.answer();
                            assert_eq!(told(&answer), said, "{cell}");
                            assert_eq!(*world.log.borrow(), done, "{cell}");
                            let writes = ["attempt", "put", "remove", "stamp", "auth", "other"];
                            let is_write = |line: &&&str| writes.iter().any(|word| line.starts_with(word));
                            let failed = if writes_fail { done.iter().filter(is_write).count() } else { 0 };
                            let unknown = usize::from(claim == "unknown" && done.contains(&"claim"));
                            assert_eq!(answer.faults.len(), failed + unknown, "{cell}");
                        }
                    }
                }
            }
        }
    }
    assert_eq!(cells, 8 * 14 * 3 * 5 * 11 * 3);
}

#[test]
fn what_a_peer_wrote_before_it_gave_the_claim_back_is_found() {
    struct Late<'a>(&'a World, Cell<bool>);
    impl Store for Late<'_> {
        type Claim = ();
        fn cached(&self) -> Option<Cached> {
            self.1.get().then(|| Cached { fetched_at_ms: NOW + 5, fingerprint: ours(), body: BODY.to_vec() })
        }
        fn backoff(&self) -> Option<BackOff> {
            None
        }
        fn attempts(&self) -> Vec<i64> {
            Vec::new()
        }
        fn claim(&self) -> Claimed<()> {
            self.1.set(true);
            self.0.now.set(NOW + 6);
            Claimed::Ours(())
        }
        fn put_attempts(&self, _: &[i64]) -> Result<(), Fault> {
            panic!("nothing is asked")
        }
        fn put_cache(&self, _: &Cached) -> Result<(), Fault> {
            panic!("nothing is asked")
        }
        fn remove_cache(&self) -> Result<(), Fault> {
            panic!("nothing is asked")
        }
        fn put_backoff(&self, _: &BackOff) -> Result<(), Fault> {
            panic!("nothing is asked")
        }
    }
    let world = World::default();
    let late = Late(&world, Cell::new(false));
    let answer = answer(&Parts {
        endpoint_allowed: true,
        known: None,
        store: &late,
        transport: &world,
        credentials: &|_| panic!("no login is needed"),
        local: &|| None::<&str>,
        now_ms: &|| world.now.get(),
    });
    assert_eq!(told(&answer), "cached");
}

#[test]
fn a_login_that_turns_out_to_be_another_one_gets_nothing_of_the_old_one() {
    let old = Cached { fetched_at_ms: NOW - 200_000, fingerprint: foreign(), body: BODY.to_vec() };
    for login in ["ok", "expired"] {
        let world = World {
            cached: RefCell::new(Some(old.clone())),
            backoff: RefCell::new(Some(BackOff {
                in_a_row: 5,
                ..BackOff::after(backoff::Outcome::Failed(Failure::Timeout), None, foreign(), NOW - 40_000)
            })),
            outcome: RefCell::new(Outcome::Timeout),
            known: None,
            login,
            ..World::default()
        };
        assert!(world.told().starts_with("nothing, "), "{login}");
        assert!(!world.log.borrow().iter().any(|line| line.starts_with("other") && !line.ends_with(" 30")));
    }
}

#[test]
fn without_the_users_word_nothing_is_asked() {
    let world = World { allowed: false, ..World::default() };
    assert_eq!(world.told(), "nothing, No data");
    assert_eq!(*world.log.borrow(), ["local"]);
}

#[test]
fn a_clock_that_goes_back_neither_shows_the_future_nor_asks_more_than_twenty_times() {
    let world = World::default();
    let mut asked = 0;
    for step in 0..2_000 {
        world.now.set(NOW - step * 1_500);
        world.answer();
        asked = world.asked();
    }
    assert!(asked <= 20, "{asked} in 50 minutes of a clock that runs backwards");
}

#[test]
fn whatever_the_endpoint_does_it_is_asked_twenty_times_an_hour_at_most() {
    let outcomes = [
        Outcome::Ok(BODY.to_vec()),
        Outcome::Timeout,
        Outcome::Unauthorized,
        Outcome::Forbidden,
        Outcome::RateLimited(None),
        Outcome::RateLimited(RetryAfter::of_ms(1_000)),
        Outcome::BadBody,
    ];
    for seed in 0..300_u64 {
        let world = World::default();
        let (mut state, mut times) = (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, Vec::new());
        for _ in 0..400 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            world.now.set(world.now.get() + i64::try_from(state % 60_000).unwrap());
            *world.outcome.borrow_mut() =
                outcomes[usize::try_from(state >> 32).unwrap() % outcomes.len()].clone();
            if state % 7 == 0 {
                // A renewed login voids every back-off.
                *world.backoff.borrow_mut() = None;
                *world.cached.borrow_mut() = None;
            }
            let before = world.asked();
            world.answer();
            if world.asked() > before {
                times.push(world.now.get());
            }
        }
        for (at, time) in times.iter().enumerate().skip(20) {
            assert!(time - times[at - 20] >= 3_600_000, "seed {seed}: 21 within an hour");
        }
    }
}

#[test]
fn the_twentieth_attempt_is_the_last_and_the_answer_says_when_the_next_may_be_made() {
    let attempts: Vec<i64> = (0..20).map(|i| NOW - 3_000_000 + i * 1_000).collect();
    let world = World { attempts: RefCell::new(attempts), ..World::default() };
    let answer = world.answer();
    assert_eq!(told(&answer), "nothing, Rate limited");
    assert_eq!(answer.again_at_ms, Some(NOW + 600_000));
    assert_eq!(*world.log.borrow(), ["claim", "local"]);
    world.now.set(NOW + 600_000);
    assert_eq!(world.told(), "new");
}

#[test]
fn with_a_full_disk_the_answers_stay_right() {
    let world = World { writes_fail: true, ..World::default() };
    for _ in 0..3 {
        let answer = world.answer();
        assert_eq!(told(&answer), "new");
        let what: Vec<Effect> = answer.faults.iter().map(|fault| fault.what).collect();
        assert_eq!(what, [Effect::Attempt, Effect::PutCache, Effect::PutBackoff]);
    }
}
