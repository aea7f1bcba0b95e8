//! What is known of limits, written to the files in which older tools share it.
//!
//! Owns which slot an account has there and what is said of it: what was observed, with the time of that, and nothing
//! of what is not known. Must not: touch a file that another program keeps up to date, or decide when it is time.

use std::path::PathBuf;

use cco_limits::accounts::{Accounts, Directory, SlotMarks};
use cco_limits::credentials::service_name;
use cco_limits::shared_files::billing::{self, BillingFacts, FiveHourFacts, WeekFacts};
use cco_limits::shared_files::hot_swap::{self, SlotFacts};
use cco_limits::shared_files::keeper::{Keeper, Target};
use cco_limits::shared_files::merged::{self, MergedFacts, MergedSlot, Remediation, Status};
use cco_limits::shared_files::{Decimal, first_of, sessions};
use cco_model::limit::login::{Login, Reason};
use cco_model::limit::mark::Sessions;
use cco_model::limit::merge::View;
use cco_model::limit::trouble::Trouble;
use cco_model::limit::{AccountId, Percent, Window, age_ms};
use jiff::Timestamp;

use super::look::{Found, Places};
use super::{AccountLimits, WindowLimits};
use crate::Engine;
use crate::report::{BlockRow, BurnRate, Glance};

/// Readers of these files take older numbers for stale; so what is older is not called fresh.
const FRESH_MS: u64 = 120_000;
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const FIVE_HOURS_MS: i64 = 5 * HOUR_MS;
const FULL: i32 = 100;

/// A file of older tools, as a broker that shares what it knows would find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedFile {
    /// Where.
    pub path: PathBuf,
    /// Who keeps it.
    pub keeper: Keeper,
}

/// The files that are shared, of these places.
pub fn shared_files(places: &Places, now_ms: i64) -> Vec<SharedFile> {
    let shared = |target: Target| SharedFile { path: target.path, keeper: target.keeper };
    targets(places, now_ms).into_iter().flatten().map(shared).collect()
}

/// Quota, merged quota, billing. The last one always lies in the user's own folder of Claude Code.
fn targets(places: &Places, now_ms: i64) -> [Option<Target>; 3] {
    let folders = &places.session_health;
    let own = &folders[folders.len().saturating_sub(1)..];
    [(folders.as_slice(), hot_swap::NAME), (folders.as_slice(), merged::NAME), (own, billing::NAME)]
        .map(|(folders, name)| Target::find(folders, name, now_ms))
}

impl Engine {
    /// Writes what is known of the accounts that this machine holds, and of its own use (`glance`; none: nothing was
    /// counted). `is_asking`: somebody asks the service from time to time. Returns what could not be written, in words.
    pub fn share(
        &self,
        found: &Found,
        limits: &[AccountLimits],
        glance: Option<&Glance>,
        is_asking: bool,
    ) -> Vec<String> {
        let now_ms = self.now.as_millisecond();
        let here: Vec<&AccountLimits> = limits.iter().filter(|known| !known.directories.is_empty()).collect();
        let [quota, both, bill] = targets(&self.places, now_ms);
        let mut written = Vec::new();
        if !here.is_empty() {
            let slots = Slots::of(&self.places, &found.accounts, [&quota, &both]);
            let facts = slots.facts(&here, now_ms);
            if let Some(target) = quota.filter(Target::may_be_written) {
                let told = facts.iter().filter(|slot| slot.facts.fetched_at_ms.is_some());
                let told: Vec<SlotFacts> = told.map(|slot| in_quota(&target, &slot.facts)).collect();
                written.push(hot_swap::write(&target, &told));
            }
            if let Some(target) = both.filter(Target::may_be_written) {
                written.push(merged::write(&target, &slots.merged(facts, &here, is_asking, now_ms)));
            }
        }
        if let (Some(target), Some(glance)) = (bill.filter(Target::may_be_written), glance) {
            written.push(billing::write(&target, &billing_facts(glance, &here, now_ms)));
        }
        let told = |error: &dyn std::error::Error| match error.source() {
            Some(why) => format!("{error}: {why}"),
            None => error.to_string(),
        };
        written.into_iter().filter_map(|result| Some(told(&result.err()?))).collect()
    }
}

