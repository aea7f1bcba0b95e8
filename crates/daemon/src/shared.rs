//! What every request may use.

use std::net::SocketAddr;

use jiff::tz::TimeZone;
use tokio::sync::{mpsc, watch};

use crate::event::Event;
use crate::health::Health;
use crate::live::Live;
use crate::lock::About;
use crate::readers::Readers;
use crate::setup::{Clock, Http, ReadSettings};
use crate::token::Tokens;

/// What every request may use.
pub(crate) struct Shared {
    /// The ledger, to be asked.
    pub(crate) readers: Readers,
    /// What happens, as it happens.
    pub(crate) live: Live,
    /// Who may ask.
    pub(crate) tokens: Tokens,
    /// The event loop.
    pub(crate) events: mpsc::Sender<Event>,
    /// How the parts are.
    pub(crate) health: watch::Receiver<Health>,
    /// What settings say.
    pub(crate) settings: ReadSettings,
    /// The present.
    pub(crate) clock: Clock,
    /// Whose days count where nobody says otherwise.
    pub(crate) zone: TimeZone,
    /// How the daemon is reached.
    pub(crate) http: Http,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Who it is.
    pub(crate) about: About,
}
