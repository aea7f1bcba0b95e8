//! What is said when a request gets no answer (RFC 9457).

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cco_engine::EngineError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::readers::ReadError;

/// A problem, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    hint: String,
    /// The parameter that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
}

/// Whoever is told to come again waits so many seconds.
const AGAIN: HeaderValue = HeaderValue::from_static("1");
const TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            hint: String::new(),
            parameter: None,
        }
    }

    /// A parameter is wrong.
    pub(crate) fn parameter(name: &str, detail: impl Into<String>) -> Self {
        Self { parameter: Some(name.to_owned()), ..Self::new(StatusCode::BAD_REQUEST, detail) }
    }

    /// With what to do about it.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let json = serde_json::to_string(&self).unwrap_or_else(|_| "{}".to_owned());
        let status = self.status();
        let mut response = (status, cco_wire::text::escape_json(json)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, TYPE);
        match status {
            StatusCode::SERVICE_UNAVAILABLE => headers.insert(RETRY_AFTER, AGAIN),
            StatusCode::UNAUTHORIZED => headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            _ => None,
        };
        response
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let status = match error.is_busy() {
            true => StatusCode::SERVICE_UNAVAILABLE,
            false => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string()).hint(error.hint().unwrap_or_default())
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "too many questions at once")
                .hint("ask again in a moment"),
            ReadError::Engine(error) => error.into(),
            ReadError::Ended => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the question came to no end; the log of the daemon may say why",
            )
            .hint("`cco daemon logs` shows it"),
        }
    }
}

/// Gives answers of the libraries that say no (in plain text, or in none) the form that all others have.
pub(super) async fn in_one_form(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_ours = kind.is_some_and(|kind| kind.ends_with("json"));
    if !(status.is_client_error() || status.is_server_error()) || is_ours {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let problem = of_status(status).into_response();
    parts.headers.remove(CONTENT_LENGTH);
    let allow = parts.headers.remove(ALLOW);
    let (mut new, body) = problem.into_parts();
    if let Some(allow) = allow {
        new.headers.insert(ALLOW, allow);
    }
    Response::from_parts(new, Body::new(body))
}

fn of_status(status: StatusCode) -> Problem {
    let (detail, hint) = match status {
        StatusCode::NOT_FOUND => ("nothing is served at this path", "/api/openapi.json lists what is"),
        StatusCode::METHOD_NOT_ALLOWED => {
            ("this path does not take this method", "/api/openapi.json lists what it takes")
        }
        StatusCode::PAYLOAD_TOO_LARGE => ("the body is larger than 1 MiB", ""),
        StatusCode::REQUEST_TIMEOUT => ("the request took longer than 30 seconds", "ask for less at once"),
        _ => ("the request cannot be answered", ""),
    };
    Problem::new(status, detail).hint(hint)
}
