//! What all sessions of this machine cost today.

use cco_model::limit::age_ms;
use cco_model::limit::login::Login;
use cco_model::limit::mark::{Kind, mark};

use super::{DEFAULT, Piece, Segment};
use crate::figures::money;
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "today",
    about: "What all sessions of this machine cost today",
    example: "☀:$12.4",
    priority: 35,
    colour: DEFAULT,
    ground: 58,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let today = scene.snapshot.today?;
    // Of another day nothing is known until it is counted.
    (today.from_ms..today.until_ms).contains(&scene.now_ms).then_some(())?;
    let mark = mark(Kind::Local, age_ms(scene.snapshot.counted_at_ms, scene.now_ms), Login::Unknown);
    Some(Piece::new(format!("{}{}{}", scene.label("☀:", "today:"), money(today.cost), scene.mark(mark))))
}
