//! Lines of a stretch of a file, read through a small buffer: which of them can matter, whole or damaged.

use std::fs::File;
use std::io;
use std::ops::Range;

use aho_corasick::packed::{Config, Searcher};
use memchr::{memchr, memrchr};

use crate::json::{Broken, Scanner};
use crate::recover::{self, Line};
use crate::row::Row;
use crate::source::{FileRange, Slice, read_fully_at};

/// Lines that fit are handled in memory; longer ones are streamed from the file in windows of this size. It also
/// keeps the searches that follow each other inside the second-level cache.
const BUFFER: usize = 256 * 1024;

/// What a row that matters carries; a hint only, the typed parse decides.
const MARKERS: [&[u8]; 4] = [b"\"usage\"", b"\"is_error\"", b"\"cost-state\"", b"\"pr-link\""];
/// Bytes that two windows of a long line share, so that no marker is cut: one less than the longest.
const OVERLAP: usize = 11;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Takes what the lines hold.
pub(crate) trait Sink {
    /// Decode every line, not only the marked ones.
    const EVERY_LINE: bool;

    /// A whole record, with the offset of its line; one recovered from a damaged line, with its own. An unreadable
    /// file may end the work.
    fn row(&mut self, row: &Row, offset: u64) -> io::Result<()>;

    /// A damaged line at this offset, and how many whole records it held.
    fn damage(&mut self, offset: u64, recovered: usize);
}

/// A stretch of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Lines that start in this range are meant, to their end.
    pub(crate) starts: Range<u64>,
    /// `starts.start` is the start of a line; else the first line starts behind the next line end.
    pub(crate) at_line_start: bool,
    /// The file's size when it was looked at; nothing beyond is read.
    pub(crate) size: u64,
}

/// What was used again and again between stretches.
pub(crate) struct LineReader {
    buffer: Vec<u8>,
    /// [`BUFFER`], but for tests.
    size: usize,
    row: Row,
    /// None where the machine has no vector search for several words: then every line is decoded.
    markers: Option<Searcher>,
}

impl Default for LineReader {
    fn default() -> Self {
        Self {
            buffer: Vec::new(),
            size: BUFFER,
            row: Row::default(),
            markers: Config::new().builder().extend(MARKERS).build(),
        }
    }
}

impl LineReader {
    /// A reader with a small buffer, of more than [`OVERLAP`] bytes, so that short lines are long ones to it.
    #[cfg(test)]
    pub(crate) fn with_buffer(size: usize) -> Self {
        Self { size, ..Self::default() }
    }

    /// Reads the lines of a stretch. Returns the range from the first line's start to behind the last whole line;
    /// none when no line starts in the stretch.
    pub(crate) fn read<S: Sink>(
        &mut self,
        file: &File,
        stretch: &Stretch,
        sink: &mut S,
    ) -> io::Result<Option<Range<u64>>> {
        self.buffer.resize(self.size, 0);
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = self.read_through(&mut buffer, file, stretch, sink);
        self.buffer = buffer;
        result
    }

    fn read_through<S: Sink>(
        &mut self,
        buffer: &mut [u8],
        file: &File,
        stretch: &Stretch,
        sink: &mut S,
    ) -> io::Result<Option<Range<u64>>> {
        let Some(begin) = first_line(buffer, file, stretch)? else { return Ok(None) };
        let (mut start, mut held) = (begin, 0);
        // `buffer[..held]` are the file's bytes from `start`, which is the start of a line.
        while start < stretch.starts.end.min(stretch.size) {
            let want =
                usize::try_from(stretch.size - start).map_or(buffer.len(), |left| left.min(buffer.len()));
            held += read_fully_at(file, &mut buffer[held..want], start + held as u64)?;
            let whole = whole_lines(&buffer[..held], stretch.starts.end - start);
            if whole > 0 {
                self.lines(&buffer[..whole], start, sink)?;
                buffer.copy_within(whole..held, 0);
                (start, held) = (start + whole as u64, held - whole);
            } else if held < want || start + held as u64 >= stretch.size {
                // The last line without its line end (or the file shrank while it was read).
                self.line(&buffer[..held], start, Line::Growing, sink)?;
                break;
            } else {
                match self.long_line(buffer, file, start, stretch.size, sink)? {
                    Some(next) => (start, held) = (next, 0),
                    None => break,
                }
            }
        }
        Ok(Some(begin..start))
    }

