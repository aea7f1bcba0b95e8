//! Reports as JSON, in the shapes that scripts of this field read already; ours are further keys.
//!
//! Owns the wire names. Must not: add up anything but the totals of the rows it is given.

mod session;

use std::collections::BTreeMap;
use std::sync::Arc;

use cco_engine::report::{BlockRow, BurnRate, Glance, Group, Instance, ModelSums, Projection, ToolSums};
use cco_engine::scan::ScanSummary;
use cco_model::sums::Sums;
use cco_model::tokens::Tokens;
use cco_wire::exact::{Milli, Usd};
use jiff::civil::Date;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::blocks::{NEAR_PERCENT, ShownBlock};
use super::reports::{self, Report};
use super::text;
use crate::error::CliError;
pub(crate) use session::session;

/// `{"daily":[…],"totals":…}`, under the report's own key.
pub(crate) fn groups<R>(report: &Report<R>, rows: &[R]) -> Result<String, CliError> {
    let rows_json: Vec<Row<'_, R>> = rows.iter().map(|row| Row { report, row }).collect();
    let totals = Totals::new(&total(rows.iter().map(|row| (report.sums)(row))));
    render(&Document { list: report.list, rows: rows_json, totals })
}

/// `{"projects":{"NAME":[…]},"totals":…}`: days by project, in the shape that similar tools have for it.
pub(crate) fn instances(
    report: &Report<Group<Instance>>,
    rows: &[Group<Instance>],
) -> Result<String, CliError> {
    let mut projects: BTreeMap<&str, Vec<Row<'_, Group<Instance>>>> = BTreeMap::new();
    for row in rows {
        projects.entry(&row.key.project).or_default().push(Row { report, row });
    }
    let totals = Totals::new(&total(rows.iter().map(|row| row.sums)));
    render(&Document { list: report.list, rows: projects, totals })
}

struct Document<Rows> {
    list: &'static str,
    rows: Rows,
    totals: Totals,
}

impl<Rows: Serialize> Serialize for Document<Rows> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry(self.list, &self.rows)?;
        map.serialize_entry("totals", &self.totals)?;
        map.end()
    }
}

/// A row: its fields, then what all rows say about their calls.
struct Row<'r, R: 'static> {
    report: &'r Report<R>,
    row: &'r R,
}

impl<R> Serialize for Row<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sums = &(self.report.sums)(self.row);
        let models = (self.report.models)(self.row);
        let mut map = serializer.serialize_map(None)?;
        for field in self.report.fields {
            map.serialize_entry(field.name, &(field.text)(self.row))?;
        }
        for (name, number) in [
            ("inputTokens", sums.tokens.input),
            ("outputTokens", sums.tokens.output),
            ("cacheCreationTokens", sums.tokens.cache_write()),
            ("cacheReadTokens", sums.tokens.cache_read),
            ("totalTokens", sums.tokens.total()),
        ] {
            map.serialize_entry(name, &number)?;
        }
        map.serialize_entry("totalCost", &Usd(sums.cost))?;
        map.serialize_entry("modelsUsed", &names(models))?;
        let breakdowns: Vec<ModelBreakdown> = models.iter().map(ModelBreakdown::new).collect();
        map.serialize_entry("modelBreakdowns", &breakdowns)?;
        for (name, number) in [
            ("calls", sums.calls),
            ("cacheCreation5mTokens", sums.tokens.cache_write_5m),
            ("cacheCreation1hTokens", sums.tokens.cache_write_1h),
            ("unpricedCalls", sums.unpriced_calls),
            ("unpricedTokens", sums.unpriced_tokens),
        ] {
            map.serialize_entry(name, &number)?;
        }
        map.end()
    }
}

/// `{"tools":[…]}`.
pub(crate) fn tools(list: &'static str, name: &'static str, tools: &[ToolSums]) -> Result<String, CliError> {
    let row = |tool: &ToolSums| serde_json::json!({ name: tool.tool, "uses": tool.uses, "failures": tool.failures });
    render(&serde_json::json!({ list: tools.iter().map(row).collect::<Vec<_>>() }))
}

/// `{"blocks":[…]}`, gaps included.
pub(crate) fn blocks(_: &Report<ShownBlock>, rows: &[ShownBlock]) -> Result<String, CliError> {
    #[derive(Serialize)]
    struct Page {
        blocks: Vec<Block>,
    }
    render(&Page { blocks: rows.iter().map(|block| Block::new(&block.row, block.limit)).collect() })
}

