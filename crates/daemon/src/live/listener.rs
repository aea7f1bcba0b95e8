//! One who listens: what waits for him, and how he is cut off.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use tokio::sync::mpsc;

use super::told::{Item, Told};

/// Nobody else may listen just now.
#[derive(Debug)]
pub(crate) struct TooMany;

/// Why somebody is told nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// He did not take what waited for him.
    Slow,
    /// The daemon ends.
    Stopping,
}

/// The telling end.
pub(super) struct Ends {
    number: u64,
    queue: mpsc::Sender<Item>,
    ending: Arc<OnceLock<Ending>>,
}

impl Ends {
    pub(super) fn new(number: u64, queue: mpsc::Sender<Item>) -> (Self, Arc<OnceLock<Ending>>) {
        let ending = Arc::default();
        (Self { number, queue, ending: Arc::clone(&ending) }, ending)
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Whether there was room for it.
    pub(super) fn tell(&self, item: &Item) -> bool {
        self.queue.try_send(item.clone()).is_ok()
    }

    pub(super) fn end(self, ending: Ending) {
        let _ = self.ending.set(ending);
    }
}

/// The hearing end.
pub(crate) struct Listener {
    queue: mpsc::Receiver<Item>,
    ending: Arc<OnceLock<Ending>>,
    /// Up to where he has heard, or will have when he has heard what he missed.
    pub(super) told: Told,
    missed: VecDeque<Bytes>,
    leave: Box<dyn Fn() + Send + Sync>,
}

impl Listener {
    pub(super) fn new(
        queue: mpsc::Receiver<Item>,
        ending: Arc<OnceLock<Ending>>,
        told: Told,
        leave: Box<dyn Fn() + Send + Sync>,
    ) -> Self {
        Self { queue, ending, told, missed: VecDeque::new(), leave }
    }

    /// What he missed before he listened; none: he is to ask anew.
    pub(super) fn catch_up(&mut self, missed: Option<Vec<Bytes>>) {
        match missed {
            Some(events) => self.missed.extend(events),
            None => {
                if let Item::Reset(text) = Item::reset(&self.told) {
                    self.missed.push_back(text);
                }
            }
        }
    }

    /// What comes next, or why nothing does. May be given up and called again: nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Bytes, Ending> {
        loop {
            if let Some(ending) = self.ending.get() {
                return Err(*ending);
            }
            if let Some(text) = self.missed.pop_front() {
                return Ok(text);
            }
            match self.queue.recv().await {
                None => return Err(self.ending.get().copied().unwrap_or(Ending::Stopping)),
                Some(item) => self.take(item),
            }
        }
    }

    fn take(&mut self, item: Item) {
        match item {
            Item::Hint(text) | Item::Reset(text) => self.missed.push_back(text),
            Item::Calls(events) => self.missed.extend(events.iter().cloned()),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        (self.leave)();
    }
}

#[cfg(test)]
mod tests {
    use super::super::WAITING;
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
    }

    fn listener() -> (Ends, Listener) {
        let (sender, queue) = mpsc::channel(WAITING);
        let (ends, ending) = Ends::new(1, sender);
        (ends, Listener::new(queue, ending, Told::elsewhere(), Box::new(|| {})))
    }

    #[test]
    fn no_more_waits_for_a_listener_than_there_is_room_for() {
        let (ends, mut listener) = listener();
        let item = Item::limits("[]");
        assert_eq!((0..WAITING + 5).filter(|_| ends.tell(&item)).count(), WAITING);
        ends.end(Ending::Slow);
        // What waited is not told any more: he knows up to where he was.
        assert_eq!(runtime().block_on(listener.next()), Err(Ending::Slow));
    }

    #[test]
    fn what_was_missed_comes_before_what_happens_now() {
        let (ends, mut listener) = listener();
        assert!(ends.tell(&Item::calls(vec![Bytes::from_static(b"3"), Bytes::from_static(b"4")])));
        listener.catch_up(Some(vec![Bytes::from_static(b"1"), Bytes::from_static(b"2")]));
        let heard: Vec<Bytes> =
            (0..4).map(|_| runtime().block_on(listener.next()).expect("an event")).collect();
        assert_eq!(heard, ["1", "2", "3", "4"]);
    }
}
