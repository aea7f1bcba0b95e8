//! What is left of older readings: as much as whatever comes later can be told by.
//!
//! Readings pile up by the ten thousand, and mostly a later one says all that those before it said. What is left of
//! them comes to the same as all of them, exactly, together with any readings that were made later than
//! [`Past::until_ms`] and at any time that [`Past::holds`]. Why each may go is said where it goes; the property tests
//! go through what may be wrong with that.
//!
//! Must not: decide anything that [`super::merge`] does not.

use std::collections::{BTreeMap, HashMap};

use super::super::pace::RECENT_MS;
use super::{
    CLOCK_SLACK_MS, Percent, Reading, SAME_WINDOW_MS, Seen, Source, Window, drop_moved_resets, in_order,
    latest_reset_ms, order, session, told_for_ms,
};

/// What is left of the older readings of one window of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// It stands for all readings that were observed up to then, UTC milliseconds.
    pub until_ms: i64,
    /// The earliest present for which it was made, UTC milliseconds.
    pub as_of_ms: i64,
    /// In order of time.
    pub left: Vec<Left>,
}

/// A reading that is left, in the light of those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// What was read.
    pub reading: Reading,
    /// When what it says was observed, UTC milliseconds: a session repeats what it was told before.
    pub at_ms: i64,
    /// It may say that less is used than was known.
    pub may_lower: bool,
}

impl Default for Past {
    /// Nothing came before.
    fn default() -> Self {
        Self { until_ms: i64::MIN, as_of_ms: i64::MIN, left: Vec::new() }
    }
}

impl Left {
    pub(super) fn seen(&self) -> Seen {
        let Reading { source, percent, resets_at_ms, .. } = self.reading;
        Seen { at: Some(self.at_ms), source, percent, resets_at: resets_at_ms, may_lower: self.may_lower }
    }
}

impl Past {
    /// Readings that were observed up to then can be summed up at `now_ms`: those of the last 45 minutes are needed
    /// one by one.
    pub fn can_reach_ms(now_ms: i64) -> i64 {
        now_ms.saturating_sub(CLOCK_SLACK_MS).saturating_sub(RECENT_MS).saturating_sub(1)
    }

    /// It stands for its readings at this present: not when the clock was set back, nor when a reset that was too far
    /// ahead to be true no longer is.
    pub fn holds(&self, window: &Window, now_ms: i64) -> bool {
        let (then_ms, latest_ms) = (latest_reset_ms(window, self.as_of_ms), latest_reset_ms(window, now_ms));
        let is_new = |end: i64| end > then_ms && end <= latest_ms;
        now_ms >= self.as_of_ms && !self.left.iter().any(|left| left.reading.resets_at_ms.is_some_and(is_new))
    }

    /// What is left of these readings with those before, which it [`Past::holds`] at `now_ms`. All of them were observed
    /// after [`Past::until_ms`], and none after [`Past::can_reach_ms`].
    #[must_use]
    pub fn with(&self, window: &Window, readings: &[Reading], now_ms: i64) -> Self {
        let (until_ms, as_of_ms) = (Self::can_reach_ms(now_ms), now_ms.saturating_sub(CLOCK_SLACK_MS));
        let noted = in_order(window, &self.left, readings, as_of_ms);
        let mut needed = not_outdone(&noted);
        forget_ended(window, until_ms, &noted, &mut needed);
        keep_last_told(until_ms.saturating_sub(told_for_ms(window)), &noted, &mut needed);
        keep_newest_answer(&noted, &mut needed);
        let kept = noted.iter().zip(needed).filter(|(_, needed)| *needed).map(|((reading, seen), _)| Left {
            reading: (*reading).clone(),
            at_ms: seen.at.unwrap_or(reading.observed_at_ms),
            may_lower: seen.may_lower,
        });
        let latest_ms = latest_reset_ms(window, as_of_ms);
        let too_far = |reading: &&Reading| reading.resets_at_ms.is_some_and(|end| end > latest_ms);
        let before = self.left.iter().map(|left| &left.reading);
        let passed_over = before.chain(readings).filter(too_far).map(|reading| Left {
            reading: reading.clone(),
            at_ms: reading.observed_at_ms,
            may_lower: false,
        });
        let mut left: Vec<Left> = kept.chain(passed_over).collect();
        left.sort_by(|a, b| order(&a.reading).cmp(&order(&b.reading)));
        Self { until_ms, as_of_ms, left }
    }
}

