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

impl Sums {
    /// What they cost is known, if only in part; not so where there are calls and none has a price.
    pub fn has_cost(&self) -> bool {
        is_cost_known(self.calls, self.unpriced_calls)
    }
}

/// Of so many calls without a price among so many it is known what they cost, if only in part.
pub(crate) fn is_cost_known(calls: u64, unpriced: u64) -> bool {
    calls == 0 || unpriced < calls
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
