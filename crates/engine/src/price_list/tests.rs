use cco_model::call::{Terms, Usage};
use cco_model::tokens::Tokens;
use jiff::Timestamp;

use super::*;

const OCTOBER: &str = "2026-10-20T12:00:00Z";

/// One input token and ten output tokens, as most calls here have.
fn usage() -> Usage {
    Usage { tokens: Tokens { input: 1, output: 10, ..Tokens::default() }, ..Usage::default() }
}

fn counting(tokens: Tokens) -> Usage {
    Usage { tokens, ..usage() }
}

fn fast(usage: Usage) -> Usage {
    Usage { terms: Terms { fast: true, speed_known: true, ..usage.terms }, ..usage }
}

fn nano(list: &PriceList, model: &str, usage: &Usage, at: &str) -> Option<i64> {
    let at_ms = at.parse::<Timestamp>().unwrap().as_millisecond();
    list.cost(model, usage, at_ms).map(|cost| cost.total().0)
}

#[test]
fn calls_cost_what_the_corpus_says() {
    let reads = |input, read| counting(Tokens { input, output: 10, cache_read: read, ..Tokens::default() });
    let only_reads = counting(Tokens { cache_read: 1_000, ..Tokens::default() });
    let long = fast(counting(Tokens { input: 200_001, output: 10, ..Tokens::default() }));
    let split =
        |five, hour| counting(Tokens { cache_write_5m: five, cache_write_1h: hour, ..usage().tokens });
    let us_batch = Usage {
        web_search: 2,
        terms: Terms { us_inference: true, batch: true, ..Terms::default() },
        ..usage()
    };
    let rows = [
        ("plainest", "claude-opus-4-8", usage(), OCTOBER, Some(255_000)),
        (
            "five-minute writes",
            "claude-opus-4-8",
            split(4, 6),
            OCTOBER,
            Some(255_000 + 4 * 6_250 + 6 * 10_000),
        ),
        ("haiku above its threshold", "claude-haiku-5-5", reads(1, 100_000), OCTOBER, Some(5_025_500)),
        ("haiku at its threshold", "claude-haiku-5-5", reads(0, 100_000), OCTOBER, Some(1_005_000)),
        (
            "fast and long",
            "claude-opus-4-6",
            long,
            "2026-03-01T00:00:00Z",
            Some(200_001 * 60_000 + 10 * 225_000),
        ),
        ("fast on its last day", "claude-opus-4-6", fast(usage()), "2026-06-28T23:59:59Z", Some(1_530_000)),
        ("fast has ended", "claude-opus-4-6", fast(usage()), "2026-07-01T00:00:00Z", Some(255_000)),
        (
            "the old rate's last second",
            "claude-sonnet-5-5",
            only_reads,
            "2026-10-06T23:59:59Z",
            Some(200_000),
        ),
        ("the new rate's first", "claude-sonnet-5-5", only_reads, "2026-10-07T00:00:00Z", Some(100_000)),
        ("US, batch, searches", "claude-opus-4-8", us_batch, OCTOBER, Some(255_000 * 11 / 20 + 20_000_000)),
        ("no US multiplier", "claude-opus-4-5", us_batch, OCTOBER, Some(127_500 + 20_000_000)),
        ("a release of its own", "claude-opus-5-9", usage(), OCTOBER, None),
        ("no rates known", "claude-mythos-preview", usage(), OCTOBER, None),
        ("a null class", "claude-3-sonnet", split(0, 1), OCTOBER, None),
        ("Bedrock", "us.anthropic.claude-sonnet-4-20250514-v1:0", usage(), OCTOBER, Some(153_000)),
        ("Vertex", "claude-sonnet-4@20250514", usage(), OCTOBER, Some(153_000)),
        ("gateway", "anthropic/claude-sonnet-4-20250514", usage(), OCTOBER, Some(153_000)),
    ];
    let list = embedded();
    for (why, model, usage, at, expected) in rows {
        assert_eq!(nano(&list, model, &usage, at), expected, "{why}");
    }
}

#[test]
fn every_id_and_alias_of_the_embedded_list_finds_its_own_model() {
    let list = embedded();
    assert!(list.id().starts_with("2026-11-20-"), "{}", list.id());
    assert_eq!(list.web_search(), NanoUsd(10_000_000));
    for model in list.models() {
        for name in std::iter::once(&model.id).chain(&model.aliases) {
            assert_eq!(list.find(name).map(|found| &found.id), Some(&model.id), "{name}");
            for name in [format!("bedrock/eu.anthropic.{name}-v1:0"), format!("{name}-thinking-fast[1m]")] {
                assert_eq!(list.find(&name).map(|found| &found.id), Some(&model.id), "{name}");
            }
        }
    }
}

/// A list of one model, with its top-level input rate and what else it has.
fn text(input: &str, more: &str) -> String {
    format!(
        r#"{{"schema":1,"as_of":"2026-11-21","rules":{{"web_search_usd_per_1000":10.0}},"models":[{{"id":"claude-x-1","tier":"other",
        "input":{input},"output":25,"cache_write_5m":6.25,"cache_write_1h":1e1,"cache_read":null{more},
        "us_inference_multiplier":null,"batch_multiplier":0.5,"note":"unknown fields are fine"}}]}}"#
    )
}

fn refusal(text: &str) -> String {
    parse(text).expect_err("no price list").to_string()
}

