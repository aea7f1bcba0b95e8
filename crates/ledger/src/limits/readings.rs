//! What was observed, given back.
//!
//! Must not: say what readings come to.

use std::collections::BTreeSet;

use cco_model::limit::{AccountId, Percent, Reading, Source, Told};
use rusqlite::{Row, params};

use super::text;
use crate::{Ledger, LedgerError};

/// How far back all readings are looked at: longer than the shortest window.
const RECENT_MS: i64 = 6 * 3_600_000;

impl Ledger {
    /// The readings of all accounts that were observed from a time on (UTC milliseconds), by account and time.
    pub fn readings(&self, from_ms: i64) -> Result<Vec<Reading>, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT organization, uuid, window, source, session, tenths, resets_at_ms, api_duration_ms, observed_at_ms
             FROM account JOIN reading ON account_id = id AND observed_at_ms >= ?1 ORDER BY id, observed_at_ms",
        )?;
        let mut rows = select.query([from_ms])?;
        let mut readings = Vec::new();
        while let Some(row) = rows.next()? {
            readings.extend(reading(row)?);
        }
        Ok(readings)
    }

    /// Those of them that can matter to what is known at `now_ms`: all of the last hours, and of older ones what no
    /// newer answer of the service has settled. Readings pile up by the ten thousand; what they come to is the same.
    pub fn readings_that_matter(&self, from_ms: i64, now_ms: i64) -> Result<Vec<Reading>, LedgerError> {
        let recent_ms = now_ms.saturating_sub(RECENT_MS);
        let mut readings = self.readings(recent_ms)?;
        // One without a reset may be of any window; what a session says now is held against what it said before.
        let mut select = self.connection.prepare_cached(
            "SELECT organization, uuid, window, source, session, tenths, resets_at_ms, api_duration_ms, observed_at_ms
             FROM account JOIN reading ON account_id = id AND observed_at_ms >= ?2 AND observed_at_ms < ?3
             WHERE id = ?1 AND (resets_at_ms = 0 OR window NOT IN (?5, ?6, ?7, ?8, ?9, ?10)
                OR (source = ?4 AND instr(?11, char(10) || session || char(10)) > 0))",
        )?;
        for account in self.accounts()? {
            let own = || readings.iter().filter(|reading| reading.account == account.id);
            let sessions: BTreeSet<&str> =
                own().filter_map(|reading| Some(&*reading.told.as_ref()?.session)).collect();
            let sessions: String = sessions.iter().map(|session| format!("\n{session}\n")).collect();
            let settled: BTreeSet<String> = own()
                .filter(|reading| settles(reading, now_ms))
                .map(|reading| reading.window.to_string())
                .collect();
            // Plans have fewer windows; of any more all is read. No window has an empty name.
            let mut names = settled.iter().map(String::as_str);
            let [a, b, c, d, e, f] = std::array::from_fn(|_| names.next().unwrap_or(""));
            let of_session = Source::Stdin as i64;
            let mut rows = select.query(params![
                account.row,
                from_ms,
                recent_ms,
                of_session,
                a,
                b,
                c,
                d,
                e,
                f,
                sessions
            ])?;
            while let Some(row) = rows.next()? {
                readings.extend(reading(row)?);
            }
        }
        Ok(readings)
    }
}

/// Nothing that was observed before it counts in its window: it is an answer of the service that says how full the
/// window is and when it ends, and can be believed.
fn settles(reading: &Reading, now_ms: i64) -> bool {
    let length_ms = reading.window.length_ms().unwrap_or(0);
    reading.source == Source::Endpoint
        && reading.percent.is_some()
        && reading.observed_at_ms <= now_ms
        && reading.resets_at_ms.is_some_and(|end| {
            end > reading.observed_at_ms && end <= reading.observed_at_ms.saturating_add(length_ms)
        })
}

/// The reading of a row; none for a window or a source that a later version knows.
fn reading(row: &Row<'_>) -> rusqlite::Result<Option<Reading>> {
    let (name, number): (String, i64) = (row.get(2)?, row.get(3)?);
    let source = Source::ALL.into_iter().find(|source| *source as i64 == number);
    let (Ok(window), Some(source)) = (name.parse(), source) else { return Ok(None) };
    let (tenths, resets_at_ms, duration): (i32, i64, i64) = (row.get(5)?, row.get(6)?, row.get(7)?);
    let session = text(row, 4)?;
    let told =
        (source == Source::Stdin).then(|| Told { session, api_duration_ms: u64::try_from(duration).ok() });
    Ok(Some(Reading {
        account: AccountId { organization: text(row, 0)?, account: text(row, 1)? },
        percent: (tenths >= 0).then(|| Percent::of_tenths(&window, tenths)),
        window,
        resets_at_ms: (resets_at_ms != 0).then_some(resets_at_ms),
        observed_at_ms: row.get(8)?,
        source,
        told,
    }))
}
