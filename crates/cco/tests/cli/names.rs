//! What projects are called where people look.

use insta::assert_snapshot;

use crate::sealed::{Call, TestEnv};

#[test]
fn namesakes_among_projects_are_told_apart() {
    let env = TestEnv::new();
    let projects = [("1111", "/code/shop/web"), ("2222", "/code/blog/web"), ("3333", "/code/atlas")];
    for (number, (session, cwd)) in (1..).zip(projects) {
        let call = Call { number, cwd, session, ..Call::default() };
        env.transcript(&format!("{number}/one.jsonl"), &[call.row()]);
    }
    let env = env.with("COLUMNS", "60");
    assert_snapshot!(env.run("daily --instances").stdout, @r"
    Project   Date        Input  Output  Total tokens    Cost
    ─────────────────────────────────────────────────────────
    atlas     2026-10-20      1      10            11  <$0.01
    blog/web  2026-10-20      1      10            11  <$0.01
    shop/web  2026-10-20      1      10            11  <$0.01
    ─────────────────────────────────────────────────────────
    Total                     3      30            33  <$0.01
    not shown here: calls, cache write, cache read
    ");
    assert_snapshot!(env.run("session").stdout, @r"
    Session  Project   Last call         Total tokens    Cost
    ─────────────────────────────────────────────────────────
    1111     shop/web  2026-10-20 11:00            11  <$0.01
    2222     blog/web  2026-10-20 11:00            11  <$0.01
    3333     atlas     2026-10-20 11:00            11  <$0.01
    ─────────────────────────────────────────────────────────
    Total                                          33  <$0.01
    not shown here: calls, input, output, cache write, cache
      read
    ");
    assert_snapshot!(env.run("branch").stdout, @r"
    Project   Branch   Last call         Total tokens    Cost
    ─────────────────────────────────────────────────────────
    atlas     unknown  2026-10-20 11:00            11  <$0.01
    blog/web  unknown  2026-10-20 11:00            11  <$0.01
    shop/web  unknown  2026-10-20 11:00            11  <$0.01
    ─────────────────────────────────────────────────────────
    Total                                          33  <$0.01
    not shown here: calls, input, output, cache write, cache
      read
    ");
    assert_snapshot!(env.run("").stdout, @r"
    Today       Tue 20 Oct       <$0.01  3 calls  33 tokens
    This block  until ~16:00     <$0.01  3 calls  33 tokens
      last 30 min $0.00/h, 0 tokens/min
    This week   from Mon 19 Oct  <$0.01  3 calls  33 tokens

    Projects this week
      atlas     <$0.01  11 tokens
      blog/web  <$0.01  11 tokens
      shop/web  <$0.01  11 tokens

    Models this week
      claude-opus-4-8  <$0.01  33 tokens
    ");
    assert_snapshot!(env.run("session --id 1111").stdout, @r"
    Session  Project  Last call         Total tokens    Cost
    ────────────────────────────────────────────────────────
    1111     web      2026-10-20 11:00            11  <$0.01
    ────────────────────────────────────────────────────────
    Total                                         11  <$0.01
    not shown here: calls, input, output, cache write, cache
      read
    ");
    let web = env.run("daily --json --project shop/web");
    assert_eq!(web.json()["totals"]["calls"], 1, "{}", web.story());
    assert!(env.run("explain blog/web").stdout.starts_with("Project /code/blog/web\n"));
}

#[test]
fn behind_a_pipe_names_are_whole() {
    let env = TestEnv::new();
    let project = "very-long-name-".repeat(5) + "end";
    let cwd: &str = format!("/code/{project}").leak();
    let model = "global.anthropic.claude-sonnet-4-5-20250929-v1:0";
    env.transcript("a/1.jsonl", &[Call { cwd, model, ..Call::default() }.row()]);
    for words in ["", "session", "branch", "project", "daily --instances"] {
        let page = env.run(words).stdout;
        assert!(page.contains(&project), "{words}: {page}");
    }
    assert!(env.run("model").stdout.contains(model));
    assert!(env.run("daily").stdout.contains(" global.sonnet-4-5 "), "a list of models is short");
    assert!(!env.run_on_terminal("session", 100).contains(&project), "a terminal has an edge");
}

#[test]
fn models_that_would_read_alike_are_named_whole_in_a_breakdown() {
    let env = TestEnv::new();
    let call = |number, model| Call { number, model, ..Call::default() }.row();
    let rows = [
        call(1, "claude-haiku-4-5"),
        call(2, "claude-haiku-4-5-20251001"),
        call(3, "claude-opus-4-8"),
        call(4, "the-lighthouse-preview"),
    ];
    env.transcript("a/1.jsonl", &rows);
    assert!(env.run("daily").stdout.contains(" opus-4-8, haiku-4-5, the-lighthouse-preview "));
    let page = env.run_on_terminal("daily --breakdown --color never", 60);
    for name in ["└ opus-4-8 ", "└ …-4-5-20251001 ", "└ …ude-haiku-4-5 ", "└ …house-preview "] {
        assert!(page.contains(name), "{name}: {page}");
    }
    let whole = env.run("daily --breakdown").stdout;
    for name in ["└ opus-4-8 ", "└ claude-haiku-4-5 ", "└ claude-haiku-4-5-20251001 "] {
        assert!(whole.contains(name), "{name}: {whole}");
    }
}
