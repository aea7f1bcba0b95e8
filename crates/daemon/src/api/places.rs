//! Places of connections: how many there are, and who gives his up when somebody comes and none is free.
//!
//! Whoever may ask keeps his place while he is answered. All others are worth less than who comes next: most of a
//! flood says nothing, or says it a byte at a time, and each of its connections would keep others out for seconds.
//! Must not: know what is asked.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use tokio::sync::Notify;

/// All places.
pub(super) struct Places {
    most: usize,
    settled: Duration,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    all: BTreeMap<u64, One>,
}

/// A place that is taken.
struct One {
    lost: Arc<Notify>,
    /// Answers that are on their way to somebody who may ask.
    held: u32,
    /// He was answered before.
    is_known: bool,
    /// He waits since then, or is waited for.
    since: Instant,
}

/// The place of a connection, free again when this goes.
pub(super) struct Place {
    handle: Handle,
    lost: Arc<Notify>,
}

/// What requests know of the place of their connection.
#[derive(Clone)]
pub(super) struct Handle {
    places: Arc<Places>,
    number: u64,
}

impl Places {
    /// So many; whoever came, or was answered, within that time keeps his: he may still say what he wants, or read.
    pub(super) fn new(most: usize, settled: Duration) -> Arc<Self> {
        Arc::new(Self { most, settled, taken: Mutex::default() })
    }

    /// A place for somebody who comes, be it that of another; none: all are held, or were only just taken.
    pub(super) fn take(self: &Arc<Self>) -> Option<Place> {
        let mut taken = self.taken();
        if taken.all.len() >= self.most {
            let least = taken.least(self.settled)?;
            taken.all.remove(&least)?.lost.notify_one();
        }
        let number = taken.next;
        taken.next += 1;
        let lost = Arc::<Notify>::default();
        taken
            .all
            .insert(number, One { lost: Arc::clone(&lost), held: 0, is_known: false, since: Instant::now() });
        Some(Place { handle: Handle { places: Arc::clone(self), number }, lost })
    }

    /// Nobody is there who could give up his place, now or soon.
    pub(super) fn are_all_held(&self) -> bool {
        self.taken().all.values().all(|one| one.held > 0)
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // Nothing is half done in it, whoever panicked.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Who gives up his place first: a stranger before somebody who was answered before, then who waits longest.
    fn least(&self, settled: Duration) -> Option<u64> {
        let may_go = |one: &One| one.held == 0 && one.since.elapsed() >= settled;
        let waiting = self.all.iter().filter(|(_, one)| may_go(one));
        waiting.min_by_key(|(_, one)| (one.is_known, one.since)).map(|(number, _)| *number)
    }
}

impl Place {
    /// What requests are given.
    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Waits until the place is somebody else's.
    pub(super) async fn lost(&self) {
        self.lost.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.handle.places.taken().all.remove(&self.handle.number);
    }
}

impl Handle {
    /// Keeps the place while somebody who may ask is answered.
    pub(super) fn hold(&self) -> Hold {
        if let Some(one) = self.places.taken().all.get_mut(&self.number) {
            one.held += 1;
        }
        Hold(self.clone())
    }
}

/// Keeps a place.
pub(super) struct Hold(Handle);

impl Hold {
    /// Keeps it until the answer was sent, or given up.
    pub(super) fn until_sent(self, answer: Response) -> Response {
        answer.map(|body| Body::new(Held { body, _hold: self }))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(one) = self.0.places.taken().all.get_mut(&self.0.number) {
            one.held -= 1;
            one.is_known = true;
            one.since = Instant::now();
        }
    }
}

/// The body of an answer for which a place is kept.
struct Held {
    body: Body,
    _hold: Hold,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody waits so long.
    const LONG: Duration = Duration::from_secs(3_600);

    fn taken(places: &Arc<Places>) -> Place {
        places.take().expect("a place")
    }

    fn has_lost(place: &Place) -> bool {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let waited = async { tokio::time::timeout(Duration::ZERO, place.lost()).await.is_ok() };
        runtime.expect("a runtime").block_on(waited)
    }

    #[test]
    fn who_waits_longest_gives_up_his_place() {
        let places = Places::new(2, Duration::ZERO);
        let (first, second) = (taken(&places), taken(&places));
        let third = taken(&places);
        assert_eq!((has_lost(&first), has_lost(&second)), (true, false));
        // That he goes takes nothing from whoever has his place now.
        drop(first);
        let _fourth = taken(&places);
        assert_eq!((has_lost(&second), has_lost(&third)), (true, false));
    }

    #[test]
    fn nobody_gives_up_his_place_while_he_is_answered() {
        let places = Places::new(1, Duration::ZERO);
        let place = taken(&places);
        let hold = place.handle().hold();
        assert!(places.take().is_none());
        let answer = hold.until_sent(Response::new(Body::from("a body")));
        assert!(places.take().is_none());
        drop(answer);
        let _another = taken(&places);
        assert!(has_lost(&place));
    }

    #[test]
    fn strangers_go_before_those_who_were_answered() {
        let places = Places::new(2, Duration::ZERO);
        let known = taken(&places);
        drop(known.handle().hold());
        let stranger = taken(&places);
        let _another = taken(&places);
        assert_eq!((has_lost(&known), has_lost(&stranger)), (false, true));
    }

    #[test]
    fn who_has_only_just_come_or_been_answered_keeps_his_place() {
        let places = Places::new(1, LONG);
        let place = taken(&places);
        assert!(places.take().is_none());
        drop(place.handle().hold());
        assert!(places.take().is_none());
        drop(place);
        assert!(places.take().is_some());
    }
}
