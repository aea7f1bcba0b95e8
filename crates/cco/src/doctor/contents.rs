//! Rules about what is there: transcripts, prices, the ledger, time.
//!
//! Must not: look at anything.

use cco_engine::health::{Answer, Health, Unpriced};
use cco_engine::scan::Finding;
use jiff::{SignedDuration, Timestamp};

use super::Verdict;
use super::claude::{DEFAULT_DAYS, Retention, SETTINGS};
use super::facts::{Facts, LedgerState};
use crate::error::without_number;
use crate::print::text;

/// Transcripts that are gone sooner than this may be gone before anybody looks.
const FEW_DAYS: u64 = 8;

impl Facts {
    fn health(&self) -> Option<&Health> {
        match &self.ledger {
            LedgerState::Open(_, health) => Some(health),
            _ => None,
        }
    }
}

/// What a rule says of an answer of the ledger, when there is one.
pub(super) fn of_ledger<T>(
    facts: &Facts,
    ask: fn(&Health) -> Option<&Answer<T>>,
    judge: impl Fn(&T) -> Verdict,
) -> Verdict {
    match facts.health().and_then(ask) {
        Some(Ok(answer)) => judge(answer),
        Some(Err(error)) => Verdict::problem(format!("the ledger does not answer: {error}"))
            .fix("check the disk, and whether another cco is at work for long; then run this again"),
        None => match facts.ledger {
            LedgerState::Absent(_) => Verdict::ok("there is no ledger yet"),
            _ => Verdict::note("not looked at: there is no ledger that can be opened"),
        },
    }
}

const MOVE_AWAY: &str =
    "move the file away and keep it: the next run builds a new one from the transcripts that are still there";
const REPORT: &str = "this is a bug of cco, or a damaged file: keep a copy of the ledger and report it";

pub(super) fn transcripts_readable(facts: &Facts) -> Verdict {
    let unreadable = &facts.transcripts.unreadable;
    if unreadable.is_empty() {
        return Verdict::ok("every transcript can be read");
    }
    let number = text::plural(unreadable.len() as u64, "file or folder", "files or folders");
    let name =
        |(path, why): &(std::path::PathBuf, String)| format!("{}: {}", path.display(), without_number(why));
    Verdict::problem(format!("{number} cannot be read; what is new there is not counted"))
        .fix("let yourself read them")
        .details(unreadable.iter().map(name).collect())
}

pub(super) fn transcripts_damaged(facts: &Facts) -> Verdict {
    of_ledger(
        facts,
        |health| Some(&health.soft),
        |soft| {
            found(
                &soft.damaged,
                "no damaged line",
                ("damaged line", "damaged lines"),
                "whole records on them count",
            )
        },
    )
}

pub(super) fn transcripts_odd(facts: &Facts) -> Verdict {
    of_ledger(
        facts,
        |health| Some(&health.soft),
        |soft| found(&soft.odd, "no odd row", ("odd row", "odd rows"), "what can be told of them counts"),
    )
}

pub(super) fn transcripts_too_large(facts: &Facts) -> Verdict {
    of_ledger(
        facts,
        |health| Some(&health.soft),
        |soft| {
            let none = "no call is too large to be added up";
            found(&soft.too_large, none, ("call is too large", "calls are too large"), "not counted")
        },
    )
}

fn found(findings: &[Finding], none: &str, (one, many): (&str, &str), what: &str) -> Verdict {
    if findings.is_empty() {
        return Verdict::ok(none);
    }
    let name = |finding: &Finding| {
        let offset = finding.offset.map_or_else(String::new, |offset| format!(": byte {offset}"));
        format!("{}{offset}: {}", finding.path.display(), finding.what)
    };
    Verdict::note(format!("{}; {what}", text::plural(findings.len() as u64, one, many)))
        .details(findings.iter().map(name).collect())
}

