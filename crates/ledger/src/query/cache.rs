//! Rows of sums that were read, kept in memory for connections that are asked again and again.
//!
//! Owns some rows of [`Kind::Month`], [`Kind::Day`] and [`Kind::Quarter`], and what session counts are made of, as they
//! are at one number of the ledger's sequence. A reader that has come to a later one has what changed since dropped;
//! triggers note that, whoever writes ([`Ledger::prepare_following`]). A reader of an earlier one asks SQLite.
//! Must not: answer from another state than its reader's.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::only::Marks;
use super::spans::{SessionSpan, SessionSpans};
use super::walk::{Source, Told};
use super::{Mark, Only, Total};
use crate::rollup::{Kind, day_of_number, month_number};
use crate::{Ledger, LedgerError};

/// Rows at most: 24 MB. A million calls in a year have 126,000.
const MOST_ROWS: usize = 160_000;
/// Of more blocks than these most are empty: a clock was wrong, and SQLite passes over centuries without a row.
const MOST_BLOCKS: i64 = 4_000;
/// All sessions.
pub(super) const EVERY: Range<i64> = i64::MIN..i64::MAX;
/// Quarter hours of a block.
const QUARTERS: i64 = 96;

/// Rows of sums in memory, shared by connections to one ledger.
#[derive(Default)]
pub struct SumCache {
    held: Mutex<Held>,
    /// Held by whoever reads what is not there: others who want it wait for that, and do not read it too.
    reading: Mutex<()>,
}

#[derive(Default)]
struct Held {
    mark: Option<Mark>,
    blocks: HashMap<(Kind, i64), Block>,
    sessions: Option<SessionSpans>,
    /// Rows of all blocks.
    rows: usize,
    /// How often blocks were asked for.
    asked: u64,
}

/// The rows of a month, a day, or 96 quarter hours.
struct Block {
    rows: Arc<[CachedRow]>,
    /// The same, branches and who worked not told apart; made when it is asked for.
    coarse: Option<Arc<[CachedRow]>>,
    asked: u64,
}

/// A row of sums.
#[derive(Clone)]
pub(super) struct CachedRow {
    pub(super) unit: i64,
    pub(super) marks: Marks,
    pub(super) total: Total,
}

/// What changed behind a number of the sequence.
struct Changed {
    days: Vec<i64>,
    /// With their spans as they are now, where spans are held.
    sessions: Vec<(i64, Vec<SessionSpan>)>,
}

impl SumCache {
    fn held(&self) -> MutexGuard<'_, Held> {
        // Whoever panicked was reading: what is in it is whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reading(&self) -> MutexGuard<'_, ()> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is held, if it is of this number of the sequence.
    fn held_at(&self, seq: i64) -> Option<MutexGuard<'_, Held>> {
        Some(self.held()).filter(|held| held.mark.as_ref().is_some_and(|mark| mark.seq == seq))
    }
}

impl Held {
    /// Forgets what changed.
    fn follow(&mut self, mark: Mark, changed: &Changed) {
        for day in &changed.days {
            self.forget((Kind::Day, *day));
            self.forget((Kind::Month, month_number(day_of_number(*day))));
            // A day of any zone begins on this day of UTC, or on one beside it.
            (day - 1..=day + 1).for_each(|day| self.forget((Kind::Quarter, day)));
        }
        if let Some(held) = &mut self.sessions {
            changed.sessions.iter().for_each(|(session, spans)| held.set(*session, spans));
        }
        self.mark = Some(mark);
    }

    fn forget(&mut self, key: (Kind, i64)) {
        self.rows -= self.blocks.remove(&key).map_or(0, |block| block.weight());
    }

    fn keep(&mut self, key: (Kind, i64), rows: Arc<[CachedRow]>) {
        self.forget(key);
        let block = Block { rows, coarse: None, asked: self.asked };
        let weight = block.weight();
        self.blocks.insert(key, block);
        self.grew(weight);
    }

    /// So many rows came.
    fn grew(&mut self, rows: usize) {
        self.rows += rows;
        if self.rows > MOST_ROWS {
            self.make_room();
        }
    }

    /// The rows of a block, where it is held.
    fn find(&mut self, key: (Kind, i64), told: Told) -> Option<Arc<[CachedRow]>> {
        let block = self.blocks.get_mut(&key)?;
        block.asked = self.asked;
        if told == Told::Everything || key.0 == Kind::Quarter {
            return Some(Arc::clone(&block.rows));
        }
        if let Some(coarse) = &block.coarse {
            return Some(Arc::clone(coarse));
        }
        let made = coarse(&block.rows);
        block.coarse = Some(Arc::clone(&made));
        self.grew(made.len());
        Some(made)
    }

