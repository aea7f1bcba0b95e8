use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::tokens::Tokens;

const SEARCH: NanoUsd = NanoUsd(10_000_000);
const DAY: Date = date(2026, 10, 20);

fn rates(per_million: [&str; 5]) -> Rates {
    let [input, output, cache_write_5m, cache_write_1h, cache_read] = per_million.map(Rate::from_decimal);
    Rates { input, output, cache_write_5m, cache_write_1h, cache_read }
}

fn model(id: &str, aliases: &[&str], rates: Rates) -> PricedModel {
    PricedModel {
        id: id.to_owned(),
        aliases: aliases.iter().map(|&alias| alias.to_owned()).collect(),
        tier: "other".to_owned(),
        rates,
        rate_history: Vec::new(),
        prompt_tiers: Vec::new(),
        fast: Vec::new(),
        us_multiplier: Some(Permille(1_100)),
        batch_multiplier: Permille::HALF,
    }
}

fn opus() -> PricedModel {
    model("claude-opus-4-8", &[], rates(["5", "25", "6.25", "10", "0.5"]))
}

fn list() -> PriceList {
    let names: [(&str, &[&str]); 6] = [
        ("claude-opus-5", &[]),
        ("claude-opus-5-5", &[]),
        ("claude-sonnet-4-20250514", &["claude-sonnet-4", "claude-sonnet-4-0"]),
        (
            "claude-3-5-sonnet-20241022",
            &["claude-3-5-sonnet", "claude-3-5-sonnet-latest", "claude-3-5-sonnet-v2"],
        ),
        ("claude-fable-5-1", &[]),
        ("Claude-Mixed-Case", &[]),
    ];
    let models = names.map(|(id, aliases)| model(id, aliases, Rates::default()));
    PriceList::new("test".to_owned(), models.into(), SEARCH)
}

fn tokens(input: u64, output: u64, write_5m: u64, write_1h: u64, read: u64) -> Usage {
    let tokens =
        Tokens { input, output, cache_write_5m: write_5m, cache_write_1h: write_1h, cache_read: read };
    Usage { tokens, ..Usage::default() }
}

fn found(name: &str) -> Option<String> {
    list().find(name).map(|model| model.id.clone())
}

#[test]
fn a_rate_is_the_exact_value_of_its_decimal_text() {
    let rows = [
        ("3", Some(3_000_000)),
        ("3.75", Some(3_750_000)),
        ("0.025", Some(25_000)),
        ("0.000001", Some(1)),
        ("1.0000000000", Some(1_000_000)),
        ("1e1", Some(10_000_000)),
        ("2.5E-3", Some(2_500)),
        ("10e-7", Some(1)),
        ("0e99", Some(0)),
        ("0.0", Some(0)),
        ("1e-7", None),
        ("0.0000001", None),
        ("-1", None),
        ("+1", None),
        ("1e400", None),
        ("1e99999999999", None),
        ("99999999999999999999", None),
        ("1.", None),
        (".5", None),
        ("", None),
        ("1_000", None),
        ("\"3\"", None),
        ("null", None),
        ("NaN", None),
    ];
    for (text, expected) in rows {
        assert_eq!(Rate::from_decimal(text).map(|rate| rate.0), expected, "{text}");
    }
    assert_eq!(Permille::from_decimal("1.1"), Some(Permille(1_100)));
    assert_eq!(Permille::from_decimal("1.0001"), None);
}

#[test]
fn every_spelling_of_a_release_finds_it() {
    let rows = [
        ("CLAUDE-Opus-5", "claude-opus-5"),
        ("anthropic/claude-opus-5", "claude-opus-5"),
        ("projects/p/locations/l/models/claude-opus-5", "claude-opus-5"),
        ("anthropic.claude-opus-5", "claude-opus-5"),
        ("global.anthropic.claude-opus-5", "claude-opus-5"),
        ("us-gov.anthropic.claude-opus-5-v1:0", "claude-opus-5"),
        ("claude-opus-5[1m]", "claude-opus-5"),
        ("claude-opus-5-fast[1m]", "claude-opus-5"),
        ("claude-opus-5-thinking-fast", "claude-opus-5"),
        ("claude-opus-5-20260724", "claude-opus-5"),
        ("claude-opus-5@20260724", "claude-opus-5"),
        ("claude-opus-5-latest", "claude-opus-5"),
        ("claude-opus-5.5", "claude-opus-5-5"),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", "claude-sonnet-4-20250514"),
        ("claude-sonnet-4@20250514", "claude-sonnet-4-20250514"),
        ("anthropic/claude-sonnet-4-20250514", "claude-sonnet-4-20250514"),
        ("claude-3.5-sonnet", "claude-3-5-sonnet-20241022"),
        ("claude-3-5-sonnet-v2", "claude-3-5-sonnet-20241022"),
        ("claude-3-5-sonnet-v2@20241022", "claude-3-5-sonnet-20241022"),
        ("claude-mixed-case", "Claude-Mixed-Case"),
    ];
    for (name, id) in rows {
        assert_eq!(found(name).as_deref(), Some(id), "{name}");
    }
}

