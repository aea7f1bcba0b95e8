//! How a line is drawn: settings and time zone, from the snapshot while they still hold, else from where they stand.
//!
//! Reading them costs more than all the rest (TOML 0.2 ms, a zone 1 ms), so whoever writes a snapshot puts them in.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use cco_statusline::settings::Settings;
use cco_statusline::snapshot::{Clock, Snapshot, Stamp};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::config::{Config, keys};
use crate::env::Env;
use crate::{home, zone};

/// How far ahead a clock is written down.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 400);
/// Changes of the offset that are written down: more than two years of them.
const CHANGES: usize = 6;

/// How to draw.
pub(crate) struct How {
    /// The settings.
    pub(crate) settings: Settings,
    /// The zone; none: the snapshot tells the time.
    pub(crate) zone: Option<TimeZone>,
    /// `config.toml` is there, and cannot be followed in full.
    pub(crate) is_config_wrong: bool,
    /// The daemon is started where none runs.
    pub(crate) autostart: bool,
}

impl How {
    /// As the snapshot says, as long as nothing has changed since. A file that cannot be read changes nothing.
    pub(super) fn find(env: &Env, folder: Option<&Path>, snapshot: Option<&Snapshot>) -> Self {
        let stamp = folder.and_then(stamp_of);
        if let Some(known) = snapshot.filter(|known| known.config == stamp) {
            let tells = known.zone.tells(&told(env), env.now.as_millisecond());
            let read = || Config::load(home::config_file(folder).as_deref(), env).ok();
            let zone = if tells { None } else { Some(zone_of(read().as_ref(), env)) };
            let (settings, autostart) = (known.settings.clone(), known.autostart);
            return Self { settings, zone, is_config_wrong: false, autostart };
        }
        match Config::load(home::config_file(folder).as_deref(), env) {
            Ok(mut config) => Self {
                settings: settings(&config),
                zone: Some(zone_of(Some(&config), env)),
                is_config_wrong: !config.refused().is_empty(),
                autostart: keys::daemon::autostart(&config, env),
            },
            Err(_) => Self {
                settings: snapshot.map(|known| known.settings.clone()).unwrap_or_default(),
                zone: Some(zone_of(None, env)),
                is_config_wrong: true,
                autostart: false,
            },
        }
    }
}

/// What `[statusline]` sets.
pub(crate) fn settings(config: &Config) -> Settings {
    keys::statusline::settings(config)
}

/// The state of `config.toml`; none where there is none.
pub(crate) fn stamp_of(folder: &Path) -> Option<Stamp> {
    let about = home::config_file(Some(folder))?.metadata().ok().filter(Metadata::is_file)?;
    let changed_ns = i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec());
    Some(Stamp { size: about.len(), changed_ns, inode: about.ino() })
}

/// A zone as a snapshot has it.
pub(crate) fn clock(zone: &TimeZone, env: &Env) -> Clock {
    let now = env.now;
    let offset = |at: Timestamp| zone.to_offset(at).seconds();
    let until = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
    let changes: Vec<Timestamp> = zone
        .following(now)
        .map(|change| change.timestamp())
        .take_while(|at| *at < until)
        .take(CHANGES + 1)
        .collect();
    let known = if changes.len() > CHANGES { changes[CHANGES] } else { until };
    // A day of this block may have begun before now.
    let since = now.as_millisecond() - 24 * 3_600_000;
    let mut offsets = vec![(since, offset(now))];
    offsets.extend(changes.iter().take(CHANGES).map(|at| (at.as_millisecond(), offset(*at))));
    Clock { told: told(env), offsets, until_ms: known.as_millisecond() }
}

/// What the environment says of the zone.
fn told(env: &Env) -> String {
    let own = env.timezone.as_deref().unwrap_or_default();
    match &env.tz {
        Some(tz) => format!("{}\n{own}", tz.to_string_lossy()),
        // Whoever moves the machine to another zone changes what this link leads to.
        None => format!("{}\n{own}", zone::local_name().unwrap_or_default()),
    }
}

fn zone_of(config: Option<&Config>, env: &Env) -> TimeZone {
    let set = config.and_then(Config::zone);
    set.or_else(|| zone::system(env.tz.as_deref()).ok()).unwrap_or(TimeZone::UTC)
}
