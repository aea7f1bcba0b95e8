//! How hard the model thinks.

use super::{MAGENTA, Segment};
use crate::scene::Scene;
use crate::segments::Piece;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "effort",
    about: "How hard the model thinks",
    example: "💡:high",
    priority: 18,
    colour: MAGENTA,
    ground: 60,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    Some(super::name(scene.label("💡:", "effort:"), scene.payload.effort.as_deref()?))
}
