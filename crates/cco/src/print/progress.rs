//! The progress of a long scan, on stderr and only where somebody looks.
//!
//! Must not: read anything, or show itself for work that is done at once.

use std::time::{Duration, Instant};

use cco_engine::scan::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that is done within this time shows no bar.
const PATIENCE: Duration = Duration::from_millis(150);

/// A bar that appears when there is enough left to wait for.
pub(crate) struct ScanProgress {
    visible: bool,
    least_bytes: u64,
    started: Instant,
    bar: Option<ProgressBar>,
}

impl ScanProgress {
    /// A bar for work of at least this many bytes, where stderr is a terminal.
    pub(crate) fn new(stderr_is_terminal: bool, least_bytes: u64) -> Self {
        Self { visible: stderr_is_terminal, least_bytes, started: Instant::now(), bar: None }
    }

    /// Takes note of how far the scan is.
    pub(crate) fn update(&mut self, progress: Progress) {
        if self.bar.is_none() && self.is_due(progress) {
            self.bar = Some(bar(progress));
        }
        if let Some(bar) = &self.bar {
            bar.set_length(progress.bytes_total);
            bar.set_position(progress.bytes_done);
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }

    fn is_due(&self, progress: Progress) -> bool {
        self.visible && progress.bytes_total >= self.least_bytes && self.started.elapsed() >= PATIENCE
    }
}

fn bar(progress: Progress) -> ProgressBar {
    let template = "reading {msg} {bar:30} {decimal_bytes}/{decimal_total_bytes} {eta}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(progress.bytes_total), ProgressDrawTarget::stderr_with_hz(10))
        .with_style(style)
        .with_message(super::text::plural(progress.files_total, "transcript", "transcripts"))
}
