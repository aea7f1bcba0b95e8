//! The closed list of what can happen to a daemon.

use cco_engine::scan::ScanSummary;
use tokio::sync::oneshot;

/// Something that the event loop has to know of.
#[derive(Debug)]
pub(crate) enum Event {
    /// Somebody wants all that is new taken in, and waits for it.
    ScanWanted(oneshot::Sender<Result<ScanSummary, String>>),
    /// Somebody wants the service asked for limits now, where it may be.
    RefreshWanted(oneshot::Sender<Result<Refreshed, String>>),
}

/// What came of asking the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refreshed {
    /// Accounts that were asked for, as they are called.
    pub(crate) asked: Vec<String>,
    /// Accounts that it is too early to ask for.
    pub(crate) not_asked: Vec<String>,
    /// What went wrong, in words.
    pub(crate) faults: Vec<String>,
}
