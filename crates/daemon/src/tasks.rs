//! Every thread of a daemon: started here, each with a name, and each ended by letting go of what tells it what to do.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cco_engine::snapshot::{Repository, folders_at_work};
use tokio::sync::mpsc;

use crate::broker::{self, Broker};
use crate::event::Event;
use crate::git::Git;
use crate::keeper::{Keeper, Task};
use crate::log::Log;
use crate::setup::{Clock, ReadSettings};
use crate::watch::Watch;

/// A session is at work when it told something within this time, in milliseconds.
pub(crate) const AT_WORK_MS: i64 = 10 * 60_000;
/// Between two looks whether a thread has ended.
const TURN: Duration = Duration::from_millis(5);

/// The threads, and how they are told what to do.
pub(crate) struct Threads {
    keeper: Sender<Task>,
    broker: Sender<broker::Task>,
    git: Sender<()>,
    watch: Sender<()>,
    running: Vec<JoinHandle<()>>,
}

/// What the thread that looks at repositories works with.
pub(crate) struct LooksAtGit {
    pub(crate) settings: ReadSettings,
    pub(crate) clock: Clock,
    pub(crate) events: mpsc::Sender<Event>,
}

impl Threads {
    /// Starts them all.
    pub(crate) fn start(keeper: Keeper, broker: Broker, git: LooksAtGit, watch: Watch) -> io::Result<Self> {
        let (to_keeper, of_keeper) = channel();
        let (to_broker, of_broker) = channel();
        let (to_git, of_git) = channel::<()>();
        let (to_watch, of_watch) = channel();
        let repositories = to_keeper.clone();
        let start = |name: &str, work: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.to_owned()).spawn(work)
        };
        let running = vec![
            start("keeper", Box::new(move || keeper.run(&of_keeper)))?,
            start("broker", Box::new(move || broker.run(&of_broker)))?,
            start("watch", Box::new(move || watch.run(&of_watch)))?,
            start(
                "git",
                Box::new(move || {
                    let mut known = Git::default();
                    while of_git.recv().is_ok() {
                        git.look(&mut known, &repositories);
                    }
                }),
            )?,
        ];
        Ok(Self { keeper: to_keeper, broker: to_broker, git: to_git, watch: to_watch, running })
    }

    /// Has what is new taken in.
    pub(crate) fn scan(&self) {
        let _ = self.keeper.send(Task::Scan);
    }

    /// Has the service asked for those who are due, or for all.
    pub(crate) fn ask(&self, all: bool) {
        let task = if all { broker::Task::AskForAll } else { broker::Task::Look };
        let _ = self.broker.send(task);
    }

    /// Has those let go of the ledger's file that do not know yet that it is another one.
    pub(crate) fn renew(&self) {
        let _ = self.broker.send(broker::Task::Renew);
    }

    /// Has the repositories looked at.
    pub(crate) fn look_at_git(&self) {
        let _ = self.git.send(());
    }

    /// Has changes heard of, from now on or anew.
    pub(crate) fn watch(&self) {
        let _ = self.watch.send(());
    }

    /// Lets them end what they are at, for so long; whoever takes longer is cut off, which loses nothing. Says who.
    pub(crate) fn stop(self, patience: Duration) -> Vec<String> {
        drop((self.keeper, self.broker, self.git, self.watch));
        let ends = Instant::now() + patience;
        while self.running.iter().any(|thread| !thread.is_finished()) && Instant::now() < ends {
            std::thread::sleep(TURN);
        }
        let late = self.running.into_iter().filter(|thread| !thread.is_finished());
        late.filter_map(|thread| thread.thread().name().map(str::to_owned)).collect()
    }
}

impl LooksAtGit {
    fn look(&self, git: &mut Git, keeper: &Sender<Task>) {
        let looked = catch_unwind(AssertUnwindSafe(|| self.look_and_tell(git, keeper)));
        if looked.is_err() {
            *git = Git::default();
        }
        let _ = self.events.blocking_send(Event::LookedAtGit);
    }

    fn look_and_tell(&self, git: &mut Git, keeper: &Sender<Task>) {
        let now_ms = || (self.clock)().as_millisecond();
        let settings = (self.settings)();
        git.follow(settings.stamp);
        if let Some(snapshot) = settings.snapshot {
            let folders = folders_at_work(&snapshot.path, now_ms() - AT_WORK_MS);
            let tell = |repositories: Vec<Repository>| {
                if !repositories.is_empty() {
                    let _ = keeper.send(Task::Repositories(repositories));
                }
            };
            tell(git.look(&folders, now_ms));
            tell(git.look_patiently(now_ms).into_iter().collect());
        }
    }
}

/// Threads that panic say so in the log too, and not only on a stderr that nobody reads.
pub(crate) fn log_panics(log: &Arc<Log>) {
    let log = Arc::clone(log);
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        log.warn(thread.name().unwrap_or("a thread"), &format!("an error in cco: {panic}"));
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_at_repositories_that_fails_is_told_as_done_and_followed_by_the_next() {
        let (sender, mut events) = mpsc::channel(4);
        let looks = LooksAtGit {
            settings: Arc::new(|| panic!("on purpose")),
            clock: Arc::new(|| jiff::Timestamp::UNIX_EPOCH),
            events: sender,
        };
        let (keeper, _of_keeper) = channel();
        for _ in 0..2 {
            looks.look(&mut Git::default(), &keeper);
            assert!(matches!(events.try_recv(), Ok(Event::LookedAtGit)));
        }
    }
}
