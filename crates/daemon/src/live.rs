//! What happens, told to all who listen as it happens.
//!
//! Owns who listens, up to where they were told, and how long whoever is slow is waited for. The ledger's sequence says
//! what is new: whoever was away is told from there what he missed, so no event is kept here for anybody.
//! Must not: know how listeners are reached.

mod listener;
mod told;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use cco_engine::report::{Filter, Only, Period};
use cco_engine::stats::ChangedCall;
use cco_engine::{Engine, EngineError};
use cco_model::sums::Sums;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::AbortHandle;

use self::listener::Ends;
pub(crate) use self::listener::{Ending, Listener, TooMany};
pub(crate) use self::told::Told;
use self::told::{Heard, Item, Summary, calls};
use crate::readers::{ReadError, Readers};
use crate::setup::{Clock, ReadHttp};

/// Who may listen at once.
const LISTENERS: usize = 32;
/// What waits for one of them at most; each is what one commit brought.
const WAITING: usize = 32;
/// Whoever missed more calls is better off to ask anew.
const MOST_CALLS: usize = 1_000;
/// After a failure it is tried again.
const AGAIN: Duration = Duration::from_millis(200);

/// Tells those who listen, as long as it is there.
pub(crate) struct Live {
    inner: Arc<Inner>,
    tasks: [AbortHandle; 2],
}

struct Inner {
    readers: Readers,
    clock: Clock,
    http: ReadHttp,
    listeners: Mutex<Listeners>,
    /// The ledger has something new, perhaps.
    advanced: Notify,
    /// Today's sums are others.
    counted: Notify,
    /// Up to where listeners were told; none: nobody has looked yet.
    told: watch::Sender<Option<Told>>,
}

#[derive(Default)]
struct Listeners {
    all: Vec<Ends>,
    next: u64,
    has_stopped: bool,
}

/// What a look at the ledger found.
enum News {
    Nothing,
    Calls(Vec<Bytes>),
    /// Another ledger, or more than anybody wants to be told one by one.
    Reset,
}

impl Live {
    /// Begins to follow the ledger, in the runtime that is entered, with readers that nobody else has: whoever asks much
    /// keeps no listener waiting.
    pub(crate) fn new(readers: Readers, clock: Clock, http: ReadHttp) -> Self {
        let inner = Arc::new(Inner {
            readers,
            clock,
            http,
            listeners: Mutex::default(),
            advanced: Notify::new(),
            counted: Notify::new(),
            told: watch::Sender::new(None),
        });
        let follows = tokio::spawn(follow(Arc::clone(&inner))).abort_handle();
        let sums_up = tokio::spawn(sum_up(Arc::clone(&inner))).abort_handle();
        Self { inner, tasks: [follows, sums_up] }
    }

    /// As [`Readers::renew`].
    pub(crate) fn renew(&self) {
        self.inner.readers.renew();
    }

    /// The ledger may have something new. Waits for nothing.
    pub(crate) fn advance(&self) {
        self.inner.advanced.notify_one();
    }

    /// Nobody is told anything any more.
    pub(crate) fn stop(&self) {
        let mut listeners = self.inner.listeners();
        listeners.has_stopped = true;
        listeners.all.drain(..).for_each(|ends| ends.end(Ending::Stopping));
    }

    /// How many listen.
    pub(crate) fn clients(&self) -> usize {
        self.inner.listeners().all.len()
    }

