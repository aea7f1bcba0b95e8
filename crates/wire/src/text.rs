//! Small pieces of text that every document has: names made harmless, times.

use std::fmt::Write;

use cco_model::civil;
use cco_model::untrusted::{clean, is_treacherous};
use jiff::Timestamp;

/// The longest name that is shown whole: no folder has a longer one.
const NAME_LIMIT: usize = 255;

/// JSON with everything treacherous inside its strings escaped: the same data, harmless to look at.
pub fn escape_json(json: String) -> String {
    // Mostly there is nothing to do: what is treacherous in JSON is DEL or no ASCII.
    if json.bytes().all(|byte| byte == b'\n' || (b' '..0x7f).contains(&byte)) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_treacherous(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a `String` cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// A name for a cell: clean, and cut where it is longer than a name has any business to be.
pub fn name(name: &str) -> String {
    clip(&clean(name), NAME_LIMIT)
}

/// At most `limit` characters, the last one `…` when something was cut.
pub fn clip(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let kept: String = text.chars().take(limit - 1).collect();
    format!("{kept}…")
}

/// The last part of a project's path, however long, for scripts; `unknown` for none.
pub fn whole_project(path: &str) -> String {
    let last = path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default();
    match (path.is_empty(), last.is_empty()) {
        (true, _) => "unknown".to_owned(),
        (false, true) => path.to_owned(),
        (false, false) => last.to_owned(),
    }
}

/// The same, and nothing for none: as the daemon says it.
pub fn project_name(path: &str) -> String {
    if path.is_empty() { String::new() } else { whole_project(path) }
}

/// `2026-10-20T12:00:00.000Z`.
pub fn iso_ms(at_ms: i64) -> String {
    iso(civil::timestamp(at_ms))
}

/// An instant as scripts read it.
pub fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
