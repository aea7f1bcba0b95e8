//! Sessions: what they hold of a stretch of time, and how many there are.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use rusqlite::Row;

use super::cache::EVERY;
use super::names::Names;
use super::only::{Marks, Only};
use super::spans::{SessionPlace, SessionSpan};
use super::{ModelPart, Named, Total};
use crate::{Ledger, LedgerError};

/// One of so many sessions is few: each that is looked for costs what reading this many of all does.
const FEW: usize = 8;

/// Sums by session, project, branch, model and account.
type PartsFound = BTreeMap<[i64; 5], Total>;

/// Calls of one session, project, branch and model; there may be several, of different accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPart {
    /// Session id; empty where rows had none.
    pub session: Arc<str>,
    /// Project path; empty where unknown.
    pub project: Arc<str>,
    /// Branch; empty where unknown.
    pub branch: Arc<str>,
    /// What was called.
    pub part: ModelPart,
}

/// How many sessions there are, of those with calls that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionCounts {
    /// With a call in the last minutes.
    pub active: u64,
    /// With a call today.
    pub today: u64,
    /// All that ever were.
    pub total: u64,
    /// From then on they may be others, though no call comes; UTC milliseconds.
    pub until_ms: i64,
}

impl Ledger {
    /// Sums by session, project, branch and model, of the calls in a range of UTC milliseconds. Where somebody follows
    /// the ledger and few sessions may have some, no other is read.
    pub fn sessions(&self, range: &Range<i64>, only: &Only) -> Result<Vec<SessionPart>, LedgerError> {
        if let Some(few) = self.few_sessions(range, only)? {
            return self.sessions_of(few.iter().map(|place| place.session), range, only);
        }
        let mut found = PartsFound::default();
        self.find_parts(EVERY, range, only, &mut found)?;
        self.parts_named(found, &self.names(Named::Session)?, &self.names(Named::Branch)?)
    }

    /// Sessions that may have a call in a range of UTC milliseconds, of those that are asked for, the latest first: all
    /// of the latest so many whose last call was before this time, and perhaps others.
    pub fn session_places(
        &self,
        range: &Range<i64>,
        only: &Only,
        latest: (i64, usize),
    ) -> Result<Vec<SessionPlace>, LedgerError> {
        self.with_session_spans(|all| all.latest(range, only, latest))
    }

    /// What [`Ledger::sessions`] has of these, which are given by their rows.
    pub fn sessions_of(
        &self,
        sessions: impl Iterator<Item = i64>,
        range: &Range<i64>,
        only: &Only,
    ) -> Result<Vec<SessionPart>, LedgerError> {
        let mut found = PartsFound::default();
        for session in sessions {
            self.find_parts(session..session + 1, range, only, &mut found)?;
        }
        let sessions = self.names_of(Named::Session, found.keys().map(|[session, ..]| *session))?;
        let branches = self.names_of(Named::Branch, found.keys().map(|[_, _, branch, ..]| *branch))?;
        self.parts_named(found, &sessions, &branches)
    }

    /// The sessions of a range, where that is known and looking for each of them is quicker than reading all.
    fn few_sessions(
        &self,
        range: &Range<i64>,
        only: &Only,
    ) -> Result<Option<Vec<SessionPlace>>, LedgerError> {
        if !self.is_cached() {
            return Ok(None);
        }
        self.with_session_spans(|all| all.few(range, only, all.len() / FEW))
    }

    /// Sums of these sessions (half-open).
    fn find_parts(
        &self,
        sessions: Range<i64>,
        range: &Range<i64>,
        only: &Only,
        found: &mut PartsFound,
    ) -> Result<(), LedgerError> {
        let last = range.end.saturating_sub(1);
        let mut astride: HashSet<(i64, Marks)> = HashSet::new();
        let mut select = self.connection.prepare_cached(concat!(
            "SELECT bucket, project_id, branch_id, model_id, account_id, ",
            sums!(),
            " FROM rollup WHERE kind = 3 AND bucket BETWEEN ?1 AND ?2 AND last_ms >= ?3 AND first_ms <= ?4"
        ))?;
        let mut rows = select.query([sessions.start, sessions.end.saturating_sub(1), range.start, last])?;
        while let Some(row) = rows.next()? {
            let (session, marks) = marks_of(row)?;
            if !only.holds(&marks) {
                continue;
            }
            let (first_ms, last_ms): (i64, i64) = (row.get(16)?, row.get(17)?);
            if range.contains(&first_ms) && range.contains(&last_ms) {
                found.entry(key(session, &marks)).or_default().add(row, 5)?;
            } else {
                astride.insert((session, marks));
            }
        }
        // Sessions that began before the range or went on behind it: their calls in it, one by one.
        let mut select = self.connection.prepare_cached(concat!(
            "SELECT session_id, project_id, branch_id, model_id, account_id, ",
            call_sums!(),
            " FROM call WHERE session_id = ?1 AND at_ms BETWEEN ?2 AND ?3"
        ))?;
        for session in astride.iter().map(|(session, _)| *session).collect::<HashSet<i64>>() {
            let mut rows = select.query([session, range.start, last])?;
            while let Some(row) = rows.next()? {
                let (session, marks) = marks_of(row)?;
                if astride.contains(&(session, marks)) {
                    found.entry(key(session, &marks)).or_default().add(row, 5)?;
                }
            }
        }
        Ok(())
    }

