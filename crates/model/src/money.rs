//! Money as integers: nano-dollars for what was spent, pico-dollars per token for what a token costs.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};

/// An amount of US dollars in billionths; sums of it are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NanoUsd(pub i64);

impl NanoUsd {
    /// The amount as a decimal number of dollars with as many places as it needs, nine at most: `0.000255`, `12`.
    pub fn decimal(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (dollars, nanos) = (self.0.unsigned_abs() / 1_000_000_000, self.0.unsigned_abs() % 1_000_000_000);
        if nanos == 0 {
            return format!("{sign}{dollars}");
        }
        let places = format!("{nanos:09}");
        format!("{sign}{dollars}.{}", places.trim_end_matches('0'))
    }

    /// Reads a decimal number of dollars as JSON writes it (`1.5e-05` too), rounded half to even; none when it is
    /// no number or does not fit.
    pub fn from_decimal(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, places) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{places}").parse::<i128>().ok()?;
        let exponent =
            exponent.parse::<i32>().ok()?.checked_sub(i32::try_from(places.len()).ok()?)?.checked_add(9)?;
        let power = 10_i128.checked_pow(exponent.unsigned_abs().min(38));
        let nanos = match (exponent >= 0, power) {
            (true, Some(power)) => digits.checked_mul(power)?,
            (false, Some(power)) => round_half_even(digits, power),
            (true, None) => (digits == 0).then_some(0)?,
            (false, None) => 0,
        };
        i64::try_from(nanos).ok().map(Self)
    }

    /// The amount in dollars and whole cents, rounded half to even: `12.35`.
    pub fn cents(self) -> String {
        let cents = round_half_even(i128::from(self.0), 10_000_000);
        let sign = if cents < 0 { "-" } else { "" };
        format!("{sign}{}.{:02}", cents.unsigned_abs() / 100, cents.unsigned_abs() % 100)
    }
}

impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.decimal())
    }
}

impl Add for NanoUsd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for NanoUsd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for NanoUsd {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for NanoUsd {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Sum for NanoUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

/// `value / unit` to the nearest integer, a tie to the even one. `unit` is positive.
pub fn round_half_even(value: i128, unit: i128) -> i128 {
    let (whole, rest) = (value.div_euclid(unit), value.rem_euclid(unit));
    let up = rest * 2 > unit || (rest * 2 == unit && whole % 2 != 0);
    whole + i128::from(up)
}
