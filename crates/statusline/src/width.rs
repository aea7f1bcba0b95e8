//! How wide text is on a terminal. Must not: know colours; what comes here holds no escape sequence.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The columns that a text takes.
pub(crate) fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.graphemes(true).map(of_grapheme).sum() }
}

/// As much of a text as fits; `…` stands for what was cut.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut left = columns.saturating_sub(1);
    let mut kept = String::new();
    for grapheme in text.graphemes(true) {
        let wide = of_grapheme(grapheme);
        if wide > left {
            break;
        }
        left -= wide;
        kept.push_str(grapheme);
    }
    if columns > 0 {
        kept.push('…');
    }
    kept
}

/// One that a terminal may draw in one or two columns counts as two, so that a line never breaks.
fn of_grapheme(grapheme: &str) -> usize {
    let wide = grapheme.width();
    if is_either(grapheme) { wide.max(2) } else { wide }
}

/// Terminals do not agree how wide these symbols of ours are.
fn is_either(grapheme: &str) -> bool {
    matches!(grapheme, "⚠" | "☀" | "⏱" | "⚡")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emoji_and_wide_characters_take_two_columns_and_marks_on_letters_none() {
        let widths = ["", "abc", "📁:~", "東京", "e\u{301}", "⌛:42m", "⚠⚠", "🔺", "👩‍💻"].map(width);
        assert_eq!(widths, [0, 3, 4, 4, 1, 6, 4, 2, 2]);
    }

    #[test]
    fn a_cut_never_parts_what_is_drawn_as_one() {
        let cuts = [(9, "東京tower"), (8, "東京tow…"), (4, "東…"), (1, "…"), (0, "")];
        for (columns, text) in cuts {
            assert_eq!(cut("東京tower", columns), text, "{columns}");
            assert!(width(&cut("東京tower", columns)) <= columns);
        }
    }
}
