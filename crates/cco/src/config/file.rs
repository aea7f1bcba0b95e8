//! `config.toml` → checked values. Errors and warnings name file, line and key.
//!
//! Must not: know what values are for; touch sections that are not ours.

use std::borrow::Cow;
use std::collections::BTreeMap;

use cco_engine::price_list::ModelOverride;
use cco_model::price::Rate;
use cco_wire::names;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{self, Complaint, Kind, PRICES, SECTIONS, Value};
use super::prices::{OwnPrice, RATES};
use super::{Source, Sourced};
use crate::error::CliError;

/// What a file says.
#[derive(Debug, Default)]
pub(crate) struct FileConfig {
    /// Values by key.
    pub(crate) values: BTreeMap<&'static str, Sourced<Value>>,
    /// Values of the right kind that are wrong all the same: errors, unless something overrides them.
    pub(crate) refused: BTreeMap<&'static str, CliError>,
    /// Rates by model.
    pub(crate) prices: Vec<OwnPrice>,
    /// What is odd, though no error.
    pub(crate) warnings: Vec<String>,
    /// What has no effect in this version, in one line.
    pub(crate) idle: Option<String>,
}

/// Reads the text of the file with this name.
pub(crate) fn read(file: &str, text: &str) -> Result<FileConfig, CliError> {
    let mut reader = Reader { file, text, config: FileConfig::default(), idle: Vec::new() };
    let document = DeTable::parse(text).map_err(|error| reader.invalid(&error))?;
    for (name, value) in document.get_ref() {
        reader.top(name, value)?;
    }
    reader.warn_idle();
    Ok(reader.config)
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    config: FileConfig,
    /// What has no effect in this version: its line, what it is, and what holds instead.
    idle: Vec<(usize, String, &'static str)>,
}

type Spot<'a> = &'a Spanned<DeValue<'a>>;

impl Reader<'_> {
    /// One entry of the top level; what is not ours is another program's.
    fn top(&mut self, spot: &Spanned<Cow<'_, str>>, value: Spot<'_>) -> Result<(), CliError> {
        let name = spot.get_ref().as_ref();
        if SECTIONS.contains(&name) {
            self.section(name, value)
        } else if name == PRICES {
            self.prices(value)
        } else {
            Ok(())
        }
    }

    fn section(&mut self, section: &str, value: Spot<'_>) -> Result<(), CliError> {
        for (name, value) in self.table(section, value)? {
            let path = format!("{section}.{}", name.get_ref());
            if SECTIONS.contains(&path.as_str()) {
                self.section(&path, value)?;
            } else if let Some(key) = keys::find(&path) {
                self.set(key, value)?;
            } else {
                self.warn_unknown(&path, name, &keys::names_in(section));
            }
        }
        Ok(())
    }

    fn set(&mut self, key: &'static keys::Key, spot: Spot<'_>) -> Result<(), CliError> {
        let place = self.place(spot);
        let named = |complaint: Complaint| {
            CliError::failed(format!("{place}: {}", complaint.message)).hint(complaint.hint)
        };
        let value = value_of(key, spot.get_ref()).map_err(named)?;
        if let Err(complaint) = checked(key, &value) {
            self.config.refused.insert(key.path, named(complaint));
            return Ok(());
        }
        if let Some(instead) = key.idle
            && key.default.as_ref() != Some(&value)
        {
            self.idle.push((self.line(spot.span().start), format!("`{}`", key.path), instead));
        }
        self.config.values.insert(key.path, Sourced { value, source: Source::File(place) });
        Ok(())
    }

    fn prices(&mut self, value: Spot<'_>) -> Result<(), CliError> {
        for (model, rates) in self.table(PRICES, value)? {
            let place = self.place(model);
            let model = model.get_ref();
            let path = format!("{PRICES}.{model:?}");
            let mut found = ModelOverride { model: model.to_string(), ..ModelOverride::default() };
            for (class, rate) in self.table(&path, rates)? {
                let name = class.get_ref().as_ref();
                match slot(&mut found, name) {
                    Some(slot) => *slot = Some(self.rate(&format!("{path}.{name}"), rate)?),
                    None => {
                        let known: Vec<&str> = RATES.iter().map(|(name, _)| *name).collect();
                        self.warn_unknown(&format!("{path}.{name}"), class, &known);
                    }
                }
            }
            let own = OwnPrice { place, rates: found };
            // A section without a rate sets nothing: `config unset` of the last one leaves it.
            if !own.classes().is_empty() {
                self.config.prices.push(own);
            }
        }
        Ok(())
    }

    /// A rate from the text it was written as, so that no float gets hold of it.
    fn rate(&self, path: &str, spot: Spot<'_>) -> Result<Rate, CliError> {
        check_rate(path, spot.get_ref()).map_err(|complaint| {
            CliError::failed(format!("{}: {}", self.place(spot), complaint.message)).hint(complaint.hint)
        })
    }

    fn table<'v>(&self, path: &str, spot: Spot<'v>) -> Result<&'v DeTable<'v>, CliError> {
        spot.get_ref().as_table().ok_or_else(|| {
            let (place, found) = (self.place(spot), describe(spot.get_ref()));
            CliError::failed(format!("{place}: `{path}` must be a section, not {found}"))
                .hint(format!("write [{path}] and its keys below it"))
        })
    }

    fn warn_unknown<T>(&mut self, path: &str, name: &Spanned<T>, known: &[&str])
    where
        T: AsRef<str>,
    {
        let near = names::nearest(name.get_ref().as_ref(), known.iter().copied());
        let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let warning = format!("{}: unknown key `{path}`{near}", self.place(name));
        self.config.warnings.push(warning);
    }

    /// One line for all that has no effect, so that nobody believes in it and nobody is bored.
    fn warn_idle(&mut self) {
        self.idle.sort();
        let idle: Vec<String> =
            self.idle.iter().map(|(line, what, instead)| format!("{what} (line {line}{instead})")).collect();
        if !idle.is_empty() {
            self.config.idle = Some(format!("{}: no effect in this version: {}", self.file, idle.join(", ")));
        }
    }

    fn place<T>(&self, spot: &Spanned<T>) -> String {
        format!("{}:{}", self.file, self.line(spot.span().start))
    }

    fn line(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    fn invalid(&self, error: &toml::de::Error) -> CliError {
        let line = self.line(error.span().map_or(0, |span| span.start));
        CliError::failed(format!("{}:{line}: not valid TOML: {}", self.file, error.message().trim_end()))
            .hint("strings stand in quotes, sections in [brackets]")
    }
}

