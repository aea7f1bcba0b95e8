//! `cco daemon run`: the daemon itself, in the foreground.
//!
//! Owns what the daemon is made of: settings, places, the clock. They are read anew whenever it asks.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use cco_daemon::lock::{About, Claim, Instance};
use cco_daemon::{Http, Means, Settings, Setup, log};
use cco_engine::limits::{AccountLimits, Asked, KnownAccount};
use cco_engine::snapshot::Stamp;
use cco_engine::{Engine, EngineError, LedgerPlace};
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
    let (stamp, config) = (stamp_of(folder), load(folder, env)?);
    for warning in config.warnings.iter().chain(&config.idle) {
        out.warning(warning);
        log::warn(&folder.join(LOGS), env.now, warning);
    }
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
    let setup = Made::of(stamp, config, folder, env).setup(args);
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

/// Settings that a daemon can follow.
fn load(folder: &Path, env: &Env) -> Result<Config, CliError> {
    let mut config = Config::load(home::config_file(Some(folder)).as_deref(), env)?;
    config.refused().into_iter().try_for_each(Err)?;
    keys::daemon::listen(&config).map_err(|wrong| CliError::usage(wrong.message).hint(wrong.hint))?;
    // What is wrong with how the service is asked is said once, and not every 15 seconds in a log.
    places::asking(env, &config, Some(folder))?;
    Ok(config)
}

/// What the daemon is made of.
struct Made {
    env: Env,
    folder: PathBuf,
    /// The settings as they were when it began.
    first: Arc<Config>,
    /// Where it listens.
    listen: SocketAddr,
    read: Mutex<Read>,
}

/// The settings as they were read last.
#[derive(Clone)]
struct Read {
    /// The state of their file.
    stamp: Option<Stamp>,
    /// Of that file, or of one before, where that one is wrong.
    config: Arc<Config>,
    http: Arc<Http>,
    /// Why the file is not followed.
    wrong: Option<String>,
}

impl Read {
    fn of(stamp: Option<Stamp>, config: Arc<Config>, listen: SocketAddr, env: &Env) -> Self {
        let http = Arc::new(keys::daemon::http(&config, listen, zone_of(&config, env)));
        Self { stamp, config, http, wrong: None }
    }
}

impl Made {
    fn of(stamp: Option<Stamp>, config: Config, folder: &Path, env: &Env) -> Self {
        let first = Arc::new(config);
        let listen = keys::daemon::listen(&first).unwrap_or(keys::daemon::DEFAULT);
        let read = Mutex::new(Read::of(stamp, Arc::clone(&first), listen, env));
        Self { env: env.clone(), folder: folder.to_owned(), first, listen, read }
    }

    fn setup(self, args: &RunArgs) -> Setup {
        let is_aloud = !args.background;
        let (state, logs) = (places::state(&self.folder), self.folder.join(LOGS));
        let debounce = keys::daemon::debounce(&self.first);
        let listen = self.listen;
        let made = Arc::new(self);
        let (opens, settles, answers, asks, tells, clocks) = (
            Arc::clone(&made),
            Arc::clone(&made),
            Arc::clone(&made),
            Arc::clone(&made),
            Arc::clone(&made),
            made,
        );
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
            debounce,
            listen,
            http: Arc::new(move || answers.read().http),
        }
    }

    fn now(&self) -> Timestamp {
        env::later().unwrap_or(self.env.now)
    }

    fn env(&self) -> Env {
        Env { now: self.now(), ..self.env.clone() }
    }

    /// The settings; those before where the file cannot be read now, or says something that cannot be followed.
    fn read(&self) -> Read {
        let stamp = stamp_of(&self.folder);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.stamp != stamp {
            match load(&self.folder, &self.env) {
                Ok(config) => *read = Read::of(stamp, Arc::new(config), self.listen, &self.env),
                Err(error) => (read.stamp, read.wrong) = (stamp, Some(error.message)),
            }
        }
        read.clone()
    }

    fn config(&self) -> Arc<Config> {
        self.read().config
    }

    fn engine(&self) -> Result<Engine, EngineError> {
        let (env, config) = (self.env(), self.config());
        let roots = Roots::find(&env, &config, Some(&self.folder));
        let ledger = self.ledger(&env, &config);
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

    /// A file, whatever the state of its folder: a ledger in memory would answer that there were no calls. Our own
    /// folder was there when the daemon began, and is not made again where somebody took it away.
    fn ledger(&self, env: &Env, config: &Config) -> LedgerPlace {
        if config.text(keys::stats::DATABASE_PATH).is_some() {
            return home::ledger_place(Some(&self.folder), config, env).0;
        }
        home::ledger_path(Some(&self.folder), config, env).map_or(LedgerPlace::Memory, LedgerPlace::File)
    }

    fn settings(&self) -> Settings {
        let (env, Read { stamp, config, wrong, .. }) = (self.env(), self.read());
        let roots = Roots::find(&env, &config, Some(&self.folder));
        let spool = places::state(&self.folder).join(crate::statusline::SPOOL);
        let transcripts = roots.usable.iter().map(|root| root.join(PROJECTS));
        let file = home::config_file(Some(&self.folder));
        let absent = roots.missing.iter().map(|root| root.projects.clone());
        Settings {
            stamp,
            wrong,
            waiting: keys::daemon::waiting(&self.first, &config),
            snapshot: Some(app::snapshot_setup(&env, &config, config.zone(), &self.folder)),
            watched: transcripts.chain(absent).chain([spool]).chain(file).collect(),
            missing: roots.missed(),
            roots: roots.usable.clone(),
        }
    }

    fn means(&self) -> Means {
        let config = self.config();
        Means {
            asking: places::asking(&self.env(), &config, Some(&self.folder)).ok().flatten(),
            is_allowed: config.flag(keys::limits::ENDPOINT) == Some(true),
            share: config.flag(keys::limits::SHARE) == Some(true),
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
