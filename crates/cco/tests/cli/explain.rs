//! Where a number comes from, as people and scripts see it.

use insta::assert_snapshot;

use crate::sealed::{Call, TestEnv};

const MAIN: &str = "11111111-1111-4111-8111-111111111111";
const FORK: &str = "22222222-2222-4222-8222-222222222222";

fn answer(tokens: [u64; 5]) -> Call {
    Call { number: 7, tokens, ..Call::default() }
}

/// An answer with a placeholder row, forked into another session; there also a call of its own and what Claude Code
/// says of the cost.
fn forked() -> TestEnv {
    let env = TestEnv::new();
    let done = [3, 700, 500, 12_000, 50_000];
    let rows = [answer([3, 1, 500, 12_000, 50_000]).row(), answer(done).row(), answer(done).row()];
    let main = env.transcript(&format!("-code-atlas/{MAIN}.jsonl"), &rows);
    let own = Call { number: 8, session: FORK, time: "2026-10-20T11:30:00.000Z", ..answer([1, 10, 0, 0, 0]) };
    let unpriced = Call { number: 9, model: "acme-1", time: "2026-10-20T11:40:00.000Z", ..own };
    let state = format!(
        r#"{{"type":"cost-state","sessionId":"{FORK}","timestamp":"2026-10-20T11:50:00.000Z","totalCostUSD":0.2}}"#
    );
    let link = format!(
        r#"{{"type":"pr-link","sessionId":"{FORK}","prUrl":"https://example.com/pull/7","prNumber":7}}"#
    );
    let copy = Call { session: FORK, ..answer(done) };
    let rows = [copy.row(), own.row(), unpriced.row(), state, link, "{\"type\":\"assist".to_owned()];
    let fork = env.transcript(&format!("-code-atlas/{FORK}.jsonl"), &rows);
    // The fork was born later.
    for (path, second) in [(main, 1_600_000_000), (fork, 1_600_000_001)] {
        let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(second);
        std::fs::File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
    }
    env
}

