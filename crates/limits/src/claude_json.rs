//! `.claude.json` of a config directory: which account is logged in, and what Claude Code remembers of its limits.
//!
//! Owns where the file is and these two parts of it. Everything else in it (projects, histories, keys) is passed over
//! without being kept. Must not: write it, know what the remembered limits mean, or choose between accounts.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cco_model::limit::AccountId;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::input::{Input, Unread};

/// Larger files are not read; people have some of several megabytes.
const LIMIT: u64 = 64 << 20;
/// Larger parts are no part that Claude Code writes.
const PART_LIMIT: usize = 1 << 20;
/// The longest id and the longest label that are believed.
const LONGEST_ID: usize = 64;
const LONGEST_LABEL: usize = 320;

/// What the file tells.
#[derive(Clone, Debug)]
pub struct ClaudeJson {
    /// Who is logged in; none: nobody, or somebody with an API key.
    pub login: Option<Login>,
    /// The usage service's answer that Claude Code saw last.
    pub usage: Option<CachedUsage>,
    /// When the file was written, UTC milliseconds.
    pub modified_ms: i64,
}

/// Who is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Organization and account.
    pub account: AccountId,
    /// The address, which is a label only: two organizations can share it.
    pub email: Option<String>,
    /// The organization's name, another label.
    pub organization_name: Option<String>,
}

/// The whole body of an answer of the usage service, as Claude Code keeps it.
#[derive(Clone, Debug)]
pub struct CachedUsage {
    /// Whose limits these are, in lower case; none: not told.
    pub account: Option<Arc<str>>,
    /// When they were so, UTC milliseconds.
    pub fetched_at_ms: i64,
    /// The answer, as JSON.
    pub utilization: Box<RawValue>,
}

impl ClaudeJson {
    /// The remembered limits with their account, when that is the one that is logged in. Limits of another account,
    /// or of one that is not told, stay behind a change of login and are nobody's.
    pub fn usage_of_login(&self) -> Option<(&AccountId, &CachedUsage)> {
        let (login, usage) = (self.login.as_ref()?, self.usage.as_ref()?);
        (usage.account.as_ref() == Some(&login.account.account)).then_some((&login.account, usage))
    }
}

/// Where the file of a config directory may be, in the order in which Claude Code looks.
///
/// A directory that `CLAUDE_CONFIG_DIR` names holds it. The default one, `~/.claude`, has it beside itself, in the
/// home folder; it also holds one when somebody sets the variable to the default. A `.config.json` of early versions
/// goes before both.
pub fn places(directory: &Path, default_of: Option<&Path>) -> Vec<PathBuf> {
    let inside = directory.join(".claude.json");
    let beside = default_of.map(|home| home.join(".claude.json"));
    [Some(directory.join(".config.json")), beside, Some(inside)].into_iter().flatten().collect()
}

/// Reads one such file.
pub fn read(path: &Path) -> Result<ClaudeJson, Unread> {
    let input = Input::open(path, LIMIT)?;
    let parts = parse(BufReader::with_capacity(1 << 16, input.reader()))?;
    input.check_unchanged()?;
    Ok(ClaudeJson {
        login: parts.account.as_deref().map(login).transpose()?.flatten(),
        usage: parts.usage.as_deref().and_then(cached_usage),
        modified_ms: input.modified_ms(),
    })
}

#[derive(Deserialize)]
struct Parts {
    #[serde(rename = "oauthAccount")]
    account: Option<Box<RawValue>>,
    #[serde(rename = "cachedUsageUtilization")]
    usage: Option<Box<RawValue>>,
}

fn parse(reader: impl Read) -> Result<Parts, Unread> {
    let parts: Parts = serde_json::from_reader(reader).map_err(|error| Unread::of_json(&error))?;
    for part in [&parts.account, &parts.usage].into_iter().flatten() {
        if part.get().len() > PART_LIMIT {
            return Err(Unread::Broken(format!("one part of it has {} bytes", part.get().len())));
        }
    }
    Ok(parts)
}

/// Nobody where no account is told; an account that cannot be believed is a broken file and not nobody.
fn login(part: &RawValue) -> Result<Option<Login>, Unread> {
    let told: Value = serde_json::from_str(part.get()).map_err(|error| Unread::of_json(&error))?;
    let told = told.as_object().ok_or_else(|| Unread::broken("oauthAccount is no object"))?;
    let id = |name: &str| match told.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(value) => {
            believable_id(value).map(Some).ok_or_else(|| Unread::Broken(format!("{name} is no id")))
        }
    };
    let Some(account) = id("accountUuid")? else { return Ok(None) };
    let label = |name: &str| told.get(name).and_then(Value::as_str).and_then(label);
    Ok(Some(Login {
        account: AccountId { organization: id("organizationUuid")?.unwrap_or_default(), account },
        email: label("emailAddress"),
        organization_name: label("organizationName"),
    }))
}

fn believable_id(value: &Value) -> Option<Arc<str>> {
    let text = value.as_str()?;
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    ((1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(good))
        .then(|| text.to_ascii_lowercase().into())
}

/// A text for people, without what could steer their terminal.
fn label(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|char| !char.is_control()).take(LONGEST_LABEL).collect();
    (!text.is_empty()).then_some(text)
}

#[derive(Deserialize)]
struct UsageParts {
    #[serde(rename = "accountUuid", default)]
    account: Value,
    #[serde(rename = "fetchedAtMs")]
    fetched_at_ms: f64,
    utilization: Box<RawValue>,
}

/// A memory that tells no time, or nothing, is none.
fn cached_usage(part: &RawValue) -> Option<CachedUsage> {
    let parts: UsageParts = serde_json::from_str(part.get()).ok()?;
    let told = parts.fetched_at_ms > 0.0 && parts.fetched_at_ms < 9e15 && parts.utilization.get() != "null";
    told.then(|| CachedUsage {
        account: believable_id(&parts.account),
        fetched_at_ms: parts.fetched_at_ms as i64,
        utilization: parts.utilization,
    })
}

#[cfg(test)]
mod tests;
