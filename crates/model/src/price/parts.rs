//! A call's price taken apart: each class at its rate, what the rounding did, and where the rates stand.
//!
//! Must not: differ from [`PricedModel::cost`]: its parts add up to that price to the nano-dollar.

use jiff::civil::Date;

use super::{Band, Permille, PriceList, PricedModel, Rate, RunningSum, class_price};
use crate::call::Usage;
use crate::civil::utc_day;
use crate::money::NanoUsd;

/// One class of tokens and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name: `input`, `output`, `cache_write_5m`, `cache_write_1h`, `cache_read`.
    pub class: &'static str,
    /// How many.
    pub tokens: u64,
    /// The price of one before the multipliers; none: the list has no rate.
    pub rate: Option<Rate>,
    /// Its part of the call's cost, rounded so that all parts add up to it; none when the call has no price.
    pub cost: Option<NanoUsd>,
}

/// A call's price taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breakdown {
    /// The model's id in the list.
    pub priced_as: String,
    /// The UTC day whose rates count.
    pub day: Date,
    /// Where the rates stand.
    pub band: Band,
    /// What US inference multiplies the tokens' price by, for a call that has it.
    pub us: Option<Permille>,
    /// What a batch multiplies the tokens' price by, for a call that has it.
    pub batch: Option<Permille>,
    /// The five classes, in the order of [`super::Rates`].
    pub parts: [Part; 5],
    /// Web searches.
    pub web_search: u64,
    /// The price of one web search.
    pub web_search_rate: NanoUsd,
    /// What the web searches cost; none when the call has no price.
    pub web_search_cost: Option<NanoUsd>,
    /// The call's cost; none: it has no price.
    pub total: Option<NanoUsd>,
    /// What the one rounding added, in 10⁻¹⁸ dollars; negative when it took away.
    pub rounding_atto: i128,
    /// What the cache saved; none when the call has no price.
    pub savings: Option<NanoUsd>,
}

impl PriceList {
    /// How this list comes to the price of a call of this model, made at this instant; none: it has no such model.
    pub fn breakdown(&self, model: &str, usage: &Usage, at_ms: i64) -> Option<Breakdown> {
        Some(self.find(model)?.breakdown(usage, utc_day(at_ms), self.web_search))
    }
}

