//! Today at a glance, for people.
//!
//! Must not: query anything; show a number without saying what it covers.

use std::sync::Arc;

use cco_engine::limits::AccountLimits;
use cco_engine::report::{BlockRow, Glance, Group, ModelSums};
use cco_model::sums::Sums;
use jiff::civil::Weekday;
use jiff::{Timestamp, Zoned};

use super::blocks::per_minute;
use super::fit::{Keep, Squeeze, wrap};
use super::json::total;
use super::names::ProjectNames;
use super::table::{align, number, word};
use super::{STRONG, limits, styled, text};

/// Blanks before what belongs to the line above.
const INDENT: &str = "  ";

/// How many of the dearest projects and models are named.
const NAMED: usize = 5;
/// Below this width models go by their short names.
const NARROW: usize = 60;

/// The whole page, for a terminal of this width; none: no limit.
pub(crate) fn render(glance: &Glance, limits: &[AccountLimits], now: &Zoned, room: Option<usize>) -> String {
    let lines = limits::glance::lines(limits, room);
    let gap = if lines.is_empty() { "" } else { "\n" };
    let reset = limits::glance::told_reset(limits);
    wrap(&format!("{lines}{gap}{}", page(glance, reset, now, room)), room)
}

fn page(glance: &Glance, reset: Option<Timestamp>, now: &Zoned, room: Option<usize>) -> String {
    if glance.calls_ever == 0 {
        return "Nothing yet: the transcripts hold no calls. Use Claude Code, then look again.\n".to_owned();
    }
    let mut page = spans(glance, reset, now, room);
    if let (0, Some(last)) = (glance.today.sums.calls, glance.last_call) {
        let ahead = last > now.timestamp();
        let last = text::minute(last, now.time_zone());
        let words = if ahead {
            format!("no calls today; some are dated ahead of now, the last one {last}")
        } else {
            format!("no calls today; the last one was at {last}")
        };
        page += &format!("{words}\n");
    }
    let names = ProjectNames::of(glance.projects.iter().map(|group| &*group.key));
    let project = |group: &Group<Arc<str>>| (names.get(&group.key), group.sums);
    page += &ranking("Projects this week", Keep::End, glance.projects.iter().map(project), room);
    let narrow = room.is_some_and(|room| room < NARROW);
    let model_name = if narrow { text::short_model } else { text::name };
    let model = |model: &ModelSums| (model_name(&model.model), model.sums);
    page += &ranking("Models this week", Keep::Start, glance.models.iter().map(model), room);
    page
}

