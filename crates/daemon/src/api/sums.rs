//! Sums of calls, the same in every answer.

use cco_model::sums::Sums;
use cco_wire::exact::Usd;
use serde::Serialize;
use utoipa::ToSchema;

/// Sums of calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct SumsAnswer {
    #[schema(value_type = f64)]
    cost: Usd,
    calls: u64,
    tokens: u64,
    input: u64,
    output: u64,
    cache_write_5m: u64,
    cache_write_1h: u64,
    cache_read: u64,
    #[schema(value_type = f64)]
    cache_savings: Usd,
    /// Calls of models without a price, which cost 0 here.
    unpriced_calls: u64,
}

impl SumsAnswer {
    pub(super) fn new(sums: &Sums) -> Self {
        Self {
            cost: Usd(sums.cost),
            calls: sums.calls,
            tokens: sums.tokens.total(),
            input: sums.tokens.input,
            output: sums.tokens.output,
            cache_write_5m: sums.tokens.cache_write_5m,
            cache_write_1h: sums.tokens.cache_write_1h,
            cache_read: sums.tokens.cache_read,
            cache_savings: Usd(sums.savings),
            unpriced_calls: sums.unpriced_calls,
        }
    }
}
