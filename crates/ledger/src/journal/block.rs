//! A record of calls: some calls of one transcript, with every name that they need.
//!
//! Numbers are written in groups of seven bits, signed ones folded first; texts stand once in a list, and 0 means none.

use cco_model::call::CallKey;
use cco_model::tokens::Tokens;

use super::CALLS;
use crate::stored::{Ids, Numbers, Price, StoredCall};

/// Calls of a transcript, and what stands beside them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    pub(crate) transcript: Source,
    /// The texts that numbers below name: 1 is the first.
    pub(crate) names: Vec<String>,
    pub(crate) calls: Vec<KeptCall>,
    pub(crate) cost_states: Vec<KeptCostState>,
    pub(crate) pull_requests: Vec<KeptPullRequest>,
}

/// A block that is being written: its parts as they stand in the payload, each list without its length.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    pub(crate) transcript: Source,
    names: Part,
    calls: Part,
    cost_states: Part,
    pull_requests: Part,
}

#[derive(Clone, Debug, Default)]
struct Part {
    length: u64,
    bytes: Vec<u8>,
}

impl Part {
    fn add(&mut self) -> &mut Vec<u8> {
        self.length += 1;
        &mut self.bytes
    }
}

impl Draft {
    pub(crate) fn new(transcript: Source) -> Self {
        Self { transcript, ..Self::default() }
    }

    /// Nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.calls() + self.cost_states.length + self.pull_requests.length == 0
    }

    /// How many calls are in it.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.length
    }

    /// A text's number.
    pub(crate) fn name(&mut self, text: &str) -> i64 {
        if text.is_empty() {
            return 0;
        }
        put_bytes(self.names.add(), text.as_bytes());
        self.names.length.cast_signed()
    }

    /// Adds a call; its ids and its price list are numbers of texts, its own texts stand beside it.
    pub(crate) fn call(
        &mut self,
        key: &CallKey,
        call: &StoredCall,
        (request, effort): (&str, &str),
        attribution: [i64; 4],
        tools: &[KeptTool],
    ) {
        let out = self.calls.add();
        out.extend_from_slice(key);
        let StoredCall { ids, usage, .. } = call;
        let Ids { session, project, branch, model, account, .. } = *ids;
        let price = call.price.unwrap_or(Price { cost_nanos: 0, savings_nanos: 0 });
        let before = [call.at_ms, session, project, branch, model, account, call.price_list];
        before.into_iter().chain(attribution).for_each(|number| put_signed(out, number));
        put(out, call.offset);
        put_bytes(out, request.as_bytes());
        put_bytes(out, effort.as_bytes());
        let Tokens { input, output, cache_write_5m, cache_write_1h, cache_read } = usage.tokens;
        let counts = [input, output, cache_write_5m, cache_write_1h, cache_read];
        counts.into_iter().chain([usage.web_search, usage.thinking]).for_each(|number| put(out, number));
        let money = [price.cost_nanos, price.savings_nanos, call.logged_nanos.unwrap_or(0)];
        money.into_iter().chain([call.flags()]).for_each(|number| put_signed(out, number));
        put(out, tools.len() as u64);
        for KeptTool { id, name, failed } in tools {
            out.extend_from_slice(&id.to_le_bytes());
            put_signed(out, *name);
            out.push(u8::from(*failed));
        }
    }

    pub(crate) fn cost_state(&mut self, state: &KeptCostState) {
        let out = self.cost_states.add();
        [state.session, state.cost_nanos, state.at_ms].iter().for_each(|number| put_signed(out, *number));
        put(out, state.offset);
    }

    pub(crate) fn pull_request(&mut self, pull: &KeptPullRequest) {
        let out = self.pull_requests.add();
        let KeptPullRequest { session, url, number, repository } = *pull;
        [session, url, number, repository].into_iter().for_each(|number| put_signed(out, number));
    }

    /// Writes the payload, and begins the next block of the same transcript.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>) {
        out.push(CALLS);
        put_bytes(out, &self.transcript.path);
        let Source { device, inode, born_ns, .. } = self.transcript;
        put(out, device);
        put(out, inode);
        put_signed(out, born_ns);
        for part in [&mut self.names, &mut self.calls, &mut self.cost_states, &mut self.pull_requests] {
            put(out, part.length);
            out.append(&mut part.bytes);
            part.length = 0;
        }
    }
}

