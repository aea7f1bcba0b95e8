//! Where accounts and limits are looked for, and how the service may be asked.
//!
//! Owns what settings and environment say of that. Must not: read any of those files, or ask anybody.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cco_engine::LedgerPlace;
use cco_engine::limits::{
    Asking, BaseUrl, Places, Proxies, Renewing, Root, SecurityTool, Settings, TokenUrl,
    session_health_folders, switcher_folders,
};
use cco_model::limit::AccountId;
use jiff::tz::TimeZone;

use crate::config::{Config, keys};
use crate::env::Env;
use crate::error::CliError;
use crate::home::{self, expand};
use crate::statusline::SPOOL;

/// The folder of what processes remember for each other.
const STATE: &str = "state";
/// The default config directory, in the home folder.
const DEFAULT: &str = ".claude";
/// The macOS tool that reads the Keychain.
const SECURITY: &str = "/usr/bin/security";

/// How the service may be asked for limits.
pub(crate) struct LimitsAccess {
    /// The means; none: there is no folder to remember answers in.
    pub(crate) asking: Option<Asking>,
    /// What the user said of it; none: nothing yet.
    pub(crate) allowed: Option<bool>,
    /// What is known is written to files of older tools as well.
    pub(crate) share: bool,
    /// Accounts whose logins the user handed over.
    pub(crate) managed: Vec<AccountId>,
    /// Where an answer to that is written.
    pub(crate) config_file: Option<PathBuf>,
    /// The user's home folder.
    home: Option<PathBuf>,
}

impl LimitsAccess {
    /// How the service may be asked. Where nothing can be remembered it may not: every run would ask. With made-up
    /// data there is nobody to ask for, and nothing to set.
    pub(crate) fn find(
        is_demo: bool,
        env: &Env,
        config: &Config,
        folder: Option<&Path>,
        ledger: &LedgerPlace,
    ) -> Result<Self, CliError> {
        let lasts = !matches!(ledger, LedgerPlace::Memory);
        Ok(Self {
            asking: if lasts { asking(env, config, folder)? } else { None },
            allowed: if is_demo { Some(false) } else { config.flag(keys::limits::ENDPOINT) },
            share: !is_demo && config.flag(keys::limits::SHARE) == Some(true),
            managed: if is_demo { Vec::new() } else { managed(config) },
            config_file: home::config_file(folder).filter(|_| !is_demo),
            home: env.home.clone(),
        })
    }

    /// A directory as it is meant, where `~` is the home folder.
    pub(crate) fn config_dir(&self, path: &Path) -> PathBuf {
        home::at_home(path, self.home.as_deref()).unwrap_or_else(|| path.to_owned())
    }
}

/// The places of this run. `roots` are those of transcripts, and where some might be.
pub(crate) fn places(
    env: &Env,
    config: &Config,
    folder: Option<&Path>,
    roots: &[PathBuf],
    zone: &TimeZone,
) -> Places {
    let further = config.texts(keys::limits::CONFIG_DIRS).value;
    let further = further.iter().map(|path| expand(Path::new(path), folder, env));
    let default = env.home.as_ref().filter(|_| env.claude_config_dir.is_none());
    let root =
        |path: PathBuf| Root { default_of: default.filter(|home| home.join(DEFAULT) == path).cloned(), path };
    Places {
        roots: roots.iter().cloned().chain(further).map(root).collect(),
        session_health: env
            .home
            .as_ref()
            .map(|home| session_health_folders(env.hot_swap_home.as_deref(), home))
            .unwrap_or_default(),
        has_key_store: Path::new(SECURITY).exists(),
        switcher: env.home.as_deref().map(switcher_folders).unwrap_or_default(),
        state: folder.map(state),
        subscription: env.home.as_ref().map(|home| home.join(DEFAULT).join("config/subscription.yaml")),
        zone: Some(zone.clone()),
        spool: folder.map(|folder| state(folder).join(SPOOL)),
    }
}

/// The folder of what processes remember for each other.
pub(crate) fn state(folder: &Path) -> PathBuf {
    folder.join(STATE)
}

/// Where the service is asked; an error: why what is set cannot be used, and where it was set.
pub(crate) fn base(config: &Config) -> Result<BaseUrl, (String, String)> {
    let Some(set) = config.text(keys::limits::BASE_URL) else { return Ok(BaseUrl::official()) };
    BaseUrl::parse(set.value).map_err(|error| (error.to_string(), set.source.to_string()))
}

/// The accounts that the user handed over.
pub(crate) fn managed(config: &Config) -> Vec<AccountId> {
    config
        .texts(keys::limits::MANAGED)
        .value
        .iter()
        .filter_map(|text| keys::limits::account_id(text))
        .collect()
}

fn renewing(env: &Env, config: &Config) -> Result<Renewing, CliError> {
    let url = match config.text(keys::limits::TOKEN_URL) {
        None => TokenUrl::official(),
        Some(set) => TokenUrl::parse(set.value).map_err(|error| {
            CliError::usage(format!("`{}` ({}): {error}", keys::limits::TOKEN_URL, set.source))
        })?,
    };
    Ok(Renewing {
        managed: managed(config),
        client_id: config.text(keys::limits::CLIENT_ID).map(|set| set.value.to_owned()),
        url,
        home: env.home.clone(),
    })
}

/// How the service is asked; none where there is no folder to remember in, since then every run would ask.
pub(crate) fn asking(env: &Env, config: &Config, folder: Option<&Path>) -> Result<Option<Asking>, CliError> {
    let Some(folder) = folder else { return Ok(None) };
    let mut settings = Settings::new(env!("CARGO_PKG_VERSION"));
    settings.base = base(config).map_err(|(why, source)| {
        CliError::usage(format!("`{}` ({source}): {why}", keys::limits::BASE_URL))
    })?;
    if let Some(agent) = config.text(keys::limits::USER_AGENT) {
        agent.value.clone_into(&mut settings.user_agent);
    }
    settings.time_limit = Duration::from_secs(2);
    let [https, all, except] = env.proxies.clone();
    settings.proxies = Proxies { https, all, except };
    let has_keychain = Path::new(SECURITY).exists();
    // Jobs of the system have no USER; the home folder is called the same.
    let of_home = || Some(env.home.as_ref()?.file_name()?.to_str()?.to_owned());
    let name = env.login_name.clone().or_else(of_home);
    let keychain = name.filter(|_| has_keychain).map(SecurityTool::system);
    Ok(Some(Asking {
        state: state(folder),
        settings,
        key_store: keychain.map(|tool| Box::new(tool) as _),
        key_store_allowed: config.flag(keys::limits::KEYCHAIN) == Some(true),
        renewing: renewing(env, config)?,
    }))
}
