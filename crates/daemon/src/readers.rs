//! Engines that answer questions, and how many may ask at once.
//!
//! Owns a few engines, opened as they are needed and used one question at a time, on threads that may wait,
//! and the sums that they keep in memory together.
//! Must not: know what is asked.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cco_engine::stats::{Mark, SumCache};
use cco_engine::{Engine, EngineError};
use tokio::sync::Semaphore;

use crate::setup::{Clock, OpenEngine};

/// Engines for requests: more of them than most machines have cores to spare.
pub(crate) const FOR_REQUESTS: usize = 4;
/// Questions that wait for one; whoever comes then is told to come again.
const WAITING: usize = 60;

/// Engines that are asked.
#[derive(Clone)]
pub(crate) struct Readers(Arc<Inner>);

struct Inner {
    open: OpenEngine,
    clock: Clock,
    idle: Mutex<Vec<Opened>>,
    /// Questions that were taken on.
    room: Arc<Semaphore>,
    /// Of these, the ones that are answered just now.
    engines: Arc<Semaphore>,
    generation: AtomicU64,
    /// What engines of this generation have read.
    cache: Mutex<Arc<SumCache>>,
}

/// An engine, and of which generation it is.
struct Opened {
    engine: Engine,
    generation: u64,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// Too many ask.
    Busy,
    /// The ledger could not be opened or read.
    Engine(EngineError),
    /// The question panicked, or the daemon ends.
    Ended,
}

impl Readers {
    /// So many engines at most, opened as they are needed.
    pub(crate) fn new(open: OpenEngine, clock: Clock, engines: usize) -> Self {
        Self(Arc::new(Inner {
            open,
            clock,
            idle: Mutex::default(),
            room: Arc::new(Semaphore::new(engines + WAITING)),
            engines: Arc::new(Semaphore::new(engines)),
            generation: AtomicU64::new(0),
            cache: Mutex::default(),
        }))
    }

    /// Engines that are open show what is no more: another ledger has its place, or settings are others.
    pub(crate) fn renew(&self) {
        // Whoever opens an engine of the new generation finds the new cache.
        *self.0.cache() = Arc::default();
        self.0.generation.fetch_add(1, Ordering::AcqRel);
        self.0.idle().clear();
    }

    /// Rises with each [`Self::renew`].
    pub(crate) fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// The ledger's state, in some microseconds; none: no engine is idle, or would have to wait.
    pub(crate) fn mark(&self) -> Option<Mark> {
        let opened = self.0.idle_engine()?;
        // One that failed may have lost its ledger.
        let mark = opened.engine.mark_at_once().ok()?;
        self.0.idle().push(opened);
        mark
    }

    /// Asks an engine that knows the present. Whoever stops waiting does not stop the question, which holds its place
    /// until it is answered.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Engine) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let place = Arc::clone(&self.0.room).try_acquire_owned().map_err(|_| ReadError::Busy)?;
        let turn = Arc::clone(&self.0.engines).acquire_owned().await.map_err(|_| ReadError::Ended)?;
        let inner = Arc::clone(&self.0);
        let asked = tokio::task::spawn_blocking(move || {
            let answer = inner.answer(question);
            drop((turn, place));
            answer
        });
        asked.await.map_err(|_| ReadError::Ended)?.map_err(ReadError::Engine)
    }
}

impl Inner {
    fn answer<T>(
        &self,
        question: impl FnOnce(&mut Engine) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let generation = self.generation.load(Ordering::Acquire);
        let mut opened = match self.idle_engine() {
            Some(opened) => opened,
            None => self.opened(generation)?,
        };
        opened.engine.set_now((self.clock)());
        let answer = question(&mut opened.engine);
        // One that failed may have lost its ledger: the next question opens another.
        if answer.is_ok() && generation == self.generation.load(Ordering::Acquire) {
            self.idle().push(opened);
        }
        answer
    }

    /// One that knows the present.
    fn idle_engine(&self) -> Option<Opened> {
        let generation = self.generation.load(Ordering::Acquire);
        self.idle().pop().filter(|opened| opened.generation == generation)
    }

    fn opened(&self, generation: u64) -> Result<Opened, EngineError> {
        let cache = Arc::clone(&self.cache());
        let mut engine = (self.open)()?;
        engine.live_long()?;
        engine.use_cache(cache);
        Ok(Opened { engine, generation })
    }

    fn cache(&self) -> MutexGuard<'_, Arc<SumCache>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Opened>> {
        // Nothing is half done in it, whoever panicked.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(crate) mod tests;
