//! What goes to the journal, and when: calls of transcripts that are gone or may soon be. What is observed of accounts
//! and limits goes there when it comes, and here when it could not, or when the journal was lost.
//!
//! The order makes a kill harmless: records are on the disk before the ledger says that they are, in the transaction
//! that chose them. What was written and not said is written again; it comes back once, since calls are told apart by
//! their keys.

mod page;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use cco_model::batch::KeyMap;
use rusqlite::{Connection, Row, TransactionBehavior, params};

pub(crate) use self::page::{Book, Page, UsedTool};
use crate::journal::block::{KeptCostState, KeptPullRequest, Source};
use crate::journal::{Head, Held};
use crate::limits::returned;
use crate::names;
use crate::stored::{self, columns};
use crate::{Ledger, LedgerError};

/// Calls in a record: more share their names, fewer are lost with a damaged one.
pub(crate) const CALLS_IN_RECORD: u64 = 64;
/// So many calls are written in some 15 ms.
const LARGE: i64 = 10_000;
/// Bytes of records that are written at once.
const WRITE: usize = 1 << 20;
/// How long the journal is waited for; the next run comes to it as well.
const PATIENCE: Duration = Duration::from_secs(2);

/// Which transcripts have to go to the journal.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// Those that were last written before this (nanoseconds since 1970), as those that are gone.
    pub before_ns: i64,
    /// If there is any, those that were last written before this go with them: looking for calls reads the ledger
    /// whole, and so it is done once a day at most.
    pub with_ns: i64,
    /// A large ledger whose file was made after this is left for later: it was filled from transcripts that are there,
    /// and writing all of them a second time would make the first run a tenth slower.
    pub made_before_ns: i64,
}

/// Why something is not in the journal. It is in the ledger, and the next run tries again.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The file could not be written.
    #[error("{}: {error}", .path.display())]
    Io {
        /// The journal.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// There is a file of the journal's name that is none.
    #[error("{} is not a journal of cco; it was left as it is", .0.display())]
    Foreign(PathBuf),
    /// The ledger could not be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl KeepError {
    /// There is no room to write.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Io { error, .. } => error.kind() == io::ErrorKind::StorageFull,
            Self::Ledger(error) => error.is_full(),
            _ => false,
        }
    }
}

impl From<rusqlite::Error> for KeepError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Ledger(error.into())
    }
}

impl Ledger {
    /// Writes calls that transcripts may not give again to the journal; returns how many.
    pub fn keep(&mut self, due: Due) -> Result<u64, KeepError> {
        let Some(journal) = self.journal.clone() else { return Ok(0) };
        // Observed things are few: they are written whole, large ledger or not.
        let (is_lost, observed) =
            (mark(&self.connection)? > journal.size(), is_unjournalled(&self.connection)?);
        let calls = any_due(&self.connection, due)?;
        if !is_lost && !observed && !calls {
            return Ok(0);
        }
        let later = self.is_large_and_new(due.made_before_ns)?;
        if later && !is_lost && !observed {
            return Ok(0);
        }
        let io = |error| KeepError::Io { path: journal.path().to_owned(), error };
        // Once in the transaction nobody is waited for: who opens the ledger holds the journal too.
        let mut held = match journal.hold(true, PATIENCE) {
            Ok(Some(held)) => held,
            Ok(None) => return Ok(0),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(error) => return Err(io(error)),
        };
        if journal.head().map_err(io)? == Head::Foreign {
            return Err(KeepError::Foreign(journal.path().to_owned()));
        }
        held.begin(&self.id).map_err(io)?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (size, known) = (journal.size(), mark(&transaction)?);
        if known > size {
            lost(&transaction)?;
        }
        let written = write_missing(&transaction, &mut held, due, later);
        let settled = written.and_then(|calls| Ok((calls, held.settle()?)));
        let (calls, end) = match settled {
            Ok(done) => done,
            Err(Failed::Journal(error)) => {
                held.take_back();
                return Err(io(error));
            }
            Err(Failed::Ledger(error)) => {
                held.take_back();
                return Err(error.into());
            }
        };
        // What another process wrote and this ledger does not know stays to be read.
        if known >= size {
            set_mark(&transaction, end)?;
        }
        set_unjournalled(&transaction, false)?;
        transaction.commit()?;
        Ok(calls)
    }
}

