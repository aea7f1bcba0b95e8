//! What a call costs: the rates of its day, its tier, its speed, its place, rounded once.
//!
//! All arithmetic is on integers: rates in pico-dollars per token, multipliers in thousandths, and one rounding at the
//! end, half to even, to nano-dollars.
//! Must not: read a price list's file, or guess a price. What has no rate has no price.

use std::collections::HashMap;

use jiff::civil::Date;

use crate::call::{Terms, Usage};
use crate::civil::utc_day;
use crate::money::{NanoUsd, round_half_even};

pub mod parts;

#[cfg(test)]
mod tests;

/// The price of one token in pico-dollars, which is its price in US dollars per million tokens times a million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(pub u64);

impl Rate {
    /// The rate of a decimal text in US dollars per million tokens: `3.75`, `0.025`, `1e1`.
    ///
    /// None when the text is no plain decimal number, is negative, needs more than six decimal places, or is too large.
    pub fn from_decimal(text: &str) -> Option<Self> {
        scaled_decimal(text, 6).map(Self)
    }
}

/// A multiplier in thousandths: 1,100 is 1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Permille(pub u32);

impl Permille {
    /// Leaves a price as it is.
    pub const ONE: Self = Self(1_000);
    /// Halves a price.
    pub const HALF: Self = Self(500);

    /// The multiplier of a decimal text: `1.1`. None as for [`Rate::from_decimal`], with three decimal places.
    pub fn from_decimal(text: &str) -> Option<Self> {
        scaled_decimal(text, 3).and_then(|value| u32::try_from(value).ok()).map(Self)
    }
}

/// What a token of each class costs. A class without a rate has no price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rates {
    /// Prompt tokens that no cache served.
    pub input: Option<Rate>,
    /// Answer tokens.
    pub output: Option<Rate>,
    /// Tokens written to the cache for five minutes.
    pub cache_write_5m: Option<Rate>,
    /// Tokens written to the cache for one hour.
    pub cache_write_1h: Option<Rate>,
    /// Tokens read from the cache.
    pub cache_read: Option<Rate>,
}

/// The UTC days on which something is in force, both included; none: open on that side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Valid {
    /// The first day.
    pub from: Option<Date>,
    /// The last day.
    pub until: Option<Date>,
}

impl Valid {
    /// Whether it is in force on this day.
    pub fn contains(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }
}

/// Rates that were in force for some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatedRates {
    /// The rates.
    pub rates: Rates,
    /// When.
    pub valid: Valid,
}

/// Rates of long prompts: the whole request moves to them, answer and all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromptTier {
    /// The tier is for requests that send more tokens than this: input, cache reads and cache writes.
    pub above_prompt_tokens: u64,
    /// The rates.
    pub rates: Rates,
    /// When.
    pub valid: Valid,
}

/// Rates of calls whose speed is `fast`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FastBand {
    /// The rates.
    pub rates: Rates,
    /// Rates of long prompts among fast calls.
    pub prompt_tiers: Vec<PromptTier>,
    /// When; a fast call on any other day costs what a standard one does.
    pub valid: Valid,
}

/// A model and its prices. Of several bands in force at once the first one counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricedModel {
    /// The canonical id: `claude-opus-4-8`.
    pub id: String,
    /// Other spellings of the same release.
    pub aliases: Vec<String>,
    /// `Opus`, `Sonnet`, `Haiku` or `other`.
    pub tier: String,
    /// The rates when nothing below says otherwise.
    pub rates: Rates,
    /// The rates of some days, where they changed.
    pub rate_history: Vec<DatedRates>,
    /// The rates of long prompts.
    pub prompt_tiers: Vec<PromptTier>,
    /// The rates of fast calls.
    pub fast: Vec<FastBand>,
    /// What inference in the US multiplies a price by, where that can be asked for.
    pub us_multiplier: Option<Permille>,
    /// What batches multiply a price by.
    pub batch_multiplier: Permille,
}

