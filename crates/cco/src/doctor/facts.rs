//! Everything that the checks are about, looked at once.
//!
//! Owns the looking. Must not: judge; make, change or mend anything; end because something is missing.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use cco_engine::health::{Health, Step, Transcripts, sqlite, transcripts};
use cco_engine::limits::{check_up, share};
use cco_engine::{Engine, LedgerPlace, Setup};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::claude::{Retention, retention};
use super::daemon::{self, DaemonFacts};
use super::limits::LimitsFacts;
use super::statusline::{self, StatusLineFacts};
use crate::args::CommonArgs;
use crate::config::check::{Checked, check};
use crate::config::{Config, Source, keys};
use crate::env::Env;
use crate::error::{CliError, why};
use crate::notify::Said;
use crate::roots::Roots;
use crate::{home, places, zone};

/// The files of ours that may lie in the home folder.
const OUR_FILES: &[&str] =
    &["config.toml", "ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db-journal", "ledger.journal"];

/// All facts.
pub(crate) struct Facts {
    /// The present.
    pub(crate) now: Timestamp,
    /// Our own folder.
    pub(crate) home: Home,
    /// Whose user this is.
    pub(crate) user: u32,
    /// Our folder and the files in it, those that are there.
    pub(crate) ours: Vec<Ours>,
    /// Bytes free for the ledger; none: there is no such place.
    pub(crate) room: Option<Result<u64, String>>,
    /// The settings; an error: the file cannot be read at all.
    pub(crate) config: Result<Checked, CliError>,
    /// Where transcripts are looked for.
    pub(crate) roots: Roots,
    /// What lies there.
    pub(crate) transcripts: Transcripts,
    /// How long Claude Code keeps transcripts, by root.
    pub(crate) retention: Vec<(PathBuf, Retention)>,
    /// The zone of reports, and where it was set; an error: what is wrong with it, and what to do.
    pub(crate) zone: Result<(String, String), (String, String)>,
    /// There are zone files.
    pub(crate) zone_data: bool,
    /// SQLite's version, the oldest that will do, and whether this one will.
    pub(crate) sqlite: (&'static str, &'static str, bool),
    /// Of accounts and limits, what files and settings tell.
    pub(crate) limits: LimitsFacts,
    /// Of the status line, what settings and files tell.
    pub(crate) statusline: StatusLineFacts,
    /// Of the daemon, what it and its files tell.
    pub(crate) daemon: DaemonFacts,
    /// The ledger.
    pub(crate) ledger: LedgerState,
}

/// Our own folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// There is no place for it: neither variable is set.
    Nowhere,
    /// It is named in a way that cannot be used: what is wrong, and what to do.
    Wrong(CliError),
    /// It is there and can be written.
    Writable(PathBuf),
    /// It is not there; the first run makes it, unless there is a reason why it cannot.
    Absent(PathBuf, Option<String>),
    /// It cannot be written.
    Refused(PathBuf, String),
}

/// A file or folder of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ours {
    /// Where.
    pub(crate) path: PathBuf,
    /// Who may do what.
    pub(crate) mode: u32,
    /// Whose it is.
    pub(crate) owner: u32,
    /// It is a folder.
    pub(crate) is_folder: bool,
}

/// The ledger, or why there is none.
pub(crate) enum LedgerState {
    /// There is no place for it, or the settings that would name it cannot be used.
    Nowhere,
    /// It is not there yet.
    Absent(PathBuf),
    /// It cannot be opened: why, and what to do.
    Refused(CliError),
    /// It is open.
    Open(PathBuf, Box<Health>),
}

