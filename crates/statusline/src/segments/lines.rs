//! Lines that the session added and removed.

use super::{GREEN, Piece, Segment};
use crate::figures::tokens;
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "lines",
    about: "Lines that the session added and removed",
    example: "✏:+611-204",
    priority: 13,
    colour: GREEN,
    ground: 22,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let cost = &scene.payload.cost;
    let (added, removed) = (cost.added.unwrap_or(0), cost.removed.unwrap_or(0));
    (added + removed > 0)
        .then(|| Piece::new(format!("{}+{}-{}", scene.label("✏:", "lines:"), tokens(added), tokens(removed))))
}
