//! The reports: one entry each, with the fields that scripts read and the columns that people see.
//!
//! Owns wire names of rows, and which columns go first where it is narrow. Must not: query or draw anything.

use std::sync::Arc;

use anstyle::Style;
use cco_engine::report::{Branch, Group, Instance, Model, ModelSums, SessionRow};
use cco_model::sums::Sums;
use jiff::Timestamp;
use jiff::civil::Date;

use super::fit::{Keep, Squeeze};
use super::table::{Column, left, squeezed, sums};
use super::text;

/// A report.
pub(crate) struct Report<R: 'static> {
    /// The key of its rows in JSON.
    pub(crate) list: &'static str,
    /// What tells its rows apart, for JSON and CSV; sums and models follow by themselves.
    pub(crate) fields: &'static [Field<R>],
    /// From left to right, on a terminal.
    pub(crate) columns: &'static [Column<R>],
    /// What a row adds to the totals.
    pub(crate) sums: fn(&R) -> Sums,
    /// The same by model.
    pub(crate) models: fn(&R) -> &[ModelSums],
    /// How much attention the row is worth.
    pub(crate) style: fn(&R) -> Style,
}

/// A field of a row, for scripts.
pub(crate) struct Field<R> {
    /// Its key in JSON and its column in CSV.
    pub(crate) name: &'static str,
    /// Its text; none where it is unknown: null in JSON, an empty cell in CSV.
    pub(crate) text: fn(&R) -> Option<String>,
}

pub(super) const fn field<R>(name: &'static str, text: fn(&R) -> Option<String>) -> Field<R> {
    Field { name, text }
}

pub(super) const fn calls<R>(drop: u8) -> Column<R> {
    sums("Calls", drop, |sums| text::count(sums.calls))
}

pub(super) const fn input<R>(drop: u8) -> Column<R> {
    sums("Input", drop, |sums| text::count(sums.tokens.input))
}

pub(super) const fn output<R>(drop: u8) -> Column<R> {
    sums("Output", drop, |sums| text::count(sums.tokens.output))
}

pub(super) const fn cache_write<R>(drop: u8) -> Column<R> {
    sums("Cache write", drop, |sums| text::count(sums.tokens.cache_write()))
}

pub(super) const fn cache_read<R>(drop: u8) -> Column<R> {
    sums("Cache read", drop, |sums| text::count(sums.tokens.cache_read))
}

pub(super) const fn total_tokens<R>(drop: u8) -> Column<R> {
    sums("Total tokens", drop, |sums| text::count(sums.tokens.total()))
}

pub(super) const fn cost<R>() -> Column<R> {
    sums("Cost", 0, text::cost)
}

pub(super) const fn models_of<R>(drop: u8, models: fn(&R) -> &[ModelSums]) -> Column<R> {
    Column::models("Models", drop, models)
}

/// A report of groups: its own fields and columns, then what all groups have.
macro_rules! groups {
    ($list:literal, $key:ty, [$($field:expr),*], [$($column:expr),*]) => {
        Report {
            list: $list,
            fields: &[$($field),*],
            columns: &[
                $($column,)*
                models_of(9, |row: &Group<$key>| &row.models),
                calls(8), input(6), output(5), cache_write(7), cache_read(7), total_tokens(4), cost(),
            ],
            sums: |row| row.sums,
            models: |row| &row.models,
            style: |_| Style::new(),
        }
    };
}

/// `cco daily`.
pub(crate) static DAILY: Report<Group<Date>> = groups!(
    "daily",
    Date,
    [field("date", |row| Some(row.key.to_string()))],
    [squeezed("Date", 0, Squeeze::Last(Keep::End), |row, _| row.key.to_string())]
);

/// `cco weekly`: weeks by their first day.
pub(crate) static WEEKLY: Report<Group<Date>> = groups!(
    "weekly",
    Date,
    [field("week", |row| Some(row.key.to_string()))],
    [squeezed("Week of", 0, Squeeze::Last(Keep::End), |row, _| row.key.to_string())]
);

/// `cco monthly`.
pub(crate) static MONTHLY: Report<Group<Date>> = groups!(
    "monthly",
    Date,
    [field("month", |row| Some(month(row.key)))],
    [squeezed("Month", 0, Squeeze::Last(Keep::End), |row, _| month(row.key))]
);

/// `cco daily --instances`.
pub(crate) static INSTANCES: Report<Group<Instance>> = groups!(
    "projects",
    Instance,
    [
        field("project", |row| Some(text::whole_project(&row.key.project))),
        field("path", |row| Some(row.key.project.to_string())),
        field("date", |row| Some(row.key.start.to_string()))
    ],
    [
        Column::project(1, |row| &row.key.project),
        squeezed("Date", 0, Squeeze::Last(Keep::End), |row, _| row.key.start.to_string())
    ]
);

