//! Another user of this machine: what he can reach and read of a daemon and of its folder. And another program of the
//! same user: what it can read of a daemon's memory. Only root can become another user; elsewhere these say so.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use rustix::process::{Gid, Uid};

use crate::running::{Daemon, PATIENCE, get, machine_with, token, until};
use crate::sealed::TestEnv;

/// Nobody, who owns nothing here.
const ANOTHER: u32 = 65534;

/// Does this as another user, whom permissions bind. None, with a word on it: only root can become one.
#[expect(clippy::print_stderr, reason = "whoever reads the log should know what was not tested")]
fn as_another<T: Send>(does: impl FnOnce() -> T + Send) -> Option<T> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can become another user");
        return None;
    }
    let (uid, gid) = (Uid::from_raw(ANOTHER), Gid::from_raw(ANOTHER));
    // On Linux a user is a matter of the thread.
    let becomes = move || {
        rustix::thread::set_thread_groups(&[])?;
        rustix::thread::set_thread_res_gid(gid, gid, gid)?;
        rustix::thread::set_thread_res_uid(uid, uid, uid)
    };
    let does = move || {
        becomes().expect("another user");
        does()
    };
    Some(thread::scope(|scope| scope.spawn(does).join()).expect("a thread that ends well"))
}

/// Everything in a folder, and the folder.
fn all_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() && !path.is_symlink() {
            true => found.extend(all_below(&path)),
            false => found.push(path),
        }
    }
    found
}

/// A user's home as most systems make it: others may look in. What keeps them out is cco's own.
fn let_others_look_in(env: &TestEnv) {
    fs::set_permissions(env.home(), fs::Permissions::from_mode(0o755)).unwrap();
}

