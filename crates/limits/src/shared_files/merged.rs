//! `merged-quota-cache.json`: what a quota broker knows of all slots, with advice which one to use.
//!
//! Owns the file's own fields and its check; the numbers of a slot are those of `hot_swap`.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use super::fields::{self, Decimal};
use super::hot_swap::{self, Numbers, SlotFacts, Slots};
use super::keeper::{Target, further};
use super::write::{self, Entry, InOrder};
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
#[derive(Clone, Debug, PartialEq)]
pub struct MergedSlot {
    /// Its limits.
    pub facts: SlotFacts,
    /// Whether its login works.
    pub status: Status,
    /// Why it does not.
    pub deactivation_reason: Option<String>,
    /// 1 is best; none: its use is not known.
    pub rank: Option<u32>,
    /// The name of its credential.
    pub keychain_service: String,
    /// Percent of the five hours used in an hour; none: not known.
    pub five_hour_burn_rate: Option<Decimal>,
    /// Percent of the week that will be used at its end; none: not known.
    pub weekly_projected_util: Option<Decimal>,
}

/// The file, to be written.
#[derive(Clone, Debug, PartialEq)]
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
    slots: InOrder<'a, Entry<'a, SlotOut<'a>>>,
    #[serde(flatten)]
    further: Map<String, Value>,
    writer: &'static str,
}

#[derive(Serialize)]
struct SlotOut<'a> {
    email: &'a str,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    deactivation_reason: Option<&'a str>,
    #[serde(flatten)]
    numbers: Numbers,
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<u32>,
    keychain_service: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    config_dir: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keychain_hash: Option<&'a str>,
    five_hour_burn_rate: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weekly_projected_util: Option<Decimal>,
    #[serde(flatten)]
    further: Map<String, Value>,
    writer: &'static str,
}

/// All that those tools say at the top of the file; ranks and advice of others are void with new numbers.
const AT_TOP: [&str; 9] = [
    "ts",
    "schema_version",
    "active_slot",
    "recommended_slot",
    "failover_needed",
    "all_exhausted",
    "pipeline_remediation",
    "slots",
    "writer",
];

fn slot_out(slot: &MergedSlot) -> SlotOut<'_> {
    SlotOut {
        email: &slot.facts.email,
        status: slot.status,
        deactivation_reason: slot.deactivation_reason.as_deref(),
        numbers: Numbers::of(&slot.facts),
        rank: slot.rank,
        keychain_service: &slot.keychain_service,
        config_dir: slot.facts.config_dir.as_deref(),
        keychain_hash: slot.facts.keychain_hash.as_deref(),
        five_hour_burn_rate: slot.five_hour_burn_rate,
        weekly_projected_util: slot.weekly_projected_util,
        further: slot.facts.further(),
        writer: WRITER,
    }
}

/// The file's text, with what `before` says beside it and those slots of it that others wrote.
pub fn text(facts: &MergedFacts, before: &Map<String, Value>) -> Result<String, WriteError> {
    let ours = facts.slots.iter().map(|it| (it.facts.slot.as_str(), Entry::Ours(Box::new(slot_out(it)))));
    let written: Vec<SlotFacts> = facts.slots.iter().map(|slot| slot.facts.clone()).collect();
    let none = Map::new();
    let there = before.get("slots").and_then(Value::as_object).unwrap_or(&none);
    let kept = hot_swap::kept(&written, there).map(|(name, slot)| (name, Entry::Kept(slot)));
    let slots: Vec<_> = ours.chain(kept).collect();
    write::text(&FileOut {
        ts: facts.merged_at_ms.div_euclid(1_000),
        schema_version: 2,
        active_slot: &facts.active_slot,
        recommended_slot: facts.recommended_slot.as_deref().unwrap_or("none"),
        failover_needed: facts.failover_needed,
        all_exhausted: facts.all_exhausted,
        pipeline_remediation: facts.pipeline_remediation,
        slots: InOrder(&slots),
        further: further(before, &AT_TOP),
        writer: WRITER,
    })
}

/// Writes the file, whole or not at all.
pub fn write(target: &Target, facts: &MergedFacts) -> Result<(), WriteError> {
    write::file(&target.path, &text(facts, &target.content)?)
}
