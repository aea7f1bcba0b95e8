//! All that was observed: written to a journal that lacks it, and taken back from what can be read of a damaged ledger.
//!
//! Must not: know what of a damaged ledger is plausible.

use cco_model::limit::{AccountId, Attempt, LoginChange};
use rusqlite::{Connection, params};

pub(crate) use super::readings::reading_of;
use super::take::{take_attempt, take_reading};
use super::{Holding, Observed, SeenAccount, row_of, text};
use crate::journal::{self, Held, observed};
use crate::keep::Failed;

/// Things in a record: with a damaged one so many are lost.
const IN_RECORD: usize = 512;
/// Bytes of records that are written at once.
const WRITE: usize = 1 << 20;

/// Writes all accounts, holdings, attempts, logins and readings to the journal.
pub(crate) fn write_all(connection: &Connection, held: &mut Held) -> Result<(), Failed> {
    let mut pen = Pen { page: Observed::default(), things: 0, out: Vec::new(), held };
    for seen in accounts(connection)? {
        pen.add(|page| page.accounts.push(seen))?;
    }
    for holding in super::held::all(connection)? {
        pen.add(|page| page.holdings.push(holding))?;
    }
    for attempt in attempts(connection)? {
        pen.add(|page| page.attempts.push(attempt))?;
    }
    for login in logins(connection)? {
        pen.add(|page| page.logins.push(login))?;
    }
    super::readings::each(connection, |reading| pen.add(|page| page.readings.push(reading)))?;
    pen.turn_the_page();
    pen.held.append(&pen.out)?;
    Ok(())
}

/// Writes records.
struct Pen<'h> {
    page: Observed,
    things: usize,
    out: Vec<u8>,
    held: &'h mut Held,
}

impl Pen<'_> {
    fn add(&mut self, add: impl FnOnce(&mut Observed)) -> Result<(), Failed> {
        add(&mut self.page);
        self.things += 1;
        if self.things == IN_RECORD {
            self.turn_the_page();
        }
        if self.out.len() >= WRITE {
            self.held.append(&self.out)?;
            self.out.clear();
        }
        Ok(())
    }

    fn turn_the_page(&mut self) {
        let page = std::mem::take(&mut self.page);
        if std::mem::take(&mut self.things) > 0 {
            journal::put_record(&mut self.out, |payload| observed::write(&page, payload));
        }
    }
}

fn accounts(connection: &Connection) -> rusqlite::Result<Vec<SeenAccount>> {
    let mut select = connection.prepare_cached(
        "SELECT organization, uuid, email, name, first_ms, removed FROM account ORDER BY id",
    )?;
    let rows = select.query_map([], |row| {
        let id = AccountId { organization: text(row, 0)?, account: text(row, 1)? };
        let (name, removed) = (Some(row.get(3)?), Some(row.get(5)?));
        Ok(SeenAccount { id, email: row.get(2)?, at_ms: row.get(4)?, name, removed })
    })?;
    rows.collect()
}

fn attempts(connection: &Connection) -> rusqlite::Result<Vec<Attempt>> {
    let mut select = connection.prepare_cached(
        "SELECT organization, uuid, at_ms, outcome FROM attempt JOIN account ON id = account_id
         ORDER BY account_id, at_ms",
    )?;
    let rows = select.query_map([], |row| {
        let account = AccountId { organization: text(row, 0)?, account: text(row, 1)? };
        Ok(Attempt { account, at_ms: row.get(2)?, outcome: text(row, 3)? })
    })?;
    rows.collect()
}

fn logins(connection: &Connection) -> rusqlite::Result<Vec<LoginChange>> {
    let mut select = connection.prepare_cached(
        "SELECT organization, uuid, at_ms, reason FROM login JOIN account ON id = account_id
         ORDER BY account_id, at_ms",
    )?;
    let rows = select.query_map([], |row| {
        let account = AccountId { organization: text(row, 0)?, account: text(row, 1)? };
        let dead = Some(text(row, 3)?).filter(|reason| !reason.is_empty());
        Ok(LoginChange { account, at_ms: row.get(2)?, dead })
    })?;
    rows.collect()
}

/// Puts in, row by row, what nothing else told; true: there was anything.
pub(crate) fn fill_in(connection: &Connection, salvaged: &Observed, seq: &mut i64) -> rusqlite::Result<bool> {
    let mut any = false;
    for seen in &salvaged.accounts {
        any |= fill_in_account(connection, seen)?;
    }
    for Holding { dir, from_ms, until_ms, account } in &salvaged.holdings {
        let account = account.as_ref().map_or(Ok(0), |id| row_of(connection, id, *from_ms))?;
        let mut insert =
            connection.prepare_cached("INSERT INTO held VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING")?;
        any |= insert.execute(params![dir, from_ms, until_ms, account])? > 0;
    }
    for attempt in &salvaged.attempts {
        any |= take_attempt(connection, attempt)?;
    }
    for LoginChange { account, at_ms, dead } in &salvaged.logins {
        let account = row_of(connection, account, *at_ms)?;
        let mut insert =
            connection.prepare_cached("INSERT INTO login VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?;
        any |= insert.execute(params![account, at_ms, dead.as_deref().unwrap_or("")])? > 0;
    }
    for reading in &salvaged.readings {
        let is_new = take_reading(connection, reading, *seq + 1)?;
        *seq += i64::from(is_new);
        any |= is_new;
    }
    Ok(any)
}

/// What is said of an account that is known stays as it is.
fn fill_in_account(connection: &Connection, seen: &SeenAccount) -> rusqlite::Result<bool> {
    let SeenAccount { id, email, at_ms, name, removed } = seen;
    let mut insert = connection.prepare_cached(
        "INSERT INTO account (organization, uuid, email, name, first_ms, removed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO NOTHING",
    )?;
    let (name, removed) = (name.as_deref().unwrap_or(""), removed.unwrap_or(false));
    let known = params![&*id.organization, &*id.account, email, name, at_ms, removed];
    Ok(insert.execute(known)? > 0)
}