/// What those tools call the logins of this machine.
struct Slots<'a> {
    accounts: &'a Accounts,
    /// Slots that some file names, with what that says of them.
    named: Vec<(SlotMarks, serde_json::Map<String, serde_json::Value>)>,
    /// Slots that their user put aside.
    aside: Vec<String>,
    active: Option<String>,
}

fn service_of(directory: &Directory) -> String {
    service_name(directory.path.to_str().filter(|_| !directory.is_default))
}

impl<'a> Slots<'a> {
    fn of(places: &Places, accounts: &'a Accounts, files: [&Option<Target>; 2]) -> Self {
        let switcher = first_of(&places.switcher, sessions::NAME, sessions::read).map(|(_, told)| told);
        let switcher = switcher.unwrap_or_default();
        let is_aside = |slot: &&sessions::SessionSlot| slot.status.as_deref() == Some("inactive");
        let mut aside: Vec<String> =
            switcher.slots.iter().filter(is_aside).map(|slot| slot.marks.slot.clone()).collect();
        let mut named: Vec<_> =
            switcher.slots.into_iter().map(|slot| (slot.marks, Default::default())).collect();
        // The merged file says more of a slot than the other one.
        for (marks, slot) in files.into_iter().rev().flatten().flat_map(Target::slots) {
            if slot.get("status").is_some_and(|status| status == "inactive") {
                aside.push(marks.slot.clone());
            }
            named.push((marks, slot.clone()));
        }
        let told = files[1].as_ref().and_then(|merged| merged.content.get("active_slot")?.as_str());
        let active = switcher.active.or_else(|| told.map(str::to_owned));
        Self { accounts, named, aside, active }
    }

    /// The accounts' slots: known ones keep their names, others get the first number that is free.
    fn facts(&self, here: &[&AccountLimits], now_ms: i64) -> Vec<MergedSlot> {
        let mut taken: Vec<String> = self.named.iter().map(|(marks, _)| marks.slot.clone()).collect();
        let mut facts: Vec<MergedSlot> = Vec::new();
        for known in here {
            let is_its = |marks: &SlotMarks| {
                self.accounts.of_slot(marks, &service_of) == Some(&known.account.id)
                    && facts.iter().all(|other| other.facts.slot != marks.slot)
            };
            let named =
                self.named.iter().find(|(marks, _)| is_its(marks)).map(|(marks, _)| marks.slot.clone());
            let slot = named.unwrap_or_else(|| free_slot(&taken));
            taken.push(slot.clone());
            facts.push(self.slot(slot, known, now_ms));
        }
        rank(&mut facts);
        facts
    }

    fn slot(&self, slot: String, known: &AccountLimits, now_ms: i64) -> MergedSlot {
        let directory = self.directory(&known.account.id);
        let keychain_service = directory.map(service_of).unwrap_or_default();
        let hash = keychain_service.rsplit_once("credentials-").map(|(_, hash)| hash.to_owned());
        let (five_hour, seven_day) =
            (told(known, &Window::FiveHour, now_ms), told(known, &Window::SevenDay, now_ms));
        // One time stands for both, so it is that of the older one.
        let fetched_at_ms = five_hour.iter().chain(&seven_day).map(|told| told.observed_at_ms).min();
        let is_young = age_ms(fetched_at_ms, now_ms).is_some_and(|age| age <= FRESH_MS);
        let pace = |window: &Window| window_of(known, window).and_then(|it| it.pace);
        let facts = SlotFacts {
            email: known.account.email.clone(),
            five_hour: five_hour.as_ref().map(|told| told.percent),
            seven_day: seven_day.as_ref().map(|told| told.percent),
            five_hour_resets_at_ms: five_hour.and_then(|told| told.resets_at_ms),
            seven_day_resets_at_ms: seven_day.and_then(|told| told.resets_at_ms),
            fetched_at_ms,
            is_fresh: is_young && !known.login.is_dead(),
            config_dir: directory.and_then(|it| it.path.to_str()).map(str::to_owned),
            keychain_hash: hash,
            before: self
                .named
                .iter()
                .rev()
                .find(|(marks, _)| marks.slot == slot)
                .map(|(_, it)| it.clone())
                .unwrap_or_default(),
            slot,
        };
        let (status, deactivation_reason) = match known.login {
            Login::NeedsLogin { reason, .. } => (Status::Expired, Some(reason_word(reason).to_owned())),
            _ if self.aside.contains(&facts.slot) => (Status::Inactive, None),
            Login::Active | Login::Unknown => (Status::Active, None),
        };
        MergedSlot {
            status,
            deactivation_reason,
            rank: None,
            keychain_service,
            five_hour_burn_rate: pace(&Window::FiveHour).map(|pace| Decimal { tenths: pace.tenths_per_hour }),
            weekly_projected_util: pace(&Window::SevenDay)
                .map(|pace| Decimal { tenths: pace.tenths_at_reset }),
            facts,
        }
    }

