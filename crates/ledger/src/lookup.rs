//! Single things by their names: a call, a session, a project, and what stands beside them.
//!
//! Calls are found by key, session or time, which have indexes. What has none says so: it costs a look at every row.

mod narrowed;

use std::ops::Range;
use std::path::PathBuf;

use cco_model::call::{CallKey, Usage};
use cco_model::money::NanoUsd;
use cco_model::sums::Sums;
use cco_model::tokens::Tokens;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::query::sums_of;
use crate::stored;
use crate::write::{KnownTranscript, SoftError, SoftKind, TranscriptId, path_of};
use crate::{Ledger, LedgerError};

pub use self::narrowed::Narrowed;

/// A call with its names.
#[derive(Clone, Debug)]
pub struct CallFacts {
    /// Its row in the ledger.
    pub id: i64,
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// Model name as in the transcripts.
    pub model: String,
    /// Session id; empty where rows had none.
    pub session: String,
    /// Project path; empty where unknown.
    pub project: String,
    /// Git branch; empty where unknown.
    pub branch: String,
    /// Agent, skill, plugin and MCP server; empty each where there is none.
    pub attribution: [String; 4],
    /// Request id; empty where the row had none.
    pub request: String,
    /// Effort; empty where the row had none.
    pub effort: String,
    /// The kept row is of a side thread.
    pub sidechain: bool,
    /// What was counted.
    pub usage: Usage,
    /// What it costs; none: it has no price.
    pub cost: Option<NanoUsd>,
    /// What the cache saved; 0 without a price.
    pub savings: NanoUsd,
    /// `costUSD` of an old row.
    pub logged: Option<NanoUsd>,
    /// The price list that priced it, or had no price for it.
    pub price_list: String,
    /// The kept row's transcript; none for a call that came from elsewhere.
    pub transcript: Option<KnownTranscript>,
    /// Where the kept row's line starts in it.
    pub offset: u64,
}

/// A call in a list of calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallLine {
    /// Its row in the ledger.
    pub id: i64,
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// Model name as in the transcripts.
    pub model: String,
    /// Session id; empty where rows had none.
    pub session: String,
    /// What it counts.
    pub tokens: Tokens,
    /// What it costs; none: it has no price.
    pub cost: Option<NanoUsd>,
}

/// One use of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolUse {
    /// Its row: 63 bits of a hash of its id.
    pub id: i64,
    /// The tool's name.
    pub name: String,
    /// Its result was an error.
    pub failed: bool,
}

/// Claude Code's own cost of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostState {
    /// The cost so far, as the last row says.
    pub cost: NanoUsd,
    /// When, where told; else 0.
    pub at_ms: i64,
    /// The row's transcript.
    pub path: Option<PathBuf>,
    /// Where its line starts.
    pub offset: u64,
}

/// Which calls are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Group {
    /// Those of a session, by its row.
    Session(i64),
    /// Those of a project, by its row. There is no index: every call is looked at.
    Project(i64),
    /// Those of a range of UTC milliseconds.
    Time(Range<i64>),
}

impl Group {
    /// The bounds of its column.
    fn bounds(&self) -> (i64, i64) {
        match self {
            Self::Session(id) | Self::Project(id) => (*id, *id),
            Self::Time(range) => (range.start, range.end.saturating_sub(1)),
        }
    }

    /// Of three texts the one for its kind.
    fn choose(&self, session: &'static str, project: &'static str, time: &'static str) -> &'static str {
        match self {
            Self::Session(_) => session,
            Self::Project(_) => project,
            Self::Time(_) => time,
        }
    }
}

/// Sums of one session and model in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPart {
    /// Session id; empty where rows had none.
    pub session: String,
    /// Model name as in the transcripts.
    pub model: String,
    /// Project path; empty where unknown.
    pub project: String,
    /// Its calls.
    pub sums: Sums,
    /// The first of them, UTC milliseconds.
    pub first_ms: i64,
    /// The last of them, UTC milliseconds.
    pub last_ms: i64,
}