    /// Whole lines in memory: the marked ones are decoded, of the others the ends are looked at.
    fn lines<S: Sink>(&mut self, lines: &[u8], start: u64, sink: &mut S) -> io::Result<()> {
        let mut at = 0;
        while at < lines.len() {
            let mark = if S::EVERY_LINE { at } else { self.next_mark(lines, at) };
            while at < lines.len() {
                let end = memchr(b'\n', &lines[at..]).map_or(lines.len(), |n| at + n);
                let (line, offset) = (&lines[at..end], start + at as u64);
                at = end + 1;
                if mark < end {
                    self.line(line, offset, Line::Ended, sink)?;
                    break;
                }
                if !looks_whole(line) {
                    self.line(line, offset, Line::Ended, sink)?;
                }
            }
        }
        Ok(())
    }

    /// Where the first marker at or after `at` is, or `usize::MAX`.
    fn next_mark(&self, lines: &[u8], at: usize) -> usize {
        match &self.markers {
            Some(markers) => markers.find(&lines[at..]).map_or(usize::MAX, |found| at + found.start()),
            None => at,
        }
    }

    fn line<S: Sink>(&mut self, line: &[u8], offset: u64, state: Line, sink: &mut S) -> io::Result<()> {
        let (lead, line) = (leading(line) as u64, trimmed(line));
        if line.is_empty() {
            return Ok(());
        }
        match self.row.decode(&mut Scanner::new(Slice(line))) {
            Ok(true) => sink.row(&self.row, offset),
            Ok(false) => Ok(()),
            Err(_) => {
                let mut scanner = Scanner::new(Slice(line));
                let ranges = recover::whole_records(&mut scanner, 0, state);
                for range in &ranges {
                    let record = &line[to_index(range.start)..to_index(range.end)];
                    if self.row.decode(&mut Scanner::new(Slice(record))) == Ok(true) {
                        sink.row(&self.row, offset + lead + range.start)?;
                    }
                }
                note_damage(sink, offset, state, ranges.len());
                Ok(())
            }
        }
    }

    /// A line longer than the buffer, which holds its first bytes: searched window by window, decoded from the file
    /// when it can matter. Returns where the next line starts; none when this one has no end yet.
    fn long_line<S: Sink>(
        &mut self,
        buffer: &mut [u8],
        file: &File,
        start: u64,
        size: u64,
        sink: &mut S,
    ) -> io::Result<Option<u64>> {
        let first = buffer[0];
        let (mut marked, mut at, mut held, mut last) = (S::EVERY_LINE, start, 0, first);
        let (end, ended) = loop {
            let want = usize::try_from(size - at).map_or(buffer.len(), |left| left.min(buffer.len()));
            held += read_fully_at(file, &mut buffer[held..want], at + held as u64)?;
            let line_end = memchr(b'\n', &buffer[..held]);
            let line = &buffer[..line_end.unwrap_or(held)];
            marked = marked || self.next_mark(line, 0) != usize::MAX;
            last = line.iter().rfind(|byte| !byte.is_ascii_whitespace()).copied().unwrap_or(last);
            if let Some(line_end) = line_end {
                break (at + line_end as u64, Line::Ended);
            }
            if held < want || at + held as u64 >= size {
                break (at + held as u64, Line::Growing);
            }
            buffer.copy_within(held - OVERLAP..held, 0);
            (at, held) = (at + (held - OVERLAP) as u64, OVERLAP);
        };
        if marked || first != b'{' || last != b'}' {
            self.stream(file, start..end, ended, sink)?;
        }
        Ok((ended == Line::Ended).then_some(end + 1))
    }

