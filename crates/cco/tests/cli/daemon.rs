//! The daemon as a process: who runs, what is counted while it does, how it ends. Its HTTP side has tests of its own.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::sealed::{Call, TestEnv};

/// Longer than anything takes here; only a failing test waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A daemon in the foreground, ended with the test.
pub(crate) struct Daemon {
    pub(crate) child: Child,
    said: Lines,
}

/// What a process says, read by a thread of its own: a pipe cannot be waited for with a bound.
struct Lines(Receiver<String>);

impl Lines {
    fn of(pipe: impl Read + Send + 'static) -> Self {
        let (tell, told) = channel();
        std::thread::spawn(move || {
            BufReader::new(pipe).lines().map_while(Result::ok).all(|line| tell.send(line).is_ok())
        });
        Self(told)
    }

    /// Waits for a line with these words in it.
    #[track_caller]
    fn with(&self, words: &str) -> String {
        let (ends, mut all) = (Instant::now() + PATIENCE, String::new());
        loop {
            match self.0.recv_timeout(ends.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(words) => return line,
                Ok(line) => all += &(line + "\n"),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended without {words:?}, and said:\n{all}"),
                Err(RecvTimeoutError::Timeout) => panic!("nothing of {words:?}; it said:\n{all}"),
            }
        }
    }
}

impl Daemon {
    /// Runs one, and waits until it serves.
    pub(crate) fn run(env: &TestEnv) -> Self {
        Self::of(env.command("daemon run"))
    }

    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Lines::of(child.stderr.take().unwrap());
        let daemon = Self { child, said };
        daemon.says("serves http://");
        daemon
    }

    /// Waits for a line of its log with these words in it.
    #[track_caller]
    pub(crate) fn says(&self, words: &str) -> String {
        self.said.with(words)
    }

    pub(crate) fn signal(&self, name: &str) {
        let killed = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }

    /// How it ended; it must within this time.
    pub(crate) fn ends(&mut self, patience: Duration) -> ExitStatus {
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "it still runs");
            std::thread::yield_now();
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A machine whose daemon takes any free port.
pub(crate) fn machine() -> TestEnv {
    let env = TestEnv::new();
    env.config("[daemon]\nlisten = \"127.0.0.1:0\"\n");
    env
}

/// A machine with transcripts of so many calls, each of 1,000 tokens.
pub(crate) fn machine_with(calls: u32) -> TestEnv {
    let env = machine();
    env.transcript("a/s.jsonl", &(0..calls).map(row).collect::<Vec<_>>());
    env
}

fn row(number: u32) -> String {
    Call { number, ..Call::default() }.row()
}

pub(crate) fn append(env: &TestEnv, number: u32) {
    let path = env.home().join(".claude/projects/a/s.jsonl");
    let mut file = fs::File::options().append(true).open(path).unwrap();
    file.write_all((row(number) + "\n").as_bytes()).unwrap();
}

pub(crate) fn calls(env: &TestEnv) -> u64 {
    let run = env.run("daily --json");
    assert_eq!(run.stderr, "");
    run.json()["totals"]["calls"].as_u64().unwrap()
}

/// What the snapshot for status lines says that today cost, in nano-dollars.
fn cost_in_snapshot(env: &TestEnv) -> i64 {
    let text = fs::read_to_string(env.home().join(".cco/state/snapshot")).unwrap_or_default();
    let body = text.split_once('\n').map_or("", |(_, body)| body);
    let snapshot: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    snapshot["today"]["cost"].as_i64().unwrap_or_default()
}

#[track_caller]
pub(crate) fn until(is_so: impl Fn() -> bool) {
    let ends = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < ends, "it never came to that");
        std::thread::yield_now();
    }
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
    until(|| env.home().join(".cco/state/snapshot").exists());
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
fn a_second_one_says_who_runs_and_ends_well() {
    let env = machine();
    let daemon = Daemon::run(&env);
    let second = env.run("daemon run");
    assert_eq!(second.code, 0);
    let pid = format!("process {}", daemon.child.id());
    assert!(second.stderr.contains("runs already") && second.stderr.contains(&pid), "{}", second.stderr);
    let started = env.run("daemon start");
    assert!(started.code == 0 && started.stderr.contains(&pid), "{}", started.stderr);
}

