use cco_model::limit::{Percent, Source, Told, Window};
use cco_model::money::NanoUsd;
use cco_model::price::PriceList;
use jiff::tz::TimeZone;

use super::take::AHEAD_MS;
use super::*;
use crate::Place;
use crate::keep::KeepError;

mod safety;
mod windows;

const NOW: i64 = 1_790_000_000_000;

fn account(name: &str) -> AccountId {
    AccountId { organization: "org".into(), account: name.into() }
}

fn reading(name: &str, tenths: Option<i32>, ago_ms: i64, source: Source) -> Reading {
    let window = Window::FiveHour;
    Reading {
        account: account(name),
        percent: tenths.map(|tenths| Percent::of_tenths(&window, tenths)),
        window,
        resets_at_ms: Some(NOW + 3_600_000),
        observed_at_ms: NOW - ago_ms,
        source,
        told: (source == Source::Stdin).then(|| Told { session: "s1".into(), api_duration_ms: Some(0) }),
    }
}

/// One of everything.
fn everything() -> Observed {
    let id = account("a");
    Observed {
        accounts: vec![SeenAccount {
            id: id.clone(),
            email: "dev@example.com".to_owned(),
            at_ms: NOW,
            name: None,
            removed: None,
        }],
        holdings: vec![Holding {
            dir: "/home/dev/.claude".to_owned(),
            from_ms: NOW,
            until_ms: NOW,
            account: Some(id.clone()),
        }],
        readings: vec![
            reading("a", Some(290), 60_000, Source::Stdin),
            reading("b", None, 0, Source::Endpoint),
        ],
        attempts: vec![
            Attempt { account: id.clone(), at_ms: NOW - 1, outcome: Attempt::OK.into() },
            Attempt { account: id.clone(), at_ms: NOW, outcome: "timeout".into() },
        ],
        logins: vec![LoginChange { account: id, at_ms: NOW, dead: Some("invalid_grant".into()) }],
    }
}

/// Everything that a ledger says of accounts and limits.
fn said(ledger: &Ledger) -> impl PartialEq + std::fmt::Debug {
    let accounts = ledger.accounts().expect("accounts");
    let logins: Vec<_> = accounts.iter().map(|known| ledger.login(&known.id).expect("a login")).collect();
    let attempts: Vec<_> =
        accounts.iter().map(|known| ledger.attempts(&known.id).expect("attempts")).collect();
    (
        accounts,
        logins,
        attempts,
        ledger.account_history().expect("holdings"),
        ledger.readings(i64::MIN).expect("readings"),
    )
}

fn no_prices() -> PriceList {
    PriceList::new("none".to_owned(), Vec::new(), NanoUsd(0))
}

#[test]
fn what_was_observed_is_kept_once_and_told_as_it_was() {
    let mut ledger = Ledger::open(&Place::Memory, &TimeZone::UTC).expect("a ledger");
    let observed = everything();
    assert!(matches!(ledger.observe(&observed, NOW), Ok((7, None))));
    let before = format!("{:?}", said(&ledger));
    assert!(matches!(ledger.observe(&observed, NOW), Ok((0, None))));
    assert_eq!(format!("{:?}", said(&ledger)), before);
    assert_eq!(ledger.readings(i64::MIN).expect("readings"), observed.readings);
    assert_eq!(ledger.login(&account("a")).expect("a login"), Some(observed.logins[0].clone()));
    let attempts = ledger.attempts(&account("a")).expect("attempts");
    assert_eq!(attempts.last_success_ms, Some(NOW - 1));
    assert_eq!(attempts.last_failure, Some((NOW, "timeout".to_owned())));
}

