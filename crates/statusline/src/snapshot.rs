//! The snapshot: everything that a status line needs to know, in one small file.
//!
//! The first line tells format, length and checksum of what follows, which is JSON. So a file that is torn, damaged or of
//! another version is told from a good one, and read as nothing: one of a compiler with another checksum
//! too. Must not: know where the file is, or what day it is.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};

use cco_model::limit::login::{Login, Reason};
use cco_model::limit::merge::Current;
use cco_model::limit::pace::{Basis, Pace};
use cco_model::limit::session::plain_path;
use cco_model::limit::trouble::Trouble;
use cco_model::limit::{AccountId, Percent, Source, Window};
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Serialize};

use crate::settings::Settings;
use crate::spool::Observation;

mod stored;

/// The first words of a snapshot; the number is the version of what follows.
const FORMAT: &str = "cco snapshot 1";
/// Characters of the checksum.
const SUM: usize = 16;
/// No snapshot is longer, in bytes.
pub const MOST_BYTES: usize = 256 << 10;
/// So many sessions are remembered.
pub const MOST_SESSIONS: usize = 64;

/// What a status line knows beside its payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// When it was written, UTC milliseconds.
    pub written_at_ms: i64,
    /// The settings, as they stood in the file of this stamp.
    pub settings: Settings,
    /// Which state of `config.toml` that was; none: there was none.
    pub config: Option<Stamp>,
    /// A status line starts the daemon where none runs.
    pub autostart: bool,
    /// The user's clock.
    pub zone: Clock,
    /// Accounts that this machine is logged in with, and the user wants to see.
    pub accounts: Vec<AccountNow>,
    /// When accounts were last looked at, UTC milliseconds.
    pub looked_at_ms: Option<i64>,
    /// When calls were last counted, UTC milliseconds.
    pub counted_at_ms: Option<i64>,
    /// What was used today.
    pub today: Option<Today>,
    /// The block that runs.
    pub block: Option<BlockNow>,
    /// What is known of repositories.
    pub repositories: Vec<Repository>,
    /// What each session told last, as long as that may be of use.
    pub sessions: Vec<Observation>,
    /// What is wrong.
    pub alerts: Vec<Alert>,
}

/// One state of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Its size in bytes.
    pub size: u64,
    /// When it was written to, in nanoseconds since 1970.
    pub changed_ns: i128,
    /// Its inode.
    pub inode: u64,
}

/// A zone's offsets for a while.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// What the environment said of the zone when it was asked for; another word means another clock.
    pub told: String,
    /// Seconds east of UTC, each from a moment (UTC milliseconds) on.
    pub offsets: Vec<(i64, i32)>,
    /// Nothing is known from here on, UTC milliseconds.
    pub until_ms: i64,
}

impl Clock {
    /// It can tell what time it is at this moment, for an environment that says `told`.
    pub fn tells(&self, told: &str, at_ms: i64) -> bool {
        self.told == told
            && at_ms < self.until_ms
            && self.offsets.first().is_some_and(|(from, _)| *from <= at_ms)
    }

    /// The zone as it is at a moment.
    pub(crate) fn at(&self, at_ms: i64) -> TimeZone {
        let known = self.offsets.iter().rev().find(|(from, _)| *from <= at_ms).or(self.offsets.first());
        let offset = known.and_then(|(_, seconds)| Offset::from_seconds(*seconds).ok());
        offset.map_or(TimeZone::UTC, TimeZone::fixed)
    }
}

/// What is known of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountNow {
    /// Which.
    pub id: AccountId,
    /// What its user calls it.
    pub label: String,
    /// The config directories that hold it, under every name they have.
    pub directories: Vec<String>,
    /// Since when they hold it, UTC milliseconds, where one of them held another one before.
    pub since_ms: Option<i64>,
    /// How its login is.
    pub login: Login,
    /// Its login is not on this machine, as far as files tell.
    pub logged_out: bool,
    /// Why there is no newer answer of the service.
    pub trouble: Option<Trouble>,
    /// Its windows.
    pub windows: BTreeMap<Window, Current>,
    /// How fast its five hours go.
    pub pace: Option<Pace>,
    /// What this machine used in the block that runs, where no reading tells of five hours.
    pub local: Option<Local>,
}

