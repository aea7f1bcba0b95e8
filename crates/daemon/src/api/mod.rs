//! The HTTP API: one file for each route.
//!
//! Must not: count anything, or reach the file system by anything that a request says.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::shared::Shared;

/// Serves until told to stop.
pub(crate) async fn serve(_: TcpListener, _: Arc<Shared>, _: watch::Receiver<bool>) {}
