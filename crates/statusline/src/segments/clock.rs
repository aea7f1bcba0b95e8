//! The time of day.

use cco_model::civil;

use super::{DEFAULT, Piece, Segment};
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "clock",
    about: "The time of day",
    example: "🕐:13:18",
    priority: 40,
    colour: DEFAULT,
    ground: 236,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let time = scene.zone_at(scene.now_ms).to_datetime(civil::timestamp(scene.now_ms)).time();
    let label = scene.label("🕐:", "");
    Some(Piece::new(format!("{label}{:02}:{:02}", time.hour(), time.minute())))
}
