//! Hearing that something was written where transcripts are.
//!
//! One recursive watch for each folder, never one for each file, and one of what the folder is in: it may come, go and be
//! replaced. An event says no more than "look". Which folders, and when it is tried again, is told by the event loop.
//! Must not: read a file.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc::Sender;

use crate::event::Event;
use crate::setup::ReadSettings;

/// What the thread that watches works with. A large tree takes it a while, and keeps nobody else waiting.
pub(crate) struct Watch {
    pub(crate) settings: ReadSettings,
    pub(crate) events: Sender<Event>,
}

impl Watch {
    /// Begins to hear of changes whenever it is told to, until nobody can tell it anything any more.
    pub(crate) fn run(&self, tasks: &Receiver<()>) {
        let mut watching = None;
        while tasks.recv().is_ok() {
            // Told several times meanwhile, it begins anew once.
            while tasks.try_recv().is_ok() {}
            // The old one goes first: both together might be more than the system allows.
            drop(watching.take());
            let began = catch_unwind(AssertUnwindSafe(|| self.begin()))
                .unwrap_or_else(|_| Err("an error in cco, which its log names".to_owned()));
            let result = began.map(|watcher| watching = Some(watcher));
            if self.events.blocking_send(Event::Watching(result)).is_err() {
                return;
            }
        }
    }

    /// Begins to hear of changes in those of the folders that are there, and of the coming of the others. An error says
    /// why that cannot be.
    fn begin(&self) -> Result<RecommendedWatcher, String> {
        let folders = (self.settings)().watched;
        let known = Folders::of(&folders);
        let events = self.events.clone();
        let tell = move |heard: notify::Result<notify::Event>| {
            let event = match heard {
                Ok(event) => known.heard(&event),
                Err(error) => Some(Event::Watching(Err(words(&error)))),
            };
            match event {
                // Full means that it has been told often enough to look.
                Some(Event::Changed) => drop(events.try_send(Event::Changed)),
                Some(other) => drop(events.blocking_send(other)),
                None => {}
            }
        };
        let mut watcher = notify::recommended_watcher(tell).map_err(|error| words(&error))?;
        for folder in &folders {
            watch_around(&mut watcher, folder).map_err(|error| words(&error))?;
            // What cannot be read cannot be watched either.
            if folder.read_dir().is_ok() {
                watcher.watch(folder, RecursiveMode::Recursive).map_err(|error| words(&error))?;
            }
        }
        Ok(watcher)
    }
}

