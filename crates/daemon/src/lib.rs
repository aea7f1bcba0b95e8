//! The daemon: what lives as long as it does, in one place.
//!
//! Owns every task and thread that outlives a call: following transcripts, keeping ledger and snapshot current, asking
//! for limits, looking at repositories, serving HTTP and live events. [`run`] starts them all and ends when they have
//! all ended.
//! Must not: hold a rule that belongs in `model` or a verb that belongs in `engine`, read arguments, settings or the
//! environment, or be needed for a report or a status line.

pub mod control;
pub mod lock;
pub mod log;

mod api;
mod broker;
mod event;
mod event_loop;
mod git;
mod health;
mod keeper;
mod live;
mod readers;
mod running;
mod setup;
mod shared;
mod slow;
mod tasks;
mod token;
mod watch;

/// The token's file, for our own commands.
pub mod api_token {
    pub use crate::token::{FILE, read, rotate};
}

pub use running::{RunError, run};
pub use setup::{
    Clock, Http, Means, OpenEngine, ReadHttp, ReadMeans, ReadSettings, Settings, Setup, TellLimits,
};
