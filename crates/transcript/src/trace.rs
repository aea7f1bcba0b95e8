//! The rows of one call, found again: where each stands and what it says.
//!
//! A byte search for an id finds the lines; the typed parse decides, as it does when a transcript is read.
//! Must not: say which row is believed, or hand on any text but ids and names.

use std::fs::File;
use std::io;
use std::ops::Range;

use cco_model::call::{CallKey, Usage};
use memchr::memmem::Finder;
use memchr::memrchr;

use crate::collect::{Collector, SYNTHETIC};
use crate::identity::{Ids, Place, call_key, tool_use_id};
use crate::lines::{LineReader, Sink, Stretch};
use crate::row::{Fields, Kind, Row, RowUsage, Span, ToolPart};
use crate::source::read_fully_at;

/// How much is searched at a time.
const WINDOW: usize = 256 * 1024;
/// A search for less than this would stop at every line.
const SHORTEST_NEEDLE: usize = 6;

/// A row of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedRow {
    /// The call that it belongs to.
    pub key: CallKey,
    /// Its line's start; of a record recovered from a damaged line, its own.
    pub offset: u64,
    /// When, UTC milliseconds; none: its time is unreadable and no row before it has one, so it does not count.
    pub at_ms: Option<i64>,
    /// What it counts.
    pub usage: Usage,
    /// It is of a side thread.
    pub sidechain: bool,
    /// It is a progress row around another row.
    pub wrapped: bool,
    /// It is an advisor's part of the row: its place among them.
    pub advisor: Option<u32>,
    /// Session id as written; empty when there is none.
    pub session: String,
    /// Model name as written.
    pub model: String,
    /// Message id as written; empty when there is none.
    pub message: String,
    /// Request id as written; empty when there is none.
    pub request: String,
    /// The row's own id; empty when there is none.
    pub uuid: String,
    /// Its tool uses, as the ledger numbers them, and their names.
    pub tools: Vec<(i64, String)>,
}

impl TracedRow {
    /// Bytes that every row of the same call has on its line; none when there are none, or none that JSON could not
    /// write in another way.
    pub fn needle(&self) -> Option<Vec<u8>> {
        let by_message = message_key(&self.message).is_some();
        let id = match [&self.message, &self.request, &self.uuid] {
            [message, ..] if by_message => message,
            [message, request, _] if message.len() >= request.len() && !message.is_empty() => message,
            [_, request, _] if !request.is_empty() => request,
            [.., uuid] => uuid,
        };
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(byte);
        let longest = id.as_bytes().split(|byte| !plain(byte)).max_by_key(|part| part.len())?;
        (longest.len() >= SHORTEST_NEEDLE).then(|| longest.to_vec())
    }

    /// No other row can belong to its call: it has no id.
    pub fn is_alone(&self) -> bool {
        self.message.is_empty() && self.request.is_empty() && self.uuid.is_empty()
    }
}

/// The key of the call with this message id, when such an id is enough to know a call by.
pub fn message_key(id: &str) -> Option<CallKey> {
    let key = by(Some(id), None);
    // Where the id does not suffice, a request id beside it makes another call.
    (!id.is_empty() && key == call_key(ids(Some(id), Some("x"), None), None)).then_some(key)
}

/// The key of the call of an advisor in the answer with this message id.
pub fn advisor_key(id: &str, index: u32) -> CallKey {
    call_key(ids(Some(id), None, None), Some(index))
}

/// The key of a call whose rows have no other id than their own.
pub fn uuid_key(uuid: &str) -> CallKey {
    by(None, Some(uuid))
}

fn by(message: Option<&str>, uuid: Option<&str>) -> CallKey {
    call_key(ids(message, None, uuid), None)
}

fn ids<'a>(message: Option<&'a str>, request: Option<&'a str>, uuid: Option<&'a str>) -> Ids<'a> {
    let place = Place { device: 0, inode: 0, offset: 0, at_ms: 0, tokens: 0 };
    let bytes = |id: Option<&'a str>| id.map(str::as_bytes);
    Ids { message: bytes(message), request: bytes(request), uuid: bytes(uuid), place }
}

/// A transcript that is looked through again.
pub struct Traced<'f> {
    file: &'f File,
    identity: (u64, u64),
    size: u64,
    reader: LineReader,
}

impl<'f> Traced<'f> {
    /// An open transcript, of this device and inode; nothing beyond `size` is read.
    pub fn new(file: &'f File, identity: (u64, u64), size: u64) -> Self {
        Self { file, identity, size, reader: LineReader::default() }
    }

    /// The rows on the line that starts here.
    pub fn rows_at(&mut self, offset: u64) -> io::Result<Vec<TracedRow>> {
        let mut rows = Vec::new();
        self.line(offset, &mut |row| rows.push(row))?;
        Ok(rows)
    }

    /// The rows of a call on lines in `range` that hold `needle`.
    pub fn rows_of(
        &mut self,
        key: &CallKey,
        needle: Option<&[u8]>,
        range: Range<u64>,
    ) -> io::Result<Vec<TracedRow>> {
        let mut rows = Vec::new();
        let mut see = |row: TracedRow| {
            if row.key == *key {
                rows.push(row);
            }
        };
        match needle {
            Some(needle) => self.lines_with(needle, range, &mut see)?,
            None => self.all_rows(range, &mut see)?,
        }
        Ok(rows)
    }

