//! What can still be read of a damaged ledger: row by row, from copies, passing over what SQLite cannot read and what
//! no row of ours can say.

mod observed;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cco_model::batch::KeyMap;
use cco_model::call::CallKey;
use cco_model::price::PriceList;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, Row, ToSql};

use crate::damage::{self, beside, id_of};
use crate::journal::block::{Block, KeptCostState, KeptPullRequest, Source};
use crate::keep::{Book, CALLS_IN_RECORD, Page, UsedTool};
use crate::names::{self, NameTable};
use crate::stored::{self, StoredCall, columns};
use crate::write::restore::Returning;
use crate::{Ledger, LedgerError, open};

/// No transcript tells more; what does was never a row of ours.
const MOST_COUNTED: u64 = 1 << 53;
/// The year 9999 ends (UTC milliseconds).
const LAST_MS: i64 = 253_402_300_799_999;
/// Seeks that may fail in a table: each costs some microseconds.
const MOST_FAILURES: u32 = 20_000;
/// Seeks that fail in a row before they go further apart: more than the calls of a page.
const SMALL_STEPS: u32 = 256;
/// Ids of tool uses are hashes: so many stretches of them are tried.
const STRETCHES: i64 = 4096;

const NAMES: [(NameTable, &str); 7] = [
    (names::SESSION, "SELECT id, name FROM session WHERE id >= ?1 ORDER BY id"),
    (names::PROJECT, "SELECT id, name FROM project WHERE id >= ?1 ORDER BY id"),
    (names::BRANCH, "SELECT id, name FROM branch WHERE id >= ?1 ORDER BY id"),
    (names::MODEL, "SELECT id, name FROM model WHERE id >= ?1 ORDER BY id"),
    (names::TOOL, "SELECT id, name FROM tool WHERE id >= ?1 ORDER BY id"),
    (names::PRICE_LIST, "SELECT id, name FROM price_list WHERE id >= ?1 ORDER BY id"),
    (names::ACCOUNT, "SELECT id, organization || '/' || uuid FROM account WHERE id >= ?1 ORDER BY id"),
];

/// Copies of a damaged ledger; removed when dropped.
pub(crate) struct Salvage {
    /// With its log first, which is newer; then without.
    views: Vec<View>,
    /// The zone of its days, as far as it can be read.
    pub(crate) zone: Option<String>,
    /// Its id, as far as it can be read.
    pub(crate) id: Option<String>,
}

struct View {
    copy: PathBuf,
    connection: Connection,
}

impl Drop for View {
    fn drop(&mut self) {
        let _left_behind = damage::remove(&self.copy);
    }
}

impl Salvage {
    /// Copies the ledger at `path` to names that begin with `copy`. A log is believed only if the ledger has its id,
    /// where that is known, with it too.
    pub(crate) fn of(path: &Path, copy: &Path, id: Option<&str>) -> io::Result<Self> {
        let mut salvage = Self { views: Vec::new(), zone: None, id: None };
        let has_log = fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
        for (log, end) in [(true, "-1"), (false, "-2")] {
            let copy = beside(copy, end);
            damage::remove(&copy)?;
            if log && !has_log {
                continue;
            }
            damage::copy(path, &copy, log)?;
            // A file that is no database at all has nothing to be read.
            let Ok(connection) = open_copy(&copy) else {
                damage::remove(&copy)?;
                continue;
            };
            let view = View { copy, connection };
            let of_view = id_of(&view.connection).ok();
            if log && id.is_some() && of_view.as_deref() != id {
                continue;
            }
            salvage.id = salvage.id.or(of_view);
            let zone = view
                .connection
                .query_row("SELECT value FROM meta WHERE key = 'zone'", [], |row| row.get(0))
                .ok();
            salvage.zone = salvage.zone.or(zone);
            salvage.views.push(view);
        }
        Ok(salvage)
    }

    /// Tells a new ledger which transcripts were known, and which projects folders belonged to: the disk may say
    /// otherwise by now.
    pub(crate) fn introduce(&self, ledger: &mut Ledger, prices: &PriceList) -> Result<(), LedgerError> {
        let mut writer = ledger.writer(prices)?;
        for View { connection, .. } in &self.views {
            for source in sources(connection).into_values() {
                writer.known_once(&source)?;
            }
            let mut places: Vec<(String, String)> = Vec::new();
            let sql = "SELECT cwd, name FROM place JOIN project ON project.id = project_id";
            if let Ok(mut select) = connection.prepare(sql)
                && let Ok(mut rows) = select.query([])
            {
                while let Ok(Some(row)) = rows.next() {
                    places.extend(row.get(0).and_then(|cwd| Ok((cwd, row.get(1)?))).ok());
                }
            }
            for (cwd, project) in places {
                writer.placed_once(&cwd, &project)?;
            }
        }
        writer.commit(false)?;
        Ok(())
    }

