//! The branch, and what is not committed or pushed.

use cco_model::limit::age_ms;
use cco_model::limit::login::Login;
use cco_model::limit::mark::{Kind, mark};
use cco_model::untrusted::clean;

use super::{GREEN, Piece, Segment};
use crate::scene::Scene;
use crate::width::cut;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "git",
    about: "The branch, then commits ahead (+) and behind (-) of its upstream and files that are changed (*)",
    example: "🌿:main+2-1*3",
    priority: 55,
    colour: GREEN,
    ground: 22,
    build,
};

/// Columns of a branch's name when it has to be short.
const SHORT: usize = 12;

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let head = scene.nearby.head.as_ref()?;
    let branch = clean(&head.branch);
    let known = scene.snapshot.repositories.iter().find(|known| known.root == head.root);
    let counts = known.map_or_else(String::new, |known| {
        let counts = [("+", known.ahead), ("-", known.behind), ("*", known.dirty)];
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        let counts: String = counts.map(|(sign, count)| format!("{sign}{count}")).collect();
        let mark = mark(Kind::Local, age_ms(Some(known.seen_at_ms), scene.now_ms), Login::Unknown);
        if counts.is_empty() { counts } else { counts + scene.mark(mark) }
    });
    let label = scene.label("🌿:", "");
    let piece = Piece::new(format!("{label}{branch}{counts}"));
    let short = cut(&branch, SHORT);
    Some(if short == branch { piece } else { piece.or(format!("{label}{short}{counts}")) })
}
