//! Transcripts as the ledger remembers them: where each was last seen, what it was like, and how far it was read.

use std::path::{Path, PathBuf};

use cco_model::file::FileState;
use rusqlite::{OptionalExtension, Row, params};

use super::Writer;
use crate::{Ledger, LedgerError};

/// A transcript's row in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TranscriptId(pub(crate) i64);

/// A transcript as the ledger remembers it.
#[derive(Clone, Debug)]
pub struct KnownTranscript {
    /// Its row.
    pub id: TranscriptId,
    /// Where it was last seen.
    pub path: PathBuf,
    /// What it was like, and how far it was read.
    pub state: FileState,
    /// It was not there at the last look.
    pub gone: bool,
}

macro_rules! transcripts {
    () => {
        "SELECT id, path, gone, device, inode, born_ns, size, mtime_ns, \"offset\", fingerprint"
    };
}

impl Ledger {
    /// The transcripts that were there at the last look, or those that are gone.
    pub fn transcripts(&self, gone: bool) -> Result<Vec<KnownTranscript>, LedgerError> {
        let mut select = if gone {
            self.connection.prepare_cached(concat!(transcripts!(), " FROM transcript WHERE gone <> 0"))?
        } else {
            self.connection.prepare_cached(concat!(transcripts!(), " FROM transcript WHERE gone = 0"))?
        };
        let rows = select.query_map([], transcript_of)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A transcript by its row.
    pub fn transcript(&self, id: TranscriptId) -> Result<Option<KnownTranscript>, LedgerError> {
        let mut select =
            self.connection.prepare_cached(concat!(transcripts!(), " FROM transcript WHERE id = ?1"))?;
        Ok(select.query_row([id.0], transcript_of).optional()?)
    }

    /// All transcripts that ever were, gone ones too.
    pub fn all_transcripts(&self) -> Result<Vec<KnownTranscript>, LedgerError> {
        let mut select = self.connection.prepare_cached(concat!(transcripts!(), " FROM transcript"))?;
        let rows = select.query_map([], transcript_of)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Writer<'_> {
    /// The row of a transcript, made when it is new; `state` is what a look at it said.
    pub fn transcript(&mut self, path: &Path, state: &FileState) -> Result<TranscriptId, LedgerError> {
        let path = path.as_os_str().as_encoded_bytes();
        let mut select = self.transaction.prepare_cached("SELECT id FROM transcript WHERE path = ?1")?;
        if let Some(id) = select.query_row([path], |row| row.get(0)).optional()? {
            return Ok(TranscriptId(id));
        }
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO transcript (path, device, inode, born_ns, size, mtime_ns, \"offset\", fingerprint)
             VALUES (?1, ?2, ?3, ?4, 0, 0, 0, 0)",
        )?;
        let FileState { device, inode, born_ns, .. } = state;
        let id = insert.insert(params![path, device.cast_signed(), inode.cast_signed(), born_ns])?;
        Ok(TranscriptId(id))
    }

    /// A transcript has another name now. The row that had that name, if any, is of a file that is no more.
    pub fn move_transcript(&mut self, id: TranscriptId, path: &Path) -> Result<(), LedgerError> {
        let path = path.as_os_str().as_encoded_bytes();
        let mut free = self.transaction.prepare_cached(
            "UPDATE transcript SET path = path || CAST('#' || id AS BLOB), gone = 1 WHERE path = ?1 AND id <> ?2",
        )?;
        free.execute(params![path, id.0])?;
        let mut update =
            self.transaction.prepare_cached("UPDATE transcript SET path = ?1, gone = 0 WHERE id = ?2")?;
        update.execute(params![path, id.0])?;
        Ok(())
    }

    /// A transcript is gone, or is there again.
    pub fn set_gone(&mut self, id: TranscriptId, gone: bool) -> Result<(), LedgerError> {
        let mut update = self.transaction.prepare_cached("UPDATE transcript SET gone = ?1 WHERE id = ?2")?;
        update.execute(params![gone, id.0])?;
        Ok(())
    }
}

fn transcript_of(row: &Row<'_>) -> rusqlite::Result<KnownTranscript> {
    Ok(KnownTranscript {
        id: TranscriptId(row.get(0)?),
        path: path_of(row.get(1)?),
        gone: row.get(2)?,
        state: state_of(row, 3)?,
    })
}

pub(crate) fn path_of(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

fn state_of(row: &Row<'_>, first: usize) -> rusqlite::Result<FileState> {
    let number = |column: usize| row.get::<_, i64>(first + column);
    Ok(FileState {
        device: number(0)?.cast_unsigned(),
        inode: number(1)?.cast_unsigned(),
        born_ns: number(2)?,
        size: number(3)?.cast_unsigned(),
        mtime_ns: number(4)?,
        offset: number(5)?.cast_unsigned(),
        fingerprint: number(6)?,
    })
}
