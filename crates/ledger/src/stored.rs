//! A call as its row in the table holds it.

use cco_model::batch::CallRow;
use cco_model::call::{CallKey, Standing, Terms, Usage};
use cco_model::tokens::Tokens;
use rusqlite::{Connection, Row};

use crate::query::Marks;

const SIDECHAIN: i64 = 1;
const SPEED_KNOWN: i64 = 2;
const FAST: i64 = 4;
const US_INFERENCE: i64 = 8;
const BATCH: i64 = 16;
const PRICED: i64 = 32;
const LOGGED: i64 = 64;

/// Ids of what a call belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) session: i64,
    pub(crate) project: i64,
    pub(crate) branch: i64,
    pub(crate) model: i64,
    pub(crate) attribution: i64,
    pub(crate) account: i64,
    pub(crate) transcript: i64,
}

impl Ids {
    /// What filters look at.
    pub(crate) fn marks(&self) -> Marks {
        let Self { project, branch, attribution, model, account, .. } = *self;
        Marks { project, branch, attribution, model, account }
    }
}

/// What a call cost, and what the cache saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Price {
    pub(crate) cost_nanos: i64,
    pub(crate) savings_nanos: i64,
}

/// A call, priced.
#[derive(Clone, Debug)]
pub(crate) struct StoredCall {
    pub(crate) ids: Ids,
    pub(crate) at_ms: i64,
    pub(crate) offset: u64,
    pub(crate) sidechain: bool,
    pub(crate) usage: Usage,
    pub(crate) request: String,
    pub(crate) effort: String,
    pub(crate) logged_nanos: Option<i64>,
    /// None: it has no price.
    pub(crate) price: Option<Price>,
    pub(crate) price_list: i64,
}

impl StoredCall {
    pub(crate) fn standing(&self) -> Standing {
        Standing::new(self.sidechain, &self.usage)
    }

    /// The most that this call adds to any sum of counts or money that it is part of.
    pub(crate) fn weight(&self) -> i64 {
        let counts = self.usage.tokens.total().saturating_add(self.usage.web_search);
        let money = self.price.map_or(0, |price| {
            price.cost_nanos.unsigned_abs().saturating_add(price.savings_nanos.unsigned_abs())
        });
        i64::try_from(counts.saturating_add(money)).unwrap_or(i64::MAX)
    }

    pub(crate) fn flags(&self) -> i64 {
        let terms = self.usage.terms;
        [
            (self.sidechain, SIDECHAIN),
            (terms.speed_known, SPEED_KNOWN),
            (terms.fast, FAST),
            (terms.us_inference, US_INFERENCE),
            (terms.batch, BATCH),
            (self.price.is_some(), PRICED),
            (self.logged_nanos.is_some(), LOGGED),
        ]
        .into_iter()
        .filter_map(|(set, flag)| set.then_some(flag))
        .sum()
    }
}

/// A call of a batch that is not in the ledger's form yet.
pub(crate) fn unpriced(row: &CallRow, ids: Ids, request: &str, effort: &str) -> StoredCall {
    StoredCall {
        ids,
        at_ms: row.at_ms,
        offset: row.offset,
        sidechain: row.sidechain,
        usage: row.usage,
        request: request.to_owned(),
        effort: effort.to_owned(),
        logged_nanos: row.logged_cost.map(|cost| cost.0),
        price: None,
        price_list: 0,
    }
}

/// Inserts a call that no row has yet; returns its row.
pub(crate) fn insert(
    connection: &Connection,
    key: &CallKey,
    call: &StoredCall,
    seq: i64,
) -> rusqlite::Result<i64> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO call (at_ms, session_id, project_id, branch_id, model_id, attribution_id, account_id,
             transcript_id, \"offset\", request_id, effort, input, output, cache_write_5m, cache_write_1h, cache_read,
             web_search, thinking, cost_nanos, savings_nanos, logged_cost_nanos, price_list_id, flags, seq, key)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
             ?23, ?24, ?25)",
    )?;
    bind(&mut insert, call, seq)?;
    insert.raw_bind_parameter(25, key)?;
    insert.raw_execute()?;
    Ok(connection.last_insert_rowid())
}

/// Replaces the call of a row.
pub(crate) fn update(connection: &Connection, id: i64, call: &StoredCall, seq: i64) -> rusqlite::Result<()> {
    let mut update = connection.prepare_cached(
        "UPDATE call SET at_ms = ?1, session_id = ?2, project_id = ?3, branch_id = ?4, model_id = ?5,
             attribution_id = ?6, account_id = ?7, transcript_id = ?8, \"offset\" = ?9, request_id = ?10, effort = ?11,
             input = ?12, output = ?13, cache_write_5m = ?14, cache_write_1h = ?15, cache_read = ?16,
             web_search = ?17, thinking = ?18, cost_nanos = ?19, savings_nanos = ?20, logged_cost_nanos = ?21,
             price_list_id = ?22, flags = ?23, seq = ?24
         WHERE id = ?25",
    )?;
    bind(&mut update, call, seq)?;
    update.raw_bind_parameter(25, id)?;
    update.raw_execute().map(|_| ())
}