#[test]
fn another_release_or_a_family_name_finds_nothing() {
    let names = [
        "claude-opus-5-9",
        "claude-opus-5-50",
        "claude-opus-5-2026072",
        "claude-opus-5-202607241",
        "claude-opus-5@2026",
        "claude-opus-5-latest-20260724",
        "claude-opus",
        "claude-fable-5",
        "opus",
        "<synthetic>",
        "",
        "/",
        "claude-opus-5/",
        "elsewhere.claude-opus-5",
        "u.anthropic.claude-opus-5",
        "ninechars.anthropic.claude-opus-5",
        "u1.anthropic.claude-opus-5",
        "eu.us.anthropic.claude-opus-5",
        "claude-opus-5\n",
        "claude-opus-5-v",
        "claude-opus-5:",
        "claude-opus-5[1m][1m]",
    ];
    for name in names {
        assert_eq!(found(name), None, "{name}");
    }
}

#[test]
fn every_step_of_normalisation_is_taken_once_and_in_order() {
    let rows = [
        ("A/B/C", "c"),
        ("anthropic.anthropic.x", "anthropic.x"),
        ("us.anthropic.x", "x"),
        ("x-v2-v3", "x-v2"),
        ("x-v1:2:3", "x-v1:2"),
        ("x:0-v1", "x:0"),
        ("x[1m]:0", "x[1m]"),
        ("x-fast-thinking", "x-fast"),
        ("x-thinking-fast", "x"),
        ("x-v1-thinking", "x-v1"),
        ("1.2.3.x.4", "1-2-3.x.4"),
        ("x.5@12345678", "x.5-12345678"),
        ("é.5@1", "é.5@1"),
    ];
    for (name, expected) in rows {
        assert_eq!(normalise(name), expected, "{name}");
    }
}

fn usual_name() -> impl Strategy<Value = (String, &'static str)> {
    let ids = prop::sample::select(vec!["claude-opus-5", "claude-sonnet-4-20250514", "claude-fable-5-1"]);
    let front =
        prop::sample::select(vec!["", "us.anthropic.", "anthropic.", "anthropic/", "a/b/eu.anthropic."]);
    let tail = prop::sample::select(vec!["", "-thinking", "-fast", "-thinking-fast", "-v1", "-v1:0", ":12"]);
    let long = prop::sample::select(vec!["", "[1m]"]);
    (front, ids, tail, long, any::<bool>()).prop_map(|(front, id, tail, long, loud)| {
        let name = format!("{front}{id}{tail}{long}");
        (if loud { name.to_uppercase() } else { name }, id)
    })
}

proptest! {
    #[test]
    fn a_decorated_name_finds_its_model_and_is_normalised_for_good((name, id) in usual_name()) {
        let once = normalise(&name);
        prop_assert_eq!(normalise(&once), once.clone());
        prop_assert_eq!(found(&name), Some(id.to_owned()));
        prop_assert_eq!(found(&once), Some(id.to_owned()));
    }

    #[test]
    fn any_text_can_be_looked_up(name in "[a-zA-Z0-9./@:\\[\\]é\u{130}-]{0,30}") {
        let lower = normalise(&name);
        prop_assert!(!lower.contains('/'));
        let _ = found(&name);
    }
}

