//! `cco daemon run`: the daemon itself, in the foreground.
//!
//! Owns what the daemon is made of: settings, places, the clock. They are read anew whenever it asks.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use cco_daemon::lock::{About, Claim, Instance};
use cco_daemon::{Means, Settings, Setup, log};
use cco_engine::limits::{AccountLimits, Asked, KnownAccount};
use cco_engine::snapshot::Stamp;
use cco_engine::{Engine, EngineError};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::process::{Resource, Rlimit, setrlimit};

use super::LOGS;
use crate::app;
use crate::args::RunArgs;
use crate::choose;
use crate::commands::alarm::Alarm;
use crate::config::{Config, keys};
use crate::env::{self, Env};
use crate::error::{CliError, Exit, why};
use crate::notify::Desktop;
use crate::print::Output;
use crate::print::limits::renewal;
use crate::roots::Roots;
use crate::statusline::stamp_of;
use crate::{home, places, zone};

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The folder of transcripts in a root.
const PROJECTS: &str = "projects";

/// Runs until it is told to end. Whoever looks into the log alone finds there why it could not.
pub(in crate::commands) fn run(
    args: &RunArgs,
    folder: &Path,
    env: &Env,
    out: &mut Output,
) -> Result<Exit, CliError> {
    let ran = serve(args, folder, env, out);
    if let Err(error) = &ran {
        let hints = error.hints.iter().map(|hint| format!(" ({hint})"));
        let words = format!("it cannot run: {}{}", error.message, hints.collect::<String>());
        log::warn(&folder.join(LOGS), env.now, &words);
    }
    ran
}

fn serve(args: &RunArgs, folder: &Path, env: &Env, out: &mut Output) -> Result<Exit, CliError> {
    home::make_writable(folder).map_err(|error| {
        CliError::failed(format!("cannot write to {}: {}", folder.display(), why(&error)))
    })?;
    let mut config = Config::load(home::config_file(Some(folder)).as_deref(), env)?;
    config.refused().into_iter().try_for_each(Err)?;
    for warning in config.warnings.iter().chain(&config.idle) {
        out.warning(warning);
        log::warn(&folder.join(LOGS), env.now, warning);
    }
    let http =
        keys::daemon::http(&config).map_err(|wrong| CliError::usage(wrong.message).hint(wrong.hint))?;
    let zone = zone_of(&config, env);
    // What is wrong with how the service is asked is said now, and not once every 15 seconds in a log.
    places::asking(env, &config, Some(folder))?;
    keep_memory_private();

    let state = places::state(folder);
    let about = About {
        pid: std::process::id(),
        version: VERSION.to_owned(),
        since_ms: env.now.as_millisecond(),
        leaves_when_idle: args.idle,
        ..About::default()
    };
    let claim = Instance::claim(&state, about)
        .map_err(|error| CliError::failed(format!("{}: {}", state.display(), why(&error))))?;
    let instance = match claim {
        Claim::Ours(instance) => instance,
        Claim::Taken(about) => {
            out.note(&format!("a daemon runs already{}", super::in_brackets(about.as_ref())));
            return Ok(Exit::Done);
        }
    };
    let made = Made { env: env.clone(), folder: folder.to_owned(), read: Mutex::new(None) };
    let debounce = keys::daemon::debounce(&config);
    let setup = made.setup(args, zone, http, debounce);
    cco_daemon::run(setup, instance).map_err(|error| {
        CliError::failed(error.to_string()).hint("`cco daemon logs` says what happened before")
    })?;
    Ok(Exit::Done)
}

/// Nothing of it is left on the disk when it crashes, and no other program of this user looks into it: it holds logins
/// while it asks with them.
fn keep_memory_private() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// What the daemon is made of.
struct Made {
    env: Env,
    folder: PathBuf,
    /// The settings as they were read last, with the state of their file.
    read: Mutex<Option<(Option<Stamp>, Arc<Config>)>>,
}

