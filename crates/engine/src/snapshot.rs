//! The snapshot for status lines: what is known now, in one small file.
//!
//! Owns what goes into it and when something of the one before stays. Must not: draw a line, or know where settings and
//! zones come from.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use cco_model::civil;
use cco_model::limit::Window;
use cco_model::limit::shown::Value;
use cco_statusline::settings::Settings;
use cco_statusline::snapshot::{
    AccountNow, Alert, BlockNow, Clock, Local, MOST_BYTES, MOST_SESSIONS, Snapshot, Stamp, Today,
};
use cco_statusline::spool::Observation;
use jiff::tz::TimeZone;

use crate::limits::{AccountLimits, Found, KnownAccount};
use crate::report::{Filter, Only, Period};
use crate::{Engine, EngineError};

/// Sessions that told nothing for so long are forgotten, in milliseconds.
const SESSION_MS: i64 = 24 * 3_600_000;

/// Where a snapshot goes, and what others say that belongs in it.
#[derive(Clone, Debug)]
pub struct SnapshotSetup {
    /// Its file.
    pub path: PathBuf,
    /// How lines are drawn.
    pub settings: Settings,
    /// The state of `config.toml` that says so.
    pub config: Option<Stamp>,
    /// The user's clock.
    pub clock: Clock,
    /// Whose days count.
    pub zone: TimeZone,
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
    /// Writes the snapshot anew. What this engine has not looked at since it was opened stays as it was: the totals
    /// without a scan, the accounts without a look.
    pub fn leave_snapshot(&mut self, setup: &SnapshotSetup) -> Result<(), SnapshotError> {
        let before = read(&setup.path).unwrap_or_default();
        let snapshot = self.snapshot(setup, before)?;
        write(&setup.path, &snapshot.to_bytes())
            .map_err(|error| SnapshotError::Write { path: setup.path.clone(), error })
    }

    fn snapshot(&mut self, setup: &SnapshotSetup, before: Snapshot) -> Result<Snapshot, EngineError> {
        let now_ms = self.now.as_millisecond();
        let mut snapshot = Snapshot {
            written_at_ms: now_ms,
            settings: setup.settings.clone(),
            config: setup.config,
            zone: setup.clock.clone(),
            ..before
        };
        if self.counted {
            snapshot.counted_at_ms = Some(now_ms);
            snapshot.today = Some(self.today(&setup.zone)?);
            snapshot.block = self.block_now()?;
        }
        if let Some(found) = &self.found {
            let limits = self.limits(found, &self.troubles, &setup.zone)?;
            snapshot.accounts = accounts_now(&limits, found);
            snapshot.alerts = alerts(&snapshot.accounts);
        }
        snapshot.sessions = sessions(snapshot.sessions, std::mem::take(&mut self.told), now_ms);
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
                tokens_per_minute: block.burn_rate.map(|rate| rate.milli_tokens_per_minute / 1_000),
            })
        }))
    }
}

/// Those that this machine is logged in with.
fn accounts_now(limits: &[AccountLimits], found: &Found) -> Vec<AccountNow> {
    limits
        .iter()
        .filter(|known| !known.directories.is_empty())
        .map(|known| account_now(known, found))
        .collect()
}

fn account_now(known: &AccountLimits, found: &Found) -> AccountNow {
    let windows = known.windows.iter().filter_map(|it| Some((it.shown.window.clone(), it.current?)));
    let of_five_hours = || known.windows.iter().find(|it| it.shown.window == Window::FiveHour);
    AccountNow {
        id: known.account.id.clone(),
        label: label(&known.account),
        directories: found.names_of(&known.account.id),
        login: known.login,
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

/// What each session told last, the newest first.
fn sessions(before: Vec<Observation>, told: Vec<Observation>, now_ms: i64) -> Vec<Observation> {
    let mut all = [told, before].concat();
    all.sort_by_key(|it| std::cmp::Reverse(it.at_ms));
    let mut sessions: Vec<Observation> = Vec::new();
    for it in all.into_iter().filter(|it| now_ms.saturating_sub(it.at_ms) < SESSION_MS) {
        if sessions.len() < MOST_SESSIONS && !sessions.iter().any(|known| known.session == it.session) {
            sessions.push(it);
        }
    }
    sessions
}

/// The snapshot that is there.
fn read(path: &Path) -> Option<Snapshot> {
    let file = File::open(path).ok().filter(|file| file.metadata().is_ok_and(|about| about.is_file()))?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES as u64).read_to_end(&mut bytes).ok()?;
    Snapshot::read(&bytes)
}

/// Whoever reads meanwhile has the old one or the new one. It is not forced to the disk: its checksum tells a torn one,
/// and the next command writes it again.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let made = || tempfile::Builder::new().prefix(".snapshot.").tempfile_in(folder);
    let mut new = made().or_else(|error| {
        cco_limits::store::make_folder(folder)?;
        made().map_err(|_| error)
    })?;
    new.write_all(bytes)?;
    new.persist(path).map(drop).map_err(|error| error.error)
}
