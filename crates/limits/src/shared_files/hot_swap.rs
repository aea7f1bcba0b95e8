//! `hot-swap-quota.json`: what an account switcher learned of each login's limits.
//!
//! Owns its slots, in both directions; `merged` builds on them.

use std::path::{Path, PathBuf};

use cco_model::limit::{Percent, Reading, Source, Window};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::{Map, Value};

use super::fields::{self, Decimal};
use super::keeper::{Target, further};
use super::write::{self, Entry, InOrder};
use super::{Observed, WRITER, Whose, WriteError, object_of, weekly};
use crate::accounts::SlotMarks;
use crate::input::Unread;

/// The file's name.
pub const NAME: &str = "hot-swap-quota.json";
/// Credentials are called this, with the hash behind a hyphen where the directory is not the default one.
const SERVICE: &str = "Claude Code-credentials";
const HOUR_MS: i64 = 3_600_000;

/// What was known of one login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Whose it may be.
    pub marks: SlotMarks,
    /// When it was so, UTC milliseconds.
    pub fetched_at_ms: i64,
    /// The windows of which the file tells.
    pub windows: Vec<Observed>,
}

/// The slots of such a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slots {
    /// Those that can be used.
    pub slots: Vec<Slot>,
    /// Those that cannot, with why.
    pub odd: Vec<String>,
}

impl Slots {
    /// The readings of all slots whose account is known.
    pub fn readings(&self, whose: Whose) -> Vec<Reading> {
        let of_slot = |slot: &Slot| {
            let account = whose(&slot.marks)?;
            let windows = slot.windows.iter();
            Some(
                windows
                    .map(move |seen| seen.reading(&account, slot.fetched_at_ms, Source::HotSwap))
                    .collect::<Vec<_>>(),
            )
        };
        self.slots.iter().filter_map(of_slot).flatten().collect()
    }
}

/// Reads such a file. Slots that this program wrote are left out; a file with no others is its own.
pub fn read(path: &Path, now_ms: i64) -> Result<Slots, Unread> {
    let object = object_of(path)?;
    let is_ours = |value: &Value| value.get("writer").is_some_and(|writer| writer == WRITER);
    if object.get("writer").is_some_and(|writer| writer == WRITER)
        || (!object.is_empty() && object.values().all(is_ours))
    {
        return Err(Unread::Ours);
    }
    let others = object.iter().filter(|(_, value)| !is_ours(value));
    let slots = of_object(others, now_ms);
    if slots.slots.is_empty() && !slots.odd.is_empty() {
        return Err(Unread::Broken(slots.odd.join("; ")));
    }
    Ok(slots)
}

/// One bad slot loses that slot and not the rest.
pub(super) fn of_object<'a>(object: impl Iterator<Item = (&'a String, &'a Value)>, now_ms: i64) -> Slots {
    let mut found = Slots::default();
    for (name, value) in object.take(1_000) {
        match value
            .as_object()
            .ok_or_else(|| "it is no object".to_owned())
            .and_then(|it| slot(name, it, now_ms))
        {
            Ok(slot) => found.slots.push(slot),
            Err(why) => found.odd.push(format!("{name:?}: {why}")),
        }
    }
    found
}

fn slot(name: &str, from: &Map<String, Value>, now_ms: i64) -> Result<Slot, String> {
    let fetched_at_ms =
        fields::past_ms(from, "last_fetched", now_ms).ok_or("last_fetched is no past time")?;
    let marks = marks(name, from);
    let five_hour = Observed {
        window: Window::FiveHour,
        percent: fields::percent(from, "five_hour_util", &Window::FiveHour)?,
        resets_at_ms: fields::iso_ms(from, "five_hour_resets_at"),
    };
    let seven_day = Observed {
        window: Window::SevenDay,
        percent: fields::percent(from, "seven_day_util", &Window::SevenDay)?,
        resets_at_ms: fields::iso_ms(from, "seven_day_resets_at").or_else(|| week_end(from, fetched_at_ms)),
    };
    let told = |name: &str| from.contains_key(name);
    let windows = [(five_hour, told("five_hour_util")), (seven_day, told("seven_day_util"))];
    let windows = windows.into_iter().filter(|(_, told)| *told).map(|(seen, _)| seen).collect();
    Ok(Slot { marks, fetched_at_ms, windows })
}

/// What a slot says of whose it is.
pub(super) fn marks(name: &str, from: &Map<String, Value>) -> SlotMarks {
    let service = fields::text(from, "keychain_hash").map(|hash| format!("{SERVICE}-{hash}"));
    SlotMarks {
        slot: name.to_owned(),
        email: fields::text(from, "email"),
        config_dir: fields::text(from, "config_dir").map(PathBuf::from),
        keychain_service: service.or_else(|| fields::text(from, "keychain_service")),
    }
}

/// The end of the week from its day and time, UTC. These files do not say whether the time is that of the week or of
/// the five hours, so the hours that were left have the last word: an end that is wrong would count as a new week.
fn week_end(from: &Map<String, Value>, fetched_at_ms: i64) -> Option<i64> {
    let day = weekly::weekday(&fields::text(from, "weekly_reset_day")?)?;
    let time = weekly::time(&fields::text(from, "daily_reset_time")?)?;
    let end = weekly::next(day, time, &TimeZone::UTC, fetched_at_ms)?;
    let hours = fields::number(from, "weekly_budget_remaining_hours").filter(|hours| *hours > 0.0);
    hours.is_none_or(|hours| weekly::agrees(end, fetched_at_ms, hours)).then_some(end)
}

