//! Taking transcripts into the ledger: which files changed, what was appended, what is damaged.
//!
//! Threads read stretches of files and decode them (`reading`); this thread alone writes (`writing`).

mod finding;
mod reading;
mod writing;

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;

use cco_ledger::Trouble;
use cco_ledger::keep::KeepError;
use cco_ledger::write::Changes;
use cco_transcript::find;

pub use self::finding::Finding;
pub(crate) use self::finding::finding;
use self::reading::{AHEAD, Work};
use self::writing::{Desk, Scan};
use crate::plan::{self, Plan, plan};
use crate::project::{DiskProjects, Projects};
use crate::{Engine, EngineError};

/// Findings that a summary keeps.
const MAX_FINDINGS: usize = 1000;
/// How often files are read again that another process took meanwhile.
const ROUNDS: usize = 8;

/// How far a scan is; told a few times a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read so far.
    pub bytes_done: u64,
    /// Bytes that this scan has to read.
    pub bytes_total: u64,
    /// Files that this scan has to read.
    pub files_total: u64,
}

/// What a scan did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanSummary {
    /// Transcripts found.
    pub files: u64,
    /// Transcripts that had something new.
    pub files_read: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Calls that are new in the ledger.
    pub calls_new: u64,
    /// Calls whose counts, time or place changed.
    pub calls_changed: u64,
    /// Damaged lines met in this scan.
    pub damaged_lines: u64,
    /// Whole records recovered from damaged lines in this scan.
    pub recovered_records: u64,
    /// The first 1,000 findings of this scan: damaged lines and odd rows.
    pub findings: Vec<Finding>,
    /// Files and folders that cannot be read, by path.
    pub unread: Vec<Finding>,
    /// Roots that have no `projects` folder.
    pub roots_without_projects: Vec<PathBuf>,
    /// Why the journal could not be written; the ledger has everything.
    pub not_journalled: Option<String>,
}

impl ScanSummary {
    fn find(&mut self, path: &Path, offset: Option<u64>, what: String) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding { path: path.to_owned(), offset, what });
        }
    }

    fn cannot_read(&mut self, path: &Path, error: &io::Error) {
        self.unread.push(Finding {
            path: path.to_owned(),
            offset: None,
            what: format!("cannot be read: {error}"),
        });
    }

    fn count(&mut self, changes: Changes) {
        self.calls_new += changes.calls_new;
        self.calls_changed += changes.calls_changed;
    }
}

