//! Rules about places and settings: our folder, `config.toml`, the roots of Claude Code.
//!
//! Must not: look at anything.

use std::path::Path;

use super::Verdict;
use super::facts::{Facts, Home, Ours};
use crate::config::check::Checked;
use crate::env::{CCO_HOME, CLAUDE_CONFIG_DIR};
use crate::print::text;

/// Less room than this, and a report may fail.
const LITTLE_ROOM: u64 = 50_000_000;
/// Less room than this is worth knowing.
const SOME_ROOM: u64 = 1_000_000_000;
const OTHERS: u32 = 0o077;

pub(super) fn home_writable(facts: &Facts) -> Verdict {
    let memory = "reports work in memory and nothing is kept";
    match &facts.home {
        Home::Writable(folder) => Verdict::ok(format!("{} can be written", folder.display())),
        Home::Absent(folder, None) => {
            Verdict::ok(format!("{} is not there yet; the first report makes it", folder.display()))
        }
        Home::Absent(folder, Some(reason)) => {
            Verdict::problem(format!("{} cannot be made ({reason}); {memory}", folder.display()))
                .fix(format!("set {CCO_HOME} to a folder that you can write"))
        }
        Home::Refused(folder, reason) => {
            Verdict::problem(format!("{} cannot be written ({reason}); {memory}", folder.display()))
                .fix(format!("let yourself write there, or set {CCO_HOME} to another folder"))
        }
        Home::Nowhere => Verdict::problem(format!("neither {CCO_HOME} nor HOME is set; {memory}"))
            .fix(format!("set {CCO_HOME} to a folder that you can write")),
        Home::Wrong(error) => {
            let verdict = Verdict::problem(&error.message);
            error.hints.iter().take(1).fold(verdict, Verdict::fix)
        }
    }
}

pub(super) fn home_private(facts: &Facts) -> Verdict {
    if facts.ours.is_empty() {
        return Verdict::ok("nothing is there yet; what is made is for you alone");
    }
    let strange: Vec<&Ours> = facts.ours.iter().filter(|ours| ours.owner != facts.user).collect();
    if !strange.is_empty() {
        let name = |ours: &&Ours| format!("{} is of user {}", ours.path.display(), ours.owner);
        return Verdict::problem(format!("not all of it is yours (you are user {})", facts.user))
            .fix("change the owner with chown, or run cco as that user")
            .details(strange.iter().map(name).collect());
    }
    let open: Vec<&Ours> = facts.ours.iter().filter(|ours| ours.mode & OTHERS != 0).collect();
    let Some(first) = open.first() else { return Verdict::ok("only you can read it") };
    // In a folder that is its owner's alone, nobody gets at a file, whatever the file's own permissions are.
    let closed = facts.ours.iter().any(|ours| ours.is_folder && ours.mode & OTHERS == 0);
    let reachable = |ours: &&&Ours| ours.is_folder || !closed || !facts.is_in_home(&ours.path);
    let reached: Vec<&&Ours> = open.iter().filter(reachable).collect();
    let shown = |ours: &Ours| format!("{} has mode {:04o}", ours.path.display(), ours.mode);
    match reached.first() {
        Some(first) => {
            Verdict::problem("other users of this machine may read what you use and what it costs")
                .fix(chmod(first))
                .details(reached.iter().map(|ours| shown(ours)).collect())
        }
        None => Verdict::note("files are open to other users, though the folder is not")
            .fix(chmod(first))
            .details(open.iter().map(|ours| shown(ours)).collect()),
    }
}

impl Facts {
    fn is_in_home(&self, path: &Path) -> bool {
        self.ours.iter().any(|ours| ours.is_folder && path.parent() == Some(&ours.path))
    }
}

fn chmod(ours: &Ours) -> String {
    format!("chmod {} {}", if ours.is_folder { "700" } else { "600" }, quoted(&ours.path))
}

/// A path to paste into a shell.
pub(super) fn quoted(path: &Path) -> String {
    text::shell_word(&path.display().to_string())
}

