//! A stretch of a transcript on its way into the ledger: its calls and what stands beside them, what was odd in it, and the
//! offset that it moves the transcript to.

use std::collections::HashMap;

use cco_model::batch::{Batch, KeyMap, NameId};
use cco_model::file::FileState;
use cco_model::plant::{Bug, planted};
use rusqlite::params;

use super::ids::BatchIds;
use super::transcripts::TranscriptId;
use super::{MOST_DELTAS, Writer};
use crate::limits::HeldBy;
use crate::{LedgerError, names};

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
    /// Projects of its working directories, for those that the ledger does not know yet ([`crate::Ledger::places`]).
    pub projects: &'b HashMap<NameId, String>,
    /// Which accounts the transcript's config directory held ([`crate::Ledger::held_by`]).
    pub accounts: &'b HeldBy,
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

/// A line or row that could not be taken as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftError {
    /// Where its line starts.
    pub offset: u64,
    /// What is wrong.
    pub kind: SoftKind,
    /// Of a damaged line: whole records recovered.
    pub detail: u64,
}

/// What is wrong with a line or row; the numbers are those of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoftKind {
    /// The line is not one JSON value.
    Damaged = 1,
    /// A call without a time.
    Untimed = 2,
    /// A count that cannot be.
    OddCount = 3,
    /// A call too large to be added up with all others.
    TooLarge = 4,
}

impl SoftKind {
    /// The kind of this number; a number that nobody wrote is an odd count.
    pub(crate) fn of(number: i64) -> Self {
        match number {
            1 => Self::Damaged,
            2 => Self::Untimed,
            4 => Self::TooLarge,
            _ => Self::OddCount,
        }
    }
}

impl Writer<'_> {
    /// Takes a stretch in, if the transcript still stands where the stretch begins.
    pub fn take(&mut self, id: TranscriptId, intake: &Intake<'_>) -> Result<Taken, LedgerError> {
        if !self.move_offset(id, intake)? {
            return Ok(Taken::Overtaken);
        }
        if planted(Bug::SplitOffsetTransaction) {
            self.transaction.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
        }
        let batch = intake.batch;
        self.refused.clear();
        let mut ids = BatchIds::new(batch.names.len());
        let mut call_ids = KeyMap::default();
        for call in &batch.calls {
            if let Some(row) = self.call(id, intake, call, &mut ids)? {
                call_ids.insert(call.key, row);
            }
        }
        self.tools(batch, &call_ids)?;
        self.beside(id, batch)?;
        if self.deltas.len() >= MOST_DELTAS {
            self.flush_deltas()?;
        }
        Ok(Taken::Yes)
    }

    /// Compares the offset and sets it, with all that is known of the file; false when it is another by now.
    fn move_offset(&mut self, id: TranscriptId, intake: &Intake<'_>) -> Result<bool, LedgerError> {
        let state = &intake.state;
        let mut update = self.transaction.prepare_cached(
            "UPDATE transcript SET device = ?3, inode = ?4, born_ns = min(born_ns, ?5), size = ?6, mtime_ns = ?7,
                 \"offset\" = ?8, fingerprint = ?9, gone = 0, unjournalled = 1,
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
        self.unjournalled.insert(id.0);
        if intake.from_start {
            let mut forget =
                self.transaction.prepare_cached("DELETE FROM soft_error WHERE transcript_id = ?1")?;
            forget.execute([id.0])?;
        }
        for soft in intake.soft_errors {
            self.soft_error(id, *soft)?;
        }
        Ok(true)
    }

    pub(super) fn soft_error(&self, id: TranscriptId, soft: SoftError) -> Result<(), LedgerError> {
        let mut insert =
            self.transaction.prepare_cached("INSERT OR REPLACE INTO soft_error VALUES (?1, ?2, ?3, ?4)")?;
        let (offset, detail) = (soft.offset.cast_signed(), soft.detail.cast_signed());
        insert.execute(params![id.0, offset, soft.kind as i64, detail])?;
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
                .prepare_cached("INSERT OR REPLACE INTO pull_request VALUES (?1, ?2, ?3, ?4, ?5)")?;
            let repository = pull.repository.map_or("", |name| batch.names.get(name));
            let number = pull.number.unwrap_or(0).cast_signed();
            insert.execute(params![session, batch.names.get(pull.url), number, repository, transcript.0])?;
        }
        Ok(())
    }
}
