//! Rows into a batch: which rows are calls, which of a call's rows is believed, which tools it used.

use std::fs::File;
use std::io;

use cco_model::batch::{Attribution, Batch, CallRow, CostState, KeyMap, NameId, PullRequest, ToolUse};
use cco_model::call::{CallKey, Standing};
use cco_model::money::NanoUsd;
use cco_model::plant::{Bug, planted};

use crate::identity::{Ids, Place, call_key, tool_use_id};
use crate::lines::{LineReader, Sink, Stretch};
use crate::row::{Fields, Kind, Row, RowUsage, Span, ToolPart};
use crate::source::read_fully_at;
use crate::time;

/// Row offsets of one kind of trouble that are kept; beyond it they are only counted.
const MAX_OFFSETS: usize = 100;
/// How far back a time is looked for at first; each further step looks twice as far.
const LOOK_BACK: u64 = 64 * 1024;
/// A model that stands for no response.
pub(crate) const SYNTHETIC: &[u8] = b"<synthetic>";

/// Something that could not be taken as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Soft {
    /// The line is not one JSON value; so many whole records were on it.
    Damaged {
        /// Whole records that were recovered.
        recovered: usize,
    },
    /// A call whose time is unreadable, in a file with no time before it: not counted.
    Untimed,
    /// A count that is negative, fractional or beyond 2^53: taken as 0.
    OddCount,
}

/// Soft errors with where their lines start.
#[derive(Clone, Debug, Default)]
pub struct SoftErrors {
    /// The first hundred.
    pub first: Vec<(u64, Soft)>,
    /// Damaged lines, all of them.
    pub damaged_lines: u64,
    /// Whole records recovered from damaged lines.
    pub recovered_records: u64,
    /// Calls not counted for want of a time.
    pub untimed: u64,
    /// Rows with an odd count.
    pub odd: u64,
}

impl SoftErrors {
    fn push(&mut self, offset: u64, soft: Soft) {
        match soft {
            Soft::Damaged { recovered } => {
                self.damaged_lines += 1;
                self.recovered_records += recovered as u64;
            }
            Soft::Untimed => self.untimed += 1,
            Soft::OddCount => self.odd += 1,
        }
        if self.first.len() < MAX_OFFSETS {
            self.first.push((offset, soft));
        }
    }
}

/// Makes a batch of the rows of one file.
pub(crate) struct Collector<'a> {
    file: &'a File,
    device: u64,
    inode: u64,
    pub(crate) batch: Batch,
    pub(crate) soft: SoftErrors,
    calls: KeyMap<CallKey, usize>,
    tools: KeyMap<i64, usize>,
    recent: Recent,
    /// From the stretch before, too: else a file without times would be searched from its start for each stretch.
    pub(crate) times: Option<TimeBefore>,
}

/// The texts of the row before: rows of a file mostly repeat them, and comparing is cheaper than hashing.
#[derive(Default)]
struct Recent {
    ids: [Option<NameId>; 9],
}

/// Lines of a file before `offset` were searched for a time, with this result.
pub(crate) struct TimeBefore {
    /// Device and inode.
    file: (u64, u64),
    offset: u64,
    at_ms: Option<i64>,
    reader: LineReader,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(file: &'a File, (device, inode): (u64, u64), times: Option<TimeBefore>) -> Self {
        Self {
            file,
            device,
            inode,
            batch: Batch::default(),
            soft: SoftErrors::default(),
            calls: KeyMap::default(),
            tools: KeyMap::default(),
            recent: Recent::default(),
            times,
        }
    }

    fn intern(&mut self, slot: usize, row: &Row, span: Option<Span>) -> Option<NameId> {
        let text = row.bytes(span?);
        if text.is_empty() {
            return None;
        }
        if let Some(id) = self.recent.ids[slot].filter(|id| self.batch.names.get(*id).as_bytes() == text) {
            return Some(id);
        }
        let id = self.batch.names.intern(text);
        self.recent.ids[slot] = Some(id);
        Some(id)
    }

    /// A row that may be a call: the outer row, or the one that an agent_progress row wraps.
    fn call(&mut self, row: &Row, call: &Fields, offset: u64) -> io::Result<Option<CallKey>> {
        let (Some(usage), Some(model)) = (call.usage, call.model) else { return Ok(None) };
        if row.bytes(model) == SYNTHETIC {
            return Ok(None);
        }
        let Some(at_ms) = self.time_of(row, call, offset)? else {
            self.soft.push(offset, Soft::Untimed);
            return Ok(None);
        };
        let inner = row.wraps();
        let ids = self.ids(row, call, &usage, at_ms, offset);
        let key = call_key(ids, None);
        self.believe(key, row, call, model, usage, at_ms, offset);
        let advisors = row.advisors.iter().filter(|advisor| advisor.inner == inner);
        for (index, advisor) in (0..).zip(advisors) {
            let key = call_key(ids, Some(index));
            self.believe(key, row, call, advisor.model, advisor.usage, at_ms, offset);
        }
        Ok(Some(key))
    }

