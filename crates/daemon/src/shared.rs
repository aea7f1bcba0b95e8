//! What every request may use.

use std::net::SocketAddr;
use std::sync::Arc;

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

    /// Whose days count where nobody says otherwise.
    pub(crate) fn zone(&self) -> TimeZone {
        self.http().zone.clone()
    }
}
