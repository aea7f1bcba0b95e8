//! Whose session it is, where there are several accounts.

use cco_model::untrusted::clean;

use super::{MAGENTA, Piece, Segment};
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "account",
    about: "The session's account, where this machine has several",
    example: "👤work",
    priority: 60,
    colour: MAGENTA,
    ground: 60,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    if scene.snapshot.accounts.len() < 2 {
        return None;
    }
    let label = clean(&scene.account()?.label);
    (!label.trim().is_empty()).then(|| super::name(scene.label("👤", "@"), &label))
}
