//! The tokens of the running block, and how fast they go.

use cco_model::limit::age_ms;
use cco_model::limit::login::Login;
use cco_model::limit::mark::{Kind, mark};

use super::{DEFAULT, Piece, Segment};
use crate::figures::{speed, tokens};
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "tokens",
    about: "Tokens of the running five-hour block, and that by the minute",
    example: "📊:83.4Mtok(521ktpm)",
    priority: 25,
    colour: DEFAULT,
    ground: 23,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let block = scene.snapshot.block.filter(|block| scene.now_ms < block.ends_at_ms && block.tokens > 0)?;
    let label = scene.label("📊:", "");
    let mark = mark(Kind::Local, age_ms(scene.snapshot.counted_at_ms, scene.now_ms), Login::Unknown);
    let mark = scene.mark(mark);
    let alone = format!("{label}{}tok{mark}", tokens(block.tokens));
    Some(match block.tokens_per_minute {
        Some(rate) => {
            Piece::new(format!("{label}{}tok({}tpm){mark}", tokens(block.tokens), speed(rate))).or(alone)
        }
        None => Piece::new(alone),
    })
}
