//! Blocks held against a limit, and blocks of chosen calls.

use insta::assert_snapshot;

use crate::sealed::{Call, TestEnv};

/// A full block, a pause, and one that is running, of two projects and two models.
fn two_blocks() -> TestEnv {
    let env = TestEnv::new();
    let call = |number, time, output| Call { number, time, tokens: [0, output, 0, 0, 0], ..Call::default() };
    let haiku = Call { model: "claude-haiku-4-5-20251001", ..call(2, "2026-10-19T09:00:00Z", 400) };
    let rows = [
        call(1, "2026-10-19T08:00:00Z", 600),
        haiku,
        call(3, "2026-10-20T10:00:00Z", 300),
        Call { cwd: "/code/birch", ..call(4, "2026-10-20T11:00:00Z", 150) },
    ];
    env.transcript("p/one.jsonl", &rows.map(|call| call.row()));
    env.with("COLUMNS", "80")
}

#[test]
fn a_limit_shows_how_much_of_it_each_block_used() {
    let env = two_blocks();
    assert_snapshot!(env.run("blocks --token-limit 550").story(), @r"
    exit 0
    -- stdout
    Block             Until        Total tokens    %  Tokens/min  Cost/h   Cost
    ───────────────────────────────────────────────────────────────────────────
    2026-10-19 08:00  13:00               1,000  181          17   $0.02  $0.02
    2026-10-20 10:00  15:00 (now)           450   81           8   $0.01  $0.01
    ───────────────────────────────────────────────────────────────────────────
    Total                                 1,450                           $0.03
    not shown here: calls, input, output, cache write, cache read
    The running block
      last 30 min $0.00/h, 0 tokens/min
      whole block $0.01/h, 8 tokens/min
      ~$0.04 and ~1,800 tokens by 15:00, in 3 h 00 min
    -- stderr
    note: 100 % are 550 tokens
    note: at this rate ~327 % of the limit in 3 h 00 min
    ");
    assert_snapshot!(env.run("blocks --token-limit max --active").story(), @r"
    exit 0
    -- stdout
    Block             Until        Total tokens   %  Tokens/min  Cost/h   Cost
    ──────────────────────────────────────────────────────────────────────────
    2026-10-20 10:00  15:00 (now)           450  45           8   $0.01  $0.01
    ──────────────────────────────────────────────────────────────────────────
    Total                                   450                          $0.01
    not shown here: calls, input, output, cache write, cache read
    The running block
      last 30 min $0.00/h, 0 tokens/min
      whole block $0.01/h, 8 tokens/min
      ~$0.04 and ~1,800 tokens by 15:00, in 3 h 00 min
    -- stderr
    note: 100 % are 1,000 tokens, as many as the fullest finished block has
    note: at this rate ~180 % of the limit in 3 h 00 min
    ");
    let page = env.run("blocks --token-limit 550 --color always").stdout;
    let lines_of = |style: &str| page.lines().filter(|line| line.starts_with(style)).count();
    assert_eq!(lines_of("\u{1b}[1m\u{1b}[31m2026-10-19 08:00"), 1, "it is over the limit: {page:?}");
    assert_eq!(lines_of("\u{1b}[1m\u{1b}[35m2026-10-20 10:00"), 1, "it is near the limit: {page:?}");
}

#[test]
fn the_share_of_a_limit_stays_on_any_terminal() {
    for columns in ["24", "30", "40", "60"] {
        let page = two_blocks().with("COLUMNS", columns).run("blocks --token-limit 550").stdout;
        assert!(page.lines().next().unwrap().contains(" % "), "{columns}: {page}");
        assert!(page.lines().nth(2).unwrap().contains(" 181 "), "{columns}: {page}");
    }
}

#[test]
fn without_a_finished_block_there_is_no_fullest_one() {
    let env = TestEnv::new();
    env.transcript("p/one.jsonl", &[Call::default().row()]);
    let run = env.run("blocks --token-limit max");
    assert!(!run.stdout.contains('%'), "{}", run.stdout);
    assert_snapshot!(run.stderr, @"note: no block is finished yet, so there is no fullest one to be the limit");
}

#[test]
fn a_limit_is_held_against_where_the_running_block_ends_up() {
    let env = two_blocks();
    let status = |words: &str| {
        let run = env.run(&format!("blocks --json {words}"));
        let blocks = run.json()["blocks"].as_array().unwrap().clone();
        let (running, others): (Vec<_>, Vec<_>) =
            blocks.into_iter().partition(|block| block["isActive"] == true);
        assert!(others.iter().all(|block| block.get("tokenLimitStatus").is_none()), "{}", run.stdout);
        running[0].get("tokenLimitStatus").map(ToString::to_string).unwrap_or_default()
    };
    assert_eq!(status(""), "");
    // 450 tokens in an hour, and three hours to come.
    assert_snapshot!(status("--token-limit 1799"), @r#"{"limit":1799,"percentUsed":100.055,"projectedUsage":1800,"status":"exceeds"}"#);
    assert_snapshot!(status("--token-limit 1800"), @r#"{"limit":1800,"percentUsed":100,"projectedUsage":1800,"status":"warning"}"#);
    assert_snapshot!(status("--token-limit 2250"), @r#"{"limit":2250,"percentUsed":80,"projectedUsage":1800,"status":"ok"}"#);
    assert_snapshot!(status("--token-limit max"), @r#"{"limit":1000,"percentUsed":180,"projectedUsage":1800,"status":"exceeds"}"#);
}

#[test]
fn blocks_of_a_project_begin_where_all_calls_say_and_hold_its_own() {
    let env = two_blocks();
    assert_snapshot!(env.run("blocks --project birch").story(), @r"
    exit 0
    -- stdout
    Block             Until        Calls  Total tokens  Tokens/min  Cost/h    Cost
    ──────────────────────────────────────────────────────────────────────────────
    2026-10-20 10:00  15:00 (now)      1           150                      <$0.01
    ──────────────────────────────────────────────────────────────────────────────
    Total                              1           150                      <$0.01
    not shown here: input, output, cache write, cache read
    The running block
      last 30 min $0.00/h, 0 tokens/min
    ");
    assert_snapshot!(env.run("blocks --model haiku --csv").story(), @r"
    exit 0
    -- stdout
    startTime,endTime,actualEndTime,isActive,calls,inputTokens,outputTokens,cacheCreationTokens,cacheCreation5mTokens,cacheCreation1hTokens,cacheReadTokens,totalTokens,totalCost,unpricedCalls,unpricedTokens
    2026-10-19T08:00:00.000Z,2026-10-19T13:00:00.000Z,2026-10-19T09:00:00.000Z,false,1,0,400,0,0,0,0,400,0.002,0,0
    ");
    let all = env.run("blocks --json").json();
    let birch = env.run("blocks --json --project birch").json();
    assert_eq!(birch["blocks"].as_array().map(Vec::len), Some(1), "no gaps and no empty blocks");
    assert_eq!(birch["blocks"][0]["startTime"], all["blocks"][2]["startTime"]);
    assert_eq!(
        (&birch["blocks"][0]["entries"], &birch["blocks"][0]["totalTokens"]),
        (&1.into(), &150.into())
    );
    assert_snapshot!(env.run("blocks --active --model haiku").story(), @r"
    exit 0
    -- stderr
    note: no block with such calls is running
    ");
    assert_eq!(env.run("blocks --project nobody").code, 2);
    let story = env.run("daily --model haiku --since today --until today").story();
    assert_snapshot!(story, @r"
    exit 0
    -- stderr
    note: no such calls on 2026-10-20
    ");
}
