//! One call on a page: what it is, what it costs and why, and what became of each of its rows.

use std::collections::BTreeMap;

use cco_engine::explain::{CallFacts, CallStory, Place, RowStory, Searched, Verdict};
use cco_model::call::Usage;
use cco_model::price::parts::{Breakdown, Part};
use cco_model::price::{Permille, Rate};
use cco_wire::explain::words;
use comfy_table::CellAlignment;
use jiff::Zoned;

use super::{INDENT, drawn, exact, labelled, nine_places, zone_name};
use crate::print::fit::{Column, Squeeze};
use crate::print::table::number;
use crate::print::{STRONG, styled, text};

/// The whole page.
pub(crate) fn call(story: &CallStory, now: &Zoned, room: Option<usize>) -> String {
    let mut page = format!("{}\n", styled(STRONG, &format!("Call #{}", story.facts.id)));
    page += &labelled(&facts(story, now));
    page += &format!("\n{}\n", styled(STRONG, "Cost"));
    page += &cost(story, room);
    page += &format!("\n{}\n", styled(STRONG, "Rows"));
    page += &rows(story, now);
    page + &searched(story)
}

fn facts(story: &CallStory, now: &Zoned) -> Vec<(&'static str, String)> {
    let facts = &story.facts;
    let time = story.at.to_zoned(now.time_zone().clone()).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string();
    let clean = |text: &str| text::clean(text).into_owned();
    let known = |name: &str| if name.is_empty() { "unknown".to_owned() } else { clean(name) };
    let mut lines = vec![
        ("when", format!("{time} ({})", zone_name(now))),
        ("model", clean(&facts.model)),
        ("session", known(&facts.session)),
        ("project", known(&facts.project)),
    ];
    let [agent, skill, plugin, mcp_server] = &facts.attribution;
    let further = [
        ("branch", &facts.branch),
        ("agent", agent),
        ("skill", skill),
        ("plugin", plugin),
        ("MCP server", mcp_server),
        ("message", &story.message),
        ("request", &facts.request),
    ];
    lines.extend(
        further.into_iter().filter(|(_, text)| !text.is_empty()).map(|(label, text)| (label, clean(text))),
    );
    lines.push(("terms", terms(facts)));
    if facts.usage.thinking > 0 {
        lines.push(("thinking", format!("{} of the output", text::count(facts.usage.thinking))));
    }
    if let Some(tools) = tools(story) {
        lines.push(("tools", tools));
    }
    lines
}

/// What the price and the ranking depend on besides counts.
fn terms(facts: &CallFacts) -> String {
    let terms = facts.usage.terms;
    let mut words = vec![if facts.sidechain { "side thread" } else { "main thread" }.to_owned()];
    words.extend(terms.fast.then(|| "fast".to_owned()));
    words.extend(terms.us_inference.then(|| "US inference".to_owned()));
    words.extend(terms.batch.then(|| "batch".to_owned()));
    words.extend((!facts.effort.is_empty()).then(|| format!("effort {}", text::name(&facts.effort))));
    words.join(", ")
}

/// `Bash 3 (1 failed), Read`.
fn tools(story: &CallStory) -> Option<String> {
    let mut tools: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for tool in &story.tools {
        let (uses, failures) = tools.entry(&tool.name).or_default();
        *uses += 1;
        *failures += u64::from(tool.failed);
    }
    let words = tools.into_iter().map(|(name, (uses, failures))| {
        let uses = if uses > 1 { format!(" {uses}") } else { String::new() };
        let failed = if failures > 0 { format!(" ({failures} failed)") } else { String::new() };
        format!("{}{uses}{failed}", text::name(name))
    });
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then(|| words.join(", "))
}

fn cost(story: &CallStory, room: Option<usize>) -> String {
    let facts = &story.facts;
    let mut page = match &story.breakdown {
        Some(breakdown) => classes(breakdown, room),
        None => classes_without_rates(&facts.usage, room),
    };
    page += &labelled(&sum_lines(story));
    if !story.price_agrees() {
        page += &disagreement(story);
    }
    page
}

fn class_name(class: &str) -> &str {
    match class {
        "cache_write_5m" => "cache write 5 min",
        "cache_write_1h" => "cache write 1 h",
        "cache_read" => "cache read",
        other => other,
    }
}

const CLASS_COLUMNS: [Column; 4] = {
    let left = Column { align: CellAlignment::Left, drop: 0, squeeze: Squeeze::Never };
    [left, number(0), number(1), number(0)]
};

