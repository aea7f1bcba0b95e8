use proptest::prelude::*;

use super::*;

fn told(body: &str) -> Vec<String> {
    let usage = parse(body.as_bytes()).unwrap_or_else(|error| panic!("{error}: {body}"));
    usage
        .buckets
        .iter()
        .map(|bucket| {
            let percent = bucket.percent.map_or("?".to_owned(), |percent| percent.tenths().to_string());
            let resets = bucket.resets_at_ms.map_or("-".to_owned(), |time| time.to_string());
            format!("{} {percent} {resets}", bucket.window)
        })
        .collect()
}

fn odd(body: &str) -> Vec<String> {
    let usage = parse(body.as_bytes()).unwrap();
    usage.odd.iter().map(|odd| format!("{} {}", odd.place, odd.what)).collect()
}

#[test]
fn limits_are_believed_before_the_flat_buckets() {
    let body = r#"{
        "limits": [
            {"kind": "session", "percent": 29, "resets_at": "2026-02-08T14:00:00Z", "severity": "ok", "is_active": true},
            {"kind": "weekly_all", "percent": 98.4, "resets_at": "2026-02-12T14:38:00.571404+00:00"},
            {"kind": "weekly_scoped", "percent": 12, "resets_at": null, "scope": {"model": {"display_name": "Opus"}}},
            {"kind": "weekly_scoped", "percent": 3},
            {"kind": "monthly_spend", "percent": 140}
        ],
        "five_hour": {"utilization": 77, "resets_at": null},
        "seven_day_sonnet": {"utilization": 5.0, "resets_at": null},
        "seven_day_opus": {"utilization": 99, "resets_at": null},
        "iguana_necktie": null
    }"#;
    assert_eq!(
        told(body),
        [
            "five_hour 290 1770559200000",
            "seven_day 984 1770907080571",
            "seven_day:opus 120 -",
            "seven_day:sonnet 50 -",
            "other:monthly_spend 1400 -",
            "other:weekly_scoped 30 -",
        ]
    );
    assert_eq!(odd(body), [""; 0]);
}

#[test]
fn a_flat_bucket_stands_in_where_limits_know_no_percentage() {
    let body = r#"{"limits": [{"kind": "session", "percent": null}], "five_hour": {"utilization": 7}}"#;
    assert_eq!(told(body), ["five_hour 70 -"]);
}

