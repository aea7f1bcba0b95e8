//! Time zones by name, from the system's zone files.
//!
//! Owns the short way to one zone. The zone library first lists the whole database, 500 folders and files, which is
//! most of a warm run (4 of 12 ms); a name is a file's name, so that file alone is read. What the short way does not
//! find (another spelling, another place) the library is asked for.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path};

use jiff::tz::TimeZone;

/// Where systems keep their zone files.
const FOLDERS: [&str; 2] = ["/usr/share/zoneinfo", "/var/db/timezone/zoneinfo"];
/// The link or file that says which zone the system has.
const LOCAL: &str = "/etc/localtime";
/// Zone files are a few kilobytes.
const MAX_ZONE_FILE: u64 = 256 * 1024;

/// The zone of this name in the zone database.
pub(crate) fn named(name: &str) -> Option<TimeZone> {
    from_folders(name).or_else(|| TimeZone::get(name).ok())
}

/// The system's zone; `tz` is the variable `TZ`, which goes before all else.
pub(crate) fn system(tz: Option<&OsStr>) -> Result<TimeZone, jiff::Error> {
    let name = match tz {
        Some(tz) => tz.to_str().map(|name| name.trim_start_matches(':').to_owned()),
        None => local_name(),
    };
    name.as_deref().and_then(from_folders).map_or_else(TimeZone::try_system, Ok)
}

/// The zone that the machine itself is set to, whatever the environment says; UTC when it has no name.
pub(crate) fn machine() -> TimeZone {
    local_name().and_then(|name| from_folders(&name)).unwrap_or(TimeZone::UTC)
}

fn from_folders(name: &str) -> Option<TimeZone> {
    // The names that machines without a zone of their own go by: one zone, so that a ledger's days serve all of them.
    if matches!(name, "UTC" | "Etc/UTC" | "Etc/UCT" | "Etc/Universal" | "Etc/Zulu") {
        return Some(TimeZone::UTC);
    }
    FOLDERS.iter().find_map(|folder| from_file(folder, name))
}

/// The name that the system's link leads to.
pub(crate) fn local_name() -> Option<String> {
    let target = fs::read_link(LOCAL).ok()?;
    let (_, name) = target.to_str()?.split_once("zoneinfo/")?;
    Some(name.to_owned())
}

fn from_file(folder: &str, name: &str) -> Option<TimeZone> {
    let plain = |part| matches!(part, Component::Normal(_));
    if name.is_empty() || !Path::new(name).components().all(plain) {
        return None;
    }
    let mut data = Vec::new();
    let file = File::open(Path::new(folder).join(name)).ok()?;
    file.take(MAX_ZONE_FILE).read_to_end(&mut data).ok()?;
    TimeZone::tzif(name, &data).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_gives_the_zone_that_the_library_gives() {
        let at: jiff::Timestamp = "2026-07-01T12:00:00Z".parse().expect("a time");
        for name in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"] {
            let (short, long) = (named(name).expect(name), TimeZone::get(name).expect(name));
            assert_eq!(short.to_offset(at), long.to_offset(at), "{name}");
            assert_eq!(short.iana_name(), Some(name));
        }
    }

    #[test]
    fn all_names_of_utc_are_one_zone() {
        for name in ["UTC", "Etc/UTC", "Etc/Zulu"] {
            assert_eq!(named(name), Some(TimeZone::UTC), "{name}");
        }
    }

    #[test]
    fn names_lead_nowhere_else() {
        for name in ["", "../../etc/passwd", "/etc/localtime", "Nowhere/Never", "Europe"] {
            assert!(named(name).is_none(), "{name}");
        }
    }
}
