//! The HTTP API: one file for each route.
//!
//! Must not: count anything, or reach the file system by anything that a request says.
