//! Text that fits: how wide it is on a terminal, broken at words.
//!
//! Must not: know what a text means; break a word, since a path or a command that is broken cannot be copied.

use anstream::adapter::strip_str;
use comfy_table::Table;

/// Blanks before the further lines of a message.
const HANGING: usize = 2;

/// The columns that one line takes on a terminal; colour codes take none.
pub(crate) fn width(line: &str) -> usize {
    let plain = strip_str(line).to_string();
    if plain.is_ascii() {
        return plain.len();
    }
    let mut table = Table::new();
    table.add_row([plain]);
    table.column_max_content_widths().first().map_or(0, |width| usize::from(*width))
}

/// The text with its lines broken between words where they are wider than the terminal; none: no limit.
pub(crate) fn wrap(text: &str, columns: Option<usize>) -> String {
    let Some(columns) = columns else { return text.to_owned() };
    let lines: Vec<String> = text.split('\n').map(|line| wrap_line(line, columns)).collect();
    lines.join("\n")
}

fn wrap_line(line: &str, columns: usize) -> String {
    if width(line) <= columns {
        return line.to_owned();
    }
    let words = line.trim_start_matches(' ');
    let indent = line.len() - words.len();
    let mut wrapped = " ".repeat(indent);
    let mut used = indent;
    for (index, word) in words.split(' ').enumerate() {
        let wide = width(word);
        if index == 0 {
            used += wide;
        } else if used + 1 + wide <= columns {
            wrapped.push(' ');
            used += 1 + wide;
        } else {
            wrapped.push('\n');
            wrapped.push_str(&" ".repeat(indent + HANGING));
            used = indent + HANGING + wide;
        }
        wrapped.push_str(word);
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_is_what_a_terminal_shows() {
        for (text, columns) in
            [("", 0), ("abc", 3), ("naïve", 5), ("東京", 4), ("\u{1b}[1mnote\u{1b}[0m: é", 7)]
        {
            assert_eq!(width(text), columns, "{text}");
        }
    }

    #[test]
    fn lines_break_between_words_only() {
        let message =
            "note: no price for acme-1 (1 call);\n  see /a/path/that/is/too/long/for/any/line of it";
        insta::assert_snapshot!(wrap(message, Some(20)), @r"
        note: no price for
          acme-1 (1 call);
          see
            /a/path/that/is/too/long/for/any/line
            of it
        ");
        assert_eq!(wrap(message, None), message);
        assert_eq!(wrap("a b", Some(1)), "a\n  b");
        assert_eq!(wrap("東京 東京", Some(8)), "東京\n  東京");
    }
}
