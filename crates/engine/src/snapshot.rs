//! The snapshot for status lines: what is known now, in one small file.
//!
//! Owns what goes into it and when something of the one before stays. Must not: draw a line, or know where settings and
//! zones come from.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cco_model::civil;
use cco_model::limit::Window;
use cco_model::limit::shown::Value;
use cco_statusline::settings::Settings;
use cco_statusline::snapshot::{
    AccountNow, Alert, BlockNow, Clock, Local, MOST_BYTES, MOST_SESSIONS, Snapshot, Today,
};
pub use cco_statusline::snapshot::{Repository, Stamp};
use cco_statusline::spool::Observation;
use jiff::tz::TimeZone;
use rustix::fs::{Mode, OFlags};

use crate::limits::{AccountLimits, Found, Holding, KnownAccount};
use crate::report::{Filter, Only, Period};
use crate::{Engine, EngineError};

/// Sessions whose windows have ended and that told nothing new for so long are forgotten, in milliseconds.
const SESSION_MS: i64 = 24 * 3_600_000;
/// What was seen of a repository longer ago is of no use to anybody, in milliseconds.
const REPOSITORY_MS: i64 = 3_600_000;
/// How long another process may take to write a snapshot; it has what we know then, or the next command brings it.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks whether it has.
const TURN: Duration = Duration::from_millis(5);
/// What says that it was written later than this is of a clock that was wrong.
const AHEAD_MS: i64 = 60_000;
const LOCK: &str = "snapshot.lock";

/// Where a snapshot goes, and what others say that belongs in it.
#[derive(Clone, Debug)]
pub struct SnapshotSetup {
    /// Its file.
    pub path: PathBuf,
    /// How lines are drawn.
    pub settings: Settings,
    /// The state of `config.toml` that says so.
    pub config: Option<Stamp>,
    /// A status line starts the daemon where none runs.
    pub autostart: bool,
    /// The user's clock.
    pub clock: Clock,
    /// Whose days count.
    pub zone: TimeZone,
}

impl SnapshotSetup {
    /// Makes the folder of the snapshot, where it is not there. Commands do; a daemon, whose lock is in it, must not make
    /// one again that was taken away.
    pub fn make_folder(&self) -> io::Result<()> {
        cco_limits::store::make_folder(self.path.parent().unwrap_or(Path::new(".")))
    }
}