    /// Listens from now on, or from where somebody was told up to.
    pub(crate) async fn listen(&self, since: Option<Told>) -> Result<Listener, TooMany> {
        let mut begun = self.inner.told.subscribe();
        begun.wait_for(Option::is_some).await.map_err(|_| TooMany)?;
        let mut listener = self.inner.register()?;
        if let Some(since) = since {
            let missed = self.inner.missed(since, &listener.told).await;
            // Where that cannot be had, whoever listens asks anew.
            listener.catch_up(missed.unwrap_or(None));
        }
        self.inner.counted.notify_one();
        Ok(listener)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Inner {
    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        // Nothing is half done in it, whoever panicked.
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever is registered is told everything that comes after what was told so far: both are decided under one lock.
    fn register(self: &Arc<Self>) -> Result<Listener, TooMany> {
        let mut listeners = self.listeners();
        let told = self.told.borrow().clone();
        let Some(told) = told.filter(|_| listeners.all.len() < LISTENERS && !listeners.has_stopped) else {
            return Err(TooMany);
        };
        let (sender, queue) = mpsc::channel(WAITING);
        let number = listeners.next;
        listeners.next += 1;
        let (ends, ending) = Ends::new(number, sender);
        listeners.all.push(ends);
        let leave = {
            let inner = Arc::clone(self);
            move || inner.listeners().all.retain(|ends| ends.number() != number)
        };
        Ok(Listener::new(queue, ending, told, Box::new(leave)))
    }

    /// Looks once, and tells what is new.
    async fn look(&self, heard: &mut Heard) -> Result<(), ReadError> {
        let before = self.told.borrow().clone();
        let (zone, known) = ((self.http)().zone.clone(), heard.clone());
        let ((news, now), heard_now) =
            self.readers.ask(move |engine| Ok((news(engine, before)?, known.by_now(engine, &zone)?))).await?;
        let mut listeners = self.listeners();
        let is_new = match news {
            News::Nothing => false,
            News::Calls(events) => {
                if !events.is_empty() {
                    listeners.tell(&Item::calls(events));
                }
                true
            }
            News::Reset => {
                listeners.tell(&Item::reset(&now));
                true
            }
        };
        if let Some(limits) = heard_now.news_since(heard) {
            listeners.tell(&Item::limits(limits));
        }
        *heard = heard_now;
        if is_new {
            self.told.send_replace(Some(now));
            drop(listeners);
            self.counted.notify_one();
        }
        Ok(())
    }

    /// What somebody missed, up to where all others were told; none: more than is told, or of another ledger.
    async fn missed(&self, since: Told, until: &Told) -> Result<Option<Vec<Bytes>>, ReadError> {
        if since.ledger != until.ledger {
            return Ok(None);
        }
        let until = until.clone();
        self.readers
            .ask(move |engine| {
                if since.seq > engine.mark()?.seq {
                    return Ok(None);
                }
                let mut changed = engine.changes_since(since.seq, MOST_CALLS + 1)?;
                if changed.len() > MOST_CALLS {
                    return Ok(None);
                }
                // One that was there by then and has grown since is told as grown to all: who missed it hears of it
                // before, who knows it hears of it with them.
                let is_missed = |call: &ChangedCall| since.newest < call.id && call.id <= until.newest;
                changed.retain(|call| call.seq <= until.seq || is_missed(call));
                Ok(Some(calls(engine, &since, &until, &changed)))
            })
            .await
    }

    async fn today(&self) -> Result<Summary, ReadError> {
        let (zone, now) = ((self.http)().zone.clone(), (self.clock)());
        self.readers
            .ask(move |engine| {
                let day = now.to_zoned(zone.clone()).date();
                let today = Filter { days: (Some(day), Some(day)), zone, only: Only::default() };
                let days = engine.periods(&today, Period::Day)?;
                let sums = days.first().map_or_else(Sums::default, |day| day.sums);
                Ok(Summary { sums })
            })
            .await
    }
}

impl Listeners {
    /// Tells all. Whoever has not taken what waits for him is cut off: he knows up to where he was told.
    fn tell(&mut self, item: &Item) {
        let slow = self.all.extract_if(.., |ends| !ends.tell(item));
        slow.for_each(|ends| ends.end(Ending::Slow));
    }
}

/// What is new since somebody was told, and up to where he then is.
fn news(engine: &Engine, before: Option<Told>) -> Result<(News, Told), EngineError> {
    let mark = engine.mark()?;
    let Some(before) = before.filter(|before| *before.ledger == *mark.ledger && before.seq <= mark.seq)
    else {
        return Ok((News::Reset, Told::at(mark, engine.newest_call()?)));
    };
    if before.seq == mark.seq {
        return Ok((News::Nothing, before));
    }
    let changed = engine.changes_since(before.seq, MOST_CALLS + 1)?;
    if changed.len() > MOST_CALLS {
        return Ok((News::Reset, Told::at(mark, engine.newest_call()?)));
    }
    let now = before.behind(&mark, &changed);
    Ok((News::Calls(calls(engine, &before, &now, &changed)), now))
}

/// Follows the ledger.
async fn follow(inner: Arc<Inner>) {
    let mut heard = Heard::default();
    loop {
        match inner.look(&mut heard).await {
            Ok(()) => inner.advanced.notified().await,
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}

/// Tells today's sums when they change, and not more often than is wanted.
async fn sum_up(inner: Arc<Inner>) {
    loop {
        inner.counted.notified().await;
        if inner.listeners().all.is_empty() {
            continue;
        }
        let Ok(summary) = inner.today().await else {
            // Nobody counts again before the next commit, which may be long in coming.
            inner.counted.notify_one();
            tokio::time::sleep(AGAIN).await;
            continue;
        };
        {
            let mut listeners = inner.listeners();
            if let Some(told) = inner.told.borrow().as_ref() {
                listeners.tell(&Item::summary(told, &summary));
            }
        }
        tokio::time::sleep((inner.http)().summary_every).await;
    }
}

#[cfg(test)]
mod tests;
