//! Sessions by when their calls were, in memory: counting them does not take longer as more become old.
//!
//! Must not: read anything.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::ops::Range;

use super::only::{Marks, Only};

/// The first and the last of a session's calls that have these marks, UTC milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionSpan {
    pub(super) session: i64,
    pub(super) marks: Marks,
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
}

impl SessionSpan {
    /// When the next of its calls leaves or enters a range that moves on with time; none: all are behind it.
    pub(super) fn leaves_or_enters(&self, range: &Range<i64>) -> Option<i64> {
        let length = range.end - range.start;
        match (self.first_ms, self.last_ms) {
            (_, last) if last < range.start => None,
            (_, last) if last < range.end => Some(last + length),
            (first, _) if first >= range.end => Some(first),
            // Of those between the first and the last nothing is known.
            _ => Some(range.end),
        }
    }
}

/// A session that may have calls in a range of those that are asked for, and how late the last of them can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionPlace {
    /// Row of the session; 0: rows had none.
    pub session: i64,
    /// It has no later one in the range, UTC milliseconds.
    pub latest_ms: i64,
    /// It has exactly this one.
    pub is_exact: bool,
}

impl SessionPlace {
    /// Of a session's spans of what is asked for; none: it has no call in the range.
    fn within(spans: impl Iterator<Item = SessionSpan>, range: &Range<i64>) -> Option<Self> {
        let end_ms = range.end.saturating_sub(1);
        let near = spans.filter(|span| span.first_ms <= end_ms && span.last_ms >= range.start);
        near.map(|span| Self {
            session: span.session,
            latest_ms: span.last_ms.min(end_ms),
            is_exact: span.last_ms <= end_ms,
        })
        .reduce(|a, b| Self {
            session: a.session,
            latest_ms: a.latest_ms.max(b.latest_ms),
            is_exact: a.is_exact && b.is_exact,
        })
    }
}

/// Spans of sessions.
#[derive(Default)]
pub(super) struct SessionSpans {
    /// Those of each session, whose place stays the same; none: it has no calls any more.
    spans: Vec<Box<[SessionSpan]>>,
    places: HashMap<i64, usize>,
    /// The first call of sessions with calls, by the time of their last one and their place.
    by_last: BTreeMap<(i64, usize), i64>,
    /// Places of sessions that have calls with such marks, in order: as sets, 80,000 of them took a millisecond.
    by_marks: BTreeMap<Marks, Vec<usize>>,
}

impl SessionSpans {
    /// Of spans in order of sessions.
    pub(super) fn of(spans: &[SessionSpan]) -> Self {
        let mut all = Self::default();
        for of_one in spans.chunk_by(|one, next| one.session == next.session) {
            all.set(of_one[0].session, of_one);
        }
        all
    }

    /// A session has these by now.
    pub(super) fn set(&mut self, session: i64, spans: &[SessionSpan]) {
        let place = *self.places.entry(session).or_insert(self.spans.len());
        if place == self.spans.len() {
            self.spans.push(Box::default());
        }
        let before = std::mem::replace(&mut self.spans[place], spans.into());
        if let Some(last_ms) = last(&before) {
            self.by_last.remove(&(last_ms, place));
        }
        for span in &before {
            let Some(places) = self.by_marks.get_mut(&span.marks) else { continue };
            if let Ok(at) = places.binary_search(&place) {
                places.remove(at);
            }
        }
        self.by_last
            .extend(last(spans).zip(first(spans)).map(|(last_ms, first_ms)| ((last_ms, place), first_ms)));
        for span in spans {
            let places = self.by_marks.entry(span.marks).or_default();
            if let Err(at) = places.binary_search(&place) {
                places.insert(at, place);
            }
        }
    }

    /// How many sessions have a call that is asked for.
    pub(super) fn count(&self, only: &Only) -> u64 {
        if only.is_everything() {
            return self.len() as u64;
        }
        let mut is_counted = vec![false; self.spans.len()];
        let mut count = 0;
        let asked = self.by_marks.iter().filter(|(marks, _)| only.holds(marks));
        for place in asked.flat_map(|(_, places)| places) {
            count += u64::from(!std::mem::replace(&mut is_counted[*place], true));
        }
        count
    }

    /// Sessions that may have a call in a range, of those that are asked for, the latest first: all of the latest so
    /// many, and of those exactly known only such as had their last call at this time or before.
    pub(super) fn latest(
        &self,
        range: &Range<i64>,
        only: &Only,
        (until_ms, most): (i64, usize),
    ) -> Vec<SessionPlace> {
        let (mut found, mut before) = (Vec::new(), BinaryHeap::new());
        for (last_ms, place) in self.within(range, only) {
            // So many had their last call behind that of this one and of all that follow.
            if before.len() == most && before.peek().is_some_and(|Reverse(least)| *least > last_ms) {
                break;
            }
            if !place.is_exact || place.latest_ms <= until_ms {
                found.push(place);
            }
            // Those at this very time may be of the page before.
            if place.is_exact && place.latest_ms < until_ms {
                before.push(Reverse(place.latest_ms));
                if before.len() > most {
                    before.pop();
                }
            }
        }
        found.sort_by_key(|place| Reverse(place.latest_ms));
        found
    }

    /// Sessions that may have a call in a range, of those that are asked for; none: more than so many.
    pub(super) fn few(&self, range: &Range<i64>, only: &Only, most: usize) -> Option<Vec<SessionPlace>> {
        let few: Vec<SessionPlace> =
            self.within(range, only).map(|(_, place)| place).take(most.saturating_add(1)).collect();
        (few.len() <= most).then_some(few)
    }

    /// Sessions that may have a call in a range, of those that are asked for, with their last call at all, the latest of
    /// these first.
    fn within<'s>(
        &'s self,
        range: &'s Range<i64>,
        only: &'s Only,
    ) -> impl Iterator<Item = (i64, SessionPlace)> + 's {
        let asked = |place: usize| self.spans[place].iter().filter(|span| only.holds(&span.marks)).copied();
        let late = self.by_last.range((range.start, 0)..).rev();
        let late = late.filter(|(_, first_ms)| **first_ms < range.end);
        late.filter_map(move |((last_ms, place), _)| {
            Some((*last_ms, SessionPlace::within(asked(*place), range)?))
        })
    }

    /// How many sessions have calls.
    pub(super) fn len(&self) -> usize {
        self.by_last.len()
    }

    /// What is asked for of each session that had a call since then.
    pub(super) fn since(&self, from_ms: i64, only: &Only) -> Vec<Vec<SessionSpan>> {
        let late = self.by_last.range((from_ms, 0)..);
        let asked =
            |place: usize| self.spans[place].iter().filter(|span| only.holds(&span.marks)).copied().collect();
        late.map(|((_, place), _)| asked(*place))
            .filter(|spans: &Vec<SessionSpan>| !spans.is_empty())
            .collect()
    }
}

fn first(spans: &[SessionSpan]) -> Option<i64> {
    spans.iter().map(|span| span.first_ms).min()
}

fn last(spans: &[SessionSpan]) -> Option<i64> {
    spans.iter().map(|span| span.last_ms).max()
}
