//! How long the session has lasted.

use super::{DEFAULT, Piece, Segment};
use crate::figures::duration;
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "duration",
    about: "How long the session has lasted",
    example: "⏳:1h25m",
    priority: 14,
    colour: DEFAULT,
    ground: 239,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let ms = scene.payload.cost.duration_ms?.unsigned_abs();
    Some(Piece::new(format!("{}{}", scene.label("⏳:", "up:"), duration(ms))))
}
