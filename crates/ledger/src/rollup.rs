//! Sums of calls by quarter hour, day, session and month, kept in step with the calls: every change is new minus old.

use std::hash::{Hash, Hasher};

use cco_model::batch::KeyMap;
use cco_model::civil;
use cco_model::money::NanoUsd;
use cco_model::sums::Sums;
use cco_model::tokens::Tokens;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rusqlite::{Connection, Row, params};

use crate::stored::{Ids, StoredCall};

/// The numbers of a roll-up row, in the order of its columns from `calls` to `unpriced_tokens`.
pub(crate) type Numbers = [i64; 11];

/// What roll-ups are kept by; schema.sql says what each tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Quarter = 1,
    Day = 2,
    Session = 3,
    /// Sums of days, so that a year by model is a thousand rows and not a hundred thousand.
    ModelDay = 4,
    /// Sums of days, so that years of anything are a few rows each.
    Month = 5,
}

impl Kind {
    /// What it is called in the schema's words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Quarter => "quarter",
            Self::Day => "day",
            Self::Session => "session",
            Self::ModelDay => "model_day",
            Self::Month => "month",
        }
    }

    fn of(number: i64) -> Option<Self> {
        [Self::Quarter, Self::Day, Self::Session, Self::ModelDay, Self::Month]
            .into_iter()
            .find(|kind| *kind as i64 == number)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) kind: Kind,
    pub(crate) bucket: i64,
    pub(crate) project: i64,
    pub(crate) branch: i64,
    pub(crate) model: i64,
    pub(crate) attribution: i64,
    pub(crate) account: i64,
}

impl Key {
    /// The key in a row's first seven columns.
    pub(crate) fn of_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let kind = row.get(0)?;
        Ok(Self {
            kind: Kind::of(kind).ok_or(rusqlite::Error::IntegralValueOutOfRange(0, kind))?,
            bucket: row.get(1)?,
            project: row.get(2)?,
            branch: row.get(3)?,
            model: row.get(4)?,
            attribution: row.get(5)?,
            account: row.get(6)?,
        })
    }

    fn columns(&self) -> [i64; 7] {
        let Self { kind, bucket, project, branch, model, attribution, account } = *self;
        [kind as i64, bucket, project, branch, model, attribution, account]
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.columns().iter().for_each(|column| state.write_i64(*column));
    }
}

#[derive(Clone, Copy, Debug)]
struct Delta {
    numbers: Numbers,
    first_ms: i64,
    last_ms: i64,
    /// A call left: what is first and last now must be looked up.
    left: bool,
}

impl Delta {
    const NOTHING: Self = Self { numbers: [0; 11], first_ms: i64::MAX, last_ms: i64::MIN, left: false };

    fn add(&mut self, numbers: &Numbers, at_ms: i64) {
        self.merge(&Self { numbers: *numbers, first_ms: at_ms, last_ms: at_ms, left: false });
    }

    fn merge(&mut self, other: &Self) {
        for (sum, number) in self.numbers.iter_mut().zip(other.numbers) {
            *sum = sum.wrapping_add(number);
        }
        self.first_ms = self.first_ms.min(other.first_ms);
        self.last_ms = self.last_ms.max(other.last_ms);
        self.left |= other.left;
    }
}

/// What a first load has put off to its end, since it goes without indexes.
#[derive(Default)]
pub(crate) struct Load {
    /// Roll-up rows that a call left.
    pub(crate) left: Vec<Key>,
    /// Changes of calls that this connection made, as the sequence counts them.
    pub(crate) changes: u64,
    /// A call moved away from where the uses of its tools are counted.
    pub(crate) tools_moved: bool,
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

    /// Rows with changes that are not written.
    pub(crate) fn len(&self) -> usize {
        self.changes.len()
    }

    /// A call came in.
    pub(crate) fn add(&mut self, call: &StoredCall) {
        let numbers = numbers(call);
        for key in self.keys(&call.ids, call.at_ms) {
            self.delta(key).add(&numbers, call.at_ms);
        }
    }

    /// A call is another now.
    pub(crate) fn replace(&mut self, old: &StoredCall, new: &StoredCall) {
        let numbers = numbers(old);
        let (before, after) = (self.keys(&old.ids, old.at_ms), self.keys(&new.ids, new.at_ms));
        for (key, now) in before.into_iter().zip(after) {
            let delta = self.delta(key);
            for (sum, number) in delta.numbers.iter_mut().zip(numbers) {
                *sum = sum.wrapping_sub(number);
            }
            // It mostly stays where it was, with other counts.
            delta.left |= key != now || old.at_ms != new.at_ms;
        }
        self.add(new);
    }

