//! One thing told apart: models, projects, branches, sessions, tools, who worked, accounts, hours, days of the week.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use cco_ledger::query::{Attribution, Cell, Named, Told};
use cco_model::civil;
use cco_model::sums::Sums;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Granularity, milliseconds, series};
use crate::report::{Only, ToolSums, UNKNOWN_SESSION};
use crate::{Engine, EngineError};

/// What calls are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Model, as in the transcripts.
    Model,
    /// Project, by path.
    Project,
    /// Branch of a project: the key is its path, a line end, and the branch.
    Branch,
    /// Session, by id.
    Session,
    /// Tool. It has uses instead of sums: a call may use many.
    Tool,
    /// Agent type.
    Agent,
    /// Skill.
    Skill,
    /// MCP server: the calls that the transcript says it caused, and the uses of its tools.
    Mcp,
    /// Account; the key is its row in the ledger, 0: unknown.
    Account,
    /// Hour of the clock, 0 to 23.
    HourOfDay,
    /// Day of the week, Monday 1 to Sunday 7.
    Weekday,
    /// Both: `1-13` is Monday, one to two in the afternoon.
    WeekdayHour,
    /// Civil day, as `2026-11-26`.
    Day,
}

/// Which calls a breakdown is made of.
#[derive(Clone, Debug)]
pub struct Scope {
    /// From when until before when; exact to the millisecond.
    pub range: Range<Timestamp>,
    /// Whose hours and days.
    pub zone: TimeZone,
    /// Which of the calls.
    pub only: Only,
}

/// Uses of a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToolUses {
    /// How often.
    pub uses: u64,
    /// How often that failed.
    pub failures: u64,
}

/// One row of a breakdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// What its calls have in common; empty: unknown, or nothing of that kind.
    pub key: String,
    /// The same for people.
    pub label: String,
    /// Its calls; nothing for a tool.
    pub sums: Sums,
    /// The last of them; none for a tool, and where there are none.
    pub last: Option<Timestamp>,
    /// Uses, for a tool, and all tools of an MCP server.
    pub uses: Option<ToolUses>,
}

/// A project with its branches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectSums {
    /// Its path; empty: unknown.
    pub path: Arc<str>,
    /// Its calls.
    pub sums: Sums,
    /// The last of them.
    pub last: Timestamp,
    /// Its branches, dearest first, each with its last call; an empty name: unknown.
    pub branches: Vec<(Arc<str>, Sums, Timestamp)>,
}

/// Sums with the last call of them, UTC milliseconds.
#[derive(Clone, Copy)]
struct Total {
    sums: Sums,
    last_ms: i64,
}

impl Default for Total {
    fn default() -> Self {
        Self { sums: Sums::default(), last_ms: i64::MIN }
    }
}

impl Total {
    fn add(&mut self, cell: &Cell) {
        self.sums += cell.sums;
        self.last_ms = self.last_ms.max(cell.last_ms);
    }

    fn slice(self, key: String, label: String) -> Slice {
        Slice { key, label, sums: self.sums, last: Some(civil::timestamp(self.last_ms)), uses: None }
    }
}

impl Engine {
    /// The calls of a scope, told apart. Dearest first; hours and days in their order, those without calls left out;
    /// tools by their uses, most first.
    pub fn breakdown(&self, scope: &Scope, by: By) -> Result<Vec<Slice>, EngineError> {
        let _snapshot = self.ledger.snapshot()?;
        match by {
            By::Model => self.by_id(scope, |cell| cell.model, Named::Model),
            By::Project => self.by_id(scope, |cell| cell.project, Named::Project),
            By::Branch => self.by_branch(scope),
            By::Session => self.by_session(scope),
            By::Tool => self.by_tool(scope),
            By::Agent => self.by_worker(scope, |who| &who.agent),
            By::Skill => self.by_worker(scope, |who| &who.skill),
            By::Mcp => self.by_server(scope),
            By::Account => self.by_account(scope),
            By::HourOfDay | By::Weekday | By::WeekdayHour | By::Day => self.by_time(scope, by),
        }
    }

    /// Projects with calls in a scope, dearest first, with their branches.
    pub fn project_list(&self, scope: &Scope) -> Result<Vec<ProjectSums>, EngineError> {
        let _snapshot = self.ledger.snapshot()?;
        let mut found: BTreeMap<i64, (Total, BTreeMap<i64, Total>)> = BTreeMap::new();
        self.each_cell(scope, &mut |cell| {
            let (project, branches) = found.entry(cell.project).or_default();
            project.add(cell);
            branches.entry(cell.branch).or_default().add(cell);
        })?;
        let (projects, branches) = (self.names_of(Named::Project)?, self.names_of(Named::Branch)?);
        let name = |names: &BTreeMap<i64, Arc<str>>, id| names.get(&id).cloned().unwrap_or_default();
        let branch =
            |(id, total): (i64, Total)| (name(&branches, id), total.sums, civil::timestamp(total.last_ms));
        let row = |(id, (total, parts)): (i64, (Total, BTreeMap<i64, Total>))| {
            let mut parts: Vec<_> = parts.into_iter().map(branch).collect();
            parts.sort_by(|one, other| (other.1.cost, &one.0).cmp(&(one.1.cost, &other.0)));
            ProjectSums {
                path: name(&projects, id),
                sums: total.sums,
                last: civil::timestamp(total.last_ms),
                branches: parts,
            }
        };
        let mut rows: Vec<ProjectSums> = found.into_iter().map(row).collect();
        rows.sort_by(|one, other| (other.sums.cost, &one.path).cmp(&(one.sums.cost, &other.path)));
        Ok(rows)
    }