/// `cco project`.
pub(crate) static PROJECT: Report<Group<Arc<str>>> = groups!(
    "projects",
    Arc<str>,
    [
        field("project", |row| Some(text::whole_project(&row.key))),
        field("path", |row| Some(row.key.to_string())),
        field("lastActivity", |row| Some(text::iso(row.last)))
    ],
    [
        squeezed("Project", 0, Squeeze::Before(8, Keep::End), |row, _| text::project_path(&row.key)),
        last_call(3, |row| row.last)
    ]
);

/// `cco branch`.
pub(crate) static BRANCH: Report<Group<Branch>> = groups!(
    "branches",
    Branch,
    [
        field("project", |row| Some(text::whole_project(&row.key.project))),
        field("branch", |row| Some(row.key.branch.to_string())),
        field("path", |row| Some(row.key.project.to_string())),
        field("lastActivity", |row| Some(text::iso(row.last)))
    ],
    [
        Column::project(2, |row| &row.key.project),
        squeezed("Branch", 0, Squeeze::Before(4, Keep::End), |row, _| known(&row.key.branch)),
        last_call(3, |row| row.last)
    ]
);

/// `cco model`.
pub(crate) static MODEL: Report<Group<Model>> = Report {
    list: "models",
    fields: &[
        field("model", |row| Some(row.key.name.to_string())),
        field("tier", |row| (!row.key.tier.is_empty()).then(|| row.key.tier.clone())),
        field("lastActivity", |row| Some(text::iso(row.last))),
    ],
    columns: &[
        squeezed("Model", 0, Squeeze::Before(4, Keep::Start), |row, _| known(&row.key.name)),
        left("Tier", 9, |row, _| row.key.tier.clone()),
        last_call(7, |row| row.last),
        calls(8),
        input(6),
        output(5),
        cache_write(7),
        cache_read(7),
        total_tokens(4),
        cost(),
    ],
    sums: |row| row.sums,
    models: |row| &row.models,
    style: |_| Style::new(),
};

/// `cco model --by agent` and the like.
macro_rules! workers {
    ($list:literal, $wire:literal, $header:literal, $nobody:literal) => {
        groups!(
            $list,
            String,
            [
                field($wire, |row| (!row.key.is_empty()).then(|| row.key.clone())),
                field("lastActivity", |row| Some(text::iso(row.last)))
            ],
            [
                squeezed($header, 0, Squeeze::Before(4, Keep::End), |row, _| {
                    if row.key.is_empty() { $nobody.to_owned() } else { text::name(&row.key) }
                }),
                last_call(7, |row| row.last)
            ]
        )
    };
}

/// `cco model --by agent`.
pub(crate) static AGENT: Report<Group<String>> = workers!("agents", "agent", "Agent", "(main thread)");
/// `cco model --by skill`.
pub(crate) static SKILL: Report<Group<String>> = workers!("skills", "skill", "Skill", "(no skill)");
/// `cco model --by plugin`.
pub(crate) static PLUGIN: Report<Group<String>> = workers!("plugins", "plugin", "Plugin", "(no plugin)");

/// `cco session`.
pub(crate) static SESSION: Report<SessionRow> = Report {
    list: "sessions",
    fields: &[
        field("sessionId", |row| Some(row.session.to_string())),
        field("projectPath", |row| Some(row.project_path.to_string())),
        field("firstActivity", |row| Some(text::iso(row.first))),
        field("lastActivity", |row| Some(text::iso(row.last))),
    ],
    columns: &[
        squeezed("Session", 0, Squeeze::Id, |row, _| text::clean(&row.session).into_owned()),
        Column::project(2, |row| &row.project_path),
        last_call(3, |row| row.last),
        models_of(9, |row: &SessionRow| &row.models),
        calls(8),
        input(6),
        output(5),
        cache_write(7),
        cache_read(7),
        total_tokens(4),
        cost(),
    ],
    sums: |row| row.sums,
    models: |row| &row.models,
    style: |_| Style::new(),
};

const fn last_call<R>(drop: u8, last: fn(&R) -> Timestamp) -> Column<R> {
    Column::time("Last call", drop, last)
}

fn month(first: Date) -> String {
    first.strftime("%Y-%m").to_string()
}

fn known(name: &str) -> String {
    if name.is_empty() { "unknown".to_owned() } else { text::name(name) }
}
