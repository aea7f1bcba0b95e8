//! What happens, told to all who listen as it happens.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::readers::Readers;
use crate::setup::Clock;

/// Tells those who listen.
pub(crate) struct Live {}

impl Live {
    pub(crate) fn new(_: Readers, _: Clock, _: TimeZone, _: Duration) -> Self {
        Self {}
    }

    pub(crate) fn advance(&self) {}

    pub(crate) fn stop(&self) {}

    pub(crate) fn clients(&self) -> usize {
        0
    }
}
