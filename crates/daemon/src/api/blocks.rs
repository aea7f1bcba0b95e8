//! `/api/stats/blocks`: five-hour blocks, with how fast tokens and money go.

use std::ops::Range;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use cco_engine::report::{BlockRow, BurnRate, Filter as Question, Projection};
use cco_wire::exact::{Milli, Usd};
use cco_wire::text::iso;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::answer::{Answer, answer};
use super::asked::Asked;
use super::filter::{self, Filter};
use super::problem::Problem;
use super::sums::SumsAnswer;

/// What is shown where nobody says since when.
const USUAL: SignedDuration = SignedDuration::from_hours(3 * 24);

/// Blocks and the pauses between them, oldest first.
#[derive(Serialize, ToSchema)]
pub(super) struct BlocksAnswer {
    blocks: Vec<BlockAnswer>,
}

/// Five hours of activity, or a pause.
#[derive(Serialize, ToSchema)]
pub(super) struct BlockAnswer {
    start: String,
    /// None where a clock was wrong, and the end means nothing.
    end: Option<String>,
    /// Its last call.
    last: Option<String>,
    active: bool,
    gap: bool,
    #[serde(flatten)]
    sums: SumsAnswer,
    burn_rate: Option<BurnAnswer>,
    /// The same over the last 30 minutes.
    burn_rate_recent: Option<BurnAnswer>,
    projection: Option<ProjectionAnswer>,
}

/// How fast it goes.
#[derive(Serialize, ToSchema)]
pub(super) struct BurnAnswer {
    #[schema(value_type = f64)]
    tokens_per_minute: Milli,
    #[schema(value_type = f64)]
    cost_per_hour: Usd,
    /// Calls that it is taken from.
    calls: u64,
    /// Those of them of models without a price, which cost 0 here.
    unpriced_calls: u64,
}

/// Where the block ends up.
#[derive(Serialize, ToSchema)]
pub(super) struct ProjectionAnswer {
    tokens: u64,
    #[schema(value_type = f64)]
    cost: Usd,
    minutes_left: u64,
}

/// The blocks that hold some of a time, each whole, also one that began before it, and the pauses that begin in it; it
/// is the last three days where none is asked for. Blocks are made of all calls, and hold those that are asked for:
/// where there are none there is no block, and no pause either.
#[utoipa::path(get, path = "/api/stats/blocks", tag = "stats", params(
    filter::Described,
    ("active" = Option<bool>, Query, description = "Only the one that runs"),
    ("recent" = Option<bool>, Query, description = "Those of the last three days"),
), responses((status = OK, body = BlocksAnswer), (status = BAD_REQUEST, body = Problem)))]
pub(super) async fn blocks(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let settings = api.stats()?;
    let known: Vec<&str> = filter::PARAMETERS.into_iter().chain(["active", "recent"]).collect();
    let asked = Asked::new(&uri, &known)?;
    let filter = Filter::new(&api, &settings, &asked)?;
    let has_time = ["period", "from", "to"].into_iter().any(|name| asked.text(name).is_some());
    let (active, recent) = (asked.flag("active")?, asked.flag("recent")?);
    let made = answer(&api, &settings, &asked, move |engine| {
        let usual = filter.now.saturating_sub(USUAL).unwrap_or(Timestamp::MIN);
        let mut range = if has_time { filter.range(engine)? } else { usual..Timestamp::MAX };
        if recent {
            range.start = range.start.max(usual);
        }
        let day = |at: Timestamp| at.to_zoned(filter.zone.clone()).date();
        // The engine takes blocks by the day they start on: one that reaches into the time may start the day before.
        let days = (Some(day(range.start).saturating_sub(1.day())), Some(day(range.end)));
        let question = Question { days, zone: filter.zone.clone(), only: filter.only(engine)? };
        let rows = engine.blocks(&question, filter.now)?;
        let is_asked = |row: &&BlockRow| is_within(row, &range) && (row.active || !active);
        let blocks = rows.iter().filter(is_asked).map(BlockAnswer::new).collect();
        Ok(Answer::of(&BlocksAnswer { blocks })?)
    });
    Ok(made.await?.send(&headers))
}

/// It starts in the time, or is a block that goes on in it.
fn is_within(row: &BlockRow, range: &Range<Timestamp>) -> bool {
    let goes_on = || !row.gap && row.start < range.start && row.end.is_some_and(|end| end > range.start);
    !range.is_empty() && (range.contains(&row.start) || goes_on())
}

impl BlockAnswer {
    fn new(row: &BlockRow) -> Self {
        Self {
            start: iso(row.start),
            end: row.end.map(iso),
            last: row.last.map(iso),
            active: row.active,
            gap: row.gap,
            sums: SumsAnswer::new(&row.sums),
            burn_rate: row.burn_rate.map(BurnAnswer::new),
            burn_rate_recent: row.burn_rate_recent.map(BurnAnswer::new),
            projection: row.projection.map(ProjectionAnswer::new),
        }
    }
}

impl BurnAnswer {
    fn new(rate: BurnRate) -> Self {
        Self {
            tokens_per_minute: Milli(rate.milli_tokens_per_minute),
            cost_per_hour: Usd(rate.cost_per_hour),
            calls: rate.calls,
            unpriced_calls: rate.unpriced_calls,
        }
    }
}

impl ProjectionAnswer {
    fn new(projection: Projection) -> Self {
        Self {
            tokens: projection.total_tokens,
            cost: Usd(projection.total_cost),
            minutes_left: projection.remaining_minutes,
        }
    }
}
