//! What reports add up: calls, tokens and money of any group of calls.

use std::ops::AddAssign;

use crate::money::NanoUsd;
use crate::tokens::Tokens;

/// Totals of a group of calls. Sums of parts equal the sum of the whole, to the nano-dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// API responses.
    pub calls: u64,
    /// Tokens of all calls, priced or not.
    pub tokens: Tokens,
    /// Web searches that the service ran.
    pub web_search: u64,
    /// Cost of the calls that have a price.
    pub cost: NanoUsd,
    /// What the cache saved at each call's own rates; negative when writing cost more than reading saved.
    pub savings: NanoUsd,
    /// Calls without a price.
    pub unpriced_calls: u64,
    /// Tokens of the calls without a price.
    pub unpriced_tokens: u64,
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.tokens += other.tokens;
        self.web_search += other.web_search;
        self.cost += other.cost;
        self.savings += other.savings;
        self.unpriced_calls += other.unpriced_calls;
        self.unpriced_tokens += other.unpriced_tokens;
    }
}
