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
    assert_snapshot!(run.stderr, @"warning: $HOME/.cco/config.toml:4: unknown key `stats.timezon`; did you mean `timezone`?");
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
