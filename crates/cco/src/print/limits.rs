//! Plan limits, for people and for scripts.
//!
//! Owns bars, words and JSON keys. Must not: query anything; show a percentage without its age where that matters.

pub(crate) mod glance;
pub(crate) mod renewal;

use cco_engine::limits::{AccountLimits, WindowLimits};
use cco_model::civil;
use cco_model::limit::login::{Login, Reason};
use cco_model::limit::mark::Mark;
use cco_model::limit::pace::Pace;
use cco_model::limit::shown::Value;
use cco_model::limit::{Source, Window};
use jiff::Zoned;
use serde_json::{Value as Json, json};

use super::fit::{Column, Keep, Squeeze, width, wrap};
use super::table::{align, number, word};
use super::{BAD, FAINT, NEAR, STRONG, styled, text};
use crate::args::Guard;
use crate::choose;
use crate::error::CliError;

const INDENT: &str = "  ";
/// From so many percent on a window is shown as near its end, and as at it.
const NEAR_PERCENT: i32 = 75;
const FULL_PERCENT: i32 = 90;

/// The page for a terminal of this width; none: no limit.
pub(crate) fn render(limits: &[AccountLimits], now: &Zoned, room: Option<usize>) -> String {
    let inner = room.map(|room| room.saturating_sub(INDENT.len()));
    let bar = match room {
        Some(..84) => 6,
        Some(84..110) => 10,
        _ => 20,
    };
    let form = Form { bar, marks: widest_mark(limits), is_narrow: room.is_some_and(|room| room < NARROW) };
    let windows = || limits.iter().flat_map(|known| &known.windows);
    // All accounts in one, so that their columns stand below each other.
    let lines = windows().map(|window| window_line(window, &form, now)).collect();
    let drawn: Vec<String> = align(lines, &COLUMNS, inner)
        .iter()
        .zip(windows())
        .map(|(line, window)| format!("{INDENT}{}\n", emphasised(line, window)))
        .collect();
    let mut rest = drawn.as_slice();
    let mut pages = Vec::new();
    for (known, label) in limits.iter().zip(labels(limits)) {
        let (own, others) = rest.split_at(known.windows.len());
        rest = others;
        pages.push(title(known, &label) + &own.concat() + &remarks(known, now, room));
    }
    pages.join("\n")
}

/// How the lines of a page are drawn.
struct Form {
    /// Columns of a bar.
    bar: usize,
    /// Columns of the widest mark: percent signs stand below each other, whatever follows them.
    marks: usize,
    /// Words are short.
    is_narrow: bool,
}

/// Below this width words are short.
const NARROW: usize = 70;

fn widest_mark(limits: &[AccountLimits]) -> usize {
    let marks = limits.iter().flat_map(|known| &known.windows).map(|one| width(one.shown.mark.symbol()));
    marks.max().unwrap_or(0)
}

/// A mark as wide as the widest.
fn padded(mark: Mark, wide: usize) -> String {
    format!("{mark}{}", " ".repeat(wide.saturating_sub(width(mark.symbol()))))
}

/// Name, bar, percent, time left, moment of the reset, pace, source, age: where it is narrow, the highest number goes
/// first.
const COLUMNS: [Column; 8] = [
    word(0, Squeeze::Before(2, Keep::Start)),
    word(3, Squeeze::Never),
    number(0),
    word(0, Squeeze::Last(Keep::Start)),
    word(4, Squeeze::Never),
    word(2, Squeeze::Never),
    word(5, Squeeze::Never),
    word(1, Squeeze::Never),
];

/// The page for a terminal of this size, to be looked at again and again: on a low one a line for each account, the
/// fullest first.
pub(crate) fn watched(
    limits: &[AccountLimits],
    now: &Zoned,
    columns: Option<usize>,
    rows: Option<usize>,
) -> String {
    let foot = |more: &str| styled(FAINT, &format!("{}   q ends{more}", now.strftime("%H:%M:%S")));
    if limits.is_empty() {
        let words = "No account of Claude Code was seen on this machine yet; cco keeps looking.\n\
                     Log in with Claude Code, or name its directory: `cco accounts add DIR`\n";
        return format!("{}\n{}\n", wrap(words, columns), foot(""));
    }
    let page = render(limits, now, columns);
    let rows = rows.unwrap_or(usize::MAX);
    if page.lines().count() + 2 <= rows {
        return format!("{page}\n{}\n", foot(""));
    }
    let mut fullest_first: Vec<AccountLimits> = limits.to_vec();
    fullest_first.sort_by_key(|known| std::cmp::Reverse(glance::fullest(known)));
    let page = glance::lines_of_all(&fullest_first, columns);
    let lines: Vec<&str> = page.lines().collect();
    let shown = lines.len().min(rows.saturating_sub(1).max(1));
    let more = match lines.len() - shown {
        0 => String::new(),
        more => format!("   {more} more"),
    };
    format!("{}\n{}", lines[..shown].join("\n"), foot(&more))
}