    /// Shows every row of every call on the lines that start in `range`.
    pub fn all_rows(&mut self, range: Range<u64>, see: &mut dyn FnMut(TracedRow)) -> io::Result<()> {
        let stretch = Stretch { at_line_start: range.start == 0, starts: range, size: self.size };
        let collector = Collector::new(self.file, self.identity, None);
        self.reader.read(self.file, &stretch, &mut Tracer::<false> { collector, see })?;
        Ok(())
    }

    fn lines_with(
        &mut self,
        needle: &[u8],
        range: Range<u64>,
        see: &mut dyn FnMut(TracedRow),
    ) -> io::Result<()> {
        let finder = Finder::new(needle);
        let mut buffer = vec![0; WINDOW];
        let mut from = range.start;
        while let Some(hit) = find(self.file, &finder, &mut buffer, from..range.end.min(self.size))? {
            let start = line_start(self.file, &mut buffer, hit)?;
            match self.line(start, see)? {
                Some(end) if end > hit => from = end,
                // The last line, without its end.
                _ => break,
            }
        }
        Ok(())
    }

    /// Shows the rows of one line; gives where the next one starts.
    fn line(&mut self, start: u64, see: &mut dyn FnMut(TracedRow)) -> io::Result<Option<u64>> {
        let stretch = Stretch { starts: start..start + 1, at_line_start: true, size: self.size };
        let collector = Collector::new(self.file, self.identity, None);
        let read = self.reader.read(self.file, &stretch, &mut Tracer::<true> { collector, see })?;
        Ok(read.map(|range| range.end))
    }
}

/// The first place in a range of a file where the bytes stand.
fn find(file: &File, finder: &Finder<'_>, buffer: &mut [u8], range: Range<u64>) -> io::Result<Option<u64>> {
    let overlap = finder.needle().len().saturating_sub(1);
    let mut at = range.start;
    while at < range.end {
        let want = usize::try_from(range.end - at).map_or(buffer.len(), |left| left.min(buffer.len()));
        let got = read_fully_at(file, &mut buffer[..want], at)?;
        if let Some(hit) = finder.find(&buffer[..got]) {
            return Ok(Some(at + hit as u64));
        }
        if got < want || at + got as u64 >= range.end {
            return Ok(None);
        }
        at += (got - overlap) as u64;
    }
    Ok(None)
}

/// Where the line starts that holds this byte.
fn line_start(file: &File, buffer: &mut [u8], at: u64) -> io::Result<u64> {
    let mut end = at;
    while end > 0 {
        let start = end.saturating_sub(buffer.len() as u64);
        let length = usize::try_from(end - start).unwrap_or(buffer.len());
        let got = read_fully_at(file, &mut buffer[..length], start)?;
        if let Some(found) = memrchr(b'\n', &buffer[..got]) {
            return Ok(start + found as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Shows the rows of calls. `EVERY`: of every line; else of those that can matter.
struct Tracer<'a, const EVERY: bool> {
    collector: Collector<'a>,
    see: &'a mut dyn FnMut(TracedRow),
}

impl<const EVERY: bool> Tracer<'_, EVERY> {
    fn call(&mut self, row: &Row, call: &Fields, offset: u64) -> io::Result<()> {
        let (Some(usage), Some(model)) = (call.usage, call.model) else { return Ok(()) };
        if row.bytes(model) == SYNTHETIC {
            return Ok(());
        }
        let at_ms = self.collector.time_of(row, call, offset)?;
        let ids = self.collector.ids(row, call, &usage, at_ms.unwrap_or(0), offset);
        let text = |span: Option<Span>| {
            span.map_or_else(String::new, |span| String::from_utf8_lossy(row.bytes(span)).into_owned())
        };
        let of = |advisor: Option<u32>, usage: RowUsage, model: Span, tools| TracedRow {
            key: call_key(ids, advisor),
            offset,
            at_ms,
            usage: usage.usage,
            sidechain: call.sidechain || row.outer.sidechain || row.wraps(),
            wrapped: row.wraps(),
            advisor,
            session: text(row.outer.session),
            model: text(Some(model)),
            message: text(call.message_id),
            request: text(call.request),
            uuid: text(call.uuid),
            tools,
        };
        let wanted = row.wraps();
        let tools = row.tools.iter().filter(|tool| tool.inner == wanted).filter_map(|tool| match tool.part {
            ToolPart::Use { id, name } => Some((tool_use_id(row.bytes(id)), text(name))),
            ToolPart::Failed { .. } => None,
        });
        (self.see)(of(None, usage, model, tools.collect()));
        let advisors = row.advisors.iter().filter(|advisor| advisor.inner == wanted);
        for (index, advisor) in (0..).zip(advisors) {
            (self.see)(of(Some(index), advisor.usage, advisor.model, Vec::new()));
        }
        Ok(())
    }
}

impl<const EVERY: bool> Sink for Tracer<'_, EVERY> {
    const EVERY_LINE: bool = EVERY;

    fn row(&mut self, row: &Row, offset: u64) -> io::Result<()> {
        match (row.outer.kind, row.inner) {
            (Kind::Progress, Some(inner)) if inner.kind == Kind::Assistant => self.call(row, &inner, offset),
            (Kind::Assistant, _) => self.call(row, &row.outer, offset),
            _ => Ok(()),
        }
    }

    fn damage(&mut self, _offset: u64, _recovered: usize) {}
}

#[cfg(test)]
mod tests;
