//! The reading side of a scan: threads that take stretches of files in order, and decode them.
//!
//! Must not: know the ledger.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;

use cco_model::batch::NameId;
use cco_model::file::FileState;
use cco_transcript::file;
use cco_transcript::read::{Piece, Reader, stretches};

use crate::plan::{Job, Plan};
use crate::project::Projects;
use crate::queue::Queue;

/// Stretches decoded ahead of the writer, so that reading goes on while it commits: mostly some 100 kB each, about
/// their own size when they hold nothing but calls.
pub(super) const AHEAD: usize = 32;
/// A stretch of a job, in the order in which threads take them.
pub(super) struct StretchOf {
    pub(super) job: usize,
    pub(super) starts: Range<u64>,
    pub(super) first: bool,
    pub(super) last: bool,
    pub(super) number: usize,
}

/// What the reading threads share.
pub(super) struct Work<'p> {
    jobs: &'p [Job],
    projects: Projects,
    pub(super) stretches: Vec<StretchOf>,
    queue: Queue,
    pub(super) bytes_done: AtomicU64,
    pub(super) stop: AtomicBool,
}

/// A stretch that was read.
pub(super) struct Done {
    pub(super) index: usize,
    pub(super) result: io::Result<Read>,
}

/// What a stretch held, and what follows from it.
pub(super) struct Read {
    pub(super) piece: Piece,
    pub(super) projects: HashMap<NameId, String>,
    /// How the file stands behind it; none when no line starts in it.
    pub(super) state: Option<FileState>,
}

impl<'p> Work<'p> {
    /// All stretches of a plan.
    pub(super) fn new(plan: &'p Plan, projects: Projects) -> Self {
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

    /// All that there is to read.
    pub(super) fn bytes(&self) -> u64 {
        self.stretches.iter().map(|stretch| stretch.starts.end - stretch.starts.start).sum()
    }

    /// A reading thread: takes the next stretch until there is none.
    pub(super) fn read(&self, sender: &SyncSender<Done>) {
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
