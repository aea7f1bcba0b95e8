//! Calls that come back: from the journal, or from what could be read of a damaged ledger.

use rusqlite::{OptionalExtension, params};

use super::Writer;
use super::calls::priced_alike;
use super::tools::NewToolUse;
use crate::journal::block::{Block, KeptCall, Source};
use crate::limits::{self, Observed};
use crate::names;
use crate::stored::{Ids, StoredCall};
use crate::{LedgerError, keep};

/// What comes back, and how far it is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Returning {
    /// From the journal, to the ledger that it belongs to: like one more transcript.
    Journal,
    /// From the journal, to a ledger made anew: prices that were given once stay.
    JournalToNew,
    /// From a damaged ledger: only what nothing else told, and prices that were given once.
    Salvage,
}

impl Writer<'_> {
    /// Takes a block in; returns how many calls were not there.
    pub(crate) fn restore(&mut self, block: &Block, returning: Returning) -> Result<u64, LedgerError> {
        let (transcript, made) = self.returned_transcript(&block.transcript)?;
        let before = self.changes.calls_new;
        for kept in &block.calls {
            self.returned_call(block, kept, transcript, returning)?;
        }
        self.returned_beside(block, transcript, returning)?;
        if made && returning != Returning::Salvage {
            let mut update = self
                .transaction
                .prepare_cached("UPDATE transcript SET journalled = ?2, unjournalled = 0 WHERE id = ?1")?;
            update.execute([transcript, self.seq])?;
        }
        Ok(self.changes.calls_new - before)
    }

    /// Takes in what was observed of accounts and limits once.
    pub(crate) fn restore_observed(&mut self, observed: &Observed) -> Result<(), LedgerError> {
        limits::restore(&self.transaction, observed, &mut self.seq)
    }

    /// Takes in what a damaged ledger still says of accounts and limits, and nothing else tells. That is in no journal.
    pub(crate) fn fill_in_observed(&mut self, salvaged: &Observed) -> Result<(), LedgerError> {
        if limits::returned::fill_in(&self.transaction, salvaged, &mut self.seq)? {
            keep::set_unjournalled(&self.transaction, true)?;
        }
        Ok(())
    }

    /// A transcript that was known once.
    pub(crate) fn known_once(&mut self, source: &Source) -> Result<(), LedgerError> {
        self.returned_transcript(source).map(|_| ())
    }

    /// The project that a working directory belonged to once.
    pub(crate) fn placed_once(&mut self, cwd: &str, project: &str) -> Result<(), LedgerError> {
        Ok(super::ids::project_id(&self.transaction, self.names, cwd, Some(project)).map(|_| ())?)
    }

    /// All of the journal up to this size has come back.
    pub(crate) fn journal_is_known(&mut self, size: u64) -> Result<(), LedgerError> {
        Ok(keep::set_mark(&self.transaction, size)?)
    }

    /// The row of a transcript, made as one that is gone when nothing is known of it; the walk finds it if it is there.
    /// True: nothing of it was ever read into this ledger.
    fn returned_transcript(&mut self, source: &Source) -> Result<(i64, bool), LedgerError> {
        let mut select =
            self.transaction.prepare_cached("SELECT id, gone, size FROM transcript WHERE path = ?1")?;
        let known: Option<(i64, bool, i64)> =
            select.query_row([&source.path], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
        if let Some((id, gone, size)) = known {
            return Ok((id, gone && size == 0));
        }
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO transcript (path, device, inode, born_ns, size, mtime_ns, \"offset\", fingerprint, gone,
                 unjournalled)
             VALUES (?1, ?2, ?3, ?4, 0, 0, 0, 0, 1, 1)",
        )?;
        let Source { path, device, inode, born_ns } = source;
        let id = insert.insert(params![path, device.cast_signed(), inode.cast_signed(), born_ns])?;
        Ok((id, true))
    }

    fn returned_call(
        &mut self,
        block: &Block,
        kept: &KeptCall,
        transcript: i64,
        returning: Returning,
    ) -> Result<(), LedgerError> {
        let call = self.with_ids(block, kept, transcript)?;
        let (row, known, place) = match self.keys.row_of(&self.transaction, &kept.key)? {
            Some(id) if returning == Returning::Salvage => return self.keep_price(id, &call),
            Some(id) => {
                let place = self.known_call(id, call.clone(), None)?;
                if returning != Returning::Journal {
                    self.keep_price(id, &call)?;
                }
                (id, true, place)
            }
            None => match self.new_call(kept.key, &call)? {
                Some(id) => (id, false, self.tool_place(&call)),
                None => return Ok(()),
            },
        };
        for used in &kept.tools {
            let name = block.name(used.name);
            let tool = names::id(&self.transaction, &mut self.names.tool, names::TOOL, name)?;
            self.tool_uses.add(NewToolUse { id: used.id, call: row, tool, place, known_call: known });
            if used.failed {
                self.tool_uses.add_failure(used.id);
            }
        }
        Ok(())
    }

    /// A call that was priced by an older list keeps that price: a newer one changes history only when asked to.
    fn keep_price(&mut self, id: i64, returned: &StoredCall) -> Result<(), LedgerError> {
        let old = crate::stored::get(&self.transaction, id)?;
        if returned.price.is_none() || returned.price_list == old.price_list || !priced_alike(returned, &old)
        {
            return Ok(());
        }
        let new = StoredCall { price: returned.price, price_list: returned.price_list, ..old.clone() };
        if self.weighs_in(old.weight(), &new) { self.replace(id, &old, &new) } else { Ok(()) }
    }

    fn with_ids(
        &mut self,
        block: &Block,
        kept: &KeptCall,
        transcript: i64,
    ) -> Result<StoredCall, LedgerError> {
        let (connection, caches) = (&self.transaction, &mut *self.names);
        let numbers = &kept.call.ids;
        let mut call = kept.call.clone();
        call.ids = Ids {
            session: names::id(connection, &mut caches.session, names::SESSION, block.name(numbers.session))?,
            project: names::id(connection, &mut caches.project, names::PROJECT, block.name(numbers.project))?,
            branch: names::id(connection, &mut caches.branch, names::BRANCH, block.name(numbers.branch))?,
            model: names::id(connection, &mut caches.model, names::MODEL, block.name(numbers.model))?,
            attribution: names::attribution_id(
                connection,
                &mut caches.attribution,
                kept.attribution.map(|part| block.name(part)),
            )?,
            account: names::id(connection, &mut caches.account, names::ACCOUNT, block.name(numbers.account))?,
            transcript,
        };
        let list = block.name(kept.call.price_list);
        call.price_list = names::id(connection, &mut caches.price_list, names::PRICE_LIST, list)?;
        Ok(call)
    }

    /// Claude Code's own costs, and pull requests.
    fn returned_beside(
        &mut self,
        block: &Block,
        transcript: i64,
        returning: Returning,
    ) -> Result<(), LedgerError> {
        for state in &block.cost_states {
            let name = block.name(state.session);
            let session = names::id(&self.transaction, &mut self.names.session, names::SESSION, name)?;
            let mut upsert = self.transaction.prepare_cached(
                "INSERT INTO cost_state VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (session_id) DO UPDATE SET cost_nanos = excluded.cost_nanos, at_ms = excluded.at_ms,
                     transcript_id = excluded.transcript_id, \"offset\" = excluded.\"offset\"
                 WHERE ?6 AND ((excluded.at_ms, excluded.cost_nanos) > (at_ms, cost_nanos)
                     OR (excluded.transcript_id = transcript_id AND excluded.\"offset\" > \"offset\"))",
            )?;
            let believed = returning != Returning::Salvage;
            let offset = state.offset.cast_signed();
            upsert.execute(params![session, state.cost_nanos, state.at_ms, transcript, offset, believed])?;
        }
        for pull in &block.pull_requests {
            let name = block.name(pull.session);
            let session = names::id(&self.transaction, &mut self.names.session, names::SESSION, name)?;
            let mut insert = self
                .transaction
                .prepare_cached("INSERT OR IGNORE INTO pull_request VALUES (?1, ?2, ?3, ?4, ?5)")?;
            let (url, repository) = (block.name(pull.url), block.name(pull.repository));
            insert.execute(params![session, url, pull.number, repository, transcript])?;
        }
        Ok(())
    }
}
