//! How the present list comes to the price of a call: rates, multipliers and the rounding.

use cco_engine::explain::CallStory;
use cco_model::money::NanoUsd;
use cco_model::price::parts::{Breakdown, Part};
use cco_model::price::{Permille, Rate};
use jiff::civil::Date;
use serde::Serialize;

use crate::exact::Usd;

/// How the present list comes to a price.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Price<'a> {
    price_list: &'a str,
    agrees: bool,
    #[serde(flatten)]
    known: Option<Known<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Known<'a> {
    priced_as: &'a str,
    day: String,
    valid_from: Option<String>,
    valid_until: Option<String>,
    above_prompt_tokens: Option<u64>,
    fast_rates: bool,
    us_multiplier: Option<Usd>,
    batch_multiplier: Option<Usd>,
    classes: Vec<Class>,
    web_search_rate: Usd,
    web_search_cost: Option<Usd>,
    total: Option<Usd>,
    /// In 10⁻¹⁸ dollars.
    rounding_atto: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Class {
    class: &'static str,
    tokens: u64,
    /// Dollars for a million tokens.
    rate: Option<Usd>,
    cost: Option<Usd>,
}

impl<'a> Price<'a> {
    pub(super) fn new(story: &'a CallStory) -> Self {
        Self {
            price_list: &story.list,
            agrees: story.price_agrees(),
            known: story.breakdown.as_ref().map(Known::new),
        }
    }
}

impl<'a> Known<'a> {
    fn new(breakdown: &'a Breakdown) -> Self {
        let valid = breakdown.band.history.unwrap_or_default();
        let day = |day: Option<Date>| day.map(|day| day.to_string());
        // Thousandths, as a decimal number.
        let factor = |factor: Permille| Usd(NanoUsd(i64::from(factor.0) * 1_000_000));
        Self {
            priced_as: &breakdown.priced_as,
            day: breakdown.day.to_string(),
            valid_from: day(valid.from),
            valid_until: day(valid.until),
            above_prompt_tokens: breakdown.band.above_prompt_tokens,
            fast_rates: breakdown.band.fast,
            us_multiplier: breakdown.us.map(factor),
            batch_multiplier: breakdown.batch.map(factor),
            classes: breakdown.parts.iter().map(Class::new).collect(),
            web_search_rate: Usd(breakdown.web_search_rate),
            web_search_cost: breakdown.web_search_cost.map(Usd),
            total: breakdown.total.map(Usd),
            rounding_atto: i64::try_from(breakdown.rounding_atto).unwrap_or_default(),
        }
    }
}

impl Class {
    fn new(part: &Part) -> Self {
        // Pico-dollars for a token are millionths of dollars for a million tokens.
        let dollars =
            |rate: Rate| i64::try_from(rate.0).ok()?.checked_mul(1_000).map(|rate| Usd(NanoUsd(rate)));
        Self {
            class: part.class,
            tokens: part.tokens,
            rate: part.rate.and_then(dollars),
            cost: part.cost.map(Usd),
        }
    }
}
