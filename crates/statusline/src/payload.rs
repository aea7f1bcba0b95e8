//! What Claude Code hands to its status line on stdin.
//!
//! Every field may be missing, null, or of another type: what makes no sense is lost alone, and of a text that ends in
//! the middle what stands before its end counts. Names are cleaned here, once. Must not: guess a value.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use cco_model::limit::{Percent, Window};
use cco_model::number;
use cco_model::untrusted::clean;
use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// More of a payload is not read.
pub const MOST_BYTES: usize = 1 << 20;
/// Of a name; longer ones are none.
const MOST_CHARS: usize = 1_000;
/// More limits than any plan has.
const MOST_WINDOWS: usize = 32;
/// Counts above are no counts: a float holds no more.
const MOST_COUNT: i64 = 1 << 53;

/// A payload, as far as it can be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    /// The session's id.
    pub session: Option<String>,
    /// The name that its user gave it.
    pub session_name: Option<String>,
    /// The path of its transcript.
    pub transcript: Option<String>,
    /// The folder that it works in.
    pub dir: Option<String>,
    /// The model's id, or its name where that is all.
    pub model: Option<String>,
    /// Claude Code's version.
    pub version: Option<String>,
    /// The output style.
    pub style: Option<String>,
    /// How hard the model thinks.
    pub effort: Option<String>,
    /// The mode of vim keys.
    pub vim: Option<String>,
    /// The agent that runs.
    pub agent: Option<String>,
    /// The linked worktree that the session works in.
    pub worktree: Option<String>,
    /// The pull request of the branch.
    pub pull: Option<Pull>,
    /// What the session used so far.
    pub cost: Cost,
    /// How full its context is.
    pub context: Context,
    /// The prompt cache.
    pub cache: Cache,
    /// The plan's limits as the service told this session.
    pub windows: Vec<Told>,
}

/// A pull or merge request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Where it is.
    pub url: Option<String>,
    /// The host of the repository; links lead nowhere else.
    pub host: Option<String>,
}

/// What a session used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// In nano-dollars.
    pub nanos: Option<i64>,
    /// Since it began, in milliseconds.
    pub duration_ms: Option<i64>,
    /// Waiting for answers, in milliseconds.
    pub api_duration_ms: Option<u64>,
    /// Lines that were added.
    pub added: Option<u64>,
    /// Lines that were removed.
    pub removed: Option<u64>,
}

/// The context window, in tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Its size; never 0.
    pub size: Option<u64>,
    /// What of it is used.
    pub used: Option<u64>,
}

/// The prompt cache of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cache {
    /// What of its input came from the cache, in tenths of a percent.
    pub hit_tenths: Option<i32>,
    /// When it goes cold unless it is used, UTC milliseconds.
    pub expires_at_ms: Option<i64>,
}

/// A limit as the session was told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which.
    pub window: Window,
    /// How full; none: not told.
    pub percent: Option<Percent>,
    /// When it ends, UTC milliseconds.
    pub resets_at_ms: Option<i64>,
}

impl Payload {
    /// Reads a payload, whatever it is.
    pub fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_BYTES)]);
        Object::of(&text).map(|object| Self::of(&object)).unwrap_or_default()
    }

    /// The bytes are a whole object, so nothing more will come.
    pub fn is_whole(bytes: &[u8]) -> bool {
        bytes.trim_ascii_end().ends_with(b"}") && serde_json::from_slice::<&RawValue>(bytes).is_ok()
    }

    /// Nothing is told at all.
    pub fn is_silent(&self) -> bool {
        *self == Self::default()
    }

    fn of(it: &Object<'_>) -> Self {
        let workspace = it.object("workspace");
        let model = it.object("model");
        Self {
            session: it.text("session_id"),
            session_name: it.text("session_name"),
            transcript: it.text("transcript_path"),
            dir: workspace.text("current_dir").or_else(|| it.text("cwd")),
            model: model.text("id").or_else(|| model.text("display_name")).or_else(|| it.text("model")),
            version: it.text("version"),
            style: it.object("output_style").text("name"),
            effort: it.object("effort").text("level"),
            vim: it.object("vim").text("mode"),
            agent: it.object("agent").text("name"),
            worktree: it.object("worktree").text("name").or_else(|| workspace.text("git_worktree")),
            pull: pull(&it.object("pr"), &workspace.object("repo")),
            cost: cost(&it.object("cost")),
            context: context(&it.object("context_window")),
            cache: cache(&it.object("prompt_cache")),
            windows: windows(&it.object("rate_limits")),
        }
    }
}

fn pull(it: &Object<'_>, repository: &Object<'_>) -> Option<Pull> {
    Some(Pull { number: it.count("number")?, url: it.text("url"), host: repository.text("host") })
}

fn cost(it: &Object<'_>) -> Cost {
    Cost {
        nanos: it.number("total_cost_usd", nanos).filter(|nanos| *nanos >= 0),
        duration_ms: it.count("total_duration_ms").and_then(|ms| i64::try_from(ms).ok()),
        api_duration_ms: it.count("total_api_duration_ms"),
        added: it.count("total_lines_added"),
        removed: it.count("total_lines_removed"),
    }
}

/// Dollars in nano-dollars, to the millionth; a sum that no session costs is none.
fn nanos(text: &str) -> Option<i64> {
    let millionths = number::millionths(text)?;
    (millionths.abs() < 1_000_000 * 1_000_000).then(|| millionths * 1_000)
}