pub(super) fn transcripts_kept(facts: &Facts) -> Verdict {
    let days = |retention: &Retention| match retention {
        Retention::Days(days) => Some(*days),
        Retention::Default => Some(DEFAULT_DAYS),
        Retention::Unknown(_) => None,
    };
    let kept = kept_words(facts);
    let by_root =
        facts.retention.iter().map(|(root, retention)| (root.join(SETTINGS), days(retention), retention));
    let unknown: Vec<String> = by_root
        .clone()
        .filter_map(|(path, _, retention)| match retention {
            Retention::Unknown(why) => Some(format!("{}: {why}", path.display())),
            _ => None,
        })
        .collect();
    let shortest = by_root.filter_map(|(path, days, _)| Some((days?, path))).min();
    match shortest {
        None if unknown.is_empty() => Verdict::ok(kept.unwrap_or_else(|| "nothing is kept yet".to_owned())),
        Some((0, path)) => Verdict::problem("Claude Code keeps no transcripts, so nothing can be counted")
            .fix(format!("set cleanupPeriodDays in {} to {DEFAULT_DAYS} or more", path.display())),
        _ if !unknown.is_empty() => {
            let message =
                format!("how long Claude Code keeps transcripts is not known, {DEFAULT_DAYS} days by itself");
            Verdict::note(with(&message, kept)).details(unknown)
        }
        Some((days, path)) => {
            let number = text::plural(days, "day", "days");
            let message = with(&format!("Claude Code keeps transcripts for {number}"), kept);
            if days >= FEW_DAYS {
                return Verdict::ok(message);
            }
            Verdict::note(message).fix(format!(
                "run cco more often than that, or raise cleanupPeriodDays in {}",
                path.display()
            ))
        }
        None => Verdict::note("not known"),
    }
}

fn with(message: &str, kept: Option<String>) -> String {
    kept.map_or_else(|| message.to_owned(), |kept| format!("{message}; {kept}"))
}

fn kept_words(facts: &Facts) -> Option<String> {
    let holdings = facts.health()?.holdings.as_ref().ok()?;
    let first = Timestamp::from_millisecond(holdings.first_ms?).ok()?;
    let days = facts.now.duration_since(first).as_hours().max(0) / 24;
    let calls = text::plural(holdings.calls, "call", "calls");
    let back = text::plural(days.unsigned_abs(), "day", "days");
    let gone = match holdings.of_gone_transcripts {
        0 => String::new(),
        gone => format!(", {} of them from transcripts that are gone", text::count(gone)),
    };
    Some(format!("the ledger has {calls} of {back}{gone}"))
}

pub(super) fn prices_complete(facts: &Facts) -> Verdict {
    of_ledger(
        facts,
        |health| Some(&health.unpriced),
        |unpriced| {
            if unpriced.is_empty() {
                return Verdict::ok("every call has a price");
            }
            let models = text::plural(unpriced.len() as u64, "model has", "models have");
            let name = |one: &Unpriced| {
                let model = if one.model.is_empty() { "unknown" } else { &one.model };
                let calls = text::plural(one.calls, "call", "calls");
                format!("{model}: {calls}, {}", text::plural(one.tokens, "token", "tokens"))
            };
            let details = unpriced.iter().map(name).collect();
            let waiting = facts.health().is_some_and(|health| health.prices_waiting == Ok(true));
            if waiting {
                return Verdict::note(format!(
                    "{models} calls without a price; the price list is new, and the next report applies it"
                ))
                .details(details);
            }
            let model = unpriced.first().map_or("", |one| &one.model);
            Verdict::problem(format!("{models} calls without a price; their cost is in no total"))
                .fix(format!(
                    "[prices.{model:?}] in config.toml sets one (0 if free); a newer cco may know it"
                ))
                .details(details)
        },
    )
}

pub(super) fn ledger_sqlite(facts: &Facts) -> Verdict {
    let (version, oldest, trusted) = facts.sqlite;
    if trusted {
        return Verdict::ok(format!("SQLite {version}"));
    }
    Verdict::problem(format!("SQLite {version} can lose committed rows; {oldest} or newer is needed"))
        .fix("build cco with its bundled SQLite")
}

pub(super) fn ledger_opens(facts: &Facts) -> Verdict {
    match &facts.ledger {
        LedgerState::Nowhere => Verdict::note("not looked at: its place is not known, or cannot be written"),
        LedgerState::Absent(path) => {
            Verdict::ok(format!("{} is not there yet; the first report makes it", path.display()))
        }
        LedgerState::Refused(error) => {
            let verdict =
                Verdict::problem(format!("the ledger cannot be opened: {}", without_number(&error.message)));
            error.hints.iter().take(1).fold(verdict, Verdict::fix)
        }
        LedgerState::Open(path, health) => {
            let calls = health.holdings.as_ref().map_or(0, |holdings| holdings.calls);
            Verdict::ok(format!("{} has {}", path.display(), text::plural(calls, "call", "calls")))
        }
    }
}