/// Today at a glance, with what is known of limits by account.
pub(crate) fn glance(glance: &Glance, limits: Vec<serde_json::Value>) -> Result<String, CliError> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Page<'g> {
        limits: Vec<serde_json::Value>,
        today: Row<'g, Group<Date>>,
        block: Option<Block>,
        week: Totals,
        projects: Vec<Project>,
        models: Vec<ModelBreakdown>,
        last_activity: Option<String>,
        calls_ever: u64,
    }
    render(&Page {
        limits,
        today: Row { report: &reports::DAILY, row: &glance.today },
        block: glance.block.as_ref().map(|block| Block::new(block, None)),
        week: Totals::new(&glance.week),
        projects: glance.projects.iter().map(Project::new).collect(),
        models: glance.models.iter().map(ModelBreakdown::new).collect(),
        last_activity: glance.last_call.map(text::iso),
        calls_ever: glance.calls_ever,
    })
}

/// What a scan did and met.
pub(crate) fn scan(summary: &ScanSummary) -> Result<String, CliError> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Document {
        files: u64,
        files_read: u64,
        bytes_read: u64,
        calls_new: u64,
        calls_changed: u64,
        damaged_lines: u64,
        recovered_records: u64,
        findings: Vec<Finding>,
    }
    #[derive(Serialize)]
    struct Finding {
        path: String,
        offset: Option<u64>,
        what: String,
    }
    let finding = |finding: &cco_engine::scan::Finding| Finding {
        path: finding.path.to_string_lossy().into_owned(),
        offset: finding.offset,
        what: finding.what.clone(),
    };
    render(&Document {
        files: summary.files,
        files_read: summary.files_read,
        bytes_read: summary.bytes_read,
        calls_new: summary.calls_new,
        calls_changed: summary.calls_changed,
        damaged_lines: summary.damaged_lines,
        recovered_records: summary.recovered_records,
        findings: summary.unread.iter().chain(&summary.findings).map(finding).collect(),
    })
}

/// The sum of groups that do not overlap.
pub(crate) fn total(rows: impl Iterator<Item = Sums>) -> Sums {
    rows.fold(Sums::default(), |mut total, sums| {
        total += sums;
        total
    })
}

