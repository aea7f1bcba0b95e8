//! The binary as a user meets it: sealed home, clock and zone; what is seen is written down in the tests.

#![expect(clippy::unwrap_used, reason = "in a test that is the right way to fail")]

mod config;
mod explain;
mod places;
mod reports;
mod reprice;
mod sealed;
mod terminal;
mod usage;