impl Facts {
    /// Looks at everything.
    pub(crate) fn gather(
        common: &CommonArgs,
        deep: bool,
        env: &Env,
        step: &mut dyn FnMut(Step),
    ) -> Result<Self, CliError> {
        let (folder, wrong) = match home::folder(env) {
            Ok(folder) => (folder, None),
            Err(error) => (None, Some(error)),
        };
        let path = home::config_file(folder.as_deref());
        let checked = check(path.as_deref(), env);
        let mut config = Config::load(path.as_deref(), env).unwrap_or_else(|_| Config::defaults());
        if let Some(zone) = &common.timezone {
            config.set(keys::stats::TIMEZONE, zone, Source::Flag("--timezone"))?;
        }
        let roots = Roots::find(env, &config, folder.as_deref());
        let ledger = home::ledger_path(folder.as_deref(), &config, env);
        let home = look_at_home(folder.clone(), wrong);
        let usable = checked.as_ref().is_ok_and(|checked| checked.errors.is_empty());
        // Reports leave a ledger alone that lies in a folder where nothing can be written.
        let lost = matches!(home, Home::Refused(..) | Home::Absent(_, Some(_)))
            && config.text(keys::stats::DATABASE_PATH).is_none();
        Ok(Self {
            now: env.now,
            user: rustix::process::geteuid().as_raw(),
            ours: ours(folder.as_deref(), ledger.as_deref()),
            room: ledger.as_deref().map(room),
            transcripts: transcripts(&roots.usable),
            retention: roots.usable.iter().map(|root| (root.clone(), retention(root))).collect(),
            zone: report_zone(&config, env),
            zone_data: jiff::tz::db().available().next().is_some(),
            sqlite: sqlite(),
            limits: limits(env, &config, folder.as_deref(), &roots),
            statusline: statusline::look(&roots.config_dirs(), folder.as_deref(), env),
            daemon: daemon::look(folder.as_deref(), env),
            ledger: match ledger {
                Some(path) if !lost => match open(path, &config, &roots, env, deep, step) {
                    // The settings may name another place.
                    LedgerState::Absent(_) if !usable => LedgerState::Nowhere,
                    state => state,
                },
                _ => LedgerState::Nowhere,
            },
            home,
            config: checked,
            roots,
        })
    }
}

fn limits(env: &Env, config: &Config, folder: Option<&Path>, roots: &Roots) -> LimitsFacts {
    let zone = config.zone().or_else(|| zone::system(env.tz.as_deref()).ok()).unwrap_or(TimeZone::UTC);
    let places = places::places(env, config, folder, &roots.config_dirs(), &zone);
    let now_ms = env.now.as_millisecond();
    let mut files = check_up::files(&places, folder.map(places::state).as_deref(), now_ms);
    let is_shared = config.flag(keys::limits::SHARE) == Some(true);
    if is_shared {
        files.shared = share::shared_files(&places, now_ms);
    }
    LimitsFacts {
        files,
        is_shared,
        has_key_store: places.has_key_store,
        managed: places::managed(config),
        has_client_id: config.text(keys::limits::CLIENT_ID).is_some(),
        said: folder.and_then(|folder| Said::read(&places::state(folder))),
        allowed: config.flag(keys::limits::ENDPOINT),
        base: places::base(config).map(|base| base.to_string()).map_err(|(why, _)| why),
        zone,
    }
}

fn look_at_home(folder: Option<PathBuf>, wrong: Option<CliError>) -> Home {
    let folder = match (folder, wrong) {
        (_, Some(error)) => return Home::Wrong(error),
        (None, None) => return Home::Nowhere,
        (Some(folder), None) => folder,
    };
    match fs::metadata(&folder) {
        Ok(found) if !found.is_dir() => Home::Refused(folder, "it is a file, not a folder".to_owned()),
        // Permissions alone do not tell: the file system may be read-only or full. The file has no name and is gone.
        Ok(_) => match tempfile::tempfile_in(&folder) {
            Ok(_) => Home::Writable(folder),
            Err(error) => Home::Refused(folder, why(&error)),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let reason = cannot_be_made(&folder);
            Home::Absent(folder, reason)
        }
        Err(error) => Home::Refused(folder, why(&error)),
    }
}

