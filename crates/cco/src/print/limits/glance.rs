//! Limits in one line for each account, for the glance.
//!
//! Must not: query anything; show an account that this machine does not hold.

use cco_engine::limits::{AccountLimits, WindowLimits};
use cco_model::civil;
use cco_model::limit::login::{Login, Reason};
use cco_model::limit::mark::Mark;
use cco_model::limit::shown::Value;
use cco_model::limit::{Source, Window};
use jiff::{Timestamp, Zoned};
use serde_json::Value as Json;

use super::super::fit::{self, Column, GUTTER, Keep, Squeeze};
use super::super::table::{align, word};
use super::super::{BAD, FAINT, NEAR, styled};
use super::{FULL_PERCENT, INDENT, LOG_IN, NEAR_PERCENT, dead_words, long_duration, name, padded};
use crate::choose::account_label;

const TITLE: &str = "Limits";

/// Title, account, five hours with their reset, the week with its, what else is nearly used up: where it is narrow, the
/// highest number goes first.
const COLUMNS: [Column; 7] = [
    word(2, Squeeze::Never),
    word(0, Squeeze::Before(1, Keep::Start)),
    word(0, Squeeze::Never),
    word(4, Squeeze::Never),
    word(0, Squeeze::Never),
    word(5, Squeeze::Never),
    word(3, Squeeze::Never),
];

/// A line for each account that is on this machine and of which something is known; nothing where there is none.
pub(crate) fn lines(limits: &[AccountLimits], room: Option<usize>) -> String {
    draw(&limits.iter().filter(|known| is_shown(known)).collect::<Vec<_>>(), room, NoRoom::Below)
}

/// A line for each account.
pub(super) fn lines_of_all(limits: &[AccountLimits], room: Option<usize>) -> String {
    draw(&limits.iter().collect::<Vec<_>>(), room, NoRoom::LeftOut)
}

/// Where windows go that are nearly used up, and for which a line has no room.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NoRoom {
    /// Into a line of their own.
    Below,
    /// Nowhere: there is one line for each account.
    LeftOut,
}

/// How full the fullest window of an account is, in percent.
pub(super) fn fullest(known: &AccountLimits) -> i32 {
    known.windows.iter().map(percent).max().unwrap_or(0)
}

fn draw(here: &[&AccountLimits], room: Option<usize>, no_room: NoRoom) -> String {
    let widest = here.iter().map(|known| fit::width(&account_label(&known.account))).max().unwrap_or(0);
    let wide = Wide::of(here);
    let cells: Vec<Vec<String>> =
        here.iter().enumerate().map(|(index, known)| cells(known, index == 0, &wide)).collect();
    let near: Vec<String> = cells.iter().filter_map(|cells| cells.last().cloned()).collect();
    let mut page = String::new();
    for ((line, known), near) in align(cells, &COLUMNS, room).into_iter().zip(here).zip(&near) {
        let has_room = no_room == NoRoom::LeftOut || line.contains(near.trim_end());
        let (style, line) = match known.login {
            Login::NeedsLogin { reason, .. } => {
                (BAD, dead_line(known, reason, &line, TITLE.len() + GUTTER + widest, room))
            }
            _ => (style(known), line),
        };
        let line = if style.is_plain() { line } else { styled(style, &line) };
        page += &format!("{line}\n");
        if !has_room {
            page += &format!("{}\n", styled(style, &format!("{INDENT}{near}")));
        }
    }
    page
}

fn is_shown(known: &AccountLimits) -> bool {
    !known.directories.is_empty() && (known.login.is_dead() || known.windows.iter().any(|one| !is_local(one)))
}

/// An estimate of this machine, which the line of the block tells better.
fn is_local(window: &WindowLimits) -> bool {
    matches!(window.shown.value, Value::Local { .. })
}

/// The same for scripts: as `cco limits --json` has them.
pub(crate) fn json(limits: &[AccountLimits], now: &Zoned) -> Vec<Json> {
    limits.iter().map(|known| cco_wire::limits::account(known, now.timestamp())).collect()
}

/// When the window of five hours ends, as it was told of the one account that this machine holds.
pub(crate) fn told_reset(limits: &[AccountLimits]) -> Option<Timestamp> {
    let mut here = limits.iter().filter(|known| !known.directories.is_empty());
    let only = here.next().filter(|_| here.next().is_none())?;
    let window = only.windows.iter().find(|one| one.shown.window == Window::FiveHour)?;
    let current = window.current.filter(|current| current.source != Source::Manual)?;
    match window.shown.value {
        Value::Open { left_ms: Some(_), .. } => current.resets_at_ms.map(civil::timestamp),
        _ => None,
    }
}

/// Why a login is dead, and what to do.
pub(crate) fn dead(reason: Reason) -> (&'static str, &'static str) {
    (dead_words(reason), LOG_IN)
}

/// Columns of the widest percentages and marks, so that percent signs stand below each other.
struct Wide {
    values: [usize; 2],
    marks: [usize; 2],
}

/// The windows that every line has.
const USUAL: [Window; 2] = [Window::FiveHour, Window::SevenDay];