/// What was used on this machine in the running block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Local {
    /// Tokens.
    pub tokens: u64,
    /// The block's end, UTC milliseconds.
    pub ends_at_ms: i64,
}

/// What was used on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Today {
    /// The day's start, UTC milliseconds.
    pub from_ms: i64,
    /// The start of the next one.
    pub until_ms: i64,
    /// In nano-dollars.
    pub cost: i64,
}

/// The block that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockNow {
    /// Its end, UTC milliseconds.
    pub ends_at_ms: i64,
    /// In nano-dollars.
    pub cost: i64,
    /// What it comes to at its pace, in nano-dollars.
    pub projected: Option<i64>,
    /// Its tokens.
    pub tokens: u64,
    /// Tokens a minute.
    pub tokens_per_minute: Option<u64>,
}

impl BlockNow {
    /// What it says of the limit's window.
    pub(crate) fn local(&self) -> Local {
        Local { tokens: self.tokens, ends_at_ms: self.ends_at_ms }
    }
}

/// What is known of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// The root of its working tree.
    pub root: String,
    /// Commits that its upstream lacks.
    pub ahead: u64,
    /// Commits that it lacks of its upstream.
    pub behind: u64,
    /// Files that differ from what is committed.
    pub dirty: u64,
    /// When that was so, UTC milliseconds.
    pub seen_at_ms: i64,
}

/// What is wrong, and only its user can mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alert {
    /// No login works any more.
    Login,
    /// One login of several does not work any more.
    OneLogin,
    /// Calls could not be kept: the disk is full, or refuses.
    Disk,
    /// `config.toml` cannot be followed in full: `cco config check` says why.
    Config,
}

impl Snapshot {
    /// The account that a config directory holds; none where several do, or none.
    pub(crate) fn account_of(&self, directory: &str) -> Option<&AccountNow> {
        let directory = plain_path(directory.as_ref());
        let holds =
            |account: &&AccountNow| account.directories.iter().any(|known| directory.as_os_str() == &**known);
        let mut holding = self.accounts.iter().filter(holds);
        holding.next().filter(|_| holding.next().is_none())
    }

    /// As bytes, with as many of the sessions, the first of them, as a snapshot may hold.
    pub fn to_bytes(&self) -> Vec<u8> {
        let bytes = self.bytes();
        if bytes.len() <= MOST_BYTES || self.sessions.is_empty() {
            return bytes;
        }
        let kept = self.sessions.len() / 2;
        Self { sessions: self.sessions[..kept].to_vec(), ..self.clone() }.to_bytes()
    }

    fn bytes(&self) -> Vec<u8> {
        // Plain values cannot fail to be written.
        let body = serde_json::to_string(&stored::File::of(self)).unwrap_or_default();
        format!("{FORMAT} {} {}\n{body}", body.len(), sum_of(body.as_bytes())).into_bytes()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote. None: it is torn, damaged, or of another version.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(FORMAT.as_bytes())?.strip_prefix(b" ")?;
        let end = rest.iter().take(2 * SUM + 10).position(|byte| *byte == b'\n')?;
        let (head, body) = (std::str::from_utf8(&rest[..end]).ok()?, &rest[end + 1..]);
        let (length, sum) = head.split_once(' ')?;
        (length.parse() == Ok(body.len()) && sum == sum_of(body)).then_some(())?;
        serde_json::from_slice::<stored::File>(body).ok()?.into_snapshot()
    }
}

/// Against accidents, not against forgery: whoever can write the file can write its sum. A sum that asks the processor
/// what it can do (SHA-256, CRC-32) costs a status line more than all the rest of its reading where that is a virtual one.
fn sum_of(body: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    format!("{:0SUM$x}", hasher.finish())
}

#[cfg(test)]
mod tests;
