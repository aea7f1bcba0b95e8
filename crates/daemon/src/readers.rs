//! Engines that answer questions, and answers that still hold.

use crate::setup::OpenEngine;

/// Engines that are asked.
pub(crate) struct Readers {
    open: OpenEngine,
}

impl Readers {
    /// Engines that are opened as they are needed.
    pub(crate) fn new(open: OpenEngine) -> Self {
        Self { open }
    }
}