/// Binds all columns but the id, in the order of both statements.
fn bind(statement: &mut rusqlite::Statement<'_>, call: &StoredCall, seq: i64) -> rusqlite::Result<()> {
    let StoredCall { ids, usage, .. } = call;
    let tokens = usage.tokens;
    let before = [
        call.at_ms,
        ids.session,
        ids.project,
        ids.branch,
        ids.model,
        ids.attribution,
        ids.account,
        ids.transcript,
        call.offset.cast_signed(),
    ];
    let after = [
        tokens.input.cast_signed(),
        tokens.output.cast_signed(),
        tokens.cache_write_5m.cast_signed(),
        tokens.cache_write_1h.cast_signed(),
        tokens.cache_read.cast_signed(),
        usage.web_search.cast_signed(),
        usage.thinking.cast_signed(),
        call.price.map_or(0, |price| price.cost_nanos),
        call.price.map_or(0, |price| price.savings_nanos),
        call.logged_nanos.unwrap_or(0),
        call.price_list,
        call.flags(),
        seq,
    ];
    for (column, number) in (1..).zip(before).chain((12..).zip(after)) {
        statement.raw_bind_parameter(column, number)?;
    }
    statement.raw_bind_parameter(10, &call.request)?;
    statement.raw_bind_parameter(11, &call.effort)
}

/// Column list of a call, in the order that [`read`] reads.
macro_rules! columns {
    () => {
        "at_ms, session_id, project_id, branch_id, model_id, attribution_id, account_id, transcript_id,
         \"offset\", request_id, effort, input, output, cache_write_5m, cache_write_1h, cache_read, web_search,
         thinking, cost_nanos, savings_nanos, logged_cost_nanos, price_list_id, flags"
    };
}

pub(crate) use columns;

/// The call of a row.
pub(crate) fn get(connection: &Connection, id: i64) -> rusqlite::Result<StoredCall> {
    let mut select = connection.prepare_cached(concat!("SELECT ", columns!(), " FROM call WHERE id = ?1"))?;
    select.query_row([id], read)
}

/// Shows every call.
pub(crate) fn for_each(connection: &Connection, mut see: impl FnMut(&StoredCall)) -> rusqlite::Result<()> {
    let mut select = connection.prepare(concat!("SELECT ", columns!(), " FROM call"))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        see(&read(row)?);
    }
    Ok(())
}

/// The calls of a range of UTC milliseconds with ids in order from behind `after`, at most `limit`.
pub(crate) fn some(
    connection: &Connection,
    after: i64,
    (from_ms, to_ms): (i64, i64),
    limit: i64,
) -> rusqlite::Result<Vec<(i64, StoredCall)>> {
    // The plus keeps the index on time out of it: calls come by id.
    let mut select = connection.prepare_cached(concat!(
        "SELECT ",
        columns!(),
        ", id FROM call WHERE id > ?1 AND +at_ms BETWEEN ?2 AND ?3 ORDER BY id LIMIT ?4"
    ))?;
    let rows = select.query_map([after, from_ms, to_ms, limit], |row| Ok((row.get(23)?, read(row)?)))?;
    rows.collect()
}

/// The call in a row's first 23 columns, which are those of [`columns`].
pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<StoredCall> {
    let mut call = read_numbers(row)?;
    (call.request, call.effort) = (row.get(9)?, row.get(10)?);
    Ok(call)
}

/// The same without its texts.
pub(crate) fn read_numbers(row: &Row<'_>) -> rusqlite::Result<StoredCall> {
    let number = |column: usize| row.get::<_, i64>(column);
    let count = |column: usize| number(column).map(i64::cast_unsigned);
    let numbers = Numbers {
        tokens: Tokens {
            input: count(11)?,
            output: count(12)?,
            cache_write_5m: count(13)?,
            cache_write_1h: count(14)?,
            cache_read: count(15)?,
        },
        web_search: count(16)?,
        thinking: count(17)?,
        price: Price { cost_nanos: number(18)?, savings_nanos: number(19)? },
        logged_nanos: number(20)?,
        flags: number(22)?,
    };
    let ids = Ids {
        session: number(1)?,
        project: number(2)?,
        branch: number(3)?,
        model: number(4)?,
        attribution: number(5)?,
        account: number(6)?,
        transcript: number(7)?,
    };
    Ok(numbers.call(ids, number(0)?, count(8)?, number(21)?))
}

/// What a call counts and costs, as it is written down.
pub(crate) struct Numbers {
    pub(crate) tokens: Tokens,
    pub(crate) web_search: u64,
    pub(crate) thinking: u64,
    pub(crate) price: Price,
    pub(crate) logged_nanos: i64,
    pub(crate) flags: i64,
}

impl Numbers {
    /// The call that has these numbers; its texts are empty.
    pub(crate) fn call(&self, ids: Ids, at_ms: i64, offset: u64, price_list: i64) -> StoredCall {
        let has = |flag: i64| self.flags & flag != 0;
        let terms = Terms {
            speed_known: has(SPEED_KNOWN),
            fast: has(FAST),
            us_inference: has(US_INFERENCE),
            batch: has(BATCH),
        };
        let Self { tokens, web_search, thinking, .. } = *self;
        StoredCall {
            ids,
            at_ms,
            offset,
            sidechain: has(SIDECHAIN),
            usage: Usage { tokens, web_search, thinking, terms },
            request: String::new(),
            effort: String::new(),
            logged_nanos: has(LOGGED).then_some(self.logged_nanos),
            price: has(PRICED).then_some(self.price),
            price_list,
        }
    }
}