impl Made {
    fn setup(
        self,
        args: &RunArgs,
        zone: TimeZone,
        http: cco_daemon::Http,
        debounce: std::time::Duration,
    ) -> Setup {
        let is_aloud = !args.background;
        let (state, logs) = (places::state(&self.folder), self.folder.join(LOGS));
        let made = Arc::new(self);
        let (opens, settles, asks, tells, clocks) =
            (Arc::clone(&made), Arc::clone(&made), Arc::clone(&made), Arc::clone(&made), made);
        Setup {
            state,
            logs,
            version: VERSION.to_owned(),
            is_aloud,
            leaves_when_idle: args.idle,
            open: Arc::new(move || opens.engine()),
            settings: Arc::new(move || settles.settings()),
            means: Arc::new(move || asks.means()),
            tell_limits: Box::new(move |limits, asked, known| tells.tell(limits, asked, known)),
            clock: Arc::new(move || clocks.now()),
            zone,
            debounce,
            http,
        }
    }

    fn now(&self) -> Timestamp {
        env::later().unwrap_or(self.env.now)
    }

    fn env(&self) -> Env {
        Env { now: self.now(), ..self.env.clone() }
    }

    /// The settings; those before where the file cannot be read now, or says something that cannot be followed.
    fn config(&self) -> Arc<Config> {
        let stamp = stamp_of(&self.folder);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        match &*read {
            Some((known, config)) if *known == stamp => return Arc::clone(config),
            _ => {}
        }
        let loaded = Config::load(home::config_file(Some(&self.folder)).as_deref(), &self.env);
        let before = read.take().map(|(_, config)| config);
        let config = match (loaded, before) {
            (Ok(config), _) => Arc::new(config),
            (Err(_), Some(before)) => before,
            (Err(_), None) => Arc::new(Config::defaults()),
        };
        *read = Some((stamp, Arc::clone(&config)));
        config
    }

    fn engine(&self) -> Result<Engine, EngineError> {
        let (env, config) = (self.env(), self.config());
        let roots = Roots::find(&env, &config, Some(&self.folder));
        let (ledger, _) = home::ledger_place(Some(&self.folder), &config, &env);
        let zone = zone_of(&config, &env);
        Engine::open(app::engine_setup(
            &env,
            &config,
            Some(&self.folder),
            ledger,
            &roots,
            (app::ledger_zone(&config), &zone),
        ))
    }

    fn settings(&self) -> Settings {
        let (env, config) = (self.env(), self.config());
        let roots = Roots::find(&env, &config, Some(&self.folder));
        let spool = places::state(&self.folder).join(crate::statusline::SPOOL);
        let transcripts = roots.usable.iter().map(|root| root.join(PROJECTS));
        Settings {
            stamp: stamp_of(&self.folder),
            snapshot: Some(app::snapshot_setup(&env, &config, config.zone(), &self.folder)),
            watched: transcripts.chain([spool]).collect(),
            roots: roots.usable.clone(),
        }
    }

    fn means(&self) -> Means {
        let config = self.config();
        Means {
            asking: places::asking(&self.env(), &config, Some(&self.folder)).ok().flatten(),
            is_allowed: config.flag(keys::ENDPOINT) == Some(true),
            share: config.flag(keys::SHARE) == Some(true),
        }
    }

    /// Raises the alarm where no login works any more, and says what came of renewing logins.
    fn tell(&self, limits: &[AccountLimits], asked: &Asked, known: &[KnownAccount]) -> Vec<String> {
        let now = self.now().to_zoned(zone_of(&self.config(), &self.env));
        let desktop = Desktop { search: self.env.search_path.clone() };
        Alarm { state: Some(places::state(&self.folder)), desktop }.raise(limits, &now);
        let said = asked.renewals.iter().filter_map(|renewal| {
            let account = known.iter().find(|known| known.id == renewal.account);
            let label = account.map_or_else(|| renewal.account.to_string(), choose::account_label);
            renewal::said(renewal, &label, &now)
        });
        said.map(|said| said.words().to_owned()).collect()
    }
}

fn zone_of(config: &Config, env: &Env) -> TimeZone {
    config.zone().or_else(|| zone::system(env.tz.as_deref()).ok()).unwrap_or(TimeZone::UTC)
}