#[test]
fn a_directory_that_holds_what_it_held_is_news_now_and_then_and_a_logout_always() {
    let mut ledger = Ledger::open(&Place::Memory, &TimeZone::UTC).expect("a ledger");
    let mut hold = |minutes: i64, name: Option<&str>| {
        let dir = "/home/dev/.claude".to_owned();
        let at = NOW + minutes * 60_000;
        let holding = Holding { dir, from_ms: at, until_ms: at, account: name.map(account) };
        let observed = Observed { holdings: vec![holding], ..Observed::default() };
        ledger.observe(&observed, NOW + minutes * 60_000).expect("a commit").0
    };
    let news = [
        (0, Some("a")),
        (4, Some("a")),
        (10, Some("a")),
        (20, None),
        (30, None),
        (40, Some("b")),
        (50, Some("a")),
    ];
    assert_eq!(news.map(|(minutes, name)| hold(minutes, name)), [1, 0, 1, 2, 1, 2, 2]);
    let history = ledger.account_history().expect("holdings");
    let minutes = |at_ms: i64| (at_ms - NOW) / 60_000;
    let seen: Vec<_> = history.iter().map(|h| (minutes(h.from_ms), minutes(h.until_ms))).collect();
    assert_eq!(seen, [(0, 10), (20, 30), (40, 40), (50, 50)]);
    // Between two looks that saw different accounts it was nobody's, and behind the last one it is the last one's.
    let held = &ledger.held_by(i64::MAX).expect("holders")["/home/dev/.claude"];
    let at = |five_minutes: i64| held.at(NOW + five_minutes * 300_000);
    assert_eq!([-1, 0, 1, 2, 3, 4, 7, 8, 9, 10, 99].map(at), [0, 1, 1, 1, 0, 0, 0, 2, 0, 1, 1]);
}

#[test]
fn a_name_of_the_users_stays_until_the_user_says_otherwise_and_comes_back_from_the_journal() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place::File(folder.path().join("ledger.db"));
    let mut ledger = Ledger::open(&place, &TimeZone::UTC).expect("a ledger");
    let mut see = |email: &str, name: Option<&str>, removed| {
        let (id, email) = (account("a"), email.to_owned());
        let seen = SeenAccount { id, email, at_ms: NOW, name: name.map(str::to_owned), removed };
        let observed = Observed { accounts: vec![seen], ..Observed::default() };
        ledger.observe(&observed, NOW).expect("a commit").0
    };
    let news = [
        ("a@x", None, None),
        ("a@x", None, None),
        ("", Some("work"), None),
        ("a@x", Some("work"), Some(true)),
        ("b@x", None, None),
    ];
    assert_eq!(news.map(|(email, name, removed)| see(email, name, removed)), [1, 0, 1, 1, 1]);
    std::fs::remove_file(folder.path().join("ledger.db")).expect("a ledger");
    drop(ledger);
    for part in ["ledger.db-wal", "ledger.db-shm"] {
        let _absent = std::fs::remove_file(folder.path().join(part));
    }
    let mut anew = Ledger::open(&place, &TimeZone::UTC).expect("a ledger");
    anew.catch_up(&no_prices()).expect("a journal");
    let [known] = &anew.accounts().expect("accounts")[..] else { panic!("one account") };
    assert_eq!((&*known.email, &*known.name, known.removed), ("b@x", "work", true));
}

#[test]
fn a_reading_from_a_clock_days_ahead_is_not_kept() {
    let mut ledger = Ledger::open(&Place::Memory, &TimeZone::UTC).expect("a ledger");
    let observed = Observed {
        readings: vec![
            reading("a", Some(2), -AHEAD_MS, Source::Endpoint),
            reading("a", Some(1), -AHEAD_MS - 1, Source::Endpoint),
        ],
        ..Observed::default()
    };
    ledger.observe(&observed, NOW).expect("a commit");
    assert_eq!(ledger.readings(0).expect("readings"), observed.readings[..1]);
}

#[test]
fn readings_and_logins_come_back_from_the_journal_when_the_ledger_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place::File(folder.path().join("ledger.db"));
    let mut ledger = Ledger::open(&place, &TimeZone::UTC).expect("a ledger");
    for (round, name) in ["a", "b", "c"].into_iter().enumerate() {
        let mut observed = everything();
        observed.readings.push(reading(name, Some(7), 100 + round as i64, Source::ClaudeCache));
        let (_, trouble) = ledger.observe(&observed, NOW).expect("a commit");
        assert!(trouble.is_none(), "{trouble:?}");
    }
    let truth = format!("{:?}", said(&ledger));
    drop(ledger);
    for part in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        let _absent = std::fs::remove_file(folder.path().join(part));
    }
    let mut anew = Ledger::open(&place, &TimeZone::UTC).expect("a ledger");
    anew.catch_up(&no_prices()).expect("a journal");
    assert_eq!(format!("{:?}", said(&anew)), truth);
    // The journal is known now: nothing comes twice, and what follows is added to it.
    anew.observe(
        &Observed { readings: vec![reading("d", None, 5, Source::Manual)], ..Observed::default() },
        NOW,
    )
    .expect("a commit");
    let truth = format!("{:?}", said(&anew));
    assert_eq!(anew.catch_up(&no_prices()).expect("a journal"), crate::replay::Replayed::default());
    assert_eq!(format!("{:?}", said(&anew)), truth);
}

