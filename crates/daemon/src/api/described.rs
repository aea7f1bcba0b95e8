//! The API, described by OpenAPI 3.1 from the routes themselves.

use std::sync::OnceLock;

use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde_json::{Value, json};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, SecurityRequirement};

use super::answer::Answer;
use super::asked::Asked;
use super::filter::Period;
use super::guard::OPEN;
use super::problem::Problem;
use super::{breakdown, stats};

/// What is said before the routes.
pub(super) fn frame() -> OpenApi {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("cco")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "What Claude Code used and cost on this machine. Amounts are US dollars as exact decimal numbers \
                     with up to nine places; read them with a parser that keeps them. Times are RFC 3339, UTC. What \
                     has no name is \"\". Whatever does something is a POST with `Content-Type: application/json`, \
                     also where it has no body, and `X-Cco: 1`. Problems are those of RFC 9457, with a `hint`; but \
                     what is no HTTP, or has a head of more than 16 KiB, gets a bare 400 or 431, since no route ever \
                     sees it.",
                ))
                .build(),
        )
        .components(Some(
            ComponentsBuilder::new().security_scheme("token", SecurityScheme::Http(bearer)).build(),
        ))
        .security(Some([SecurityRequirement::new::<_, [&str; 0], &str>("token", [])]))
        .build()
}

/// What any route may answer besides.
struct Besides {
    status: &'static str,
    says: &'static str,
    /// Of this method and path.
    of: fn(&str, &str) -> bool,
}

const BESIDES: [Besides; 9] = [
    Besides {
        status: "304",
        says: "The answer is still the one of `If-None-Match`",
        of: |method, path| method == "get" && !NEVER_THE_SAME.contains(&path),
    },
    Besides { status: "400", says: "A parameter, a header or the body is wrong", of: |_, _| true },
    Besides {
        status: "401",
        says: "This needs the token of the daemon",
        of: |_, path| !OPEN.contains(&path),
    },
    Besides { status: "403", says: "The request could be of another page", of: |_, _| true },
    Besides { status: "408", says: "The request took longer than 30 seconds", of: |_, _| true },
    Besides { status: "413", says: "The body is larger than 1 MiB", of: |method, _| method == "post" },
    Besides { status: "415", says: "The body is said to be no JSON", of: |method, _| method == "post" },
    Besides { status: "500", says: "The ledger cannot be read, or cco is at fault", of: |_, _| true },
    Besides {
        status: "503",
        says: "Too many ask at once, the daemon ends, or statistics are turned off",
        of: |_, _| true,
    },
];

/// Answers without a tag.
const NEVER_THE_SAME: [&str; 4] = ["/api/health", "/api/proof", "/api/stats/live", "/metrics"];

/// The words that a parameter takes, of one that takes only a few.
fn words(parameter: &str) -> Vec<&'static str> {
    fn of<T>(words: &[(&'static str, T)]) -> Vec<&'static str> {
        words.iter().map(|(word, _)| *word).collect()
    }
    match parameter {
        "period" => of(&Period::WORDS),
        "granularity" => of(&stats::GRANULARITIES),
        "split" => of(&stats::SPLITS),
        "by" => of(&breakdown::WORDS),
        _ => Vec::new(),
    }
}

/// The description of the table of routes, with what is so for all of them.
fn whole() -> Value {
    let mut document = json!(super::description());
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            complete(operation, method, path);
        }
    }
    document
}

fn complete(operation: &mut Value, method: &str, path: &str) {
    for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
        let words = parameter["name"].as_str().map(words).unwrap_or_default();
        if !words.is_empty() {
            parameter["schema"] = json!({ "type": "string", "enum": words });
        }
    }
    if method == "post" {
        let mut parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        parameters.retain(|parameter| parameter["name"] != "X-Cco");
        parameters.push(json!({
            "name": "X-Cco", "in": "header", "required": true, "schema": { "type": "string", "enum": ["1"] },
            "description": "What no form and no plain request of a page can send",
        }));
        operation["parameters"] = json!(parameters);
        if operation["requestBody"].is_null() {
            let schema = json!({ "type": "object", "maxProperties": 0 });
            operation["requestBody"] = json!({ "content": { "application/json": { "schema": schema } } });
        }
    }
    for besides in BESIDES.iter().filter(|besides| (besides.of)(method, path)) {
        let response = &mut operation["responses"][besides.status];
        if !is_described(response) {
            response["description"] = json!(besides.says);
        }
    }
    let problem = json!({ "schema": { "$ref": "#/components/schemas/Problem" } });
    for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        if !is_described(response) {
            let status = StatusCode::from_bytes(status.as_bytes()).ok();
            response["description"] = json!(status.and_then(|status| status.canonical_reason()));
        }
        if **status >= *"400" {
            let content = &mut response["content"];
            if let Some(content) = content.as_object_mut() {
                content.retain(|_, it| *it != problem);
            }
            content["application/problem+json"] = problem.clone();
        }
    }
}

/// OpenAPI wants something said of every answer.
fn is_described(response: &Value) -> bool {
    response["description"].as_str().is_some_and(|said| !said.is_empty())
}

/// This description.
/// This description.
#[utoipa::path(get, path = "/api/openapi.json", tag = "daemon", responses((status = OK, body = Object)))]
pub(super) async fn openapi(headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    Asked::new(&uri, &[])?;
    static MADE: OnceLock<Answer> = OnceLock::new();
    if let Some(made) = MADE.get() {
        return Ok(made.send(&headers));
    }
    let answer = Answer::of(&whole())?;
    Ok(MADE.get_or_init(|| answer).send(&headers))
}
