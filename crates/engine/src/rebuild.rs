//! A new ledger in the place of a damaged one: from transcripts, the journal, and what can still be read.
//!
//! In this order, and what comes later adds only what is missing: transcripts are the truth as far as they go, records
//! of the journal are checked one by one, rows of a damaged file are only plausible.

use std::path::PathBuf;

use cco_ledger::Ledger;
use cco_ledger::damage::Repair;
use cco_ledger::keep::{Due, KeepError};
use cco_ledger::replay::{ReplayError, Replayed};

use crate::scan::Progress;
use crate::{Engine, EngineError, LedgerPlace};

/// Claude Code deletes transcripts that were not written to for 30 days.
const JOURNAL_AFTER_DAYS: i64 = 20;
const DAY_NS: i64 = 86_400 * 1_000_000_000;

/// A ledger was damaged, and is a new one now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// Where the damaged one is.
    pub set_aside: PathBuf,
    /// Calls that transcripts told again.
    pub from_transcripts: u64,
    /// Calls that only the journal told.
    pub from_journal: u64,
    /// Calls that could only be read from the damaged ledger.
    pub from_damaged: u64,
    /// Damaged stretches of the journal.
    pub journal_damaged: u64,
}

impl Engine {
    /// Looks whether the ledger is damaged; if it is, sets it aside and makes a new one. True: it did. Not: the ledger
    /// is whole, or another process was faster; it is opened anew either way.
    pub fn rebuild(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<bool, EngineError> {
        self.ledger.abandon()?;
        self.ledger = Ledger::open(&LedgerPlace::Memory, &self.ledger_zone)?;
        self.has_rebuilt = true;
        let repair = Repair::begin(&self.place)?;
        let rebuilt = match repair {
            None => None,
            Some(repair) => Some(self.repair(repair, progress)?),
        };
        self.ledger = Ledger::open(&self.place, &self.ledger_zone)?;
        let did = rebuilt.is_some();
        self.rebuilt = rebuilt.or(self.rebuilt.take());
        Ok(did)
    }

    /// What became of a damaged ledger; told once.
    pub fn take_rebuilt(&mut self) -> Option<Rebuilt> {
        self.rebuilt.take()
    }

    fn repair(&mut self, repair: Repair, progress: &mut dyn FnMut(Progress)) -> Result<Rebuilt, EngineError> {
        self.ledger = repair.new_ledger(&self.ledger_zone, &self.prices)?;
        self.is_rebuilding = true;
        let taken_in = self.take_in(progress);
        self.is_rebuilding = false;
        let from_transcripts = taken_in?.calls_new;
        let replayed = match repair.from_journal(&mut self.ledger, &self.prices) {
            Ok(replayed) => replayed,
            Err(ReplayError::Ledger(error)) => return Err(error.into()),
            // It is read when the new ledger is opened the next time.
            Err(ReplayError::Io { .. }) => Replayed::default(),
        };
        let from_damaged = repair.from_damaged(&mut self.ledger, &self.prices)?;
        let memory = Ledger::open(&LedgerPlace::Memory, &self.ledger_zone)?;
        let ledger = std::mem::replace(&mut self.ledger, memory);
        let set_aside = repair.finish(ledger, self.now)?;
        let Replayed { calls: from_journal, damaged: journal_damaged } = replayed;
        Ok(Rebuilt { set_aside, from_transcripts, from_journal, from_damaged, journal_damaged })
    }

    /// Writes to the journal what transcripts may not give again; says what is wrong when it cannot.
    pub(crate) fn keep(&mut self) -> Result<(), KeepError> {
        let now = i64::try_from(self.now.as_nanosecond()).unwrap_or(i64::MAX);
        let days_ago = |days: i64| now.saturating_sub(days * DAY_NS);
        let due = Due {
            before_ns: days_ago(JOURNAL_AFTER_DAYS),
            with_ns: days_ago(JOURNAL_AFTER_DAYS - 1),
            made_before_ns: days_ago(1),
        };
        self.ledger.keep(due).map(|_| ())
    }
}
