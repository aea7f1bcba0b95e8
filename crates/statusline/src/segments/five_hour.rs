//! The five-hour window.

use cco_model::limit::Window;
use cco_model::limit::shown::{Shown, Value};

use super::{DEFAULT, Piece, Segment};
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "five_hour",
    about: "The five-hour limit: time to its reset and how much of it is used",
    example: "⌛:2h15m(73%)",
    priority: 95,
    colour: DEFAULT,
    ground: 54,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let windows = scene.windows();
    let shown = scene.shown(&Window::FiveHour, windows.get(&Window::FiveHour))?;
    let label = scene.label("⌛:", "5h:");
    Some(piece(scene, label, &shown))
}

/// A window as a piece: shortened, it tells how much is used, and no longer when it ends.
pub(super) fn piece(scene: &Scene<'_>, label: &str, shown: &Shown) -> Piece {
    let mark = scene.mark(shown.mark);
    let piece = Piece::new(format!("{label}{}{mark}", shown.text()));
    match shown.value {
        Value::Open { percent: Some(percent), left_ms, .. } => {
            let piece = piece.level(Some(percent.whole()));
            let short = format!("{label}{}%{mark}", percent.whole());
            if left_ms.is_some() { piece.or(short) } else { piece }
        }
        Value::Trouble(_) => piece.alarming(),
        _ => piece,
    }
}
