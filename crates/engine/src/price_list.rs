//! Price lists as files: the embedded one, lists that the user names, and the user's own rates.
//!
//! The format is that of `data/pricing.json` (`data/README.md`): rates in US dollars per million tokens. Its numbers
//! are taken as decimal text, so that no float ever stands for money.
//! Must not: decide what a call costs ([`cco_model::price`] does), or fetch anything.

use cco_model::money::NanoUsd;
use cco_model::price::{
    DatedRates, FastBand, Permille, PriceList, PricedModel, PromptTier, Rate, Rates, Valid, normalise,
};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::stats::UNKNOWN_TIER;

#[cfg(test)]
mod tests;

/// The list that is part of the program.
///
/// Read anew at every start: the first read takes 0.15 ms in a release build (0.07 ms warm), measured on 2026-11-21.
pub fn embedded() -> PriceList {
    parse(include_str!("../data/pricing.json")).expect("a test reads the embedded price list")
}

/// Why a text is no price list.
#[derive(Debug, thiserror::Error)]
pub enum PriceListError {
    /// Not JSON, or not of the expected shape.
    #[error("the price list cannot be read: {0}")]
    Shape(#[from] serde_json::Error),
    /// Made for another program or a later one.
    #[error("the price list has schema {0}; this program knows schema 1")]
    Schema(u64),
    /// A number that is no exact price.
    #[error("{model}: {field} is {text}, which is no price: {EXPECTED}")]
    Number {
        /// The model's id, or `rules`.
        model: String,
        /// Which of its fields: `fast.prompt_tiers.input`.
        field: String,
        /// What the field holds.
        text: String,
    },
    /// A day that is none.
    #[error("{model}: {field} is {text:?}, which is no day like 2026-11-20")]
    Day {
        /// The model's id, or `the list`.
        model: String,
        /// Which of its fields.
        field: String,
        /// What the field holds.
        text: String,
    },
}

const EXPECTED: &str =
    "a decimal number of dollars, not negative, of at most six decimal places (a multiplier: three)";

/// Reads a price list. Its id is its `as_of` day and a hash of the text: any change makes another list.
pub fn parse(text: &str) -> Result<PriceList, PriceListError> {
    let file: FileList = serde_json::from_str(text)?;
    if file.schema != 1 {
        return Err(PriceListError::Schema(file.schema));
    }
    let as_of = Place { model: "the list", band: "" }.day("as_of", &file.as_of)?;
    let models = file.models.iter().map(FileModel::priced).collect::<Result<_, _>>()?;
    // Dollars per thousand searches times a million are nano-dollars per search: the same arithmetic as a rate's.
    let rules = Place { model: "rules", band: "" };
    let search = rules.rate("web_search_usd_per_1000", file.rules.web_search_usd_per_1000)?;
    let search = search.and_then(|rate| i64::try_from(rate.0).ok()).map(NanoUsd);
    let search = search
        .ok_or_else(|| rules.bad("web_search_usd_per_1000", file.rules.web_search_usd_per_1000.get()))?;
    Ok(PriceList::new(format!("{as_of}-{}", short_hash(text.as_bytes())), models, search))
}

/// The user's own rates for one model, from `[prices]` in `config.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelOverride {
    /// The model, in any spelling that a transcript may use.
    pub model: String,
    /// Prompt tokens that no cache served; none: as in the list.
    pub input: Option<Rate>,
    /// Answer tokens; none: as in the list.
    pub output: Option<Rate>,
    /// Tokens written to the cache for five minutes; none: as in the list.
    pub cache_write_5m: Option<Rate>,
    /// Tokens written to the cache for one hour; none: as in the list.
    pub cache_write_1h: Option<Rate>,
    /// Tokens read from the cache; none: as in the list.
    pub cache_read: Option<Rate>,
}

/// The list with the user's own rates in it, and with another id when there are any.
///
/// A model so named has these rates on every day, at every length and speed: its dated, long-prompt and fast rates are
/// dropped, its multipliers stay. A model that the list lacks is added; what is not given has no price there.
pub fn with_overrides(list: PriceList, overrides: &[ModelOverride]) -> PriceList {
    if overrides.is_empty() {
        return list;
    }
    let mut models = list.models().to_vec();
    let mut said = String::new();
    for wanted in overrides {
        said.push_str(&format!("{wanted:?}\n"));
        let known =
            list.find(&wanted.model).map_or_else(|| normalise(&wanted.model), |model| model.id.clone());
        match models.iter_mut().find(|model| model.id == known) {
            Some(model) => wanted.replace(model),
            None => models.push(wanted.added(known)),
        }
    }
    let id = format!("{}+{}", list.id(), short_hash(said.as_bytes()));
    PriceList::new(id, models, list.web_search())
}

