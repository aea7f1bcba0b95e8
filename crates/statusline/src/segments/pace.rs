//! How fast the five-hour window fills.

use cco_model::limit::Window;
use cco_model::limit::merge::{View, same_end};
use cco_model::limit::pace::Basis;

use super::{DEFAULT, Piece, Segment};
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "pace",
    about: "How fast the five-hour limit fills, and where it ends at that pace",
    example: "🔥:13%/h→112%",
    priority: 45,
    colour: DEFAULT,
    ground: 94,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let account = scene.account()?;
    let pace = account.pace?;
    let ours = account.windows.get(&Window::FiveHour)?;
    let View::Open { .. } = ours.view(&Window::FiveHour, scene.now_ms) else { return None };
    // The pace is that of the account: where the session's window is another one, it says nothing of it.
    let windows = scene.windows();
    let drawn =
        windows.get(&Window::FiveHour).filter(|drawn| same_end(drawn.resets_at_ms, ours.resets_at_ms))?;
    // It was worked out from the account's own readings, and is as old as they are.
    let mark =
        [ours, drawn].map(|current| scene.shown(&Window::FiveHour, Some(current)).map(|shown| shown.mark));
    let mark = scene.mark(mark.into_iter().flatten().max().unwrap_or_default());
    let estimate = if pace.basis == Basis::Whole { "~" } else { "" };
    // The use may be newer than the pace.
    let View::Open { percent: Some(percent), left_ms: Some(left_ms), .. } =
        drawn.view(&Window::FiveHour, scene.now_ms)
    else {
        return None;
    };
    let gain = i128::from(pace.tenths_per_hour) * i128::from(left_ms) / 3_600_000;
    let end = i64::try_from(gain).unwrap_or(i64::MAX / 2) + i64::from(percent.tenths());
    let (rate, end) = (pace.tenths_per_hour / 10, end / 10);
    let (label, arrow) = (scene.label("🔥:", "pace:"), scene.label("→", "->"));
    let level = i32::try_from(end).unwrap_or(i32::MAX);
    Some(
        Piece::new(format!("{label}{estimate}{rate}%/h{arrow}{end}%{mark}"))
            .or(format!("{label}{estimate}{end}%{mark}"))
            .level(Some(level)),
    )
}
