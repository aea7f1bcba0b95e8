//! Five-hour blocks of activity, and how fast tokens and money go in one.
//!
//! The one algorithm behind every view that speaks of blocks.
//! Must not: know what "now" is, or where calls are kept.

use crate::money::{NanoUsd, round_half_even};
use crate::sums::{Sums, is_cost_known};

/// The length of a block in milliseconds: five hours. A pause longer than this ends a block as well.
pub const BLOCK_MS: i64 = 5 * HOUR_MS;

const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;

/// Where calls belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// All of them to one block.
    Block {
        /// Its start: milliseconds since 1970, a whole UTC hour. Its end is [`BLOCK_MS`] later.
        start_ms: i64,
        /// The first of the calls opened it.
        opened: bool,
    },
    /// To more than one block. Nothing was placed: feed the calls to the cursor one by one.
    Straddles,
}

/// Walks through calls in order of time and tells the block of each.
#[derive(Clone, Copy, Debug, Default)]
pub struct BlockCursor {
    open: Option<OpenBlock>,
}

#[derive(Clone, Copy, Debug)]
struct OpenBlock {
    start_ms: i64,
    /// Its latest call so far.
    last_ms: i64,
}

impl BlockCursor {
    /// A cursor before the first call.
    pub fn new() -> Self {
        Self::default()
    }

    /// Places a run of calls, of which the first and the last are known: a roll-up, or one call given twice.
    ///
    /// Runs come in order of time and do not overlap. A single call always finds its block. The next block starts,
    /// floored to the UTC hour, at a call that lies more than five hours after the start or after the call before it.
    pub fn place(&mut self, first_ms: i64, last_ms: i64) -> Placement {
        let held = self.open.filter(|block| {
            first_ms.saturating_sub(block.start_ms) <= BLOCK_MS
                && first_ms.saturating_sub(block.last_ms) <= BLOCK_MS
        });
        let start_ms =
            held.map_or_else(|| first_ms.saturating_sub(first_ms.rem_euclid(HOUR_MS)), |b| b.start_ms);
        // A pause inside the run needs no look: one of five hours would end beyond the block as well.
        if last_ms.saturating_sub(start_ms) > BLOCK_MS {
            return Placement::Straddles;
        }
        self.open = Some(OpenBlock { start_ms, last_ms });
        Placement::Block { start_ms, opened: held.is_none() }
    }
}

/// Speed of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BurnRate {
    /// Tokens a minute, in thousandths, rounded half to even.
    pub milli_tokens_per_minute: u64,
    /// Cost an hour of the calls that have a price, rounded half to even to whole nano-dollars.
    pub cost_per_hour: NanoUsd,
    /// Calls that it is taken from.
    pub calls: u64,
    /// Those of them without a price.
    pub unpriced_calls: u64,
}

impl BurnRate {
    /// Tokens a minute, whole.
    pub fn tokens_per_minute(&self) -> u64 {
        self.milli_tokens_per_minute / 1_000 + u64::from(self.milli_tokens_per_minute % 1_000 >= 500)
    }

    /// What it costs is known, if only in part; not so where there are calls and none has a price.
    pub fn has_cost(&self) -> bool {
        is_cost_known(self.calls, self.unpriced_calls)
    }
}

/// What a block will come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Projection {
    /// Tokens at the block's end.
    pub total_tokens: u64,
    /// Cost at the block's end.
    pub total_cost: NanoUsd,
    /// Minutes from now to the block's end, rounded half to even.
    pub remaining_minutes: u64,
}

/// So much time makes a rate: that of a few seconds is no estimate of hours.
const SHORTEST_MS: i64 = 10 * MINUTE_MS;

/// How fast calls with these sums went, over the time from the first of them to the last (milliseconds since 1970).
/// None when that is less than ten minutes: it is too early to say.
pub fn burn(sums: &Sums, first_ms: i64, last_ms: i64) -> Option<BurnRate> {
    let span = span_ms(first_ms, last_ms)?;
    Some(BurnRate {
        milli_tokens_per_minute: count(at_pace(i128::from(sums.tokens.total()) * 1_000, MINUTE_MS, span)),
        cost_per_hour: nano(at_pace(i128::from(sums.cost.0), HOUR_MS, span)),
        calls: sums.calls,
        unpriced_calls: sums.unpriced_calls,
    })
}

