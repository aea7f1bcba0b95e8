//! `merged-quota-cache.json`: what a quota broker knows of all slots, with advice which one to use.
//!
//! Owns the file's own fields and its check; the numbers of a slot are those of `hot_swap`.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use super::fields::{self, Decimal};
use super::hot_swap::{self, Numbers, SlotFacts, Slots};
use super::write::{self, InOrder};
use super::{WRITER, WriteError, object_of};
use crate::input::Unread;

/// The file's name.
pub const NAME: &str = "merged-quota-cache.json";
/// How far the file's own time may be from now.
const FARTHEST_MS: i64 = 30 * 24 * 3_600_000;
/// All that those tools may say of the pace of a window, the older words last.
const PACES: [&str; 15] = [
    "way_too_slow",
    "not_fast_enough",
    "a_bit_too_slow",
    "good",
    "much_too_fast",
    "way_too_fast",
    "under",
    "slow",
    "on_track",
    "fast",
    "over",
    "wasted",
    "exhausted",
    "reset",
    "unknown",
];

/// What such a file tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// When it was put together, UTC milliseconds. That is no age of a slot's numbers.
    pub merged_at_ms: i64,
    /// The slot that was in use.
    pub active_slot: String,
    /// The slots.
    pub slots: Slots,
}

/// Reads such a file. One value that cannot be is enough to believe nothing of it.
pub fn read(path: &Path, now_ms: i64) -> Result<Merged, Unread> {
    let object = object_of(path)?;
    if object.get("writer").is_some_and(|writer| writer == WRITER) {
        return Err(Unread::Ours);
    }
    let merged_at_ms =
        fields::number(&object, "ts").and_then(fields::whole).and_then(|at| at.checked_mul(1_000));
    let merged_at_ms = merged_at_ms
        .filter(|at| now_ms.abs_diff(*at) <= FARTHEST_MS.unsigned_abs())
        .ok_or_else(|| Unread::broken("ts is no time within 30 days"))?;
    let active_slot = object.get("active_slot").and_then(Value::as_str);
    let active_slot = active_slot.ok_or_else(|| Unread::broken("active_slot is no text"))?.to_owned();
    let slots = object.get("slots").and_then(Value::as_object);
    let slots = slots.ok_or_else(|| Unread::broken("slots is no object"))?;
    for (name, slot) in slots {
        check_slot(slot.as_object()).map_err(|why| Unread::Broken(format!("{name:?}: {why}")))?;
    }
    Ok(Merged { merged_at_ms, active_slot, slots: hot_swap::of_object(slots.iter(), now_ms) })
}

fn check_slot(slot: Option<&Map<String, Value>>) -> Result<(), String> {
    let slot = slot.ok_or("it is no object")?;
    fields::percent(slot, "five_hour_util", &cco_model::limit::Window::FiveHour)?;
    for name in ["pacing_status_5h", "pacing_status_7d"] {
        let known =
            |value: &Value| value.is_null() || value.as_str().is_some_and(|pace| PACES.contains(&pace));
        if !slot.get(name).is_none_or(known) {
            return Err(format!("{name} is no known pace"));
        }
    }
    for name in ["target_burn_rate_5h", "target_burn_rate_7d"] {
        if !slot.get(name).is_none_or(|value| value.is_null() || value.is_number()) {
            return Err(format!("{name} is no number"));
        }
    }
    Ok(())
}

/// Whether a slot's login works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It does.
    Active,
    /// It was put aside.
    Inactive,
    /// Only the user can mend it.
    Expired,
}

/// How the broker's own work goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Remediation {
    /// Well.
    Ok,
    /// A request is under way.
    RefreshInProgress,
    /// The service asked for patience.
    BlockedRateLimited,
    /// A login is dead.
    BlockedAuthRequired,
    /// No slot is in use.
    BlockedNoActiveSlot,
    /// Nobody asks.
    BlockedNoScheduler,
    /// It is asked too rarely.
    DegradedScheduler,
    /// It cannot be told.
    Unknown,
}

