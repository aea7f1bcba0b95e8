//! The progress of a long scan, on stderr and only where somebody looks.
//!
//! Must not: read anything, or show itself for work that is done at once; take more than one line.

use std::time::{Duration, Instant};

use cco_engine::health::Step;
use cco_engine::scan::Progress;

use super::fit::width;
use super::text;
use super::waiting::{WaitingLine, time_to_go};

/// Work that is done within this time shows no bar.
const PATIENCE: Duration = Duration::from_millis(150);
/// Columns of the bar: where there is room, and the least that still tells something.
const BAR: std::ops::RangeInclusive<usize> = 8..=30;
/// The width of a terminal that does not tell.
const COLUMNS: usize = 80;

/// A bar that appears when there is enough left to wait for.
pub(crate) struct ScanProgress {
    visible: bool,
    least_bytes: u64,
    /// The terminal's width, asked anew each time: it may change while somebody waits.
    columns: fn() -> Option<usize>,
    started: Instant,
    line: Option<WaitingLine>,
}

impl ScanProgress {
    /// A bar for work of at least this many bytes, where stderr is a terminal.
    pub(crate) fn new(stderr_is_terminal: bool, least_bytes: u64, columns: fn() -> Option<usize>) -> Self {
        Self { visible: stderr_is_terminal, least_bytes, columns, started: Instant::now(), line: None }
    }

    /// Takes note of how far the scan is.
    pub(crate) fn update(&mut self, progress: Progress) {
        if self.line.is_none() && self.is_due(progress) {
            self.line = Some(WaitingLine::default());
        }
        let (took, columns) = (self.started.elapsed(), self.columns);
        if let Some(waiting) = &mut self.line {
            waiting.show(|| {
                let left = time_to_go(progress.bytes_done, progress.bytes_total, took);
                line(progress, left.unwrap_or_default(), room(columns))
            });
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(self) {
        drop(self.line);
    }

    fn is_due(&self, progress: Progress) -> bool {
        self.visible && progress.bytes_total >= self.least_bytes && self.started.elapsed() >= PATIENCE
    }
}

/// The columns that a line may take. The last one stays free: terminals differ in what they do behind it.
fn room(columns: fn() -> Option<usize>) -> usize {
    columns().unwrap_or(COLUMNS).saturating_sub(1)
}

/// A word on what is being checked, for checks that take long.
pub(crate) struct StepProgress {
    visible: bool,
    columns: fn() -> Option<usize>,
    line: WaitingLine,
}

impl StepProgress {
    /// A line, where it is wanted.
    pub(crate) fn new(visible: bool, columns: fn() -> Option<usize>) -> Self {
        Self { visible, columns, line: WaitingLine::default() }
    }

    /// Takes note of what comes next.
    pub(crate) fn step(&mut self, step: Step) {
        if !self.visible {
            return;
        }
        let words = match step {
            Step::File => "checking the ledger's file",
            Step::Contents => "checking what is in the ledger",
            Step::Keys => "checking the keys of calls",
            Step::Rollups => "checking the sums of calls",
        };
        self.line.draw(&cut(words, room(self.columns)));
    }

    /// Removes the line.
    pub(crate) fn finish(self) {
        drop(self.line);
    }
}

/// A line of plain words, cut where the terminal ends.
pub(super) fn cut(words: &str, columns: usize) -> String {
    words.chars().take(columns).collect()
}

/// How far the scan is, in one line of at most so many columns: the most telling of the lines that fit.
fn line(progress: Progress, left: Duration, columns: usize) -> String {
    let Progress { bytes_done, bytes_total, files_total } = progress;
    let files = text::plural(files_total, "transcript", "transcripts");
    let percent = format!("{} %", percent(bytes_done, bytes_total));
    let bytes = format!("{}/{}", text::bytes(bytes_done), text::bytes(bytes_total));
    let left = time_left(left);
    let behind = joined(&[&bytes, &left]);
    for before in [joined(&["reading", &files]), "reading".to_owned()] {
        let room = columns.saturating_sub(width(&before) + width(&behind) + 2).min(*BAR.end());
        if BAR.contains(&room) {
            return joined(&[&before, &drawn_bar(bytes_done, bytes_total, room), &behind]);
        }
    }
    let without = [vec!["reading", &percent, &bytes, &left], vec!["reading", &percent, &left]];
    let fitting = without.iter().map(|parts| joined(parts)).find(|line| width(line) <= columns);
    fitting.unwrap_or_else(|| joined(&["reading", &percent]))
}

fn joined(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

/// Whole percent, at most 100.
fn percent(done: u64, total: u64) -> u64 {
    u64::try_from(u128::from(done.min(total)) * 100 / u128::from(total.max(1))).unwrap_or(100)
}

fn drawn_bar(done: u64, total: u64, columns: usize) -> String {
    let full = u128::from(done.min(total)) * (columns as u128) / u128::from(total.max(1));
    let full = usize::try_from(full).unwrap_or(columns);
    "█".repeat(full) + &"░".repeat(columns - full)
}

/// Nothing while it is not known.
fn time_left(left: Duration) -> String {
    match left.as_secs() {
        0 => String::new(),
        seconds @ 1..60 => format!("{seconds} s left"),
        seconds => format!("{} left", text::duration(seconds / 60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Progress =
        Progress { bytes_done: 617_000_000, bytes_total: 1_234_000_000, files_total: 1_860 };

    #[test]
    fn what_matters_least_is_left_away_first() {
        let lines = [200, 100, 80, 60, 50, 45, 40, 30, 20, 5]
            .map(|columns| line(HALF, Duration::from_secs(12), columns));
        insta::assert_snapshot!(lines.join("\n"), @r"
        reading 1,860 transcripts ███████████████░░░░░░░░░░░░░░░ 617.0 MB/1.2 GB 12 s left
        reading 1,860 transcripts ███████████████░░░░░░░░░░░░░░░ 617.0 MB/1.2 GB 12 s left
        reading 1,860 transcripts ██████████████░░░░░░░░░░░░░░ 617.0 MB/1.2 GB 12 s left
        reading 1,860 transcripts ████░░░░ 617.0 MB/1.2 GB 12 s left
        reading ████████░░░░░░░░ 617.0 MB/1.2 GB 12 s left
        reading █████░░░░░░ 617.0 MB/1.2 GB 12 s left
        reading 50 % 617.0 MB/1.2 GB 12 s left
        reading 50 % 12 s left
        reading 50 %
        reading 50 %
        ");
    }

    #[test]
    fn the_line_fits_at_every_width_and_time() {
        let done = [0, 1, 5_000_000, 617_000_000, 1_234_000_000, 2_000_000_000];
        for bytes_done in done {
            for seconds in [0, 7, 100, 9_000] {
                for columns in 19..220 {
                    let line = line(Progress { bytes_done, ..HALF }, Duration::from_secs(seconds), columns);
                    assert!(width(&line) <= columns, "{columns}: {line}");
                }
            }
        }
    }

    #[test]
    fn nothing_to_read_is_no_trouble() {
        assert_eq!(line(Progress::default(), Duration::ZERO, 20), "reading 0 % 0 B/0 B");
    }
}