    /// Forgets what was not asked for the longest, down to three quarters.
    fn make_room(&mut self) {
        let mut oldest: Vec<(u64, (Kind, i64))> =
            self.blocks.iter().map(|(key, block)| (block.asked, *key)).collect();
        oldest.sort_unstable();
        for (_, key) in oldest {
            if self.rows <= MOST_ROWS / 4 * 3 {
                break;
            }
            self.forget(key);
        }
    }
}

impl Block {
    /// An empty one takes room too.
    fn weight(&self) -> usize {
        self.rows.len().max(1) + self.coarse.as_ref().map_or(0, |rows| rows.len())
    }
}

/// The rows of one unit with branches and who worked not told apart: a third of a day's, a quarter of a month's.
fn coarse(rows: &[CachedRow]) -> Arc<[CachedRow]> {
    let mut all: Vec<CachedRow> = Vec::new();
    for row in rows {
        let marks = Marks { branch: 0, attribution: 0, ..row.marks };
        match all.iter_mut().find(|known| known.marks == marks) {
            Some(known) => known.total.merge(&row.total),
            None => all.push(CachedRow { marks, ..row.clone() }),
        }
    }
    all.into()
}

/// Which blocks hold the rows of these units.
fn blocks_of(kind: Kind, units: &Range<i64>) -> Range<i64> {
    match kind {
        Kind::Quarter => {
            units.start.div_euclid(QUARTERS)..units.end.saturating_sub(1).div_euclid(QUARTERS) + 1
        }
        _ => units.clone(),
    }
}

/// The units of a block.
fn units_of(kind: Kind, block: i64) -> Range<i64> {
    let length = if kind == Kind::Quarter { QUARTERS } else { 1 };
    block * length..(block + 1) * length
}

impl Ledger {
    /// From now on questions inside of a snapshot are answered from this cache where that is as true. Without effect
    /// until the ledger is followed ([`Ledger::prepare_following`]).
    pub fn use_cache(&mut self, cache: Arc<SumCache>) {
        self.cache = Some(cache);
    }

    /// Has the cache follow to the state that this connection reads; the number of that, if the cache has come to it.
    pub(super) fn follow_with_cache(&self) -> Result<Option<i64>, LedgerError> {
        let Some(cache) = &self.cache else { return Ok(None) };
        if !self.is_followed()? {
            return Ok(None);
        }
        let mark = self.mark()?;
        let mut held = cache.held();
        match held.mark.clone() {
            Some(known) if known == mark => {}
            Some(known) if known.ledger == mark.ledger && known.seq < mark.seq => {
                let changed = self.changed_since(known.seq, &held)?;
                held.follow(mark.clone(), &changed);
            }
            Some(known) if known.ledger == mark.ledger => return Ok(None),
            _ => *held = Held { mark: Some(mark.clone()), ..Held::default() },
        }
        Ok(Some(mark.seq))
    }

    fn changed_since(&self, seq: i64, held: &Held) -> Result<Changed, LedgerError> {
        let mut select =
            self.connection.prepare_cached("SELECT kind, bucket FROM changed WHERE seq >= ?1")?;
        let mut rows = select.query([seq])?;
        let (mut days, mut sessions) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next()? {
            let (kind, bucket): (i64, i64) = (row.get(0)?, row.get(1)?);
            let is_day = kind == Kind::Day as i64;
            (if is_day { &mut days } else { &mut sessions }).push(bucket);
        }
        if held.sessions.is_none() {
            sessions.clear();
        }
        let spans = |session: i64| Ok((session, self.session_spans(session..session + 1)?));
        Ok(Changed { days, sessions: sessions.into_iter().map(spans).collect::<Result<_, LedgerError>>()? })
    }

    /// The cache, and of which number of the sequence it has to be.
    fn cache_at(&self) -> Option<(&SumCache, i64)> {
        self.cache.as_deref().zip(self.cached_at.get())
    }

    /// Whether what was read once is kept.
    pub(super) fn is_cached(&self) -> bool {
        self.cache_at().is_some()
    }