impl ModelOverride {
    /// Gives a model these rates, and no others beside them.
    fn replace(&self, model: &mut PricedModel) {
        let base = model.rates;
        model.rates = Rates {
            input: self.input.or(base.input),
            output: self.output.or(base.output),
            cache_write_5m: self.cache_write_5m.or(base.cache_write_5m),
            cache_write_1h: self.cache_write_1h.or(base.cache_write_1h),
            cache_read: self.cache_read.or(base.cache_read),
        };
        model.rate_history.clear();
        model.prompt_tiers.clear();
        model.fast.clear();
    }

    /// A model of these rates alone.
    fn added(&self, id: String) -> PricedModel {
        let mut model = PricedModel {
            id,
            aliases: Vec::new(),
            tier: UNKNOWN_TIER.to_owned(),
            rates: Rates::default(),
            rate_history: Vec::new(),
            prompt_tiers: Vec::new(),
            fast: Vec::new(),
            us_multiplier: None,
            batch_multiplier: Permille::HALF,
        };
        self.replace(&mut model);
        model
    }
}

/// The first eight hex digits of FNV-1a (64 bits): tells lists apart, and is the same on every machine.
fn short_hash(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{:08x}", hash >> 32)
}

#[derive(Deserialize)]
struct FileList<'a> {
    schema: u64,
    as_of: String,
    #[serde(borrow)]
    rules: FileRules<'a>,
    #[serde(borrow)]
    models: Vec<FileModel<'a>>,
}

#[derive(Deserialize)]
struct FileRules<'a> {
    #[serde(borrow)]
    web_search_usd_per_1000: &'a RawValue,
}

#[derive(Deserialize)]
struct FileModel<'a> {
    id: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    family: String,
    tier: String,
    #[serde(borrow)]
    input: &'a RawValue,
    #[serde(borrow)]
    output: &'a RawValue,
    #[serde(borrow)]
    cache_write_5m: &'a RawValue,
    #[serde(borrow)]
    cache_write_1h: &'a RawValue,
    #[serde(borrow)]
    cache_read: &'a RawValue,
    #[serde(borrow, default)]
    rate_history: Vec<FileBand<'a>>,
    #[serde(borrow, default)]
    prompt_tiers: Vec<FileBand<'a>>,
    #[serde(borrow, default)]
    fast: Vec<FileBand<'a>>,
    #[serde(borrow)]
    us_inference_multiplier: &'a RawValue,
    #[serde(borrow)]
    batch_multiplier: &'a RawValue,
}

/// Families that are a kind of their own, which lists call `other`.
const OWN_TIERS: [(&str, &str); 2] = [("fable", "Fable"), ("mythos", "Mythos")];

impl FileModel<'_> {
    /// The kind of the model, as people choose it.
    fn tier(&self) -> &str {
        if self.tier != "other" {
            return &self.tier;
        }
        OWN_TIERS.iter().find(|(family, _)| *family == self.family).map_or(UNKNOWN_TIER, |(_, tier)| tier)
    }

    fn priced(&self) -> Result<PricedModel, PriceListError> {
        let place = |band| Place { model: &self.id, band };
        let top = place("");
        let dated = |band: &FileBand| band.dated(place("rate_history."));
        let us = top.multiplier("us_inference_multiplier", self.us_inference_multiplier)?;
        let batch = top.multiplier("batch_multiplier", self.batch_multiplier)?;
        let classes = [self.input, self.output, self.cache_write_5m, self.cache_write_1h, self.cache_read];
        Ok(PricedModel {
            id: self.id.clone(),
            aliases: self.aliases.clone(),
            tier: self.tier().to_owned(),
            rates: top.rates(classes)?,
            rate_history: self.rate_history.iter().map(dated).collect::<Result<_, _>>()?,
            prompt_tiers: tiers(&self.prompt_tiers, place("prompt_tiers."))?,
            fast: self.fast.iter().map(|band| band.fast(&self.id)).collect::<Result<_, _>>()?,
            us_multiplier: us,
            batch_multiplier: batch
                .ok_or_else(|| top.bad("batch_multiplier", self.batch_multiplier.get()))?,
        })
    }
}

