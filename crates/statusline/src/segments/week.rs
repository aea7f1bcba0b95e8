//! The week, and the weeks of single models where they are nearer to their end.

use cco_model::limit::Window;
use cco_model::limit::merge::{Current, View};
use cco_model::limit::shown::capital;

use super::{DEFAULT, Piece, Segment, five_hour};
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "week",
    about: "The weekly limit: hours to its reset, how much of it is used, its day; and those of models that are fuller",
    example: "📅:28h(41%)@Mon",
    priority: 90,
    colour: DEFAULT,
    ground: 53,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let windows = scene.windows();
    let whole = windows.get(&Window::SevenDay);
    let used = |window: &Window, current: &Current| match current.view(window, scene.now_ms) {
        View::Open { percent, .. } => percent,
        View::NotStarted | View::Over => None,
    };
    let used_of_whole = whole.and_then(|current| used(&Window::SevenDay, current));
    let mut parts = Vec::new();
    if let Some(shown) = whole.and_then(|current| scene.shown(&Window::SevenDay, Some(current))) {
        parts.push(five_hour::piece(scene, scene.label("📅:", "week:"), &shown));
    }
    for (window, current) in &windows {
        let Window::SevenDayModel(model) = window else { continue };
        if used(window, current) > used_of_whole {
            let shown = scene.shown(window, Some(current))?;
            let label = scene.label("📅", "");
            parts.push(five_hour::piece(scene, &format!("{label}{}:", capital(model)), &shown));
        }
    }
    joined(parts)
}

/// All of them, then each in its shortest form, then the fullest alone.
fn joined(parts: Vec<Piece>) -> Option<Piece> {
    if parts.len() < 2 {
        return parts.into_iter().next();
    }
    let join = |form: fn(&Piece) -> Option<&String>| {
        parts.iter().filter_map(form).map(String::as_str).collect::<Vec<_>>().join(" ")
    };
    let fullest = parts.iter().max_by_key(|part| part.level)?;
    let shortest = fullest.forms.last()?.clone();
    Some(
        Piece::new(join(|part| part.forms.first()))
            .or(join(|part| part.forms.last()))
            .or(shortest)
            .level(fullest.level),
    )
}
