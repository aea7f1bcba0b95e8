//! Sums of any stretches of time, exact to the millisecond: whole months, days and quarter hours of the ledger from its
//! roll-ups, the coarsest that fit, and only what is left at the edges from single calls.
//!
//! A row lies in one stretch, so whatever is added up from the same rows adds up to the same whole.

use std::ops::Range;

use cco_model::civil::{self, QUARTER_MS};
use cco_model::sums::Sums;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::only::Only;
use super::walk::{Source, Told};
use crate::rollup::{Kind, day_number, day_of_number, month_number, month_of_number};
use crate::{Ledger, LedgerError};

/// No day is shorter than this many quarter hours, but a skipped one, which has no calls.
const LEAST_QUARTERS_OF_A_DAY: i64 = 80;
/// No month is shorter.
const LEAST_DAYS_OF_A_MONTH: i64 = 28;

/// Calls of one stretch that have their names in common, by the ids of these; 0: unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Which of the stretches, from 0.
    pub stretch: usize,
    /// Project.
    pub project: i64,
    /// Branch.
    pub branch: i64,
    /// Agent, skill, plugin and MCP server.
    pub attribution: i64,
    /// Model.
    pub model: i64,
    /// Account.
    pub account: i64,
    /// The calls.
    pub sums: Sums,
    /// The first of them, UTC milliseconds.
    pub first_ms: i64,
    /// The last of them, UTC milliseconds.
    pub last_ms: i64,
}

/// Units of one source, one behind the other, and which stretch they lie in: the end of its units, and its number.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) source: Source,
    pub(super) from: i64,
    pub(super) parts: Vec<(i64, usize)>,
}

impl Piece {
    pub(super) fn units(&self) -> Range<i64> {
        self.from..self.parts.last().map_or(self.from, |(end, _)| *end)
    }
}

impl Ledger {
    /// Tells the sums of the calls between each two neighbours of `cuts`: UTC milliseconds in order, every stretch
    /// half-open. Several cells may have all names in common.
    pub fn cells(
        &self,
        cuts: &[i64],
        only: &Only,
        told: Told,
        each: &mut dyn FnMut(&Cell),
    ) -> Result<(), LedgerError> {
        for piece in pieces(&self.zone, cuts) {
            let mut parts = piece.parts.iter().copied().peekable();
            self.told_rows(piece.source, piece.units(), only, told, &mut |row| {
                while parts.next_if(|(end, _)| *end <= row.unit).is_some() {}
                let stretch = parts.peek().map_or(0, |(_, stretch)| *stretch);
                let (total, marks) = (row.total()?, row.marks);
                each(&Cell {
                    stretch,
                    project: marks.project,
                    branch: marks.branch,
                    attribution: marks.attribution,
                    model: marks.model,
                    account: marks.account,
                    sums: total.sums,
                    first_ms: total.first_ms,
                    last_ms: total.last_ms,
                });
                Ok(())
            })?;
        }
        Ok(())
    }

    /// The days of the ledger's zone with calls in a range of UTC milliseconds, each as such a range, in order.
    pub fn days_with_calls(&self, range: &Range<i64>) -> Result<Vec<Range<i64>>, LedgerError> {
        let day = |at_ms| day_number(civil::day_of(at_ms, &self.zone));
        let mut select = self.connection.prepare_cached(
            "SELECT DISTINCT bucket FROM rollup WHERE kind = 4 AND bucket BETWEEN ?1 AND ?2 ORDER BY bucket",
        )?;
        let days = select.query_map([day(range.start), day(range.end)], |row| row.get::<_, i64>(0))?;
        let mut ranges = Vec::new();
        for number in days {
            let day = day_of_number(number?);
            ranges.push(civil::day_range_ms(Some(day), Some(day), &self.zone));
        }
        Ok(ranges)
    }
}

/// What to read for these stretches when days are those of `zone`.
pub(super) fn pieces(zone: &TimeZone, cuts: &[i64]) -> Vec<Piece> {
    let mut pieces = Pieces { zone, found: Vec::new() };
    for (stretch, ends) in cuts.windows(2).enumerate() {
        pieces.calls(ends[0]..ends[1], stretch);
    }
    pieces.found
}

struct Pieces<'z> {
    zone: &'z TimeZone,
    found: Vec<Piece>,
}

impl Pieces<'_> {
    fn calls(&mut self, range: Range<i64>, stretch: usize) {
        let (first, end) = (ceil_quarter(range.start), civil::quarter_of(range.end));
        if first >= end {
            return self.push(Source::Calls, range, stretch);
        }
        self.push(Source::Calls, range.start..first * QUARTER_MS, stretch);
        self.quarters(first..end, stretch);
        self.push(Source::Calls, end * QUARTER_MS..range.end, stretch);
    }

    fn quarters(&mut self, quarters: Range<i64>, stretch: usize) {
        let source = Source::Rollup(Kind::Quarter);
        if quarters.end - quarters.start < LEAST_QUARTERS_OF_A_DAY {
            return self.push(source, quarters, stretch);
        }
        let mut first = civil::day_of(quarters.start * QUARTER_MS, self.zone);
        if self.first_quarter(first) < quarters.start {
            first = first.tomorrow().unwrap_or(first);
        }
        let end = civil::day_of(quarters.end * QUARTER_MS, self.zone);
        if first >= end {
            return self.push(source, quarters, stretch);
        }
        self.push(source, quarters.start..self.first_quarter(first), stretch);
        self.days(day_number(first)..day_number(end), stretch);
        self.push(source, self.first_quarter(end)..quarters.end, stretch);
    }

    fn days(&mut self, days: Range<i64>, stretch: usize) {
        let source = Source::Rollup(Kind::Day);
        let first_day = day_of_number(days.start);
        let first = month_number(first_day) + i64::from(first_day.day() > 1);
        let end = month_number(day_of_number(days.end));
        if days.end - days.start < LEAST_DAYS_OF_A_MONTH || first >= end {
            return self.push(source, days, stretch);
        }
        self.push(source, days.start..day_number(month_of_number(first)), stretch);
        self.push(Source::Rollup(Kind::Month), first..end, stretch);
        self.push(source, day_number(month_of_number(end))..days.end, stretch);
    }

    /// The first quarter hour that counts for a day: one counts for the day that it starts on.
    fn first_quarter(&self, day: Date) -> i64 {
        ceil_quarter(civil::day_start_ms(day, self.zone))
    }

    fn push(&mut self, source: Source, units: Range<i64>, stretch: usize) {
        if units.is_empty() {
            return;
        }
        match self.found.last_mut() {
            Some(last) if last.source == source && last.units().end == units.start => {
                last.parts.push((units.end, stretch));
            }
            _ => self.found.push(Piece { source, from: units.start, parts: vec![(units.end, stretch)] }),
        }
    }
}

/// The first quarter hour that starts at this instant or later.
fn ceil_quarter(at_ms: i64) -> i64 {
    civil::quarter_of(at_ms.saturating_add(QUARTER_MS - 1))
}