/// Why a folder that is not there cannot be made.
fn cannot_be_made(folder: &Path) -> Option<String> {
    if folder.symlink_metadata().is_ok() {
        return Some("it is a link that leads nowhere".to_owned());
    }
    let above = nearest_that_is_there(folder);
    if !above.is_dir() {
        return Some(format!("{} is not a folder", above.display()));
    }
    let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    let refused = rustix::fs::access(above, access).err()?;
    Some(format!("{}: {}", above.display(), why(&refused.into())))
}

fn nearest_that_is_there(path: &Path) -> &Path {
    path.ancestors().find(|above| above.symlink_metadata().is_ok()).unwrap_or(Path::new("/"))
}

fn ours(folder: Option<&Path>, ledger: Option<&Path>) -> Vec<Ours> {
    let mut paths: Vec<PathBuf> = Vec::new();
    if let Some(folder) = folder {
        paths.push(folder.to_owned());
        paths.extend(OUR_FILES.iter().map(|name| folder.join(name)));
    }
    paths.extend(
        ledger
            .filter(|ledger| !paths.iter().any(|path| path == ledger))
            .map(Path::to_owned)
            .into_iter()
            .collect::<Vec<_>>(),
    );
    let look = |path: PathBuf| {
        let found = fs::metadata(&path).ok()?;
        // Something else of that name is told by whoever wants to read it.
        if found.is_dir() != (Some(path.as_path()) == folder) {
            return None;
        }
        Some(Ours { path, mode: found.mode() & 0o777, owner: found.uid(), is_folder: found.is_dir() })
    };
    paths.into_iter().filter_map(look).collect()
}

fn room(ledger: &Path) -> Result<u64, String> {
    let place = nearest_that_is_there(ledger);
    let found =
        rustix::fs::statvfs(place).map_err(|error| format!("{}: {}", place.display(), why(&error.into())))?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// The zone of reports: as a report would take it.
fn report_zone(config: &Config, env: &Env) -> Result<(String, String), (String, String)> {
    if let Some(zone) = config.text(keys::stats::TIMEZONE)
        && keys::stats::zone(zone.value).is_some()
    {
        return Ok((zone.value.to_owned(), zone.source.to_string()));
    }
    let source = if env.tz.is_some() { "TZ" } else { "the system's" };
    let name = |zone: &jiff::tz::TimeZone| zone.iana_name().unwrap_or("one without a name").to_owned();
    match (zone::system(env.tz.as_deref()), &env.tz) {
        (Ok(zone), _) => Ok((name(&zone), source.to_owned())),
        (Err(_), Some(tz)) => {
            let tz = tz.to_string_lossy();
            Err((
                format!("TZ is {tz:?}, which is no time zone known here; days are those of UTC"),
                keys::stats::zone_hint(&tz),
            ))
        }
        (Err(_), None) => Err((
            "the system does not say which time zone it has; days are those of UTC".to_owned(),
            "`cco config set stats.timezone Europe/Berlin`, or another one, settles it".to_owned(),
        )),
    }
}

fn open(
    path: PathBuf,
    config: &Config,
    roots: &Roots,
    env: &Env,
    deep: bool,
    step: &mut dyn FnMut(Step),
) -> LedgerState {
    // An empty file is one that was about to become a ledger; opening it would make one.
    match fs::metadata(&path) {
        Ok(found) if found.is_file() && found.len() == 0 => return LedgerState::Absent(path),
        Err(error) if error.kind() == ErrorKind::NotFound && path.symlink_metadata().is_err() => {
            return LedgerState::Absent(path);
        }
        _ => {}
    }
    let engine = Engine::look(Setup {
        ledger: LedgerPlace::File(path.clone()),
        roots: roots.usable.clone(),
        user_home: env.home.clone(),
        ledger_zone: config.lasting_zone().unwrap_or_else(zone::machine),
        prices: config.price_list(),
        threads: env.threads,
        now: env.now,
        places: cco_engine::limits::Places::default(),
    });
    match engine {
        Ok(engine) => LedgerState::Open(path, Box::new(engine.health(env.now, deep, step))),
        Err(error) => LedgerState::Refused(error.into()),
    }
}