#[test]
fn every_kind_of_model_has_a_name_that_people_choose_it_by() {
    let list = embedded();
    let tier = |name: &str| list.find(name).map(|model| model.tier.clone());
    assert_eq!(tier("claude-fable-5-1").as_deref(), Some("Fable"));
    assert_eq!(tier("claude-mythos-preview").as_deref(), Some("Mythos"));
    assert!(list.models().iter().all(|model| model.tier != "other"));
    assert_eq!(parse(&text("5", "")).unwrap().models()[0].tier, "Unknown", "a list of another time");
}

#[test]
fn rates_are_taken_as_decimal_text() {
    let list = parse(&text("0.000001", "")).unwrap();
    let rates = list.models()[0].rates;
    assert_eq!(rates.input, Some(Rate(1)));
    assert_eq!((rates.cache_write_1h, rates.cache_read), (Some(Rate(10_000_000)), None));
}

#[test]
fn a_number_that_is_no_exact_price_is_refused_by_model_and_field() {
    for bad in ["0.0000001", "-1", "1e-9", "1e400", "\"5\"", "true", "[5]"] {
        let words = refusal(&text(bad, ""));
        assert!(words.starts_with(&format!("claude-x-1: input is {bad}, which is no price")), "{words}");
    }
    let rates = r#""output":1,"cache_write_5m":1,"cache_write_1h":1,"cache_read":1"#;
    let tier = format!(
        r#","fast":[{{"input":1,{rates},"prompt_tiers":[{{"input":-1,{rates},"above_prompt_tokens":1}}]}}]"#
    );
    let words = refusal(&text("5", &tier));
    assert!(words.starts_with("claude-x-1: fast.prompt_tiers.input is -1"), "{words}");
    let tier = format!(r#","prompt_tiers":[{{"input":1,{rates}}}]"#);
    let words = refusal(&text("5", &tier));
    assert!(words.starts_with("claude-x-1: prompt_tiers.above_prompt_tokens is null"), "{words}");
    let band = format!(r#","rate_history":[{{"input":1,{rates},"valid_from":"2026-13-01"}}]"#);
    let words = refusal(&text("5", &band));
    assert!(words.starts_with("claude-x-1: rate_history.valid_from is \"2026-13-01\""), "{words}");
}

#[test]
fn what_is_no_price_list_is_refused() {
    assert!(matches!(parse("{"), Err(PriceListError::Shape(_))));
    let later = text("5", "").replace(r#""schema":1"#, r#""schema":2"#);
    assert!(matches!(parse(&later), Err(PriceListError::Schema(2))));
    let undated = text("5", "").replace("2026-11-21", "soon");
    assert!(refusal(&undated).starts_with("the list: as_of is \"soon\""));
    let no_rate = text("5", "").replace(r#""output":25,"#, "");
    assert!(
        matches!(parse(&no_rate), Err(PriceListError::Shape(_))),
        "a missing rate is a typo, null is none"
    );
    let no_batch = text("5", "").replace(r#""batch_multiplier":0.5"#, r#""batch_multiplier":null"#);
    assert!(refusal(&no_batch).starts_with("claude-x-1: batch_multiplier is null"));
}

#[test]
fn another_text_is_another_list_and_the_same_text_the_same() {
    let id = |text: &str| parse(text).unwrap().id().to_owned();
    assert_eq!(id(&text("5", "")), id(&text("5", "")));
    assert_ne!(id(&text("5", "")), id(&text("6", "")));
    // The published first digits of FNV-1a of "foobar".
    assert_eq!(short_hash(b"foobar"), "85944171");
}

#[test]
fn own_rates_replace_those_of_a_model_on_every_day_and_length() {
    let own = ModelOverride {
        model: "anthropic/Claude-Haiku-5.5".to_owned(),
        input: Some(Rate(7_000_000)),
        ..ModelOverride::default()
    };
    let list = with_overrides(embedded(), std::slice::from_ref(&own));
    let long = counting(Tokens { input: 200_000, output: 10, ..Tokens::default() });
    assert_eq!(nano(&list, "claude-haiku-5-5", &long, OCTOBER), Some(200_000 * 7_000 + 10 * 500));
    assert_eq!(list.models().len(), embedded().models().len());
    assert!(list.id().starts_with(&format!("{}+", embedded().id())), "{}", list.id());
    let other = with_overrides(embedded(), &[ModelOverride { input: Some(Rate(8_000_000)), ..own }]);
    assert_ne!(list.id(), other.id());
    assert_eq!(with_overrides(embedded(), &[]).id(), embedded().id());
}

#[test]
fn own_rates_give_an_unknown_model_a_price() {
    let own = ModelOverride {
        model: "openrouter/Some.Model-2.5-v1:0".to_owned(),
        input: Some(Rate(1_000_000)),
        output: Some(Rate(2_000_000)),
        ..ModelOverride::default()
    };
    let later = ModelOverride {
        model: "some.model-2.5".to_owned(),
        output: Some(Rate(3_000_000)),
        ..ModelOverride::default()
    };
    let list = with_overrides(embedded(), &[own, later]);
    for name in ["openrouter/Some.Model-2.5-v1:0", "some.model-2.5", "some.model-2-5-20260101"] {
        assert_eq!(nano(&list, name, &usage(), OCTOBER), Some(31_000), "{name}");
    }
    let reads = counting(Tokens { cache_read: 1, ..Tokens::default() });
    assert_eq!(nano(&list, "some.model-2.5", &reads, OCTOBER), None);
}
