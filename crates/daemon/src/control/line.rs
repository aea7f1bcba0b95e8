//! One question and its answer, with a bound on the whole, whatever the other side does or leaves undone.
//!
//! Must not: know what is asked.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, connect, socket};

use super::Unanswered;
use super::way::Way;
use crate::lock;

/// A daemon answers sooner than this, but for one that is at work, or on a machine that is. So whoever is silent for so
/// long is believed to be one only where the lock says that one runs; to look at that each time would keep daemons that
/// begin from it.
const SOON: Duration = Duration::from_millis(200);
/// An answer is not longer, in bytes.
const MOST_BYTES: usize = 64 << 20;

/// A line that is open.
pub(super) struct Line {
    stream: UnixStream,
    state: PathBuf,
    began: Instant,
    patience: Duration,
    /// The lock says that a daemon runs.
    is_believed: bool,
}

impl Line {
    /// Opens one; it and the question on it may take so long.
    pub(super) fn to(state: &Path, patience: Duration) -> Result<Self, Unanswered> {
        let began = Instant::now();
        let mut line = Self {
            stream: open().map_err(Unanswered::Absent)?,
            state: state.to_owned(),
            began,
            patience,
            is_believed: false,
        };
        let address = Way::to(state).and_then(|way| Ok((SocketAddrUnix::new(way.path())?, way)));
        let (address, _way) = address.map_err(Unanswered::Absent)?;
        loop {
            // Where too many wait already, a line is not had at once.
            line.set(Timeout::Send)?;
            match connect(&line.stream, &address) {
                Ok(()) => return Ok(line),
                Err(error) if is_late(error.kind()) => {}
                Err(error) => return Err(Unanswered::Absent(error.into())),
            }
        }
    }

    /// Asks, and gives the line of the answer.
    pub(super) fn ask(&mut self, question: &[u8]) -> Result<Vec<u8>, Unanswered> {
        let mut rest = question;
        while !rest.is_empty() {
            self.set(Timeout::Send)?;
            match self.stream.write(rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if is_late(error.kind()) => {}
                Err(error) => return Err(Unanswered::Silent(error)),
            }
        }
        let (mut answer, mut piece) = (Vec::new(), [0; 4_096]);
        while answer.last() != Some(&b'\n') && answer.len() < MOST_BYTES {
            self.set(Timeout::Recv)?;
            match self.stream.read(&mut piece) {
                Ok(0) if answer.is_empty() => {
                    return Err(Unanswered::Silent(ErrorKind::UnexpectedEof.into()));
                }
                Ok(0) => break,
                Ok(length) => answer.extend_from_slice(piece.get(..length).unwrap_or_default()),
                Err(error) if is_late(error.kind()) => {}
                Err(error) => return Err(Unanswered::Silent(error)),
            }
        }
        let _ = self.stream.shutdown(Shutdown::Both);
        Ok(answer)
    }

    /// Bounds what comes next by what is left of the time.
    fn set(&mut self, what: Timeout) -> Result<(), Unanswered> {
        let left = |bound: Duration| bound.saturating_sub(self.began.elapsed());
        if !self.is_believed && left(SOON.min(self.patience)).is_zero() {
            if lock::running(&self.state).is_none() {
                return Err(Unanswered::Stranger);
            }
            self.is_believed = true;
        }
        let bound = if self.is_believed { self.patience } else { SOON.min(self.patience) };
        let left = left(bound);
        if left.is_zero() {
            return Err(Unanswered::Silent(ErrorKind::TimedOut.into()));
        }
        match set_socket_timeout(&self.stream, what, Some(left)) {
            // macOS sets nothing any more where the other side has closed the line; what it wrote before is there still.
            Err(Errno::INVAL) if matches!(what, Timeout::Recv) => Ok(()),
            set => set.map_err(|error| Unanswered::Silent(error.into())),
        }
    }
}

/// A socket that no program gets which this one begins.
fn open() -> io::Result<UnixStream> {
    let socket: OwnedFd = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    Ok(socket.into())
}

/// The time was over, or something came between; what is left of the time says which.
fn is_late(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::control::{Client, SOCKET};
    use crate::lock::{About, Claim, Instance};

    /// What somebody does who may accept a line.
    type Does = fn(&UnixListener);

    fn accepts_and_hangs(listener: &UnixListener) {
        for stream in listener.incoming().map_while(Result::ok) {
            let _ = (&stream).read_to_end(&mut Vec::new());
        }
    }

    /// One byte after another, and never a whole line.
    fn drips(listener: &UnixListener) {
        for mut stream in listener.incoming().map_while(Result::ok) {
            while stream.write_all(b" ").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    /// Nobody accepts, and no more lines may wait for that.
    fn accepts_nobody(_: &UnixListener) {
        std::thread::park();
    }

    /// What comes of asking whoever does this, and how long that took.
    fn asked(state: &Path, (does, is_full): (Does, bool), patience: Duration) -> (Unanswered, Duration) {
        let address = SocketAddrUnix::new(state.join(SOCKET)).expect("an address");
        let socket = socket(AddressFamily::UNIX, SocketType::STREAM, None).expect("a socket");
        rustix::net::bind(&socket, &address).expect("its name");
        rustix::net::listen(&socket, 0).expect("somebody who listens");
        let waits = open().expect("a socket");
        if is_full {
            connect(&waits, &address).expect("the only place");
        }
        std::thread::spawn(move || does(&UnixListener::from(socket)));
        let began = Instant::now();
        let answer = Client::reach(state, patience).and_then(Client::status);
        (answer.expect_err("nobody answers"), began.elapsed())
    }

    /// Each with whether its only place is taken.
    const ALL: [(&str, (Does, bool)); 3] = [
        ("hangs", (accepts_and_hangs, false)),
        ("drips", (drips, false)),
        ("is full", (accepts_nobody, true)),
    ];

    #[test]
    fn a_stranger_who_says_nothing_is_waited_for_a_moment_whatever_he_does() {
        for (name, does) in ALL {
            let folder = tempfile::tempdir().expect("a folder");
            let patience = SOON * 25;
            let (why, took) = asked(folder.path(), does, patience);
            assert!(matches!(why, Unanswered::Stranger), "{name}: {why:?}");
            assert!((SOON..patience).contains(&took), "{name}: {took:?}");
        }
    }

    #[test]
    fn a_daemon_that_is_busy_is_waited_for_as_long_as_was_said_whatever_it_does() {
        for (name, does) in ALL {
            let folder = tempfile::tempdir().expect("a folder");
            let Ok(Claim::Ours(_held)) = Instance::claim(folder.path(), About::default()) else {
                unreachable!("nobody else runs here")
            };
            let patience = SOON * 3;
            let (why, took) = asked(folder.path(), does, patience);
            assert!(matches!(why, Unanswered::Silent(_)), "{name}: {why:?}");
            assert!((patience..SOON * 25).contains(&took), "{name}: {took:?}");
        }
    }
}
