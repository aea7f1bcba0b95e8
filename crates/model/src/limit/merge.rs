//! What the readings of one window of one account come to.
//!
//! The answer depends on the set of readings and on `now`, never on their order or repeats: whatever a reading's
//! neighbours decide (is it news, may it lower) is decided after putting all of them in one order of time. So there is
//! no form that takes one reading more: a late one can change what those after it meant. What nothing can change any
//! more, but for a reading that comes late by most of an hour, is summed up in a [`Past`].
//!
//! Must not: know where readings are kept.

mod past;

use std::collections::BTreeMap;

pub use self::past::{Left, Past};
use super::{AccountId, CLOCK_SLACK_MS, DAY_MS, HOUR_MS, Percent, Reading, Source, Told, Window, age_ms};

/// Resets that lie this near to each other, in milliseconds, are the reset of one window.
pub const SAME_WINDOW_MS: i64 = 60_000;

/// What is known of one window of one account.
///
/// This is for keeping. What may be shown of it depends on the time: ask [`Current::view`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Current {
    /// How much was used when last observed; none: not told, which is not 0.
    pub percent: Option<Percent>,
    /// When the window ends, UTC milliseconds; none: not told, or not started.
    pub resets_at_ms: Option<i64>,
    /// The newest reading that confirms the percentage (or, without one, the window), UTC milliseconds. None: a clock
    /// that was ahead stamped it, so its age cannot be told, and never will.
    pub observed_at_ms: Option<i64>,
    /// The source of that reading.
    pub source: Source,
}

/// What may be shown of a window at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// It runs.
    Open {
        /// How much is used, where told.
        percent: Option<Percent>,
        /// The time to its end in milliseconds, where told; never longer than such windows last.
        left_ms: Option<u64>,
        /// Its end, UTC milliseconds, where told.
        resets_at_ms: Option<i64>,
    },
    /// Nothing is used, and no end is set: its time begins with the first use.
    NotStarted,
    /// It has ended, and nothing was heard of the next one. What was used of it means nothing now.
    Over,
}

impl Current {
    /// What may be shown of it. A window is over from the millisecond of its reset on; one without a reset when
    /// windows of its kind that were open at the observation have all ended.
    pub fn view(&self, window: &Window, now_ms: i64) -> View {
        let not_used = self.percent.is_some_and(|percent| percent.tenths() == 0);
        match self.resets_at_ms {
            None if not_used => View::NotStarted,
            _ if self.ends_by_ms(window).is_some_and(|end| end <= now_ms) => View::Over,
            resets_at_ms => View::Open {
                percent: self.percent,
                left_ms: resets_at_ms.map(|end| {
                    let left = end.saturating_sub(now_ms).min(window.length_ms().unwrap_or(i64::MAX));
                    u64::try_from(left).unwrap_or(0)
                }),
                resets_at_ms,
            },
        }
    }

    /// How old the percentage is, in milliseconds; none when that cannot be told.
    pub fn age_ms(&self, now_ms: i64) -> Option<u64> {
        age_ms(self.observed_at_ms, now_ms)
    }

    /// The latest time at which it can end.
    fn ends_by_ms(&self, window: &Window) -> Option<i64> {
        self.resets_at_ms.or_else(|| Some(self.observed_at_ms?.saturating_add(window.length_ms()?)))
    }
}

/// What is known of the windows of accounts.
pub type Accounts = BTreeMap<AccountId, BTreeMap<Window, Current>>;

/// What readings of any accounts and windows come to.
pub fn merge_all(readings: &[Reading], now_ms: i64) -> Accounts {
    let mut groups: BTreeMap<(&AccountId, &Window), Vec<&Reading>> = BTreeMap::new();
    for reading in readings {
        groups.entry((&reading.account, &reading.window)).or_default().push(reading);
    }
    let mut accounts = Accounts::new();
    for ((account, window), readings) in groups {
        if let Some(current) = merge(window, readings, now_ms) {
            accounts.entry(account.clone()).or_default().insert(window.clone(), current);
        }
    }
    accounts
}

