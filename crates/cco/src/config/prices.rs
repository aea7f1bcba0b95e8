//! Prices of the user's own: where each stands, and what an incomplete one lacks.
//!
//! Must not: decide what a call costs.

use cco_engine::price_list::ModelOverride;
use cco_model::price::{PriceList, Rates};

/// One entry of `[prices]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnPrice {
    /// `path:line` of its first mention.
    pub(crate) place: String,
    /// What it says.
    pub(crate) rates: ModelOverride,
}

/// Rates of a model with one of each that would be right, in dollars for a million tokens.
pub(crate) static RATES: &[(&str, &str)] = &[
    ("input", "3"),
    ("output", "15"),
    ("cache_write_5m", "3.75"),
    ("cache_write_1h", "6"),
    ("cache_read", "0.3"),
];

impl OwnPrice {
    /// The classes that it gives a rate, with the rate in dollars for a million tokens.
    pub(crate) fn classes(&self) -> Vec<(&'static str, String)> {
        let ModelOverride { input, output, cache_write_5m, cache_write_1h, cache_read, .. } = &self.rates;
        let given = [input, output, cache_write_5m, cache_write_1h, cache_read];
        let classes = RATES.iter().zip(given);
        classes.filter_map(|((class, _), rate)| Some((*class, dollars(rate.as_ref()?.0)))).collect()
    }

    /// What is wrong with it and what to add, when neither it nor the list has a rate for every class of tokens.
    /// `merged` is the list with the user's prices in it.
    pub(crate) fn complaint(&self, merged: &PriceList) -> Option<(String, String)> {
        let model = &self.rates.model;
        let rates = merged.find(model)?.rates;
        let known = [rates.input, rates.output, rates.cache_write_5m, rates.cache_write_1h, rates.cache_read];
        let missing: Vec<&(&str, &str)> =
            RATES.iter().zip(known).filter(|(_, rate)| rate.is_none()).map(|(class, _)| class).collect();
        let (name, example) = missing.first()?;
        let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
        let (names, place) = (names.join(", "), &self.place);
        Some((
            format!("{place}: `prices.{model:?}` lacks {names}; calls with such tokens have no price"),
            format!(
                "add below [prices.{model:?}], in dollars for a million tokens, such as {name} = {example} (0 if free)"
            ),
        ))
    }
}

/// The rate of a class of [`RATES`], in dollars for a million tokens.
pub(crate) fn rate_of(rates: &Rates, class: &str) -> Option<String> {
    let known = [rates.input, rates.output, rates.cache_write_5m, rates.cache_write_1h, rates.cache_read];
    let (_, rate) = RATES.iter().zip(known).find(|((name, _), _)| *name == class)?;
    rate.map(|rate| dollars(rate.0))
}

/// Dollars for a million tokens, from pico-dollars for one.
fn dollars(pico: u64) -> String {
    let decimal = format!("{}.{:06}", pico / 1_000_000, pico % 1_000_000);
    decimal.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use cco_model::price::Rate;

    use super::*;

    #[test]
    fn rates_are_shown_as_they_are_written() {
        for text in ["3", "0.3", "15.5", "0", "0.000001", "100"] {
            assert_eq!(Rate::from_decimal(text).map(|rate| dollars(rate.0)).as_deref(), Some(text));
        }
    }
}