    /// Gives back what was observed of accounts and limits, and nothing else told.
    pub(crate) fn fill_in_observed(
        &self,
        ledger: &mut Ledger,
        prices: &PriceList,
    ) -> Result<(), LedgerError> {
        for View { connection, .. } in &self.views {
            let salvaged = observed::of(connection);
            let mut writer = ledger.writer(prices)?;
            writer.fill_in_observed(&salvaged)?;
            writer.commit(false)?;
        }
        Ok(())
    }

    /// Gives back what nothing else told; returns how many calls.
    pub(crate) fn restore(&self, ledger: &mut Ledger, prices: &PriceList) -> Result<u64, LedgerError> {
        let mut calls = 0;
        for View { connection, .. } in &self.views {
            let mut writer = ledger.writer(prices)?;
            give_back(connection, |block| {
                calls += writer.restore(&block, Returning::Salvage)?;
                Ok(())
            })?;
            writer.commit(true)?;
        }
        Ok(calls)
    }
}

fn open_copy(copy: &Path) -> rusqlite::Result<Connection> {
    let connection = open::open_file(copy)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

/// Shows blocks of everything that can be read.
fn give_back(
    connection: &Connection,
    mut give: impl FnMut(Block) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    let (mut book, sources, tools) = (book(connection), sources(connection), tool_uses(connection));
    let mut pages: HashMap<i64, Page> = HashMap::new();
    let mut failed = Ok(());
    let sql = concat!("SELECT ", columns!(), ", id, key FROM call WHERE id >= ?1 ORDER BY id");
    each_row(connection, sql, 23, 1, |row| {
        let Some((id, key, call)) = readable(connection, &book, row) else { return };
        let transcript = call.ids.transcript;
        let page = pages.entry(transcript).or_insert_with(|| Page::new(source(&sources, transcript)));
        let first = tools.partition_point(|used| used.call < id);
        let used = tools[first..].iter().take_while(|used| used.call == id);
        let used = used.filter(|used| used.tool == 0 || book.knows(names::TOOL, used.tool));
        let used: Vec<&UsedTool> = used.collect();
        // Without a connection names are not asked for, and nothing can fail.
        let texts = (&*call.request.clone(), &*call.effort.clone());
        let _named = page.call(&mut book, &key, call, texts, used.into_iter());
        if page.draft.calls() >= CALLS_IN_RECORD && failed.is_ok() {
            failed = block_of(page).map_or(Ok(()), &mut give);
        }
    });
    failed?;
    for (transcript, session, state) in cost_states(connection) {
        let page = pages.entry(transcript).or_insert_with(|| Page::new(source(&sources, transcript)));
        if book.knows(names::SESSION, session) {
            let session = page.named(&mut book, names::SESSION, session)?;
            page.draft.cost_state(&KeptCostState { session, ..state });
        }
    }
    for (transcript, session, url, number, repository) in pull_requests(connection) {
        let page = pages.entry(transcript).or_insert_with(|| Page::new(source(&sources, transcript)));
        if book.knows(names::SESSION, session) {
            let session = page.named(&mut book, names::SESSION, session)?;
            let (url, repository) = (page.draft.name(&url), page.draft.name(&repository));
            page.draft.pull_request(&KeptPullRequest { session, url, number, repository });
        }
    }
    pages.into_values().filter_map(|mut page| block_of(&mut page)).try_for_each(give)
}

/// What a page holds, as the journal would give it back.
fn block_of(page: &mut Page) -> Option<Block> {
    let mut payload = Vec::new();
    page.payload(&mut payload);
    Block::read(&payload)
}

/// A call of which everything can be what was written.
fn readable(connection: &Connection, book: &Book<'_>, row: &Row<'_>) -> Option<(i64, CallKey, StoredCall)> {
    let (id, key): (i64, CallKey) = (row.get(23).ok()?, row.get(24).ok()?);
    let call = stored::read(row).ok()?;
    let flags: i64 = row.get(22).ok()?;
    let usage = &call.usage;
    let counts = [usage.tokens.total(), usage.web_search, usage.thinking];
    let sane = counts.iter().all(|count| *count < MOST_COUNTED)
        && (0..=LAST_MS).contains(&call.at_ms)
        && (0..128).contains(&flags)
        && book.knows(names::MODEL, call.ids.model);
    // Two places must agree on it, unless one of them cannot be read.
    let mut select = connection.prepare_cached("SELECT call_id FROM call_key WHERE key = ?1").ok()?;
    let row_of_key = select.query_row([key], |row| row.get::<_, i64>(0)).optional();
    (sane && row_of_key.map_or(true, |row| row == Some(id))).then_some((id, key, call))
}

fn book(connection: &Connection) -> Book<'static> {
    let (mut names, mut attributions) = (KeyMap::default(), KeyMap::default());
    for (table, sql) in NAMES {
        each_row(connection, sql, 0, 1, |row| {
            if let (Ok(id), Ok(name)) = (row.get(0), row.get(1)) {
                names.insert(table.own(id), name);
            }
        });
    }
    let sql = "SELECT id, agent, skill, plugin, mcp_server FROM attribution WHERE id >= ?1 ORDER BY id";
    each_row(connection, sql, 0, 1, |row| {
        let parts = || -> rusqlite::Result<_> { Ok([row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]) };
        if let (Ok(id), Ok(parts)) = (row.get(0), parts()) {
            attributions.insert(id, parts);
        }
    });
    Book::of(names, attributions)
}

