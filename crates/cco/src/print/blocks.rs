//! `cco blocks`: its fields and columns, and how much of a limit a block used.
//!
//! Owns what counts as near a limit. Must not: choose the limit.

use anstyle::Style;
use cco_engine::report::{BlockRow, BurnRate};
use jiff::Zoned;

use super::fit::{Keep, Squeeze};
use super::reports::{
    Report, cache_read, cache_write, calls, cost, field, input, models_of, output, total_tokens,
};
use super::table::{left, right, squeezed};
use super::{BAD, NEAR, STRONG, text};

/// From this many percent of a limit on, a block is near it.
pub(crate) const NEAR_PERCENT: u128 = 80;

/// A block, and the tokens that it is held against, if any.
pub(crate) struct ShownBlock {
    /// The block.
    pub(crate) row: BlockRow,
    /// So many tokens are its limit.
    pub(crate) limit: Option<u64>,
}

/// The report of blocks, with these columns behind the tokens. Its JSON is of another shape; these fields are for CSV.
macro_rules! blocks {
    ($($column:expr)?) => {
        Report {
            list: "blocks",
            fields: &[
                field("startTime", |block: &ShownBlock| Some(text::iso(block.row.start))),
                field("endTime", |block| block.row.end.map(text::iso)),
                field("actualEndTime", |block| block.row.last.map(text::iso)),
                field("isActive", |block| Some(block.row.active.to_string())),
            ],
            columns: &[
                squeezed("Block", 0, Squeeze::Last(Keep::End), |block, now| {
                    text::minute(block.row.start, now.time_zone())
                }),
                left("Until", 3, end),
                models_of(7, |block: &ShownBlock| &block.row.models),
                calls(6),
                input(8),
                output(8),
                cache_write(9),
                cache_read(9),
                total_tokens(1),
                $($column,)?
                right("Tokens/min", 4, |block, _| block.row.burn_rate.map_or_else(String::new, |rate| per_minute(&rate))),
                right("Cost/h", 5, cost_per_hour),
                cost(),
            ],
            sums: |block| block.row.sums,
            models: |block| &block.row.models,
            style,
        }
    };
}

/// `cco blocks`.
pub(crate) static BLOCKS: Report<ShownBlock> = blocks!();
/// `cco blocks --token-limit`.
pub(crate) static BLOCKS_OF_LIMIT: Report<ShownBlock> =
    blocks!(right("%", 0, |block, _| share(block).map_or_else(String::new, |share| share.to_string())));

/// Whole percent, rounded down: 100 are only said when they are reached.
pub(crate) fn percent(part: u64, whole: u64) -> u128 {
    u128::from(part) * 100 / u128::from(whole.max(1))
}

/// Tokens a minute, whole.
pub(crate) fn per_minute(rate: &BurnRate) -> String {
    text::count(rate.tokens_per_minute())
}

/// How much of its limit a block used, in percent.
fn share(block: &ShownBlock) -> Option<u128> {
    block.limit.map(|limit| percent(block.row.sums.tokens.total(), limit))
}

fn style(block: &ShownBlock) -> Style {
    match share(block) {
        Some(100..) => BAD,
        Some(NEAR_PERCENT..) if block.row.active => NEAR.bold(),
        Some(NEAR_PERCENT..) => NEAR,
        _ if block.row.active => STRONG,
        _ => Style::new(),
    }
}

fn end(block: &ShownBlock, now: &Zoned) -> String {
    let Some(end) = block.row.end else { return "?".to_owned() };
    let end = end.to_zoned(now.time_zone().clone()).strftime("%H:%M").to_string();
    if block.row.active { format!("{end} (now)") } else { end }
}

fn cost_per_hour(block: &ShownBlock, _: &Zoned) -> String {
    block.row.burn_rate.as_ref().map_or_else(String::new, text::cost_per_hour)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_reached_when_it_is_reached() {
        assert_eq!(percent(999, 1000), 99);
        assert_eq!(percent(1000, 1000), 100);
        assert_eq!(percent(u64::MAX, 1), 1_844_674_407_370_955_161_500);
        assert_eq!(percent(1, 0), 100);
    }
}
