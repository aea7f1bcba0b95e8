//! What a request asks for, in types: a wrong word is refused with its parameter's name and the word that was meant.
//!
//! Must not: know what the parameters of any route are.

use axum::extract::Query;
use axum::http::{StatusCode, Uri};
use cco_model::civil;
use cco_wire::names::nearest;
use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;

use super::problem::Problem;

/// No name is longer, in bytes.
const MOST_BYTES: usize = 4_096;

/// The parameters of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    path: String,
    pairs: Vec<(String, String)>,
}

/// In UTC, instants end on this day.
const LAST_DAY: Date = date(9999, 12, 30);

/// Parameters that may be given more than once: all of these are meant.
const SEVERAL: [&str; 4] = ["project", "model", "account", "branch"];

impl Asked {
    /// The parameters of a route that knows these.
    pub(super) fn new(uri: &Uri, known: &[&str]) -> Result<Self, Problem> {
        let Query(mut pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .ok()
            .filter(|_| is_utf8(uri.query().unwrap_or_default()))
            .ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "the query is not UTF-8"))?;
        pairs.sort();
        pairs.dedup();
        for (at, (name, value)) in pairs.iter().enumerate() {
            if !known.contains(&&**name) {
                let problem =
                    Problem::parameter(&short(name), format!("no parameter is called {:?}", short(name)));
                return Err(problem.hint(meant(name, known)));
            }
            let is_again = at > 0 && pairs[at - 1].0 == *name && !SEVERAL.contains(&&**name);
            if is_again {
                return Err(Problem::parameter(name, format!("{name} is given twice, and differs")));
            }
            if value.len() > MOST_BYTES {
                return Err(Problem::parameter(name, format!("{name} is too long")));
            }
        }
        Ok(Self { path: uri.path().to_owned(), pairs })
    }

    /// A request that asks for nothing but that it be done: no parameters, and no body or an empty object.
    pub(super) fn plainly(uri: &Uri, body: &str) -> Result<(), Problem> {
        Self::new(uri, &[])?;
        let is_empty = |json: serde_json::Value| json.as_object().is_some_and(serde_json::Map::is_empty);
        if body.trim().is_empty() || serde_json::from_str(body).is_ok_and(is_empty) {
            return Ok(());
        }
        Err(Problem::new(StatusCode::BAD_REQUEST, "the body says something").hint("send `{}`, or no body"))
    }

    /// The same for the same question, however it was put.
    pub(super) fn key(&self) -> String {
        format!("{} {:?}", self.path, self.pairs)
    }

    /// The value of a parameter, where it is given.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a parameter.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// One of a list of words.
    pub(super) fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Problem> {
        let Some(given) = self.text(name) else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == given);
        let Some((_, found)) = found else {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            return Err(Problem::parameter(name, format!("{name} cannot be {:?}", short(given)))
                .hint(meant(given, &names)));
        };
        Ok(Some(*found))
    }

    /// From when on: an instant, or the start of a day of the zone.
    pub(super) fn start(&self, name: &str, zone: &TimeZone) -> Result<Option<Timestamp>, Problem> {
        Ok(self.time(name)?.map(|time| match time {
            Time::Instant(at) => at,
            Time::Day(day) => civil::timestamp(civil::day_start_ms(day, zone)),
        }))
    }

    /// Before when: an instant, or the end of a day of the zone.
    pub(super) fn end(&self, name: &str, zone: &TimeZone) -> Result<Option<Timestamp>, Problem> {
        Ok(self.time(name)?.map(|time| match time {
            Time::Instant(at) => at,
            Time::Day(day) => civil::timestamp(civil::day_range_ms(None, Some(day), zone).end),
        }))
    }

    fn time(&self, name: &str) -> Result<Option<Time>, Problem> {
        let Some(given) = self.text(name) else { return Ok(None) };
        let time = Time::read(given).ok_or_else(|| {
            Problem::parameter(name, format!("{name} is no time: {:?}", short(given)))
                .hint("write it as 2026-11-26 or 2026-11-26T08:00:00Z; a `+` in an offset is `%2B` in a URL")
        })?;
        Ok(Some(time))
    }

    /// A number from 1 up to a bound.
    pub(super) fn number(&self, name: &str, most: u32) -> Result<Option<u32>, Problem> {
        let Some(given) = self.text(name) else { return Ok(None) };
        match given.parse() {
            Ok(number) if (1..=most).contains(&number) => Ok(Some(number)),
            _ => Err(Problem::parameter(name, format!("{name} cannot be {:?}", short(given)))
                .hint(format!("a number from 1 to {most}"))),
        }
    }

    /// Yes or no; no where it is not given.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Problem> {
        Ok(self.word(name, &[("true", true), ("false", false), ("1", true), ("0", false)])?.unwrap_or(false))
    }

    /// A zone by its name.
    pub(super) fn zone(&self, name: &str) -> Result<Option<TimeZone>, Problem> {
        let Some(given) = self.text(name) else { return Ok(None) };
        if let Ok(zone) = TimeZone::get(given) {
            return Ok(Some(zone));
        }
        let known: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
        let near = nearest(given, known.iter().map(String::as_str));
        let hint = near.map_or_else(
            || "names are like Europe/Berlin, America/New_York or UTC".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        Err(Problem::parameter(name, format!("no time zone is called {:?}", short(given))).hint(hint))
    }
}