impl Ledger {
    fn is_large_and_new(&self, made_before_ns: i64) -> rusqlite::Result<bool> {
        let mut select = self.connection.prepare_cached("SELECT coalesce(max(id), 0) FROM call")?;
        let calls: i64 = select.query_row([], |row| row.get(0))?;
        Ok(calls > LARGE && self.made_ns().is_some_and(|made| made >= made_before_ns))
    }

    /// When the ledger's file was made, where the file system tells.
    fn made_ns(&self) -> Option<i64> {
        let made = fs::metadata(self.connection.path()?).and_then(|metadata| metadata.created()).ok()?;
        i64::try_from(made.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_nanos()).ok()
    }
}

/// How much of the journal the ledger knows.
pub(crate) fn mark(connection: &Connection) -> rusqlite::Result<u64> {
    let mut select =
        connection.prepare_cached("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'journal'")?;
    select.query_row([], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned)
}

pub(crate) fn set_mark(connection: &Connection, size: u64) -> rusqlite::Result<()> {
    let mut update =
        connection.prepare_cached("UPDATE meta SET value = CAST(?1 AS TEXT) WHERE key = 'journal'")?;
    update.execute([size.cast_signed()]).map(|_| ())
}

/// Something that was observed of accounts and limits is not in the journal; then all of it is written again.
pub(crate) fn is_unjournalled(connection: &Connection) -> rusqlite::Result<bool> {
    let mut select =
        connection.prepare_cached("SELECT 1 FROM meta WHERE key = 'unjournalled' AND value <> '0'")?;
    select.exists([])
}

pub(crate) fn set_unjournalled(connection: &Connection, unjournalled: bool) -> rusqlite::Result<()> {
    let mut update =
        connection.prepare_cached("UPDATE meta SET value = CAST(?1 AS TEXT) WHERE key = 'unjournalled'")?;
    update.execute([unjournalled]).map(|_| ())
}

/// The journal is not what it was: all that is due has to be written again.
pub(crate) fn lost(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("UPDATE transcript SET journalled = 0, unjournalled = 1", [])?;
    set_unjournalled(connection, true)?;
    set_mark(connection, 0)
}

fn any_due(connection: &Connection, due: Due) -> rusqlite::Result<bool> {
    let mut select = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM transcript WHERE unjournalled = 1 AND gone = 1)
             OR EXISTS (SELECT 1 FROM transcript WHERE unjournalled = 1 AND gone = 0 AND mtime_ns < ?1)",
    )?;
    select.query_row([due.before_ns], |row| row.get(0))
}

pub(crate) enum Failed {
    Journal(io::Error),
    Ledger(rusqlite::Error),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Journal(error)
    }
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Ledger(error)
    }
}

/// Writes what the journal lacks. `later`: calls have time.
fn write_missing(connection: &Connection, held: &mut Held, due: Due, later: bool) -> Result<u64, Failed> {
    if is_unjournalled(connection)? {
        returned::write_all(connection, held)?;
    }
    if later || !any_due(connection, due)? { Ok(0) } else { write_due(connection, held, due) }
}