pub(super) fn ledger_whole(facts: &Facts) -> Verdict {
    of_ledger(
        facts,
        |health| Some(&health.complaints),
        |complaints| {
            if complaints.is_empty() {
                return Verdict::ok("SQLite finds nothing wrong with the file");
            }
            Verdict::problem("the file is damaged").fix(MOVE_AWAY).details(complaints.clone())
        },
    )
}

pub(super) fn ledger_loaded(facts: &Facts) -> Verdict {
    of_ledger(
        facts,
        |health| Some(&health.cut_off),
        |cut_off| {
            if *cut_off {
                return Verdict::note("the first load has not come to its end; the next report completes it, or another cco is at it now")
                    .fix("`cco scan` completes it now");
            }
            Verdict::ok("the first load came to its end")
        },
    )
}

pub(super) fn ledger_keys(facts: &Facts) -> Verdict {
    of_ledger(
        facts,
        |health| Some(&health.deep.as_ref()?.keys),
        |faults| {
            let details: Vec<String> = [
                (faults.calls_without_key, "call without a key", "calls without a key"),
                (faults.calls_with_several, "call with several keys", "calls with several keys"),
                (faults.keys_without_call, "key without a call", "keys without a call"),
            ]
            .into_iter()
            .filter(|(number, ..)| *number > 0)
            .map(|(number, one, many)| text::plural(number, one, many))
            .collect();
            if details.is_empty() {
                return Verdict::ok("every call has exactly one key");
            }
            Verdict::problem("calls and their keys do not go one to one").fix(REPORT).details(details)
        },
    )
}

pub(super) fn ledger_rollups(facts: &Facts) -> Verdict {
    of_ledger(
        facts,
        |health| Some(&health.deep.as_ref()?.differences),
        |differences| {
            if differences.is_empty() {
                return Verdict::ok("all sums equal their calls");
            }
            let number = text::plural(differences.len() as u64, "sum differs", "sums differ");
            let cut_off = facts.health().is_some_and(|health| health.cut_off == Ok(true));
            let fix = if cut_off { "`cco scan` completes the first load" } else { REPORT };
            Verdict::problem(format!("{number} from the calls")).fix(fix).details(differences.clone())
        },
    )
}

pub(super) fn time_data(facts: &Facts) -> Verdict {
    if facts.zone_data {
        return Verdict::ok("the system's time zone files are there");
    }
    Verdict::problem("the system has no time zone files; days can only be those of UTC")
        .fix("install them (tzdata)")
}

pub(super) fn time_zone(facts: &Facts) -> Verdict {
    let (zone, source) = match &facts.zone {
        Ok(zone) => zone,
        Err((wrong, fix)) => return Verdict::problem(wrong).fix(fix),
    };
    let shown = format!("reports show days of {zone} ({source})");
    let Some(health) = facts.health() else { return Verdict::ok(shown) };
    let kept = health.zone.iana_name().unwrap_or("UTC");
    let same = |name: &str| crate::config::keys::stats::zone(name) == Some(health.zone.clone());
    if kept == zone || same(zone) {
        return Verdict::ok(format!("{shown}, as the ledger keeps them"));
    }
    Verdict::note(format!("{shown}, the ledger keeps those of {kept}: as exact, and a little slower"))
}

pub(super) fn time_clock(facts: &Facts) -> Verdict {
    of_ledger(
        facts,
        |health| Some(&health.ahead),
        |ahead| {
            if *ahead == 0 {
                return Verdict::ok("no call is dated ahead of now");
            }
            let last = facts.health().and_then(|health| health.holdings.as_ref().ok()?.last_ms);
            let last = last.and_then(|last| Timestamp::from_millisecond(last).ok());
            let far = last.map_or_else(String::new, |last| {
                format!(", the last one by {}", far_words(last.duration_since(facts.now)))
            });
            Verdict::problem(format!(
                "{} dated ahead of now{far}",
                text::plural(*ahead, "call is", "calls are")
            ))
            .fix("set this machine's clock right; calls that were dated by a wrong clock keep their dates")
        },
    )
}

fn far_words(far: SignedDuration) -> String {
    let minutes = far.as_mins().unsigned_abs();
    match minutes {
        0..2880 => text::duration(minutes),
        _ => text::plural(minutes / 1440, "day", "days"),
    }
}