/// Where the use of now is not told, the percentage is. One of 0 then only says that nothing is known: a conversation
/// that was just begun or compacted is not empty. Totals are of no use: they were sums over all calls until 2.1.132.
fn context(it: &Object<'_>) -> Context {
    let size = it.count("context_window_size").filter(|size| *size > 0);
    let now = it.object("current_usage");
    let parts = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"];
    let parts = parts.map(|part| now.count(part));
    let sum = parts.iter().any(Option::is_some).then(|| parts.iter().flatten().sum::<u64>());
    let by_percent = || {
        let tenths = it.number("used_percentage", number::tenths).filter(|tenths| *tenths > 0)?;
        let used = u128::from(size?) * u128::from(tenths.unsigned_abs()) / 1_000;
        u64::try_from(used).ok()
    };
    Context { size, used: sum.filter(|used| *used > 0).or_else(by_percent) }
}

fn cache(it: &Object<'_>) -> Cache {
    Cache {
        hit_tenths: it
            .number("hit_ratio", number::millionths)
            .filter(|ratio| (0..=1_000_000).contains(ratio))
            .and_then(|ratio| i32::try_from(ratio / 1_000).ok()),
        expires_at_ms: it.number("expires_at", number::time_ms),
    }
}

fn windows(it: &Object<'_>) -> Vec<Told> {
    let mut told = Vec::new();
    for (key, value) in &it.fields {
        if value.get().starts_with('[') {
            // A list of models, each with its name inside.
            let buckets: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
            let of_model = |bucket: &&RawValue| {
                let bucket = Object::of(bucket.get())?;
                Some(bucket_of(Window::of_model(&bucket.text("display_name")?)?, &bucket))
            };
            told.extend(buckets.iter().filter_map(of_model).flatten().take(MOST_WINDOWS));
        } else if let (Some(window), Some(bucket)) = (Window::of_bucket(key), Object::of(value.get())) {
            told.extend(bucket_of(window, &bucket));
        }
    }
    told.truncate(MOST_WINDOWS);
    fullest_of_each(told)
}

/// Of what is told twice of one window, the fuller counts.
fn fullest_of_each(mut told: Vec<Told>) -> Vec<Told> {
    told.sort_by(|one, other| one.window.cmp(&other.window).then(other.percent.cmp(&one.percent)));
    told.dedup_by(|later, first| later.window == first.window);
    told
}

/// What tells neither use nor end tells nothing.
fn bucket_of(window: Window, it: &Object<'_>) -> Option<Told> {
    let percent = it.number("used_percentage", number::tenths);
    let percent = percent.map(|tenths| Percent::of_tenths(&window, tenths));
    let resets_at_ms = it.number("resets_at", number::time_ms);
    (percent.is_some() || resets_at_ms.is_some()).then_some(Told { window, percent, resets_at_ms })
}

/// The fields of a JSON object, each as its text.
#[derive(Default)]
struct Object<'t> {
    fields: BTreeMap<Cow<'t, str>, &'t RawValue>,
}

impl<'t> Object<'t> {
    /// What stands before an error counts. None: no object.
    fn of(text: &'t str) -> Option<Self> {
        let mut object = Self::default();
        let is_object = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
        if !is_object.starts_with('{') {
            return None;
        }
        let mut parser = serde_json::Deserializer::from_str(is_object);
        // An error ends the object where it stands.
        let _ = (&mut parser).deserialize_map(Fields(&mut object.fields));
        Some(object)
    }

    fn object(&self, key: &str) -> Self {
        self.fields.get(key).and_then(|value| Object::of(value.get())).unwrap_or_default()
    }

    /// A text that is not blank, without what could steer a terminal.
    fn text(&self, key: &str) -> Option<String> {
        let text = string(self.fields.get(key)?.get())?;
        let text = clean(&text);
        let is_name = !text.trim().is_empty() && text.chars().nth(MOST_CHARS).is_none();
        is_name.then(|| text.into_owned())
    }

    /// A number, or a text that is one.
    fn number<T>(&self, key: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let value = self.fields.get(key)?.get();
        if value.starts_with('"') { read(string(value)?.trim()) } else { read(value) }
    }

    fn count(&self, key: &str) -> Option<u64> {
        let count = self.number(key, number::whole).filter(|count| *count <= MOST_COUNT)?;
        u64::try_from(count).ok()
    }
}

/// A JSON string; half a pair of surrogates, which JavaScript writes of names that it cut, stands for nothing.
fn string(json: &str) -> Option<String> {
    if !json.starts_with('"') {
        return None;
    }
    serde_json::from_str(json).ok().or_else(|| serde_json::from_str(&without_surrogates(json)).ok())
}

fn without_surrogates(json: &str) -> String {
    let mut parts = json.split("\\u");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_surrogate = part
            .get(..2)
            .is_some_and(|start| matches!(start.to_ascii_lowercase().as_bytes(), [b'd', b'8'..=b'f']));
        // Whole pairs go as well: they stand in a text that is damaged anyway. An escaped backslash keeps its `u`.
        let is_escaped = (kept.len() - kept.trim_end_matches('\\').len()) % 2 == 1;
        match part.get(4..).filter(|_| is_surrogate && !is_escaped) {
            Some(rest) => kept.push_str(rest),
            None => kept.extend(["\\u", part]),
        }
    }
    kept
}

/// Collects fields until the first error; of a key that stands twice the last one counts.
struct Fields<'a, 't>(&'a mut BTreeMap<Cow<'t, str>, &'t RawValue>);

impl<'t> Visitor<'t> for Fields<'_, 't> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'t>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some((key, value)) = map.next_entry::<Key<'t>, &'t RawValue>()? {
            self.0.insert(key.0, value);
        }
        Ok(())
    }
}

/// Borrowed where nothing in it is escaped.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Key<'t>(#[serde(borrow)] Cow<'t, str>);

#[cfg(test)]
mod tests;