/// Which transcript it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) path: Vec<u8>,
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) born_ns: i64,
}

/// A call. The ids in it, and its price list, are numbers of the block's names.
#[derive(Clone, Debug)]
pub(crate) struct KeptCall {
    pub(crate) key: CallKey,
    pub(crate) call: StoredCall,
    /// Agent, skill, plugin, MCP server.
    pub(crate) attribution: [i64; 4],
    pub(crate) tools: Vec<KeptTool>,
}

/// A use of a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeptTool {
    pub(crate) id: i64,
    pub(crate) name: i64,
    pub(crate) failed: bool,
}

/// Claude Code's own cost of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeptCostState {
    pub(crate) session: i64,
    pub(crate) cost_nanos: i64,
    pub(crate) at_ms: i64,
    pub(crate) offset: u64,
}

/// A pull request that a session names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeptPullRequest {
    pub(crate) session: i64,
    pub(crate) url: i64,
    pub(crate) number: i64,
    pub(crate) repository: i64,
}

impl Block {
    /// The text of a number; empty for 0 and for what no text has.
    pub(crate) fn name(&self, number: i64) -> &str {
        let at = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        at.and_then(|at| self.names.get(at)).map_or("", String::as_str)
    }

    /// The block in a payload whose kind is [`CALLS`].
    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let mut from = Bytes(payload.strip_prefix(&[CALLS])?);
        let transcript = Source {
            path: from.bytes()?.to_vec(),
            device: from.number()?,
            inode: from.number()?,
            born_ns: from.signed()?,
        };
        let names = from.list(|from| String::from_utf8(from.bytes()?.to_vec()).ok())?;
        let calls = from.list(KeptCall::read)?;
        let cost_states = from.list(|from| {
            let (session, cost_nanos, at_ms) = (from.signed()?, from.signed()?, from.signed()?);
            Some(KeptCostState { session, cost_nanos, at_ms, offset: from.number()? })
        })?;
        let pull_requests = from.list(|from| {
            let (session, url, number) = (from.signed()?, from.signed()?, from.signed()?);
            Some(KeptPullRequest { session, url, number, repository: from.signed()? })
        })?;
        Some(Self { transcript, names, calls, cost_states, pull_requests })
    }
}

impl KeptCall {
    fn read(from: &mut Bytes<'_>) -> Option<Self> {
        let key = from.array()?;
        let at_ms = from.signed()?;
        let (session, project, branch) = (from.signed()?, from.signed()?, from.signed()?);
        let (model, account, price_list) = (from.signed()?, from.signed()?, from.signed()?);
        let attribution = [from.signed()?, from.signed()?, from.signed()?, from.signed()?];
        let offset = from.number()?;
        let (request, effort) = (from.bytes()?.to_vec(), from.bytes()?.to_vec());
        let numbers = Numbers {
            tokens: Tokens {
                input: from.number()?,
                output: from.number()?,
                cache_write_5m: from.number()?,
                cache_write_1h: from.number()?,
                cache_read: from.number()?,
            },
            web_search: from.number()?,
            thinking: from.number()?,
            price: Price { cost_nanos: from.signed()?, savings_nanos: from.signed()? },
            logged_nanos: from.signed()?,
            flags: from.signed()?,
        };
        let ids = Ids { session, project, branch, model, attribution: 0, account, transcript: 0 };
        let mut call = numbers.call(ids, at_ms, offset, price_list);
        (call.request, call.effort) = (String::from_utf8(request).ok()?, String::from_utf8(effort).ok()?);
        let tools = from.list(|from| {
            let (id, name) = (i64::from_le_bytes(from.array()?), from.signed()?);
            Some(KeptTool { id, name, failed: from.array::<1>()? == [1] })
        })?;
        Some(Self { key, call, attribution, tools })
    }
}

pub(super) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7F) as u8);
}

pub(super) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put(out, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// What is left to read of a payload.
pub(super) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn new(payload: &'a [u8]) -> Self {
        Self(payload)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn signed(&mut self) -> Option<i64> {
        let folded = self.number()?;
        Some((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    pub(super) fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length = self.number()?;
        let mut list = Vec::new();
        for _ in 0..length {
            list.push(read(self)?);
        }
        Some(list)
    }
}
