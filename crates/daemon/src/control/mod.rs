//! How our own commands talk to the daemon: a socket file that only its user can open, a line of JSON each way.
//!
//! A command knows by the file's owner that it talks to its own daemon, and a daemon by the system's word that its own
//! user asks; so no token ever goes to whoever answers on a port. Owns the words of both sides.
//! Must not: offer anything that the event loop does not decide.

mod line;
pub(crate) mod served;
mod way;

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use self::line::Line;
use crate::lock::About;

/// The socket's name in the state folder.
pub const SOCKET: &str = "daemon.sock";
/// A question is no longer, in bytes.
pub(crate) const MOST_BYTES: usize = 64 << 10;

/// What a command may want.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wish {
    /// To know how it is.
    Status,
    /// All that was written to transcripts by now taken in.
    Settle,
    /// A code that lets a page in, once.
    Code,
    /// A new token; the old one lets nobody in any more.
    Rotate,
    /// Its end.
    Stop,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Question {
    pub(crate) wish: Wish,
    /// Config roots that are meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) roots: Vec<PathBuf>,
}

/// What came of taking in all that was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// All of it is in the ledger, but for what cannot be read.
    pub done: bool,
    /// Files and folders that cannot be read, each with why.
    pub unread: Vec<(PathBuf, String)>,
}

/// How the daemon is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Who runs.
    pub about: About,
    /// How its parts are: name, whether it works, and what there is to say.
    pub checks: Vec<(String, bool, String)>,
    /// Changes are heard of by polling, and not as events.
    pub is_polling: bool,
}

/// A code that lets a page in, once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// The code.
    pub code: String,
    /// Where the page is.
    pub address: String,
}

/// That something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// It was.
    pub done: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// No daemon of this user can be reached.
    #[error("no daemon can be reached: {0}")]
    Absent(io::Error),
    /// It did not answer, or not in time, for which the system's word is "resource temporarily unavailable".
    #[error("the daemon does not answer")]
    Silent(io::Error),
    /// What has its socket does not answer, and is no daemon: nobody holds the daemon's lock.
    #[error("another program has the daemon's socket, and does not answer")]
    Stranger,
    /// Its answer is none: it is of another version.
    #[error("the daemon's answer cannot be read; it is of another version")]
    Odd,
}

/// A line to the daemon of a state folder.
pub struct Client {
    line: Line,
}

impl Client {
    /// Reaches the daemon of a state folder; it is waited for at most so long, from now to its answer. Whoever is silent
    /// and is no daemon is not waited for.
    pub fn reach(state: &Path, patience: Duration) -> Result<Self, Unanswered> {
        is_ours(&state.join(SOCKET)).map_err(Unanswered::Absent)?;
        Ok(Self { line: Line::to(state, patience)? })
    }

    /// How it is.
    pub fn status(self) -> Result<Status, Unanswered> {
        self.ask(Wish::Status)
    }

    /// Has all that was written by now under these config roots taken in.
    pub fn settle(self, roots: Vec<PathBuf>) -> Result<Settled, Unanswered> {
        self.ask_of(&Question { wish: Wish::Settle, roots })
    }

    /// A code for the page.
    pub fn code(self) -> Result<Code, Unanswered> {
        self.ask(Wish::Code)
    }

    /// Makes the token another one. False: it could not be written.
    pub fn rotate(self) -> Result<bool, Unanswered> {
        self.ask::<Done>(Wish::Rotate).map(|it| it.done)
    }

    /// Ends it. It answers before it goes.
    pub fn stop(self) -> Result<(), Unanswered> {
        self.ask::<Done>(Wish::Stop).map(drop)
    }

    fn ask<A: DeserializeOwned>(self, wish: Wish) -> Result<A, Unanswered> {
        self.ask_of(&Question { wish, roots: Vec::new() })
    }

    fn ask_of<A: DeserializeOwned>(mut self, question: &Question) -> Result<A, Unanswered> {
        let mut question = serde_json::to_vec(question).map_err(|_| Unanswered::Odd)?;
        question.push(b'\n');
        let answer = self.line.ask(&question)?;
        serde_json::from_slice(&answer).map_err(|_| Unanswered::Odd)
    }
}

/// The socket is this user's, and nobody else could have put it there.
fn is_ours(path: &Path) -> io::Result<()> {
    let us = rustix::process::geteuid().as_raw();
    let folder = path.parent().map_or_else(|| Err(io::ErrorKind::NotFound.into()), fs::symlink_metadata)?;
    let socket = fs::symlink_metadata(path)?;
    let is_ours = socket.uid() == us && folder.uid() == us && folder.permissions().mode() & 0o022 == 0;
    if is_ours {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "its socket is another user's"))
    }
}
