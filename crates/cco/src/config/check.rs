//! What is wrong with the settings, all of it at once: for `cco config check` and `cco doctor`.
//!
//! Must not: have rules of its own; reading has them.

use std::path::Path;

use super::{Config, keys, read_if_there};
use crate::env::Env;
use crate::error::CliError;

/// What a look at the settings found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checked {
    /// No report runs with these.
    pub(crate) errors: Vec<CliError>,
    /// The file is no TOML, so that nothing else in it was looked at.
    pub(crate) is_broken: bool,
    /// These do not do what they seem to: what is wrong, and what to do about it.
    pub(crate) doubts: Vec<(String, Option<String>)>,
    /// What has no effect in this version.
    pub(crate) idle: Option<String>,
}

/// Looks at file and environment. An error: the file is there and cannot be read at all.
pub(crate) fn check(path: Option<&Path>, env: &Env) -> Result<Checked, CliError> {
    path.map_or(Ok(String::new()), read_if_there)?;
    let mut config = match Config::load(path, env) {
        Ok(config) => config,
        Err(error) => return Ok(Checked { errors: vec![error], is_broken: true, ..Checked::default() }),
    };
    let errors = config.refused();
    let prices = config.price_list();
    let incomplete = config.prices.iter().filter_map(|own| own.complaint(&prices));
    // Reports run all the same.
    let remote = keys::daemon::listen(&config).err().map(|wrong| (wrong.message, Some(wrong.hint)));
    let doubts = config.warnings.iter().map(|warning| (warning.clone(), None)).chain(remote);
    Ok(Checked {
        errors,
        is_broken: false,
        doubts: doubts.chain(incomplete.map(|(complaint, hint)| (complaint, Some(hint)))).collect(),
        idle: config.idle,
    })
}
