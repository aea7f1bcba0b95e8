//! Observing: into the ledger and its journal at once.
//!
//! Must not: decide what is new; that is `take`.

use std::io;
use std::time::Duration;

use cco_model::plant::{Bug, planted};
use rusqlite::{Connection, ErrorCode, TransactionBehavior, ffi, params};

use super::held::holding_is_news;
use super::readings::told_before;
use super::{Observed, account_row, returned, take};
use crate::journal::{self, Head, Held, Journal, observed};
use crate::keep::{self, KeepError};
use crate::{Ledger, LedgerError};

/// How long the journal is waited for: who holds it longer makes a new ledger in the place of a damaged one, and what
/// went into the old one meanwhile would be set aside with it.
const PATIENCE: Duration = Duration::from_secs(60);

impl Ledger {
    /// Takes in what was observed and is new; returns how much of it was. What cannot go to the journal as well is an
    /// error of its own, and in the ledger; it goes to the journal later.
    pub fn observe(
        &mut self,
        observed: &Observed,
        now_ms: i64,
    ) -> Result<(u64, Option<KeepError>), LedgerError> {
        self.observe_within(observed, now_ms, PATIENCE)
    }

    pub(super) fn observe_within(
        &mut self,
        observed: &Observed,
        now_ms: i64,
        patience: Duration,
    ) -> Result<(u64, Option<KeepError>), LedgerError> {
        if !self.is_news(observed)? {
            return Ok((0, None));
        }
        let journal = self.journal.clone();
        // Once in the transaction nobody is waited for: who opens the ledger holds the journal too.
        let (mut held, mut trouble) = match journal.as_ref().map(|journal| take_hold(journal, patience)) {
            None => (None, None),
            Some(Ok(held)) => (held, None),
            Some(Err(KeepError::Ledger(busy))) => return Err(busy),
            Some(Err(trouble)) => (None, Some(trouble)),
        };
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut seq = seq(&transaction)?;
        let new = take::take(&transaction, observed, now_ms, &mut seq)?;
        let mut update = transaction.prepare_cached(
            "UPDATE meta SET value = CAST(?1 AS TEXT) WHERE key = 'seq' AND value <> CAST(?1 AS TEXT)",
        )?;
        update.execute([seq])?;
        drop(update);
        let count = count(&new);
        // A look that saw what was seen before is remembered, and that is all.
        if count > 0
            && let (Some(held), Some(journal)) = (&mut held, &journal)
        {
            trouble = write_down(&transaction, journal, held, &self.id, &new)?;
        }
        // A ledger that is being made has no journal yet.
        if count > 0 && (trouble.is_some() || journal.is_none()) && !planted(Bug::JournalFailureForgotten) {
            keep::set_unjournalled(&transaction, true)?;
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
            if told_before(connection, reading)? {
                continue;
            }
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
}

/// Holds the journal alone; none: there is none to hold. Somebody else may hold it for longer: that is an error of the
/// ledger, since nothing may be taken in then.
fn take_hold(journal: &Journal, patience: Duration) -> Result<Option<Held>, KeepError> {
    let io = |error| KeepError::Io { path: journal.path().to_owned(), error };
    let held = match journal.hold(true, patience) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            let busy = ffi::Error { code: ErrorCode::DatabaseBusy, extended_code: ffi::SQLITE_BUSY };
            let words = "another cco is making it anew".to_owned();
            return Err(rusqlite::Error::SqliteFailure(busy, Some(words)).into());
        }
        held => held.map_err(io)?,
    };
    if journal.head().map_err(io)? == Head::Foreign {
        return Err(KeepError::Foreign(journal.path().to_owned()));
    }
    Ok(held)
}

/// Writes what is new to the journal, and with it all that is not there by now. Returns what kept it from that.
fn write_down(
    connection: &Connection,
    journal: &Journal,
    held: &mut Held,
    id: &str,
    new: &Observed,
) -> Result<Option<KeepError>, LedgerError> {
    let (size, known) = (journal.size(), keep::mark(connection)?);
    if known > size {
        keep::lost(connection)?;
    }
    let all = keep::is_unjournalled(connection)?;
    let written = held.begin(id).map_err(keep::Failed::from).and_then(|()| {
        if all {
            returned::write_all(connection, held)?;
        } else if !planted(Bug::ObservedNotJournalled) {
            let mut record = Vec::new();
            journal::put_record(&mut record, |payload| observed::write(new, payload));
            held.append(&record)?;
        }
        Ok(held.settle()?)
    });
    match written {
        Ok(end) => {
            // What another process wrote and this ledger does not know stays to be read.
            if known >= size {
                keep::set_mark(connection, end)?;
            }
            if all {
                keep::set_unjournalled(connection, false)?;
            }
            Ok(None)
        }
        Err(failed) => {
            held.take_back();
            match failed {
                keep::Failed::Journal(error) => {
                    Ok(Some(KeepError::Io { path: journal.path().to_owned(), error }))
                }
                keep::Failed::Ledger(error) => Err(error.into()),
            }
        }
    }
}

fn count(observed: &Observed) -> u64 {
    let Observed { accounts, holdings, readings, attempts, logins } = observed;
    (accounts.len() + holdings.len() + readings.len() + attempts.len() + logins.len()) as u64
}

fn seq(connection: &Connection) -> rusqlite::Result<i64> {
    let mut select =
        connection.prepare_cached("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'seq'")?;
    select.query_row([], |row| row.get(0))
}
