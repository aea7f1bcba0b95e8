//! Reports as data: grouped sums for a span of days. Printing is the caller's.

pub use cco_ledger::audit::{Difference, Side};
pub use cco_ledger::query::{Attribution, Named, Only, Question as Filter, ToolSums};
pub use cco_model::block::{BurnRate, Projection};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cco_ledger::query::{By, Group as LedgerGroup, ModelPart};
use cco_model::block::{self, BLOCK_MS, BlockCursor, Placement};
use cco_model::civil;
use cco_model::sums::Sums;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::{Engine, EngineError};

/// Sums of one model inside a group; the name as in the transcripts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelSums {
    /// Model name as in the transcripts.
    pub model: Arc<str>,
    /// Its part of the group.
    pub sums: Sums,
}

/// Calls that have something in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group<K> {
    /// What they have in common.
    pub key: K,
    /// All of them.
    pub sums: Sums,
    /// The same by model, by name.
    pub models: Vec<ModelSums>,
    /// The last of them.
    pub last: Timestamp,
}

/// A span of days that reports are made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// A civil day.
    Day,
    /// Seven days that begin on this one.
    Week(Weekday),
    /// A calendar month.
    Month,
}

impl Period {
    /// The first day of the period that holds this day.
    pub fn start(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Week(first) => day.saturating_sub(i32::from(day.weekday().since(first)).days()),
            Self::Month => day.first_of_month(),
        }
    }
}

/// A project in a period.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instance {
    /// Project path; empty where unknown.
    pub project: Arc<str>,
    /// The first day of the period.
    pub start: Date,
}

/// A project's branch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Branch {
    /// Project path; empty where unknown.
    pub project: Arc<str>,
    /// Branch; empty where unknown.
    pub branch: Arc<str>,
}

/// A model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Model {
    /// Its name as in the transcripts.
    pub name: Arc<str>,
    /// The kind of model that it is, such as `Opus`; empty for one that the price list does not know.
    pub tier: String,
}

/// What calls are attributed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worker {
    /// Agent type.
    Agent,
    /// Skill.
    Skill,
    /// Plugin.
    Plugin,
    /// MCP server.
    McpServer,
}

/// One session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// The session's id; `unknown` where rows had none.
    pub session: Arc<str>,
    /// Path of the project that holds its latest call; empty when unknown.
    pub project_path: Arc<str>,
    /// Its first call.
    pub first: Timestamp,
    /// Its last call.
    pub last: Timestamp,
    /// All its calls.
    pub sums: Sums,
    /// The same by model, by name.
    pub models: Vec<ModelSums>,
}

/// Five hours of activity, or the pause between two blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRow {
    /// Start: the first call floored to the UTC hour; of a gap, the end of the block before.
    pub start: Timestamp,
    /// Start + 5 h; of a gap, the start of the next block. None for a block that starts after now: a clock was wrong
    /// when its calls were written, and its end means nothing.
    pub end: Option<Timestamp>,
    /// The last call; none for a gap.
    pub last: Option<Timestamp>,
    /// Now lies in the block and the last call is less than five hours old.
    pub active: bool,
    /// A pause of over five hours.
    pub gap: bool,
    /// All its calls.
    pub sums: Sums,
    /// The same by model, by name.
    pub models: Vec<ModelSums>,
    /// How fast tokens and money go, over the whole block; none for a gap or a block of one instant.
    pub burn_rate: Option<BurnRate>,
    /// The same over the last 30 minutes; only for an active block.
    pub burn_rate_recent: Option<BurnRate>,
    /// Where the block ends up at the whole-block rate; only for an active block.
    pub projection: Option<Projection>,
}

/// Today at a glance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance {
    /// Today in the asked zone.
    pub today: Group<Date>,
    /// This week's calls, from Monday.
    pub week: Sums,
    /// The block that is active now.
    pub block: Option<BlockRow>,
    /// The projects of the week, dearest first, by path; empty: unknown.
    pub projects: Vec<Group<Arc<str>>>,
    /// The models of the week, dearest first.
    pub models: Vec<ModelSums>,
    /// The latest call in the ledger.
    pub last_call: Option<Timestamp>,
    /// Calls in the whole ledger.
    pub calls_ever: u64,
}

/// The stretch that a recent burn rate looks at.
const RECENT_MS: i64 = 30 * 60_000;
const DAY_MS: i64 = 24 * 60 * 60_000;
/// What a session without an id is called.
pub(crate) const UNKNOWN_SESSION: &str = "unknown";