/// Why there is no new snapshot; the one before is still there.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The ledger could not be asked.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The file could not be written.
    #[error("{}: {error}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl Engine {
    /// Remembers how these repositories are, for the next snapshot and those after it, beside others.
    pub fn remember_repositories(&mut self, seen: &[Repository]) {
        let known = std::mem::take(&mut self.repositories);
        self.repositories = keep_seen(known, seen, self.now.as_millisecond());
    }

    /// Writes the snapshot anew. What this engine has not looked at since it was opened stays as it was: the totals
    /// without a scan, the accounts without a look. Its folder must be there.
    pub fn leave_snapshot(&mut self, setup: &SnapshotSetup) -> Result<(), SnapshotError> {
        let failed = |error| SnapshotError::Write { path: setup.path.clone(), error };
        // Else one that began earlier would put its older knowledge over a newer one's.
        let Some(_lock) = alone(&setup.path).map_err(failed)? else { return Ok(()) };
        let before = read(&setup.path).unwrap_or_default();
        let snapshot = self.snapshot(setup, before)?;
        write(&setup.path, &snapshot.to_bytes()).map_err(failed)?;
        self.told.clear();
        self.taken.drain(..).for_each(|file| file.delete());
        Ok(())
    }

    fn snapshot(&self, setup: &SnapshotSetup, before: Snapshot) -> Result<Snapshot, EngineError> {
        let now_ms = self.now.as_millisecond();
        let is_older =
            |at_ms: Option<i64>| at_ms.is_none_or(|at_ms| at_ms <= now_ms || at_ms > now_ms + AHEAD_MS);
        let mut snapshot = Snapshot {
            written_at_ms: now_ms,
            settings: setup.settings.clone(),
            config: setup.config,
            autostart: setup.autostart,
            zone: setup.clock.clone(),
            ..before
        };
        if let Some(counted_at) = self.counted_at.filter(|_| is_older(snapshot.counted_at_ms)) {
            // As old as the last look at all transcripts that came to its end, whoever's it was.
            let known = snapshot.counted_at_ms.filter(|at_ms| *at_ms <= now_ms);
            snapshot.counted_at_ms = Some(counted_at.as_millisecond()).max(known);
            snapshot.today = Some(self.today(&setup.zone)?);
            snapshot.block = self.block_now()?;
        }
        if let Some(found) = self.found.as_ref().filter(|_| is_older(snapshot.looked_at_ms)) {
            let limits = self.limits(found, &self.tries, &setup.zone)?;
            let history = self.ledger.account_history()?;
            let now = accounts_now(&limits, found, &history);
            snapshot.accounts = with_untold(now, snapshot.accounts, found);
            snapshot.looked_at_ms = Some(now_ms);
        }
        let disk_fails = self.disk_fails.unwrap_or(snapshot.alerts.contains(&Alert::Disk));
        snapshot.alerts = alerts(&snapshot.accounts);
        snapshot.alerts.extend(disk_fails.then_some(Alert::Disk));
        if !self.repositories.is_empty() {
            snapshot.repositories = keep_seen(snapshot.repositories, &self.repositories, now_ms);
        }
        snapshot.sessions = sessions(snapshot.sessions, self.told.clone(), now_ms);
        Ok(snapshot)
    }

    fn today(&self, zone: &TimeZone) -> Result<Today, EngineError> {
        let date = self.now.to_zoned(zone.clone()).date();
        let range = civil::day_range_ms(Some(date), Some(date), zone);
        let filter = Filter { days: (Some(date), Some(date)), zone: zone.clone(), only: Only::default() };
        let day = self.periods(&filter, Period::Day)?.pop();
        let cost = day.map_or(0, |day| day.sums.cost.0);
        Ok(Today { from_ms: range.start, until_ms: range.end, cost })
    }

    fn block_now(&self) -> Result<Option<BlockNow>, EngineError> {
        let block = self.running_block(self.now, &Only::default())?;
        Ok(block.and_then(|block| {
            Some(BlockNow {
                ends_at_ms: block.end?.as_millisecond(),
                cost: block.sums.cost.0,
                projected: block.projection.map(|end| end.total_cost.0),
                tokens: block.sums.tokens.total(),
                tokens_per_minute: block.burn_rate.map(|rate| rate.tokens_per_minute()),
            })
        }))
    }
}

/// Those that this machine is logged in with.
fn accounts_now(limits: &[AccountLimits], found: &Found, history: &[Holding]) -> Vec<AccountNow> {
    let here = limits.iter().filter(|known| !known.directories.is_empty());
    here.map(|known| account_now(known, found, history)).collect()
}

/// With the accounts of directories that do not tell just now who is logged in, as they were: that is no news of them.
fn with_untold(mut now: Vec<AccountNow>, before: Vec<AccountNow>, found: &Found) -> Vec<AccountNow> {
    let untold = found.untold();
    let is_untold =
        |account: &AccountNow| account.directories.iter().any(|directory| untold.contains(directory));
    for account in before.into_iter().filter(is_untold) {
        if !now.iter().any(|known| known.id == account.id) {
            now.push(account);
        }
    }
    now
}

/// The latest time since which a directory holds this account that held another one before.
fn since_ms(known: &AccountLimits, history: &[Holding]) -> Option<i64> {
    let since = |directory: &String| {
        let mut here = history.iter().filter(|held| held.dir == *directory).rev();
        let now = here.next().filter(|held| held.account.as_ref() == Some(&known.account.id))?;
        let is_other = |held: &Holding| held.account.as_ref().is_some_and(|id| *id != known.account.id);
        here.any(is_other).then_some(now.from_ms)
    };
    known.directories.iter().filter_map(since).max()
}

