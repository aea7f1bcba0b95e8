//! `/metrics`: counts for Prometheus (text format 0.0.4).

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use cco_engine::report::{Filter, Group, Model, Only};
use cco_model::sums::Sums;
use jiff::tz::TimeZone;

use super::Api;
use super::asked::Asked;
use super::problem::Problem;

/// A count of calls, by model and tier.
struct Metric {
    name: &'static str,
    help: &'static str,
    value: fn(&Sums) -> String,
}

const METRICS: [Metric; 4] = [
    Metric { name: "cco_calls_total", help: "Calls of models.", value: |sums| sums.calls.to_string() },
    Metric {
        name: "cco_unpriced_calls_total",
        help: "Calls of models without a price.",
        value: |sums| sums.unpriced_calls.to_string(),
    },
    Metric {
        name: "cco_tokens_total",
        help: "Tokens of all kinds.",
        value: |sums| sums.tokens.total().to_string(),
    },
    Metric { name: "cco_cost_usd_total", help: "Cost in US dollars.", value: |sums| sums.cost.decimal() },
];

/// Counts of calls, tokens and money, and how the daemon is, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "daemon",
    responses((status = OK, content_type = "text/plain", body = String)))]
pub(super) async fn metrics(
    State(api): State<Arc<Api>>,
    _: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    api.stats()?;
    Asked::new(&uri, &[])?;
    let everything = Filter { days: (None, None), zone: TimeZone::UTC, only: Only::default() };
    let models = api.readers.ask(move |engine| engine.models(&everything)).await?;
    let health = api.health.borrow().clone();
    let mut text = String::new();
    for metric in METRICS {
        head(&mut text, metric.name, "counter", metric.help);
        for model in &models {
            line(&mut text, &metric, model);
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

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(text: &mut String, metric: &Metric, model: &Group<Model>) {
    let (name, tier) = (label(&model.key.name), label(&model.key.tier));
    let value = (metric.value)(&model.sums);
    let _ = writeln!(text, "{}{{model=\"{name}\",tier=\"{tier}\"}} {value}", metric.name);
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
