//! Sums of calls by quarter hour, day and session, kept in step with the calls: every change is new minus old.

use cco_model::batch::KeyMap;
use cco_model::civil;
use cco_model::money::NanoUsd;
use cco_model::sums::Sums;
use cco_model::tokens::Tokens;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rusqlite::{Connection, params};

use crate::stored::{Ids, StoredCall};

/// The numbers of a roll-up row, in the order of its columns from `calls` to `unpriced_tokens`.
pub(crate) type Numbers = [i64; 11];

/// What roll-ups are kept by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Quarter,
    Day,
    Session,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) kind: Kind,
    pub(crate) bucket: i64,
    pub(crate) project: i64,
    pub(crate) branch: i64,
    pub(crate) model: i64,
    pub(crate) attribution: i64,
    pub(crate) account: i64,
}

#[derive(Clone, Copy, Debug)]
struct Delta {
    numbers: Numbers,
    first_ms: i64,
    last_ms: i64,
    /// A call left: what is first and last now must be looked up.
    left: bool,
}

/// What a first load has put off to its end, since it goes without indexes.
#[derive(Default)]
pub(crate) struct Load {
    /// Roll-up rows that a call left.
    pub(crate) left: Vec<Key>,
    /// Calls that this connection put in.
    pub(crate) calls_new: u64,
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

    /// The roll-up rows that these changes alone would make: sums, first and last time.
    pub(crate) fn into_rows(self) -> KeyMap<Key, (Sums, i64, i64)> {
        let rows = self.changes.into_iter();
        rows.map(|(key, delta)| (key, (sums(&delta.numbers), delta.first_ms, delta.last_ms))).collect()
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

    /// Writes all changes; a row without calls is no row. Returns the rows that a call left and that are still there:
    /// what is first and last in them now must be looked up.
    pub(crate) fn flush(&mut self, connection: &Connection) -> rusqlite::Result<Vec<Key>> {
        let mut changes: Vec<(Key, Delta)> = self.changes.drain().collect();
        // In the order of the tables' keys the rows go to the end of a fresh table.
        changes.sort_unstable_by_key(|(key, _)| *key);
        for (key, delta) in &changes {
            write(connection, key, delta)?;
        }
        let mut left = Vec::new();
        for (key, _) in changes.iter().filter(|(_, delta)| delta.left) {
            let Key { bucket, project, branch, model, attribution, account, .. } = *key;
            let row = params![bucket, project, branch, model, attribution, account];
            if connection.prepare_cached(key.kind.sql().delete_empty)?.execute(row)? == 0 {
                left.push(*key);
            }
        }
        Ok(left)
    }
}

/// Sets what is first and last in a row to what the calls say.
pub(crate) fn look_up_ends(connection: &Connection, zone: &TimeZone, key: &Key) -> rusqlite::Result<()> {
    let Key { bucket, project, branch, model, attribution, account, .. } = *key;
    let (from, to) = match key.kind {
        Kind::Quarter => (bucket * civil::QUARTER_MS, (bucket + 1) * civil::QUARTER_MS),
        Kind::Day => {
            let (day, next) = (day_of_number(bucket), day_of_number(bucket + 1));
            (civil::day_start_ms(day, zone), civil::day_start_ms(next, zone))
        }
        Kind::Session => (i64::MIN, i64::MAX),
    };
    let ends = params![bucket, project, branch, model, attribution, account, from, to];
    connection.prepare_cached(key.kind.sql().set_ends)?.execute(ends)?;
    Ok(())
}

/// Every row of every roll-up.
pub(crate) fn all_keys(connection: &Connection) -> rusqlite::Result<Vec<Key>> {
    let mut keys = Vec::new();
    for kind in [Kind::Quarter, Kind::Day, Kind::Session] {
        let mut select = connection.prepare_cached(kind.sql().keys)?;
        let rows = select.query_map([], |row| {
            Ok(Key {
                kind,
                bucket: row.get(0)?,
                project: row.get(1)?,
                branch: row.get(2)?,
                model: row.get(3)?,
                attribution: row.get(4)?,
                account: row.get(5)?,
            })
        })?;
        for key in rows {
            keys.push(key?);
        }
    }
    Ok(keys)
}

impl Kind {
    fn sql(self) -> Sql {
        match self {
            Self::Quarter => QUARTER,
            Self::Day => DAY,
            Self::Session => SESSION,
        }
    }
}

/// Days since 1970-01-01.
pub(crate) fn day_number(day: Date) -> i64 {
    day.duration_since(jiff::civil::date(1970, 1, 1)).as_hours() / 24
}

/// The day that is so many days after 1970-01-01.
pub(crate) fn day_of_number(number: i64) -> Date {
    jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(number.clamp(-4_371_587, 2_932_896)))
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

fn sums(n: &Numbers) -> Sums {
    let count = |at: usize| n[at].cast_unsigned();
    Sums {
        calls: count(0),
        tokens: Tokens {
            input: count(1),
            output: count(2),
            cache_write_5m: count(3),
            cache_write_1h: count(4),
            cache_read: count(5),
        },
        web_search: count(6),
        cost: NanoUsd(n[7]),
        savings: NanoUsd(n[8]),
        unpriced_calls: count(9),
        unpriced_tokens: count(10),
    }
}

fn write(connection: &Connection, key: &Key, delta: &Delta) -> rusqlite::Result<()> {
    let sql = key.kind.sql();
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
    keys: &'static str,
    upsert: &'static str,
    delete_empty: &'static str,
    set_ends: &'static str,
}

macro_rules! sql {
    ($table:literal, $calls:literal) => {
        Sql {
            keys: concat!(
                "SELECT bucket, project_id, branch_id, model_id, attribution_id, account_id FROM ", $table
            ),
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
