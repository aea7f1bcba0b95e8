//! What is remembered of a transcript file, and what a look at it says.

/// Which file this is and how far it has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileState {
    /// Device number.
    pub device: u64,
    /// Inode number; reused at once after a deletion, so never enough alone.
    pub inode: u64,
    /// The earlier of birth and modification time when first seen, nanoseconds since 1970.
    pub born_ns: i64,
    /// Size in bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Behind the last whole line read.
    pub offset: u64,
    /// Hash of the first and the last kilobyte before `offset`.
    pub fingerprint: i64,
}

impl FileState {
    /// Nothing happened to the file since this state, as far as one `stat` tells.
    pub fn looks_unchanged(&self, seen: &FileState) -> bool {
        (self.device, self.inode, self.size, self.mtime_ns)
            == (seen.device, seen.inode, seen.size, seen.mtime_ns)
    }

    /// The file may only have grown: worth comparing the fingerprint to read on from `offset`.
    pub fn may_have_grown(&self, seen: &FileState) -> bool {
        (self.device, self.inode) == (seen.device, seen.inode) && seen.size > self.size
    }
}
