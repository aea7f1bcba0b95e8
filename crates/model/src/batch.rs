//! What a stretch of a transcript holds: the calls it tells of, their tools, and what stands beside them.
//!
//! The way between `transcript`, which makes batches, and `ledger`, which takes them in.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::call::{CallKey, Standing, Usage};
use crate::money::NanoUsd;

/// A text of a batch; see [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameId(u32);

/// The texts of a batch, each kept once.
#[derive(Clone, Debug, Default)]
pub struct Names {
    text: String,
    ends: Vec<u32>,
    ids: HashMap<Box<[u8]>, NameId>,
}

impl Names {
    /// The id of a text that many rows share. Invalid UTF-8 in it is replaced.
    pub fn intern(&mut self, text: &[u8]) -> NameId {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = self.add(text);
        self.ids.insert(text.into(), id);
        id
    }

    /// The id of a text that only one row has. Invalid UTF-8 in it is replaced.
    pub fn add(&mut self, text: &[u8]) -> NameId {
        let id = NameId(u32::try_from(self.ends.len()).unwrap_or(u32::MAX));
        self.text.push_str(&String::from_utf8_lossy(text));
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        id
    }

    /// The text of an id that this table gave.
    pub fn get(&self, id: NameId) -> &str {
        let at = id.0 as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        &self.text[start..self.ends[at] as usize]
    }

    /// How many texts there are; every id is smaller.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// There is no text.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

impl NameId {
    /// Its place in the table.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Who worked: from a row's `attribution…` fields and its agent id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attribution {
    /// Agent type; `subagent` where only an agent id is known; none for the main thread.
    pub agent: Option<NameId>,
    /// Skill.
    pub skill: Option<NameId>,
    /// Plugin.
    pub plugin: Option<NameId>,
    /// MCP server.
    pub mcp_server: Option<NameId>,
}

/// The believed row of a call, as far as this batch knows.
#[derive(Clone, Debug)]
pub struct CallRow {
    /// Identity.
    pub key: CallKey,
    /// The earliest time of its rows, UTC milliseconds.
    pub at_ms: i64,
    /// How much the row is believed.
    pub standing: Standing,
    /// The row is of a side thread.
    pub sidechain: bool,
    /// What was counted.
    pub usage: Usage,
    /// Model name as written.
    pub model: NameId,
    /// Session id as written.
    pub session: Option<NameId>,
    /// Working directory as written.
    pub cwd: Option<NameId>,
    /// Git branch as written; none when absent or empty.
    pub branch: Option<NameId>,
    /// Who worked.
    pub attribution: Attribution,
    /// Effort as written.
    pub effort: Option<NameId>,
    /// Request id as written.
    pub request: Option<NameId>,
    /// Where the row's line starts.
    pub offset: u64,
    /// `costUSD` of an old row.
    pub logged_cost: Option<NanoUsd>,
}

/// One use of a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToolUse {
    /// 63 bits of a hash of its id.
    pub id: i64,
    /// The call that asked for it; none when its row was no call.
    pub call: Option<CallKey>,
    /// The tool's name as written.
    pub name: NameId,
}

/// Claude Code's own cost of a session so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostState {
    /// Session id as written.
    pub session: NameId,
    /// Cumulative cost.
    pub cost: NanoUsd,
    /// When, where told.
    pub at_ms: Option<i64>,
    /// Where the row's line starts.
    pub offset: u64,
}

/// A pull request that a session names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// Session id as written.
    pub session: NameId,
    /// Its address as written.
    pub url: NameId,
    /// Its number, where told.
    pub number: Option<u64>,
    /// Its repository, where told.
    pub repository: Option<NameId>,
}

/// Records of a stretch of a transcript, each call once.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The texts that the records name.
    pub names: Names,
    /// Calls, in order of their first row.
    pub calls: Vec<CallRow>,
    /// Tool uses, each id once.
    pub tool_uses: Vec<ToolUse>,
    /// Ids of tool uses that failed.
    pub tool_failures: Vec<i64>,
    /// Cost states in order.
    pub cost_states: Vec<CostState>,
    /// Pull requests in order.
    pub pull_requests: Vec<PullRequest>,
}

/// A hasher for keys that are hashes, of which it takes the first eight bytes, and for tuples of ids, which it folds.
/// Not for text that somebody else chose.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut word = [0; 8];
        let n = bytes.len().min(8);
        word[..n].copy_from_slice(&bytes[..n]);
        self.0 ^= u64::from_le_bytes(word);
    }

    fn write_i64(&mut self, id: i64) {
        self.0 = (self.0.rotate_left(23) ^ id.cast_unsigned()).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_isize(&mut self, variant: isize) {
        self.write_i64(variant as i64);
    }

    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// A map from hashes or ids.
pub type KeyMap<K, V> = HashMap<K, V, BuildHasherDefault<KeyHasher>>;
