//! `cco session --id --json`: one session with its calls, in the shape that scripts of this field read.
//!
//! Must not: choose the calls.

use cco_engine::explain::CallLine;
use cco_engine::report::SessionRow;
use cco_model::sums::Sums;
use jiff::Timestamp;
use serde::Serialize;

use super::{Classes, Report, Row, Totals, Usd, render, text};
use crate::error::CliError;

/// One session: its own keys and its calls, the oldest first, then what the report of sessions says of it.
pub(crate) fn session(
    report: &Report<SessionRow>,
    row: &SessionRow,
    calls: Option<&[CallLine]>,
) -> Result<String, CliError> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Page<'r> {
        session_id: &'r str,
        total_cost: Usd,
        total_tokens: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        entries: Option<Vec<Entry<'r>>>,
        sessions: [Row<'r, SessionRow>; 1],
        totals: Totals,
    }
    render(&Page {
        session_id: &row.session,
        total_cost: Usd(row.sums.cost),
        total_tokens: row.sums.tokens.total(),
        entries: calls.map(|calls| calls.iter().map(Entry::new).collect()),
        sessions: [Row { report, row }],
        totals: Totals::new(&row.sums),
    })
}

/// A call of a session.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'c> {
    timestamp: String,
    #[serde(flatten)]
    classes: Classes,
    model: &'c str,
    /// Null where it has no price.
    #[serde(rename = "costUSD")]
    cost_usd: Option<Usd>,
}

impl<'c> Entry<'c> {
    fn new(call: &'c CallLine) -> Self {
        Self {
            timestamp: text::iso(Timestamp::from_millisecond(call.at_ms).unwrap_or(Timestamp::MAX)),
            classes: Classes::new(&Sums { tokens: call.tokens, ..Sums::default() }),
            model: &call.model,
            cost_usd: call.cost.map(Usd),
        }
    }
}
