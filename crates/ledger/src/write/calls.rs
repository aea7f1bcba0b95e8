//! A call on its way into the ledger: which row of it is believed, and what it costs.

use cco_model::batch::{CallRow, NameId};
use cco_model::call::{CallKey, Origin};
use cco_model::civil;
use cco_model::plant::{Bug, planted};
use rusqlite::OptionalExtension;

use super::ids::BatchIds;
use super::tools::ToolPlace;
use super::{Intake, MAX_WEIGHT, SoftError, SoftKind, TranscriptId, Writer};
use crate::LedgerError;
use crate::limits::HeldBy;
use crate::stored::{self, Price, StoredCall};

/// The row of a call.
#[derive(Clone, Copy)]
pub(super) struct CallRowId {
    pub(super) id: i64,
    /// It was there before this row of it was met.
    pub(super) known: bool,
    /// Where uses of its tools are counted.
    pub(super) place: ToolPlace,
}

impl Writer<'_> {
    /// Takes a call in; returns its row, none when it was refused.
    pub(super) fn call(
        &mut self,
        transcript: TranscriptId,
        intake: &Intake<'_>,
        row: &CallRow,
        ids: &mut BatchIds,
    ) -> Result<Option<CallRowId>, LedgerError> {
        let batch = intake.batch;
        let belongs = self.ids(transcript, batch, row, intake.projects, intake.accounts, ids)?;
        let text = |name: Option<NameId>| name.map_or("", |name| batch.names.get(name));
        let mut new = stored::unpriced(row, belongs, text(row.request), text(row.effort));
        self.price(&mut new, batch.names.get(row.model));
        let mut key = row.key;
        if planted(Bug::NoDedupAcrossFiles) {
            key[0] ^= transcript.0.to_le_bytes()[0];
        }
        if let Some(id) = self.keys.row_of(&self.transaction, &key)? {
            let place = self.known_call(id, new, Some(intake.accounts))?;
            return Ok(Some(CallRowId { id, known: true, place }));
        }
        match self.new_call(key, &new)? {
            Some(id) => Ok(Some(CallRowId { id, known: false, place: self.tool_place(&new) })),
            None => {
                self.refuse(transcript, row.offset)?;
                Ok(None)
            }
        }
    }

    /// Puts a call in that no row has yet; none when it is too heavy.
    pub(super) fn new_call(&mut self, key: CallKey, call: &StoredCall) -> Result<Option<i64>, LedgerError> {
        if !self.weighs_in(0, call) {
            return Ok(None);
        }
        self.seq += 1;
        self.changes.calls_new += 1;
        self.deltas.add(call);
        let id = stored::insert(&self.transaction, &key, call, self.seq)?;
        self.keys.add(&self.transaction, key, id)?;
        Ok(Some(id))
    }

    /// Adds a call to the weight of all calls, in the place of one that weighed `old`; false when it is too heavy.
    pub(super) fn weighs_in(&mut self, old: i64, call: &StoredCall) -> bool {
        let weight = (self.weight - old).saturating_add(call.weight());
        let fits = weight <= MAX_WEIGHT;
        if fits {
            self.weight = weight;
        }
        fits
    }

    /// A call whose counts would not fit in sums with all others is named and not counted.
    fn refuse(&mut self, transcript: TranscriptId, offset: u64) -> Result<(), LedgerError> {
        self.refused.push(offset);
        self.soft_error(transcript, SoftError { offset, kind: SoftKind::TooLarge, detail: 0 })
    }

    /// Another row of a call that is in the ledger: the better one wins, the earliest time stays. Returns where the
    /// uses of its tools are counted then. `held`: which accounts the directory of the new row held.
    pub(super) fn known_call(
        &mut self,
        id: i64,
        mut new: StoredCall,
        held: Option<&HeldBy>,
    ) -> Result<ToolPlace, LedgerError> {
        let old = stored::get(&self.transaction, id)?;
        let at_ms = new.at_ms.min(old.at_ms);
        let wins = match new.standing().cmp(&old.standing()) {
            std::cmp::Ordering::Equal => self.comes_first(&new, &old)?,
            order => order.is_gt(),
        } && !planted(Bug::FirstRowWins);
        if !wins && at_ms == old.at_ms {
            return Ok(self.tool_place(&old));
        }
        // The account is that of the directory of the winner when the call began, whichever row told that time.
        let one_file = new.ids.transcript == old.ids.transcript;
        let account = match held {
            _ if one_file && at_ms == old.at_ms && old.ids.account != 0 => old.ids.account,
            Some(held) if wins || one_file => held.at(at_ms),
            _ if wins => new.ids.account,
            _ => old.ids.account,
        };
        if !wins {
            new = old.clone();
        }
        new.at_ms = at_ms;
        new.ids.account = account;
        if priced_alike(&new, &old) {
            (new.price, new.price_list) = (old.price, old.price_list);
        } else {
            let model = self.model_name(new.ids.model)?;
            self.price(&mut new, &model);
        }
        if !self.weighs_in(old.weight(), &new) {
            self.refuse(TranscriptId(new.ids.transcript), new.offset)?;
            return Ok(self.tool_place(&old));
        }
        self.replace(id, &old, &new)?;
        Ok(self.tool_place(&new))
    }

    /// Of two rows that are believed alike, the new one is of the file born first, or earlier in the same file.
    fn comes_first(&self, new: &StoredCall, old: &StoredCall) -> Result<bool, LedgerError> {
        if new.ids.transcript == old.ids.transcript {
            return Ok(new.offset < old.offset);
        }
        let origin = |call: &StoredCall| -> Result<(i64, Vec<u8>), LedgerError> {
            let mut select =
                self.transaction.prepare_cached("SELECT born_ns, path FROM transcript WHERE id = ?1")?;
            Ok(select.query_row([call.ids.transcript], |row| Ok((row.get(0)?, row.get(1)?)))?)
        };
        let ((new_born, new_path), (old_born, old_path)) = (origin(new)?, origin(old)?);
        let new = Origin { born_ns: new_born, path: &new_path, offset: new.offset };
        let old = Origin { born_ns: old_born, path: &old_path, offset: old.offset };
        Ok(new.precedence(&old).is_gt())
    }

    pub(super) fn price(&mut self, call: &mut StoredCall, model: &str) {
        let prices = self.prices;
        let priced = *self.models.entry(call.ids.model).or_insert_with(|| prices.find(model));
        let day = civil::utc_day(call.at_ms);
        let cost = priced.and_then(|priced| priced.cost(&call.usage, day, prices.web_search()));
        call.price = cost.map(|cost| Price { cost_nanos: cost.total().0, savings_nanos: cost.savings.0 });
        call.price_list = self.price_list;
    }

    pub(super) fn model_name(&self, id: i64) -> Result<String, LedgerError> {
        let mut select = self.transaction.prepare_cached("SELECT name FROM model WHERE id = ?1")?;
        Ok(select.query_row([id], |row| row.get(0)).optional()?.unwrap_or_default())
    }
}

/// Nothing that a price depends on differs: a newer list changes history only when it is asked to.
pub(super) fn priced_alike(new: &StoredCall, old: &StoredCall) -> bool {
    new.ids.model == old.ids.model
        && new.usage == old.usage
        && civil::utc_day(new.at_ms) == civil::utc_day(old.at_ms)
}
