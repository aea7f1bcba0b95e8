use cco_model::limit::MINUTE_MS;

use super::*;

fn full() -> Snapshot {
    let current = Current {
        percent: Some(Percent::of_tenths(&Window::FiveHour, 299)),
        resets_at_ms: Some(5_000),
        observed_at_ms: None,
        source: Source::ClaudeCache,
    };
    let model = Window::SevenDayModel("opus".into());
    let account = AccountNow {
        id: AccountId { organization: "o".into(), account: "a".into() },
        label: "work \"é\"".to_owned(),
        directories: vec!["/c".to_owned()],
        since_ms: Some(4),
        login: Login::NeedsLogin { reason: Reason::SessionEnded, since_ms: 7 },
        logged_out: true,
        trouble: Some(Trouble::RateLimited { until_ms: 9 }),
        windows: [(Window::FiveHour, current), (model, Current { percent: None, ..current })].into(),
        pace: Some(Pace {
            tenths_per_hour: 130,
            basis: Basis::Whole,
            tenths_at_reset: 1_120,
            full_at_ms: Some(3),
        }),
        local: Some(Local { tokens: 420_000, ends_at_ms: 11 }),
    };
    let other =
        AccountNow { login: Login::Active, trouble: None, pace: None, local: None, ..account.clone() };
    let window = Window::Other("spend_limit".into());
    let percent = Some(Percent::of_tenths(&window, 1_125));
    let spend_limit = crate::payload::Told { window, percent, resets_at_ms: None };
    Snapshot {
        written_at_ms: 1,
        settings: Settings { lines: Some(vec![vec!["dir".to_owned()], vec![]]), ..Settings::default() },
        autostart: true,
        config: Some(Stamp { size: 1, changed_ns: i128::from(i64::MAX) + 1, inode: u64::MAX }),
        zone: Clock { told: "/".to_owned(), offsets: vec![(0, 3_600), (10, 7_200)], until_ms: 20 },
        accounts: vec![account, AccountNow { directories: vec!["/d".to_owned()], ..other }],
        looked_at_ms: Some(3),
        counted_at_ms: Some(2),
        today: Some(Today { from_ms: 0, until_ms: 10, cost: 3 }),
        block: Some(BlockNow {
            ends_at_ms: 1,
            cost: 2,
            projected: None,
            tokens: 3,
            tokens_per_minute: Some(4),
        }),
        repositories: vec![Repository {
            root: "/r".to_owned(),
            ahead: 1,
            behind: 2,
            dirty: 3,
            seen_at_ms: 4,
        }],
        sessions: vec![Observation {
            at_ms: 1,
            session: "s".to_owned(),
            config_dir: Some("/c".to_owned()),
            dir: None,
            api_ms: Some(3),
            windows: vec![(spend_limit, 1)],
            cost: Some(5),
            cost_moved_ms: Some(1),
            context: Some(6),
        }],
        alerts: vec![Alert::Login, Alert::Disk],
    }
}

#[test]
fn a_snapshot_is_read_as_it_was_written() {
    assert_eq!(Snapshot::read(&full().to_bytes()), Some(full()));
    assert_eq!(Snapshot::read(&Snapshot::default().to_bytes()), Some(Snapshot::default()));
}

#[test]
fn a_snapshot_that_is_torn_or_damaged_anywhere_is_none() {
    let bytes = full().to_bytes();
    for length in 0..bytes.len() {
        assert_eq!(Snapshot::read(&bytes[..length]), None, "cut at {length}");
    }
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Snapshot::read(&damaged), None, "bit {bit}");
    }
    assert_eq!(Snapshot::read(&[bytes, b" ".to_vec()].concat()), None);
}

#[test]
fn a_snapshot_of_another_version_is_none() {
    let text = String::from_utf8(full().to_bytes()).unwrap();
    for other in ["cco snapshot 2", "cco snapshot 10", "cco snapshot 0"] {
        assert_eq!(Snapshot::read(text.replacen(FORMAT, other, 1).as_bytes()), None);
    }
}

#[test]
fn a_clock_tells_nothing_of_other_zones_and_of_times_that_it_does_not_know() {
    let clock = full().zone;
    assert!(clock.tells("/", 0) && clock.tells("/", 19));
    assert!(!clock.tells("/", 20) && !clock.tells("/", -1) && !clock.tells("UTC/", 5));
    let offset = |at_ms| clock.at(at_ms).to_offset(jiff::Timestamp::UNIX_EPOCH).seconds();
    assert_eq!([-MINUTE_MS, 0, 9, 10, 99].map(offset), [3_600, 3_600, 3_600, 7_200, 7_200]);
    assert!(!Clock::default().tells("", 0));
}

#[test]
fn a_snapshot_of_many_sessions_with_long_names_is_never_too_long_to_be_read() {
    let one = Observation { dir: Some("\"".repeat(1_500)), ..full().sessions.remove(0) };
    let sessions: Vec<_> = (0..64).map(|n| Observation { session: n.to_string(), ..one.clone() }).collect();
    let bytes = Snapshot { sessions, ..full() }.to_bytes();
    assert!(bytes.len() <= MOST_BYTES, "{}", bytes.len());
    let kept = Snapshot::read(&bytes).unwrap().sessions;
    assert!(kept.len() >= 16 && kept[0].session == "0", "the first ones stay");
}
