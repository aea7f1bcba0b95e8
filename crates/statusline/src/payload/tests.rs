use super::*;

fn read(json: &str) -> Payload {
    Payload::read(json.as_bytes())
}

#[test]
fn a_number_may_be_whole_broken_or_a_text() {
    for cost in ["2.5", "\"2.5\"", "25e-1", "\" 2.5 \""] {
        assert_eq!(
            read(&format!(r#"{{"cost":{{"total_cost_usd":{cost}}}}}"#)).cost.nanos,
            Some(2_500_000_000)
        );
    }
    for cost in ["null", "\"NaN\"", "-1", "1e308", "{}", "[2.5]", "true", "\"\""] {
        assert_eq!(read(&format!(r#"{{"cost":{{"total_cost_usd":{cost}}}}}"#)).cost.nanos, None, "{cost}");
    }
}

#[test]
fn a_model_may_be_an_object_or_a_text() {
    for model in [
        r#""claude-opus-5-5""#,
        r#"{"id":"claude-opus-5-5","display_name":"x"}"#,
        r#"{"id":null,"display_name":"claude-opus-5-5"}"#,
    ] {
        assert_eq!(read(&format!(r#"{{"model":{model}}}"#)).model.as_deref(), Some("claude-opus-5-5"));
    }
}

#[test]
fn what_stands_before_the_end_of_a_cut_payload_counts() {
    let payload = read(r#"{"cwd":"/a","cost":{"total_cost_usd":1,"total_dur"#);
    assert_eq!((payload.dir.as_deref(), payload.cost.nanos), (Some("/a"), None));
    assert_eq!(read(r#"{"cwd":"/a","model":"claude-op"#).model, None, "half a name is another name");
}

#[test]
fn half_a_pair_of_surrogates_costs_only_itself() {
    assert_eq!(read(r#"{"session_name":"cut \ud83d","cwd":"/a"}"#).session_name.as_deref(), Some("cut "));
    assert_eq!(
        read(r#"{"session_name":"\\ud83d \udc00x\u0041"}"#).session_name.as_deref(),
        Some(r"\ud83d xA")
    );
    assert_eq!(read(r#"{"session_name":"\ud83d\ude00"}"#).session_name.as_deref(), Some("😀"));
}

#[test]
fn of_a_key_that_stands_twice_the_last_one_counts_and_keys_may_be_escaped() {
    assert_eq!(read(r#"{"cwd":"/a","c\u0077d":"/b"}"#).dir.as_deref(), Some("/b"));
}

#[test]
fn context_is_the_use_of_now_else_the_percentage_else_unknown() {
    let used = |fields: &str| {
        read(&format!(r#"{{"context_window":{{"context_window_size":200000,{fields}}}}}"#)).context
    };
    let now = r#""current_usage":{"input_tokens":9,"cache_creation_input_tokens":2201,"cache_read_input_tokens":79880}"#;
    assert_eq!(used(now).used, Some(82_090));
    assert_eq!(used(r#""used_percentage":41,"current_usage":null"#).used, Some(82_000));
    assert_eq!(used(r#""used_percentage":0,"current_usage":null,"total_input_tokens":0"#).used, None);
    assert_eq!(used(r#""total_input_tokens":1265001"#).used, None, "these were sums over all calls");
    assert_eq!(
        read(r#"{"context_window":{"context_window_size":0,"used_percentage":5}}"#).context,
        Context::default()
    );
}

#[test]
fn limits_are_read_by_their_keys_and_a_bad_one_costs_only_itself() {
    let payload = read(
        r#"{"rate_limits":{"five_hour":{"used_percentage":"42.0","resets_at":1795219200.5},"seven_day":7,
            "seven_day_opus":{"used_percentage":9.99},"spend_limit":{"used_percentage":112.5},
            "model_scoped":[{"display_name":"Fable","used_percentage":55},3,{"used_percentage":1}]}}"#,
    );
    let told: Vec<_> = payload
        .windows
        .iter()
        .map(|it| (it.window.to_string(), it.percent.map(Percent::tenths), it.resets_at_ms))
        .collect();
    let expected = [
        ("five_hour", 420, Some(1_795_219_200_500)),
        ("seven_day:fable", 550, None),
        ("seven_day:opus", 99, None),
        ("other:spend_limit", 1_125, None),
    ];
    assert_eq!(told, expected.map(|(window, tenths, end)| (window.to_owned(), Some(tenths), end)));
}

#[test]
fn names_are_cleaned_and_endless_ones_are_none() {
    assert_eq!(read("{\"cwd\":\"/a\\u001b[2J\u{202e}b\"}").dir.as_deref(), Some("/a[2Jb"));
    assert_eq!(
        read(&format!(r#"{{"cwd":"/a","session_name":"{}"}}"#, "x".repeat(MOST_CHARS + 1))).session_name,
        None
    );
    assert!(read(r#"{"cwd":" \u0000 "}"#).is_silent());
}

#[test]
fn a_payload_is_whole_when_its_object_has_ended() {
    for (text, whole) in
        [("{}", true), ("{\"a\":1}\n", true), ("{\"a\":{}", false), ("", false), ("x}", false)]
    {
        assert_eq!(Payload::is_whole(text.as_bytes()), whole, "{text}");
    }
}

#[test]
fn however_deep_a_payload_is_it_is_read() {
    let deep = format!("{{\"x\":{}{},\"cwd\":\"/a\"}}", "[".repeat(400_000), "]".repeat(400_000));
    assert_eq!(read(&deep).dir.as_deref(), Some("/a"));
}