    /// The first directory that holds an account.
    fn directory(&self, id: &AccountId) -> Option<&Directory> {
        let account = self.accounts.all().iter().find(|account| account.id == *id)?;
        let first = account.directories.first()?;
        self.accounts.directories().iter().find(|directory| directory.path == *first)
    }

    fn merged(
        &self,
        slots: Vec<MergedSlot>,
        here: &[&AccountLimits],
        is_asking: bool,
        now_ms: i64,
    ) -> MergedFacts {
        let active = self.active_slot(&slots, here);
        let best = slots.iter().find(|slot| slot.rank == Some(1) && !is_used_up(slot));
        let all_exhausted = slots.iter().all(is_used_up);
        MergedFacts {
            merged_at_ms: now_ms,
            recommended_slot: best.map(|slot| slot.facts.slot.clone()),
            failover_needed: slots.iter().any(|slot| slot.facts.slot == active && is_used_up(slot)),
            all_exhausted,
            pipeline_remediation: remediation(here, is_asking),
            active_slot: active,
            slots,
        }
    }

    /// The one that the switcher uses; else that of the default directory; else one with sessions.
    fn active_slot(&self, slots: &[MergedSlot], here: &[&AccountLimits]) -> String {
        let is_one = |name: &&String| self.named.iter().any(|(marks, _)| marks.slot == **name);
        if let Some(told) = self.active.as_ref().filter(is_one) {
            return told.clone();
        }
        let default = self.accounts.directories().iter().find(|directory| directory.is_default);
        let of_default = default.and_then(|directory| self.accounts.of_directory(&directory.path));
        let position = here.iter().position(|known| Some(&known.account.id) == of_default);
        let live = || here.iter().position(|known| known.sessions == Sessions::Live);
        let chosen = slots.get(position.or_else(live).unwrap_or(0));
        chosen.map_or_else(|| "none".to_owned(), |slot| slot.facts.slot.clone())
    }
}

/// The same slot for the quota file: what else stood there stays, and nothing from another file comes in.
fn in_quota(target: &Target, facts: &SlotFacts) -> SlotFacts {
    let before = target.content.get(&facts.slot).and_then(serde_json::Value::as_object);
    SlotFacts { before: before.cloned().unwrap_or_default(), ..facts.clone() }
}

fn free_slot(taken: &[String]) -> String {
    let names = (1_u32..).map(|number| format!("slot-{number}"));
    names.into_iter().find(|name| !taken.contains(name)).unwrap_or_default()
}

/// Least used first; a login that is dead or put aside, or of which nothing is known, has no rank.
fn rank(slots: &mut [MergedSlot]) {
    let mut order: Vec<(Percent, usize)> = slots
        .iter()
        .enumerate()
        .filter(|(_, slot)| slot.status == Status::Active)
        .filter_map(|(number, slot)| Some((slot.facts.five_hour.max(slot.facts.seven_day)?, number)))
        .collect();
    order.sort_unstable();
    for (rank, (_, number)) in (1..).zip(order) {
        slots[number].rank = Some(rank);
    }
}

fn is_used_up(slot: &MergedSlot) -> bool {
    let is_full = |percent: Option<Percent>| percent.is_some_and(|percent| percent.whole() >= FULL);
    slot.status == Status::Expired || is_full(slot.facts.five_hour) || is_full(slot.facts.seven_day)
}

/// Those tools' word for why a login cannot be used.
fn reason_word(reason: Reason) -> &'static str {
    match reason {
        Reason::Unauthorized => "error_401",
        Reason::SessionEnded => "error_session_expired",
        Reason::Forbidden | Reason::LoggedOut => "error_no_data",
    }
}

