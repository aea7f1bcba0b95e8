//! Requests over real sockets, to a daemon's server with a real ledger.

mod described;
mod hostile;
mod limits;
mod live;
mod metrics;
mod paths;
mod routes;
mod served;
mod stats;
mod times;
