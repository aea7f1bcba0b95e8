//! Accounts, what was observed of their limits, and how asking for it went.
//!
//! Nothing else has this history, so what is new goes to the journal in the transaction that takes it in: it is on the
//! disk there before the ledger says that it is.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use cco_model::limit::{AccountId, Attempt, LoginChange, Percent, Reading};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use crate::journal::{self, Head, observed};
use crate::keep::{self, KeepError};
use crate::{Ledger, LedgerError};

mod readings;

/// How long the journal is waited for. What cannot be written to it is in the ledger all the same.
const PATIENCE: Duration = Duration::from_secs(2);
/// Readings that are further ahead of now than this come from a clock that was wrong, and are not kept.
const AHEAD_MS: i64 = 24 * 3_600_000;
/// That a directory still holds its account is written down at most so often.
const LOOKED_EVERY_MS: i64 = 5 * 60_000;

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

    /// Takes in what was observed and is new; returns how much of it was. What cannot go to the journal as well is an
    /// error of its own, and in the ledger.
    pub fn observe(
        &mut self,
        observed: &Observed,
        now_ms: i64,
    ) -> Result<(u64, Option<KeepError>), LedgerError> {
        if !self.is_news(observed)? {
            return Ok((0, None));
        }
        let journal = self.journal.clone();
        // Once in the transaction nobody is waited for: who opens the ledger holds the journal too.
        let mut trouble = None;
        let mut held = journal.as_ref().and_then(|journal| {
            let taken = journal.hold(true, PATIENCE).and_then(|held| Ok((held, journal.head()?)));
            match taken {
                Ok((_, Head::Foreign)) => trouble = Some(KeepError::Foreign(journal.path().to_owned())),
                Ok((held, _)) => return held,
                Err(error) => trouble = Some(KeepError::Io { path: journal.path().to_owned(), error }),
            }
            None
        });
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut seq = seq(&transaction)?;
        let new = take(&transaction, observed, now_ms, &mut seq)?;
        let mut update = transaction.prepare_cached(
            "UPDATE meta SET value = CAST(?1 AS TEXT) WHERE key = 'seq' AND value <> CAST(?1 AS TEXT)",
        )?;
        update.execute([seq])?;
        drop(update);
        let count = count(&new);
        if count == 0 {
            // A look that saw what was seen before is remembered all the same.
            transaction.commit()?;
            return Ok((0, trouble));
        }
        if let (Some(held), Some(journal)) = (&mut held, &journal) {
            let size = journal.size();
            let written = held.begin(&self.id).and_then(|()| {
                let mut record = Vec::new();
                journal::put_record(&mut record, |payload| observed::write(&new, payload));
                held.append(&record)?;
                held.settle()
            });
            match written {
                Ok(end) => {
                    let known = keep::mark(&transaction)?;
                    if known > size {
                        keep::lost(&transaction)?;
                    }
                    // What another process wrote and this ledger does not know stays to be read.
                    if known >= size {
                        keep::set_mark(&transaction, end)?;
                    }
                }
                Err(error) => {
                    held.take_back();
                    trouble = Some(KeepError::Io { path: journal.path().to_owned(), error });
                }
            }
        }
        transaction.commit()?;
        Ok((count, trouble))
    }

    /// There is anything in it that the ledger does not know. Asked without a lock: mostly there is nothing, and a scan
    /// that found one line need not wait for the disk twice.
    fn is_news(&self, observed: &Observed) -> Result<bool, LedgerError> {
        let Observed { accounts, holdings, readings, attempts, logins } = observed;
        if !attempts.is_empty() || !logins.is_empty() {
            return Ok(true);
        }
        let connection = &self.connection;
        for seen in accounts {
            let mut known = connection.prepare_cached(
                "SELECT 1 FROM account WHERE organization = ?1 AND uuid = ?2 AND (email = ?3 OR ?3 = '')",
            )?;
            let said = seen.name.is_some() || seen.removed.is_some();
            if said || !known.exists(params![&*seen.id.organization, &*seen.id.account, seen.email])? {
                return Ok(true);
            }
        }
        for holding in holdings {
            if holding_is_news(connection, holding)? {
                return Ok(true);
            }
        }
        for reading in readings {
            let Some(account) = account_row(connection, &reading.account)? else { return Ok(true) };
            let mut known = connection.prepare_cached(
                "SELECT 1 FROM reading WHERE account_id = ?1 AND observed_at_ms = ?2 AND window = ?3 AND source = ?4
                     AND session = ?5",
            )?;
            let session = reading.told.as_ref().map_or("", |told| &*told.session);
            let window = reading.window.to_string();
            let key = params![account, reading.observed_at_ms, window, reading.source as i64, session];
            if !known.exists(key)? {
                return Ok(true);
            }
        }
        Ok(false)
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
        let mut select = self.connection.prepare_cached(
            "SELECT dir, from_ms, organization, uuid, until_ms FROM held LEFT JOIN account ON id = account_id
             ORDER BY dir, from_ms",
        )?;
        let rows = select.query_map([], |row| {
            let organization: Option<Arc<str>> = row.get::<_, Option<String>>(2)?.map(Into::into);
            let account = match organization {
                Some(organization) => Some(AccountId { organization, account: text(row, 3)? }),
                None => None,
            };
            Ok(Holding { dir: row.get(0)?, from_ms: row.get(1)?, until_ms: row.get(4)?, account })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Which accounts each config directory held.
    pub fn held_by(&self) -> Result<HashMap<String, HeldBy>, LedgerError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT dir, from_ms, until_ms, account_id FROM held ORDER BY dir, from_ms")?;
        let mut rows = select.query([])?;
        let mut all: HashMap<String, HeldBy> = HashMap::new();
        while let Some(row) = rows.next()? {
            let seen = Seen { from_ms: row.get(1)?, until_ms: row.get(2)?, account: row.get(3)? };
            all.entry(row.get(0)?).or_default().0.push(seen);
        }
        Ok(all)
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

/// Which accounts a config directory held, and from when on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldBy(Vec<Seen>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    from_ms: i64,
    until_ms: i64,
    account: i64,
}

impl HeldBy {
    /// The row of the account that was held at a time (UTC milliseconds); 0: none, or not known. Not known is what was
    /// before the first look, and between two looks that saw different accounts. Behind the last look the last one
    /// counts.
    pub fn at(&self, at_ms: i64) -> i64 {
        let behind = self.0.partition_point(|seen| seen.from_ms <= at_ms);
        let seen = behind.checked_sub(1).and_then(|last| self.0.get(last));
        seen.filter(|seen| at_ms <= seen.until_ms || behind == self.0.len()).map_or(0, |seen| seen.account)
    }
}

fn count(observed: &Observed) -> u64 {
    let Observed { accounts, holdings, readings, attempts, logins } = observed;
    (accounts.len() + holdings.len() + readings.len() + attempts.len() + logins.len()) as u64
}

/// Puts in what is new; returns it.
pub(crate) fn take(
    connection: &Connection,
    observed: &Observed,
    now_ms: i64,
    seq: &mut i64,
) -> Result<Observed, LedgerError> {
    let mut new = Observed::default();
    for seen in &observed.accounts {
        if take_account(connection, seen)? {
            new.accounts.push(seen.clone());
        }
    }
    for holding in &observed.holdings {
        new.holdings.extend(take_holding(connection, holding, now_ms)?);
    }
    for reading in
        observed.readings.iter().filter(|reading| reading.observed_at_ms <= now_ms.saturating_add(AHEAD_MS))
    {
        if take_reading(connection, reading, *seq + 1)? {
            *seq += 1;
            new.readings.push(reading.clone());
        }
    }
    for attempt in &observed.attempts {
        let account = row_of(connection, &attempt.account, attempt.at_ms)?;
        let mut insert =
            connection.prepare_cached("INSERT INTO attempt VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?;
        if insert.execute(params![account, attempt.at_ms, &*attempt.outcome])? > 0 {
            new.attempts.push(attempt.clone());
        }
    }
    for login in &observed.logins {
        if take_login(connection, login)? {
            new.logins.push(login.clone());
        }
    }
    Ok(new)
}

fn account_row(connection: &Connection, id: &AccountId) -> rusqlite::Result<Option<i64>> {
    let mut select =
        connection.prepare_cached("SELECT id FROM account WHERE organization = ?1 AND uuid = ?2")?;
    select.query_row([&*id.organization, &*id.account], |row| row.get(0)).optional()
}

/// The row of an account, made when it is new.
fn row_of(connection: &Connection, id: &AccountId, at_ms: i64) -> rusqlite::Result<i64> {
    if let Some(row) = account_row(connection, id)? {
        return Ok(row);
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO account (organization, uuid, email, name, first_ms) VALUES (?1, ?2, '', '', ?3)",
    )?;
    insert.insert(params![&*id.organization, &*id.account, at_ms])
}

/// True: the account is new, or what is said of it.
fn take_account(connection: &Connection, seen: &SeenAccount) -> rusqlite::Result<bool> {
    let known = account_row(connection, &seen.id)?;
    let row = row_of(connection, &seen.id, seen.at_ms)?;
    let mut update = connection.prepare_cached(
        "UPDATE account SET email = CASE WHEN ?2 = '' THEN email ELSE ?2 END, name = coalesce(?3, name),
             removed = coalesce(?4, removed)
         WHERE id = ?1 AND ((email <> ?2 AND ?2 <> '') OR name <> ?3 OR removed <> ?4)",
    )?;
    Ok(update.execute(params![row, seen.email, seen.name, seen.removed])? > 0 || known.is_none())
}

fn seq(connection: &Connection) -> rusqlite::Result<i64> {
    let mut select =
        connection.prepare_cached("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'seq'")?;
    select.query_row([], |row| row.get(0))
}

/// It says another account than the look before, or that look was a while ago. That nobody is logged in where nobody ever
/// was is no news.
fn holding_is_news(connection: &Connection, holding: &Holding) -> rusqlite::Result<bool> {
    let mut last = connection.prepare_cached(
        "SELECT until_ms, organization, uuid FROM held LEFT JOIN account ON id = account_id
         WHERE dir = ?1 AND from_ms <= ?2 ORDER BY from_ms DESC LIMIT 1",
    )?;
    let last = last.query_row(params![holding.dir, holding.from_ms], |row| {
        let organization: Option<String> = row.get(1)?;
        let account = match organization {
            Some(organization) => {
                Some(AccountId { organization: organization.into(), account: text(row, 2)? })
            }
            None => None,
        };
        Ok((row.get::<_, i64>(0)?, account))
    });
    Ok(match last.optional()? {
        None => holding.account.is_some(),
        Some((until_ms, account)) => {
            account != holding.account || holding.until_ms.saturating_sub(until_ms) >= LOOKED_EVERY_MS
        }
    })
}

/// What is news of it: nothing when the directory held that account before; else this, and how long it held the one
/// before.
fn take_holding(connection: &Connection, holding: &Holding, now_ms: i64) -> rusqlite::Result<Vec<Holding>> {
    let account = match &holding.account {
        Some(id) => row_of(connection, id, holding.from_ms)?,
        None => 0,
    };
    let mut select = connection.prepare_cached(
        "SELECT from_ms, until_ms, account_id, organization, uuid FROM held LEFT JOIN account ON id = account_id
         WHERE dir = ?1 AND from_ms <= ?2 ORDER BY from_ms DESC LIMIT 1",
    )?;
    let before = select.query_row(params![holding.dir, holding.from_ms], |row| {
        let organization = row.get::<_, Option<String>>(3)?.map(Into::into);
        let account = match organization {
            Some(organization) => Some(AccountId { organization, account: text(row, 4)? }),
            None => None,
        };
        let dir = holding.dir.clone();
        Ok((Holding { dir, from_ms: row.get(0)?, until_ms: row.get(1)?, account }, row.get::<_, i64>(2)?))
    });
    let mut before = before.optional()?;
    if let Some((seen, row)) = &before
        && *row == account
    {
        let mut update = connection
            .prepare_cached("UPDATE held SET until_ms = max(until_ms, ?3) WHERE dir = ?1 AND from_ms = ?2")?;
        update.execute(params![seen.dir, seen.from_ms, holding.until_ms])?;
        return Ok(Vec::new());
    }
    // Until later than now it was seen only by a clock that was ahead: that must not hide what is seen now.
    if let Some((seen, _)) = &mut before
        && seen.until_ms > now_ms.saturating_add(LOOKED_EVERY_MS)
        && seen.from_ms < holding.from_ms
    {
        seen.until_ms = holding.from_ms - 1;
        let mut update =
            connection.prepare_cached("UPDATE held SET until_ms = ?3 WHERE dir = ?1 AND from_ms = ?2")?;
        update.execute(params![seen.dir, seen.from_ms, seen.until_ms])?;
    }
    // Two answers for one moment: what was taken in first stands, as between two looks that saw the same.
    if before.as_ref().is_some_and(|(seen, _)| holding.from_ms <= seen.until_ms) {
        return Ok(Vec::new());
    }
    let mut insert =
        connection.prepare_cached("INSERT INTO held VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING")?;
    insert.execute(params![holding.dir, holding.from_ms, holding.until_ms, account])?;
    Ok(before.into_iter().map(|(seen, _)| seen).chain([holding.clone()]).collect())
}

fn take_reading(connection: &Connection, reading: &Reading, seq: i64) -> rusqlite::Result<bool> {
    let account = row_of(connection, &reading.account, reading.observed_at_ms)?;
    let (session, duration) = reading.told.as_ref().map_or(("", -1), |told| {
        let duration = told.api_duration_ms.and_then(|duration| i64::try_from(duration).ok());
        (&*told.session, duration.unwrap_or(-1))
    });
    let mut insert = connection.prepare_cached(
        "INSERT INTO reading VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
    )?;
    let inserted = insert.execute(params![
        account,
        reading.observed_at_ms,
        reading.window.to_string(),
        reading.source as i64,
        session,
        reading.percent.map_or(-1, Percent::tenths),
        reading.resets_at_ms.unwrap_or(0),
        duration,
        seq,
    ])?;
    Ok(inserted > 0)
}

fn last_login(connection: &Connection, account: i64) -> rusqlite::Result<Option<(i64, String)>> {
    let mut select = connection.prepare_cached(
        "SELECT at_ms, reason FROM login WHERE account_id = ?1 ORDER BY at_ms DESC LIMIT 1",
    )?;
    select.query_row([account], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

/// True: the login was otherwise before. What is older than the last change says nothing new.
fn take_login(connection: &Connection, login: &LoginChange) -> rusqlite::Result<bool> {
    let account = row_of(connection, &login.account, login.at_ms)?;
    let reason = login.dead.as_deref().unwrap_or("");
    if last_login(connection, account)?.is_some_and(|(at_ms, last)| last == reason || at_ms >= login.at_ms) {
        return Ok(false);
    }
    let mut insert = connection.prepare_cached("INSERT INTO login VALUES (?1, ?2, ?3)")?;
    Ok(insert.execute(params![account, login.at_ms, reason])? > 0)
}

fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<Arc<str>> {
    row.get::<_, String>(column).map(Into::into)
}

#[cfg(test)]
mod tests;
