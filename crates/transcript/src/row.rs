//! One row, typed: the fields that accounting needs, and nothing that a person wrote.
//!
//! Keys may come in any order and more than once (the last counts), values may have any type.

mod key;

use cco_model::call::{Terms, Usage};
use cco_model::tokens::Tokens;

use self::key::{Key, key_of};
use crate::json::{Count, Scan, Scanner};
use crate::source::Source;

/// A text of the row, kept in [`Row::text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

/// A decoded row. Made once and used again for every row.
#[derive(Debug, Default)]
pub(crate) struct Row {
    text: Vec<u8>,
    /// The row itself.
    pub(crate) outer: Fields,
    /// The row that an `agent_progress` row wraps.
    pub(crate) inner: Option<Fields>,
    /// Tool uses and tool results, of the outer and of the inner row.
    pub(crate) tools: Vec<Tool>,
    /// Advisor items of the outer and of the inner row's usage.
    pub(crate) advisors: Vec<Advisor>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    Assistant,
    Progress,
    AgentProgress,
    User,
    CostState,
    PullRequest,
    #[default]
    Other,
}

/// The fields of one row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fields {
    pub(crate) kind: Kind,
    pub(crate) uuid: Option<Span>,
    pub(crate) session: Option<Span>,
    pub(crate) timestamp: Option<Span>,
    pub(crate) cwd: Option<Span>,
    pub(crate) branch: Option<Span>,
    pub(crate) request: Option<Span>,
    pub(crate) agent_id: Option<Span>,
    pub(crate) agent: Option<Span>,
    pub(crate) skill: Option<Span>,
    pub(crate) plugin: Option<Span>,
    pub(crate) mcp_server: Option<Span>,
    pub(crate) effort: Option<Span>,
    pub(crate) sidechain: bool,
    /// `costUSD` of an old row, `totalCostUSD` of a cost-state row: decimal dollars.
    pub(crate) cost_usd: Option<Span>,
    pub(crate) pull_request_url: Option<Span>,
    pub(crate) pull_request_number: Option<Span>,
    pub(crate) pull_request_repository: Option<Span>,
    pub(crate) message_id: Option<Span>,
    pub(crate) model: Option<Span>,
    pub(crate) usage: Option<RowUsage>,
}

/// A `usage` object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RowUsage {
    pub(crate) usage: Usage,
    /// A count was negative, fractional, too large or no number.
    pub(crate) odd: bool,
}

/// A tool use, or the result of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    pub(crate) inner: bool,
    pub(crate) part: ToolPart,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum ToolPart {
    Use { id: Span, name: Option<Span> },
    Failed { id: Span },
}

/// Another call inside a call: an `advisor_message` item of its own model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Advisor {
    pub(crate) inner: bool,
    pub(crate) model: Span,
    pub(crate) usage: RowUsage,
}

impl Row {
    /// Decodes the one value of a line; false when it is whole but no object.
    pub(crate) fn decode<S: Source>(&mut self, scanner: &mut Scanner<S>) -> Scan<bool> {
        self.text.clear();
        self.tools.clear();
        self.advisors.clear();
        self.inner = None;
        self.outer = Fields::default();
        let mut fields = Fields::default();
        let object = self.fields(scanner, &mut fields, false)?;
        scanner.end()?;
        self.outer = fields;
        Ok(object)
    }

    /// It is a progress row around another row: what counts is in that one.
    pub(crate) fn wraps(&self) -> bool {
        self.outer.kind == Kind::Progress && self.inner.is_some()
    }

    pub(crate) fn bytes(&self, span: Span) -> &[u8] {
        &self.text[span.start as usize..span.end as usize]
    }

    fn fields<S: Source>(&mut self, scanner: &mut Scanner<S>, row: &mut Fields, inner: bool) -> Scan<bool> {
        scanner.object(key_of, |scanner, key| {
            match key {
                Key::Type => row.kind = self.kind(scanner)?,
                Key::Uuid => row.uuid = self.string(scanner)?,
                Key::SessionId => row.session = self.string(scanner)?,
                Key::Timestamp => row.timestamp = self.string(scanner)?,
                Key::Cwd => row.cwd = self.string(scanner)?,
                Key::GitBranch => row.branch = self.string(scanner)?,
                Key::RequestId => row.request = self.string(scanner)?,
                Key::AgentId => row.agent_id = self.string(scanner)?,
                Key::AttributionAgent => row.agent = self.string(scanner)?,
                Key::AttributionSkill => row.skill = self.string(scanner)?,
                Key::AttributionPlugin => row.plugin = self.string(scanner)?,
                Key::AttributionMcpServer => row.mcp_server = self.string(scanner)?,
                Key::Effort => row.effort = self.string(scanner)?,
                Key::IsSidechain => row.sidechain = scanner.truth()?,
                Key::CostUsd => row.cost_usd = self.number(scanner)?,
                Key::PrUrl => row.pull_request_url = self.string(scanner)?,
                Key::PrNumber => row.pull_request_number = self.number(scanner)?,
                Key::PrRepository => row.pull_request_repository = self.string(scanner)?,
                Key::Message => self.message(scanner, row, inner)?,
                Key::Data if !inner => self.data(scanner)?,
                _ => scanner.skip()?,
            }
            Ok(())
        })
    }

