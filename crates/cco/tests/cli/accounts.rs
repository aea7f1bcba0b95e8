//! `cco accounts`: directories that are added, names that are given, accounts that are taken off the list.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use insta::assert_snapshot;

use crate::logins::{ANN, BEA, CLEO, Login};
use crate::sealed::{Call, TestEnv};
use crate::service::{Service, body, usage};

fn config(env: &TestEnv) -> String {
    fs::read_to_string(env.home().join(".cco/config.toml"))
        .unwrap_or_default()
        .replace(env.home().to_str().unwrap(), "$HOME")
}

#[test]
fn a_directory_is_added_once_however_it_is_named() {
    let env = TestEnv::new();
    ANN.log_in(&env);
    BEA.log_in(&env);
    symlink(env.home().join(BEA.dir), env.home().join("link")).unwrap();
    for name in ["~/.claude-work", ".claude-work", "./.claude-work/", "link"] {
        let run = env.run_words(&["accounts", "add", name]);
        assert_eq!(run.code, 0, "{}", run.story());
        assert!(run.stderr.contains("it holds bea@example.com"), "{}", run.story());
    }
    assert_snapshot!(config(&env), @r#"
    [accounts]
    config_dirs = ["$HOME/.claude-work"]
    "#);
    assert_snapshot!(env.run("accounts").story(), @r"
    exit 0
    -- stdout
    Account          Config directory
    ann@example.com  $HOME/.claude
    bea@example.com  $HOME/.claude-work
    ");
    env.write(".claude-third/.claude.json", "{\"oauthAcc");
    assert!(env.run("accounts add .claude-third").stderr.contains("cannot be told now"));
    assert_snapshot!(env.run("accounts add nowhere").story(), @r"
    exit 2
    -- stderr
    error: $HOME/nowhere is no folder
    hint: a config directory of Claude Code holds .claude.json, .credentials.json or projects/
    ");
}

#[test]
fn how_to_count_the_transcripts_of_an_added_directory_keeps_those_of_others_counted() {
    let env = TestEnv::new();
    for dir in ["one", "with blank"] {
        fs::create_dir_all(env.home().join(dir).join("projects")).unwrap();
    }
    env.config("[stats.watch]\npaths = [\"~/one\"]\n");
    let hint = env.run_words(&["accounts", "add", "with blank"]).stderr;
    assert!(
        hint.contains("`cco config set stats.watch.paths '~/one' '$HOME/with blank'` does that"),
        "{hint}"
    );
}

#[test]
fn a_name_that_cannot_be_kept_is_not_said_to_hold() {
    let env = TestEnv::new();
    ANN.log_in(&env);
    let env = env.with("CCO_HOME", "/dev/null/cco");
    let run = env.run("accounts rename ann@example.com ann");
    assert_eq!(run.code, 1, "{}", run.story());
    assert!(run.stderr.contains("error: nothing is kept after this run"), "{}", run.stderr);
}

#[test]
fn several_that_are_added_at_once_are_all_there() {
    let env = TestEnv::new();
    let dirs = ["one", "two", "three", "four", "five", "six"];
    let add = |dir: &&str| {
        fs::create_dir(env.home().join(dir)).unwrap();
        env.command(&format!("accounts add {dir}")).stderr(Stdio::null()).spawn().unwrap()
    };
    let children: Vec<_> = dirs.iter().map(add).collect();
    children.into_iter().for_each(|mut child| assert!(child.wait().unwrap().success()));
    let config = config(&env);
    assert!(dirs.iter().all(|dir| config.contains(&format!("$HOME/{dir}\""))), "{config}");
}

#[test]
fn somebody_who_has_not_talked_yet_is_seen() {
    let env = TestEnv::new();
    ANN.log_in(&env);
    assert!(!env.home().join(".claude/projects").exists());
    assert!(env.run("accounts").stdout.contains("ann@example.com"));
}

#[test]
fn several_config_directories_of_the_environment_are_looked_at() {
    let env = TestEnv::new();
    BEA.log_in(&env);
    CLEO.log_in(&env);
    let dirs = [BEA.dir, CLEO.dir, BEA.dir].map(|dir| env.home().join(dir).display().to_string()).join(",");
    let env = env.with("CLAUDE_CONFIG_DIR", &dirs);
    assert_snapshot!(env.run("accounts").story(), @r"
    exit 0
    -- stdout
    Account           Config directory
    bea@example.com   $HOME/.claude-work
    cleo@example.com  $HOME/.claude-third
    ");
}

#[test]
fn a_name_means_one_account() {
    let env = TestEnv::new();
    ANN.log_in(&env);
    BEA.log_in(&env);
    let _ = env.run("accounts add .claude-work");
    let refused = |words: &[&str]| {
        let run = env.run_words(&[&["accounts"], words].concat());
        assert_eq!(run.code, 2, "{}", run.story());
        run.stderr
    };
    let _ = env.run("accounts rename ann@example.com private");
    assert_snapshot!(refused(&["rename", "bea@example.com", "private"]), @r#"
    error: "private" is what ann@example.com is called
    hint: choose another one
    "#);
    let _ = refused(&["rename", "bea@example.com", "ANN@example.com"]);
    let _ = refused(&["rename", "bea@example.com", ANN.account]);
    let _ = refused(&["rename", "bea@example.com", "unknown"]);
    let _ = refused(&["rename", "bea@example.com", "be\u{1b}[2Ja"]);
    let _ = refused(&["rename", "", "nobody"]);
    let _ = refused(&["remove", ""]);
    assert_snapshot!(refused(&["remove", "privat"]), @r#"
    error: no account is called "privat"
    hint: did you mean private? `cco accounts` lists them all
    "#);
    let unknown = env.run("limits --account privat");
    assert_eq!(unknown.code, 2);
    assert_snapshot!(unknown.stderr, @r#"
    error: no account is called "privat"
    hint: did you mean private? `cco accounts` lists them all
    "#);
}

#[test]
fn an_account_off_the_list_is_neither_shown_nor_asked_for_and_comes_back() {
    let service = Service::start(vec![usage(42, 13)]);
    let env = TestEnv::new();
    env.config(&service.config());
    ANN.log_in(&env);
    let _ = env.run("accounts");
    assert_eq!(env.run("accounts remove ann@example.com").code, 0);
    assert_snapshot!(env.run("limits --refresh").story(), @r"
    exit 0
    -- stderr
    note: 1 account is off the list, and there is no other
    hint: `cco accounts rename ann@example.com NAME` brings it back
    ");
    assert_eq!(service.asked(), 0);
    assert_eq!(env.run("limits --guard five_hour=90").code, 4);
    let _ = env.run("accounts rename ann@example.com ann");
    assert!(env.run("limits").stdout.contains("42%"));
}

#[test]
fn names_and_addresses_cannot_draw_on_the_terminal() {
    let env = TestEnv::new();
    let hostile = Login { email: "a\u{1b}]0;x\u{7}\u{202e}b\u{9b}2J@example.com", ..ANN };
    hostile.log_in_with(&env, 5, &body(42, 13));
    for words in
        ["limits", "accounts", "limits --guard five_hour=10", "limits --account nobody", "limits --json"]
    {
        let story = env.run(words).story();
        let bad = ['\u{1b}', '\u{7}', '\u{202e}', '\u{9b}'];
        assert!(!story.contains(bad), "{words}: {story:?}");
    }
}

#[test]
fn reports_are_of_the_account_whose_directory_held_it_when_the_call_was_made() {
    let env = TestEnv::new();
    ANN.log_in(&env);
    BEA.log_in(&env);
    let work = env.home().join(BEA.dir).display().to_string();
    env.config(&format!("[stats.watch]\npaths = [\"{work}\"]\n"));
    // What is there on the first run is nobody's.
    let call = |number, output| Call { number, tokens: [0, output, 0, 0, 0], ..Call::default() }.row();
    env.transcript("p/old.jsonl", &[Call { time: "2026-10-20T10:00:00Z", ..Call::default() }.row()]);
    let env = env.with("CCO_NOW", "2026-10-20T10:30:00Z");
    let _ = env.run("daily");
    env.transcript("p/ann.jsonl", &[call(2, 200)]);
    env.write(".claude-work/projects/p/bea.jsonl", &(call(3, 3_000) + "\n"));
    let env = env.with("CCO_NOW", "2026-10-20T12:00:00Z");
    let total =
        |words: &str| env.run(&format!("daily --json {words}")).json()["totals"]["outputTokens"].clone();
    assert_eq!(total(""), 3_210);
    assert_eq!(total("--account ann@example.com"), 200);
    assert_eq!(total("--account BEA@example.com"), 3_000);
    assert_eq!(total("--account unknown"), 10);
    assert_eq!(total("--account ann@example.com --account unknown"), 210);
    assert_eq!(env.run("daily --account an@example.com").code, 2);
    let limits = env.run("limits --json").json();
    let local = |number: usize| limits["accounts"][number]["windows"][0]["localTokens"].clone();
    assert_eq!(
        (local(0), local(1)),
        (200.into(), 3_000.into()),
        "an estimate is made of its own calls: {limits}"
    );
}
