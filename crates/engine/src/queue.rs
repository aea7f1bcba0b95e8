//! The order in which threads read stretches.
//!
//! Must not: know what is read.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Hands out numbers from 0 on, and none that is far ahead of one that is still being worked on: what is read before
/// its turn waits in memory.
pub(crate) struct Queue {
    ahead: usize,
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    next: usize,
    /// Numbers that threads work on now.
    taken: Vec<usize>,
}

/// A number that a thread works on until this is dropped, be it by a panic.
pub(crate) struct Turn<'q> {
    queue: &'q Queue,
    pub(crate) index: usize,
}

impl Queue {
    /// None is handed out that is this much ahead.
    pub(crate) fn new(ahead: usize) -> Self {
        Self { ahead, state: Mutex::default(), moved: Condvar::new() }
    }

    /// The next number; waits while it is too far ahead.
    pub(crate) fn take(&self) -> Turn<'_> {
        let mut state = self.lock();
        while state.taken.iter().min().is_some_and(|oldest| oldest + self.ahead <= state.next) {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let index = state.next;
        state.next += 1;
        state.taken.push(index);
        Turn { queue: self, index }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.queue.lock().taken.retain(|taken| *taken != self.index);
        self.queue.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn nobody_goes_far_ahead_and_a_panic_stops_nobody() {
        let queue = Queue::new(2);
        let first = queue.take();
        let second = queue.take();
        assert_eq!((first.index, second.index), (0, 1));
        let (sender, receiver) = channel();
        std::thread::scope(|scope| {
            let queue = &queue;
            let waiting = scope.spawn(move || {
                let turn = queue.take();
                sender.send(turn.index).expect("somebody listens");
            });
            drop(second);
            assert!(receiver.try_recv().is_err(), "2 is two ahead of 0");
            let panicked = scope.spawn(move || {
                let _turn = first;
                std::panic::resume_unwind(Box::new("on purpose"));
            });
            assert!(panicked.join().is_err());
            assert_eq!(receiver.recv(), Ok(2));
            waiting.join().expect("no panic");
        });
    }
}
