//! Finds the transcripts that Claude Code writes, follows them, and turns their bytes into records of `cco-model`.
//!
//! Only this crate knows what a transcript looks like. Must not: know a database or a price, read a clock or the
//! environment, or keep any prompt or answer text.

pub mod file;
pub mod find;
pub mod read;
pub mod trace;

mod collect;
mod identity;
mod json;
mod lines;
mod recover;
mod row;
mod source;
mod time;

#[cfg(test)]
mod testing;
