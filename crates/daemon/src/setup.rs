//! What a daemon is made of: everything that a test may want to set.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cco_engine::{Engine, EngineError};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Opens an engine of its own on the one ledger.
pub type OpenEngine = Arc<dyn Fn() -> Result<Engine, EngineError> + Send + Sync>;
/// Tells the present.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What a daemon is made of.
pub struct Setup {
    /// The folder of what processes remember for each other: lock, address, token, snapshot, spool.
    pub state: PathBuf,
    /// Opens engines: one that writes, one that asks for limits, some that read.
    pub open: OpenEngine,
    /// The present.
    pub clock: Clock,
    /// Whose days count where nobody says otherwise.
    pub zone: TimeZone,
    /// How it is reached.
    pub http: Http,
}

/// How the daemon is reached over HTTP.
#[derive(Clone, Debug)]
pub struct Http {
    /// Where it listens; a port that is taken is passed over for the next free one.
    pub listen: SocketAddr,
    /// Hosts beside loopback that requests may name.
    pub hosts: Vec<String>,
    /// Reads from this machine need no token.
    pub open_reads: bool,
    /// Statistics are served; else their routes answer 503.
    pub stats: bool,
    /// The longest that a summary event waits.
    pub summary_every: Duration,
}
