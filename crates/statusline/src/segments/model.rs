//! The model that answers.

use cco_model::limit::shown::capital;

use super::{CYAN, Piece, Segment};
use crate::scene::Scene;
use crate::width::{cut, width};

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "model",
    about: "The model that answers",
    example: "🤖:Opus4.6",
    priority: 70,
    colour: CYAN,
    ground: 30,
    build,
};

/// The widest name of a model.
const WIDEST: usize = 40;
/// A number that is a day, not a version: `20250514`.
const DAY: usize = 8;

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let model = scene.payload.model.as_deref().map_or_else(|| "Claude".to_owned(), short);
    let label = scene.label("🤖:", "");
    let piece = Piece::new(format!("{label}{}", cut(&model, WIDEST)));
    Some(if width(&model) > 12 { piece.or(format!("{label}{}", cut(&model, 12))) } else { piece })
}

/// Family and version of a model of this house, `Opus4.6[1m]`; others stay as they are.
fn short(id: &str) -> String {
    named(id).or_else(|| titled(id)).unwrap_or_else(|| id.to_owned())
}

/// By its id: `claude-opus-4-6[1m]`, `claude-3-5-haiku-20241022`, `us.anthropic.claude-sonnet-4-20250514-v1:0`.
fn named(id: &str) -> Option<String> {
    let (_, name) =
        id.split_once("claude-").filter(|(before, _)| before.is_empty() || before.ends_with('.'))?;
    let (name, extra) = name.find('[').map_or((name, ""), |at| name.split_at(at));
    let parts = name.split('-').map(|part| part.split('@').next().unwrap_or_default());
    let (numbers, words): (Vec<&str>, Vec<&str>) = parts
        .filter(|part| part.len() != DAY || !is_number(part))
        .take_while(|part| !part.starts_with('v') || !part.contains(':'))
        .partition(|part| is_number(part));
    let [family] = words[..] else { return None };
    (!family.is_empty()).then(|| format!("{}{}{extra}", capital(family), numbers.join(".")))
}

/// By its display name: `Opus 4.6 (1M context)`.
fn titled(name: &str) -> Option<String> {
    let (name, extra) = match name.split_once(" (1M context)") {
        Some((name, "")) => (name, "[1m]"),
        Some(_) => return None,
        None => (name, ""),
    };
    let (family, version) = name.split_once(' ')?;
    let is_word = family.chars().all(|c| c.is_ascii_alphabetic());
    let is_version = version.split('.').all(is_number);
    (is_word && is_version).then(|| format!("{family}{version}{extra}"))
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn family_and_version_are_found_in_ids_and_names() {
        let rows = [
            ("claude-opus-4-6[1m]", "Opus4.6[1m]"),
            ("claude-opus-4-20250514", "Opus4"),
            ("claude-opus-4-1-20250805", "Opus4.1"),
            ("claude-3-5-haiku-20241022", "Haiku3.5"),
            ("claude-3-opus-20240229", "Opus3"),
            ("claude-fable-5-2", "Fable5.2"),
            ("anthropic.claude-opus-5-5", "Opus5.5"),
            ("us.anthropic.claude-sonnet-4-20250514-v1:0", "Sonnet4"),
            ("claude-sonnet-4-5@20250929", "Sonnet4.5"),
            ("Opus 4.6 (1M context)", "Opus4.6[1m]"),
            ("Sonnet 4", "Sonnet4"),
            ("gpt-9", "gpt-9"),
            ("not-claude-opus-4", "not-claude-opus-4"),
            ("claude-", "claude-"),
            ("claude-new-thing-4", "claude-new-thing-4"),
            ("My own model", "My own model"),
        ];
        for (id, shown) in rows {
            assert_eq!(short(id), shown, "{id}");
        }
    }
}
