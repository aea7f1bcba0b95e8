//! One daemon for each home: who runs is decided by the kernel's lock on a file, and told by what is written in it.
//!
//! Owns `state/daemon.lock` and `state/daemon.json`. Must not: believe a file without its lock.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

const LOCK: &str = "daemon.lock";
const ABOUT: &str = "daemon.json";
/// Neither file is longer, in bytes.
const MOST_BYTES: u64 = 4_096;

/// A daemon that was just killed may hold the lock for a moment: it is tried so often again, after so long.
const TURNS: u32 = 3;
const TURN: Duration = Duration::from_millis(15);
/// So often where it is held by those only who look whether a daemon runs. Each holds it for a moment, but a busy
/// machine may leave one at that.
const TURNS_OF_LOOKERS: u32 = 100;

/// Who runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// When it began, UTC milliseconds.
    pub since_ms: i64,
    /// Where it is reached over HTTP; none: not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Where it was to listen, where another program does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
    /// It ends when nobody uses it.
    #[serde(default)]
    pub leaves_when_idle: bool,
}

/// The right to be the daemon, until it is dropped or the process ends, in whatever way.
#[derive(Debug)]
pub struct Instance {
    lock: File,
    state: PathBuf,
    about: About,
}

/// What came of wanting to be the daemon.
#[derive(Debug)]
pub enum Claim {
    /// This process is.
    Ours(Instance),
    /// Another one is; none: it has not said who it is yet.
    Taken(Option<About>),
}

impl Instance {
    /// Tries to be the daemon of a state folder, which is made when absent.
    pub fn claim(state: &Path, about: About) -> io::Result<Claim> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(state)?;
        let mut options = OpenOptions::new();
        let path = state.join(LOCK);
        let mut lock = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let (mut held, mut looked_at) = (0, 0);
        while !takes(lock.try_lock())? {
            if takes(lock.try_lock_shared())? {
                lock.unlock()?;
                looked_at += 1;
            } else {
                held += 1;
            }
            if held > TURNS {
                return Ok(Claim::Taken(told(state, lock)));
            }
            if looked_at > TURNS_OF_LOOKERS {
                return Err(io::Error::other("it is looked at all the time"));
            }
            std::thread::sleep(TURN);
        }
        // What one that was killed left behind says nothing of this one.
        let _ = fs::remove_file(state.join(ABOUT));
        lock.set_len(0)?;
        lock.rewind()?;
        lock.write_all(&serde_json::to_vec(&about)?)?;
        Ok(Claim::Ours(Self { lock, state: state.to_owned(), about }))
    }

    /// Who we are.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The lock's file is still the one in the state folder: nobody took it away, or put another one in its place.
    pub(crate) fn holds(&self) -> bool {
        let there = match fs::symlink_metadata(self.state.join(LOCK)) {
            Ok(there) => there,
            // What cannot be looked at may well be there.
            Err(error) => return error.kind() != io::ErrorKind::NotFound,
        };
        self.lock.metadata().is_ok_and(|ours| (ours.dev(), ours.ino()) == (there.dev(), there.ino()))
    }

    /// Tells where this daemon listens, and where it was to.
    pub(crate) fn tell_address(&mut self, address: SocketAddr, wanted: SocketAddr) -> io::Result<()> {
        self.about.address = Some(url(address));
        let is_elsewhere = wanted.port() != 0 && wanted.port() != address.port();
        self.about.instead_of = is_elsewhere.then(|| wanted.to_string());
        let mut new = tempfile::Builder::new().prefix(".daemon.").tempfile_in(&self.state)?;
        new.write_all(&serde_json::to_vec(&self.about)?)?;
        new.persist(self.state.join(ABOUT)).map(drop).map_err(|error| error.error)
    }
}

/// Whether a lock was taken, or somebody else has it.
fn takes(tried: Result<(), TryLockError>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // The lock goes after this: nobody else has written it by then, unless the lock is gone.
        if self.holds() {
            let _ = fs::remove_file(self.state.join(ABOUT));
        }
    }
}

/// How people reach what listens there: who listens on every address is reached on this machine by one of its own.
pub(crate) fn url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

/// The daemon that runs for a state folder; none: none does. The inner none: it has not said who it is yet.
pub fn running(state: &Path) -> Option<Option<About>> {
    let lock = File::open(state.join(LOCK)).ok()?;
    match lock.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(told(state, lock)),
        // It was ours for this moment; a daemon that began in it tries again.
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

/// What the daemon that holds the lock says of itself: where it is reached from the file beside, if that is its own.
fn told(state: &Path, lock: File) -> Option<About> {
    let read = |file: File| -> Option<About> {
        let mut bytes = Vec::new();
        file.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
        serde_json::from_slice(&bytes).ok()
    };
    let holder = read(lock);
    let beside = File::open(state.join(ABOUT)).ok().and_then(read);
    match (holder, beside) {
        (Some(holder), Some(beside)) if holder.pid == beside.pid => Some(beside),
        (holder, _) => holder,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{RecvTimeoutError, channel};

    use super::*;

    #[test]
    fn one_that_begins_waits_for_whoever_only_looks_and_not_for_one_that_runs() {
        let folder = tempfile::tempdir().expect("a folder");
        let claim = |state: &Path| Instance::claim(state, About::default()).expect("an answer");
        let Claim::Ours(first) = claim(folder.path()) else { panic!("nobody else is here") };
        assert!(matches!(claim(folder.path()), Claim::Taken(_)));
        drop(first);
        let looker = File::open(folder.path().join(LOCK)).expect("the lock's file");
        looker.try_lock_shared().expect("nobody has it");
        let (tell, told) = channel();
        std::thread::scope(|scope| {
            scope.spawn(|| tell.send(claim(folder.path())).expect("somebody waits"));
            let early = told.recv_timeout(TURN * 10).err();
            drop(looker);
            assert_eq!(early, Some(RecvTimeoutError::Timeout));
            assert!(matches!(told.recv(), Ok(Claim::Ours(_))));
        });
    }

    #[test]
    fn an_address_that_is_told_is_one_that_works() {
        for (listens, told) in [
            ("127.0.0.1:3003", "http://127.0.0.1:3003"),
            ("0.0.0.0:4010", "http://127.0.0.1:4010"),
            ("[::]:4010", "http://[::1]:4010"),
            ("192.0.2.1:80", "http://192.0.2.1:80"),
        ] {
            assert_eq!(url(listens.parse().expect("an address")), told);
        }
    }
}
