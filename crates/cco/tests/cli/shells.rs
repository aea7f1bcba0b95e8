//! Comfort: help, completions, manual pages, documents, colour, and readers that go away.

use std::fs;
use std::path::Path;

use crate::sealed::{Call, TestEnv};

/// Every command that people can type, from the help of those above it.
fn commands(env: &TestEnv) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut at = 0;
    while let Some(command) = all.get(at).cloned() {
        let help = env.run(&format!("{command} --help")).stdout;
        let list = help
            .split_once("Commands:\n")
            .map_or("", |(_, list)| list.split("\n\n").next().unwrap_or_default());
        let names = list
            .lines()
            .filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|name| !name.is_empty()));
        all.extend(names.map(|name| format!("{command} {name}").trim().to_owned()));
        at += 1;
    }
    all
}

#[test]
fn every_command_has_examples_and_one_line_about_it() {
    let env = TestEnv::new();
    let all = commands(&env);
    assert!(all.len() > 12, "{all:?}");
    for command in &all {
        for flag in ["-h", "--help"] {
            let run = env.run(&format!("{command} {flag}"));
            assert!(
                run.code == 0 && run.stdout.contains("\nExamples:\n  "),
                "{command} {flag}: {}",
                run.story()
            );
        }
    }
}

#[test]
fn completions_know_every_command_of_every_shell() {
    let env = TestEnv::new();
    for shell in ["bash", "zsh", "fish", "elvish"] {
        let script = env.run(&format!("completions {shell}"));
        assert_eq!((script.code, script.stderr.as_str()), (0, ""));
        for word in ["doctor", "completions", "timezone", "since", "deep"] {
            assert!(script.stdout.contains(word), "{shell} does not know {word}");
        }
    }
    assert_eq!(env.run("completions powershell").code, 2);
    assert!(!env.home().join(".cco").exists());
}

#[test]
fn bash_takes_its_completions() {
    let env = TestEnv::new();
    env.write("cco.bash", &env.run("completions bash").stdout);
    let script =
        "source cco.bash && COMP_WORDS=(cco doc) COMP_CWORD=1 && _cco cco doc cco && echo ${COMPREPLY[*]}";
    let output =
        std::process::Command::new("bash").args(["-c", script]).current_dir(env.home()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "doctor\n");
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let env = TestEnv::new();
    let page = env.run("man").stdout;
    assert!(page.contains(".TH cco 1") && page.contains("doctor"), "{page}");
    assert_eq!(env.run("man --out pages/man1").code, 0);
    for command in commands(&env) {
        let name = format!("cco {command}").trim().replace(' ', "-");
        assert!(env.home().join(format!("pages/man1/{name}.1")).is_file(), "{name}");
    }
    env.write("file", "");
    let refused = env.run("man --out file/man1");
    assert_eq!(
        (refused.code, refused.stderr.as_str()),
        (1, "error: cannot write to file/man1: not a folder\n")
    );
}

#[test]
fn the_documents_are_those_of_this_program() {
    let env = TestEnv::new();
    assert_eq!(env.run("man --docs made").code, 0);
    for name in ["commands.md", "config.md"] {
        let made = fs::read_to_string(env.home().join("made").join(name)).unwrap();
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
        let kept = fs::read_to_string(&kept).unwrap_or_default();
        assert!(
            made == kept,
            "docs/{name} is stale; `cargo run -- man --docs docs` in the project's folder makes it anew"
        );
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error_of_any_command() {
    let env = TestEnv::new();
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    assert_eq!(env.run("scan").code, 0);
    for command in commands(&env) {
        let words = match command.as_str() {
            // These write nothing to stdout, or run other commands.
            "config" | "config set" | "config unset" | "config edit" | "accounts add" | "accounts rename"
            | "accounts remove" | "accounts manage" | "accounts unmanage" | "daemon" => continue,
            // These begin a daemon, or want one; daemon.rs has them.
            command if command.starts_with("daemon ") || command == "dashboard" => continue,
            "completions" => "completions zsh",
            "config get" => "config get daemon.autostart",
            "explain" => "explain 2026-10-20",
            "reprice" => "reprice --dry-run",
            command => command,
        };
        for words in [words.to_owned(), format!("{words} --help"), format!("{words} --json")] {
            assert_eq!(env.run_with_closed_stdout(&words).0, 0, "{words}");
            let said = env.run_with_closed_stdout(&words).1;
            assert!(!said.contains("error") && !said.contains("panic"), "{words}: {said}");
        }
    }
}

#[test]
fn colour_is_where_it_is_wanted_and_nowhere_else() {
    let env = TestEnv::new();
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    for words in ["", "daily", "doctor", "config show", "config check", "--help"] {
        assert!(!env.run(words).stdout.contains('\u{1b}'), "{words}");
        assert!(!env.run(&format!("{words} --color never")).stdout.contains('\u{1b}'), "{words}");
    }
    for words in ["", "daily", "doctor", "config show"] {
        assert!(env.run(&format!("{words} --color always")).stdout.contains("\u{1b}["), "{words}");
    }
    let plain = env.with("NO_COLOR", "1");
    assert!(plain.run("doctor --color always").stdout.contains('\u{1b}'), "a flag goes before a variable");
}