    /// What tells which call a row belongs to.
    pub(crate) fn ids<'r>(
        &self,
        row: &'r Row,
        call: &Fields,
        usage: &RowUsage,
        at_ms: i64,
        offset: u64,
    ) -> Ids<'r> {
        let bytes = |span: Option<Span>| span.map(|span| row.bytes(span));
        let tokens = usage.usage.tokens.total();
        Ids {
            message: bytes(call.message_id),
            request: bytes(call.request),
            uuid: bytes(call.uuid),
            place: Place { device: self.device, inode: self.inode, offset, at_ms, tokens },
        }
    }

    /// Takes a row of a call: the better row wins, the earliest time stays.
    #[expect(clippy::too_many_arguments, reason = "one row, taken apart by its one caller")]
    fn believe(
        &mut self,
        key: CallKey,
        row: &Row,
        call: &Fields,
        model: Span,
        RowUsage { usage, odd }: RowUsage,
        at_ms: i64,
        offset: u64,
    ) {
        if odd {
            self.soft.push(offset, Soft::OddCount);
        }
        if usage.is_zero() && !planted(Bug::ZeroRowsSetTime) {
            return;
        }
        let outer = &row.outer;
        let sidechain = call.sidechain || outer.sidechain || row.wraps();
        let standing = Standing::new(sidechain, &usage);
        let known = self.calls.get(&key).copied();
        if let Some(known) = known.map(|known| &mut self.batch.calls[known]) {
            known.at_ms = known.at_ms.min(at_ms);
            if standing <= known.standing || planted(Bug::FirstRowWins) {
                return;
            }
        }
        let Some(model) = self.intern(0, row, Some(model)) else { return };
        let new = CallRow {
            key,
            at_ms: known.map_or(at_ms, |known| self.batch.calls[known].at_ms),
            standing,
            sidechain,
            usage,
            model,
            session: self.intern(1, row, outer.session),
            cwd: self.intern(2, row, outer.cwd),
            branch: self.intern(3, row, outer.branch),
            attribution: self.attribution(row, call),
            effort: self.intern(7, row, call.effort.or(outer.effort)),
            request: call.request.map(|span| self.batch.names.add(row.bytes(span))),
            offset,
            logged_cost: outer.cost_usd.and_then(|span| dollars(row.bytes(span))),
        };
        match known {
            Some(known) => self.batch.calls[known] = new,
            None => {
                self.calls.insert(key, self.batch.calls.len());
                self.batch.calls.push(new);
            }
        }
    }

    fn attribution(&mut self, row: &Row, call: &Fields) -> Attribution {
        let outer = &row.outer;
        let agent = match call.agent.or(outer.agent) {
            Some(agent) => self.intern(4, row, Some(agent)),
            None => {
                let id = call.agent_id.or(outer.agent_id).map(|span| agent_kind(row.bytes(span)));
                id.map(|kind| self.batch.names.intern(kind))
            }
        };
        Attribution {
            agent,
            skill: self.intern(5, row, call.skill.or(outer.skill)),
            plugin: self.intern(6, row, call.plugin.or(outer.plugin)),
            mcp_server: call.mcp_server.or(outer.mcp_server).and_then(|span| self.intern(8, row, Some(span))),
        }
    }

    /// The row's time; unreadable: the outer row's, else that of the row before it in the file.
    pub(crate) fn time_of(&mut self, row: &Row, call: &Fields, offset: u64) -> io::Result<Option<i64>> {
        let read = |span: Option<Span>| span.and_then(|span| time::parse(row.bytes(span)));
        match read(call.timestamp).or_else(|| read(row.outer.timestamp)) {
            Some(at_ms) => Ok(Some(at_ms)),
            None => self.time_before(offset),
        }
    }

    /// The time of the last row before `offset` that has one, be it in front on the same damaged line. Rows without
    /// markers count too, so the lines before are read again; that is rare, and what was searched once is not
    /// searched twice.
    fn time_before(&mut self, offset: u64) -> io::Result<Option<i64>> {
        let file = (self.device, self.inode);
        let known = self.times.take().filter(|times| times.file == file && times.offset <= offset);
        let floor = known.as_ref().map_or(0, |times| times.offset);
        let known_ms = known.as_ref().and_then(|times| times.at_ms);
        let mut reader = known.map_or_else(LineReader::default, |times| times.reader);
        let mut last = LastTime::default();
        let (mut end, mut step) = (offset, LOOK_BACK);
        while last.at_ms.is_none() && end > floor {
            let start = end.saturating_sub(step).max(floor);
            let at_line_start = start == floor;
            let stretch = Stretch { starts: start..end, at_line_start, size: offset };
            reader.read(self.file, &stretch, &mut last)?;
            if end == offset && !last.is_record && self.is_inside_a_line(offset)? {
                // Cut off here, the front of a damaged line looks like a whole line; only records count on it.
                last.at_ms = last.before;
            }
            (end, step) = (start, step * 2);
        }
        let at_ms = last.at_ms.or(known_ms);
        self.times = Some(TimeBefore { file, offset, at_ms, reader });
        Ok(at_ms)
    }

    fn is_inside_a_line(&self, offset: u64) -> io::Result<bool> {
        let mut byte = [0];
        Ok(offset > 0 && read_fully_at(self.file, &mut byte, offset - 1)? == 1 && byte != *b"\n")
    }

    fn tools(&mut self, row: &Row, key: Option<CallKey>) {
        let wanted = row.wraps();
        for tool in row.tools.iter().filter(|tool| tool.inner == wanted) {
            match tool.part {
                ToolPart::Use { id, name } => {
                    let id = tool_use_id(row.bytes(id));
                    let name = self.batch.names.intern(name.map_or(b"None", |span| row.bytes(span)));
                    let new = ToolUse { id, call: key, name };
                    match self.tools.get(&id) {
                        Some(known) => self.batch.tool_uses[*known] = new,
                        None => {
                            self.tools.insert(id, self.batch.tool_uses.len());
                            self.batch.tool_uses.push(new);
                        }
                    }
                }
                ToolPart::Failed { id } => self.batch.tool_failures.push(tool_use_id(row.bytes(id))),
            }
        }
    }

    fn cost_state(&mut self, row: &Row, offset: u64) {
        let cost = row.outer.cost_usd.and_then(|span| dollars(row.bytes(span)));
        let session = self.intern(1, row, row.outer.session);
        if let (Some(session), Some(cost)) = (session, cost) {
            let at_ms = row.outer.timestamp.and_then(|span| time::parse(row.bytes(span)));
            self.batch.cost_states.push(CostState { session, cost, at_ms, offset });
        }
    }

    fn pull_request(&mut self, row: &Row) {
        let session = self.intern(1, row, row.outer.session);
        let url = row.outer.pull_request_url.map(|span| self.batch.names.intern(row.bytes(span)));
        if let (Some(session), Some(url)) = (session, url) {
            let number = row.outer.pull_request_number.and_then(|span| {
                std::str::from_utf8(row.bytes(span)).ok().and_then(|text| text.parse().ok())
            });
            let repository =
                row.outer.pull_request_repository.map(|span| self.batch.names.intern(row.bytes(span)));
            self.batch.pull_requests.push(PullRequest { session, url, number, repository });
        }
    }
}

