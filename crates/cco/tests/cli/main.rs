//! The binary as a user meets it: sealed home, clock and zone; what is seen is written down in the tests.

#![expect(clippy::unwrap_used, reason = "in a test that is the right way to fail")]

mod accounts;
#[cfg(target_os = "linux")]
mod another_user;
mod beyond;
mod blocks;
mod colours;
mod config;
mod daemon;
mod daemon_begun;
mod daemon_follows;
mod doctor;
mod explain;
mod habits;
mod homes;
mod impostors;
mod limits;
mod limits_glance;
mod limits_told;
#[cfg(target_os = "linux")]
mod links;
mod logins;
mod lost_days;
mod managed;
mod names;
mod places;
mod reports;
mod repositories;
mod reprice;
mod running;
mod sealed;
mod service;
mod settings;
mod share;
mod shells;
mod statusline;
mod statusline_install;
mod statusline_preview;
mod terminal;
mod usage;
mod zones;
