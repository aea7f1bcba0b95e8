//! The journal: a file beside the ledger that is only ever appended to, for what transcripts cannot give again.
//!
//! It is a row of records, each of them checked by itself: a marker, the payload's length, eight bytes of a SHA-256
//! over both, the payload. The marker is no UTF-8, so no text in a payload can look like the begin of a record. What
//! is torn or damaged is passed over to the next record that is whole; so a kill in the middle of an append needs no
//! repair. A payload's first byte is its kind, and a kind never changes its layout: another layout is another kind, and
//! kinds that this program does not know are passed over.
//!
//! Must not: know SQL; hold text of a prompt or an answer.

pub(crate) mod block;
pub(crate) mod observed;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

const MARKER: [u8; 4] = [0xFF, b'c', b'j', 1];
/// Marker, length, check.
const HEAD: usize = 16;
/// No record is longer.
const MOST: usize = 16 << 20;
/// How much is read at once.
const CHUNK: usize = 1 << 18;
/// How often a lock is asked for again.
const LOCK_TURN: Duration = Duration::from_millis(5);

/// Kind of the first record: the id of the ledger that the journal belongs to.
pub(crate) const LEDGER: u8 = 1;
/// Kind of a record of calls: [`block::Block`].
pub(crate) const CALLS: u8 = 2;
/// Kind of a record of readings and logins: [`observed`].
pub(crate) const OBSERVED: u8 = 3;

/// What a look at a journal's beginning says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// There is no file, or nothing in it.
    Empty,
    /// A journal of ours; the id of its ledger, where it can be read.
    Ours(Option<String>),
    /// Something else.
    Foreign,
}

/// A ledger's journal. No file is made until something is written.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    path: PathBuf,
}

impl Journal {
    /// The journal of the ledger at this path: `ledger.journal` beside `ledger.db`.
    pub(crate) fn of(ledger: &Path) -> Self {
        let path = if ledger.extension().is_some_and(|extension| extension == "db") {
            ledger.with_extension("journal")
        } else {
            let mut name = ledger.as_os_str().to_owned();
            name.push(".journal");
            PathBuf::from(name)
        };
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Its size; 0 when it is not there.
    pub(crate) fn size(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }

    pub(crate) fn head(&self) -> io::Result<Head> {
        let mut records = match self.records(0) {
            Ok(records) => records,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Head::Empty),
            Err(error) => return Err(error),
        };
        if records.size == 0 {
            return Ok(Head::Empty);
        }
        let first = records.next()?;
        let id = first.as_deref().and_then(|record| record.strip_prefix(&[LEDGER]));
        Ok(match (&first, id) {
            (None, _) => Head::Foreign,
            (Some(_), Some(id)) => Head::Ours(String::from_utf8(id.to_vec()).ok()),
            (Some(_), None) => Head::Ours(None),
        })
    }

    /// Reads records from an offset on.
    pub(crate) fn records(&self, from: u64) -> io::Result<Records> {
        // A pipe of that name must not be waited on.
        if std::fs::metadata(&self.path)?.is_file() {
            Records::open(File::open(&self.path)?, from)
        } else {
            Err(io::Error::other("is no regular file"))
        }
    }