pub(crate) fn render(document: &impl Serialize) -> Result<String, CliError> {
    let json = serde_json::to_string_pretty(document)
        .map_err(|error| CliError::failed(format!("cannot write JSON: {error}")))?;
    Ok(text::escape_json(json) + "\n")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Classes {
    input_tokens: u64,
    output_tokens: u64,
    cache_creation_tokens: u64,
    cache_read_tokens: u64,
}

impl Classes {
    fn new(sums: &Sums) -> Self {
        Self {
            input_tokens: sums.tokens.input,
            output_tokens: sums.tokens.output,
            cache_creation_tokens: sums.tokens.cache_write(),
            cache_read_tokens: sums.tokens.cache_read,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Totals {
    #[serde(flatten)]
    classes: Classes,
    total_tokens: u64,
    total_cost: Usd,
    calls: u64,
    unpriced_calls: u64,
    unpriced_tokens: u64,
}

impl Totals {
    fn new(sums: &Sums) -> Self {
        Self {
            classes: Classes::new(sums),
            total_tokens: sums.tokens.total(),
            total_cost: Usd(sums.cost),
            calls: sums.calls,
            unpriced_calls: sums.unpriced_calls,
            unpriced_tokens: sums.unpriced_tokens,
        }
    }
}

fn names(models: &[ModelSums]) -> Vec<String> {
    models.iter().map(|model| model.model.to_string()).collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ModelBreakdown {
    model_name: String,
    #[serde(flatten)]
    classes: Classes,
    cost: Usd,
    /// Only where it says something: a cost of 0 must not pass for a price.
    #[serde(skip_serializing_if = "is_zero")]
    unpriced_calls: u64,
    #[serde(skip_serializing_if = "is_zero")]
    unpriced_tokens: u64,
}

impl ModelBreakdown {
    fn new(model: &ModelSums) -> Self {
        Self {
            model_name: model.model.to_string(),
            classes: Classes::new(&model.sums),
            cost: Usd(model.sums.cost),
            unpriced_calls: model.sums.unpriced_calls,
            unpriced_tokens: model.sums.unpriced_tokens,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a function of a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[derive(Serialize)]
struct Project {
    project: String,
    path: String,
    #[serde(flatten)]
    totals: Totals,
}

impl Project {
    fn new(group: &Group<Arc<str>>) -> Self {
        let path = &group.key;
        Self { project: text::whole_project(path), path: path.to_string(), totals: Totals::new(&group.sums) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Block {
    id: String,
    start_time: String,
    end_time: Option<String>,
    actual_end_time: Option<String>,
    is_active: bool,
    is_gap: bool,
    entries: u64,
    token_counts: TokenCounts,
    total_tokens: u64,
    #[serde(rename = "costUSD")]
    cost_usd: Usd,
    models: Vec<String>,
    burn_rate: Option<Burn>,
    projection: Option<Projected>,
    recent_burn_rate: Option<Burn>,
    unpriced_calls: u64,
    unpriced_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_limit_status: Option<TokenLimitStatus>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenCounts {
    input_tokens: u64,
    output_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Burn {
    tokens_per_minute: Milli,
    /// Input and output alone, by which similar tools colour their indicator.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_per_minute_for_indicator: Option<Milli>,
    cost_per_hour: Usd,
    calls: u64,
    unpriced_calls: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Projected {
    total_tokens: u64,
    total_cost: Usd,
    remaining_minutes: u64,
}

/// Where the running block ends up, held against a limit.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenLimitStatus {
    limit: u64,
    projected_usage: u64,
    percent_used: Milli,
    status: &'static str,
}

impl TokenLimitStatus {
    fn new(projection: Projection, limit: u64) -> Self {
        let used = projection.total_tokens;
        // Rounded down, so that 100 says that the limit is reached.
        let thousandths = u128::from(used) * 100_000 / u128::from(limit.max(1));
        let is_over = |percent: u128| u128::from(used) * 100 > u128::from(limit) * percent;
        Self {
            limit,
            projected_usage: used,
            percent_used: Milli(u64::try_from(thousandths).unwrap_or(u64::MAX)),
            status: if is_over(100) {
                "exceeds"
            } else if is_over(NEAR_PERCENT) {
                "warning"
            } else {
                "ok"
            },
        }
    }
}

impl Block {
    fn new(row: &BlockRow, limit: Option<u64>) -> Self {
        let tokens = &row.sums.tokens;
        Self {
            id: text::iso(row.start),
            start_time: text::iso(row.start),
            end_time: row.end.map(text::iso),
            actual_end_time: row.last.map(text::iso),
            is_active: row.active,
            is_gap: row.gap,
            entries: row.sums.calls,
            token_counts: TokenCounts {
                input_tokens: tokens.input,
                output_tokens: tokens.output,
                cache_creation_input_tokens: tokens.cache_write(),
                cache_read_input_tokens: tokens.cache_read,
            },
            total_tokens: tokens.total(),
            cost_usd: Usd(row.sums.cost),
            models: names(&row.models),
            burn_rate: row.burn_rate.map(|rate| Burn::of_block(rate, tokens)),
            projection: row.projection.map(Projected::new),
            recent_burn_rate: row.burn_rate_recent.map(Burn::new),
            unpriced_calls: row.sums.unpriced_calls,
            unpriced_tokens: row.sums.unpriced_tokens,
            token_limit_status: row
                .projection
                .zip(limit)
                .map(|(end, limit)| TokenLimitStatus::new(end, limit)),
        }
    }
}

impl Burn {
    fn new(rate: BurnRate) -> Self {
        Self {
            tokens_per_minute: Milli(rate.milli_tokens_per_minute),
            tokens_per_minute_for_indicator: None,
            cost_per_hour: Usd(rate.cost_per_hour),
            calls: rate.calls,
            unpriced_calls: rate.unpriced_calls,
        }
    }

    /// The speed of a whole block with these tokens.
    fn of_block(rate: BurnRate, tokens: &Tokens) -> Self {
        let (all, fresh) = (u128::from(tokens.total().max(1)), u128::from(tokens.input + tokens.output));
        let milli = (u128::from(rate.milli_tokens_per_minute) * fresh + all / 2) / all;
        let indicator = Milli(u64::try_from(milli).unwrap_or(u64::MAX));
        Self { tokens_per_minute_for_indicator: Some(indicator), ..Self::new(rate) }
    }
}

impl Projected {
    fn new(projection: Projection) -> Self {
        Self {
            total_tokens: projection.total_tokens,
            total_cost: Usd(projection.total_cost),
            remaining_minutes: projection.remaining_minutes,
        }
    }
}
