//! How wide text is on a terminal. Must not: know colours; what comes here holds no escape sequence.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The columns that a text takes. Only the part that is not plain is taken apart, with the character before it, which a
/// mark may belong to: mostly that is one symbol at the start.
pub(crate) fn width(text: &str) -> usize {
    let plain = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii()).count();
    let before = plain(text.as_bytes()).saturating_sub(1);
    let rest = &text[before..];
    let after = rest.bytes().rev().take_while(u8::is_ascii).count();
    before + after + rest[..rest.len() - after].graphemes(true).map(of_grapheme).sum::<usize>()
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

    proptest::proptest! {
        #[test]
        fn a_text_is_as_wide_as_all_that_is_drawn_as_one(text in "[a-c⚠📁東\u{301}\u{200d}\u{fe0f}👩💻 ]{0,8}") {
            proptest::prop_assert_eq!(width(&text), text.graphemes(true).map(of_grapheme).sum::<usize>());
        }
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
