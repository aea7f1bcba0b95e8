//! How a daemon is begun: by a status line, by hand, by the system; and what is said where it cannot be.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::running::{Daemon, draw, draw_by, machine, machine_with, until};
use crate::sealed::TestEnv;

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
