//! The session's name.

use super::{DEFAULT, Piece, Segment};
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "session",
    about: "The name that the session was given, or the start of its id",
    example: "💬:Retry the webhook",
    priority: 15,
    colour: DEFAULT,
    ground: 239,
    build,
};

/// Characters of an id that tell it apart, mostly.
const ID: usize = 8;

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let payload = scene.payload;
    let label = scene.label("💬:", "");
    match (&payload.session_name, &payload.session) {
        (Some(name), _) => Some(super::name(label, name)),
        (None, Some(id)) => Some(Piece::new(format!("{label}{}", id.chars().take(ID).collect::<String>()))),
        (None, None) => None,
    }
}
