//! `/api/stats`: what was used and what it cost, with what it is made of.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use cco_engine::Engine;
use cco_engine::stats::{Granularity, SeriesPoint, Split, Stats, StatsError, StatsQuestion, fitting};
use cco_model::civil;
use cco_model::money::{NanoUsd, round_half_even};
use cco_model::sums::Sums;
use cco_wire::exact::Usd;
use cco_wire::text::{iso, iso_ms, project_name};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::answer::{Answer, Failure, answer};
use super::asked::Asked;
use super::filter::{self, Filter, Period};
use super::named::ByName;
use super::problem::Problem;

/// Names of a series that are told apart; the others are the `rest`.
const TOLD_APART: usize = 8;

/// What was used.
#[derive(Serialize, ToSchema)]
pub(super) struct StatsAnswer {
    period: PeriodAnswer,
    summary: Summary,
    #[schema(value_type = HashMap<String, GroupAnswer>)]
    by_model_tier: ByName<GroupAnswer>,
    #[schema(value_type = HashMap<String, GroupAnswer>)]
    by_model: ByName<GroupAnswer>,
    /// By name, or by path where two share a name.
    #[schema(value_type = HashMap<String, GroupAnswer>)]
    by_project: ByName<GroupAnswer>,
    time_series: Series,
    recent_calls: Vec<Recent>,
    sessions: Sessions,
}

/// What `/api/stats` answers: this before the rest.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the description of what `Answer::dated` writes")]
pub(super) struct Dated {
    status: String,
    generated_at: String,
    #[schema(inline)]
    period: PeriodAnswer,
    summary: Summary,
    by_model_tier: HashMap<String, GroupAnswer>,
    by_model: HashMap<String, GroupAnswer>,
    by_project: HashMap<String, GroupAnswer>,
    time_series: Series,
    recent_calls: Vec<Recent>,
    sessions: Sessions,
}

/// The stretch of time.
#[derive(Serialize, ToSchema)]
pub(super) struct PeriodAnswer {
    r#type: &'static str,
    start: String,
    /// The last second of it.
    end: String,
    /// The first instant that is not of it.
    end_exclusive: String,
    timezone: String,
}

/// All of it.
#[derive(Serialize, ToSchema)]
pub(super) struct Summary {
    #[schema(value_type = f64)]
    total_cost_usd: Usd,
    total_calls: u64,
    total_tokens: u64,
    tokens_by_type: Classes,
    #[schema(value_type = f64)]
    cache_savings_usd: Usd,
    /// Of the calls that have a price; 0 where there are no calls, none where no call has a price.
    #[schema(value_type = Option<f64>)]
    avg_cost_per_call: Option<Usd>,
    /// Calls of models without a price, which cost 0 here.
    unpriced_calls: u64,
}

/// Tokens of each kind.
#[derive(Serialize, ToSchema)]
pub(super) struct Classes {
    input: u64,
    output: u64,
    cache_write: u64,
    cache_write_5m: u64,
    cache_write_1h: u64,
    cache_read: u64,
}

/// Calls that have something in common.
#[derive(Serialize, ToSchema)]
pub(super) struct GroupAnswer {
    call_count: u64,
    #[schema(value_type = f64)]
    total_cost: Usd,
    total_tokens: u64,
    avg_tokens_per_call: u64,
    /// Calls of models without a price, which cost 0 here.
    unpriced_calls: u64,
}

/// One point for every bucket.
#[derive(Serialize, ToSchema)]
pub(super) struct Series {
    granularity: &'static str,
    data: Vec<Point>,
}

/// A bucket.
#[derive(Serialize, ToSchema)]
pub(super) struct Point {
    timestamp: String,
    #[schema(value_type = f64)]
    cost: Usd,
    calls: u64,
    tokens: u64,
    /// Calls of models without a price, which cost 0 here.
    unpriced_calls: u64,
    #[schema(value_type = HashMap<String, f64>)]
    by_tier: ByName<Usd>,
    /// By what `split` says, the dearest eight of the whole time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<HashMap<String, f64>>)]
    by: Option<ByName<Usd>>,
    /// What all others cost, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    rest: Option<Usd>,
}

/// A call.
#[derive(Serialize, ToSchema)]
pub(super) struct Recent {
    timestamp: String,
    model: String,
    project: String,
    project_path: String,
    tokens: u64,
    /// None: it has no price.
    #[schema(value_type = Option<f64>)]
    cost: Option<Usd>,
}

/// How many sessions there are of the calls that are asked for, whatever the period.
#[derive(Serialize, ToSchema)]
pub(super) struct Sessions {
    /// With a call in the last five minutes.
    active_count: u64,
    /// With a call today.
    today_count: u64,
    /// With a call at any time.
    total_count: u64,
}

