//! `cco statusline install` and `uninstall`: one key of `settings.json` changes, and all comes back to the byte.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use insta::assert_snapshot;

use crate::sealed::{Run, TestEnv};

const SETTINGS: &str = ".claude/settings.json";
/// Another tool's.
const OTHER: &str = r#"{"type": "command", "command": "npx -y other-line@latest", "padding": 0}"#;

fn with_settings(text: &str) -> TestEnv {
    let env = TestEnv::new();
    env.write(SETTINGS, text);
    env
}

fn text(env: &TestEnv) -> String {
    fs::read_to_string(env.home().join(SETTINGS)).unwrap()
}

fn program() -> &'static str {
    env!("CARGO_BIN_EXE_cco")
}

/// What was said, with this program's path as `CCO` and checksums as `SUM`.
fn story(run: &Run) -> String {
    let story = run.story().replace(program(), "CCO");
    let Some((before, after)) = story.split_once("backups/settings.json.") else { return story };
    format!("{before}backups/settings.json.SUM{}", &after[16..])
}

fn installed(env: &TestEnv) -> serde_json::Value {
    let settings: serde_json::Value = serde_json::from_str(text(env).trim_start_matches('\u{feff}')).unwrap();
    settings["statusLine"].clone()
}

fn ours() -> serde_json::Value {
    serde_json::json!({ "type": "command", "command": format!("{} statusline", program()), "padding": 0 })
}