#[test]
fn a_call_is_told_down_to_rows_and_rates() {
    let env = forked();
    assert_snapshot!(env.run("explain msg_00000000000000000007").story(), @r"
    exit 0
    -- stdout
    Call #1
      when     2026-10-20 11:00:00.000 (UTC)
      model    claude-opus-4-8
      session  11111111-1111-4111-8111-111111111111
      project  /code/atlas
      message  msg_00000000000000000007
      request  req_00000000000000000007
      terms    main thread

    Cost
      input                   3     × $5/M  = $0.000015000
      output                700    × $25/M  = $0.017500000
      cache write 5 min     500  × $6.25/M  = $0.003125000
      cache write 1 h    12,000    × $10/M  = $0.120000000
      cache read         50,000   × $0.5/M  = $0.025000000
      cost         $0.16564
      cache saved  $0.164375
      rates        claude-opus-4-8 of list 2026-11-20-9b08c871, in force on 2026-10-20 (UTC)

    Rows
      $HOME/.claude/projects/-code-atlas/11111111-1111-4111-8111-111111111111.jsonl
        byte 540 kept
          11:00:00.000; 63,203 tokens, 700 of them output
        byte 0 dropped: a placeholder with less output, written while the answer was still coming
          11:00:00.000; 62,504 tokens, 1 of them output
        byte 1082 dropped: the same counts again: one answer is written as several rows
          11:00:00.000; 63,203 tokens, 700 of them output
      $HOME/.claude/projects/-code-atlas/22222222-2222-4222-8222-222222222222.jsonl
        byte 0 dropped: a copy in a resumed or forked session, in a file born later
          11:00:00.000; 63,203 tokens, 700 of them output; session 22222222-2222-4222-8222-222222222222
      looked through 2 transcripts (3.5 kB): all there are
    -- stderr
    note: 1 damaged line met, 0 records recovered; `cco scan -v` names them
    ");
    // The same call by its request id and by its number.
    let page = env.run("explain msg_00000000000000000007").stdout;
    assert_eq!(env.run("explain req_00000000000000000007").stdout, page);
    assert_eq!(env.run("explain call:1").stdout, page);
}

#[test]
fn a_call_on_a_narrow_terminal_keeps_every_word() {
    let env = forked().with("COLUMNS", "60");
    assert_snapshot!(env.run("explain msg_00000000000000000007").stdout, @r"
    Call #1
      when     2026-10-20 11:00:00.000 (UTC)
      model    claude-opus-4-8
      session  11111111-1111-4111-8111-111111111111
      project  /code/atlas
      message  msg_00000000000000000007
      request  req_00000000000000000007
      terms    main thread

    Cost
      input                   3     × $5/M  = $0.000015000
      output                700    × $25/M  = $0.017500000
      cache write 5 min     500  × $6.25/M  = $0.003125000
      cache write 1 h    12,000    × $10/M  = $0.120000000
      cache read         50,000   × $0.5/M  = $0.025000000
      cost         $0.16564
      cache saved  $0.164375
      rates        claude-opus-4-8 of list 2026-11-20-9b08c871,
        in force on 2026-10-20 (UTC)

    Rows
      $HOME/.claude/projects/-code-atlas/11111111-1111-4111-8111-111111111111.jsonl
        byte 540 kept
          11:00:00.000; 63,203 tokens, 700 of them output
        byte 0 dropped: a placeholder with less output, written
          while the answer was still coming
          11:00:00.000; 62,504 tokens, 1 of them output
        byte 1082 dropped: the same counts again: one answer is
          written as several rows
          11:00:00.000; 63,203 tokens, 700 of them output
      $HOME/.claude/projects/-code-atlas/22222222-2222-4222-8222-222222222222.jsonl
        byte 0 dropped: a copy in a resumed or forked session,
          in a file born later
          11:00:00.000; 63,203 tokens, 700 of them output;
            session 22222222-2222-4222-8222-222222222222
      looked through 2 transcripts (3.5 kB): all there are
    ");
}

#[test]
fn a_call_without_a_price_says_so() {
    assert_snapshot!(forked().run("explain msg_00000000000000000009").stdout, @r"
    Call #3
      when     2026-10-20 11:40:00.000 (UTC)
      model    acme-1
      session  22222222-2222-4222-8222-222222222222
      project  /code/atlas
      message  msg_00000000000000000009
      request  req_00000000000000000009
      terms    main thread

    Cost
      input               1
      output             10
      cache write 5 min   0
      cache write 1 h     0
      cache read          0
      cost   ? (no price)
      rates  none: list 2026-11-20-9b08c871 does not know this model

    Rows
      $HOME/.claude/projects/-code-atlas/22222222-2222-4222-8222-222222222222.jsonl
        byte 1069 kept
          11:40:00.000; 11 tokens, 10 of them output
      looked through 2 transcripts (3.5 kB): all there are
    ");
}

#[test]
fn a_session_is_told_with_its_files_and_what_claude_code_says() {
    assert_snapshot!(forked().run(&format!("explain {FORK}")).stdout, @r"
    Session 22222222-2222-4222-8222-222222222222
      cost         $0.000255+?
      calls        2
      from         2026-10-20 11:30 to 2026-10-20 11:40 (UTC)
      input        2
      output       20
      cache write  0 for 5 min, 0 for 1 h
      cache read   0
      tokens       22
      cache saved  $0.00
      no price     1 call with 11 tokens; their cost is not in the total
      Claude Code itself said $0.20 at 2026-10-20 11:50; ours is $0.199745 less, without the calls that have no price
        $HOME/.claude/projects/-code-atlas/22222222-2222-4222-8222-222222222222.jsonl: byte 1587
      pull request https://example.com/pull/7

    By model
      claude-opus-4-8  <$0.01  1 call  11 tokens
      acme-1                ?  1 call  11 tokens

    By project
      /code/atlas  <$0.01+?  2 calls  22 tokens

    Calls, dearest first
      #2  2026-10-20 11:30:00  opus-4-8  11 tokens  $0.000255000
      #3  2026-10-20 11:40:00  acme-1    11 tokens             ?

    Files
      $HOME/.claude/projects/-code-atlas/22222222-2222-4222-8222-222222222222.jsonl
        2 calls kept from it; 3 rows of 3 calls, of these 1 row of 1 call that are shown under other sessions
      The session's totals are smaller than all rows in these files: a call that several sessions hold is counted once, where it was written first.

    Damaged lines and odd rows in its files
      $HOME/.claude/projects/-code-atlas/22222222-2222-4222-8222-222222222222.jsonl: byte 1838: damaged line, nothing whole on it
    ");
}

#[test]
fn days_and_projects_are_told() {
    let env = forked();
    assert_snapshot!(env.run("explain today --limit 1 --timezone Europe/Berlin").stdout, @r"
    Tue 2026-10-20, a day of Europe/Berlin
      cost         $0.165895+?
      calls        3
      from         2026-10-20 13:00 to 2026-10-20 13:40 (Europe/Berlin)
      input        5
      output       720
      cache write  500 for 5 min, 12,000 for 1 h
      cache read   50,000
      tokens       63,225
      cache saved  $0.164375
      no price     1 call with 11 tokens; their cost is not in the total

    By model
      claude-opus-4-8  $0.17  2 calls  63,214 tokens
      acme-1               ?   1 call      11 tokens

    By project
      /code/atlas  $0.17+?  3 calls  63,225 tokens

    By session
      11111111-1111-4111-8111-111111111111     $0.17   1 call  63,203 tokens
      22222222-2222-4222-8222-222222222222  <$0.01+?  2 calls      22 tokens

    The dearest 1 of 3 calls (--limit shows more)
      #1  2026-10-20 13:00:00  opus-4-8  63,203 tokens  $0.165640000

    Damaged lines and odd rows in its files
      $HOME/.claude/projects/-code-atlas/22222222-2222-4222-8222-222222222222.jsonl: byte 1838: damaged line, nothing whole on it
    ");
    assert_snapshot!(env.run("explain atlas").stdout, @r"
    Project /code/atlas
      cost         $0.165895+?
      calls        3
      from         2026-10-20 11:00 to 2026-10-20 11:40 (UTC)
      input        5
      output       720
      cache write  500 for 5 min, 12,000 for 1 h
      cache read   50,000
      tokens       63,225
      cache saved  $0.164375
      no price     1 call with 11 tokens; their cost is not in the total

    By model
      claude-opus-4-8  $0.17  2 calls  63,214 tokens
      acme-1               ?   1 call      11 tokens

    By session
      11111111-1111-4111-8111-111111111111     $0.17   1 call  63,203 tokens
      22222222-2222-4222-8222-222222222222  <$0.01+?  2 calls      22 tokens

    Calls, dearest first
      #1  2026-10-20 11:00:00  opus-4-8  63,203 tokens  $0.165640000
      #2  2026-10-20 11:30:00  opus-4-8      11 tokens  $0.000255000
      #3  2026-10-20 11:40:00  acme-1        11 tokens             ?

    Damaged lines and odd rows in its files
      $HOME/.claude/projects/-code-atlas/22222222-2222-4222-8222-222222222222.jsonl: byte 1838: damaged line, nothing whole on it
    ");
    let narrow = forked().with("COLUMNS", "60").run("explain today").stdout;
    assert_snapshot!(narrow.split_once("By model").unwrap().1.split_once("\nDamaged").unwrap().0, @r"
      opus-4-8  $0.17  2 calls  63,214 tokens
      acme-1        ?   1 call      11 tokens

    By project
      /code/atlas  $0.17+?  3 calls  63,225 tokens

    By session
      11111111-1111-4111-8111…     $0.17   1 call  63,203 tokens
      22222222-2222-4222-8222…  <$0.01+?  2 calls      22 tokens

    Calls, dearest first
      #1  2026-10-20 11:00:00  63,203 tokens  $0.165640000
      #2  2026-10-20 11:30:00      11 tokens  $0.000255000
      #3  2026-10-20 11:40:00      11 tokens             ?
    ");
    assert_snapshot!(env.run("explain yesterday").story(), @r"
    exit 0
    -- stdout
    Mon 2026-10-19, a day of UTC
    no calls
    ");
}

#[test]
fn scripts_get_the_same() {
    let env = forked();
    let call = env.run("explain msg_00000000000000000007 --json").json();
    let rows = call["call"]["rows"].as_array().unwrap();
    let fates: Vec<&str> =
        rows.iter().map(|row| row["reason"].as_str().or(row["verdict"].as_str()).unwrap()).collect();
    assert_eq!(fates, ["kept", "placeholder", "repeated", "forked"]);
    assert_snapshot!(env.run("explain msg_00000000000000000008 --json").stdout, @r#"
    {
      "call": {
        "id": 2,
        "time": "2026-10-20T11:30:00.000Z",
        "modelName": "claude-opus-4-8",
        "sessionId": "22222222-2222-4222-8222-222222222222",
        "projectPath": "/code/atlas",
        "branch": "",
        "agent": "",
        "skill": "",
        "plugin": "",
        "mcpServer": "",
        "messageId": "msg_00000000000000000008",
        "requestId": "req_00000000000000000008",
        "effort": "",
        "sidechain": false,
        "fast": false,
        "usInference": false,
        "batch": false,
        "inputTokens": 1,
        "outputTokens": 10,
        "cacheCreation5mTokens": 0,
        "cacheCreation1hTokens": 0,
        "cacheReadTokens": 0,
        "totalTokens": 11,
        "webSearches": 0,
        "thinkingTokens": 0,
        "cost": 0.000255,
        "cacheSavings": 0,
        "loggedCost": null,
        "priceList": "2026-11-20-9b08c871",
        "price": {
          "priceList": "2026-11-20-9b08c871",
          "agrees": true,
          "pricedAs": "claude-opus-4-8",
          "day": "2026-10-20",
          "validFrom": null,
          "validUntil": null,
          "abovePromptTokens": null,
          "fastRates": false,
          "usMultiplier": null,
          "batchMultiplier": null,
          "classes": [
            {
              "class": "input",
              "tokens": 1,
              "rate": 5,
              "cost": 0.000005
            },
            {
              "class": "output",
              "tokens": 10,
              "rate": 25,
              "cost": 0.00025
            },
            {
              "class": "cache_write_5m",
              "tokens": 0,
              "rate": 6.25,
              "cost": 0
            },
            {
              "class": "cache_write_1h",
              "tokens": 0,
              "rate": 10,
              "cost": 0
            },
            {
              "class": "cache_read",
              "tokens": 0,
              "rate": 0.5,
              "cost": 0
            }
          ],
          "webSearchRate": 0.01,
          "webSearchCost": 0,
          "total": 0.000255,
          "roundingAtto": 0
        },
        "tools": [],
        "rows": [
          {
            "path": "$HOME/.claude/projects/-code-atlas/22222222-2222-4222-8222-222222222222.jsonl",
            "offset": 542,
            "place": "there",
            "verdict": "kept",
            "reason": null,
            "why": "the call's counts come from it",
            "time": "2026-10-20T11:30:00.000Z",
            "sessionId": "22222222-2222-4222-8222-222222222222",
            "sidechain": false,
            "inputTokens": 1,
            "outputTokens": 10,
            "cacheCreation5mTokens": 0,
            "cacheCreation1hTokens": 0,
            "cacheReadTokens": 0,
            "totalTokens": 11,
            "webSearches": 0
          }
        ],
        "searched": {
          "files": 2,
          "bytes": 3478,
          "filesLeft": 0,
          "bytesLeft": 0,
          "unreadable": []
        }
      }
    }
    "#);
    let session = env.run(&format!("explain {FORK} --json")).json();
    assert_eq!(session["session"]["files"][0]["rowsOfOtherSessions"], 1);
    assert_eq!(session["session"]["claudeCodeCost"], 0.2);
    let day = env.run("explain today --json").json();
    assert_eq!((&day["day"]["calls"], &day["day"]["timezone"]), (&3.into(), &"UTC".into()));
    assert_eq!(env.run("explain atlas --json").json()["project"]["path"], "/code/atlas");
}

#[test]
fn words_that_name_nothing_or_too_much_are_errors_that_help() {
    let env = forked();
    let other = Call { number: 20, session: "11111111-2222", cwd: "/code/birch", ..Call::default() };
    env.transcript("-code-birch/other.jsonl", &[other.row()]);
    let runs: Vec<String> =
        ["1111", "atlsa", "11111111-3", "msg_short", "msg_0000000000000000000x", "#9999", "/code/atlass"]
            .map(|word| format!("$ cco explain {word}\n{}", env.run(&format!("explain {word}")).story()))
            .to_vec();
    assert_snapshot!(runs.join("\n"), @r##"
    $ cco explain 1111
    exit 2
    -- stderr
    note: 1 damaged line met, 0 records recovered; `cco scan -v` names them
    error: "1111" names several sessions; which one?
    hint: 11111111-1111-4111-8111-111111111111
    hint: 11111111-2222

    $ cco explain atlsa
    exit 2
    -- stderr
    error: nothing here is called "atlsa"
    hint: did you mean the project atlas?
    hint: a day (2026-10-20, today, yesterday), a session's id or how it begins, a call (msg_…, req_…, '#123'), or a project's path or last name; `cco session` lists sessions

    $ cco explain 11111111-3
    exit 2
    -- stderr
    error: nothing here is called "11111111-3"
    hint: did you mean the session 11111111-1111-4111-8111-111111111111, 11111111-2222?
    hint: a day (2026-10-20, today, yesterday), a session's id or how it begins, a call (msg_…, req_…, '#123'), or a project's path or last name; `cco session` lists sessions

    $ cco explain msg_short
    exit 2
    -- stderr
    error: "msg_short" is no message id of the API; such calls are known by their request id too
    hint: give the request id (req_…), or the call's number from `cco explain DAY`

    $ cco explain msg_0000000000000000000x
    exit 2
    -- stderr
    error: no call in the ledger is "msg_0000000000000000000x"
    hint: `cco explain today` lists calls with their numbers; a whole id is needed

    $ cco explain #9999
    exit 2
    -- stderr
    error: no call in the ledger is "#9999"
    hint: `cco explain today` lists calls with their numbers; a whole id is needed

    $ cco explain /code/atlass
    exit 2
    -- stderr
    error: nothing here is called "/code/atlass"
    hint: did you mean the project /code/atlas?
    hint: a day (2026-10-20, today, yesterday), a session's id or how it begins, a call (msg_…, req_…, '#123'), or a project's path or last name; `cco session` lists sessions
    "##);
}

#[test]
fn a_row_whose_file_is_gone_is_said_to_be() {
    let env = forked();
    assert_eq!(env.run("scan").code, 0);
    std::fs::remove_file(env.home().join(format!(".claude/projects/-code-atlas/{MAIN}.jsonl"))).unwrap();
    let page = env.run("explain msg_00000000000000000007").stdout;
    assert_snapshot!(page.split_once("Rows\n").unwrap().1, @r"
    $HOME/.claude/projects/-code-atlas/11111111-1111-4111-8111-111111111111.jsonl
      byte 540 kept; the file is gone, the ledger remembers
        63,203 tokens, 700 of them output
    $HOME/.claude/projects/-code-atlas/22222222-2222-4222-8222-222222222222.jsonl
      byte 0 dropped: a copy in a resumed or forked session, in a file born later
        11:00:00.000; 63,203 tokens, 700 of them output; session 22222222-2222-4222-8222-222222222222
    looked through 1 transcript (1.9 kB): all there are
    ");
}
