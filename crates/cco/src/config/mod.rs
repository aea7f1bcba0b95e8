//! Settings: compiled-in defaults → `config.toml` → environment → flags; each value remembers its source.
//!
//! Must not: act on a setting.

pub(crate) mod check;
pub(crate) mod edit;
pub(crate) mod file;
pub(crate) mod keys;
pub(crate) mod prices;

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use cco_engine::price::PriceList;
use cco_engine::price_list::{self, ModelOverride};
use jiff::tz::TimeZone;

use crate::env::Env;
use crate::error::{CliError, why};
use keys::{KEYS, Value};
use prices::OwnPrice;

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
    /// Wrong values that nothing overrides yet.
    refused: BTreeMap<&'static str, CliError>,
    /// Prices that the user gives.
    pub(crate) prices: Vec<OwnPrice>,
    /// What is odd about the file, once each.
    pub(crate) warnings: Vec<String>,
    /// What of the file has no effect in this version, in one line.
    pub(crate) idle: Option<String>,
}

impl Config {
    /// Defaults, file and environment. No file is as good as an empty one.
    pub(crate) fn load(path: Option<&Path>, env: &Env) -> Result<Self, CliError> {
        let text = path.map_or(Ok(String::new()), read_if_there)?;
        let name = path.map_or_else(String::new, |path| path.display().to_string());
        let file = file::read(&name, &text)?;
        let file::FileConfig { values, refused, prices, warnings, idle } = file;
        let mut config = Self { values: defaults(), refused, prices, warnings, idle };
        config.values.extend(values);
        for key in KEYS {
            let Some(variable) = key.variable else { continue };
            if let Some(given) = variable_value(variable, env)
                && let Err(error) = config.set(key.path, given, Source::Variable(variable))
            {
                config.refused.insert(key.path, error);
            }
        }
        Ok(config)
    }

    /// What holds where nothing is set.
    pub(crate) fn defaults() -> Self {
        let (refused, prices, warnings, idle) = Default::default();
        Self { values: defaults(), refused, prices, warnings, idle }
    }

    /// Puts a value of environment or flags over what was there, right or wrong.
    pub(crate) fn set(&mut self, path: &'static str, text: &str, source: Source) -> Result<(), CliError> {
        let value = Value::Text(text.to_owned());
        if let Some(key) = keys::find(path) {
            (key.check)(&value).map_err(|complaint| {
                CliError::usage(format!("{source}: {}", complaint.message)).hint(complaint.hint)
            })?;
        }
        if let Some(refused) = self.refused.remove(path) {
            self.warnings.push(format!("{}; {source} is used instead", refused.message));
        }
        self.values.insert(path, Sourced { value, source });
        Ok(())
    }

    /// The wrong values that nothing has overridden.
    pub(crate) fn refused(&mut self) -> Vec<CliError> {
        std::mem::take(&mut self.refused).into_values().collect()
    }

    /// The built-in price list, with the user's own prices.
    pub(crate) fn price_list(&self) -> PriceList {
        let own: Vec<ModelOverride> = self.prices.iter().map(|own| own.rates.clone()).collect();
        price_list::with_overrides(price_list::embedded(), &own)
    }

    /// The zone of reports; none: the system's.
    pub(crate) fn zone(&self) -> Option<TimeZone> {
        keys::stats::zone(self.text(keys::stats::TIMEZONE)?.value)
    }

    /// The zone that the file sets: the only one that may decide how the ledger keeps its days, since a variable or a
    /// flag is of one shell or one run.
    pub(crate) fn lasting_zone(&self) -> Option<TimeZone> {
        let zone = self.text(keys::stats::TIMEZONE)?;
        matches!(zone.source, Source::File(_)).then(|| keys::stats::zone(zone.value)).flatten()
    }

    /// A value with its source; none: it is not set and has no default.
    pub(crate) fn value(&self, path: &str) -> Option<&Sourced<Value>> {
        self.values.get(path)
    }

    /// The value of a key that is true or false; none where nothing is set.
    pub(crate) fn flag(&self, path: &str) -> Option<bool> {
        match self.value(path)?.value {
            Value::Flag(flag) => Some(flag),
            _ => None,
        }
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

pub(crate) fn variable_value<'e>(variable: &str, env: &'e Env) -> Option<&'e str> {
    (variable == crate::env::CCO_TIMEZONE).then_some(env.timezone.as_deref()).flatten()
}

/// The file's text, and none where there is no file. Anything else there may be a mistake, so it is no default.
pub(crate) fn read_if_there(path: &Path) -> Result<String, CliError> {
    let shown = path.display();
    let refused = |why: String| {
        CliError::failed(format!("cannot read {shown}: {why}"))
            .hint("mend it, or move it away to use the defaults")
    };
    // A folder that cannot be entered is no mistake in a file: reports go on without it, and say that nothing is kept.
    if let Err(error) = std::fs::symlink_metadata(path)
        && !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
    {
        return Ok(String::new());
    }
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(refused("it is a folder, not a file".to_owned())),
        Ok(found) if found.file_type().is_fifo() => {
            return Err(refused("it is a pipe, not a file".to_owned()));
        }
        _ => {}
    }
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Vec::new(),
        Err(error) => return Err(refused(why(&error))),
    };
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes().iter().take(good).filter(|byte| **byte == b'\n').count();
        CliError::failed(format!("{shown}:{line}: not valid UTF-8")).hint("save the file as UTF-8")
    })
}
