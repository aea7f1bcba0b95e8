//! Requests over real sockets, to a daemon's server with a real ledger.

mod asking;
mod described;
mod hostile;
mod limits;
mod live;
mod routes;
mod served;
mod stats;
