//! What a daemon follows while it runs: transcripts, their folders, and settings.

use std::fs;

use crate::running::{Daemon, append, calls, get, machine, machine_with, row, until};
use crate::sealed::TestEnv;

/// What the snapshot for status lines says that today cost, in nano-dollars.
fn cost_in_snapshot(env: &TestEnv) -> i64 {
    let text = fs::read_to_string(env.home().join(".cco/state/snapshot")).unwrap_or_default();
    let body = text.split_once('\n').map_or("", |(_, body)| body);
    let snapshot: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    snapshot["today"]["cost"].as_i64().unwrap_or_default()
}

#[test]
fn what_is_written_while_a_daemon_runs_is_in_the_next_report_and_no_command_reads_a_transcript() {
    let env = machine_with(2);
    let _daemon = Daemon::run(&env);
    assert_eq!(calls(&env), 2);
    for number in 2..12 {
        append(&env, number);
        assert_eq!(calls(&env), u64::from(number) + 1);
    }
}

#[test]
fn what_is_written_is_soon_in_the_snapshot_without_any_command() {
    let env = machine_with(1);
    let _daemon = Daemon::run(&env);
    until(|| cost_in_snapshot(&env) > 0);
    let one = cost_in_snapshot(&env);
    append(&env, 1);
    until(|| cost_in_snapshot(&env) == 2 * one);
}

#[test]
fn a_report_on_other_folders_than_the_daemon_follows_looks_for_itself() {
    let env = machine_with(1);
    let _daemon = Daemon::run(&env);
    assert_eq!(calls(&env), 1);
    env.write("other/projects/b/t.jsonl", &(row(77) + "\n"));
    let other = env.home().join("other").display().to_string();
    let env = env.with("CLAUDE_CONFIG_DIR", &other);
    assert_eq!(calls(&env), 2);
}

#[test]
fn transcripts_in_a_folder_that_came_after_the_daemon_are_counted() {
    let env = machine();
    let daemon = Daemon::run(&env);
    // It has looked, and found no folder.
    until(|| env.run("daemon status").stdout.contains("what is new is taken in"));
    env.transcript("a/s.jsonl", &[row(0), row(1)]);
    assert_eq!(calls(&env), 2);
    daemon.says("transcripts are looked for elsewhere than before: ");
    append(&env, 2);
    assert_eq!(calls(&env), 3);
}

#[test]
fn a_folder_of_transcripts_that_is_gone_is_said_until_it_is_back() {
    let env = machine_with(1);
    let _daemon = Daemon::run(&env);
    assert_eq!(calls(&env), 1);
    assert_eq!(env.run("daemon status").code, 0);
    fs::remove_dir_all(env.home().join(".claude/projects")).unwrap();
    until(|| env.run("daemon status").code == 3);
    let status = env.run("daemon status").stdout;
    let line = status.lines().find(|line| line.starts_with("watcher")).unwrap_or_default();
    assert!(line.contains("fails") && line.contains("$HOME/.claude/projects (not there)"), "{status}");
    assert!(env.run("doctor").stdout.contains("watcher: no transcripts to follow"));
    env.transcript("a/s.jsonl", &[row(0), row(1)]);
    until(|| env.run("daemon status").code == 0);
    assert_eq!(calls(&env), 2);
}

#[test]
fn a_setting_that_waits_for_a_start_of_the_daemon_says_so_while_one_runs() {
    let env = machine();
    let hint = "hint: the daemon that runs takes it at its next start: `cco daemon restart`";
    let says = |words: &str| env.run(words).stderr.lines().any(|line| line == hint);
    assert!(!says("config set daemon.listen 127.0.0.1:0"), "none runs");
    let _daemon = Daemon::run(&env);
    for words in [
        "config set daemon.listen 127.0.0.1:4011",
        "config set stats.watch.debounce_ms 50",
        "config unset daemon.listen",
    ] {
        assert!(says(words), "{words}");
    }
    assert!(!says("config set stats.timezone UTC"), "this one is followed");
}