#[test]
fn the_band_in_force_decides_the_rates() {
    let [top, dated, long, fast, fast_long] = ["1", "2", "3", "4", "5"].map(|rate| rates([rate; 5]));
    let days = |from, until| Valid { from: Some(from), until: Some(until) };
    let october = days(date(2026, 10, 1), date(2026, 10, 31));
    let tier = |rates, valid| PromptTier { above_prompt_tokens: 100, rates, valid };
    let mut model = model("m", &[], top);
    model.rate_history = vec![DatedRates { rates: dated, valid: october }];
    model.prompt_tiers = vec![tier(long, Valid { from: Some(date(2026, 10, 15)), until: None })];
    model.fast = vec![FastBand { rates: fast, prompt_tiers: vec![tier(fast_long, october)], valid: october }];
    let rows = [
        (date(2026, 9, 30), 1, false, 1),
        (date(2026, 10, 1), 1, false, 2),
        (date(2026, 10, 31), 1, false, 2),
        (date(2026, 11, 1), 1, false, 1),
        (date(2026, 10, 14), 101, false, 2),
        (date(2026, 10, 15), 100, false, 2),
        (date(2026, 10, 15), 101, false, 3),
        (date(2026, 10, 15), 100, true, 4),
        (date(2026, 10, 14), 101, true, 5),
        (date(2026, 11, 1), 1, true, 1),
        (date(2026, 11, 1), 101, true, 3),
    ];
    for (day, prompt, is_fast, rate) in rows {
        let mut usage = tokens(1, 0, 0, 0, prompt - 1);
        usage.terms.fast = is_fast;
        let total = model.cost(&usage, day, SEARCH).map(|cost| cost.total());
        assert_eq!(
            total,
            Some(NanoUsd(1_000 * rate * i64::try_from(prompt).unwrap())),
            "{day} {prompt} {is_fast}"
        );
    }
}

#[test]
fn terms_multiply_tokens_and_leave_searches_alone() {
    let mut usage = tokens(1, 10, 0, 0, 0);
    usage.web_search = 2;
    usage.terms = Terms { us_inference: true, batch: true, ..Terms::default() };
    let cost = opus().cost(&usage, DAY, SEARCH).unwrap();
    assert_eq!(
        (cost.input, cost.output, cost.web_search),
        (NanoUsd(2_750), NanoUsd(137_500), NanoUsd(20_000_000))
    );
    let elsewhere = PricedModel { us_multiplier: None, ..opus() };
    let cost = elsewhere.cost(&usage, DAY, SEARCH).unwrap();
    assert_eq!(cost.total(), NanoUsd(127_500 + 20_000_000));
}

#[test]
fn a_price_is_rounded_once_and_its_parts_add_up_to_it() {
    // Half a nano-dollar each: 0.5, 1.0, 1.5, 2.0 rounded half to even are 0, 1, 2, 2.
    let model = model("m", &[], rates(["0.0005", "0.0005", "0.0005", "0.0005", "0.0005"]));
    let cost = model.cost(&tokens(1, 1, 1, 0, 1), DAY, SEARCH).unwrap();
    let parts = [cost.input, cost.output, cost.cache_write, cost.cache_read].map(|part| part.0);
    assert_eq!((parts, cost.total()), ([0, 1, 1, 0], NanoUsd(2)));
    let total = |input| model.cost(&tokens(input, 0, 0, 0, 0), DAY, SEARCH).map(|cost| cost.total().0);
    assert_eq!([1, 3, 5].map(total), [Some(0), Some(2), Some(2)]);
}

#[test]
fn savings_are_reads_and_writes_at_the_input_rate_less_what_they_cost() {
    let savings = |usage: &Usage| opus().cost(usage, DAY, SEARCH).map(|cost| cost.savings.0);
    assert_eq!(savings(&tokens(9, 9, 0, 0, 1_000)), Some(4_500_000));
    assert_eq!(savings(&tokens(0, 0, 8, 12, 0)), Some(-(8 * 1_250 + 12 * 5_000)));
    let mut usage = tokens(0, 0, 8, 12, 1_000);
    usage.terms = Terms { us_inference: true, batch: true, ..Terms::default() };
    assert_eq!(savings(&usage), Some((4_500_000 - 70_000) * 11 / 20));
}

#[test]
fn a_class_with_tokens_needs_a_rate_and_one_without_does_not() {
    let model = model("m", &[], rates(["3", "15", "3.75", "null", "null"]));
    let cost = model.cost(&tokens(1, 1, 1, 0, 0), DAY, SEARCH).unwrap();
    assert_eq!((cost.total(), cost.savings), (NanoUsd(21_750), NanoUsd(-750)));
    assert_eq!(model.cost(&tokens(1, 1, 0, 1, 0), DAY, SEARCH), None);
    assert_eq!(model.cost(&tokens(1, 1, 0, 0, 1), DAY, SEARCH), None);
    let mut only_searches = Usage { web_search: 1, ..Usage::default() };
    only_searches.terms.fast = true;
    assert_eq!(model.cost(&only_searches, DAY, SEARCH).map(|cost| cost.total()), Some(SEARCH));
}

