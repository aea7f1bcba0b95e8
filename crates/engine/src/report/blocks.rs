//! Five-hour blocks, made of all calls, and what they hold of those that are asked for.

use cco_ledger::query::{Only, QuarterPart};
use cco_model::block::{self, BLOCK_MS, BlockCursor, BurnRate, Placement, Projection};
use cco_model::civil;
use cco_model::sums::Sums;
use jiff::Timestamp;

use super::{Filter, ModelSums, Parts};
use crate::{Engine, EngineError};

/// The stretch that a recent burn rate looks at.
const RECENT_MS: i64 = 30 * 60_000;
const DAY_MS: i64 = 24 * 60 * 60_000;

/// Five hours of activity, or the pause between two blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRow {
    /// Start: the first call floored to the UTC hour; of a gap, the end of the block before.
    pub start: Timestamp,
    /// Start + 5 h; of a gap, the start of the next block. None for a block that starts after now: a clock was wrong
    /// when its calls were written, and its end means nothing.
    pub end: Option<Timestamp>,
    /// The last of its calls; none for a gap.
    pub last: Option<Timestamp>,
    /// Now lies in the block and the last call is less than five hours old.
    pub active: bool,
    /// A pause of over five hours.
    pub gap: bool,
    /// Its calls, of those that are asked for.
    pub sums: Sums,
    /// The same by model, by name.
    pub models: Vec<ModelSums>,
    /// How fast tokens and money go, over the whole block; none for a gap, and for calls of less than ten minutes.
    pub burn_rate: Option<BurnRate>,
    /// The same over the last 30 minutes; only for an active block.
    pub burn_rate_recent: Option<BurnRate>,
    /// Where the block ends up at the whole-block rate; only for an active block that has one.
    pub projection: Option<Projection>,
}

impl Engine {
    /// Blocks and the gaps between them, oldest first. A filter keeps the blocks that start on its days. With chosen
    /// projects, branches, models or accounts, blocks are still those of all calls, but hold the chosen ones only: where there are none
    /// there is no row, and gaps between such rows would mean nothing.
    pub fn blocks(&self, filter: &Filter, now: Timestamp) -> Result<Vec<BlockRow>, EngineError> {
        let _snapshot = self.ledger.snapshot()?;
        let range = civil::day_range_ms(filter.days.0, filter.days.1, &filter.zone);
        // One block earlier, since the gap behind it may begin on the first day.
        let from_ms = filter.days.0.map(|_| range.start.saturating_sub(BLOCK_MS));
        let rows = self.blocks_from(from_ms, &filter.only, now)?;
        Ok(rows.into_iter().filter(|row| range.contains(&row.start.as_millisecond())).collect())
    }

    /// Blocks and gaps, all of those that start at or after `from_ms` among them.
    fn blocks_from(
        &self,
        from_ms: Option<i64>,
        only: &Only,
        now: Timestamp,
    ) -> Result<Vec<BlockRow>, EngineError> {
        let mut rows: Vec<BlockRow> = Vec::new();
        let from_ms = from_ms.map_or(Ok(i64::MIN), |from_ms| self.behind_a_pause(from_ms))?;
        for (start_ms, parts) in self.block_parts(from_ms, only)? {
            if only.is_everything()
                && let Some(before) = rows.last()
                && let Some(last) = before.last
                && parts.first_ms - last.as_millisecond() > BLOCK_MS
                && start_ms <= now.as_millisecond()
            {
                rows.push(gap(before.end.unwrap_or(last), civil::timestamp(start_ms)));
            }
            rows.push(self.block(start_ms, &parts, only, now)?);
        }
        Ok(rows)
    }

    /// A time at or before `at_ms` that no block reaches across: from there on blocks come out as from the first call.
    /// Looks back a day, then four, and so on, so that it costs what the last busy stretch costs and not all history.
    fn behind_a_pause(&self, at_ms: i64) -> Result<i64, EngineError> {
        let mut days = 1;
        while days < 4_000 {
            let start = at_ms.saturating_sub(days * DAY_MS);
            let mut before = start;
            let mut found = None;
            for QuarterPart { part, .. } in self.ledger.quarters(&(start..at_ms), &Only::default())? {
                if part.first_ms - before > BLOCK_MS {
                    found = Some(part.first_ms);
                }
                before = before.max(part.last_ms);
            }
            if at_ms - before > BLOCK_MS {
                return Ok(at_ms);
            }
            if let Some(first_ms) = found {
                return Ok(first_ms);
            }
            days *= 4;
        }
        Ok(i64::MIN)
    }

