//! Text from outside, made harmless to look at. Must not: know where it is shown.

use std::borrow::Cow;
use std::sync::Arc;

/// The longest name of a limit or a currency.
const MAX_NAME: usize = 64;

/// A text without what could steer the terminal or disguise what it says.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.contains(is_treacherous) {
        Cow::Owned(text.replace(is_treacherous, ""))
    } else {
        Cow::Borrowed(text)
    }
}

/// Controls, marks that turn the direction of text, and characters without width.
pub fn is_treacherous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// A name from outside, fit to be shown and compared: lower case, nothing that a terminal would obey. None: nothing of
/// it is left.
pub fn short_name(name: &str) -> Option<Arc<str>> {
    // Fillers pass for letters and show nothing.
    let kept = |c: &char| !is_treacherous(*c) && (c.is_alphanumeric() || [' ', '-', '_', '.'].contains(c));
    let name: String = name.chars().filter(kept).take(MAX_NAME).flat_map(char::to_lowercase).collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.into())
}
