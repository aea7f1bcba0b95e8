//! `cco`'s own folder: where it is, that it is there, and what to do without it.
//!
//! Must not: read or write the files in it.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use cco_engine::LedgerPlace;

use crate::config::{Config, keys};
use crate::env::{CCO_HOME, Env};
use crate::error::{CliError, why};

/// The folder's name in the home folder.
const FOLDER: &str = ".cco";
/// The ledger's name in the folder.
const LEDGER: &str = "ledger.db";

/// `$CCO_HOME`, else `~/.cco`; none where there is no home.
pub(crate) fn folder(env: &Env) -> Result<Option<PathBuf>, CliError> {
    match &env.cco_home {
        // Else each working directory would have a ledger of its own.
        Some(given) if !given.is_absolute() => {
            Err(CliError::usage(format!("{CCO_HOME} must be an absolute path, not {given:?}"))
                .hint(format!("for example: {CCO_HOME}=\"$HOME/{FOLDER}\"")))
        }
        Some(given) => Ok(Some(given.clone())),
        None => Ok(env.home.as_ref().map(|home| home.join(FOLDER))),
    }
}

/// `config.toml` in the folder.
pub(crate) fn config_file(folder: Option<&Path>) -> Option<PathBuf> {
    folder.map(|folder| folder.join("config.toml"))
}

/// Where the ledger goes, and a warning when it cannot be kept.
pub(crate) fn ledger_place(
    folder: Option<&Path>,
    config: &Config,
    env: &Env,
) -> (LedgerPlace, Option<String>) {
    if config.text(keys::stats::DATABASE_PATH).is_some()
        && let Some(path) = ledger_path(folder, config, env)
    {
        // A folder that cannot be made is the ledger's error: it names the path.
        let _made = path.parent().map(make_writable);
        return (LedgerPlace::File(path), None);
    }
    let Some(folder) = folder else {
        let warning = format!("neither {CCO_HOME} nor HOME is set; nothing is kept after this run");
        return (LedgerPlace::Memory, Some(warning));
    };
    match make_writable(folder) {
        Ok(()) => (LedgerPlace::File(folder.join(LEDGER)), None),
        Err(error) => {
            let (folder, ledger, why) = (folder.display(), folder.join(LEDGER), why(&error));
            // Its sums may differ from those that are shown now, and nothing else would say so.
            let unread = match may_be_there(&ledger) {
                true => format!("; what only {} knows is not in these numbers", ledger.display()),
                false => String::new(),
            };
            let warning = format!("cannot write to {folder} ({why}); nothing is kept after this run{unread}");
            (LedgerPlace::Memory, Some(warning))
        }
    }
}

/// Where nobody may look it may be.
fn may_be_there(path: &Path) -> bool {
    path.try_exists().unwrap_or_else(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

/// The ledger's file, there or not; none where there is no home and nothing is set.
pub(crate) fn ledger_path(folder: Option<&Path>, config: &Config, env: &Env) -> Option<PathBuf> {
    match config.text(keys::stats::DATABASE_PATH) {
        Some(path) => Some(expand(Path::new(path.value), folder, env)),
        None => folder.map(|folder| folder.join(LEDGER)),
    }
}

/// A path of `config.toml`: `~/` is the home folder, a relative one starts at the folder of the file.
pub(crate) fn expand(path: &Path, folder: Option<&Path>, env: &Env) -> PathBuf {
    at_home(path, env.home.as_deref())
        .unwrap_or_else(|| folder.map_or_else(|| path.to_owned(), |folder| folder.join(path)))
}

/// A path that begins at the home folder with `~/`.
pub(crate) fn at_home(path: &Path, home: Option<&Path>) -> Option<PathBuf> {
    Some(home?.join(path.strip_prefix("~").ok()?))
}

/// Makes the folder when it is not there, and tries it.
pub(crate) fn make_writable(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // Permissions alone do not tell: the file system may be read-only or full.
    tempfile::tempfile_in(folder).map(|_| ())
}
