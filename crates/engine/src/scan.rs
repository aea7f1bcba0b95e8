//! Taking transcripts into the ledger: which files changed, what was appended, what is damaged.
//!
//! Threads read stretches of files and decode them; this thread alone writes. Stretches of a file are taken in order,
//! each with the offset that it moves the file to, in the transaction of its rows.

use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use cco_ledger::keep::KeepError;
use cco_ledger::limits::HeldBy;
use cco_ledger::write::{Changes, Intake, SoftError, SoftKind, Taken, Writer};
use cco_ledger::{Ledger, LedgerError, Trouble};
use cco_model::batch::NameId;
use cco_model::file::FileState;
use cco_model::price::PriceList;
use cco_transcript::read::{Piece, Reader, Soft, stretches};
use cco_transcript::{file, find};

use crate::plan::{self, Job, Plan, plan};
use crate::project::{DiskProjects, Projects};
use crate::queue::Queue;
use crate::{Engine, EngineError};

/// Peers get their turn at the ledger at least this often.
const COMMIT_EVERY: Duration = Duration::from_millis(900);
/// The same while a new ledger is filled: a commit in between writes most pages twice, which made three gigabytes cost
/// 3.5 times one, and peers that wait have nothing to read yet. Well below the time that they wait.
const FIRST_COMMIT_EVERY: Duration = Duration::from_secs(3);
/// The write lock is left alone for so long between two transactions: those that wait for it ask every 100 ms, and
/// would find it taken again for ever.
const PEERS_TURN: Duration = Duration::from_millis(120);
/// Findings that a summary keeps.
const MAX_FINDINGS: usize = 1000;
/// Stretches decoded ahead of the writer, so that reading goes on while it commits: mostly some 100 kB each, about
/// their own size when they hold nothing but calls.
const AHEAD: usize = 32;
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

/// Something in a transcript that could not be taken as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The transcript.
    pub path: PathBuf,
    /// Where its line starts; none for the file as a whole.
    pub offset: Option<u64>,
    /// What is wrong, in words for a person.
    pub what: String,
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
        let mut intake = Scan {
            jobs: &plan.jobs,
            holders: Holders::of(&self.roots, accounts),
            waiting: HashMap::new(),
            standing: HashMap::new(),
            overtaken: false,
            summary,
        };
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

/// What transactions are made of.
struct Desk<'a> {
    ledger: &'a mut Ledger,
    prices: &'a PriceList,
}

impl Desk<'_> {
    fn begin(&mut self) -> Result<Writer<'_>, LedgerError> {
        self.ledger.writer(self.prices)
    }

    /// Moves, losses and returns of files.
    fn settle(&mut self, plan: &Plan) -> Result<(), LedgerError> {
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

/// A stretch of a job, in the order in which threads take them.
struct StretchOf {
    job: usize,
    starts: Range<u64>,
    first: bool,
    last: bool,
    number: usize,
}

/// What the reading threads share.
struct Work<'p> {
    jobs: &'p [Job],
    projects: Projects,
    stretches: Vec<StretchOf>,
    queue: Queue,
    bytes_done: AtomicU64,
    stop: AtomicBool,
}

/// A stretch that was read.
struct Done {
    index: usize,
    result: io::Result<Read>,
}

/// What a stretch held, and what follows from it.
struct Read {
    piece: Piece,
    projects: HashMap<NameId, String>,
    /// How the file stands behind it; none when no line starts in it.
    state: Option<FileState>,
}

impl<'p> Work<'p> {
    fn new(plan: &'p Plan, projects: Projects) -> Self {
        let mut all = Vec::with_capacity(plan.jobs.len());
        for (job, Job { from, seen, .. }) in plan.jobs.iter().enumerate() {
            for (number, starts) in stretches(*from, seen.size).enumerate() {
                let last = starts.end == seen.size;
                all.push(StretchOf { job, starts, first: number == 0, last, number });
            }
        }
        Self {
            jobs: &plan.jobs,
            projects,
            stretches: all,
            queue: Queue::new(AHEAD),
            bytes_done: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        }
    }

