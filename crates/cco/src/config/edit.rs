//! One value of `config.toml` changed, and not a byte beside it: comments, order and the sections of others stay.
//!
//! The text is spliced, not written anew. Each way to do that is tried until one holds: read again, the file must say
//! what it said before, and the new value.
//! Must not: read or write files, or have a rule about values (reading has them).

pub(crate) mod remove;

use std::ops::Range;

use cco_wire::names;
use toml::de::{DeTable, DeValue};

use super::file::{check_rate, check_value};
use super::keys::{self, Complaint, KEYS, Key, Kind, PRICES, SECTIONS};
use super::prices::RATES;
use crate::error::CliError;

/// Something that can be set.
pub(crate) enum Target {
    /// A key of the table.
    Key(&'static Key),
    /// A price of a model.
    Rate {
        /// As in the transcripts.
        model: String,
        /// Of [`RATES`].
        class: &'static str,
    },
}

impl Target {
    /// What a name means: `stats.timezone`, `prices."acme-1".input` or `prices.acme-1.input`.
    pub(crate) fn named(name: &str) -> Result<Self, CliError> {
        if let Some(key) = keys::find(name) {
            return Ok(Self::Key(key));
        }
        if let Some((model, class)) =
            name.strip_prefix(PRICES).and_then(|rest| rest.strip_prefix('.')?.rsplit_once('.'))
        {
            let known = RATES.iter().map(|(class, _)| *class);
            let model = model.trim_matches(['"', '\'']).to_owned();
            return match known.clone().find(|known| *known == class) {
                Some(class) if !model.is_empty() => Ok(Self::Rate { model, class }),
                _ => {
                    let near = names::nearest(class, known).filter(|_| !model.is_empty());
                    Err(unknown(name, near.map(|near| format!("{PRICES}.{model:?}.{near}"))))
                }
            };
        }
        let near = names::nearest(name, KEYS.iter().map(|key| key.path)).map(str::to_owned);
        // `timezone` alone is near to none of the long names, and yet plain.
        let of_end = || KEYS.iter().find(|key| key.path.rsplit('.').next() == Some(name));
        Err(unknown(name, near.or_else(|| of_end().map(|key| key.path.to_owned()))))
    }

    /// Its name as people write it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Key(key) => key.path.to_owned(),
            Self::Rate { model, class } => format!("{PRICES}.{model:?}.{class}"),
        }
    }

    /// Section by section, the key last.
    pub(crate) fn path(&self) -> Vec<&str> {
        match self {
            Self::Key(key) => key.path.split('.').collect(),
            Self::Rate { model, class } => vec![PRICES, model, class],
        }
    }

    /// The value that was typed, as TOML. Several are a list.
    pub(crate) fn value(&self, typed: &[String]) -> Result<String, CliError> {
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let first = typed.first().map_or("", String::as_str);
        let value = match self {
            Self::Key(Key { kind: Kind::Texts, .. }) => match (typed, literal(first)) {
                ([_], Some(list)) if list.starts_with('[') => list,
                _ => toml::Value::from(typed.to_vec()).to_string(),
            },
            Self::Key(Key { kind: Kind::Wholes | Kind::Lists, .. }) if typed.len() > 1 => {
                let all: Vec<String> =
                    typed.iter().map(|one| literal(one).unwrap_or_else(|| quoted(one))).collect();
                format!("[{}]", all.join(", "))
            }
            _ if typed.len() > 1 => {
                let name = self.name();
                return Err(CliError::usage(format!("`{name}` holds one value, not {}", typed.len()))
                    .hint("put quotes around a value with blanks"));
            }
            Self::Key(Key { kind: Kind::Text, .. }) => quoted(first),
            Self::Key(_) | Self::Rate { .. } => literal(first).unwrap_or_else(|| quoted(first)),
        };
        self.check(&value).map_err(|complaint| CliError::usage(complaint.message).hint(complaint.hint))?;
        Ok(value)
    }

    /// The rules of reading.
    fn check(&self, value: &str) -> Result<(), Complaint> {
        let line = format!("x = {value}");
        let table = DeTable::parse(&line).ok();
        let value = table.as_ref().and_then(|table| table.get_ref().get("x"));
        let Some(value) = value else { return Ok(()) };
        match self {
            Self::Key(key) => check_value(key, value.get_ref()).map(drop),
            Self::Rate { .. } => check_rate(&self.name(), value.get_ref()).map(drop),
        }
    }
}

fn unknown(name: &str, near: Option<String>) -> CliError {
    let error = CliError::usage(format!("no setting is called `{name}`"));
    let error = match near {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error,
    };
    error.hint("`cco config show` names them all; prices are set as prices.\"MODEL\".input")
}

/// The text of a TOML value, when it is one value and nothing else.
fn literal(typed: &str) -> Option<String> {
    let line = format!("x = {typed}");
    let table = DeTable::parse(&line).ok()?;
    let value = table.get_ref().get("x").filter(|_| table.get_ref().len() == 1)?;
    line.get(value.span()).map(str::to_owned)
}

