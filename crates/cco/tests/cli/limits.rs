//! `cco limits`: what is shown of whom, when the service is asked, and what is told when it fails.

use std::process::{Command, Stdio};

use insta::assert_snapshot;
use jiff::{Timestamp, ToSpan};

use crate::logins::{ANN, BEA, CLEO, Login, assert_no_token, minutes_ago};
use crate::sealed::{NOW, TestEnv};
use crate::service::{Reply, Service, body, status, usage};

/// Whoever is logged in, each in a directory that is looked at.
pub(crate) fn machine(logins: &[Login], config: &str) -> TestEnv {
    let env = TestEnv::new();
    let dirs: Vec<String> = logins.iter().map(|login| format!("\"~/{}\"", login.dir)).collect();
    env.config(&format!("{config}[accounts]\nconfig_dirs = [{}]\n", dirs.join(", ")));
    logins.iter().for_each(|login| login.log_in(&env));
    env
}

/// The same machine so many seconds after the present of the tests.
pub(crate) fn later(env: TestEnv, seconds: i64) -> TestEnv {
    let now: Timestamp = NOW.parse().unwrap();
    env.with("CCO_NOW", &(now + seconds.seconds()).to_string())
}

#[test]
fn without_an_account_it_says_what_to_do() {
    assert_snapshot!(TestEnv::new().run("limits").story(), @r"
    exit 0
    -- stderr
    note: no account of Claude Code was seen on this machine yet
    hint: log in with Claude Code, or name its directory: `cco accounts add DIR`
    ");
}

#[test]
fn one_account_is_shown_in_any_width() {
    let env = machine(&[ANN], "");
    ANN.remember(&env, 5, &body(29, 98));
    let env = env.with("COLUMNS", "60");
    assert_snapshot!(env.run("limits").story(), @r"
    exit 0
    -- stdout
    ann@example.com
      5 hours  29%  2 h 30 min left  ~60%         5 min ago
      7 days   98%  2 d 21 h left    ~full 13:56  5 min ago
    ");
    let env = env.with("COLUMNS", "100");
    assert_snapshot!(env.run("limits").story(), @r"
    exit 0
    -- stdout
    ann@example.com
      5 hours  ██░░░░░░░░  29%  resets in 2 h 30 min  14:30      ~60% by then  Claude Code  5 min ago
      7 days   █████████░  98%  resets in 2 d 21 h    Fri 09:00  ~full 13:56   Claude Code  5 min ago
    ");
    assert_snapshot!(env.run("limits --json").story(), @r#"
    exit 0
    -- stdout
    {
      "accounts": [
        {
          "account": "ann@example.com",
          "accountUuid": "11111111-aaaa-4aaa-8aaa-000000000001",
          "directories": [
            "$HOME/.claude"
          ],
          "email": "ann@example.com",
          "lastFailure": null,
          "lastSuccess": null,
          "loggedIn": true,
          "login": {
            "reason": null,
            "since": null,
            "state": "unknown"
          },
          "nextTry": null,
          "organizationUuid": "99999999-bbbb-4bbb-8bbb-000000000001",
          "sessions": "idle",
          "trouble": null,
          "windows": [
            {
              "ageSeconds": 300,
              "localTokens": null,
              "mark": "",
              "observedAt": "2026-10-20T11:55:00.000Z",
              "pace": {
                "fullAt": null,
                "percentAtReset": 60.0,
                "percentPerHour": 12.0
              },
              "percent": 29.0,
              "resetsAt": "2026-10-20T14:30:00.000Z",
              "source": "claude_cache",
              "state": "open",
              "window": "five_hour"
            },
            {
              "ageSeconds": 300,
              "localTokens": null,
              "mark": "",
              "observedAt": "2026-10-20T11:55:00.000Z",
              "pace": {
                "fullAt": "2026-10-20T13:56:07.347Z",
                "percentAtReset": 166.4,
                "percentPerHour": 1.0
              },
              "percent": 98.0,
              "resetsAt": "2026-10-23T09:00:00.000Z",
              "source": "claude_cache",
              "state": "open",
              "window": "seven_day"
            }
          ]
        }
      ]
    }
    "#);
}

#[test]
fn three_accounts_are_shown_each_with_its_own_numbers() {
    let env = machine(&[ANN, BEA, CLEO], "");
    ANN.remember(&env, 5, &body(29, 98));
    BEA.remember(&env, 45, &body(73, 51));
    let env = env.with("COLUMNS", "60");
    assert_snapshot!(env.run("limits").story(), @r"
    exit 0
    -- stdout
    ann@example.com
      5 hours  29%    2 h 30 min left  ~60%          5 min ago
      7 days   98%    2 d 21 h left    ~full 13:56   5 min ago

    bea@example.com
      5 hours  73%⚠⚠  2 h 30 min left  ~full by now  45 min ago
      7 days   51%⚠⚠  2 d 21 h left    ~87%          45 min ago

    cleo@example.com
      nothing is known of its limits
    ");
    let env = env.with("COLUMNS", "100");
    assert_snapshot!(env.run("limits").story(), @r"
    exit 0
    -- stdout
    ann@example.com
      5 hours  ██░░░░░░░░  29%    resets in 2 h 30 min  14:30      ~60% by then  Claude Code  5 min ago
      7 days   █████████░  98%    resets in 2 d 21 h    Fri 09:00  ~full 13:56   Claude Code  5 min ago

    bea@example.com
      5 hours  ███████░░░  73%⚠⚠  resets in 2 h 30 min  14:30      ~full by now  Claude Code  45 min ago
      7 days   █████░░░░░  51%⚠⚠  resets in 2 d 21 h    Fri 09:00  ~87% by then  Claude Code  45 min ago

    cleo@example.com
      nothing is known of its limits
    ");
}

#[test]
fn a_guard_ends_with_what_can_be_told() {
    let guard = |minutes: i64, told: &str, guard: &str| {
        let env = machine(&[ANN], "");
        ANN.remember(&env, minutes, told);
        let run = env.run(&format!("limits --guard {guard}"));
        (run.code, run.stderr)
    };
    let told = body(42, 90);
    let opus = r#"{"seven_day_opus":{"utilization":42,"resets_at":"2026-10-23T09:00:00Z"}}"#;
    let unused = r#"{"five_hour":{"utilization":0,"resets_at":null}}"#;
    let over = r#"{"five_hour":{"utilization":42,"resets_at":"2026-10-20T11:59:00Z"}}"#;
    let rows = [
        (5, told.as_str(), "five_hour=43", 0),
        (5, &told, "five_hour=42", 3),
        (5, &told, "five_hour=41", 3),
        (5, &told, "five_hour=43 --guard seven_day=90", 3),
        (30, &told, "five_hour=43", 4),
        (30, &told, "five_hour=42", 3),
        (30, &told, "five_hour=43 --guard seven_day=90", 3),
        (5, &told, "seven_day:opus=50", 4),
        (5, opus, "seven_day:opus=50", 0),
        (5, opus, "seven_day:Opus=40%", 3),
        (5, unused, "five_hour=1", 0),
        (5, unused, "five_hour=0", 3),
        (90, unused, "five_hour=1", 4),
        (5, over, "five_hour=10", 4),
    ];
    for (minutes, told, words, code) in rows {
        let (ended, stderr) = guard(minutes, told, words);
        assert_eq!(ended, code, "{words}, {minutes} min old: {stderr}");
        assert_eq!(stderr.is_empty(), code == 0, "it says why: {stderr}");
    }
    let env = TestEnv::new();
    assert_eq!(env.run("limits --guard five_hour=90").code, 4, "there is no account");
    assert_eq!(env.run("limits --guard five_hours=90").code, 2);
}

#[test]
fn nobody_is_asked_before_the_user_allows_it() {
    let service = Service::start(vec![usage(42, 13)]);
    let env = machine(&[ANN], &format!("[limits]\n{}", service.base_url()));
    for words in ["limits", "limits --refresh", "limits --refresh --json", "limits --guard five_hour=90"] {
        let _ = env.run(words);
    }
    assert_snapshot!(env.run("limits --refresh").stderr, @r"
    warning: the service may not be asked; this is what files tell
    hint: `cco config set limits.endpoint true` allows it
    ");
    let json_on_a_terminal = env.run_with_answer("limits --json", "y\n");
    assert!(!json_on_a_terminal.contains("May cco"), "{json_on_a_terminal}");
    let no_answer = env.run_with_answer("limits", "\u{4}");
    assert!(no_answer.contains("[y/N]") && !no_answer.contains("limits.endpoint ="), "{no_answer}");
    for neither in ["\n", "banana\n"] {
        let said = env.run_with_answer("limits", neither);
        assert!(said.contains("[y/N]") && !said.contains("limits.endpoint ="), "{said}");
    }
    assert!(
        !env.run_with_answer("limits --guard five_hour=90", "y\n").contains("[y/N]"),
        "a script is not asked"
    );
    let no = env.run_with_answer("limits", "n\n");
    assert!(no.contains("limits.endpoint = false") && no.contains("limits.endpoint true"), "{no}");
    assert!(!env.run_with_answer("limits", "y\n").contains("[y/N]"), "a no is remembered");
    assert_eq!(service.asked(), 0);
    let _ = env.run("config set limits.endpoint true");
    assert!(env.run("limits").stdout.contains("42%"));
    assert_eq!(service.asked(), 1);
    assert!(service.saw(&ANN.token()));
}

#[test]
fn a_yes_on_a_terminal_asks_at_once() {
    let service = Service::start(vec![usage(42, 13)]);
    let env = machine(&[ANN], &format!("[limits]\n{}", service.base_url()));
    assert!(env.run_with_answer("limits", "yes\n").contains("42%"));
    assert_eq!(service.asked(), 1);
}

#[test]
fn made_up_data_asks_nobody_and_changes_nothing() {
    let service = Service::start(vec![usage(42, 13)]);
    let env = machine(&[ANN], &service.config());
    let config = std::fs::read_to_string(env.home().join(".cco/config.toml")).unwrap();
    for words in ["limits --demo --refresh", "accounts --demo", "accounts add .claude --demo"] {
        let story = env.run(words).story();
        assert!(!story.contains("ann@"), "{story}");
    }
    assert_eq!(service.asked(), 0);
    assert_eq!(std::fs::read_to_string(env.home().join(".cco/config.toml")).unwrap(), config);
}

#[test]
fn made_up_calls_are_of_the_made_up_account() {
    let env = TestEnv::new();
    let calls = |words: &str| env.run(words).json()["totals"]["calls"].as_u64();
    assert_eq!(calls("daily --demo --account demo@example.com --json"), Some(40));
    assert_eq!(calls("daily --demo --account unknown --json"), Some(0));
}

#[test]
fn on_bad_days_of_the_service_the_last_numbers_stay_with_their_age() {
    let html = Reply::Whole(200, "", "<html>maintenance</html>".to_owned());
    let scope = r#"{"error":{"type":"permission_error","message":"needs scope user:profile"}}"#;
    let rows = [
        (status(401), "its login has ended"),
        (Reply::Whole(403, "", scope.to_owned()), "may not ask"),
        (status(403), "orbidden"),
        (Reply::Whole(429, "retry-after: 3000\r\n", "{}".to_owned()), "12:55"),
        (Reply::Whole(429, "retry-after: 0\r\n", "{}".to_owned()), "12:10"),
        (status(500), "Server error"),
        (Reply::Whole(302, "location: http://127.0.0.1:1/\r\n", String::new()), "Redirect refused"),
        (Reply::Hang, "ime"),
        (Reply::Cut, "etwork"),
        (html, "arse"),
    ];
    for (reply, why) in rows {
        let service = Service::start(vec![usage(42, 13), reply.clone()]);
        let env = machine(&[ANN], &service.config());
        let first = env.run("limits");
        assert!(first.stdout.contains("42%") && first.stdout.contains("just now"), "{}", first.story());
        let env = later(env, 300);
        let second = env.run("limits --refresh");
        let story = second.story();
        assert_eq!(second.code, 0, "{story}");
        assert!(second.stdout.contains("42%"), "{reply:?}: {story}");
        assert!(second.stdout.contains("5 min ago"), "{reply:?}: {story}");
        assert!(second.stdout.contains(why), "{reply:?}: {story}");
        let told = second.stdout.contains("next try") || second.stdout.contains("🔺");
        assert!(told, "{reply:?}: {story}");
        assert!(!second.stdout.contains(" 0%"), "{reply:?}: {story}");
        assert_eq!(service.asked(), 2, "{reply:?}: {story}");
        assert_no_token(&env, &[&first, &second]);
    }
}

#[test]
fn a_refusal_by_somebody_on_the_way_is_no_dead_login() {
    let service = Service::start(vec![status(403), usage(42, 13)]);
    let env = machine(&[ANN], &service.config());
    assert_eq!(env.run("limits --json").json()["accounts"][0]["login"]["state"], "unknown");
    let env = later(env, 60);
    assert!(env.run("limits").stdout.contains("42%"), "it is asked again");
}

#[test]
fn a_dead_login_is_left_alone_until_somebody_logs_in() {
    let service = Service::start(vec![status(401), usage(42, 13)]);
    let env = machine(&[ANN], &service.config());
    assert_eq!(env.run("limits --json").json()["accounts"][0]["login"]["state"], "needs_login");
    let env = later(env, 3_600);
    assert_snapshot!(env.run("limits").story(), @r"
    exit 0
    -- stdout
    ann@example.com
      5 hours     🔺  Unauthorized (run `claude /login`)
      🔺 its login has ended, since 12:00: run `claude /login`
      asked last 12:00: login; last answer: never
    ");
    assert_eq!(service.asked(), 1);
    // Written by the real clock, which is later.
    let again = Login { secret: BEA.secret, ..ANN };
    let text = format!(r#"{{"claudeAiOauth":{{"accessToken":"{}"}}}}"#, again.token());
    env.write(".claude/.credentials.json", &text);
    let run = env.run("limits --json");
    assert_eq!(run.json()["accounts"][0]["login"]["state"], "active", "{}", run.story());
    assert_eq!(service.asked(), 2);
    assert_no_token(&env, &[&run]);
}

#[test]
fn an_account_of_two_directories_is_logged_out_only_where_both_are() {
    let service = Service::start(vec![usage(42, 13)]);
    let second = Login { dir: ".claude-too", ..ANN };
    let env = machine(&[ANN, second], &service.config());
    std::fs::remove_file(env.home().join(".claude/.credentials.json")).unwrap();
    let run = env.run("limits --json");
    assert_eq!(run.json()["accounts"][0]["windows"][0]["percent"], 42.0, "{}", run.story());
    std::fs::remove_file(env.home().join(".claude-too/.credentials.json")).unwrap();
    let env = later(env, 900);
    let run = env.run("limits --json");
    assert_eq!(run.json()["accounts"][0]["login"]["reason"], "logged_out", "{}", run.story());
}

#[test]
fn no_account_is_asked_for_more_than_twenty_times_an_hour() {
    let service = Service::start(vec![status(401)]);
    let mut env = machine(&[ANN], &service.config());
    for round in 0..30 {
        env = later(env, round * 31);
        assert_eq!(env.run("limits --refresh").code, 0);
    }
    assert_eq!(service.asked(), 20);
}

#[test]
fn many_at_once_ask_once_for_each_account() {
    let service = Service::start(vec![usage(42, 13)]);
    let env = machine(&[ANN, BEA], &service.config());
    let _ = env.run("accounts");
    let start = || {
        let mut command = env.command("limits --refresh");
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..32).map(|_| start()).collect();
    for child in children {
        let run = env.of_output(child.wait_with_output().unwrap());
        assert_eq!(run.code, 0, "{}", run.story());
        assert_no_token(&env, &[&run]);
    }
    assert_eq!(service.asked(), 2);
    assert_no_token(&env, &[]);
    assert_eq!(env.run("limits").stdout.matches("42%").count(), 2);
}

#[test]
fn what_is_fresh_is_shown_without_a_connection_or_a_child() {
    let service = Service::start(vec![usage(42, 13)]);
    let env = machine(&[ANN], &service.config());
    let _ = env.run("limits");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-e", "trace=network,execve", env!("CARGO_BIN_EXE_cco"), "limits", "--json"]);
    let Ok(output) = env.seal(strace).output() else {
        eprintln!("skipped: there is no strace to watch with");
        return;
    };
    let run = env.of_output(output);
    if run.stderr.contains("ptrace") {
        eprintln!("skipped: strace may not watch here");
        return;
    }
    assert!(run.stdout.contains("42"), "{}", run.story());
    assert!(!run.stderr.contains("socket("), "{}", run.stderr);
    assert_eq!(run.stderr.matches("execve(").count(), 1, "itself only: {}", run.stderr);
}

#[test]
fn where_nothing_can_be_remembered_nobody_is_asked() {
    let service = Service::start(vec![usage(42, 13)]);
    let env = machine(&[ANN], &service.config());
    env.write(".cco/state", "in the way");
    let run = env.run("limits --refresh");
    assert_eq!(run.code, 0);
    assert_snapshot!(run.stderr, @"warning: limits: the service is not asked, since an answer cannot be remembered: cannot write to $HOME/.cco/state: something else of that name is there");
    assert_eq!(service.asked(), 0);
}

#[test]
fn numbers_of_another_organization_are_not_taken_for_those_of_this_one() {
    let env = machine(&[ANN], "");
    ANN.remember(&env, 5, &body(29, 98));
    assert!(env.run("limits").stdout.contains("29%"));
    let moved = Login { organization: "88888888-bbbb-4bbb-8bbb-000000000002", ..ANN };
    moved.log_in_with(&env, 5, &body(29, 98));
    let env = later(env, 60);
    let run = env.run("limits --json");
    let windows = |number: usize| run.json()["accounts"][number]["windows"].as_array().unwrap().len();
    assert_eq!((windows(0), windows(1)), (2, 0), "{}", run.story());
    let env = later(env, 360);
    moved.remember(&env, -5, &body(3, 4));
    assert_eq!(env.run("limits --json").json()["accounts"][1]["windows"][0]["percent"], 3.0);
}

#[test]
fn two_organizations_of_one_address_are_told_apart() {
    let other = Login { organization: "88888888-bbbb-4bbb-8bbb-000000000002", dir: ".claude-work", ..ANN };
    let service = Service::start(vec![usage(11, 12), usage(21, 22)]);
    let env =
        machine(&[ANN, Login { secret: BEA.secret, ..other }], &service.config()).with("COLUMNS", "100");
    let run = env.run("limits");
    assert_snapshot!(run.story(), @r"
    exit 0
    -- stdout
    ann@example.com (organization 99999999)
      5 hours  █░░░░░░░░░  11%  resets in 2 h 30 min  14:30      ~22% by then  service  just now
      7 days   █░░░░░░░░░  12%  resets in 2 d 21 h    Fri 09:00  ~20% by then  service  just now

    ann@example.com (organization 88888888)
      5 hours  ██░░░░░░░░  21%  resets in 2 h 30 min  14:30      ~42% by then  service  just now
      7 days   ██░░░░░░░░  22%  resets in 2 d 21 h    Fri 09:00  ~37% by then  service  just now
    ");
    assert_eq!(service.asked(), 2);
    let named = env.run("accounts rename ann@example.com work");
    assert_eq!(named.code, 2);
    assert!(named.stderr.contains("99999999") && named.stderr.contains("88888888"), "{}", named.stderr);
    assert_eq!(env.run("accounts rename 88888888 work").code, 0);
    assert_no_token(&env, &[&run, &named]);
}

#[test]
fn wrong_clocks_and_absurd_resets_are_not_believed() {
    let far = r#"{"five_hour":{"utilization":99,"resets_at":"2999-01-01T00:00:00Z"}}"#;
    let percent_of = |env: &TestEnv| {
        let run = env.run("limits --json");
        let windows = run.json()["accounts"][0]["windows"].clone();
        (windows[0]["percent"].clone(), windows[0]["mark"].clone())
    };
    let env = machine(&[ANN], "");
    ANN.remember(&env, 5, far);
    assert_eq!(percent_of(&env).0, serde_json::Value::Null);
    let env = machine(&[ANN], "");
    ANN.remember(&env, -120, &body(42, 13));
    assert_eq!(percent_of(&env).1, "🔺", "it cannot be from the future, so its age is not known");
    let env = machine(&[ANN], "");
    ANN.remember(&env, 5, &body(42, 13));
    assert_eq!(percent_of(&env).0, 42.0);
    let env = later(env, -3_600);
    assert_eq!(percent_of(&env).1, "🔺", "the clock went back");
    assert!(minutes_ago(0) > 0);
}