/// The value of a key, when it is of the right kind; the complaint names the key.
fn value_of(key: &keys::Key, value: &DeValue<'_>) -> Result<Value, Complaint> {
    of_kind(key.kind, value).ok_or_else(|| {
        let found = match (key.kind, value) {
            (Kind::Texts | Kind::Lists | Kind::Wholes, DeValue::Array(_)) => {
                "one with other things in it".to_owned()
            }
            (_, value) => describe(value),
        };
        Complaint {
            message: format!("`{}` must be {}, not {found}", key.path, key.kind.words()),
            hint: format!("for example: {}", key.example),
        }
    })
}

/// What must hold beyond the kind; the complaint names the key.
fn checked(key: &keys::Key, value: &Value) -> Result<(), Complaint> {
    (key.check)(value).map_err(|complaint| Complaint {
        message: format!("`{}`: {}", key.path, complaint.message),
        hint: complaint.hint,
    })
}

/// Whether a value may be set, by the rules of reading; the complaint names the key.
pub(crate) fn check_value(key: &keys::Key, value: &DeValue<'_>) -> Result<Value, Complaint> {
    let value = value_of(key, value)?;
    checked(key, &value)?;
    Ok(value)
}

/// Whether a rate may be set, by the rules of reading.
pub(crate) fn check_rate(path: &str, value: &DeValue<'_>) -> Result<Rate, Complaint> {
    let text = match value {
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str()),
        DeValue::Float(number) => Some(number.as_str()),
        DeValue::String(text) => Some(text.as_ref()),
        _ => None,
    };
    let rate = text.and_then(|text| Rate::from_decimal(text.strip_prefix('+').unwrap_or(text)));
    rate.ok_or_else(|| Complaint {
        message: format!("`{path}` must be a price: zero or more, with up to six places"),
        hint: "dollars for a million tokens, for example: input = 3.75".to_owned(),
    })
}

