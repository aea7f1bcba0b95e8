//! The writing side of a scan: stretches of a file are taken in order, each with the offset that it moves the file to, in the
//! transaction of its rows.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use cco_ledger::limits::HeldBy;
use cco_ledger::write::{Intake, SoftError, Taken, Writer};
use cco_ledger::{Ledger, LedgerError};
use cco_model::file::FileState;
use cco_model::price::PriceList;

use super::finding::{TOO_LARGE_WORDS, soft_error, words};
use super::reading::{Done, Read, StretchOf, Work};
use super::{Progress, ScanSummary};
use crate::plan::{Job, Plan};

/// Peers get their turn at the ledger at least this often.
const COMMIT_EVERY: Duration = Duration::from_millis(900);
/// The same while a new ledger is filled: a commit in between writes most pages twice, which made three gigabytes cost
/// 3.5 times one, and peers that wait have nothing to read yet. Well below the time that they wait.
const FIRST_COMMIT_EVERY: Duration = Duration::from_secs(3);
/// The write lock is left alone for so long between two transactions: those that wait for it ask every 100 ms, and
/// would find it taken again for ever.
const PEERS_TURN: Duration = Duration::from_millis(120);
/// What transactions are made of.
pub(super) struct Desk<'a> {
    pub(super) ledger: &'a mut Ledger,
    pub(super) prices: &'a PriceList,
}

impl Desk<'_> {
    /// A transaction, which holds the write lock.
    pub(super) fn begin(&mut self) -> Result<Writer<'_>, LedgerError> {
        self.ledger.writer(self.prices)
    }

    /// Moves, losses and returns of files.
    pub(super) fn settle(&mut self, plan: &Plan) -> Result<(), LedgerError> {
        if plan.moved.is_empty() && plan.gone.is_empty() && plan.back.is_empty() {
            return Ok(());
        }
        let mut writer = self.begin()?;
        for (id, path) in &plan.moved {
            writer.move_transcript(*id, path)?;
        }
        for id in &plan.gone {
            writer.set_gone(*id, true)?;
        }
        for id in &plan.back {
            writer.set_gone(*id, false)?;
        }
        writer.commit(false)?;
        Ok(())
    }
}

/// The writing side of a scan.
pub(super) struct Scan<'a> {
    jobs: &'a [Job],
    holders: Holders,
    /// Stretches that came before their turn, by job.
    waiting: HashMap<usize, Vec<Done>>,
    /// Of each job that was begun and has not ended: where it stands.
    standing: HashMap<usize, Standing>,
    /// Another process took some of it meanwhile.
    pub(super) overtaken: bool,
    summary: &'a mut ScanSummary,
}

/// Which accounts the roots held.
struct Holders {
    roots: Vec<(PathBuf, HeldBy)>,
    nobody: HeldBy,
}

impl Holders {
    fn of(roots: &[PathBuf], held: HashMap<String, HeldBy>) -> Self {
        // Compared as paths: a root may have been given with a slash at its end.
        let mut held: HashMap<PathBuf, HeldBy> =
            held.into_iter().map(|(dir, held)| (PathBuf::from(dir), held)).collect();
        let roots = roots.iter().map(|root| (root.clone(), held.remove(root).unwrap_or_default()));
        Self { roots: roots.collect(), nobody: HeldBy::default() }
    }

    fn of_transcript(&self, path: &Path) -> &HeldBy {
        // A config directory may lie within another one.
        let roots = self.roots.iter().filter(|(root, _)| path.starts_with(root));
        let root = roots.max_by_key(|(root, _)| root.components().count());
        root.map_or(&self.nobody, |(_, held)| held)
    }
}

/// How far a job is.
#[derive(Clone, Copy)]
struct Standing {
    next_stretch: usize,
    /// The last state that was taken in.
    state: FileState,
    /// Nothing more of it is taken: another process has it, or it cannot be read.
    ended: bool,
}

impl<'a> Scan<'a> {
    /// Nothing is taken yet of these jobs; `held` has the accounts of config directories.
    pub(super) fn new(
        jobs: &'a [Job],
        roots: &[PathBuf],
        held: HashMap<String, HeldBy>,
        summary: &'a mut ScanSummary,
    ) -> Self {
        Self {
            jobs,
            holders: Holders::of(roots, held),
            waiting: HashMap::new(),
            standing: HashMap::new(),
            overtaken: false,
            summary,
        }
    }
}

