//! How fast the five-hour window fills.

use cco_model::limit::Window;
use cco_model::limit::merge::View;
use cco_model::limit::pace::Basis;

use super::{DEFAULT, Piece, Segment};
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "pace",
    about: "How fast the five-hour limit fills, and where it ends at that pace",
    example: "🔥:13%/h→112%",
    priority: 45,
    colour: DEFAULT,
    ground: 94,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let account = scene.account()?;
    let pace = account.pace?;
    let current = account.windows.get(&Window::FiveHour)?;
    let View::Open { .. } = current.view(&Window::FiveHour, scene.now_ms) else { return None };
    let estimate = if pace.basis == Basis::Whole { "~" } else { "" };
    let (rate, end) = (pace.tenths_per_hour / 10, pace.tenths_at_reset / 10);
    let (label, arrow) = (scene.label("🔥:", "pace:"), scene.label("→", "->"));
    let level = i32::try_from(end).unwrap_or(i32::MAX);
    Some(
        Piece::new(format!("{label}{estimate}{rate}%/h{arrow}{end}%"))
            .or(format!("{label}{estimate}{end}%"))
            .level(Some(level)),
    )
}
