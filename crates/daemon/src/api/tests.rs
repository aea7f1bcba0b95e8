//! Requests over real sockets, to a daemon's server with a real ledger.

mod hostile;
mod limits;
mod live;
mod served;
mod stats;
