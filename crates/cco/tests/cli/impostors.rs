//! Others that pose as the daemon, on its port or on its socket: no command gives them the token, asks them anything, or
//! believes them.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use insta::assert_snapshot;

use crate::running::{Daemon, PATIENCE, address, append, calls, machine_with, token, until};
use crate::sealed::TestEnv;

/// Every command that has to do with a daemon, or looks whether there is one.
const COMMANDS: [&str; 13] = [
    "",
    "daily",
    "session --json",
    "blocks",
    "scan",
    "explain today",
    "limits",
    "doctor",
    "daemon status --json",
    "daemon token",
    "daemon token --rotate",
    "daemon logs",
    "dashboard --print",
];

/// What an impostor was told, connection by connection.
type Told = Arc<Mutex<Vec<String>>>;

/// Another program that has a port, and answers whatever is asked of it as a daemon would.
fn has_port(listener: TcpListener) -> Told {
    let told = Told::default();
    let hears = Arc::clone(&told);
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut head = String::new();
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            while lines.read_line(&mut head).is_ok_and(|length| length > 2) {}
            hears.lock().unwrap().push(head);
            let body = r#"{"status":"ok"}"#;
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    told
}

/// Where the page of an impostor would be.
const ELSEWHERE: &str = "http://127.0.0.1:9";

/// Another program that has the socket, and answers each wish as a daemon would that has taken in everything.
fn has_socket(state: &Path) -> Told {
    let path = state.join("daemon.sock");
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let told = Told::default();
    let hears = Arc::clone(&told);
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut line = String::new();
            let _ = BufReader::new(stream.try_clone().unwrap()).read_line(&mut line);
            hears.lock().unwrap().push(line.clone());
            let question: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            let answer = match question["wish"].as_str() {
                Some("settle") => r#"{"done":true,"unread":[]}"#.to_owned(),
                Some("code") => format!(r#"{{"code":"{}","address":"{ELSEWHERE}"}}"#, "0".repeat(32)),
                Some("rotate" | "stop") => r#"{"done":true}"#.to_owned(),
                _ => format!(
                    r#"{{"about":{{"pid":1,"version":"0.0.0","since_ms":0,"address":"{ELSEWHERE}"}},"checks":[],"is_polling":false}}"#
                ),
            };
            let _ = writeln!(stream, "{answer}");
        }
    });
    told
}

fn told(by: &Told) -> Vec<String> {
    by.lock().unwrap().clone()
}

/// A machine on which a daemon ran and was killed: all that it leaves behind lies there.
fn machine_of_a_killed_daemon() -> (TestEnv, String, String) {
    let env = machine_with(2);
    let mut daemon = Daemon::run(&env);
    assert_eq!(calls(&env), 2);
    let (address, token) = (address(&env), token(&env));
    daemon.signal("-KILL");
    daemon.ends(PATIENCE);
    for left in ["daemon.sock", "daemon.json", "daemon.lock", "api-token"] {
        assert!(env.home().join(".cco/state").join(left).exists(), "{left}");
    }
    (env, address, token)
}

#[test]
fn whoever_takes_the_port_of_a_killed_daemon_is_asked_nothing_and_told_nothing() {
    let (env, address, token) = machine_of_a_killed_daemon();
    let port = address.strip_prefix("http://").unwrap().to_owned();
    let impostor = has_port(TcpListener::bind(&port).unwrap());
    env.config(&format!("[daemon]\nlisten = \"{port}\"\n"));
    let status = env.run("daemon status --json");
    assert_eq!((status.code, &status.json()["running"]), (3, &false.into()), "{}", status.stdout);
    for words in COMMANDS {
        let run = env.run(words);
        assert!(
            !run.stdout.contains(&format!("{address}/")),
            "{words} leads to the impostor: {}",
            run.stdout
        );
        assert_eq!(told(&impostor), Vec::<String>::new(), "{words}");
        let is_to_print_it = words == "daemon token";
        let is_printed = run.stdout.contains(&token[..6]) || run.stderr.contains(&token[..6]);
        assert_eq!(is_printed, is_to_print_it, "{words}");
    }
    // The last of them began a daemon, elsewhere.
    assert_ne!(self::address(&env), address);
    assert_eq!(env.run("daemon stop").code, 0);
    assert_eq!(told(&impostor), Vec::<String>::new());
    // Whoever does ask it is heard.
    std::net::TcpStream::connect(&port).unwrap().write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    until(|| told(&impostor).len() == 1);
}

#[test]
fn where_a_daemon_runs_that_cannot_be_reached_its_port_is_no_way_around() {
    let env = machine_with(2);
    assert_eq!(calls(&env), 2);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap();
    let impostor = has_port(listener);
    let state = env.home().join(".cco/state");
    let about = format!(
        r#"{{"pid":{},"version":"0.0.0","since_ms":0,"address":"http://{port}"}}"#,
        std::process::id()
    );
    for name in ["daemon.json", "daemon.lock"] {
        env.write(&format!(".cco/state/{name}"), &about);
    }
    let token = "0123456789abcdef".repeat(4);
    let path = env.write(".cco/state/api-token", &token);
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    let lock = fs::File::open(state.join("daemon.lock")).unwrap();
    lock.lock().unwrap();
    assert!(env.run("daemon status").stderr.contains(&format!("process {}", std::process::id())));
    for words in COMMANDS {
        let run = env.run(words);
        assert!(words == "daemon token" || !run.story().contains(&token[..6]), "{words}: {}", run.story());
        assert_eq!(told(&impostor), Vec::<String>::new(), "{words}");
    }
    drop(lock);
}

