//! The prompt cache: how much came from it, and how soon it goes cold.

use super::{CYAN, Piece, Segment};
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "cache",
    about: "How much of the input came from the prompt cache; in its last five minutes, when it goes cold",
    example: "💾:94%",
    priority: 20,
    colour: CYAN,
    ground: 23,
    build,
};

const MINUTE_MS: i64 = 60_000;
/// From so long before its end on, the end is shown.
const SOON_MS: i64 = 5 * MINUTE_MS;

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let cache = &scene.payload.cache;
    let left_ms = cache.expires_at_ms.map(|end| end.saturating_sub(scene.now_ms));
    let label = scene.label("💾:", "cache:");
    match left_ms {
        Some(left @ 1..=SOON_MS) => Some(Piece::new(format!("{label}{}m", left / MINUTE_MS))),
        _ => Some(Piece::new(format!("{label}{}%", cache.hit_tenths? / 10))),
    }
}