fn remediation(here: &[&AccountLimits], is_asking: bool) -> Remediation {
    let any = |is: fn(Trouble) -> bool| here.iter().any(|known| known.trouble.is_some_and(is));
    match () {
        () if here.iter().all(|known| known.login.is_dead()) => Remediation::BlockedAuthRequired,
        () if !is_asking => Remediation::BlockedNoScheduler,
        () if any(|trouble| matches!(trouble, Trouble::RateLimited { .. })) => {
            Remediation::BlockedRateLimited
        }
        () if any(|trouble| trouble == Trouble::Refreshing) => Remediation::RefreshInProgress,
        () if any(|_| true) => Remediation::Unknown,
        () => Remediation::Ok,
    }
}

/// A window of which use and time are known.
struct Told {
    percent: Percent,
    resets_at_ms: Option<i64>,
    observed_at_ms: i64,
}

fn window_of<'k>(known: &'k AccountLimits, window: &Window) -> Option<&'k WindowLimits> {
    known.windows.iter().find(|it| it.shown.window == *window)
}

/// What is known of a window that runs or has not begun; what was used of one that is over means nothing.
fn told(known: &AccountLimits, window: &Window, now_ms: i64) -> Option<Told> {
    let current = window_of(known, window)?.current?;
    let percent = match current.view(window, now_ms) {
        View::Open { percent, .. } => percent?,
        View::NotStarted => current.percent?,
        View::Over => return None,
    };
    Some(Told { percent, resets_at_ms: current.resets_at_ms, observed_at_ms: current.observed_at_ms? })
}

/// Cost and block are of now. What was told of limits goes in where it is as good as that and of the only account; the
/// file names none.
fn billing_facts(glance: &Glance, here: &[&AccountLimits], now_ms: i64) -> BillingFacts {
    let block = glance.block.as_ref();
    let rate = block.and_then(|block| block.burn_rate_recent.or(block.burn_rate));
    let young = |window: &Window| {
        let [only] = here else { return None };
        let told = told(only, window, now_ms).filter(|_| !only.login.is_dead())?;
        let age = age_ms(Some(told.observed_at_ms), now_ms)?;
        (age <= FRESH_MS).then_some(())?;
        Some((told.resets_at_ms?, told))
    };
    let (five_hour, seven_day) = (young(&Window::FiveHour), young(&Window::SevenDay));
    let told = five_hour.iter().chain(&seven_day).map(|(_, told)| told.observed_at_ms);
    let fetched_at_ms = told.min().unwrap_or(now_ms).min(now_ms);
    BillingFacts {
        cost_today: glance.today.sums.cost,
        burn_rate_per_hour: rate.filter(BurnRate::has_cost).map(|rate| rate.cost_per_hour),
        five_hours: five_hour
            .map(|(end_ms, told)| five_hours(told.percent.into(), end_ms, now_ms))
            .or_else(|| of_block(block?, now_ms)),
        total_tokens: block.map(|block| block.sums.tokens.total()),
        tokens_per_minute: rate.map(|rate| rate.tokens_per_minute()),
        is_fresh: true,
        fetched_at_ms,
        week: seven_day.map(|(end_ms, told)| WeekFacts {
            remaining_hours: (end_ms - now_ms).max(0) / HOUR_MS,
            percent_used: told.percent.into(),
            reset_day: text_of(end_ms, "%a"),
        }),
    }
}

fn five_hours(percent_used: Decimal, ends_at_ms: i64, now_ms: i64) -> FiveHourFacts {
    FiveHourFacts { remaining_min: (ends_at_ms - now_ms).max(0) / MINUTE_MS, percent_used, ends_at_ms }
}

/// Of a block its time is known, and not how much of a limit it used; readers of the file know both.
fn of_block(block: &BlockRow, now_ms: i64) -> Option<FiveHourFacts> {
    let gone = (now_ms - block.start.as_millisecond()).clamp(0, FIVE_HOURS_MS);
    let percent = Decimal { tenths: gone * 1_000 / FIVE_HOURS_MS };
    Some(five_hours(percent, block.end?.as_millisecond(), now_ms))
}

fn text_of(at_ms: i64, format: &str) -> String {
    Timestamp::from_millisecond(at_ms).map(|at| at.strftime(format).to_string()).unwrap_or_default()
}
