//! What was observed of limits, given back: all of it, or as much as tells what is known by now.
//!
//! Readings pile up by the ten thousand. Those that are older than an hour are summed up as they come, by the model's
//! rule ([`Past`]), so that what is known is told by few of them. A reading that comes later than that, or a clock that
//! was set back, undoes it: then all are read.
//!
//! Must not: say what readings come to.

use std::collections::BTreeSet;
use std::sync::Arc;

use cco_model::limit::merge::{Left, Past, repeats};
use cco_model::limit::{AccountId, Percent, Reading, Source, Told, Window};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{account_row, text};
use crate::{Ledger, LedgerError};

/// So many readings of a window come before older ones are summed up.
const SUM_UP_EVERY: i64 = 256;
/// How far back a session is looked for that was told the same before.
const TOLD_BEFORE_MS: i64 = 6 * 3_600_000;

/// A window of an account, and what tells how full it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownWindow {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub window: Window,
    /// What is left of readings that were summed up.
    pub left: Vec<Left>,
    /// Those that came after them, or all of them.
    pub readings: Vec<Reading>,
}

/// A state of the readings: another one, and some have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadingsMark(Vec<(i64, String, i64, i64, i64)>);

/// A window as its row has it.
struct WindowRow {
    account: i64,
    id: AccountId,
    window: Window,
    newest_ms: i64,
    until_ms: i64,
    as_of_ms: i64,
}

impl Ledger {
    /// The readings of all accounts that were observed from a time on (UTC milliseconds), by account, window and time.
    pub fn readings(&self, from_ms: i64) -> Result<Vec<Reading>, LedgerError> {
        let mut readings = Vec::new();
        for known in window_rows(&self.connection)?.iter().filter(|known| known.newest_ms >= from_ms) {
            readings_between(&self.connection, known, from_ms, i64::MAX, &mut readings)?;
        }
        Ok(readings)
    }

    /// The present state of the readings, for whoever follows them: some ten rows.
    pub fn readings_mark(&self) -> Result<ReadingsMark, LedgerError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT account_id, window, newest_ms, fresh, until_ms FROM plan_window")?;
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
        Ok(ReadingsMark(select.query_map([], row)?.collect::<Result<_, _>>()?))
    }

    /// The windows of which anything was heard from a time on, with what tells how full they are at `now_ms` (both UTC
    /// milliseconds): as all readings there ever were would.
    pub fn windows(&self, heard_from_ms: i64, now_ms: i64) -> Result<Vec<KnownWindow>, LedgerError> {
        let rows = window_rows(&self.connection)?;
        let heard = rows.into_iter().filter(|known| known.newest_ms >= heard_from_ms);
        heard
            .map(|known| {
                let past = past_at(&self.connection, &known, now_ms)?;
                let mut readings = Vec::new();
                let from_ms = past.until_ms.saturating_add(1);
                // The least time there is has none before it.
                let from_ms = if past.until_ms == i64::MIN { i64::MIN } else { from_ms };
                readings_between(&self.connection, &known, from_ms, i64::MAX, &mut readings)?;
                Ok(KnownWindow { account: known.id, window: known.window, left: past.left, readings })
            })
            .collect()
    }
}

/// The session was told exactly this before, and has not waited for an answer since: nothing is new.
pub(super) fn told_before(connection: &Connection, reading: &Reading) -> rusqlite::Result<bool> {
    let (Source::Stdin, Some(told)) = (reading.source, &reading.told) else { return Ok(false) };
    let Some(account) = account_row(connection, &reading.account)? else { return Ok(false) };
    let mut select = connection.prepare_cached(
        "SELECT source, session, tenths, resets_at_ms, api_duration_ms, observed_at_ms FROM reading
         WHERE account_id = ?1 AND window = ?2 AND observed_at_ms BETWEEN ?3 AND ?4 AND source = ?5 AND session = ?6
         ORDER BY observed_at_ms DESC LIMIT 1",
    )?;
    let (to_ms, source) = (reading.observed_at_ms, Source::Stdin as i64);
    let from_ms = to_ms.saturating_sub(TOLD_BEFORE_MS);
    let before = select.query_row(
        params![account, reading.window.to_string(), from_ms, to_ms, source, &*told.session],
        |row| reading_of(row, &reading.account, &reading.window),
    );
    Ok(before.optional()?.flatten().is_some_and(|before| repeats(&before, reading)))
}

