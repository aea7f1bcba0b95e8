//! What several test modules share: a source of tiny windows, small rows, and a way to compare what was read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::MetadataExt;

use cco_model::batch::Batch;
use cco_model::call::{CallKey, Standing, Usage};
use proptest::prelude::ProptestConfig;
use serde_json::{Value, json};

use crate::read::{Piece, Reader, Soft};
use crate::source::Source;

/// So many cases, or as many as `CCO_CASES` asks for by hand, and no file of failures beside the code.
#[expect(clippy::disallowed_methods, reason = "a lane of tests is chosen by the environment")]
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    let asked = std::env::var("CCO_CASES").map(|number| number.parse().expect("CCO_CASES is a number"));
    ProptestConfig { cases: asked.unwrap_or(cases), failure_persistence: None, ..ProptestConfig::default() }
}

/// The bytes with a letter for each that is not ASCII: to the grammar of JSON it is the same, and it is UTF-8.
pub(crate) fn ascii(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { 'x' }).collect()
}

/// Bytes behind a window of a few bytes, so that every token lies across its edges; counts the bytes it hands out.
pub(crate) struct Windows<'a> {
    bytes: &'a [u8],
    size: usize,
    start: usize,
    end: usize,
    pub(crate) work: usize,
}

impl<'a> Windows<'a> {
    pub(crate) fn new(bytes: &'a [u8], size: usize) -> Self {
        let mut this = Self { bytes, size, start: 0, end: 0, work: 0 };
        this.fill(0);
        this
    }

    fn fill(&mut self, from: usize) {
        self.start = from.min(self.bytes.len());
        self.end = (self.start + self.size).min(self.bytes.len());
        self.work += self.end - self.start;
    }
}

impl Source for Windows<'_> {
    fn window(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    fn start(&self) -> u64 {
        self.start as u64
    }

    fn advance(&mut self) -> bool {
        self.fill(self.end);
        self.start < self.end
    }

    fn seek(&mut self, position: u64) {
        let position = usize::try_from(position).expect("a position in memory");
        if !(self.start..self.end).contains(&position) {
            self.fill(position);
        }
    }
}

/// A call of the main thread with this message id and this many output tokens, at noon.
pub(crate) fn call(id: &str, output: u64) -> Value {
    json!({
        "type": "assistant", "sessionId": "s", "timestamp": NOON, "cwd": "/w",
        "message": {"id": id, "model": "claude", "usage": {"output_tokens": output}},
    })
}

/// The row with the value at this JSON pointer replaced or added; `null` takes it away.
pub(crate) fn with(mut row: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let parent = row.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object to put it in");
    if value.is_null() {
        parent.remove(key);
    } else {
        parent.insert(key.to_owned(), value);
    }
    row
}

pub(crate) const NOON: &str = "2026-10-20T12:00:00.000Z";
pub(crate) const NOON_MS: i64 = 1_792_497_600_000;

/// Rows as the text of a file.
pub(crate) fn text(rows: &[Value]) -> Vec<u8> {
    rows.iter().flat_map(|row| format!("{row}\n").into_bytes()).collect()
}

pub(crate) fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("its bytes");
    file
}

/// Reads a file of these bytes as a whole.
pub(crate) fn read(bytes: &[u8]) -> Piece {
    let file = file_of(bytes);
    let size = bytes.len() as u64;
    Reader::default().read(&file, ids(&file), 0..size, true, size).expect("a readable file")
}

pub(crate) fn ids(file: &File) -> (u64, u64) {
    let metadata = file.metadata().expect("a file");
    (metadata.dev(), metadata.ino())
}

/// All that was read, with names for ids and in an order of its own.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Seen {
    pub(crate) calls: BTreeMap<CallKey, SeenCall>,
    pub(crate) tools: BTreeMap<i64, (String, Option<CallKey>)>,
    pub(crate) failed: BTreeSet<i64>,
    pub(crate) beside: Vec<String>,
    pub(crate) soft: Vec<(u64, Soft)>,
}

/// A call, less its key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SeenCall {
    pub(crate) at_ms: i64,
    pub(crate) standing: Standing,
    pub(crate) usage: Usage,
    pub(crate) offset: u64,
    /// Model, session, cwd, branch, agent, skill, plugin, MCP server, effort, request.
    pub(crate) names: [Option<String>; 10],
}

impl Seen {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut seen = Self::default();
        seen.add(&read(bytes));
        seen
    }

    /// Takes the piece that follows, by the rules: the better row wins, on a tie the earlier; the earliest time stays.
    pub(crate) fn add(&mut self, piece: &Piece) {
        let batch: &Batch = &piece.batch;
        let name = |id| batch.names.get(id).to_owned();
        for call in &batch.calls {
            let by = call.attribution;
            let names = [
                Some(call.model),
                call.session,
                call.cwd,
                call.branch,
                by.agent,
                by.skill,
                by.plugin,
                by.mcp_server,
                call.effort,
                call.request,
            ];
            let (at_ms, standing, usage, offset) = (call.at_ms, call.standing, call.usage, call.offset);
            let new = SeenCall { at_ms, standing, usage, offset, names: names.map(|id| id.map(name)) };
            let known = self.calls.entry(call.key).or_insert_with(|| new.clone());
            let at_ms = known.at_ms.min(at_ms);
            if new.standing > known.standing {
                *known = new;
            }
            known.at_ms = at_ms;
        }
        for tool in &batch.tool_uses {
            self.tools.insert(tool.id, (name(tool.name), tool.call));
        }
        self.failed.extend(&batch.tool_failures);
        for state in &batch.cost_states {
            self.beside.push(format!(
                "{} {:?} {:?} {}",
                name(state.session),
                state.cost,
                state.at_ms,
                state.offset
            ));
        }
        for link in &batch.pull_requests {
            let repository = link.repository.map(name);
            self.beside.push(format!(
                "{} {} {:?} {repository:?}",
                name(link.session),
                name(link.url),
                link.number
            ));
        }
        self.soft.extend(&piece.soft.first);
    }

    /// The output tokens of the calls, sorted.
    pub(crate) fn outputs(&self) -> Vec<u64> {
        let mut outputs: Vec<u64> = self.calls.values().map(|call| call.usage.tokens.output).collect();
        outputs.sort_unstable();
        outputs
    }

    /// The one call.
    pub(crate) fn only(&self) -> &SeenCall {
        assert_eq!(self.calls.len(), 1, "{self:?}");
        self.calls.values().next().expect("one call")
    }

    /// Uses and errors of each tool.
    pub(crate) fn tool_counts(&self) -> BTreeMap<&str, (usize, usize)> {
        let mut counts = BTreeMap::new();
        for (id, (name, _)) in &self.tools {
            let count: &mut (usize, usize) = counts.entry(name.as_str()).or_default();
            count.0 += 1;
            count.1 += usize::from(self.failed.contains(id));
        }
        counts
    }
}
