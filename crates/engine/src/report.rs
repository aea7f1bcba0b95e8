//! Reports as data: grouped sums for a span of days. Printing is the caller's.

mod blocks;

pub use blocks::BlockRow;
pub use cco_ledger::audit::{Difference, Side};
pub use cco_ledger::query::{Attribution, Named, Only, Question as Filter, ToolSums};
pub use cco_model::block::{BurnRate, Projection};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cco_ledger::query::{By, Group as LedgerGroup, ModelPart};
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
            first: civil::timestamp(parts.first_ms),
            last: civil::timestamp(parts.last_ms),
            sums: parts.sums(),
            models: parts.models(),
        };
        let mut rows: Vec<SessionRow> = sessions.into_iter().map(row).collect();
        rows.sort_by(|a, b| (a.last, &a.session).cmp(&(b.last, &b.session)));
        Ok(rows)
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
            block: self.running_block(now, &Only::default())?,
            projects,
            models: models
                .into_iter()
                .map(|group| ModelSums { model: group.key.name, sums: group.sums })
                .collect(),
            last_call: last_ms.map(civil::timestamp),
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
        Group { key, sums: self.sums(), models: self.models(), last: civil::timestamp(self.last_ms) }
    }

    fn models(&self) -> Vec<ModelSums> {
        self.models.iter().map(|(model, sums)| ModelSums { model: model.clone(), sums: *sums }).collect()
    }
}