/// What a call costs. The parts are rounded so that they add up to the total to the nano-dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cost {
    /// Prompt tokens that no cache served.
    pub input: NanoUsd,
    /// Answer tokens.
    pub output: NanoUsd,
    /// Cache writes of both lives.
    pub cache_write: NanoUsd,
    /// Cache reads.
    pub cache_read: NanoUsd,
    /// Web searches.
    pub web_search: NanoUsd,
    /// What the cache saved: its reads and writes at the input rate, less what they cost. No part of the total;
    /// negative when writing cost more than reading saved.
    pub savings: NanoUsd,
}

impl Cost {
    /// The price of the call: its exact price rounded once.
    pub fn total(&self) -> NanoUsd {
        self.input + self.output + self.cache_write + self.cache_read + self.web_search
    }
}

/// Where in a model's prices the rates of a call stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Band {
    /// The days of the dated rates that are in force; none: the list's own rates.
    pub history: Option<Valid>,
    /// The prompt is longer than this, and the rates are those of such prompts.
    pub above_prompt_tokens: Option<u64>,
    /// The rates are those of fast calls.
    pub fast: bool,
}

/// The most that one call is believed to cost: 100,000 dollars, a thousand times the dearest request there is.
/// Beyond it the counts are wrong, and sums of such prices would not fit any more; the call is shown as unpriced.
pub const MAX_CALL_COST: NanoUsd = NanoUsd(100_000_000_000_000);

impl PricedModel {
    /// What a call costs on this UTC day, with this price for one web search.
    ///
    /// None when a class with tokens has no rate, or when the price is beyond [`MAX_CALL_COST`].
    pub fn cost(&self, usage: &Usage, day: Date, web_search: NanoUsd) -> Option<Cost> {
        let (rates, tokens) = (self.rates_for(usage, day).0, &usage.tokens);
        let factor = self.factor(usage.terms);
        let searches =
            i128::from(web_search.0).checked_mul(i128::from(usage.web_search))?.checked_mul(ATTO)?;
        let writes = class_price(rates.cache_write_5m, tokens.cache_write_5m, factor)?
            .checked_add(class_price(rates.cache_write_1h, tokens.cache_write_1h, factor)?)?;
        let mut so_far = RunningSum::default();
        let cost = Cost {
            input: so_far.add(class_price(rates.input, tokens.input, factor)?)?,
            output: so_far.add(class_price(rates.output, tokens.output, factor)?)?,
            cache_write: so_far.add(writes)?,
            cache_read: so_far.add(class_price(rates.cache_read, tokens.cache_read, factor)?)?,
            web_search: so_far.add(searches)?,
            savings: savings(rates, usage, factor)?,
        };
        let believed = |amount: NanoUsd| amount.0.unsigned_abs() <= MAX_CALL_COST.0.unsigned_abs();
        (believed(cost.total()) && believed(cost.savings)).then_some(cost)
    }

    /// The rates in force for a call, and where they stand: of its day, then of its prompt's length, then of its speed.
    fn rates_for(&self, usage: &Usage, day: Date) -> (&Rates, Band) {
        let prompt = prompt_tokens(usage);
        let mut band = Band::default();
        let mut rates = &self.rates;
        if let Some(dated) = self.rate_history.iter().find(|dated| dated.valid.contains(day)) {
            (rates, band.history) = (&dated.rates, Some(dated.valid));
        }
        if let Some(tier) = tier_for(&self.prompt_tiers, prompt, day) {
            (rates, band.above_prompt_tokens) = (&tier.rates, Some(tier.above_prompt_tokens));
        }
        if let Some(fast) = self.fast.iter().find(|band| usage.terms.fast && band.valid.contains(day)) {
            let tier = tier_for(&fast.prompt_tiers, prompt, day);
            rates = tier.map_or(&fast.rates, |tier| &tier.rates);
            band.above_prompt_tokens = tier.map(|tier| tier.above_prompt_tokens);
            band.fast = true;
        }
        (rates, band)
    }

