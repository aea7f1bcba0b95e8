//! Values and rules of `cco`, as plain functions of their arguments: calls, tokens, money, prices, days, blocks, limits.
//!
//! Must not: do I/O, read a clock or the environment, know SQLite, HTTP or a file format.

pub mod batch;
pub mod block;
pub mod call;
pub mod civil;
pub mod file;
pub mod limit;
pub mod money;
pub mod number;
pub mod plant;
pub mod price;
pub mod reason;
pub mod sums;
pub mod tokens;
pub mod untrusted;
