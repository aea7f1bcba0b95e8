//! The last calls of a stretch of time, of those that are asked for.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use cco_model::civil::{self, QUARTER_MS};
use cco_model::money::NanoUsd;
use cco_model::tokens::Tokens;

use super::exact::pieces;
use super::only::{Marks, Only};
use super::walk::Source;
use super::{Named, Names};
use crate::rollup::{Kind, day_number, day_of_number, month_of_number};
use crate::{Ledger, LedgerError};

/// Calls that are looked at one by one before roll-ups are asked where to look: half a millisecond.
const LOOK_AT: usize = 400;

/// One call of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentCall {
    /// Its row in the ledger.
    pub id: i64,
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// Model name as in the transcripts.
    pub model: Arc<str>,
    /// Project path; empty where unknown.
    pub project: Arc<str>,
    /// What it counts.
    pub tokens: Tokens,
    /// What it costs; none: it has no price.
    pub cost: Option<NanoUsd>,
}

/// What is being looked for, and what was found.
struct Search<'s> {
    only: &'s Only,
    most: usize,
    models: Names,
    projects: Names,
    found: Vec<RecentCall>,
}

impl Search<'_> {
    fn is_done(&self) -> bool {
        self.found.len() >= self.most
    }
}

impl Ledger {
    /// The last calls of a range of UTC milliseconds that are asked for, the last first, at most `most`. Of calls of
    /// one instant the later row comes first. Give no more than there are: the search ends when it has them.
    pub fn recent(
        &self,
        range: &Range<i64>,
        only: &Only,
        most: usize,
    ) -> Result<Vec<RecentCall>, LedgerError> {
        let (models, projects) = (self.names(Named::Model)?, self.names(Named::Project)?);
        let mut search = Search { only, most, models, projects, found: Vec::new() };
        if search.is_done() {
            return Ok(search.found);
        }
        let Some(before) = self.look_back(range, LOOK_AT, &mut search)? else { return Ok(search.found) };
        // The filter leaves out most calls. What was seen of the instant at which the look ended is seen again.
        search.found.retain(|call| call.at_ms > before);
        for piece in pieces(&self.zone, &[range.start, before.saturating_add(1)]).iter().rev() {
            self.newest(piece.source, piece.units(), &mut search)?;
            if search.is_done() {
                break;
            }
        }
        search.found.truncate(most);
        Ok(search.found)
    }

    /// Looks at calls from the end of a range on. Some when there are more than `limit`: the instant it came to.
    fn look_back(
        &self,
        range: &Range<i64>,
        limit: usize,
        search: &mut Search<'_>,
    ) -> Result<Option<i64>, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT id, at_ms, project_id, branch_id, model_id, account_id, input, output, cache_write_5m,
                 cache_write_1h, cache_read, cost_nanos, flags & 32 <> 0
             FROM call WHERE at_ms BETWEEN ?1 AND ?2 ORDER BY at_ms DESC, id DESC",
        )?;
        let mut rows = select.query([range.start, range.end.saturating_sub(1)])?;
        let mut seen = 0;
        while let Some(row) = rows.next()? {
            let (project, model) = (row.get(2)?, row.get(4)?);
            let marks = Marks { project, branch: row.get(3)?, attribution: 0, model, account: row.get(5)? };
            let at_ms = row.get(1)?;
            seen += 1;
            if search.only.holds(&marks) {
                let count = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
                let (cost, priced) = (NanoUsd(row.get(11)?), row.get::<_, bool>(12)?);
                search.found.push(RecentCall {
                    id: row.get(0)?,
                    at_ms,
                    model: search.models.get(model),
                    project: search.projects.get(project),
                    tokens: Tokens {
                        input: count(6)?,
                        output: count(7)?,
                        cache_write_5m: count(8)?,
                        cache_write_1h: count(9)?,
                        cache_read: count(10)?,
                    },
                    cost: priced.then_some(cost),
                });
            }
            if search.is_done() {
                return Ok(None);
            }
            if seen == limit {
                return Ok(Some(at_ms));
            }
        }
        Ok(None)
    }

    /// Goes down from the newest sums with calls that are asked for to the calls themselves.
    fn newest(&self, source: Source, units: Range<i64>, search: &mut Search<'_>) -> Result<(), LedgerError> {
        let Source::Rollup(kind) = source else {
            self.look_back(&units, usize::MAX, search)?;
            return Ok(());
        };
        let mut with_calls = BTreeSet::new();
        self.rows(source, units, search.only, &mut |row| {
            with_calls.insert(row.unit);
            Ok(())
        })?;
        for unit in with_calls.into_iter().rev() {
            let (source, units) = self.inside(kind, unit);
            self.newest(source, units, search)?;
            if search.is_done() {
                break;
            }
        }
        Ok(())
    }

    /// What a unit of roll-ups is made of.
    fn inside(&self, kind: Kind, unit: i64) -> (Source, Range<i64>) {
        match kind {
            Kind::Month => {
                let (first, next) = (month_of_number(unit), month_of_number(unit + 1));
                (Source::Rollup(Kind::Day), day_number(first)..day_number(next))
            }
            Kind::Day => {
                let day = day_of_number(unit);
                let range = civil::day_range_ms(Some(day), Some(day), &self.zone);
                let quarter = |at_ms: i64| civil::quarter_of(at_ms.saturating_add(QUARTER_MS - 1));
                (Source::Rollup(Kind::Quarter), quarter(range.start)..quarter(range.end))
            }
            _ => (Source::Calls, unit * QUARTER_MS..(unit + 1) * QUARTER_MS),
        }
    }
}