    /// The roll-up rows that these changes alone would make: sums, first and last time.
    pub(crate) fn into_rows(mut self) -> KeyMap<Key, (Sums, i64, i64)> {
        self.add_sums_of_days();
        let rows = self.changes.into_iter();
        rows.map(|(key, delta)| (key, (sums(&delta.numbers), delta.first_ms, delta.last_ms))).collect()
    }

    fn delta(&mut self, key: Key) -> &mut Delta {
        self.changes.entry(key).or_insert(Delta::NOTHING)
    }

    /// Changes of days are changes of what days are summed up in.
    fn add_sums_of_days(&mut self) {
        let days = self.changes.iter().filter(|(key, _)| key.kind == Kind::Day);
        let mut sums: KeyMap<Key, Delta> = KeyMap::default();
        for (key, delta) in days {
            let model_day = Key { kind: Kind::ModelDay, project: 0, branch: 0, attribution: 0, ..*key };
            let month = Key { kind: Kind::Month, bucket: month_number(day_of_number(key.bucket)), ..*key };
            for key in [model_day, month] {
                sums.entry(key).or_insert(Delta::NOTHING).merge(delta);
            }
        }
        self.changes.extend(sums);
    }

    /// The number of the day that a time lies on.
    pub(crate) fn day_of(&mut self, at_ms: i64) -> i64 {
        let quarter = civil::quarter_of(at_ms);
        if self.day.0 != quarter {
            self.day = (quarter, day_number(civil::day_of(quarter * civil::QUARTER_MS, &self.zone)));
        }
        self.day.1
    }

    fn keys(&mut self, ids: &Ids, at_ms: i64) -> [Key; 3] {
        let (quarter, day) = (civil::quarter_of(at_ms), self.day_of(at_ms));
        let Ids { project, branch, model, attribution, account, session, .. } = *ids;
        let time = |kind, bucket| Key { kind, bucket, project, branch, model, attribution, account };
        let session =
            Key { kind: Kind::Session, bucket: session, project, branch, model, attribution: 0, account };
        [time(Kind::Quarter, quarter), time(Kind::Day, day), session]
    }

    /// Writes all changes; a row without calls is no row. Returns the rows that a call left and that are still there:
    /// what is first and last in them now must be looked up.
    pub(crate) fn flush(&mut self, connection: &Connection) -> rusqlite::Result<Vec<Key>> {
        self.add_sums_of_days();
        let mut changes: Vec<(Key, Delta)> = std::mem::take(&mut self.changes).into_iter().collect();
        // In the order of the table's key the rows go to the end of a fresh table.
        changes.sort_unstable_by_key(|(key, _)| *key);
        let mut upsert = connection.prepare_cached(UPSERT)?;
        for (key, delta) in &changes {
            let numbers = key.columns().into_iter().chain(delta.numbers);
            for (column, number) in (1..).zip(numbers.chain([delta.first_ms, delta.last_ms])) {
                upsert.raw_bind_parameter(column, number)?;
            }
            upsert.raw_execute()?;
        }
        let mut delete_empty = connection.prepare_cached(DELETE_EMPTY)?;
        let mut left = Vec::new();
        for (key, _) in changes.iter().filter(|(_, delta)| delta.left) {
            if delete_empty.execute(key.columns())? == 0 {
                left.push(*key);
            }
        }
        Ok(left)
    }
}

/// Sets what is first and last in these rows to what the calls say.
pub(crate) fn look_up_ends(
    connection: &Connection,
    zone: &TimeZone,
    keys: &mut [Key],
) -> rusqlite::Result<()> {
    // Days ask their quarter hours, months their days: those come first.
    keys.sort_unstable();
    for key in keys {
        let (sql, from, to) = match key.kind {
            Kind::Quarter => {
                (QUARTER_ENDS, key.bucket * civil::QUARTER_MS, (key.bucket + 1) * civil::QUARTER_MS - 1)
            }
            Kind::Day => {
                let day = day_of_number(key.bucket);
                let range = civil::day_range_ms(Some(day), Some(day), zone);
                // The quarter hours that start on this day.
                let first = civil::quarter_of(range.start.saturating_add(civil::QUARTER_MS - 1));
                (DAY_ENDS, first, civil::quarter_of(range.end.saturating_sub(1)))
            }
            Kind::Session => (SESSION_ENDS, key.bucket, key.bucket),
            Kind::ModelDay => (MODEL_DAY_ENDS, key.bucket, key.bucket),
            Kind::Month => {
                let first = month_of_number(key.bucket);
                (MONTH_ENDS, day_number(first), day_number(first.last_of_month()))
            }
        };
        let Key { kind, bucket, project, branch, model, attribution, account } = *key;
        connection.prepare_cached(sql)?.execute(params![
            kind as i64,
            bucket,
            project,
            branch,
            model,
            attribution,
            account,
            from,
            to
        ])?;
    }
    Ok(())
}

