//! How a run is set: the layers of settings in their order, and what they make of engine and snapshot.

use std::path::{Path, PathBuf};

use cco_engine::snapshot::SnapshotSetup;
use cco_engine::{LedgerPlace, Setup};
use jiff::tz::TimeZone;

use crate::args::{CommonArgs, CostMode};
use crate::config::{Config, Source, keys};
use crate::env::Env;
use crate::error::CliError;
use crate::print::Output;
use crate::roots::Roots;
use crate::{home, places, statusline, zone};

/// Where `cco` lives and how it is set.
pub(super) struct Settings {
    pub(super) folder: Option<PathBuf>,
    pub(super) config: Config,
    pub(super) ledger_zone: TimeZone,
    /// Of the user's clock, whatever zone this run reports in; none: the system's.
    pub(super) clock_zone: Option<TimeZone>,
}

impl Settings {
    /// Reads the layers. Made-up data needs none of them: there, what is wrong with them is only told.
    pub(super) fn read(args: &CommonArgs, env: &Env, out: &mut Output) -> Result<Self, CliError> {
        let mut forgive = |error: CliError| {
            if !args.demo {
                return Err(error);
            }
            out.warning(&error.message);
            error.hints.iter().for_each(|hint| out.hint(hint));
            Ok(())
        };
        let folder = match home::folder(env) {
            Ok(folder) => folder,
            Err(error) => forgive(error).map(|()| None)?,
        };
        let mut config = match Config::load(home::config_file(folder.as_deref()).as_deref(), env) {
            Ok(config) => config,
            Err(error) => forgive(error).map(|()| Config::defaults())?,
        };
        let ledger_zone = ledger_zone(&config);
        let clock_zone = config.zone();
        if let Some(zone) = &args.timezone {
            config.set(keys::stats::TIMEZONE, zone, Source::Flag("--timezone"))?;
        }
        config.refused().into_iter().try_for_each(forgive)?;
        config.warnings.iter().chain(&config.idle).for_each(|warning| out.warning(warning));
        Ok(Self { folder, config, ledger_zone, clock_zone })
    }
}

/// What an engine is made of. The zones: of a new ledger's days, and of times that were typed.
pub(crate) fn engine_setup(
    env: &Env,
    config: &Config,
    folder: Option<&Path>,
    ledger: LedgerPlace,
    roots: &Roots,
    (ledger_zone, zone): (TimeZone, &TimeZone),
) -> Setup {
    Setup {
        ledger,
        roots: roots.usable.clone(),
        user_home: env.home.clone(),
        ledger_zone,
        prices: config.price_list(),
        threads: env.threads,
        now: env.now,
        places: places::places(env, config, folder, &roots.config_dirs(), zone),
    }
}

/// The zone of a new ledger's days.
pub(crate) fn ledger_zone(config: &Config) -> TimeZone {
    config.lasting_zone().unwrap_or_else(zone::machine)
}

/// Says what is not as somebody may believe who asks for another way of costs, or has prices of his own.
pub(super) fn tell_of_prices(args: &CommonArgs, config: &Config, out: &mut Output) {
    if args.mode == Some(CostMode::Display) {
        out.note("--mode display shows what the other modes show: costs are always worked out from tokens");
    }
    let prices = config.price_list();
    for (warning, hint) in config.prices.iter().filter_map(|own| own.complaint(&prices)) {
        out.warning(&warning);
        out.hint(&hint);
    }
}

/// What the snapshot for status lines needs beside the ledger. `zone`: the user's; none: the system's.
pub(crate) fn snapshot_setup(
    env: &Env,
    config: &Config,
    zone: Option<TimeZone>,
    folder: &Path,
) -> SnapshotSetup {
    let zone = zone.or_else(|| zone::system(env.tz.as_deref()).ok()).unwrap_or(TimeZone::UTC);
    SnapshotSetup {
        path: places::state(folder).join(statusline::SNAPSHOT),
        settings: statusline::settings(config),
        config: statusline::stamp_of(folder),
        autostart: keys::daemon::autostart(config, env),
        clock: statusline::clock(&zone, env),
        zone,
    }
}

pub(super) fn ledger(folder: Option<&Path>, config: &Config, env: &Env, out: &mut Output) -> LedgerPlace {
    let (place, warning) = home::ledger_place(folder, config, env);
    if let Some(warning) = warning {
        out.warning(&warning);
    }
    place
}

/// The system's zone; UTC where the system does not tell, with a word only when it tried to.
pub(super) fn system_zone(env: &Env, out: &mut Output) -> TimeZone {
    zone::system(env.tz.as_deref()).unwrap_or_else(|_| {
        if let Some(tz) = &env.tz {
            let tz = tz.to_string_lossy();
            out.warning(&format!("TZ is {tz:?}, which is no time zone known here; days are those of UTC"));
            out.hint(&keys::stats::zone_hint(&tz));
        }
        TimeZone::UTC
    })
}