impl Engine {
    /// Periods with calls, oldest first. Days outside of the filter are left out of the periods at its ends.
    pub fn periods(&self, filter: &Filter, period: Period) -> Result<Vec<Group<Date>>, EngineError> {
        let by = By { day: true, ..By::default() };
        self.groups(filter, by, |group| group.day.map(|day| period.start(day)))
    }

    /// Periods of each project with calls, by project and then oldest first.
    pub fn periods_of_projects(
        &self,
        filter: &Filter,
        period: Period,
    ) -> Result<Vec<Group<Instance>>, EngineError> {
        let by = By { day: true, project: true, ..By::default() };
        self.groups(filter, by, |group| {
            group.day.map(|day| Instance { project: group.project.clone(), start: period.start(day) })
        })
    }

    /// Projects with calls, by path.
    pub fn projects(&self, filter: &Filter) -> Result<Vec<Group<Arc<str>>>, EngineError> {
        let by = By { project: true, ..By::default() };
        self.groups(filter, by, |group| Some(group.project.clone()))
    }

    /// Branches of projects with calls, by project and branch.
    pub fn branches(&self, filter: &Filter) -> Result<Vec<Group<Branch>>, EngineError> {
        let by = By { project: true, branch: true, ..By::default() };
        self.groups(filter, by, |group| {
            Some(Branch { project: group.project.clone(), branch: group.branch.clone() })
        })
    }

    /// Models with calls, by name as in the transcripts.
    pub fn models(&self, filter: &Filter) -> Result<Vec<Group<Model>>, EngineError> {
        self.groups(filter, By::default(), |group| {
            let name = group.part.model.clone();
            let tier = self.prices.find(&name).map_or_else(String::new, |priced| priced.tier.clone());
            Some(Model { name, tier })
        })
    }

    /// What calls are attributed to, by name; empty: nothing of that kind.
    pub fn workers(&self, filter: &Filter, worker: Worker) -> Result<Vec<Group<String>>, EngineError> {
        let by = By { attribution: true, ..By::default() };
        self.groups(filter, by, |group| {
            let Attribution { agent, skill, plugin, mcp_server } = &*group.attribution;
            Some(match worker {
                Worker::Agent => agent.clone(),
                Worker::Skill => skill.clone(),
                Worker::Plugin => plugin.clone(),
                Worker::McpServer => mcp_server.clone(),
            })
        })
    }

    /// Every name of a kind with its id, in the order in which they were first seen.
    pub fn named(&self, named: Named) -> Result<Vec<(i64, Arc<str>)>, EngineError> {
        Ok(self.ledger.named(named)?)
    }

    fn groups<K: Ord>(
        &self,
        filter: &Filter,
        by: By,
        key: impl Fn(&LedgerGroup) -> Option<K>,
    ) -> Result<Vec<Group<K>>, EngineError> {
        let _snapshot = self.ledger.snapshot()?;
        let mut groups: BTreeMap<K, Parts> = BTreeMap::new();
        for group in self.ledger.groups(filter, by)? {
            if let Some(key) = key(&group) {
                groups.entry(key).or_default().add(&group.part);
            }
        }
        Ok(groups.into_iter().map(|(key, parts)| parts.group(key)).collect())
    }

    /// Sessions with calls on the filter's days, by their last call, oldest first; of those calls alone.
    pub fn sessions(&self, filter: &Filter) -> Result<Vec<SessionRow>, EngineError> {
        let _snapshot = self.ledger.snapshot()?;
        let range = civil::day_range_ms(filter.days.0, filter.days.1, &filter.zone);
        let mut sessions: HashMap<Arc<str>, (Parts, Arc<str>, i64)> = HashMap::new();
        for part in self.ledger.sessions(&range, &filter.only)? {
            let (parts, project, latest) =
                sessions.entry(part.session).or_insert_with(|| (Parts::default(), Arc::default(), i64::MIN));
            if (part.part.last_ms, &part.project) > (*latest, &*project) {
                (*latest, *project) = (part.part.last_ms, part.project);
            }
            parts.add(&part.part);
        }
        let row = |(session, (parts, project_path, _)): (Arc<str>, (Parts, Arc<str>, i64))| SessionRow {
            session: if session.is_empty() { UNKNOWN_SESSION.into() } else { session },
            project_path,
            first: instant(parts.first_ms),
            last: instant(parts.last_ms),
            sums: parts.sums(),
            models: parts.models(),
        };
        let mut rows: Vec<SessionRow> = sessions.into_iter().map(row).collect();
        rows.sort_by(|a, b| (a.last, &a.session).cmp(&(b.last, &b.session)));
        Ok(rows)
    }

