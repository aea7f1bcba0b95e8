//! What every request may use.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::tz::TimeZone;
use tokio::sync::{mpsc, watch};

use crate::event::Event;
use crate::health::Health;
use crate::live::Live;
use crate::lock::About;
use crate::readers::Readers;
use crate::setup::{Clock, Http, ReadHttp};
use crate::slow::Slow;
use crate::token::Tokens;

/// What every request may use.
pub(crate) struct Shared {
    /// The ledger, to be asked.
    pub(crate) readers: Readers,
    /// The same, for what takes long.
    pub(crate) slow: Slow,
    /// What happens, as it happens.
    pub(crate) live: Live,
    /// Who may ask.
    pub(crate) tokens: Tokens,
    /// The event loop.
    pub(crate) events: mpsc::Sender<Event>,
    /// The second in which it was told last that somebody uses the daemon.
    pub(crate) used: AtomicI64,
    /// How the parts are.
    pub(crate) health: watch::Receiver<Health>,
    /// The present.
    pub(crate) clock: Clock,
    /// How requests are answered by now.
    pub(crate) http: ReadHttp,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Who it is.
    pub(crate) about: About,
}

impl Shared {
    /// How requests are answered by now.
    pub(crate) fn http(&self) -> Arc<Http> {
        (self.http)()
    }

    /// Somebody uses the daemon. The event loop is not woken for each request: it hears of it once in a second, and one
    /// that hears of it late loses nothing.
    pub(crate) fn is_used(&self) {
        let second = (self.clock)().as_second();
        if self.used.swap(second, Ordering::Relaxed) != second {
            let _ = self.events.try_send(Event::Used);
        }
    }

    /// Whose days count where nobody says otherwise.
    pub(crate) fn zone(&self) -> TimeZone {
        self.http().zone.clone()
    }
}