/// A time as it is written in a request.
enum Time {
    Instant(Timestamp),
    Day(Date),
}

impl Time {
    fn read(given: &str) -> Option<Self> {
        if let Ok(at) = given.parse() {
            return Some(Self::Instant(at));
        }
        let pieces = Pieces::parse(given).ok()?;
        match (pieces.time(), pieces.offset()) {
            (None, None) if !given.contains('[') => Some(Self::Day(pieces.date())),
            // RFC 3339 has years to 9999, of which the last hours are none of ours.
            (Some(_), Some(_)) if pieces.date() >= LAST_DAY => Some(Self::Instant(Timestamp::MAX)),
            _ => None,
        }
    }
}

/// What to say of a word that is none.
pub(super) fn meant(given: &str, words: &[&str]) -> String {
    // The distance to something long is of no use, and dear.
    let near =
        Some(given).filter(|given| given.len() <= 64).and_then(|given| nearest(given, words.iter().copied()));
    let all = words.join(", ");
    match near {
        _ if words.is_empty() => "this route has no parameters".to_owned(),
        Some(near) => format!("did you mean {near}? There are: {all}"),
        None => format!("there are: {all}"),
    }
}

/// With each `%ff` as the byte that it is. The library takes one that belongs to no text for `U+FFFD`, which is a name
/// too.
fn is_utf8(query: &str) -> bool {
    let mut parts = query.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let escaped = part.split_at_checked(2);
        let byte = escaped.and_then(|(digits, _)| u8::from_str_radix(digits, 16).ok());
        bytes.extend(byte);
        let rest = escaped.filter(|_| byte.is_some()).map_or(part, |(_, rest)| rest);
        bytes.extend_from_slice(rest.as_bytes());
    }
    std::str::from_utf8(&bytes).is_ok()
}

/// So much of a text as is of use in an answer.
pub(super) fn short(text: &str) -> String {
    cco_wire::text::clip(text, 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["period", "project", "from", "limit"];

    fn asked(query: &str) -> Result<Asked, Problem> {
        Asked::new(&format!("/api/stats?{query}").parse().expect("a URI"), &KNOWN)
    }

    fn said<T: std::fmt::Debug>(result: Result<T, Problem>) -> String {
        let json = serde_json::to_value(result.expect_err("a problem")).expect("JSON");
        format!("{} | {} | {}", json["parameter"], json["detail"], json["hint"])
    }

    #[test]
    fn a_wrong_word_is_named_with_the_one_that_was_meant() {
        insta::assert_snapshot!(said(asked("perod=day")), @r#""perod" | "no parameter is called \"perod\"" | "did you mean period? There are: period, project, from, limit""#);
        insta::assert_snapshot!(said(asked("period=dai").and_then(|it| it.word("period", &[("day", ()), ("hour", ())]))), @r#""period" | "period cannot be \"dai\"" | "did you mean day? There are: day, hour""#);
        insta::assert_snapshot!(said(asked("period=day&period=hour")), @r#""period" | "period is given twice, and differs" | null"#);
        insta::assert_snapshot!(said(asked("from=yesterday").and_then(|it| it.start("from", &TimeZone::UTC))), @r#""from" | "from is no time: \"yesterday\"" | "write it as 2026-11-26 or 2026-11-26T08:00:00Z; a `+` in an offset is `%2B` in a URL""#);
        for limit in ["0", "-1", "501", "1e2", "", "99999999999999999999"] {
            assert!(
                said(asked(&format!("limit={limit}")).and_then(|it| it.number("limit", 500)))
                    .contains("from 1 to 500")
            );
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_wherever_they_are() {
        for query in ["project=%ff", "project=a%C3", "project=%C3a", "%ff=a", "project=%E2%82"] {
            assert!(said(asked(query)).contains("not UTF-8"), "{query}");
        }
        for (query, text) in [
            ("%C3%A9", "\u{e9}"),
            ("%EF%BF%BD", "\u{fffd}"),
            ("%", "%"),
            ("%zz", "%zz"),
            ("100%25", "100%"),
            ("%4", "%4"),
        ] {
            assert_eq!(
                asked(&format!("project={query}")).expect("good").text("project"),
                Some(text),
                "{query}"
            );
        }
    }

    #[test]
    fn the_order_of_parameters_makes_no_other_question() {
        let one = asked("project=b&period=day&project=a").expect("good");
        assert_eq!(one, asked("period=day&project=a&project=b&project=a").expect("good"));
        assert_eq!(one.all("project").collect::<Vec<_>>(), ["a", "b"]);
        assert_ne!(one.key(), asked("period=day&project=a").expect("good").key());
        // What is inside a value cannot pass for another parameter.
        assert_ne!(
            asked("project=a%22%2C%22b").expect("good").key(),
            asked("project=a&project=b").expect("good").key()
        );
    }
}
