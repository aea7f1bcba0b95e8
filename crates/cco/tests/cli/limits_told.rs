//! What is told of limits beside the numbers: waits, what nobody is logged in with, what does not fit, what is mistyped.

use std::fs;

use insta::assert_snapshot;

use crate::limits::{later, machine};
use crate::logins::{ANN, BEA, Login};
use crate::sealed::{Call, TestEnv};
use crate::service::{Service, body, status, usage};

#[test]
fn whoever_wants_new_numbers_too_soon_is_told_when_the_next_try_is() {
    let service = Service::start(vec![usage(42, 13), status(500)]);
    let env = machine(&[ANN], &service.config()).with("COLUMNS", "100");
    assert_eq!(env.run("limits --refresh").stderr, "");
    let env = later(env, 60);
    assert_snapshot!(env.run("limits --refresh").stderr, @"note: not asked for ann@example.com: what it said last is fresh; next try 12:03 (in 2 min)");
    assert_eq!(env.run("limits --json").json()["accounts"][0]["nextTry"], "2026-10-20T12:03:00.000Z");
    let env = later(env, 300);
    assert_eq!(env.run("limits --refresh").stderr, "", "that one asked");
    assert_eq!(service.asked(), 2);
    let env = later(env, 301);
    assert_snapshot!(env.run("limits --refresh").story(), @r"
    exit 0
    -- stdout
    ann@example.com
      5 hours  ████░░░░░░  42%  resets in 2 h 24 min  14:30      ~84% by then  service  5 min ago
      7 days   █░░░░░░░░░  13%  resets in 2 d 20 h    Fri 09:00  ~22% by then  service  5 min ago
      not newer: Server error (nothing to mend here: it passes); next try 12:05 (in 1 min)
      asked last 12:05: server; last answer: 12:00
    -- stderr
    note: not asked for ann@example.com: Server error (nothing to mend here: it passes); next try 12:05 (in 1 min)
    ");
    // Nobody is due now, so nobody was asked: another process left word of it.
    let told = env.run("limits --json").json()["accounts"][0].clone();
    assert_eq!((&told["nextTry"], &told["trouble"]), (&"2026-10-20T12:05:30.000Z".into(), &"server".into()));
    assert_eq!(service.asked(), 2);
    let env = later(env, 331);
    assert_eq!(env.run("limits --refresh --json").json()["accounts"][0]["lastFailure"]["outcome"], "server");
    assert_eq!(service.asked(), 3);
}

#[test]
fn a_service_that_is_not_there_is_told_with_what_to_look_at() {
    let nobody = "127.0.0.1:1";
    let env = machine(&[ANN], &format!("[limits]\nendpoint = true\nbase_url = \"http://{nobody}\"\n"));
    let run = env.run("limits --refresh");
    assert!(
        run.stdout.contains("Connection refused (see what HTTPS_PROXY and the firewall say)"),
        "{}",
        run.story()
    );
}

#[test]
fn an_account_that_nobody_here_is_logged_in_with_holds_no_guard_unless_it_is_named() {
    let env = machine(&[ANN, BEA], "");
    ANN.remember(&env, 1, &body(42, 13));
    BEA.remember(&env, 1, &body(95, 13));
    assert_eq!(env.run("limits --guard five_hour=90").code, 3);
    fs::remove_dir_all(env.home().join(BEA.dir)).unwrap();
    assert_eq!(env.run("limits --guard five_hour=90").code, 0);
    assert_eq!(env.run("limits --guard five_hour=90 --account bea@example.com").code, 3);
    assert_eq!(
        env.run("limits --guard five_hour=96 --account bea@example.com").code,
        4,
        "it cannot get newer"
    );
    fs::remove_file(env.home().join(".claude/.credentials.json")).unwrap();
    assert_eq!(env.run("limits --guard five_hour=90").code, 3, "where nobody is logged in all are judged");
}

#[test]
fn why_a_guard_cannot_be_judged_is_the_true_reason() {
    let env = machine(&[ANN], "");
    ANN.remember(&env, 1, &body(42, 13));
    fs::remove_file(env.home().join(".claude/.credentials.json")).unwrap();
    let warned = |env: &TestEnv| {
        let run = env.run("limits --guard five_hour=90");
        assert_eq!(run.code, 4);
        run.stderr
    };
    assert_snapshot!(warned(&env), @"warning: ann@example.com: five_hour was at 42%, and whether it still is cannot be told: its login is not on this machine: run `claude /login`");
    let doctor = env.run("doctor").stdout;
    assert!(
        doctor.contains("ann@example.com in $HOME/.claude: its login is not on this machine"),
        "{doctor}"
    );
    env.write(".claude.json", "{}");
    assert_snapshot!(warned(&env), @"warning: ann@example.com: five_hour was at 42%, and whether it still is cannot be told: nobody is logged in with it on this machine now");
    let env = machine(&[ANN], "");
    ANN.remember(&env, 70, &body(42, 13));
    assert_snapshot!(warned(&env), @"warning: ann@example.com: what is known of five_hour is too old to tell");
}

#[test]
fn numbers_of_whom_nobody_is_logged_in_with_look_as_old_as_they_stay() {
    let env = machine(&[ANN], "").with("COLUMNS", "100");
    ANN.remember(&env, 1, &body(42, 13));
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    assert!(!env.run("limits").stdout.contains('🔺'));
    fs::remove_file(env.home().join(".claude/.credentials.json")).unwrap();
    assert_snapshot!(env.run("limits").stdout, @r"
    ann@example.com
      5 hours  ████░░░░░░  42%🔺  resets in 2 h 30 min  14:30      ~85% by then  Claude Code  1 min ago
      7 days   █░░░░░░░░░  13%🔺  resets in 2 d 21 h    Fri 09:00  ~22% by then  Claude Code  1 min ago
      🔺 its login is not on this machine: run `claude /login`
    ");
    assert!(env.run("").stdout.starts_with("Limits  ann@example.com  5 h 42%🔺"));
    let run = env.run("limits --json");
    assert_eq!(run.json()["accounts"][0]["loggedIn"], false);
    env.write(".claude.json", "{}");
    assert_snapshot!(env.run("limits").stdout, @r"
    ann@example.com
      5 hours  ████░░░░░░  42%🔺  resets in 2 h 30 min  14:30      ~85% by then  Claude Code  1 min ago
      7 days   █░░░░░░░░░  13%🔺  resets in 2 d 21 h    Fri 09:00  ~22% by then  Claude Code  1 min ago
      nobody is logged in with it on this machine now
    ");
}

#[test]
fn a_dead_login_is_one_line_that_says_what_to_do_on_any_terminal() {
    let long = Login { email: "somebody-with-a-long-name@department.example.com", ..BEA };
    let service = Service::start(vec![status(401)]);
    let env = machine(&[ANN, long], &service.config());
    ANN.remember(&env, 1, &body(42, 13));
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    let _ = env.run("limits --refresh");
    for columns in [20, 30, 60, 80, 100, 120, 200] {
        let screen = env.run_on_terminal("", columns);
        let lines: Vec<&str> = screen.lines().take(3).collect();
        assert!(lines[..2].iter().all(|line| line.contains('🔺')), "{columns}: {screen}");
        assert!(lines[2].is_empty(), "{columns}: {screen}");
        let tells =
            |line: &&str| line.contains("claude /login") || (columns < 60 && line.contains("[login]"));
        assert!(lines[..2].iter().all(tells), "{columns}: {screen}");
    }
    let wide = env.run_on_terminal("", 200);
    assert!(wide.contains("its login has ended: run `claude /login`  5 h 42%🔺"), "{wide}");
}

#[test]
fn who_cannot_be_told_is_told_on_the_glance() {
    let env = machine(&[ANN], "");
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    env.write(".claude.json", "{\"oauthAccount\":");
    assert_snapshot!(env.run("").stderr, @"warning: who is logged in at $HOME/.claude cannot be told: $HOME/.claude.json is broken: it ends in the middle (line 1, column 16)");
}

#[test]
fn a_window_that_is_none_is_answered_with_the_one_that_was_meant() {
    let env = TestEnv::new();
    let rows = [
        ("seven_day_opus=90", "seven_day:opus"),
        ("Seven-Day-Sonnet=90", "seven_day:sonnet"),
        ("5h=90", "five_hour"),
        ("weekly=90", "seven_day"),
        ("five_hors=90", "five_hour"),
        ("opus=90", "seven_day:opus"),
    ];
    for (given, meant) in rows {
        let run = env.run(&format!("limits --guard {given}"));
        assert_eq!(run.code, 2);
        assert!(run.stderr.contains(&format!("did you mean {meant}?")), "{given}: {}", run.stderr);
    }
    assert!(env.run("limits --guard zebra=90").stderr.contains("windows are five_hour"));
}

#[test]
fn calls_of_no_known_account_stand_in_the_list_of_accounts() {
    let env = machine(&[ANN], "");
    env.transcript("a/s.jsonl", &[Call { time: "2026-10-20T10:00:00Z", ..Call::default() }.row()]);
    let _ = env.run("accounts rename ann@example.com ann");
    let _ = env.run("daily");
    assert_snapshot!(env.run("accounts").stdout, @r"
    Account  E-mail           Config directory
    ann      ann@example.com  $HOME/.claude
    unknown                   1 call of no known account
    ");
    assert_eq!(env.run("accounts --json").json()["unknownCalls"], 1);
}

#[test]
fn made_up_limits_are_the_same_in_every_view_and_ask_nobody() {
    let service = Service::start(vec![usage(1, 2)]);
    let env = machine(&[ANN], &service.config()).with("COLUMNS", "100");
    assert_snapshot!(env.run("limits --demo").story(), @r"
    exit 0
    -- stdout
    demo@example.com
      5 hours      ████░░░░░░  42%  resets in 2 h 15 min  14:15      ~77% by then     1 min ago
      7 days       ██████░░░░  61%  resets in 2 d 22 h    Fri 10:30  ~full Fri 02:18  1 min ago
      7 days opus  ███████░░░  78%  resets in 2 d 22 h    Fri 10:30  ~full Wed 15:28  1 min ago
    -- stderr
    note: demo data, made up
    ");
    assert!(env.run("--demo").stdout.starts_with("Limits  demo@example.com  5 h 42%"));
    let accounts = env.run("accounts --demo");
    assert!(accounts.stdout.contains("demo@example.com") && !accounts.stdout.contains("ann@"));
    assert_eq!(service.asked(), 0);
}
