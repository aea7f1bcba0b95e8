//! How fast a window fills, and whether it is full before it ends.

use super::merge::{self, Current, History, Left, View};
use super::{HOUR_MS, MINUTE_MS, Percent, Reading, Window};
use crate::money::round_half_even;

/// How fast a window fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Tenths of a percent an hour, rounded half to even; never negative.
    pub tenths_per_hour: i64,
    /// What it was taken from.
    pub basis: Basis,
    /// What the window comes to by its reset at this pace, in tenths of a percent, rounded half to even; more than
    /// 1,000 is more than there is.
    pub tenths_at_reset: i64,
    /// When the window is full at this pace, counted from the last reading, UTC milliseconds: that may be past by now.
    /// None when it is not before the reset.
    pub full_at_ms: Option<i64>,
}

/// What a pace was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Basis {
    /// Three or more readings of the last 45 minutes.
    Recent,
    /// All of the window so far: an estimate.
    Whole,
}

/// The readings of this many milliseconds tell the pace of now.
pub(super) const RECENT_MS: i64 = 45 * MINUTE_MS;
/// They must lie this far apart: one percent of a few minutes is no pace.
const APART_MS: i64 = 10 * MINUTE_MS;
const FULL_TENTHS: i64 = 1_000;

/// The pace of a plan's window, from readings of one account. None when it cannot be told: the window is not open, its
/// end or use is not known, or it began so shortly before the last reading (10 minutes for five hours) that one percent
/// would be a pace.
///
/// Of five hours the last 45 minutes count where they hold three readings; otherwise, and of weeks, the time from the
/// window's start to the last reading.
pub fn pace<'a>(
    window: &Window,
    readings: impl IntoIterator<Item = &'a Reading>,
    now_ms: i64,
) -> Option<Pace> {
    of_history(window, &merge::history(window, readings, now_ms)?, now_ms)
}

/// What the readings of one window of one account come to, and its pace: of readings that came after others, of which
/// this is left.
pub fn current_and_pace<'a>(
    window: &Window,
    left: &'a [Left],
    readings: impl IntoIterator<Item = &'a Reading>,
    now_ms: i64,
) -> Option<(Current, Option<Pace>)> {
    let history = merge::history_after(window, left, readings, now_ms)?;
    Some((history.current, of_history(window, &history, now_ms)))
}

fn of_history(window: &Window, history: &History, now_ms: i64) -> Option<Pace> {
    let History { current, steps } = history;
    let View::Open { percent: Some(percent), resets_at_ms: Some(end), .. } = current.view(window, now_ms)
    else {
        return None;
    };
    let recent = if *window == Window::FiveHour { recent_gain(steps, now_ms) } else { None };
    let (basis, gain) = match recent {
        Some(gain) => (Basis::Recent, gain),
        None => (Basis::Whole, whole_gain(window, current, percent, end)?),
    };
    Some(gain.forecast(basis, percent, current.observed_at_ms?, end))
}

/// So many tenths of a percent in so many milliseconds.
#[derive(Clone, Copy, Debug)]
struct Gain {
    tenths: i64,
    /// More than 0.
    span_ms: i64,
}

/// The gain over the readings of the last 45 minutes.
fn recent_gain(steps: &[(i64, Percent)], now_ms: i64) -> Option<Gain> {
    let recent = &steps[steps.partition_point(|(at, _)| *at < now_ms.saturating_sub(RECENT_MS))..];
    let [(from_ms, from), .., (to_ms, to)] = recent else { return None };
    let span_ms = to_ms.saturating_sub(*from_ms);
    (recent.len() >= 3 && span_ms >= APART_MS)
        .then(|| Gain { tenths: i64::from(to.tenths() - from.tenths()), span_ms })
}

/// The gain since the window began.
fn whole_gain(window: &Window, current: &Current, percent: Percent, end_ms: i64) -> Option<Gain> {
    let length = window.length_ms()?;
    let span_ms = current.observed_at_ms?.saturating_sub(end_ms.saturating_sub(length));
    (span_ms >= length / 30).then(|| Gain { tenths: i64::from(percent.tenths()), span_ms })
}

impl Gain {
    fn forecast(self, basis: Basis, percent: Percent, from_ms: i64, end_ms: i64) -> Pace {
        let used = i64::from(percent.tenths());
        let missing = (FULL_TENTHS - used).max(0);
        let full_at_ms = match (missing, self.tenths) {
            (0, _) => Some(from_ms),
            (_, 0) => None,
            (missing, tenths) => {
                let (missing, tenths) = (i128::from(missing), i128::from(tenths));
                let full_in = (missing * i128::from(self.span_ms) + tenths - 1) / tenths;
                i64::try_from(full_in).ok().map(|ms| from_ms.saturating_add(ms))
            }
        };
        Pace {
            tenths_per_hour: self.over(HOUR_MS),
            basis,
            tenths_at_reset: used.saturating_add(self.over(end_ms.saturating_sub(from_ms))),
            full_at_ms: full_at_ms.filter(|at| *at < end_ms),
        }
    }

