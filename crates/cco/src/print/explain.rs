//! Where a number comes from, for people: calls down to rows and rates, groups down to calls and files.
//!
//! Owns the words for what became of a row. Must not: query anything.

mod call;

use cco_engine::explain::{CallLine, CostState, GroupStory, SessionFile, SessionStory};
use cco_engine::report::ModelSums;
use cco_model::money::NanoUsd;
use cco_model::sums::Sums;
use comfy_table::CellAlignment;
use jiff::civil::Date;
use jiff::{Timestamp, Zoned};

use super::fit::{Column, Keep, Squeeze};
use super::table::{align, number};
use super::{STRONG, styled, text};

pub(crate) use call::call;

/// Blanks before what belongs to the line above.
const INDENT: &str = "  ";
/// Models, sessions and projects that are named.
const NAMED: usize = 8;

/// Below this width models go by their short names.
const NARROW: usize = 80;

/// What a group of calls is.
pub(crate) enum Heading<'a> {
    /// A day.
    Day(Date),
    /// A project, by its path.
    Project(&'a str),
}

/// A day or a project.
pub(crate) fn group(heading: &Heading<'_>, story: &GroupStory, now: &Zoned, room: Option<usize>) -> String {
    let zone = zone_name(now);
    let title = match heading {
        Heading::Day(day) => format!("{} {day}, a day of {zone}", day.strftime("%a")),
        Heading::Project(path) => format!("Project {}", text::clean(path)),
    };
    let mut page = format!("{}\n", styled(STRONG, &title));
    let Some(span) = story.span else { return page + "no calls\n" };
    page += &totals(story, span, now);
    page += &by("By model", Keep::Start, models(&story.models, room), room);
    if !matches!(heading, Heading::Project(_)) {
        page += &by("By project", Keep::End, story.projects.iter().map(project), room);
    }
    page += &by("By session", Keep::Start, story.sessions.iter().map(session_part), room);
    page += &calls(story, now, room);
    page + &findings(story)
}

/// A session.
pub(crate) fn session(name: &str, story: &SessionStory, now: &Zoned, room: Option<usize>) -> String {
    let title = if name.is_empty() {
        "Calls without a session".to_owned()
    } else {
        format!("Session {}", text::clean(name))
    };
    let mut page = format!("{}\n", styled(STRONG, &title));
    match story.group.span {
        Some(span) => page += &totals(&story.group, span, now),
        None => page += "no calls: all that its files hold is shown under other sessions\n",
    }
    page += &cost_state(story, now);
    for url in &story.pull_requests {
        page += &format!("{INDENT}pull request {}\n", text::clean(url));
    }
    page += &by("By model", Keep::Start, models(&story.group.models, room), room);
    page += &by("By project", Keep::End, story.group.projects.iter().map(project), room);
    page += &calls(&story.group, now, room);
    page += &files(story);
    page + &findings(&story.group)
}

/// An answer and its advisors, as a list to choose from.
pub(crate) fn answers(calls: &[CallLine], now: &Zoned, room: Option<usize>) -> String {
    call_lines(calls, now, room)
}

/// What it costs, how many calls and tokens it has, from when to when.
fn totals(story: &GroupStory, (first, last): (Timestamp, Timestamp), now: &Zoned) -> String {
    let sums = &story.sums;
    let tokens = &sums.tokens;
    let time = |time: Timestamp| text::minute(time, now.time_zone());
    let mut lines = vec![
        ("cost", exact_cost(sums)),
        ("calls", text::count(sums.calls)),
        ("from", format!("{} to {} ({})", time(first), time(last), zone_name(now))),
        ("input", text::count(tokens.input)),
        ("output", text::count(tokens.output)),
        (
            "cache write",
            format!(
                "{} for 5 min, {} for 1 h",
                text::count(tokens.cache_write_5m),
                text::count(tokens.cache_write_1h)
            ),
        ),
        ("cache read", text::count(tokens.cache_read)),
        ("tokens", text::count(tokens.total())),
    ];
    if sums.web_search > 0 {
        lines.push(("web searches", text::count(sums.web_search)));
    }
    lines.push(("cache saved", exact(sums.savings)));
    if sums.unpriced_calls > 0 {
        let calls = text::plural(sums.unpriced_calls, "call", "calls");
        let tokens = text::plural(sums.unpriced_tokens, "token", "tokens");
        lines.push(("no price", format!("{calls} with {tokens}; their cost is not in the total")));
    }
    labelled(&lines)
}