impl Wide {
    fn of(here: &[&AccountLimits]) -> Self {
        let here = || here.iter().filter(|known| !known.login.is_dead());
        let widest = |measure: &dyn Fn(&WindowLimits) -> usize| {
            USUAL
                .map(|window| here().filter_map(|known| find(known, &window)).map(measure).max().unwrap_or(0))
        };
        Self {
            values: widest(&|window| fit::width(&value(window))),
            marks: widest(&|window| fit::width(window.shown.mark.symbol())),
        }
    }
}

fn find<'k>(known: &'k AccountLimits, window: &Window) -> Option<&'k WindowLimits> {
    known.windows.iter().find(|one| one.shown.window == *window && !is_local(one))
}

fn cells(known: &AccountLimits, first: bool, wide: &Wide) -> Vec<String> {
    let title = if first { TITLE } else { "" }.to_owned();
    let mut cells = vec![title, account_label(&known.account)];
    if known.login.is_dead() {
        cells.resize(COLUMNS.len(), String::new());
        return cells;
    }
    for (at, window) in USUAL.iter().enumerate() {
        let found = find(known, window);
        let used = |one| used_in(one, wide.values[at], wide.marks[at]);
        cells.push(found.map_or_else(String::new, used));
        cells.push(found.map_or_else(String::new, left));
    }
    let near = known.windows.iter().filter(|one| {
        !matches!(one.shown.window, Window::FiveHour | Window::SevenDay) && percent(one) >= NEAR_PERCENT
    });
    cells.push(near.map(used).collect::<Vec<_>>().join("  "));
    cells
}

fn percent(window: &WindowLimits) -> i32 {
    match window.shown.value {
        Value::Open { percent: Some(percent), .. } => percent.whole(),
        _ => 0,
    }
}

/// `5 h 42%`, with its mark.
fn used(window: &WindowLimits) -> String {
    used_in(window, 0, 0)
}

/// The same with the value and the mark in so many columns.
fn used_in(window: &WindowLimits, values: usize, marks: usize) -> String {
    let what = match &window.shown.window {
        Window::FiveHour => "5 h".to_owned(),
        Window::SevenDay => "7 d".to_owned(),
        other => name(other),
    };
    let value = value(window);
    let blanks = " ".repeat(values.saturating_sub(fit::width(&value)));
    format!("{what} {blanks}{value}{}", padded(window.shown.mark, marks))
}

fn value(window: &WindowLimits) -> String {
    match window.shown.value {
        Value::Open { percent: Some(percent), .. } => format!("{}%", percent.whole()),
        Value::Open { percent: None, .. } | Value::Local { .. } => "?".to_owned(),
        Value::NotStarted => "0%".to_owned(),
        Value::Reset => "reset".to_owned(),
        Value::Trouble(trouble) => format!("[{}]", trouble.short()),
    }
}

fn left(window: &WindowLimits) -> String {
    match window.shown.value {
        Value::Open { left_ms: Some(left), .. } => format!("resets in {}", long_duration(left / 60_000)),
        _ => String::new(),
    }
}

/// A dead login does not take away what is known. Where it is narrow, what to do stays longest, and the line is one.
/// `line`: title and account, which take so many columns.
fn dead_line(
    known: &AccountLimits,
    reason: Reason,
    line: &str,
    columns: usize,
    room: Option<usize>,
) -> String {
    let still = known.windows.iter().filter(|one| matches!(one.shown.value, Value::Open { .. }));
    let still: String = still.map(|window| format!("  {}", used(window))).collect();
    let (mark, why) = (Mark::Critical, dead_words(reason));
    let blanks = " ".repeat((columns + GUTTER).saturating_sub(fit::width(line)));
    let room = room.unwrap_or(usize::MAX);
    let of_words = [format!("{why}: {LOG_IN}{still}"), format!("{why}: {LOG_IN}"), LOG_IN.to_owned()];
    let whole = of_words.iter().map(|words| format!("{line}{blanks}{mark} {words}"));
    if let Some(whole) = whole.into_iter().find(|whole| fit::width(whole) <= room) {
        return whole;
    }
    // The account gives way, then the words.
    let line = line.trim_end();
    let with_less_of_it = |words: &str| {
        let left = room.checked_sub(fit::width(words) + GUTTER).filter(|left| *left >= LEAST_NAME)?;
        Some(format!("{}  {words}", fit::shorten(line, left, Keep::Start)))
    };
    let [long, short] = [LOG_IN, "[login]"].map(|words| format!("{mark} {words}"));
    with_less_of_it(&long).or_else(|| with_less_of_it(&short)).unwrap_or(short)
}

/// With less of a name nobody knows whose it is.
const LEAST_NAME: usize = TITLE.len() + GUTTER + 6;

/// By the window that is nearest its end; faint where nothing runs.
fn style(known: &AccountLimits) -> anstyle::Style {
    match fullest(known) {
        FULL_PERCENT.. => BAD,
        NEAR_PERCENT.. => NEAR,
        _ if known.windows.iter().all(|one| matches!(one.shown.value, Value::Reset)) => FAINT,
        _ => anstyle::Style::new(),
    }
}
