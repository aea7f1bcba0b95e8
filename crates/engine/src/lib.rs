//! The few verbs that every command needs: take transcripts into the ledger, and read reports out of it.
//!
//! Owns the way from transcripts to ledger (pricing, projects) and the shape of reports.
//! Must not: own a thread that outlives a call, print, know HTTP or arguments.

pub mod explain;
pub mod health;
pub mod limits;
pub mod price_list;
pub mod rebuild;
pub mod report;
pub mod reprice;
pub mod scan;
pub mod snapshot;
pub mod stats;

mod plan;
mod project;
mod queue;
mod spool;

use std::path::PathBuf;

use cco_ledger::replay::ReplayError;
use cco_ledger::{Ledger, LedgerError, OpenError, Trouble};
use cco_model::price::PriceList;
use cco_statusline::spool::Observation;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::limits::{Found, Places};

pub use cco_ledger::Place as LedgerPlace;
pub use cco_model::{block, call, money, price, reason, sums, tokens};

/// What an [`Engine`] is made of; everything that a test may want to set.
pub struct Setup {
    /// Where calls are kept.
    pub ledger: LedgerPlace,
    /// Config roots of Claude Code: folders that may hold `projects/`.
    pub roots: Vec<PathBuf>,
    /// The user's home folder; a repository rooted there does not count as a project.
    pub user_home: Option<PathBuf>,
    /// The zone of the day roll-ups, used when the ledger is made; an older ledger keeps its own.
    pub ledger_zone: TimeZone,
    /// What calls cost.
    pub prices: PriceList,
    /// Threads that read transcripts; none: as many as there are cores, at most four.
    pub threads: Option<usize>,
    /// The present: transcripts that are old by now are journalled.
    pub now: Timestamp,
    /// Where others keep what they know of accounts and limits.
    pub places: Places,
}

/// An open ledger with the means to fill it and to ask it.
pub struct Engine {
    ledger: Ledger,
    place: LedgerPlace,
    ledger_zone: TimeZone,
    roots: Vec<PathBuf>,
    user_home: Option<PathBuf>,
    prices: PriceList,
    threads: Option<usize>,
    now: Timestamp,
    places: Places,
    /// What the last look at accounts found.
    found: Option<Found>,
    /// How asking the service went the last time.
    tries: limits::Tries,
    /// What sessions told since the last snapshot.
    told: Vec<Observation>,
    /// The files that told it, and are read in full.
    taken: Vec<spool::TakenFile>,
    /// How repositories are, where somebody looked.
    repositories: Vec<cco_statusline::snapshot::Repository>,
    /// When all transcripts had last been read; none: they were not.
    counted_at: Option<Timestamp>,
    /// Whether the last scan could not keep what it read; none: there was none.
    disk_fails: Option<bool>,
    /// The ledger at hand is one that is being made, and may yet be given up.
    is_rebuilding: bool,
    /// Readings that a busy or full ledger did not take in.
    unkept: Vec<cco_model::limit::Reading>,
    rebuilt: Option<rebuild::Rebuilt>,
    /// This engine has rebuilt the ledger: it does so once.
    has_rebuilt: bool,
}

/// Why the engine could not be opened, filled or asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The ledger was not opened, and is untouched.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A statement failed; what was committed before is safe.
    #[error("ledger: {0}")]
    Ledger(#[from] LedgerError),
    /// The system gave no thread to read with; nothing was changed.
    #[error("no thread to read transcripts with: {0}")]
    Thread(std::io::Error),
}

impl EngineError {
    /// Another process held the ledger for longer than was waited; what is there can still be read, mostly.
    pub fn is_busy(&self) -> bool {
        self.trouble() == Some(Trouble::Busy)
    }

    /// The disk is full, or fails.
    pub fn is_of_disk(&self) -> bool {
        matches!(self.trouble(), Some(Trouble::Full | Trouble::Disk))
    }

    /// There is no room to write; what was committed before is safe.
    pub fn is_full(&self) -> bool {
        self.trouble() == Some(Trouble::Full)
    }

    fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Open(error) => error.trouble(),
            Self::Ledger(error) => error.trouble(),
            Self::Thread(_) => None,
        }
    }

    /// The ledger may be damaged: [`Engine::rebuild`] looks, and makes a new one if it is.
    pub fn is_suspect(&self) -> bool {
        match self {
            Self::Open(error) => error.is_suspect(),
            Self::Ledger(error) => error.is_suspect(),
            Self::Thread(_) => false,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Open(OpenError::UriPath(_)) => Some("write a plain path; options belong nowhere"),
            Self::Open(OpenError::Foreign(_)) => Some(
                "set `database_path` under `[stats]` in config.toml to another file, or move this one away",
            ),
            Self::Open(OpenError::Newer { .. }) => Some("update cco on this machine"),
            Self::Open(OpenError::Older { .. }) => Some(
                "move it away and keep it: the next run builds a new one from the transcripts that are still there",
            ),
            Self::Open(OpenError::UnknownZone { .. }) => {
                Some("install the system's time zone files (tzdata)")
            }
            Self::Open(error @ (OpenError::Damaged(_) | OpenError::Rebuilding(_))) => {
                error.trouble().map(way_out)
            }
            Self::Open(OpenError::OldSqlite(_)) => Some("build cco with its bundled SQLite"),
            Self::Open(OpenError::Io { .. }) => {
                Some("check that the folder is there, can be written and has room")
            }
            Self::Open(error @ OpenError::Sqlite { .. }) => error.trouble().map(way_out),
            Self::Thread(_) => {
                Some("the machine is short of memory or processes; run it again when it is not")
            }
            Self::Ledger(error) => error.trouble().map(way_out),
        }
    }
}

/// What to do about trouble with the ledger's file.
fn way_out(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Full => "free some disk space and run it again; nothing that was counted is lost",
        Trouble::Busy => "another cco is at work on the ledger; run it again in a moment",
        Trouble::Damaged => {
            "move the file away and keep it: the next run builds a new one from the transcripts that are still there"
        }
        Trouble::Disk => "check the disk: is it full, can the folder be written?",
    }
}

impl Engine {
    /// Opens the ledger, making it when it does not exist, and a new one when it is damaged.
    pub fn open(setup: Setup) -> Result<Self, EngineError> {
        let opened = Ledger::open(&setup.ledger, &setup.ledger_zone);
        let (ledger, damage) = match opened {
            Ok(ledger) => (ledger, None),
            Err(error) if error.is_suspect() => {
                (Ledger::open(&LedgerPlace::Memory, &setup.ledger_zone)?, Some(error))
            }
            Err(error) => return Err(error.into()),
        };
        let mut engine = Self::of(ledger, setup);
        if damage.is_some() {
            engine.rebuild(&mut |_| {})?;
        }
        match engine.ledger.catch_up(&engine.prices) {
            Err(ReplayError::Ledger(error)) if error.is_suspect() && !engine.has_rebuilt => {
                engine.rebuild(&mut |_| {})?;
            }
            // The journal stays as it is, and the next run reads it.
            _ => {}
        }
        Ok(engine)
    }

    /// Opens the ledger to look at it: a damaged one is an error and stays as it is.
    pub fn look(setup: Setup) -> Result<Self, EngineError> {
        Ok(Self::of(Ledger::open(&setup.ledger, &setup.ledger_zone)?, setup))
    }

    fn of(ledger: Ledger, setup: Setup) -> Self {
        Self {
            ledger,
            place: setup.ledger,
            ledger_zone: setup.ledger_zone,
            roots: setup.roots,
            user_home: setup.user_home,
            prices: setup.prices,
            threads: setup.threads,
            now: setup.now,
            places: setup.places,
            found: None,
            tries: limits::Tries::default(),
            told: Vec::new(),
            taken: Vec::new(),
            repositories: Vec::new(),
            counted_at: None,
            disk_fails: None,
            is_rebuilding: false,
            unkept: Vec::new(),
            rebuilt: None,
            has_rebuilt: false,
        }
    }

    /// Keeps little in memory from now on: for an engine that lives long, and is at most asked what is new.
    pub fn live_long(&self) -> Result<(), EngineError> {
        Ok(self.ledger.live_long()?)
    }

    /// Sets the present of an engine that lives long.
    pub fn set_now(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// The roots that this engine reads.
    pub fn roots(&self) -> &[PathBuf] {
        &self.roots
    }
}