    /// What the terms multiply the tokens' price by, in millionths.
    fn factor(&self, terms: Terms) -> i128 {
        let us = self.us_multiplier.filter(|_| terms.us_inference).unwrap_or(Permille::ONE);
        let batch = if terms.batch { self.batch_multiplier } else { Permille::ONE };
        i128::from(us.0) * i128::from(batch.0)
    }
}

/// The rates of all models. Immutable; another list has another id.
#[derive(Clone, Debug)]
pub struct PriceList {
    id: String,
    models: Vec<PricedModel>,
    web_search: NanoUsd,
    /// Lower-cased id or alias to its place in `models`.
    index: HashMap<String, usize>,
}

impl PriceList {
    /// A list with this id, of these models and with this price of one web search. Of two models with the same
    /// spelling the later one has it.
    pub fn new(id: String, models: Vec<PricedModel>, web_search: NanoUsd) -> Self {
        let index = models
            .iter()
            .enumerate()
            .flat_map(|(place, model)| {
                std::iter::once(&model.id).chain(&model.aliases).map(move |name| (name.to_lowercase(), place))
            })
            .collect();
        Self { id, models, web_search, index }
    }

    /// What calls that were priced by this list keep beside their price: its day and a hash of its content.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its models, in its order.
    pub fn models(&self) -> &[PricedModel] {
        &self.models
    }

    /// The price of one web search.
    pub fn web_search(&self) -> NanoUsd {
        self.web_search
    }

    /// The model that a transcript's model string names: its normalised name as it is, without a date of eight
    /// digits, or without `-latest`. None: unknown, and without a price.
    pub fn find(&self, model: &str) -> Option<&PricedModel> {
        let name = normalise(model);
        let undated = || strip_number(&name, "-", |digits| digits == 8);
        let place = (self.index.get(name.as_str()))
            .or_else(|| self.index.get(undated()))
            .or_else(|| self.index.get(name.strip_suffix("-latest")?))?;
        self.models.get(*place)
    }

    /// What a call of this model costs, made at this instant (milliseconds since 1970). None: it has no price.
    pub fn cost(&self, model: &str, usage: &Usage, at_ms: i64) -> Option<Cost> {
        self.find(model)?.cost(usage, utc_day(at_ms), self.web_search)
    }
}

/// The spelling under which a model string is looked up, by the steps of `PriceBook.row` in their order.
///
/// Lower-case; without the path before the last `/`, a `<region>.anthropic.` or `anthropic.` in front, and one each of
/// `[1m]`, `:<digits>`, `-v<digits>`, `-fast` and `-thinking` at the end; `@` before a date and `.` between digits
/// become `-`. Each step is taken once, so a name that nobody writes (`x-fast-fast`) can be normalised further.
pub fn normalise(model: &str) -> String {
    let lower = model.to_lowercase();
    let name = lower.rsplit_once('/').map_or(lower.as_str(), |(_, name)| name);
    let name = strip_vendor(name);
    let name = name.strip_suffix("[1m]").unwrap_or(name);
    let name = strip_number(name, ":", |digits| digits > 0);
    let name = strip_number(name, "-v", |digits| digits > 0);
    let name = name.strip_suffix("-fast").unwrap_or(name);
    let name = name.strip_suffix("-thinking").unwrap_or(name);
    let undated = strip_number(name, "@", |digits| digits == 8);
    let date_mark = (undated.len() < name.len()).then_some(undated.len());
    hyphenate(name, date_mark)
}

/// The name without `anthropic.` in front, nor a region of two to eight letters and hyphens before that.
fn strip_vendor(name: &str) -> &str {
    let is_region = |part: &str| {
        (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
    };
    let regional = name.split_once('.').filter(|(part, _)| is_region(part)).map(|(_, rest)| rest);
    regional.and_then(|rest| rest.strip_prefix(VENDOR)).or_else(|| name.strip_prefix(VENDOR)).unwrap_or(name)
}

/// The name without a trailing `mark` and number, when the number has as many digits as it should.
fn strip_number<'a>(name: &'a str, mark: &str, is_length: impl Fn(usize) -> bool) -> &'a str {
    let front = name.trim_end_matches(|c: char| c.is_ascii_digit());
    if is_length(name.len() - front.len()) { front.strip_suffix(mark).unwrap_or(name) } else { name }
}