/// One slot, to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedSlot {
    /// Its limits.
    pub facts: SlotFacts,
    /// Whether its login works.
    pub status: Status,
    /// Why it does not.
    pub deactivation_reason: Option<String>,
    /// The plan: `max`.
    pub subscription_type: Option<String>,
    /// 1 is best.
    pub rank: u32,
    /// How urgently the slot should be used up.
    pub urgency: i64,
    /// Why it has this rank.
    pub reason: Option<String>,
    /// The name of its credential.
    pub keychain_service: String,
    /// Percent of the five hours used in an hour; none: not known.
    pub five_hour_burn_rate: Option<Decimal>,
    /// Observations behind that.
    pub burn_sample_count_5h: u32,
    /// Percent of the week that will be used at its end; none: not known.
    pub weekly_projected_util: Option<Decimal>,
}

/// The file, to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedFacts {
    /// When it was put together, UTC milliseconds.
    pub merged_at_ms: i64,
    /// The slot in use.
    pub active_slot: String,
    /// The slot that should be; none: no better one.
    pub recommended_slot: Option<String>,
    /// The one in use is used up or dead.
    pub failover_needed: bool,
    /// All are.
    pub all_exhausted: bool,
    /// How the broker's work goes.
    pub pipeline_remediation: Remediation,
    /// The slots.
    pub slots: Vec<MergedSlot>,
}

#[derive(Serialize)]
struct FileOut<'a> {
    ts: i64,
    schema_version: u32,
    active_slot: &'a str,
    recommended_slot: &'a str,
    failover_needed: bool,
    all_exhausted: bool,
    pipeline_remediation: Remediation,
    slots: InOrder<'a, SlotOut<'a>>,
    writer: &'static str,
}

#[derive(Serialize)]
struct SlotOut<'a> {
    email: &'a str,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    deactivation_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription_type: Option<&'a str>,
    #[serde(flatten)]
    numbers: Numbers,
    rank: u32,
    urgency: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    keychain_service: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    config_dir: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keychain_hash: Option<&'a str>,
    five_hour_burn_rate: Option<Decimal>,
    burn_sample_count_5h: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    weekly_projected_util: Option<Decimal>,
}

fn slot_out(slot: &MergedSlot) -> SlotOut<'_> {
    SlotOut {
        email: &slot.facts.email,
        status: slot.status,
        deactivation_reason: slot.deactivation_reason.as_deref(),
        subscription_type: slot.subscription_type.as_deref(),
        numbers: Numbers::of(&slot.facts),
        rank: slot.rank,
        urgency: slot.urgency,
        reason: slot.reason.as_deref(),
        keychain_service: &slot.keychain_service,
        config_dir: slot.facts.config_dir.as_deref(),
        keychain_hash: slot.facts.keychain_hash.as_deref(),
        five_hour_burn_rate: slot.five_hour_burn_rate,
        burn_sample_count_5h: slot.burn_sample_count_5h,
        weekly_projected_util: slot.weekly_projected_util,
    }
}

/// The file's text.
pub fn text(facts: &MergedFacts) -> Result<String, WriteError> {
    let slots: Vec<_> = facts.slots.iter().map(|slot| (slot.facts.slot.as_str(), slot_out(slot))).collect();
    write::text(&FileOut {
        ts: facts.merged_at_ms.div_euclid(1_000),
        schema_version: 2,
        active_slot: &facts.active_slot,
        recommended_slot: facts.recommended_slot.as_deref().unwrap_or("none"),
        failover_needed: facts.failover_needed,
        all_exhausted: facts.all_exhausted,
        pipeline_remediation: facts.pipeline_remediation,
        slots: InOrder(&slots),
        writer: WRITER,
    })
}

/// Writes the file into a folder, whole or not at all.
pub fn write(folder: &Path, facts: &MergedFacts) -> Result<(), WriteError> {
    write::file(folder, NAME, &text(facts)?)
}
