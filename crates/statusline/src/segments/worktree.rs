//! The linked worktree that the session works in.

use super::{GREEN, Piece, Segment};
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "worktree",
    about: "The linked worktree that the session works in",
    example: "🌳:fix-tax",
    priority: 16,
    colour: GREEN,
    ground: 22,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    Some(super::name(scene.label("🌳:", "tree:"), scene.payload.worktree.as_deref()?))
}