/// Each class with its tokens, its rate and what that makes.
fn classes(breakdown: &Breakdown, room: Option<usize>) -> String {
    let line = |part: &Part| {
        let rate = part.rate.map_or_else(|| "no rate".to_owned(), rate);
        let rate = if part.tokens > 0 { format!("× {rate}") } else { String::new() };
        let cost = match part.cost {
            Some(cost) if part.tokens > 0 => format!("= {}", nine_places(cost)),
            None if part.tokens > 0 && part.rate.is_none() => "= ?".to_owned(),
            _ => String::new(),
        };
        vec![class_name(part.class).to_owned(), text::count(part.tokens), rate, cost]
    };
    let mut lines: Vec<Vec<String>> = breakdown.parts.iter().map(line).collect();
    if breakdown.web_search > 0 {
        let cost =
            breakdown.web_search_cost.map_or_else(String::new, |cost| format!("= {}", nine_places(cost)));
        let each = format!("× {} each", exact(breakdown.web_search_rate));
        lines.push(vec!["web searches".to_owned(), text::count(breakdown.web_search), each, cost]);
    }
    drawn(lines, &CLASS_COLUMNS, room)
}

fn classes_without_rates(usage: &Usage, room: Option<usize>) -> String {
    let tokens = usage.tokens;
    let mut classes = vec![
        ("input", tokens.input),
        ("output", tokens.output),
        ("cache write 5 min", tokens.cache_write_5m),
        ("cache write 1 h", tokens.cache_write_1h),
        ("cache read", tokens.cache_read),
    ];
    classes.extend((usage.web_search > 0).then_some(("web searches", usage.web_search)));
    let line = |(class, count): (&str, u64)| {
        vec![class.to_owned(), text::count(count), String::new(), String::new()]
    };
    drawn(classes.into_iter().map(line).collect(), &CLASS_COLUMNS, room)
}

/// The sum and what stands beside it.
fn sum_lines(story: &CallStory) -> Vec<(&'static str, String)> {
    let facts = &story.facts;
    let mut lines = Vec::new();
    lines.push(("cost", facts.cost.map_or_else(|| "? (no price)".to_owned(), exact)));
    let agrees = story.price_agrees();
    if let Some(breakdown) = story.breakdown.as_ref().filter(|_| agrees)
        && breakdown.rounding_atto != 0
    {
        lines.push(("rounding", format!("{} nano-dollars, once", nanos(breakdown.rounding_atto))));
    }
    if facts.cost.is_some() {
        lines.push(("cache saved", exact(facts.savings)));
    }
    if let Some(logged) = facts.logged {
        lines.push(("logged", format!("{}, Claude Code's own number in the row; not used", exact(logged))));
    }
    lines.push(("rates", rates(story)));
    lines
}

/// Which rates of which list.
fn rates(story: &CallStory) -> String {
    let list = text::clean(&story.list);
    let Some(breakdown) = &story.breakdown else {
        return format!("none: list {list} does not know this model");
    };
    let mut words = vec![format!("{} of list {list}", text::name(&breakdown.priced_as))];
    let band = &breakdown.band;
    words.push(match band.history {
        None => format!("in force on {} (UTC)", breakdown.day),
        Some(valid) => {
            let from = valid.from.map_or_else(String::new, |day| format!(" from {day}"));
            let until = valid.until.map_or_else(String::new, |day| format!(" until {day}"));
            format!("those in force{from}{until}, for {} (UTC)", breakdown.day)
        }
    });
    words.extend(
        band.above_prompt_tokens
            .map(|above| format!("for prompts of more than {} tokens", text::count(above))),
    );
    words.extend(band.fast.then(|| "fast".to_owned()));
    words.extend(breakdown.us.map(|factor| format!("× {} for US inference", permille(factor))));
    words.extend(breakdown.batch.map(|factor| format!("× {} for batch", permille(factor))));
    words.join(", ")
}

/// The list of today says something else than the ledger.
fn disagreement(story: &CallStory) -> String {
    let kept = text::clean(&story.facts.price_list);
    let now = story.breakdown.as_ref().and_then(|breakdown| breakdown.total);
    let now = now.map_or_else(|| "has no price for it".to_owned(), |now| format!("makes {}", exact(now)));
    format!(
        "{INDENT}Its cost was worked out by price list {kept}. The lines above are those of the present list {}, which \
         {now}; `cco reprice --dry-run` shows what applying it would change.\n",
        text::clean(&story.list)
    )
}