/// A reading of a window has come. One that is as old as what was summed up undoes that.
pub(super) fn has_come(
    connection: &Connection,
    account: i64,
    window: &str,
    at_ms: i64,
) -> rusqlite::Result<()> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO plan_window VALUES (?1, ?2, ?3, 1, ?4, ?4)
         ON CONFLICT DO UPDATE SET newest_ms = max(newest_ms, excluded.newest_ms), fresh = fresh + 1
         RETURNING until_ms",
    )?;
    let until_ms: i64 = upsert.query_row(params![account, window, at_ms, i64::MIN], |row| row.get(0))?;
    if until_ms != i64::MIN && at_ms <= until_ms {
        // The next one that comes sums up anew.
        let mut undo = connection.prepare_cached(
            "UPDATE plan_window SET until_ms = ?3, as_of_ms = ?3, fresh = ?4 WHERE account_id = ?1 AND window = ?2",
        )?;
        undo.execute(params![account, window, i64::MIN, SUM_UP_EVERY])?;
        forget_left(connection, account, window)?;
    }
    Ok(())
}

/// Sums up the windows of readings that came, where many have come since it was done last.
pub(super) fn sum_up(connection: &Connection, new: &[Reading], now_ms: i64) -> rusqlite::Result<()> {
    let touched: BTreeSet<(&AccountId, &Window)> =
        new.iter().map(|reading| (&reading.account, &reading.window)).collect();
    if touched.is_empty() {
        return Ok(());
    }
    let is_touched = |known: &WindowRow| touched.contains(&(&known.id, &known.window));
    for known in window_rows(connection)?.into_iter().filter(is_touched) {
        let mut many = connection.prepare_cached(
            "SELECT 1 FROM plan_window WHERE account_id = ?1 AND window = ?2 AND fresh >= ?3",
        )?;
        // A clock that was set back sums nothing up.
        if now_ms >= known.as_of_ms
            && many.exists(params![known.account, known.window.to_string(), SUM_UP_EVERY])?
        {
            sum_up_window(connection, &known, now_ms)?;
        }
    }
    Ok(())
}

