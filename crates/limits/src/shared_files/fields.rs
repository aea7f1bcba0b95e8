//! Single values of these files, read with suspicion and written as those tools write them.

use cco_model::limit::{Percent, Window};
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// Times before 2020 and after 2100 are none.
const TIMES_MS: std::ops::Range<i64> = 1_577_836_800_000..4_102_444_800_000;
/// How far clocks of two programs on one machine may be apart.
const SKEW_MS: i64 = 60_000;

/// A text that says something.
pub(super) fn text(from: &Map<String, Value>, name: &str) -> Option<String> {
    from.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

pub(super) fn number(from: &Map<String, Value>, name: &str) -> Option<f64> {
    from.get(name)?.as_f64().filter(|number| number.is_finite())
}

/// A time in milliseconds that is neither absurd nor in the future.
pub(super) fn past_ms(from: &Map<String, Value>, name: &str, now_ms: i64) -> Option<i64> {
    let at = whole(number(from, name)?)?;
    (TIMES_MS.contains(&at) && at <= now_ms.saturating_add(SKEW_MS)).then_some(at)
}

/// A time as ISO 8601, with its distance to UTC.
pub(super) fn iso_ms(from: &Map<String, Value>, name: &str) -> Option<i64> {
    let at = from.get(name)?.as_str()?.parse::<Timestamp>().ok()?.as_millisecond();
    TIMES_MS.contains(&at).then_some(at)
}

/// A percentage as these files have it; not told or unknown: an inner none.
pub(super) fn percent(
    from: &Map<String, Value>,
    name: &str,
    window: &Window,
) -> Result<Option<Percent>, String> {
    match from.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64() {
            Some(number) if (0.0..=100.0).contains(&number) => Ok(Some(percent_of(number, window))),
            _ => Err(format!("{name} is no percentage")),
        },
    }
}

/// Tenths are rounded down like everything that is shown; the addend makes up for tenths that binary cannot hold.
pub(super) fn percent_of(number: f64, window: &Window) -> Percent {
    Percent::of_tenths(window, (number * 10.0 + 1e-6).floor() as i32)
}

/// The number without its places, where it fits.
pub(super) fn whole(number: f64) -> Option<i64> {
    (number.abs() < 9e15).then_some(number as i64)
}

/// A number with one place at most, written as short as JSON allows: `64`, `64.5`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal {
    /// The number's tenths.
    pub tenths: i64,
}

impl Decimal {
    /// A whole number.
    pub fn whole(number: i64) -> Self {
        Self { tenths: number.saturating_mul(10) }
    }
}

impl From<Percent> for Decimal {
    fn from(percent: Percent) -> Self {
        Self { tenths: percent.tenths().into() }
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.tenths % 10 == 0 {
            return serializer.serialize_i64(self.tenths / 10);
        }
        serializer.serialize_f64(self.tenths as f64 / 10.0)
    }
}
