//! Sums of calls by quarter hour, day and session, kept in step with the calls: every change is new minus old.

use cco_model::batch::KeyMap;
use cco_model::civil;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rusqlite::{Connection, params};

use crate::stored::{Ids, StoredCall};

/// The numbers of a roll-up row, in the order of its columns from `calls` to `unpriced_tokens`.
pub(crate) type Numbers = [i64; 11];

/// What roll-ups are kept by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Kind {
    Quarter,
    Day,
    Session,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    kind: Kind,
    bucket: i64,
    project: i64,
    branch: i64,
    model: i64,
    attribution: i64,
    account: i64,
}

#[derive(Clone, Copy, Debug)]
struct Delta {
    numbers: Numbers,
    first_ms: i64,
    last_ms: i64,
    /// A call left: what is first and last now must be looked up.
    left: bool,
}

/// Changes of roll-ups that are not written yet.
pub(crate) struct Deltas {
    zone: TimeZone,
    changes: KeyMap<Key, Delta>,
    /// The day of the quarter hour asked for last; calls come in order of time.
    day: (i64, i64),
}

impl Deltas {
    pub(crate) fn new(zone: TimeZone) -> Self {
        Self { zone, changes: KeyMap::default(), day: (i64::MIN, 0) }
    }

    /// A call came in.
    pub(crate) fn add(&mut self, call: &StoredCall) {
        let numbers = numbers(call);
        for key in self.keys(&call.ids, call.at_ms) {
            let delta = self.delta(key);
            for (sum, number) in delta.numbers.iter_mut().zip(numbers) {
                *sum = sum.wrapping_add(number);
            }
            delta.first_ms = delta.first_ms.min(call.at_ms);
            delta.last_ms = delta.last_ms.max(call.at_ms);
        }
    }

    /// A call left, or is about to come in anew.
    pub(crate) fn remove(&mut self, call: &StoredCall) {
        let numbers = numbers(call);
        for key in self.keys(&call.ids, call.at_ms) {
            let delta = self.delta(key);
            for (sum, number) in delta.numbers.iter_mut().zip(numbers) {
                *sum = sum.wrapping_sub(number);
            }
            delta.left = true;
        }
    }

    fn delta(&mut self, key: Key) -> &mut Delta {
        let nothing = Delta { numbers: [0; 11], first_ms: i64::MAX, last_ms: i64::MIN, left: false };
        self.changes.entry(key).or_insert(nothing)
    }

    fn keys(&mut self, ids: &Ids, at_ms: i64) -> [Key; 3] {
        let quarter = civil::quarter_of(at_ms);
        if self.day.0 != quarter {
            self.day = (quarter, day_number(civil::day_of(quarter * civil::QUARTER_MS, &self.zone)));
        }
        let Ids { project, branch, model, attribution, account, session, .. } = *ids;
        let time = |kind, bucket| Key { kind, bucket, project, branch, model, attribution, account };
        let session = Key {
            kind: Kind::Session,
            bucket: session,
            project,
            branch: 0,
            model,
            attribution: 0,
            account: 0,
        };
        [time(Kind::Quarter, quarter), time(Kind::Day, self.day.1), session]
    }

    /// Writes all changes.
    pub(crate) fn flush(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut changes: Vec<(Key, Delta)> = self.changes.drain().collect();
        // In the order of the tables' keys the rows go to the end of a fresh table.
        changes.sort_unstable_by_key(|(key, _)| *key);
        for (key, delta) in &changes {
            write(connection, key, delta)?;
        }
        for (key, _) in changes.iter().filter(|(_, delta)| delta.left) {
            self.look_up_ends(connection, key)?;
        }
        Ok(())
    }

    /// After a call left a row: no calls, no row; else its first and last are what the calls say.
    fn look_up_ends(&self, connection: &Connection, key: &Key) -> rusqlite::Result<()> {
        let Key { bucket, project, branch, model, attribution, account, .. } = *key;
        let sql = match key.kind {
            Kind::Quarter => QUARTER,
            Kind::Day => DAY,
            Kind::Session => SESSION,
        };
        let row = params![bucket, project, branch, model, attribution, account];
        if connection.prepare_cached(sql.delete_empty)?.execute(row)? == 1 {
            return Ok(());
        }
        let (from, to) = match key.kind {
            Kind::Quarter => (bucket * civil::QUARTER_MS, (bucket + 1) * civil::QUARTER_MS),
            Kind::Day => {
                let (day, next) = (day_of_number(bucket), day_of_number(bucket + 1));
                (civil::day_start_ms(day, &self.zone), civil::day_start_ms(next, &self.zone))
            }
            Kind::Session => (i64::MIN, i64::MAX),
        };
        connection.prepare_cached(sql.set_ends)?.execute(params![
            bucket,
            project,
            branch,
            model,
            attribution,
            account,
            from,
            to
        ])?;
        Ok(())
    }
}

