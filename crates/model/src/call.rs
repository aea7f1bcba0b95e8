//! One API response, as its transcript rows tell it, and which of its rows is believed.

use std::cmp::Ordering;

use crate::tokens::Tokens;

/// The first 16 bytes of a SHA-256 over a call's tagged identity (`transcript::identity`).
pub type CallKey = [u8; 16];

/// What a price depends on besides model, tokens and day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Terms {
    /// `usage.speed` was present; such a row is newer than its copy without.
    pub speed_known: bool,
    /// `usage.speed` is `fast`.
    pub fast: bool,
    /// `usage.inference_geo` is `us`.
    pub us_inference: bool,
    /// `usage.service_tier` is `batch`.
    pub batch: bool,
}

/// The counts of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Usage {
    /// The five classes.
    pub tokens: Tokens,
    /// Web searches that the service ran.
    pub web_search: u64,
    /// Thinking tokens, where told; they are part of `tokens.output`.
    pub thinking: u64,
    /// What the price depends on.
    pub terms: Terms,
}

impl Usage {
    /// Nothing was counted: such a row does not exist.
    pub fn is_zero(&self) -> bool {
        self.tokens == Tokens::default() && self.web_search == 0
    }
}

/// How much a row is believed against other rows of its call, whatever file they are in.
///
/// Main thread over sidechain, then the larger sum of tokens, then the row that has `speed`.
/// Rows that tie here are told apart by their files ([`Origin`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Standing {
    main_thread: bool,
    tokens: u64,
    speed_known: bool,
}

impl Standing {
    /// The standing of a row with this usage.
    pub fn new(sidechain: bool, usage: &Usage) -> Self {
        Self { main_thread: !sidechain, tokens: usage.tokens.total(), speed_known: usage.terms.speed_known }
    }
}

/// Where a row was found; decides between rows of equal [`Standing`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The earlier of the file's birth and modification time when first seen, in nanoseconds since 1970.
    pub born_ns: i64,
    /// The file's path, as bytes.
    pub path: &'a [u8],
    /// Where the row's line starts in the file.
    pub offset: u64,
}

impl Origin<'_> {
    /// `Greater` when this origin wins: the file born first, then the smaller path, then the earlier row.
    pub fn precedence(&self, other: &Origin<'_>) -> Ordering {
        (other.born_ns, other.path, other.offset).cmp(&(self.born_ns, self.path, self.offset))
    }
}
