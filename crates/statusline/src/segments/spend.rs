//! Limits of money and others that are no window of a plan.

use cco_model::limit::Window;
use cco_model::limit::merge::View;

use super::{DEFAULT, Piece, Segment};
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "spend",
    about: "Other limits that the service tells, such as one of spending, and how much of them is used",
    example: "💳spend limit:112%",
    priority: 85,
    colour: DEFAULT,
    ground: 52,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let windows = scene.windows();
    let used = |window: &Window| {
        let current = windows.get(window)?;
        match current.view(window, scene.now_ms) {
            View::Open { percent: Some(percent), .. } if percent.tenths() > 0 => {
                Some((percent, scene.shown(window, Some(current))?.mark))
            }
            _ => None,
        }
    };
    let label = scene.label("💳", "");
    let of_others = windows.keys().filter_map(|window| match window {
        Window::Other(name) => used(window).map(|(percent, mark)| (name.replace('_', " "), percent, mark)),
        _ => None,
    });
    let (name, percent, mark) = of_others.max_by_key(|(_, percent, _)| *percent)?;
    let (whole, mark) = (percent.whole(), scene.mark(mark));
    Some(
        Piece::new(format!("{label}{name}:{whole}%{mark}"))
            .or(format!("{}{whole}%{mark}", scene.label("💳", "$")))
            .level(Some(whole)),
    )
}
