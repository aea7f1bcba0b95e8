//! Numbers and times as others write them, from their text. Must not: go through a float, which has no 0.1.

use jiff::Timestamp;

/// The fullest that a window is said to be: more is no information.
const MAX_TENTHS: i64 = 99_999;
/// Digits behind the point that count.
const FRACTION: i32 = 6;
/// Half a thousandth of a percent: 28.9999999 is 29, 99.96 is not 100.
const SLACK: i64 = 500;
/// Seconds of the year 5138, milliseconds of 1973.
const SECONDS_END: i64 = 100_000_000_000;

/// A percentage in tenths, rounded down, from the text of a JSON number; none: not a number. Too large and negative are cut off.
pub fn tenths(text: &str) -> Option<i32> {
    let millionths = millionths(text)?;
    let tenths = millionths.saturating_add(SLACK).div_euclid(100_000);
    i32::try_from(tenths.clamp(0, MAX_TENTHS)).ok()
}

/// A whole number, rounded toward zero; none: not a number, or one of more than twelve digits or so.
pub fn whole(text: &str) -> Option<i64> {
    let millionths = millionths(text).filter(|value| value.unsigned_abs() < i64::MAX.unsigned_abs())?;
    Some(millionths / 1_000_000)
}

/// UTC milliseconds, from a count of seconds or milliseconds since 1970.
pub fn time_ms(text: &str) -> Option<i64> {
    let millionths = millionths(text).filter(|value| (1..i64::MAX).contains(value))?;
    let time = if millionths / 1_000_000 < SECONDS_END { millionths / 1_000 } else { millionths / 1_000_000 };
    Timestamp::from_millisecond(time).ok().map(Timestamp::as_millisecond)
}

/// A number in millionths, cut off behind them; saturates. None: not a JSON number.
pub fn millionths(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent_of(exponent)?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = || whole.bytes().chain(fraction.bytes());
    if whole.is_empty() || !all().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let point = i64::try_from(whole.len()).ok()? + i64::from(exponent) + i64::from(FRACTION);
    let mut value: i64 = 0;
    let mut digits = all();
    for _ in 0..point.clamp(0, 400) {
        let digit = i64::from(digits.next().unwrap_or(b'0') - b'0');
        value = value.saturating_mul(10).saturating_add(digit);
    }
    Some(if negative { -value } else { value })
}

fn exponent_of(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse::<i32>().unwrap_or(10_000).min(10_000);
    Some(if text.starts_with('-') { -size } else { size })
}
