//! What went wrong, as the user sees it: one sentence, hints, and the one table of exit codes.
//!
//! Must not: print; decide what went wrong.

use std::io::{self, ErrorKind};
use std::process::ExitCode;

/// How a run ended; the only place that knows exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything asked for was done.
    Done,
    /// It could not be done.
    Failed,
    /// It was asked for in a way that cannot be understood.
    Usage,
    /// A check found a problem, or a limit is at its guard.
    Problem,
    /// A guard cannot tell.
    CannotTell,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Problem => 3,
            Exit::CannotTell => 4,
        })
    }
}

/// An error at the edge: what and where in `message`, what to do next in `hints`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CliError {
    /// Decides the exit code.
    pub(crate) exit: Exit,
    /// One sentence without a full stop, names included.
    pub(crate) message: String,
    /// What to do next, most useful first.
    pub(crate) hints: Vec<String>,
    /// Another process held the ledger for longer than was waited.
    pub(crate) is_busy: bool,
    /// The ledger may be damaged, and it is worth trying again when it has been looked at.
    pub(crate) ledger_is_suspect: bool,
}

impl CliError {
    /// Something could not be done.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message.into())
    }

    /// Arguments or environment ask for something that does not exist.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message.into())
    }

    fn new(exit: Exit, message: String) -> Self {
        Self { exit, message, hints: Vec::new(), is_busy: false, ledger_is_suspect: false }
    }

    /// The same error with one more thing to try.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// An error of the system in a few words, to stand behind what was tried.
pub(crate) fn why(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "not there".to_owned(),
        ErrorKind::NotADirectory => "not a folder".to_owned(),
        ErrorKind::AlreadyExists => "something else of that name is there".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        ErrorKind::StorageFull => "the disk is full".to_owned(),
        _ => without_number(&error.to_string()).to_owned(),
    }
}

/// The words of a system's error; the number behind them helps nobody.
pub(crate) fn without_number(text: &str) -> &str {
    text.split(" (os error").next().unwrap_or_default()
}

impl From<cco_engine::EngineError> for CliError {
    fn from(error: cco_engine::EngineError) -> Self {
        let mut failed = Self::failed(error.to_string());
        failed.is_busy = error.is_busy();
        failed.ledger_is_suspect = error.is_suspect();
        match error.hint() {
            Some(hint) => failed.hint(hint),
            None => failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_have_no_numbers() {
        for (number, words) in
            [(2, "not there"), (13, "permission denied"), (20, "not a folder"), (5, "Input/output error")]
        {
            assert_eq!(why(&io::Error::from_raw_os_error(number)), words);
        }
    }
}
