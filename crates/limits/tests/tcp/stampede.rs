//! Cache, claim, client and server together: what a crowd of processes makes of one expiry.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cco_limits::base::BaseUrl;
use cco_limits::cascade::{Answer, Parts, Shown, answer};
use cco_limits::client::{Client, Settings};
use cco_limits::credentials::{KeyStore, Source};
use cco_limits::store::Files;
use cco_model::limit::AccountId;
use jiff::tz::TimeZone;

use crate::server::{Reply, Server};

const NOW: i64 = 1_770_556_680_000;
const TOKEN: &str = "tok-canary-0123456789-abcdefghij";
const BODY: &str = r#"{"five_hour": {"utilization": 29, "resets_at": "2026-02-08T14:00:00Z"}}"#;

fn home_with_login() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let login =
        format!(r#"{{"claudeAiOauth": {{"accessToken": "{TOKEN}", "refreshToken": "ref-canary-77"}}}}"#);
    fs::write(home.path().join(".credentials.json"), login).unwrap();
    home
}

/// What one process would answer: every part is made anew.
fn one_process(home: &Path, base: &BaseUrl, now_ms: &dyn Fn() -> i64, logins: &Cell<u32>) -> Answer<()> {
    let account = AccountId { organization: "org".into(), account: "account".into() };
    let files = Files::new(&home.join("state"), &account, base);
    let settings = Settings { base: base.clone(), time_limit: Duration::from_secs(20), ..Settings::new("1") };
    let client = Client::new(&settings).unwrap();
    let source = Source { directory: home, config_dir: None, key_store: KeyStore::None };
    answer(&Parts {
        endpoint_allowed: true,
        known: None,
        store: &files,
        transport: &client,
        credentials: &|now_ms| {
            logins.set(logins.get() + 1);
            source.read(now_ms)
        },
        local: &|| None,
        now_ms,
    })
}

#[test]
fn a_crowd_of_64_at_one_expiry_makes_one_request_and_everybody_is_answered() {
    let (home, server) = (home_with_login(), Server::start(vec![Reply::ok(BODY)]));
    let (base, clock) = (server.base(), AtomicI64::new(NOW));
    for round in 0..5_u64 {
        clock.store(NOW + i64::try_from(round).unwrap() * 180_000, Ordering::SeqCst);
        let barrier = Barrier::new(64);
        let answers: Vec<(Answer<()>, Duration)> = thread::scope(|scope| {
            let process = || {
                barrier.wait();
                let start = Instant::now();
                let now_ms = || clock.load(Ordering::SeqCst);
                (one_process(home.path(), &base, &now_ms, &Cell::new(0)), start.elapsed())
            };
            let crowd: Vec<_> = (0..64).map(|_| scope.spawn(process)).collect();
            crowd.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(server.connections(), round + 1, "one request for each expiry");
        let new = answers.iter().filter(|(answer, _)| matches!(answer.shown, Shown::New(_))).count();
        assert_eq!(new, 1);
        for (answer, took) in &answers {
            assert!(*took < Duration::from_secs(3), "{took:?}");
            assert!(answer.faults.is_empty(), "{:?}", answer.faults);
            let has_numbers = !matches!(answer.shown, Shown::Nothing | Shown::Local(()));
            assert!(has_numbers || round == 0, "the last good value is shown while another asks");
        }
    }
}

#[test]
fn what_is_remembered_costs_no_connection_no_login_and_less_than_a_millisecond() {
    let (home, server) = (home_with_login(), Server::start(vec![Reply::ok(BODY)]));
    let (base, logins) = (server.base(), Cell::new(0));
    assert!(matches!(one_process(home.path(), &base, &|| NOW, &logins).shown, Shown::New(_)));
    assert_eq!((server.connections(), logins.get()), (1, 1));
    let mut times: Vec<Duration> = (0..200)
        .map(|_| {
            let start = Instant::now();
            let answer = one_process(home.path(), &base, &|| NOW + 179_999, &logins);
            let took = start.elapsed();
            assert!(matches!(answer.shown, Shown::Cached(_)));
            took
        })
        .collect();
    assert_eq!((server.connections(), logins.get()), (1, 1));
    times.sort();
    println!("a hit: fastest {:?}, median {:?}", times[0], times[times.len() / 2]);
    assert!(times[0] < Duration::from_millis(1), "the fastest took {:?}", times[0]);
}

#[test]
fn no_file_holds_a_token_whatever_the_service_says() {
    let replies = [
        Reply::ok(BODY),
        Reply::ok(&format!(r#"{{"five_hour": null, "echo": "{TOKEN}"}}"#)),
        Reply::status(401),
        Reply::with(429, "retry-after", TOKEN),
        Reply::Reset,
    ];
    for reply in replies {
        let (home, server) = (home_with_login(), Server::start(vec![reply]));
        let answer = one_process(home.path(), &server.base(), &|| NOW, &Cell::new(0));
        assert!(!format!("{answer:?}").contains("canary"));
        for entry in fs::read_dir(home.path().join("state")).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            for secret in [TOKEN, "ref-canary-77"] {
                let found = secret
                    .as_bytes()
                    .windows(6)
                    .find(|part| text.as_bytes().windows(6).any(|window| window == *part));
                assert_eq!(found, None, "{path:?}");
            }
        }
    }
}

#[test]
fn a_refused_login_is_asked_again_after_its_back_off_and_the_old_numbers_do_not_come_back() {
    let replies = vec![Reply::ok(BODY), Reply::status(401), Reply::status(500), Reply::ok(BODY)];
    let (home, server) = (home_with_login(), Server::start(replies));
    let at = |seconds: i64| {
        let answer = one_process(home.path(), &server.base(), &|| NOW + seconds * 1_000, &Cell::new(0));
        let shown = match answer.shown {
            Shown::New(_) => "new",
            Shown::Cached(_) => "cached",
            Shown::Stale(_) => "stale",
            Shown::Local(()) | Shown::Nothing => "nothing",
        };
        answer.why.map_or(shown.to_owned(), |why| format!("{shown}, {}", why.long(&TimeZone::UTC)))
    };
    assert_eq!(at(0), "new");
    assert_eq!(at(179), "cached");
    assert_eq!(at(180), "nothing, Unauthorized (run `claude /login`)");
    assert_eq!(at(209), "nothing, Unauthorized (run `claude /login`)");
    assert_eq!(at(210), "nothing, Server error (nothing to mend here: it passes)");
    assert_eq!(at(239), "nothing, Server error (nothing to mend here: it passes)");
    assert_eq!(at(240), "new");
    assert_eq!(server.connections(), 4);
}
