//! Reading a stretch of a transcript into a batch, and cutting large files into stretches.

use std::fs::File;
use std::io;
use std::ops::Range;

use cco_model::batch::Batch;
use cco_model::plant::{Bug, planted};

use crate::collect::{Collector, TimeBefore};
pub use crate::collect::{Soft, SoftErrors};
use crate::lines::{LineReader, Stretch};

/// Nominal length of a stretch: large enough that its edges cost nothing, small enough that
/// some of them fit in memory when they hold nothing but calls.
const STRETCH: u64 = 1024 * 1024;

/// What a stretch of a transcript held.
#[derive(Debug)]
pub struct Piece {
    /// From the first line's start to behind the last whole line; none when no line starts in the stretch.
    pub range: Option<Range<u64>>,
    /// Its records.
    pub batch: Batch,
    /// What could not be taken as it stands.
    pub soft: SoftErrors,
}

/// Cuts what is to be read of a file into nominal ranges. Lines belong to the range that they start in.
pub fn stretches(from: u64, size: u64) -> impl Iterator<Item = Range<u64>> {
    let count = size.saturating_sub(from).div_ceil(STRETCH).max(1);
    (0..count).map(move |n| {
        let end = if n + 1 == count { size } else { from + (n + 1) * STRETCH };
        from + n * STRETCH..end
    })
}

/// Reads stretches; keeps its buffers between them.
#[derive(Default)]
pub struct Reader {
    lines: LineReader,
    times: Option<TimeBefore>,
}

impl Reader {
    /// A reader with a small buffer, so that short lines are long ones to it.
    #[cfg(test)]
    pub(crate) fn with_buffer(size: usize) -> Self {
        Self { lines: LineReader::with_buffer(size), times: None }
    }

    /// Reads the lines that start in `starts`. `first`: the range begins at a line's start. `size` is the file's
    /// size when it was looked at; nothing beyond is read. `identity` is the file's device and inode.
    pub fn read(
        &mut self,
        file: &File,
        identity: (u64, u64),
        starts: Range<u64>,
        first: bool,
        size: u64,
    ) -> io::Result<Piece> {
        let mut collector = Collector::new(file, identity, self.times.take());
        let stretch = Stretch { starts, at_line_start: first, size };
        let mut range = self.lines.read(file, &stretch, &mut collector)?;
        if let Some(range) = range.as_mut().filter(|_| planted(Bug::OffsetPastTornLine)) {
            range.end = range.end.max(stretch.starts.end.min(size));
        }
        self.times = collector.times.take();
        Ok(Piece { range, batch: collector.batch, soft: collector.soft })
    }
}

#[cfg(test)]
mod tests;