/// Every row of every roll-up.
pub(crate) fn all_keys(connection: &Connection) -> rusqlite::Result<Vec<Key>> {
    let mut select = connection.prepare_cached(
        "SELECT kind, bucket, project_id, branch_id, model_id, attribution_id, account_id FROM rollup",
    )?;
    select.query_map([], Key::of_row)?.collect()
}

/// Days since 1970-01-01.
pub(crate) fn day_number(day: Date) -> i64 {
    day.duration_since(jiff::civil::date(1970, 1, 1)).as_hours() / 24
}

/// The day that is so many days after 1970-01-01.
pub(crate) fn day_of_number(number: i64) -> Date {
    jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(number.clamp(-4_371_587, 2_932_896)))
}

/// Months since 1970-01.
pub(crate) fn month_number(day: Date) -> i64 {
    (i64::from(day.year()) - 1970) * 12 + i64::from(day.month()) - 1
}

/// The first day of the month that is so many months after 1970-01.
pub(crate) fn month_of_number(number: i64) -> Date {
    let year = i16::try_from(1970 + number.div_euclid(12)).unwrap_or(9999).clamp(-9999, 9999);
    let month = i8::try_from(number.rem_euclid(12) + 1).unwrap_or(1);
    jiff::civil::date(year, month, 1)
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

const UPSERT: &str = "
    INSERT INTO rollup VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)
    ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, input = input + excluded.input,
        output = output + excluded.output, cache_write_5m = cache_write_5m + excluded.cache_write_5m,
        cache_write_1h = cache_write_1h + excluded.cache_write_1h, cache_read = cache_read + excluded.cache_read,
        web_search = web_search + excluded.web_search, cost_nanos = cost_nanos + excluded.cost_nanos,
        savings_nanos = savings_nanos + excluded.savings_nanos,
        unpriced_calls = unpriced_calls + excluded.unpriced_calls,
        unpriced_tokens = unpriced_tokens + excluded.unpriced_tokens,
        first_ms = min(first_ms, excluded.first_ms), last_ms = max(last_ms, excluded.last_ms)";

macro_rules! this_row {
    () => {
        " WHERE kind = ?1 AND bucket = ?2 AND project_id = ?3 AND branch_id = ?4 AND model_id = ?5
             AND attribution_id = ?6 AND account_id = ?7"
    };
}

const DELETE_EMPTY: &str = concat!("DELETE FROM rollup", this_row!(), " AND calls = 0");

macro_rules! ends {
    (calls $of:literal) => {
        concat!(
            "UPDATE rollup SET (first_ms, last_ms) = (SELECT min(at_ms), max(at_ms) FROM call
                 WHERE project_id = ?3 AND model_id = ?5 AND ",
            $of,
            ")",
            this_row!()
        )
    };
    (kind $kind:literal $of:literal) => {
        concat!(
            "UPDATE rollup SET (first_ms, last_ms) = (SELECT min(first_ms), max(last_ms) FROM rollup
                 WHERE kind = ",
            $kind,
            " AND bucket BETWEEN ?8 AND ?9 AND model_id = ?5 AND account_id = ?7",
            $of,
            ")",
            this_row!()
        )
    };
}

const QUARTER_ENDS: &str =
    ends!(calls "at_ms BETWEEN ?8 AND ?9 AND branch_id = ?4 AND attribution_id = ?6 AND account_id = ?7");
const SESSION_ENDS: &str = ends!(calls "session_id BETWEEN ?8 AND ?9 AND branch_id = ?4 AND account_id = ?7");
const DAY_ENDS: &str = ends!(kind 1 " AND project_id = ?3 AND branch_id = ?4 AND attribution_id = ?6");
const MODEL_DAY_ENDS: &str = ends!(kind 2 "");
const MONTH_ENDS: &str = ends!(kind 2 " AND project_id = ?3 AND branch_id = ?4 AND attribution_id = ?6");