#[test]
fn of_eight_that_start_together_one_runs_and_all_end_well() {
    let env = machine_with(3);
    let children: Vec<Child> =
        (0..8).map(|_| env.command("daemon start").stderr(Stdio::piped()).spawn().unwrap()).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let log = fs::read_to_string(env.home().join(".cco/logs/daemon.log")).unwrap();
    assert_eq!(log.matches(" serves http://").count(), 1, "{log}");
    assert_eq!(calls(&env), 3);
    assert_eq!(env.run("daemon stop").code, 0);
    assert_eq!(env.run("daemon status").code, 3);
}

#[test]
fn a_signal_ends_it_within_two_seconds_and_nothing_of_it_stays() {
    for name in ["-TERM", "-INT", "-HUP"] {
        let env = machine_with(1);
        let mut daemon = Daemon::run(&env);
        daemon.signal(name);
        assert!(daemon.ends(Duration::from_secs(2)).success(), "{name}");
        for left in ["daemon.sock", "daemon.json"] {
            assert!(!env.home().join(".cco/state").join(left).exists(), "{name}: {left}");
        }
        assert_eq!(calls(&env), 1);
    }
}

#[test]
fn one_that_was_killed_is_followed_by_another_at_once() {
    let env = machine_with(1);
    let mut killed = Daemon::run(&env);
    killed.signal("-KILL");
    killed.ends(PATIENCE);
    assert_eq!(env.run("daemon status").code, 3, "what it left behind says nothing");
    append(&env, 1);
    assert_eq!(calls(&env), 2, "a report does without");
    let _next = Daemon::run(&env);
    append(&env, 2);
    assert_eq!(calls(&env), 3);
}

#[test]
fn one_whose_home_was_taken_away_says_so_and_ends_and_leaves_the_next_one_alone() {
    let env = machine_with(1);
    let mut daemon = Daemon::run(&env);
    assert_eq!(calls(&env), 1);
    let (home, aside) = (env.home().join(".cco"), env.home().join("aside"));
    fs::rename(&home, &aside).unwrap();
    daemon.says("ends: its lock file is gone or another's");
    assert!(daemon.ends(PATIENCE).success());
    assert!(!home.exists(), "it made another home");
    fs::rename(&aside, &home).unwrap();
    let mut daemon = Daemon::run(&env);
    fs::remove_file(home.join("state/daemon.lock")).unwrap();
    let next = Daemon::run(&env);
    append(&env, 1);
    daemon.says("ends: its lock file is gone or another's");
    assert!(daemon.ends(PATIENCE).success());
    let status = env.run("daemon status --json");
    assert_eq!(status.json()["pid"], next.child.id(), "{}", status.stderr);
}

#[test]
fn only_its_user_can_reach_it_or_read_what_it_keeps() {
    let env = machine();
    let _daemon = Daemon::run(&env);
    let mode =
        |path: &str| env.home().join(".cco").join(path).metadata().unwrap().permissions().mode() & 0o777;
    for (path, wanted) in [
        ("state", 0o700),
        ("logs", 0o700),
        ("state/daemon.sock", 0o600),
        ("state/daemon.lock", 0o600),
        ("state/daemon.json", 0o600),
        ("state/api-token", 0o600),
        ("logs/daemon.log", 0o600),
    ] {
        assert_eq!(format!("{:o}", mode(path)), format!("{wanted:o}"), "{path}");
    }
}

#[test]
fn a_port_that_is_taken_is_passed_over_for_the_next_free_one_and_everybody_says_so() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let env = TestEnv::new();
    env.config(&format!("[daemon]\nlisten = \"127.0.0.1:{port}\"\n"));
    let started = env.run("daemon start");
    assert_eq!(started.code, 0, "{}", started.stderr);
    let address = address(&env);
    let real: u16 = address.rsplit(':').next().unwrap().parse().unwrap();
    assert!(real > port && real <= port + 20, "{address}");
    let says = format!("another program has 127.0.0.1:{port}");
    let status = env.run("daemon status");
    for words in [started.stderr, status.stderr, env.run("daemon logs").stdout, env.run("doctor").stdout] {
        assert!(words.contains(&says), "{words}");
    }
    assert_eq!(env.run("daemon status --json").json()["instead_of"], format!("127.0.0.1:{port}"));
    drop(taken);
    let again = env.run("daemon restart");
    assert!(again.code == 0 && !again.stderr.contains("another program"), "{}", again.stderr);
    assert_eq!(env.run("daemon stop").code, 0);
}

