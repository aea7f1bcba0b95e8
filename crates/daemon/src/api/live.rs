//! `/api/stats/live`: what happens, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::watch;

use super::Api;
use super::asked::Asked;
use super::problem::Problem;
use crate::live::{Ending, Listener, Told};

/// A browser that was cut off comes back after so long.
const RETRY: Bytes = Bytes::from_static(b"retry: 1000\n\n");
const ALIVE: Bytes = Bytes::from_static(b": alive\n\n");

/// Calls as they are counted, today's sums, and limits when a reading of them changes. `Last-Event-ID` brings the calls
/// that were missed.
#[utoipa::path(get, path = "/api/stats/live", tag = "stats", params(
    ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that was heard")
), responses((status = OK, content_type = "text/event-stream", body = String), (status = SERVICE_UNAVAILABLE, body = Problem)))]
pub(super) async fn live(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    api.stats()?;
    Asked::new(&uri, &[])?;
    // Somebody who is logged out while he waits to listen is not let in any more.
    let rotations = api.tokens.rotations();
    let since = match headers.get("last-event-id").map(|id| id.to_str().unwrap_or("?")) {
        None | Some("") => None,
        // What is none of ours is of another ledger.
        Some(id) => Some(id.parse().unwrap_or_else(|()| Told::elsewhere())),
    };
    let listener = api.live.listen(since).await.map_err(|_| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many listen already").hint("close another page")
    })?;
    let telling =
        Telling { listener, rotations, heartbeat: api.bounds.heartbeat, has_begun: false, has_ended: false };
    let body = stream::unfold(telling, |mut telling| async move {
        let text = telling.next().await?;
        Some((Ok::<_, Infallible>(text), telling))
    });
    Ok(([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(body)).into_response())
}

/// One who is told.
struct Telling {
    listener: Listener,
    rotations: watch::Receiver<u64>,
    heartbeat: Duration,
    has_begun: bool,
    has_ended: bool,
}

impl Telling {
    /// The next piece of the answer; none: it is at its end.
    async fn next(&mut self) -> Option<Bytes> {
        if self.has_ended {
            return None;
        }
        if !self.has_begun {
            self.has_begun = true;
            return Some(RETRY);
        }
        let ending = tokio::select! {
            biased;
            _ = self.rotations.changed() => "token",
            next = self.listener.next() => match next {
                Ok(text) => return Some(text),
                Err(Ending::Slow) => "slow",
                Err(Ending::Stopping) => "stopping",
            },
            () = tokio::time::sleep(self.heartbeat) => return Some(ALIVE),
        };
        self.has_ended = true;
        Some(format!("event: bye\ndata: {{\"reason\":\"{ending}\"}}\n\n").into())
    }
}
