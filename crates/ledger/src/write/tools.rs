//! Uses of tools, and how many of each there were: by day, project, model and tool, so that no report reads them all.
//!
//! A use belongs to its call and moves with it. That a call moves once its uses are in is rare (another copy of it
//! wins, or an earlier time on another day turns up), so the sums are then made anew from all uses and not corrected.

use std::collections::BTreeMap;

use cco_model::batch::{Batch, KeyMap};
use cco_model::call::CallKey;
use cco_model::civil;
use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension, params};

use super::Writer;
use super::calls::CallRowId;
use crate::LedgerError;
use crate::names;
use crate::rollup::day_number;
use crate::stored::StoredCall;

/// Tool uses held in memory until they are written in order: 3 MB of them.
const MOST: usize = 100_000;

/// Where uses of a tool are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ToolPlace {
    /// The day of the call in the ledger's zone, counted from 1970. All zero with the project and the model: the use
    /// has no call.
    pub(crate) day: i64,
    pub(crate) project: i64,
    pub(crate) model: i64,
}

/// Uses, and failures among them.
pub(crate) type ToolCounts = BTreeMap<(ToolPlace, i64), (i64, i64)>;

/// A use of a tool on its way into its table.
#[derive(Clone, Copy)]
pub(super) struct NewToolUse {
    pub(super) id: i64,
    /// 0: its row was no call.
    pub(super) call: i64,
    pub(super) tool: i64,
    pub(super) place: ToolPlace,
    /// The call was in the ledger before: it is another one if this use is new.
    pub(super) known_call: bool,
}

/// Tool uses of a transaction that are not written yet.
#[derive(Default)]
pub(super) struct ToolUses {
    uses: Vec<NewToolUse>,
    /// Ids of uses that failed.
    failures: Vec<i64>,
    /// What the sums grow by.
    counts: ToolCounts,
}

impl ToolUses {
    pub(super) fn add(&mut self, used: NewToolUse) {
        self.uses.push(used);
    }

    pub(super) fn add_failure(&mut self, id: i64) {
        self.failures.push(id);
    }

    fn count(&mut self, place: ToolPlace, tool: i64, uses: i64, failures: i64) {
        // Tool 0 failed before its use was seen, and is none yet.
        if tool != 0 {
            let counts = self.counts.entry((place, tool)).or_default();
            *counts = (counts.0 + uses, counts.1 + failures);
        }
    }
}

/// A use as its row has it.
struct StoredUse {
    call: i64,
    tool: i64,
    failed: bool,
}