/// What a daemon answers on its socket to this line.
fn asked(socket: &Path, line: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(line.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(answer)
}

const WISHES: [&str; 5] = ["status", "settle", "code", "rotate", "stop"];

/// Uses `cco` so that most of what it can keep is there.
fn use_all(env: &TestEnv, run: &dyn Fn(&str)) {
    env.write(".claude.json", r#"{"oauthAccount":{"accountUuid":"ann","emailAddress":"ann@example.com"}}"#);
    for words in [
        "config set stats.timezone UTC",
        "scan",
        "daily",
        "limits",
        "accounts",
        "dashboard",
        "statusline install",
        "daemon token --rotate",
        "doctor",
    ] {
        run(words);
    }
}

#[test]
fn whatever_cco_makes_is_its_users_alone_however_open_his_umask_is() {
    for umask in ["000", "022", "077"] {
        let env = machine_with(1);
        // The test made these.
        fs::remove_file(env.home().join(".cco/config.toml")).unwrap();
        fs::remove_dir(env.home().join(".cco")).unwrap();
        let open = |words: &str| {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_cco")]);
            shell.args(words.split_whitespace());
            env.seal(shell)
        };
        assert!(open("config set daemon.listen 127.0.0.1:0").output().unwrap().status.success());
        let daemon = Daemon::of(open("daemon run"));
        use_all(&env, &|words| drop(open(words).output().unwrap()));
        let mut line = open("statusline").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let payload = r#"{"session_id":"s","cost":{"total_cost_usd":1},"rate_limits":{"five_hour":{"used_percentage":5,"resets_at":1792500000}}}"#;
        line.stdin.take().unwrap().write_all(payload.as_bytes()).unwrap();
        assert!(line.wait().unwrap().success());
        let home = env.home().join(".cco");
        until(|| home.join("state/snapshot").exists());
        let all = all_below(&home);
        let has = |name: &str| all.iter().any(|path| path.ends_with(name));
        for name in [
            "config.toml",
            "ledger.db",
            "ledger.db-wal",
            "ledger.journal",
            "state",
            "state/api-token",
            "state/daemon.sock",
            "state/daemon.json",
            "state/daemon.lock",
            "state/dashboard.html",
            "state/snapshot",
            "logs/daemon.log",
        ] {
            assert!(has(name), "no {name} in {all:#?}");
        }
        for path in &all {
            // What a status line left is taken in by now, perhaps.
            let Ok(about) = path.symlink_metadata() else { continue };
            let wanted = if about.is_dir() { 0o700 } else { 0o600 };
            let mode = about.permissions().mode() & 0o7777;
            assert_eq!(format!("{mode:o}"), format!("{wanted:o}"), "umask {umask}: {}", path.display());
        }
        drop(daemon);
    }
}

#[test]
fn another_user_reads_nothing_that_is_kept_and_reaches_no_socket() {
    let env = machine_with(1);
    fs::set_permissions(env.home().join(".cco"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(env.home().join(".cco/config.toml"), fs::Permissions::from_mode(0o600)).unwrap();
    let _daemon = Daemon::run(&env);
    use_all(&env, &|words| drop(env.run(words)));
    let_others_look_in(&env);
    let home = env.home().join(".cco");
    let (socket, all) = (home.join("state/daemon.sock"), all_below(&home));
    assert!(all.len() > 10, "{all:#?}");
    let refused = |what: &str, path: &Path, error: Option<io::Error>| {
        let error = error.unwrap_or_else(|| panic!("{what} of {} is for everybody", path.display()));
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{what} of {}: {error}", path.display());
    };
    let tries = || {
        fs::read_dir(env.home()).expect("he may look in");
        refused("the names", &home, fs::read_dir(&home).err());
        for path in &all {
            refused("the content", path, File::open(path).err());
        }
        refused("the line", &socket, UnixStream::connect(&socket).err());
    };
    if as_another(tries).is_none() {
        return;
    }
    // Each file is closed by itself, too: somebody may open the folders.
    for folder in all.iter().filter(|path| path.is_dir()) {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let _ = as_another(|| {
        fs::read_dir(home.join("state")).expect("he may look in");
        for path in all.iter().filter(|path| path.is_file()) {
            refused("the content", path, File::open(path).err());
            refused("a change", path, File::options().append(true).open(path).err());
        }
        assert!(socket.symlink_metadata().unwrap().file_type().is_socket());
        refused("the line", &socket, UnixStream::connect(&socket).err());
    });
}

#[test]
fn a_daemon_answers_no_other_user_whatever_the_rights_of_its_socket_are() {
    let env = machine_with(1);
    let mut daemon = Daemon::run(&env);
    let before = token(&env);
    let_others_look_in(&env);
    let state = env.home().join(".cco/state");
    let socket = state.join("daemon.sock");
    for (path, mode) in [(env.home().join(".cco"), 0o755), (state, 0o755), (socket.clone(), 0o666)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let heard = as_another(|| WISHES.map(|wish| asked(&socket, &format!("{{\"wish\":\"{wish}\"}}\n"))));
    let Some(heard) = heard else { return };
    for (wish, answer) in WISHES.iter().zip(heard) {
        // It closes at once, be it before or after he has asked.
        let answer = answer.or_else(|error| match error.kind() {
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => Ok(String::new()),
            _ => Err(error),
        });
        assert_eq!(answer.unwrap(), "", "{wish}");
    }
    assert_eq!(token(&env), before, "he had another token made");
    assert!(daemon.child.try_wait().unwrap().is_none(), "he ended it");
    // Its own user is answered on the same socket.
    for wish in ["status", "settle", "code"] {
        assert_ne!(asked(&socket, &format!("{{\"wish\":\"{wish}\"}}\n")).unwrap(), "", "{wish}");
    }
}

#[test]
fn commands_of_another_user_learn_and_do_nothing() {
    let env = machine_with(1);
    fs::set_permissions(env.home().join(".cco"), fs::Permissions::from_mode(0o700)).unwrap();
    let mut daemon = Daemon::run(&env);
    let secret = token(&env);
    let_others_look_in(&env);
    // What is left to keep him out are the rights of each file, and whom commands and daemons believe.
    for folder in [".cco", ".cco/state", ".cco/logs"] {
        fs::set_permissions(env.home().join(folder), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let home = env.home().join(".cco").display().to_string();
    for words in [
        "daemon token",
        "daemon token --rotate",
        "daemon status --json",
        "daemon stop",
        "daily --json",
        "doctor",
        "dashboard --print",
        "daemon logs",
    ] {
        let mut command = Command::new(env.program_of_all());
        command.args(words.split_whitespace());
        let mut command = env.seal(command);
        command.env("CCO_HOME", &home).env("HOME", "/nonexistent").uid(ANOTHER).gid(ANOTHER).current_dir("/");
        if as_another(|| ()).is_none() {
            return;
        }
        let run = env.of_output(command.output().unwrap());
        let story = run.story();
        assert!(
            !story.contains(&secret[..6]) && !story.contains("atlas") && !story.contains("/#code="),
            "{words}: {story}"
        );
        assert!(!story.contains(&format!("process {}", daemon.child.id())), "{words}: {story}");
    }
    assert_eq!(token(&env), secret);
    assert!(daemon.child.try_wait().unwrap().is_none(), "he ended it");
}

/// A daemon of a user whom permissions bind, where core files may be as large as they like. None, with a word on it.
fn daemon_of_another(env: &TestEnv) -> Option<Daemon> {
    as_another(|| ())?;
    // Whoever is not root may not raise his own limit.
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "ulimit -c unlimited; exec \"$0\" \"$@\""]);
    shell.arg(env.program_of_all()).args(["daemon", "run"]);
    let mut shell = env.seal(shell);
    shell.uid(ANOTHER).gid(ANOTHER);
    let_others_look_in(env);
    env.give_away();
    Some(Daemon::of(shell))
}

#[test]
fn a_daemon_whose_folder_cannot_be_written_any_more_never_says_that_there_were_no_calls() {
    let env = machine_with(1);
    let Some(daemon) = daemon_of_another(&env) else { return };
    let home = env.home().join(".cco");
    // Who looks at accounts leaves one too, and sooner: then the ledger may be in the making.
    let snapshot = || fs::read_to_string(home.join("state/snapshot")).unwrap_or_default();
    until(|| snapshot().contains("\"counted_at\":") && !snapshot().contains("\"counted_at\":null"));
    fs::set_permissions(&home, fs::Permissions::from_mode(0o500)).unwrap();
    // Other settings have engines opened anew.
    fs::write(home.join("config.toml"), "[daemon]\nlisten = \"127.0.0.1:0\"\nopen_reads = true\n").unwrap();
    daemon.says("settings have changed, and are followed");
    let answer = get(&env, "/api/stats?period=all");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"total_calls\":1,"), "{answer}");
}

#[test]
fn no_other_program_of_its_user_can_read_a_daemons_memory() {
    let env = machine_with(1);
    let Some(daemon) = daemon_of_another(&env) else { return };
    let mut usual = Command::new("/bin/cat");
    usual.stdin(Stdio::piped()).stdout(Stdio::null()).uid(ANOTHER).gid(ANOTHER);
    let mut usual = usual.spawn().unwrap();
    let read = |pid: u32| {
        as_another(move || {
            ["environ", "maps", "mem"]
                .map(|name| File::open(format!("/proc/{pid}/{name}")).map(drop).map_err(|error| error.kind()))
        })
        .unwrap()
    };
    // Of another program it can, where the system asks for no more than that it is the same user's.
    assert_eq!(read(usual.id())[..2], [Ok(()), Ok(())]);
    assert_eq!(read(daemon.child.id()), [Err(ErrorKind::PermissionDenied); 3]);
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.child.id())).unwrap();
    let cores = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(cores.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    drop(usual.stdin.take());
    usual.wait().unwrap();
}

#[test]
fn a_daemon_that_crashes_leaves_no_core() {
    let env = machine_with(1);
    let mut usual = Command::new("/bin/sh");
    usual.args(["-c", "ulimit -c unlimited && kill -ABRT $$"]).current_dir(env.home());
    if !usual.status().unwrap().core_dumped() {
        eprintln!("SKIPPED: no program leaves a core here");
        return;
    }
    let Some(mut daemon) = daemon_of_another(&env) else { return };
    daemon.signal("-ABRT");
    let status = daemon.ends(PATIENCE);
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
}
