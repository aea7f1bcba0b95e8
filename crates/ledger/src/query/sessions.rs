//! Sessions: what they hold of a stretch of time, and how many there are.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::only::{Marks, Only};
use super::{ModelPart, Named, Total};
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionCounts {
    /// With a call in the last minutes.
    pub active: u64,
    /// With a call today.
    pub today: u64,
    /// All that ever were.
    pub total: u64,
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

    /// Counts sessions: those with a call in `active`, in `today`, and at all (ranges of UTC milliseconds). One row of
    /// sums for each session, project and model is looked at; calls only where a clock ran ahead or branches are chosen.
    pub fn session_counts(
        &self,
        active: &Range<i64>,
        today: &Range<i64>,
        only: &Only,
    ) -> Result<SessionCounts, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT bucket, project_id, model_id, account_id, first_ms, last_ms FROM rollup WHERE kind = 3",
        )?;
        let mut rows = select.query([])?;
        let mut counts = SessionCounts::default();
        // Rows of a session come one behind the other.
        let mut session = (i64::MIN, Spans::default());
        while let Some(row) = rows.next()? {
            let marks =
                Marks { project: row.get(1)?, model: row.get(2)?, account: row.get(3)?, ..Marks::default() };
            if !only.holds_but_branch(&marks) {
                continue;
            }
            let id = row.get(0)?;
            if session.0 != id {
                self.count_session(&session, active, today, only, &mut counts)?;
                session = (id, Spans::default());
            }
            session.1.add(row.get(4)?, row.get(5)?);
        }
        self.count_session(&session, active, today, only, &mut counts)?;
        Ok(counts)
    }

    fn count_session(
        &self,
        (session, spans): &(i64, Spans),
        active: &Range<i64>,
        today: &Range<i64>,
        only: &Only,
        counts: &mut SessionCounts,
    ) -> Result<(), LedgerError> {
        let ever = i64::MIN..i64::MAX;
        for (range, count) in
            [(active, &mut counts.active), (today, &mut counts.today), (&ever, &mut counts.total)]
        {
            let is_in = match spans.is_in(range) {
                Some(true) if only.branches.is_some() => self.has_call(*session, range, only)?,
                Some(is_in) => is_in,
                None => self.has_call(*session, range, only)?,
            };
            *count += u64::from(is_in);
        }
        Ok(())
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

/// The first and the last of a session's calls.
#[derive(Default)]
struct Spans {
    ends: Option<(i64, i64)>,
}

impl Spans {
    fn add(&mut self, first_ms: i64, last_ms: i64) {
        let (first, last) = self.ends.unwrap_or((first_ms, last_ms));
        self.ends = Some((first.min(first_ms), last.max(last_ms)));
    }

    /// Whether there is a call in a range; none: only the calls can tell.
    fn is_in(&self, range: &Range<i64>) -> Option<bool> {
        let Some((first, last)) = self.ends else { return Some(false) };
        if range.contains(&first) || range.contains(&last) {
            return Some(true);
        }
        if last < range.start || range.end <= first { Some(false) } else { None }
    }
}
