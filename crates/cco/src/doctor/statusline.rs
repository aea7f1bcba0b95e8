//! Rules about the status line in Claude Code's settings.
//!
//! Must not: look at anything (`look` does).

mod look;

use std::path::{Path, PathBuf};

use super::Verdict;
use super::facts::Facts;
use super::places::quoted;
use crate::claude_settings::command::Line;
use crate::print::text;

pub(super) use look::look;

/// What settings and files tell of the status line.
pub(crate) struct StatusLineFacts {
    /// The settings of each config directory.
    pub(crate) directories: Vec<Configured>,
    /// Settings of the folder that this runs in which have a status line of their own, and which.
    pub(crate) projects: Vec<(PathBuf, String)>,
}

/// The status line of a config directory.
#[derive(Clone, Debug)]
pub(crate) struct Configured {
    /// Its settings.
    pub(crate) settings: PathBuf,
    /// The line; an error: why it cannot be told.
    pub(crate) line: Result<Line, String>,
    /// The command that `cco statusline install` wrote last.
    pub(crate) installed: Option<String>,
    /// How the program of a line of ours is.
    pub(crate) program: Program,
    /// All status lines are switched off.
    pub(crate) is_off: bool,
    /// Settings or program, where other users can write them.
    pub(crate) open: Vec<PathBuf>,
}

/// The program of a status line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The line is not ours.
    None,
    /// Only a shell can tell where it is.
    Unknown,
    /// It is not there.
    Absent(PathBuf),
    /// It is there and cannot be run.
    NotExecutable(PathBuf),
    /// It did not do what it should: what it did.
    Fails(PathBuf, String),
    /// It prints a line.
    Runs(PathBuf),
}

const INSTALL: &str = "`cco statusline install` sets it anew; --config-dir names another directory";

fn shown(path: &Path, what: &str) -> String {
    format!("{}: {what}", path.display())
}

pub(super) fn installed(facts: &Facts) -> Verdict {
    let all = &facts.statusline.directories;
    let has_ours = |it: &&Configured| matches!(it.line, Ok(Line::Ours { .. }));
    let ours = all.iter().filter(has_ours).count();
    let others = all.iter().filter_map(|it| match &it.line {
        Ok(Line::Ours { .. }) => None,
        Ok(Line::None) => Some(shown(&it.settings, "no status line")),
        Ok(Line::Foreign(other)) => Some(shown(&it.settings, &format!("another status line: {other}"))),
        Err(why) => Some(shown(&it.settings, why)),
    });
    let others: Vec<String> = others.collect();
    let is_unknown = all.iter().any(|it| it.line.is_err());
    let verdict = match ours {
        0 if all.is_empty() => return Verdict::ok("there is no config directory of Claude Code yet"),
        // A wish, not an ailment.
        0 if !is_unknown => {
            Verdict::ok("no config directory has cco's status line; `cco statusline install` sets it")
        }
        _ if others.is_empty() => Verdict::ok("Claude Code shows cco's status line"),
        _ => {
            let directories = text::plural(all.len() as u64, "config directory", "config directories");
            Verdict::note(format!("cco's status line is set in {ours} of {directories}"))
                .fix("`cco statusline install --config-dir DIR` sets it in another one")
        }
    };
    verdict.details(others)
}

pub(super) fn runs(facts: &Facts) -> Verdict {
    let all = &facts.statusline.directories;
    let broken = all.iter().filter_map(|it| match &it.program {
        Program::Absent(path) => Some(shown(&it.settings, &format!("{} is not there", path.display()))),
        Program::NotExecutable(path) => {
            Some(shown(&it.settings, &format!("{} cannot be run", path.display())))
        }
        Program::Fails(path, how) => Some(shown(&it.settings, &format!("{} {how}", path.display()))),
        Program::None | Program::Unknown | Program::Runs(_) => None,
    });
    let broken: Vec<String> = broken.collect();
    if !broken.is_empty() {
        let lines = text::plural(broken.len() as u64, "status line", "status lines");
        return Verdict::problem(format!("the program of {lines} does not work; Claude Code shows none"))
            .fix(INSTALL)
            .details(broken);
    }
    let unknown: Vec<String> = all
        .iter()
        .filter(|it| it.program == Program::Unknown)
        .map(|it| shown(&it.settings, "its program is nowhere in the search path of this terminal"))
        .collect();
    if !unknown.is_empty() {
        return Verdict::note("it cannot be told here whether a status line works")
            .fix(INSTALL)
            .details(unknown);
    }
    Verdict::ok(match all.iter().any(|it| it.program != Program::None) {
        true => "the program of the status line is there, and prints a line",
        false => "no status line of cco is set",
    })
}

pub(super) fn unchanged(facts: &Facts) -> Verdict {
    let all = &facts.statusline.directories;
    let open: Vec<&PathBuf> = all.iter().flat_map(|it| &it.open).collect();
    if let Some(first) = open.first() {
        return Verdict::problem(
            "other users of this machine can change what Claude Code runs for its status line",
        )
        .fix(format!("chmod go-w {}", quoted(first)))
        .details(open.iter().map(|path| path.display().to_string()).collect());
    }
    let changed = all.iter().filter_map(|it| {
        let installed = it.installed.as_ref()?;
        let now = match &it.line {
            Ok(Line::Ours { command, .. }) if command == installed => return None,
            Ok(Line::Ours { command, .. }) => format!("`{}`", text::clean(command)),
            Ok(Line::Foreign(other)) => other.clone(),
            Ok(Line::None) => "nothing".to_owned(),
            Err(_) => return None,
        };
        Some(shown(&it.settings, &format!("{now} instead of `{}`", text::clean(installed))))
    });
    let changed: Vec<String> = changed.collect();
    if changed.is_empty() {
        return Verdict::ok("nobody changed the status line that was installed");
    }
    Verdict::note("the status line is not the one that was installed").fix(INSTALL).details(changed)
}

pub(super) fn overridden(facts: &Facts) -> Verdict {
    let off = facts.statusline.directories.iter().filter(|it| it.is_off);
    let off = off.map(|it| shown(&it.settings, "\"disableAllHooks\" switches status lines off"));
    let projects = facts.statusline.projects.iter();
    let details: Vec<String> = off
        .chain(projects.map(|(settings, line)| shown(settings, &format!("{line} goes before it here"))))
        .collect();
    if details.is_empty() {
        return Verdict::ok("no other setting stands in its way");
    }
    Verdict::note("another setting goes before the status line").details(details)
}