#[test]
fn the_address_that_is_told_works_wherever_it_listens() {
    let env = TestEnv::new();
    for listen in ["0.0.0.0:0", "[::]:0", "127.0.0.7:0", "127.0.0.1:0"] {
        env.config(&format!("[daemon]\nlisten = \"{listen}\"\nallow_remote = true\n"));
        let link = env.run("dashboard --print");
        assert_eq!(link.code, 0, "{listen}: {}", link.stderr);
        let address = address(&env);
        assert!(link.stdout.starts_with(&format!("{address}/#code=")), "{}", link.stdout);
        assert_eq!(asked(&address, &token(&env)), 200, "{listen}: {address}");
        assert_eq!(env.run("daemon stop").code, 0);
    }
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

/// What it answers to a request without the token.
pub(crate) fn get(env: &TestEnv, path: &str) -> String {
    let about = fs::read_to_string(env.home().join(".cco/state/daemon.json")).unwrap();
    let about: serde_json::Value = serde_json::from_str(&about).unwrap();
    let host = about["address"].as_str().unwrap().strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn requests_are_answered_as_settings_say_by_then() {
    let env = machine_with(1);
    let _daemon = Daemon::run(&env);
    let with = |more: &str| env.config(&format!("[daemon]\nlisten = \"127.0.0.1:0\"\n{more}"));
    assert!(get(&env, "/api/stats").starts_with("HTTP/1.1 401"));
    with("open_reads = true\n[stats]\ntimezone = \"Asia/Kathmandu\"\n");
    let answer = get(&env, "/api/stats");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("Asia/Kathmandu"), "{answer}");
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

pub(crate) fn draw(env: &TestEnv, payload: &str) {
    draw_by(env.command("statusline"), payload);
}

fn draw_by(mut command: Command, payload: &str) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(payload.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_status_line_starts_one_where_that_is_wanted_and_only_there() {
    let payload = "{\"session_id\":\"s\"}";
    let env = machine_with(1);
    draw(&env, payload);
    assert!(!env.home().join(".cco/state/daemon.lock").exists());
    env.config("[daemon]\nlisten = \"127.0.0.1:0\"\nautostart = false\n");
    let draw_today = || {
        let mut command = env.command("statusline");
        command.env_remove("CCO_NOW");
        draw_by(command, payload);
    };
    draw_today();
    assert!(!env.home().join(".cco/state/daemon.lock").exists());
    env.config("[daemon]\nlisten = \"127.0.0.1:0\"\n");
    draw_today();
    until(|| env.run("daemon status").code == 0);
    let log = || fs::read_to_string(env.home().join(".cco/logs/daemon.log")).unwrap();
    draw(&env, payload);
    assert_eq!(log().matches(" serves http://").count(), 1, "{}", log());
    assert_eq!(env.run("daemon stop").code, 0);
}

#[test]
fn what_is_said_of_a_daemon_where_there_is_none_leads_on() {
    let env = machine();
    insta::assert_snapshot!(env.run("daemon status").story(), @r"
exit 3
-- stderr
note: no daemon runs
hint: `cco daemon start` starts one; reports and the status line work without
");
    insta::assert_snapshot!(env.run("daemon stop").story(), @r"
    exit 0
    -- stderr
    note: no daemon runs
    ");
    insta::assert_snapshot!(env.run("daemon logs").story(), @r"
    exit 1
    -- stderr
    error: $HOME/.cco/logs/daemon.log: not there
    hint: a daemon writes it; `cco daemon start` starts one
    ");
    assert_eq!(env.run("daemon status --json").json()["running"], false);
}

/// What the daemon of this address answers to whoever has this token.
fn asked(address: &str, token: &str) -> u16 {
    let at = address.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!(
        "GET /api/stats HTTP/1.1\r\nHost: {at}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line.split(' ').nth(1).unwrap().parse().unwrap()
}

pub(crate) fn token(env: &TestEnv) -> String {
    env.run("daemon token").stdout.trim().to_owned()
}

pub(crate) fn address(env: &TestEnv) -> String {
    env.run("daemon status --json").json()["address"].as_str().unwrap().to_owned()
}

#[test]
fn another_token_logs_everyone_out_however_long_the_path_of_the_home_is() {
    for length in [1, 150] {
        let env = TestEnv::new();
        let home = env.home().join("x".repeat(length));
        env.write(&format!("{}/config.toml", home.display()), "[daemon]\nlisten = \"127.0.0.1:0\"\n");
        let env = env.with("CCO_HOME", home.to_str().unwrap());
        assert_eq!(env.run("daemon start").code, 0);
        let (address, old) = (address(&env), token(&env));
        assert_eq!(asked(&address, &old), 200);
        let rotated = env.run("daemon token --rotate");
        assert_eq!(rotated.code, 0, "{}", rotated.stderr);
        assert_eq!((asked(&address, &old), asked(&address, &token(&env))), (401, 200));
        assert_eq!(env.run("dashboard --print").code, 0);
        assert_eq!(env.run("daemon stop").code, 0);
    }
}

#[test]
fn no_token_is_made_behind_the_back_of_a_daemon_that_cannot_be_reached() {
    let env = machine();
    let daemon = Daemon::run(&env);
    let (address, old) = (address(&env), token(&env));
    fs::remove_file(env.home().join(".cco/state/daemon.sock")).unwrap();
    let run = env.run("daemon token --rotate");
    assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{}", run.stderr);
    assert!(run.stderr.contains(&format!("kill -KILL {}", daemon.child.id())), "{}", run.stderr);
    assert_eq!(token(&env), old);
    assert_eq!(asked(&address, &old), 200);
}

#[test]
fn of_one_that_hangs_every_command_says_which_process_it_is_and_how_to_end_it() {
    let env = machine();
    let daemon = Daemon::run(&env);
    daemon.signal("-STOP");
    let pid = daemon.child.id();
    let commands =
        ["dashboard --print", "daemon status", "daemon start", "daemon token --rotate", "daemon stop"];
    let children = commands.map(|words| (words, env.command(words).stderr(Stdio::piped()).spawn().unwrap()));
    for (words, child) in children {
        let run = env.of_output(child.wait_with_output().unwrap());
        assert_ne!(run.code, 0, "{words}");
        let (who, how) = (format!("process {pid}"), format!("kill -KILL {pid}"));
        assert!(run.stderr.contains(&who) && run.stderr.contains(&how), "{words}: {}", run.stderr);
        assert!(!run.stderr.contains("os error"), "{words}: {}", run.stderr);
    }
}

#[test]
fn a_start_that_fails_says_why_as_the_daemon_itself_would() {
    let env = machine();
    for config in [
        "[daemon\n",
        "[stats]\ntimezone = \"Mars/Base\"\n",
        "[daemon]\nlisten = 3003\n",
        "[daemon]\nlisten = \"0.0.0.0:0\"\n",
        "[daemon]\nlisten = \"192.0.2.1:3003\"\nallow_remote = true\n",
    ] {
        env.config(config);
        let itself = env.run("daemon run");
        assert_ne!(itself.code, 0, "{config}");
        for words in ["daemon start", "dashboard --print"] {
            let run = env.run(words);
            assert_eq!((run.code, &run.stderr), (itself.code, &itself.stderr), "{config}: {words}");
        }
        let log = fs::read_to_string(env.home().join(".cco/logs/daemon.log")).unwrap();
        let log = log.replace(env.home().to_str().unwrap(), "$HOME");
        let said = itself.stderr.lines().next().unwrap().strip_prefix("error: ").unwrap();
        let last = log.lines().last().unwrap();
        assert!(last.starts_with("2026-10-20T12:00:00Z daemon: ") && last.contains(said), "{config}: {log}");
    }
}

#[test]
fn a_home_that_cannot_be_written_is_what_a_start_complains_of() {
    let env = machine();
    env.give_away();
    fs::set_permissions(env.home().join(".cco"), fs::Permissions::from_mode(0o500)).unwrap();
    let Some(run) = env.run_bound("daemon start") else { return };
    fs::set_permissions(env.home().join(".cco"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(run.code, 1);
    assert!(run.stderr.starts_with("error: cannot write to $HOME/.cco: permission denied"), "{}", run.stderr);
}

/// A machine whose status line began a daemon, which would leave when nobody uses it.
fn machine_that_began_one() -> TestEnv {
    let env = machine();
    env.config("[daemon]\nlisten = \"127.0.0.1:0\"\nautostart = true\n");
    draw(&env, "{\"session_id\":\"s\"}");
    until(|| env.run("daemon status").code == 0);
    assert!(leaves(&env));
    env
}

/// The daemon that runs ends when nobody uses it.
fn leaves(env: &TestEnv) -> bool {
    let about = fs::read_to_string(env.home().join(".cco/state/daemon.json")).unwrap();
    serde_json::from_str::<serde_json::Value>(&about).unwrap()["leaves_when_idle"].as_bool().unwrap()
}

/// A `systemctl` that starts what a unit would start, or fails with these words.
fn with_systemctl(env: TestEnv, fails: Option<&str>) -> TestEnv {
    let script = match fails {
        Some(words) => format!("#!/bin/sh\necho '{words}' >&2\nexit 1\n"),
        None => format!(
            "#!/bin/sh\ncase $2 in enable) {} daemon run >/dev/null 2>&1 & ;; esac\n",
            env!("CARGO_BIN_EXE_cco")
        ),
    };
    let path = env.write("bin/systemctl", &script);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let search = format!("{}:/usr/bin:/bin", path.parent().unwrap().display());
    env.with("PATH", &search)
}

#[test]
fn a_start_by_hand_makes_one_that_stays_of_one_that_would_leave() {
    let env = machine_that_began_one();
    let run = env.run("daemon start");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(!leaves(&env));
    assert_eq!(env.run("daemon stop").code, 0);
}

#[test]
#[cfg(target_os = "linux")]
fn an_installed_one_takes_the_place_of_one_that_would_leave() {
    let env = with_systemctl(machine_that_began_one(), None);
    let run = env.run("daemon install");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("the daemon runs now, and at every login (process "), "{}", run.stderr);
    assert!(!leaves(&env));
    assert_eq!(env.run("daemon stop").code, 0);
}

#[test]
#[cfg(target_os = "linux")]
fn where_the_system_refuses_nothing_is_installed_and_its_words_are_told() {
    let env = with_systemctl(machine(), Some("Failed to connect to bus"));
    let daemon = Daemon::run(&env);
    let run = env.run("daemon install");
    insta::assert_snapshot!(run.story(), @r"
    exit 1
    -- stderr
    warning: `systemctl --user daemon-reload` failed: Failed to connect to bus
    note: nothing is installed
    hint: run it where a user session of the system is at hand; until then `cco daemon start` starts it
    ");
    assert!(!env.home().join(".config/systemd/user/cco.service").exists());
    assert_eq!(env.run("daemon status --json").json()["pid"], daemon.child.id());
}

#[test]
fn where_it_listens_without_leave_is_told_before_a_daemon_is_started() {
    let env = TestEnv::new();
    let set = env.run("config set daemon.listen 0.0.0.0:4010");
    assert_eq!(set.code, 0);
    let check = env.run("config check");
    assert_eq!(check.code, 3);
    let doctor = env.run("doctor");
    for words in [set.stderr, check.stderr, doctor.stdout] {
        let is_said =
            words.contains("`daemon.listen` is 0.0.0.0:4010") && words.contains("daemon.allow_remote");
        assert!(is_said, "{words}");
    }
    assert_eq!(env.run("config set daemon.allow_remote true").stderr.lines().count(), 1);
    assert_eq!(env.run("config check").code, 0);
}

#[test]
fn a_host_is_a_name_and_nothing_else() {
    let env = TestEnv::new();
    for wrong in ["http://devbox.lan", "a,b", "devbox.lan/"] {
        let run = env.run(&format!("config set daemon.hosts {wrong}"));
        assert!(run.code == 2 && run.stderr.contains("several stand apart"), "{wrong}: {}", run.stderr);
    }
    assert_eq!(env.run("config set daemon.hosts devbox.lan [::2]:80 192.168.1.5:3003").code, 0);
}

#[test]
fn a_flag_that_a_daemon_does_not_follow_is_refused() {
    let env = machine();
    for (words, hint) in [
        ("daemon --timezone Mars status", "stats.timezone"),
        ("daemon logs --json", "--json"),
        ("--demo daemon start", "--demo dashboard"),
    ] {
        let run = env.run(words);
        assert!(run.code == 2 && run.stderr.contains(hint), "{words}: {}", run.story());
    }
    assert!(!env.home().join(".cco/state").exists());
}

#[test]
fn the_page_is_shown_with_made_up_data_and_nothing_of_it_stays() {
    let env = machine_with(1);
    let scratch = env.home().join("scratch");
    fs::create_dir(&scratch).unwrap();
    let mut command = env.command("--demo dashboard --print");
    let mut child = command.env("TMPDIR", &scratch).stdout(Stdio::piped()).spawn().unwrap();
    let link = Lines::of(child.stdout.take().unwrap()).with("http://127.0.0.1:");
    assert!(link.starts_with("http://127.0.0.1:") && link.contains("/#code="), "{link}");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);
    assert!(!env.home().join(".cco/state").exists());
}
