//! What scripts and fingers that are used to `ccusage` look for is where they look.

use serde_json::Value;

use crate::sealed::{Call, TestEnv};

/// Two calls of a block that is running, one of a session of last week.
fn tree() -> TestEnv {
    let env = TestEnv::new();
    let call = |number, time| Call { number, time, tokens: [10, 20, 30, 0, 40], ..Call::default() };
    let old = Call { session: "22222222-2222-4222-8222-222222222222", ..call(3, "2026-10-12T09:00:00Z") };
    let rows = [call(1, "2026-10-20T11:00:00Z"), call(2, "2026-10-20T11:30:00Z"), old];
    env.transcript("p/one.jsonl", &rows.map(|call| call.row()));
    env
}

/// Keys of a value, by where they stand.
fn must_have(value: &Value, keys: &str, words: &str) {
    for key in keys.split_whitespace() {
        assert!(value.get(key).is_some(), "{words}: {key} in {value}");
    }
}

const SUMS: &str = "inputTokens outputTokens cacheCreationTokens cacheReadTokens totalTokens totalCost";

#[test]
fn every_key_of_the_json_that_scripts_read_is_there() {
    let env = tree();
    for (words, list, key) in [
        ("daily", "daily", "date"),
        ("weekly", "weekly", "week"),
        ("monthly", "monthly", "month"),
        ("session", "sessions", "sessionId lastActivity projectPath"),
    ] {
        let json = env.run(&format!("{words} --json")).json();
        let row = &json[list][0];
        must_have(row, &format!("{SUMS} {key} modelsUsed modelBreakdowns"), words);
        let model = "modelName inputTokens outputTokens cacheCreationTokens cacheReadTokens cost";
        must_have(&row["modelBreakdowns"][0], model, words);
        must_have(&json["totals"], SUMS, words);
    }
    let json = env.run("blocks --json --token-limit 1000").json();
    let running = json["blocks"].as_array().unwrap().last().unwrap();
    let keys = "id startTime endTime actualEndTime isActive isGap entries tokenCounts totalTokens costUSD models \
                burnRate projection tokenLimitStatus";
    must_have(running, keys, "blocks");
    let counts = "inputTokens outputTokens cacheCreationInputTokens cacheReadInputTokens";
    must_have(&running["tokenCounts"], counts, "blocks");
    must_have(&running["burnRate"], "tokensPerMinute tokensPerMinuteForIndicator costPerHour", "blocks");
    must_have(&running["projection"], "totalTokens totalCost remainingMinutes", "blocks");
    must_have(&running["tokenLimitStatus"], "limit projectedUsage percentUsed status", "blocks");
}

#[test]
fn the_indicator_goes_by_input_and_output_alone() {
    let blocks = tree().run("blocks --active --json").json();
    let rate = &blocks["blocks"][0]["burnRate"];
    let number = |key: &str| rate[key].as_f64().unwrap();
    // 30 of a call's 100 tokens.
    let share = number("tokensPerMinuteForIndicator") / number("tokensPerMinute");
    assert!((share - 0.3).abs() < 0.001, "{rate}");
}

#[test]
fn one_session_has_its_own_sums_and_each_of_its_calls() {
    let env = tree();
    let json = env.run("session --id 1111 --json").json();
    assert_eq!(json["sessionId"], "11111111-1111-4111-8111-111111111111");
    assert_eq!((&json["totalTokens"], &json["totalCost"]), (&200.into(), &json["totals"]["totalCost"]));
    let entries = json["entries"].as_array().unwrap();
    let times: Vec<&str> = entries.iter().map(|entry| entry["timestamp"].as_str().unwrap()).collect();
    assert_eq!(times, ["2026-10-20T11:00:00.000Z", "2026-10-20T11:30:00.000Z"]);
    let tokens = ["inputTokens", "outputTokens", "cacheCreationTokens", "cacheReadTokens"];
    assert_eq!(tokens.map(|key| entries[0][key].as_u64().unwrap()), [10, 20, 30, 40]);
    must_have(&entries[0], "model costUSD", "session --id");
    assert_eq!(json["sessions"][0]["sessionId"], json["sessionId"], "the report's own keys are there too");
    let narrowed = env.run("session --id 1111 --model opus --json").json();
    assert!(narrowed.get("entries").is_none(), "calls that a flag leaves out are not listed: {narrowed}");
}

#[test]
fn a_call_without_a_price_is_not_free_in_its_session() {
    let env = TestEnv::new();
    env.transcript("p/one.jsonl", &[Call { model: "acme-1", ..Call::default() }.row()]);
    let json = env.run("session --id 1111 --json").json();
    assert_eq!(json["entries"][0].get("costUSD"), Some(&Value::Null));
}