    /// Blocks and the gaps between them, oldest first. A filter keeps the blocks that start on its days.
    pub fn blocks(&self, filter: &Filter, now: Timestamp) -> Result<Vec<BlockRow>, EngineError> {
        let _snapshot = self.ledger.snapshot()?;
        let range = civil::day_range_ms(filter.days.0, filter.days.1, &filter.zone);
        // One block earlier, since the gap behind it may begin on the first day.
        let from_ms = filter.days.0.map(|_| range.start.saturating_sub(BLOCK_MS));
        let rows = self.blocks_from(from_ms, now)?;
        Ok(rows.into_iter().filter(|row| range.contains(&row.start.as_millisecond())).collect())
    }

    /// Blocks and gaps, all of those that start at or after `from_ms` among them.
    fn blocks_from(&self, from_ms: Option<i64>, now: Timestamp) -> Result<Vec<BlockRow>, EngineError> {
        let mut rows: Vec<BlockRow> = Vec::new();
        let from_ms = from_ms.map_or(Ok(i64::MIN), |from_ms| self.behind_a_pause(from_ms))?;
        for (start_ms, parts) in self.block_parts(from_ms)? {
            if let Some(before) = rows.last()
                && let Some(last) = before.last
                && parts.first_ms - last.as_millisecond() > BLOCK_MS
                && start_ms <= now.as_millisecond()
            {
                rows.push(gap(before.end.unwrap_or(last), instant(start_ms)));
            }
            rows.push(self.block(start_ms, &parts, now)?);
        }
        Ok(rows)
    }

    /// A time at or before `at_ms` that no block reaches across: from there on blocks come out as from the first call.
    /// Looks back a day, then four, and so on, so that it costs what the last busy stretch costs and not all history.
    fn behind_a_pause(&self, at_ms: i64) -> Result<i64, EngineError> {
        let mut days = 1;
        while days < 4_000 {
            let start = at_ms.saturating_sub(days * DAY_MS);
            let mut before = start;
            let mut found = None;
            for (_, part) in self.ledger.quarters(&(start..at_ms))? {
                if part.first_ms - before > BLOCK_MS {
                    found = Some(part.first_ms);
                }
                before = before.max(part.last_ms);
            }
            if at_ms - before > BLOCK_MS {
                return Ok(at_ms);
            }
            if let Some(first_ms) = found {
                return Ok(first_ms);
            }
            days *= 4;
        }
        Ok(i64::MIN)
    }

    /// Today, this week, this block.
    pub fn glance(&self, zone: &TimeZone, now: Timestamp) -> Result<Glance, EngineError> {
        let _snapshot = self.ledger.snapshot()?;
        let date = now.to_zoned(zone.clone()).date();
        let days = (Some(civil::week_start(date)), Some(date));
        let week = Filter { days, zone: zone.clone(), only: Only::default() };
        let mut models = self.models(&week)?;
        models.sort_by(|a, b| (b.sums.cost, &a.key).cmp(&(a.sums.cost, &b.key)));
        let today =
            self.periods(&Filter { days: (Some(date), Some(date)), ..week.clone() }, Period::Day)?.pop();
        let mut projects = self.projects(&week)?;
        projects.sort_by(|a, b| (b.sums.cost, &a.key).cmp(&(a.sums.cost, &b.key)));
        let (calls_ever, last_ms) = self.ledger.extent()?;
        let mut sums = Sums::default();
        models.iter().for_each(|model| sums += model.sums);
        Ok(Glance {
            today: today.unwrap_or_else(|| Parts::default().group(date)),
            week: sums,
            block: self.blocks_from(Some(now.as_millisecond()), now)?.into_iter().find(|block| block.active),
            projects,
            models: models
                .into_iter()
                .map(|group| ModelSums { model: group.key.name, sums: group.sums })
                .collect(),
            last_call: last_ms.map(instant),
            calls_ever,
        })
    }

    /// Every row of sums that differs from what it sums up: none, or cco has a bug.
    pub fn audit(&self) -> Result<Vec<Difference>, EngineError> {
        Ok(self.ledger.audit()?)
    }

    /// Uses and failures of each tool, by name.
    pub fn tools(&self, filter: &Filter) -> Result<Vec<ToolSums>, EngineError> {
        Ok(self.ledger.tools(filter)?)
    }

