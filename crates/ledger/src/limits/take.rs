//! Taking in what was observed: what of it is new.

use cco_model::limit::{Attempt, LoginChange, Percent, Reading};
use rusqlite::{Connection, params};

use super::held::take_holding;
use super::readings::{self, told_before};
use super::{Observed, SeenAccount, account_row, last_login, row_of};
use crate::LedgerError;

/// Readings that are further ahead of now than this come from a clock that was wrong, and are not kept. Nearer ones are:
/// what they say is shown, of no known age.
pub(super) const AHEAD_MS: i64 = 24 * 3_600_000;

/// Puts in what is new; returns it.
pub(super) fn take(
    connection: &Connection,
    observed: &Observed,
    now_ms: i64,
    seq: &mut i64,
) -> Result<Observed, LedgerError> {
    let mut new = take_all(connection, observed, Some(now_ms))?;
    let latest_ms = now_ms.saturating_add(AHEAD_MS);
    for reading in observed.readings.iter().filter(|reading| reading.observed_at_ms <= latest_ms) {
        if !told_before(connection, reading)? && take_reading(connection, reading, *seq + 1)? {
            *seq += 1;
            new.readings.push(reading.clone());
        }
    }
    readings::sum_up(connection, &new.readings, now_ms)?;
    Ok(new)
}

/// Puts in what was taken in once; whoever wrote it down has looked at the clock.
pub(crate) fn restore(
    connection: &Connection,
    observed: &Observed,
    seq: &mut i64,
) -> Result<(), LedgerError> {
    take_all(connection, observed, None)?;
    for reading in &observed.readings {
        *seq += i64::from(take_reading(connection, reading, *seq + 1)?);
    }
    Ok(())
}

/// Everything but readings. `now_ms`: it is seen now; none: it comes back.
fn take_all(
    connection: &Connection,
    observed: &Observed,
    now_ms: Option<i64>,
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
    for attempt in &observed.attempts {
        if take_attempt(connection, attempt)? {
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

/// True: the account is new, or what is said of it.
fn take_account(connection: &Connection, seen: &SeenAccount) -> rusqlite::Result<bool> {
    let known = account_row(connection, &seen.id)?;
    let row = row_of(connection, &seen.id, seen.at_ms)?;
    let mut update = connection.prepare_cached(
        "UPDATE account SET email = CASE WHEN ?2 = '' THEN email ELSE ?2 END, name = coalesce(?3, name),
             removed = coalesce(?4, removed)
         WHERE id = ?1 AND ((email <> ?2 AND ?2 <> '') OR name <> ?3 OR removed <> ?4)",
    )?;
    let said = params![row, seen.email, seen.name, seen.removed];
    Ok(update.execute(said)? > 0 || known.is_none())
}

pub(super) fn take_attempt(connection: &Connection, attempt: &Attempt) -> rusqlite::Result<bool> {
    let account = row_of(connection, &attempt.account, attempt.at_ms)?;
    let mut insert =
        connection.prepare_cached("INSERT INTO attempt VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?;
    Ok(insert.execute(params![account, attempt.at_ms, &*attempt.outcome])? > 0)
}

pub(super) fn take_reading(connection: &Connection, reading: &Reading, seq: i64) -> rusqlite::Result<bool> {
    let account = row_of(connection, &reading.account, reading.observed_at_ms)?;
    let window = reading.window.to_string();
    let (session, duration) = reading.told.as_ref().map_or(("", -1), |told| {
        let duration = told.api_duration_ms.and_then(|duration| i64::try_from(duration).ok());
        (&*told.session, duration.unwrap_or(-1))
    });
    let mut insert = connection.prepare_cached(
        "INSERT INTO reading VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
    )?;
    let inserted = insert.execute(params![
        account,
        window,
        reading.observed_at_ms,
        reading.source as i64,
        session,
        reading.percent.map_or(-1, Percent::tenths),
        reading.resets_at_ms.unwrap_or(0),
        duration,
        seq,
    ])?;
    if inserted > 0 {
        readings::has_come(connection, account, &window, reading.observed_at_ms)?;
    }
    Ok(inserted > 0)
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
