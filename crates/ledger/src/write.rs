//! The one writer: calls, tools, file positions, roll-ups and the sequence, in one transaction.

mod calls;
mod ids;
mod intake;
mod keys;
mod reprice;
pub(crate) mod restore;
pub(crate) mod tools;
mod transcripts;

use std::collections::{HashMap, HashSet};

use cco_model::plant::{Bug, planted};
use cco_model::price::{PriceList, PricedModel};
use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

pub use self::intake::{Intake, SoftError, SoftKind, Taken};
use self::keys::Keys;
pub use self::reprice::{Change, Which};
use self::tools::ToolUses;
pub(crate) use self::transcripts::path_of;
pub use self::transcripts::{KnownTranscript, TranscriptId};
use crate::names::{self, NameCaches};
use crate::rollup::{self, Deltas, Load};
use crate::stored::{self, StoredCall};
use crate::{Ledger, LedgerError};

#[cfg(test)]
mod tests;

/// The most that all calls may weigh together, so that no sum of them overflows: 2^62 tokens and nano-dollars. That
/// is 4.6 billion dollars; only counts that are wrong come near it.
const MAX_WEIGHT: i64 = 1 << 62;

/// Changes of roll-ups held in memory until they are written in order: 20 MB of them.
const MOST_DELTAS: usize = 100_000;
/// Roll-up rows that are noted to be looked up before doubles among them are dropped.
const MOST_LEFT: usize = 200_000;

/// What a transaction changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Calls that are new.
    pub calls_new: u64,
    /// Calls whose counts, time or place changed.
    pub calls_changed: u64,
}

/// An open transaction. Dropped without [`Writer::commit`], it leaves no trace.
pub struct Writer<'a> {
    transaction: Transaction<'a>,
    names: &'a mut NameCaches,
    keys: Keys,
    deltas: Deltas,
    load: &'a mut Load,
    zone: &'a TimeZone,
    tool_uses: ToolUses,
    prices: &'a PriceList,
    price_list: i64,
    models: HashMap<i64, Option<&'a PricedModel>>,
    seq: i64,
    /// The sequence as it was before this transaction.
    seq_before: i64,
    /// Transcripts that this transaction has marked as not journalled.
    unjournalled: HashSet<i64>,
    /// What all calls weigh.
    weight: i64,
    /// Changes of calls before this transaction, whoever made them.
    changes_before: i64,
    /// Where calls were refused in the stretch that was taken last.
    refused: Vec<u64>,
    changes: Changes,
}

impl Ledger {
    /// Working directories whose project is known.
    pub fn places(&self) -> Result<HashSet<String>, LedgerError> {
        let mut select = self.connection.prepare_cached("SELECT cwd FROM place")?;
        let rows = select.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Begins a transaction that holds the write lock from its first moment.
    pub fn writer<'a>(&'a mut self, prices: &'a PriceList) -> Result<Writer<'a>, LedgerError> {
        let behavior = if planted(Bug::DeferredTransaction) {
            TransactionBehavior::Deferred
        } else {
            TransactionBehavior::Immediate
        };
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        let number = |key: &str| -> rusqlite::Result<i64> {
            let mut select =
                transaction.prepare_cached("SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?1")?;
            select.query_row([key], |row| row.get(0))
        };
        let (seq, weight, changes_before) = (number("seq")?, number("weight")?, number("changes")?);
        let deltas = Deltas::new(self.zone.clone());
        let price_list = names::id(&transaction, &mut self.names.price_list, names::PRICE_LIST, prices.id())?;
        Ok(Writer {
            keys: Keys::new(&transaction)?,
            transaction,
            names: &mut self.names,
            deltas,
            load: &mut self.load,
            zone: &self.zone,
            tool_uses: ToolUses::default(),
            prices,
            price_list,
            models: HashMap::new(),
            seq,
            seq_before: seq,
            unjournalled: HashSet::new(),
            weight,
            changes_before,
            refused: Vec::new(),
            changes: Changes::default(),
        })
    }

    /// The ledger has not come to the end of its first load yet.
    pub fn is_first_load(&self) -> Result<bool, LedgerError> {
        Ok(!has_indexes(&self.connection)?)
    }

    /// A first load ended before its last commit: its indexes are missing, and the ends of some roll-ups are not
    /// settled. Any commit that is called the last one mends that.
    pub fn load_was_cut_off(&self) -> Result<bool, LedgerError> {
        let mut calls = self.connection.prepare_cached("SELECT 1 FROM call LIMIT 1")?;
        Ok(self.is_first_load()? && calls.exists([])?)
    }

    /// Every call that has no price has none in this list either.
    pub fn is_priced_by(&self, prices: &PriceList) -> Result<bool, LedgerError> {
        let mut select =
            self.connection.prepare_cached("SELECT 1 FROM meta WHERE key = 'priced_by' AND value = ?1")?;
        Ok(select.exists([prices.id()])?)
    }

    /// Calls of present transcripts that are not counted.
    pub fn uncounted(&self) -> Result<u64, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT count(*) FROM soft_error JOIN transcript ON id = transcript_id
             WHERE kind IN (2, 4) AND NOT gone",
        )?;
        Ok(select.query_row([], |row| row.get::<_, i64>(0))?.cast_unsigned())
    }

    /// Forgets the names that a failed transaction may have numbered.
    pub fn forget_uncommitted(&mut self) {
        self.names = NameCaches::default();
        self.load = Load::default();
    }
}