impl Engine {
    /// Reads what is new in all transcripts into the ledger. `progress` is called from this thread.
    pub fn scan(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<ScanSummary, EngineError> {
        let scanned = self.scan_and_keep(progress);
        if scanned.is_ok() {
            self.counted_at = Some(self.now);
        }
        self.disk_fails = Some(match &scanned {
            Ok(summary) => summary.not_journalled.is_some(),
            Err(error) => error.is_of_disk(),
        });
        scanned
    }

    fn scan_and_keep(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<ScanSummary, EngineError> {
        let mut summary = match self.with_room(|engine| engine.take_in(progress), EngineError::is_full) {
            Err(error) if error.is_suspect() && !self.has_rebuilt => {
                self.rebuild(progress)?;
                self.take_in(progress)?
            }
            taken => taken?,
        };
        match self.with_room(Self::keep, KeepError::is_full) {
            Err(KeepError::Ledger(error)) if error.is_suspect() && !self.has_rebuilt => {
                self.rebuild(progress)?;
            }
            // Another process is at work; the next run comes to it as well.
            Err(KeepError::Ledger(error)) if error.trouble() == Some(Trouble::Busy) => {}
            kept => summary.not_journalled = kept.err().map(|error| error.to_string()),
        }
        self.shorten_log();
        Ok(summary)
    }

    /// Has the ledger's write-ahead log give back what it takes on the disk, if that is much. Whoever cannot now leaves
    /// it to the next one.
    pub fn shorten_log(&self) {
        let _later = self.ledger.shorten_log();
    }

    /// Does it; and once more where there was no room before the write-ahead log gave back its own.
    pub(crate) fn with_room<T, E>(
        &mut self,
        mut work: impl FnMut(&mut Self) -> Result<T, E>,
        is_full: impl Fn(&E) -> bool,
    ) -> Result<T, E> {
        let done = work(self);
        let no_room = done.as_ref().err().is_some_and(is_full);
        if !(no_room && self.ledger.make_room()) {
            return done;
        }
        // What the failed transaction numbered is not in the ledger.
        self.ledger.forget_uncommitted();
        work(self)
    }

    /// Reads what is new in all transcripts.
    pub(crate) fn take_in(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<ScanSummary, EngineError> {
        let mut summary = ScanSummary::default();
        let first_load = self.ledger.is_first_load()?;
        for round in 0..ROUNDS {
            let walk = find::walk(&self.roots);
            let mut known = self.ledger.transcripts(false)?;
            if plan::has_new(&walk, &known) {
                // A file that was gone may be back, where it was or elsewhere.
                known.append(&mut self.ledger.transcripts(true)?);
            }
            let plan = plan(&walk, &known, &self.roots);
            drop(known);
            if round == 0 {
                summary.files = walk.files.len() as u64;
                for (path, error) in &walk.unreadable {
                    summary.cannot_read(path, error);
                }
                summary.roots_without_projects = walk.without_projects;
            }
            drop(walk.files);
            // What is new belongs to whoever is logged in by now. A first load has nothing that is new in this sense.
            if round == 0 && (!plan.jobs.is_empty() || self.spool_has_news()) && !first_load {
                self.look_at_accounts()?;
            }
            if plan.is_empty() || !self.carry_out(&plan, &mut summary, progress)? {
                break;
            }
        }
        if !self.ledger.is_priced_by(&self.prices)? || self.ledger.load_was_cut_off()? {
            let mut desk = self.desk();
            let mut writer = desk.begin()?;
            writer.price_unpriced()?;
            summary.count(writer.commit(true)?);
        }
        if first_load {
            self.look_at_accounts()?;
        }
        summary.unread.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(summary)
    }

    /// Calls of present transcripts that are not counted: without a time, or too large to be added up.
    pub fn uncounted(&self) -> Result<u64, EngineError> {
        Ok(self.ledger.uncounted()?)
    }

    fn desk(&mut self) -> Desk<'_> {
        Desk { ledger: &mut self.ledger, prices: &self.prices }
    }

    /// Every damaged line and odd row of the transcripts that are still there, also those of earlier scans.
    pub fn findings(&self) -> Result<Vec<Finding>, EngineError> {
        Ok(self.ledger.soft_errors()?.into_iter().map(|(path, soft)| finding(path, soft)).collect())
    }

    /// Does what the plan says; true when another process took some of it meanwhile.
    fn carry_out(
        &mut self,
        plan: &Plan,
        summary: &mut ScanSummary,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<bool, EngineError> {
        let disk = DiskProjects { user_home: self.user_home.clone() };
        let known = if plan.jobs.is_empty() { HashSet::new() } else { self.ledger.places()? };
        let work = Work::new(plan, Projects::new(disk, known));
        let now_ms = self.now.as_millisecond();
        let accounts = if plan.jobs.is_empty() { HashMap::new() } else { self.ledger.held_by(now_ms)? };
        let mut intake = Scan::new(&plan.jobs, &self.roots, accounts, summary);
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(4);
        let threads = self.threads.unwrap_or_else(cores).clamp(1, work.stretches.len().max(1));
        let mut desk = self.desk();
        desk.settle(plan)?;
        let result = std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel(AHEAD);
            let start = |n: usize| {
                let (work, sender) = (&work, sender.clone());
                let thread = std::thread::Builder::new().name(format!("read-{n}"));
                thread.spawn_scoped(scope, move || work.read(&sender))
            };
            if !work.stretches.is_empty() {
                // One thread is enough; more of them are only faster.
                start(0).map_err(EngineError::Thread)?;
                (1..threads).map_while(|n| start(n).ok()).for_each(drop);
            }
            drop(sender);
            let result = intake.take_all(&mut desk, &receiver, &work, progress).map_err(EngineError::from);
            work.stop.store(true, Ordering::Relaxed);
            drop(receiver);
            result
        });
        let overtaken = intake.overtaken;
        if result.is_err() {
            self.ledger.forget_uncommitted();
        }
        result?;
        self.ledger.use_wal()?;
        Ok(overtaken)
    }
}
