use std::time::Instant;

use jiff::tz::TimeZone;

use super::super::yaml::Node;
use super::*;

/// Has a file with this text read as if it was written at a time, by a clock of a zone.
fn typed(text: &str, zone: &str, written: &str) -> Vec<String> {
    let at: jiff::Timestamp = written.parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(subscription::NAME);
    fs::write(&path, text).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(at.into()).unwrap();
    let typed = subscription::read(&path, &TimeZone::get(zone).unwrap()).unwrap();
    let readings = typed.readings(&anybody);
    assert!(
        readings.iter().all(|it| it.observed_at_ms == at.as_millisecond() && it.source == Source::Manual)
    );
    readings.iter().map(shown).collect()
}

#[test]
fn what_was_typed_by_hand_is_as_old_as_the_file() {
    assert_eq!(
        typed(SUBSCRIPTION, "Europe/Berlin", "2026-02-08T12:18:00Z"),
        ["five_hour 290 2026-02-08T13:00:00Z", "seven_day 410 2026-02-09T08:00:00Z"]
    );
}

#[test]
fn the_older_shape_has_one_week_and_a_full_hour() {
    let text = "account: dev@example.com\nweekly:\n  limitUSD: 200\n  usedPercent: 41%\n  resetDay: thursday\n  resetHour: 9\n";
    assert_eq!(
        typed(text, "America/New_York", "2026-02-08T12:18:00Z"),
        ["seven_day 410 2026-02-12T14:00:00Z"]
    );
    assert_eq!(typed("weekly: {usedPercent: }", "UTC", "2026-02-08T12:18:00Z"), Vec::<String>::new());
}

#[test]
fn models_and_extra_usage_are_windows_of_their_own() {
    let text = "accounts:\n  a@example.com:\n    weeklySonnetOnly: {percentUsed: 7.5, resetDay: Sun, resetTime: 9am}\n    extraUsage: {spent: 3, percentUsed: 120}\n";
    assert_eq!(
        typed(text, "UTC", "2026-02-08T12:18:00Z"),
        ["seven_day:sonnet 75 2026-02-15T09:00:00Z", "other:extra_usage 1200 -"]
    );
}

#[test]
fn a_week_ends_at_its_local_time_on_either_side_of_a_clock_change() {
    let text = |time: &str| {
        format!(
            "accounts: {{a: {{weeklyAllModels: {{percentUsed: 1, resetDay: Sun, resetTime: '{time}'}}}}}}"
        )
    };
    let end = |time: &str, written: &str| {
        typed(&text(time), "Europe/Berlin", written)[0].rsplit_once(' ').unwrap().1.to_owned()
    };
    assert_eq!(end("09:00", "2026-03-28T20:00:00Z"), "2026-03-29T07:00:00Z", "summer time since 01:00 UTC");
    assert_eq!(end("09:00", "2026-03-22T20:00:00Z"), "2026-03-29T07:00:00Z");
    assert_eq!(end("02:30", "2026-03-28T20:00:00Z"), "2026-03-29T01:30:00Z", "a time that is left out");
    assert_eq!(end("02:30", "2026-10-24T20:00:00Z"), "2026-10-25T00:30:00Z", "a time that comes twice");
    assert_eq!(end("09:00", "2026-10-25T07:59:59Z"), "2026-10-25T08:00:00Z");
    assert_eq!(end("09:00", "2026-10-25T08:00:00Z"), "2026-11-01T08:00:00Z", "just now is a week later");
}

#[test]
fn what_people_type_is_read_or_left_out_and_never_made_up() {
    let session = |reset: &str| {
        let text = format!("accounts: {{a: {{currentSession: {{percentUsed: 29, resetsIn: '{reset}'}}}}}}");
        typed(&text, "UTC", "2026-02-08T12:00:00Z")[0].rsplit_once(' ').unwrap().1.to_owned()
    };
    assert_eq!(session("2h15m"), "2026-02-08T14:15:00Z");
    assert_eq!(session("1 hr 5 min"), "2026-02-08T13:05:00Z");
    for odd in ["", "soon", "42", "m", "6h", "99999999999999999999m", "9223372036854775807h", "1h é"] {
        assert_eq!(session(odd), "-", "{odd}");
    }
    for percent in ["", "lots", "101", "-1", "NaN", "inf", "[1]"] {
        let text = format!("accounts: {{a: {{currentSession: {{percentUsed: {percent}}}}}}}");
        assert_eq!(typed(&text, "UTC", "2026-02-08T12:00:00Z"), Vec::<String>::new(), "{percent}");
    }
    for text in ["", "just text", "accounts: 7", "accounts: [a]", "a: b: c", "a: *nowhere"] {
        let read = told(text, |path| subscription::read(path, &TimeZone::UTC));
        assert!(matches!(read, Err(Unread::Broken(_))), "{text}");
    }
}

#[test]
fn the_logins_of_a_switcher_are_read_with_why_one_was_put_aside() {
    let found = told(SESSIONS, sessions::read).unwrap();
    assert_eq!(found.active.as_deref(), Some("slot-1"));
    let [one, two] = found.slots.as_slice() else { panic!("{found:?}") };
    assert_eq!(one.marks.config_dir.as_deref(), Some(Path::new("/home/dev/acct/one")));
    assert_eq!(two.deactivation_reason.as_deref(), Some("error_401"));
    assert_eq!((two.status.as_deref(), two.reactivated_at.as_deref()), (Some("inactive"), None));
    let folders = sessions::folders(Path::new("/h"));
    assert_eq!(folders[0], Path::new("/h/cloud_configs/hot-swap"));
    assert_eq!(folders[3], Path::new("/h/.claude/config"));
}

#[test]
fn a_bomb_of_aliases_stays_as_small_as_its_text() {
    let mut bomb = "a0: &a0 {x: lol}\n".to_owned();
    for level in 1..30 {
        let aliases: Vec<String> = (0..9).map(|key| format!("k{key}: *a{}", level - 1)).collect();
        bomb += &format!("a{level}: &a{level} {{{}}}\n", aliases.join(", "));
    }
    let started = Instant::now();
    let root = Node::parse(&bomb).unwrap();
    assert_eq!(root.get("a29").and_then(|node| node.get("k0")).map(|node| node.pairs().len()), Some(9));
    drop(root);
    assert!(started.elapsed().as_secs() < 5);
    let longer: String =
        (1..200).map(|level| format!("a{level}: &a{level} {{k: *a{}}}\n", level - 1)).collect();
    let why = Node::parse(&format!("a0: &a0 {{}}\n{longer}")).err();
    assert!(matches!(why, Some(Unread::Broken(why)) if why.contains("too deep")));
}

#[test]
fn depth_and_number_are_bounded_and_an_alias_of_itself_is_refused() {
    for text in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        "a: b\n".repeat(100_000),
        "&a {b: *a}".to_owned(),
        "&a ".repeat(10_000),
    ] {
        assert!(matches!(Node::parse(&text), Err(Unread::Broken(_))), "{}", &text[..10]);
    }
}

#[test]
fn a_key_is_found_however_it_is_written_and_the_last_of_two_counts() {
    let root = Node::parse("\"a\": 1\n? b\n: 2\n[c]: 3\n4: ~\na: 5\n").unwrap();
    assert_eq!((root.text_of("a").as_deref(), root.text_of("b").as_deref()), (Some("5"), Some("2")));
    assert_eq!(root.text_of("4"), None);
}
