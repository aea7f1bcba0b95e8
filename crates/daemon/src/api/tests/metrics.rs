//! What Prometheus reads.

use std::collections::HashSet;

use super::served::{ROW, Row, Served};

/// Lines with a value, without it.
fn series(text: &str) -> Vec<&str> {
    let told = text.lines().filter(|line| !line.starts_with('#'));
    told.map(|line| line.rsplit_once(' ').expect("a value").0).collect()
}

fn assert_has(text: &str, line: &str) {
    assert!(text.lines().any(|one| one == line), "{line} is not in {text}");
}

#[test]
fn counts_are_told_by_model_of_all_time_and_of_today() {
    let mut served = Served::new();
    let rows = [
        Row { id: 1, at: "2026-11-24T09:00:00.000Z", ..ROW },
        Row { id: 2, ..ROW },
        Row { id: 3, model: "nobody-knows-1", ..ROW },
    ];
    served.write("app/a.jsonl", &rows.iter().map(Row::line).collect::<String>());
    let text = served.get("/metrics").text();
    for line in [
        "# TYPE cco_calls_total counter",
        r#"cco_calls_total{model="claude-opus-4-8",tier="Opus"} 2"#,
        r#"cco_calls_today{model="claude-opus-4-8",tier="Opus"} 1"#,
        // Prices may change: what was paid may be less tomorrow, and that is no new beginning.
        "# TYPE cco_cost_usd gauge",
        r#"cco_cost_usd{model="claude-opus-4-8",tier="Opus"} 0.015"#,
        r#"cco_cost_usd_today{model="claude-opus-4-8",tier="Opus"} 0.0075"#,
        r#"cco_unpriced_calls{model="nobody-knows-1",tier="Unknown"} 1"#,
        r#"cco_check_ok{check="ledger"} 1"#,
    ] {
        assert_has(&text, line);
    }
}

#[test]
fn a_day_without_calls_has_none_and_cost_nothing() {
    let mut served = Served::new();
    let at = "2026-11-24T09:00:00.000Z";
    let rows = [Row { id: 1, at, ..ROW }, Row { id: 2, at, model: "nobody-knows-1", ..ROW }];
    served.write("app/a.jsonl", &rows.iter().map(Row::line).collect::<String>());
    let text = served.get("/metrics").text();
    for labels in [r#"{model="claude-opus-4-8",tier="Opus"}"#, r#"{model="nobody-knows-1",tier="Unknown"}"#] {
        for metric in
            ["cco_calls_today", "cco_tokens_today", "cco_cost_usd_today", "cco_unpriced_calls_today"]
        {
            assert_has(&text, &format!("{metric}{labels} 0"));
        }
    }
}

#[test]
fn what_calls_without_a_price_cost_is_not_said_to_be_nothing() {
    let mut served = Served::new();
    served.write("app/a.jsonl", &Row { model: "nobody-knows-1", ..ROW }.line());
    let text = served.get("/metrics").text();
    assert_has(&text, r#"cco_calls_today{model="nobody-knows-1",tier="Unknown"} 1"#);
    assert_has(&text, r#"cco_unpriced_calls_today{model="nobody-knows-1",tier="Unknown"} 1"#);
    let costs = series(&text).into_iter().filter(|name| name.starts_with("cco_cost_usd"));
    assert_eq!(costs.count(), 0, "{text}");
}

#[test]
fn names_that_read_alike_are_one_line() {
    let mut served = Served::new();
    let models = ["nobody-knows-1", "nobody-knows-1\u{202e}", "nobody-knows-1\u{200b}", r"a\b", "a\u{7}b"];
    let rows = (1..).zip(models).map(|(id, model)| Row { id, model, ..ROW }.line());
    served.write("app/a.jsonl", &rows.collect::<String>().replace('\u{7}', "\\u0007"));
    let text = served.get("/metrics").text();
    let all = series(&text);
    let different: HashSet<&&str> = all.iter().collect();
    assert_eq!(different.len(), all.len(), "{text}");
    assert_has(&text, r#"cco_calls_total{model="nobody-knows-1",tier="Unknown"} 3"#);
}

#[test]
fn limits_are_told_by_account_and_window() {
    let mut served = Served::new();
    let folder = served.folder.path().join("claude");
    let resets = "2026-11-25T14:00:00Z";
    let remembered = format!(
        r#"{{"oauthAccount":{{"accountUuid":"11111111-aaaa-4aaa-8aaa-000000000001","organizationUuid":"22222222-bbbb-4bbb-8bbb-000000000001","emailAddress":"ann@example.com"}},"cachedUsageUtilization":{{"fetchedAtMs":{},"accountUuid":"11111111-aaaa-4aaa-8aaa-000000000001","utilization":{{"five_hour":{{"utilization":42.0,"resets_at":"{resets}"}}}}}}}}"#,
        super::served::at("2026-11-25T11:55:00Z").as_millisecond()
    );
    std::fs::write(folder.join(".claude.json"), remembered).expect("a file");
    served.engine.set_now((served.shared.clock)());
    served.engine.look_at_accounts().expect("a look");
    let text = served.get("/metrics").text();
    let labels = r#"{account="ann@example.com",id="22222222-bbbb-4bbb-8bbb-000000000001/11111111-aaaa-4aaa-8aaa-000000000001",window="five_hour"}"#;
    assert_has(&text, &format!("cco_limit_used_percent{labels} 42.0"));
    assert_has(&text, &format!("cco_limit_reset_timestamp_seconds{labels} 1795615200"));
    assert_has(&text, &format!("cco_limit_observed_timestamp_seconds{labels} 1795607700"));
}