/// Lines of a label and what it says, the labels as wide as the widest.
fn labelled(lines: &[(&str, String)]) -> String {
    let widest = lines.iter().map(|(label, _)| label.len()).max().unwrap_or_default();
    lines.iter().map(|(label, value)| format!("{INDENT}{label:widest$}  {value}\n")).collect()
}

/// The models of a group, by their short names where the terminal is narrow.
fn models(models: &[ModelSums], room: Option<usize>) -> impl Iterator<Item = (String, Sums)> {
    let name = if room.is_some_and(|room| room < NARROW) { text::short_model } else { text::name };
    models.iter().map(move |model| (name(&model.model), model.sums))
}

fn project((path, sums): &(String, Sums)) -> (String, Sums) {
    let name = if path.is_empty() { "unknown".to_owned() } else { text::clean(path).into_owned() };
    (name, *sums)
}

fn session_part((name, sums): &(String, Sums)) -> (String, Sums) {
    let name = if name.is_empty() { "unknown".to_owned() } else { text::clean(name).into_owned() };
    (name, *sums)
}

/// The dearest parts of a group; nothing where there is one part only and it says no more than the totals.
fn by(title: &str, keep: Keep, parts: impl Iterator<Item = (String, Sums)>, room: Option<usize>) -> String {
    let mut parts: Vec<(String, Sums)> = parts.collect();
    let rest = parts.split_off(parts.len().min(NAMED));
    if !rest.is_empty() {
        let sums = super::json::total(rest.iter().map(|(_, sums)| *sums));
        parts.push((format!("and {} more", rest.len()), sums));
    }
    let lines = parts.into_iter().map(|(name, sums)| {
        let tokens = format!("{} tokens", text::count(sums.tokens.total()));
        vec![name, text::cost(&sums), text::plural(sums.calls, "call", "calls"), tokens]
    });
    let name = Column { align: CellAlignment::Left, drop: 0, squeeze: Squeeze::Before(2, keep) };
    indented(title, lines.collect(), &[name, number(0), number(2), number(1)], room)
}

fn calls(story: &GroupStory, now: &Zoned, room: Option<usize>) -> String {
    let (shown, all) = (story.calls.len() as u64, story.sums.calls);
    if shown == 0 {
        return String::new();
    }
    let title = if shown < all {
        format!("The dearest {} of {} calls (--limit shows more)", text::count(shown), text::count(all))
    } else {
        "Calls, dearest first".to_owned()
    };
    format!("\n{}\n{}", styled(STRONG, &title), call_lines(&story.calls, now, room))
}

