//! The one writer: calls, tools, file positions, roll-ups and the sequence, in one transaction.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use cco_model::batch::{Batch, CallRow, KeyMap, NameId};
use cco_model::call::{CallKey, Origin};
use cco_model::civil;
use cco_model::file::FileState;
use cco_model::plant::{Bug, planted};
use cco_model::price::{PriceList, PricedModel};
use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use crate::names::{self, NameCaches};
use crate::rollup::{self, Deltas, Load};
use crate::stored::{self, Ids, Price, StoredCall};
use crate::{Ledger, LedgerError};

#[cfg(test)]
mod tests;

/// A transcript's row in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TranscriptId(i64);

/// A transcript as the ledger remembers it.
#[derive(Clone, Debug)]
pub struct KnownTranscript {
    /// Its row.
    pub id: TranscriptId,
    /// Where it was last seen.
    pub path: PathBuf,
    /// What it was like, and how far it was read.
    pub state: FileState,
    /// It was not there at the last look.
    pub gone: bool,
}

/// Says which project a working directory belongs to.
pub trait Projects {
    /// The project's path. Asked once for each working directory, ever; empty: none.
    fn project_of(&mut self, cwd: &str) -> String;
}

/// A line or row that could not be taken as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftError {
    /// Where its line starts.
    pub offset: u64,
    /// 1 damaged, 2 without a time, 3 odd count.
    pub kind: u8,
    /// Of a damaged line: whole records recovered.
    pub detail: u64,
}

/// A stretch of a transcript and what it held.
pub struct Intake<'b> {
    /// Where the transcript stands when the stretch was read: the ledger's offset must be this.
    pub expected_offset: u64,
    /// The transcript was read from its start: what was said of its lines before no longer holds.
    pub from_start: bool,
    /// What the transcript is like now, with the new offset and fingerprint.
    pub state: FileState,
    /// The records.
    pub batch: &'b Batch,
    /// Damaged lines and odd rows among them.
    pub soft_errors: &'b [SoftError],
    /// Damaged lines, all of them.
    pub damaged_lines: u64,
    /// Whole records recovered from damaged lines.
    pub recovered_records: u64,
}

/// What became of an intake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is in the transaction.
    Yes,
    /// Another process read the transcript meanwhile; nothing was changed.
    Overtaken,
}

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
    deltas: Deltas,
    load: &'a mut Load,
    zone: &'a TimeZone,
    /// Tool uses that are not written yet: id, call, tool.
    tool_uses: Vec<(i64, i64, i64)>,
    /// Ids of failed tool uses that are not written yet.
    tool_failures: Vec<i64>,
    prices: &'a PriceList,
    price_list: i64,
    projects: &'a mut dyn Projects,
    models: HashMap<i64, Option<&'a PricedModel>>,
    seq: i64,
    changes: Changes,
}

