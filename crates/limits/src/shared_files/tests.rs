mod hostile;
mod quota;
mod typed;
mod writing;

use std::fs;

use super::*;

/// Monday, 2026-09-21 14:13:20 UTC: the time of the examples.
const NOW_MS: i64 = 1_790_000_000_000;
const HOT_SWAP: &str = r#"{"slot-1":{"email":"dev@example.com","five_hour_util":64,"seven_day_util":51,"weekly_budget_remaining_hours":27,"weekly_reset_day":"Tue","daily_reset_time":"17:00","last_fetched":1790000000000,"is_fresh":true}}"#;
const MERGED: &str = r#"{"ts":1790000000,"schema_version":2,"active_slot":"slot-1","recommended_slot":"slot-2","failover_needed":false,"all_exhausted":false,"pipeline_remediation":"ok","slots":{"slot-1":{"email":"dev@example.com","status":"active","five_hour_util":42,"seven_day_util":65,"weekly_budget_remaining_hours":120,"weekly_reset_day":"Thu","daily_reset_time":"17:00","five_hour_resets_at":"2026-09-21T17:00:00Z","last_fetched":1790000000000,"is_fresh":true,"rank":2,"urgency":40,"keychain_service":"Claude Code-credentials-157c8837","config_dir":"/home/dev/acct/one","burn_sample_count_5h":5,"weekly_projected_util":114}}}"#;
const BILLING: &str = r#"{"costToday":12.4,"burnRatePerHour":3.1,"budgetRemaining":135,"budgetPercentUsed":73,"resetTime":"17:00","totalTokens":83400000,"tokensPerMinute":521000,"isFresh":true,"lastFetched":1790000000000}"#;
const SUBSCRIPTION: &str = r#"activeAccount: main
accounts: {main: {label: Main, weeklyAllModels: {percentUsed: 41, resetDay: Mon, resetTime: "09:00"}, currentSession: {percentUsed: 29, resetsIn: "42m"}}}
"#;
const SESSIONS: &str = "active_account: slot-1
accounts:
  slot-1:
    email: dev@example.com
    config_dir: /home/dev/acct/one
    status: active
    keychain_service: Claude Code-credentials-157c8837
  slot-2:
    email: two@example.com
    status: inactive
    deactivated_at: 2026-09-20T10:00:00Z
    deactivation_reason: error_401
";

/// Has `read` look at a file with this text.
fn told<T>(text: &str, read: impl Fn(&Path) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, text).unwrap();
    read(&path)
}

fn anybody(_: &SlotMarks) -> Option<AccountId> {
    Some(AccountId { organization: "org".into(), account: "me".into() })
}

/// A reading as `window percent resets_at`.
fn shown(reading: &Reading) -> String {
    let percent = reading.percent.map_or("?".to_owned(), |percent| percent.tenths().to_string());
    let end = reading.resets_at_ms.map(|ms| jiff::Timestamp::from_millisecond(ms).unwrap().to_string());
    format!("{} {percent} {}", reading.window, end.unwrap_or_else(|| "-".to_owned()))
}

#[test]
fn the_first_folder_that_has_the_file_counts_in_whatever_state_it_is() {
    let home = tempfile::tempdir().unwrap();
    let folders = session_health_folders(Some(Path::new("/given")), home.path());
    assert_eq!(folders[0], Path::new("/given/session-health"));
    assert_eq!(folders[1], home.path().join(".claude-hs/session-health"));
    assert_eq!(folders[2], home.path().join(".claude/session-health"));
    let read = || first_of(&folders, hot_swap::NAME, |path| hot_swap::read(path, NOW_MS));
    assert_eq!(read().unwrap_err().why, Unread::Absent);
    let write = |folder: &Path, text: &str| {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(hot_swap::NAME), text).unwrap();
    };
    write(&folders[2], HOT_SWAP);
    assert_eq!(read().unwrap().0, folders[2].join(hot_swap::NAME));
    write(&folders[1], "{");
    let failed = read().unwrap_err();
    assert_eq!(failed.path, folders[1].join(hot_swap::NAME));
    assert!(matches!(failed.why, Unread::Broken(_)));
}

#[test]
fn a_file_is_named_at_the_third_bad_read_in_a_row_and_no_sooner() {
    let mut reads = bad_reads::BadReads::default();
    let path = Path::new("/f");
    let broken = Unread::broken("half");
    for good in [Ok(()), Err(&Unread::Absent), Err(&Unread::Ours)] {
        assert!(!reads.saw(path, Err(&broken), 1));
        assert!(!reads.saw(path, Err(&broken), 2));
        assert!(!reads.saw(path, good, 3));
        assert_eq!(reads, bad_reads::BadReads::default());
    }
    assert!(!reads.saw(path, Err(&broken), 1));
    assert!(!reads.saw(Path::new("/other"), Err(&broken), 1));
    assert!(!reads.saw(path, Err(&broken), 2));
    assert!(reads.saw(path, Err(&broken), 3));
    let named = reads.named(path).unwrap();
    assert_eq!((named.count, named.first_ms, named.last_ms), (3, 1, 3));
    assert_eq!(reads.named(Path::new("/other")), None);
}

#[test]
fn bad_reads_are_remembered_from_one_process_to_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = Path::new("/f");
    let broken = Unread::broken("half");
    let round = |now_ms| {
        let mut reads = bad_reads::BadReads::load(folder.path());
        let named = reads.saw(path, Err(&broken), now_ms);
        reads.save(folder.path()).unwrap();
        named
    };
    assert_eq!([1, 2, 3].map(round), [false, false, true]);
    let file = folder.path().join("bad-reads.json");
    let whole = fs::read(&file).unwrap();
    for length in 0..whole.len() - 1 {
        fs::write(&file, &whole[..length]).unwrap();
        assert_eq!(bad_reads::BadReads::load(folder.path()), bad_reads::BadReads::default(), "{length}");
    }
    fs::write(&file, &whole).unwrap();
    let mut reads = bad_reads::BadReads::load(folder.path());
    assert_eq!(reads.named(path).map(|bad| bad.why.as_str()), Some("is broken: half"));
    reads.saw(path, Ok(()), 4);
    reads.save(folder.path()).unwrap();
    assert!(!file.exists());
}
