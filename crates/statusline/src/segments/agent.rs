//! The agent that runs.

use super::{CYAN, Piece, Segment};
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "agent",
    about: "The agent that the session runs as",
    example: "🎭:security-reviewer",
    priority: 17,
    colour: CYAN,
    ground: 30,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    Some(super::name(scene.label("🎭:", "agent:"), scene.payload.agent.as_deref()?))
}