/// Writes what is due, and says of its transcripts that it is written.
fn write_due(connection: &Connection, held: &mut Held, due: Due) -> Result<u64, Failed> {
    let mut desks = due_transcripts(connection, due)?;
    let tools = tool_uses(connection)?;
    let (mut out, mut calls) = (Vec::with_capacity(WRITE), 0);
    let mut book = Book::new(connection);
    let mut select = connection.prepare(concat!("SELECT ", columns!(), ", id, seq, key FROM call"))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let Some(desk) = desks.get_mut(&row.get(7)?) else { continue };
        if row.get::<_, i64>(24)? <= desk.journalled {
            continue;
        }
        let id: i64 = row.get(23)?;
        let first = tools.partition_point(|used| used.call < id);
        let used = tools[first..].iter().take_while(|used| used.call == id);
        let texts = (text_of(row, 9)?, text_of(row, 10)?);
        desk.page.call(&mut book, &row.get(25)?, stored::read_numbers(row)?, texts, used)?;
        calls += 1;
        if desk.page.draft.calls() >= CALLS_IN_RECORD {
            desk.page.write(&mut out);
        }
        if out.len() >= WRITE {
            held.append(&out)?;
            out.clear();
        }
    }
    for (session, cost_nanos, at_ms, transcript, offset) in cost_states(connection)? {
        if let Some(desk) = desks.get_mut(&transcript) {
            let session = desk.page.named(&mut book, names::SESSION, session)?;
            desk.page.draft.cost_state(&KeptCostState { session, cost_nanos, at_ms, offset });
        }
    }
    for (session, url, number, repository, transcript) in pull_requests(connection)? {
        if let Some(desk) = desks.get_mut(&transcript) {
            let session = desk.page.named(&mut book, names::SESSION, session)?;
            let draft = &mut desk.page.draft;
            let (url, repository) = (draft.name(&url), draft.name(&repository));
            draft.pull_request(&KeptPullRequest { session, url, number, repository });
        }
    }
    let mut update = connection.prepare_cached(
        "UPDATE transcript SET unjournalled = 0,
             journalled = (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'seq') WHERE id = ?1",
    )?;
    for (id, desk) in &mut desks {
        desk.page.write(&mut out);
        update.execute([id])?;
    }
    held.append(&out)?;
    Ok(calls)
}

/// A column's text, where it stands.
pub(crate) fn text_of<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<&'r str> {
    Ok(row.get_ref(column)?.as_str()?)
}

/// What is being written of a transcript.
struct Desk {
    journalled: i64,
    page: Page,
}

fn due_transcripts(connection: &Connection, due: Due) -> rusqlite::Result<KeyMap<i64, Desk>> {
    let mut select = connection.prepare(
        "SELECT id, journalled, path, device, inode, born_ns FROM transcript
         WHERE unjournalled = 1 AND (gone = 1 OR mtime_ns < ?1)",
    )?;
    let desks = select.query_map([due.with_ns.max(due.before_ns)], |row| {
        let transcript = Source {
            path: row.get(2)?,
            device: row.get::<_, i64>(3)?.cast_unsigned(),
            inode: row.get::<_, i64>(4)?.cast_unsigned(),
            born_ns: row.get(5)?,
        };
        Ok((row.get(0)?, Desk { journalled: row.get(1)?, page: Page::new(transcript) }))
    })?;
    desks.collect()
}

/// The tool uses of all calls, by call.
fn tool_uses(connection: &Connection) -> rusqlite::Result<Vec<UsedTool>> {
    let mut select =
        connection.prepare("SELECT call_id, id, tool_id, failed FROM tool_use WHERE call_id <> 0")?;
    let uses = select.query_map([], |row| {
        Ok(UsedTool { call: row.get(0)?, id: row.get(1)?, tool: row.get(2)?, failed: row.get(3)? })
    })?;
    let mut uses: Vec<UsedTool> = uses.collect::<Result<_, _>>()?;
    uses.sort_unstable_by_key(|used| (used.call, used.id));
    Ok(uses)
}

type CostState = (i64, i64, i64, i64, u64);

fn cost_states(connection: &Connection) -> rusqlite::Result<Vec<CostState>> {
    let mut select = connection
        .prepare("SELECT session_id, cost_nanos, at_ms, transcript_id, \"offset\" FROM cost_state")?;
    let states = select.query_map([], |row| {
        let offset = row.get::<_, i64>(4)?.cast_unsigned();
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, offset))
    })?;
    states.collect()
}

type PullRequest = (i64, String, i64, String, i64);

fn pull_requests(connection: &Connection) -> rusqlite::Result<Vec<PullRequest>> {
    let mut select =
        connection.prepare("SELECT session_id, url, number, repository, transcript_id FROM pull_request")?;
    let pulls = select
        .query_map(params![], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?;
    pulls.collect()
}
