//! `cco statusline` as Claude Code runs it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::logins::{ANN, BEA};
use crate::sealed::{Call, Run, TestEnv};
use crate::service::body;

const SNAPSHOT: &str = ".cco/state/snapshot";

/// Hands this over on stdin.
fn draw_with(env: &TestEnv, mut command: Command, payload: &[u8]) -> Run {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(payload);
    env.of_output(child.wait_with_output().unwrap())
}

fn draw(env: &TestEnv, payload: impl AsRef<[u8]>) -> String {
    let run = draw_with(env, env.command("statusline"), payload.as_ref());
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.story());
    run.stdout
}

/// A session of an account, in the home folder, with what it is told of its five hours.
fn payload(env: &TestEnv, dir: &str, five_hour: Option<u32>) -> String {
    let home = env.home().display();
    let mut payload = json!({
        "session_id": "s1",
        "transcript_path": format!("{home}/{dir}/projects/-app/s1.jsonl"),
        "cwd": format!("{home}/app"),
        "model": {"id": "claude-opus-4-6"},
        "cost": {"total_api_duration_ms": five_hour},
    });
    if let Some(percent) = five_hour {
        payload["rate_limits"] =
            json!({"five_hour": {"used_percentage": percent, "resets_at": "1792507500"}});
    }
    payload.to_string()
}

fn machine() -> TestEnv {
    let env = TestEnv::new().with("NO_COLOR", "1");
    env.config(&format!("[accounts]\nconfig_dirs = [\"~/{}\", \"~/{}\"]\n", ANN.dir, BEA.dir));
    ANN.log_in(&env);
    BEA.log_in(&env);
    env
}

#[test]
fn colours_are_as_the_flags_say_whatever_settings_and_environment_do() {
    let has_colours = |env: &TestEnv, words: &str| {
        let run = draw_with(env, env.command(words), payload(env, ".claude", Some(42)).as_bytes());
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.story());
        run.stdout.contains('\u{1b}')
    };
    let env = TestEnv::new().with("TERM", "xterm-256color");
    assert!(has_colours(&env, "statusline"));
    assert!(!has_colours(&env, "statusline --color never") && !has_colours(&env, "--no-color statusline"));
    env.config("[statusline]\ncolor = \"always\"\n");
    assert!(!has_colours(&env, "statusline --no-color"));
    env.config("[statusline]\ncolor = \"never\"\n");
    assert!(has_colours(&env, "statusline --color always") && !has_colours(&env, "statusline --color auto"));
}

