//! What a daemon is made of: everything that a test may want to set.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cco_engine::limits::{AccountLimits, Asked, Asking, KnownAccount};
use cco_engine::snapshot::{SnapshotSetup, Stamp};
use cco_engine::{Engine, EngineError};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Opens an engine of its own on the one ledger, as settings are by then.
pub type OpenEngine = Arc<dyn Fn() -> Result<Engine, EngineError> + Send + Sync>;
/// Tells the present.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
/// Reads what settings say by now.
pub type ReadSettings = Arc<dyn Fn() -> Settings + Send + Sync>;
/// Says how requests are answered by now. Every request asks, so it costs next to nothing.
pub type ReadHttp = Arc<dyn Fn() -> Arc<Http> + Send + Sync>;
/// Says how the service may be asked by now.
pub type ReadMeans = Arc<dyn Fn() -> Means + Send + Sync>;
/// Hears what is known of limits and what came of asking, whenever they were looked at; says what is worth a word.
pub type TellLimits = Box<dyn Fn(&[AccountLimits], &Asked, &[KnownAccount]) -> Vec<String> + Send>;

/// What a daemon is made of.
pub struct Setup {
    /// The folder of what processes remember for each other: lock, address, token, snapshot, spool.
    pub state: PathBuf,
    /// The folder of the log.
    pub logs: PathBuf,
    /// Its version.
    pub version: String,
    /// What goes to the log goes to stderr as well.
    pub is_aloud: bool,
    /// A status line began it: it ends when nobody uses it.
    pub leaves_when_idle: bool,
    /// Opens engines: one that writes, one that asks for limits, some that read.
    pub open: OpenEngine,
    /// What settings say.
    pub settings: ReadSettings,
    /// How the service may be asked.
    pub means: ReadMeans,
    /// Hears of limits.
    pub tell_limits: TellLimits,
    /// The present.
    pub clock: Clock,
    /// After a change it waits so long for more of them.
    pub debounce: Duration,
    /// Where it listens; a port that is taken is passed over for the next free one.
    pub listen: SocketAddr,
    /// How requests are answered.
    pub http: ReadHttp,
}

/// What settings say, and may say otherwise while the daemon runs.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The state of `config.toml`: another one, and engines are opened anew.
    pub stamp: Option<Stamp>,
    /// Why what `config.toml` says by now is not followed, but what it said before; none: it is.
    pub wrong: Option<String>,
    /// Keys that say something else than when the daemon began, and that only another start follows.
    pub waiting: Vec<&'static str>,
    /// Where the snapshot for status lines goes; none: nowhere.
    pub snapshot: Option<SnapshotSetup>,
    /// Config roots whose transcripts are followed.
    pub roots: Vec<PathBuf>,
    /// Folders of transcripts that somebody misses, each with why it cannot be read.
    pub missing: Vec<String>,
    /// What changes, or will once it is there: folders of transcripts, the one of what status lines observe, `config.toml`.
    pub watched: Vec<PathBuf>,
}

/// How the service may be asked.
#[derive(Default)]
pub struct Means {
    /// With what; none: answers cannot be remembered.
    pub asking: Option<Asking>,
    /// The user allowed it.
    pub is_allowed: bool,
    /// What is known is written to files of older tools as well.
    pub share: bool,
}

/// How requests are answered, which settings may change while the daemon runs.
#[derive(Clone, Debug)]
pub struct Http {
    /// Whose days count where nobody says otherwise.
    pub zone: TimeZone,
    /// Hosts beside loopback that requests may name.
    pub hosts: Vec<String>,
    /// Reads from this machine need no token, where nobody else can reach the daemon.
    pub open_reads: bool,
    /// Statistics are served; else their routes answer 503.
    pub stats: bool,
    /// The longest that a summary event waits.
    pub summary_every: Duration,
}