/// All that those tools may say of a login's limits. What we do not know of it is left out, and not kept from before: it
/// would look as young as the rest.
const OF_LIMITS: [&str; 37] = [
    "five_hour_util",
    "seven_day_util",
    "weekly_budget_remaining_hours",
    "weekly_reset_day",
    "daily_reset_time",
    "five_hour_resets_at",
    "seven_day_resets_at",
    "last_fetched",
    "is_fresh",
    "status",
    "deactivation_reason",
    "urgency",
    "rank",
    "reason",
    "five_hour_burn_rate",
    "five_hour_burn_confidence",
    "seven_day_burn_rate",
    "seven_day_burn_confidence",
    "target_burn_rate_5h",
    "target_burn_rate_7d",
    "burn_efficiency_5h",
    "burn_efficiency_7d",
    "pacing_status_5h",
    "pacing_status_7d",
    "burn_rate_1h_min_5h",
    "burn_rate_1h_max_5h",
    "burn_rate_1h_avg_5h",
    "burn_sample_count_5h",
    "target_burn_rate_7d_per_day",
    "seven_day_burn_rate_per_day",
    "weekly_best_case_projected_util",
    "weekly_projected_util",
    // Of whose it is, told anew.
    "email",
    "config_dir",
    "keychain_hash",
    "keychain_service",
    "writer",
];

/// One login's limits, to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotFacts {
    /// Its key: `slot-1`.
    pub slot: String,
    /// The address.
    pub email: String,
    /// Used of the five hours; none: not known.
    pub five_hour: Option<Percent>,
    /// Used of the week; none: not known.
    pub seven_day: Option<Percent>,
    /// When the five hours end, UTC milliseconds.
    pub five_hour_resets_at_ms: Option<i64>,
    /// When the week ends, UTC milliseconds.
    pub seven_day_resets_at_ms: Option<i64>,
    /// When it was so, UTC milliseconds; none: nothing is known.
    pub fetched_at_ms: Option<i64>,
    /// It was young enough when the file was written.
    pub is_fresh: bool,
    /// The config directory.
    pub config_dir: Option<String>,
    /// The hash in the name of its credential.
    pub keychain_hash: Option<String>,
    /// The slot as it stands there; what it says beside its limits is kept.
    pub before: Map<String, Value>,
}

impl SlotFacts {
    pub(super) fn further(&self) -> Map<String, Value> {
        further(&self.before, &OF_LIMITS)
    }
}

/// What both kinds of slots begin with, in those tools' words and units.
#[derive(Debug, Serialize)]
pub(super) struct Numbers {
    #[serde(skip_serializing_if = "Option::is_none")]
    five_hour_util: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seven_day_util: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weekly_budget_remaining_hours: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weekly_reset_day: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    daily_reset_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    five_hour_resets_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seven_day_resets_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_fetched: Option<i64>,
    is_fresh: bool,
}

impl Numbers {
    pub(super) fn of(facts: &SlotFacts) -> Self {
        let time = |at: Option<i64>| at.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let five_hour = time(facts.five_hour_resets_at_ms);
        let seven_day = time(facts.seven_day_resets_at_ms);
        let shown = |at: Option<Timestamp>, format: &str| {
            at.map(|at| at.to_zoned(TimeZone::UTC).strftime(format).to_string())
        };
        let week = facts.seven_day_resets_at_ms.zip(facts.fetched_at_ms);
        let left = week.map(|(end, fetched)| end.saturating_sub(fetched).max(0) / HOUR_MS);
        Self {
            five_hour_util: facts.five_hour.map(Decimal::from),
            seven_day_util: facts.seven_day.map(Decimal::from),
            weekly_budget_remaining_hours: left,
            weekly_reset_day: shown(seven_day, "%a"),
            daily_reset_time: shown(five_hour.or(seven_day), "%H:%M"),
            five_hour_resets_at: five_hour.map(|at| at.to_string()),
            seven_day_resets_at: seven_day.map(|at| at.to_string()),
            last_fetched: facts.fetched_at_ms,
            is_fresh: facts.is_fresh,
        }
    }
}

#[derive(Serialize)]
struct SlotOut {
    email: String,
    #[serde(flatten)]
    numbers: Numbers,
    #[serde(skip_serializing_if = "Option::is_none")]
    config_dir: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keychain_hash: Option<String>,
    #[serde(flatten)]
    further: Map<String, Value>,
    writer: &'static str,
}

/// The file's text, with those slots of `before` that others wrote. The mark stands in each slot: tools that walk over
/// the slots of this file take every key at its top for one.
pub fn text(slots: &[SlotFacts], before: &Map<String, Value>) -> Result<String, WriteError> {
    let out = |facts: &'_ SlotFacts| SlotOut {
        email: facts.email.clone(),
        numbers: Numbers::of(facts),
        config_dir: facts.config_dir.clone(),
        keychain_hash: facts.keychain_hash.clone(),
        further: facts.further(),
        writer: WRITER,
    };
    let ours = slots.iter().map(|facts| (facts.slot.as_str(), Entry::Ours(Box::new(out(facts)))));
    let kept = kept(slots, before).map(|(name, slot)| (name, Entry::Kept(slot)));
    write::text(&InOrder(&ours.chain(kept).collect::<Vec<_>>()))
}

/// Of the slots that stand there, those of others that are not written anew.
pub(super) fn kept<'a>(
    slots: &'a [SlotFacts],
    before: &'a Map<String, Value>,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let is_kept = |name: &str, slot: &Value| {
        slot.get("writer").is_none_or(|writer| writer != WRITER) && slots.iter().all(|it| it.slot != name)
    };
    let pairs = before.iter().map(|(name, slot)| (name.as_str(), slot));
    pairs.filter(move |(name, slot)| is_kept(name, slot))
}

/// Writes the file, whole or not at all.
pub fn write(target: &Target, slots: &[SlotFacts]) -> Result<(), WriteError> {
    write::file(&target.path, &text(slots, &target.content)?)
}