    fn each_cell(&self, scope: &Scope, each: &mut dyn FnMut(&Cell)) -> Result<(), EngineError> {
        let range = milliseconds(&scope.range);
        Ok(self.ledger.cells(&[range.start, range.end], &scope.only, Told::Everything, each)?)
    }

    fn names_of(&self, named: Named) -> Result<BTreeMap<i64, Arc<str>>, EngineError> {
        Ok(self.ledger.named(named)?.into_iter().collect())
    }

    fn by_id(&self, scope: &Scope, id: fn(&Cell) -> i64, named: Named) -> Result<Vec<Slice>, EngineError> {
        let mut totals: BTreeMap<i64, Total> = BTreeMap::new();
        self.each_cell(scope, &mut |cell| totals.entry(id(cell)).or_default().add(cell))?;
        let names = self.names_of(named)?;
        let slice = |(id, total): (i64, Total)| {
            let name = names.get(&id).cloned().unwrap_or_default();
            total.slice(name.to_string(), name.to_string())
        };
        Ok(dearest(totals.into_iter().map(slice)))
    }

    fn by_branch(&self, scope: &Scope) -> Result<Vec<Slice>, EngineError> {
        let mut totals: BTreeMap<(i64, i64), Total> = BTreeMap::new();
        self.each_cell(scope, &mut |cell| totals.entry((cell.project, cell.branch)).or_default().add(cell))?;
        let (projects, branches) = (self.names_of(Named::Project)?, self.names_of(Named::Branch)?);
        let slice = |((project, branch), total): ((i64, i64), Total)| {
            let project = projects.get(&project).cloned().unwrap_or_default();
            let branch = branches.get(&branch).cloned().unwrap_or_default();
            total.slice(format!("{project}\n{branch}"), branch.to_string())
        };
        Ok(dearest(totals.into_iter().map(slice)))
    }

    fn by_session(&self, scope: &Scope) -> Result<Vec<Slice>, EngineError> {
        let mut totals: BTreeMap<Arc<str>, Total> = BTreeMap::new();
        for part in self.ledger.sessions(&milliseconds(&scope.range), &scope.only)? {
            let total = totals.entry(part.session).or_default();
            total.sums += part.part.sums;
            total.last_ms = total.last_ms.max(part.part.last_ms);
        }
        let slice = |(id, total): (Arc<str>, Total)| {
            let id = if id.is_empty() { UNKNOWN_SESSION } else { &*id };
            total.slice(id.to_owned(), id.to_owned())
        };
        Ok(dearest(totals.into_iter().map(slice)))
    }

    fn by_tool(&self, scope: &Scope) -> Result<Vec<Slice>, EngineError> {
        let tools = self.ledger.tools_within(&milliseconds(&scope.range), &scope.only)?;
        let uses = |tool: ToolSums| (tool.tool, ToolUses { uses: tool.uses, failures: tool.failures });
        Ok(most_used(tools.into_iter().map(uses)))
    }

    /// Calls that servers caused are few; most servers only have tools that are used.
    fn by_server(&self, scope: &Scope) -> Result<Vec<Slice>, EngineError> {
        let mut used: BTreeMap<String, ToolUses> = BTreeMap::new();
        for tool in self.ledger.tools_within(&milliseconds(&scope.range), &scope.only)? {
            if let Some(server) = server_of(&tool.tool) {
                let uses = used.entry(server.to_owned()).or_default();
                uses.uses += tool.uses;
                uses.failures += tool.failures;
            }
        }
        let mut rows = self.by_worker(scope, |who| &who.mcp_server)?;
        rows.iter_mut().for_each(|row| row.uses = used.remove(&row.key));
        rows.extend(most_used(used.into_iter()));
        Ok(rows)
    }

    fn by_worker(&self, scope: &Scope, name: fn(&Attribution) -> &String) -> Result<Vec<Slice>, EngineError> {
        let attributions = self.ledger.attributions()?;
        let mut totals: BTreeMap<&str, Total> = BTreeMap::new();
        self.each_cell(scope, &mut |cell| {
            let name = attributions.get(&cell.attribution).map_or("", |who| name(who));
            totals.entry(name).or_default().add(cell);
        })?;
        Ok(dearest(totals.into_iter().map(|(name, total)| total.slice(name.to_owned(), name.to_owned()))))
    }

