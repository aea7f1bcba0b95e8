//! Opening a transcript without being led elsewhere, and telling whether it is still the same one.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use cco_model::file::FileState;
use rustix::fs::{Mode, OFlags};
use sha2::{Digest, Sha256};

use crate::source::read_fully_at;

/// How much of each end is looked at.
const ENDS: u64 = 1024;

/// Opens a transcript that a walk found: never through a link, never blocking on a pipe, and only when it still is
/// the regular file that was seen.
pub fn open(path: &Path, seen: &FileState) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() || (metadata.dev(), metadata.ino()) != (seen.device, seen.inode) {
        return Err(io::Error::other("was replaced while it was looked at; the next scan reads it"));
    }
    Ok(file)
}

/// Hash of the first and the last kilobyte before `offset`: the same bytes give the same number, and a file that was
/// truncated, replaced or written anew gives another.
pub fn fingerprint(file: &File, offset: u64) -> io::Result<i64> {
    let mut bytes = [0; 2 * ENDS as usize];
    let length = usize::try_from(offset.min(ENDS)).unwrap_or(0);
    let (head, tail) = bytes.split_at_mut(ENDS as usize);
    let got_head = read_fully_at(file, &mut head[..length], 0)?;
    let got_tail = read_fully_at(file, &mut tail[..length], offset - length as u64)?;
    let mut hash = Sha256::new();
    hash.update(&head[..got_head]);
    hash.update(&tail[..got_tail]);
    let mut word = [0; 8];
    word.copy_from_slice(&hash.finalize()[..8]);
    Ok(i64::from_le_bytes(word))
}

#[cfg(test)]
mod tests;