impl Writer<'_> {
    /// Where calls of the stretch that was taken last were too large to be counted.
    pub fn refused(&self) -> &[u64] {
        &self.refused
    }

    /// Prices the calls that had no price, where this list has one for them, and remembers that it did. What had a
    /// price keeps it.
    pub fn price_unpriced(&mut self) -> Result<(), LedgerError> {
        self.remember_prices()?;
        let unpriced: Vec<i64> = {
            let mut select = self.transaction.prepare("SELECT id FROM call WHERE flags & 32 = 0")?;
            let ids = select.query_map([], |row| row.get(0))?;
            ids.collect::<Result<_, _>>()?
        };
        for id in unpriced {
            let old = stored::get(&self.transaction, id)?;
            let mut new = old.clone();
            let model = self.model_name(new.ids.model)?;
            self.price(&mut new, &model);
            if new.price.is_some() && self.weighs_in(old.weight(), &new) {
                self.replace(id, &old, &new)?;
            }
        }
        Ok(())
    }

    /// Puts a call in the place of what it was, in the roll-ups too.
    fn replace(&mut self, id: i64, old: &StoredCall, new: &StoredCall) -> Result<(), LedgerError> {
        if planted(Bug::RollupsWithoutOldValue) {
            self.deltas.add(new);
        } else {
            self.deltas.replace(old, new);
        }
        self.load.tools_moved |= self.tool_place(old) != self.tool_place(new);
        self.seq += 1;
        self.changes.calls_changed += 1;
        stored::update(&self.transaction, id, new, self.seq)?;
        self.not_journalled(new.ids.transcript)
    }

    /// Something of a transcript is not in the journal.
    fn not_journalled(&mut self, transcript: i64) -> Result<(), LedgerError> {
        if self.unjournalled.insert(transcript) {
            let mut update = self.transaction.prepare_cached(
                "UPDATE transcript SET unjournalled = 1 WHERE id = ?1 AND unjournalled = 0",
            )?;
            update.execute([transcript])?;
        }
        Ok(())
    }

    /// The tools of a call are others now, so the call is.
    fn tools_changed(&mut self, call: i64) -> Result<(), LedgerError> {
        let mut select =
            self.transaction.prepare_cached("SELECT transcript_id, seq FROM call WHERE id = ?1")?;
        let found: Option<(i64, i64)> =
            select.query_row([call], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        drop(select);
        let Some((transcript, seq)) = found else { return Ok(()) };
        if seq <= self.seq_before {
            self.seq += 1;
            let mut update = self.transaction.prepare_cached("UPDATE call SET seq = ?2 WHERE id = ?1")?;
            update.execute([call, self.seq])?;
        }
        self.not_journalled(transcript)
    }

    /// Writes the roll-ups and makes everything durable. `last`: the scan ends here.
    pub fn commit(mut self, last: bool) -> Result<Changes, LedgerError> {
        self.keys.flush(&self.transaction)?;
        self.flush_tools()?;
        self.flush_tool_sums()?;
        self.flush_deltas()?;
        self.load.changes += self.changes.calls_new + self.changes.calls_changed;
        if self.load.left.len() > MOST_LEFT {
            self.load.left.sort_unstable();
            self.load.left.dedup();
        }
        if last || has_indexes(&self.transaction)? {
            self.settle()?;
        }
        let changes = self.all_changes().cast_signed();
        for (key, number) in [("seq", self.seq), ("weight", self.weight), ("changes", changes)] {
            let mut update =
                self.transaction.prepare_cached("UPDATE meta SET value = CAST(?2 AS TEXT) WHERE key = ?1")?;
            update.execute(params![key, number])?;
        }
        self.transaction.commit()?;
        Ok(self.changes)
    }

    /// Changes of calls in the life of this ledger, whoever made them.
    fn all_changes(&self) -> u64 {
        self.changes_before.cast_unsigned() + self.changes.calls_new + self.changes.calls_changed
    }

    fn flush_deltas(&mut self) -> Result<(), LedgerError> {
        let left = self.deltas.flush(&self.transaction)?;
        self.load.left.extend(left);
        Ok(())
    }

    /// All calls without a price have none in this list.
    fn remember_prices(&self) -> Result<(), LedgerError> {
        let mut remember =
            self.transaction.prepare_cached("INSERT OR REPLACE INTO meta VALUES ('priced_by', ?1)")?;
        remember.execute([self.prices.id()])?;
        Ok(())
    }

    /// Looks up what is first and last in the roll-up rows that a call left, and counts tool uses anew where calls
    /// moved. A first load that ends here gets its indexes now; if others had a part in it, what they left open is
    /// unknown, and all rows are looked at and all uses counted.
    fn settle(&mut self) -> Result<(), LedgerError> {
        let mut left = std::mem::take(&mut self.load.left);
        let mut tools_moved = std::mem::take(&mut self.load.tools_moved);
        if !has_indexes(&self.transaction)? {
            make_indexes(&self.transaction)?;
            if self.all_changes() == self.load.changes {
                self.remember_prices()?;
            } else {
                left = rollup::all_keys(&self.transaction)?;
                tools_moved = true;
            }
        }
        if tools_moved {
            tools::count_anew(&self.transaction, self.zone)?;
        }
        // Who remembers what sums were must hear of it, also where no call changed.
        self.seq += i64::from(!left.is_empty());
        Ok(rollup::look_up_ends(&self.transaction, self.zone, &mut left)?)
    }
}

/// The first load of this ledger has ended.
fn has_indexes(connection: &Connection) -> rusqlite::Result<bool> {
    let mut select = connection.prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = 'call_session'")?;
    select.exists([])
}

/// Made at the end of the first load and not with the table: sorting once is cheaper than inserting 50,000 times in
/// random order (15 ms of 400 on a gigabyte of transcripts).
fn make_indexes(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("CREATE INDEX IF NOT EXISTS call_at ON call (at_ms)")?.execute([])?;
    connection
        .prepare_cached("CREATE INDEX IF NOT EXISTS call_session ON call (session_id, at_ms)")?
        .execute([])?;
    Ok(())
}
