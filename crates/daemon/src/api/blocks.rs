//! `/api/stats/blocks`: five-hour blocks, with how fast tokens and money go.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use cco_engine::report::{BlockRow, BurnRate, Filter, Only, Projection};
use cco_wire::exact::{Milli, Usd};
use cco_wire::text::iso;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::answer::{Answer, answer};
use super::asked::Asked;
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
}

/// Where the block ends up.
#[derive(Serialize, ToSchema)]
pub(super) struct ProjectionAnswer {
    tokens: u64,
    #[schema(value_type = f64)]
    cost: Usd,
    minutes_left: u64,
}

/// The blocks that start within a time: `active` only the one that runs, `recent` those of the last three days.
#[utoipa::path(get, path = "/api/stats/blocks", tag = "stats", params(
    ("from" = Option<String>, Query, description = "RFC 3339; three days ago where it is not given"),
    ("to" = Option<String>, Query, description = "RFC 3339, not among them; now where it is not given"),
    ("active" = Option<bool>, Query, description = "Only the one that runs"),
    ("recent" = Option<bool>, Query, description = "Those of the last three days"),
), responses((status = OK, body = BlocksAnswer), (status = BAD_REQUEST, body = Problem)))]
pub(super) async fn blocks(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    api.stats()?;
    let asked = Asked::new(&uri, &["from", "to", "active", "recent"])?;
    let now = (api.clock)();
    let recent = now.saturating_sub(USUAL).unwrap_or(Timestamp::MIN);
    let (active, is_recent) = (asked.flag("active")?, asked.flag("recent")?);
    let from = asked.instant("from")?.unwrap_or(recent);
    let from = if is_recent { from.max(recent) } else { from };
    let to = asked.instant("to")?;
    if to.is_some_and(|to| to < from) {
        return Err(Problem::parameter("to", "to is before from"));
    }
    let zone = api.zone();
    let made = answer(&api, &asked, move |engine| {
        let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
        let days = (Some(day(from)), to.map(&day));
        let rows = engine.blocks(&Filter { days, zone: zone.clone(), only: Only::default() }, now)?;
        let is_asked = |row: &&BlockRow| {
            row.start >= from && to.is_none_or(|to| row.start < to) && (row.active || !active)
        };
        let blocks = rows.iter().filter(is_asked).map(BlockAnswer::new).collect();
        Ok(Answer::of(&BlocksAnswer { blocks })?)
    });
    Ok(made.await?.send(&headers))
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
