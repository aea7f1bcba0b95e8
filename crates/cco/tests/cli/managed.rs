//! `cco accounts manage`: a login that was handed over is renewed, any other is only read.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use serde_json::json;

use crate::logins::{ANN, BEA, Login, SECRETS, assert_no_token, minutes_ago};
use crate::sealed::{Call, Run, TestEnv};
use crate::service::{Reply, Service, status, usage};

/// What the token service says of a login that it renews.
fn granted() -> Reply {
    let body = json!({
        "access_token": new_access(),
        "refresh_token": format!("sk-ant-ort01-{}", SECRETS[4]),
        "expires_in": 28_800,
        "account": { "uuid": ANN.account },
    });
    Reply::Whole(200, "", body.to_string())
}

fn new_access() -> String {
    format!("sk-ant-oat01-{}", SECRETS[5])
}

fn invalid_grant() -> Reply {
    Reply::Whole(400, "", r#"{"error": "invalid_grant"}"#.to_owned())
}

/// A credential file of Ann's as it is after a night: expired a minute ago.
fn expired(env: &TestEnv, login: &Login) {
    login.log_in(env);
    let text = format!(
        "{{\"mcpOAuth\":{{\"n\":1.10e2}},\n \"claudeAiOauth\": {{\"accessToken\":\"{}\",\"refreshToken\":\"sk-ant-ort01-{}\",\"expiresAt\":{},\"new\":null}} }}\n",
        ANN.token(),
        SECRETS[3],
        minutes_ago(1),
    );
    env.write(&format!("{}/.credentials.json", login.dir), &text);
}

fn credential(env: &TestEnv) -> String {
    fs::read_to_string(env.home().join(".claude/.credentials.json")).unwrap()
}

fn id() -> String {
    format!("{}/{}", ANN.organization, ANN.account)
}

/// A machine whose login has expired, with both services; nothing is handed over yet.
fn machine(usage: &Service, tokens: &Service) -> TestEnv {
    let env = TestEnv::new();
    env.config(&format!("{}{}client_id = \"client-7\"\n", usage.config(), tokens.token_url()));
    expired(&env, &ANN);
    env
}

fn manage(env: &TestEnv) {
    let run = env.run("accounts manage ann@example.com --yes");
    assert_eq!(run.code, 0, "{}", run.story());
}

fn refresh(env: &TestEnv) -> Run {
    let run = env.run("limits --refresh");
    assert_eq!(run.code, 0, "{}", run.story());
    run
}

#[test]
fn a_login_that_was_handed_over_is_renewed_once_and_its_file_keeps_all_else() {
    let (service, tokens) = (Service::start(vec![usage(42, 13)]), Service::start(vec![granted()]));
    let env = machine(&service, &tokens);
    let before = credential(&env);
    manage(&env);
    let runs = [refresh(&env), refresh(&env), env.run("doctor --json"), env.run("limits --json")];
    assert_snapshot!(runs[0].story(), @r"
    exit 0
    -- stdout
    ann@example.com
      5 hours  ████████░░░░░░░░░░░░  42%  resets in 2 h 30 min  14:30      ~84% by then  service  just now
      7 days   ██░░░░░░░░░░░░░░░░░░  13%  resets in 2 d 21 h    Fri 09:00  ~22% by then  service  just now
    -- stderr
    note: the login of ann@example.com in $HOME/.claude was renewed, until 20:00
    ");
    assert_eq!((tokens.asked(), service.saw(&new_access())), (1, true));
    assert!(tokens.saw("\"client_id\":\"client-7\""));
    let after = before
        .replace(&ANN.token(), &new_access())
        .replace(SECRETS[3], SECRETS[4])
        .replace(&minutes_ago(1).to_string(), &minutes_ago(-480).to_string());
    assert_eq!(credential(&env), after);
    let mode = fs::metadata(env.home().join(".claude/.credentials.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(
        runs[2].stdout.contains("ann@example.com in $HOME/.claude: renewed 2026-10-20 12:00"),
        "{}",
        runs[2].story()
    );
    assert_no_token(&env, &runs.iter().collect::<Vec<_>>());
}

#[test]
fn a_login_that_nobody_handed_over_is_only_read() {
    let (service, tokens) = (Service::start(vec![usage(42, 13)]), Service::start(vec![granted()]));
    let env = machine(&service, &tokens);
    let before = credential(&env);
    let run = refresh(&env);
    assert!(run.stdout.contains("open Claude Code"), "{}", run.story());
    assert_eq!((tokens.asked(), service.asked(), credential(&env)), (0, 0, before));
}

#[test]
fn nothing_is_renewed_while_claude_code_runs_or_without_a_client_id() {
    let (service, tokens) = (Service::start(vec![usage(42, 13)]), Service::start(vec![granted()]));
    let env = machine(&service, &tokens);
    manage(&env);
    let session = format!(".claude/sessions/{}.json", std::process::id());
    env.write(&session, "{}");
    assert_snapshot!(refresh(&env).stderr, @"warning: the login of ann@example.com in $HOME/.claude is not renewed: Claude Code is running with it, and renews it itself");
    fs::remove_file(env.home().join(session)).unwrap();
    let _ = env.run("config unset limits.client_id");
    assert_snapshot!(refresh(&env).stderr, @r"
    warning: the login of ann@example.com in $HOME/.claude is not renewed: `limits.client_id` is not set
    hint: `cco config set limits.client_id ID` sets it; it is renewed when you open Claude Code
    ");
    assert_eq!(tokens.asked(), 0);
}

#[test]
fn a_login_whose_session_has_ended_is_asked_for_once_and_shown_as_dead() {
    let (service, tokens) = (Service::start(vec![usage(42, 13)]), Service::start(vec![invalid_grant()]));
    let env = machine(&service, &tokens);
    let before = credential(&env);
    manage(&env);
    let first = refresh(&env);
    assert_snapshot!(first.story(), @r"
    exit 0
    -- stdout
    ann@example.com
      5 hours     🔺  Unauthorized (run `claude /login`)
      🔺 its login has ended, since 12:00: run `claude /login`
      asked last 12:00: not renewed: session ended; last answer: never
    -- stderr
    warning: the login of ann@example.com in $HOME/.claude is not renewed: its login has ended
    hint: run `claude /login`
    warning: every login is dead (1 account): no limit can be told until somebody logs in
    hint: run `claude /login`; `cco doctor` says for which directories
    ");
    let later = env.with("CCO_NOW", "2026-10-20T13:00:00Z");
    let again = refresh(&later);
    assert_eq!((tokens.asked(), service.asked(), credential(&later)), (1, 0, before));
    assert!(again.stdout.contains("its login has ended, since 12:00"), "{}", again.story());
    let limits = later.run("limits --json").json();
    assert_eq!(limits["accounts"][0]["login"]["reason"], "session_ended");
    assert_no_token(&later, &[&first, &again]);
    // A new login is tried again.
    ANN.log_in(&later);
    fs::File::options()
        .write(true)
        .open(later.home().join(".claude/.credentials.json"))
        .unwrap()
        .set_modified(
            std::time::SystemTime::UNIX_EPOCH
                + std::time::Duration::from_millis(minutes_ago(-59).unsigned_abs()),
        )
        .unwrap();
    assert!(refresh(&later).stdout.contains("42%"));
}

#[test]
fn an_account_is_dead_only_where_all_of_its_logins_are() {
    let (service, tokens) =
        (Service::start(vec![usage(42, 13)]), Service::start(vec![invalid_grant(), granted()]));
    let env = machine(&service, &tokens);
    expired(&env, &Login { dir: ".claude-work", ..ANN });
    let _ = env.run("accounts add .claude-work");
    manage(&env);
    let run = refresh(&env);
    assert!(run.stdout.contains("42%") && !run.stdout.contains("has ended"), "{}", run.story());
    assert!(run.stderr.contains("in $HOME/.claude is not renewed: its login has ended"), "{}", run.story());
    let again = env.run("limits --json").json();
    assert_eq!((&again["accounts"][0]["login"]["state"], tokens.asked()), (&"active".into(), 2));
}

#[test]
fn a_failure_that_may_pass_is_told_and_not_tried_again_for_five_minutes() {
    let (service, tokens) =
        (Service::start(vec![usage(42, 13)]), Service::start(vec![status(503), granted()]));
    let env = machine(&service, &tokens);
    manage(&env);
    let first = refresh(&env);
    assert_snapshot!(first.story(), @r"
    exit 0
    -- stdout
    ann@example.com
      5 hours        Expired (open Claude Code)
      not newer: Expired (open Claude Code)
      asked last 12:00: not renewed: status 503; last answer: never
    -- stderr
    warning: the login of ann@example.com in $HOME/.claude is not renewed: the service said 503
    hint: it is renewed when you open Claude Code
    ");
    assert_snapshot!(refresh(&env).stderr, @r"
    warning: the login of ann@example.com in $HOME/.claude is not renewed: the last attempt failed; the next one is at 12:05
    hint: it is renewed when you open Claude Code
    ");
    assert_eq!(tokens.asked(), 1);
    let later = env.with("CCO_NOW", "2026-10-20T12:06:00Z");
    assert!(refresh(&later).stdout.contains("42%"));
    assert_eq!(tokens.asked(), 2);
}

#[test]
fn a_login_that_was_taken_back_is_only_read_again() {
    let (service, tokens) = (Service::start(vec![usage(42, 13)]), Service::start(vec![granted()]));
    let env = machine(&service, &tokens);
    manage(&env);
    manage(&env);
    let config = fs::read_to_string(env.home().join(".cco/config.toml")).unwrap();
    assert_eq!(config.matches(&id()).count(), 1, "{config}");
    assert!(env.run("accounts").stdout.contains("renewed by cco"));
    assert_eq!(env.run("accounts --json").json()["accounts"][0]["managed"], true);
    assert_snapshot!(env.run("accounts unmanage ann@example.com").story(), @r"
    exit 0
    -- stderr
    note: ann@example.com is not managed any more; its login stays as it is, and is only read
    ");
    assert_eq!(env.run("accounts --json").json()["accounts"][0]["managed"], false);
    let _ = refresh(&env);
    assert_eq!(tokens.asked(), 0);
    assert_eq!(env.run("accounts unmanage ann@example.com").code, 0, "a second time does no harm");
}

#[test]
fn a_login_is_handed_over_by_a_yes_of_who_has_read_what_it_means() {
    let (service, tokens) = (Service::start(vec![usage(42, 13)]), Service::start(vec![granted()]));
    let env = machine(&service, &tokens);
    let managed = || env.run("accounts --json").json()["accounts"][0]["managed"].clone();
    assert_snapshot!(env.run("accounts manage ann@example.com").story(), @r"
    exit 2
    -- stderr
    error: manage asks before it takes a login over, and nobody can answer here
    hint: `cco accounts manage ann@example.com --yes` hands it over without asking
    ");
    assert_snapshot!(env.run_with_answer("accounts manage ann@example.com", "\n"), @r"
    Hand the login of ann@example.com in $HOME/.claude over to cco?
    - A refresh token works once. While cco holds this login, another program that renews it, or an
      older copy of it that is put back, can log you out everywhere; so can cco, when it is killed in
      the very moment of an answer.
    - It is renewed only when it has expired or has less than a minute left, and only while no Claude
      Code runs with it: close Claude Code there.
    - Only a login in a file (.credentials.json) is renewed, never one in a key store.
    - Nobody promises that Anthropic gives a program other than Claude Code a new login.
    - If it goes wrong: `claude /login` makes a new login. `cco accounts unmanage` leaves it to Claude
      Code again.
    May cco renew it? [y/N] note: nothing was changed; cco only reads this login
    ");
    assert_eq!(managed(), false);
    let _ = env.run_with_answer("accounts manage ann@example.com", "y\n");
    assert_eq!(managed(), true);
}

#[test]
fn what_cannot_be_renewed_is_not_handed_over() {
    let (service, tokens) = (Service::start(vec![usage(42, 13)]), Service::start(vec![granted()]));
    let env = machine(&service, &tokens);
    let refused = |name: &str| {
        let run = env.run(&format!("accounts manage {name} --yes"));
        assert_eq!(run.code, 2, "{}", run.story());
        run.stderr
    };
    assert_snapshot!(refused("nobody"), @r#"
    error: no account is called "nobody"
    hint: `cco accounts` lists them all
    "#);
    BEA.log_in(&env);
    let _ = env.run("accounts add .claude-work");
    assert_snapshot!(refused("bea@example.com"), @r"
    error: bea@example.com cannot be managed: its login has no refresh token
    hint: `claude /login` makes one that has
    ");
    fs::remove_file(env.home().join(".claude-work/.credentials.json")).unwrap();
    assert_snapshot!(refused("bea@example.com"), @r"
    error: bea@example.com cannot be managed: there is no login in its directory
    hint: run `claude /login` with that directory first
    ");
    fs::remove_dir_all(env.home().join(".claude-work")).unwrap();
    assert_snapshot!(refused("bea@example.com"), @r"
    error: bea@example.com cannot be managed: no config directory on this machine holds it
    hint: log in with Claude Code, or name its directory: `cco accounts add DIR`
    ");
    let _ = env.run("config unset limits.client_id");
    assert_snapshot!(refused("ann@example.com"), @r"
    error: `limits.client_id` is not set, and without it no login can be renewed
    hint: it is the OAuth client that the login was made for; cco knows none and guesses none
    hint: `cco config set limits.client_id ID` sets it
    ");
    let wrong = env.run("config set accounts.managed ann@example.com");
    assert_snapshot!(wrong.story(), @r#"
    exit 2
    -- stderr
    error: `accounts.managed`: "ann@example.com" is not ORGANIZATION/ACCOUNT
    hint: `cco accounts manage NAME` writes it as it must be
    "#);
    assert_eq!(env.run("config set limits.token_url https://evil.example/v1/oauth/token").code, 2);
}

#[test]
fn what_a_killed_process_began_is_named_and_ended_also_for_an_account_that_was_taken_back() {
    let (service, tokens) = (Service::start(vec![usage(42, 13)]), Service::start(vec![Reply::Hang]));
    let env = machine(&service, &tokens);
    manage(&env);
    let mut child = env.command("limits --refresh").spawn().unwrap();
    let patience = Instant::now() + Duration::from_secs(20);
    while tokens.asked() == 0 {
        assert!(Instant::now() < patience, "it never asked to renew the login");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    let _ = child.wait().unwrap();
    let doctor = env.run("doctor");
    assert!(doctor.stdout.contains("a renewal of a login was broken off"), "{}", doctor.story());
    // A directory that is not looked at any more is not forgotten.
    let elsewhere = env.home().join("elsewhere").display().to_string();
    let mut doctor = env.command("doctor");
    let doctor = env.of_output(doctor.env("CLAUDE_CONFIG_DIR", elsewhere).output().unwrap());
    assert!(doctor.stdout.contains("that is not looked at any more"), "{}", doctor.story());
    let _ = env.run("accounts unmanage ann@example.com");
    // The dead process's locks are a minute old by then.
    let later = env.with("CCO_NOW", "2028-10-20T12:00:00Z");
    assert_snapshot!(later.run("accounts").stderr, @r"
    warning: a renewal of the login in $HOME/.claude was broken off before its answer was on disk
    hint: one more attempt, after five minutes, tells whether the login still works; else run `claude /login`
    ");
    assert_eq!((later.run("accounts").stderr, tokens.asked()), (String::new(), 1));
    let left: Vec<_> =
        fs::read_dir(later.home().join(".cco/state")).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".intent")), "{left:?}");
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".previous")), "{left:?}");
}

#[test]
fn a_managed_account_stands_beside_calls_of_no_known_account() {
    let (service, tokens) = (Service::start(vec![usage(42, 13)]), Service::start(vec![granted()]));
    let env = machine(&service, &tokens);
    // From before anybody looked who is logged in.
    env.transcript("p/old.jsonl", &[Call { time: "2026-10-01T10:00:00Z", ..Call::default() }.row()]);
    let _ = env.run("daily");
    manage(&env);
    assert_snapshot!(env.run("accounts").story(), @r"
    exit 0
    -- stdout
    Account          Config directory              Login
    ann@example.com  $HOME/.claude  renewed by cco
    unknown          1 call of no known account
    ");
}
