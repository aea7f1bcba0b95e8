//! What stands in `statusLine`: a shell line of ours, or of another tool.
//!
//! Must not: start anything.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::home::at_home;
use crate::print::text;

/// Our own name, as program and as command.
const PROGRAM: &str = "cco";
const COMMAND: &str = "statusline";
/// Characters of another tool's command that are shown.
const SHOWN: usize = 80;

/// A status line as it is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// None.
    None,
    /// Ours.
    Ours {
        /// As it is written.
        command: String,
        /// The program that it starts, as it is written.
        program: String,
    },
    /// Another tool's: what can be said of it.
    Foreign(String),
}

impl Line {
    /// What a value means. `known` are commands that this program wrote, under whatever name it had.
    pub(crate) fn of(value: Option<&str>, known: &[&str]) -> Self {
        let value = value.map(|value| serde_json::from_str(value).unwrap_or(Value::Bool(false)));
        let command = match &value {
            None | Some(Value::Null) => return Self::None,
            Some(value) => value.get("command").and_then(Value::as_str),
        };
        let Some(command) = command else { return Self::Foreign("one without a command".to_owned()) };
        match ours(command, known) {
            Some(program) => Self::Ours { command: command.to_owned(), program },
            None => Self::Foreign(format!("`{}`", text::clip(&text::clean(command), SHOWN))),
        }
    }
}

/// The program of a command of ours.
fn ours(command: &str, known: &[&str]) -> Option<String> {
    let words = words(command)?;
    let mut words = words.into_iter().skip_while(|word| is_assignment(word));
    let program = words.next()?;
    let is_cco = Path::new(&program).file_name() == Some(OsStr::new(PROGRAM));
    (known.contains(&command) || is_cco && words.next().as_deref() == Some(COMMAND)).then_some(program)
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// The words of a shell line; none where it is more than one command. `$` stands for itself.
fn words(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Some(mark), _) if c == mark => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().push(rest.next()?),
            (None, ' ' | '\t') => words.extend(word.take()),
            (None, '|' | '&' | ';' | '<' | '>' | '(' | ')' | '`' | '#' | '\n') => return None,
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word.take());
    quote.is_none().then_some(words)
}

/// The command that starts this program.
pub(crate) fn command_of(program: &str) -> String {
    format!("{} {COMMAND}", text::shell_word(program))
}

/// Where a program lies that a command names; none where only a shell can tell, or nowhere.
pub(crate) fn find(program: &str, home: Option<&Path>, search: Option<&OsStr>) -> Option<PathBuf> {
    let path = at_home(Path::new(program), home).unwrap_or_else(|| PathBuf::from(program));
    if path.is_absolute() {
        return Some(path);
    }
    let is_bare = !program.contains(['/', '$']);
    let folders = search.filter(|_| is_bare).into_iter().flat_map(std::env::split_paths);
    folders
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// The name under which this program is best remembered: that of the search path, where it leads here. An update that
/// puts another file in its place keeps that name.
pub(crate) fn lasting(program: PathBuf, search: Option<&OsStr>) -> PathBuf {
    let real = program.canonicalize().ok();
    let known =
        find(PROGRAM, None, search).filter(|known| real.is_some() && known.canonicalize().ok() == real);
    known.unwrap_or(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(command: &str) -> Line {
        Line::of(
            Some(&serde_json::json!({ "type": "command", "command": command }).to_string()),
            &["/bin/renamed statusline"],
        )
    }

    #[test]
    fn our_command_is_known_however_it_is_written() {
        for (command, program) in [
            ("cco statusline", "cco"),
            ("/usr/bin/cco statusline", "/usr/bin/cco"),
            ("'/home/ann b/cco' statusline --x", "/home/ann b/cco"),
            ("\"/a b/cco\"  statusline", "/a b/cco"),
            ("/a\\ b/cco statusline", "/a b/cco"),
            ("NO_COLOR=1 ~/bin/cco statusline", "~/bin/cco"),
            ("$HOME/bin/cco statusline", "$HOME/bin/cco"),
            ("/bin/renamed statusline", "/bin/renamed"),
        ] {
            assert_eq!(
                line(command),
                Line::Ours { command: command.to_owned(), program: program.to_owned() }
            );
        }
        for command in [
            "npx ccusage statusline",
            "cco",
            "cco daily",
            "cco statusline | head",
            "my-cco statusline",
            "'cco statusline",
            "",
        ] {
            assert!(matches!(line(command), Line::Foreign(_)), "{command}");
        }
    }

    #[test]
    fn a_value_that_is_no_command_is_another_tool_s() {
        for value in ["7", "{}", "{\"command\": 7}", "\"\\ud800\"", "false"] {
            assert!(matches!(Line::of(Some(value), &[]), Line::Foreign(_)), "{value}");
        }
        assert_eq!((Line::of(None, &[]), Line::of(Some("null"), &[])), (Line::None, Line::None));
        let treacherous = Line::Foreign("`a[31m`".to_owned());
        assert_eq!(line("a\u{1b}[31m\u{202e}"), treacherous);
    }

    #[test]
    fn a_command_is_quoted_for_the_shell_and_read_back() {
        for program in ["/usr/bin/cco", "/a b/cco", "/it's/cco", "/$HOME/\"x\"/cco", "/é/cco"] {
            let command = command_of(program);
            assert_eq!(line(&command), Line::Ours { command: command.clone(), program: program.to_owned() });
        }
        assert_eq!(command_of("/usr/bin/cco"), "/usr/bin/cco statusline");
        assert_eq!(command_of("/it's a/cco"), "'/it'\\''s a/cco' statusline");
    }
}