/// What a block comes to by its end when it goes on at its own pace: what it holds, and that pace for the time that
/// remains from `now_ms`. None when its calls took less than ten minutes: it is too early to say.
///
/// The pace is taken unrounded. No more than five hours remain, also when a clock was wrong.
pub fn project(sums: &Sums, first_ms: i64, last_ms: i64, now_ms: i64, end_ms: i64) -> Option<Projection> {
    let span = span_ms(first_ms, last_ms)?;
    let remaining = end_ms.saturating_sub(now_ms).clamp(0, BLOCK_MS);
    let (tokens, cost) = (i128::from(sums.tokens.total()), i128::from(sums.cost.0));
    Some(Projection {
        total_tokens: count(tokens + at_pace(tokens, remaining, span)),
        total_cost: nano(cost + at_pace(cost, remaining, span)),
        remaining_minutes: count(at_pace(i128::from(remaining), 1, i128::from(MINUTE_MS))),
    })
}

/// The time between two instants, when it is enough for a rate.
fn span_ms(first_ms: i64, last_ms: i64) -> Option<i128> {
    let span = i128::from(last_ms) - i128::from(first_ms);
    (span >= i128::from(SHORTEST_MS)).then_some(span)
}

/// `amount × time / span`, rounded half to even.
fn at_pace(amount: i128, time_ms: i64, span: i128) -> i128 {
    round_half_even(amount * i128::from(time_ms), span)
}

