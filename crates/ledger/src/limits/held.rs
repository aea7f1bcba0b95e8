//! Which accounts config directories held, and when.
//!
//! Must not: look at a directory.

use std::collections::HashMap;
use std::sync::Arc;

use cco_model::limit::{AccountId, CLOCK_SLACK_MS};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Holding, row_of, text};
use crate::{Ledger, LedgerError};

/// That a directory still holds its account is written down at most so often.
const LOOKED_EVERY_MS: i64 = 5 * 60_000;

impl Ledger {
    /// Which accounts each config directory held. What was seen later than `now_ms` was seen by a clock that was ahead.
    pub fn held_by(&self, now_ms: i64) -> Result<HashMap<String, HeldBy>, LedgerError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT dir, from_ms, until_ms, account_id FROM held ORDER BY dir, from_ms")?;
        let mut rows = select.query([])?;
        let latest_ms = now_ms.saturating_add(CLOCK_SLACK_MS);
        let mut all: HashMap<String, HeldBy> = HashMap::new();
        while let Some(row) = rows.next()? {
            let seen = Seen { from_ms: row.get(1)?, until_ms: row.get(2)?, account: row.get(3)? };
            let of_dir = all.entry(row.get(0)?).or_insert_with(|| HeldBy { seen: Vec::new(), latest_ms });
            of_dir.seen.push(seen);
        }
        Ok(all)
    }
}

/// Which accounts a config directory held, and from when on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldBy {
    seen: Vec<Seen>,
    /// What was seen later was seen by a clock that was ahead.
    latest_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    from_ms: i64,
    until_ms: i64,
    account: i64,
}

impl HeldBy {
    /// The row of the account that was held at a time (UTC milliseconds); 0: none, or not known. Not known is what was
    /// before the first look, and between two looks that saw different accounts. Behind the last look the last one
    /// counts, and a look in the future is no later one.
    pub fn at(&self, at_ms: i64) -> i64 {
        let behind = self.seen.partition_point(|seen| seen.from_ms <= at_ms);
        let seen = behind.checked_sub(1).and_then(|last| self.seen.get(last));
        let is_last = || match self.seen.get(behind) {
            None => true,
            Some(next) => next.from_ms > self.latest_ms && at_ms <= self.latest_ms,
        };
        seen.filter(|seen| at_ms <= seen.until_ms || is_last()).map_or(0, |seen| seen.account)
    }
}

/// Everything that was seen, by directory and then in order of time.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<Holding>> {
    let mut select = connection.prepare_cached(
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
    rows.collect()
}

/// It says another account than the look before, or that look was a while ago. That nobody is logged in where nobody ever
/// was is no news.
pub(super) fn holding_is_news(connection: &Connection, holding: &Holding) -> rusqlite::Result<bool> {
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

/// What is news of it: that the directory still holds the account that it held, now and then; else this, and how long
/// it held the one before. `now_ms`: it is seen now; none: it comes back.
pub(super) fn take_holding(
    connection: &Connection,
    holding: &Holding,
    now_ms: Option<i64>,
) -> rusqlite::Result<Vec<Holding>> {
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
        // Told again how long it was: what is told later counts, and it may be less.
        let is_told_again = now_ms.is_none() && seen.from_ms == holding.from_ms;
        let later_ms = holding.until_ms.saturating_sub(seen.until_ms);
        if is_told_again || later_ms >= if now_ms.is_some() { LOOKED_EVERY_MS } else { 0 } {
            let longer = Holding { from_ms: seen.from_ms, ..holding.clone() };
            set_until(connection, &longer, longer.until_ms)?;
            return Ok(vec![longer]);
        }
        return Ok(Vec::new());
    }
    if let (Some((seen, row)), Some(now_ms)) = (&mut before, now_ms)
        && seen.from_ms < holding.from_ms
    {
        // Until later than now it was seen only by a clock that was ahead: that must not hide what is seen now.
        if seen.until_ms > now_ms.saturating_add(LOOKED_EVERY_MS) {
            seen.until_ms = holding.from_ms - 1;
        }
        // Calls since the last look were said to be its: they stay so.
        let last_call_ms = last_call_ms(connection, *row, seen, holding.from_ms)?;
        seen.until_ms = seen.until_ms.max(last_call_ms.unwrap_or(i64::MIN));
        set_until(connection, seen, seen.until_ms)?;
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

fn set_until(connection: &Connection, seen: &Holding, until_ms: i64) -> rusqlite::Result<()> {
    let mut update = connection
        .prepare_cached("UPDATE held SET until_ms = ?3 WHERE dir = ?1 AND from_ms = ?2 AND until_ms <> ?3")?;
    update.execute(params![seen.dir, seen.from_ms, until_ms]).map(|_| ())
}

/// When the last call began, of those of a directory's transcripts that were said to be this account's, after it was
/// seen last and before another one was.
fn last_call_ms(
    connection: &Connection,
    account: i64,
    seen: &Holding,
    before_ms: i64,
) -> rusqlite::Result<Option<i64>> {
    // Between a path with a stroke and one with the character behind the stroke lie all paths below it.
    let (from, to) =
        (format!("{}/", seen.dir.trim_end_matches('/')), format!("{}0", seen.dir.trim_end_matches('/')));
    let mut select = connection.prepare_cached(
        "SELECT max(at_ms) FROM call JOIN transcript ON transcript.id = transcript_id
         WHERE at_ms > ?1 AND at_ms < ?2 AND account_id = ?3 AND path > ?4 AND path < ?5",
    )?;
    let below = (from.as_bytes(), to.as_bytes());
    select.query_row(params![seen.until_ms, before_ms, account, below.0, below.1], |row| row.get(0))
}