/// Which of them say something that no later one of the same reset makes up for. Later ones of the same reset are in
/// every window that an earlier one is in. So an earlier one goes when a later one may lower use (what was known before
/// it is then no more), or says as much (and the earlier one lowered nothing itself). Of what was typed by hand the
/// last state counts.
fn not_outdone(noted: &[(&Reading, Seen)]) -> Vec<bool> {
    #[derive(Default)]
    struct Later {
        any: bool,
        lowers: bool,
        highest: Option<Percent>,
    }
    let (mut later, mut typed) = (HashMap::<Option<i64>, Later>::new(), false);
    let mut needed = vec![false; noted.len()];
    for ((_, seen), needed) in noted.iter().zip(&mut needed).rev() {
        if seen.source == Source::Manual {
            *needed = !std::mem::replace(&mut typed, true);
            continue;
        }
        let later = later.entry(seen.resets_at).or_default();
        let is_outdone = match seen.percent {
            None => later.any,
            Some(_) if later.lowers => true,
            percent => !seen.may_lower && later.highest >= percent,
        };
        *needed = !is_outdone;
        later.any = true;
        later.lowers |= seen.may_lower && seen.percent.is_some();
        later.highest = later.highest.max(seen.percent);
    }
    needed
}

/// Lets go of windows that have ended: the one that is open ends no earlier than it is known to now, or than the time up
/// to which is summed up, since only an answer that is newer can move it, and to an end that lies ahead of itself.
fn forget_ended(window: &Window, until_ms: i64, noted: &[(&Reading, Seen)], needed: &mut [bool]) {
    let mut told: Vec<Seen> =
        noted.iter().map(|(_, seen)| *seen).filter(|seen| seen.source != Source::Manual).collect();
    drop_moved_resets(&mut told);
    let Some(end_ms) = told.iter().filter_map(|seen| seen.resets_at).max() else { return };
    let ended_ms = end_ms.min(until_ms).saturating_sub(SAME_WINDOW_MS);
    let (resets, length_ms) =
        (noted.iter().filter(|(_, seen)| seen.source != Source::Manual), window.length_ms());
    // A window of no known length begins at the reset before it.
    let last_ended = resets.filter_map(|(_, seen)| seen.resets_at).filter(|end| *end < ended_ms).max();
    for ((_, seen), needed) in noted.iter().zip(needed).filter(|((_, seen), _)| seen.source != Source::Manual)
    {
        *needed &= match (seen.resets_at, length_ms) {
            (Some(end), None) => end >= ended_ms || Some(end) == last_ended,
            (Some(end), Some(_)) => end >= ended_ms,
            (None, Some(length)) => seen.at >= Some(ended_ms.saturating_sub(length)),
            (None, None) => true,
        };
    }
}

/// What a session is told next is held against what it was told last.
fn keep_last_told(from_ms: i64, noted: &[(&Reading, Seen)], needed: &mut [bool]) {
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, (reading, _)) in noted.iter().enumerate() {
        if reading.source == Source::Stdin && reading.observed_at_ms >= from_ms {
            let last = last.entry(session(reading)).or_insert(at);
            if order(noted[*last].0) < order(reading) {
                *last = at;
            }
        }
    }
    last.into_values().for_each(|at| needed[at] = true);
}

/// The service's newest answer may have moved the end of a window.
fn keep_newest_answer(noted: &[(&Reading, Seen)], needed: &mut [bool]) {
    let end = |seen: &Seen| Some((seen.at?, seen.resets_at?)).filter(|(at, end)| at < end);
    let answers = noted.iter().enumerate().filter(|(_, (reading, _))| reading.source == Source::Endpoint);
    let newest = answers.filter_map(|(at, (_, seen))| Some((end(seen)?, at))).max();
    newest.into_iter().for_each(|(_, at)| needed[at] = true);
}
