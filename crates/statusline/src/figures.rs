//! Money, tokens and times as short as they can be told.

use cco_model::limit::shown::short_count;

const CENT: i64 = 10_000_000;
const HOUR_MS: i64 = 3_600_000;

/// Nano-dollars rounded half up: `$2.50` below ten, `$12.4` or `$12` below a hundred, `$246` above.
pub(crate) fn money(nanos: i64) -> String {
    let rounded = |unit: i64| nanos.saturating_add(unit / 2) / unit;
    let (cents, tenths) = (rounded(CENT), rounded(10 * CENT));
    match (cents, tenths) {
        (..1_000, _) => format!("${}.{:02}", cents / 100, cents % 100),
        (_, ..1_000) if tenths % 10 != 0 => format!("${}.{}", tenths / 10, tenths % 10),
        (_, ..1_000) => format!("${}", tenths / 10),
        _ => format!("${}", rounded(100 * CENT)),
    }
}

/// Nano-dollars below one cent are nothing to show.
pub(crate) fn is_a_cent(nanos: i64) -> bool {
    nanos >= CENT
}

/// What so many nano-dollars in so many milliseconds are in an hour; none below a minute, where it would mean nothing.
pub(crate) fn per_hour(nanos: i64, duration_ms: i64) -> Option<i64> {
    (duration_ms >= 60_000).then(|| {
        let per_hour = i128::from(nanos) * i128::from(HOUR_MS) / i128::from(duration_ms);
        i64::try_from(per_hour).unwrap_or(i64::MAX)
    })
}

/// `999`, `1k`, `1.5M`, rounded down.
pub(crate) fn tokens(count: u64) -> String {
    short_count(count)
}

/// The same rounded half up, as a speed is: 1,960 are not `1k`.
pub(crate) fn speed(count: u64) -> String {
    let step = match count {
        ..1_000 => 1,
        1_000..999_500 => 1_000,
        _ => 100_000,
    };
    short_count(count.saturating_add(step / 2) / step * step)
}

/// `10m`, `1h5m`, `3h`, rounded down.
pub(crate) fn duration(ms: u64) -> String {
    let minutes = ms / 60_000;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes}m"),
        (hours, 0) => format!("{hours}h"),
        (hours, minutes) => format!("{hours}h{minutes}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_as_many_decimals_as_it_needs() {
        let shown = [
            (0, "$0.00"),
            (23_400_000, "$0.02"),
            (2_500_000_000, "$2.50"),
            (9_994_999_999, "$9.99"),
            (9_995_000_000, "$10"),
            (12_400_000_000, "$12.4"),
            (12_000_000_000, "$12"),
            (99_940_000_000, "$99.9"),
            (99_950_000_000, "$100"),
            (246_400_000_000, "$246"),
            (i64::MAX, "$9223372036"),
        ];
        for (nanos, text) in shown {
            assert_eq!(money(nanos), text, "{nanos}");
        }
    }

    #[test]
    fn a_speed_is_rounded_and_never_a_thousand_of_a_unit() {
        let shown = [999, 1_000, 1_499, 1_500, 1_960, 999_499, 999_500, 1_049_999, 1_050_000].map(speed);
        assert_eq!(shown, ["999", "1k", "1k", "2k", "2k", "999k", "1M", "1M", "1.1M"]);
        assert_eq!(speed(u64::MAX), tokens(u64::MAX));
    }

    #[test]
    fn a_rate_needs_a_minute() {
        assert_eq!(per_hour(1_000_000_000, 59_999), None);
        assert_eq!(per_hour(1_000_000_000, 60_000), Some(60_000_000_000));
        assert_eq!(per_hour(i64::MAX, 60_000), Some(i64::MAX));
        assert_eq!(per_hour(1, -5), None);
    }

    #[test]
    fn times_are_rounded_down_and_not_padded() {
        let shown = [0, 59_999, 600_000, 3_600_000, 3_900_000].map(duration);
        assert_eq!(shown, ["0m", "0m", "10m", "1h", "1h5m"]);
    }
}