/// What the readings of one window of one account come to; those of other windows are passed over. None when they
/// tell neither use nor reset.
///
/// Readings of the last two lengths are enough for a window that is open. Without older ones a window that ended
/// before is unknown, not over.
pub fn merge<'a>(
    window: &Window,
    readings: impl IntoIterator<Item = &'a Reading>,
    now_ms: i64,
) -> Option<Current> {
    history(window, readings, now_ms).map(|history| history.current)
}

/// What readings come to, and how it got there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct History {
    /// What they come to.
    pub(super) current: Current,
    /// The readings that made or confirmed the use at their time, since it was last lowered: time and use, both rising.
    pub(super) steps: Vec<(i64, Percent)>,
}

/// As [`merge`], with the way to it.
pub(super) fn history<'a>(
    window: &Window,
    readings: impl IntoIterator<Item = &'a Reading>,
    now_ms: i64,
) -> Option<History> {
    history_after(window, &[], readings, now_ms)
}

/// The same of readings that came after others, of which this is left.
pub(super) fn history_after<'a>(
    window: &Window,
    left: &'a [Left],
    readings: impl IntoIterator<Item = &'a Reading>,
    now_ms: i64,
) -> Option<History> {
    let noted = in_order(window, left, readings, now_ms);
    let mut seen: Vec<Seen> = noted.into_iter().map(|(_, seen)| seen).collect();
    keep_last_typed(&mut seen);
    drop_moved_resets(&mut seen);
    place_typed(window, &mut seen);
    let (resets_at_ms, members) = open_window(window, seen);
    fold(resets_at_ms, &members)
}

/// A reading in the light of those before it.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// When; none when a clock that was ahead says so. Such a reading comes before all others: whatever was seen at a
    /// known time may correct it, and it corrects nothing.
    at: Option<i64>,
    source: Source,
    percent: Option<Percent>,
    resets_at: Option<i64>,
    /// It may say that less is used than was known.
    may_lower: bool,
}

impl Seen {
    fn new(reading: &Reading, now_ms: i64) -> Self {
        let known = reading.observed_at_ms <= now_ms.saturating_add(CLOCK_SLACK_MS);
        Self {
            at: known.then_some(reading.observed_at_ms),
            source: reading.source,
            percent: reading.percent,
            resets_at: reading.resets_at_ms,
            may_lower: known
                && matches!(reading.source, Source::Endpoint | Source::ClaudeCache | Source::HotSwap),
        }
    }

    /// The same session was told something before. What it repeats without having waited for an answer since was
    /// observed when it was told first.
    fn told_after(&mut self, has_waited: bool, same_value: bool, before: &Self) {
        if has_waited {
            self.may_lower = self.at.is_some();
        } else if same_value {
            (self.at, self.may_lower) = (before.at, before.may_lower);
        }
    }
}

/// The readings in order of time, then of source, then of use. Those of a reset that is too far ahead to be true are
/// passed over.
fn in_order<'a>(
    window: &Window,
    left: &'a [Left],
    readings: impl IntoIterator<Item = &'a Reading>,
    now_ms: i64,
) -> Vec<(&'a Reading, Seen)> {
    let latest_ms = latest_reset_ms(window, now_ms);
    let can_be_true = |reading: &Reading| reading.resets_at_ms.is_none_or(|end| end <= latest_ms);
    let mut readings: Vec<&Reading> =
        readings.into_iter().filter(|reading| reading.window == *window && can_be_true(reading)).collect();
    readings.sort_by(|a, b| order(a).cmp(&order(b)));
    readings.dedup();

    let mut last_told: BTreeMap<&str, (&Reading, Seen)> = BTreeMap::new();
    let mut noted: Vec<(&Reading, Seen)> = Vec::with_capacity(left.len() + readings.len());
    let left =
        left.iter().filter(|left| can_be_true(&left.reading)).map(|left| (&left.reading, Some(left.seen())));
    for (reading, known) in left.chain(readings.into_iter().map(|reading| (reading, None))) {
        let mut it = known.unwrap_or_else(|| Seen::new(reading, now_ms));
        if reading.source == Source::Stdin {
            let session = session(reading);
            let before = last_told.get(session).filter(|(before, _)| is_near(window, before, reading));
            if let Some((before, first)) = before.filter(|_| known.is_none()) {
                it.told_after(
                    has_waited(before.told.as_ref(), reading.told.as_ref()),
                    same_value(before, reading),
                    first,
                );
            }
            last_told.insert(session, (reading, it));
        }
        noted.push((reading, it));
    }
    noted.sort_by_key(|(_, seen)| (seen.at, seen.source, seen.percent));
    noted
}

