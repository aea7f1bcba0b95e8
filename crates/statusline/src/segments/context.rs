//! How much of the context window is left before Claude Code compacts it.

use super::{Piece, Segment};
use crate::figures::tokens;
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "context",
    about: "Tokens left before the context is compacted, and how full its window is",
    example: "🧠:154k-free[=--------|--]",
    priority: 75,
    colour: super::DEFAULT,
    ground: 238,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let context = &scene.payload.context;
    let (size, used) = context.size.zip(context.used)?;
    let compact_at = scene.settings.compact_at.min(100);
    let usable = u64::try_from(u128::from(size) * u128::from(compact_at) / 100).unwrap_or(u64::MAX);
    let free = tokens(usable.saturating_sub(used));
    let label = scene.label("🧠:", "ctx:");
    let bar = |cells| bar(used, size, compact_at, cells);
    let percent = i32::try_from(u128::from(used) * 100 / u128::from(usable.max(1))).unwrap_or(i32::MAX);
    Some(
        Piece::new(format!("{label}{free}-free{}", bar(12)))
            .or(format!("{label}{free}-free{}", bar(6)))
            .or(format!("{label}{free}-free"))
            .or(format!("{label}{free}"))
            .level(Some(percent)),
    )
}

/// `[===------|--]`: a cell for each twelfth of the window, filled as far as it is used, with `|` where it is compacted.
fn bar(used: u64, size: u64, compact_at: u8, cells: usize) -> String {
    let cell_of =
        |part: u128, whole: u128| usize::try_from(part * cells as u128 / whole.max(1)).unwrap_or(cells);
    let filled = cell_of(used.into(), size.into());
    let limit = cell_of(compact_at.into(), 100).min(cells - 1);
    let cell = |at| match at {
        at if at == limit => '|',
        at if at < filled => '=',
        _ => '-',
    };
    format!("[{}]", (0..cells).map(cell).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_filled_as_far_as_the_window_is_used() {
        let bars = [0, 25, 50, 75, 83, 95, 100, 250].map(|percent| bar(percent, 100, 83, 12));
        assert_eq!(
            bars,
            [
                "[---------|--]",
                "[===------|--]",
                "[======---|--]",
                "[=========|--]",
                "[=========|--]",
                "[=========|=-]",
                "[=========|==]",
                "[=========|==]",
            ]
        );
        assert_eq!([0, 50, 90].map(|percent| bar(percent, 100, 83, 6)), ["[----|-]", "[===-|-]", "[====|-]"]);
        assert_eq!([(1, 0), (100, 100)].map(|(used, at)| bar(used, 1, at, 6)), ["[|=====]", "[=====|]"]);
    }
}