impl Scan<'_> {
    /// Takes what the reading threads send, until there is no more.
    pub(super) fn take_all(
        &mut self,
        desk: &mut Desk<'_>,
        receiver: &Receiver<Done>,
        work: &Work<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), LedgerError> {
        let (bytes_total, files_total) = (work.bytes(), self.jobs.len() as u64);
        let mut arrived = 0;
        let every = if desk.ledger.is_first_load()? { FIRST_COMMIT_EVERY } else { COMMIT_EVERY };
        // A transaction begins when there is something to write, and ends before peers have to wait long.
        while let Ok(first) = receiver.recv() {
            let begun = Instant::now();
            let mut writer = desk.begin()?;
            let mut next = Some(first);
            while let Some(done) = next {
                self.arrived(&mut writer, work, done)?;
                arrived += 1;
                let bytes_done = work.bytes_done.load(Ordering::Relaxed);
                progress(Progress { bytes_done, bytes_total, files_total });
                let rest = every.checked_sub(begun.elapsed());
                next = rest.and_then(|rest| receiver.recv_timeout(rest).ok());
            }
            let is_last = arrived == work.stretches.len();
            self.summary.count(writer.commit(is_last)?);
            if !is_last {
                std::thread::sleep(PEERS_TURN);
            }
        }
        Ok(())
    }

    /// A stretch arrived: it is taken when its turn has come, and with it those that waited for it.
    fn arrived(&mut self, writer: &mut Writer<'_>, work: &Work<'_>, done: Done) -> Result<(), LedgerError> {
        let job = work.stretches[done.index].job;
        let waiting = self.waiting.entry(job).or_default();
        waiting.push(done);
        loop {
            let next = self.standing.get(&job).map_or(0, |standing| standing.next_stretch);
            let waiting = self.waiting.entry(job).or_default();
            let Some(at) = waiting.iter().position(|done| work.stretches[done.index].number == next) else {
                break;
            };
            let done = waiting.swap_remove(at);
            self.take(writer, &work.stretches[done.index], done.result)?;
        }
        if self.waiting.get(&job).is_some_and(Vec::is_empty) {
            self.waiting.remove(&job);
        }
        Ok(())
    }

    fn take(
        &mut self,
        writer: &mut Writer<'_>,
        stretch: &StretchOf,
        result: io::Result<Read>,
    ) -> Result<(), LedgerError> {
        let job = &self.jobs[stretch.job];
        let fresh = Standing {
            next_stretch: 0,
            state: FileState { offset: job.ledger_offset, ..job.seen },
            ended: false,
        };
        let mut standing = self.standing.remove(&stretch.job).unwrap_or(fresh);
        standing.next_stretch += 1;
        self.summary.bytes_read += stretch.starts.end - stretch.starts.start;
        if !standing.ended {
            match result {
                Ok(read) => self.take_piece(writer, stretch, &read, &mut standing)?,
                Err(error) => {
                    standing.ended = true;
                    self.summary.cannot_read(&job.path, &error);
                }
            }
        }
        if !stretch.last {
            self.standing.insert(stretch.job, standing);
        }
        Ok(())
    }

    fn take_piece(
        &mut self,
        writer: &mut Writer<'_>,
        stretch: &StretchOf,
        Read { piece, projects, state }: &Read,
        standing: &mut Standing,
    ) -> Result<(), LedgerError> {
        let job = &self.jobs[stretch.job];
        let state = match *state {
            Some(state) => state,
            // No line starts in the last stretch: the file stands where it stood, and all of it was looked at.
            None if stretch.last => {
                FileState { size: job.seen.size, mtime_ns: job.seen.mtime_ns, ..standing.state }
            }
            None => return Ok(()),
        };
        let behind = piece.range.as_ref().is_none_or(|range| range.start == standing.state.offset);
        if !stretch.first && !behind {
            // It was cut and grew again while it was read: what lies between was never seen. Read again.
            standing.ended = true;
            self.overtaken = true;
            return Ok(());
        }
        let soft: Vec<SoftError> =
            piece.soft.first.iter().map(|(offset, soft)| soft_error(*offset, *soft)).collect();
        let id = writer.transcript(&job.path, &job.seen)?;
        let intake = Intake {
            expected_offset: standing.state.offset,
            from_start: stretch.first && job.from == 0,
            state,
            batch: &piece.batch,
            projects,
            accounts: self.holders.of_transcript(&job.path),
            soft_errors: &soft,
            damaged_lines: piece.soft.damaged_lines,
            recovered_records: piece.soft.recovered_records,
        };
        if writer.take(id, &intake)? == Taken::Overtaken {
            standing.ended = true;
            self.overtaken = true;
            return Ok(());
        }
        standing.state = state;
        self.summary.files_read += u64::from(stretch.first);
        self.summary.damaged_lines += piece.soft.damaged_lines;
        self.summary.recovered_records += piece.soft.recovered_records;
        for (offset, soft) in &piece.soft.first {
            self.summary.find(&job.path, Some(*offset), words(*soft));
        }
        for offset in writer.refused() {
            self.summary.find(&job.path, Some(*offset), TOO_LARGE_WORDS.to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
