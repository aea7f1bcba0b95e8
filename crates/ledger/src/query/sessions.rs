//! Sessions: what they hold of a stretch of time, and how many there are.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use rusqlite::Row;

use super::only::{Marks, Only};
use super::walk::Source;
use super::{ModelPart, Named, Total};
use crate::rollup::Kind;
use crate::{Ledger, LedgerError};

/// Calls of one session, project and model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPart {
    /// Session id; empty where rows had none.
    pub session: Arc<str>,
    /// Project path; empty where unknown.
    pub project: Arc<str>,
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
    /// Sums by session, project and model, of the calls in a range of UTC milliseconds.
    pub fn sessions(&self, range: &Range<i64>, only: &Only) -> Result<Vec<SessionPart>, LedgerError> {
        let mut totals: BTreeMap<[i64; 4], Total> = BTreeMap::new();
        let mut astride: HashSet<[i64; 4]> = HashSet::new();
        let last = range.end.saturating_sub(1);
        let mut select = self.connection.prepare_cached(concat!(
            "SELECT bucket, project_id, model_id, account_id, ",
            sums!(),
            " FROM rollup WHERE kind = 3 AND last_ms >= ?1 AND first_ms <= ?2"
        ))?;
        let mut rows = select.query([range.start, last])?;
        while let Some(row) = rows.next()? {
            let key = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
            let marks = Marks { project: key[1], model: key[2], account: key[3], ..Marks::default() };
            if !only.holds_but_branch(&marks) {
                continue;
            }
            let (first_ms, last_ms): (i64, i64) = (row.get(15)?, row.get(16)?);
            if only.branches.is_none() && range.contains(&first_ms) && range.contains(&last_ms) {
                totals.entry(key).or_default().add(row, 4)?;
            } else {
                astride.insert(key);
            }
        }
        // Sessions that began before the range or went on behind it, or of which a branch is asked for: their calls in
        // it, one by one.
        let mut select = self.connection.prepare_cached(concat!(
            "SELECT session_id, project_id, model_id, account_id, ",
            call_sums!(),
            ", branch_id FROM call WHERE session_id = ?1 AND at_ms BETWEEN ?2 AND ?3"
        ))?;
        for session in astride.iter().map(|key| key[0]).collect::<HashSet<i64>>() {
            let mut rows = select.query([session, range.start, last])?;
            while let Some(row) = rows.next()? {
                let key = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
                let marks = Marks { branch: row.get(17)?, ..Marks::default() };
                if astride.contains(&key) && only.holds_branch(&marks) {
                    totals.entry(key).or_default().add(row, 4)?;
                }
            }
        }
        let (models, projects) = (self.names(Named::Model)?, self.names(Named::Project)?);
        let sessions = self.names(Named::Session)?;
        let part = |([session, project, model, _], total): ([i64; 4], Total)| SessionPart {
            session: sessions.get(session),
            project: projects.get(project),
            part: total.part(models.get(model)),
        };
        Ok(totals.into_iter().map(part).collect())
    }

    /// All of one session, by project and model.
    pub fn session_parts(&self, session: i64) -> Result<Vec<SessionPart>, LedgerError> {
        let (models, projects) = (self.names(Named::Model)?, self.names(Named::Project)?);
        let name: Arc<str> =
            crate::lookup::name(&self.connection, "SELECT name FROM session WHERE id = ?1", session)?.into();
        let mut parts = Vec::new();
        self.rows(Source::Rollup(Kind::Session), session..session + 1, &Only::default(), &mut |row| {
            parts.push(SessionPart {
                session: name.clone(),
                project: projects.get(row.marks.project),
                part: row.total()?.part(models.get(row.marks.model)),
            });
            Ok(())
        })?;
        Ok(parts)
    }

    /// Counts sessions: those with a call in `active`, in `today`, and at all (ranges of UTC milliseconds). One row of
    /// sums for each session, project and model is looked at, or one for each branch of it where branches are chosen;
    /// calls only where a clock ran ahead, and to tell branches apart.
    pub fn session_counts(
        &self,
        active: &Range<i64>,
        today: &Range<i64>,
        only: &Only,
    ) -> Result<SessionCounts, LedgerError> {
        let mut counts = SessionCounts { active: 0, today: 0, total: 0, until_ms: today.end };
        let all = self.all_session_spans(only.branches.is_some())?;
        let mut asked: Vec<&SessionSpan> = Vec::new();
        for spans in all.chunk_by(|one, next| one.session == next.session) {
            asked.clear();
            asked.extend(spans.iter().filter(|span| only.holds(&span.marks)));
            counts.active += u64::from(self.is_within(&asked, active, only)?);
            counts.today += u64::from(self.is_within(&asked, today, only)?);
            counts.total += u64::from(!asked.is_empty());
            let until_ms = asked.iter().filter_map(|span| span.leaves_or_enters(active)).min();
            counts.until_ms = counts.until_ms.min(until_ms.unwrap_or(i64::MAX));
        }
        Ok(counts)
    }

    /// The first and last calls of these sessions (half-open) by project, model and account, in order of sessions.
    pub(super) fn session_spans(&self, sessions: Range<i64>) -> Result<Vec<SessionSpan>, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT bucket, project_id, 0, model_id, account_id, first_ms, last_ms FROM rollup
             WHERE kind = 3 AND bucket BETWEEN ?1 AND ?2 ORDER BY bucket",
        )?;
        let spans =
            select.query_map([sessions.start, sessions.end.saturating_sub(1)], SessionSpan::of_row)?;
        Ok(spans.collect::<Result<_, _>>()?)
    }

    /// Those of one session by branch too: a look at its calls.
    pub(super) fn session_spans_by_branch(&self, session: i64) -> Result<Vec<SessionSpan>, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT session_id, project_id, branch_id, model_id, account_id, min(at_ms), max(at_ms) FROM call
             WHERE session_id = ?1 GROUP BY 2, 3, 4, 5",
        )?;
        let spans = select.query_map([session], SessionSpan::of_row)?;
        Ok(spans.collect::<Result<_, _>>()?)
    }

    /// Those of all sessions by branch too: one walk over all calls, which is a third of asking for each session.
    pub(super) fn read_spans_by_branch(&self) -> Result<Vec<SessionSpan>, LedgerError> {
        let mut found: BTreeMap<(i64, Marks), (i64, i64)> = BTreeMap::new();
        let mut select = self.connection.prepare_cached(
            "SELECT session_id, project_id, branch_id, model_id, account_id, at_ms, at_ms FROM call",
        )?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let SessionSpan { session, marks, first_ms, last_ms } = SessionSpan::of_row(row)?;
            let ends = found.entry((session, marks)).or_insert((first_ms, last_ms));
            *ends = (ends.0.min(first_ms), ends.1.max(last_ms));
        }
        let span =
            |((session, marks), (first_ms, last_ms))| SessionSpan { session, marks, first_ms, last_ms };
        Ok(found.into_iter().map(span).collect())
    }

    /// Whether a session, of which these are the calls that are asked for, has one of them in a range. Mostly the first
    /// and the last of them tell.
    fn is_within(
        &self,
        asked: &[&SessionSpan],
        range: &Range<i64>,
        only: &Only,
    ) -> Result<bool, LedgerError> {
        let tells = |span: &&SessionSpan| range.contains(&span.first_ms) || range.contains(&span.last_ms);
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

/// The first and the last of a session's calls that have these marks, UTC milliseconds.
#[derive(Clone, Copy)]
pub(super) struct SessionSpan {
    pub(super) session: i64,
    pub(super) marks: Marks,
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
}

impl SessionSpan {
    /// When the next of its calls leaves or enters a range that moves on with time; none: all are behind it.
    fn leaves_or_enters(&self, range: &Range<i64>) -> Option<i64> {
        let length = range.end - range.start;
        match (self.first_ms, self.last_ms) {
            (_, last) if last < range.start => None,
            (_, last) if last < range.end => Some(last + length),
            (first, _) if first >= range.end => Some(first),
            // Of those between the first and the last nothing is known.
            _ => Some(range.end),
        }
    }

    /// Session, project, branch, model, account, first and last call.
    fn of_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            session: row.get(0)?,
            marks: Marks {
                project: row.get(1)?,
                branch: row.get(2)?,
                model: row.get(3)?,
                account: row.get(4)?,
                ..Marks::default()
            },
            first_ms: row.get(5)?,
            last_ms: row.get(6)?,
        })
    }
}
