//! The HTTP API: one file for each family of routes, and what stands before them all.
//!
//! A request goes through `connection` (how long, how large), a place of `places` (how many), `headers` (what every answer
//! says), `guard` (who may ask), its route, and back as an `answer` or a `problem`.
//! Must not: count anything, or reach the file system by anything that a request says.

mod answer;
mod asked;
mod blocks;
mod breakdown;
mod connection;
mod described;
mod explain;
mod filter;
mod guard;
mod headers;
mod health;
mod limits;
mod live;
mod metrics;
mod named;
mod page;
mod places;
mod problem;
mod projects;
mod proof;
mod scan;
mod session;
mod sessions;
mod sources;
mod stats;
mod sums;

use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::answer::Answers;
use self::connection::Bounds;
use self::problem::Problem;
use crate::event::Event;
use crate::setup::Http;
use crate::shared::Shared;

/// Bytes of a body.
const BODY_BYTES: usize = 1_024 * 1_024;

/// What routes work with.
pub(crate) struct Api {
    shared: Arc<Shared>,
    answers: Arc<Answers>,
    bounds: Bounds,
}

impl Deref for Api {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Api {
    /// Statistics are served, by these settings; or why not.
    fn stats(&self) -> Result<Arc<Http>, Problem> {
        let settings = self.http();
        if settings.stats {
            return Ok(settings);
        }
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "statistics are turned off")
            .hint("`cco config set stats.enabled true` turns them on"))
    }

    /// Has the event loop do what is wanted, and waits for what comes of it.
    async fn have<T>(
        &self,
        wanted: impl FnOnce(oneshot::Sender<Result<T, String>>) -> Event,
    ) -> Result<T, Problem> {
        let ends = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon ends");
        let (reply, answer) = oneshot::channel();
        self.events.send(wanted(reply)).await.map_err(|_| ends())?;
        let done = answer.await.map_err(|_| ends())?;
        done.map_err(|why| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, why))
    }
}

/// Listens there, in the runtime that is entered.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    connection::listen(address)
}

/// Serves until told to stop.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, stopped: watch::Receiver<bool>) {
    serve_within(Bounds::USUAL, listener, shared, stopped).await;
}

async fn serve_within(
    bounds: Bounds,
    listener: TcpListener,
    shared: Arc<Shared>,
    stopped: watch::Receiver<bool>,
) {
    let stopping = Arc::clone(&shared);
    let router = router(shared, bounds);
    connection::serve(listener, router, bounds, stopped, move || stopping.live.stop()).await;
}

/// Every route, with what stands before it.
fn router(shared: Arc<Shared>, bounds: Bounds) -> Router {
    let api = Arc::new(Api { shared, answers: Arc::default(), bounds });
    let (router, _) = table().split_for_parts();
    router
        .route_layer(from_fn_with_state(Arc::clone(&api), guard::ask_for_token))
        .layer(CompressionLayer::new())
        .layer(RequestBodyLimitLayer::new(BODY_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, bounds.request))
        .layer(from_fn_with_state(Arc::clone(&api), guard::keep_strangers_out))
        .layer(from_fn(problem::in_one_form))
        .layer(from_fn(headers::set))
        .with_state(api)
}

/// The one table of routes, from which they are also described.
fn table() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::with_openapi(described::frame())
        .routes(routes!(stats::stats))
        .routes(routes!(projects::projects))
        .routes(routes!(sessions::sessions))
        .routes(routes!(sessions::session))
        .routes(routes!(blocks::blocks))
        .routes(routes!(breakdown::breakdown))
        .routes(routes!(live::live))
        .routes(routes!(limits::limits))
        .routes(routes!(explain::explain))
        .routes(routes!(sources::sources))
        .routes(routes!(health::health))
        .routes(routes!(proof::prove))
        .routes(routes!(metrics::metrics))
        .routes(routes!(described::openapi))
        .routes(routes!(page::index))
        .routes(routes!(page::script))
        .routes(routes!(page::style))
        .routes(routes!(page::icon))
        .merge(changes())
}

/// The part of it that changes something.
fn changes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(limits::refresh))
        .routes(routes!(scan::scan))
        .routes(routes!(session::exchange))
        .route_layer(from_fn(guard::ask_for_intent))
}

/// What the table says of itself.
fn description() -> OpenApi {
    table().into_openapi()
}

#[cfg(test)]
mod tests;
