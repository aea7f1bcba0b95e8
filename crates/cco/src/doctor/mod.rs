//! The check-up: one table of checks, each a plain function of facts that were gathered before.
//!
//! Must not: look at anything while judging ([`facts`] does the looking), or print.

pub(crate) mod facts;

mod claude;
mod contents;
mod daemon;
mod limits;
mod places;
mod shared;
mod statusline;

use facts::Facts;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// As it should be.
    Ok,
    /// Worth knowing; nothing has to be done.
    Note,
    /// Something should be done.
    Problem,
}

impl Status {
    /// Its name, in text and in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Problem => "problem",
        }
    }
}

/// What a check says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// How it came out.
    pub(crate) status: Status,
    /// One sentence without a full stop.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) fix: Option<String>,
    /// Which ones, one each.
    pub(crate) details: Vec<String>,
}

impl Verdict {
    fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), fix: None, details: Vec::new() }
    }

    fn ok(message: impl Into<String>) -> Self {
        Self::new(Status::Ok, message)
    }

    fn note(message: impl Into<String>) -> Self {
        Self::new(Status::Note, message)
    }

    fn problem(message: impl Into<String>) -> Self {
        Self::new(Status::Problem, message)
    }

    fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    fn details(mut self, details: Vec<String>) -> Self {
        self.details = details;
        self
    }
}

/// One thing that is checked.
pub(crate) struct Check {
    /// Stable: scripts know it.
    pub(crate) id: &'static str,
    /// What it looks at, for the documents.
    pub(crate) about: &'static str,
    /// Only with `--deep`.
    pub(crate) deep: bool,
    /// The rule.
    pub(crate) judge: fn(&Facts) -> Verdict,
}

const fn check(id: &'static str, about: &'static str, judge: fn(&Facts) -> Verdict) -> Check {
    Check { id, about, deep: false, judge }
}

const fn deep(id: &'static str, about: &'static str, judge: fn(&Facts) -> Verdict) -> Check {
    Check { id, about, deep: true, judge }
}

/// All checks, in the order in which they are shown: what others rest on comes first.
pub(crate) static CHECKS: &[Check] = &[
    check("home.writable", "whether cco's own folder is there and can be written", places::home_writable),
    check("home.private", "whether nobody else can read what is in it", places::home_private),
    check("home.room", "free space where the ledger is", places::home_room),
    check("config.valid", "whether `config.toml` and the environment can be used", places::config_valid),
    check("config.keys", "unknown keys and incomplete prices in `config.toml`", places::config_keys),
    check("config.effect", "settings without effect in this version", places::config_effect),
    check("roots.found", "whether there is a place with transcripts", places::roots_found),
    check("roots.readable", "whether all places that were named can be read", places::roots_readable),
    check("transcripts.readable", "files and folders that cannot be read", contents::transcripts_readable),
    check("transcripts.damaged", "damaged lines", contents::transcripts_damaged),
    check("transcripts.odd", "rows without a time, or with impossible counts", contents::transcripts_odd),
    check("transcripts.too_large", "calls too large to be added up", contents::transcripts_too_large),
    check(
        "transcripts.kept",
        "how long Claude Code keeps transcripts, and what only the ledger has",
        contents::transcripts_kept,
    ),
    check("prices.complete", "models without a price", contents::prices_complete),
    check("ledger.sqlite", "the version of SQLite", contents::ledger_sqlite),
    check("ledger.opens", "whether the ledger is there and can be opened", contents::ledger_opens),
    check(
        "ledger.whole",
        "SQLite's own check of the file; with `--deep` the thorough one",
        contents::ledger_whole,
    ),
    check("ledger.loaded", "whether the first load came to its end", contents::ledger_loaded),
    deep("ledger.keys", "whether every call has exactly one key", contents::ledger_keys),
    deep(
        "ledger.rollups",
        "whether all sums equal the calls that they are sums of",
        contents::ledger_rollups,
    ),
    check(
        "limits.accounts",
        "whose accounts are in which directories, and files of Claude Code that do not tell",
        limits::accounts,
    ),
    check("limits.logins", "logins that are dead, or end soon", limits::logins),
    check(
        "limits.endpoint",
        "whether you allowed to ask for limits, and where that is done",
        limits::endpoint,
    ),
    check("limits.asking", "how asking for limits went, while sessions are at work", limits::asking),
    check("limits.managed", "logins that cco renews, and how that went", limits::managed),
    check("limits.files", "files of other tools about limits that cannot be used", shared::broken),
    check(
        "limits.sharing",
        "files of older tools that are to be written too, and who writes them",
        shared::written,
    ),
    check("limits.credentials", "logins in files that other users can read", limits::credentials),
    check(
        "statusline.installed",
        "whether Claude Code shows cco's status line, by config directory",
        statusline::installed,
    ),
    check(
        "statusline.runs",
        "whether the program of the status line is there, and prints a line",
        statusline::runs,
    ),
    check(
        "statusline.unchanged",
        "whether the status line is the one that was installed, and who else could change it",
        statusline::unchanged,
    ),
    check(
        "statusline.overridden",
        "settings that go before the status line, in the folder that this runs in too",
        statusline::overridden,
    ),
    check("daemon.runs", "whether a daemon runs, answers, and is of this version", daemon::runs),
    check("daemon.parts", "how the parts of the daemon that runs are", daemon::parts),
    check("daemon.token", "whether the token that requests need is its user's alone", daemon::token),
    check("daemon.installed", "whether the system starts this version at login", daemon::installed),
    check("time.data", "whether the system's time zone files are there", contents::time_data),
    check("time.zone", "whose days reports show, and whose the ledger keeps", contents::time_zone),
    check("time.clock", "calls dated ahead of now", contents::time_clock),
];

#[cfg(test)]
mod tests;