    /// `message` of a row; a repeated one replaces what the first said.
    fn message<S: Source>(&mut self, scanner: &mut Scanner<S>, row: &mut Fields, inner: bool) -> Scan<()> {
        (row.message_id, row.model, row.usage) = (None, None, None);
        self.tools.retain(|tool| tool.inner != inner);
        self.advisors.retain(|advisor| advisor.inner != inner);
        scanner.object(key_of, |scanner, key| {
            match key {
                Key::Id => row.message_id = self.string(scanner)?,
                Key::Model => row.model = self.string(scanner)?,
                Key::Usage => row.usage = self.usage(scanner, inner)?,
                Key::Content => {
                    self.tools.retain(|tool| tool.inner != inner);
                    scanner.array(|scanner| self.block(scanner, inner))?;
                }
                _ => scanner.skip()?,
            }
            Ok(())
        })?;
        Ok(())
    }

    /// `data` of a progress row.
    fn data<S: Source>(&mut self, scanner: &mut Scanner<S>) -> Scan<()> {
        let (mut wraps, mut agent_id) = (false, None);
        let mut fields = None;
        self.tools.retain(|tool| !tool.inner);
        self.advisors.retain(|advisor| !advisor.inner);
        scanner.object(key_of, |scanner, key| {
            match key {
                Key::Type => wraps = self.kind(scanner)? == Kind::AgentProgress,
                Key::AgentId => agent_id = self.string(scanner)?,
                Key::Message => {
                    let mut row = Fields::default();
                    self.tools.retain(|tool| !tool.inner);
                    self.advisors.retain(|advisor| !advisor.inner);
                    fields = self.fields(scanner, &mut row, true)?.then_some(row);
                }
                _ => scanner.skip()?,
            }
            Ok(())
        })?;
        self.inner = fields.filter(|_| wraps).map(|row| Fields { agent_id, ..row });
        Ok(())
    }

    /// One item of `message.content`.
    fn block<S: Source>(&mut self, scanner: &mut Scanner<S>, inner: bool) -> Scan<()> {
        #[derive(Clone, Copy, PartialEq)]
        enum Block {
            Use,
            Result,
            Other,
        }
        let mark = self.text.len();
        let (mut block, mut id, mut result_of, mut name, mut failed) =
            (Block::Other, None, None, None, false);
        scanner.object(key_of, |scanner, key| {
            match key {
                Key::Type => {
                    let text = self.string(scanner)?.map(|span| self.bytes(span));
                    block = match text {
                        Some(b"tool_use") => Block::Use,
                        Some(b"tool_result") => Block::Result,
                        _ => Block::Other,
                    };
                }
                Key::Id => id = self.string(scanner)?,
                Key::Name => name = self.string(scanner)?,
                Key::ToolUseId => result_of = self.string(scanner)?,
                Key::IsError => failed = scanner.truth()?,
                _ => scanner.skip()?,
            }
            Ok(())
        })?;
        let part = match (block, id, result_of, failed) {
            (Block::Use, Some(id), _, _) => Some(ToolPart::Use { id, name }),
            (Block::Result, _, Some(id), true) => Some(ToolPart::Failed { id }),
            _ => None,
        };
        match part {
            Some(part) => self.tools.push(Tool { inner, part }),
            None => self.text.truncate(mark),
        }
        Ok(())
    }

    /// A `usage` object and the advisor items in it; none when it is no object.
    fn usage<S: Source>(&mut self, scanner: &mut Scanner<S>, inner: bool) -> Scan<Option<RowUsage>> {
        self.advisors.retain(|advisor| advisor.inner != inner);
        let mut counts = Counts::default();
        let object = scanner.object(key_of, |scanner, key| {
            if key != Key::Iterations {
                return self.usage_field(scanner, key, &mut counts);
            }
            self.advisors.retain(|advisor| advisor.inner != inner);
            scanner.array(|scanner| {
                let (mut counts, mut is_advisor, mut model) = (Counts::default(), false, None);
                scanner.object(key_of, |scanner, key| {
                    match key {
                        Key::Type => {
                            let text = self.string(scanner)?.map(|span| self.bytes(span));
                            is_advisor = text == Some(b"advisor_message");
                        }
                        Key::Model => model = self.string(scanner)?,
                        _ => self.usage_field(scanner, key, &mut counts)?,
                    }
                    Ok(())
                })?;
                if let Some(model) = model.filter(|_| is_advisor) {
                    self.advisors.push(Advisor { inner, model, usage: counts.usage() });
                }
                Ok(())
            })?;
            Ok(())
        })?;
        Ok(object.then(|| counts.usage()))
    }