    fn bytes(&self) -> u64 {
        self.stretches.iter().map(|stretch| stretch.starts.end - stretch.starts.start).sum()
    }

    /// A reading thread: takes the next stretch until there is none.
    fn read(&self, sender: &SyncSender<Done>) {
        let mut reader = Reader::default();
        while !self.stop.load(Ordering::Relaxed) {
            let turn = self.queue.take();
            let Some(stretch) = self.stretches.get(turn.index) else { return };
            let result = self.read_stretch(&mut reader, stretch);
            self.bytes_done.fetch_add(stretch.starts.end - stretch.starts.start, Ordering::Relaxed);
            if sender.send(Done { index: turn.index, result }).is_err() {
                return;
            }
        }
    }

    fn read_stretch(&self, reader: &mut Reader, stretch: &StretchOf) -> io::Result<Read> {
        let Job { path, seen, .. } = &self.jobs[stretch.job];
        let file = file::open(path, seen)?;
        let identity = (seen.device, seen.inode);
        let piece = reader.read(&file, identity, stretch.starts.clone(), stretch.first, seen.size)?;
        let projects = self.projects.of(&piece.batch);
        let Some(range) = &piece.range else { return Ok(Read { piece, projects, state: None }) };
        let fingerprint = file::fingerprint(&file, range.end)?;
        let mut state = FileState { offset: range.end, fingerprint, ..*seen };
        if !stretch.last {
            // Not all of it was read: a look at it must find that it has grown.
            state.size = range.end;
        }
        Ok(Read { piece, projects, state: Some(state) })
    }
}

/// The writing side of a scan.
struct Scan<'a> {
    jobs: &'a [Job],
    holders: Holders,
    /// Stretches that came before their turn, by job.
    waiting: HashMap<usize, Vec<Done>>,
    /// Of each job that was begun and has not ended: where it stands.
    standing: HashMap<usize, Standing>,
    overtaken: bool,
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

impl Scan<'_> {
    fn take_all(
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

const TOO_LARGE_WORDS: &str =
    "a call too large to be added up with all others: not counted, or with what it had before";

/// What the ledger remembers of a damaged line or odd row, in words.
pub(crate) fn finding(path: PathBuf, SoftError { offset, kind, detail }: SoftError) -> Finding {
    let what = match kind {
        SoftKind::Damaged => {
            words(Soft::Damaged { recovered: usize::try_from(detail).unwrap_or(usize::MAX) })
        }
        SoftKind::Untimed => words(Soft::Untimed),
        SoftKind::OddCount => words(Soft::OddCount),
        SoftKind::TooLarge => TOO_LARGE_WORDS.to_owned(),
    };
    Finding { path, offset: Some(offset), what }
}

fn soft_error(offset: u64, soft: Soft) -> SoftError {
    match soft {
        Soft::Damaged { recovered } => {
            SoftError { offset, kind: SoftKind::Damaged, detail: recovered as u64 }
        }
        Soft::Untimed => SoftError { offset, kind: SoftKind::Untimed, detail: 0 },
        Soft::OddCount => SoftError { offset, kind: SoftKind::OddCount, detail: 0 },
    }
}

fn words(soft: Soft) -> String {
    match soft {
        Soft::Damaged { recovered: 0 } => "damaged line, nothing whole on it".to_owned(),
        Soft::Damaged { recovered: 1 } => "damaged line, 1 whole record recovered".to_owned(),
        Soft::Damaged { recovered } => format!("damaged line, {recovered} whole records recovered"),
        Soft::Untimed => {
            "call without a readable time, and none before it in the file: not counted".to_owned()
        }
        Soft::OddCount => "a token count that is negative, fractional or beyond 2^53: taken as 0".to_owned(),
    }
}

#[cfg(test)]
mod tests;