/// What just happened, below a page that is looked at again and again.
pub(crate) fn notes<'w>(words: impl Iterator<Item = &'w str>, room: Option<usize>) -> String {
    words.map(|words| wrap(&format!("{}\n", styled(FAINT, &text::clean(words))), room)).collect()
}

/// What the accounts are called.
pub(crate) fn labels(limits: &[AccountLimits]) -> Vec<String> {
    choose::account_labels(&limits.iter().map(|known| &known.account).collect::<Vec<_>>())
}

fn title(known: &AccountLimits, label: &str) -> String {
    let email = text::name(&known.account.email);
    let email = if known.account.name.is_empty() { String::new() } else { format!("  {email}") };
    format!("{}{}\n", styled(STRONG, label), styled(FAINT, &email))
}

/// Red and yellow for what is nearly used up, faint for what says nothing.
fn emphasised(line: &str, window: &WindowLimits) -> String {
    let style = match window.shown.value {
        Value::Open { percent: Some(percent), .. } if percent.whole() >= FULL_PERCENT => BAD,
        Value::Open { percent: Some(percent), .. } if percent.whole() >= NEAR_PERCENT => NEAR,
        Value::Trouble(_) => BAD,
        Value::Reset | Value::NotStarted => FAINT,
        _ => return line.to_owned(),
    };
    styled(style, line)
}

/// What it is called, how full, when it ends, how it goes on, and who says so.
fn window_line(window: &WindowLimits, form: &Form, now: &Zoned) -> Vec<String> {
    let (bar, mark) = (form.bar, padded(window.shown.mark, form.marks));
    let (drawn, percent) = match window.shown.value {
        Value::Open { percent: Some(percent), .. } => {
            (drawn(percent.tenths(), bar), format!("{}%{mark}", percent.whole()))
        }
        Value::NotStarted => (drawn(0, bar), format!("0%{mark}")),
        Value::Open { percent: None, .. } => (String::new(), format!("?{mark}")),
        Value::Reset | Value::Local { .. } | Value::Trouble(_) => (String::new(), mark),
    };
    let is_full = matches!(window.shown.value, Value::Open { percent: Some(it), .. } if it.whole() >= 100);
    let pace = window.pace.as_ref().map_or_else(String::new, |pace| pace_words(pace, is_full, form, now));
    let (left, at) = when(window, form, now);
    let (source, age) = origin(window, now);
    vec![name(&window.shown.window), drawn, percent, left, at, pace, source, age]
}

/// A window's name for people.
fn name(window: &Window) -> String {
    match window {
        Window::FiveHour => "5 hours".to_owned(),
        Window::SevenDay => "7 days".to_owned(),
        Window::SevenDayModel(model) => format!("7 days {}", text::name(model)),
        Window::Other(other) => text::name(&other.replace('_', " ")),
    }
}

fn drawn(tenths: i32, bar: usize) -> String {
    let tenths = usize::try_from(tenths.clamp(0, 1_000)).unwrap_or(0);
    let filled = tenths * bar / 1_000;
    format!("{}{}", "█".repeat(filled), "░".repeat(bar - filled))
}

/// The time left, and the moment of the end.
fn when(window: &WindowLimits, form: &Form, now: &Zoned) -> (String, String) {
    let alone = |words: &str| (words.to_owned(), String::new());
    match window.shown.value {
        Value::Open { left_ms: Some(left), .. } => {
            let end = window.current.and_then(|current| current.resets_at_ms);
            let left = long_duration(left / 60_000);
            (
                if form.is_narrow { format!("{left} left") } else { format!("resets in {left}") },
                end.map_or_else(String::new, |end| moment(end, now)),
            )
        }
        Value::Open { left_ms: None, .. } => alone("no reset told"),
        Value::NotStarted => alone("begins with the next use"),
        Value::Reset => alone("was reset; nothing newer is known"),
        Value::Local { left_ms, tokens, .. } => {
            let end = text::duration(left_ms / 60_000);
            alone(&format!("~{} tokens here, block ends in ~{end}", text::count(tokens)))
        }
        Value::Trouble(trouble) => alone(&trouble.long(now.time_zone())),
    }
}