/// Days since 1970-01-01.
pub(crate) fn day_number(day: Date) -> i64 {
    day.duration_since(jiff::civil::date(1970, 1, 1)).as_hours() / 24
}

/// The day that is so many days after 1970-01-01.
pub(crate) fn day_of_number(number: i64) -> Date {
    jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(number.clamp(-719_000, 2_932_000)))
}

fn numbers(call: &StoredCall) -> Numbers {
    let tokens = call.usage.tokens;
    let (cost_nanos, savings_nanos) =
        call.price.map_or((0, 0), |price| (price.cost_nanos, price.savings_nanos));
    [
        1,
        tokens.input.cast_signed(),
        tokens.output.cast_signed(),
        tokens.cache_write_5m.cast_signed(),
        tokens.cache_write_1h.cast_signed(),
        tokens.cache_read.cast_signed(),
        call.usage.web_search.cast_signed(),
        cost_nanos,
        savings_nanos,
        i64::from(call.price.is_none()),
        if call.price.is_none() { tokens.total().cast_signed() } else { 0 },
    ]
}

fn write(connection: &Connection, key: &Key, delta: &Delta) -> rusqlite::Result<()> {
    let sql = match key.kind {
        Kind::Quarter => QUARTER,
        Kind::Day => DAY,
        Kind::Session => SESSION,
    };
    let n = &delta.numbers;
    connection.prepare_cached(sql.upsert)?.execute(params![
        key.bucket,
        key.project,
        key.branch,
        key.model,
        key.attribution,
        key.account,
        n[0],
        n[1],
        n[2],
        n[3],
        n[4],
        n[5],
        n[6],
        n[7],
        n[8],
        n[9],
        n[10],
        delta.first_ms,
        delta.last_ms,
    ])?;
    Ok(())
}

struct Sql {
    upsert: &'static str,
    delete_empty: &'static str,
    set_ends: &'static str,
}

macro_rules! sql {
    ($table:literal, $calls:literal) => {
        Sql {
            upsert: concat!(
                "INSERT INTO ", $table, " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,
                     ?16, ?17, ?18, ?19)
                 ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, input = input + excluded.input,
                     output = output + excluded.output, cache_write_5m = cache_write_5m + excluded.cache_write_5m,
                     cache_write_1h = cache_write_1h + excluded.cache_write_1h,
                     cache_read = cache_read + excluded.cache_read, web_search = web_search + excluded.web_search,
                     cost_nanos = cost_nanos + excluded.cost_nanos,
                     savings_nanos = savings_nanos + excluded.savings_nanos,
                     unpriced_calls = unpriced_calls + excluded.unpriced_calls,
                     unpriced_tokens = unpriced_tokens + excluded.unpriced_tokens,
                     first_ms = min(first_ms, excluded.first_ms), last_ms = max(last_ms, excluded.last_ms)"
            ),
            delete_empty: concat!(
                "DELETE FROM ", $table, " WHERE bucket = ?1 AND project_id = ?2 AND branch_id = ?3 AND model_id = ?4
                     AND attribution_id = ?5 AND account_id = ?6 AND calls = 0"
            ),
            set_ends: concat!(
                "UPDATE ", $table, " SET (first_ms, last_ms) = (SELECT min(at_ms), max(at_ms) FROM call WHERE ", $calls,
                ") WHERE bucket = ?1 AND project_id = ?2 AND branch_id = ?3 AND model_id = ?4 AND attribution_id = ?5
                     AND account_id = ?6"
            ),
        }
    };
}

const QUARTER: Sql = sql!(
    "rollup_quarter",
    "at_ms >= ?7 AND at_ms < ?8 AND project_id = ?2 AND branch_id = ?3 AND model_id = ?4 AND attribution_id = ?5
         AND account_id = ?6"
);
const DAY: Sql = sql!(
    "rollup_day",
    "at_ms >= ?7 AND at_ms < ?8 AND project_id = ?2 AND branch_id = ?3 AND model_id = ?4 AND attribution_id = ?5
         AND account_id = ?6"
);
const SESSION: Sql = sql!(
    "rollup_session",
    "at_ms >= ?7 AND at_ms < ?8 AND session_id = ?1 AND project_id = ?2 AND model_id = ?4"
);
