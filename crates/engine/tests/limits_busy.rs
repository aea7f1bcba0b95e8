//! A ledger that another process writes to keeps nobody from what is known.

use std::fs;
use std::path::Path;

use cco_engine::limits::{Places, Tries};
use cco_engine::{Engine, LedgerPlace, Setup, price_list};
use cco_model::limit::Percent;
use cco_model::limit::shown::Value;
use jiff::Timestamp;
use jiff::tz::TimeZone;

const NOW_MS: i64 = 1_792_497_600_000;

fn remember(dir: &Path, percent: u32, at_ms: i64) {
    let text = format!(
        r#"{{"oauthAccount":{{"accountUuid":"me","organizationUuid":"org","emailAddress":"dev@example.com"}},
            "cachedUsageUtilization":{{"fetchedAtMs":{at_ms},"accountUuid":"me","utilization":
                {{"five_hour":{{"utilization":{percent},"resets_at":"2026-10-20T14:30:00Z"}}}}}}}}"#
    );
    fs::write(dir.join(".claude.json"), text).expect("a file");
}

/// What is shown of the one account, and why it is not kept.
fn look(engine: &mut Engine) -> (Vec<Option<i32>>, Option<String>) {
    let (found, trouble) = engine.look_at_accounts().expect("a look");
    let limits = engine.limits(&found, &Tries::default(), &TimeZone::UTC).expect("limits");
    let percent = |value: Value| match value {
        Value::Open { percent, .. } => percent.map(Percent::whole),
        _ => None,
    };
    let windows = limits.iter().flat_map(|known| &known.windows);
    (windows.map(|window| percent(window.shown.value)).collect(), trouble)
}

#[test]
fn what_is_seen_while_the_ledger_is_busy_is_shown_and_kept_the_next_time() {
    let home = tempfile::tempdir().expect("a folder");
    let ledger = home.path().join("ledger.db");
    let setup = || Setup {
        ledger: LedgerPlace::File(ledger.clone()),
        roots: Vec::new(),
        user_home: None,
        ledger_zone: TimeZone::UTC,
        prices: price_list::embedded(),
        threads: Some(1),
        now: Timestamp::from_millisecond(NOW_MS).expect("an instant"),
        places: Places::only(home.path()),
    };
    let mut engine = Engine::open(setup()).expect("the engine opens");
    remember(home.path(), 42, NOW_MS - 120_000);
    assert_eq!(look(&mut engine), (vec![Some(42)], None));

    let other = rusqlite::Connection::open(&ledger).expect("the ledger");
    other.execute_batch("BEGIN IMMEDIATE").expect("the write lock");
    remember(home.path(), 50, NOW_MS - 60_000);
    let (shown, trouble) = look(&mut engine);
    assert_eq!(shown, [Some(50)]);
    let words =
        "another cco is at work on the ledger; what was seen of accounts and limits is not kept this time";
    assert_eq!(trouble.as_deref(), Some(words));
    other.execute_batch("ROLLBACK").expect("no lock");

    // What was seen meanwhile is kept, though the file says something newer by now.
    remember(home.path(), 55, NOW_MS - 30_000);
    assert_eq!(look(&mut engine), (vec![Some(55)], None));
    let kept: i64 =
        other.query_row("SELECT count(DISTINCT tenths) FROM reading", [], |row| row.get(0)).expect("a count");
    assert_eq!(kept, 3);
}
