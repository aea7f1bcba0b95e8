//! The segments: one file each, one table of them all.
//!
//! A segment is a function of the scene: what it says, in shorter and shorter forms, or nothing. Must not: know what
//! stands beside it, or how wide the terminal is.

use anstyle::AnsiColor;

use crate::colour::Colour;
use crate::scene::Scene;

pub mod account;
pub mod agent;
pub mod alert;
pub mod block;
pub mod cache;
pub mod clock;
pub mod context;
pub mod cost;
pub mod dir;
pub mod duration;
pub mod effort;
pub mod five_hour;
pub mod git;
pub mod lines;
pub mod model;
pub mod pace;
pub mod pr;
pub mod session;
pub mod spend;
pub mod style;
pub mod today;
pub mod tokens;
pub mod transcript;
pub mod version;
pub mod vim;
pub mod week;
pub mod worktree;

/// A segment, and all that is said of it.
#[derive(Debug)]
pub struct Segment {
    /// What it is called in `config.toml`.
    pub id: &'static str,
    /// What it shows: a sentence without its full stop.
    pub about: &'static str,
    /// What that looks like.
    pub example: &'static str,
    /// Of two that do not fit, the one with less gives way; no two are equal.
    pub priority: u8,
    /// Its colour, unless it says how full something is.
    pub colour: Colour,
    /// Its ground where segments are bars: one of the 256 colours, dark enough for white letters.
    pub ground: u8,
    /// What it says.
    pub build: fn(&Scene<'_>) -> Option<Piece>,
}

/// Every segment, in the order of the documentation.
pub static SEGMENTS: &[&Segment] = &[
    &alert::SEGMENT,
    &dir::SEGMENT,
    &git::SEGMENT,
    &model::SEGMENT,
    &context::SEGMENT,
    &clock::SEGMENT,
    &five_hour::SEGMENT,
    &week::SEGMENT,
    &spend::SEGMENT,
    &pace::SEGMENT,
    &account::SEGMENT,
    &cost::SEGMENT,
    &today::SEGMENT,
    &block::SEGMENT,
    &tokens::SEGMENT,
    &cache::SEGMENT,
    &transcript::SEGMENT,
    &session::SEGMENT,
    &duration::SEGMENT,
    &lines::SEGMENT,
    &version::SEGMENT,
    &effort::SEGMENT,
    &style::SEGMENT,
    &vim::SEGMENT,
    &agent::SEGMENT,
    &worktree::SEGMENT,
    &pr::SEGMENT,
];

/// The segment of this id.
pub fn find(id: &str) -> Option<&'static Segment> {
    SEGMENTS.iter().find(|segment| segment.id == id).copied()
}

/// What a segment says, the longest form first; each must be shorter than the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Never empty.
    pub(crate) forms: Vec<String>,
    /// How full what it tells of is, in percent.
    pub(crate) level: Option<i32>,
    /// It is a warning.
    pub(crate) alarming: bool,
    /// Where a click on it leads.
    pub(crate) link: Option<String>,
}

impl Piece {
    pub(crate) fn new(form: impl Into<String>) -> Self {
        Self { forms: vec![form.into()], level: None, alarming: false, link: None }
    }

    /// With a shorter form.
    pub(crate) fn or(mut self, shorter: impl Into<String>) -> Self {
        self.forms.push(shorter.into());
        self
    }

    pub(crate) fn level(self, percent: Option<i32>) -> Self {
        Self { level: percent, ..self }
    }

    pub(crate) fn alarming(self) -> Self {
        Self { alarming: true, ..self }
    }

    pub(crate) fn link(self, link: Option<String>) -> Self {
        Self { link, ..self }
    }
}

const DEFAULT: Colour = Colour::DEFAULT;
const BLUE: Colour = Colour::ansi(AnsiColor::Blue);
const CYAN: Colour = Colour::ansi(AnsiColor::Cyan);
const GREEN: Colour = Colour::ansi(AnsiColor::Green);
const MAGENTA: Colour = Colour::ansi(AnsiColor::Magenta);

/// A name from the payload, with a shorter form where it is long.
fn name(label: &str, name: &str) -> Piece {
    const LONG: usize = 24;
    let piece = Piece::new(format!("{label}{name}"));
    if crate::width::width(name) > LONG {
        piece.or(format!("{label}{}", crate::width::cut(name, LONG)))
    } else {
        piece
    }
}

#[cfg(test)]
mod tests;