macro_rules! tool_uses {
    () => {
        "SELECT tool_use.id, coalesce(tool.name, ''), failed FROM tool_use LEFT JOIN tool ON tool.id = tool_id"
    };
}

/// Sums of a group with the names of what they are told apart by; of sums whose session is in this column.
macro_rules! parts {
    ($session:literal, $sums:expr) => {
        concat!(
            "SELECT coalesce(session.name, ''), coalesce(model.name, ''), coalesce(project.name, ''), part.*
             FROM (",
            $sums,
            ") AS part LEFT JOIN session ON session.id = part.",
            $session,
            " LEFT JOIN model ON model.id = model_id LEFT JOIN project ON project.id = project_id"
        )
    };
}

macro_rules! rollup_parts {
    ($of:literal) => {
        parts!(
            "bucket",
            concat!(
                "SELECT bucket, model_id, project_id, sum(calls), sum(input), sum(output), sum(cache_write_5m),
                     sum(cache_write_1h), sum(cache_read), sum(web_search), sum(cost_nanos), sum(savings_nanos),
                     sum(unpriced_calls), sum(unpriced_tokens), min(first_ms), max(last_ms)
                 FROM rollup WHERE kind = 3 AND ",
                $of,
                " GROUP BY 1, 2, 3"
            )
        )
    };
}

macro_rules! dearest {
    ($column:literal) => {
        concat!(
            "SELECT call.id, at_ms, coalesce(model.name, ''), coalesce(session.name, ''),
                 input, output, cache_write_5m, cache_write_1h, cache_read, cost_nanos, flags & 32 <> 0
             FROM call LEFT JOIN model ON model.id = model_id LEFT JOIN session ON session.id = session_id
             WHERE ",
            $column,
            " BETWEEN ?1 AND ?2 ORDER BY cost_nanos DESC, at_ms, call.id LIMIT ?3"
        )
    };
}

impl Ledger {
    /// The call with this key.
    pub fn call_of_key(&self, key: &CallKey) -> Result<Option<i64>, LedgerError> {
        let mut select = self.connection.prepare_cached("SELECT call_id FROM call_key WHERE key = ?1")?;
        Ok(select.query_row([key], |row| row.get(0)).optional()?)
    }

    /// The key of a call. There is no index: keys are looked at until it is found.
    pub fn key_of_call(&self, id: i64) -> Result<Option<CallKey>, LedgerError> {
        let mut select = self.connection.prepare_cached("SELECT key FROM call_key WHERE call_id = ?1")?;
        Ok(select.query_row([id], |row| row.get(0)).optional()?)
    }

    /// The session that a call is shown under, by its row; 0: unknown.
    pub fn session_of_call(&self, id: i64) -> Result<Option<i64>, LedgerError> {
        let mut select = self.connection.prepare_cached("SELECT session_id FROM call WHERE id = ?1")?;
        Ok(select.query_row([id], |row| row.get(0)).optional()?)
    }

    /// The newest calls with this request id, at most `limit`. There is no index: every call is looked at.
    pub fn calls_of_request(&self, request: &str, limit: usize) -> Result<Vec<i64>, LedgerError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT id FROM call WHERE request_id = ?1 ORDER BY id DESC LIMIT ?2")?;
        let rows =
            select.query_map(params![request, i64::try_from(limit).unwrap_or(i64::MAX)], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A call with its names.
    pub fn call(&self, id: i64) -> Result<Option<CallFacts>, LedgerError> {
        let connection = &self.connection;
        let Some(call) = stored::get(connection, id).optional()? else { return Ok(None) };
        let ids = call.ids;
        let attribution = connection
            .prepare_cached("SELECT agent, skill, plugin, mcp_server FROM attribution WHERE id = ?1")?
            .query_row([ids.attribution], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))
            .optional()?;
        Ok(Some(CallFacts {
            id,
            at_ms: call.at_ms,
            model: name(connection, "SELECT name FROM model WHERE id = ?1", ids.model)?,
            session: name(connection, "SELECT name FROM session WHERE id = ?1", ids.session)?,
            project: name(connection, "SELECT name FROM project WHERE id = ?1", ids.project)?,
            branch: name(connection, "SELECT name FROM branch WHERE id = ?1", ids.branch)?,
            attribution: attribution.unwrap_or_default(),
            request: call.request,
            effort: call.effort,
            sidechain: call.sidechain,
            usage: call.usage,
            cost: call.price.map(|price| NanoUsd(price.cost_nanos)),
            savings: NanoUsd(call.price.map_or(0, |price| price.savings_nanos)),
            logged: call.logged_nanos.map(NanoUsd),
            price_list: name(connection, "SELECT name FROM price_list WHERE id = ?1", call.price_list)?,
            transcript: self.transcript(TranscriptId(ids.transcript))?,
            offset: call.offset,
        }))
    }

    /// The transcripts that the kept rows of a group's calls stand in, with the number of those calls.
    pub fn transcripts_of(&self, group: &Group) -> Result<Vec<(TranscriptId, u64)>, LedgerError> {
        let (from, to) = group.bounds();
        let sql = group.choose(
            "SELECT transcript_id, count(*) FROM call WHERE session_id BETWEEN ?1 AND ?2 GROUP BY transcript_id",
            "SELECT transcript_id, count(*) FROM call WHERE project_id BETWEEN ?1 AND ?2 GROUP BY transcript_id",
            "SELECT transcript_id, count(*) FROM call WHERE at_ms BETWEEN ?1 AND ?2 GROUP BY transcript_id",
        );
        let mut select = self.connection.prepare_cached(sql)?;
        let rows = select.query_map([from, to], |row| {
            Ok((TranscriptId(row.get(0)?), row.get::<_, i64>(1)?.cast_unsigned()))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Damaged lines and odd rows of a transcript, in their order.
    pub fn soft_errors_of(&self, id: TranscriptId) -> Result<Vec<SoftError>, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT \"offset\", kind, detail FROM soft_error WHERE transcript_id = ?1 ORDER BY \"offset\"",
        )?;
        let rows = select.query_map([id.0], |row| {
            let count = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
            Ok(SoftError { offset: count(0)?, kind: SoftKind::of(row.get(1)?), detail: count(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Tool uses by their rows; those that the ledger does not know are left out.
    pub fn tool_uses(&self, ids: &[i64]) -> Result<Vec<ToolUse>, LedgerError> {
        let mut select = self.connection.prepare_cached(concat!(tool_uses!(), " WHERE tool_use.id = ?1"))?;
        let found = ids.iter().map(|id| Ok(select.query_row([id], tool_use_of).optional()?));
        Ok(found.collect::<Result<Vec<_>, LedgerError>>()?.into_iter().flatten().collect())
    }

    /// Tool uses of a call. Where nobody follows the ledger there is no index: every tool use is looked at.
    pub fn tool_uses_of_call(&self, call: i64) -> Result<Vec<ToolUse>, LedgerError> {
        let mut select = self.connection.prepare_cached(concat!(tool_uses!(), " WHERE call_id = ?1"))?;
        let rows = select.query_map([call], tool_use_of)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The row of a session with this id.
    pub fn session_id(&self, name: &str) -> Result<Option<i64>, LedgerError> {
        id_of(&self.connection, "SELECT id FROM session WHERE name = ?1", name)
    }

    /// Sessions whose ids begin so, in order, at most `limit`; all of them have an id.
    pub fn sessions_with_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<String>, LedgerError> {
        // Up to the last character there is, so that the index on names serves.
        let mut select = self.connection.prepare_cached(
            "SELECT name FROM session WHERE name >= ?1 AND name < ?1 || char(1114111) ORDER BY name LIMIT ?2",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map(params![prefix, limit], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// All projects with their rows, by path.
    pub fn project_ids(&self) -> Result<Vec<(i64, String)>, LedgerError> {
        let mut select = self.connection.prepare_cached("SELECT id, name FROM project ORDER BY name")?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The project that a working directory belongs to, by its row.
    pub fn project_of_place(&self, cwd: &str) -> Result<Option<i64>, LedgerError> {
        id_of(&self.connection, "SELECT project_id FROM place WHERE cwd = ?1", cwd)
    }

    /// Sums of a group by session, project and model.
    pub fn group_parts(&self, group: &Group) -> Result<Vec<GroupPart>, LedgerError> {
        let (from, to) = group.bounds();
        // Sessions have roll-ups.
        let sql = group.choose(
            rollup_parts!("bucket BETWEEN ?1 AND ?2"),
            rollup_parts!("project_id BETWEEN ?1 AND ?2"),
            parts!(
                "session_id",
                "SELECT session_id, model_id, project_id, count(*), sum(input), sum(output), sum(cache_write_5m),
                     sum(cache_write_1h), sum(cache_read), sum(web_search), sum(cost_nanos), sum(savings_nanos),
                     sum(flags & 32 = 0),
                     sum(CASE WHEN flags & 32 = 0
                         THEN input + output + cache_write_5m + cache_write_1h + cache_read ELSE 0 END),
                     min(at_ms), max(at_ms)
                 FROM call WHERE at_ms BETWEEN ?1 AND ?2 GROUP BY session_id, project_id, model_id"
            ),
        );
        let mut select = self.connection.prepare_cached(sql)?;
        let rows = select.query_map([from, to], |row| {
            Ok(GroupPart {
                session: row.get(0)?,
                model: row.get(1)?,
                project: row.get(2)?,
                sums: sums_of(row, 6)?,
                first_ms: row.get(17)?,
                last_ms: row.get(18)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The dearest calls of a group, of equals the earlier; unpriced ones last.
    pub fn dearest(&self, group: &Group, limit: usize) -> Result<Vec<CallLine>, LedgerError> {
        let (from, to) = group.bounds();
        let sql = group.choose(dearest!("session_id"), dearest!("project_id"), dearest!("at_ms"));
        let mut select = self.connection.prepare_cached(sql)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map([from, to, limit], |row| {
            let count = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
            let priced: bool = row.get(10)?;
            let cost = NanoUsd(row.get(9)?);
            Ok(CallLine {
                id: row.get(0)?,
                at_ms: row.get(1)?,
                model: row.get(2)?,
                session: row.get(3)?,
                tokens: Tokens {
                    input: count(4)?,
                    output: count(5)?,
                    cache_write_5m: count(6)?,
                    cache_write_1h: count(7)?,
                    cache_read: count(8)?,
                },
                cost: priced.then_some(cost),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Claude Code's own cost of a session.
    pub fn cost_state(&self, session: i64) -> Result<Option<CostState>, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT cost_nanos, at_ms, path, cost_state.\"offset\" FROM cost_state
                 LEFT JOIN transcript ON transcript.id = transcript_id WHERE session_id = ?1",
        )?;
        let state = select.query_row([session], |row| {
            Ok(CostState {
                cost: NanoUsd(row.get(0)?),
                at_ms: row.get(1)?,
                path: row.get::<_, Option<Vec<u8>>>(2)?.map(path_of),
                offset: row.get::<_, i64>(3)?.cast_unsigned(),
            })
        });
        Ok(state.optional()?)
    }

    /// Addresses of the pull requests that a session names.
    pub fn pull_requests(&self, session: i64) -> Result<Vec<String>, LedgerError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT url FROM pull_request WHERE session_id = ?1 ORDER BY url")?;
        let rows = select.query_map([session], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn tool_use_of(row: &Row<'_>) -> rusqlite::Result<ToolUse> {
    Ok(ToolUse { id: row.get(0)?, name: row.get(1)?, failed: row.get(2)? })
}

/// A name by its row; empty where it is unknown.
pub(crate) fn name(connection: &Connection, sql: &'static str, id: i64) -> Result<String, LedgerError> {
    let found = connection.prepare_cached(sql)?.query_row([id], |row| row.get(0)).optional()?;
    Ok(found.unwrap_or_default())
}

fn id_of(connection: &Connection, sql: &'static str, name: &str) -> Result<Option<i64>, LedgerError> {
    Ok(connection.prepare_cached(sql)?.query_row([name], |row| row.get(0)).optional()?)
}
