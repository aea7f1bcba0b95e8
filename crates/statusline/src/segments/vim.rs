//! The mode of vim keys.

use super::{GREEN, Piece, Segment};
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "vim",
    about: "The mode of vim keys",
    example: "NORMAL",
    priority: 19,
    colour: GREEN,
    ground: 22,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    Some(super::name("", scene.payload.vim.as_deref()?))
}
