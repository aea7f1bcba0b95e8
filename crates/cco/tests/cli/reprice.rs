//! `cco reprice` as people and scripts meet it.

use insta::assert_snapshot;

use crate::sealed::{Call, TestEnv};

/// Two calls of a known model and one of a model that config.toml prices, counted at the list's prices; then the known
/// model gets another price.
fn repriced() -> TestEnv {
    let env = TestEnv::new();
    let rows = [
        Call { tokens: [1_000, 10_000, 0, 0, 0], ..Call::default() },
        Call { number: 2, tokens: [1_000, 10_000, 0, 0, 0], ..Call::default() },
        Call { number: 3, model: "acme-1", ..Call::default() },
    ];
    env.transcript("-code-atlas/one.jsonl", &rows.map(|call| call.row()));
    assert_eq!(env.run("scan").code, 0);
    env.config("[prices.\"claude-opus-4-8\"]\ninput = 10\noutput = 30\ncache_write_5m = 1\ncache_write_1h = 1\ncache_read = 1\n");
    env
}

fn cost(env: &TestEnv) -> String {
    env.run("daily --json").json()["totals"]["totalCost"].to_string()
}

#[test]
fn what_would_change_is_shown_and_nothing_changes() {
    let env = repriced();
    let before = cost(&env);
    assert_snapshot!(env.run("reprice --dry-run").story(), @r"
    exit 0
    -- stdout
    Model            Calls  Cost so far  New cost  Difference
    claude-opus-4-8      2        $0.51     $0.62      +$0.11
    Total                2        $0.51     $0.62      +$0.11
    price list 2026-11-20-9b08c871 → 2026-11-20-9b08c871+b172d7fc
    -- stderr
    note: nothing was changed; `cco reprice` without --dry-run does it
    ");
    assert_eq!(cost(&env), before);
    assert_eq!(before, "0.51");
}

#[test]
fn scripts_say_yes_and_a_second_run_has_nothing_to_do() {
    let env = repriced();
    let json = env.run("reprice --dry-run --json").json();
    assert_eq!((&json["applied"], &json["totals"]["difference"]), (&false.into(), &serde_json::json!(0.11)));
    assert_snapshot!(env.run("reprice --yes").story(), @r"
    exit 0
    -- stdout
    Model            Calls  Cost so far  New cost  Difference
    claude-opus-4-8      2        $0.51     $0.62      +$0.11
    Total                2        $0.51     $0.62      +$0.11
    price list 2026-11-20-9b08c871 → 2026-11-20-9b08c871+b172d7fc
    -- stderr
    note: 2 calls repriced, by +$0.11
    ");
    assert_eq!(cost(&env), "0.62");
    assert_snapshot!(env.run("reprice --yes").story(), @r"
    exit 0
    -- stdout
    Nothing to change: these calls have the prices that list 2026-11-20-9b08c871+b172d7fc gives.
    ");
    let json = env.run("reprice --yes --json").json();
    assert_eq!(json["totals"]["calls"], 0);
}

#[test]
fn without_anybody_to_ask_it_refuses() {
    let env = repriced();
    assert_snapshot!(env.run("reprice").story(), @r"
    exit 2
    -- stderr
    error: reprice asks before it changes costs, and nobody can answer here
    hint: cco reprice --dry-run shows what would change
    hint: cco reprice --yes changes it without asking
    ");
    assert_eq!(cost(&env), "0.51");
}

#[test]
fn on_a_terminal_it_asks_and_only_a_yes_is_one() {
    let env = repriced();
    for no in ["n\n", "\n", "yess\n"] {
        let screen = env.run_with_answer("reprice", no);
        assert!(
            screen.contains("Change the cost of 2 calls? [y/N]") && screen.contains("nothing was changed"),
            "{screen}"
        );
    }
    assert_eq!(cost(&env), "0.51");
    let screen = env.run_with_answer("reprice", "y\n");
    assert!(screen.contains("2 calls repriced, by +$0.11"), "{screen}");
    assert_eq!(cost(&env), "0.62");
}

#[test]
fn a_call_whose_price_another_list_would_change_says_so() {
    let page = repriced().run("explain msg_00000000000000000002").stdout;
    assert_snapshot!(page.split_once("Cost\n").unwrap().1.split_once("\nRows").unwrap().0, @r"
    input               1,000  × $10/M  = $0.010000000
    output             10,000  × $30/M  = $0.300000000
    cache write 5 min       0
    cache write 1 h         0
    cache read              0
    cost         $0.255
    cache saved  $0.00
    rates        claude-opus-4-8 of list 2026-11-20-9b08c871+b172d7fc, in force on 2026-10-20 (UTC)
    Its cost was worked out by price list 2026-11-20-9b08c871. The lines above are those of the present list 2026-11-20-9b08c871+b172d7fc, which makes $0.31; `cco reprice --dry-run` shows what applying it would change.
    ");
}

#[test]
fn models_and_days_are_checked() {
    let env = repriced();
    assert_snapshot!(env.run("reprice --dry-run --model claude-opus-4-7").story(), @r#"
    exit 2
    -- stderr
    error: no calls of a model called "claude-opus-4-7"
    hint: there are: acme-1, opus-4-8; `cco model` lists them all
    "#);
    assert_eq!(env.run("reprice --dry-run --since 2026-10-02 --until 2026-10-01").code, 2);
    assert_eq!(env.run("reprice --dry-run --yes").code, 2);
    let json = env.run("reprice --dry-run --json --until 2026-10-19").json();
    assert_eq!(json["totals"]["calls"], 0);
}
