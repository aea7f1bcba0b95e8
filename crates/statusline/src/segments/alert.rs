//! What is wrong, and only the user can mend.

use super::{DEFAULT, Piece, Segment};
use crate::scene::Scene;
use crate::snapshot::Alert;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "alert",
    about: "What is wrong and needs you: a dead login, a full disk",
    example: "🔺login",
    priority: 100,
    colour: DEFAULT,
    ground: 88,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let critical = scene.mark(cco_model::limit::mark::Mark::Critical);
    let warning = scene.mark(cco_model::limit::mark::Mark::Aging);
    let words: Vec<String> = scene
        .snapshot
        .alerts
        .iter()
        .map(|alert| match alert {
            Alert::Login => format!("{critical}login"),
            Alert::OneLogin => format!("{warning}login"),
            Alert::Disk => format!("{warning}disk"),
        })
        .collect();
    (!words.is_empty()).then(|| Piece::new(words.join(" ")).alarming())
}
