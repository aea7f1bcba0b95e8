//! Bytes for the JSON scanner: a line in memory, or a stretch of a file too long to hold.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// A window over bytes that moves forward. Positions are absolute: offsets in the file, or in the slice.
pub(crate) trait Source {
    /// The bytes at hand; the window's first byte is at `start()`.
    fn window(&self) -> &[u8];
    /// The position of the window's first byte.
    fn start(&self) -> u64;
    /// Moves the window so that it begins where it ended; false when there is no more.
    fn advance(&mut self) -> bool;
    /// Moves the window so that it holds `position`, or is empty when that is the end.
    fn seek(&mut self, position: u64);
}

/// A line that is in memory as a whole.
pub(crate) struct Slice<'a>(pub(crate) &'a [u8]);

impl Source for Slice<'_> {
    #[inline]
    fn window(&self) -> &[u8] {
        self.0
    }

    #[inline]
    fn start(&self) -> u64 {
        0
    }

    #[inline]
    fn advance(&mut self) -> bool {
        false
    }

    fn seek(&mut self, _position: u64) {}
}

/// A range of a file, read window by window. A read error ends it and is kept for the caller.
pub(crate) struct FileRange<'a> {
    file: &'a File,
    end: u64,
    start: u64,
    /// Longest window.
    size: usize,
    window: Vec<u8>,
    error: Option<io::Error>,
}

impl<'a> FileRange<'a> {
    /// The range, held in windows of at most `size` bytes.
    pub(crate) fn new(file: &'a File, range: Range<u64>, size: usize) -> Self {
        let (end, start) = (range.end, range.start);
        let mut this = Self { file, end, start, size, window: Vec::new(), error: None };
        this.fill(range.start);
        this
    }

    /// The error that ended the range early, if one did.
    pub(crate) fn into_error(self) -> Option<io::Error> {
        self.error
    }

    fn fill(&mut self, from: u64) {
        let wanted =
            usize::try_from(self.end.saturating_sub(from)).map_or(self.size, |left| left.min(self.size));
        self.start = from;
        self.window.resize(wanted, 0);
        match read_fully_at(self.file, &mut self.window, from) {
            Ok(got) => self.window.truncate(got),
            Err(error) => {
                self.window.clear();
                self.error = Some(error);
            }
        }
    }
}

impl Source for FileRange<'_> {
    fn window(&self) -> &[u8] {
        &self.window
    }

    fn start(&self) -> u64 {
        self.start
    }

    fn advance(&mut self) -> bool {
        self.fill(self.start + self.window.len() as u64);
        !self.window.is_empty()
    }

    fn seek(&mut self, position: u64) {
        if position < self.start || position >= self.start + self.window.len() as u64 {
            self.fill(position);
        }
    }
}

/// Reads until `buffer` is full or the file ends; returns how much it read.
pub(crate) fn read_fully_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match file.read_at(&mut buffer[got..], offset + got as u64) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}