#[test]
fn a_price_beyond_all_money_is_no_price() {
    assert_eq!(opus().cost(&tokens(u64::MAX, 0, 0, 0, u64::MAX), DAY, SEARCH), None);
    let searches = Usage { web_search: u64::MAX, ..Usage::default() };
    assert_eq!(opus().cost(&searches, DAY, NanoUsd(i64::MAX)), None);
}

#[test]
fn a_list_prices_a_call_by_its_utc_day() {
    let cheaper =
        DatedRates { rates: rates(["1"; 5]), valid: Valid { from: None, until: Some(date(2026, 10, 6)) } };
    let dated = PricedModel { rate_history: vec![cheaper], ..opus() };
    let prices = PriceList::new("p".to_owned(), vec![dated], SEARCH);
    let midnight: i64 = "2026-10-07T00:00:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let total =
        |at_ms| prices.cost("claude-opus-4-8", &tokens(1, 0, 0, 0, 0), at_ms).map(|cost| cost.total().0);
    assert_eq!([midnight - 1, midnight].map(total), [Some(1_000), Some(5_000)]);
    assert_eq!(prices.cost("claude-opus-4-9", &tokens(1, 0, 0, 0, 0), midnight), None);
}

fn any_rates() -> impl Strategy<Value = Rates> {
    let rate = || prop::option::weighted(0.9, (0_u64..200_000_000).prop_map(Rate));
    (rate(), rate(), rate(), rate(), rate()).prop_map(
        |(input, output, cache_write_5m, cache_write_1h, cache_read)| Rates {
            input,
            output,
            cache_write_5m,
            cache_write_1h,
            cache_read,
        },
    )
}

fn any_usage(counts: std::ops::RangeInclusive<u64>) -> impl Strategy<Value = Usage> {
    let count = move || prop_oneof![Just(0), counts.clone()];
    let terms = (any::<bool>(), any::<bool>()).prop_map(|(us_inference, batch)| Terms {
        us_inference,
        batch,
        ..Terms::default()
    });
    (count(), count(), count(), count(), count(), count(), terms)
        .prop_map(|(a, b, c, d, e, web_search, terms)| Usage { web_search, terms, ..tokens(a, b, c, d, e) })
}

proptest! {
    #[test]
    fn parts_add_up_to_the_exact_price_rounded_once(rates in any_rates(), usage in any_usage(0..=2_000_000)) {
        let factor = if usage.terms.us_inference { 11 } else { 10 } * if usage.terms.batch { 1 } else { 2 };
        let t = usage.tokens;
        let classes = [
            (rates.input, t.input),
            (rates.output, t.output),
            (rates.cache_write_5m, t.cache_write_5m),
            (rates.cache_write_1h, t.cache_write_1h),
            (rates.cache_read, t.cache_read),
        ];
        let pico = classes.iter().try_fold(0, |sum, (rate, count)| match (rate, count) {
            (_, 0) => Some(sum),
            (rate, count) => Some(sum + i128::from(rate.as_ref()?.0) * i128::from(*count)),
        });
        let searches = i128::from(SEARCH.0) * i128::from(usage.web_search);
        let expected = pico.map(|pico| round_half_even(pico * factor + searches * 20_000, 20_000));
        let cost = model("m", &[], rates).cost(&usage, DAY, SEARCH);
        prop_assert_eq!(cost.map(|cost| i128::from(cost.total().0)), expected);
        if let Some(cost) = cost {
            let parts = [cost.input, cost.output, cost.cache_write, cost.cache_read, cost.web_search];
            prop_assert!(parts.iter().all(|part| part.0 >= 0));
        }
    }

    #[test]
    fn no_counts_are_too_large_to_ask_about(rates in any_rates(), usage in any_usage(0..=u64::MAX)) {
        let _ = model("m", &[], rates).cost(&usage, DAY, NanoUsd(i64::MAX));
        let steep = Rates { input: Some(Rate(u64::MAX)), cache_read: Some(Rate(0)), ..rates };
        let _ = model("m", &[], steep).cost(&usage, DAY, SEARCH);
    }
}