    /// The tenths gained in this time.
    fn over(self, ms: i64) -> i64 {
        let tenths = round_half_even(i128::from(self.tenths) * i128::from(ms), i128::from(self.span_ms));
        i64::try_from(tenths).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AccountId, DAY_MS, Source};
    use super::*;

    const NOW: i64 = 1_770_556_680_000;

    /// Readings of a window that ends in so many minutes.
    fn readings(window: &Window, end_min: i64, seen: &Seen) -> Vec<Reading> {
        let reading = |(ago, tenths): &(i64, i32)| Reading {
            account: AccountId { organization: "org".into(), account: "one".into() },
            window: window.clone(),
            percent: Some(Percent::of_tenths(window, *tenths)),
            resets_at_ms: Some(NOW + end_min * MINUTE_MS),
            observed_at_ms: NOW - ago * MINUTE_MS,
            source: Source::Endpoint,
            told: None,
        };
        seen.iter().map(reading).collect()
    }

    /// Basis, tenths an hour, tenths at the reset, minutes from now until it is full.
    type Told = (Basis, i64, i64, Option<i64>);
    /// Minutes ago, tenths of a percent.
    type Seen = [(i64, i32)];

    fn told(window: &Window, end_min: i64, seen: &Seen) -> Option<Told> {
        let pace = pace(window, &readings(window, end_min, seen), NOW)?;
        let full_in = pace.full_at_ms.map(|at| (at - NOW) / MINUTE_MS);
        Some((pace.basis, pace.tenths_per_hour, pace.tenths_at_reset, full_in))
    }

    #[test]
    fn a_pace_is_that_of_the_last_readings_or_else_of_the_window_so_far() {
        use Basis::{Recent, Whole};
        let rows: [(&str, i64, &Seen, Option<Told>); 13] = [
            ("two hours in, 40 %", 180, &[(0, 400)], Some((Whole, 200, 1_000, None))),
            ("full before its end", 180, &[(0, 500)], Some((Whole, 250, 1_250, Some(120)))),
            ("counted from the last reading", 150, &[(30, 400)], Some((Whole, 200, 1_000, None))),
            ("three readings", 180, &[(40, 400), (20, 420), (0, 460)], Some((Recent, 90, 730, None))),
            ("fast ones", 180, &[(40, 400), (20, 600), (0, 800)], Some((Recent, 600, 2_600, Some(20)))),
            ("it stands still", 180, &[(40, 400), (20, 400), (0, 400)], Some((Recent, 0, 400, None))),
            ("two", 180, &[(40, 300), (0, 400)], Some((Whole, 200, 1_000, None))),
            (
                "one of three is older",
                180,
                &[(46, 300), (20, 350), (0, 400)],
                Some((Whole, 200, 1_000, None)),
            ),
            ("three in nine minutes", 180, &[(9, 300), (5, 350), (0, 400)], Some((Whole, 200, 1_000, None))),
            ("lowered in between", 180, &[(40, 900), (20, 390), (0, 400)], Some((Whole, 200, 1_000, None))),
            ("full", 180, &[(0, 1_000)], Some((Whole, 500, 2_500, Some(0)))),
            ("nine minutes in", 291, &[(0, 20)], None),
            ("over", 0, &[(1, 900)], None),
        ];
        for (case, end_min, seen, expected) in rows {
            assert_eq!(told(&Window::FiveHour, end_min, seen), expected, "{case}");
        }
        assert_eq!(told(&Window::FiveHour, 180, &[]), None, "no readings");
    }

    #[test]
    fn a_week_goes_by_all_of_it() {
        let seen = [(40, 600), (20, 650), (0, 720)];
        let three_days = 3 * DAY_MS / MINUTE_MS;
        let expected = Some((Basis::Whole, 8, 1_260, Some(2_240)));
        assert_eq!(told(&Window::SevenDay, three_days, &seen), expected, "72 % in four days");
        assert_eq!(told(&Window::Other("spend".into()), three_days, &seen), None, "of no known length");
    }

    #[test]
    fn what_is_not_known_has_no_pace() {
        let readings = |change: fn(&mut Reading)| {
            let mut readings = readings(&Window::FiveHour, 180, &[(0, 400)]);
            readings.iter_mut().for_each(change);
            pace(&Window::FiveHour, &readings, NOW)
        };
        assert!(readings(|_| ()).is_some());
        assert_eq!(readings(|reading| reading.percent = None), None);
        assert_eq!(readings(|reading| reading.resets_at_ms = None), None);
        assert_eq!(readings(|reading| reading.observed_at_ms = NOW + HOUR_MS), None);
    }
}
