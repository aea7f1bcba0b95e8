//! Names and their ids. Ids never change, so what was committed once may be remembered for the connection's life.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

/// Names seen on this connection, by table.
#[derive(Default)]
pub(crate) struct NameCaches {
    pub(crate) session: HashMap<Box<str>, i64>,
    pub(crate) project: HashMap<Box<str>, i64>,
    pub(crate) branch: HashMap<Box<str>, i64>,
    pub(crate) model: HashMap<Box<str>, i64>,
    pub(crate) tool: HashMap<Box<str>, i64>,
    pub(crate) price_list: HashMap<Box<str>, i64>,
    pub(crate) account: HashMap<Box<str>, i64>,
    pub(crate) attribution: HashMap<[Box<str>; 4], i64>,
    pub(crate) place: HashMap<Box<str>, i64>,
}

/// A table of names: its number here, and its statements.
#[derive(Clone, Copy)]
pub(crate) struct NameTable {
    number: i64,
    select: &'static str,
    insert: &'static str,
    name: &'static str,
}

macro_rules! name_table {
    ($number:literal $name:literal) => {
        NameTable {
            number: $number,
            select: concat!("SELECT id FROM ", $name, " WHERE name = ?1"),
            insert: concat!("INSERT INTO ", $name, " (name) VALUES (?1)"),
            name: concat!("SELECT name FROM ", $name, " WHERE id = ?1"),
        }
    };
}

impl NameTable {
    /// A number that tells an id of this table from the ids of all others.
    pub(crate) fn own(self, id: i64) -> i64 {
        id.wrapping_mul(8).wrapping_add(self.number)
    }
}

pub(crate) const SESSION: NameTable = name_table!(0 "session");
pub(crate) const PROJECT: NameTable = name_table!(1 "project");
pub(crate) const BRANCH: NameTable = name_table!(2 "branch");
pub(crate) const MODEL: NameTable = name_table!(3 "model");
pub(crate) const TOOL: NameTable = name_table!(4 "tool");
pub(crate) const PRICE_LIST: NameTable = name_table!(5 "price_list");
/// Accounts: their name is their organization and their own id, with a stroke between.
pub(crate) const ACCOUNT: NameTable = NameTable {
    number: 6,
    select: "SELECT id FROM account WHERE organization = substr(?1, 1, instr(?1, '/') - 1)
                 AND uuid = substr(?1, instr(?1, '/') + 1)",
    insert: "INSERT INTO account (organization, uuid, email, name, first_ms)
             VALUES (substr(?1, 1, instr(?1, '/') - 1), substr(?1, instr(?1, '/') + 1), '', '', 0)",
    name: "SELECT organization || '/' || uuid FROM account WHERE id = ?1",
};

/// The id of a name, given one when it is new. The empty name is 0: unknown.
pub(crate) fn id(
    connection: &Connection,
    cache: &mut HashMap<Box<str>, i64>,
    table: NameTable,
    name: &str,
) -> rusqlite::Result<i64> {
    if name.is_empty() {
        return Ok(0);
    }
    if let Some(id) = cache.get(name) {
        return Ok(*id);
    }
    let mut select: CachedStatement<'_> = connection.prepare_cached(table.select)?;
    let known: Option<i64> = select.query_row([name], |row| row.get(0)).optional()?;
    let id = match known {
        Some(id) => id,
        None => connection.prepare_cached(table.insert)?.insert([name])?,
    };
    cache.insert(name.into(), id);
    Ok(id)
}

/// The name that an id stands for; none when there is no such id.
pub(crate) fn name(connection: &Connection, table: NameTable, id: i64) -> rusqlite::Result<Option<String>> {
    connection.prepare_cached(table.name)?.query_row([id], |row| row.get(0)).optional()
}

/// The parts of an attribution: agent, skill, plugin, MCP server.
pub(crate) fn attribution(connection: &Connection, id: i64) -> rusqlite::Result<Option<[String; 4]>> {
    let mut select = connection
        .prepare_cached("SELECT agent, skill, plugin, mcp_server FROM attribution WHERE id = ?1")?;
    select.query_row([id], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])).optional()
}

/// The id of an attribution: agent, skill, plugin, MCP server. All empty is 0: the main thread itself.
pub(crate) fn attribution_id(
    connection: &Connection,
    cache: &mut HashMap<[Box<str>; 4], i64>,
    parts: [&str; 4],
) -> rusqlite::Result<i64> {
    if parts.iter().all(|part| part.is_empty()) {
        return Ok(0);
    }
    let key = parts.map(Box::from);
    if let Some(id) = cache.get(&key) {
        return Ok(*id);
    }
    let [agent, skill, plugin, mcp_server] = parts;
    let named = params![agent, skill, plugin, mcp_server];
    let mut select = connection.prepare_cached(
        "SELECT id FROM attribution WHERE agent = ?1 AND skill = ?2 AND plugin = ?3 AND mcp_server = ?4",
    )?;
    let known: Option<i64> = select.query_row(named, |row| row.get(0)).optional()?;
    let id = match known {
        Some(id) => id,
        None => connection
            .prepare_cached(
                "INSERT INTO attribution (agent, skill, plugin, mcp_server) VALUES (?1, ?2, ?3, ?4)",
            )?
            .insert(named)?,
    };
    cache.insert(key, id);
    Ok(id)
}