/// Rates with their days. A prompt tier has its threshold, a fast band its own tiers.
#[derive(Deserialize)]
struct FileBand<'a> {
    #[serde(borrow)]
    input: &'a RawValue,
    #[serde(borrow)]
    output: &'a RawValue,
    #[serde(borrow)]
    cache_write_5m: &'a RawValue,
    #[serde(borrow)]
    cache_write_1h: &'a RawValue,
    #[serde(borrow)]
    cache_read: &'a RawValue,
    valid_from: Option<String>,
    valid_until: Option<String>,
    above_prompt_tokens: Option<u64>,
    #[serde(borrow, default)]
    prompt_tiers: Vec<FileBand<'a>>,
}

impl FileBand<'_> {
    fn dated(&self, place: Place<'_>) -> Result<DatedRates, PriceListError> {
        let day = |field, text: &Option<String>| text.as_deref().map(|day| place.day(field, day)).transpose();
        let from = day("valid_from", &self.valid_from)?;
        let until = day("valid_until", &self.valid_until)?;
        let classes = [self.input, self.output, self.cache_write_5m, self.cache_write_1h, self.cache_read];
        Ok(DatedRates { rates: place.rates(classes)?, valid: Valid { from, until } })
    }

    fn fast(&self, model: &str) -> Result<FastBand, PriceListError> {
        let DatedRates { rates, valid } = self.dated(Place { model, band: "fast." })?;
        let prompt_tiers = tiers(&self.prompt_tiers, Place { model, band: "fast.prompt_tiers." })?;
        Ok(FastBand { rates, prompt_tiers, valid })
    }
}

fn tiers(bands: &[FileBand<'_>], place: Place<'_>) -> Result<Vec<PromptTier>, PriceListError> {
    let tier = |band: &FileBand<'_>| {
        let DatedRates { rates, valid } = band.dated(place)?;
        let above_prompt_tokens =
            band.above_prompt_tokens.ok_or_else(|| place.bad("above_prompt_tokens", "null"))?;
        Ok(PromptTier { above_prompt_tokens, rates, valid })
    };
    bands.iter().map(tier).collect()
}

/// Where in a list a value stands, for its conversion and for the error when that fails.
#[derive(Clone, Copy)]
struct Place<'a> {
    model: &'a str,
    /// Empty, or the path of a band with a dot at its end.
    band: &'a str,
}

impl Place<'_> {
    /// The rates of the five classes, in the order of [`Rates`].
    fn rates(self, classes: [&RawValue; 5]) -> Result<Rates, PriceListError> {
        let [input, output, cache_write_5m, cache_write_1h, cache_read] = classes;
        Ok(Rates {
            input: self.rate("input", input)?,
            output: self.rate("output", output)?,
            cache_write_5m: self.rate("cache_write_5m", cache_write_5m)?,
            cache_write_1h: self.rate("cache_write_1h", cache_write_1h)?,
            cache_read: self.rate("cache_read", cache_read)?,
        })
    }

    fn rate(self, field: &str, value: &RawValue) -> Result<Option<Rate>, PriceListError> {
        self.number(field, value, Rate::from_decimal)
    }

    fn multiplier(self, field: &str, value: &RawValue) -> Result<Option<Permille>, PriceListError> {
        self.number(field, value, Permille::from_decimal)
    }

    /// The number that a field holds; none for `null`.
    fn number<T>(
        self,
        field: &str,
        value: &RawValue,
        convert: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, PriceListError> {
        match value.get() {
            "null" => Ok(None),
            text => convert(text).map(Some).ok_or_else(|| self.bad(field, text)),
        }
    }

    fn day(self, field: &str, text: &str) -> Result<Date, PriceListError> {
        text.parse().map_err(|_| PriceListError::Day {
            model: self.model.to_owned(),
            field: format!("{}{field}", self.band),
            text: text.to_owned(),
        })
    }

    fn bad(self, field: &str, text: &str) -> PriceListError {
        let field = format!("{}{field}", self.band);
        PriceListError::Number { model: self.model.to_owned(), field, text: text.to_owned() }
    }
}
