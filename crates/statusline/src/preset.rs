//! The ready-made status lines. Must not: know what a segment says.

use serde::{Deserialize, Serialize};

/// A ready-made status line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Two lines: the session, and its limits and costs.
    #[default]
    Classic,
    /// All that matters on one line.
    Compact,
    /// As classic, in plain letters.
    Plain,
    /// Two lines of coloured bars, for fonts that have their arrows.
    Powerline,
}

/// How segments are drawn and put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Symbols stand before values, instead of words.
    pub(crate) symbols: bool,
    /// Each segment has a ground of its own.
    pub(crate) bars: bool,
}

const CLASSIC: &[&[&str]] = &[
    &["alert", "dir", "git", "model", "context", "transcript"],
    &["account", "clock", "five_hour", "week", "spend", "cost", "tokens"],
];
const COMPACT: &[&[&str]] = &[&[
    "alert",
    "dir",
    "git",
    "model",
    "context",
    "transcript",
    "account",
    "five_hour",
    "week",
    "spend",
    "cost",
]];

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 4] = [Self::Classic, Self::Compact, Self::Plain, Self::Powerline];

    /// Its name in `config.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Compact => "compact",
            Self::Plain => "plain",
            Self::Powerline => "powerline",
        }
    }

    /// What it looks like.
    pub fn about(self) -> &'static str {
        match self {
            Self::Classic => "two lines: the session, and its limits and costs",
            Self::Compact => "all that matters on one line",
            Self::Plain => "as classic, in plain letters",
            Self::Powerline => "two lines of coloured bars, for fonts that have their arrows",
        }
    }

    /// The ids of its segments, line by line.
    pub fn lines(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Classic | Self::Plain | Self::Powerline => CLASSIC,
            Self::Compact => COMPACT,
        }
    }

    pub(crate) fn look(self) -> Look {
        Look { symbols: self != Self::Plain, bars: self == Self::Powerline }
    }
}
