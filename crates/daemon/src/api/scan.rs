//! `POST /api/scan`: takes in what is new, now.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::answer::Answer;
use super::asked::Asked;
use super::problem::Problem;
use crate::event::Event;

/// What a scan did.
#[derive(Serialize, ToSchema)]
pub(super) struct ScanAnswer {
    /// Transcripts that are there.
    files: u64,
    /// Of these, the ones that were read from.
    files_read: u64,
    calls_new: u64,
    calls_changed: u64,
    damaged_lines: u64,
}

/// Takes in what is new, and answers when that is done.
#[utoipa::path(post, path = "/api/scan", tag = "daemon", params(("X-Cco" = String, Header, description = "`1`")),
    responses((status = OK, body = ScanAnswer)))]
pub(super) async fn scan(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    uri: Uri,
    body: String,
) -> Result<Response, Problem> {
    Asked::plainly(&uri, &body)?;
    let summary = api.have(Event::ScanWanted).await?.summary;
    let answer = ScanAnswer {
        files: summary.files,
        files_read: summary.files_read,
        calls_new: summary.calls_new,
        calls_changed: summary.calls_changed,
        damaged_lines: summary.damaged_lines,
    };
    Ok(Answer::of(&answer)?.send(&headers))
}
