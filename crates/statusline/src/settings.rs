//! What `[statusline]` sets. Must not: know TOML; whoever reads it hands over texts.

use std::collections::BTreeMap;
use std::fmt;

use cco_model::untrusted::clean;
use serde::{Deserialize, Serialize};

use crate::colour::{Colour, Depth};
use crate::preset::Preset;
use crate::segments::{self, Segment};

/// The settings of a status line; what a snapshot holds of them is what stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// What is drawn, unless `lines` says it.
    pub preset: Preset,
    /// Segments by their ids, line by line; none: those of the preset.
    pub lines: Option<Vec<Vec<String>>>,
    /// Whether colours are drawn.
    pub color: Wish,
    /// The percentages from which on a limit is drawn as half used, near its end, and almost full.
    pub thresholds: [u8; 3],
    /// Percent of the context window at which Claude Code compacts it.
    pub compact_at: u8,
    /// Whether a pull request is a link.
    pub links: bool,
    /// Colours of segments, by id.
    pub colors: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            preset: Preset::Classic,
            lines: None,
            color: Wish::Auto,
            thresholds: [50, 80, 95],
            compact_at: 83,
            links: true,
            colors: BTreeMap::new(),
        }
    }
}

/// Whether colours are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wish {
    /// Unless the environment does not want any.
    Auto,
    /// Whatever the environment says.
    Always,
    /// No.
    Never,
}

impl Wish {
    /// Every wish.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Always, Self::Never];

    /// Its name in `config.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }

    /// The colours to draw on a terminal that has so many, where the environment wants `plain` text or not.
    pub fn depth(self, terminal: Depth, plain: bool) -> Depth {
        match self {
            Self::Never => Depth::None,
            Self::Auto if plain => Depth::None,
            Self::Auto => terminal,
            Self::Always => terminal.max(Depth::Ansi),
        }
    }
}

/// One thing on a line.
#[derive(Clone, Debug)]
pub enum Item {
    /// A segment.
    Segment(&'static Segment),
    /// Text as it is configured.
    Text(String),
}

/// What names a text in a list of segments.
const TEXT: &str = "text:";

/// An id that no segment has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoSegment(pub String);

impl fmt::Display for NoSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no segment is called {:?}", self.0)
    }
}

impl std::error::Error for NoSegment {}

impl Item {
    /// The item of this id; `text:WORDS` is the words themselves.
    pub fn parse(id: &str) -> Result<Self, NoSegment> {
        if let Some(text) = id.strip_prefix(TEXT) {
            return Ok(Self::Text(clean(text).into_owned()));
        }
        segments::find(id).map(Self::Segment).ok_or_else(|| NoSegment(id.to_owned()))
    }
}

impl Settings {
    /// What stands on which line. Ids that nobody knows are passed over: the config tells of them, not the line.
    pub fn lines(&self) -> Vec<Vec<Item>> {
        let parsed = |ids: &[&str]| ids.iter().filter_map(|id| Item::parse(id).ok()).collect();
        match &self.lines {
            Some(lines) => {
                lines.iter().map(|ids| parsed(&ids.iter().map(String::as_str).collect::<Vec<_>>())).collect()
            }
            None => self.preset.lines().iter().map(|ids| parsed(ids)).collect(),
        }
    }

    /// The colour that is configured for a segment.
    pub(crate) fn colour(&self, id: &str) -> Option<Colour> {
        self.colors.get(id)?.parse().ok()
    }
}