fn account_now(known: &AccountLimits, found: &Found, history: &[Holding]) -> AccountNow {
    let windows = known.windows.iter().filter_map(|it| Some((it.shown.window.clone(), it.current?)));
    let of_five_hours = || known.windows.iter().find(|it| it.shown.window == Window::FiveHour);
    AccountNow {
        id: known.account.id.clone(),
        label: label(&known.account),
        directories: found.names_of(&known.account.id),
        since_ms: since_ms(known, history),
        login: known.login,
        logged_out: known.is_logged_out,
        trouble: known.trouble,
        windows: windows.collect(),
        pace: of_five_hours().and_then(|it| it.pace),
        local: of_five_hours().and_then(|it| match it.shown.value {
            Value::Local { tokens, ends_at_ms, .. } => Some(Local { tokens, ends_at_ms }),
            _ => None,
        }),
    }
}

/// The user's own name for it, else its address, else the start of its id.
fn label(account: &KnownAccount) -> String {
    const ID: usize = 8;
    let named = [&account.name, &account.email].into_iter().find(|name| !name.is_empty());
    named.cloned().unwrap_or_else(|| account.id.account.chars().take(ID).collect())
}

fn alerts(accounts: &[AccountNow]) -> Vec<Alert> {
    let dead = accounts.iter().filter(|account| account.login.is_dead()).count();
    match dead {
        0 => Vec::new(),
        dead if dead == accounts.len() => vec![Alert::Login],
        _ => vec![Alert::OneLogin],
    }
}

/// The folders of the sessions that told something since then, as the snapshot of this path has it.
pub fn folders_at_work(snapshot: &Path, since_ms: i64) -> Vec<PathBuf> {
    let sessions = read(snapshot).unwrap_or_default().sessions;
    let at_work = sessions.into_iter().filter(|session| session.at_ms >= since_ms);
    at_work.filter_map(|session| session.dir).map(PathBuf::from).collect()
}

/// What was seen of repositories now, and of others not long ago.
fn keep_seen(before: Vec<Repository>, now: &[Repository], now_ms: i64) -> Vec<Repository> {
    let is_new = |it: &Repository| now.iter().any(|new| new.root == it.root);
    let is_old = |it: &Repository| now_ms.saturating_sub(it.seen_at_ms) > REPOSITORY_MS;
    let mut all = before;
    all.retain(|it| !is_new(it));
    all.extend_from_slice(now);
    all.retain(|it| !is_old(it));
    all
}

/// What each session told last: those with a window that is open first, of these the newest.
fn sessions(before: Vec<Observation>, told: Vec<Observation>, now_ms: i64) -> Vec<Observation> {
    let mut all = [told, before].concat();
    all.sort_by_key(|it| std::cmp::Reverse(it.at_ms));
    let is_open = |it: &Observation| {
        it.windows.iter().any(|(told, _)| told.resets_at_ms.is_some_and(|end| end > now_ms))
    };
    let mut sessions: Vec<Observation> = Vec::new();
    for it in all {
        let matters = is_open(&it) || now_ms.saturating_sub(it.at_ms) < SESSION_MS;
        if matters && !sessions.iter().any(|known| known.session == it.session) {
            sessions.push(it);
        }
    }
    sessions.sort_by_key(|it| !is_open(it));
    sessions.truncate(MOST_SESSIONS);
    sessions
}

/// The right to write a snapshot; none: another process is taking its time.
fn alone(snapshot: &Path) -> io::Result<Option<File>> {
    let folder = snapshot.parent().unwrap_or(Path::new("."));
    let mut options = OpenOptions::new();
    let lock = options.write(true).create(true).truncate(false).mode(0o600).open(folder.join(LOCK))?;
    let mut waited = Duration::ZERO;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(Some(lock)),
            Err(TryLockError::WouldBlock) if waited < PATIENCE => {
                std::thread::sleep(TURN);
                waited += TURN;
            }
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// The snapshot that is there.
fn read(path: &Path) -> Option<Snapshot> {
    // A pipe of that name would be waited for.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES as u64).read_to_end(&mut bytes).ok()?;
    Snapshot::read(&bytes)
}

/// Whoever reads meanwhile has the old one or the new one. It is not forced to the disk: its checksum tells a torn one,
/// and the next command writes it again.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::Builder::new().prefix(".snapshot.").tempfile_in(folder)?;
    new.write_all(bytes)?;
    new.persist(path).map(drop).map_err(|error| error.error)
}
