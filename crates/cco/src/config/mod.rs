//! Settings: compiled-in defaults → `config.toml` → environment → flags; each value remembers its source.
//!
//! Must not: act on a setting.

pub(crate) mod file;
pub(crate) mod keys;

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

use cco_engine::price_list::ModelOverride;
use jiff::tz::TimeZone;

use crate::env::Env;
use crate::error::CliError;
use keys::{KEYS, Value};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Compiled in.
    Default,
    /// This line of the file: `path:line`.
    File(String),
    /// This environment variable.
    Variable(&'static str),
    /// This flag.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(place) => f.write_str(place),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sourced<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it was set.
    pub(crate) source: Source,
}

/// All settings.
#[derive(Debug)]
pub(crate) struct Config {
    values: BTreeMap<&'static str, Sourced<Value>>,
    /// Prices that the user gives.
    pub(crate) prices: Vec<ModelOverride>,
    /// What is odd about the file, once each.
    pub(crate) warnings: Vec<String>,
}

impl Config {
    /// Defaults, file and environment. No file is as good as an empty one.
    pub(crate) fn load(path: Option<&Path>, env: &Env) -> Result<Self, CliError> {
        let text = path.map_or(Ok(String::new()), read_if_there)?;
        let name = path.map_or_else(String::new, |path| path.display().to_string());
        let file = file::read(&name, &text)?;
        let mut config = Self { values: defaults(), prices: file.prices, warnings: file.warnings };
        config.values.extend(file.values);
        for key in KEYS {
            let Some(variable) = key.variable else { continue };
            if let Some(given) = variable_value(variable, env) {
                config.set(key.path, given, Source::Variable(variable))?;
            }
        }
        Ok(config)
    }

    /// Puts a value of environment or flags over what was there.
    pub(crate) fn set(&mut self, path: &'static str, text: &str, source: Source) -> Result<(), CliError> {
        let value = Value::Text(text.to_owned());
        if let Some(key) = keys::find(path) {
            (key.check)(&value).map_err(|complaint| {
                CliError::usage(format!("{source}: {}", complaint.message)).hint(complaint.hint)
            })?;
        }
        self.values.insert(path, Sourced { value, source });
        Ok(())
    }

    /// The zone of reports; none: the system's.
    pub(crate) fn zone(&self) -> Option<TimeZone> {
        keys::zone(self.text(keys::TIMEZONE)?.value)
    }

    /// The zone that the file sets: the only one that may decide how the ledger keeps its days, since a variable or a
    /// flag is of one shell or one run.
    pub(crate) fn lasting_zone(&self) -> Option<TimeZone> {
        let zone = self.text(keys::TIMEZONE)?;
        matches!(zone.source, Source::File(_)).then(|| keys::zone(zone.value)).flatten()
    }

    /// A text, when set.
    pub(crate) fn text(&self, path: &str) -> Option<Sourced<&str>> {
        match self.values.get(path)? {
            Sourced { value: Value::Text(text), source } => {
                Some(Sourced { value: text, source: source.clone() })
            }
            _ => None,
        }
    }

    /// A list of texts; empty when not set.
    pub(crate) fn texts(&self, path: &str) -> Sourced<&[String]> {
        match self.values.get(path) {
            Some(Sourced { value: Value::Texts(texts), source }) => {
                Sourced { value: texts, source: source.clone() }
            }
            _ => Sourced { value: &[], source: Source::Default },
        }
    }
}

fn defaults() -> BTreeMap<&'static str, Sourced<Value>> {
    let set =
        |key: &keys::Key| Some((key.path, Sourced { value: key.default.clone()?, source: Source::Default }));
    KEYS.iter().filter_map(set).collect()
}

fn variable_value<'e>(variable: &str, env: &'e Env) -> Option<&'e str> {
    (variable == crate::env::CCO_TIMEZONE).then_some(env.timezone.as_deref()).flatten()
}

fn read_if_there(path: &Path) -> Result<String, CliError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(String::new())
        }
        Err(error) => Err(CliError::failed(format!("cannot read {}: {error}", path.display()))
            .hint("mend its permissions, or move it away to use the defaults")),
    }
}
