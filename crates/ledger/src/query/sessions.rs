//! Sessions: what they hold of a stretch of time, and how many there are.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

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
    /// sums for each session, project and model is looked at; calls only where a clock ran ahead or branches are chosen.
    pub fn session_counts(
        &self,
        active: &Range<i64>,
        today: &Range<i64>,
        only: &Only,
    ) -> Result<SessionCounts, LedgerError> {
        let ever = i64::MIN..i64::MAX;
        let busy = self.busy_spans(only)?;
        let mut counts = SessionCounts::default();
        for (session, span) in self.spans_of_sessions(only, busy.as_ref())? {
            counts.active += u64::from(self.is_within(session, span, active, only)?);
            counts.today += u64::from(self.is_within(session, span, today, only)?);
            counts.total += u64::from(self.is_within(session, span, &ever, only)?);
        }
        Ok(counts)
    }

    /// Where branches are chosen, which the sums of sessions do not tell: the projects that have calls on them, with the
    /// first and the last of those. Else none.
    fn busy_spans(&self, only: &Only) -> Result<Option<HashMap<i64, Span>>, LedgerError> {
        if only.branches.is_none() {
            return Ok(None);
        }
        let mut spans = HashMap::new();
        self.rows(Source::Rollup(Kind::Month), i64::MIN..i64::MAX, only, &mut |row| {
            let Total { first_ms, last_ms, .. } = row.total()?;
            spans.entry(row.marks.project).or_insert(NO_SPAN).widen(Span { first_ms, last_ms });
            Ok(())
        })?;
        Ok(Some(spans))
    }

    /// The first and the last call of every session that may have calls that are asked for.
    fn spans_of_sessions(
        &self,
        only: &Only,
        busy: Option<&HashMap<i64, Span>>,
    ) -> Result<Vec<(i64, Span)>, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT bucket, project_id, model_id, account_id, first_ms, last_ms FROM rollup WHERE kind = 3
             ORDER BY bucket",
        )?;
        let mut rows = select.query([])?;
        let mut sessions: Vec<(i64, Span)> = Vec::new();
        while let Some(row) = rows.next()? {
            let project = row.get(1)?;
            let marks = Marks { project, model: row.get(2)?, account: row.get(3)?, ..Marks::default() };
            let span = Span { first_ms: row.get(4)?, last_ms: row.get(5)? };
            let may_be = busy.is_none_or(|busy| busy.get(&project).is_some_and(|busy| busy.meets(span)));
            if !may_be || !only.holds_but_branch(&marks) {
                continue;
            }
            let session = row.get(0)?;
            match sessions.last_mut() {
                Some((last, known)) if *last == session => known.widen(span),
                _ => sessions.push((session, span)),
            }
        }
        Ok(sessions)
    }

    /// Whether a session has a call in a range that is asked for. Mostly its first and its last call tell.
    fn is_within(
        &self,
        session: i64,
        span: Span,
        range: &Range<i64>,
        only: &Only,
    ) -> Result<bool, LedgerError> {
        if span.last_ms < range.start || range.end <= span.first_ms {
            return Ok(false);
        }
        let tells = range.contains(&span.first_ms) || range.contains(&span.last_ms);
        if only.branches.is_none() && tells { Ok(true) } else { self.has_call(session, range, only) }
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

/// The first and the last of some calls, UTC milliseconds.
#[derive(Clone, Copy)]
struct Span {
    first_ms: i64,
    last_ms: i64,
}

/// That of no call.
const NO_SPAN: Span = Span { first_ms: i64::MAX, last_ms: i64::MIN };

impl Span {
    fn widen(&mut self, by: Self) {
        *self = Self { first_ms: self.first_ms.min(by.first_ms), last_ms: self.last_ms.max(by.last_ms) };
    }

    fn meets(self, other: Self) -> bool {
        self.first_ms <= other.last_ms && other.first_ms <= self.last_ms
    }
}
