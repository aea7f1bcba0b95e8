//! The thread that keeps the ledger and the snapshot current. It alone writes calls.
//!
//! Must not: decide when. A panic in it is said in the log, and it begins again with a new engine.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use cco_engine::Engine;
use cco_engine::scan::ScanSummary;
use cco_engine::snapshot::{Repository, folders_at_work};
use tokio::sync::mpsc::Sender;

use crate::event::{Event, Scanned, TakenIn};
use crate::log::Log;
use crate::setup::{Clock, OpenEngine, ReadSettings, Settings};
use crate::tasks::AT_WORK_MS;

/// What the keeper is told to do.
#[derive(Debug)]
pub(crate) enum Task {
    /// Take in what is new.
    Scan,
    /// Remember for status lines how repositories are.
    Repositories(Vec<Repository>),
}

/// Totals that are older are marked on status lines, so a snapshot is written again before, news or not.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(60);
/// A snapshot is not written more often.
const SNAPSHOT_APART: Duration = Duration::from_millis(200);

/// Of settings that are read once.
const AT_NEXT_START: &str = "takes effect when the daemon begins again: `cco daemon restart`";

/// What the keeper works with.
pub(crate) struct Keeper {
    pub(crate) open: OpenEngine,
    pub(crate) settings: ReadSettings,
    pub(crate) clock: Clock,
    pub(crate) log: Arc<Log>,
    pub(crate) events: Sender<Event>,
}

/// What it has at hand from one task to the next.
#[derive(Default)]
struct Hand<'k> {
    at_work: Option<AtWork<'k>>,
    /// It had an engine before.
    has_begun: bool,
}

/// The keeper at work.
struct AtWork<'k> {
    keeper: &'k Keeper,
    engine: Engine,
    settings: Settings,
    /// The ledger's sequence at the last look.
    seq: Option<i64>,
    snapshot_at: Option<Instant>,
    /// Something happened that the snapshot does not tell.
    untold: bool,
    /// What changed can be told quickly, and little is kept in memory.
    is_prepared: bool,
    /// Folders of the sessions at work, as the last snapshot has them.
    folders: Vec<PathBuf>,
}

impl Keeper {
    /// Works until nobody can tell it anything any more.
    pub(crate) fn run(&self, tasks: &Receiver<Task>) {
        let mut hand = Hand::default();
        loop {
            let wait = hand.at_work.as_ref().and_then(AtWork::snapshot_due_in);
            let task = match wait {
                None => tasks.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(wait) => tasks.recv_timeout(wait),
            };
            let task = match task {
                Ok(task) => Some(task),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if let Some(scanned) = self.carry_out(&mut hand, task)
                && self.events.blocking_send(Event::Scanned(scanned)).is_err()
            {
                return;
            }
        }
    }

    /// Carries out a task; none: the snapshot's turn has come.
    fn carry_out<'k>(&'k self, hand: &mut Hand<'k>, task: Option<Task>) -> Option<Scanned> {
        let is_scan = matches!(task, Some(Task::Scan));
        let done = catch_unwind(AssertUnwindSafe(|| {
            // Only a scan tells of another engine, so only a scan brings one.
            let reopened = is_scan && self.follow_settings(hand)?;
            let scanned = hand.at_work.as_mut().and_then(|at_work| at_work.carry_out(task));
            Ok(scanned.map(|scanned| Scanned { reopened, ..scanned }))
        }));
        let done = done.unwrap_or_else(|_| {
            // What it held may be half done; the ledger has all of a transaction or none.
            hand.at_work = None;
            self.log.warn("keeper", "an error in cco: the keeper stopped, and begins again");
            Err("an error in cco, which its log names".to_owned())
        });
        done.unwrap_or_else(|why| is_scan.then(|| Scanned::failed(why)))
    }

    /// Opens an engine: the first, or another one where what it was made of has changed. True: it is not the first.
    fn follow_settings<'k>(&'k self, hand: &mut Hand<'k>) -> Result<bool, String> {
        let settings = (self.settings)();
        if let Some(known) = &hand.at_work
            && self.is_outdated(known, &settings)
        {
            hand.at_work = None;
        }
        match &mut hand.at_work {
            Some(known) => {
                known.settings = settings;
                Ok(false)
            }
            None => {
                let engine = (self.open)().map_err(|error| error.to_string())?;
                hand.at_work = Some(AtWork::begin(self, engine, settings));
                Ok(std::mem::replace(&mut hand.has_begun, true))
            }
        }
    }

    /// Settings are others by now, or folders of transcripts came or went; it is said which.
    fn is_outdated(&self, known: &AtWork<'_>, settings: &Settings) -> bool {
        let is_other = known.settings.stamp != settings.stamp;
        if is_other && let Some(why) = &settings.wrong {
            self.log.warn("keeper", &format!("the settings have changed, and are not followed: {why}"));
        } else if is_other {
            self.log.note("keeper", "the settings have changed, and are followed");
            if !settings.waiting.is_empty() {
                let keys = settings.waiting.join(", ");
                self.log.note("keeper", &format!("{keys}: {AT_NEXT_START}"));
            }
            return true;
        }
        // The engine's own: it found them at another moment than these settings were read.
        if known.engine.roots() != settings.roots {
            let roots: Vec<String> = settings.roots.iter().map(|root| root.display().to_string()).collect();
            let roots = if roots.is_empty() { "nowhere".to_owned() } else { roots.join(", ") };
            self.log.note("keeper", &format!("transcripts are looked for elsewhere than before: {roots}"));
            return true;
        }
        false
    }
}

