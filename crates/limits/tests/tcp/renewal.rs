//! What renewing a login does, whatever the token service answers.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use cco_limits::client::Proxies;
use cco_limits::refresh::{
    Exchange, ExchangeFailure, Grant, Held, Lack, RefreshFailure, Refreshed, Renewal, Step, TokenClient,
    TokenSettings,
};
use cco_limits::secret::Secret;
use cco_model::limit::login::Reason;

use crate::server::{Reply, Server};
use crate::tokens::{Chain, Home, client, now_ms, serve};

/// An exchange that must not happen.
struct Never;

impl Exchange for Never {
    fn renew(&self, _: &Secret) -> Renewal {
        panic!("nothing is asked")
    }
}

/// An exchange that fails, and counts.
struct Fails(Cell<u32>);

impl Exchange for Fails {
    fn renew(&self, _: &Secret) -> Renewal {
        self.0.set(self.0.get() + 1);
        Renewal::Failed(ExchangeFailure::Network)
    }
}

fn only_the_lock(home: &Home) {
    let left = home.left();
    let fine = |name: &String| name.ends_with(".lock") && name.starts_with("refresh-");
    let note = |name: &String| name.ends_with(".json") && name.starts_with("refresh-");
    assert!(left.iter().all(|name| fine(name) || note(name)), "{left:?}");
    home.assert_no_token_lies_about(false);
}

