//! `POST /api/session`: the token for a one-time code, which is how the page gets it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::answer::json;
use super::asked::Asked;
use super::problem::Problem;

/// A code that `cco dashboard` made.
#[derive(Deserialize, ToSchema)]
pub(super) struct CodeGiven {
    code: String,
}

/// The token.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenGiven<'t> {
    token: &'t str,
}

/// Exchanges a code for the token, once and within 30 seconds.
#[utoipa::path(post, path = "/api/session", tag = "daemon", security(()), request_body = CodeGiven, responses(
    (status = OK, body = TokenGiven), (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json")
))]
pub(super) async fn exchange(
    State(api): State<Arc<Api>>,
    uri: Uri,
    body: String,
) -> Result<Response, Problem> {
    Asked::new(&uri, &[])?;
    let given: CodeGiven = serde_json::from_str(&body)
        .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "the body is not `{\"code\":\"…\"}`"))?;
    let token = api.tokens.exchange(&given.code, (api.clock)()).ok_or_else(|| {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "this code is not known, was used, or is older than 30 seconds",
        )
        .hint("run `cco dashboard` again")
    })?;
    let body = json(&TokenGiven { token: token.expose() })?;
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}