impl Ledger {
    /// Every transcript the ledger knows.
    pub fn transcripts(&self) -> Result<Vec<KnownTranscript>, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT id, path, gone, device, inode, born_ns, size, mtime_ns, \"offset\", fingerprint FROM transcript",
        )?;
        let rows = select.query_map([], |row| {
            Ok(KnownTranscript {
                id: TranscriptId(row.get(0)?),
                path: path_of(row.get(1)?),
                gone: row.get(2)?,
                state: state_of(row, 3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Begins a transaction that holds the write lock from its first moment.
    pub fn writer<'a>(
        &'a mut self,
        prices: &'a PriceList,
        projects: &'a mut dyn Projects,
    ) -> Result<Writer<'a>, LedgerError> {
        let behavior = if planted(Bug::DeferredTransaction) {
            TransactionBehavior::Deferred
        } else {
            TransactionBehavior::Immediate
        };
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        let seq: i64 = transaction
            .prepare_cached("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'seq'")?
            .query_row([], |row| row.get(0))?;
        let deltas = Deltas::new(self.zone.clone());
        let price_list = names::id(&transaction, &mut self.names.price_list, names::PRICE_LIST, prices.id())?;
        Ok(Writer {
            transaction,
            names: &mut self.names,
            deltas,
            load: &mut self.load,
            zone: &self.zone,
            tool_uses: Vec::new(),
            tool_failures: Vec::new(),
            prices,
            price_list,
            projects,
            models: HashMap::new(),
            seq,
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

    /// No call was priced by this list yet.
    pub fn is_new_list(&self, prices: &PriceList) -> Result<bool, LedgerError> {
        let mut select = self.connection.prepare_cached("SELECT 1 FROM price_list WHERE name = ?1")?;
        Ok(!select.exists([prices.id()])?)
    }

    /// Forgets the names that a failed transaction may have numbered.
    pub fn forget_uncommitted(&mut self) {
        self.names = NameCaches::default();
        self.load = Load::default();
    }
}

impl Writer<'_> {
    /// The row of a transcript, made when it is new; `state` is what a look at it said.
    pub fn transcript(&mut self, path: &Path, state: &FileState) -> Result<TranscriptId, LedgerError> {
        let path = path.as_os_str().as_encoded_bytes();
        let mut select = self.transaction.prepare_cached("SELECT id FROM transcript WHERE path = ?1")?;
        if let Some(id) = select.query_row([path], |row| row.get(0)).optional()? {
            return Ok(TranscriptId(id));
        }
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO transcript (path, device, inode, born_ns, size, mtime_ns, \"offset\", fingerprint)
             VALUES (?1, ?2, ?3, ?4, 0, 0, 0, 0)",
        )?;
        let FileState { device, inode, born_ns, .. } = state;
        let id = insert.insert(params![path, device.cast_signed(), inode.cast_signed(), born_ns])?;
        Ok(TranscriptId(id))
    }

    /// A transcript has another name now. The row that had that name, if any, is of a file that is no more.
    pub fn move_transcript(&mut self, id: TranscriptId, path: &Path) -> Result<(), LedgerError> {
        let path = path.as_os_str().as_encoded_bytes();
        let mut free = self.transaction.prepare_cached(
            "UPDATE transcript SET path = path || CAST('#' || id AS BLOB), gone = 1 WHERE path = ?1 AND id <> ?2",
        )?;
        free.execute(params![path, id.0])?;
        let mut update =
            self.transaction.prepare_cached("UPDATE transcript SET path = ?1, gone = 0 WHERE id = ?2")?;
        update.execute(params![path, id.0])?;
        Ok(())
    }

    /// A transcript is gone, or is there again.
    pub fn set_gone(&mut self, id: TranscriptId, gone: bool) -> Result<(), LedgerError> {
        let mut update = self.transaction.prepare_cached("UPDATE transcript SET gone = ?1 WHERE id = ?2")?;
        update.execute(params![gone, id.0])?;
        Ok(())
    }

    /// Takes a stretch in, if the transcript still stands where the stretch begins.
    pub fn take(&mut self, id: TranscriptId, intake: &Intake<'_>) -> Result<Taken, LedgerError> {
        if !self.move_offset(id, intake)? {
            return Ok(Taken::Overtaken);
        }
        if planted(Bug::SplitOffsetTransaction) {
            self.transaction.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
        }
        let batch = intake.batch;
        let mut ids = BatchIds::new(batch.names.len());
        let mut call_ids = KeyMap::default();
        for call in &batch.calls {
            let row_id = self.call(id, batch, call, &mut ids)?;
            call_ids.insert(call.key, row_id);
        }
        self.tools(batch, &call_ids)?;
        self.beside(id, batch)?;
        Ok(Taken::Yes)
    }

    /// Prices the calls that had no price, where this list has one for them. What had a price keeps it.
    pub fn price_unpriced(&mut self) -> Result<(), LedgerError> {
        let keys: Vec<CallKey> = {
            let mut select = self.transaction.prepare("SELECT key FROM call WHERE flags & 32 = 0")?;
            let keys = select.query_map([], |row| row.get(0))?;
            keys.collect::<Result<_, _>>()?
        };
        for key in keys {
            let Some((_, old)) = stored::find(&self.transaction, &key)? else { continue };
            let mut new = old.clone();
            let model = self.model_name(new.ids.model)?;
            self.price(&mut new, &model);
            if new.price.is_some() {
                self.replace(&key, &old, &new)?;
            }
        }
        Ok(())
    }

    /// Puts a call in the place of what it was, in the roll-ups too.
    fn replace(&mut self, key: &CallKey, old: &StoredCall, new: &StoredCall) -> Result<(), LedgerError> {
        if !planted(Bug::RollupsWithoutOldValue) {
            self.deltas.remove(old);
        }
        self.deltas.add(new);
        self.seq += 1;
        self.changes.calls_changed += 1;
        Ok(stored::update(&self.transaction, key, new, self.seq)?)
    }

    /// Writes the roll-ups and makes everything durable. `last`: the scan ends here.
    pub fn commit(mut self, last: bool) -> Result<Changes, LedgerError> {
        self.flush_tools()?;
        let left = self.deltas.flush(&self.transaction)?;
        self.load.left.extend(left);
        self.load.calls_new += self.changes.calls_new;
        if last || has_indexes(&self.transaction)? {
            self.settle_ends()?;
        }
        let mut update =
            self.transaction.prepare_cached("UPDATE meta SET value = CAST(?1 AS TEXT) WHERE key = 'seq'")?;
        update.execute([self.seq])?;
        drop(update);
        self.transaction.commit()?;
        Ok(self.changes)
    }

    /// Looks up what is first and last in the roll-up rows that a call left. A first load that ends here gets its
    /// indexes now; if others had a part in it, what they left open is unknown and all rows are looked at.
    fn settle_ends(&mut self) -> Result<(), LedgerError> {
        let mut left = std::mem::take(&mut self.load.left);
        if !has_indexes(&self.transaction)? {
            make_indexes(&self.transaction)?;
            let calls: i64 = self.transaction.query_row("SELECT count(*) FROM call", [], |row| row.get(0))?;
            if calls.cast_unsigned() != self.load.calls_new {
                left = rollup::all_keys(&self.transaction)?;
            }
        }
        for key in &left {
            rollup::look_up_ends(&self.transaction, self.zone, key)?;
        }
        Ok(())
    }

    /// Compares the offset and sets it, with all that is known of the file; false when it is another by now.
    fn move_offset(&mut self, id: TranscriptId, intake: &Intake<'_>) -> Result<bool, LedgerError> {
        let state = &intake.state;
        let mut update = self.transaction.prepare_cached(
            "UPDATE transcript SET device = ?3, inode = ?4, born_ns = min(born_ns, ?5), size = ?6, mtime_ns = ?7,
                 \"offset\" = ?8, fingerprint = ?9, gone = 0,
                 damaged_lines = ?10 + CASE WHEN ?12 THEN 0 ELSE damaged_lines END,
                 recovered_records = ?11 + CASE WHEN ?12 THEN 0 ELSE recovered_records END
             WHERE id = ?1 AND \"offset\" = ?2",
        )?;
        let moved = update.execute(params![
            id.0,
            intake.expected_offset.cast_signed(),
            state.device.cast_signed(),
            state.inode.cast_signed(),
            state.born_ns,
            state.size.cast_signed(),
            state.mtime_ns,
            state.offset.cast_signed(),
            state.fingerprint,
            intake.damaged_lines.cast_signed(),
            intake.recovered_records.cast_signed(),
            intake.from_start,
        ])?;
        if moved == 0 {
            return Ok(false);
        }
        if intake.from_start {
            let mut forget =
                self.transaction.prepare_cached("DELETE FROM soft_error WHERE transcript_id = ?1")?;
            forget.execute([id.0])?;
        }
        for soft in intake.soft_errors {
            let mut insert = self
                .transaction
                .prepare_cached("INSERT OR REPLACE INTO soft_error VALUES (?1, ?2, ?3, ?4)")?;
            let (offset, detail) = (soft.offset.cast_signed(), soft.detail.cast_signed());
            insert.execute(params![id.0, offset, soft.kind, detail])?;
        }
        Ok(true)
    }

    /// Takes a call in; returns its row.
    fn call(
        &mut self,
        transcript: TranscriptId,
        batch: &Batch,
        row: &CallRow,
        ids: &mut BatchIds,
    ) -> Result<i64, LedgerError> {
        let belongs = self.ids(transcript, batch, row, ids)?;
        let text = |name: Option<NameId>| name.map_or("", |name| batch.names.get(name));
        let mut new = stored::unpriced(row, belongs, text(row.request), text(row.effort));
        self.price(&mut new, batch.names.get(row.model));
        let mut key = row.key;
        if planted(Bug::NoDedupAcrossFiles) {
            key[0] ^= transcript.0.to_le_bytes()[0];
        }
        if let Some(id) = stored::insert(&self.transaction, &key, &new, self.seq + 1)? {
            self.seq += 1;
            self.changes.calls_new += 1;
            self.deltas.add(&new);
            return Ok(id);
        }
        self.known_call(&key, new)
    }

    /// Another row of a call that is in the ledger: the better one wins, the earliest time stays.
    fn known_call(&mut self, key: &CallKey, mut new: StoredCall) -> Result<i64, LedgerError> {
        let Some((id, old)) = stored::find(&self.transaction, key)? else {
            return Err(rusqlite::Error::QueryReturnedNoRows.into());
        };
        let at_ms = new.at_ms.min(old.at_ms);
        let wins = match new.standing().cmp(&old.standing()) {
            std::cmp::Ordering::Equal => self.comes_first(&new, &old)?,
            order => order.is_gt(),
        } && !planted(Bug::FirstRowWins);
        if !wins && at_ms == old.at_ms {
            return Ok(id);
        }
        if !wins {
            new = old.clone();
        }
        new.at_ms = at_ms;
        if priced_alike(&new, &old) {
            (new.price, new.price_list) = (old.price, old.price_list);
        } else {
            let model = self.model_name(new.ids.model)?;
            self.price(&mut new, &model);
        }
        self.replace(key, &old, &new)?;
        Ok(id)
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

    fn price(&mut self, call: &mut StoredCall, model: &str) {
        let prices = self.prices;
        let priced = *self.models.entry(call.ids.model).or_insert_with(|| prices.find(model));
        let day = civil::utc_day(call.at_ms);
        let cost = priced.and_then(|priced| priced.cost(&call.usage, day, prices.web_search()));
        call.price = cost.map(|cost| Price { cost_nanos: cost.total().0, savings_nanos: cost.savings.0 });
        call.price_list = self.price_list;
    }

    fn model_name(&self, id: i64) -> Result<String, LedgerError> {
        let mut select = self.transaction.prepare_cached("SELECT name FROM model WHERE id = ?1")?;
        Ok(select.query_row([id], |row| row.get(0)).optional()?.unwrap_or_default())
    }

    fn ids(
        &mut self,
        transcript: TranscriptId,
        batch: &Batch,
        row: &CallRow,
        ids: &mut BatchIds,
    ) -> Result<Ids, LedgerError> {
        let (transaction, caches) = (&self.transaction, &mut *self.names);
        let text = |name: NameId| batch.names.get(name);
        let session = ids.sessions.get(row.session, |name| {
            names::id(transaction, &mut caches.session, names::SESSION, text(name))
        })?;
        let branch = ids
            .branches
            .get(row.branch, |name| names::id(transaction, &mut caches.branch, names::BRANCH, text(name)))?;
        let model = ids.models.get(Some(row.model), |name| {
            names::id(transaction, &mut caches.model, names::MODEL, text(name))
        })?;
        let projects = &mut *self.projects;
        let project =
            ids.projects.get(row.cwd, |name| project_id(transaction, caches, projects, text(name)))?;
        let a = row.attribution;
        let attribution = match ids.attributions.get(&a) {
            Some(id) => *id,
            None => {
                let parts = [a.agent, a.skill, a.plugin, a.mcp_server];
                let parts = parts.map(|name| name.map_or("", text));
                let id = names::attribution_id(transaction, &mut caches.attribution, parts)?;
                ids.attributions.insert(a, id);
                id
            }
        };
        let transcript = transcript.0;
        Ok(Ids { session, project, branch, model, attribution, account: 0, transcript })
    }

    fn tools(&mut self, batch: &Batch, calls: &KeyMap<CallKey, i64>) -> Result<(), LedgerError> {
        for used in &batch.tool_uses {
            let name = batch.names.get(used.name);
            let tool = names::id(&self.transaction, &mut self.names.tool, names::TOOL, name)?;
            let call = used.call.and_then(|key| calls.get(&key)).copied().unwrap_or(0);
            self.tool_uses.push((used.id, call, tool));
        }
        self.tool_failures.extend(&batch.tool_failures);
        Ok(())
    }

    /// Tool uses have hashes for ids: in order of them the rows go to the end of a fresh table.
    fn flush_tools(&mut self) -> Result<(), LedgerError> {
        self.tool_uses.sort_unstable_by_key(|(id, ..)| *id);
        let mut upsert = self.transaction.prepare_cached(
            "INSERT INTO tool_use (id, call_id, tool_id, failed) VALUES (?1, ?2, ?3, 0)
             ON CONFLICT (id) DO UPDATE SET
                 call_id = CASE WHEN call_id = 0 THEN excluded.call_id ELSE call_id END, tool_id = excluded.tool_id
             WHERE tool_id <> excluded.tool_id OR (call_id = 0 AND excluded.call_id <> 0)",
        )?;
        for (id, call, tool) in self.tool_uses.drain(..) {
            upsert.execute([id, call, tool])?;
        }
        let mut upsert = self.transaction.prepare_cached(
            "INSERT INTO tool_use (id, call_id, tool_id, failed) VALUES (?1, 0, 0, 1)
             ON CONFLICT (id) DO UPDATE SET failed = 1 WHERE failed = 0",
        )?;
        for id in self.tool_failures.drain(..) {
            upsert.execute([id])?;
        }
        Ok(())
    }

    /// What stands beside the calls: Claude Code's own costs, and pull requests.
    fn beside(&mut self, transcript: TranscriptId, batch: &Batch) -> Result<(), LedgerError> {
        for state in &batch.cost_states {
            let name = batch.names.get(state.session);
            let session = names::id(&self.transaction, &mut self.names.session, names::SESSION, name)?;
            let mut upsert = self.transaction.prepare_cached(
                "INSERT INTO cost_state VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (session_id) DO UPDATE SET cost_nanos = excluded.cost_nanos, at_ms = excluded.at_ms,
                     transcript_id = excluded.transcript_id, \"offset\" = excluded.\"offset\"
                 WHERE (excluded.at_ms, excluded.cost_nanos) > (at_ms, cost_nanos)
                     OR (excluded.transcript_id = transcript_id AND excluded.\"offset\" > \"offset\")",
            )?;
            let (at_ms, offset) = (state.at_ms.unwrap_or(0), state.offset.cast_signed());
            upsert.execute(params![session, state.cost.0, at_ms, transcript.0, offset])?;
        }
        for pull in &batch.pull_requests {
            let name = batch.names.get(pull.session);
            let session = names::id(&self.transaction, &mut self.names.session, names::SESSION, name)?;
            let mut insert = self
                .transaction
                .prepare_cached("INSERT OR REPLACE INTO pull_request VALUES (?1, ?2, ?3, ?4)")?;
            let repository = pull.repository.map_or("", |name| batch.names.get(name));
            let number = pull.number.unwrap_or(0).cast_signed();
            insert.execute(params![session, batch.names.get(pull.url), number, repository])?;
        }
        Ok(())
    }
}

/// Nothing that a price depends on differs: a newer list changes history only when it is asked to.
fn priced_alike(new: &StoredCall, old: &StoredCall) -> bool {
    new.ids.model == old.ids.model
        && new.usage == old.usage
        && civil::utc_day(new.at_ms) == civil::utc_day(old.at_ms)
}

/// Ids of a batch's names, looked up once each.
struct BatchIds {
    sessions: IdColumn,
    branches: IdColumn,
    models: IdColumn,
    projects: IdColumn,
    attributions: HashMap<cco_model::batch::Attribution, i64>,
}

/// Ids by a name's place in its batch.
struct IdColumn(HashMap<NameId, i64>);

impl BatchIds {
    fn new(names: usize) -> Self {
        let column = || IdColumn(HashMap::with_capacity(names.min(16)));
        Self {
            sessions: column(),
            branches: column(),
            models: column(),
            projects: column(),
            attributions: HashMap::new(),
        }
    }
}

impl IdColumn {
    fn get(
        &mut self,
        name: Option<NameId>,
        look_up: impl FnOnce(NameId) -> rusqlite::Result<i64>,
    ) -> rusqlite::Result<i64> {
        let Some(name) = name else { return Ok(0) };
        if let Some(id) = self.0.get(&name) {
            return Ok(*id);
        }
        let id = look_up(name)?;
        self.0.insert(name, id);
        Ok(id)
    }
}

/// The project of a working directory: remembered, or asked of the disk and remembered.
fn project_id(
    connection: &Connection,
    caches: &mut NameCaches,
    projects: &mut dyn Projects,
    cwd: &str,
) -> rusqlite::Result<i64> {
    if let Some(id) = caches.place.get(cwd) {
        return Ok(*id);
    }
    let mut select = connection.prepare_cached("SELECT project_id FROM place WHERE cwd = ?1")?;
    let known: Option<i64> = select.query_row([cwd], |row| row.get(0)).optional()?;
    let id = match known {
        Some(id) => id,
        None => {
            let path = projects.project_of(cwd);
            let id = names::id(connection, &mut caches.project, names::PROJECT, &path)?;
            connection.prepare_cached("INSERT INTO place VALUES (?1, ?2)")?.execute(params![cwd, id])?;
            id
        }
    };
    caches.place.insert(cwd.into(), id);
    Ok(id)
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

pub(crate) fn path_of(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

fn state_of(row: &Row<'_>, first: usize) -> rusqlite::Result<FileState> {
    let number = |column: usize| row.get::<_, i64>(first + column);
    Ok(FileState {
        device: number(0)?.cast_unsigned(),
        inode: number(1)?.cast_unsigned(),
        born_ns: number(2)?,
        size: number(3)?.cast_unsigned(),
        mtime_ns: number(4)?,
        offset: number(5)?.cast_unsigned(),
        fingerprint: number(6)?,
    })
}