#[test]
fn without_anything_it_draws_what_it_is_handed() {
    let env = TestEnv::new().with("NO_COLOR", "1");
    assert_eq!(draw(&env, ""), "🤖:Claude 🕐:12:00\n");
    insta::assert_snapshot!(draw(&env, payload(&env, ".claude", Some(29))), @r"
    📁:~/app 🤖:Opus4.6
    🕐:12:00|⌛:2h45m(29%)
    ");
    let env = env.without("HOME");
    assert_eq!(draw(&env, "{}"), "🤖:Claude 🕐:12:00\n");
}

#[test]
fn every_command_leaves_what_it_knows_to_the_line() {
    let env = machine();
    ANN.remember(&env, 5, &body(29, 98));
    env.transcript("-app/a.jsonl", &[Call::default().row()]);
    assert_eq!(env.run("daily").code, 0);
    insta::assert_snapshot!(draw(&env, payload(&env, ANN.dir, None)), @r"
    📁:~/app 🤖:Opus4.6
    👤ann@example.com 🕐:12:00|⌛:2h30m(29%)⚠|📅:69h(98%)@Fri⚠ 📊:11tok
    ");
    insta::assert_snapshot!(draw(&env, payload(&env, BEA.dir, None)), @r"
    📁:~/app 🤖:Opus4.6
    👤bea@example.com 🕐:12:00 📊:11tok
    ");
    insta::assert_snapshot!(draw(&env, payload(&env, "elsewhere", None)), @r"
    📁:~/app 🤖:Opus4.6
    🕐:12:00 📊:11tok
    ");
}

#[test]
fn what_a_session_is_told_becomes_a_reading_of_its_account() {
    let env = machine();
    let _ = env.run("accounts");
    draw(&env, payload(&env, ANN.dir, Some(41)));
    draw(&env, payload(&env, "elsewhere", Some(77)));
    assert_eq!(fs::read_dir(env.home().join(".cco/state/spool")).unwrap().count(), 1);
    let limits = env.run("limits --json").json();
    let told = &limits["accounts"][0]["windows"][0];
    assert_eq!((&told["percent"], &told["source"]), (&json!(41.0), &json!("stdin")), "{limits:#}");
    assert!(!limits.to_string().contains("77"), "nobody's");
    assert_eq!(fs::read_dir(env.home().join(".cco/state/spool")).unwrap().count(), 0, "taken in");
    // Another session of the same account sees it now.
    insta::assert_snapshot!(draw(&env, payload(&env, ANN.dir, None)), @r"
    📁:~/app 🤖:Opus4.6
    👤ann@example.com 🕐:12:00|⌛:2h45m(41%)
    ");
}

#[test]
fn a_setting_counts_from_the_moment_it_is_written() {
    let env = TestEnv::new().with("NO_COLOR", "1").with("TZ", "Europe/Berlin");
    env.transcript("-app/a.jsonl", &[Call { time: "2026-10-01T10:00:00Z", ..Call::default() }.row()]);
    let _ = env.run("daily");
    assert_eq!(draw(&env, "{}"), "🤖:Claude 🕐:14:00\n");
    env.config("[statusline]\npreset = \"plain\"\nlines = [[\"text:hi\", \"clock\"]]\n[stats]\ntimezone = \"Asia/Tokyo\"\n");
    assert_eq!(draw(&env, "{}"), "hi 21:00\n", "before any other command ran");
    let _ = env.run("daily");
    assert_eq!(draw(&env, "{}"), "hi 21:00\n");
    env.config("[statusline]\nlines = [[\"clock\", \"clok\"]]\n");
    assert_eq!(draw(&env, "{}"), "⚠config 🤖:Claude 🕐:14:00\n");
    let run = env.run("config check");
    insta::assert_snapshot!(run.story(), @r#"
    exit 3
    -- stderr
    warning: $HOME/.cco/config.toml:2: `statusline.lines`: no segment is called "clok"
    hint: did you mean "clock"?
    "#);
    assert_eq!(draw(&env.with("TZ", "UTC"), "{}"), "⚠config 🤖:Claude 🕐:12:00\n");
}

/// Puts something at a path.
type Plant<'a> = &'a dyn Fn(&std::path::Path);

#[test]
fn whatever_lies_where_its_files_should_be_there_is_a_line_in_time() {
    let env = machine();
    let _ = env.run("accounts");
    let whole = fs::read(env.home().join(SNAPSHOT)).unwrap();
    let (snapshot, spool) = (env.home().join(SNAPSHOT), env.home().join(".cco/state/spool"));
    let clear = |path: &std::path::Path| {
        let _ = fs::remove_file(path);
        let _ = fs::remove_dir_all(path);
    };
    let fifo = |path: &std::path::Path| {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    let plants: [(&str, Plant<'_>); 8] = [
        ("nothing", &|_| {}),
        ("a torn file", &|path| fs::write(path, &whole[..whole.len() / 2]).unwrap()),
        ("a file of zeros", &|path| fs::write(path, vec![0; 4_096]).unwrap()),
        ("a folder", &|path| fs::create_dir(path).unwrap()),
        ("a pipe", &|path| fifo(path)),
        ("a link in a circle", &|path| symlink(path, path).unwrap()),
        ("a device", &|path| symlink("/dev/zero", path).unwrap()),
        ("a huge file", &|path| fs::File::create(path).unwrap().set_len(1 << 30).unwrap()),
    ];
    for (what, plant) in plants {
        for path in [&snapshot, &spool.join("s1.jsonl"), &spool] {
            clear(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            plant(path);
            let begun = Instant::now();
            let drawn = draw(&env, payload(&env, ANN.dir, Some(29)));
            assert!(drawn.ends_with("⌛:2h45m(29%)\n"), "{what} at {}: {drawn}", path.display());
            assert!(begun.elapsed() < Duration::from_secs(5), "{what} at {}", path.display());
            clear(path);
        }
    }
}

#[test]
fn a_pipe_in_the_place_of_the_snapshot_holds_no_command_up() {
    let env = machine();
    fs::create_dir_all(env.home().join(".cco/state")).unwrap();
    assert!(Command::new("mkfifo").arg(env.home().join(SNAPSHOT)).status().unwrap().success());
    assert_eq!(env.run("accounts").code, 0);
    assert!(fs::symlink_metadata(env.home().join(SNAPSHOT)).unwrap().is_file(), "a snapshot took its place");
}

#[test]
fn what_was_observed_stays_where_nothing_can_be_kept() {
    let env = machine();
    draw(&env, payload(&env, ANN.dir, Some(41)));
    let spool = env.home().join(".cco/state/spool/s1.jsonl");
    assert!(spool.exists());
    let _ = env.run("--demo limits");
    assert!(spool.exists());
    let _ = env.run("limits");
    assert!(!spool.exists());
}

#[test]
fn stdin_that_never_ends_is_not_waited_for() {
    let env = TestEnv::new().with("NO_COLOR", "1");
    for text in ["", "{\"model\":{\"id\":\"claude-opus-4-6\"},\"cost\":"] {
        let mut child =
            env.command("statusline").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        // The pipe stays open until the program has ended by itself.
        let run = env.of_output(child.wait_with_output().unwrap());
        drop(stdin);
        let model = if text.is_empty() { "Claude" } else { "Opus4.6" };
        assert!(run.stdout.contains(model) && run.code == 0, "{}", run.story());
    }
}

#[test]
fn a_payload_that_is_cut_or_huge_gives_a_line() {
    let env = TestEnv::new().with("NO_COLOR", "1");
    let huge = format!("{{\"cwd\":\"/a\",\"x\":\"{}\"}}", "y".repeat(3 << 20));
    assert_eq!(draw(&env, huge), "📁:/a 🤖:Claude\n🕐:12:00\n");
    let deep = format!("{{\"cwd\":\"/a\",\"x\":{}", "[".repeat(500_000));
    assert_eq!(draw(&env, deep), "📁:/a 🤖:Claude\n🕐:12:00\n");
}

#[test]
fn many_at_once_all_have_their_line() {
    let env = machine();
    let _ = env.run("accounts");
    let payload = payload(&env, ANN.dir, Some(29));
    thread::scope(|scope| {
        let drawn: Vec<_> = (0..64).map(|_| scope.spawn(|| draw(&env, &payload))).collect();
        drawn.into_iter().for_each(|drawn| assert!(drawn.join().unwrap().ends_with("⌛:2h45m(29%)\n")));
    });
    let limits = env.run("limits --json").json();
    assert_eq!(limits["accounts"][0]["windows"][0]["percent"], json!(29.0), "{limits:#}");
}

/// Counts what the kernel is asked for, by the kernel's own word.
#[test]
fn before_the_text_is_out_it_opens_five_files_at_most_and_neither_sockets_nor_children() {
    let env = machine();
    env.write("app/.git", "gitdir: ../main/.git/worktrees/app\n");
    env.write("main/.git/worktrees/app/HEAD", "ref: refs/heads/topic\n");
    let _ = env.run("accounts");
    let payload = payload(&env, ANN.dir, Some(29));
    let first = draw(&env, &payload);
    assert!(first.contains("🌿:topic"), "{first}");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-e", "trace=open,openat,socket,connect,execve,clone,clone3,fork,vfork,write,mmap"]);
    strace.args([env!("CARGO_BIN_EXE_cco"), "statusline"]);
    let strace = env.seal(strace);
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("skipped: there is no strace to watch with");
        return;
    }
    let run = draw_with(&env, strace, payload.replace("29", "30").as_bytes());
    if run.stderr.contains("ptrace") {
        eprintln!("skipped: strace may not watch here");
        return;
    }
    let calls: Vec<&str> = run.stderr.lines().collect();
    let written = calls.iter().position(|call| call.starts_with("write(1,")).unwrap();
    let opened = |calls: &[&str]| {
        let ours = calls.iter().filter(|call| call.starts_with("open") && !call.contains(".so"));
        ours.filter(|call| !call.contains("/proc/self/maps")).map(ToString::to_string).collect::<Vec<_>>()
    };
    let before = opened(&calls[..written]);
    assert!(before.len() <= 5, "{before:#?}");
    assert_eq!(opened(&calls[written..]).len(), 1, "the spool: {}", run.stderr);
    for call in ["socket(", "connect(", "clone", "fork("] {
        assert!(!run.stderr.contains(call), "{}", run.stderr);
    }
    assert_eq!(run.stderr.matches("execve(").count(), 1, "itself only: {}", run.stderr);
    assert!(!run.stderr.contains("ledger") && !run.stderr.contains("config.toml\""), "{}", run.stderr);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let env = TestEnv::new();
    assert_eq!(env.run_with_closed_stdout("statusline"), (0, String::new()));
}

#[test]
fn on_a_terminal_it_says_where_it_belongs() {
    let seen = TestEnv::new().run_with_answer("statusline", "");
    assert!(seen.contains("cco statusline install") && seen.contains("🤖:Claude"), "{seen}");
}
