//! What the session has cost.

use super::{DEFAULT, Piece, Segment};
use crate::figures::{is_a_cent, money, per_hour};
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "cost",
    about: "What the session has cost as Claude Code says it, and that by the hour",
    example: "💰:$2.50|$4.00/h",
    priority: 50,
    colour: DEFAULT,
    ground: 58,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let cost = &scene.payload.cost;
    let nanos = cost.nanos.filter(|nanos| is_a_cent(*nanos))?;
    let label = scene.label("💰:", "");
    let alone = format!("{label}{}", money(nanos));
    let rate = cost.duration_ms.and_then(|duration| per_hour(nanos, duration));
    Some(match rate {
        Some(rate) => Piece::new(format!("{alone}|{}/h", money(rate))).or(alone),
        None => Piece::new(alone),
    })
}