    fn usage_field<S: Source>(
        &mut self,
        scanner: &mut Scanner<S>,
        key: Key,
        counts: &mut Counts,
    ) -> Scan<()> {
        match key {
            Key::InputTokens => counts.tokens.input = counts.take(scanner)?,
            Key::OutputTokens => counts.tokens.output = counts.take(scanner)?,
            Key::CacheReadInputTokens => counts.tokens.cache_read = counts.take(scanner)?,
            Key::CacheCreationInputTokens => counts.written = counts.take(scanner)?,
            Key::CacheCreation => {
                (counts.tokens.cache_write_5m, counts.tokens.cache_write_1h) = (0, 0);
                scanner.object(key_of, |scanner, key| {
                    match key {
                        Key::Ephemeral5m => counts.tokens.cache_write_5m = counts.take(scanner)?,
                        Key::Ephemeral1h => counts.tokens.cache_write_1h = counts.take(scanner)?,
                        _ => scanner.skip()?,
                    }
                    Ok(())
                })?;
            }
            Key::ServerToolUse => {
                counts.web_search = 0;
                scanner.object(key_of, |scanner, key| {
                    match key {
                        Key::WebSearchRequests => counts.web_search = counts.take(scanner)?,
                        _ => scanner.skip()?,
                    }
                    Ok(())
                })?;
            }
            Key::OutputTokensDetails => {
                counts.thinking = 0;
                scanner.object(key_of, |scanner, key| {
                    match key {
                        Key::ThinkingTokens => counts.thinking = counts.take(scanner)?,
                        _ => scanner.skip()?,
                    }
                    Ok(())
                })?;
            }
            Key::Speed => {
                counts.terms.speed_known = scanner.peek_token()? != b'n';
                counts.terms.fast = self.is(scanner, b"fast")?;
            }
            Key::InferenceGeo => counts.terms.us_inference = self.is(scanner, b"us")?,
            Key::ServiceTier => counts.terms.batch = self.is(scanner, b"batch")?,
            _ => scanner.skip()?,
        }
        Ok(())
    }

    fn string<S: Source>(&mut self, scanner: &mut Scanner<S>) -> Scan<Option<Span>> {
        let start = self.text.len();
        let is_string = scanner.string(&mut self.text)?;
        Ok(self.span(start).filter(|_| is_string))
    }

    fn number<S: Source>(&mut self, scanner: &mut Scanner<S>) -> Scan<Option<Span>> {
        let start = self.text.len();
        let is_number = scanner.number_text(&mut self.text)?;
        Ok(self.span(start).filter(|_| is_number))
    }

    fn span(&self, start: usize) -> Option<Span> {
        Some(Span { start: u32::try_from(start).ok()?, end: u32::try_from(self.text.len()).ok()? })
    }

    /// The value is this string; its text is not kept.
    fn is<S: Source>(&mut self, scanner: &mut Scanner<S>, wanted: &[u8]) -> Scan<bool> {
        let start = self.text.len();
        let is = scanner.string(&mut self.text)? && &self.text[start..] == wanted;
        self.text.truncate(start);
        Ok(is)
    }

    fn kind<S: Source>(&mut self, scanner: &mut Scanner<S>) -> Scan<Kind> {
        let start = self.text.len();
        let kind = match (scanner.string(&mut self.text)?, &self.text[start..]) {
            (true, b"assistant") => Kind::Assistant,
            (true, b"progress") => Kind::Progress,
            (true, b"agent_progress") => Kind::AgentProgress,
            (true, b"user") => Kind::User,
            (true, b"cost-state") => Kind::CostState,
            (true, b"pr-link") => Kind::PullRequest,
            _ => Kind::Other,
        };
        self.text.truncate(start);
        Ok(kind)
    }
}

/// Counts of a usage object while it is read.
#[derive(Clone, Copy, Default)]
struct Counts {
    tokens: Tokens,
    /// `cache_creation_input_tokens`: all cache writes, of whatever life.
    written: u64,
    web_search: u64,
    thinking: u64,
    terms: Terms,
    odd: bool,
}

impl Counts {
    fn take<S: Source>(&mut self, scanner: &mut Scanner<S>) -> Scan<u64> {
        Ok(match scanner.count()? {
            Count::Is(count) => count,
            Count::Odd => {
                self.odd = true;
                0
            }
        })
    }

    /// What the split leaves unexplained was written for five minutes.
    fn usage(mut self) -> RowUsage {
        self.tokens.cache_write_5m += self.written.saturating_sub(self.tokens.cache_write());
        let Self { tokens, web_search, thinking, terms, odd, .. } = self;
        RowUsage { usage: Usage { tokens, web_search, thinking, terms }, odd }
    }
}