fn call_lines(calls: &[CallLine], now: &Zoned, room: Option<usize>) -> String {
    let lines = calls.iter().map(|call| {
        let time = Timestamp::from_millisecond(call.at_ms).unwrap_or(Timestamp::MAX);
        let time = time.to_zoned(now.time_zone().clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
        let cost = call.cost.map_or_else(|| "?".to_owned(), nine_places);
        let tokens = format!("{} tokens", text::count(call.tokens.total()));
        vec![format!("#{}", call.id), time, text::short_model(&call.model), tokens, cost]
    });
    let left = |drop| Column { align: CellAlignment::Left, drop, squeeze: Squeeze::Never };
    let columns = [left(0), left(2), left(3), number(1), number(0)];
    drawn(lines.collect(), &columns, room)
}

fn indented(title: &str, lines: Vec<Vec<String>>, columns: &[Column], room: Option<usize>) -> String {
    if lines.is_empty() {
        return String::new();
    }
    format!("\n{}\n{}", styled(STRONG, title), drawn(lines, columns, room))
}

fn drawn(lines: Vec<Vec<String>>, columns: &[Column], room: Option<usize>) -> String {
    let room = room.map(|room| room.saturating_sub(INDENT.len()));
    align(lines, columns, room).iter().map(|line| format!("{INDENT}{line}\n")).collect()
}

/// Claude Code's own number beside ours.
fn cost_state(story: &SessionStory, now: &Zoned) -> String {
    let Some(CostState { cost, at_ms, path, offset }) = &story.cost_state else { return String::new() };
    let ours = story.group.sums.cost;
    let difference = match ours.0.cmp(&cost.0) {
        std::cmp::Ordering::Equal => "the same as ours".to_owned(),
        std::cmp::Ordering::Less => format!("ours is {} less", exact(*cost - ours)),
        std::cmp::Ordering::Greater => format!("ours is {} more", exact(ours - *cost)),
    };
    let unpriced =
        if story.group.sums.unpriced_calls > 0 { ", without the calls that have no price" } else { "" };
    let when = match Timestamp::from_millisecond(*at_ms) {
        Ok(time) if *at_ms != 0 => format!(" at {}", text::minute(time, now.time_zone())),
        _ => String::new(),
    };
    let place = path.as_ref().map_or_else(String::new, |path| {
        format!("{INDENT}{INDENT}{}: byte {offset}\n", text::clean(&path.display().to_string()))
    });
    format!("{INDENT}Claude Code itself said {}{when}; {difference}{unpriced}\n{place}", exact(*cost))
}

/// The files of a session, and whose rows are in them.
fn files(story: &SessionStory) -> String {
    if story.files.is_empty() {
        return String::new();
    }
    let mut page = format!("\n{}\n", styled(STRONG, "Files"));
    let mut of_others = 0;
    for file in &story.files {
        of_others += file.rows.map_or(0, |rows| rows.rows_of_others);
        page += &format!("{INDENT}{}\n", text::clean(&file.path.display().to_string()));
        page += &format!("{INDENT}{INDENT}{}\n", file_words(file));
    }
    if of_others > 0 {
        page += &format!(
            "{INDENT}The session's totals are smaller than all rows in these files: a call that several sessions hold \
             is counted once, where it was written first.\n"
        );
    }
    page
}

fn file_words(file: &SessionFile) -> String {
    let kept = text::plural(file.kept, "call kept from it", "calls kept from it");
    match &file.rows {
        None if file.gone => format!("gone; {kept}"),
        None => format!("{kept}; not read again ({}); --all-files reads it", text::bytes(file.size)),
        Some(rows) => {
            let all = text::plural(rows.rows, "row", "rows");
            let calls = text::plural(rows.calls, "call", "calls");
            let mut words = format!("{kept}; {all} of {calls}");
            if rows.rows_of_others > 0 {
                let copies = text::plural(rows.rows_of_others, "row", "rows");
                let others = text::plural(rows.calls_of_others, "call", "calls");
                words += &format!(", of these {copies} of {others} that are shown under other sessions");
            }
            words
        }
    }
}

/// Damaged lines and odd rows of the files.
fn findings(story: &GroupStory) -> String {
    if story.findings.is_empty() {
        return String::new();
    }
    let title = "Damaged lines and odd rows in its files";
    let mut page = format!("\n{}\n", styled(STRONG, title));
    for finding in &story.findings {
        let path = finding.path.display().to_string();
        let offset = finding.offset.map_or_else(String::new, |offset| format!(": byte {offset}"));
        page += &format!("{INDENT}{}{offset}: {}\n", text::clean(&path), text::clean(&finding.what));
    }
    let more = story.findings_total.saturating_sub(story.findings.len() as u64);
    if more > 0 {
        page += &format!("{INDENT}and {} more; `cco scan -v` names them all\n", text::count(more));
    }
    page
}

/// All nine places, so that they stand under each other.
fn nine_places(amount: NanoUsd) -> String {
    let nanos = amount.0.unsigned_abs();
    let sign = if amount.0 < 0 { "-" } else { "" };
    format!("{sign}${}.{:09}", text::count(nanos / 1_000_000_000), nanos % 1_000_000_000)
}

/// An amount with all its digits: `$1,234.000000001`.
fn exact(amount: NanoUsd) -> String {
    let digits = amount.decimal();
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |digits| ("-", digits));
    let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = text::count(whole.parse().unwrap_or_default());
    // Two places at the least, since it is money.
    format!("{sign}${whole}.{places:0<2}")
}

fn exact_cost(sums: &Sums) -> String {
    match sums.unpriced_calls {
        0 => exact(sums.cost),
        all if all == sums.calls => "?".to_owned(),
        _ => format!("{}+?", exact(sums.cost)),
    }
}

fn zone_name(now: &Zoned) -> String {
    now.time_zone().iana_name().unwrap_or("this machine's zone").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_every_digit() {
        for (nanos, text) in [
            (0, "$0.00"),
            (1, "$0.000000001"),
            (255_000, "$0.000255"),
            (-1_500_000_000, "-$1.50"),
            (1_234_567_000_000_001, "$1,234,567.000000001"),
        ] {
            assert_eq!(exact(NanoUsd(nanos)), text);
        }
        for (nanos, text) in
            [(17_500_000, "$0.017500000"), (-1, "-$0.000000001"), (2_000_000_000, "$2.000000000")]
        {
            assert_eq!(nine_places(NanoUsd(nanos)), text);
        }
    }
}
