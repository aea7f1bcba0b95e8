//! Not a byte beside the value changes, wherever it stands or has to go.

use cco_engine::price_list::ModelOverride;

use super::*;
use crate::config::file;

/// What `set` makes of a file, shown as what was there and what was put in.
fn set(text: &str, name: &str, typed: &str) -> String {
    let target = Target::named(name).unwrap();
    let value = target.value(&[typed.to_owned()]).unwrap();
    with_value(text, &target.path(), &value).unwrap_or_else(|| "no place".to_owned())
}

#[test]
fn a_value_that_is_there_is_replaced_and_nothing_else() {
    for (before, after) in [
        ("[stats]\ntimezone = 'UTC' # mine\nx=1\n", "[stats]\ntimezone = \"Asia/Tokyo\" # mine\nx=1\n"),
        ("stats.timezone='UTC'", "stats.timezone=\"Asia/Tokyo\""),
        (
            "stats = {timezone=\"UTC\",  a = [ 1,2 ]}\r\n",
            "stats = {timezone=\"Asia/Tokyo\",  a = [ 1,2 ]}\r\n",
        ),
        ("[stats]\ntimezone = \"\"\"\nUTC\"\"\"\n[z]\n", "[stats]\ntimezone = \"Asia/Tokyo\"\n[z]\n"),
        ("\u{feff}[stats]\n  timezone =\t'UTC'  \n", "\u{feff}[stats]\n  timezone =\t\"Asia/Tokyo\"  \n"),
        ("[\"stats\"]\n'timezone' = 5\n", "[\"stats\"]\n'timezone' = \"Asia/Tokyo\"\n"),
    ] {
        assert_eq!(set(before, "stats.timezone", "Asia/Tokyo"), after);
    }
}

#[test]
fn a_new_value_goes_where_its_section_is() {
    for (before, after) in [
        ("", "[stats]\ntimezone = \"UTC\"\n"),
        ("# only a word", "# only a word\n\n[stats]\ntimezone = \"UTC\"\n"),
        ("[other]\nx = nan\n", "[other]\nx = nan\n\n[stats]\ntimezone = \"UTC\"\n"),
        ("[other]\r\nx = 1\r\n", "[other]\r\nx = 1\r\n\r\n[stats]\r\ntimezone = \"UTC\"\r\n"),
        ("[stats]\n# none yet\n[other]\n", "[stats]\ntimezone = \"UTC\"\n# none yet\n[other]\n"),
        ("[stats] # all\n\n[other]\n", "[stats] # all\ntimezone = \"UTC\"\n\n[other]\n"),
        (
            "[stats]\n  enabled = true # yes\n  # end\n[o]\n",
            "[stats]\n  enabled = true # yes\n  timezone = \"UTC\"\n  # end\n[o]\n",
        ),
        (
            "[stats.watch]\npaths = [\n  'a', # one\n]\n",
            "[stats.watch]\npaths = [\n  'a', # one\n]\n\n[stats]\ntimezone = \"UTC\"\n",
        ),
        ("[stats]\nenabled = true", "[stats]\nenabled = true\ntimezone = \"UTC\"\n"),
        ("stats = { enabled = true }\n", "stats = { enabled = true, timezone = \"UTC\" }\n"),
        ("stats = {}\n", "stats = { timezone = \"UTC\"}\n"),
        ("stats.enabled = true\n[o]\n", "stats.enabled = true\nstats.timezone = \"UTC\"\n[o]\n"),
        ("stats.watch.paths = []\nx = 1\n", "stats.timezone = \"UTC\"\nstats.watch.paths = []\nx = 1\n"),
    ] {
        assert_eq!(set(before, "stats.timezone", "UTC"), after, "{before:?}");
    }
    assert_eq!(set("stats = 1\n", "stats.timezone", "UTC"), "no place");
}

#[test]
fn prices_have_their_model_for_a_section() {
    assert_eq!(set("", "prices.acme-1.input", "3.75"), "[prices.acme-1]\ninput = 3.75\n");
    assert_eq!(set("", "prices.\"a.b/c\".input", "3"), "[prices.\"a.b/c\"]\ninput = 3\n");
    assert_eq!(
        set("[prices.\"a.b\"]\ninput = 3\n[x]\n", "prices.a.b.output", "15"),
        "[prices.\"a.b\"]\ninput = 3\noutput = 15\n[x]\n"
    );
    let has_slot = |class| file::slot(&mut ModelOverride::default(), class).is_some();
    assert!(RATES.iter().all(|(class, _)| has_slot(class)));
}

