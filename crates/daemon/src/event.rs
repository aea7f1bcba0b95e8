//! The closed list of what can happen to a daemon, and of what it then has done.

use cco_engine::limits::Tries;
use std::path::PathBuf;

use cco_engine::scan::ScanSummary;
use tokio::sync::oneshot;

/// Where the answer to somebody who wants all that is new taken in goes.
pub(crate) type ScanReply = oneshot::Sender<Result<TakenIn, String>>;
/// Where the answer to somebody who wants limits asked for goes.
pub(crate) type RefreshReply = oneshot::Sender<Result<Refreshed, String>>;

/// Something that the event loop has to know of.
#[derive(Debug)]
pub(crate) enum Event {
    /// Something was written where transcripts or observations of status lines are.
    Changed,
    /// A folder that is watched came, went, or is another one: what is heard of it may be of what is no more.
    Moved,
    /// Changes can be heard of, or cannot: why.
    Watching(Result<(), String>),
    /// The keeper has taken in what was new.
    Scanned(Scanned),
    /// The broker has looked, and asked whom it may.
    Asked(Refreshed),
    /// The repositories were looked at.
    LookedAtGit,
    /// Somebody wants all that is new taken in, and waits for it.
    ScanWanted(ScanReply),
    /// Somebody wants the service asked for limits now, where it may be.
    RefreshWanted(RefreshReply),
    /// Somebody uses the daemon.
    Used,
    /// It is to end: why.
    Stop(String),
}

/// What was new, and the config roots in which it was looked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct TakenIn {
    /// What came of looking.
    pub(crate) summary: ScanSummary,
    /// Where.
    pub(crate) roots: Vec<PathBuf>,
    /// Where it was to be looked, and cannot be: each place with why.
    pub(crate) missing: Vec<String>,
}

/// What the keeper did.
#[derive(Debug)]
pub(crate) struct Scanned {
    /// What came of it; an error in words.
    pub(crate) result: Result<TakenIn, String>,
    /// It failed for want of room, or since the disk fails.
    pub(crate) disk_fails: bool,
    /// Calls or readings changed.
    pub(crate) has_news: bool,
    /// A session works in a folder that was not known.
    pub(crate) new_folder: bool,
    /// The ledger was damaged, and is another file now.
    pub(crate) rebuilt: bool,
    /// It has another engine than before: settings are others, or the folders that are there.
    pub(crate) reopened: bool,
}

/// What the event loop has done.
#[derive(Debug)]
pub(crate) enum Order {
    /// Take in what is new.
    Scan,
    /// Look who is logged in where, and ask the service; all of them, if somebody wants that.
    Ask {
        /// Everyone who may be asked for, however fresh what is known is.
        all: bool,
    },
    /// Look at the repositories of sessions.
    LookAtGit,
    /// Begin to hear of changes, or begin anew.
    Watch,
    /// Let go of engines: the ledger's file is another one by now, or settings are.
    Renew,
    /// Tell those who listen what changed.
    Advance,
    /// Answer those who wanted a scan.
    AnswerScan(Vec<ScanReply>, Result<TakenIn, String>),
    /// Answer those who wanted limits asked for.
    AnswerRefresh(Vec<RefreshReply>, Refreshed),
    /// Say it in the log.
    Say(String),
    /// Say it in the log; somebody should know.
    Warn(String),
    /// End.
    Leave,
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
    /// An answer came.
    pub(crate) answered: bool,
    /// Why the last one did not.
    pub(crate) trouble: Option<String>,
    /// How tries go, account by account; none: the broker could not look.
    pub(crate) tries: Option<Tries>,
}
