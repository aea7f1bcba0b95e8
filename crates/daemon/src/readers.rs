//! Engines that answer questions, and answers that still hold.

use crate::setup::{Clock, OpenEngine};

/// Engines that are asked.
#[derive(Clone)]
pub(crate) struct Readers {
    open: OpenEngine,
    clock: Clock,
}

impl Readers {
    /// Engines that are opened as they are needed.
    pub(crate) fn new(open: OpenEngine, clock: Clock) -> Self {
        Self { open, clock }
    }
}