pub(super) fn home_room(facts: &Facts) -> Verdict {
    match &facts.room {
        None => Verdict::note("not looked at: there is no place for a ledger"),
        Some(Err(reason)) => Verdict::note(format!("free space is not known: {reason}")),
        Some(Ok(free)) => {
            let words = format!("{} free for the ledger", text::bytes(*free));
            match *free {
                0..LITTLE_ROOM => Verdict::problem(format!("only {words}"))
                    .fix("free some space; nothing that was counted is lost meanwhile"),
                LITTLE_ROOM..SOME_ROOM => Verdict::note(words),
                _ => Verdict::ok(words),
            }
        }
    }
}

pub(super) fn config_valid(facts: &Facts) -> Verdict {
    let errors = match &facts.config {
        Ok(checked) => checked.errors.as_slice(),
        Err(error) => std::slice::from_ref(error),
    };
    let Some(first) = errors.first() else { return Verdict::ok("the settings can be used") };
    let verdict = Verdict::problem("the settings cannot be used, and no report runs")
        .details(errors.iter().map(|error| error.message.clone()).collect());
    verdict.fix(first.hints.first().map_or("`cco config edit` opens them", String::as_str))
}

/// What was found in the settings; none: they cannot be read, which is told by its own check.
fn read_settings(facts: &Facts) -> Option<&Checked> {
    facts.config.as_ref().ok().filter(|checked| !checked.is_broken)
}

/// What a check says that rests on settings, where they cannot be read.
pub(super) fn without_settings(facts: &Facts) -> Option<Verdict> {
    read_settings(facts).is_none().then(not_read)
}

fn not_read() -> Verdict {
    Verdict::note("not looked at: the settings cannot be read")
}

pub(super) fn config_keys(facts: &Facts) -> Verdict {
    let Some(checked) = read_settings(facts) else { return not_read() };
    if checked.doubts.is_empty() {
        return Verdict::ok("every setting is known and complete");
    }
    let hint = checked.doubts.iter().find_map(|(_, hint)| hint.clone());
    Verdict::problem("some settings do not do what they seem to")
        .fix(hint.unwrap_or_else(|| "`cco config edit` opens them".to_owned()))
        .details(checked.doubts.iter().map(|(doubt, _)| doubt.clone()).collect())
}

pub(super) fn config_effect(facts: &Facts) -> Verdict {
    match read_settings(facts).map(|checked| &checked.idle) {
        None => not_read(),
        Some(None) => Verdict::ok("every setting has an effect"),
        Some(Some(idle)) => Verdict::note(idle),
    }
}

pub(super) fn roots_found(facts: &Facts) -> Verdict {
    let usable: Vec<String> = facts.roots.usable.iter().map(|root| root.display().to_string()).collect();
    if usable.is_empty() {
        return Verdict::problem("no transcripts of Claude Code found")
            .fix(format!(
                "use Claude Code once, or set {CLAUDE_CONFIG_DIR} to the folder that holds projects/"
            ))
            .details(facts.roots.looked_in());
    }
    let found = text::plural(facts.transcripts.found, "transcript", "transcripts");
    Verdict::ok(format!("{found} under {}", usable.join(", ")))
}

pub(super) fn roots_readable(facts: &Facts) -> Verdict {
    // A default that is not there is nobody's mistake.
    let missed: Vec<String> = facts
        .roots
        .missing
        .iter()
        .filter(|root| root.named_by.is_some() || !root.absent)
        .map(|root| {
            let by = root.named_by.as_ref().map_or_else(String::new, |by| format!(", named by {by}"));
            format!("{}{by}: {}", root.projects.display(), root.reason)
        })
        .collect();
    if missed.is_empty() {
        return Verdict::ok("every place that was named can be read");
    }
    Verdict::problem("places with transcripts cannot be read; what is new there is not counted")
        .fix("correct the name, or let yourself read the folder")
        .details(missed)
}
