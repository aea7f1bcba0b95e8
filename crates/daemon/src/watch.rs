//! Hearing that something was written where transcripts are.
//!
//! One recursive watch for each folder, never one for each file; an event says no more than "look". Which folders, and
//! when it is tried again, is told by the event loop. Must not: read a file.

use std::sync::mpsc::Receiver;

use notify::event::{AccessKind, AccessMode, EventKind};
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
            // The old one goes first: both together might be more than the system allows.
            drop(watching.take());
            let began = self.begin();
            let result = began.map(|watcher| watching = Some(watcher));
            if self.events.blocking_send(Event::Watching(result)).is_err() {
                return;
            }
        }
    }

    /// Begins to hear of changes in those of the folders that are there. An error says why that cannot be.
    fn begin(&self) -> Result<RecommendedWatcher, String> {
        let events = self.events.clone();
        let tell = move |heard: notify::Result<notify::Event>| {
            let event = match heard {
                Ok(event) if is_change(&event) => Event::Changed,
                Ok(_) => return,
                Err(error) => Event::Watching(Err(words(&error))),
            };
            // Full means that it has been told often enough to look.
            let _ = events.try_send(event);
        };
        let mut watcher = notify::recommended_watcher(tell).map_err(|error| words(&error))?;
        for folder in (self.settings)().watched.iter().filter(|folder| folder.is_dir()) {
            watcher.watch(folder, RecursiveMode::Recursive).map_err(|error| words(&error))?;
        }
        Ok(watcher)
    }
}

/// Something is there that was not. Our own reading of files is heard of as well, and is no change.
fn is_change(event: &notify::Event) -> bool {
    match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        // Also that the system's queue ran over, and something was not told.
        _ => true,
    }
}

fn words(error: &notify::Error) -> String {
    match &error.kind {
        ErrorKind::MaxFilesWatch => "the system's limit of watched files is reached".to_owned(),
        ErrorKind::Io(why) => format!("changes cannot be heard of ({})", why.kind()),
        other => format!("changes cannot be heard of ({other:?})"),
    }
}
