//! A credential file, opened without being led elsewhere.
//!
//! A link to the file is followed, since people keep their dotfiles in repositories, if the link and what it leads to
//! are the same user's. Must not: wait for a pipe, or read more than a login can be.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use zeroize::Zeroizing;

use super::{Broken, Found, Unreadable};

/// Logins of other services (`mcpOAuth`) stand in the same file.
const MAX_FILE: usize = 1 << 20;

/// A file's content, wiped when it goes.
pub(super) struct Content {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) readable_by_others: bool,
}

pub(super) fn read(path: &Path) -> Result<Content, Found> {
    let us = rustix::process::geteuid().as_raw();
    let link = fs::symlink_metadata(path).map_err(|error| class(&error))?;
    if link.uid() != us {
        return Err(Found::Broken(Broken::NotOurs));
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| class(&error.into()))?;
    let file = File::from(file);
    let metadata = file.metadata().map_err(|error| class(&error))?;
    if !metadata.is_file() {
        return Err(Found::Broken(Broken::NotAFile));
    }
    if metadata.uid() != us {
        return Err(Found::Broken(Broken::NotOurs));
    }
    let length = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    if length > MAX_FILE {
        return Err(Found::Broken(Broken::TooLong));
    }
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length + 64));
    file.take(length as u64 + 1).read_to_end(&mut bytes).map_err(|error| class(&error))?;
    Ok(Content { bytes, readable_by_others: metadata.mode() & 0o077 != 0 })
}

fn class(error: &io::Error) -> Found {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Found::Absent,
        // A socket, or a link to itself.
        _ if [Some(rustix::io::Errno::NXIO.raw_os_error()), Some(rustix::io::Errno::LOOP.raw_os_error())]
            .contains(&error.raw_os_error()) =>
        {
            Found::Broken(Broken::NotAFile)
        }
        _ => Found::Unreadable(Unreadable::File),
    }
}