fn sum_up_window(connection: &Connection, known: &WindowRow, now_ms: i64) -> rusqlite::Result<()> {
    let past = past_at(connection, known, now_ms)?;
    let from_ms = if past.until_ms == i64::MIN { i64::MIN } else { past.until_ms + 1 };
    let mut older = Vec::new();
    readings_between(connection, known, from_ms, Past::can_reach_ms(now_ms), &mut older)?;
    let past = past.with(&known.window, &older, now_ms);
    let window = known.window.to_string();
    forget_left(connection, known.account, &window)?;
    let mut insert = connection
        .prepare_cached("INSERT INTO reading_left VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?;
    for Left { reading, at_ms, may_lower } in &past.left {
        let told = reading.told.as_ref();
        let duration = told.and_then(|told| i64::try_from(told.api_duration_ms?).ok());
        insert.execute(params![
            known.account,
            window,
            reading.observed_at_ms,
            reading.source as i64,
            told.map_or("", |told| &*told.session),
            reading.percent.map_or(-1, Percent::tenths),
            reading.resets_at_ms.unwrap_or(0),
            duration.unwrap_or(-1),
            at_ms,
            may_lower,
        ])?;
    }
    let mut update = connection.prepare_cached(
        "UPDATE plan_window SET until_ms = ?3, as_of_ms = ?4, fresh = 0 WHERE account_id = ?1 AND window = ?2",
    )?;
    update.execute(params![known.account, window, past.until_ms, past.as_of_ms]).map(|_| ())
}

fn forget_left(connection: &Connection, account: i64, window: &str) -> rusqlite::Result<()> {
    let mut delete =
        connection.prepare_cached("DELETE FROM reading_left WHERE account_id = ?1 AND window = ?2")?;
    delete.execute(params![account, window]).map(|_| ())
}

/// Every window that this version knows, by account in the order in which they were first seen.
fn window_rows(connection: &Connection) -> rusqlite::Result<Vec<WindowRow>> {
    let mut select = connection.prepare_cached(
        "SELECT account_id, organization, uuid, window, newest_ms, until_ms, as_of_ms
         FROM plan_window JOIN account ON id = account_id ORDER BY account_id, window",
    )?;
    let mut rows = select.query([])?;
    let mut known = Vec::new();
    while let Some(row) = rows.next()? {
        let Ok(window) = row.get_ref(3)?.as_str()?.parse() else { continue };
        known.push(WindowRow {
            account: row.get(0)?,
            id: AccountId { organization: text(row, 1)?, account: text(row, 2)? },
            window,
            newest_ms: row.get(4)?,
            until_ms: row.get(5)?,
            as_of_ms: row.get(6)?,
        });
    }
    Ok(known)
}

/// What is left of a window's older readings, if that can stand for them at this time; else nothing is summed up.
fn past_at(connection: &Connection, known: &WindowRow, now_ms: i64) -> rusqlite::Result<Past> {
    if known.until_ms == i64::MIN || now_ms < known.as_of_ms {
        return Ok(Past::default());
    }
    let mut select = connection.prepare_cached(
        "SELECT source, session, tenths, resets_at_ms, api_duration_ms, observed_at_ms, at_ms, may_lower
         FROM reading_left WHERE account_id = ?1 AND window = ?2 ORDER BY observed_at_ms, source, session",
    )?;
    let mut rows = select.query(params![known.account, known.window.to_string()])?;
    let mut past = Past { until_ms: known.until_ms, as_of_ms: known.as_of_ms, left: Vec::new() };
    while let Some(row) = rows.next()? {
        let Some(reading) = reading_of(row, &known.id, &known.window)? else { continue };
        past.left.push(Left { reading, at_ms: row.get(6)?, may_lower: row.get(7)? });
    }
    Ok(if past.holds(&known.window, now_ms) { past } else { Past::default() })
}

/// Shows every reading, by account, window and time.
pub(super) fn each<E: From<rusqlite::Error>>(
    connection: &Connection,
    mut see: impl FnMut(Reading) -> Result<(), E>,
) -> Result<(), E> {
    for known in window_rows(connection)? {
        let mut readings = Vec::new();
        readings_between(connection, &known, i64::MIN, i64::MAX, &mut readings)?;
        readings.into_iter().try_for_each(&mut see)?;
    }
    Ok(())
}

fn readings_between(
    connection: &Connection,
    known: &WindowRow,
    from_ms: i64,
    to_ms: i64,
    readings: &mut Vec<Reading>,
) -> rusqlite::Result<()> {
    let mut select = connection.prepare_cached(
        "SELECT source, session, tenths, resets_at_ms, api_duration_ms, observed_at_ms FROM reading
         WHERE account_id = ?1 AND window = ?2 AND observed_at_ms BETWEEN ?3 AND ?4 ORDER BY observed_at_ms",
    )?;
    let mut rows = select.query(params![known.account, known.window.to_string(), from_ms, to_ms])?;
    while let Some(row) = rows.next()? {
        readings.extend(reading_of(row, &known.id, &known.window)?);
    }
    Ok(())
}

/// The reading of a row; none for a source that a later version knows.
pub(crate) fn reading_of(
    row: &Row<'_>,
    account: &AccountId,
    window: &Window,
) -> rusqlite::Result<Option<Reading>> {
    let number: i64 = row.get(0)?;
    let Some(source) = Source::ALL.into_iter().find(|source| *source as i64 == number) else {
        return Ok(None);
    };
    let (tenths, resets_at_ms, duration): (i32, i64, i64) = (row.get(2)?, row.get(3)?, row.get(4)?);
    let told = if source == Source::Stdin {
        let session: Arc<str> = text(row, 1)?;
        Some(Told { session, api_duration_ms: u64::try_from(duration).ok() })
    } else {
        None
    };
    Ok(Some(Reading {
        account: account.clone(),
        window: window.clone(),
        percent: (tenths >= 0).then(|| Percent::of_tenths(window, tenths)),
        resets_at_ms: (resets_at_ms != 0).then_some(resets_at_ms),
        observed_at_ms: row.get(5)?,
        source,
        told,
    }))
}
