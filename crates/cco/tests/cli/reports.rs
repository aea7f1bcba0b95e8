//! Reports as people and scripts see them.

use insta::assert_snapshot;

use crate::sealed::{Call, TestEnv};

/// Two days, two sessions, an unpriced model, a hostile name.
fn small_tree() -> TestEnv {
    let env = TestEnv::new();
    let other = "22222222-2222-4222-8222-222222222222";
    let rows = [
        Call { time: "2026-10-18T09:10:00Z", tokens: [10, 2_000, 500, 1_000, 90_000], ..Call::default() },
        Call {
            number: 2,
            time: "2026-10-20T10:15:00Z",
            tokens: [3, 700, 0, 12_000, 50_000],
            ..Call::default()
        },
        Call {
            number: 3,
            time: "2026-10-20T11:45:00Z",
            tokens: [3, 900, 0, 2_000, 64_000],
            ..Call::default()
        },
    ];
    env.transcript("-code-atlas/one.jsonl", &rows.map(|call| call.row()));
    let rows = [
        Call {
            number: 4,
            time: "2026-10-20T11:50:00Z",
            model: "claude-haiku-4-5-20251001",
            ..Call::default()
        },
        Call { number: 5, time: "2026-10-20T11:55:00Z", model: "acme\u{1b}[31m-1", ..Call::default() },
    ];
    let rows = rows.map(|call| Call { session: other, cwd: "/code/birch", ..call }.row());
    env.transcript("-code-birch/two.jsonl", &rows);
    env
}

