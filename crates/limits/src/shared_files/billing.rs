//! `billing-shared.json`: today's cost and what is left of the running block, by a tool that counted them.
//!
//! It names no account, and its percentage is of time or of use, nobody knows: no reading comes of it.

use std::path::Path;

use cco_model::money::NanoUsd;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::fields::{self, Decimal};
use super::keeper::{Target, further};
use super::{WRITER, WriteError, object_of, weekly, write};
use crate::input::Unread;

/// The file's name.
pub const NAME: &str = "billing-shared.json";

/// What such a file tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Billing {
    /// Cost of today; none: not known, or a negative one, which those tools write for that.
    pub cost_today: Option<NanoUsd>,
    /// Cost of an hour at the present pace.
    pub burn_rate_per_hour: Option<NanoUsd>,
    /// Minutes that were left of the block at that time.
    pub budget_remaining_min: Option<i64>,
    /// The time of day at which the block ends, UTC: hours and minutes.
    pub reset_time: Option<(i8, i8)>,
    /// Tokens of the block.
    pub total_tokens: Option<i64>,
    /// Tokens of a minute at the present pace.
    pub tokens_per_minute: Option<i64>,
    /// When it was so, UTC milliseconds.
    pub fetched_at_ms: i64,
}

/// Reads such a file.
pub fn read(path: &Path, now_ms: i64) -> Result<Billing, Unread> {
    let object = object_of(path)?;
    if object.get("writer").is_some_and(|writer| writer == WRITER) {
        return Err(Unread::Ours);
    }
    let fetched_at_ms = fields::past_ms(&object, "lastFetched", now_ms)
        .ok_or_else(|| Unread::broken("lastFetched is no past time"))?;
    let money = |name: &str| {
        let text = object.get(name).filter(|value| value.is_number())?.to_string();
        NanoUsd::from_decimal(&text).filter(|amount| amount.0 >= 0)
    };
    let count =
        |name: &str| fields::number(&object, name).and_then(fields::whole).filter(|count| *count >= 0);
    let reset_time = fields::text(&object, "resetTime").and_then(|text| weekly::time(&text));
    Ok(Billing {
        cost_today: money("costToday"),
        burn_rate_per_hour: money("burnRatePerHour"),
        budget_remaining_min: count("budgetRemaining"),
        reset_time: reset_time.map(|time| (time.hour(), time.minute())),
        total_tokens: count("totalTokens"),
        tokens_per_minute: count("tokensPerMinute"),
        fetched_at_ms,
    })
}

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillingFacts {
    /// Cost of today.
    pub cost_today: NanoUsd,
    /// Cost of an hour at the present pace; none: not known.
    pub burn_rate_per_hour: Option<NanoUsd>,
    /// What is left of the five hours; none: not known.
    pub five_hours: Option<FiveHourFacts>,
    /// Tokens of the block; none: none runs.
    pub total_tokens: Option<u64>,
    /// Tokens of a minute at the present pace; none: not known.
    pub tokens_per_minute: Option<u64>,
    /// It was young enough when the file was written.
    pub is_fresh: bool,
    /// When it was so, UTC milliseconds.
    pub fetched_at_ms: i64,
    /// What is left of the week.
    pub week: Option<WeekFacts>,
}

/// What is left of five hours, to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FiveHourFacts {
    /// Minutes.
    pub remaining_min: i64,
    /// Percent of them: of their use where that was told, else of their time.
    pub percent_used: Decimal,
    /// When they end, UTC milliseconds.
    pub ends_at_ms: i64,
}

/// What is left of a week, to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeekFacts {
    /// Hours.
    pub remaining_hours: i64,
    /// Percent of it that is used.
    pub percent_used: Decimal,
    /// The day on which it ends, UTC: `Thu`.
    pub reset_day: String,
}

/// Dollars as a plain number.
struct Usd(NanoUsd);

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.decimal()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Out<'a> {
    cost_today: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    burn_rate_per_hour: Option<Usd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget_remaining: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget_percent_used: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_tokens: Option<u64>,
    tokens_per_minute: Option<u64>,
    is_fresh: bool,
    last_fetched: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    weekly_budget_remaining: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weekly_budget_percent_used: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weekly_reset_day: Option<&'a str>,
    #[serde(flatten)]
    further: Map<String, Value>,
    writer: &'static str,
}

/// All that those tools say in the file.
const WRITTEN: [&str; 13] = [
    "costToday",
    "burnRatePerHour",
    "budgetRemaining",
    "budgetPercentUsed",
    "resetTime",
    "totalTokens",
    "tokensPerMinute",
    "isFresh",
    "lastFetched",
    "weeklyBudgetRemaining",
    "weeklyBudgetPercentUsed",
    "weeklyResetDay",
    "writer",
];

/// The file's text, with what `before` says beside it.
pub fn text(facts: &BillingFacts, before: &Map<String, Value>) -> Result<String, WriteError> {
    let (week, five_hours) = (facts.week.as_ref(), facts.five_hours.as_ref());
    let end = five_hours.and_then(|it| Timestamp::from_millisecond(it.ends_at_ms).ok());
    write::text(&Out {
        cost_today: Usd(facts.cost_today),
        burn_rate_per_hour: facts.burn_rate_per_hour.map(Usd),
        budget_remaining: five_hours.map(|it| it.remaining_min),
        budget_percent_used: five_hours.map(|it| it.percent_used),
        reset_time: end.map(|end| end.strftime("%H:%M").to_string()),
        total_tokens: facts.total_tokens,
        tokens_per_minute: facts.tokens_per_minute,
        is_fresh: facts.is_fresh,
        last_fetched: facts.fetched_at_ms,
        weekly_budget_remaining: week.map(|week| week.remaining_hours),
        weekly_budget_percent_used: week.map(|week| week.percent_used),
        weekly_reset_day: week.map(|week| week.reset_day.as_str()),
        further: further(before, &WRITTEN),
        writer: WRITER,
    })
}

/// Writes the file, whole or not at all.
pub fn write(target: &Target, facts: &BillingFacts) -> Result<(), WriteError> {
    write::file(&target.path, &text(facts, &target.content)?)
}
