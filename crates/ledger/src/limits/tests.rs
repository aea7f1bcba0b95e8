use cco_model::limit::merge::{Current, merge_all};
use cco_model::limit::{Source, Told, Window};
use cco_model::money::NanoUsd;
use cco_model::price::PriceList;
use jiff::tz::TimeZone;

use super::*;
use crate::Place;

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
fn a_directory_that_holds_what_it_held_is_no_news_and_a_logout_is() {
    let mut ledger = Ledger::open(&Place::Memory, &TimeZone::UTC).expect("a ledger");
    let mut hold = |minutes: i64, name: Option<&str>| {
        let dir = "/home/dev/.claude".to_owned();
        let at = NOW + minutes * 60_000;
        let holding = Holding { dir, from_ms: at, until_ms: at, account: name.map(account) };
        let observed = Observed { holdings: vec![holding], ..Observed::default() };
        ledger.observe(&observed, NOW + minutes * 60_000).expect("a commit").0
    };
    let news = [(0, Some("a")), (10, Some("a")), (20, None), (30, None), (40, Some("b")), (50, Some("a"))];
    assert_eq!(news.map(|(minutes, name)| hold(minutes, name)), [1, 0, 2, 0, 2, 2]);
    let history = ledger.account_history().expect("holdings");
    let minutes = |at_ms: i64| (at_ms - NOW) / 60_000;
    let seen: Vec<_> = history.iter().map(|h| (minutes(h.from_ms), minutes(h.until_ms))).collect();
    assert_eq!(seen, [(0, 10), (20, 30), (40, 40), (50, 50)]);
    // Between two looks that saw different accounts it was nobody's, and behind the last one it is the last one's.
    let held = &ledger.held_by().expect("holders")["/home/dev/.claude"];
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
            reading("a", Some(1), -AHEAD_MS - 1, Source::Endpoint),
            reading("a", Some(2), -1, Source::Endpoint),
        ],
        ..Observed::default()
    };
    ledger.observe(&observed, NOW).expect("a commit");
    assert_eq!(ledger.readings(0).expect("readings"), observed.readings[1..]);
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
        let held = &ledger.held_by().expect("holders")["/home/dev/.claude"];
        let at = |minutes: i64| held.at(NOW + minutes * 60_000);
        assert_eq!([0, 20, 25, 30].map(at), [of("a"), of("b"), of("b"), of("b")], "{ahead} {name}");
    }
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).expect("31 bits") % end
    }
}

/// Any reading of the last eight days, more of the last hours, with any reset that somebody might tell.
fn any_reading(dice: &mut Dice, name: &str) -> Reading {
    const HOUR: i64 = 3_600_000;
    let windows = [Window::FiveHour, Window::SevenDay, Window::SevenDayModel("opus".into())];
    let window = windows.get(usize::try_from(dice.below(4)).expect("small")).cloned();
    let window = window.unwrap_or_else(|| Window::Other("extra".into()));
    let ago = [10 * 60_000, 8 * HOUR, 190 * HOUR, 190 * HOUR][usize::try_from(dice.below(4)).expect("small")];
    let observed_at_ms = NOW - dice.below(ago);
    let length = window.length_ms().unwrap_or(30 * 24 * HOUR);
    let resets_at_ms = match dice.below(6) {
        0 => None,
        1 => Some(NOW + dice.below(400 * HOUR) - 200 * HOUR),
        2 => Some(observed_at_ms + dice.below(length)),
        // The windows as the service has them, with a little jitter.
        _ => Some((observed_at_ms / length + 1) * length + dice.below(900)),
    };
    let source = Source::ALL[usize::try_from(dice.below(Source::ALL.len() as i64)).expect("small")];
    let told = (source == Source::Stdin).then(|| Told {
        session: format!("s{}", dice.below(12)).into(),
        api_duration_ms: Some(dice.below(3).unsigned_abs()),
    });
    let tenths = i32::try_from(dice.below(9) * 100).expect("small");
    let percent = (dice.below(9) > 0).then(|| Percent::of_tenths(&window, tenths));
    Reading { account: account(name), window, percent, resets_at_ms, observed_at_ms, source, told }
}

/// What readings come to; ends of a window that are a second apart are one end.
fn known(readings: &[Reading]) -> Vec<(AccountId, Window, Current)> {
    let accounts = merge_all(readings, NOW).into_iter();
    let windows =
        accounts.flat_map(|(id, windows)| windows.into_iter().map(move |it| (id.clone(), it.0, it.1)));
    windows
        .map(|(id, window, current)| {
            let resets_at_ms = current.resets_at_ms.map(|end| end / 1_000);
            (id, window, Current { resets_at_ms, ..current })
        })
        .collect()
}

#[test]
fn what_readings_come_to_is_told_by_those_that_matter() {
    let mut dice = Dice(1);
    let mut ledger = Ledger::open(&Place::Memory, &TimeZone::UTC).expect("a ledger");
    let mut observed = Observed::default();
    for number in 0..600 {
        let many = 1 + dice.below(50);
        observed.readings.extend((0..many).map(|_| any_reading(&mut dice, &format!("a{number}"))));
    }
    ledger.observe(&observed, NOW).expect("a commit");
    let from_ms = NOW - 8 * 24 * 3_600_000;
    let all = ledger.readings(from_ms).expect("readings");
    let few = ledger.readings_that_matter(from_ms, NOW).expect("readings");
    assert!(few.len() + 1_000 < all.len(), "{} of {} are read", few.len(), all.len());
    assert_eq!(known(&few), known(&all));
}