impl Scanned {
    fn failed(why: String) -> Self {
        Self {
            result: Err(why),
            disk_fails: false,
            has_news: false,
            new_folder: false,
            rebuilt: false,
            reopened: false,
        }
    }
}

impl<'k> AtWork<'k> {
    fn begin(keeper: &'k Keeper, engine: Engine, settings: Settings) -> Self {
        Self {
            keeper,
            engine,
            settings,
            seq: None,
            snapshot_at: None,
            untold: true,
            is_prepared: false,
            folders: Vec::new(),
        }
    }

    /// How long a snapshot that has something new to tell waits for its turn.
    fn snapshot_due_in(&self) -> Option<Duration> {
        let written = self.snapshot_at.filter(|_| self.untold && self.settings.snapshot.is_some())?;
        Some(SNAPSHOT_APART.saturating_sub(written.elapsed()))
    }

    fn carry_out(&mut self, task: Option<Task>) -> Option<Scanned> {
        self.engine.set_now((self.keeper.clock)());
        match task {
            Some(Task::Scan) => Some(self.scan()),
            None => {
                self.leave_snapshot();
                None
            }
            Some(Task::Repositories(repositories)) => {
                self.engine.remember_repositories(&repositories);
                self.untold = true;
                self.leave_snapshot();
                None
            }
        }
    }

    fn scan(&mut self) -> Scanned {
        let result = self.engine.scan(&mut |_| {});
        let rebuilt = self.engine.take_rebuilt();
        if let Some(rebuilt) = &rebuilt {
            let aside = rebuilt.set_aside.display();
            self.keeper.log.warn(
                "keeper",
                &format!("the ledger was damaged; it is kept as {aside}, and a new one was made"),
            );
        }
        if result.is_ok() && (!self.is_prepared || rebuilt.is_some()) {
            // After the first load, which is faster without; and if it fails, telling what changed is only slower.
            self.is_prepared = self.engine.prepare_following().is_ok() && self.engine.live_long().is_ok();
            self.engine.shorten_log();
        }
        let seq = self.engine.mark().ok().map(|mark| mark.seq);
        let has_news = seq != self.seq;
        self.seq = seq.or(self.seq);
        self.untold |= has_news;
        self.leave_snapshot();
        let disk_fails = match &result {
            Ok(summary) => summary.not_journalled.is_some(),
            Err(error) => error.is_of_disk(),
        };
        Scanned {
            result: result.map(|summary| self.taken_in(summary)).map_err(|error| error.to_string()),
            disk_fails,
            has_news,
            new_folder: self.has_new_folder(),
            rebuilt: rebuilt.is_some(),
            reopened: false,
        }
    }

    fn taken_in(&self, summary: ScanSummary) -> TakenIn {
        TakenIn { summary, roots: self.engine.roots().to_vec(), missing: self.settings.missing.clone() }
    }

    fn has_new_folder(&mut self) -> bool {
        let Some(setup) = &self.settings.snapshot else { return false };
        let since_ms = (self.keeper.clock)().as_millisecond() - AT_WORK_MS;
        let folders = folders_at_work(&setup.path, since_ms);
        let is_new = folders.iter().any(|folder| !self.folders.contains(folder));
        self.folders = folders;
        is_new
    }

    /// Writes the snapshot where it has something new to tell, or would soon be taken for old.
    fn leave_snapshot(&mut self) {
        let since = self.snapshot_at.map(|at| at.elapsed());
        let is_due = match since {
            None => true,
            Some(since) => since >= SNAPSHOT_EVERY || (self.untold && since >= SNAPSHOT_APART),
        };
        let Some(setup) = self.settings.snapshot.as_ref().filter(|_| is_due) else { return };
        match self.engine.leave_snapshot(setup) {
            Ok(()) => {}
            Err(error) => {
                self.keeper.log.warn("keeper", &format!("status lines show what was known before: {error}"));
            }
        }
        // One that could not be written is tried again in its time, and not at once.
        self.untold = false;
        self.snapshot_at = Some(Instant::now());
    }
}
