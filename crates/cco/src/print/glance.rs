//! Today at a glance, for people.
//!
//! Must not: query anything; show a number without saying what it covers.

use cco_engine::report::{BlockRow, Glance};
use cco_model::sums::Sums;
use comfy_table::CellAlignment::{Left, Right};
use jiff::Zoned;
use jiff::civil::Weekday;

use super::table::{align, per_minute};
use super::{FAINT, STRONG, styled, text};

/// The whole page.
pub(crate) fn render(glance: &Glance, now: &Zoned) -> String {
    if glance.calls_ever == 0 {
        return "Nothing yet: the transcripts hold no calls. Use Claude Code, then look again.\n".to_owned();
    }
    let mut page = spans(glance, now);
    if let (0, Some(last)) = (glance.today.sums.calls, glance.last_call) {
        let last = text::minute(last, now.time_zone());
        page += &format!("{}\n", styled(FAINT, &format!("no calls today; the last one was at {last}")));
    }
    let project = |(path, sums): &(String, Sums)| (project_name(glance, path), *sums);
    page += &ranking("Projects this week", glance.projects.iter().map(project));
    let model = |model: &cco_engine::report::ModelSums| (text::name(&model.model), model.sums);
    page += &ranking("Models this week", glance.models.iter().map(model));
    page
}

/// Today, this block with its speed, this week.
fn spans(glance: &Glance, now: &Zoned) -> String {
    let mut lines = vec![span_line("Today", now.strftime("%a %-d %b").to_string(), &glance.today.sums)];
    lines.push(match &glance.block {
        Some(block) => span_line(
            "This block",
            block.end.map_or_else(String::new, |end| format!("until ~{}", text::clock(end, now))),
            &block.sums,
        ),
        None => vec![
            "This block".to_owned(),
            "none is running".to_owned(),
            String::new(),
            String::new(),
            String::new(),
        ],
    });
    lines.push(span_line("This week", format!("from {}", monday(now)), &glance.week));
    let mut page = String::new();
    for (index, line) in align(&lines, &[Left, Left, Right, Right, Right]).iter().enumerate() {
        let line = if index == 0 { styled(STRONG, line) } else { line.clone() };
        page += &format!("{line}\n");
        if let (1, Some(block)) = (index, &glance.block) {
            page += &block_speed(block, now);
        }
    }
    page
}

fn span_line(what: &str, when: String, sums: &Sums) -> Vec<String> {
    vec![
        what.to_owned(),
        when,
        text::cost(sums),
        text::plural(sums.calls, "call", "calls"),
        format!("{} tokens", text::count(sums.tokens.total())),
    ]
}

fn monday(now: &Zoned) -> String {
    let days = i64::from(now.date().weekday().since(Weekday::Monday));
    let monday = now.date().checked_sub(jiff::Span::new().days(days));
    monday.map_or_else(|_| String::new(), |day| day.strftime("%a %-d %b").to_string())
}

/// How fast the block goes and where it ends up; both are estimates.
fn block_speed(block: &BlockRow, now: &Zoned) -> String {
    let cost = |amount| text::derived_cost(amount, &block.sums);
    let mut parts = Vec::new();
    if let Some(rate) = &block.burn_rate_recent {
        parts.push(format!("last 30 min {}/h, {} tokens/min", cost(rate.cost_per_hour), per_minute(rate)));
    }
    if let Some(rate) = &block.burn_rate {
        parts.push(format!("whole block {}/h, {} tokens/min", cost(rate.cost_per_hour), per_minute(rate)));
    }
    if let (Some(projection), Some(end)) = (&block.projection, block.end) {
        let left = text::duration(projection.remaining_minutes);
        let end = text::clock(end, now);
        parts.push(format!("~{} by {end}, in {left}", cost(projection.total_cost)));
    }
    parts.iter().map(|part| format!("  {}\n", styled(FAINT, part))).collect()
}

fn ranking(title: &str, rows: impl Iterator<Item = (String, Sums)>) -> String {
    let row = |(name, sums): (String, Sums)| {
        vec![format!("  {name}"), text::cost(&sums), format!("{} tokens", text::count(sums.tokens.total()))]
    };
    let rows: Vec<Vec<String>> = rows.map(row).collect();
    if rows.is_empty() {
        return String::new();
    }
    let lines = align(&rows, &[Left, Right, Right]).join("\n");
    format!("\n{}\n{lines}\n", styled(STRONG, title))
}

/// A project's last name, or its path where two share the name.
fn project_name(glance: &Glance, path: &str) -> String {
    let name = text::project(path);
    let namesakes = glance.projects.iter().filter(|(other, _)| text::project(other) == name).count();
    if namesakes > 1 && !path.is_empty() { text::clean(path).into_owned() } else { name }
}