/// The name with `-` for every `.` between digits and for the byte at `date_mark`.
fn hyphenate(name: &str, date_mark: Option<usize>) -> String {
    let bytes = name.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    name.char_indices()
        .map(|(at, c)| {
            let between = c == '.' && is_digit(at.checked_sub(1)) && is_digit(Some(at + 1));
            if between || date_mark == Some(at) { '-' } else { c }
        })
        .collect()
}

const VENDOR: &str = "anthropic.";

/// A nano-dollar in units of 10⁻¹⁸ dollars: pico-dollars times multipliers in millionths. Prices are exact in them.
const ATTO: i128 = 1_000_000_000;

/// Adds exact amounts and gives each as the difference of the rounded sums with and without it.
#[derive(Default)]
struct RunningSum {
    atto: i128,
    rounded: i64,
}

impl RunningSum {
    fn add(&mut self, atto: i128) -> Option<NanoUsd> {
        self.atto = self.atto.checked_add(atto)?;
        let before = std::mem::replace(&mut self.rounded, rounded(self.atto)?);
        self.rounded.checked_sub(before).map(NanoUsd)
    }
}

/// An exact amount in whole nano-dollars, when it fits.
fn rounded(atto: i128) -> Option<i64> {
    i64::try_from(round_half_even(atto, ATTO)).ok()
}

/// The exact price of one class. Without tokens it needs no rate.
fn class_price(rate: Option<Rate>, tokens: u64, factor: i128) -> Option<i128> {
    if tokens == 0 {
        return Some(0);
    }
    i128::from(rate?.0).checked_mul(i128::from(tokens))?.checked_mul(factor)
}

/// What a call's cache use cost less than the same tokens as input. A class that lacks one of the two rates counts 0.
fn savings(rates: &Rates, usage: &Usage, factor: i128) -> Option<NanoUsd> {
    let tokens = &usage.tokens;
    let classes = [
        (rates.cache_read, tokens.cache_read),
        (rates.cache_write_5m, tokens.cache_write_5m),
        (rates.cache_write_1h, tokens.cache_write_1h),
    ];
    let mut exact = 0_i128;
    for (rate, tokens) in classes {
        let gap = rates.input.zip(rate).map_or(0, |(input, rate)| i128::from(input.0) - i128::from(rate.0));
        exact = exact.checked_add(gap.checked_mul(i128::from(tokens))?.checked_mul(factor)?)?;
    }
    rounded(exact).map(NanoUsd)
}

/// The first tier in force that a prompt of this length belongs to.
fn tier_for(tiers: &[PromptTier], prompt: u128, day: Date) -> Option<&PromptTier> {
    let reached =
        |tier: &&PromptTier| tier.valid.contains(day) && prompt > u128::from(tier.above_prompt_tokens);
    tiers.iter().find(reached)
}

/// What the request sent, in a type that no counts overflow.
fn prompt_tokens(usage: &Usage) -> u128 {
    let tokens = &usage.tokens;
    [tokens.input, tokens.cache_read, tokens.cache_write_5m, tokens.cache_write_1h]
        .map(u128::from)
        .iter()
        .sum()
}

/// The value of a decimal text times `10^places`, when that is a whole number that fits.
fn scaled_decimal(text: &str, places: i32) -> Option<u64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (mantissa, ""),
    };
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = fraction.trim_end_matches('0');
    let mut value = 0_u64;
    for digit in whole.bytes().chain(digits.bytes()) {
        value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    let shift = exponent.checked_add(places)?.checked_sub(i32::try_from(digits.len()).ok()?)?;
    let power = 10_u64.checked_pow(shift.unsigned_abs());
    match (value, shift >= 0) {
        (0, _) => Some(0),
        (_, true) => value.checked_mul(power?),
        (_, false) => power.filter(|power| value.is_multiple_of(*power)).map(|power| value / power),
    }
}