    /// Holds the journal, and with it the ledger's file as the one of its name. Alone: nobody else opens the ledger or
    /// writes to the journal meanwhile; then the file is made when it is not there. None: there is nothing to hold.
    /// Somebody else may hold it for longer than `patience`: that is an error, and it would block.
    pub(crate) fn hold(&self, alone: bool, patience: Duration) -> io::Result<Option<Held>> {
        let mut options = OpenOptions::new();
        options.read(true).append(alone).create(alone).mode(0o600);
        let file = match options.open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut waited = Duration::ZERO;
        loop {
            match if alone { file.try_lock() } else { file.try_lock_shared() } {
                Ok(()) => {
                    let size = file.metadata()?.len();
                    return Ok(Some(Held { file, size }));
                }
                Err(TryLockError::WouldBlock) if waited < patience => {
                    std::thread::sleep(LOCK_TURN);
                    waited += LOCK_TURN;
                }
                Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

/// A held journal; let go when dropped.
#[derive(Debug)]
pub(crate) struct Held {
    file: File,
    /// Its size when it was taken hold of.
    size: u64,
}

impl Held {
    /// Appends records.
    pub(crate) fn append(&mut self, records: &[u8]) -> io::Result<()> {
        self.file.write_all(records)
    }

    /// Waits until everything is on the disk; returns the journal's size.
    pub(crate) fn settle(&mut self) -> io::Result<u64> {
        self.file.sync_data()?;
        Ok(self.file.metadata()?.len())
    }

    /// Takes back what was appended. Where even that fails, readers pass over what is not whole.
    pub(crate) fn take_back(&mut self) {
        let _as_it_is = self.file.set_len(self.size);
    }

    /// Writes the first record of a new journal; it needs no sync, since it can be made again.
    pub(crate) fn begin(&mut self, ledger: &str) -> io::Result<()> {
        if self.file.metadata()?.len() == 0 {
            self.file.write_all(&first_record(ledger))?;
        }
        Ok(())
    }
}

/// The record that a journal begins with.
pub(crate) fn first_record(ledger: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_record(&mut bytes, |payload| {
        payload.push(LEDGER);
        payload.extend_from_slice(ledger.as_bytes());
    });
    bytes
}

/// Writes a record to the end of `out`; one that is too long is not written.
pub(crate) fn put_record(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let begin = out.len();
    out.extend_from_slice(&[0; HEAD]);
    write(out);
    let length = out.len() - begin - HEAD;
    let Some(number) = u32::try_from(length).ok().filter(|_| length <= MOST) else {
        return out.truncate(begin);
    };
    let (head, payload) = out[begin..].split_at_mut(HEAD);
    head[..4].copy_from_slice(&MARKER);
    head[4..8].copy_from_slice(&number.to_le_bytes());
    head[8..].copy_from_slice(&check(number, payload));
}

fn check(length: u32, payload: &[u8]) -> [u8; 8] {
    let mut hash = Sha256::new();
    hash.update(length.to_le_bytes());
    hash.update(payload);
    let mut check = [0; 8];
    check.copy_from_slice(&hash.finalize()[..8]);
    check
}

/// The whole records of a journal, in order.
pub(crate) struct Records {
    file: File,
    size: u64,
    /// Bytes of the file from `start` on, not all of them read yet.
    buffer: Vec<u8>,
    /// How much of the buffer is behind us.
    at: usize,
    /// Where in the file the buffer ends.
    end: u64,
    /// Stretches that hold no whole record.
    pub(crate) damaged: u64,
    in_damage: bool,
}

impl Records {
    fn open(mut file: File, from: u64) -> io::Result<Self> {
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(from))?;
        Ok(Self { file, size, buffer: Vec::new(), at: 0, end: from, damaged: 0, in_damage: false })
    }

    /// The journal's size when it was opened.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The payload of the next whole record.
    pub(crate) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if self.fill(HEAD)? == 0 {
                return Ok(None);
            }
            if let Some(length) = self.whole_record()? {
                self.in_damage = false;
                let payload = self.buffer[self.at + HEAD..self.at + HEAD + length].to_vec();
                self.at += HEAD + length;
                return Ok(Some(payload));
            }
            self.damaged += u64::from(!self.in_damage);
            self.in_damage = true;
            let rest = &self.buffer[self.at + 1..];
            self.at += 1 + rest.iter().position(|byte| *byte == MARKER[0]).unwrap_or(rest.len());
        }
    }

    /// The payload's length, if a whole record begins here.
    fn whole_record(&mut self) -> io::Result<Option<usize>> {
        let Some(head) = self.buffer.get(self.at..self.at + HEAD) else { return Ok(None) };
        if !head.starts_with(&MARKER) {
            return Ok(None);
        }
        let number = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        let Ok(length) = usize::try_from(number) else { return Ok(None) };
        if length > MOST || self.fill(HEAD + length)? < HEAD + length {
            return Ok(None);
        }
        let record = &self.buffer[self.at..self.at + HEAD + length];
        Ok((record[8..HEAD] == check(number, &record[HEAD..])).then_some(length))
    }

    /// Has so many bytes from here on in the buffer, if the file has them; returns how many there are, at most.
    fn fill(&mut self, wanted: usize) -> io::Result<usize> {
        let have = self.buffer.len() - self.at;
        if have < wanted && self.end < self.size {
            self.buffer.drain(..self.at);
            self.at = 0;
            let more = (wanted - have).max(CHUNK) as u64;
            let got = (&self.file).take(more.min(self.size - self.end)).read_to_end(&mut self.buffer)?;
            self.end += got as u64;
            if got == 0 {
                self.end = self.size;
            }
        }
        Ok((self.buffer.len() - self.at).min(wanted))
    }
}

#[cfg(test)]
mod tests;
