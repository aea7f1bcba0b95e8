//! What tests of the ledger share: calls without a transcript, and a way to take them in.

use std::collections::HashMap;
use std::path::Path;

use cco_ledger::limits::HeldBy;
use cco_ledger::write::{Intake, Taken};
use cco_ledger::{Ledger, LedgerError, OpenError, Place};
use cco_model::batch::{Attribution, Batch, CallRow};
use cco_model::call::{Standing, Usage};
use cco_model::file::FileState;
use cco_model::money::NanoUsd;
use cco_model::price::PriceList;
use cco_model::tokens::Tokens;
use jiff::tz::TimeZone;

pub(crate) fn no_prices() -> PriceList {
    PriceList::new("none".to_owned(), Vec::new(), NanoUsd(0))
}

pub(crate) fn open(path: &Path) -> Result<Ledger, OpenError> {
    Ledger::open(&Place::File(path.to_owned()), &TimeZone::UTC)
}

/// Calls of ten output tokens each, an hour apart, which name this one text wherever a call can name one.
pub(crate) fn batch(calls: std::ops::Range<u64>, name: &str) -> Batch {
    let mut batch = Batch::default();
    let named = batch.names.intern(name.as_bytes());
    let usage = Usage { tokens: Tokens { output: 10, ..Tokens::default() }, ..Usage::default() };
    for call in calls {
        let mut key = [7; 16];
        key[..8].copy_from_slice(&call.to_be_bytes());
        let attribution = Attribution {
            agent: Some(named),
            skill: Some(named),
            plugin: Some(named),
            mcp_server: Some(named),
        };
        batch.calls.push(CallRow {
            key,
            at_ms: 1_790_000_000_000 + call.cast_signed() * 3_600_000,
            standing: Standing::new(false, &usage),
            sidechain: false,
            usage,
            model: named,
            session: Some(named),
            cwd: Some(named),
            branch: Some(named),
            attribution,
            effort: Some(named),
            request: Some(named),
            offset: call,
            logged_cost: None,
        });
    }
    batch
}

/// Takes calls in that name this text, as a transcript's bytes of the same numbers, and commits.
pub(crate) fn take(
    ledger: &mut Ledger,
    calls: std::ops::Range<u64>,
    name: &str,
) -> Result<Taken, LedgerError> {
    let state = FileState {
        device: 1,
        inode: 1,
        born_ns: 1,
        size: calls.end,
        mtime_ns: 1,
        offset: calls.end,
        fingerprint: 0,
    };
    let (prices, batch) = (no_prices(), batch(calls.clone(), name));
    // Every folder is its own project.
    let cwds = batch.calls.iter().filter_map(|call| call.cwd);
    let projects: HashMap<_, _> = cwds.map(|cwd| (cwd, batch.names.get(cwd).to_owned())).collect();
    let mut writer = ledger.writer(&prices)?;
    let id = writer.transcript(Path::new("/t.jsonl"), &state)?;
    let intake = Intake {
        expected_offset: calls.start,
        from_start: calls.start == 0,
        state,
        batch: &batch,
        projects: &projects,
        accounts: &HeldBy::default(),
        soft_errors: &[],
        damaged_lines: 0,
        recovered_records: 0,
    };
    let taken = writer.take(id, &intake)?;
    writer.commit(true)?;
    Ok(taken)
}