    fn parts_named(
        &self,
        found: PartsFound,
        sessions: &Names,
        branches: &Names,
    ) -> Result<Vec<SessionPart>, LedgerError> {
        let (models, projects) = (self.names(Named::Model)?, self.names(Named::Project)?);
        let part = |([session, project, branch, model, _], total): ([i64; 5], Total)| SessionPart {
            session: sessions.get(session),
            project: projects.get(project),
            branch: branches.get(branch),
            part: total.part(models.get(model)),
        };
        Ok(found.into_iter().map(part).collect())
    }

    /// Counts sessions: those with a call in `active`, in `today`, and at all (ranges of UTC milliseconds). Sums of
    /// sessions that had a call since these ranges began are looked at; calls only where a clock ran ahead.
    pub fn session_counts(
        &self,
        active: &Range<i64>,
        today: &Range<i64>,
        only: &Only,
    ) -> Result<SessionCounts, LedgerError> {
        let since = active.start.min(today.start);
        let (total, late) = self.with_session_spans(|all| (all.count(only), all.since(since, only)))?;
        let mut counts = SessionCounts { active: 0, today: 0, total, until_ms: today.end };
        for asked in &late {
            counts.active += u64::from(self.is_within(asked, active, only)?);
            counts.today += u64::from(self.is_within(asked, today, only)?);
            let until_ms = asked.iter().filter_map(|span| span.leaves_or_enters(active)).min();
            counts.until_ms = counts.until_ms.min(until_ms.unwrap_or(i64::MAX));
        }
        Ok(counts)
    }

    /// The first and last calls of these sessions (half-open) by project, branch, model and account, in order of
    /// sessions.
    pub(super) fn session_spans(&self, sessions: Range<i64>) -> Result<Vec<SessionSpan>, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT bucket, project_id, branch_id, model_id, account_id, first_ms, last_ms FROM rollup
             WHERE kind = 3 AND bucket BETWEEN ?1 AND ?2 ORDER BY bucket",
        )?;
        let spans = select.query_map([sessions.start, sessions.end.saturating_sub(1)], |row| {
            let (session, marks) = marks_of(row)?;
            Ok(SessionSpan { session, marks, first_ms: row.get(5)?, last_ms: row.get(6)? })
        })?;
        Ok(spans.collect::<Result<_, _>>()?)
    }

    /// Whether a session, of which these are the calls that are asked for, has one of them in a range. Mostly the first
    /// and the last of them tell.
    fn is_within(&self, asked: &[SessionSpan], range: &Range<i64>, only: &Only) -> Result<bool, LedgerError> {
        let tells = |span: &SessionSpan| range.contains(&span.first_ms) || range.contains(&span.last_ms);
        let is_astride = |span: &&SessionSpan| span.first_ms < range.start && range.end <= span.last_ms;
        if asked.iter().any(tells) {
            return Ok(true);
        }
        let Some(astride) = asked.iter().find(|span| is_astride(span)) else { return Ok(false) };
        self.has_call(astride.session, range, only)
    }

    fn has_call(&self, session: i64, range: &Range<i64>, only: &Only) -> Result<bool, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT project_id, branch_id, model_id, account_id FROM call
             WHERE session_id = ?1 AND at_ms BETWEEN ?2 AND ?3",
        )?;
        let mut rows = select.query([session, range.start, range.end.saturating_sub(1)])?;
        while let Some(row) = rows.next()? {
            let (project, branch) = (row.get(0)?, row.get(1)?);
            if only.holds(&Marks {
                project,
                branch,
                attribution: 0,
                model: row.get(2)?,
                account: row.get(3)?,
            }) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn key(session: i64, marks: &Marks) -> [i64; 5] {
    [session, marks.project, marks.branch, marks.model, marks.account]
}

/// A session and its marks, in a row's first five columns.
fn marks_of(row: &Row<'_>) -> rusqlite::Result<(i64, Marks)> {
    let marks = Marks {
        project: row.get(1)?,
        branch: row.get(2)?,
        attribution: 0,
        model: row.get(3)?,
        account: row.get(4)?,
    };
    Ok((row.get(0)?, marks))
}