impl PricedModel {
    /// How a call's price on this UTC day comes about, with this price for one web search.
    pub fn breakdown(&self, usage: &Usage, day: Date, web_search: NanoUsd) -> Breakdown {
        let (rates, band) = self.rates_for(usage, day);
        let tokens = &usage.tokens;
        let classes = [
            ("input", tokens.input, rates.input),
            ("output", tokens.output, rates.output),
            ("cache_write_5m", tokens.cache_write_5m, rates.cache_write_5m),
            ("cache_write_1h", tokens.cache_write_1h, rates.cache_write_1h),
            ("cache_read", tokens.cache_read, rates.cache_read),
        ];
        let price = self.cost(usage, day, web_search);
        let factor = self.factor(usage.terms);
        let mut so_far = RunningSum::default();
        let mut add = |atto: Option<i128>| price.and_then(|_| so_far.add(atto?));
        let parts = classes.map(|(class, tokens, rate)| {
            let cost = add(class_price(rate, tokens, factor));
            Part { class, tokens, rate, cost }
        });
        let searches = i128::from(web_search.0).saturating_mul(i128::from(usage.web_search));
        let web_search_cost = add(searches.checked_mul(super::ATTO));
        let rounding_atto = i128::from(so_far.rounded) * super::ATTO - so_far.atto;
        Breakdown {
            priced_as: self.id.clone(),
            day,
            band,
            us: self.us_multiplier.filter(|_| usage.terms.us_inference),
            batch: usage.terms.batch.then_some(self.batch_multiplier),
            parts,
            web_search: usage.web_search,
            web_search_rate: web_search,
            web_search_cost,
            total: price.map(|price| price.total()),
            rounding_atto,
            savings: price.map(|price| price.savings),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::call::Terms;
    use crate::price::{FastBand, PromptTier, Rates, Valid};
    use crate::tokens::Tokens;

    fn rates(base: u64) -> Rates {
        let rate = |times: u64| Some(Rate(base * times / 10 + 7));
        Rates {
            input: rate(10),
            output: rate(50),
            cache_write_5m: rate(12),
            cache_write_1h: rate(20),
            cache_read: rate(1),
        }
    }

    /// A model with rates of every kind.
    fn model() -> PricedModel {
        let tier =
            |base| PromptTier { above_prompt_tokens: 200_000, rates: rates(base), valid: Valid::default() };
        let early = Valid { from: None, until: Some(date(2026, 1, 1)) };
        PricedModel {
            id: "house".to_owned(),
            aliases: Vec::new(),
            tier: "other".to_owned(),
            rates: rates(5_000_001),
            rate_history: vec![crate::price::DatedRates { rates: rates(7_333_333), valid: early }],
            prompt_tiers: vec![tier(9_999_999)],
            fast: vec![FastBand {
                rates: rates(30_000_003),
                prompt_tiers: vec![tier(60_000_001)],
                valid: Valid::default(),
            }],
            us_multiplier: Some(Permille(1_100)),
            batch_multiplier: Permille::HALF,
        }
    }

    #[test]
    fn the_band_says_which_rates_were_taken() {
        let usage = |input, fast| Usage {
            tokens: Tokens { input, ..Tokens::default() },
            terms: Terms { fast, ..Terms::default() },
            ..Usage::default()
        };
        let early = Some(Valid { from: None, until: Some(date(2026, 1, 1)) });
        for (day, input, fast, history, above) in [
            (date(2026, 6, 1), 1, false, None, None),
            (date(2026, 1, 1), 1, false, early, None),
            (date(2026, 6, 1), 200_000, false, None, None),
            (date(2026, 6, 1), 200_001, false, None, Some(200_000)),
            (date(2026, 6, 1), 1, true, None, None),
            (date(2026, 1, 1), 200_001, true, early, Some(200_000)),
        ] {
            let band = model().breakdown(&usage(input, fast), day, NanoUsd(0)).band;
            assert_eq!(band, Band { history, above_prompt_tokens: above, fast }, "{day} {input} {fast}");
        }
    }

    #[test]
    fn a_class_without_a_rate_leaves_the_whole_call_without_a_price() {
        let mut model = model();
        model.rates.cache_read = None;
        let mut usage = Usage { tokens: Tokens { input: 3, ..Tokens::default() }, ..Usage::default() };
        let day = date(2026, 6, 1);
        assert!(model.breakdown(&usage, day, NanoUsd(0)).total.is_some());
        usage.tokens.cache_read = 1;
        let told = model.breakdown(&usage, day, NanoUsd(0));
        assert_eq!((told.total, told.savings, told.rounding_atto), (None, None, 0));
        assert!(told.parts.iter().all(|part| part.cost.is_none()));
        assert_eq!(told.parts[4].rate, None);
    }

    proptest! {
        #[test]
        fn the_parts_add_up_to_the_cost_to_the_nano_dollar(
            counts in proptest::array::uniform5(0_u64..3_000_000),
            web_search in 0_u64..20,
            (fast, us_inference, batch) in any::<(bool, bool, bool)>(),
            days in 0_i32..700,
        ) {
            let [input, output, cache_write_5m, cache_write_1h, cache_read] = counts;
            let usage = Usage {
                tokens: Tokens { input, output, cache_write_5m, cache_write_1h, cache_read },
                web_search,
                thinking: 0,
                terms: Terms { speed_known: true, fast, us_inference, batch },
            };
            let day = date(2025, 6, 1).saturating_add(jiff::Span::new().days(days));
            let search = NanoUsd(10_000_000);
            let cost = model().cost(&usage, day, search).expect("a price");
            let told = model().breakdown(&usage, day, search);
            let parts: NanoUsd = told.parts.iter().filter_map(|part| part.cost).sum();
            prop_assert_eq!(parts + told.web_search_cost.expect("a price"), cost.total());
            prop_assert_eq!((told.total, told.savings), (Some(cost.total()), Some(cost.savings)));
            prop_assert!(told.rounding_atto.abs() <= 500_000_000);
        }
    }
}
