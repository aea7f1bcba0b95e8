//! The keys of `[stats]` that every command follows, and what their values must be: the zone of reports, the ledger's file,
//! further roots.

use cco_wire::names::distance;
use jiff::tz::TimeZone;

use super::{Complaint, Value};

/// The zone of reports.
pub(crate) const TIMEZONE: &str = "stats.timezone";
/// Where the ledger is.
pub(crate) const DATABASE_PATH: &str = "stats.database_path";
/// Further roots.
pub(crate) const WATCH_PATHS: &str = "stats.watch.paths";

/// The zone of this name.
pub(crate) fn zone(name: &str) -> Option<TimeZone> {
    crate::zone::named(name)
}

pub(super) fn check_timezone(value: &Value) -> Result<(), Complaint> {
    let Value::Text(name) = value else { return Ok(()) };
    if zone(name).is_some() {
        return Ok(());
    }
    Err(Complaint { message: format!("no time zone is called {name:?}"), hint: zone_hint(name) })
}

/// What to write in place of a zone's name that is none.
pub(crate) fn zone_hint(given: &str) -> String {
    let known: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
    match zones_near(given, known.iter().map(String::as_str)).as_slice() {
        [] => "names are like Europe/Berlin, America/New_York or UTC".to_owned(),
        [near] => format!("did you mean {near}?"),
        [more @ .., last] => format!("did you mean {} or {last}?", more.join(", ")),
    }
}

/// The names that may have been meant, best first: near ones, and those of places that are near.
fn zones_near<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    const NAMED: usize = 3;
    let given = given.trim().replace(' ', "_").to_lowercase();
    let far = |name: &str| {
        let name = name.to_lowercase();
        let whole = distance(&given, &name);
        let place = name.rsplit('/').next().unwrap_or_default();
        let of_place = distance(&given, place);
        let near_place = of_place <= place.chars().count() / 4;
        let near_whole = whole <= 1 + name.chars().count() / 4;
        (near_place || near_whole).then(|| if near_place { of_place.min(whole) } else { whole })
    };
    let plain = |name: &&str| !name.starts_with("posix/") && !name.starts_with("right/");
    let mut near: Vec<(usize, &str)> =
        known.filter(plain).filter_map(|name| Some((far(name)?, name))).collect();
    near.sort_unstable();
    let best = near.first().map_or(0, |(best, _)| *best);
    near.into_iter().take_while(|(far, _)| *far == best).take(NAMED).map(|(_, name)| name).collect()
}

pub(super) fn check_database_path(value: &Value) -> Result<(), Complaint> {
    let Value::Text(path) = value else { return Ok(()) };
    let (message, hint) = if path.is_empty() {
        ("an empty path", "leave the key out to use ledger.db")
    } else if path.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("file:")) {
        ("a path is wanted, not a URI", "write the path itself, without file: and parameters")
    } else {
        return Ok(());
    };
    Err(Complaint { message: message.to_owned(), hint: hint.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_found_by_their_place_too() {
        let known = ["America/New_York", "Europe/Berlin", "Europe/London", "Indian/Mahe", "UTC", "posix/UTC"];
        for (given, near) in [
            ("Europe/Berln", vec!["Europe/Berlin"]),
            ("europe/berlin ", vec!["Europe/Berlin"]),
            ("Berlin", vec!["Europe/Berlin"]),
            ("new york", vec!["America/New_York"]),
            ("UCT", vec![]),
            ("Mars", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(zones_near(given, known.into_iter()), near, "{given}");
        }
    }

    #[test]
    fn a_database_is_a_path() {
        for (path, right) in
            [("file:x.db", false), ("FILE:/x?mode=ro", false), ("", false), ("/x/file:y", true), ("é", true)]
        {
            assert_eq!(check_database_path(&Value::Text(path.to_owned())).is_ok(), right, "{path}");
        }
    }
}