/// What puts readings in one order, whatever order they came in.
fn order(reading: &Reading) -> impl Ord + '_ {
    let Reading { observed_at_ms, source, told, percent, resets_at_ms, .. } = reading;
    (*observed_at_ms, *source, told.as_ref(), *percent, *resets_at_ms)
}

fn session(reading: &Reading) -> &str {
    reading.told.as_ref().map_or("", |told| &told.session)
}

/// What a session was told longer ago than the window lasts was of another one.
fn is_near(window: &Window, before: &Reading, after: &Reading) -> bool {
    after.observed_at_ms.saturating_sub(before.observed_at_ms) <= told_for_ms(window)
}

/// How long what a session was told is held against what it is told next.
fn told_for_ms(window: &Window) -> i64 {
    window.length_ms().unwrap_or(7 * DAY_MS).saturating_add(HOUR_MS)
}

/// The latest reset that can be true. Believing a later one would hide every true one until it passes. One hour is for
/// clocks that are behind, and a year is longer than any limit that the service has.
fn latest_reset_ms(window: &Window, now_ms: i64) -> i64 {
    now_ms.saturating_add(window.length_ms().unwrap_or(366 * DAY_MS)).saturating_add(HOUR_MS)
}

/// The session has waited for an answer between the two. The count starts again at 0 when a conversation is cleared,
/// so that one that fell shows nothing.
fn has_waited(before: Option<&Told>, after: Option<&Told>) -> bool {
    let waited = |told: Option<&Told>| told.and_then(|told| told.api_duration_ms);
    waited(before).zip(waited(after)).is_some_and(|(before, after)| after > before)
}

fn same_value(one: &Reading, other: &Reading) -> bool {
    let same_reset = match (one.resets_at_ms, other.resets_at_ms) {
        (Some(one), Some(other)) => same_reset(one, other),
        (one, other) => one == other,
    };
    same_reset && one.percent == other.percent
}

/// A session is told exactly what it was told before, and has not waited for an answer since: that is no observation.
pub fn repeats(before: &Reading, after: &Reading) -> bool {
    after.source == Source::Stdin
        && Reading { observed_at_ms: after.observed_at_ms, ..before.clone() } == *after
}

/// Two resets are those of one window.
pub(super) fn same_reset(one_ms: i64, other_ms: i64) -> bool {
    one_ms.abs_diff(other_ms) <= SAME_WINDOW_MS.unsigned_abs()
}

/// A file that is typed by hand is a state: what it said before was taken back.
fn keep_last_typed(seen: &mut Vec<Seen>) {
    if let Some(last) = seen.iter().rposition(|s| s.source == Source::Manual) {
        let mut index = 0;
        seen.retain(|s| {
            index += 1;
            s.source != Source::Manual || index == last + 1
        });
    }
}

