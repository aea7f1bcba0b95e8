//! Accounts, what was observed of their limits, and how asking for it went.
//!
//! Nothing else has this history, so what is new goes to the journal in the transaction that takes it in: it is on the
//! disk there before the ledger says that it is. How it is taken in is `observe` and `take`, whom directories held
//! `held`, what readings come to `readings`, and how all of it comes back `returned`.

use std::sync::Arc;
use std::time::Duration;

use cco_model::limit::{AccountId, Attempt, LoginChange, Reading};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{Ledger, LedgerError};

mod held;
mod observe;
mod readings;
pub(crate) mod returned;
mod take;

pub use self::held::HeldBy;
pub use self::readings::{KnownWindow, ReadingsMark};
pub(crate) use self::take::restore;

/// An account as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenAccount {
    /// Which.
    pub id: AccountId,
    /// Its e-mail address: a label; empty where unknown.
    pub email: String,
    /// When it was seen, UTC milliseconds.
    pub at_ms: i64,
    /// The name that its user gives it, empty to take it away; none: nothing is said of that.
    pub name: Option<String>,
    /// Its user takes it off the list, or puts it on again; none: nothing is said of that.
    pub removed: Option<bool>,
}

/// A config directory was seen to hold an account, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The config directory.
    pub dir: String,
    /// The first look that saw it, UTC milliseconds.
    pub from_ms: i64,
    /// The last such look.
    pub until_ms: i64,
    /// Which; none: it was logged out.
    pub account: Option<AccountId>,
}

/// What a look at accounts and limits found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Accounts.
    pub accounts: Vec<SeenAccount>,
    /// Which directories hold them.
    pub holdings: Vec<Holding>,
    /// What was observed of their windows.
    pub readings: Vec<Reading>,
    /// How asking went.
    pub attempts: Vec<Attempt>,
    /// How their logins are.
    pub logins: Vec<LoginChange>,
}

/// An account as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAccount {
    /// Its row: what calls name.
    pub row: i64,
    /// Which.
    pub id: AccountId,
    /// Its e-mail address as last seen; empty where unknown.
    pub email: String,
    /// The name that the user gave it; empty: none.
    pub name: String,
    /// When it was first seen, UTC milliseconds.
    pub first_ms: i64,
    /// The user took it off the list.
    pub removed: bool,
}

/// How asking for an account's limits went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// The last one that brought a reading, UTC milliseconds.
    pub last_success_ms: Option<i64>,
    /// The last one that did not: when, and why.
    pub last_failure: Option<(i64, String)>,
}

impl Ledger {
    /// Waits at most so long for another process's writing, from now on.
    pub fn wait_at_most(&self, limit: Duration) -> Result<(), LedgerError> {
        Ok(self.connection.busy_timeout(limit)?)
    }

    /// Every account, in the order in which they were first seen.
    pub fn accounts(&self) -> Result<Vec<KnownAccount>, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT id, organization, uuid, email, name, first_ms, removed FROM account ORDER BY id",
        )?;
        let rows = select.query_map([], |row| {
            Ok(KnownAccount {
                row: row.get(0)?,
                id: AccountId { organization: text(row, 1)?, account: text(row, 2)? },
                email: row.get(3)?,
                name: row.get(4)?,
                first_ms: row.get(5)?,
                removed: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Which accounts config directories held, by directory and then in order of time.
    pub fn account_history(&self) -> Result<Vec<Holding>, LedgerError> {
        Ok(held::all(&self.connection)?)
    }

    /// How asking went for an account.
    pub fn attempts(&self, id: &AccountId) -> Result<Attempts, LedgerError> {
        let row = account_row(&self.connection, id)?.unwrap_or(0);
        let mut success = self
            .connection
            .prepare_cached("SELECT max(at_ms) FROM attempt WHERE account_id = ?1 AND outcome = 'ok'")?;
        let mut failure = self.connection.prepare_cached(
            "SELECT at_ms, outcome FROM attempt WHERE account_id = ?1 AND outcome <> 'ok' ORDER BY at_ms DESC LIMIT 1",
        )?;
        Ok(Attempts {
            last_success_ms: success.query_row([row], |row| row.get(0))?,
            last_failure: failure.query_row([row], |row| Ok((row.get(0)?, row.get(1)?))).optional()?,
        })
    }

    /// How an account's login is, as last seen: none where it was never looked at.
    pub fn login(&self, id: &AccountId) -> Result<Option<LoginChange>, LedgerError> {
        let Some(row) = account_row(&self.connection, id)? else { return Ok(None) };
        Ok(last_login(&self.connection, row)?.map(|(at_ms, reason)| LoginChange {
            account: id.clone(),
            at_ms,
            dead: Some(reason.into()).filter(|reason: &Arc<str>| !reason.is_empty()),
        }))
    }
}

fn account_row(connection: &Connection, id: &AccountId) -> rusqlite::Result<Option<i64>> {
    let mut select =
        connection.prepare_cached("SELECT id FROM account WHERE organization = ?1 AND uuid = ?2")?;
    select.query_row([&*id.organization, &*id.account], |row| row.get(0)).optional()
}

/// The row of an account, made when it is new. It was first seen at the earliest time of which anything is known.
fn row_of(connection: &Connection, id: &AccountId, at_ms: i64) -> rusqlite::Result<i64> {
    let Some(row) = account_row(connection, id)? else {
        let mut insert = connection.prepare_cached(
            "INSERT INTO account (organization, uuid, email, name, first_ms) VALUES (?1, ?2, '', '', ?3)",
        )?;
        return insert.insert(params![&*id.organization, &*id.account, at_ms]);
    };
    // 0: only a call named it so far.
    let mut update = connection.prepare_cached(
        "UPDATE account SET first_ms = ?2 WHERE id = ?1 AND (first_ms > ?2 OR first_ms = 0) AND ?2 <> 0",
    )?;
    update.execute([row, at_ms])?;
    Ok(row)
}

fn last_login(connection: &Connection, account: i64) -> rusqlite::Result<Option<(i64, String)>> {
    let mut select = connection.prepare_cached(
        "SELECT at_ms, reason FROM login WHERE account_id = ?1 ORDER BY at_ms DESC LIMIT 1",
    )?;
    select.query_row([account], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<Arc<str>> {
    row.get::<_, String>(column).map(Into::into)
}

#[cfg(test)]
mod tests;
