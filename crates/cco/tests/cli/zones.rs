//! Days of hard zones: whatever the zone, no call is lost, none is counted twice, and UTC sums stay as they are.

use std::fmt::Write as _;

use crate::sealed::TestEnv;

/// Calls every 23 minutes around the nights in which these zones moved their clocks.
fn rows() -> String {
    let starts = [
        // New York: summer time begins, and ends.
        "2026-03-08T04:00:00Z",
        "2026-11-01T03:00:00Z",
        // Lord Howe: half an hour, both ways.
        "2026-04-04T13:00:00Z",
        "2026-10-03T13:00:00Z",
        // Apia: the 30th of December 2011 was left out.
        "2011-12-30T08:00:00Z",
        // Casablanca: summer time is suspended for Ramadan.
        "2026-02-15T00:00:00Z",
        "2026-03-22T00:00:00Z",
        // The end of a year, for Kathmandu's quarter hours.
        "2025-12-31T16:00:00Z",
    ];
    let mut rows = String::new();
    for (place, start) in starts.iter().enumerate() {
        let start: jiff::Timestamp = start.parse().unwrap();
        for step in 0..60 {
            let at = start + jiff::SignedDuration::from_mins(23 * step);
            let number = place as i64 * 100 + step;
            writeln!(
                rows,
                r#"{{"type":"assistant","uuid":"u{number}","sessionId":"s{place}","timestamp":"{at}","cwd":"/p","requestId":"r{number}","message":{{"id":"msg_{number:020}","role":"assistant","model":"claude-opus-4-8","usage":{{"input_tokens":{number},"output_tokens":7}}}}}}"#
            )
            .unwrap();
        }
    }
    rows
}

/// What a zone makes of the calls: days with their calls, and the sum of everything.
fn days(env: &TestEnv, zone: &str, more: &str) -> (Vec<(String, u64)>, u64, u64) {
    let run = env.run(&format!("daily --json --timezone {zone} {more}"));
    let json = run.json();
    let number = |value: &serde_json::Value, key: &str| value[key].as_u64().unwrap();
    let rows = json["daily"].as_array().unwrap();
    let days: Vec<(String, u64)> =
        rows.iter().map(|day| (day["date"].as_str().unwrap().to_owned(), number(day, "calls"))).collect();
    let tokens: u64 = rows.iter().map(|day| number(day, "totalTokens")).sum();
    assert_eq!(tokens, number(&json["totals"], "totalTokens"), "{zone}");
    (days, number(&json["totals"], "calls"), tokens)
}

#[test]
fn days_of_hard_zones_add_up_and_utc_stays_as_it_is() {
    let env = TestEnv::new();
    env.write(".claude/projects/a/s.jsonl", &rows());
    let utc = days(&env, "UTC", "");
    assert_eq!(utc.1, 480);
    for zone in
        ["America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "Africa/Casablanca"]
    {
        let (by_day, calls, tokens) = days(&env, zone, "");
        assert_eq!((calls, tokens), (utc.1, utc.2), "{zone}");
        assert_eq!(by_day.iter().map(|(_, calls)| calls).sum::<u64>(), calls, "{zone}");
        assert!(by_day.is_sorted_by(|a, b| a.0 < b.0), "{zone}: each day once, in order");
        // Day by day it is the same as all at once.
        for (day, calls) in &by_day {
            assert_eq!(days(&env, zone, &format!("--since {day} --until {day}")).1, *calls, "{zone} {day}");
        }
        assert_eq!(days(&env, "UTC", ""), utc, "after {zone}");
        // A ledger that keeps its days in this zone says the same.
        let own = TestEnv::new();
        own.write(".claude/projects/a/s.jsonl", &rows());
        own.config(&format!("[stats]\ntimezone = \"{zone}\"\n"));
        assert_eq!(days(&own, zone, ""), (by_day, calls, tokens), "{zone}");
        assert_eq!(days(&own, "UTC", ""), utc, "{zone}");
        let doctor = own.run("doctor --deep").stdout;
        assert!(doctor.contains("all sums equal their calls"), "{zone}: {doctor}");
    }
    let (apia, ..) = days(&env, "Pacific/Apia", "--since 2011-12-01 --until 2012-01-31");
    assert!(
        apia.iter().any(|(day, _)| day == "2011-12-29") && apia.iter().any(|(day, _)| day == "2011-12-31")
    );
    assert!(apia.iter().all(|(day, _)| day != "2011-12-30"), "Apia had no such day");
}