/// The text with this value (as TOML) at this path; none: there is no place for it that leaves all else as it is.
pub(crate) fn with_value(text: &str, path: &[&str], value: &str) -> Option<String> {
    let expected = meaning(text, path)?;
    let holds = |new: &String| {
        let wanted = toml::from_str::<toml::Table>(&format!("x = {value}")).ok()?.remove("x")?;
        let found = meaning(new, path)?;
        (found.0 == expected.0 && found.1 == Some(format!("{wanted:?}"))).then_some(())
    };
    candidates(text, path, value)?.into_iter().find(|new| holds(new).is_some())
}

/// All that a text says but for one value, and that value. As text, since no number that is none equals itself.
fn meaning(text: &str, path: &[&str]) -> Option<(String, Option<String>)> {
    let mut all: toml::Table = toml::from_str(text).ok()?;
    let (key, sections) = path.split_last()?;
    let mut table = &mut all;
    for section in sections {
        // A section that is not there says as much as an empty one.
        let entry = table.entry((*section).to_owned());
        table = entry.or_insert_with(|| toml::Value::Table(toml::Table::new())).as_table_mut()?;
    }
    let value = table.remove(*key);
    Some((format!("{all:?}"), value.map(|value| format!("{value:?}"))))
}

/// The ways to set the value, best first. Not all of them say what is meant.
fn candidates(text: &str, path: &[&str], value: &str) -> Option<Vec<String>> {
    let (key, sections) = path.split_last()?;
    let document = DeTable::parse(text).ok()?;
    let eol = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let line = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| bare_or_quoted(name)).collect();
        format!("{} = {value}", names.join("."))
    };
    let mut ways = Vec::new();
    let mut table = document.get_ref();
    let mut spot = 0..0;
    let mut depth = 0;
    for section in sections {
        let Some(next) = table.get(*section) else { break };
        let DeValue::Table(inner) = next.get_ref() else { return None };
        (table, spot, depth) = (inner, next.span(), depth + 1);
    }
    if depth == sections.len() {
        if let Some(old) = table.get(*key) {
            return Some(vec![splice(text, old.span(), value)]);
        }
        if let Some(inside) = text.get(spot.clone()).and_then(|inline| inline.strip_suffix('}')) {
            let end = spot.start + inside.trim_end().len();
            let blank = if table.is_empty() { " " } else { ", " };
            ways.push(splice(text, end..end, &format!("{blank}{}", line(&[key]))));
        }
        let direct = table.iter().filter(|(_, value)| value.get_ref().as_table().is_none());
        if let Some((name, last)) = direct.max_by_key(|(_, value)| value.span().end) {
            let indent = indent_at(text, name.span().start);
            for names in [&[*key][..], path] {
                ways.push(line_after(text, last.span().end, &format!("{indent}{}", line(names)), eol));
            }
        }
        ways.push(line_after(text, spot.start, &line(&[key]), eol));
    }
    let names: Vec<String> = sections.iter().map(|name| bare_or_quoted(name)).collect();
    let gap = match text.trim_start_matches('\u{feff}') {
        "" => String::new(),
        text if text.ends_with('\n') => eol.to_owned(),
        _ => eol.repeat(2),
    };
    let section = format!("{gap}[{}]{eol}{}{eol}", names.join("."), line(&[key]));
    ways.push(splice(text, text.len()..text.len(), &section));
    let top = text.len() - text.trim_start_matches('\u{feff}').len();
    ways.push(splice(text, top..top, &format!("{}{eol}", line(path))));
    Some(ways)
}

fn splice(text: &str, range: Range<usize>, new: &str) -> String {
    let (before, behind) = (text.get(..range.start), text.get(range.end..));
    [before.unwrap_or_default(), new, behind.unwrap_or_default()].concat()
}

/// A line of its own behind the line that this offset is in.
fn line_after(text: &str, offset: usize, line: &str, eol: &str) -> String {
    match text.get(offset..).and_then(|rest| rest.find('\n')) {
        Some(end) => splice(text, offset + end + 1..offset + end + 1, &format!("{line}{eol}")),
        None => splice(text, text.len()..text.len(), &format!("{eol}{line}{eol}")),
    }
}

/// The blanks before the line that this offset is in.
fn indent_at(text: &str, offset: usize) -> &str {
    let start = text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let line = text.get(start..).unwrap_or_default();
    let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
    line.get(..indent).unwrap_or_default()
}

fn bare_or_quoted(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !name.is_empty() && name.bytes().all(bare) {
        name.to_owned()
    } else {
        toml::Value::from(name).to_string()
    }
}

/// A file with every key in it, commented out.
pub(crate) fn template() -> String {
    let mut text = String::from(
        "# Settings of cco. Every key may be left out; take the # away to set one.\n# `cco config check` says whether all is well.\n",
    );
    for section in SECTIONS {
        text += &format!("\n[{section}]\n");
        for key in KEYS.iter().filter(|key| key.path.rsplit_once('.').is_some_and(|(of, _)| of == *section)) {
            let idle = if key.idle.is_some() { " (no effect in this version)" } else { "" };
            text += &format!("# {}{idle}.\n# {}\n", key.about, key.example);
        }
    }
    text += "\n# A price for a model, in dollars for a million tokens.\n# [prices.\"MODEL\"]\n";
    for (class, rate) in RATES {
        text += &format!("# {class} = {rate}\n");
    }
    text
}

#[cfg(test)]
mod tests;