/// A count; the largest one when a broken clock asks for more.
fn count(value: i128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// An amount of nano-dollars; the largest one when a broken clock asks for more.
fn nano(value: i128) -> NanoUsd {
    NanoUsd(i64::try_from(value).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::civil::quarter_of;
    use crate::tokens::Tokens;

    /// The block start of each call, as the oracle finds it.
    fn naive_starts(calls: &[i64]) -> Vec<i64> {
        let mut open: Option<(i64, i64)> = None;
        let mut starts = Vec::new();
        for &at in calls {
            let start = match open {
                Some((start, before)) if at - start <= BLOCK_MS && at - before <= BLOCK_MS => start,
                _ => at - at.rem_euclid(HOUR_MS),
            };
            open = Some((start, at));
            starts.push(start);
        }
        starts
    }

    /// The same through the cursor, a quarter hour at a time where that goes.
    fn starts_by_quarter(calls: &[i64]) -> Vec<i64> {
        let mut cursor = BlockCursor::new();
        let mut starts: Vec<i64> = Vec::new();
        let mut put = |run: &[i64]| match cursor.place(run[0], run[run.len() - 1]) {
            Placement::Straddles => false,
            Placement::Block { start_ms, opened } => {
                assert_eq!(opened, starts.last() != Some(&start_ms));
                starts.extend(run.iter().map(|_| start_ms));
                true
            }
        };
        for quarter in calls.chunk_by(|a, b| quarter_of(*a) == quarter_of(*b)) {
            if !put(quarter) {
                assert!(quarter.iter().all(|call| put(&[*call])), "one call always finds its block");
            }
        }
        starts
    }

    fn placed(cursor: &mut BlockCursor, minute: i64) -> (i64, bool) {
        match cursor.place(minute * MINUTE_MS, minute * MINUTE_MS) {
            Placement::Block { start_ms, opened } => (start_ms / MINUTE_MS, opened),
            Placement::Straddles => panic!("one call always finds its block"),
        }
    }

    #[test]
    fn a_block_starts_on_the_hour_and_takes_calls_up_to_five_hours_after_that() {
        let mut cursor = BlockCursor::new();
        assert_eq!(placed(&mut cursor, 7 * 60 + 59), (7 * 60, true));
        assert_eq!(placed(&mut cursor, 12 * 60), (7 * 60, false), "exactly five hours is not later");
        assert_eq!(placed(&mut cursor, 12 * 60 + 1), (12 * 60, true));
    }

    #[test]
    fn a_block_before_1970_starts_on_the_hour_before_its_call() {
        assert_eq!(placed(&mut BlockCursor::new(), -1), (-60, true));
    }

    #[test]
    fn a_run_over_the_end_of_a_block_is_left_to_its_calls() {
        let mut cursor = BlockCursor::new();
        placed(&mut cursor, 0);
        let end = BLOCK_MS;
        assert_eq!(cursor.place(end, end + 1), Placement::Straddles);
        assert_eq!(cursor.place(end, end), Placement::Block { start_ms: 0, opened: false });
        assert_eq!(cursor.place(end + 1, end + 9), Placement::Block { start_ms: end, opened: true });
    }

    #[test]
    fn no_instant_is_too_far_off() {
        let mut cursor = BlockCursor::new();
        for at in [i64::MIN, 0, i64::MAX] {
            assert_ne!(cursor.place(at, at), Placement::Straddles);
        }
        assert_eq!(BlockCursor::new().place(i64::MIN, i64::MAX), Placement::Straddles);
    }

    fn sums(tokens: u64, nano: i64) -> Sums {
        let tokens = Tokens { output: tokens, ..Tokens::default() };
        Sums { calls: 2, tokens, cost: NanoUsd(nano), ..Sums::default() }
    }

    #[test]
    fn a_burn_rate_is_taken_from_the_first_call_to_the_last() {
        let rate = burn(&sums(1_000, 3_000_000), 0, 90 * MINUTE_MS);
        let exact = BurnRate {
            milli_tokens_per_minute: 11_111,
            cost_per_hour: NanoUsd(2_000_000),
            calls: 2,
            unpriced_calls: 0,
        };
        assert_eq!(rate, Some(exact));
        let tie = burn(&sums(1, 5), 0, 2 * HOUR_MS).map(|rate| rate.cost_per_hour);
        assert_eq!(tie, Some(NanoUsd(2)), "half of five, to the even side");
        assert_eq!(burn(&sums(1, 1), 5, 4), None);
    }

    #[test]
    fn less_than_ten_minutes_are_no_rate_and_no_projection() {
        let (early, enough) = (10 * MINUTE_MS - 1, 10 * MINUTE_MS);
        assert_eq!(burn(&sums(1_000, 250_000_000), 0, early), None);
        assert_eq!(project(&sums(1_000, 250_000_000), 0, early, HOUR_MS, BLOCK_MS), None);
        assert!(burn(&sums(1_000, 250_000_000), 0, enough).is_some());
        assert!(project(&sums(1_000, 250_000_000), 0, enough, HOUR_MS, BLOCK_MS).is_some());
    }

    #[test]
    fn a_projection_adds_the_remaining_time_at_the_pace_of_the_whole_block() {
        let projection = project(&sums(600, 9_000), 0, HOUR_MS, 2 * HOUR_MS, BLOCK_MS);
        let expected =
            Projection { total_tokens: 600 * 4, total_cost: NanoUsd(36_000), remaining_minutes: 180 };
        assert_eq!(projection, Some(expected));
        let over = project(&sums(600, 9_000), 0, HOUR_MS, BLOCK_MS + 1, BLOCK_MS);
        assert_eq!(over.map(|p| (p.total_tokens, p.remaining_minutes)), Some((600, 0)));
        let skewed = project(&sums(600, 9_000), 0, HOUR_MS, -BLOCK_MS, BLOCK_MS);
        assert_eq!(skewed.map(|p| p.remaining_minutes), Some(300));
    }

    #[test]
    fn a_pace_that_fits_no_number_is_the_largest_one() {
        let end = project(&sums(u64::MAX, i64::MAX), 0, HOUR_MS, HOUR_MS, BLOCK_MS);
        assert_eq!(end.map(|end| (end.total_tokens, end.total_cost.0)), Some((u64::MAX, i64::MAX)));
        let rate = burn(&sums(u64::MAX, 1), 0, HOUR_MS);
        assert_eq!(rate.map(|rate| rate.tokens_per_minute()), Some(u64::MAX / 1_000 + 1));
        let rate = rate.map(|rate| rate.milli_tokens_per_minute);
        assert_eq!(rate, Some(u64::MAX));
    }

    proptest! {
        #[test]
        fn blocks_from_quarter_hours_are_the_blocks_of_their_calls(
            start in -100_000_000_i64..2_000_000_000_000,
            pauses in prop::collection::vec(
                prop_oneof![0_i64..5, 0..QUARTER, 0..HOUR_MS, Just(BLOCK_MS), Just(BLOCK_MS + 1), 0..3 * BLOCK_MS],
                1..200,
            ),
            on_the_hour in any::<bool>(),
        ) {
            let start = if on_the_hour { start - start.rem_euclid(HOUR_MS) } else { start };
            let calls: Vec<i64> = pauses.iter().scan(start, |at, pause| { *at += pause; Some(*at) }).collect();
            prop_assert_eq!(starts_by_quarter(&calls), naive_starts(&calls));
        }
    }

    const QUARTER: i64 = crate::civil::QUARTER_MS;
}