    /// The rows of these units in order, and perhaps others of their blocks; none: SQLite has to be asked.
    pub(super) fn cached_rows(
        &self,
        kind: Kind,
        units: &Range<i64>,
        told: Told,
    ) -> Result<Option<Vec<Arc<[CachedRow]>>>, LedgerError> {
        let Some((cache, seq)) = self.cache_at() else { return Ok(None) };
        let numbers = blocks_of(kind, units);
        let is_cached = matches!(kind, Kind::Quarter | Kind::Day | Kind::Month);
        if !is_cached || numbers.end.saturating_sub(numbers.start) > MOST_BLOCKS {
            return Ok(None);
        }
        let find = || {
            let mut held = cache.held_at(seq)?;
            held.asked += 1;
            Some(numbers.clone().map(|number| held.find((kind, number), told)).collect::<Vec<_>>())
        };
        let Some(mut found) = find() else { return Ok(None) };
        if found.iter().all(Option::is_some) {
            return Ok(Some(found.into_iter().flatten().collect()));
        }
        let _reading = cache.reading();
        match find() {
            Some(found_by_now) => found = found_by_now,
            None => return Ok(None),
        }
        for missing in gaps(&found) {
            let number = |at: usize| numbers.start + i64::try_from(at).unwrap_or(i64::MAX);
            let mut blocks = found[missing.clone()].iter_mut();
            self.read_blocks(kind, number(missing.start)..number(missing.end), &mut |number, rows| {
                if let Some(mut held) = cache.held_at(seq) {
                    held.keep((kind, number), Arc::clone(&rows));
                }
                if let Some(block) = blocks.next() {
                    *block = Some(rows);
                }
            })?;
        }
        Ok(Some(found.into_iter().flatten().collect()))
    }

    /// Tells each of these blocks, in order. No more than one is in memory here: what a thread once held stays with it.
    fn read_blocks(
        &self,
        kind: Kind,
        numbers: Range<i64>,
        each: &mut dyn FnMut(i64, Arc<[CachedRow]>),
    ) -> Result<(), LedgerError> {
        let units = units_of(kind, numbers.start).start..units_of(kind, numbers.end).start;
        let (mut number, mut rows) = (numbers.start, Vec::new());
        self.read_rows(Source::Rollup(kind), units, &Only::default(), &mut |row| {
            while units_of(kind, number).end <= row.unit {
                each(number, rows.drain(..).collect());
                number += 1;
            }
            rows.push(CachedRow { unit: row.unit, marks: row.marks, total: row.total()? });
            Ok(())
        })?;
        for number in number..numbers.end {
            each(number, rows.drain(..).collect());
        }
        Ok(())
    }

    /// Looks at the spans of all sessions.
    pub(super) fn with_session_spans<T>(&self, look: impl Fn(&SessionSpans) -> T) -> Result<T, LedgerError> {
        let cache = self.cache_at();
        let find = || cache.and_then(|(cache, seq)| cache.held_at(seq)?.sessions.as_ref().map(&look));
        if let Some(found) = find() {
            return Ok(found);
        }
        let _reading = cache.map(|(cache, _)| cache.reading());
        if let Some(found) = find() {
            return Ok(found);
        }
        let spans = SessionSpans::of(&self.session_spans(EVERY)?);
        let found = look(&spans);
        if let Some(mut held) = cache.and_then(|(cache, seq)| cache.held_at(seq)) {
            held.sessions = Some(spans);
        }
        Ok(found)
    }
}

/// Where nothing was found.
fn gaps<T>(found: &[Option<T>]) -> Vec<Range<usize>> {
    let mut gaps: Vec<Range<usize>> = Vec::new();
    for at in (0..found.len()).filter(|at| found[*at].is_none()) {
        match gaps.last_mut() {
            Some(gap) if gap.end == at => gap.end += 1,
            _ => gaps.push(at..at + 1),
        }
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(rows: usize) -> Arc<[CachedRow]> {
        let marks = |at| Marks { project: at, branch: 0, attribution: 0, model: 0, account: 0 };
        let ids = 0..i64::try_from(rows).expect("few");
        ids.map(|at| CachedRow { unit: 0, marks: marks(at), total: Total::default() }).collect()
    }

    #[test]
    fn no_more_rows_are_held_than_there_is_room_for_with_those_that_are_made_of_others() {
        let (mut held, days) = (Held::default(), i64::try_from(MOST_ROWS / 300).expect("few"));
        for number in 0..days {
            held.asked += 1;
            held.keep((Kind::Day, number), day(300));
            assert_eq!(held.find((Kind::Day, number), Told::Coarse).expect("it is there").len(), 300);
            assert!(held.rows <= MOST_ROWS, "{}", held.rows);
        }
        let weights: usize = held.blocks.values().map(Block::weight).sum();
        assert_eq!(held.rows, weights);
        assert!(!held.blocks.contains_key(&(Kind::Day, 0)), "the oldest goes first");
    }
}