#[test]
fn a_reading_is_in_the_ledger_when_the_journal_cannot_be_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place::File(folder.path().join("ledger.db"));
    let mut ledger = Ledger::open(&place, &TimeZone::UTC).expect("a ledger");
    std::fs::write(folder.path().join("ledger.journal"), "something else").expect("a file");
    let (new, trouble) = ledger.observe(&everything(), NOW).expect("a commit");
    assert_eq!(new, 7);
    assert!(matches!(trouble, Some(KeepError::Foreign(_))), "{trouble:?}");
    assert_eq!(ledger.readings(0).expect("readings").len(), 2);
}

#[test]
fn a_lost_journal_is_noticed_when_something_is_observed_and_written_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place::File(folder.path().join("ledger.db"));
    let mut ledger = Ledger::open(&place, &TimeZone::UTC).expect("a ledger");
    let written = "INSERT INTO transcript VALUES (1, x'61', 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 7, 0);
        UPDATE meta SET value = '100000' WHERE key = 'journal'";
    ledger.connection.execute_batch(written).expect("a transcript in the journal");
    ledger.observe(&everything(), NOW).expect("a commit");
    let due = "SELECT unjournalled AND journalled = 0 FROM transcript";
    assert!(ledger.connection.query_row(due, [], |row| row.get::<_, bool>(0)).expect("a transcript"));
    assert_eq!(ledger.catch_up(&no_prices()).expect("a journal"), crate::replay::Replayed::default());
}

#[test]
fn a_look_with_a_clock_that_was_ahead_hides_no_later_login() {
    const DAY: i64 = 86_400_000;
    for (ahead, name) in [(400 * DAY, "a"), (400 * DAY, "b"), (DAY / 2, "a"), (DAY / 2, "b")] {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Place::File(folder.path().join("ledger.db"));
        let mut ledger = Ledger::open(&place, &TimeZone::UTC).expect("a ledger");
        let mut hold = |at: i64, name: &str| {
            let dir = "/home/dev/.claude".to_owned();
            let holding = Holding { dir, from_ms: at, until_ms: at, account: Some(account(name)) };
            let observed = Observed { holdings: vec![holding], ..Observed::default() };
            ledger.observe(&observed, at).expect("a commit");
        };
        hold(NOW, "a");
        hold(NOW + ahead, name);
        hold(NOW + 600_000, "a");
        hold(NOW + 1_200_000, "b");
        hold(NOW + 1_800_000, "b");
        let of = |id: &str| {
            let accounts = ledger.accounts().expect("accounts");
            accounts.iter().find(|known| known.id == account(id)).expect("an account").row
        };
        let held = &ledger.held_by(i64::MAX).expect("holders")["/home/dev/.claude"];
        let at = |minutes: i64| held.at(NOW + minutes * 60_000);
        assert_eq!([0, 20, 25, 30].map(at), [of("a"), of("b"), of("b"), of("b")], "{ahead} {name}");
    }
}

#[test]
fn a_look_in_the_future_does_not_end_the_account_of_now() {
    let mut ledger = Ledger::open(&Place::Memory, &TimeZone::UTC).expect("a ledger");
    let mut hold = |at: i64, name: &str| {
        let dir = "/home/dev/.claude".to_owned();
        let holding = Holding { dir, from_ms: at, until_ms: at, account: Some(account(name)) };
        ledger.observe(&Observed { holdings: vec![holding], ..Observed::default() }, at).expect("a commit");
    };
    hold(NOW, "a");
    hold(NOW + 86_400_000, "b");
    hold(NOW + 60_000, "a");
    let at =
        |now_ms: i64, at_ms: i64| ledger.held_by(now_ms).expect("holders")["/home/dev/.claude"].at(at_ms);
    assert_eq!(at(NOW + 120_000, NOW + 110_000), 1, "by the clock that is right now");
    assert_eq!(at(NOW + 2 * 86_400_000, NOW + 110_000), 0, "once it is past, it is a look like any other");
    assert_eq!(at(0, NOW + 110_000), 0, "a clock that is behind tells nothing");
}
