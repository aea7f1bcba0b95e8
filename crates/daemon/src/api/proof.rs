//! `GET /api/proof`: that whoever answers here is the daemon, shown to a page that has its token before that token is sent.
//!
//! A page that is open when its daemon ends does not know who has the port by then. The proof holds for the name by which
//! it was asked, which is refused where it is not this daemon's: whoever has that port cannot have another daemon prove it.
//! A name that settings list without a port is this daemon's at every port, and does not tell that apart.
//! Must not: say anything that helps whoever does not know the token.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::answer::json;
use super::asked::Asked;
use super::problem::Problem;

/// Digits of a nonce, so that a proof is of no other use.
const NONCE: std::ops::RangeInclusive<usize> = 32..=64;

/// That whoever answers knows the token.
#[derive(Serialize, ToSchema)]
pub(super) struct Proof {
    /// The HMAC-SHA256, by the token as it is written, of `cco`, the `Host` of the request and the nonce, a line each
    /// and none behind the last; in hexadecimal digits.
    proof: String,
}

/// Proves that this is the daemon to whoever has its token, and asks before sending it.
#[utoipa::path(get, path = "/api/proof", tag = "daemon", security(()), params(
    ("nonce" = String, Query, description = "32 to 64 hexadecimal digits, made for this question")
), responses((status = OK, body = Proof)))]
pub(super) async fn prove(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let asked = Asked::new(&uri, &["nonce"])?;
    let nonce = asked
        .text("nonce")
        .filter(|nonce| NONCE.contains(&nonce.len()) && nonce.bytes().all(|digit| digit.is_ascii_hexdigit()));
    let nonce =
        nonce.ok_or_else(|| Problem::parameter("nonce", "nonce is to be 32 to 64 hexadecimal digits"))?;
    // It was let in, so it names this daemon.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let body = json(&Proof { proof: api.tokens.prove(&format!("cco\n{host}\n{nonce}")) })?;
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}
