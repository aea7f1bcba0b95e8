//! What comes back from the journal.

use std::io;
use std::path::PathBuf;

use cco_model::price::PriceList;

use crate::journal::{self, block::Block, observed};
use crate::write::restore::Returning;
use crate::{Ledger, LedgerError, keep};

/// What came back from a journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Calls that the ledger did not have.
    pub calls: u64,
    /// Damaged stretches that were passed over.
    pub damaged: u64,
}

/// Why a journal was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file could not be read.
    #[error("{}: {error}", .path.display())]
    Io {
        /// The journal.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The ledger could not be written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Ledger {
    /// Brings back what the journal holds and the ledger does not know: after a kill nothing, but for a ledger that is
    /// older than its journal, since it was made anew, put back from a copy, or lost its log.
    pub fn catch_up(&mut self, prices: &PriceList) -> Result<Replayed, ReplayError> {
        let Some(journal) = &self.journal else { return Ok(Replayed::default()) };
        let (known, size) = (keep::mark(&self.connection).map_err(LedgerError::from)?, journal.size());
        if size <= known {
            return Ok(Replayed::default());
        }
        self.replay(&journal.clone(), known, prices, Returning::Journal)
    }

    /// Brings back which accounts directories held: what is read from transcripts next is told apart by it.
    pub(crate) fn remember_accounts(
        &mut self,
        journal: &journal::Journal,
        prices: &PriceList,
    ) -> Result<(), LedgerError> {
        let Ok(mut records) = journal.records(0) else { return Ok(()) };
        let mut writer = self.writer(prices)?;
        // What cannot be read is told when the calls come back.
        while let Ok(Some(record)) = records.next() {
            if let Some(observed) = observed::read(&record) {
                writer.restore_observed(&observed)?;
            }
        }
        writer.commit(false)?;
        Ok(())
    }

    /// Brings back what the journal holds from an offset on.
    pub(crate) fn replay(
        &mut self,
        journal: &journal::Journal,
        from: u64,
        prices: &PriceList,
        returning: Returning,
    ) -> Result<Replayed, ReplayError> {
        let io = |error| ReplayError::Io { path: journal.path().to_owned(), error };
        let mut records = match journal.records(from) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Replayed::default()),
            records => records.map_err(io)?,
        };
        let size = records.size();
        let result = (|| {
            let mut writer = self.writer(prices)?;
            let mut calls = 0;
            while let Some(record) = records.next().map_err(io)? {
                // Another kind is a later version's.
                if let Some(block) = Block::read(&record) {
                    calls += writer.restore(&block, returning)?;
                } else if let Some(observed) = observed::read(&record) {
                    writer.restore_observed(&observed)?;
                }
            }
            writer.journal_is_known(size)?;
            writer.commit(true)?;
            Ok(Replayed { calls, damaged: records.damaged })
        })();
        if result.is_err() {
            self.forget_uncommitted();
        }
        result
    }
}