/// Watches what a folder is in, or would be, as far as that is there.
fn watch_around(watcher: &mut RecommendedWatcher, folder: &Path) -> notify::Result<()> {
    let around = || folder.ancestors().skip(1).find(|around| around.is_dir());
    while let Some(watched) = around() {
        match watcher.watch(watched, RecursiveMode::NonRecursive) {
            Err(error) if matches!(error.kind, ErrorKind::MaxFilesWatch) => return Err(error),
            // One that cannot be read hides what comes and goes in it; a sweep finds that.
            Err(_) => return Ok(()),
            // More of the way may have come before this was watched.
            Ok(()) if around() == Some(watched) => return Ok(()),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// The folders that are meant, as they are called and as they are without links: some systems tell of these.
struct Folders(Vec<PathBuf>);

impl Folders {
    fn of(folders: &[PathBuf]) -> Self {
        let real = folders.iter().filter_map(|folder| {
            let (there, real) = folder.ancestors().find_map(|it| Some((it, it.canonicalize().ok()?)))?;
            Some(real.join(folder.strip_prefix(there).ok()?))
        });
        Self(folders.iter().cloned().chain(real).collect())
    }

    /// What is to be known of what the system tells; none: it is no change, or nothing of ours.
    fn heard(&self, event: &notify::Event) -> Option<Event> {
        if !is_change(event) {
            return None;
        }
        // The system's queue ran over: whatever was not told, folders that came or moved may be among it.
        if event.paths.is_empty() {
            return Some(Event::Moved);
        }
        let leads_to_one = |path: &PathBuf| self.0.iter().any(|folder| folder.starts_with(path));
        if is_move(event) && event.paths.iter().any(leads_to_one) {
            return Some(Event::Moved);
        }
        let is_inside = |path: &PathBuf| self.0.iter().any(|folder| path.starts_with(folder));
        event.paths.iter().any(is_inside).then_some(Event::Changed)
    }
}

/// Something is there that was not. Our own reading of files is heard of as well, and is no change.
fn is_change(event: &notify::Event) -> bool {
    match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

/// Something came or went, and was not just written to.
fn is_move(event: &notify::Event) -> bool {
    matches!(
        event.kind,
        EventKind::Any
            | EventKind::Other
            | EventKind::Create(_)
            | EventKind::Remove(_)
            | EventKind::Modify(ModifyKind::Name(_) | ModifyKind::Any)
    )
}

fn words(error: &notify::Error) -> String {
    match &error.kind {
        ErrorKind::MaxFilesWatch => "the system's limit of watched files is reached".to_owned(),
        ErrorKind::Io(why) => format!("changes cannot be heard of ({})", why.kind()),
        other => format!("changes cannot be heard of ({other:?})"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::channel;
    use std::thread::JoinHandle;
    use std::{fs, time::Duration};

    use super::*;
    use crate::setup::Settings;

    /// So many events wait for whoever takes them in.
    const WAITING: usize = 64;
    /// Longer than anything takes here; only a failing test waits so long.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// Watches one folder, and begins anew when it is told so, as the event loop has it.
    struct Watching {
        events: tokio::sync::mpsc::Receiver<Event>,
        tasks: std::sync::mpsc::Sender<()>,
        thread: Option<JoinHandle<()>>,
        runtime: tokio::runtime::Runtime,
    }

    impl Watching {
        fn of(folder: &Path) -> Self {
            let (to_watch, of_watch) = channel();
            let (sender, events) = tokio::sync::mpsc::channel(WAITING);
            let watched = vec![folder.to_owned()];
            let settings: ReadSettings =
                Arc::new(move || Settings { watched: watched.clone(), ..Settings::default() });
            let watch = Watch { settings, events: sender };
            let thread = Some(std::thread::spawn(move || watch.run(&of_watch)));
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
            let mut watching = Self { events, tasks: to_watch, thread, runtime };
            watching.begin();
            watching
        }

        fn begin(&mut self) {
            self.tasks.send(()).expect("it works");
            self.hears("watching", |event| matches!(event, Event::Watching(Ok(()))));
        }

        fn hears(&mut self, what: &str, is_it: impl Fn(&Event) -> bool) {
            let events = &mut self.events;
            let heard = async {
                while let Some(event) = events.recv().await {
                    if is_it(&event) {
                        return true;
                    }
                }
                false
            };
            let timed = async { tokio::time::timeout(PATIENCE, heard).await };
            assert_eq!(self.runtime.block_on(timed), Ok(true), "{what} was not heard");
        }

        fn hears_that_it_moved(&mut self) {
            self.hears("moved", |event| matches!(event, Event::Moved));
            self.begin();
        }

        fn hears_of_changes(&mut self) {
            self.hears("a change", |event| matches!(event, Event::Changed));
        }
    }

    impl Drop for Watching {
        fn drop(&mut self) {
            // It ends when nobody can tell it anything any more.
            self.tasks = channel().0;
            self.thread.take().map(JoinHandle::join);
        }
    }

    #[test]
    fn a_move_is_heard_of_behind_more_changes_than_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let projects = folder.path().join("projects");
        fs::create_dir_all(&projects).expect("a folder");
        let mut watching = Watching::of(&projects);
        for number in 0..WAITING * 2 {
            fs::write(projects.join("s.jsonl"), number.to_string()).expect("a file");
        }
        fs::rename(&projects, folder.path().join("aside")).expect("it moves");
        watching.hears_that_it_moved();
    }

    #[test]
    fn a_folder_that_comes_goes_and_comes_again_is_heard_of_as_it_happens() {
        let folder = tempfile::tempdir().expect("a folder");
        let projects = folder.path().join("home/.claude/projects");
        let mut watching = Watching::of(&projects);
        for _ in 0..2 {
            fs::create_dir_all(folder.path().join("home")).expect("a folder");
            watching.hears_that_it_moved();
            fs::create_dir_all(projects.join("a")).expect("a folder");
            watching.hears_that_it_moved();
            fs::write(projects.join("a/s.jsonl"), "{}\n").expect("a file");
            watching.hears_of_changes();
            fs::remove_dir_all(folder.path().join("home")).expect("it is gone");
            watching.hears_that_it_moved();
        }
    }

    #[test]
    fn what_is_written_beside_a_folder_is_no_news() {
        let folders = Folders::of(&["/home/dev/.claude/projects".into()]);
        let heard =
            |kind: EventKind, path: &str| folders.heard(&notify::Event::new(kind).add_path(path.into()));
        // The system's queue ran over.
        assert!(matches!(folders.heard(&notify::Event::new(EventKind::Other)), Some(Event::Moved)));
        let written = EventKind::Access(AccessKind::Close(AccessMode::Write));
        let made = EventKind::Create(notify::event::CreateKind::Any);
        assert!(heard(written, "/home/dev/.claude/history.jsonl").is_none());
        assert!(heard(made, "/home/dev/.claude/projects.old").is_none());
        assert!(
            heard(EventKind::Access(AccessKind::Open(AccessMode::Any)), "/home/dev/.claude/projects")
                .is_none()
        );
        assert!(matches!(heard(written, "/home/dev/.claude/projects/a/s.jsonl"), Some(Event::Changed)));
        assert!(matches!(heard(made, "/home/dev/.claude/projects"), Some(Event::Moved)));
        assert!(matches!(heard(made, "/home/dev/.claude"), Some(Event::Moved)));
    }
}
