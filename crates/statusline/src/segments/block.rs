//! What the running block costs, and what it comes to.

use cco_model::limit::age_ms;
use cco_model::limit::login::Login;
use cco_model::limit::mark::{Kind, mark};

use super::{DEFAULT, Piece, Segment};
use crate::figures::money;
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "block",
    about: "What the running five-hour block costs, and what it comes to at its pace",
    example: "⏱:$8.10→$19",
    priority: 30,
    colour: DEFAULT,
    ground: 58,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let block = scene.snapshot.block.filter(|block| scene.now_ms < block.ends_at_ms)?;
    let label = scene.label("⏱:", "block:");
    let mark = mark(Kind::Local, age_ms(scene.snapshot.counted_at_ms, scene.now_ms), Login::Unknown);
    let mark = scene.mark(mark);
    let alone = format!("{label}{}{mark}", money(block.cost));
    Some(match block.projected {
        Some(end) => {
            let arrow = scene.label("→", "->");
            Piece::new(format!("{label}{}{arrow}{}{mark}", money(block.cost), money(end))).or(alone)
        }
        None => Piece::new(alone),
    })
}