/// Takes out the resets that the service has moved to an earlier time: those that lie later than the reset of its
/// newest answer and were seen before it. Without this a week that was moved forward would stand still until the old
/// end. Only the service's own answer counts: other sources repeat what is long past.
fn drop_moved_resets(seen: &mut Vec<Seen>) {
    let answers = seen.iter().filter(|s| s.source == Source::Endpoint);
    let newest = answers.filter_map(|s| Some((s.at?, s.resets_at?))).filter(|(at, end)| at < end).max();
    if let Some((answered_at, end)) = newest {
        seen.retain(|s| {
            s.at.is_some_and(|at| at > answered_at)
                || s.resets_at.is_none_or(|other| other <= end || same_reset(other, end))
        });
    }
}

/// A reset that was typed by hand is a guess: where another source knows of a window that was open at that time, what
/// was typed belongs to that window, and what was typed before it began is past.
fn place_typed(window: &Window, seen: &mut Vec<Seen>) {
    let told = |s: &Seen| s.resets_at.filter(|_| s.source != Source::Manual);
    let Some(end) = seen.iter().filter_map(told).max() else { return };
    let start = start_ms(window, end, seen.iter().filter_map(told));
    seen.retain_mut(|s| match s.at {
        _ if s.source != Source::Manual => true,
        Some(at) if at >= end => true,
        Some(at) if at >= start => {
            s.resets_at = None;
            true
        }
        _ => false,
    });
}

/// When the window that ends at `end` began: its length before; where that is not known, at the reset before it.
fn start_ms(window: &Window, end: i64, resets: impl Iterator<Item = i64>) -> i64 {
    match window.length_ms() {
        Some(length) => end.saturating_sub(length).saturating_sub(SAME_WINDOW_MS),
        None => resets.filter(|other| *other < end && !same_reset(*other, end)).max().unwrap_or(i64::MIN),
    }
}

/// The window that is current, by its reset, and the readings that belong to it.
///
/// The latest reset counts, and so do readings of it and those without a reset that were made while it was open. Only
/// a reading that was made after it, and tells use but no reset, speaks of a newer one.
fn open_window(window: &Window, seen: Vec<Seen>) -> (Option<i64>, Vec<Seen>) {
    let end = seen.iter().filter_map(|s| s.resets_at).max();
    let after_end =
        |s: &Seen| s.resets_at.is_none() && s.percent.is_some() && s.at >= Some(end.unwrap_or(i64::MIN));
    if let Some(newest) = seen.iter().filter(|s| after_end(s)).filter_map(|s| s.at).max() {
        let start = newest.saturating_sub(window.length_ms().unwrap_or(i64::MAX));
        return (None, seen.into_iter().filter(|s| after_end(s) && s.at > Some(start)).collect());
    }
    let Some(end) = end else { return (None, Vec::new()) };
    let start = start_ms(window, end, seen.iter().filter_map(|s| s.resets_at));
    let belongs = |s: &Seen| s.resets_at.map_or(s.at >= Some(start), |other| same_reset(other, end));
    (Some(end), seen.into_iter().filter(belongs).collect())
}

/// Goes through the readings of one window in order of time. Use only rises, unless a reading that may lower it says
/// less; what says the same confirms it. What was typed by hand confirms nothing.
fn fold(resets_at_ms: Option<i64>, members: &[Seen]) -> Option<History> {
    let mut used: Option<(Percent, &Seen)> = None;
    let mut steps = Vec::new();
    for seen in members {
        let Some(percent) = seen.percent else { continue };
        let counts = match used {
            None => true,
            Some((held, _)) if percent == held => seen.source != Source::Manual,
            Some((held, _)) => percent > held || seen.may_lower,
        };
        if !counts {
            continue;
        }
        if used.is_some_and(|(held, _)| percent < held) {
            steps.clear();
        }
        used = Some((percent, seen));
        steps.extend(seen.at.map(|at| (at, percent)));
    }
    let (percent, by) = match used {
        Some((percent, by)) => (Some(percent), by),
        None => (None, members.last()?),
    };
    let current = Current { percent, resets_at_ms, observed_at_ms: by.at, source: by.source };
    Some(History { current, steps })
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
