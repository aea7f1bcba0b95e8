//! What a damaged ledger still says of accounts and limits.
//!
//! Must not: write anything.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use cco_model::limit::{AccountId, Attempt, LoginChange};
use rusqlite::{Connection, Row};

use super::{LAST_MS, each_row, each_row_of};
use crate::limits::returned::reading_of;
use crate::limits::{Holding, Observed, SeenAccount};

/// No percentage is larger, in tenths.
const MOST_TENTHS: i64 = 1_000_000_000;
/// Times of readings that cannot be read are passed over in such steps, in milliseconds.
const STEP_MS: i64 = 10_000;

/// Everything that can be read and can be true.
pub(super) fn of(connection: &Connection) -> Observed {
    let mut observed = Observed::default();
    let accounts = accounts(connection, &mut observed);
    holdings(connection, &accounts, &mut observed);
    for (row, id) in &accounts {
        of_account(connection, *row, id, &mut observed);
    }
    observed
}

fn accounts(connection: &Connection, observed: &mut Observed) -> HashMap<i64, AccountId> {
    let mut accounts = HashMap::new();
    let sql = "SELECT id, organization, uuid, email, name, first_ms, removed FROM account WHERE id >= ?1 ORDER BY id";
    each_row(connection, sql, 0, 1, |row| {
        let seen = || -> rusqlite::Result<_> {
            let id = AccountId { organization: text(row, 1)?, account: text(row, 2)? };
            let (name, removed) = (Some(row.get(4)?), Some(row.get(6)?));
            Ok((row.get(0)?, SeenAccount { id, email: row.get(3)?, at_ms: row.get(5)?, name, removed }))
        };
        if let Ok((row, seen)) = seen() {
            accounts.insert(row, seen.id.clone());
            observed.accounts.push(seen);
        }
    });
    accounts
}

fn holdings(connection: &Connection, accounts: &HashMap<i64, AccountId>, observed: &mut Observed) {
    let mut seen = BTreeSet::new();
    // From both ends: in the middle there may be what cannot be read, and a name is no number to go on from.
    for sql in [
        "SELECT dir, from_ms, until_ms, account_id FROM held ORDER BY dir, from_ms",
        "SELECT dir, from_ms, until_ms, account_id FROM held ORDER BY dir DESC, from_ms DESC",
    ] {
        let Ok(mut select) = connection.prepare(sql) else { return };
        let Ok(mut rows) = select.query([]) else { return };
        while let Ok(Some(row)) = rows.next() {
            let holding = || -> rusqlite::Result<_> {
                let account: i64 = row.get(3)?;
                let holding =
                    Holding { dir: row.get(0)?, from_ms: row.get(1)?, until_ms: row.get(2)?, account: None };
                Ok((account, holding))
            };
            let Ok((row, holding)) = holding() else { continue };
            let account = accounts.get(&row).cloned();
            let is_sane = (row == 0 || account.is_some())
                && is_time(holding.from_ms)
                && is_time(holding.until_ms)
                && holding.from_ms <= holding.until_ms;
            if is_sane && seen.insert((holding.dir.clone(), holding.from_ms)) {
                observed.holdings.push(Holding { account, ..holding });
            }
        }
    }
}

fn of_account(connection: &Connection, row: i64, id: &AccountId, observed: &mut Observed) {
    let sql = "SELECT at_ms, outcome FROM attempt WHERE account_id = ?2 AND at_ms >= ?1 ORDER BY at_ms";
    each_row_of(connection, sql, &[&row], 0, STEP_MS, |row| {
        if let (Ok(at_ms), Ok(outcome)) = (row.get(0), text(row, 1)) {
            observed.attempts.push(Attempt { account: id.clone(), at_ms, outcome });
        }
    });
    let sql = "SELECT at_ms, reason FROM login WHERE account_id = ?2 AND at_ms >= ?1 ORDER BY at_ms";
    each_row_of(connection, sql, &[&row], 0, STEP_MS, |row| {
        if let (Ok(at_ms), Ok(reason)) = (row.get(0), text(row, 1)) {
            let dead = Some(reason).filter(|reason| !reason.is_empty());
            observed.logins.push(LoginChange { account: id.clone(), at_ms, dead });
        }
    });
    for window in windows(connection, row) {
        let Ok(parsed) = window.parse() else { continue };
        let sql = "SELECT source, session, tenths, resets_at_ms, api_duration_ms, observed_at_ms FROM reading
             WHERE account_id = ?2 AND window = ?3 AND observed_at_ms >= ?1 ORDER BY observed_at_ms";
        each_row_of(connection, sql, &[&row, &window], 5, STEP_MS, |row| {
            let reading = reading_of(row, id, &parsed).ok().flatten();
            let is_sane = row.get(2).is_ok_and(|tenths: i64| (-1..=MOST_TENTHS).contains(&tenths));
            let reading = reading.filter(|reading| is_sane && is_time(reading.observed_at_ms));
            observed.readings.extend(reading);
        });
    }
    observed.attempts.retain(|attempt| is_time(attempt.at_ms));
    observed.logins.retain(|login| is_time(login.at_ms));
}

/// The names of an account's windows, from wherever they can be read.
fn windows(connection: &Connection, account: i64) -> BTreeSet<String> {
    let mut windows: BTreeSet<String> = ["five_hour", "seven_day"].map(str::to_owned).into();
    for sql in [
        "SELECT window FROM plan_window WHERE account_id = ?1 ORDER BY window",
        "SELECT window FROM reading WHERE account_id = ?1 ORDER BY window",
        "SELECT window FROM reading WHERE account_id = ?1 ORDER BY window DESC",
    ] {
        let Ok(mut select) = connection.prepare(sql) else { continue };
        let Ok(mut rows) = select.query([account]) else { continue };
        while let Ok(Some(row)) = rows.next() {
            if let Ok(window) = row.get_ref(0).map_err(drop).and_then(|window| window.as_str().map_err(drop))
                && !windows.contains(window)
            {
                windows.insert(window.to_owned());
            }
        }
    }
    windows
}

fn is_time(ms: i64) -> bool {
    (0..=LAST_MS).contains(&ms)
}

fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<Arc<str>> {
    row.get::<_, String>(column).map(Into::into)
}