    fn by_account(&self, scope: &Scope) -> Result<Vec<Slice>, EngineError> {
        let mut totals: BTreeMap<i64, Total> = BTreeMap::new();
        self.each_cell(scope, &mut |cell| totals.entry(cell.account).or_default().add(cell))?;
        let known = self.ledger.accounts()?;
        let label = |row: i64| {
            let found = known.iter().find(|account| account.row == row);
            found.map_or_else(String::new, |account| account.email.clone())
        };
        Ok(dearest(totals.into_iter().map(|(row, total)| total.slice(row.to_string(), label(row)))))
    }

    fn by_time(&self, scope: &Scope, by: By) -> Result<Vec<Slice>, EngineError> {
        let range = milliseconds(&scope.range);
        let granularity = match by {
            By::HourOfDay | By::WeekdayHour => Granularity::Hour,
            _ => Granularity::Day,
        };
        let cuts = self.cuts_of_busy_days(&range, &scope.zone, granularity)?;
        let mut stretches: BTreeMap<usize, Total> = BTreeMap::new();
        self.ledger.cells(&cuts, &scope.only, Told::Coarse, &mut |cell| {
            stretches.entry(cell.stretch).or_default().add(cell);
        })?;
        let mut slots: BTreeMap<Slot, Total> = BTreeMap::new();
        for (stretch, total) in stretches {
            let slot = slots.entry(Slot::of(cuts[stretch], &scope.zone, by)).or_default();
            slot.sums += total.sums;
            slot.last_ms = slot.last_ms.max(total.last_ms);
        }
        Ok(slots.into_iter().map(|(slot, total)| total.slice(slot.key(by), slot.key(by))).collect())
    }

    /// Where hours or days of a zone begin, on days with calls only: a wrong clock must not cost centuries of hours.
    fn cuts_of_busy_days(
        &self,
        range: &Range<i64>,
        zone: &TimeZone,
        granularity: Granularity,
    ) -> Result<Vec<i64>, EngineError> {
        let mut cuts: Vec<i64> = Vec::new();
        for day in self.ledger.days_with_calls(range)? {
            let (start, end) = (day.start.max(range.start), day.end.min(range.end));
            if start >= end {
                continue;
            }
            // Days that follow each other go on where the one before ended.
            if cuts.last() != Some(&start) {
                cuts.push(start);
            }
            cuts.extend(series::starts(&(start..end), zone, granularity).filter(|cut| *cut > start));
            cuts.push(end);
        }
        Ok(cuts)
    }
}

/// A part of a week or of the calendar; what is not told apart is 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Slot {
    day: jiff::civil::Date,
    weekday: i8,
    hour: i8,
}

impl Slot {
    /// The slot of the stretch that starts here.
    fn of(at_ms: i64, zone: &TimeZone, by: By) -> Self {
        let day = civil::day_of(at_ms, zone);
        let hour = zone.to_datetime(civil::timestamp(at_ms)).hour();
        Self {
            day: if by == By::Day { day } else { jiff::civil::Date::ZERO },
            weekday: if matches!(by, By::Weekday | By::WeekdayHour) {
                day.weekday().to_monday_one_offset()
            } else {
                0
            },
            hour: if matches!(by, By::HourOfDay | By::WeekdayHour) { hour } else { 0 },
        }
    }

    fn key(self, by: By) -> String {
        match by {
            By::HourOfDay => self.hour.to_string(),
            By::Weekday => self.weekday.to_string(),
            By::WeekdayHour => format!("{}-{}", self.weekday, self.hour),
            _ => self.day.to_string(),
        }
    }
}

/// The MCP server whose tool this is; none: it is no server's.
pub fn server_of(tool: &str) -> Option<&str> {
    tool.strip_prefix("mcp__")?.split_once("__").map(|(server, _)| server)
}

fn most_used(tools: impl Iterator<Item = (String, ToolUses)>) -> Vec<Slice> {
    let slice = |(name, uses): (String, ToolUses)| Slice {
        key: name.clone(),
        label: name,
        sums: Sums::default(),
        last: None,
        uses: Some(uses),
    };
    let mut slices: Vec<Slice> = tools.map(slice).collect();
    slices.sort_by_key(|slice| std::cmp::Reverse(slice.uses.map(|of| (of.uses, of.failures))));
    slices
}

fn dearest(slices: impl Iterator<Item = Slice>) -> Vec<Slice> {
    let mut slices: Vec<Slice> = slices.collect();
    let weight = |slice: &Slice| std::cmp::Reverse((slice.sums.cost, slice.sums.tokens.total()));
    slices.sort_by(|one, other| (weight(one), &one.key).cmp(&(weight(other), &other.key)));
    slices
}
