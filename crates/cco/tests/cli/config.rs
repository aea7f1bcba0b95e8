//! `config.toml`: errors name file, line and key; what is not ours is left alone.

use insta::assert_snapshot;

use crate::sealed::{Call, TestEnv};

#[test]
fn a_wrong_type_names_file_line_and_key() {
    let env = TestEnv::new();
    env.config("[stats]\nretention_days = \"ninety\"\n");
    assert_snapshot!(env.run("daily").story(), @r"
    exit 1
    -- stderr
    error: $HOME/.cco/config.toml:2: `stats.retention_days` must be a whole number, 1 or more, not a string
    hint: for example: retention_days = 365
    ");
}

#[test]
fn invalid_toml_names_file_and_line() {
    let env = TestEnv::new();
    env.config("[stats]\n\ntimezone = Europe/Berlin\n");
    assert_snapshot!(env.run("daily").story(), @r"
    exit 1
    -- stderr
    error: $HOME/.cco/config.toml:3: not valid TOML: string values must be quoted, expected literal string
    hint: strings stand in quotes, sections in [brackets]
    ");
}

#[test]
fn an_unknown_zone_in_the_file_is_an_error_with_a_hint() {
    let env = TestEnv::new();
    env.config("[stats]\ntimezone = \"Europe/Berln\"\n");
    assert_snapshot!(env.run("daily").story(), @r#"
    exit 1
    -- stderr
    error: $HOME/.cco/config.toml:2: `stats.timezone`: no time zone is called "Europe/Berln"
    hint: did you mean Europe/Berlin?
    "#);
}

#[test]
fn a_database_is_a_path_and_no_uri() {
    let env = TestEnv::new();
    env.config("[stats]\ndatabase_path = \"file:/tmp/x.db?mode=memory\"\n");
    assert_snapshot!(env.run("daily").story(), @r"
    exit 1
    -- stderr
    error: $HOME/.cco/config.toml:2: `stats.database_path`: a path is wanted, not a URI
    hint: write the path itself, without file: and parameters
    ");
}

#[test]
fn an_unknown_key_warns_once_and_the_rest_counts() {
    let env = TestEnv::new();
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    env.config("[another.program]\nx = 1\n[stats]\ntimezon = \"UTC\"\n[daemon]\nanything = true\n");
    let run = env.run("daily --json");
    assert_eq!(run.json()["totals"]["calls"], 1);
    assert_snapshot!(run.stderr, @r"
    warning: $HOME/.cco/config.toml:6: unknown key `daemon.anything`
    warning: $HOME/.cco/config.toml:4: unknown key `stats.timezon`; did you mean `timezone`?
    ");
}

#[test]
fn flags_win_over_variables_and_variables_over_the_file() {
    let late = Call { time: "2026-10-19T23:30:00Z", ..Call::default() };
    let day = |env: &TestEnv, words: &str| env.run(words).json()["daily"][0]["date"].clone();
    let env = TestEnv::new();
    env.transcript("a/s.jsonl", &[late.row()]);
    assert_eq!(day(&env, "daily --json"), "2026-10-19");
    env.config("[stats]\ntimezone = \"Europe/Berlin\"\n");
    assert_eq!(day(&env, "daily --json"), "2026-10-20");
    let env = env.with("CCO_TIMEZONE", "America/New_York");
    assert_eq!(day(&env, "daily --json"), "2026-10-19");
    assert_eq!(day(&env, "daily --json --timezone Asia/Tokyo"), "2026-10-20");
}

#[test]
fn own_prices_price_unknown_models() {
    let env = TestEnv::new();
    env.transcript(
        "a/s.jsonl",
        &[Call { model: "acme-1", tokens: [1000, 10, 0, 0, 0], ..Call::default() }.row()],
    );
    assert_eq!(env.run("daily --json").json()["totals"]["unpricedCalls"], 1);
    std::fs::remove_file(env.home().join(".cco/ledger.db")).ok();
    env.config("[prices.acme-1]\ninput = 3\noutput = 15.5\n");
    let run = env.run("daily --json");
    assert!(run.stdout.contains("\"totalCost\": 0.003155"), "{}", run.story());
    assert_eq!(run.json()["totals"]["unpricedCalls"], 0);
}

#[test]
fn an_incomplete_price_says_what_to_add() {
    let env = TestEnv::new();
    env.transcript(
        "a/s.jsonl",
        &[Call { model: "acme-1", tokens: [1, 1, 0, 0, 9], ..Call::default() }.row()],
    );
    // A model of the list has the rest from there.
    env.config("[prices.claude-opus-4-8]\ninput = 4\n\n[prices.\"acme-1\"]\ninput = 3\noutput = 15.5\n");
    assert_snapshot!(env.run("daily").stderr, @r#"
    warning: $HOME/.cco/config.toml:4: `prices."acme-1"` lacks cache_write_5m, cache_write_1h, cache_read; calls with such tokens have no price
    hint: add below [prices."acme-1"], in dollars for a million tokens, such as cache_write_5m = 3.75 (0 if free)
    note: no price for acme-1 (1 call, 11 tokens); its cost is not in the totals
    hint: [prices."MODEL"] in config.toml sets a price, in dollars for a million tokens
    "#);
    env.config(
        "[prices.acme-1]\ninput = 3\noutput = 15.5\ncache_write_5m = 0\ncache_write_1h = 0\ncache_read = 0\n",
    );
    assert_eq!(env.run("daily").stderr, "");
}

#[test]
fn an_override_stands_in_for_a_wrong_zone() {
    let env = TestEnv::new();
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    env.config("[stats]\ntimezone = \"Berlin\"\n");
    assert_snapshot!(env.run("daily").story(), @r#"
    exit 1
    -- stderr
    error: $HOME/.cco/config.toml:2: `stats.timezone`: no time zone is called "Berlin"
    hint: did you mean Europe/Berlin?
    "#);
    let run = env.run("daily --json --timezone UTC");
    assert_eq!((run.code, run.json()["totals"]["calls"].as_u64()), (0, Some(1)));
    assert_snapshot!(run.stderr, @r#"warning: $HOME/.cco/config.toml:2: `stats.timezone`: no time zone is called "Berlin"; --timezone is used instead"#);
    let demo = env.run("daily --demo --json");
    assert_eq!((demo.code, demo.json()["totals"]["calls"].as_u64()), (0, Some(40)));
    assert_snapshot!(demo.stderr, @r#"
    warning: $HOME/.cco/config.toml:2: `stats.timezone`: no time zone is called "Berlin"
    hint: did you mean Europe/Berlin?
    note: demo data, made up
    "#);

    let env = env.with("CCO_TIMEZONE", "Mars");
    let run = env.run("daily --json --timezone UTC");
    assert_eq!(run.code, 0, "{}", run.story());
    assert_snapshot!(run.stderr, @r#"warning: CCO_TIMEZONE: no time zone is called "Mars"; --timezone is used instead"#);
    assert_eq!(env.run("daily --json").code, 2);
}

#[test]
fn zones_are_suggested_alike_wherever_they_are_given() {
    let env = TestEnv::new();
    let hint = |run: crate::sealed::Run| {
        run.stderr.lines().find(|line| line.starts_with("hint: ")).unwrap().to_owned()
    };
    env.config("[stats]\ntimezone = \"new york\"\n");
    let of_file = hint(env.run("daily"));
    assert_eq!(of_file, "hint: did you mean America/New_York?");
    env.config("");
    assert_eq!(hint(env.run("daily --timezone new_york")), of_file);
    assert_eq!(hint(env.with("CCO_TIMEZONE", "New York").run("daily")), of_file);
}

#[test]
fn a_wrong_tz_is_told_in_our_words_and_only_where_it_matters() {
    let env = TestEnv::new().with("TZ", "Europe/Berln");
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    assert_snapshot!(env.run("daily --json").stderr, @r#"
    warning: TZ is "Europe/Berln", which is no time zone known here; days are those of UTC
    hint: did you mean Europe/Berlin?
    "#);
    assert_eq!(env.run("daily --json --timezone UTC").stderr, "");
    assert_eq!(env.with("TZ", "CET-1CEST,M3.5.0,M10.5.0/3").run("daily --json").stderr, "");
}

#[test]
fn a_file_that_cannot_be_read_is_no_default() {
    let env = TestEnv::new();
    let path = env.write(".cco/config.toml", "");
    std::fs::write(&path, b"[stats]\n# Z\xfcrich\n").unwrap();
    assert_snapshot!(env.run("daily").story(), @r"
    exit 1
    -- stderr
    error: $HOME/.cco/config.toml:2: not valid UTF-8
    hint: save the file as UTF-8
    ");
    assert_eq!(env.run("daily --demo --json").json()["totals"]["calls"], 40);
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_snapshot!(env.run("daily").story(), @r"
    exit 1
    -- stderr
    error: cannot read $HOME/.cco/config.toml: it is a folder, not a file
    hint: mend it, or move it away to use the defaults
    ");
    std::fs::remove_dir(&path).unwrap();
    std::os::unix::fs::symlink(&path, &path).unwrap();
    assert_snapshot!(env.run("daily").story(), @r"
    exit 1
    -- stderr
    error: cannot read $HOME/.cco/config.toml: Too many levels of symbolic links
    hint: mend it, or move it away to use the defaults
    ");
}

#[test]
fn keys_without_effect_are_told_in_one_line() {
    let env = TestEnv::new();
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    env.config("[stats]\nretention_days = 30\nenabled = false\n[daemon]\nlisten = \"127.0.0.1:3003\"\n");
    assert_snapshot!(env.run("daily --json").stderr, @"warning: $HOME/.cco/config.toml: no effect in this version: `stats.retention_days` (line 2: all calls are kept)");
}

#[test]
fn one_setting_is_read_by_its_name() {
    let env = TestEnv::new();
    env.config("[stats]\ntimezone = \"Europe/Berlin\"\n[daemon]\nhosts = [\"a\", \"b\"]\n");
    let get = |key: &str| env.run(&format!("config get {key}"));
    assert_eq!(get("stats.timezone").stdout, "Europe/Berlin\n");
    assert_eq!(get("daemon.hosts").stdout, "[\"a\", \"b\"]\n");
    assert_eq!(get("daemon.autostart").stdout, "true\n");
    assert_eq!(get("stats.timezone --json").json()["source"], "file");
    assert_snapshot!(get("daemon.listen").story(), @r"
    exit 1
    -- stderr
    error: `daemon.listen` is not set, and has no default
    ");
    assert_eq!(get("daemon.listn").code, 2);
}