    /// The block that is active now, with these calls.
    pub(crate) fn running_block(&self, now: Timestamp, only: &Only) -> Result<Option<BlockRow>, EngineError> {
        let rows = self.blocks_from(Some(now.as_millisecond()), only, now)?;
        Ok(rows.into_iter().find(|block| block.active))
    }

    /// The calls of each block that are asked for, by its start. Quarter hours are enough but where a block ends inside
    /// one: there the single calls are looked at.
    fn block_parts(&self, from_ms: i64, only: &Only) -> Result<Vec<(i64, Parts)>, EngineError> {
        let quarters = self.ledger.quarters(&(from_ms..i64::MAX), only)?;
        let mut blocks: Vec<(i64, Parts)> = Vec::new();
        let mut cursor = BlockCursor::new();
        for quarter in quarters.chunk_by(|a, b| a.quarter == b.quarter) {
            let first_ms = quarter.iter().map(|calls| calls.part.first_ms).min().unwrap_or(0);
            let last_ms = quarter.iter().map(|calls| calls.part.last_ms).max().unwrap_or(0);
            if let Placement::Block { start_ms, .. } = cursor.place(first_ms, last_ms) {
                quarter.iter().for_each(|calls| add_to_block(&mut blocks, start_ms, calls));
                continue;
            }
            for call in self.ledger.calls(&(first_ms..last_ms + 1), only)? {
                let at_ms = call.part.first_ms;
                if let Placement::Block { start_ms, .. } = cursor.place(at_ms, at_ms) {
                    add_to_block(&mut blocks, start_ms, &call);
                }
            }
        }
        Ok(blocks)
    }

    fn block(
        &self,
        start_ms: i64,
        parts: &Parts,
        only: &Only,
        now: Timestamp,
    ) -> Result<BlockRow, EngineError> {
        let now_ms = now.as_millisecond();
        let end_ms = start_ms + BLOCK_MS;
        let (first_ms, last_ms) = (parts.first_ms, parts.last_ms);
        let active = start_ms <= now_ms && now_ms < end_ms && now_ms - last_ms < BLOCK_MS;
        let sums = parts.sums();
        let recent = if active { self.recent(now_ms, only)? } else { None };
        let projection = active.then(|| block::project(&sums, first_ms, last_ms, now_ms, end_ms)).flatten();
        Ok(BlockRow {
            start: civil::timestamp(start_ms),
            end: (start_ms <= now_ms).then(|| civil::timestamp(end_ms)),
            last: Some(civil::timestamp(last_ms)),
            active,
            gap: false,
            burn_rate: block::burn(&sums, first_ms, last_ms),
            burn_rate_recent: recent,
            projection,
            sums,
            models: parts.models(),
        })
    }

    /// The burn rate of the last half hour, also of a block that is younger: what its first minutes cost is no hour's.
    fn recent(&self, now_ms: i64, only: &Only) -> Result<Option<BurnRate>, EngineError> {
        let from = now_ms - RECENT_MS;
        let mut sums = Sums::default();
        let calls = self.ledger.calls(&(from..now_ms + 1), only)?;
        calls.iter().filter(|call| call.asked).for_each(|call| sums += call.part.sums);
        Ok(block::burn(&sums, from, now_ms))
    }
}

fn add_to_block(blocks: &mut Vec<(i64, Parts)>, start_ms: i64, calls: &QuarterPart) {
    if !calls.asked {
        return;
    }
    if blocks.last().is_none_or(|(start, _)| *start != start_ms) {
        blocks.push((start_ms, Parts::default()));
    }
    if let Some((_, parts)) = blocks.last_mut() {
        parts.add(&calls.part);
    }
}

fn gap(start: Timestamp, end: Timestamp) -> BlockRow {
    BlockRow {
        start,
        end: Some(end),
        last: None,
        active: false,
        gap: true,
        sums: Sums::default(),
        models: Vec::new(),
        burn_rate: None,
        burn_rate_recent: None,
        projection: None,
    }
}
