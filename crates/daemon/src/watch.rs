//! Hearing that something was written where transcripts are.
//!
//! One recursive watch for each folder, never one for each file; an event says no more than "look". Which folders, and
//! when it is tried again, is told by the event loop. Must not: read a file.

use std::path::PathBuf;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{ErrorKind, RecursiveMode, Watcher};
use tokio::sync::mpsc::Sender;

use crate::event::Event;

/// Folders that are watched, as long as this lives.
pub(crate) struct Watching {
    _watcher: notify::RecommendedWatcher,
}

impl Watching {
    /// Begins to hear of changes in those of the folders that are there. An error says why that cannot be.
    pub(crate) fn begin(folders: &[PathBuf], events: Sender<Event>) -> Result<Self, String> {
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
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            watcher.watch(folder, RecursiveMode::Recursive).map_err(|error| words(&error))?;
        }
        Ok(Self { _watcher: watcher })
    }
}

/// Something is there that was not. Our own reading of files is heard of as well, and is no change.
fn is_change(event: &notify::Event) -> bool {
    match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        // Its queue ran over: something was not told.
        _ if event.need_rescan() => true,
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
