//! How long a refusal asks us to wait. Must not: decide how long we do; the most is the model's.

use cco_model::limit::backoff::RetryAfter;
use jiff::fmt::rfc2822::DateTimeParser;

/// Reads `Retry-After`: seconds, or a date, which is compared with the answer's own date where it has one.
/// None: no advice; so are 0, the past, and what cannot be read.
pub(super) fn retry_after(text: &str, date: Option<&str>, now_ms: i64) -> Option<RetryAfter> {
    let text = text.trim();
    let wait_ms = match text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        true => text.parse::<i64>().unwrap_or(i64::MAX).saturating_mul(1_000),
        false => {
            let sent_ms = date.and_then(http_date_ms).unwrap_or(now_ms);
            http_date_ms(text)?.saturating_sub(sent_ms)
        }
    };
    RetryAfter::of_ms(wait_ms)
}

fn http_date_ms(text: &str) -> Option<i64> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    PARSER.parse_timestamp(text.trim()).ok().map(jiff::Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sun, 08 Feb 2026 13:18:00 GMT
    const NOW_MS: i64 = 1_770_556_680_000;

    #[test]
    fn advice_is_seconds_or_a_date_and_six_hours_at_most() {
        let date = Some("Sun, 08 Feb 2026 12:18:00 GMT");
        for (text, date, seconds) in [
            ("1", None, Some(1)),
            (" 3000 ", None, Some(3_000)),
            ("21600", None, Some(21_600)),
            ("21601", None, Some(21_600)),
            ("31536000", None, Some(21_600)),
            ("99999999999999999999999", None, Some(21_600)),
            ("Sun, 08 Feb 2026 13:28:00 GMT", None, Some(600)),
            ("Sun, 08 Feb 2026 12:28:00 GMT", date, Some(600)),
            ("Sun, 08 Feb 2026 13:28:00 GMT", Some("yesterday"), Some(600)),
            ("Mon, 08 Feb 2027 13:18:00 GMT", None, Some(21_600)),
            ("0", None, None),
            ("-5", None, None),
            ("+5", None, None),
            ("1.5", None, None),
            ("", None, None),
            ("soon", None, None),
            ("Sun, 08 Feb 2026 13:18:00 GMT", None, None),
            ("Sun, 08 Feb 2026 13:17:00 GMT", None, None),
            ("Sun, 08 Feb 2026 12:17:00 GMT", date, None),
            ("Thu, 01 Jan 1970 00:00:00 GMT", None, None),
        ] {
            let wait = retry_after(text, date, NOW_MS);
            assert_eq!(wait.map(RetryAfter::ms), seconds.map(|s: i64| s * 1_000), "{text:?} {date:?}");
        }
    }
}