/// Today, this block with its speed, this week. Where the end of Claude's own window was told, it stands instead of the
/// block's.
fn spans(glance: &Glance, reset: Option<Timestamp>, now: &Zoned, room: Option<usize>) -> String {
    let mut lines = vec![span_line("Today", now.strftime("%a %-d %b").to_string(), &glance.today.sums)];
    lines.push(match &glance.block {
        Some(block) => span_line(
            "This block",
            match (reset, block.end) {
                (Some(reset), _) => format!("resets {}, as told", text::clock(reset, now)),
                (None, Some(end)) => format!("until ~{}", text::clock(end, now)),
                (None, None) => String::new(),
            },
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
    let columns =
        [word(0, Squeeze::Last(Keep::Start)), word(1, Squeeze::Never), number(0), number(3), number(2)];
    let mut page = String::new();
    for (index, line) in align(lines, &columns, room).iter().enumerate() {
        let line = if index == 0 { styled(STRONG, line) } else { line.clone() };
        page += &format!("{line}\n");
        if let (1, Some(block)) = (index, &glance.block) {
            page += &speed(block);
            // Where another end was told, nothing is reckoned to the block's own.
            page += &if reset.is_none() { outlook(block, now) } else { String::new() };
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
pub(crate) fn block_speed(block: &BlockRow, now: &Zoned) -> String {
    speed(block) + &outlook(block, now)
}

fn speed(block: &BlockRow) -> String {
    let mut parts = Vec::new();
    if let Some(rate) = &block.burn_rate_recent {
        parts.push(format!("last 30 min {}/h, {} tokens/min", text::cost_per_hour(rate), per_minute(rate)));
    }
    if let Some(rate) = &block.burn_rate {
        parts.push(format!("whole block {}/h, {} tokens/min", text::cost_per_hour(rate), per_minute(rate)));
    }
    parts.iter().map(|part| format!("{INDENT}{part}\n")).collect()
}

fn outlook(block: &BlockRow, now: &Zoned) -> String {
    let (Some(projection), Some(end)) = (&block.projection, block.end) else { return String::new() };
    let left = text::duration(projection.remaining_minutes);
    let (cost, end) = (text::derived_cost(projection.total_cost, &block.sums), text::clock(end, now));
    let tokens = text::count(projection.total_tokens);
    format!("{INDENT}~{cost} and ~{tokens} tokens by {end}, in {left}\n")
}

fn ranking(
    title: &str,
    keep: Keep,
    rows: impl Iterator<Item = (String, Sums)>,
    room: Option<usize>,
) -> String {
    let row = |(name, sums): (String, Sums)| {
        vec![name, text::cost(&sums), format!("{} tokens", text::count(sums.tokens.total()))]
    };
    let mut named: Vec<(String, Sums)> = rows.collect();
    if named.is_empty() {
        return String::new();
    }
    let more = named.split_off(named.len().min(NAMED));
    if !more.is_empty() {
        named.push((format!("and {} more", more.len()), total(more.iter().map(|(_, sums)| *sums))));
    }
    let rows: Vec<Vec<String>> = named.into_iter().map(row).collect();
    let columns = [word(0, Squeeze::Before(1, keep)), number(0), number(1)];
    let room = room.map(|room| room.saturating_sub(INDENT.len()));
    let lines: String = align(rows, &columns, room).iter().map(|line| format!("{INDENT}{line}\n")).collect();
    format!("\n{}\n{lines}", styled(STRONG, title))
}

#[cfg(test)]
mod tests {
    use cco_engine::report::BurnRate;
    use cco_model::money::NanoUsd;
    use cco_model::tokens::Tokens;

    use super::*;

    fn group<K>(key: K, sums: Sums) -> Group<K> {
        Group { key, sums, models: Vec::new(), last: jiff::Timestamp::UNIX_EPOCH }
    }

    /// A week of seven projects and models, the last two of them without a price.
    fn busy_week() -> Glance {
        let sums = |number: i64| Sums {
            calls: 1,
            cost: NanoUsd(if number < 6 { 9_000_000_000 - number * 1_000_000_000 } else { 0 }),
            tokens: Tokens { output: 100, ..Tokens::default() },
            unpriced_calls: u64::from(number >= 6),
            unpriced_tokens: if number >= 6 { 100 } else { 0 },
            ..Sums::default()
        };
        let week = total((1..=7).map(sums));
        Glance {
            today: group(jiff::civil::date(2026, 10, 20), week),
            week,
            block: None,
            projects: (1..=7)
                .map(|number| group(format!("/code/project-{number}").into(), sums(number)))
                .collect(),
            models: (1..=7)
                .map(|number| ModelSums { model: format!("model-{number}").into(), sums: sums(number) })
                .collect(),
            last_call: None,
            calls_ever: 7,
        }
    }

    #[test]
    fn what_is_cut_is_said_and_still_adds_up() {
        let now: Zoned = "2026-10-20T12:00:00[UTC]".parse().expect("a time");
        let page = anstream::adapter::strip_str(&render(&busy_week(), &[], &now, None)).to_string();
        insta::assert_snapshot!(page, @r"
        Today       Tue 20 Oct       $30.00+?  7 calls  700 tokens
        This block  none is running
        This week   from Mon 19 Oct  $30.00+?  7 calls  700 tokens

        Projects this week
          project-1   $8.00  100 tokens
          project-2   $7.00  100 tokens
          project-3   $6.00  100 tokens
          project-4   $5.00  100 tokens
          project-5   $4.00  100 tokens
          and 2 more      ?  200 tokens

        Models this week
          model-1     $8.00  100 tokens
          model-2     $7.00  100 tokens
          model-3     $6.00  100 tokens
          model-4     $5.00  100 tokens
          model-5     $4.00  100 tokens
          and 2 more      ?  200 tokens
        ");
    }

    #[test]
    fn a_speed_is_as_unknown_as_the_calls_that_it_is_taken_from() {
        let rate = |calls, unpriced_calls| BurnRate {
            milli_tokens_per_minute: 1_000_000,
            cost_per_hour: NanoUsd(0),
            calls,
            unpriced_calls,
        };
        let told = |recent| {
            let block = BlockRow {
                start: Timestamp::UNIX_EPOCH,
                end: None,
                last: None,
                active: true,
                gap: false,
                sums: Sums { calls: 9, unpriced_calls: 2, ..Sums::default() },
                models: Vec::new(),
                burn_rate: None,
                burn_rate_recent: Some(recent),
                projection: None,
            };
            speed(&block)
        };
        assert_eq!(told(rate(0, 0)), "  last 30 min $0.00/h, 1,000 tokens/min\n", "no calls cost nothing");
        assert_eq!(told(rate(2, 2)), "  last 30 min ?/h, 1,000 tokens/min\n");
        assert_eq!(told(rate(2, 1)), "  last 30 min $0.00+?/h, 1,000 tokens/min\n");
    }

    #[test]
    fn json_is_whole() {
        let json: serde_json::Value =
            serde_json::from_str(&super::super::json::glance(&busy_week(), Vec::new()).expect("JSON"))
                .expect("JSON");
        let length = |key: &str| json[key].as_array().map(Vec::len);
        assert_eq!((length("projects"), length("models")), (Some(7), Some(7)));
    }
}