pub(super) const GRANULARITIES: [(&str, Granularity); 7] = [
    ("minute", Granularity::Minute),
    ("hour", Granularity::Hour),
    ("day", Granularity::Day),
    ("week", Granularity::Week),
    ("month", Granularity::Month),
    ("year", Granularity::Year),
    ("century", Granularity::Century),
];

pub(super) const SPLITS: [(&str, Split); 2] = [("model", Split::Model), ("project", Split::Project)];

/// What was used in a stretch of time and what it cost. All parts add up to the summary, exactly.
#[utoipa::path(get, path = "/api/stats", tag = "stats", params(
    filter::Described,
    ("granularity" = Option<String>, Query, description = "How long points are; as short as it fits the time, without it"),
    ("split" = Option<String>, Query, description = "What points are told apart by"),
), responses((status = OK, body = Dated), (status = BAD_REQUEST, body = Problem)))]
pub(super) async fn stats(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let settings = api.stats()?;
    let known: Vec<&str> = filter::PARAMETERS.into_iter().chain(["granularity", "split"]).collect();
    let asked = Asked::new(&uri, &known)?;
    let filter = Filter::new(&api, &settings, &asked)?;
    let granularity = asked.word("granularity", &GRANULARITIES)?;
    let split = asked.word("split", &SPLITS)?;
    // An account may be called otherwise though no call comes.
    let is_of_accounts = asked.text("account").is_some();
    let made = answer(&api, &settings, &asked, move |engine| {
        let range = filter.range(engine)?;
        let granularity =
            granularity.unwrap_or_else(|| fitting(usual(filter.period, &range), &range, &filter.zone));
        let (answer, until) = told(engine, &filter, range, granularity, split)?;
        let answer = Answer::dated(&answer)?;
        Ok(if filter.moves_on() || is_of_accounts { answer } else { answer.true_until(until) })
    });
    Ok(made.await?.send(&headers))
}

/// The answer, and until when it stays true if no call comes.
fn told(
    engine: &Engine,
    filter: &Filter,
    range: Range<Timestamp>,
    granularity: Granularity,
    split: Option<Split>,
) -> Result<(StatsAnswer, Timestamp), Failure> {
    let question = StatsQuestion {
        range: range.clone(),
        zone: filter.zone.clone(),
        granularity,
        split,
        only: filter.only(engine)?,
        now: filter.now,
    };
    let stats = engine.stats(&question).map_err(|error| match error {
        StatsError::Engine(error) => Failure::Engine(error),
        StatsError::TooManyPoints { .. } => Problem::parameter("granularity", error.to_string())
            .hint(format!(
                "{} fits, or ask for less time",
                name_of(fitting(granularity, &range, &filter.zone))
            ))
            .into(),
    })?;
    let projects = project_names(stats.projects.iter().map(|(path, _)| path));
    let until = filter.period_end(&range).min(civil::timestamp(stats.sessions.until_ms));
    let answer = StatsAnswer {
        period: PeriodAnswer::new(filter, &range),
        summary: Summary::new(&stats.sums),
        by_model_tier: stats
            .tiers
            .iter()
            .map(|(name, sums)| (name.to_string(), GroupAnswer::new(sums)))
            .collect(),
        by_model: stats
            .models
            .iter()
            .map(|(name, sums)| (name.to_string(), GroupAnswer::new(sums)))
            .collect(),
        by_project: stats
            .projects
            .iter()
            .map(|(path, sums)| (projects[path].clone(), GroupAnswer::new(sums)))
            .collect(),
        time_series: Series { granularity: name_of(granularity), data: points(&stats, split, &projects) },
        recent_calls: stats
            .recent
            .iter()
            .map(|call| Recent {
                timestamp: iso_ms(call.at_ms),
                model: call.model.to_string(),
                project: project_name(&call.project),
                project_path: call.project.to_string(),
                tokens: call.tokens.total(),
                cost: call.cost.map(Usd),
            })
            .collect(),
        sessions: Sessions {
            active_count: stats.sessions.active,
            today_count: stats.sessions.today,
            total_count: stats.sessions.total,
        },
    };
    Ok((answer, until))
}

fn name_of(granularity: Granularity) -> &'static str {
    GRANULARITIES.iter().find(|(_, it)| *it == granularity).map_or("", |(name, _)| name)
}

/// How finely a stretch is told where nobody says, if that is not too fine for it.
fn usual(period: Period, range: &Range<Timestamp>) -> Granularity {
    let length = range.end.duration_since(range.start);
    match period {
        Period::Hour => Granularity::Minute,
        Period::Day => Granularity::Hour,
        Period::Week | Period::Month => Granularity::Day,
        Period::Custom if length <= SignedDuration::from_hours(3) => Granularity::Minute,
        Period::Custom if length <= SignedDuration::from_hours(3 * 24) => Granularity::Hour,
        Period::Custom if length <= SignedDuration::from_hours(400 * 24) => Granularity::Day,
        Period::All | Period::Custom => Granularity::Month,
    }
}