#[test]
fn values_are_read_by_the_kind_of_their_key() {
    let value = |name: &str, typed: &[&str]| {
        let typed: Vec<String> = typed.iter().map(ToString::to_string).collect();
        match Target::named(name).unwrap().value(&typed) {
            Ok(value) => value,
            Err(error) => format!("{} / {}", error.message, error.hints.join(" / ")),
        }
    };
    let lines = [
        value("stats.enabled", &["false"]),
        value("stats.enabled", &["no"]),
        value("stats.retention_days", &["0x10"]),
        value("stats.retention_days", &["0"]),
        value("stats.retention_days", &["3\nx = 1"]),
        value("stats.retention_days", &["30 # days"]),
        value("stats.timezone", &["\"UTC\""]),
        value("stats.timezone", &["Berlin"]),
        value("stats.timezone", &["UTC", "too"]),
        value("stats.database_path", &["file:x"]),
        value("stats.database_path", &["/a \"b\"\\c"]),
        value("stats.watch.paths", &["~/a", "b"]),
        value("stats.watch.paths", &["['a', \"b\"]"]),
        value("stats.watch.paths", &["[1]"]),
        value("statusline.thresholds", &["10", "20", "30"]),
        value("statusline.thresholds", &["[10,20,30]"]),
        value("statusline.thresholds", &["10", "20", "many"]),
        value("statusline.lines", &["[\"dir\", \"git\"]", "[\"clock\"]"]),
        value("prices.m.input", &["free"]),
        value("prices.m.input", &["0.30"]),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r#"
    false
    `stats.enabled` must be true or false, not a string / for example: enabled = true
    0x10
    `stats.retention_days` must be a whole number, 1 or more, not the number 0 / for example: retention_days = 365
    `stats.retention_days` must be a whole number, 1 or more, not a string / for example: retention_days = 365
    30
    `stats.timezone`: no time zone is called "\"UTC\"" / names are like Europe/Berlin, America/New_York or UTC
    `stats.timezone`: no time zone is called "Berlin" / did you mean Europe/Berlin?
    `stats.timezone` holds one value, not 2 / put quotes around a value with blanks
    `stats.database_path`: a path is wanted, not a URI / write the path itself, without file: and parameters
    '/a "b"\c'
    ["~/a", "b"]
    ['a', "b"]
    `stats.watch.paths` must be a list of strings, not one with other things in it / for example: paths = ["~/other/.claude"]
    [10, 20, 30]
    [10,20,30]
    `statusline.thresholds` must be a list of whole numbers, not one with other things in it / for example: thresholds = [50, 80, 95]
    [["dir", "git"], ["clock"]]
    `prices."m".input` must be a price: zero or more, with up to six places / dollars for a million tokens, for example: input = 3.75
    0.30
    "#);
}

#[test]
fn names_that_are_none_are_told_the_nearest() {
    let error = |name: &str| {
        Target::named(name).err().map(|error| [vec![error.message], error.hints].concat().join(" / "))
    };
    let lines = ["stats.timezon", "timezone", "colour", "prices.m.imput", "prices..input", "hub.listen", ""]
        .map(|name| error(name).unwrap());
    insta::assert_snapshot!(lines.join("\n"), @r#"
    no setting is called `stats.timezon` / did you mean `stats.timezone`? / `cco config show` names them all; prices are set as prices."MODEL".input
    no setting is called `timezone` / did you mean `stats.timezone`? / `cco config show` names them all; prices are set as prices."MODEL".input
    no setting is called `colour` / `cco config show` names them all; prices are set as prices."MODEL".input
    no setting is called `prices.m.imput` / did you mean `prices."m".input`? / `cco config show` names them all; prices are set as prices."MODEL".input
    no setting is called `prices..input` / `cco config show` names them all; prices are set as prices."MODEL".input
    no setting is called `hub.listen` / `cco config show` names them all; prices are set as prices."MODEL".input
    no setting is called `` / `cco config show` names them all; prices are set as prices."MODEL".input
    "#);
}

#[test]
fn the_template_is_right_with_and_without_its_marks() {
    let text = template();
    let config = file::read("x", &text).unwrap();
    assert!(config.values.is_empty() && config.warnings.is_empty());
    let is_line = |line: &str| {
        line.strip_prefix("# ").is_some_and(|line| line.starts_with('[') || line.contains(" = "))
    };
    let all: Vec<&str> =
        text.lines().map(|line| if is_line(line) { line.trim_start_matches("# ") } else { line }).collect();
    let config = file::read("x", &all.join("\n")).unwrap();
    assert_eq!((config.values.len(), config.prices.len(), config.warnings.len()), (KEYS.len(), 1, 0));
}

#[test]
fn any_file_keeps_every_byte_that_was_in_it() {
    use proptest::prelude::*;
    let line = prop_oneof![
        Just("[stats]"),
        Just("[stats.watch]"),
        Just("[a.b]"),
        Just("stats.enabled = true"),
        Just("x = { y = 1 }"),
        Just("enabled = false # so"),
        Just("# timezone = 1"),
        Just(""),
        Just("  paths = [\n 'a',\n ]"),
        Just("s = '''\n[stats]\n'''"),
    ];
    let text = (proptest::collection::vec(line, 0..8), any::<bool>())
        .prop_map(|(lines, crlf)| lines.join(if crlf { "\r\n" } else { "\n" }));
    proptest!(|(text in text)| {
        let Ok(before) = toml::from_str::<toml::Table>(&text) else { return Ok(()) };
        let new = set(&text, "stats.timezone", "UTC");
        prop_assert_ne!(&new, "no place");
        let mut after: toml::Table = toml::from_str(&new).unwrap();
        let stats = after.get_mut("stats").unwrap().as_table_mut().unwrap();
        prop_assert_eq!(stats.remove("timezone"), Some("UTC".into()));
        if stats.is_empty() && !before.contains_key("stats") { after.remove("stats"); }
        prop_assert_eq!(after, before);
        // What was there is there, in order.
        let mut rest = new.as_str();
        for part in text.split_inclusive('\n') {
            let at = rest.find(part);
            prop_assert!(at.is_some(), "{part:?} in {new:?}");
            rest = &rest[at.unwrap() + part.len()..];
        }
    });
}
