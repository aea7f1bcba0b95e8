//! `/metrics`: counts for Prometheus (text format 0.0.4).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use cco_engine::limits::{AccountLimits, Tries, WindowLimits};
use cco_engine::report::{Filter, Group, Model, Only};
use cco_engine::stats::UNKNOWN_TIER;
use cco_engine::{Engine, EngineError};
use cco_model::limit::shown::Value;
use cco_model::sums::Sums;
use cco_wire::names::account_label;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Api;
use super::asked::Asked;
use super::problem::Problem;

/// A count of calls, by model and tier: of all time, and of today.
struct Metric {
    /// What is of all time and only grows is a counter. A price that is changed changes what calls cost.
    name: &'static str,
    kind: &'static str,
    today: &'static str,
    help: &'static str,
    /// None: it is not known, and no line says it.
    value: fn(&Sums) -> Option<String>,
}

const METRICS: [Metric; 4] = [
    Metric {
        name: "cco_calls_total",
        kind: "counter",
        today: "cco_calls_today",
        help: "Calls of models.",
        value: |sums| Some(sums.calls.to_string()),
    },
    Metric {
        name: "cco_unpriced_calls",
        kind: "gauge",
        today: "cco_unpriced_calls_today",
        help: "Calls of models without a price; fewer when one is known.",
        value: |sums| Some(sums.unpriced_calls.to_string()),
    },
    Metric {
        name: "cco_tokens_total",
        kind: "counter",
        today: "cco_tokens_today",
        help: "Tokens of all kinds.",
        value: |sums| Some(sums.tokens.total().to_string()),
    },
    Metric {
        name: "cco_cost_usd",
        kind: "gauge",
        today: "cco_cost_usd_today",
        help: "Cost in US dollars of the calls with a price, at the prices that hold now: it can fall when they change.",
        value: |sums| sums.has_cost().then(|| sums.cost.decimal()),
    },
];

/// What is known of a window of an account; none: it is not.
struct Gauge {
    name: &'static str,
    help: &'static str,
    value: fn(&WindowLimits) -> Option<String>,
}

const LIMITS: [Gauge; 3] = [
    Gauge {
        name: "cco_limit_used_percent",
        help: "How much of a limit is used, as last heard.",
        value: |window| used_tenths(window).map(|tenths| format!("{}.{}", tenths / 10, tenths % 10)),
    },
    Gauge {
        name: "cco_limit_reset_timestamp_seconds",
        help: "When a limit begins anew.",
        value: |window| seconds(window.current?.resets_at_ms.filter(|_| used_tenths(window).is_some())?),
    },
    Gauge {
        name: "cco_limit_observed_timestamp_seconds",
        help: "When that was so.",
        value: |window| seconds(window.current?.observed_at_ms.filter(|_| used_tenths(window).is_some())?),
    },
];

/// What the ledger knows.
struct Known {
    ever: ByModel,
    today: ByModel,
    limits: Vec<AccountLimits>,
}

/// Sums by the labels of a model and its tier. Two names may be one label, and one label has one line.
type ByModel = BTreeMap<(String, String), Sums>;

/// Counts of calls, tokens and money, how near limits are, and how the daemon is, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "daemon",
    responses((status = OK, content_type = "text/plain", body = String)))]
pub(super) async fn metrics(
    State(api): State<Arc<Api>>,
    _: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    api.stats()?;
    Asked::new(&uri, &[])?;
    let (zone, now) = (api.zone(), (api.clock)());
    let today = now.to_zoned(zone.clone()).date();
    let known = api.readers.ask(move |engine| Known::of(engine, today, &zone)).await?;
    let health = api.health.borrow().clone();
    let mut text = String::new();
    for metric in METRICS {
        head(&mut text, metric.name, metric.kind, metric.help);
        known.ever.iter().for_each(|model| line(&mut text, metric.name, model, metric.value));
        head(&mut text, metric.today, "gauge", &format!("{} Since the day began.", metric.help));
        known.today.iter().for_each(|model| line(&mut text, metric.today, model, metric.value));
    }
    for gauge in LIMITS {
        head(&mut text, gauge.name, "gauge", gauge.help);
        for (labels, value) in limit_lines(&gauge, &known.limits) {
            let _ = writeln!(text, "{}{{{labels}}} {value}", gauge.name);
        }
    }
    head(&mut text, "cco_check_ok", "gauge", "Whether a part of the daemon works.");
    for (name, check) in health.checks() {
        let _ = writeln!(text, "cco_check_ok{{check=\"{name}\"}} {}", u8::from(check.is_ok));
    }
    head(&mut text, "cco_live_clients", "gauge", "Clients that hear of events.");
    let _ = writeln!(text, "cco_live_clients {}", api.live.clients());
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

impl Known {
    fn of(engine: &mut Engine, today: Date, zone: &TimeZone) -> Result<Self, EngineError> {
        let within = |days| Filter { days, zone: zone.clone(), only: Only::default() };
        let ever = by_label(engine.models(&within((None, None)))?);
        // Of a model without a call today it is known that it had none.
        let mut today = by_label(engine.models(&within((Some(today), Some(today))))?);
        for labels in ever.keys() {
            today.entry(labels.clone()).or_default();
        }
        let found = engine.see_accounts()?;
        let limits = engine.limits(&found, &Tries::default(), zone)?;
        Ok(Self { ever, today, limits })
    }
}

fn by_label(models: Vec<Group<Model>>) -> ByModel {
    let mut all = ByModel::new();
    for Group { key, sums, .. } in models {
        let tier = if key.tier.is_empty() { UNKNOWN_TIER } else { &key.tier };
        *all.entry((label(&key.name), label(tier))).or_default() += sums;
    }
    all
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(
    text: &mut String,
    metric: &str,
    model: (&(String, String), &Sums),
    value: fn(&Sums) -> Option<String>,
) {
    let ((name, tier), sums) = model;
    let Some(value) = value(sums) else { return };
    let _ = writeln!(text, "{metric}{{model=\"{name}\",tier=\"{tier}\"}} {value}");
}

/// Lines of a gauge, by their labels: two accounts may have one name, but not one id, and two names of windows may be one
/// label.
fn limit_lines(gauge: &Gauge, limits: &[AccountLimits]) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::new();
    for known in limits {
        let (name, id) = (label(&account_label(&known.account)), label(&known.account.id.to_string()));
        for window in &known.windows {
            let Some(value) = (gauge.value)(window) else { continue };
            let window = label(&window.shown.window.to_string());
            lines.insert(format!("account=\"{name}\",id=\"{id}\",window=\"{window}\""), value);
        }
    }
    lines
}

/// Tenths of a percent, of a window whose use is known.
fn used_tenths(window: &WindowLimits) -> Option<u32> {
    match window.shown.value {
        Value::Open { percent, .. } => Some(percent?.tenths().unsigned_abs()),
        Value::NotStarted => Some(0),
        Value::Reset | Value::Local { .. } | Value::Trouble(_) => None,
    }
}

fn seconds(at_ms: i64) -> Option<String> {
    Some((at_ms / 1_000).to_string())
}

/// A value of a label: one line, whatever is in the name.
fn label(name: &str) -> String {
    cco_model::untrusted::clean(name).replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_inside_its_label() {
        assert_eq!(label("a\"} 1\nevil{x=\"\\"), r#"a\"} 1evil{x=\"\\"#);
    }
}
