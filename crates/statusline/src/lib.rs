//! The status line: what Claude Code hands over and what the snapshot holds, as lines of text.
//!
//! A pure function of its arguments: [`render`]. Beside it stand the three formats that go with it: the payload on
//! stdin ([`payload`]), the snapshot that other commands leave for it ([`snapshot`]), and the observations that it
//! leaves for them ([`spool`]). Must not: open a file, a socket or a database, start a process, read a clock or the
//! environment, parse TOML or zones; and never fail, whatever it is given.

pub mod colour;
mod figures;
mod layout;
pub mod payload;
pub mod preset;
mod scene;
pub mod segments;
pub mod settings;
pub mod snapshot;
pub mod spool;
mod width;

pub use scene::{Head, Nearby, Scene};

use colour::Depth;
use layout::Line;
use settings::Item;

/// How wide and in which colours to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Columns of the terminal.
    pub columns: usize,
    /// How many colours it has.
    pub depth: Depth,
}

/// The columns where nobody tells how many there are.
pub const COLUMNS: usize = 120;

/// The lines to print: at least one, none of them blank, none wider than the screen.
pub fn render(scene: &Scene<'_>, screen: Screen) -> Vec<String> {
    let settings = scene.settings;
    let look = settings.preset.look();
    let mut lines: Vec<String> = layout(scene)
        .iter()
        .map(|items| Line::of(scene, items))
        .filter(|line| !line.is_empty())
        .map(|line| line.draw(settings, look, screen))
        .collect();
    if lines.is_empty() {
        let line = Line::of(scene, &[Item::Segment(&segments::clock::SEGMENT)]);
        lines.push(line.draw(settings, look, screen));
    }
    lines
}

/// What stands on which line. Where the payload tells nothing, all that can be said stands on one.
fn layout(scene: &Scene<'_>) -> Vec<Vec<Item>> {
    let lines = scene.settings.lines();
    if scene.payload.is_silent() { vec![lines.concat()] } else { lines }
}
