//! Requests over real sockets, to a daemon's server with a real ledger.

mod asking;
mod described;
mod hostile;
mod limits;
mod live;
mod metrics;
mod paths;
mod routes;
pub(super) mod served;
mod stats;
mod times;