/// Days and hours where there are days: nobody counts in 71 hours.
fn long_duration(minutes: u64) -> String {
    match (minutes / 1_440, minutes / 60 % 24) {
        (0, _) => text::duration(minutes),
        (days, hours) => format!("{days} d {hours:02} h"),
    }
}

fn moment(at_ms: i64, now: &Zoned) -> String {
    text::clock(civil::timestamp(at_ms), now)
}

/// A window that was not full when it was looked at is not said to be full: that is a guess from its pace.
fn pace_words(pace: &Pace, is_full: bool, form: &Form, now: &Zoned) -> String {
    match pace.full_at_ms {
        _ if is_full => "used up".to_owned(),
        Some(full) if full <= now.timestamp().as_millisecond() => "~full by now".to_owned(),
        Some(full) => {
            let at = moment(full, now);
            // Of another day the day is enough where it is narrow.
            let at = if form.is_narrow { at.split(' ').next().unwrap_or_default() } else { &at };
            format!("~full {at}")
        }
        None if form.is_narrow => format!("~{}%", nearest_percent(pace.tenths_at_reset)),
        None => format!("~{}% by then", nearest_percent(pace.tenths_at_reset)),
    }
}

/// An estimate is rounded, and yet nothing is said to be full that stays below.
fn nearest_percent(tenths: i64) -> i64 {
    match tenths {
        995..1_000 => 99,
        _ => tenths.saturating_add(5).div_euclid(10),
    }
}

/// Who says so, and how long ago.
fn origin(window: &WindowLimits, now: &Zoned) -> (String, String) {
    let Some(current) = window.current else {
        let local = matches!(window.shown.value, Value::Local { .. });
        return (if local { "this machine" } else { "" }.to_owned(), String::new());
    };
    let source = match current.source {
        Source::Manual => "typed",
        Source::HotSwap => "switcher",
        Source::ClaudeCache | Source::Stdin => "Claude Code",
        Source::Endpoint => "service",
    };
    let age = current.age_ms(now.timestamp().as_millisecond());
    let age = age.map_or_else(|| "age unknown".to_owned(), |age| ago(age / 60_000));
    (source.to_owned(), age)
}

fn ago(minutes: u64) -> String {
    if minutes == 0 { "just now".to_owned() } else { format!("{} ago", long_duration(minutes)) }
}

/// What else is to be said of an account: a dead login, what went wrong when asking.
fn remarks(known: &AccountLimits, now: &Zoned, room: Option<usize>) -> String {
    let mut remarks = Vec::new();
    if let Login::NeedsLogin { reason, since_ms } = known.login {
        let (what, since) = (dead_words(reason), moment(since_ms, now));
        let words = format!("{} {what}, since {since}: {LOG_IN}", Mark::Critical);
        remarks.push(styled(BAD, &words));
    }
    if let Some(trouble) = known.trouble.filter(|_| !known.login.is_dead()) {
        let again = next_try(known, now).map_or_else(String::new, |again| format!("; next try {again}"));
        remarks.push(styled(FAINT, &format!("not newer: {}{again}", trouble.long(now.time_zone()))));
    }
    if known.directories.is_empty() {
        remarks.push(styled(FAINT, NOBODY));
    } else if known.is_logged_out && !known.login.is_dead() {
        remarks.push(styled(BAD, &format!("{} {NOT_HERE}: {LOG_IN}", Mark::Critical)));
    }
    if known.windows.is_empty() {
        remarks.push(styled(FAINT, "nothing is known of its limits"));
    }
    if let Some((at_ms, why)) = &known.attempts.last_failure
        && known.attempts.last_success_ms.is_none_or(|success| success < *at_ms)
    {
        let success = known.attempts.last_success_ms;
        let success = success.map_or_else(|| "never".to_owned(), |at_ms| moment(at_ms, now));
        // Where a trouble is told, the next try is told with it.
        let again = next_try(known, now).filter(|_| known.trouble.is_none());
        let again = again.map_or_else(String::new, |again| format!("; next try {again}"));
        let words = format!(
            "asked last {}: {}; last answer: {success}{again}",
            moment(*at_ms, now),
            text::clean(why)
        );
        remarks.push(styled(FAINT, &words));
    }
    remarks.iter().map(|words| wrap(&format!("{INDENT}{words}\n"), room)).collect()
}

