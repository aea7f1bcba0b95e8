//! A way to the socket that is short enough: a socket's address holds about a hundred bytes, and a home may be longer.
//!
//! Must not: put a socket anywhere but in the state folder, whose rights keep others away.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::SOCKET;

/// An address is no longer everywhere, in bytes: 104 with its end on macOS, 108 on Linux.
const MOST_BYTES: usize = 103;

/// A path of the socket that a socket's address can hold, as long as this lives.
pub(super) struct Way {
    path: PathBuf,
    _kept: Kept,
}

/// What a path leads through.
enum Kept {
    Nothing,
    Opened(#[expect(dead_code, reason = "it is kept open")] File),
    Linked(#[expect(dead_code, reason = "it goes when this goes")] tempfile::TempDir),
}

impl Way {
    /// To the socket of a state folder.
    pub(super) fn to(state: &Path) -> io::Result<Self> {
        let path = state.join(SOCKET);
        if path.as_os_str().as_bytes().len() <= MOST_BYTES {
            return Ok(Self { path, _kept: Kept::Nothing });
        }
        if cfg!(target_os = "linux") { Self::opened(state) } else { Self::linked(state) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Through the folder as this process has it open.
    fn opened(state: &Path) -> io::Result<Self> {
        let folder = File::open(state)?;
        let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(SOCKET);
        Ok(Self { path, _kept: Kept::Opened(folder) })
    }

    /// Through a link for a moment, in a folder that nobody else can change.
    fn linked(state: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("cco-").tempdir_in("/tmp")?;
        let link = folder.path().join("state");
        std::os::unix::fs::symlink(state, &link)?;
        Ok(Self { path: link.join(SOCKET), _kept: Kept::Linked(folder) })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    /// A state folder whose socket no address can name.
    fn deep() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("x".repeat(200));
        std::fs::create_dir(&state).expect("a folder");
        (folder, state)
    }

    #[test]
    fn a_socket_is_made_and_reached_however_long_its_path_is() {
        for way in [Way::to, Way::opened, Way::linked] {
            let (_folder, state) = deep();
            assert!(UnixListener::bind(state.join(SOCKET)).is_err(), "the path is not long enough");
            let listener = UnixListener::bind(way(&state).expect("a way").path()).expect("a socket");
            assert!(state.join(SOCKET).exists());
            UnixStream::connect(way(&state).expect("a way").path()).expect("a line");
            drop(listener);
        }
    }

    #[test]
    fn a_short_path_is_the_way_itself() {
        let way = Way::to(Path::new("/home/somebody/.cco/state")).expect("a way");
        assert_eq!(way.path(), Path::new("/home/somebody/.cco/state/daemon.sock"));
    }
}
