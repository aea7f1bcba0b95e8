//! What our JSON looks like, whoever sends it: commands with `--json` and the daemon over HTTP say the same in the same
//! words.
//!
//! Owns exact numbers, times and the documents that both have. Must not: ask anything, know arguments or HTTP.

pub mod exact;
pub mod explain;
pub mod limits;
pub mod names;
pub mod text;