#[test]
fn other_settings_are_followed_without_a_new_start() {
    let env = machine_with(1);
    env.write("more/projects/b/t.jsonl", &(row(1) + "\n" + &row(2) + "\n"));
    let daemon = Daemon::run(&env);
    assert_eq!(calls(&env), 1);
    let more = env.home().join("more").display().to_string();
    env.config(&format!("[daemon]\nlisten = \"127.0.0.1:0\"\n[stats.watch]\npaths = [\"{more}\"]\n"));
    assert_eq!(calls(&env), 3);
    daemon.says("settings have changed");
    append(&env, 3);
    assert_eq!(calls(&env), 4);
}

#[test]
fn requests_are_answered_as_settings_say_by_then() {
    let env = machine_with(1);
    let _daemon = Daemon::run(&env);
    let with = |more: &str| env.config(&format!("[daemon]\nlisten = \"127.0.0.1:0\"\n{more}"));
    assert!(get(&env, "/api/stats").starts_with("HTTP/1.1 401"));
    for zone in ["Asia/Kathmandu", "Asia/Tokyo"] {
        with(&format!("open_reads = true\n[stats]\ntimezone = \"{zone}\"\n"));
        let answer = get(&env, "/api/stats");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(zone), "{answer}");
    }
    with("open_reads = true\n[stats]\nenabled = false\n");
    assert!(get(&env, "/api/stats").starts_with("HTTP/1.1 503"));
    with("");
    assert!(get(&env, "/api/stats").starts_with("HTTP/1.1 401"));
}

#[test]
fn of_settings_that_changed_it_is_said_which_are_followed() {
    let env = machine_with(1);
    let daemon = Daemon::run(&env);
    until(|| cost_in_snapshot(&env) > 0);
    let one = cost_in_snapshot(&env);
    env.config("[daemon]\nlisten = \"127.0.0.1:1\"\n[stats.watch]\ndebounce_ms = 7\n");
    daemon.says("settings have changed, and are followed");
    let line = daemon.says("takes effect when the daemon begins again");
    assert!(line.contains("keeper: daemon.listen, stats.watch.debounce_ms: takes effect"), "{line}");
    env.config("[daemon]\nopen_reads = true\nhosts = 5\n");
    let line = daemon.says("settings have changed, and are not followed");
    assert!(line.contains("warning: ") && line.contains("daemon.hosts"), "{line}");
    assert!(get(&env, "/api/stats").starts_with("HTTP/1.1 401"), "half of it was followed");
    append(&env, 1);
    until(|| cost_in_snapshot(&env) == 2 * one);
    env.config("[daemon]\nlisten = \"127.0.0.1:0\"\n");
    daemon.says("settings have changed, and are followed");
    let log = fs::read_to_string(env.home().join(".cco/logs/daemon.log")).unwrap();
    assert_eq!(log.matches("not followed").count(), 1, "{log}");
}

#[test]
fn whoever_answers_looks_where_settings_say_by_then() {
    let env = machine_with(1);
    env.config("[daemon]\nlisten = \"127.0.0.1:0\"\nopen_reads = true\n");
    let daemon = Daemon::run(&env);
    assert_eq!(calls(&env), 1);
    let sources = get(&env, "/api/sources");
    assert!(sources.starts_with("HTTP/1.1 200") && !sources.contains("/other"), "{sources}");
    env.write("other/projects/b/t.jsonl", &(row(1) + "\n"));
    let other = env.home().join("other").display().to_string();
    env.config(&format!(
        "[daemon]\nlisten = \"127.0.0.1:0\"\nopen_reads = true\n[stats.watch]\npaths = [\"{other}\"]\n"
    ));
    daemon.says("settings have changed, and are followed");
    until(|| get(&env, "/api/sources").contains("/other"));
}