#[test]
fn one_bad_bucket_loses_that_bucket_alone() {
    for (bad, what) in [
        (r#""five_hour": 7"#, "five_hour is no object"),
        (r#""five_hour": []"#, "five_hour is no object"),
        (r#""limits": {}"#, "limits is no list"),
        (r#""limits": [5]"#, "limits[0] is no object"),
        (r#""limits": [{"percent": 5}]"#, "limits[0] has no kind"),
        (r#""limits": [{"kind": "\u001b\u202e", "percent": 5}]"#, "limits[0] has no usable name"),
        (r#""extra_usage": "x""#, "extra_usage is no object"),
        (r#""\u001b": {"utilization": 5}"#, "\u{1b} has no usable name"),
    ] {
        let body = format!(r#"{{{bad}, "seven_day": {{"utilization": 41, "resets_at": null}}}}"#);
        assert_eq!(told(&body), ["seven_day 410 -"], "{bad}");
        assert_eq!(odd(&body), [what], "{bad}");
    }
}

#[test]
fn a_percentage_or_a_time_that_makes_no_sense_is_unknown_and_the_rest_of_its_bucket_stays() {
    for percent in [r#""NaN""#, "true", "[]", "{}", r#""50""#] {
        let body = format!(r#"{{"five_hour": {{"utilization": {percent}, "resets_at": 1770559200}}}}"#);
        assert_eq!(told(&body), ["five_hour ? 1770559200000"]);
        assert_eq!(odd(&body), ["five_hour has a percentage that is no number"]);
    }
    for time in [r#""soon""#, r#""""#, "-5", "1e300", "true", r#""2026-02-08""#] {
        let body = format!(r#"{{"five_hour": {{"utilization": 29, "resets_at": {time}}}}}"#);
        assert_eq!(told(&body), ["five_hour 290 -"], "{time}");
        assert_eq!(odd(&body), ["five_hour has a reset that is no time"]);
    }
}

#[test]
fn a_bare_nan_is_unknown_and_a_text_that_says_so_is_left_alone() {
    let body = r#"{"five_hour": {"utilization": NaN}, "seven_day": {"utilization": -Infinity},
        "seven_day_opus": {"utilization": 4}, "note": "NaN \" Infinity \\"}"#;
    assert_eq!(told(body), ["five_hour ? -", "seven_day ? -", "seven_day:opus 40 -"]);
    let mended = tolerant::without_nan(br#"{"a": "NaN \" NaN", "b": NaN}"#).unwrap();
    assert_eq!(mended, br#"{"a": "NaN \" NaN", "b": null}"#);
}

#[test]
fn percentages_are_tenths_rounded_down_and_no_float_is_trusted() {
    for (text, tenths) in [
        ("0", 0),
        ("0.0", 0),
        ("-0", 0),
        ("-5", 0),
        ("-1e300", 0),
        ("29", 290),
        ("29.04", 290),
        ("29.000000000000004", 290),
        ("28.999999999999996", 290),
        ("28.99", 289),
        ("99.96", 999),
        ("99.9999", 1_000),
        ("0.1", 1),
        ("0.09", 0),
        ("1.5e1", 150),
        ("150e-1", 150),
        ("5E-1", 5),
        ("1e-300", 0),
        ("100.1", 1_000),
        ("1e300", 1_000),
        ("1e99999999999999999999", 1_000),
        ("123456789012345678901234567890", 1_000),
    ] {
        let body = format!(r#"{{"five_hour": {{"utilization": {text}}}}}"#);
        assert_eq!(told(&body), [format!("five_hour {tenths} -")], "{text}");
    }
    let spent = r#"{"extra_usage": {"is_enabled": true, "utilization": 1e300}}"#;
    assert_eq!(told(spent), ["other:extra_usage 99999 -"]);
}

#[test]
fn extra_usage_is_money_in_minor_units() {
    let body = r#"{"extra_usage": {"is_enabled": true, "monthly_limit": 10000, "used_credits": 512.0,
        "utilization": 5.12, "currency": "usd"}}"#;
    let usage = parse(body.as_bytes()).unwrap();
    let currency = Some("USD".to_owned());
    let extra =
        ExtraUsage { enabled: Some(true), used_minor: Some(512), limit_minor: Some(10_000), currency };
    assert_eq!(usage.extra, Some(extra));
    assert_eq!(told(body), ["other:extra_usage 51 -"]);
    let off = r#"{"extra_usage": {"is_enabled": false, "monthly_limit": null, "used_credits": null, "utilization": null}}"#;
    assert_eq!(told(off), [""; 0]);
}

#[test]
fn everything_may_be_null_and_unknown_windows_keep_their_name() {
    let body = r#"{"five_hour": null, "seven_day": {"utilization": null, "resets_at": null}, "limits": null,
        "extra_usage": null, "seven_day_oauth_apps": {"utilization": 6, "resets_at": null}, "new": {"x": 1}}"#;
    assert_eq!(told(body), ["seven_day ? -", "other:seven_day_oauth_apps 60 -"]);
    assert_eq!(odd(body), [""; 0]);
}

#[test]
fn what_names_no_window_is_no_answer() {
    for body in [
        "",
        "null",
        "[]",
        "{}",
        "7",
        r#"{"error": {"type": "overloaded"}}"#,
        "<!DOCTYPE html><html>",
        r#"{"five_hour": {"utilization": 29"#,
        "{\"five_hour\": {\"utilization\": 29}}\0",
        "\u{1f}\u{8b}\u{8}",
    ] {
        assert!(parse(body.as_bytes()).is_err(), "{body:?}");
    }
}

#[test]
fn the_body_that_claude_code_remembers_is_read_the_same() {
    let raw: Box<RawValue> = serde_json::from_str(r#"{"five_hour": {"utilization": 29}}"#).unwrap();
    assert_eq!(parse_raw(&raw), parse(raw.get().as_bytes()));
}

#[test]
fn a_body_of_ten_thousand_windows_gives_a_bounded_answer() {
    let buckets: Vec<String> = (0..10_000).map(|i| format!(r#""w{i}": {{"utilization": {i}}}"#)).collect();
    let usage = parse(format!("{{{}}}", buckets.join(",")).as_bytes()).unwrap();
    assert!(usage.buckets.len() <= MAX_BUCKETS && usage.odd.len() <= MAX_BUCKETS);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn no_damage_to_a_body_panics_or_leaves_a_plan_outside_0_to_100(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        value in r#"-?[0-9.eE+-]{1,12}|null|NaN|"[^"]{0,5}"|\[\]|\{\}"#,
    ) {
        let mut body = format!(
            r#"{{"limits":[{{"kind":"session","percent":{value},"resets_at":{value}}}],"seven_day":{{"utilization":{value}}},
            "extra_usage":{{"utilization":{value},"used_credits":{value}}}}}"#
        ).into_bytes();
        for (index, byte) in cuts {
            let at = index.index(body.len());
            body[at] = byte;
        }
        for bucket in parse(&body).unwrap_or_default().buckets {
            let tenths = bucket.percent.map_or(0, Percent::tenths);
            prop_assert!(!bucket.window.is_plan() || (0..=1_000).contains(&tenths));
        }
    }
}