fn of_kind(kind: Kind, value: &DeValue<'_>) -> Option<Value> {
    match (kind, value) {
        (Kind::Flag, DeValue::Boolean(flag)) => Some(Value::Flag(*flag)),
        (Kind::Whole(least), number) => whole(number).filter(|number| *number >= least).map(Value::Whole),
        (Kind::Text, DeValue::String(text)) => Some(Value::Text(text.to_string())),
        (Kind::Texts, list) => texts(list).map(Value::Texts),
        (Kind::Lists, DeValue::Array(lists)) => {
            lists.iter().map(|list| texts(list.get_ref())).collect::<Option<_>>().map(Value::Lists)
        }
        (Kind::Wholes, DeValue::Array(list)) => {
            list.iter().map(|item| whole(item.get_ref())).collect::<Option<_>>().map(Value::Wholes)
        }
        _ => None,
    }
}

fn whole(value: &DeValue<'_>) -> Option<u64> {
    let DeValue::Integer(number) = value else { return None };
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn texts(value: &DeValue<'_>) -> Option<Vec<String>> {
    let DeValue::Array(list) = value else { return None };
    list.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
}

/// What a value is, with its text where that is short.
fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Integer(number) => format!("the number {}", number.as_str()),
        DeValue::Float(number) => format!("the number {}", number.as_str()),
        DeValue::String(_) => "a string".to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a section".to_owned(),
    }
}

