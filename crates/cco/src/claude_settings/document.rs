//! The text of a `settings.json`, and what it is with another status line: spliced, not written anew.
//!
//! Must not: touch a file, or know what a status line is.

use std::ops::Range;

use serde::de::IgnoredAny;

/// The key.
const KEY: &str = "statusLine";
/// What counts as blank in JSON.
const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];
const BOM: char = '\u{feff}';

/// Why a text is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It is no JSON: what is wrong, and where.
    NotJson(String),
    /// It is JSON, but no object.
    NotAnObject,
    /// It has several status lines.
    Twice,
    /// It cannot be changed in such a way that all else stays as it is.
    NoWay,
}

impl Unfit {
    /// In words, to stand behind the file's name and a colon.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::NotJson(what) => format!("it is not valid JSON: {what}"),
            Self::NotAnObject => "it is JSON, but not an object".to_owned(),
            Self::Twice => format!("it has \"{KEY}\" more than once"),
            Self::NoWay => format!("\"{KEY}\" cannot be changed without changing more"),
        }
    }
}

/// A text that can be changed.
#[derive(Debug)]
pub(crate) struct Document<'t> {
    text: &'t str,
    /// What is in the braces; none: the text is blank, which Claude Code takes for an empty object.
    inside: Option<Range<usize>>,
    members: Vec<Member>,
}

/// A key and its value at the top level.
#[derive(Debug)]
struct Member {
    key: Range<usize>,
    value: Range<usize>,
    /// What is blank before the key.
    gap: Range<usize>,
    is_line: bool,
}

impl<'t> Document<'t> {
    /// Reads it.
    pub(crate) fn read(text: &'t str) -> Result<Self, Unfit> {
        let body = text.strip_prefix(BOM).unwrap_or(text);
        let start = text.len() - body.len();
        if body.trim_matches(BLANKS).is_empty() {
            return Ok(Self { text, inside: None, members: Vec::new() });
        }
        serde_json::from_str::<IgnoredAny>(body).map_err(|error| Unfit::NotJson(error.to_string()))?;
        if !body.trim_start_matches(BLANKS).starts_with('{') {
            return Err(Unfit::NotAnObject);
        }
        let (inside, members) = Walk { text, at: start }.object();
        if members.iter().filter(|member| member.is_line).count() > 1 {
            return Err(Unfit::Twice);
        }
        Ok(Self { text, inside: Some(inside), members })
    }

