//! Rows of sums that were read, kept in memory for connections that are asked again and again.
//!
//! Owns some rows of [`Kind::Month`], [`Kind::Day`] and [`Kind::Quarter`], and what session counts are made of, as they
//! are at one number of the ledger's sequence. A reader that has come to a later one has what changed since dropped;
//! triggers note that, whoever writes ([`Ledger::prepare_following`]). A reader of an earlier one asks SQLite.
//! Must not: answer from another state than its reader's.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::only::Marks;
use super::sessions::SessionSpan;
use super::walk::Source;
use super::{Mark, Only, Total};
use crate::rollup::{Kind, day_of_number, month_number};
use crate::{Ledger, LedgerError};

/// Rows at most: 24 MB. A million calls in a year have 126,000.
const MOST_ROWS: usize = 160_000;
/// Of more blocks than these most are empty: a clock was wrong, and SQLite passes over centuries without a row.
const MOST_BLOCKS: i64 = 4_000;
/// Quarter hours of a block.
const QUARTERS: i64 = 96;

/// Rows of sums in memory, shared by connections to one ledger.
#[derive(Default)]
pub struct SumCache(Mutex<Held>);

#[derive(Default)]
struct Held {
    mark: Option<Mark>,
    blocks: HashMap<(Kind, i64), Block>,
    /// Sessions by project, model and account, in order of sessions.
    sessions: Option<Arc<[SessionSpan]>>,
    /// The same of single sessions, by branch too.
    branches: HashMap<i64, Arc<[SessionSpan]>>,
    /// How much all of it is.
    rows: usize,
    /// How often blocks were asked for.
    asked: u64,
}

/// The rows of a month, a day, or 96 quarter hours.
struct Block {
    rows: Arc<[CachedRow]>,
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
    sessions: HashSet<i64>,
    /// Their rows as they are now, in order of sessions.
    spans: Vec<SessionSpan>,
}

