//! Stretches of time, however they are asked for and whatever clocks there were.

use serde_json::Value;

use super::served::{ROW, Row, Served};

fn with_calls(times: &[&str]) -> Served {
    let mut served = Served::new();
    let rows = (1..).zip(times).map(|(id, at)| Row { id, at, ..ROW }.line());
    served.write("app/a.jsonl", &rows.collect::<String>());
    served
}

fn calls(stats: &Value) -> u64 {
    stats["summary"]["total_calls"].as_u64().expect("a count")
}

#[test]
fn a_clock_that_was_wrong_once_hides_nothing() {
    for wrong in ["0001-01-01T00:00:00.000Z", "9999-12-30T00:00:00.000Z", "1970-01-01T00:00:00.000Z"] {
        let served = with_calls(&[wrong, ROW.at]);
        for (query, expected) in [
            ("period=all", 2),
            ("period=all&timezone=Australia/Lord_Howe", 2),
            ("period=month", 1),
            ("from=2025-11-26T00:00:00Z&to=2026-11-26T00:00:00Z", 1),
            ("from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z", 2),
        ] {
            let stats = served.json(&format!("/api/stats?{query}"));
            assert_eq!(calls(&stats), expected, "{query} after {wrong}");
            let points = stats["time_series"]["data"].as_array().expect("points");
            let told: u64 = points.iter().map(|point| point["calls"].as_u64().expect("a count")).sum();
            assert_eq!(told, expected, "the series of {query} after {wrong}");
            assert!(points.len() <= 1_500);
        }
    }
}

#[test]
fn a_granularity_that_nobody_asked_for_fits() {
    let served = with_calls(&[ROW.at]);
    for (query, granularity) in [
        ("period=all", "month"),
        ("to=2200-01-01T00:00:00Z", "year"),
        ("to=9999-12-31T00:00:00Z", "century"),
        ("from=1999-01-01T00:00:00Z", "month"),
        ("from=0001-01-01T00:00:00Z", "century"),
    ] {
        let stats = served.json(&format!("/api/stats?{query}"));
        assert_eq!(stats["time_series"]["granularity"], granularity, "{query}");
    }
    for (query, hint) in [
        ("period=month&granularity=minute", "hour fits"),
        ("from=2000-01-01T00:00:00Z&granularity=minute", "week fits"),
        ("to=2200-01-01T00:00:00Z&granularity=day", "year fits"),
        ("from=0001-01-01T00:00:00Z&granularity=year", "century fits"),
    ] {
        let problem = served.get(&format!("/api/stats?{query}")).json();
        assert_eq!(
            (&problem["status"], &problem["parameter"]),
            (&400.into(), &"granularity".into()),
            "{query}"
        );
        assert!(problem["hint"].as_str().expect("a hint").starts_with(hint), "{query}: {problem}");
    }
}

#[test]
fn an_hour_is_that_of_the_clock_that_holds_now() {
    let served = with_calls(&["2026-04-04T15:10:00.000Z", "2026-10-03T15:40:00.000Z"]);
    for (now, start, end) in [
        ("2026-04-04T15:15:00Z", "2026-04-04T15:00:00.000Z", "2026-04-04T15:30:00.000Z"),
        ("2026-10-03T15:45:00Z", "2026-10-03T15:30:00.000Z", "2026-10-03T16:00:00.000Z"),
    ] {
        served.set_now(now);
        let stats = served.json("/api/stats?period=hour&timezone=Australia/Lord_Howe");
        let period = &stats["period"];
        assert_eq!((&period["start"], &period["end_exclusive"]), (&start.into(), &end.into()), "{now}");
        assert_eq!(calls(&stats), 1, "{now}");
    }
}

#[test]
fn days_are_those_of_the_zone_that_is_asked_for() {
    let served =
        with_calls(&["2026-11-01T12:30:00.000Z", "2026-11-02T10:59:59.999Z", "2026-11-02T11:00:00.000Z"]);
    let place = "timezone=Pacific/Auckland";
    for (query, start, end, expected) in [
        ("from=2026-11-02&to=2026-11-02", "2026-11-01T11:00:00.000Z", "2026-11-02T11:00:00.000Z", 2),
        ("from=2026-11-02&to=2026-11-03", "2026-11-01T11:00:00.000Z", "2026-11-03T11:00:00.000Z", 3),
        (
            "from=2026-11-03&to=2026-11-02T12:00:00Z",
            "2026-11-02T11:00:00.000Z",
            "2026-11-02T12:00:00.000Z",
            1,
        ),
        ("from=2026-11-03", "2026-11-02T11:00:00.000Z", "2026-11-25T12:00:00.001Z", 1),
        ("to=2026-11-02", "2026-11-01T12:30:00.000Z", "2026-11-02T11:00:00.000Z", 2),
    ] {
        let stats = served.json(&format!("/api/stats?{query}&{place}"));
        let period = &stats["period"];
        assert_eq!((&period["start"], &period["end_exclusive"]), (&start.into(), &end.into()), "{query}");
        assert_eq!((&period["type"], calls(&stats)), (&"custom".into(), expected), "{query}");
    }
    for query in ["from=2026-02-30", "from=2026-11-02T10:00:00", "from=11-02", "to=", "to=2026-11-02[UTC]"] {
        let reply = served.get(&format!("/api/stats?{query}"));
        assert_eq!(reply.status, 400, "{query}: {}", reply.text());
        assert!(reply.text().contains("write it as 2026-11-26 or "), "{query}: {}", reply.text());
    }
    let turned = served.get("/api/stats?from=2026-11-03&to=2026-11-01").json();
    assert_eq!((&turned["parameter"], &turned["hint"]), (&"to".into(), &"change the two".into()));
}

#[test]
fn what_is_to_come_is_empty_and_where_it_was_asked_for() {
    let served = with_calls(&[ROW.at]);
    let stats = served.json("/api/stats?from=2027-01-01T00:00:00Z");
    assert_eq!(stats["period"]["start"], "2027-01-01T00:00:00.000Z");
    assert_eq!((calls(&stats), stats["time_series"]["data"].as_array().map(Vec::len)), (0, Some(0)));
}