#[test]
fn daily_is_readable() {
    assert_snapshot!(small_tree().run("daily").story(), @r#"
    exit 0
    -- stdout
    Date        Models                           Calls  Input  Output  Cache write  Cache read  Total tokens     Cost
    ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    2026-10-18  opus-4-8                             1     10   2,000        1,500      90,000        93,510    $0.11
    2026-10-20  opus-4-8, haiku-4-5, acme[31m-1      4      8   1,620       14,000     114,000       129,628  $0.24+?
    ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    Total                                            5     18   3,620       15,500     204,000       223,138  $0.35+?
    -- stderr
    note: no price for acme[31m-1 (1 call, 11 tokens); its cost is not in the totals
    hint: [prices."MODEL"] in config.toml sets a price, in dollars for a million tokens
    "#);
}

#[test]
fn a_report_of_a_branch_holds_its_calls_alone() {
    let env = TestEnv::new();
    let on = |branch: &str, number| {
        let row = Call { number, ..Call::default() }.row();
        row.replacen('{', &format!(r#"{{"gitBranch":"{branch}","#), 1)
    };
    env.transcript("a/s.jsonl", &[on("main", 1), on("main", 2), on("feature/login", 3)]);
    let calls = |words: &str| env.run(&format!("{words} --json")).json()["totals"]["calls"].clone();
    for report in ["daily", "weekly", "monthly", "session", "project", "branch", "model", "model --by agent"]
    {
        assert_eq!(calls(&format!("{report} --branch feature/login")), 1, "{report}");
    }
    assert_eq!(calls("daily --branch main --branch feature/login"), 3);
    assert_eq!(env.run("blocks --branch main --json").json()["blocks"][0]["entries"], 2);
    let wrong = env.run("daily --branch mian");
    assert_eq!((wrong.code, wrong.stderr.contains("did you mean main?")), (2, true), "{}", wrong.stderr);
}

#[test]
fn narrow_terminals_lose_columns_and_no_line_breaks() {
    let env = small_tree().with("COLUMNS", "60");
    let run = env.run("daily");
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 60), "{}", run.stdout);
    assert_snapshot!(run.stdout, @r"
    Date        Input  Output  Total tokens     Cost
    ────────────────────────────────────────────────
    2026-10-18     10   2,000        93,510    $0.11
    2026-10-20      8   1,620       129,628  $0.24+?
    ────────────────────────────────────────────────
    Total          18   3,620       223,138  $0.35+?
    not shown here: calls, cache write, cache read
    ");
    assert_snapshot!(env.with("COLUMNS", "20").run("daily").stdout, @r"
    Date           Cost
    ───────────────────
    2026-10-18    $0.11
    2026-10-20  $0.24+?
    ───────────────────
    Total       $0.35+?
    not shown here:
      calls, input,
      output, cache
      write, cache read,
      total tokens
    ");
}

#[test]
fn daily_as_json() {
    assert_snapshot!(small_tree().run("daily --json --since 2026-10-20").stdout, @r#"
    {
      "daily": [
        {
          "date": "2026-10-20",
          "inputTokens": 8,
          "outputTokens": 1620,
          "cacheCreationTokens": 14000,
          "cacheReadTokens": 114000,
          "totalTokens": 129628,
          "totalCost": 0.237081,
          "modelsUsed": [
            "acme\u001b[31m-1",
            "claude-haiku-4-5-20251001",
            "claude-opus-4-8"
          ],
          "modelBreakdowns": [
            {
              "modelName": "acme\u001b[31m-1",
              "inputTokens": 1,
              "outputTokens": 10,
              "cacheCreationTokens": 0,
              "cacheReadTokens": 0,
              "cost": 0,
              "unpricedCalls": 1,
              "unpricedTokens": 11
            },
            {
              "modelName": "claude-haiku-4-5-20251001",
              "inputTokens": 1,
              "outputTokens": 10,
              "cacheCreationTokens": 0,
              "cacheReadTokens": 0,
              "cost": 0.000051
            },
            {
              "modelName": "claude-opus-4-8",
              "inputTokens": 6,
              "outputTokens": 1600,
              "cacheCreationTokens": 14000,
              "cacheReadTokens": 114000,
              "cost": 0.23703
            }
          ],
          "calls": 4,
          "cacheCreation5mTokens": 0,
          "cacheCreation1hTokens": 14000,
          "unpricedCalls": 1,
          "unpricedTokens": 11
        }
      ],
      "totals": {
        "inputTokens": 8,
        "outputTokens": 1620,
        "cacheCreationTokens": 14000,
        "cacheReadTokens": 114000,
        "totalTokens": 129628,
        "totalCost": 0.237081,
        "calls": 4,
        "unpricedCalls": 1,
        "unpricedTokens": 11
      }
    }
    "#);
}

#[test]
fn the_documented_example_comes_out_as_documented() {
    let env = TestEnv::new();
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    let documented = r#"{"daily":[{"date":"2026-10-20","inputTokens":1,"outputTokens":10,"cacheCreationTokens":0,"cacheReadTokens":0,"totalTokens":11,"totalCost":0.000255,
      "modelsUsed":["claude-opus-4-8"],"modelBreakdowns":[{"modelName":"claude-opus-4-8","inputTokens":1,"outputTokens":10,"cacheCreationTokens":0,"cacheReadTokens":0,"cost":0.000255}],
      "calls":1,"cacheCreation5mTokens":0,"cacheCreation1hTokens":0,"unpricedCalls":0,"unpricedTokens":0}],
     "totals":{"inputTokens":1,"outputTokens":10,"cacheCreationTokens":0,"cacheReadTokens":0,"totalTokens":11,"totalCost":0.000255,"calls":1,"unpricedCalls":0,"unpricedTokens":0}}"#;
    let squeezed = |json: &str| json.split_whitespace().collect::<String>();
    assert_eq!(squeezed(&env.run("daily --json").stdout), squeezed(documented));
}

#[test]
fn sessions() {
    let env = small_tree();
    assert_snapshot!(env.run("session").stdout, @r"
    Session                               Project  Last call         Models                 Calls  Input  Output  Cache write  Cache read  Total tokens      Cost
    ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    11111111-1111-4111-8111-111111111111  atlas    2026-10-20 11:45  opus-4-8                   3     16   3,600       15,500     204,000       223,116     $0.35
    22222222-2222-4222-8222-222222222222  birch    2026-10-20 11:55  haiku-4-5, acme[31m-1      2      2      20            0           0            22  <$0.01+?
    ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    Total                                                                                       5     18   3,620       15,500     204,000       223,138   $0.35+?
    ");
    assert_snapshot!(env.run("session --json --until 2026-10-18").stdout, @r#"
    {
      "sessions": [
        {
          "sessionId": "11111111-1111-4111-8111-111111111111",
          "projectPath": "/code/atlas",
          "firstActivity": "2026-10-18T09:10:00.000Z",
          "lastActivity": "2026-10-18T09:10:00.000Z",
          "inputTokens": 10,
          "outputTokens": 2000,
          "cacheCreationTokens": 1500,
          "cacheReadTokens": 90000,
          "totalTokens": 93510,
          "totalCost": 0.108175,
          "modelsUsed": [
            "claude-opus-4-8"
          ],
          "modelBreakdowns": [
            {
              "modelName": "claude-opus-4-8",
              "inputTokens": 10,
              "outputTokens": 2000,
              "cacheCreationTokens": 1500,
              "cacheReadTokens": 90000,
              "cost": 0.108175
            }
          ],
          "calls": 1,
          "cacheCreation5mTokens": 500,
          "cacheCreation1hTokens": 1000,
          "unpricedCalls": 0,
          "unpricedTokens": 0
        }
      ],
      "totals": {
        "inputTokens": 10,
        "outputTokens": 2000,
        "cacheCreationTokens": 1500,
        "cacheReadTokens": 90000,
        "totalTokens": 93510,
        "totalCost": 0.108175,
        "calls": 1,
        "unpricedCalls": 0,
        "unpricedTokens": 0
      }
    }
    "#);
}

#[test]
fn blocks() {
    let env = small_tree();
    assert_snapshot!(env.run("blocks").stdout, @r"
    Block             Until        Models                           Calls  Input  Output  Cache write  Cache read  Total tokens  Tokens/min   Cost/h     Cost
    ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    2026-10-18 09:00  14:00        opus-4-8                             1     10   2,000        1,500      90,000        93,510                         $0.11
    2026-10-20 10:00  15:00 (now)  opus-4-8, haiku-4-5, acme[31m-1      4      8   1,620       14,000     114,000       129,628       1,296  $0.14+?  $0.24+?
    ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    Total                                                               5     18   3,620       15,500     204,000       223,138                       $0.35+?
    The running block
      last 30 min $0.15+?/h, 2,231 tokens/min
      whole block $0.14+?/h, 1,296 tokens/min
      ~$0.66+? and ~362,958 tokens by 15:00, in 3 h 00 min
    ");
    assert_snapshot!(env.run("blocks --json").stdout, @r#"
    {
      "blocks": [
        {
          "id": "2026-10-18T09:00:00.000Z",
          "startTime": "2026-10-18T09:00:00.000Z",
          "endTime": "2026-10-18T14:00:00.000Z",
          "actualEndTime": "2026-10-18T09:10:00.000Z",
          "isActive": false,
          "isGap": false,
          "entries": 1,
          "tokenCounts": {
            "inputTokens": 10,
            "outputTokens": 2000,
            "cacheCreationInputTokens": 1500,
            "cacheReadInputTokens": 90000
          },
          "totalTokens": 93510,
          "costUSD": 0.108175,
          "models": [
            "claude-opus-4-8"
          ],
          "burnRate": null,
          "projection": null,
          "recentBurnRate": null,
          "unpricedCalls": 0,
          "unpricedTokens": 0
        },
        {
          "id": "2026-10-18T14:00:00.000Z",
          "startTime": "2026-10-18T14:00:00.000Z",
          "endTime": "2026-10-20T10:00:00.000Z",
          "actualEndTime": null,
          "isActive": false,
          "isGap": true,
          "entries": 0,
          "tokenCounts": {
            "inputTokens": 0,
            "outputTokens": 0,
            "cacheCreationInputTokens": 0,
            "cacheReadInputTokens": 0
          },
          "totalTokens": 0,
          "costUSD": 0,
          "models": [],
          "burnRate": null,
          "projection": null,
          "recentBurnRate": null,
          "unpricedCalls": 0,
          "unpricedTokens": 0
        },
        {
          "id": "2026-10-20T10:00:00.000Z",
          "startTime": "2026-10-20T10:00:00.000Z",
          "endTime": "2026-10-20T15:00:00.000Z",
          "actualEndTime": "2026-10-20T11:55:00.000Z",
          "isActive": true,
          "isGap": false,
          "entries": 4,
          "tokenCounts": {
            "inputTokens": 8,
            "outputTokens": 1620,
            "cacheCreationInputTokens": 14000,
            "cacheReadInputTokens": 114000
          },
          "totalTokens": 129628,
          "costUSD": 0.237081,
          "models": [
            "acme\u001b[31m-1",
            "claude-haiku-4-5-20251001",
            "claude-opus-4-8"
          ],
          "burnRate": {
            "tokensPerMinute": 1296.28,
            "tokensPerMinuteForIndicator": 16.28,
            "costPerHour": 0.1422486,
            "calls": 4,
            "unpricedCalls": 1
          },
          "projection": {
            "totalTokens": 362958,
            "totalCost": 0.6638268,
            "remainingMinutes": 180
          },
          "recentBurnRate": {
            "tokensPerMinute": 2230.833,
            "costPerHour": 0.149132,
            "calls": 3,
            "unpricedCalls": 1
          },
          "unpricedCalls": 1,
          "unpricedTokens": 11
        }
      ]
    }
    "#);
}

#[test]
fn a_glance() {
    assert_snapshot!(small_tree().run("").story(), @r#"
    exit 0
    -- stdout
    Today       Tue 20 Oct       $0.24+?  4 calls  129,628 tokens
    This block  until ~15:00     $0.24+?  4 calls  129,628 tokens
      last 30 min $0.15+?/h, 2,231 tokens/min
      whole block $0.14+?/h, 1,296 tokens/min
      ~$0.66+? and ~362,958 tokens by 15:00, in 3 h 00 min
    This week   from Mon 19 Oct  $0.24+?  4 calls  129,628 tokens

    Projects this week
      atlas     $0.24  129,606 tokens
      birch  <$0.01+?       22 tokens

    Models this week
      claude-opus-4-8             $0.24  129,606 tokens
      claude-haiku-4-5-20251001  <$0.01       11 tokens
      acme[31m-1                      ?       11 tokens
    -- stderr
    note: no price for acme[31m-1 (1 call, 11 tokens); its cost is not in the totals
    hint: [prices."MODEL"] in config.toml sets a price, in dollars for a million tokens
    "#);
}

#[test]
fn a_glance_says_what_has_no_price_even_where_its_model_is_not_named() {
    let env = TestEnv::new();
    let models = [
        "claude-opus-4-8",
        "claude-opus-4-7",
        "claude-opus-4-6",
        "claude-opus-4-5",
        "claude-haiku-4-5",
        "acme-1",
        "acme-2",
    ];
    let rows = (1..).zip(models).map(|(number, model)| {
        // Too long ago for today and for the block.
        let time = if model == "acme-2" { "2026-10-19T01:00:00Z" } else { "2026-10-20T11:00:00Z" };
        Call { number, model, time, ..Call::default() }.row()
    });
    env.transcript("a/s.jsonl", &rows.collect::<Vec<_>>());
    let stderr = env.run("").stderr;
    assert!(stderr.contains("no price for acme-1 (1 call, 11 tokens)"), "{stderr}");
    assert!(stderr.contains("hint: [prices.\"MODEL\"]"), "{stderr}");
    let said = stderr.lines().filter(|line| line.contains("(1 call, 11 tokens)")).count();
    assert_eq!(said, 2, "{stderr}");
}

#[test]
fn a_glance_on_a_quiet_day() {
    assert_snapshot!(small_tree().with("CCO_NOW", "2026-10-22T08:00:00Z").run("").stdout, @r"
    Today       Thu 22 Oct         $0.00  0 calls        0 tokens
    This block  none is running
    This week   from Mon 19 Oct  $0.24+?  4 calls  129,628 tokens
    no calls today; the last one was at 2026-10-20 11:55

    Projects this week
      atlas     $0.24  129,606 tokens
      birch  <$0.01+?       22 tokens

    Models this week
      claude-opus-4-8             $0.24  129,606 tokens
      claude-haiku-4-5-20251001  <$0.01       11 tokens
      acme[31m-1                      ?       11 tokens
    ");
}

#[test]
fn an_empty_span_is_said() {
    assert_snapshot!(small_tree().run("daily --since 2027-01-01").story(), @r"
    exit 0
    -- stderr
    note: no calls since 2027-01-01
    ");
}

#[test]
fn colour_comes_only_when_asked_for() {
    let env = small_tree();
    assert!(!env.run("daily").stdout.contains('\u{1b}'));
    assert!(env.run("daily --color always").stdout.contains("\u{1b}[1m"));
    assert!(!env.run("daily --color never").stdout.contains('\u{1b}'));
}

#[test]
fn hostile_names_are_harmless() {
    let env = small_tree();
    for words in ["", "daily", "session", "blocks", "daily --json", "--json", "scan -v"] {
        let run = env.run(words);
        assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'), "{words}");
    }
    assert_eq!(env.run("daily --json").json()["daily"][1]["modelsUsed"][0], "acme\u{1b}[31m-1");
}

#[test]
fn a_scan_says_what_it_did() {
    let env = small_tree();
    let size = |path: &str| std::fs::metadata(env.home().join(".claude/projects").join(path)).unwrap().len();
    let bytes = size("-code-atlas/one.jsonl") + size("-code-birch/two.jsonl");
    let first = env.run("scan --json").json();
    assert_eq!((&first["filesRead"], &first["callsNew"]), (&2.into(), &5.into()), "{first}");
    assert_eq!(first["bytesRead"], bytes);
    assert_snapshot!(env.run("stats scan").story(), @r"
    exit 0
    -- stdout
    2 transcripts, 0 had something new (0 B)
    0 new calls, 0 changed
    ");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let env = small_tree();
    let (code, stderr) = env.run_with_closed_stdout("daily --json");
    assert_eq!((code, stderr.as_str()), (0, ""));
}

#[test]
fn a_damaged_line_is_named_long_after_it_was_read() {
    let env = TestEnv::new();
    let whole = Call::default().row();
    let torn = format!("{}{}", &whole[..60], Call { number: 2, ..Call::default() }.row());
    env.transcript("-code-atlas/one.jsonl", &[whole, torn]);
    let first = env.run("daily").story();
    assert!(first.contains("1 damaged line met, 1 record recovered"), "{first}");
    for _ in 0..2 {
        let named = env.run("scan -v").story();
        assert!(named.contains("one.jsonl: byte ") && named.contains("1 whole record recovered"), "{named}");
    }
}
