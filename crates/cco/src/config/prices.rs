//! Prices of the user's own: where each stands, and what an incomplete one lacks.
//!
//! Must not: decide what a call costs.

use cco_engine::price_list::ModelOverride;
use cco_model::price::PriceList;

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
