//! One line on stderr for somebody who waits: drawn over and over, and gone when the work is done.
//!
//! Our own, and not a library's: what there was used floating-point powers for its estimates, and so had every start of
//! the program load the system's mathematical library, status lines too (0.06 ms of 1.0).
//! Must not: be wider than the terminal, or know what is waited for.

use std::io::Write;
use std::time::{Duration, Instant};

/// Drawn no more often than a person can read.
const EVERY: Duration = Duration::from_millis(100);
const TO_THE_START: &str = "\r";
const WIPE_THE_REST: &str = "\x1b[K";

/// The line.
#[derive(Debug, Default)]
pub(crate) struct WaitingLine {
    drawn: Option<Instant>,
}

impl WaitingLine {
    /// Draws this text, if it is time to. Where it cannot be written there is nobody to read it.
    pub(crate) fn show(&mut self, text: impl FnOnce() -> String) {
        if self.drawn.is_none_or(|drawn| drawn.elapsed() >= EVERY) {
            self.draw(&text());
        }
    }

    /// Draws this text.
    pub(crate) fn draw(&mut self, text: &str) {
        self.drawn = Some(Instant::now());
        write(&format!("{TO_THE_START}{text}{WIPE_THE_REST}"));
    }
}

impl Drop for WaitingLine {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            write(&format!("{TO_THE_START}{WIPE_THE_REST}"));
        }
    }
}

fn write(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// How long the rest takes, if it goes on as it went so far; none: nothing is done yet.
pub(crate) fn time_to_go(done: u64, total: u64, took: Duration) -> Option<Duration> {
    let left = u128::from(total.saturating_sub(done));
    let ms = took.as_millis().checked_mul(left)?.checked_div(u128::from(done))?;
    Some(Duration::from_millis(u64::try_from(ms).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_what_was_done_for_its_size() {
        let left = |done, total| time_to_go(done, total, Duration::from_secs(3)).map(|left| left.as_secs());
        assert_eq!([left(1, 4), left(3, 4), left(4, 4)], [Some(9), Some(1), Some(0)]);
        assert_eq!(left(0, 4), None, "nothing is known yet");
        assert_eq!(left(5, 4), Some(0), "more came than was expected");
        assert_eq!(left(1, u64::MAX), None, "that is no time that anybody waits");
    }
}