impl SumCache {
    fn held(&self) -> MutexGuard<'_, Held> {
        // Whoever panicked was reading: what is in it is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        for session in &changed.sessions {
            self.rows -= self.branches.remove(session).map_or(0, |spans| weight(&spans));
        }
        if let Some(sessions) = &mut self.sessions {
            let same = sessions.iter().filter(|span| !changed.sessions.contains(&span.session));
            let mut spans: Vec<SessionSpan> = same.chain(&changed.spans).copied().collect();
            spans.sort_by_key(|span| span.session);
            *sessions = spans.into();
        }
        self.mark = Some(mark);
    }

    fn forget(&mut self, key: (Kind, i64)) {
        self.rows -= self.blocks.remove(&key).map_or(0, |block| weight(&block.rows));
    }

    fn keep(&mut self, key: (Kind, i64), rows: Arc<[CachedRow]>) {
        self.forget(key);
        self.rows += weight(&rows);
        self.blocks.insert(key, Block { rows, asked: self.asked });
        if self.rows > MOST_ROWS {
            self.make_room();
        }
    }

    /// Forgets what was not asked for the longest, down to three quarters.
    fn make_room(&mut self) {
        self.rows -= self.branches.drain().map(|(_, spans)| weight(&spans)).sum::<usize>();
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

/// An empty block takes room too.
fn weight<T>(rows: &[T]) -> usize {
    rows.len().max(1)
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
                let changed = self.changed_since(known.seq, held.sessions.is_some())?;
                held.follow(mark.clone(), &changed);
            }
            Some(known) if known.ledger == mark.ledger => return Ok(None),
            _ => *held = Held { mark: Some(mark.clone()), ..Held::default() },
        }
        Ok(Some(mark.seq))
    }

    fn changed_since(&self, seq: i64, with_spans: bool) -> Result<Changed, LedgerError> {
        let mut select =
            self.connection.prepare_cached("SELECT kind, bucket FROM changed WHERE seq >= ?1")?;
        let mut rows = select.query([seq])?;
        let mut changed = Changed { days: Vec::new(), sessions: HashSet::new(), spans: Vec::new() };
        while let Some(row) = rows.next()? {
            let (kind, bucket): (i64, i64) = (row.get(0)?, row.get(1)?);
            if kind == Kind::Day as i64 {
                changed.days.push(bucket);
            } else {
                changed.sessions.insert(bucket);
            }
        }
        if with_spans {
            for session in &changed.sessions {
                self.session_spans(*session..session + 1, &mut changed.spans)?;
            }
        }
        Ok(changed)
    }

    /// The cache, and of which number of the sequence it has to be.
    fn cache_at(&self) -> Option<(&SumCache, i64)> {
        self.cache.as_deref().zip(self.cached_at.get())
    }

    /// The rows of these units in order, and perhaps others of their blocks; none: SQLite has to be asked.
    pub(super) fn cached_rows(
        &self,
        kind: Kind,
        units: &Range<i64>,
    ) -> Result<Option<Vec<Arc<[CachedRow]>>>, LedgerError> {
        let Some((cache, seq)) = self.cache_at() else { return Ok(None) };
        let numbers = blocks_of(kind, units);
        let is_cached = matches!(kind, Kind::Quarter | Kind::Day | Kind::Month);
        if !is_cached || numbers.end.saturating_sub(numbers.start) > MOST_BLOCKS {
            return Ok(None);
        }
        let mut found: Vec<Option<Arc<[CachedRow]>>> = {
            let Some(mut held) = cache.held_at(seq) else { return Ok(None) };
            held.asked += 1;
            let asked = held.asked;
            let mut find = |number| {
                let block = held.blocks.get_mut(&(kind, number))?;
                block.asked = asked;
                Some(Arc::clone(&block.rows))
            };
            numbers.clone().map(&mut find).collect()
        };
        for missing in gaps(&found) {
            let number = |at: usize| numbers.start + i64::try_from(at).unwrap_or(i64::MAX);
            let blocks = self.read_blocks(kind, number(missing.start)..number(missing.end))?;
            if let Some(mut held) = cache.held_at(seq) {
                (number(missing.start)..)
                    .zip(&blocks)
                    .for_each(|(block, rows)| held.keep((kind, block), Arc::clone(rows)));
            }
            found[missing].iter_mut().zip(blocks).for_each(|(found, rows)| *found = Some(rows));
        }
        Ok(Some(found.into_iter().flatten().collect()))
    }

    fn read_blocks(&self, kind: Kind, numbers: Range<i64>) -> Result<Vec<Arc<[CachedRow]>>, LedgerError> {
        let units = units_of(kind, numbers.start).start..units_of(kind, numbers.end).start;
        let mut rows: Vec<CachedRow> = Vec::new();
        self.read_rows(Source::Rollup(kind), units, &Only::default(), &mut |row| {
            rows.push(CachedRow { unit: row.unit, marks: row.marks, total: row.total()? });
            Ok(())
        })?;
        let mut rest = &rows[..];
        let mut blocks = Vec::new();
        for number in numbers {
            let (block, others) =
                rest.split_at(rest.partition_point(|row| row.unit < units_of(kind, number).end));
            blocks.push(block.into());
            rest = others;
        }
        Ok(blocks)
    }

    /// The first and last calls of all sessions by project, model and account, in order of sessions.
    pub(super) fn all_session_spans(&self) -> Result<Arc<[SessionSpan]>, LedgerError> {
        let cache = self.cache_at();
        let held = cache.and_then(|(cache, seq)| cache.held_at(seq)?.sessions.clone());
        if let Some(spans) = held {
            return Ok(spans);
        }
        let mut spans = Vec::new();
        self.session_spans(i64::MIN..i64::MAX, &mut spans)?;
        let spans: Arc<[SessionSpan]> = spans.into();
        if let Some(mut held) = cache.and_then(|(cache, seq)| cache.held_at(seq)) {
            held.sessions = Some(Arc::clone(&spans));
        }
        Ok(spans)
    }

    /// The first and last calls of a session by project, branch, model and account.
    pub(super) fn spans_by_branch(&self, session: i64) -> Result<Arc<[SessionSpan]>, LedgerError> {
        let cache = self.cache_at();
        let held = cache.and_then(|(cache, seq)| cache.held_at(seq)?.branches.get(&session).cloned());
        if let Some(spans) = held {
            return Ok(spans);
        }
        let spans: Arc<[SessionSpan]> = self.read_spans_by_branch(session)?.into();
        if let Some(mut held) = cache.and_then(|(cache, seq)| cache.held_at(seq)) {
            held.rows += weight(&spans);
            let before = held.branches.insert(session, Arc::clone(&spans));
            held.rows -= before.map_or(0, |spans| weight(&spans));
            if held.rows > MOST_ROWS {
                held.make_room();
            }
        }
        Ok(spans)
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
