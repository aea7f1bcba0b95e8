use std::collections::BTreeMap;

use cco_model::limit::merge::{Current, merge};
use cco_model::limit::pace::current_and_pace;
use cco_model::limit::{CLOCK_SLACK_MS, Percent, Source, Told, Window};
use cco_model::money::NanoUsd;
use cco_model::price::PriceList;
use jiff::tz::TimeZone;

use super::*;
use crate::Place;
use crate::keep::KeepError;

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
fn a_reading_from_a_clock_that_was_ahead_is_not_kept() {
    let mut ledger = Ledger::open(&Place::Memory, &TimeZone::UTC).expect("a ledger");
    let observed = Observed {
        readings: vec![
            reading("a", Some(2), -CLOCK_SLACK_MS, Source::Endpoint),
            reading("a", Some(1), -CLOCK_SLACK_MS - 1, Source::Endpoint),
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

fn file_place(folder: &tempfile::TempDir) -> Place {
    Place::File(folder.path().join("ledger.db"))
}

fn remove_ledger(folder: &tempfile::TempDir) {
    for part in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        let _absent = std::fs::remove_file(folder.path().join(part));
    }
}

/// What a ledger that is made anew beside its journal says.
fn said_anew(folder: &tempfile::TempDir) -> String {
    remove_ledger(folder);
    let mut anew = Ledger::open(&file_place(folder), &TimeZone::UTC).expect("a ledger");
    anew.catch_up(&no_prices()).expect("a journal");
    format!("{:?}", said(&anew))
}

fn more(ago_ms: i64) -> Observed {
    Observed { readings: vec![reading("c", Some(7), ago_ms, Source::Endpoint)], ..Observed::default() }
}

#[test]
fn a_journal_that_was_lost_or_cut_holds_everything_again_after_the_next_observation() {
    for keep_bytes in [0, 60, 200] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut ledger = Ledger::open(&file_place(&folder), &TimeZone::UTC).expect("a ledger");
        ledger.observe(&everything(), NOW).expect("a commit");
        ledger.observe(&more(5), NOW).expect("a commit");
        let journal = folder.path().join("ledger.journal");
        let file = std::fs::File::options().write(true).open(&journal).expect("a journal");
        file.set_len(keep_bytes).expect("a cut");
        if keep_bytes == 0 {
            std::fs::remove_file(&journal).expect("a journal");
        }
        ledger.observe(&more(4), NOW).expect("a commit");
        let truth = format!("{:?}", said(&ledger));
        drop(ledger);
        assert_eq!(said_anew(&folder), truth, "{keep_bytes} bytes were left");
    }
}

#[test]
fn what_the_journal_refused_is_written_to_it_as_soon_as_it_takes_anything() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("ledger.journal");
    let mut ledger = Ledger::open(&file_place(&folder), &TimeZone::UTC).expect("a ledger");
    ledger.observe(&more(6), NOW).expect("a commit");
    // A device that is full; then a folder where the file should be.
    for (device, ago) in [("/dev/full", 5), ("/", 4)] {
        std::fs::remove_file(&journal).expect("a journal");
        std::os::unix::fs::symlink(device, &journal).expect("a link");
        let (new, trouble) = ledger.observe(&more(ago), NOW).expect("a commit");
        assert!(new == 1 && trouble.is_some(), "{device}: {trouble:?}");
        std::fs::remove_file(&journal).expect("a link");
        std::fs::write(&journal, "").expect("a journal");
    }
    ledger.observe(&everything(), NOW).expect("a commit");
    let truth = format!("{:?}", said(&ledger));
    drop(ledger);
    assert_eq!(said_anew(&folder), truth);
}