impl Sink for Collector<'_> {
    const EVERY_LINE: bool = false;

    fn row(&mut self, row: &Row, offset: u64) -> io::Result<()> {
        match (row.outer.kind, row.inner) {
            (Kind::Progress, Some(inner)) => {
                let key = if inner.kind == Kind::Assistant { self.call(row, &inner, offset)? } else { None };
                self.tools(row, key);
            }
            (Kind::Assistant, _) => {
                let key = self.call(row, &row.outer, offset)?;
                self.tools(row, key);
            }
            (Kind::CostState, _) => self.cost_state(row, offset),
            (Kind::PullRequest, _) => self.pull_request(row),
            _ => self.tools(row, None),
        }
        Ok(())
    }

    fn damage(&mut self, offset: u64, recovered: usize) {
        self.soft.push(offset, Soft::Damaged { recovered });
    }
}

/// Looks at every row for its time only.
#[derive(Default)]
struct LastTime {
    at_ms: Option<i64>,
    /// The same without the last row.
    before: Option<i64>,
    /// The last row is a record: it has a session.
    is_record: bool,
}

impl Sink for LastTime {
    const EVERY_LINE: bool = true;

    fn row(&mut self, row: &Row, _offset: u64) -> io::Result<()> {
        let at_ms = row.outer.timestamp.and_then(|span| time::parse(row.bytes(span)));
        self.before = self.at_ms;
        self.at_ms = at_ms.or(self.at_ms);
        self.is_record = row.outer.session.is_some();
        Ok(())
    }

    fn damage(&mut self, _offset: u64, _recovered: usize) {}
}

/// What kind of agent an id like `acompact-fffbd0` names; a bare id like `a881341` names none.
fn agent_kind(id: &[u8]) -> &[u8] {
    let kind = id.strip_prefix(b"a").and_then(|rest| {
        let dash = rest.iter().rposition(|byte| *byte == b'-')?;
        Some(&rest[..dash])
    });
    kind.filter(|kind| !kind.is_empty()).unwrap_or(b"subagent")
}

/// Decimal dollars as nano-dollars, rounded half to even; none when unreadable or out of range.
fn dollars(text: &[u8]) -> Option<NanoUsd> {
    NanoUsd::from_decimal(std::str::from_utf8(text).ok()?)
}

#[cfg(test)]
mod tests;
