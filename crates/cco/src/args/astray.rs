//! Words that cannot be understood here, and where they come from: habits of similar tools.
//!
//! Must not: change what a word means; only say what to type instead.

use std::ffi::OsString;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Args;

/// The words as they were typed, `help daily` as `daily --help`.
pub(crate) fn words(typed: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = typed.collect();
    if words.get(1).is_some_and(|word| word == "help") {
        words.remove(1);
        words.push("--help".into());
    }
    words
}

/// Takes out of what clap says what leads nowhere, and gives what leads further.
pub(crate) fn hint(outcome: &mut clap::Error) -> Option<String> {
    match outcome.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = said(outcome, ContextKind::InvalidSubcommand)?;
            let near = outcome.remove(ContextKind::SuggestedSubcommand);
            // Nothing that help does not show is worth a tip.
            if let Some(ContextValue::Strings(mut names)) = near {
                let root = Args::command();
                names.retain(|name| root.find_subcommand(name).is_none_or(|found| !found.is_hide_set()));
                if !names.is_empty() {
                    outcome.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(names));
                }
            }
            instead(&word).map(str::to_owned)
        }
        ErrorKind::UnknownArgument => {
            let flag = said(outcome, ContextKind::InvalidArg)?;
            let usage = outcome.get(ContextKind::Usage)?.to_string();
            let is_of_reports = usage.ends_with("cco [OPTIONS] [COMMAND]") && is_known_to_daily(&flag);
            is_of_reports.then(|| {
                format!("{flag} goes with a report: cco daily {flag} …; cco alone shows today at a glance")
            })
        }
        _ => None,
    }
}

fn said(outcome: &clap::Error, kind: ContextKind) -> Option<String> {
    match outcome.get(kind)? {
        ContextValue::String(word) => Some(word.clone()),
        _ => None,
    }
}

fn instead(word: &str) -> Option<&'static str> {
    match word {
        "today" | "now" => Some("cco shows today at a glance, cco daily --since today a table of it"),
        "yesterday" => Some("cco daily --since yesterday --until yesterday"),
        _ => None,
    }
}

fn is_known_to_daily(flag: &str) -> bool {
    let root = Args::command();
    let daily = root.find_subcommand("daily");
    daily.is_some_and(|daily| {
        daily.get_arguments().any(|argument| {
            argument.get_long().is_some_and(|long| flag.strip_prefix("--") == Some(long))
                || argument
                    .get_short()
                    .is_some_and(|short| flag.strip_prefix('-') == Some(&*short.to_string()))
        })
    })
}
