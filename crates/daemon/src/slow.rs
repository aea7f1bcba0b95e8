//! The place of a question that may take minutes: it has an engine of its own and keeps nobody else waiting, and there is
//! one at a time.
//!
//! Must not: know what is asked.

use std::sync::Arc;

use cco_engine::{Engine, EngineError};
use tokio::sync::Semaphore;

use crate::readers::{ReadError, Readers};

/// Whoever is asked what takes long.
pub(crate) struct Slow {
    readers: Readers,
    place: Arc<Semaphore>,
}

impl Slow {
    /// With engines that nobody else has.
    pub(crate) fn new(readers: Readers) -> Self {
        Self { readers, place: Arc::new(Semaphore::new(1)) }
    }

    /// As [`Readers::renew`].
    pub(crate) fn renew(&self) {
        self.readers.renew();
    }

    /// As [`Readers::ask`]; another question goes on until it is answered, whether or not somebody still waits for it, and
    /// whoever comes meanwhile is told to come again.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Engine) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let place = Arc::clone(&self.place).try_acquire_owned().map_err(|_| ReadError::Busy)?;
        let asked = move |engine: &mut Engine| {
            let answer = question(engine);
            drop(place);
            answer
        };
        self.readers.ask(asked).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use jiff::Timestamp;

    use super::*;
    use crate::readers::tests::in_memory;

    fn slow() -> Slow {
        let now = Timestamp::from_second(1_800_000_000).expect("a time");
        Slow::new(Readers::new(Arc::new(move || in_memory(now)), Arc::new(move || now), 1))
    }

    #[test]
    fn one_is_asked_at_a_time_also_when_nobody_waits_for_the_answer() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
        runtime.block_on(async {
            let slow = Arc::new(slow());
            let (lets_go, go) = channel::<()>();
            let (begins, has_begun) = tokio::sync::oneshot::channel();
            let inside = Arc::clone(&slow);
            let asked = tokio::spawn(async move {
                let held = move |_: &mut Engine| {
                    let _ = begins.send(());
                    let _ = go.recv();
                    Ok(())
                };
                inside.ask(held).await
            });
            has_begun.await.expect("it is asked");
            asked.abort();
            assert!(asked.await.is_err_and(|error| error.is_cancelled()));
            assert!(matches!(slow.ask(|_| Ok(())).await, Err(ReadError::Busy)));
            drop(lets_go);
            while slow.place.available_permits() == 0 {
                tokio::task::yield_now().await;
            }
            slow.ask(|_| Ok(())).await.expect("its place is free again");
        });
    }
}
