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
    note: no price for acme-1 (1 call); its
      cost is not in the totals
    hint: [prices."MODEL"] in config.toml
      sets a price, in dollars for a million
      tokens
    "#);
    assert_snapshot!(env.run_on_terminal("daily --since yesterday", 40), @r"
    error: invalid value 'yesterday' for
      '--since <DAY>': a day looks like
      2026-10-20 or 20261020

    For more information, try '--help'.
    ");
}

#[test]
fn notes_that_nobody_looks_at_keep_their_lines() {
    let env = TestEnv::new().with("COLUMNS", "40");
    assert!(env.run("daily").stderr.contains("hint: looked in $HOME/.config/claude/projects (not there)\n"));
}