#[test]
fn install_sets_one_key_and_uninstall_puts_every_byte_back() {
    let before = "{\r\n\t\"model\": \"opus\",\r\n\t\"env\": {\"statusLine\": \"no\"}  \r\n}";
    let env = with_settings(before);
    assert_snapshot!(story(&env.run("statusline install")), @r"
    exit 0
    -- stderr
    note: $HOME/.claude/settings.json has cco's status line now
    note: what was there is in $HOME/.cco/backups/settings.json.SUM
    hint: Claude Code shows it from its next answer on; `cco statusline uninstall` takes it out again
    ");
    let expected = format!(
        "{{\r\n\t\"model\": \"opus\",\r\n\t\"env\": {{\"statusLine\": \"no\"}},\r\n\t\"statusLine\": {{\r\n\t\t\"type\": \"command\",\r\n\t\t\"command\": \"{} statusline\",\r\n\t\t\"padding\": 0\r\n\t}}  \r\n}}",
        program()
    );
    assert_eq!(text(&env), expected);
    assert_snapshot!(story(&env.run("statusline install")), @r"
    exit 0
    -- stderr
    note: $HOME/.claude/settings.json has cco's status line already
    ");
    assert_eq!(text(&env), expected, "a second time changes nothing");
    assert_snapshot!(story(&env.run("statusline uninstall")), @r"
    exit 0
    -- stderr
    note: $HOME/.claude/settings.json is as it was
    ");
    assert_eq!(text(&env), before);
    assert_snapshot!(story(&env.run("statusline uninstall")), @r"
    exit 0
    -- stderr
    note: $HOME/.claude/settings.json has no status line
    ");
    assert_eq!(fs::read_dir(env.home().join(".claude")).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_copy_is_kept_that_only_its_user_can_read() {
    let before = "{\"env\": {\"KEY\": \"secret\"}}\n";
    let env = with_settings(before);
    let run = env.run("statusline install --json");
    assert!(!run.story().contains("secret"));
    let copy = run.json()["backup"].as_str().unwrap().replace("$HOME", env.home().to_str().unwrap());
    assert_eq!(fs::read_to_string(&copy).unwrap(), before);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(copy.as_ref()), mode(Path::new(&copy).parent().unwrap())), (0o600, 0o700));
    let records = fs::read_dir(env.home().join(".cco/state")).unwrap();
    let records: Vec<PathBuf> = records.map(|entry| entry.unwrap().path()).collect();
    assert!(records.len() == 1 && mode(&records[0]) == 0o600, "{records:?}");
}

#[test]
fn settings_that_are_not_there_are_made_and_removed_again() {
    let env = TestEnv::new();
    assert_snapshot!(story(&env.run("statusline install")), @r"
    exit 1
    -- stderr
    error: there is no config directory $HOME/.claude (not there)
    hint: start Claude Code once, or name the directory with --config-dir DIR
    ");
    fs::create_dir(env.home().join(".claude")).unwrap();
    assert_eq!(env.run("statusline install").code, 0);
    assert_eq!(installed(&env), ours());
    assert_snapshot!(story(&env.run("statusline uninstall")), @r"
    exit 0
    -- stderr
    note: $HOME/.claude/settings.json is gone again: there was nothing but cco's status line in it
    ");
    assert!(!env.home().join(SETTINGS).exists());
    assert_eq!(env.run("statusline install").code, 0);
    let more = text(&env).replacen('{', "{\n  \"model\": \"opus\",", 1);
    env.write(SETTINGS, &more);
    assert_eq!(env.run("statusline uninstall").code, 0);
    assert_eq!(text(&env), "{\n  \"model\": \"opus\"\n}\n", "what came since stays");
}

#[test]
fn another_tool_s_line_is_replaced_only_when_somebody_says_so() {
    let before = format!("{{\n  \"statusLine\": {OTHER},\n  \"model\": \"opus\"\n}}\n");
    let env = with_settings(&before);
    assert_snapshot!(story(&env.run("statusline install")), @r"
    exit 1
    -- stderr
    error: $HOME/.claude/settings.json has another status line: `npx -y other-line@latest`
    hint: nothing was changed; --yes replaces it, and `cco statusline uninstall` brings it back
    ");
    assert_snapshot!(env.run_with_answer("statusline install", "n\n").replace(program(), "CCO"), @r"
    n
    note: $HOME/.claude/settings.json has another status line: `npx -y other-line@latest`
    Replace it? `cco statusline uninstall` brings it back. [y/N] note: nothing was changed
    ");
    assert_eq!(text(&env), before);
    let yes = env.run_with_answer("statusline install", "y\nn\n");
    assert_eq!(installed(&env), ours(), "{yes}");
    let changed = text(&env).replace("opus", "haiku");
    env.write(SETTINGS, &changed);
    assert_snapshot!(story(&env.run("statusline uninstall")), @r"
    exit 0
    -- stderr
    note: $HOME/.claude/settings.json has `npx -y other-line@latest` again; all else stays as it is now
    ");
    assert_eq!(text(&env), before.replace("opus", "haiku"), "what else changed since stays");
    assert_eq!(env.run("statusline install --yes").code, 0);
    assert_eq!(installed(&env), ours());
}

#[test]
fn a_line_that_is_not_ours_is_not_taken_out() {
    let env = with_settings("{}");
    let _ = env.run("statusline install");
    let theirs = format!("{{\"statusLine\": {OTHER}}}");
    env.write(SETTINGS, &theirs);
    assert_snapshot!(story(&env.run("statusline uninstall")), @r"
    exit 1
    -- stderr
    error: the status line of $HOME/.claude/settings.json is not cco's: `npx -y other-line@latest`
    hint: nothing was changed; it is for you or that tool to take it out
    ");
    assert_eq!(text(&env), theirs);
}

#[test]
fn a_program_that_moved_is_set_anew_and_the_first_settings_come_back() {
    let before = format!("{{\"statusLine\": {OTHER}, \"a\": 1}}");
    let env = with_settings(&before);
    let moved = env.home().join("my tools/cco-1.0");
    fs::create_dir(moved.parent().unwrap()).unwrap();
    fs::copy(program(), &moved).unwrap();
    let mut first = env.seal(Command::new(&moved));
    assert!(first.args(["statusline", "install", "--yes"]).output().unwrap().status.success());
    let command = installed(&env)["command"].as_str().unwrap().to_owned();
    assert_eq!(command, format!("'{}' statusline", moved.display()), "blanks are quoted");
    let line = env.seal(Command::new("/bin/sh")).args(["-c", &command]).output().unwrap();
    assert!(line.status.success() && !line.stdout.is_empty());
    assert_eq!(env.run("statusline install").code, 0);
    assert_eq!(installed(&env), ours());
    assert_eq!(env.run("statusline uninstall").code, 0);
    assert_eq!(text(&env), before);
}

#[test]
fn the_name_in_the_search_path_is_preferred_since_updates_keep_it() {
    let env = with_settings("{}");
    let link = env.home().join("bin/cco");
    fs::create_dir(link.parent().unwrap()).unwrap();
    symlink(program(), &link).unwrap();
    let env = env.with("PATH", "/usr/bin");
    let path = format!("/usr/bin:{}", link.parent().unwrap().display());
    let run = env.command("statusline install").env("PATH", path).output().unwrap();
    assert!(run.status.success());
    assert_eq!(installed(&env)["command"], format!("{} statusline", link.display()));
}

#[test]
fn a_link_stays_a_link_and_modes_stay() {
    for mode in [0o600, 0o444, 0o664] {
        let env = TestEnv::new();
        let real = env.write("dotfiles/claude.json", "{\"a\":1}");
        fs::set_permissions(&real, fs::Permissions::from_mode(mode)).unwrap();
        fs::create_dir(env.home().join(".claude")).unwrap();
        symlink("../dotfiles/claude.json", env.home().join("middle")).unwrap();
        fs::create_dir(env.home().join("x")).unwrap();
        symlink("../dotfiles/claude.json", env.home().join("x/middle")).unwrap();
        symlink("../x/middle", env.home().join(SETTINGS)).unwrap();
        assert_eq!(env.run("statusline install").code, 0);
        assert_eq!(installed(&env), ours());
        assert!(env.home().join(SETTINGS).is_symlink() && env.home().join("x/middle").is_symlink());
        assert_eq!(fs::metadata(&real).unwrap().mode() & 0o7777, mode);
        assert_eq!(env.run("statusline uninstall").code, 0);
        assert_eq!(fs::read_to_string(&real).unwrap(), "{\"a\":1}");
        assert_eq!(fs::metadata(&real).unwrap().mode() & 0o7777, mode);
    }
}

#[test]
fn what_cannot_be_changed_safely_is_refused_and_stays() {
    let mut all = String::new();
    for text in [
        "{\n  // mine\n  \"a\": 1\n}",
        "{\"a\": 1,}",
        "[]",
        "{\"statusLine\": 1, \"statusLine\": 2}",
        "{\"a\"",
        "\"\u{1}\"",
    ] {
        let env = with_settings(text);
        let run = env.run("statusline install --yes");
        all += &run.stderr;
        assert_eq!((run.code, self::text(&env).as_str()), (1, text));
        assert!(
            !env.home().join(".cco/state").exists()
                || fs::read_dir(env.home().join(".cco/state")).unwrap().count() == 0
        );
    }
    let env = TestEnv::new();
    fs::create_dir_all(env.home().join(SETTINGS)).unwrap();
    all += &env.run("statusline install").stderr;
    let env = TestEnv::new();
    fs::create_dir(env.home().join(".claude")).unwrap();
    symlink("nowhere", env.home().join(SETTINGS)).unwrap();
    all += &env.run("statusline install").stderr;
    let env = with_settings("");
    fs::write(env.home().join(SETTINGS), b"{\"a\": \"\xff\"}").unwrap();
    all += &env.run("statusline install").stderr;
    env.write(SETTINGS, &format!("{{\"a\": \"{}\"}}", "x".repeat(8 << 20)));
    all += &env.run("statusline install").stderr;
    let env = with_settings("{}").without("HOME");
    all += &env.run("statusline install").stderr;
    assert_snapshot!(all, @r#"
    error: cannot change $HOME/.claude/settings.json: it is not valid JSON: key must be a string at line 2 column 3
    hint: nothing was changed; Claude Code wants plain JSON: no comments, no comma before a closing bracket
    error: cannot change $HOME/.claude/settings.json: it is not valid JSON: key must be a string at line 1 column 9
    hint: nothing was changed; Claude Code wants plain JSON: no comments, no comma before a closing bracket
    error: cannot change $HOME/.claude/settings.json: it is JSON, but not an object
    hint: nothing was changed; mend it with your editor
    error: cannot change $HOME/.claude/settings.json: it has "statusLine" more than once
    hint: nothing was changed; mend it with your editor
    error: cannot change $HOME/.claude/settings.json: it is not valid JSON: EOF while parsing an object at line 1 column 4
    hint: nothing was changed; Claude Code wants plain JSON: no comments, no comma before a closing bracket
    error: cannot change $HOME/.claude/settings.json: it is not valid JSON: control character (\u0000-\u001F) found while parsing a string at line 1 column 1
    hint: nothing was changed; Claude Code wants plain JSON: no comments, no comma before a closing bracket
    error: cannot use $HOME/.claude/settings.json: it is not a file
    hint: move away what has its name
    error: cannot use $HOME/.claude/settings.json: it is a link that leads nowhere (not there)
    hint: make the file that it leads to, or remove the link
    error: cannot use $HOME/.claude/settings.json: it is not valid UTF-8
    hint: save it as UTF-8 with your editor
    error: cannot use $HOME/.claude/settings.json: it is larger than 8 MiB
    hint: settings are small: look what is in it
    error: neither CLAUDE_CONFIG_DIR nor HOME is set: there are no settings to change
    hint: --config-dir DIR names the config directory of Claude Code
    "#);
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_before_anything_is_done() {
    let env = with_settings("{}");
    env.give_away();
    let folder = env.home().join(".claude");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    let Some(run) = env.run_bound("statusline install") else { return };
    assert_snapshot!(run.story(), @r"
    exit 1
    -- stderr
    error: cannot write $HOME/.claude/settings.json: permission denied
    hint: nothing was changed; let yourself write in that folder, as the owner of the file
    ");
    assert_eq!(text(&env), "{}");
    assert!(!env.home().join(".cco/backups").exists());
}

#[test]
fn a_dry_run_shows_the_entry_and_changes_nothing() {
    let env = with_settings("{\n  \"a\": 1\n}\n");
    assert_snapshot!(story(&env.run("statusline install --dry-run")), @r#"
    exit 0
    -- stdout
    "statusLine": {
        "type": "command",
        "command": "CCO statusline",
        "padding": 0
      }
    -- stderr
    note: this would go into $HOME/.claude/settings.json; nothing was changed
    "#);
    assert_eq!(text(&env), "{\n  \"a\": 1\n}\n");
    assert!(!env.home().join(".cco").exists());
}

#[test]
fn whoever_sits_there_is_asked_about_limits_once_and_scripts_are_not() {
    let env = with_settings("{}");
    let first = env.run_with_answer("statusline install", "y\n");
    assert!(first.contains("May cco ask") && first.contains("limits.endpoint = true"), "{first}");
    let env = with_settings("{}");
    assert!(!env.run("statusline install").stderr.contains("May cco ask"));
    env.config("[limits]\nendpoint = false\n");
    let decided = env.run_with_answer("statusline install", "y\n");
    assert!(!decided.contains("May cco ask"), "{decided}");
}

#[test]
fn a_config_directory_can_be_named_in_three_ways() {
    let env = TestEnv::new();
    for dir in [".claude", "work", "third"] {
        env.write(&format!("{dir}/settings.json"), "{}");
    }
    let is_set = |env: &TestEnv, dir: &str| {
        fs::read_to_string(env.home().join(dir).join("settings.json")).unwrap().contains("statusLine")
    };
    let _ = env.run("statusline install --config-dir ~/work");
    assert_eq!((is_set(&env, "work"), is_set(&env, ".claude")), (true, false));
    let dirs = format!("{0}/third,{0}/.claude", env.home().display());
    let env = env.with("CLAUDE_CONFIG_DIR", &dirs);
    let _ = env.run("statusline install");
    assert_eq!((is_set(&env, "third"), is_set(&env, ".claude")), (true, false));
    let _ = env.run("statusline uninstall --config-dir work");
    assert_eq!((is_set(&env, "third"), is_set(&env, "work")), (true, false));
}

#[test]
fn many_at_once_leave_one_whole_file_and_nothing_else() {
    let before = format!("{{\n  \"statusLine\": {OTHER},\n  \"model\": \"opus\"\n}}\n");
    let env = with_settings(&before);
    for _ in 0..4 {
        let words = ["statusline install --yes", "statusline uninstall"];
        let crowd =
            (0..8).map(|number| env.command(words[number % 2]).stderr(Stdio::null()).spawn().unwrap());
        // An uninstall that comes first says that the line is another tool's.
        crowd.collect::<Vec<_>>().into_iter().for_each(|mut one| _ = one.wait().unwrap());
        assert!(text(&env) == before || installed(&env) == ours(), "{}", text(&env));
    }
    let _ = env.run("statusline install --yes");
    assert_eq!(installed(&env), ours());
    assert_eq!(env.run("statusline uninstall").code, 0);
    assert_eq!(text(&env), before);
    assert_eq!(fs::read_dir(env.home().join(".claude")).unwrap().count(), 1);
}

#[test]
fn a_record_that_cannot_be_read_stops_uninstall_before_anything_is_lost() {
    let before = format!("{{\"statusLine\": {OTHER}}}");
    let env = with_settings(&before);
    let _ = env.run("statusline install --yes");
    let record = fs::read_dir(env.home().join(".cco/state")).unwrap().next().unwrap().unwrap().path();
    let kept = fs::read(&record).unwrap();
    fs::write(&record, "{").unwrap();
    let run = env.run("statusline uninstall");
    assert_eq!((run.code, installed(&env)), (1, ours()), "{}", run.stderr);
    assert!(
        run.stderr.contains("it is damaged") && run.stderr.contains("nothing was changed"),
        "{}",
        run.stderr
    );
    fs::write(&record, kept).unwrap();
    fs::remove_dir_all(env.home().join(".cco/backups")).unwrap();
    assert_eq!(env.run("statusline uninstall").code, 0);
    assert_eq!(text(&env), before, "without the copy the old line is put back all the same");
}

#[test]
fn a_preset_is_kept_in_the_settings_of_cco() {
    let env = with_settings("{}");
    assert_eq!(env.run("statusline install --preset compact").code, 0);
    assert_eq!(installed(&env), ours());
    assert!(env.run("config show").stdout.contains("statusline.preset = \"compact\""));
    let run = env.run("statusline install --preset plain --dry-run");
    assert!(run.stderr.contains("its preset would be plain"), "{}", run.stderr);
    assert!(env.run("config show").stdout.contains("statusline.preset = \"compact\""));
    let run = env.run("statusline install --preset plain");
    assert_eq!(run.code, 0, "it can be changed where the line is there");
    assert!(run.stderr.contains("its preset is plain, kept in $HOME/.cco/config.toml"), "{}", run.stderr);
    assert!(env.run("config show").stdout.contains("statusline.preset = \"plain\""));
}

#[test]
fn status_lines_that_are_switched_off_are_told() {
    let env = with_settings("{\"disableAllHooks\": true}");
    assert!(env.run("statusline install").stderr.contains("turns status lines off"));
}

/// Ids and statuses of the checks of the status line, and their details.
fn checked(env: &TestEnv) -> String {
    let json = env.run("doctor --json").json();
    let checks = json["checks"].as_array().unwrap().iter();
    let ours = checks.filter(|check| check["id"].as_str().unwrap().starts_with("statusline."));
    let line = |check: &serde_json::Value| {
        let details =
            check["details"].as_array().unwrap().iter().map(|it| format!("\n  {}", it.as_str().unwrap()));
        let text = |key: &str| check[key].as_str().unwrap().to_owned();
        format!("{} {}{}\n", text("status"), text("id"), details.collect::<String>())
    };
    ours.map(line).collect::<String>().replace(program(), "CCO")
}

#[test]
fn doctor_says_whether_the_line_is_there_and_works() {
    let env = with_settings("{}");
    assert_snapshot!(checked(&env), @r"
    ok statusline.installed
      $HOME/.claude/settings.json: no status line
    ok statusline.runs
    ok statusline.unchanged
    ok statusline.overridden
    ");
    let _ = env.run("statusline install");
    assert_snapshot!(checked(&env), @r"
    ok statusline.installed
    ok statusline.runs
    ok statusline.unchanged
    ok statusline.overridden
    ");
}

#[test]
fn doctor_reports_every_way_in_which_the_line_was_altered() {
    let env = with_settings("{}");
    let _ = env.run("statusline install");
    let set = |command: &str| {
        let line = serde_json::json!({ "statusLine": { "type": "command", "command": command } });
        env.write(SETTINGS, &line.to_string());
    };
    let script = |text: &str| {
        let path = env.write("other/cco", text);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    let command = format!("{}/other/cco statusline", env.home().display());
    set("npx other-line");
    assert_snapshot!(checked(&env), @r"
    ok statusline.installed
      $HOME/.claude/settings.json: another status line: `npx other-line`
    ok statusline.runs
    note statusline.unchanged
      $HOME/.claude/settings.json: `npx other-line` instead of `CCO statusline`
    ok statusline.overridden
    ");
    set(&command);
    assert_snapshot!(checked(&env), @r"
    ok statusline.installed
    problem statusline.runs
      $HOME/.claude/settings.json: $HOME/other/cco is not there
    note statusline.unchanged
      $HOME/.claude/settings.json: `$HOME/other/cco statusline` instead of `CCO statusline`
    ok statusline.overridden
    ");
    env.write("other/cco", "");
    assert_snapshot!(checked(&env), @r"
    ok statusline.installed
    problem statusline.runs
      $HOME/.claude/settings.json: $HOME/other/cco cannot be run
    note statusline.unchanged
      $HOME/.claude/settings.json: `$HOME/other/cco statusline` instead of `CCO statusline`
    ok statusline.overridden
    ");
    script("#!/bin/sh\nexit 0\n");
    assert_snapshot!(checked(&env), @r"
    ok statusline.installed
    problem statusline.runs
      $HOME/.claude/settings.json: $HOME/other/cco printed nothing
    note statusline.unchanged
      $HOME/.claude/settings.json: `$HOME/other/cco statusline` instead of `CCO statusline`
    ok statusline.overridden
    ");
    script("#!/bin/sh\nexec sleep 60\n");
    assert_snapshot!(checked(&env), @r"
    ok statusline.installed
    problem statusline.runs
      $HOME/.claude/settings.json: $HOME/other/cco did not end in 2 seconds
    note statusline.unchanged
      $HOME/.claude/settings.json: `$HOME/other/cco statusline` instead of `CCO statusline`
    ok statusline.overridden
    ");
    let _ = env.run("statusline install");
    fs::set_permissions(env.home().join(SETTINGS), fs::Permissions::from_mode(0o666)).unwrap();
    assert_snapshot!(checked(&env), @r"
    ok statusline.installed
    ok statusline.runs
    problem statusline.unchanged
      $HOME/.claude/settings.json
    ok statusline.overridden
    ");
}

#[test]
fn doctor_tells_of_settings_that_go_before_and_runs_nothing_of_a_project() {
    let env = with_settings("{\"disableAllHooks\": true}");
    let project = env.home().join("code");
    let ran = env.home().join("ran");
    let command = format!("touch {}", ran.display());
    let line = serde_json::json!({ "statusLine": { "type": "command", "command": command } });
    env.write("code/.claude/settings.local.json", &line.to_string());
    let output = env.command("doctor --json").current_dir(project).output().unwrap();
    let run = env.of_output(output);
    assert!(run.stdout.contains("`touch $HOME/ran` goes before it here"), "{}", run.stdout);
    assert!(run.stdout.contains("switches status lines off") && !ran.exists());
}
