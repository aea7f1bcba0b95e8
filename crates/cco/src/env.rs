//! The environment, gathered once: variables, the clock, the two terminals.
//!
//! Owns the only reads of environment variables and of the clock in this program.
//! Must not: decide anything with them beyond "set", "empty" and "readable".

use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::error::CliError;

/// One environment variable that `cco` looks at.
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it does, for `--help`.
    pub(crate) about: &'static str,
    /// For tests; not in the help.
    pub(crate) hidden: bool,
}

const fn variable(name: &'static str, about: &'static str) -> Variable {
    Variable { name, about, hidden: false }
}

const fn hidden(name: &'static str, about: &'static str) -> Variable {
    Variable { name, about, hidden: true }
}

/// Where `cco` keeps its own files.
pub(crate) const CCO_HOME: &str = "CCO_HOME";
/// The time zone of reports.
pub(crate) const CCO_TIMEZONE: &str = "CCO_TIMEZONE";
const CCO_NOW: &str = "CCO_NOW";
const CCO_THREADS: &str = "CCO_THREADS";
const MALLOC_ARENA_MAX: &str = "MALLOC_ARENA_MAX";
#[cfg(feature = "planted-bugs")]
const CCO_PLANTED_BUG: &str = "CCO_PLANTED_BUG";
/// Config roots of Claude Code, by comma.
pub(crate) const CLAUDE_CONFIG_DIR: &str = "CLAUDE_CONFIG_DIR";

/// All variables that are looked at; what is not here is not read.
pub(crate) static VARIABLES: &[Variable] = &[
    variable(CCO_HOME, "where cco keeps its own files [default: ~/.cco]"),
    variable(CCO_TIMEZONE, "time zone of reports, like --timezone"),
    hidden(CCO_NOW, "the present, RFC 3339"),
    hidden(CCO_THREADS, "threads that read transcripts"),
    hidden("CCO_PLANTED_BUG", "turns on a planted bug, in builds that have them"),
    variable(CLAUDE_CONFIG_DIR, "config folders of Claude Code, by comma; replaces the defaults"),
    variable("XDG_CONFIG_HOME", "where claude/ is looked for [default: ~/.config]"),
    variable("HOME", "the home folder"),
    variable("NO_COLOR", "when set: no colour"),
    variable("TZ", "the system's time zone"),
    hidden("TERM", "`dumb`: no colour; how many colours the status line has"),
    hidden("COLORTERM", "`truecolor`: any colour on the status line"),
    hidden("COLUMNS", "width of tables and notes"),
    variable("CLAUDE_HS_HOME", "where an account switcher keeps its files [default: ~/.claude-hs]"),
    variable("HTTPS_PROXY", "the proxy through which limits are asked for; also ALL_PROXY, NO_PROXY"),
    hidden("https_proxy", "as HTTPS_PROXY"),
    hidden("ALL_PROXY", "as HTTPS_PROXY"),
    hidden("all_proxy", "as ALL_PROXY"),
    hidden("NO_PROXY", "hosts that are asked directly"),
    hidden("no_proxy", "as NO_PROXY"),
    hidden(MALLOC_ARENA_MAX, "arenas of memory that the threads of a daemon share, with glibc"),
    hidden("PATH", "where the tool for notifications is looked for"),
    hidden("USER", "the login name that the macOS Keychain is asked with"),
    variable("VISUAL", "the editor of `cco config edit`, before EDITOR"),
    variable("EDITOR", "the editor of `cco config edit` [default: vi]"),
];

/// Everything outside of arguments and files that a run depends on.
#[derive(Clone, Debug)]
pub(crate) struct Env {
    /// `HOME`.
    pub(crate) home: Option<PathBuf>,
    /// `CCO_HOME`, as it is given.
    pub(crate) cco_home: Option<PathBuf>,
    /// `CCO_TIMEZONE`.
    pub(crate) timezone: Option<String>,
    /// `CLAUDE_CONFIG_DIR`.
    pub(crate) claude_config_dir: Option<OsString>,
    /// `XDG_CONFIG_HOME`.
    pub(crate) xdg_config_home: Option<PathBuf>,
    /// `TZ`; jiff reads it by itself, this one is for messages.
    pub(crate) tz: Option<OsString>,
    /// The present.
    pub(crate) now: Timestamp,
    /// A test fixed it: the clock stands.
    pub(crate) clock_stands: bool,
    /// `CCO_THREADS`; none: by the number of cores.
    pub(crate) threads: Option<usize>,
    /// The environment asks for plain text.
    pub(crate) plain: bool,
    /// `TERM`.
    pub(crate) term: Option<String>,
    /// `COLORTERM`.
    pub(crate) colorterm: Option<String>,
    /// Width of the terminal on stdout; none: no terminal, no limit.
    pub(crate) width: Option<usize>,
    /// Width of the terminal on stderr; none: no terminal, no limit.
    pub(crate) notes_width: Option<usize>,
    /// `CLAUDE_HS_HOME`.
    pub(crate) hot_swap_home: Option<PathBuf>,
    /// `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, or the same in small letters.
    pub(crate) proxies: [Option<String>; 3],
    /// `PATH`.
    pub(crate) search_path: Option<OsString>,
    /// `USER`.
    pub(crate) login_name: Option<String>,
    /// `VISUAL`, else `EDITOR`.
    pub(crate) editor: Option<OsString>,
    /// Somebody looks at stdout.
    pub(crate) stdout_is_terminal: bool,
    /// Somebody looks at stderr.
    pub(crate) stderr_is_terminal: bool,
    /// Somebody can be asked.
    pub(crate) stdin_is_terminal: bool,
    /// The bug to plant.
    #[cfg(feature = "planted-bugs")]
    pub(crate) planted_bug: Option<String>,
}

