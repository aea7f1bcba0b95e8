//! One value of `config.toml` taken out, and not a byte beside it but the line that it had for itself.
//!
//! Must not: take out a section that is left empty, or a comment behind the value.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::{meaning, splice};

/// Blanks inside a line.
const BLANKS: [char; 2] = [' ', '\t'];

/// The text has a value at this path.
pub(crate) fn has_value(text: &str, path: &[&str]) -> bool {
    meaning(text, path).is_some_and(|(_, value)| value.is_some())
}

/// The text without the value at this path; none: there is no way that leaves all else as it is.
pub(crate) fn without_value(text: &str, path: &[&str]) -> Option<String> {
    let (expected, _) = meaning(text, path)?;
    let (name, value) = spans(text, path)?;
    let ways = [line_cut(text, &name, &value), inline_cut(text, &name, &value)];
    let cut = |range: Range<usize>| splice(text, range, "");
    ways.into_iter().flatten().map(cut).find(|new| meaning(new, path) == Some((expected.clone(), None)))
}

/// Where the last name of a path and its value stand.
fn spans(text: &str, path: &[&str]) -> Option<(Range<usize>, Range<usize>)> {
    let (key, sections) = path.split_last()?;
    let document = DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    for section in sections {
        let DeValue::Table(inner) = table.get(*section)?.get_ref() else { return None };
        table = inner;
    }
    let (name, value) = table.get_key_value(*key)?;
    Some((name.span(), value.span()))
}

/// The whole lines of a value that has them for itself; of one with a comment behind it, all but that.
fn line_cut(text: &str, name: &Range<usize>, value: &Range<usize>) -> Option<Range<usize>> {
    let before = text.get(..name.start)?;
    let mark = text.len() - text.trim_start_matches('\u{feff}').len();
    let start = before.rfind('\n').map_or(mark, |end| end + 1);
    let behind = text.get(value.end..)?;
    let line = behind.split_inclusive('\n').next().unwrap_or_default();
    if line.trim().is_empty() {
        return Some(start..value.end + line.len());
    }
    let indent = before.get(start..)?.len() - before.get(start..)?.trim_start_matches(BLANKS).len();
    Some(start + indent..value.end)
}

/// A value inside of braces, with the comma that it needs no more.
fn inline_cut(text: &str, name: &Range<usize>, value: &Range<usize>) -> Option<Range<usize>> {
    let before = text.get(..name.start)?;
    let opened = before.rfind(['{', ','])?;
    let between = before.get(opened + 1..)?;
    if between.contains(['#', '\n']) {
        return None;
    }
    let first = opened + 1 + between.len() - between.trim_start_matches(BLANKS).len();
    let behind = text.get(value.end..)?;
    if let Some(rest) = behind.trim_start_matches(BLANKS).strip_prefix(',') {
        return Some(first..text.len() - rest.trim_start_matches(BLANKS).len());
    }
    let start = if before.get(opened..)?.starts_with(',') { opened } else { opened + 1 };
    Some(start..value.end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ZONE: [&str; 2] = ["stats", "timezone"];

    fn unset(text: &str) -> String {
        assert!(has_value(text, &ZONE), "{text:?}");
        without_value(text, &ZONE).unwrap_or_else(|| "no way".to_owned())
    }

    #[test]
    fn a_value_goes_and_its_line_with_it() {
        for (before, after) in [
            ("[stats]\ntimezone = 'UTC'\nx = 1\n", "[stats]\nx = 1\n"),
            ("# a\n[stats]\n  timezone = 'UTC'  \n# b\n", "# a\n[stats]\n# b\n"),
            ("[stats]\ntimezone = 'UTC'", "[stats]\n"),
            ("[stats]\r\ntimezone = 'UTC'\r\n\r\n[z]\r\n", "[stats]\r\n\r\n[z]\r\n"),
            ("stats.timezone = 'UTC'\nx = 1\n", "x = 1\n"),
            ("\u{feff}stats.timezone = 'UTC'\n", "\u{feff}"),
            ("[stats]\ntimezone = [\n  'a', # one\n]\nx = 1\n", "[stats]\nx = 1\n"),
            ("[stats]\n\"timezone\" = '''\nUTC'''\n[z]\n", "[stats]\n[z]\n"),
        ] {
            assert_eq!(unset(before), after, "{before:?}");
        }
    }

    #[test]
    fn a_comment_behind_it_stays() {
        assert_eq!(unset("[stats]\n timezone = 'UTC'  # mine\nx = 1\n"), "[stats]\n   # mine\nx = 1\n");
    }

    #[test]
    fn inside_of_braces_it_goes_with_its_comma() {
        for (before, after) in [
            ("stats = { timezone = 'UTC' }\n", "stats = { }\n"),
            ("stats = {timezone='UTC', a = 1}\n", "stats = {a = 1}\n"),
            ("stats = { a = 1, timezone = 'UTC' } # so\n", "stats = { a = 1 } # so\n"),
            ("stats = { a = 1 ,timezone = 'UTC' , b = 2 }\n", "stats = { a = 1 ,b = 2 }\n"),
        ] {
            assert_eq!(unset(before), after, "{before:?}");
        }
    }

    #[test]
    fn what_has_a_section_of_its_own_is_left_to_people() {
        assert_eq!(unset("[stats.timezone]\nx = 1\n"), "no way");
        assert!(!has_value("[stats]\n# timezone = 'UTC'\n", &ZONE));
        assert!(!has_value("stats = 1\n", &ZONE));
    }

    #[test]
    fn any_file_keeps_every_other_byte() {
        let line = prop_oneof![
            Just("[stats]"),
            Just("[stats.watch]"),
            Just("[a.b]"),
            Just("timezone = 'UTC'"),
            Just("  timezone = \"UTC\" # so"),
            Just("stats.timezone = 'UTC'"),
            Just("stats = { timezone = 'UTC', enabled = true }"),
            Just("enabled = false # so"),
            Just("# timezone = 1"),
            Just(""),
            Just("  paths = [\n 'a',\n ]"),
            Just("s = '''\n[stats]\ntimezone = 1\n'''"),
        ];
        let text = (proptest::collection::vec(line, 0..8), any::<bool>())
            .prop_map(|(lines, crlf)| lines.join(if crlf { "\r\n" } else { "\n" }));
        proptest!(|(text in text)| {
            if !has_value(&text, &ZONE) { return Ok(()) }
            let new = unset(&text);
            let mut wanted: toml::Table = toml::from_str(&text).unwrap();
            wanted["stats"].as_table_mut().unwrap().remove("timezone");
            let after: toml::Table = toml::from_str(&new).unwrap();
            let empty = |table: &toml::Table| table.get("stats").is_some_and(|stats| stats == &toml::Value::Table(toml::Table::new()));
            // A section that was only named by its key is named no more; another stays.
            if empty(&wanted) && !empty(&after) { wanted.remove("stats"); }
            prop_assert_eq!(&after, &wanted);
            // One stretch is gone, and it holds nothing but the value.
            let start = text.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
            let gone = text.len() - new.len();
            prop_assert!((0..=start).any(|at| text.is_char_boundary(at)
                && text[..at] == new[..at] && text[at + gone..] == new[at..]));
            prop_assert!(gone <= "stats.timezone = 'UTC'\r\n".len());
        });
    }
}