/// When the service may be asked again, and in how long; none: at once.
pub(crate) fn next_try(known: &AccountLimits, now: &Zoned) -> Option<String> {
    let wait_ms = known.next_try_ms? - now.timestamp().as_millisecond();
    // A minute that has begun is a minute to wait.
    let minutes = u64::try_from(wait_ms).ok().filter(|wait| *wait > 0)?.div_ceil(60_000);
    Some(format!("{} (in {})", moment(known.next_try_ms?, now), long_duration(minutes)))
}

/// What mends a dead login.
const LOG_IN: &str = "run `claude /login`";
/// A directory holds the account, and no login of it.
pub(crate) const NOT_HERE: &str = "its login is not on this machine";
/// No directory holds the account.
const NOBODY: &str = "nobody is logged in with it on this machine now";

/// Why only its user can bring newer numbers of an account; none: they come by themselves.
fn no_newer(known: &AccountLimits) -> Option<String> {
    match known.login {
        Login::NeedsLogin { reason, .. } => Some(format!("{}: {LOG_IN}", dead_words(reason))),
        _ if known.directories.is_empty() => Some(NOBODY.to_owned()),
        _ => known.is_logged_out.then(|| format!("{NOT_HERE}: {LOG_IN}")),
    }
}

fn dead_words(reason: Reason) -> &'static str {
    match reason {
        Reason::Unauthorized | Reason::SessionEnded => "its login has ended",
        Reason::Forbidden => "its login may not ask for limits",
        Reason::LoggedOut => "nobody is logged in",
    }
}

/// How a window stands against its guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// Below, and the number is new enough to say so.
    Below,
    /// Too old, or not there.
    CannotTell,
    /// At it or over.
    Reached,
}

/// Judges every account by a guard, each with words. Use only rises within a window, so an old number that is over
/// still counts; one that is below says nothing when it is old.
pub(crate) fn judge(guard: &Guard, limits: &[AccountLimits]) -> Vec<(Verdict, String)> {
    if limits.is_empty() {
        return vec![(Verdict::CannotTell, format!("{}: there is no account to tell of", guard.window))];
    }
    limits.iter().zip(labels(limits)).map(|(known, label)| judge_account(guard, known, &label)).collect()
}

fn judge_account(guard: &Guard, known: &AccountLimits, label: &str) -> (Verdict, String) {
    let window = known.windows.iter().find(|window| window.shown.window == guard.window);
    let told = window.map(|window| (window.shown.value, window.shown.mark));
    let limit = i64::from(guard.percent) * 10;
    let was_at = |percent: i32| {
        let window = &guard.window;
        let words = match no_newer(known) {
            Some(why) => format!("{window} was at {percent}%, and whether it still is cannot be told: {why}"),
            None => format!("what is known of {window} is too old to tell"),
        };
        (Verdict::CannotTell, format!("{label}: {words}"))
    };
    match told {
        // Everything is at 0 %, or over.
        Some((Value::NotStarted, _)) if limit == 0 => {
            (Verdict::Reached, format!("{label}: {} is at 0%, guard 0%", guard.window))
        }
        Some((Value::Open { percent: Some(percent), .. }, _)) if i64::from(percent.tenths()) >= limit => {
            let words =
                format!("{label}: {} is at {}%, guard {}%", guard.window, percent.whole(), guard.percent);
            (Verdict::Reached, words)
        }
        Some((Value::Open { percent: Some(_), .. }, Mark::None | Mark::Aging)) => {
            (Verdict::Below, String::new())
        }
        Some((Value::NotStarted, Mark::None | Mark::Aging)) => (Verdict::Below, String::new()),
        Some((Value::Open { percent: Some(percent), .. }, _)) => was_at(percent.whole()),
        Some((Value::NotStarted, _)) => was_at(0),
        _ => (Verdict::CannotTell, format!("{label}: {} is not known", guard.window)),
    }
}

/// The same for scripts.
pub(crate) fn json(limits: &[AccountLimits], now: &Zoned) -> Result<String, CliError> {
    let accounts: Vec<Json> =
        limits.iter().map(|known| cco_wire::limits::account(known, now.timestamp())).collect();
    super::json::render(&json!({ "accounts": accounts }))
}

#[cfg(test)]
mod tests;
