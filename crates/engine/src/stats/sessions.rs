//! Sessions, a page at a time, and one of them with all that is known of it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

pub use cco_ledger::query::SessionCall;
use cco_ledger::query::SessionPart;
use cco_model::civil;
use cco_model::sums::Sums;
use jiff::Timestamp;

use super::{ACTIVE_MS, ToolUses, dearest_first, milliseconds};
use crate::report::{Only, UNKNOWN_SESSION};
use crate::{Engine, EngineError};

/// Where a page ends: the last call of its last session, UTC milliseconds, and the id of that.
pub type SessionCursor = (i64, String);

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, C> {
    /// What is on it.
    pub rows: Vec<T>,
    /// Where the next one begins; none: this is the last.
    pub next: Option<C>,
}

/// A session: what it holds of what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSums {
    /// Its id; `unknown` where rows had none.
    pub session: Arc<str>,
    /// Path of the project of its latest call; empty where unknown.
    pub project: Arc<str>,
    /// Branch of its latest call; empty where unknown.
    pub branch: Arc<str>,
    /// Its first call.
    pub first: Timestamp,
    /// Its last call.
    pub last: Timestamp,
    /// The last call is less than five minutes old.
    pub active: bool,
    /// All its calls.
    pub sums: Sums,
    /// The same by model, dearest first.
    pub models: Vec<(Arc<str>, Sums)>,
}

/// One session, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionDetail {
    /// All of it.
    pub session: SessionSums,
    /// A page of its calls in order; the next one begins behind that time, in UTC milliseconds, and row.
    pub calls: Page<SessionCall, (i64, i64)>,
    /// Its tools by name.
    pub tools: Vec<(Arc<str>, ToolUses)>,
    /// By agent type, dearest first; empty: the main thread.
    pub agents: Vec<(String, Sums)>,
}

impl Engine {
    /// Sessions with calls in a range, of those calls alone, the latest first and of equals by id; behind the cursor,
    /// at most `limit`. Only those that may be on the page are read.
    pub fn session_page(
        &self,
        range: &Range<Timestamp>,
        only: &Only,
        after: Option<&SessionCursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<SessionSums, SessionCursor>, EngineError> {
        let _snapshot = self.ledger.snapshot()?;
        let latest = (after.map_or(i64::MAX, |(at_ms, _)| *at_ms), limit.saturating_add(1));
        let places = self.ledger.session_places(&milliseconds(range), only, latest)?;
        let mut sessions: Vec<Together> = Vec::new();
        for places in places.chunks(limit.saturating_add(1)) {
            // Those that follow had their last calls no later.
            if sessions.get(limit).is_some_and(|last| last.last_ms > places[0].latest_ms) {
                break;
            }
            let rows = places.iter().map(|place| place.session);
            sessions.extend(together(self.ledger.sessions_of(rows, &milliseconds(range), only)?));
            sessions.retain(|one| after.is_none_or(|(at_ms, id)| one.place() > (Reverse(*at_ms), id)));
            sessions.sort_by(|a, b| a.place().cmp(&b.place()));
            sessions.truncate(limit.saturating_add(1));
        }
        let is_last = sessions.len() <= limit;
        sessions.truncate(limit);
        let rows: Vec<SessionSums> = sessions.into_iter().map(|one| one.sums(now)).collect();
        let next = rows.last().filter(|_| !is_last);
        let next = next.map(|last| (last.last.as_millisecond(), last.session.to_string()));
        Ok(Page { rows, next })
    }

    /// Ids of the sessions that an id means: the one that has it, else those that begin so, in order, at most `most`.
    pub fn sessions_called(&self, id: &str, most: usize) -> Result<Vec<String>, EngineError> {
        if self.session_row(id)?.is_some() {
            return Ok(vec![id.to_owned()]);
        }
        Ok(self.ledger.sessions_with_prefix(id, most)?)
    }

    /// The session with this id, with a page of its calls behind a cursor. None: there is no such session. Where nobody
    /// follows the ledger, every tool use in it is looked at: a tenth of a second at a million, and not a millisecond
    /// else.
    pub fn session_detail(
        &self,
        id: &str,
        after: Option<(i64, i64)>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Option<SessionDetail>, EngineError> {
        let _snapshot = self.ledger.snapshot()?;
        let Some(row) = self.session_row(id)? else { return Ok(None) };
        let parts = self.ledger.sessions_of([row].into_iter(), &(i64::MIN..i64::MAX), &Only::default())?;
        let Some(one) = together(parts).pop() else { return Ok(None) };
        let (tools, mut by_call) = self.ledger.tools_of_session(row)?;
        let mut calls = self.ledger.calls_of_session(row, after, limit.saturating_add(1))?;
        let is_last = calls.len() <= limit;
        calls.truncate(limit);
        for call in &mut calls {
            call.tools = by_call.remove(&call.id).unwrap_or_default();
        }
        let next = calls.last().filter(|_| !is_last).map(|last| (last.at_ms, last.id));
        let uses = |(name, (uses, failures))| (name, ToolUses { uses, failures });
        Ok(Some(SessionDetail {
            session: one.sums(now),
            calls: Page { rows: calls, next },
            tools: tools.into_iter().map(uses).collect(),
            agents: dearest_first(self.ledger.agents_of_session(row)?.into_iter().collect()),
        }))
    }

    fn session_row(&self, id: &str) -> Result<Option<i64>, EngineError> {
        let row = self.ledger.session_id(id)?;
        Ok(row.or_else(|| (id == UNKNOWN_SESSION).then_some(0)))
    }
}

/// The parts of a session.
struct Together {
    session: Arc<str>,
    project: Arc<str>,
    branch: Arc<str>,
    first_ms: i64,
    last_ms: i64,
    models: HashMap<Arc<str>, Sums>,
}

impl Together {
    fn name(&self) -> &str {
        if self.session.is_empty() { UNKNOWN_SESSION } else { &self.session }
    }

    fn sums(self, now: Timestamp) -> SessionSums {
        let now_ms = now.as_millisecond();
        let mut sums = Sums::default();
        self.models.values().for_each(|model| sums += *model);
        SessionSums {
            session: self.name().into(),
            project: self.project,
            branch: self.branch,
            first: civil::timestamp(self.first_ms),
            last: civil::timestamp(self.last_ms),
            active: (now_ms - ACTIVE_MS..=now_ms).contains(&self.last_ms),
            sums,
            models: dearest_first(self.models.into_iter().collect()),
        }
    }

    /// Where it stands in a list: the latest first, and of equals by id.
    fn place(&self) -> (Reverse<i64>, &str) {
        (Reverse(self.last_ms), self.name())
    }
}

fn together(parts: Vec<SessionPart>) -> Vec<Together> {
    let mut sessions: HashMap<Arc<str>, Together> = HashMap::new();
    for SessionPart { session, project, branch, part } in parts {
        let one = sessions.entry(session.clone()).or_insert_with(|| Together {
            session,
            project: Arc::default(),
            branch: Arc::default(),
            first_ms: i64::MAX,
            last_ms: i64::MIN,
            models: HashMap::new(),
        });
        // Of calls at one time the last by name, so that each answer names the same.
        if (part.last_ms, &project, &branch) > (one.last_ms, &one.project, &one.branch) {
            (one.project, one.branch) = (project, branch);
        }
        one.first_ms = one.first_ms.min(part.first_ms);
        one.last_ms = one.last_ms.max(part.last_ms);
        *one.models.entry(part.model).or_default() += part.sums;
    }
    sessions.into_values().collect()
}
