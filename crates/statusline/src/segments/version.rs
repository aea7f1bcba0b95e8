//! Claude Code's version.

use super::{DEFAULT, Piece, Segment};
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "version",
    about: "Claude Code's version",
    example: "v2.1.329",
    priority: 8,
    colour: DEFAULT,
    ground: 240,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    Some(super::name("v", scene.payload.version.as_deref()?))
}
