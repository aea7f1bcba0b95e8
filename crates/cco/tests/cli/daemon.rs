//! The daemon as a process: who runs, who reaches it, how it ends. Its HTTP side has tests of its own.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::running::{Daemon, Lines, PATIENCE, address, append, calls, machine, machine_with, token, until};
use crate::sealed::TestEnv;

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
        // A first load that is cut off takes most of the two seconds; scripts/torture ends daemons amid their work.
        until(|| env.run("daemon status").stdout.contains("what is new is taken in"));
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
    let made = Command::new("find").arg(&home).output().unwrap();
    assert!(!home.exists(), "it made another home: {}", String::from_utf8_lossy(&made.stdout));
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

/// Holds a port that the system gives to nobody who asks for any: whoever lets go of it finds it free again.
fn holds_a_port() -> TcpListener {
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    (first..).find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok()).unwrap()
}

#[test]
fn a_port_that_is_taken_is_passed_over_for_the_next_free_one_and_everybody_says_so() {
    let taken = holds_a_port();
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

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn its_threads_share_their_memory() {
    let env = machine();
    let daemon = Daemon::run(&env);
    match fs::read(format!("/proc/{}/environ", daemon.child.id())) {
        Ok(variables) => assert!(variables.split(|byte| *byte == 0).any(|one| one == b"MALLOC_ARENA_MAX=2")),
        // It keeps its memory to itself.
        Err(error) => eprintln!("SKIPPED: only root can see how its memory is set: {error}"),
    }
}
