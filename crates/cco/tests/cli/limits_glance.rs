//! Limits on the glance: from what is known already, one line for each account of this machine.

use insta::assert_snapshot;

use crate::sealed::{Call, TestEnv};

/// Two minutes before the present of tests.
const FETCHED_MS: i64 = 1_792_497_480_000;

/// What Claude Code keeps of a login and of the last answer that it had.
fn claude_json(who: &str, five_hour: u32, seven_day: u32) -> String {
    serde_json::json!({
        "oauthAccount": {
            "accountUuid": who, "organizationUuid": "org", "emailAddress": format!("{who}@example.com"),
        },
        "cachedUsageUtilization": {
            "fetchedAtMs": FETCHED_MS,
            "accountUuid": who,
            "utilization": {
                "five_hour": { "utilization": five_hour, "resets_at": "2026-10-20T13:18:00Z" },
                "seven_day": { "utilization": seven_day, "resets_at": "2026-10-23T11:30:00Z" },
                "seven_day_opus": { "utilization": 77, "resets_at": "2026-10-23T11:30:00Z" },
            },
        },
    })
    .to_string()
}

fn machine() -> TestEnv {
    let env = TestEnv::new();
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    env.write(".claude.json", &claude_json("dev", 42, 81));
    env.write(".claude/.credentials.json", "{}");
    env
}

/// The lines down to the block.
fn top(run: &str) -> String {
    let end = run.find("\nThis week").unwrap_or(run.len());
    run[..end].to_owned()
}

#[test]
fn the_limits_stand_on_top_and_the_end_that_was_told_instead_of_the_one_worked_out() {
    let env = machine();
    let run = env.run("");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_snapshot!(top(&run.stdout), @r"
    Limits  dev@example.com  5 h 42%  resets in 1 h 18 min  7 d 81%  resets in 2 d 23 h  7 days opus 77%

    Today       Tue 20 Oct             <$0.01  1 call  11 tokens
    This block  resets 13:18, as told  <$0.01  1 call  11 tokens
      last 30 min $0.00/h, 0 tokens/min
    ");
    let (glance, limits) = (env.run("--json").json(), env.run("limits --json").json());
    assert_eq!(glance["limits"], limits["accounts"]);
    assert_eq!(glance["limits"][0]["windows"][0]["percent"], 42.0);
    assert_eq!(env.run("blocks").stderr, "note: Claude's own five hours reset 13:18, as told\n");
    assert_eq!(env.run("blocks --json").stderr, "");
    // An hour later it is the same, and old.
    let env = env.with("CCO_NOW", "2026-10-20T12:59:00Z");
    assert!(env.run("").stdout.starts_with("Limits  dev@example.com  5 h 42%🔺  resets in 19 min"));
    let env = env.with("CCO_NOW", "2026-10-20T13:19:00Z");
    let run = env.run("");
    assert!(run.stdout.starts_with("Limits  dev@example.com  5 h reset "), "{}", run.story());
    assert!(run.stdout.contains("until ~"), "{}", run.story());
}

#[test]
fn several_accounts_stand_below_each_other_and_leave_the_end_of_the_block_open() {
    let env = machine();
    env.write("work/.claude.json", &claude_json("somebody-else", 7, 12));
    env.write("work/.credentials.json", "{}");
    env.config("[accounts]\nconfig_dirs = ['~/work']");
    let run = env.run("");
    assert_snapshot!(top(&run.stdout), @r"
    Limits  dev@example.com            5 h 42%  resets in 1 h 18 min  7 d 81%  resets in 2 d 23 h  7 days opus 77%
            somebody-else@example.com  5 h  7%  resets in 1 h 18 min  7 d 12%  resets in 2 d 23 h  7 days opus 77%

    Today       Tue 20 Oct       <$0.01  1 call  11 tokens
    This block  until ~16:00     <$0.01  1 call  11 tokens
      last 30 min $0.00/h, 0 tokens/min
    ");
    for columns in [30, 50, 70, 90] {
        let screen = env.run_on_terminal("", columns);
        // What has no room beside its account stands below it.
        assert_eq!(screen.matches("7 days opus 77%").count(), 2, "{columns}: {screen}");
        let accounts = screen.lines().filter(|line| !line.starts_with("  7 days opus"));
        let lines: Vec<&str> = accounts.take(3).collect();
        assert!(lines[0].contains("5 h 42%  7 d 81%") || columns > 70, "{columns}: {screen}");
        assert!(lines[1].contains("5 h  7%") && lines[2].is_empty(), "{columns}: {screen}");
        let fits = |line: &str| line.chars().count() <= usize::from(columns);
        assert!(screen.lines().all(fits), "{columns}: {screen}");
    }
}

#[test]
fn a_machine_without_accounts_has_no_limits_and_an_account_that_went_away_has_none_either() {
    let env = TestEnv::new();
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    let run = env.run("");
    assert!(run.stdout.starts_with("Today"), "{}", run.story());
    assert_eq!(env.run("--json").json()["limits"], serde_json::json!([]));

    let env = machine();
    assert!(env.run("").stdout.starts_with("Limits"));
    env.write(".claude.json", "{}");
    assert!(env.run("").stdout.starts_with("Today"));
    assert!(env.run("--demo").stdout.starts_with("Limits  demo@example.com  5 h 42%"));
}

#[test]
fn a_glance_writes_nothing_where_nothing_is_new_and_keeps_what_is() {
    let env = machine();
    let ledger = |env: &TestEnv| std::fs::read(env.home().join(".cco/ledger.db")).unwrap();
    assert_eq!((env.run("").code, env.run("").code), (0, 0));
    let before = ledger(&env);
    let env = env.with("CCO_NOW", "2026-10-20T12:01:00Z");
    assert_eq!(env.run("").code, 0);
    assert!(ledger(&env) == before, "the ledger was written to");
    env.write(".claude.json", &claude_json("dev", 43, 81).replace("497480000", "497540000"));
    assert!(env.run("").stdout.contains("5 h 43%"));
    assert!(ledger(&env) != before, "what is new is kept");
}