fn sources(connection: &Connection) -> HashMap<i64, Source> {
    let mut sources = HashMap::new();
    let sql = "SELECT id, path, device, inode, born_ns FROM transcript WHERE id >= ?1 ORDER BY id";
    each_row(connection, sql, 0, 1, |row| {
        let source = || -> rusqlite::Result<_> {
            let (device, inode): (i64, i64) = (row.get(2)?, row.get(3)?);
            let (device, inode) = (device.cast_unsigned(), inode.cast_unsigned());
            Ok(Source { path: row.get(1)?, device, inode, born_ns: row.get(4)? })
        };
        if let (Ok(id), Ok(source)) = (row.get::<_, i64>(0), source()) {
            sources.insert(id, source);
        }
    });
    sources
}

/// A transcript whose row is lost has a name that no file has.
fn source(sources: &HashMap<i64, Source>, id: i64) -> Source {
    let path = || b"lost transcript ".iter().chain(&id.to_be_bytes()).copied().collect();
    let lost = || Source { path: path(), ..Source::default() };
    sources.get(&id).cloned().unwrap_or_else(lost)
}

fn tool_uses(connection: &Connection) -> Vec<UsedTool> {
    let mut uses = Vec::new();
    let sql = "SELECT id, call_id, tool_id, failed FROM tool_use WHERE id >= ?1 ORDER BY id";
    each_row(connection, sql, 0, i64::MAX / STRETCHES, |row| {
        let used = || -> rusqlite::Result<_> {
            Ok(UsedTool { id: row.get(0)?, call: row.get(1)?, tool: row.get(2)?, failed: row.get(3)? })
        };
        uses.extend(used().ok().filter(|used| used.call > 0));
    });
    uses.sort_unstable_by_key(|used| (used.call, used.id));
    uses.dedup_by_key(|used| used.id);
    uses
}

fn cost_states(connection: &Connection) -> Vec<(i64, i64, KeptCostState)> {
    let mut states = Vec::new();
    let sql = "SELECT session_id, cost_nanos, at_ms, transcript_id, \"offset\" FROM cost_state
        WHERE session_id >= ?1 ORDER BY session_id";
    each_row(connection, sql, 0, 1, |row| {
        let state = || -> rusqlite::Result<_> {
            let offset = row.get::<_, i64>(4)?.cast_unsigned();
            let state = KeptCostState { session: 0, cost_nanos: row.get(1)?, at_ms: row.get(2)?, offset };
            Ok((row.get(3)?, row.get(0)?, state))
        };
        states.extend(state().ok());
    });
    states
}

fn pull_requests(connection: &Connection) -> Vec<(i64, i64, String, i64, String)> {
    let mut pulls = Vec::new();
    let sql = "SELECT session_id, url, number, repository, transcript_id FROM pull_request
        WHERE session_id >= ?1 ORDER BY session_id";
    each_row(connection, sql, 0, 1, |row| {
        let pull = || -> rusqlite::Result<_> {
            Ok((row.get(4)?, row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        };
        pulls.extend(pull().ok());
    });
    pulls
}

/// Shows every row that can be read of a query that begins at an id and goes up; ids in the column `id`. Where reading
/// fails it goes on `step` further, and in larger steps where that fails for long.
fn each_row(connection: &Connection, sql: &'static str, id: usize, step: i64, see: impl FnMut(&Row<'_>)) {
    each_row_of(connection, sql, &[], id, step, see);
}

/// The same of a query that takes these from its second parameter on.
fn each_row_of(
    connection: &Connection,
    sql: &'static str,
    of: &[&dyn ToSql],
    id: usize,
    step: i64,
    mut see: impl FnMut(&Row<'_>),
) {
    let Ok(mut select) = connection.prepare(sql) else { return };
    let (mut next, mut failures, mut in_a_row) = (0_i64, 0, 0);
    while failures < MOST_FAILURES {
        let mut last = None;
        let result = (|| {
            let bound: Vec<&dyn ToSql> =
                std::iter::once(&next as &dyn ToSql).chain(of.iter().copied()).collect();
            let mut rows = select.query(&*bound)?;
            while let Some(row) = rows.next()? {
                last = row.get(id).ok().or(last);
                see(row);
            }
            Ok::<_, rusqlite::Error>(())
        })();
        if result.is_ok() {
            return;
        }
        failures += 1;
        in_a_row = if last.is_some() { 0 } else { in_a_row + 1 };
        let wide = if in_a_row > SMALL_STEPS { step.saturating_mul(64) } else { step };
        let behind = last.map_or(next, |last: i64| last.max(next));
        let Some(further) = behind.checked_add(wide) else { return };
        next = further;
    }
}
