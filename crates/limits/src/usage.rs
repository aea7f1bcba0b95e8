//! What the usage endpoint says, and `.claude.json` remembers of it: windows, how full they are, when they end.
//!
//! Reads bytes, however odd: what makes no sense is lost alone and told beside the rest. Must not: know when or by whom
//! the body was fetched, or believe a float.

use std::collections::BTreeMap;

use cco_model::limit::{Percent, Window};
use cco_model::number;
use cco_model::untrusted::short_name;
use jiff::Timestamp;
use serde_json::value::RawValue;

mod tolerant;

/// More windows than any plan has.
const MAX_BUCKETS: usize = 64;
/// The longest place that is told.
const MAX_PLACE: usize = 64;

/// An answer of the endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// One for each window.
    pub buckets: Vec<Bucket>,
    /// What is spent beyond the plan.
    pub extra: Option<ExtraUsage>,
    /// What was passed over.
    pub odd: Vec<Odd>,
}

/// One window as the endpoint tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Which.
    pub window: Window,
    /// How full; none: not told.
    pub percent: Option<Percent>,
    /// When it ends, UTC milliseconds; none: not told, or it has not started.
    pub resets_at_ms: Option<i64>,
}

/// Spending beyond the plan. Amounts are in minor units: cents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtraUsage {
    /// It is switched on.
    pub enabled: Option<bool>,
    /// Spent this month.
    pub used_minor: Option<i64>,
    /// The most that may be spent this month.
    pub limit_minor: Option<i64>,
    /// Of the amounts, by its ISO name.
    pub currency: Option<String>,
}

/// Something in the body that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Odd {
    /// Where it stood.
    pub place: String,
    /// What is odd about it.
    pub what: &'static str,
}

/// The body is not an answer of the usage endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is no usage answer: {0}")]
pub struct BadBody(&'static str);

type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// Reads a body.
pub fn parse(body: &[u8]) -> Result<Usage, BadBody> {
    if let Ok(fields) = serde_json::from_slice::<Fields<'_>>(body) {
        return read(&fields);
    }
    // Some JSON writers put a bare `NaN` where a number is not known.
    let Some(mended) = tolerant::without_nan(body) else { return Err(BadBody("not a JSON object")) };
    let fields = serde_json::from_slice::<Fields<'_>>(&mended).map_err(|_| BadBody("not a JSON object"))?;
    read(&fields)
}

/// Reads a body that stands inside other JSON.
pub fn parse_raw(body: &RawValue) -> Result<Usage, BadBody> {
    parse(body.get().as_bytes())
}

fn read(fields: &Fields<'_>) -> Result<Usage, BadBody> {
    let mut reader = Reader::default();
    if let Some(limits) = fields.get("limits") {
        reader.known = true;
        reader.limits(limits);
    }
    for (key, value) in fields {
        match key.as_str() {
            "limits" => {}
            "extra_usage" => reader.extra_usage(value),
            key => reader.flat(key, value),
        }
    }
    if !reader.known {
        return Err(BadBody("it names no window"));
    }
    reader.usage.buckets.sort_by(|a, b| a.window.cmp(&b.window));
    Ok(reader.usage)
}

#[derive(Default)]
struct Reader {
    usage: Usage,
    /// The body has something that only a usage answer has.
    known: bool,
}

impl Reader {
    fn odd(&mut self, place: &str, what: &'static str) {
        if self.usage.odd.len() < MAX_BUCKETS {
            self.usage.odd.push(Odd { place: place.chars().take(MAX_PLACE).collect(), what });
        }
    }

    /// The first that knows a percentage is believed: `limits` stands before the flat buckets.
    fn add(&mut self, bucket: Bucket) {
        let buckets = &mut self.usage.buckets;
        match buckets.iter().position(|other| other.window == bucket.window) {
            Some(at) if buckets[at].percent.is_none() => buckets[at] = bucket,
            Some(_) => {}
            None if buckets.len() < MAX_BUCKETS => buckets.push(bucket),
            None => self.odd("body", "has too many windows"),
        }
    }