#[test]
fn an_expired_login_is_renewed_in_its_file_and_nothing_else_changes() {
    for rotates in [true, false] {
        let chain = Chain::new(rotates);
        let (home, server) = (Home::expired(&chain), serve(&chain, 0));
        let (before, steps) = (now_ms(), Mutex::new(Vec::new()));
        let refreshed = home.refresh(&client(&server.token_url()), &|step| {
            home.assert_no_token_lies_about(true);
            steps.lock().unwrap().push(step);
        });
        let Refreshed::Renewed { expires_at_ms } = refreshed else { panic!("{refreshed:?}") };
        assert!((before + 28_800_000..=now_ms() + 28_800_000).contains(&expires_at_ms));
        assert_eq!(home.text(), chain.file(expires_at_ms), "every other byte is as it was");
        assert_eq!(fs::metadata(home.credential()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(*steps.lock().unwrap(), Step::ALL);
        only_the_lock(&home);
        assert_eq!(home.refresh(&Never, &|_| ()), Refreshed::NotNeeded);
        let head = server.heads().remove(0).to_lowercase();
        assert!(head.starts_with("post /v1/oauth/token http/1.1") && !head.contains("canary"), "{head}");
    }
}

#[test]
fn a_login_behind_a_link_is_renewed_where_it_lies() {
    let chain = Chain::new(true);
    let (home, server) = (Home::expired(&chain), serve(&chain, 0));
    let real = home.path.join("dotfiles");
    fs::rename(home.credential(), &real).unwrap();
    std::os::unix::fs::symlink(&real, home.credential()).unwrap();
    assert!(matches!(home.refresh(&client(&server.token_url()), &|_| ()), Refreshed::Renewed { .. }));
    assert!(home.credential().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains(&chain.newest()));
}

#[test]
fn nothing_is_asked_unless_it_is_time_and_nobody_else_does_it() {
    let chain = Chain::new(true);
    let home = Home::expired(&chain);
    let untouched = home.text();
    let says = |home: &Home| home.refresh(&Never, &|_| ());
    assert_eq!(says(&Home { allowed: false, ..home.again() }), Refreshed::NotHandedOver);
    assert_eq!(says(&Home { live: true, ..home.again() }), Refreshed::LiveSession);
    for held_by in [None, Some("two")] {
        assert_eq!(says(&Home { held_by, ..home.again() }), Refreshed::AnotherAccount);
    }
    assert_eq!(home.text(), untouched);
    assert!(!home.path.join("state").exists(), "a look takes no lock");
    for (text, expected) in [
        (chain.file(now_ms() + 70_000), Refreshed::NotNeeded),
        ("null".into(), Refreshed::Lacking(Lack::Absent)),
        (r#"{"claudeAiOauth": null}"#.into(), Refreshed::Lacking(Lack::Absent)),
        (chain.file(1).replace("refreshToken", "x"), Refreshed::Lacking(Lack::NotRenewable)),
        ("{".into(), Refreshed::Lacking(Lack::Broken)),
    ] {
        fs::write(home.credential(), &text).unwrap();
        assert_eq!((says(&home), home.text()), (expected, text));
    }
    fs::remove_file(home.credential()).unwrap();
    assert_eq!(says(&home), Refreshed::Lacking(Lack::Absent));
}

#[test]
fn a_login_with_a_minute_left_is_renewed() {
    let chain = Chain::new(true);
    let (home, server) = (Home::expired(&chain), serve(&chain, 0));
    fs::write(home.credential(), chain.file(now_ms() + 59_000)).unwrap();
    assert!(matches!(home.refresh(&client(&server.token_url()), &|_| ()), Refreshed::Renewed { .. }));
}

#[test]
fn while_claude_code_holds_a_lock_nothing_is_asked_and_its_lock_stays() {
    for lock in ["config/.oauth_refresh.lock", ".claude.lock"] {
        let home = Home::expired(&Chain::new(true));
        fs::create_dir(home.path.join(lock)).unwrap();
        assert_eq!(home.refresh(&Never, &|_| ()), Refreshed::Locked(Held::ByClaudeCode));
        assert!(home.path.join(lock).is_dir());
    }
}

/// Puts another directory there: one that can be told apart, also by a disk that counts time in coarse steps.
fn replace(lock: &Path) {
    let which = || fs::metadata(lock).map(|found| (found.ino(), found.mtime(), found.mtime_nsec())).unwrap();
    let (before, patience) = (which(), Instant::now() + Duration::from_secs(20));
    while which() == before {
        assert!(Instant::now() < patience, "it stays the same directory");
        fs::remove_dir(lock).unwrap();
        fs::create_dir(lock).unwrap();
    }
}

#[test]
fn a_lock_that_was_taken_from_us_before_the_question_stops_it() {
    for lock in ["config/.oauth_refresh.lock", ".claude.lock"] {
        let home = Home::expired(&Chain::new(true));
        let (untouched, lock) = (home.text(), home.path.join(lock));
        let refreshed = home.refresh(&Never, &|step| {
            if step == Step::Intended {
                replace(&lock);
            }
        });
        assert_eq!((refreshed, home.text()), (Refreshed::Locked(Held::ByClaudeCode), untouched));
        assert!(lock.is_dir(), "it stays its holder's");
        assert_eq!(home.left().len(), 2, "{:?}", home.left());
        home.assert_no_token_lies_about(false);
    }
}

#[test]
fn a_dead_session_is_told_once_and_not_asked_again_until_the_credential_changes() {
    for (reply, reason) in [
        (Reply::Whole(400, Vec::new(), br#"{"error": "invalid_grant"}"#.to_vec()), Reason::SessionEnded),
        (Reply::status(401), Reason::Unauthorized),
    ] {
        let chain = Chain::new(true);
        let (home, server) = (Home::expired(&chain), Server::start(vec![reply]));
        let untouched = home.text();
        let says = || home.refresh(&client(&server.token_url()), &|_| ());
        assert_eq!(says(), Refreshed::NeedsLogin { reason, first: true });
        home.later_ms.set(365 * 86_400_000);
        for _ in 0..3 {
            assert_eq!(says(), Refreshed::NeedsLogin { reason, first: false });
        }
        assert_eq!((server.connections(), home.text()), (1, untouched));
        only_the_lock(&home);
        let renewed = serve(&chain, 0);
        fs::write(home.credential(), home.text().replace("renew-0", "renew-9")).unwrap();
        assert!(matches!(
            home.refresh(&client(&renewed.token_url()), &|_| ()),
            Refreshed::NeedsLogin { first: true, .. }
        ));
        assert_eq!(chain.posts(), 1, "another credential is tried");
    }
}

#[test]
fn any_other_failure_backs_off_for_five_minutes_and_never_says_log_in() {
    let cut = br#"{"access_token": "tok-canary-access-1-QzXwVu", "refresh_tok"#.to_vec();
    for (reply, failure) in [
        (Reply::status(500), ExchangeFailure::Status(500)),
        (Reply::status(429), ExchangeFailure::Status(429)),
        (
            Reply::Whole(400, Vec::new(), br#"{"error": {"type": "invalid_grant"}}"#.to_vec()),
            ExchangeFailure::Status(400),
        ),
        (Reply::with(302, "location", "http://127.0.0.1:1/"), ExchangeFailure::Status(302)),
        (Reply::Whole(200, Vec::new(), cut), ExchangeFailure::BadAnswer),
        (Reply::Reset, ExchangeFailure::Network),
        (Reply::Hang, ExchangeFailure::Timeout),
        (Reply::Drip, ExchangeFailure::Timeout),
    ] {
        let (home, server) = (Home::expired(&Chain::new(true)), Server::start(vec![reply]));
        let untouched = home.text();
        // Who answers may take as long as a busy machine takes.
        let limit_ms = if failure == ExchangeFailure::Timeout { 300 } else { 20_000 };
        let client = TokenClient::new(&TokenSettings {
            url: server.token_url(),
            client_id: "client-7".into(),
            user_agent: "cco/1".into(),
            time_limit: Duration::from_millis(limit_ms),
            proxies: Proxies::default(),
        })
        .unwrap();
        let says = || home.refresh(&client, &|_| ());
        assert_eq!(says(), Refreshed::Failed(RefreshFailure::Exchange(failure)));
        for later_ms in [0, 60_000, 290_000] {
            home.later_ms.set(later_ms);
            assert!(matches!(says(), Refreshed::BackedOff { .. }), "{failure:?}");
        }
        assert_eq!(server.connections_when(1), 1);
        home.later_ms.set(300_001);
        assert_eq!(says(), Refreshed::Failed(RefreshFailure::Exchange(failure)));
        assert_eq!((server.connections_when(2), home.text()), (2, untouched));
        only_the_lock(&home);
    }
}

#[test]
fn a_successor_that_is_another_accounts_is_not_written() {
    let foreign = r#"{"access_token": "t", "refresh_token": "r", "account": {"uuid": "two"}}"#;
    let (home, server) = (Home::expired(&Chain::new(true)), Server::start(vec![Reply::ok(foreign)]));
    let untouched = home.text();
    assert_eq!(home.refresh(&client(&server.token_url()), &|_| ()), Refreshed::AnotherAccount);
    assert!(matches!(home.refresh(&Never, &|_| ()), Refreshed::NeedsLogin { first: false, .. }));
    assert_eq!(home.text(), untouched);
    only_the_lock(&home);
}

#[test]
fn a_login_that_came_while_we_asked_is_not_written_over() {
    struct Meanwhile<'a>(&'a Home, &'a str, bool);
    impl Exchange for Meanwhile<'_> {
        fn renew(&self, _: &Secret) -> Renewal {
            fs::write(self.0.credential(), self.1).unwrap();
            if !self.2 {
                return Renewal::Dead(Reason::SessionEnded);
            }
            let secret = |text: &str| Secret::new(text.to_owned()).unwrap();
            Renewal::Granted(Grant {
                access: secret("tok-canary-access-5-QzXwVu"),
                refresh: Some(secret("ref-canary-renew-5-KjHgFd")),
                lives_ms: None,
                renewable_ms: None,
                account: None,
                organization: None,
            })
        }
    }
    let other = Chain::new(true).file(now_ms() + 9_000_000).replace("-0-", "-77-");
    for (new, granted) in [(other.as_str(), true), (other.as_str(), false), ("null", true)] {
        let home = Home::expired(&Chain::new(true));
        assert_eq!(home.refresh(&Meanwhile(&home, new, granted), &|_| ()), Refreshed::NotNeeded);
        assert_eq!(home.text(), new);
        only_the_lock(&home);
    }
}

#[test]
fn without_a_place_for_the_intent_or_the_successor_nothing_is_asked() {
    let home = Home::expired(&Chain::new(true));
    fs::write(home.path.join("state"), "a file").unwrap();
    assert!(matches!(home.refresh(&Never, &|_| ()), Refreshed::Locked(Held::Fault(_))));
    let home = Home::expired(&Chain::new(true));
    fs::create_dir(home.config().join(".credentials.json.cco-new")).unwrap();
    let refreshed = home.refresh(&Never, &|_| ());
    assert!(matches!(refreshed, Refreshed::Failed(RefreshFailure::NotAsked(_))), "{refreshed:?}");
}

#[test]
fn a_loop_that_never_stops_asks_once_in_five_minutes() {
    let (home, fails) = (Home::expired(&Chain::new(true)), Fails(Cell::new(0)));
    let start = Instant::now();
    for second in 0..3_600 {
        home.later_ms.set(second * 1_000);
        home.refresh(&fails, &|_| ());
    }
    // Its clock is the hour that is made up, and the time that the loop itself took.
    let most = 12 + u32::try_from(start.elapsed().as_secs().div_ceil(300)).unwrap();
    assert!((11..=most).contains(&fails.0.get()), "{}", fails.0.get());
}
