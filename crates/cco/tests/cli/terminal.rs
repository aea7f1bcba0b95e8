//! What people see on terminals of all widths: nothing is broken in the middle of a word or of a row.

use insta::assert_snapshot;

use crate::sealed::{Call, TestEnv};

#[test]
fn notes_break_between_words() {
    let env = TestEnv::new();
    env.transcript("a/s.jsonl", &[Call { model: "acme-1", ..Call::default() }.row()]);
    let screen = env.run_on_terminal("daily", 40);
    assert!(screen.lines().all(|line| line.chars().count() <= 40), "{screen}");
    assert_snapshot!(screen, @r#"
    Date        Output  Total tokens  Cost
    ──────────────────────────────────────
    2026-10-20      10            11     ?
    ──────────────────────────────────────
    Total           10            11     ?
    not shown here: calls, input, cache
      write, cache read
    note: no price for acme-1 (1 call, 11
      tokens); its cost is not in the totals
    hint: [prices."MODEL"] in config.toml
      sets a price, in dollars for a million
      tokens
    "#);
    assert_snapshot!(env.run_on_terminal("daily --since tomorrow", 40), @r"
    error: invalid value 'tomorrow' for
      '--since <DAY>': no such day; a day is
      2026-10-20, 20261020, today or
      yesterday

    For more information, try '--help'.
    ");
}

#[test]
fn notes_that_nobody_looks_at_keep_their_lines() {
    let env = TestEnv::new().with("COLUMNS", "40");
    assert!(env.run("daily").stderr.contains("hint: looked in $HOME/.config/claude/projects (not there)\n"));
}

/// Sessions with ids that begin alike, long names, wide letters and costs of millions.
fn wide_tree() -> TestEnv {
    let env = TestEnv::new();
    let rows = [
        ("11111111-1111-4111-8111-111111111111", "/code/atlas", "claude-opus-4-8", 10),
        ("22222222-2222-4222-8222-222222222222", "/code/the-long-way-to-the-harbour-map", "acme-1", 20),
        (
            "33333333-3333-4333-8333-333333333333",
            "/code/港湾地図港湾地図港湾地図",
            "claude-haiku-4-5-20251001",
            9_000_000_000,
        ),
    ];
    for (number, (session, cwd, model, output)) in (1..).zip(rows) {
        let call = Call { number, session, cwd, model, tokens: [1, output, 2, 3, 4], ..Call::default() };
        env.transcript(&format!("a/{number}.jsonl"), &[call.row()]);
    }
    env
}

/// Columns of a line in a terminal's eyes, roughly: letters beyond kana take two.
fn columns(line: &str) -> usize {
    line.chars().map(|c| if ('\u{3000}'..='\u{ffff}').contains(&c) { 2 } else { 1 }).sum()
}

#[test]
fn a_narrow_session_table_keeps_project_and_time_by_shortening_ids() {
    let env = wide_tree();
    assert_snapshot!(env.run_on_terminal("session --color never", 60), @r#"
    Session   Project             Last call                 Cost
    ────────────────────────────────────────────────────────────
    11111111  atlas               2026-10-20 11:00        <$0.01
    22222222  …o-the-harbour-map  2026-10-20 11:00             ?
    33333333  …港湾地図港湾地図   2026-10-20 11:00    $45,000.00
    ────────────────────────────────────────────────────────────
    Total                                           $45,000.00+?
    not shown here: calls, input, output, cache write, cache
      read, total tokens
    note: no price for acme-1 (1 call, 30 tokens); its cost is
      not in the totals
    hint: [prices."MODEL"] in config.toml sets a price, in
      dollars for a million tokens
    "#);
    assert_snapshot!(env.run_on_terminal("session --color never", 40), @r#"
    Session   Project                   Cost
    ────────────────────────────────────────
    11111111  atlas                   <$0.01
    22222222  …the-harbour-map             ?
    33333333  …湾地図港湾地図     $45,000.00
    ────────────────────────────────────────
    Total                       $45,000.00+?
    not shown here: calls, input, output,
      cache write, cache read, total tokens
    note: no price for acme-1 (1 call, 30
      tokens); its cost is not in the totals
    hint: [prices."MODEL"] in config.toml
      sets a price, in dollars for a million
      tokens
    "#);
    assert_snapshot!(env.run_on_terminal("session --color never", 20), @r#"
    Sessi…          Cost
    ────────────────────
    11111…        <$0.01
    22222…             ?
    33333…    $45,000.00
    ────────────────────
    Total   $45,000.00+?
    not shown here:
      calls, input,
      output, cache
      write, cache read,
      total tokens
    note: no price for
      acme-1 (1 call, 30
      tokens); its cost
      is not in the
      totals
    hint:
      [prices."MODEL"]
      in config.toml
      sets a price, in
      dollars for a
      million tokens
    "#);
}

#[test]
fn ids_that_begin_alike_are_cut_later() {
    let env = TestEnv::new();
    for (number, session) in
        [(1, "11111111-1111-4111-8111-111111111111"), (2, "11111111-1199-4111-8111-111111111111")]
    {
        env.transcript(&format!("a/{number}.jsonl"), &[Call { number, session, ..Call::default() }.row()]);
    }
    let screen = env.run_on_terminal("session", 70);
    assert!(screen.contains("\n11111111-111  ") && screen.contains("\n11111111-119  "), "{screen}");
}

#[test]
fn ids_stay_whole_for_programs() {
    let env = wide_tree().with("COLUMNS", "60");
    assert!(env.run("session").stdout.contains("11111111-1111-4111-8111-111111111111"));
    assert!(env.run_on_terminal("session --json", 60).contains("\"11111111-1111-4111-8111-111111111111\""));
}

#[test]
fn no_row_is_wider_than_the_terminal() {
    let env = wide_tree();
    for room in [20, 21, 22, 25, 30, 36, 40, 50, 60, 80, 100, 120, 160, 200] {
        for words in ["", "daily", "session", "blocks", "scan"] {
            let screen = env.run_on_terminal(words, room);
            let too_wide = screen.lines().find(|line| columns(line) > usize::from(room));
            assert_eq!(too_wide, None, "{room} {words}\n{screen}");
        }
    }
}

#[test]
fn a_narrow_glance() {
    let env = wide_tree();
    assert_snapshot!(env.run_on_terminal("", 40), @r#"
    Today       $45,000.00+?
    This block  $45,000.00+?
      last 30 min $0.00/h, 0 tokens/min
    This week   $45,000.00+?

    Projects this week
      港湾地図港湾地図港湾地図    $45,000.00
      atlas                           <$0.01
      …ng-way-to-the-harbour-map           ?

    Models this week
      haiku-4-5  $45,000.00
      opus-4-8       <$0.01
      acme-1              ?
    note: no price for acme-1 (1 call, 30
      tokens); its cost is not in the totals
    hint: [prices."MODEL"] in config.toml
      sets a price, in dollars for a million
      tokens
    "#);
    assert_snapshot!(env.run_on_terminal("", 20), @r#"
    Today   $45,000.00+?
    This …  $45,000.00+?
      last 30 min
        $0.00/h, 0
        tokens/min
    This …  $45,000.00+?

    Projects this week
      …地図   $45,000.00
      atlas       <$0.01
      …r-map           ?

    Models this week
      haiku…  $45,000.00
      opus-…      <$0.01
      acme-1           ?
    note: no price for
      acme-1 (1 call, 30
      tokens); its cost
      is not in the
      totals
    hint:
      [prices."MODEL"]
      in config.toml
      sets a price, in
      dollars for a
      million tokens
    "#);
}

#[test]
fn the_demo_looks_its_best_on_a_narrow_terminal() {
    assert_snapshot!(TestEnv::new().run_on_terminal("session --demo", 60), @r#"
    note: demo data, made up
    Session   Project      Last call            Cost
    ────────────────────────────────────────────────
    8a36f2d0  tide-tables  2026-10-18 11:55        ?
    c0e94b17  tide-tables  2026-10-19 11:50    $0.65
    5d1f7a52  harbour-map  2026-10-20 11:57    $0.88
    ────────────────────────────────────────────────
    Total                                    $1.53+?
    not shown here: calls, input, output, cache write, cache
      read, total tokens
    note: no price for lighthouse-preview (6 calls, 141,765
      tokens); its cost is not in the totals
    hint: [prices."MODEL"] in config.toml sets a price, in
      dollars for a million tokens
    "#);
}

#[test]
fn what_settings_and_damaged_lines_are_is_broken_between_words() {
    let env = TestEnv::new();
    env.transcript(
        "a/s.jsonl",
        &[Call::default().row(), "{\"type\":\"assistant\",".to_owned(), "{}".to_owned()],
    );
    assert_eq!(env.run("scan").code, 0);
    for words in ["config check", "scan -v"] {
        let whole = env.run(words).stdout;
        let screen = env.run_on_terminal(words, 40);
        assert!(screen.lines().count() > whole.lines().count(), "{words}: {screen}");
        for word in whole.split_whitespace() {
            assert!(screen.split_whitespace().any(|shown| shown == word), "{words}: {word} in {screen}");
        }
    }
}

#[test]
fn tools_are_drawn_like_other_reports_with_their_totals() {
    let env = TestEnv::new();
    let mut row: serde_json::Value = serde_json::from_str(&Call::default().row()).unwrap();
    let tool =
        |id: &str, name: &str| serde_json::json!({ "type": "tool_use", "id": id, "name": name, "input": {} });
    row["message"]["content"] =
        serde_json::json!([tool("toolu_1", "Bash"), tool("toolu_2", "Bash"), tool("toolu_3", "Read")]);
    env.transcript("a/s.jsonl", &[row.to_string()]);
    assert_snapshot!(env.run("model --by tool").stdout, @r"
    Tool   Uses  Failed  Failed %
    ─────────────────────────────
    Bash      2       0
    Read      1       0
    ─────────────────────────────
    Total     3       0
    ");
}