impl Env {
    /// Reads the environment, the clock and the terminals.
    pub(crate) fn gather() -> Result<Self, CliError> {
        let stdout_is_terminal = std::io::stdout().is_terminal();
        let stderr_is_terminal = std::io::stderr().is_terminal();
        Ok(Self {
            home: path("HOME"),
            cco_home: raw(CCO_HOME).map(PathBuf::from),
            timezone: text(CCO_TIMEZONE)?,
            claude_config_dir: raw(CLAUDE_CONFIG_DIR),
            xdg_config_home: raw("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute()),
            tz: raw("TZ"),
            now: now()?,
            clock_stands: raw(CCO_NOW).is_some(),
            threads: text(CCO_THREADS)?.and_then(|threads| threads.parse().ok()),
            plain: raw("NO_COLOR").is_some() || raw("TERM").is_some_and(|term| term == "dumb"),
            term: raw("TERM").and_then(|text| text.into_string().ok()),
            colorterm: raw("COLORTERM").and_then(|text| text.into_string().ok()),
            width: columns()
                .or_else(|| if stdout_is_terminal { terminal_width(std::io::stdout()) } else { None }),
            notes_width: if stderr_is_terminal { stderr_columns() } else { None },
            hot_swap_home: raw("CLAUDE_HS_HOME").map(PathBuf::from),
            proxies: [("https_proxy", "HTTPS_PROXY"), ("all_proxy", "ALL_PROXY"), ("no_proxy", "NO_PROXY")]
                .map(|(small, large)| {
                    raw(small).or_else(|| raw(large)).and_then(|text| text.into_string().ok())
                }),
            search_path: raw("PATH"),
            login_name: raw("USER").and_then(|name| name.into_string().ok()),
            editor: raw("VISUAL").or_else(|| raw("EDITOR")),
            stdout_is_terminal,
            stderr_is_terminal,
            stdin_is_terminal: std::io::stdin().is_terminal(),
            #[cfg(feature = "planted-bugs")]
            planted_bug: text(CCO_PLANTED_BUG)?,
        })
    }
}

/// How long there is to wait, from the moment it was made.
pub(crate) struct Patience {
    since: Instant,
    all: Duration,
}

impl Patience {
    /// So many milliseconds from now.
    pub(crate) fn of_ms(ms: u64) -> Self {
        Self { since: Instant::now(), all: Duration::from_millis(ms) }
    }

    /// What is left of it.
    pub(crate) fn left(&self) -> Duration {
        self.all.saturating_sub(self.since.elapsed())
    }
}

/// A variable's value; an empty one counts as absent.
#[expect(clippy::disallowed_methods, reason = "the one place that reads variables")]
fn raw(name: &str) -> Option<OsString> {
    debug_assert!(VARIABLES.iter().any(|variable| variable.name == name), "{name} is not declared");
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn text(name: &str) -> Result<Option<String>, CliError> {
    raw(name)
        .map(|value| value.into_string().map_err(|_| CliError::usage(format!("{name} is not valid UTF-8"))))
        .transpose()
}

fn path(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(raw(name)?);
    Some(std::path::absolute(&path).unwrap_or(path))
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
fn now() -> Result<Timestamp, CliError> {
    let Some(given) = text(CCO_NOW)? else { return Ok(Timestamp::now()) };
    given.parse().map_err(|error| CliError::usage(format!("{CCO_NOW}: {error}")).hint("2026-10-20T12:00:00Z"))
}

fn columns() -> Option<usize> {
    raw("COLUMNS")?.to_str()?.parse().ok().filter(|width| *width > 0)
}

/// The width of the terminal on stderr at this moment.
pub(crate) fn stderr_columns() -> Option<usize> {
    columns().or_else(|| terminal_width(std::io::stderr()))
}

/// The width of the terminal on stdout at this moment.
pub(crate) fn stdout_columns() -> Option<usize> {
    columns().or_else(|| terminal_width(std::io::stdout()))
}

/// The program that runs, where it can be told.
pub(crate) fn program() -> Option<PathBuf> {
    std::env::current_exe().ok().filter(|path| path.is_file())
}

/// Begins this program anew in its own place, so that its threads share two arenas of memory, unless somebody said how
/// many. With one for each thread, as glibc has it, a daemon that answers grew by 3 MiB in ten minutes, though what it
/// held did not, and took a quarter more for a million calls; answers were no quicker. It comes back where it is so, or
/// cannot be.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn share_arenas() {
    use std::os::unix::process::CommandExt;

    let (mut words, Some(program)) = (std::env::args_os(), program()) else { return };
    if raw(MALLOC_ARENA_MAX).is_none() {
        let mut anew = std::process::Command::new(program);
        anew.env(MALLOC_ARENA_MAX, "2");
        if let Some(name) = words.next() {
            anew.arg0(name);
        }
        let _not_begun = anew.args(words).exec();
    }
}

/// The folder that this runs in.
pub(crate) fn working_folder() -> Option<PathBuf> {
    std::env::current_dir().ok()
}

/// The height of the terminal on stdout at this moment.
pub(crate) fn stdout_rows() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    (size.ws_row > 0).then_some(usize::from(size.ws_row))
}

/// The clock at this moment, for what runs on and on; fixed where a test fixed it.
pub(crate) fn later() -> Result<Timestamp, CliError> {
    now()
}

fn terminal_width(stream: impl AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}
