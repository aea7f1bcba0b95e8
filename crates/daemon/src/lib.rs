//! The daemon: what lives as long as it does, in one place.
//!
//! Owns every task and thread that outlives a call: following transcripts, keeping ledger and snapshot current, asking
//! for limits, looking at repositories, serving HTTP and live events. [`run`] starts them all and ends when they have
//! all ended.
//! Must not: hold a rule that belongs in `model` or a verb that belongs in `engine`, read arguments, settings or the
//! environment, or be needed for a report or a status line.

mod api;
mod event;
mod health;
mod live;
mod readers;
mod setup;
mod shared;
mod token;

pub use setup::{Clock, Http, OpenEngine, Setup};