/// The price of a million tokens.
fn rate(rate: Rate) -> String {
    let (whole, places) = (rate.0 / 1_000_000, format!("{:06}", rate.0 % 1_000_000));
    let places = places.trim_end_matches('0');
    let dot = if places.is_empty() { "" } else { "." };
    format!("${}{dot}{places}/M", text::count(whole))
}

/// `1.1`.
fn permille(factor: Permille) -> String {
    let places = format!("{:03}", factor.0 % 1000);
    let places = places.trim_end_matches('0');
    if places.is_empty() { (factor.0 / 1000).to_string() } else { format!("{}.{places}", factor.0 / 1000) }
}

/// Thousand-millionths of a nano-dollar as a decimal number with its sign: `+0.5`.
fn nanos(atto: i128) -> String {
    let places = format!("{:09}", atto.unsigned_abs() % 1_000_000_000);
    let places = places.trim_end_matches('0');
    let sign = if atto < 0 { "-" } else { "+" };
    format!("{sign}{}.{places}", atto.unsigned_abs() / 1_000_000_000)
}

fn rows(story: &CallStory, now: &Zoned) -> String {
    let mut page = String::new();
    let mut path = None;
    for row in &story.rows {
        if path.replace(&row.path) != Some(&row.path) {
            let name = row.path.display().to_string();
            let name =
                if name.is_empty() { "from elsewhere".to_owned() } else { text::clean(&name).into_owned() };
            page += &format!("{INDENT}{name}\n");
        }
        page += &row_line(story, row, now);
    }
    page
}

/// What became of a row, and below it what the row says.
fn row_line(story: &CallStory, row: &RowStory, now: &Zoned) -> String {
    let fate = match (row.verdict, row.place) {
        (Verdict::Kept, Place::There) => "kept".to_owned(),
        (Verdict::Kept, Place::Gone) => "kept; the file is gone, the ledger remembers".to_owned(),
        (Verdict::Kept, Place::Rewritten) => {
            "kept; the file was written anew, the row is not there any more".to_owned()
        }
        (Verdict::Kept, Place::Unreadable) => "kept; the file cannot be read now".to_owned(),
        (verdict, _) => format!("dropped: {}", words(verdict)),
    };
    let fate = if row.verdict == Verdict::Kept { styled(STRONG, &fate) } else { fate };
    let mut says = Vec::new();
    says.extend(row.at.map(|at| at.to_zoned(now.time_zone().clone()).strftime("%H:%M:%S%.3f").to_string()));
    let tokens = text::plural(row.usage.tokens.total(), "token", "tokens");
    says.push(format!("{tokens}, {} of them output", text::count(row.usage.tokens.output)));
    if row.session != story.facts.session {
        let session = if row.session.is_empty() { "unknown" } else { &row.session };
        says.push(format!("session {}", text::clean(session)));
    }
    let says = says.join("; ");
    format!("{INDENT}{INDENT}byte {} {fate}\n{INDENT}{INDENT}{INDENT}{says}\n", row.offset)
}

/// What was looked through, and how to look further.
fn searched(story: &CallStory) -> String {
    let Searched { files, bytes, files_left, bytes_left, unreadable } = &story.searched;
    let mut page = String::new();
    for (path, why) in unreadable {
        let path = path.display().to_string();
        page += &format!("{INDENT}{}: cannot be read: {}\n", text::clean(&path), text::clean(why));
    }
    let looked = format!("{} ({})", text::plural(*files, "transcript", "transcripts"), text::bytes(*bytes));
    let said = match (*files, *files_left) {
        (0, 0) => "no transcript was looked through for further rows".to_owned(),
        (_, 0) => format!("looked through {looked}: all there are"),
        (_, left) => format!(
            "looked through {looked}, the likeliest; --all-files looks through {} more ({})",
            text::count(left),
            text::bytes(*bytes_left)
        ),
    };
    page + &format!("{INDENT}{said}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_factors_have_no_digit_too_many() {
        for (pico, text) in [
            (5_000_000, "$5/M"),
            (3_750_000, "$3.75/M"),
            (25_000, "$0.025/M"),
            (0, "$0/M"),
            (1_234_000_000, "$1,234/M"),
        ] {
            assert_eq!(rate(Rate(pico)), text);
        }
        assert_eq!(
            (permille(Permille(1_100)), permille(Permille::HALF)),
            ("1.1".to_owned(), "0.5".to_owned())
        );
        assert_eq!(nanos(500_000_000), "+0.5");
        assert_eq!(nanos(-1), "-0.000000001");
    }
}
