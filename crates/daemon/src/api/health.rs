//! `/api/health`: whether all is well, and what is not for whoever has the token.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use cco_wire::text::iso;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::json;
use super::asked::Asked;
use super::problem::Problem;
use super::{Api, guard};

/// How the daemon is.
#[derive(Serialize, ToSchema)]
pub(super) struct HealthAnswer {
    /// `ok` or `failing`.
    status: &'static str,
    /// Its parts; only with the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<CheckAnswer>>,
}

/// How a part of it is.
#[derive(Serialize, ToSchema)]
pub(super) struct CheckAnswer {
    name: &'static str,
    ok: bool,
    detail: String,
    at: String,
}

/// Whether all is well; with the token also how each part is.
#[utoipa::path(get, path = "/api/health", tag = "daemon", security(()), responses(
    (status = OK, body = HealthAnswer), (status = SERVICE_UNAVAILABLE, body = HealthAnswer)
))]
pub(super) async fn health(State(api): State<Arc<Api>>, request: Request) -> Result<Response, Problem> {
    Asked::new(request.uri(), &[])?;
    let health = api.health.borrow().clone();
    let checks = guard::is_admitted(&request, &api).then(|| {
        let check = |(name, check): (&'static str, &crate::health::Check)| CheckAnswer {
            name,
            ok: check.is_ok,
            detail: check.detail.clone(),
            at: iso(check.at),
        };
        health.checks().into_iter().map(check).collect()
    });
    let (status, word) = match health.is_ok() {
        true => (StatusCode::OK, "ok"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "failing"),
    };
    let body = json(&HealthAnswer { status: word, checks })?;
    Ok((status, [(CONTENT_TYPE, "application/json")], body).into_response())
}
