//! The output style, where it is not the usual one.

use super::{MAGENTA, Piece, Segment};
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "style",
    about: "The output style, where it is not the usual one",
    example: "🎨:Explanatory",
    priority: 10,
    colour: MAGENTA,
    ground: 60,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let style = scene.payload.style.as_deref().filter(|style| *style != "default")?;
    Some(super::name(scene.label("🎨:", "style:"), style))
}
