//! Where transcripts are looked for and where the ledger is kept, and what is said when there is neither.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;

use crate::sealed::{Call, TestEnv};

fn calls(env: &TestEnv) -> u64 {
    let run = env.run("daily --json");
    run.json()["totals"]["calls"].as_u64().unwrap_or_else(|| panic!("{}", run.story()))
}

#[test]
fn a_machine_without_transcripts_is_greeted() {
    assert_snapshot!(TestEnv::new().run("").story(), @r"
    exit 0
    -- stderr
    note: no transcripts of Claude Code found
    hint: looked in $HOME/.config/claude/projects (not there)
    hint: looked in $HOME/.claude/projects (not there)
    hint: `cco --demo` shows made-up data
    ");
}

#[test]
fn a_report_without_transcripts_fails_and_says_where_it_looked() {
    let env = TestEnv::new();
    assert_snapshot!(env.run("daily").story(), @r"
    exit 1
    -- stderr
    error: no transcripts of Claude Code found
    hint: looked in $HOME/.config/claude/projects (not there)
    hint: looked in $HOME/.claude/projects (not there)
    hint: `cco --demo` shows made-up data
    ");
    for words in ["session", "blocks", "scan", "stats scan"] {
        assert_eq!(env.run(words).code, 1, "{words}");
    }
}

#[test]
fn json_is_whole_even_when_there_is_nothing() {
    let env = TestEnv::new();
    assert_eq!(env.run("daily --json").json()["daily"], serde_json::json!([]));
    assert_eq!(env.run("session --json").json()["sessions"], serde_json::json!([]));
    assert_eq!(env.run("blocks --json").json(), serde_json::json!({ "blocks": [] }));
    assert_eq!(env.run("--json").json()["callsEver"], 0);
    assert_eq!(env.run("scan --json").json()["files"], 0);
}

#[test]
fn an_empty_projects_folder_is_no_error() {
    let env = TestEnv::new();
    fs::create_dir_all(env.home().join(".claude/projects")).unwrap();
    assert_snapshot!(env.run("daily").story(), @r"
    exit 0
    -- stderr
    note: no calls yet
    ");
    assert_snapshot!(env.run("").story(), @r"
    exit 0
    -- stdout
    Nothing yet: the transcripts hold no calls. Use Claude Code, then look again.
    ");
}

#[test]
fn kept_calls_are_shown_when_transcripts_are_gone() {
    let env = TestEnv::new();
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    assert_eq!(calls(&env), 1);
    fs::remove_dir_all(env.home().join(".claude")).unwrap();
    let run = env.run("daily --json");
    assert_eq!((run.code, run.json()["totals"]["calls"].as_u64()), (0, Some(1)));
    assert_snapshot!(run.stderr, @r"
    warning: no transcripts of Claude Code found; these are the numbers kept in the ledger
    hint: looked in $HOME/.config/claude/projects (not there)
    hint: looked in $HOME/.claude/projects (not there)
    ");
}

#[test]
fn both_default_roots_are_read_and_each_folder_once() {
    let env = TestEnv::new();
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    env.write(".config/claude/projects/b/s.jsonl", &Call { number: 2, ..Call::default() }.row());
    assert_eq!(calls(&env), 2);

    let env = TestEnv::new();
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    fs::create_dir(env.home().join(".config")).unwrap();
    std::os::unix::fs::symlink(env.home().join(".claude"), env.home().join(".config/claude")).unwrap();
    let run = env.run("scan --json");
    assert_eq!(run.json()["files"], 1, "{}", run.story());
}

#[test]
fn a_list_of_roots_replaces_the_defaults() {
    let env = TestEnv::new();
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    env.write("one/projects/a/s.jsonl", &Call { number: 2, ..Call::default() }.row());
    env.write("two/projects/a/s.jsonl", &Call { number: 3, ..Call::default() }.row());
    let list = format!("{}, ~/two/projects,,~/gone", env.home().join("one").display());
    let env = env.with("CLAUDE_CONFIG_DIR", &list);
    assert_eq!(calls(&env), 2);
    assert_snapshot!(env.run("daily --json").stderr, @"warning: $HOME/gone/projects, named by CLAUDE_CONFIG_DIR, cannot be read: not there");
}

#[test]
fn the_configuration_adds_roots() {
    let env = TestEnv::new();
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    env.write("one/projects/a/s.jsonl", &Call { number: 2, ..Call::default() }.row());
    env.write("two/projects/a/s.jsonl", &Call { number: 3, ..Call::default() }.row());
    env.config("[stats.watch]\npaths = ['~/one', '../two/projects']");
    assert_eq!(calls(&env), 3);
}

#[test]
fn the_folder_of_cco_is_private() {
    let env = TestEnv::new();
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    assert_eq!(calls(&env), 1);
    let mode = |path: &str| fs::metadata(env.home().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(".cco"), mode(".cco/ledger.db")), (0o700, 0o600));
}

#[test]
fn without_a_home_that_can_be_written_nothing_is_kept_and_that_is_said_once() {
    let env = TestEnv::new();
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    env.write("file", "");
    let home = env.home().join("file/home").display().to_string();
    let env = env.with("CCO_HOME", &home);
    let run = env.run("daily --json");
    assert_eq!((run.code, run.json()["totals"]["calls"].as_u64()), (0, Some(1)));
    assert_snapshot!(run.stderr, @"warning: cannot write to $HOME/file/home (not a folder); nothing is kept after this run");
}

#[test]
fn a_relative_home_would_be_another_one_in_each_folder() {
    let env = TestEnv::new().with("CCO_HOME", "elsewhere/.cco");
    assert_snapshot!(env.run("daily").story(), @r#"
    exit 2
    -- stderr
    error: CCO_HOME must be an absolute path, not "elsewhere/.cco"
    hint: for example: CCO_HOME="$HOME/.cco"
    "#);
    assert!(!env.home().join("elsewhere").exists());
    let demo = env.run("daily --demo");
    assert!(demo.code == 0 && demo.stderr.starts_with("warning: CCO_HOME must be"), "{}", demo.story());
    assert_eq!(env.run("--help").code, 0);
}

#[test]
fn without_any_home_it_says_what_to_set() {
    assert_snapshot!(TestEnv::new().without("HOME").run("daily").story(), @r"
    exit 1
    -- stderr
    warning: neither CCO_HOME nor HOME is set; nothing is kept after this run
    error: no transcripts of Claude Code found
    hint: set CLAUDE_CONFIG_DIR to the folder that holds projects/
    hint: `cco --demo` shows made-up data
    ");
}

#[test]
fn demo_touches_nothing() {
    let env = TestEnv::new();
    let run = env.run("daily --demo --json");
    assert_eq!((run.code, run.stderr.as_str()), (0, "note: demo data, made up\n"));
    assert_eq!(run.json()["totals"]["calls"], 40);
    assert!(!env.home().join(".cco").exists());
}

#[test]
fn the_folder_of_another_database_path_is_made() {
    let env = TestEnv::new();
    env.transcript("-code-atlas/one.jsonl", &[Call::default().row()]);
    env.config("[stats]\ndatabase_path = \"~/kept/here/calls.db\"\n");
    let run = env.run("daily --json");
    assert_eq!(run.json()["totals"]["calls"], 1);
    assert!(env.home().join("kept/here/calls.db").is_file());
}

/// A folder whose path is too long for the system: nobody can list it by its name, not even root.
pub(crate) fn unlistable_folder(inside: &std::path::Path) {
    use rustix::fs::{Mode, OFlags, mkdirat, open, openat};
    let name = "x".repeat(250);
    let mut folder = open(inside, OFlags::DIRECTORY, Mode::empty()).unwrap();
    for _ in 0..20 {
        mkdirat(&folder, &name, Mode::RWXU).unwrap();
        folder = openat(&folder, &name, OFlags::DIRECTORY, Mode::empty()).unwrap();
    }
}

#[test]
fn every_command_says_what_cannot_be_read() {
    let env = TestEnv::new();
    let path = env.transcript("a/s.jsonl", &[Call::default().row()]);
    unlistable_folder(path.parent().unwrap());
    for words in ["scan", "scan --json", "daily", "daily --json", ""] {
        let run = env.run(words);
        let said = run.stderr.matches("1 file or folder cannot be read").count();
        assert_eq!((run.code, said), (0, 1), "{words}: {}", run.story());
    }
    let verbose = env.run("scan -v");
    assert_eq!((verbose.stdout.matches("cannot be read").count(), verbose.stderr.as_str()), (1, ""));
}

#[test]
fn a_default_root_that_is_there_but_cannot_be_read_is_missed() {
    let env = TestEnv::new();
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    env.write(".config/claude/projects", "");
    assert_snapshot!(env.run("daily --json").stderr, @"warning: $HOME/.config/claude/projects cannot be read: not a folder");
}
