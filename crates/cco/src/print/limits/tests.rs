//! A page that is looked at again and again fits the terminal, whatever its size.

use anstream::adapter::strip_str;
use cco_engine::limits::{Attempts, KnownAccount};
use cco_model::limit::mark::Sessions;
use cco_model::limit::shown::Shown;
use cco_model::limit::{AccountId, Percent};
use jiff::civil::date;
use jiff::tz::TimeZone;

use super::super::fit;
use super::*;

fn account(row: i64, percent: i32) -> AccountLimits {
    let window = |window: Window| WindowLimits {
        shown: Shown {
            value: Value::Open {
                left_ms: Some(3_600_000),
                percent: Some(Percent::of_tenths(&window, percent * 10)),
                day: None,
            },
            mark: Mark::Aging,
            window,
        },
        current: None,
        pace: None,
    };
    AccountLimits {
        account: KnownAccount {
            row,
            id: AccountId { organization: "org".into(), account: format!("{row}").into() },
            email: format!("dev-{row}@example.com"),
            name: String::new(),
            first_ms: 0,
            removed: false,
        },
        directories: vec![format!("/h/{row}")],
        windows: vec![window(Window::FiveHour), window(Window::SevenDay)],
        login: Login::Active,
        trouble: None,
        attempts: Attempts::default(),
        sessions: Sessions::Live,
        is_logged_out: false,
        next_try_ms: None,
    }
}

#[test]
fn a_low_terminal_shows_the_fullest_accounts_and_nothing_scrolls() {
    let now = date(2026, 10, 20).at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap();
    let limits: Vec<AccountLimits> =
        (1..=5).map(|row| account(row, i32::try_from(row).unwrap() * 7)).collect();
    let page = |rows, columns| strip_str(&watched(&limits, &now, Some(columns), Some(rows))).to_string();
    for rows in 2..=24 {
        for columns in [40, 60, 100, 200] {
            let page = page(rows, columns);
            assert!(page.lines().count() <= rows, "{rows} rows: {page}");
            assert!(page.lines().all(|line| fit::width(line) <= columns), "{columns} columns: {page}");
            assert!(page.contains("35%"), "{rows} rows: {page}");
            assert!(page.contains("q ends"), "{rows} rows: {page}");
        }
    }
    assert!(page(1, 60).starts_with("Limits  dev-5@example.com"), "{}", page(1, 60));
    insta::assert_snapshot!(page(4, 100), @r"
    Limits  dev-5@example.com  5 h 35%⚠  resets in 1 h 00 min  7 d 35%⚠  resets in 1 h 00 min
            dev-4@example.com  5 h 28%⚠  resets in 1 h 00 min  7 d 28%⚠  resets in 1 h 00 min
            dev-3@example.com  5 h 21%⚠  resets in 1 h 00 min  7 d 21%⚠  resets in 1 h 00 min
    12:00:00   q ends   2 more
    ");
}

#[test]
fn without_an_account_it_says_so_and_goes_on() {
    let now = date(2026, 10, 20).at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap();
    let page = watched(&[], &now, Some(60), Some(3));
    assert!(strip_str(&page).to_string().starts_with("No account of Claude Code was seen"), "{page}");
}

#[test]
fn estimates_are_rounded() {
    for (tenths, percent) in [
        (0, 0),
        (334, 33),
        (335, 34),
        (337, 34),
        (994, 99),
        (999, 99),
        (1_000, 100),
        (1_120, 112),
        (i64::MAX, i64::MAX / 10),
    ] {
        assert_eq!(nearest_percent(tenths), percent, "{tenths}");
    }
}

#[test]
fn a_limit_that_is_nearly_used_up_is_told_at_any_width() {
    let mut near = account(1, 42);
    let mut opus = account(1, 78).windows.remove(1);
    opus.shown.window = Window::SevenDayModel("opus".into());
    near.windows.push(opus);
    let limits = [near, account(2, 21)];
    for columns in 20..120 {
        let page = strip_str(&glance::lines(&limits, Some(columns))).to_string();
        assert!(page.contains("7 days opus 78%"), "{columns}: {page}");
        assert_eq!(page.matches("opus").count(), 1, "{columns}: {page}");
    }
    insta::assert_snapshot!(strip_str(&glance::lines(&limits, Some(40))).to_string(), @r"
    dev-1@example.com  5 h 42%⚠  7 d 42%⚠
      7 days opus 78%⚠
    dev-2@example.com  5 h 21%⚠  7 d 21%⚠
    ");
}