    /// The status line's value, as it is written.
    pub(crate) fn line(&self) -> Option<&'t str> {
        self.members.iter().find(|member| member.is_line).map(|member| &self.text[member.value.clone()])
    }

    /// The value of another key, as it is written; of several the last.
    pub(crate) fn value(&self, name: &str) -> Option<&'t str> {
        let found = self.members.iter().rfind(|member| is_called(&self.text[member.key.clone()], name));
        found.map(|member| &self.text[member.value.clone()])
    }

    /// An object of these keys and values (as JSON), written as the file is.
    pub(crate) fn object(&self, pairs: &[(&str, String)]) -> String {
        let style = self.style();
        let colon = style.colon;
        let pairs: Vec<String> =
            pairs.iter().map(|(key, value)| format!("\"{key}\"{colon}{value}")).collect();
        match style.lines {
            Some((eol, indent)) => {
                let deeper = format!("{eol}{indent}{}", if indent.is_empty() { "  " } else { indent });
                format!("{{{deeper}{}{eol}{indent}}}", pairs.join(&format!(",{deeper}")))
            }
            None => {
                let blank = if colon.trim_start() == ":" { "" } else { " " };
                format!("{{{}}}", pairs.join(&format!(",{blank}")))
            }
        }
    }

    /// The text with this value (as JSON) of the status line.
    pub(crate) fn with(&self, value: &str) -> Result<String, Unfit> {
        let new = match self.members.iter().find(|member| member.is_line) {
            Some(line) => self.spliced(line.value.clone(), value),
            None => self.appended(value),
        };
        self.checked(new, Some(value))
    }

    /// The text without a status line.
    pub(crate) fn without(&self) -> Result<String, Unfit> {
        let Some(index) = self.members.iter().position(|member| member.is_line) else {
            return Ok(self.text.to_owned());
        };
        let members = &self.members;
        let out = match (index.checked_sub(1).and_then(|before| members.get(before)), members.get(index + 1))
        {
            (Some(before), _) => before.value.end..members[index].value.end,
            (None, Some(after)) => members[index].key.start..after.key.start,
            (None, None) => self.inside.clone().unwrap_or_default(),
        };
        self.checked(self.spliced(out, ""), None)
    }

    fn appended(&self, value: &str) -> String {
        let Style { lines, colon, gap } = self.style();
        let member = format!("\"{KEY}\"{colon}{value}");
        match (self.members.last(), &self.inside) {
            (Some(last), _) => {
                let gap = lines.map_or_else(|| gap.to_owned(), |(eol, indent)| format!("{eol}{indent}"));
                self.spliced(last.value.end..last.value.end, &format!(",{gap}{member}"))
            }
            (None, Some(inside)) => {
                let (eol, indent) = lines.unwrap_or_default();
                let closing = self.text[inside.clone()].rsplit_once('\n').map_or("", |(_, closing)| closing);
                self.spliced(inside.clone(), &format!("{eol}{indent}{member}{eol}{closing}"))
            }
            (None, None) => {
                let (eol, indent) = lines.unwrap_or_default();
                let bom = if self.text.starts_with(BOM) { "\u{feff}" } else { "" };
                format!("{bom}{{{eol}{indent}{member}{eol}}}{eol}")
            }
        }
    }

    /// How the file is written: as the status line is, or the last of its keys.
    fn style(&self) -> Style<'t> {
        let text = self.text;
        let Some(model) = self.members.iter().find(|member| member.is_line).or(self.members.last()) else {
            let eol = if text.contains("\r\n") { "\r\n" } else { "\n" };
            return Style { lines: Some((eol, "  ")), colon: ": ", gap: "" };
        };
        let gap = &text[model.gap.clone()];
        let lines = gap
            .rsplit_once('\n')
            .map(|(above, indent)| (if above.ends_with('\r') { "\r\n" } else { "\n" }, indent));
        let colon = &text[model.key.end..model.value.start];
        Style { lines, colon: if colon.contains(['\n', '\r']) { ": " } else { colon }, gap }
    }

    fn spliced(&self, range: Range<usize>, with: &str) -> String {
        format!("{}{with}{}", &self.text[..range.start], &self.text[range.end..])
    }

    /// Read again, the new text must have this status line, and all else as it was.
    fn checked(&self, new: String, line: Option<&str>) -> Result<String, Unfit> {
        let read = Document::read(&new)?;
        let is_as_meant = read.line() == line && read.others().eq(self.others());
        if is_as_meant { Ok(new) } else { Err(Unfit::NoWay) }
    }

    fn others(&self) -> impl Iterator<Item = (&str, &str)> {
        let others = self.members.iter().filter(|member| !member.is_line);
        others.map(|member| (&self.text[member.key.clone()], &self.text[member.value.clone()]))
    }
}

/// How members are written.
struct Style<'t> {
    /// Each on a line: what ends it, and what stands before its key; none: all on one.
    lines: Option<(&'t str, &'t str)>,
    /// Between key and value.
    colon: &'t str,
    /// Before a key.
    gap: &'t str,
}

/// A key as it is written means this name. One that is no text (half of a pair of surrogates) has none.
fn is_called(key: &str, name: &str) -> bool {
    serde_json::from_str::<String>(key).is_ok_and(|key| key == name)
}

/// Finds the members of an object in a text that is known to be JSON.
struct Walk<'t> {
    text: &'t str,
    at: usize,
}

impl Walk<'_> {
    /// What is in the braces, and the members.
    fn object(&mut self) -> (Range<usize>, Vec<Member>) {
        self.blank();
        self.at += 1;
        let (start, mut members) = (self.at, Vec::new());
        loop {
            let gap = self.blank();
            if self.next() != Some(b'"') {
                return (start..self.at, members);
            }
            let key = self.value();
            self.blank();
            self.at += 1;
            self.blank();
            let value = self.value();
            let is_line = is_called(&self.text[key.clone()], KEY);
            members.push(Member { key, value, gap, is_line });
            let end = self.blank();
            if self.next() != Some(b',') {
                return (start..end.end, members);
            }
            self.at += 1;
        }
    }

    fn next(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blank(&mut self) -> Range<usize> {
        let start = self.at;
        let rest = &self.text[start..];
        self.at += rest.len() - rest.trim_start_matches(BLANKS).len();
        start..self.at
    }

    /// Whatever stands here, up to its end.
    fn value(&mut self) -> Range<usize> {
        let (start, mut depth, mut escaped, mut quoted) = (self.at, 0_usize, false, false);
        while let Some(byte) = self.next() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ if quoted => {}
                b'{' | b'[' => depth += 1,
                b'}' | b']' | b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => break,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 && !quoted && matches!(byte, b'"' | b'}' | b']') {
                break;
            }
        }
        start..self.at
    }
}

#[cfg(test)]
mod tests;