impl Writer<'_> {
    pub(super) fn tools(
        &mut self,
        batch: &Batch,
        calls: &KeyMap<CallKey, CallRowId>,
    ) -> Result<(), LedgerError> {
        for used in &batch.tool_uses {
            let name = batch.names.get(used.name);
            let tool = names::id(&self.transaction, &mut self.names.tool, names::TOOL, name)?;
            let call = used.call.and_then(|key| calls.get(&key));
            self.tool_uses.add(NewToolUse {
                id: used.id,
                call: call.map_or(0, |call| call.id),
                tool,
                place: call.map_or(ToolPlace::default(), |call| call.place),
                known_call: call.is_some_and(|call| call.known),
            });
        }
        batch.tool_failures.iter().for_each(|id| self.tool_uses.add_failure(*id));
        if self.tool_uses.uses.len() + self.tool_uses.failures.len() >= MOST {
            self.flush_tools()
        } else {
            Ok(())
        }
    }

    /// Where the uses of a call are counted.
    pub(super) fn tool_place(&mut self, call: &StoredCall) -> ToolPlace {
        ToolPlace { day: self.deltas.day_of(call.at_ms), project: call.ids.project, model: call.ids.model }
    }

    /// Writes the uses and failures. They have hashes for ids: in order of them the rows go to the end of a fresh table.
    pub(super) fn flush_tools(&mut self) -> Result<(), LedgerError> {
        let mut uses = std::mem::take(&mut self.tool_uses.uses);
        uses.sort_unstable_by_key(|used| used.id);
        let mut others = Vec::new();
        for used in &uses {
            if self.tool_used(used)? && used.known_call {
                others.push(used.call);
            }
        }
        for id in std::mem::take(&mut self.tool_uses.failures) {
            others.extend(self.tool_failed(id)?);
        }
        others.into_iter().try_for_each(|call| self.tools_changed(call))
    }

    /// Writes what the sums of uses grew by.
    pub(super) fn flush_tool_sums(&mut self) -> Result<(), LedgerError> {
        add_counts(&self.transaction, &std::mem::take(&mut self.tool_uses.counts))
    }

    /// Writes a use; true when it changed something.
    fn tool_used(&mut self, used: &NewToolUse) -> Result<bool, LedgerError> {
        let NewToolUse { id, call, tool, place, .. } = *used;
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO tool_use (id, call_id, tool_id, failed) VALUES (?1, ?2, ?3, 0) ON CONFLICT DO NOTHING",
        )?;
        if insert.execute([id, call, tool])? > 0 {
            drop(insert);
            self.tool_uses.count(place, tool, 1, 0);
            return Ok(true);
        }
        let mut select =
            self.transaction.prepare_cached("SELECT call_id, tool_id, failed FROM tool_use WHERE id = ?1")?;
        let old = select.query_row([id], |row| {
            Ok(StoredUse { call: row.get(0)?, tool: row.get(1)?, failed: row.get(2)? })
        })?;
        drop((insert, select));
        // The first call that asked for it keeps it; the name is the last one told.
        let call = if old.call == 0 { call } else { old.call };
        if (call, tool) == (old.call, old.tool) {
            return Ok(false);
        }
        let mut update = self
            .transaction
            .prepare_cached("UPDATE tool_use SET call_id = ?2, tool_id = ?3 WHERE id = ?1")?;
        update.execute([id, call, tool])?;
        drop(update);
        let failures = i64::from(old.failed);
        let before = self.tool_place_of(old.call)?;
        self.tool_uses.count(before, old.tool, -1, -failures);
        let after = self.tool_place_of(call)?;
        self.tool_uses.count(after, tool, 1, failures);
        Ok(true)
    }

    /// Marks a use as failed, whether it was seen already or not; its call, if it has one and is another one now.
    fn tool_failed(&mut self, id: i64) -> Result<Option<i64>, LedgerError> {
        let mut upsert = self.transaction.prepare_cached(
            "INSERT INTO tool_use (id, call_id, tool_id, failed) VALUES (?1, 0, 0, 1)
             ON CONFLICT (id) DO UPDATE SET failed = 1 WHERE failed = 0 RETURNING call_id, tool_id",
        )?;
        let failed: Option<(i64, i64)> =
            upsert.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        drop(upsert);
        let Some((call, tool)) = failed else { return Ok(None) };
        let place = self.tool_place_of(call)?;
        self.tool_uses.count(place, tool, 0, 1);
        Ok(Some(call).filter(|call| *call != 0))
    }

    /// Where the uses of the call in this row are counted.
    fn tool_place_of(&mut self, call: i64) -> Result<ToolPlace, LedgerError> {
        if call == 0 {
            return Ok(ToolPlace::default());
        }
        let mut select =
            self.transaction.prepare_cached("SELECT at_ms, project_id, model_id FROM call WHERE id = ?1")?;
        let found: Option<(i64, i64, i64)> =
            select.query_row([call], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
        drop(select);
        let place = |(at_ms, project, model)| ToolPlace { day: self.deltas.day_of(at_ms), project, model };
        Ok(found.map_or(ToolPlace::default(), place))
    }
}

/// Adds to the sums; those that come to nothing go.
fn add_counts(connection: &Connection, counts: &ToolCounts) -> Result<(), LedgerError> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO tool_sum (day, project_id, model_id, tool_id, uses, failures) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET uses = uses + excluded.uses, failures = failures + excluded.failures",
    )?;
    let mut less = false;
    for ((place, tool), (uses, failures)) in counts {
        if (*uses, *failures) != (0, 0) {
            less |= *uses < 0;
            upsert.execute(params![place.day, place.project, place.model, tool, uses, failures])?;
        }
    }
    if less {
        connection.prepare_cached("DELETE FROM tool_sum WHERE uses = 0")?.execute([])?;
    }
    Ok(())
}

/// Makes the sums anew.
pub(super) fn count_anew(connection: &Connection, zone: &TimeZone) -> Result<(), LedgerError> {
    connection.prepare_cached("DELETE FROM tool_sum")?.execute([])?;
    add_counts(connection, &tool_counts(connection, zone)?)
}

/// The sums of all uses, counted one by one.
pub(crate) fn tool_counts(connection: &Connection, zone: &TimeZone) -> Result<ToolCounts, LedgerError> {
    let mut counts = ToolCounts::new();
    let mut day = (i64::MIN, 0);
    let mut select = connection.prepare_cached(
        "SELECT tool_id, failed, at_ms, project_id, model_id FROM tool_use LEFT JOIN call ON call.id = call_id
         WHERE tool_id <> 0",
    )?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let at_ms: Option<i64> = row.get(2)?;
        let place = match at_ms {
            None => ToolPlace::default(),
            Some(at_ms) => {
                let quarter = civil::quarter_of(at_ms);
                if day.0 != quarter {
                    day = (quarter, day_number(civil::day_of(quarter * civil::QUARTER_MS, zone)));
                }
                ToolPlace { day: day.1, project: row.get(3)?, model: row.get(4)? }
            }
        };
        let sums = counts.entry((place, row.get(0)?)).or_default();
        *sums = (sums.0 + 1, sums.1 + row.get::<_, i64>(1)?);
    }
    Ok(counts)
}