    /// Decodes a long line window by window.
    fn stream<S: Sink>(
        &mut self,
        file: &File,
        line: Range<u64>,
        state: Line,
        sink: &mut S,
    ) -> io::Result<()> {
        let mut from = line.start;
        let mut mark = [0; 3];
        while read_fully_at(file, &mut mark, from)? == 3 && mark == BYTE_ORDER_MARK {
            from += 3;
        }
        match self.stream_record(file, from..line.end)? {
            Ok(true) => sink.row(&self.row, line.start),
            Ok(false) => Ok(()),
            Err(_) => {
                let mut scanner = Scanner::new(FileRange::new(file, from..line.end, self.size));
                let ranges = recover::whole_records(&mut scanner, from, state);
                fail(scanner.into_source())?;
                for range in &ranges {
                    if self.stream_record(file, range.clone())? == Ok(true) {
                        sink.row(&self.row, range.start)?;
                    }
                }
                note_damage(sink, line.start, state, ranges.len());
                Ok(())
            }
        }
    }

    fn stream_record(&mut self, file: &File, record: Range<u64>) -> io::Result<Result<bool, Broken>> {
        let mut scanner = Scanner::new(FileRange::new(file, record, self.size));
        let decoded = self.row.decode(&mut scanner);
        fail(scanner.into_source())?;
        Ok(decoded)
    }
}

fn fail(range: FileRange<'_>) -> io::Result<()> {
    range.into_error().map_or(Ok(()), Err)
}

/// A torn last line is no damage until its line end follows.
fn note_damage<S: Sink>(sink: &mut S, offset: u64, state: Line, recovered: usize) {
    if state == Line::Ended {
        sink.damage(offset, recovered);
    }
}

/// Where the first line of a stretch starts.
fn first_line(buffer: &mut [u8], file: &File, stretch: &Stretch) -> io::Result<Option<u64>> {
    let Range { start, end } = stretch.starts;
    if stretch.at_line_start || start == 0 {
        return Ok(Some(start));
    }
    let mut at = start - 1;
    let limit = end.min(stretch.size) - 1;
    while at < limit {
        let want = usize::try_from(limit - at).map_or(buffer.len(), |left| left.min(buffer.len()));
        let got = read_fully_at(file, &mut buffer[..want], at)?;
        if let Some(found) = memchr(b'\n', &buffer[..got]) {
            return Ok(Some(at + found as u64 + 1));
        }
        if got < want {
            return Ok(None);
        }
        at += got as u64;
    }
    Ok(None)
}

/// Length of the whole lines at the start of `bytes` that start before `limit`.
fn whole_lines(bytes: &[u8], limit: u64) -> usize {
    if let Ok(limit @ 1..) = usize::try_from(limit)
        && limit <= bytes.len()
        && let Some(found) = memchr(b'\n', &bytes[limit - 1..])
    {
        return limit + found;
    }
    memrchr(b'\n', bytes).map_or(0, |last| last + 1)
}

/// The line without a byte order mark before it and white space around it.
fn trimmed(line: &[u8]) -> &[u8] {
    let mut line = &line[leading(line)..];
    while let Some((_, rest)) = line.split_last().filter(|(last, _)| is_space(**last)) {
        line = rest;
    }
    line
}

/// Length of the byte order marks and white space that a line begins with.
fn leading(line: &[u8]) -> usize {
    let mut rest = line;
    while let Some(behind) = rest.strip_prefix(BYTE_ORDER_MARK) {
        rest = behind;
    }
    while let Some((_, behind)) = rest.split_first().filter(|(first, _)| is_space(**first)) {
        rest = behind;
    }
    line.len() - rest.len()
}

/// White space of JSON; a form feed is none.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// What is asked of a line without a marker: it is blank, or begins and ends like an object.
fn looks_whole(line: &[u8]) -> bool {
    let line = trimmed(line);
    matches!(line, [] | [b'{', .., b'}'])
}

fn to_index(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