fn points(stats: &Stats, split: Option<Split>, projects: &HashMap<Arc<str>, String>) -> Vec<Point> {
    let all = split.map(|split| match split {
        Split::Model => &stats.models,
        Split::Project => &stats.projects,
    });
    let apart: Vec<&Arc<str>> = all.into_iter().flatten().take(TOLD_APART).map(|(name, _)| name).collect();
    let point = |point: &SeriesPoint| {
        let (by, rest) = match split {
            None => (None, None),
            Some(Split::Model) => by(&point.parts, &apart, ToString::to_string),
            Some(Split::Project) => by(&point.parts, &apart, |path| projects[path].clone()),
        };
        Point {
            timestamp: iso(point.start),
            cost: Usd(point.sums.cost),
            calls: point.sums.calls,
            tokens: point.sums.tokens.total(),
            unpriced_calls: point.sums.unpriced_calls,
            by_tier: point.tiers.iter().map(|(tier, sums)| (tier.to_string(), Usd(sums.cost))).collect(),
            by,
            rest,
        }
    };
    stats.series.iter().map(point).collect()
}

/// Those that are told apart, and what the others come to: a project may have any name, also that of a rest.
fn by(
    parts: &[(Arc<str>, Sums)],
    apart: &[&Arc<str>],
    name: impl Fn(&Arc<str>) -> String,
) -> (Option<ByName<Usd>>, Option<Usd>) {
    let (told, others): (Vec<_>, Vec<_>) = parts.iter().partition(|(key, _)| apart.contains(&key));
    let rest = others.iter().fold(NanoUsd::default(), |all, (_, sums)| all + sums.cost);
    let told = told.into_iter().map(|(key, sums)| (name(key), Usd(sums.cost))).collect();
    (Some(told), (!others.is_empty()).then_some(Usd(rest)))
}

/// What each project is called: by its path where another has its name.
pub(super) fn project_names<'p>(paths: impl Iterator<Item = &'p Arc<str>>) -> HashMap<Arc<str>, String> {
    let paths: Vec<&Arc<str>> = paths.collect();
    let mut shared: HashMap<String, usize> = HashMap::new();
    paths.iter().for_each(|path| *shared.entry(project_name(path)).or_default() += 1);
    let name = |path: &&Arc<str>| match project_name(path) {
        name if shared[&name] > 1 => path.to_string(),
        name => name,
    };
    paths.iter().map(|path| (Arc::clone(path), name(path))).collect()
}

impl PeriodAnswer {
    pub(super) fn new(filter: &Filter, range: &Range<Timestamp>) -> Self {
        let last = range.end.saturating_sub(SignedDuration::from_secs(1)).unwrap_or(range.end);
        Self {
            r#type: filter.period.name(),
            start: iso(range.start),
            end: iso(last.max(range.start)),
            end_exclusive: iso(range.end),
            timezone: filter.zone_name(),
        }
    }
}

impl Summary {
    fn new(sums: &Sums) -> Self {
        let tokens = &sums.tokens;
        Self {
            total_cost_usd: Usd(sums.cost),
            total_calls: sums.calls,
            total_tokens: tokens.total(),
            tokens_by_type: Classes {
                input: tokens.input,
                output: tokens.output,
                cache_write: tokens.cache_write(),
                cache_write_5m: tokens.cache_write_5m,
                cache_write_1h: tokens.cache_write_1h,
                cache_read: tokens.cache_read,
            },
            cache_savings_usd: Usd(sums.savings),
            avg_cost_per_call: average(sums).map(Usd),
            unpriced_calls: sums.unpriced_calls,
        }
    }
}

/// What a call cost, of those that have a price; none: no call has one.
fn average(sums: &Sums) -> Option<NanoUsd> {
    match i128::from(sums.calls.saturating_sub(sums.unpriced_calls)) {
        0 => (sums.calls == 0).then(NanoUsd::default),
        priced => i64::try_from(round_half_even(i128::from(sums.cost.0), priced)).ok().map(NanoUsd),
    }
}

impl GroupAnswer {
    fn new(sums: &Sums) -> Self {
        let tokens = sums.tokens.total();
        Self {
            call_count: sums.calls,
            total_cost: Usd(sums.cost),
            total_tokens: tokens,
            avg_tokens_per_call: tokens.checked_div(sums.calls).unwrap_or(0),
            unpriced_calls: sums.unpriced_calls,
        }
    }
}
