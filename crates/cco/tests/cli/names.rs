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