    /// The calls of each block, by its start. Quarter hours are enough but where a block ends inside one: there the
    /// single calls are asked for.
    fn block_parts(&self, from_ms: i64) -> Result<Vec<(i64, Parts)>, EngineError> {
        let quarters = self.ledger.quarters(&(from_ms..i64::MAX))?;
        let mut blocks: Vec<(i64, Parts)> = Vec::new();
        let mut cursor = BlockCursor::new();
        for quarter in quarters.chunk_by(|a, b| a.0 == b.0) {
            let first_ms = quarter.iter().map(|(_, part)| part.first_ms).min().unwrap_or(0);
            let last_ms = quarter.iter().map(|(_, part)| part.last_ms).max().unwrap_or(0);
            if let Placement::Block { start_ms, .. } = cursor.place(first_ms, last_ms) {
                quarter.iter().for_each(|(_, part)| add_to_block(&mut blocks, start_ms, part));
                continue;
            }
            for part in self.ledger.calls(&(first_ms..last_ms + 1))? {
                if let Placement::Block { start_ms, .. } = cursor.place(part.first_ms, part.first_ms) {
                    add_to_block(&mut blocks, start_ms, &part);
                }
            }
        }
        Ok(blocks)
    }

    fn block(&self, start_ms: i64, parts: &Parts, now: Timestamp) -> Result<BlockRow, EngineError> {
        let now_ms = now.as_millisecond();
        let end_ms = start_ms + BLOCK_MS;
        let (first_ms, last_ms) = (parts.first_ms, parts.last_ms);
        let active = start_ms <= now_ms && now_ms < end_ms && now_ms - last_ms < BLOCK_MS;
        let sums = parts.sums();
        let recent = if active { self.recent(first_ms, now_ms)? } else { None };
        let projection = active.then(|| block::project(&sums, first_ms, last_ms, now_ms, end_ms)).flatten();
        Ok(BlockRow {
            start: instant(start_ms),
            end: (start_ms <= now_ms).then(|| instant(end_ms)),
            last: Some(instant(last_ms)),
            active,
            gap: false,
            burn_rate: block::burn(&sums, first_ms, last_ms),
            burn_rate_recent: recent,
            projection,
            sums,
            models: parts.models(),
        })
    }

    /// The burn rate of the last half hour, or of the block so far when it is younger.
    fn recent(&self, first_ms: i64, now_ms: i64) -> Result<Option<BurnRate>, EngineError> {
        let from = first_ms.max(now_ms - RECENT_MS);
        let mut sums = Sums::default();
        self.ledger.calls(&(from..now_ms + 1))?.iter().for_each(|part| sums += part.sums);
        Ok(block::burn(&sums, from, now_ms))
    }
}

/// Calls of a group, by model.
struct Parts {
    models: BTreeMap<Arc<str>, Sums>,
    first_ms: i64,
    last_ms: i64,
}

impl Default for Parts {
    fn default() -> Self {
        Self { models: BTreeMap::new(), first_ms: i64::MAX, last_ms: i64::MIN }
    }
}

impl Parts {
    fn add(&mut self, part: &ModelPart) {
        match self.models.get_mut(&part.model) {
            Some(sums) => *sums += part.sums,
            None => {
                self.models.insert(part.model.clone(), part.sums);
            }
        }
        self.first_ms = self.first_ms.min(part.first_ms);
        self.last_ms = self.last_ms.max(part.last_ms);
    }

    fn sums(&self) -> Sums {
        let mut all = Sums::default();
        self.models.values().for_each(|sums| all += *sums);
        all
    }

    fn group<K>(self, key: K) -> Group<K> {
        Group { key, sums: self.sums(), models: self.models(), last: instant(self.last_ms) }
    }

    fn models(&self) -> Vec<ModelSums> {
        self.models.iter().map(|(model, sums)| ModelSums { model: model.clone(), sums: *sums }).collect()
    }
}

fn add_to_block(blocks: &mut Vec<(i64, Parts)>, start_ms: i64, part: &ModelPart) {
    if blocks.last().is_none_or(|(start, _)| *start != start_ms) {
        blocks.push((start_ms, Parts::default()));
    }
    if let Some((_, parts)) = blocks.last_mut() {
        parts.add(part);
    }
}

fn gap(start: Timestamp, end: Timestamp) -> BlockRow {
    BlockRow {
        start,
        end: Some(end),
        last: None,
        active: false,
        gap: true,
        sums: Sums::default(),
        models: Vec::new(),
        burn_rate: None,
        burn_rate_recent: None,
        projection: None,
    }
}

/// The instant of UTC milliseconds; the nearest one that exists when they are out of range.
pub(crate) fn instant(at_ms: i64) -> Timestamp {
    let nearest = if at_ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(at_ms).unwrap_or(nearest)
}