#[test]
fn a_ledger_without_room_takes_in_nothing_and_keeps_what_it_said_it_has() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ledger = Ledger::open(&file_place(&folder), &TimeZone::UTC).expect("a ledger");
    ledger.use_wal().expect("a log");
    ledger.observe(&everything(), NOW).expect("a commit");
    let (mut kept, mut refused) = (ledger.readings(i64::MIN).expect("readings").len(), 0);
    for room in 0..6 {
        let pages: i64 =
            ledger.connection.pragma_query_value(None, "page_count", |row| row.get(0)).expect("a count");
        ledger.connection.pragma_update(None, "max_page_count", pages + room).expect("a limit");
        let many = (0..300 * (room + 1))
            .map(|n| reading("c", Some(1), 1_000 * room + n + 1_000_000, Source::HotSwap));
        let observed = Observed { readings: many.collect(), ..Observed::default() };
        match ledger.observe(&observed, NOW) {
            Ok((new, None)) => kept += usize::try_from(new).expect("few"),
            Ok((_, Some(trouble))) => panic!("the journal had room: {trouble}"),
            Err(error) => refused += i32::from(error.trouble() == Some(crate::Trouble::Full)),
        }
        assert_eq!(ledger.readings(i64::MIN).expect("readings").len(), kept);
    }
    assert!(refused > 0, "it was never full");
    drop(ledger);
    let reopened = Ledger::open(&file_place(&folder), &TimeZone::UTC).expect("a ledger");
    assert_eq!(reopened.readings(i64::MIN).expect("readings").len(), kept);
}

#[test]
fn what_is_observed_while_a_damaged_ledger_is_made_anew_is_in_the_new_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut old = Ledger::open(&file_place(&folder), &TimeZone::UTC).expect("a ledger");
    old.use_wal().expect("a log");
    old.observe(&everything(), NOW).expect("a commit");
    // Another process finds damage, and has the journal for as long as it takes.
    spoil(&folder);
    let repair = crate::damage::Repair::begin(&file_place(&folder)).expect("a look").expect("damage");
    let refused = old.observe_within(&more(5), NOW, std::time::Duration::ZERO);
    let busy = refused.expect_err("nobody may say that it has it").trouble();
    assert_eq!(busy, Some(crate::Trouble::Busy));
    let mut anew = repair.new_ledger(&TimeZone::UTC, &no_prices()).expect("a ledger");
    repair.from_journal(&mut anew, &no_prices()).expect("a journal");
    repair.finish(anew, jiff::Timestamp::UNIX_EPOCH).expect("a new ledger");
    // The old file is set aside, and this process still writes to it.
    let (new, trouble) = old.observe(&more(4), NOW).expect("a commit");
    assert!(new == 1 && trouble.is_none(), "{trouble:?}");
    let mut anew = Ledger::open(&file_place(&folder), &TimeZone::UTC).expect("a ledger");
    anew.catch_up(&no_prices()).expect("a journal");
    let readings = anew.readings(i64::MIN).expect("readings");
    assert!(readings.contains(&more(4).readings[0]), "{readings:?}");
}

