//! The calls of a group that have something else in common as well: their sums, files and dearest, in one walk.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use cco_model::money::NanoUsd;
use cco_model::sums::Sums;
use rusqlite::{Row, params};

use super::{CallLine, Group, GroupPart, name};
use crate::query::{Marks, Only, call_sums, sums_of};
use crate::write::TranscriptId;
use crate::{Ledger, LedgerError};

/// What is known of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowed {
    /// Sums by session, project and model.
    pub parts: Vec<GroupPart>,
    /// The transcripts that their kept rows stand in, with the number of those calls.
    pub transcripts: Vec<(TranscriptId, u64)>,
    /// The dearest, of equals the earlier; unpriced ones last.
    pub dearest: Vec<CallLine>,
}

macro_rules! calls_of {
    ($column:literal) => {
        concat!(
            "SELECT project_id, branch_id, attribution_id, model_id, account_id, session_id, transcript_id, id, at_ms,
                 cost_nanos, flags & 32 <> 0, ",
            call_sums!(),
            " FROM call WHERE ",
            $column,
            " BETWEEN ?1 AND ?2 AND at_ms BETWEEN ?3 AND ?4"
        )
    };
}

/// The column in which sums begin.
const FIRST_SUM: usize = 11;

/// Sums of a session, project and model; with the first and the last call.
type Parts = BTreeMap<(i64, i64, i64), (Sums, i64, i64)>;
/// Calls with the ids of their model and session, the dearest first.
type Dearest = BTreeMap<(Reverse<i64>, i64, i64), (i64, i64, CallLine)>;

impl Ledger {
    /// The calls of a group that lie in a range of UTC milliseconds too, and are of these; at most `limit` of the
    /// dearest. Each call of the group is looked at.
    pub fn narrowed(
        &self,
        group: &Group,
        range: &Range<i64>,
        only: &Only,
        limit: usize,
    ) -> Result<Narrowed, LedgerError> {
        let (from, to) = group.bounds();
        let sql = group.choose(calls_of!("session_id"), calls_of!("project_id"), calls_of!("at_ms"));
        let mut select = self.connection.prepare_cached(sql)?;
        let mut rows = select.query(params![from, to, range.start, range.end.saturating_sub(1)])?;
        let (mut parts, mut dearest) = (Parts::new(), Dearest::new());
        let mut transcripts: BTreeMap<i64, u64> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let marks = marks_of(row)?;
            if !only.holds(&marks) {
                continue;
            }
            let (session, at_ms) = (row.get(5)?, row.get(8)?);
            let sums = sums_of(row, FIRST_SUM)?;
            let none = || (Sums::default(), i64::MAX, i64::MIN);
            let part = parts.entry((session, marks.project, marks.model)).or_insert_with(none);
            part.0 += sums;
            (part.1, part.2) = (part.1.min(at_ms), part.2.max(at_ms));
            *transcripts.entry(row.get(6)?).or_default() += 1;
            let place = (Reverse(row.get(9)?), at_ms, row.get(7)?);
            if dearest.len() < limit || dearest.last_key_value().is_some_and(|(last, _)| place < *last) {
                dearest.insert(place, (marks.model, session, line(row, &sums)?));
            }
            if dearest.len() > limit {
                dearest.pop_last();
            }
        }
        let transcripts = transcripts.into_iter().map(|(id, calls)| (TranscriptId(id), calls)).collect();
        Ok(Narrowed { parts: self.named_parts(parts)?, transcripts, dearest: self.named_calls(dearest)? })
    }

    fn named_parts(&self, parts: Parts) -> Result<Vec<GroupPart>, LedgerError> {
        let part = |((session, project, model), (sums, first_ms, last_ms)): ((i64, i64, i64), _)| {
            let (session, model) = (self.session_name(session)?, self.model_name(model)?);
            let project = name(&self.connection, "SELECT name FROM project WHERE id = ?1", project)?;
            Ok(GroupPart { session, model, project, sums, first_ms, last_ms })
        };
        parts.into_iter().map(part).collect()
    }

    fn named_calls(&self, calls: Dearest) -> Result<Vec<CallLine>, LedgerError> {
        let named = |(model, session, line)| {
            Ok(CallLine { model: self.model_name(model)?, session: self.session_name(session)?, ..line })
        };
        calls.into_values().map(named).collect()
    }

    fn session_name(&self, id: i64) -> Result<String, LedgerError> {
        name(&self.connection, "SELECT name FROM session WHERE id = ?1", id)
    }

    fn model_name(&self, id: i64) -> Result<String, LedgerError> {
        name(&self.connection, "SELECT name FROM model WHERE id = ?1", id)
    }
}

fn marks_of(row: &Row<'_>) -> rusqlite::Result<Marks> {
    Ok(Marks {
        project: row.get(0)?,
        branch: row.get(1)?,
        attribution: row.get(2)?,
        model: row.get(3)?,
        account: row.get(4)?,
    })
}

/// A call, without its names.
fn line(row: &Row<'_>, sums: &Sums) -> rusqlite::Result<CallLine> {
    let (cost, priced) = (NanoUsd(row.get(9)?), row.get::<_, bool>(10)?);
    Ok(CallLine {
        id: row.get(7)?,
        at_ms: row.get(8)?,
        model: Default::default(),
        session: Default::default(),
        tokens: sums.tokens,
        cost: priced.then_some(cost),
    })
}
