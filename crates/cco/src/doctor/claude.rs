//! How long Claude Code keeps transcripts: `cleanupPeriodDays` in its `settings.json`, which is only ever read.
//!
//! Must not: mind anything else in that file, or fail on what is no JSON.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use serde_json::Value;

use crate::error::why;

/// Claude Code's settings in a config root.
pub(crate) const SETTINGS: &str = "settings.json";
/// What holds where nothing is set.
pub(crate) const DEFAULT_DAYS: u64 = 30;
const KEY: &str = "cleanupPeriodDays";
/// Nobody's settings are larger.
const MAX_SETTINGS: u64 = 4 << 20;

/// How long transcripts are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Retention {
    /// Nothing is set.
    Default,
    /// So many days.
    Days(u64),
    /// The settings cannot be read: why.
    Unknown(String),
}

/// How long the transcripts of a root are kept.
pub(crate) fn retention(root: &Path) -> Retention {
    let (path, mut text) = (root.join(SETTINGS), Vec::new());
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        // A pipe would be waited on.
        return Retention::Unknown("it is not a file".to_owned());
    }
    match File::open(path).and_then(|file| file.take(MAX_SETTINGS).read_to_end(&mut text)) {
        Ok(_) => of_settings(&String::from_utf8_lossy(&text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Retention::Default,
        Err(error) => Retention::Unknown(why(&error)),
    }
}

fn of_settings(text: &str) -> Retention {
    let json = without_comments(text.trim_start_matches('\u{feff}'));
    if json.trim().is_empty() {
        return Retention::Default;
    }
    let Ok(settings) = serde_json::from_str::<Value>(&json) else {
        return Retention::Unknown("it is not valid JSON".to_owned());
    };
    match settings.get(KEY) {
        None | Some(Value::Null) => Retention::Default,
        Some(days) => match days.as_u64() {
            Some(days) => Retention::Days(days),
            None => Retention::Unknown(format!("{KEY} is {days}, which is no number of days")),
        },
    }
}

/// JSON without the comments and the commas before a closing bracket that people write into it.
fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' => string_length(rest),
            '/' if rest.starts_with("//") => {
                rest = rest.find('\n').map_or("", |end| &rest[end..]);
                continue;
            }
            '/' if rest.starts_with("/*") => {
                rest = rest.find("*/").map_or("", |end| &rest[end + 2..]);
                continue;
            }
            '}' | ']' => {
                let kept = plain.trim_end().trim_end_matches(',').len();
                plain.truncate(kept);
                1
            }
            c => c.len_utf8(),
        };
        plain.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    plain
}

/// The bytes of the string that a text begins with.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_are_found_in_what_people_write() {
        let days = Retention::Days;
        for (text, expected) in [
            ("", Retention::Default),
            ("{}", Retention::Default),
            ("[]", Retention::Default),
            (r#"{"cleanupPeriodDays": null}"#, Retention::Default),
            (r#"{"cleanupPeriodDays": 99999}"#, days(99_999)),
            ("\u{feff}{\"cleanupPeriodDays\":7}", days(7)),
            ("{ // a word\n /* \"cleanupPeriodDays\": 1, */ \"cleanupPeriodDays\": 8, }", days(8)),
            (r#"{"x": "// \" /*", "cleanupPeriodDays": 9, "y": ["é", ], }"#, days(9)),
            (r#"{"env": {"cleanupPeriodDays": 3}}"#, Retention::Default),
            ("/* never closed", Retention::Default),
        ] {
            assert_eq!(of_settings(text), expected, "{text}");
        }
        for text in
            ["garbage", "{\"a", "{\"cleanupPeriodDays\": \"x\"}", "{\"cleanupPeriodDays\": -1}", "\"", "{,}x"]
        {
            assert!(matches!(of_settings(text), Retention::Unknown(_)), "{text}");
        }
    }

    #[test]
    fn a_settings_file_that_cannot_be_read_is_unknown_and_one_that_is_not_there_is_none() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(retention(root.path()), Retention::Default);
        std::fs::create_dir(root.path().join(SETTINGS)).unwrap();
        assert!(matches!(retention(root.path()), Retention::Unknown(_)));
    }
}