/// Makes another program's socket one that somebody else may have put there.
type Spoils = fn(&Path);

fn open_folder(state: &Path, mode: u32) {
    fs::set_permissions(state, fs::Permissions::from_mode(mode)).unwrap();
}

fn give(path: &Path) {
    std::os::unix::fs::lchown(path, Some(65534), Some(65534)).unwrap();
}

#[test]
fn a_socket_that_somebody_else_may_have_made_is_not_spoken_to_nor_believed() {
    let mut ways: Vec<(&str, Spoils)> = vec![
        ("a folder that all may change", |state| open_folder(state, 0o777)),
        ("a folder that a group may change", |state| open_folder(state, 0o770)),
    ];
    if rustix::process::geteuid().is_root() {
        ways.push(("another user's socket", |state| give(&state.join("daemon.sock"))));
        ways.push(("another user's folder", give));
        ways.push(("a link of another user", |state| {
            let elsewhere = state.with_file_name("elsewhere");
            fs::rename(state, &elsewhere).unwrap();
            std::os::unix::fs::symlink(&elsewhere, state).unwrap();
            give(state);
        }));
    } else {
        eprintln!("SKIPPED: only root can make a socket that is another user's");
    }
    // Commands wait for a daemon that they began and cannot reach.
    thread::scope(|scope| {
        for (name, spoil) in ways {
            scope.spawn(move || assert_not_believed(name, spoil));
        }
    });
}

fn assert_not_believed(name: &str, spoil: Spoils) {
    let (env, _, token) = machine_of_a_killed_daemon();
    let state = env.home().join(".cco/state");
    let impostor = has_socket(&state);
    spoil(&state);
    append(&env, 7);
    assert_eq!(calls(&env), 3, "{name}: it believes that all was taken in");
    for words in COMMANDS.into_iter().chain(["daemon stop"]) {
        let run = env.run(words);
        assert!(!run.stdout.contains(ELSEWHERE), "{name}: {words}: {}", run.stdout);
        let is_printed = run.story().contains(&token[..6]);
        assert!(!is_printed || words == "daemon token", "{name}: {words}: {}", run.story());
    }
    assert_eq!(told(&impostor), Vec::<String>::new(), "{name}");
}

#[test]
fn a_socket_of_this_user_is_believed_and_told_no_token() {
    let (env, _, token) = machine_of_a_killed_daemon();
    let impostor = has_socket(&env.home().join(".cco/state"));
    // What the tests above rely on: this impostor would be believed, were it where only this user can put one.
    let link = env.run("dashboard --print");
    assert!(link.stdout.starts_with(ELSEWHERE), "{}", link.story());
    append(&env, 7);
    assert_eq!(calls(&env), 2);
    for words in COMMANDS {
        let _ = env.run(words);
    }
    let told = told(&impostor);
    assert!(told.len() > 5, "{told:?}");
    assert!(told.iter().all(|words| !words.contains(&token[..6])), "{told:?}");
}

/// Another program that has the socket, and says nothing.
fn says_nothing(state: &Path) -> UnixListener {
    let path = state.join("daemon.sock");
    let _ = fs::remove_file(&path);
    UnixListener::bind(&path).unwrap()
}

#[test]
fn a_stranger_who_has_the_socket_and_says_nothing_keeps_a_report_a_moment_and_is_named() {
    let (env, ..) = machine_of_a_killed_daemon();
    let _stranger = says_nothing(&env.home().join(".cco/state"));
    append(&env, 7);
    let run = env.run("daily --json");
    assert_eq!((run.code, run.json()["totals"]["calls"].as_u64()), (0, Some(3)));
    assert_snapshot!(run.stderr, @r"
    warning: another program has $HOME/.cco/state/daemon.sock, and does not answer; no daemon runs
    hint: `cco daemon start` takes its place
    ");
    assert!(env.run("doctor").stdout.contains("another program has its socket"));
    assert_eq!(env.run("daemon start").code, 0);
    assert_eq!(calls(&env), 3);
    assert_eq!(env.run("daemon stop").code, 0);
}

#[test]
#[cfg(target_os = "linux")]
fn a_daemon_that_does_not_answer_is_named_and_its_work_done() {
    let env = machine_with(2);
    let daemon = Daemon::run(&env);
    assert_eq!(calls(&env), 2);
    // Without its log a ledger that somebody reads cannot be written to.
    until(|| env.home().join(".cco/ledger.db-wal").exists());
    daemon.hangs_idle();
    append(&env, 7);
    let run = env.run("daily --json");
    daemon.signal("-CONT");
    assert_eq!((run.code, run.json()["totals"]["calls"].as_u64()), (0, Some(3)));
    assert_snapshot!(run.stderr, @r"
    warning: the daemon does not answer
    hint: `cco daemon restart` begins another; `cco daemon logs` may say why
    ");
    assert_eq!(calls(&env), 3);
}