/// Where a class of [`RATES`] goes.
pub(crate) fn slot<'r>(rates: &'r mut ModelOverride, class: &str) -> Option<&'r mut Option<Rate>> {
    match class {
        "input" => Some(&mut rates.input),
        "output" => Some(&mut rates.output),
        "cache_write_5m" => Some(&mut rates.cache_write_5m),
        "cache_write_1h" => Some(&mut rates.cache_write_1h),
        "cache_read" => Some(&mut rates.cache_read),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let error = match read("c.toml", text) {
            Ok(config) => config.refused.into_values().next().expect("something is wrong"),
            Err(error) => error,
        };
        format!("{}\n  {}", error.message, error.hints.join("\n  "))
    }

    #[test]
    fn values_remember_their_line() {
        let config = read("c.toml", "\n[stats]\nretention_days = 0x10\ntimezone = 'UTC'").unwrap();
        let retention = &config.values["stats.retention_days"];
        assert_eq!(
            (&retention.value, retention.source.to_string()),
            (&Value::Whole(16), "c.toml:3".to_owned())
        );
        assert_eq!(config.values["stats.timezone"].source.to_string(), "c.toml:4");
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let config = read("c.toml", "x = 1\n[tools]\ntimezone = 3\n[hub]\nlisten = 'x'\nnew = 1").unwrap();
        assert!(config.values.is_empty());
        assert_eq!(config.warnings, [""; 0]);
        assert_eq!(config.idle, None);
    }

    #[test]
    fn unknown_keys_warn_with_the_nearest() {
        let text = "[stats]\ntimezon = 'UTC'\ncolour = 1\n[stats.watch]\npath = []\n[prices.x]\nimput = 1\n[stats.wach]";
        let mut warnings = read("c.toml", text).unwrap().warnings;
        warnings.sort();
        insta::assert_snapshot!(warnings.join("\n"), @r#"
        c.toml:2: unknown key `stats.timezon`; did you mean `timezone`?
        c.toml:3: unknown key `stats.colour`
        c.toml:5: unknown key `stats.watch.path`; did you mean `paths`?
        c.toml:7: unknown key `prices."x".imput`; did you mean `input`?
        c.toml:8: unknown key `stats.wach`; did you mean `watch`?
        "#);
    }

    #[test]
    fn wrong_types_name_line_and_key() {
        let texts = [
            "[stats]\nenabled = 'yes'",
            "[stats]\nretention_days = 0",
            "[stats]\nretention_days = -3",
            "[stats]\nretention_days = 1.5",
            "[stats]\ntimezone = 'Europe/Berlim'",
            "[stats]\ntimezone = 'Mars'",
            "[stats]\ndatabase_path = 'file:x?mode=memory'",
            "[stats.watch]\npaths = ['a', 1]",
            "stats = 1",
            "[stats]\nwatch = 'x'",
            "daemon = 1",
            "[prices.m]\ninput = -1",
            "[prices.m]\ninput = nan",
            "[prices]\nm = 1",
            "[stats]\n\nenabled = ",
            "[stats]\n[stats]",
        ];
        insta::assert_snapshot!(texts.map(error).join("\n"), @r#"
        c.toml:2: `stats.enabled` must be true or false, not a string
          for example: enabled = true
        c.toml:2: `stats.retention_days` must be a whole number, 1 or more, not the number 0
          for example: retention_days = 365
        c.toml:2: `stats.retention_days` must be a whole number, 1 or more, not the number -3
          for example: retention_days = 365
        c.toml:2: `stats.retention_days` must be a whole number, 1 or more, not the number 1.5
          for example: retention_days = 365
        c.toml:2: `stats.timezone`: no time zone is called "Europe/Berlim"
          did you mean Europe/Berlin?
        c.toml:2: `stats.timezone`: no time zone is called "Mars"
          names are like Europe/Berlin, America/New_York or UTC
        c.toml:2: `stats.database_path`: a path is wanted, not a URI
          write the path itself, without file: and parameters
        c.toml:2: `stats.watch.paths` must be a list of strings, not one with other things in it
          for example: paths = ["~/other/.claude"]
        c.toml:1: `stats` must be a section, not the number 1
          write [stats] and its keys below it
        c.toml:2: `stats.watch` must be a section, not a string
          write [stats.watch] and its keys below it
        c.toml:1: `daemon` must be a section, not the number 1
          write [daemon] and its keys below it
        c.toml:2: `prices."m".input` must be a price: zero or more, with up to six places
          dollars for a million tokens, for example: input = 3.75
        c.toml:2: `prices."m".input` must be a price: zero or more, with up to six places
          dollars for a million tokens, for example: input = 3.75
        c.toml:2: `prices."m"` must be a section, not the number 1
          write [prices."m"] and its keys below it
        c.toml:3: not valid TOML: string values must be quoted, expected literal string
          strings stand in quotes, sections in [brackets]
        c.toml:2: not valid TOML: duplicate key
          strings stand in quotes, sections in [brackets]
        "#);
    }

    #[test]
    fn what_has_no_effect_is_said_in_one_line() {
        let warnings = |text: &str| read("c.toml", text).unwrap().idle.unwrap_or_default();
        let text = "[daemon]\nlisten = '[::1]:1'\n[stats]\nretention_days = 90\nenabled = false\nupdate_interval_secs = 1\n\
                    timezone = 'UTC'\n[stats.watch]\ndebounce_ms = 50\npaths = ['x']\n[limits]\n[elsewhere]\nx = 1";
        insta::assert_snapshot!(warnings(text), @"c.toml: no effect in this version: `stats.retention_days` (line 4: all calls are kept)");
        let defaults =
            "[stats]\nenabled = true\nupdate_interval_secs = 5\n[stats.watch]\ndebounce_ms = 100\n[daemon]";
        assert_eq!(warnings(defaults), "");
    }

    #[test]
    fn rates_keep_every_digit() {
        let text = "[prices.'a.b']\ninput = 3\noutput = 15.000001\ncache_read = '0.3'";
        let config = read("c.toml", text).unwrap();
        let wanted = ModelOverride {
            model: "a.b".to_owned(),
            input: Some(Rate(3_000_000)),
            output: Some(Rate(15_000_001)),
            cache_read: Some(Rate(300_000)),
            ..ModelOverride::default()
        };
        assert_eq!(config.prices, [OwnPrice { place: "c.toml:1".to_owned(), rates: wanted }]);
    }

    #[test]
    fn a_price_without_a_rate_is_none() {
        let config =
            read("c.toml", "[prices.'a.b']\n[prices.c]\n# input = 3\n[prices.d]\noutput = 1").unwrap();
        let models: Vec<&str> = config.prices.iter().map(|own| own.rates.model.as_str()).collect();
        assert_eq!(models, ["d"]);
    }

    #[test]
    fn every_class_has_a_place() {
        for (class, _) in RATES {
            assert!(slot(&mut ModelOverride::default(), class).is_some(), "{class}");
        }
    }
}
