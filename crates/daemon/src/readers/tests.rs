use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::{Receiver, channel};

use cco_engine::limits::Places;
use cco_engine::{LedgerPlace, Setup, price_list};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::*;

/// Opens engines on ledgers in memory, each its own.
pub(crate) fn in_memory(now: Timestamp) -> Result<Engine, EngineError> {
    Engine::open(Setup {
        ledger: LedgerPlace::Memory,
        roots: Vec::new(),
        user_home: None,
        ledger_zone: TimeZone::UTC,
        prices: price_list::embedded(),
        threads: Some(1),
        now,
        places: Places::default(),
    })
}

/// Readers of ledgers in memory, and how many were opened.
fn readers() -> (Readers, Arc<AtomicUsize>) {
    let opened = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&opened);
    let now = Timestamp::from_second(1_800_000_000).expect("a time");
    let open: OpenEngine = Arc::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        in_memory(now)
    });
    (Readers::new(open, Arc::new(move || now), FOR_REQUESTS), opened)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime")
}

/// A question that is not answered before somebody lets go.
fn held(go: Receiver<()>) -> impl FnOnce(&mut Engine) -> Result<(), EngineError> + Send {
    move |_| {
        let _ = go.recv();
        Ok(())
    }
}

#[test]
fn engines_are_opened_as_they_are_needed_and_used_again() {
    let (readers, opened) = readers();
    runtime().block_on(async {
        for _ in 0..5 {
            readers.ask(|engine| engine.mark()).await.expect("an answer");
        }
        assert_eq!(opened.load(Ordering::Relaxed), 1);
        readers.renew();
        readers.ask(|engine| engine.mark()).await.expect("an answer");
        assert_eq!(opened.load(Ordering::Relaxed), 2, "what is open shows what is no more");
    });
}

#[test]
fn an_engine_that_was_renewed_while_it_answered_is_not_used_again() {
    let (readers, opened) = readers();
    runtime().block_on(async {
        let inside = readers.clone();
        let renewing = move |_: &mut Engine| {
            inside.renew();
            Ok(())
        };
        readers.ask(renewing).await.expect("an answer");
        readers.ask(|engine| engine.mark()).await.expect("an answer");
        assert_eq!(opened.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn who_comes_when_too_many_wait_is_told_to_come_again() {
    let (readers, _) = readers();
    runtime().block_on(async {
        let (lets_go, waiting): (Vec<_>, Vec<_>) = (0..FOR_REQUESTS + WAITING).map(|_| channel()).unzip();
        let asked: Vec<_> = waiting
            .into_iter()
            .map(|go| {
                let readers = readers.clone();
                tokio::spawn(async move { readers.ask(held(go)).await })
            })
            .collect();
        while readers.0.room.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(readers.ask(|_| Ok(())).await, Err(ReadError::Busy)));
        drop(lets_go);
        for one in asked {
            one.await.expect("it ends").expect("an answer");
        }
        readers.ask(|_| Ok(())).await.expect("there is room again");
    });
}

#[test]
fn a_question_that_panics_takes_its_engine_with_it_and_nothing_else() {
    let (readers, opened) = readers();
    runtime().block_on(async {
        let failed = readers.ask(|_| -> Result<(), EngineError> { panic!("on purpose") }).await;
        assert!(matches!(failed, Err(ReadError::Ended)));
        readers.ask(|engine| engine.mark()).await.expect("an answer");
        assert_eq!(opened.load(Ordering::Relaxed), 2);
        assert_eq!(readers.0.room.available_permits(), FOR_REQUESTS + WAITING, "its place is free again");
    });
}
