//! A transcript that stands still while its session goes on: a sign that nothing is being saved.

use super::{DEFAULT, Piece, Segment};
use crate::figures::duration;
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "transcript",
    about: "How long the transcript has stood still although the session's cost has moved: it may not be saved",
    example: "📝:10m",
    priority: 80,
    colour: DEFAULT,
    ground: 88,
    build,
};

/// So long it must have stood still.
const STILL_MS: i64 = 5 * 60_000;
/// What an answer costs is told within seconds of its being written; what is told so much later was not written.
const LATE_MS: i64 = 60_000;

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let changed_ms = scene.nearby.transcript_changed_ms?;
    let still_ms = scene.now_ms.checked_sub(changed_ms).filter(|still| *still >= STILL_MS)?;
    let moved = scene.cost_moved_ms().is_some_and(|moved_ms| moved_ms.saturating_sub(changed_ms) >= LATE_MS);
    moved.then(|| {
        let still = duration(still_ms.unsigned_abs());
        Piece::new(format!("{}{still}", scene.label("📝:", "log:"))).alarming()
    })
}