    fn limits(&mut self, value: &RawValue) {
        if value.get() == "null" {
            return;
        }
        let Ok(limits) = serde_json::from_str::<Vec<&RawValue>>(value.get()) else {
            return self.odd("limits", "is no list");
        };
        for (index, limit) in limits.iter().enumerate() {
            let place = format!("limits[{index}]");
            match serde_json::from_str::<Fields<'_>>(limit.get()) {
                Ok(fields) => self.limit(&place, &fields),
                Err(_) if limit.get() == "null" => {}
                Err(_) => self.odd(&place, "is no object"),
            }
        }
    }

    fn limit(&mut self, place: &str, fields: &Fields<'_>) {
        let Some(kind) = text(fields, "kind") else { return self.odd(place, "has no kind") };
        let window = match kind.as_str() {
            "session" => Some(Window::FiveHour),
            "weekly_all" => Some(Window::SevenDay),
            "weekly_scoped" => model_of(fields).and_then(|model| Window::of_model(&model)),
            _ => None,
        };
        match window.or_else(|| Window::of_name(&kind)) {
            Some(window) => self.bucket(place, window, fields, "percent"),
            None => self.odd(place, "has no usable name"),
        }
    }

    fn flat(&mut self, key: &str, value: &RawValue) {
        let window = Window::of_bucket(key);
        let is_known = window.as_ref().is_some_and(Window::is_plan);
        self.known |= is_known;
        let fields = serde_json::from_str::<Fields<'_>>(value.get());
        match (window, fields) {
            (Some(window), Ok(fields)) if is_known || fields.contains_key("utilization") => {
                self.known = true;
                self.bucket(key, window, &fields, "utilization");
            }
            (None, Ok(fields)) if fields.contains_key("utilization") => self.odd(key, "has no usable name"),
            (_, Err(_)) if is_known && value.get() != "null" => self.odd(key, "is no object"),
            _ => {}
        }
    }

    fn extra_usage(&mut self, value: &RawValue) {
        self.known = true;
        let fields = match serde_json::from_str::<Fields<'_>>(value.get()) {
            Ok(fields) => fields,
            Err(_) if value.get() == "null" => return,
            Err(_) => return self.odd("extra_usage", "is no object"),
        };
        let minor = |key| fields.get(key).and_then(|amount| number::whole(amount.get()));
        let extra = ExtraUsage {
            enabled: fields.get("is_enabled").and_then(|value| serde_json::from_str(value.get()).ok()),
            used_minor: minor("used_credits"),
            limit_minor: minor("monthly_limit"),
            currency: text(&fields, "currency")
                .and_then(|text| short_name(&text))
                .map(|text| text.to_uppercase()),
        };
        let told = fields.get("utilization").is_some_and(|value| value.get() != "null");
        if told || extra.enabled == Some(true) {
            self.bucket("extra_usage", Window::Other("extra_usage".into()), &fields, "utilization");
        }
        self.usage.extra = Some(extra);
    }

    fn bucket(&mut self, place: &str, window: Window, fields: &Fields<'_>, percent_key: &str) {
        let percent = match fields.get(percent_key).map(|value| value.get()) {
            None | Some("null") => None,
            Some(text) => {
                let tenths = number::tenths(text);
                if tenths.is_none() {
                    self.odd(place, "has a percentage that is no number");
                }
                tenths.map(|tenths| Percent::of_tenths(&window, tenths))
            }
        };
        let resets_at_ms = match fields.get("resets_at").map(|value| value.get()) {
            None | Some("null") => None,
            Some(text) => {
                let time = instant_ms(text);
                if time.is_none() {
                    self.odd(place, "has a reset that is no time");
                }
                time
            }
        };
        self.add(Bucket { window, percent, resets_at_ms });
    }
}

fn text(fields: &Fields<'_>, key: &str) -> Option<String> {
    serde_json::from_str(fields.get(key)?.get()).ok()
}

fn model_of(limit: &Fields<'_>) -> Option<String> {
    let scope: Fields<'_> = serde_json::from_str(limit.get("scope")?.get()).ok()?;
    let model: Fields<'_> = serde_json::from_str(scope.get("model")?.get()).ok()?;
    text(&model, "display_name")
}

/// UTC milliseconds, from an RFC 3339 text, or a count of seconds or milliseconds since 1970.
fn instant_ms(json: &str) -> Option<i64> {
    if json.starts_with('"') {
        let text: String = serde_json::from_str(json).ok()?;
        return text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond);
    }
    number::time_ms(json)
}

#[cfg(test)]
mod tests;