/// Zeros where a page of calls was: the rest can be read.
fn spoil(folder: &tempfile::TempDir) {
    let connection = Connection::open(folder.path().join("ledger.db")).expect("a database");
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'call_key'";
    let root: i64 = connection.query_row(root, [], |row| row.get(0)).expect("a table");
    connection.pragma_update(None, "wal_checkpoint", "TRUNCATE").expect("a checkpoint");
    drop(connection);
    let file = std::fs::File::options().write(true).open(folder.path().join("ledger.db")).expect("a ledger");
    std::os::unix::fs::FileExt::write_all_at(&file, &[0; 8192], (root.cast_unsigned() - 1) * 8192)
        .expect("room");
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

/// What is known of windows of which anything was heard in the last eight days: by all readings, and by what is left.
fn known(all: &[Reading], windows: &[KnownWindow], now: i64) -> [BTreeMap<(AccountId, Window), Current>; 2] {
    let mut groups: BTreeMap<(AccountId, Window), Vec<&Reading>> = BTreeMap::new();
    for reading in all {
        groups.entry((reading.account.clone(), reading.window.clone())).or_default().push(reading);
    }
    groups.retain(|_, group| group.iter().any(|reading| reading.observed_at_ms >= now - HEARD));
    let by_all = groups.into_iter().filter_map(|(key, group)| {
        let current = merge(&key.1, group, now)?;
        Some((key, current))
    });
    let by_few = windows.iter().filter_map(|known| {
        let (current, _) = current_and_pace(&known.window, &known.left, &known.readings, now)?;
        Some(((known.account.clone(), known.window.clone()), current))
    });
    [by_all.collect(), by_few.collect()]
}

const HEARD: i64 = 8 * 24 * 3_600_000;

#[test]
fn what_is_known_is_what_all_readings_come_to_in_whatever_order_they_came() {
    const HOUR: i64 = 3_600_000;
    for (seed, in_order) in [(1, true), (2, false), (3, true)] {
        let mut dice = Dice(seed);
        let mut ledger = Ledger::open(&Place::Memory, &TimeZone::UTC).expect("a ledger");
        let mut all: Vec<Reading> = (0..6_000).map(|_| any_reading(&mut dice, "a")).collect();
        if in_order {
            all.sort_by_key(|reading| reading.observed_at_ms);
        }
        for some in all.chunks(100) {
            let now = some.iter().map(|reading| reading.observed_at_ms).max().expect("readings");
            let now = if in_order { now } else { NOW };
            ledger
                .observe(&Observed { readings: some.to_vec(), ..Observed::default() }, now)
                .expect("a commit");
        }
        let all = ledger.readings(i64::MIN).expect("readings");
        for now in [NOW, NOW + HOUR, NOW + 100 * HOUR, NOW - HOUR, NOW - 50 * HOUR] {
            let windows = ledger.windows(now - HEARD, now).expect("windows");
            let [by_all, by_few] = known(&all, &windows, now);
            assert_eq!(by_few, by_all, "seed {seed}");
        }
    }
}

#[test]
fn of_thousands_of_readings_few_are_read() {
    let mut ledger = Ledger::open(&Place::Memory, &TimeZone::UTC).expect("a ledger");
    let mut read = Vec::new();
    for number in 0..4_000 {
        let at = NOW + number * 60_000;
        let told = Some(Told {
            session: format!("s{}", number / 600).into(),
            api_duration_ms: Some(number.unsigned_abs()),
        });
        let tenths = i32::try_from(number % 300).expect("small");
        let reading = reading("a", Some(tenths), 0, Source::Stdin);
        let resets_at_ms = Some(NOW + (number / 300 + 1) * 300 * 60_000);
        let reading = Reading { told, observed_at_ms: at, resets_at_ms, ..reading };
        ledger.observe(&Observed { readings: vec![reading], ..Observed::default() }, at).expect("a commit");
        let windows = ledger.windows(NOW, at).expect("windows");
        read.push(windows.iter().map(|known| known.left.len() + known.readings.len()).sum::<usize>());
    }
    // Those since they were summed up last, the 45 minutes before that, and what is left of all others.
    assert!(*read.iter().max().expect("some") < 256 + 50 + 10, "{:?}", read.iter().max());
}

#[test]
fn a_session_that_repeats_what_it_was_told_adds_nothing() {
    let mut ledger = Ledger::open(&Place::Memory, &TimeZone::UTC).expect("a ledger");
    let mut tell = |ago_ms: i64, tenths: i32, waited: u64| {
        let told = Some(Told { session: "s1".into(), api_duration_ms: Some(waited) });
        let reading = Reading { told, ..reading("a", Some(tenths), ago_ms, Source::Stdin) };
        ledger.observe(&Observed { readings: vec![reading], ..Observed::default() }, NOW).expect("a commit").0
    };
    // The same; then more used, more waited, and the same again.
    let told = [(90, 290, 5), (80, 290, 5), (70, 300, 5), (60, 300, 6), (50, 300, 6), (40, 300, 6)];
    assert_eq!(told.map(|(ago, tenths, waited)| tell(ago * 1_000, tenths, waited)), [1, 0, 1, 1, 0, 0]);
}
