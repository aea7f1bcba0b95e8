//! Where everything comes from: roots and their transcripts, the ledger, prices, the service.

use std::path::PathBuf;

use cco_ledger::query::Sizes;
use cco_model::civil;
use jiff::Timestamp;

use super::Mark;
use crate::{Engine, EngineError, LedgerPlace};

/// What is known of the places that calls come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// Each root, in the engine's order.
    pub roots: Vec<SourceRoot>,
    /// Transcripts that lie in none of them any more.
    pub elsewhere: SourceRoot,
    /// The ledger.
    pub ledger: SourceLedger,
    /// The price list of this engine.
    pub price_list: String,
    /// When the service last answered a question for limits.
    pub last_success: Option<Timestamp>,
    /// When it last did not.
    pub last_failure: Option<Timestamp>,
}

/// The transcripts of a root, as far as the ledger knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceRoot {
    /// The root.
    pub path: PathBuf,
    /// It is a folder, now.
    pub usable: bool,
    /// Transcripts that are there.
    pub transcripts: u64,
    /// Transcripts that are gone; their calls stay.
    pub gone: u64,
    /// Bytes of those that are there, when each was last read.
    pub bytes: u64,
    /// When one of them was last written to.
    pub last_event: Option<Timestamp>,
    /// Damaged lines, of those that are gone too.
    pub damaged_lines: u64,
    /// Rows that do not count: without a time, or with impossible counts.
    pub skipped_rows: u64,
}

/// The ledger's own facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceLedger {
    /// Its file; none: it is in memory.
    pub path: Option<PathBuf>,
    /// Bytes of its files.
    pub sizes: Sizes,
    /// Calls in it.
    pub calls: u64,
    /// Its state.
    pub mark: Mark,
    /// In which its days begin: those of its roll-ups, which no report has to follow.
    pub zone: String,
}

impl Engine {
    /// Where everything comes from. Every transcript that is known is looked at in the ledger, none on the disk.
    pub fn sources(&self) -> Result<Sources, EngineError> {
        let _snapshot = self.ledger.snapshot()?;
        let root = |path: &PathBuf| SourceRoot {
            path: path.clone(),
            usable: path.is_dir(),
            ..SourceRoot::default()
        };
        let mut roots: Vec<SourceRoot> = self.roots.iter().map(root).collect();
        let mut elsewhere = SourceRoot::default();
        for facts in self.ledger.transcript_facts()? {
            let root =
                roots.iter_mut().find(|root| facts.path.starts_with(&root.path)).unwrap_or(&mut elsewhere);
            root.damaged_lines += facts.damaged_lines;
            root.skipped_rows += facts.skipped_rows;
            root.last_event =
                root.last_event.max(Some(civil::timestamp(facts.written_ns.div_euclid(1_000_000))));
            if facts.gone {
                root.gone += 1;
            } else {
                root.transcripts += 1;
                root.bytes += facts.bytes;
            }
        }
        let asked = self.ledger.last_asked()?;
        Ok(Sources {
            roots,
            elsewhere,
            ledger: self.source_ledger()?,
            price_list: self.prices.id().to_owned(),
            last_success: asked.success_ms.map(civil::timestamp),
            last_failure: asked.failure_ms.map(civil::timestamp),
        })
    }

    fn source_ledger(&self) -> Result<SourceLedger, EngineError> {
        let path = match &self.place {
            LedgerPlace::File(path) => Some(path.clone()),
            LedgerPlace::Memory => None,
        };
        let sizes = path.as_deref().map(Sizes::of).unwrap_or_default();
        let zone = self.ledger.zone().iana_name().unwrap_or("UTC").to_owned();
        Ok(SourceLedger { path, sizes, calls: self.ledger.extent()?.0, mark: self.ledger.mark()?, zone })
    }
}
