//! One session: its calls in order, who worked, and with which tools.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use cco_model::money::NanoUsd;
use cco_model::sums::Sums;
use cco_model::tokens::Tokens;
use rusqlite::params;

use super::{Attribution, Named, Total};
use crate::{Ledger, LedgerError};

/// A call of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCall {
    /// Its row in the ledger.
    pub id: i64,
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// Model name as in the transcripts.
    pub model: Arc<str>,
    /// Who worked.
    pub attribution: Arc<Attribution>,
    /// What it counts.
    pub tokens: Tokens,
    /// What it costs; none: it has no price.
    pub cost: Option<NanoUsd>,
    /// The kept row is of a side thread.
    pub sidechain: bool,
    /// The tools that it used, by name, one for each use.
    pub tools: Vec<Arc<str>>,
}

/// Tools of a session: uses and failures by name, and the names by call, one for each use.
pub type SessionTools = (BTreeMap<Arc<str>, (u64, u64)>, HashMap<i64, Vec<Arc<str>>>);

impl Ledger {
    /// Calls of a session in order of time and then of rows, behind that time and row, at most `limit`; without their
    /// tools.
    pub fn calls_of_session(
        &self,
        session: i64,
        after: Option<(i64, i64)>,
        limit: usize,
    ) -> Result<Vec<SessionCall>, LedgerError> {
        let (models, attributions) = (self.names(Named::Model)?, self.attributions()?);
        let mut select = self.connection.prepare_cached(
            "SELECT id, at_ms, model_id, attribution_id, input, output, cache_write_5m, cache_write_1h, cache_read,
                 cost_nanos, flags & 32 <> 0, flags & 1 <> 0
             FROM call WHERE session_id = ?1 AND (at_ms, id) > (?2, ?3) ORDER BY at_ms, id LIMIT ?4",
        )?;
        let (at_ms, id) = after.unwrap_or((i64::MIN, i64::MIN));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map(params![session, at_ms, id, limit], |row| {
            let count = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
            let (cost, priced) = (NanoUsd(row.get(9)?), row.get::<_, bool>(10)?);
            Ok(SessionCall {
                id: row.get(0)?,
                at_ms: row.get(1)?,
                model: models.get(row.get(2)?),
                attribution: attributions.get(&row.get(3)?).cloned().unwrap_or_default(),
                tokens: Tokens {
                    input: count(4)?,
                    output: count(5)?,
                    cache_write_5m: count(6)?,
                    cache_write_1h: count(7)?,
                    cache_read: count(8)?,
                },
                cost: priced.then_some(cost),
                sidechain: row.get(11)?,
                tools: Vec::new(),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Sums of a session by agent type, by name; empty: the main thread.
    pub fn agents_of_session(&self, session: i64) -> Result<BTreeMap<String, Sums>, LedgerError> {
        let attributions = self.attributions()?;
        let mut select = self.connection.prepare_cached(concat!(
            "SELECT attribution_id, ",
            call_sums!(),
            " FROM call WHERE session_id = ?1"
        ))?;
        let mut rows = select.query([session])?;
        let mut agents: BTreeMap<String, Sums> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let mut total = Total::default();
            total.add(row, 1)?;
            let agent = attributions.get(&row.get(0)?).map_or("", |who| &who.agent);
            *agents.entry(agent.to_owned()).or_default() += total.sums;
        }
        Ok(agents)
    }

    /// Tools of a session. Where nobody follows the ledger, each tool use in it is looked at, once.
    pub fn tools_of_session(&self, session: i64) -> Result<SessionTools, LedgerError> {
        let mut select = self.connection.prepare_cached("SELECT id FROM call WHERE session_id = ?1")?;
        let calls: HashSet<i64> = select.query_map([session], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let names = self.names_by("SELECT id, name FROM tool")?;
        let (mut sums, mut by_call) = SessionTools::default();
        self.tool_uses_of_calls(&calls, &mut |tool, failed, call| {
            let name = names.get(tool);
            let (uses, failures) = sums.entry(name.clone()).or_default();
            *uses += 1;
            *failures += u64::from(failed);
            by_call.entry(call).or_default().push(name);
        })?;
        by_call.values_mut().for_each(|tools| tools.sort_unstable());
        Ok((sums, by_call))
    }
}
