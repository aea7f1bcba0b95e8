//! A daemon as a process, and a machine to run it on: for all tests that need one.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
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
pub(crate) struct Lines(Receiver<String>);

impl Lines {
    pub(crate) fn of(pipe: impl Read + Send + 'static) -> Self {
        let (tell, told) = channel();
        std::thread::spawn(move || {
            BufReader::new(pipe).lines().map_while(Result::ok).all(|line| tell.send(line).is_ok())
        });
        Self(told)
    }

    /// Waits for a line with these words in it.
    #[track_caller]
    pub(crate) fn with(&self, words: &str) -> String {
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

    /// Stops it as `-STOP` does, at a moment when nobody waits for it: stopped amid a transaction it would keep the
    /// ledger from others.
    #[cfg(target_os = "linux")]
    pub(crate) fn hangs_idle(&self) {
        until(|| {
            self.signal("-STOP");
            until(|| self.threads().iter().all(|state| ['T', 't'].contains(state)));
            let is_idle = self.locks() == 1;
            if !is_idle {
                self.signal("-CONT");
            }
            is_idle
        });
    }

    /// The states of its threads, as the system has them.
    #[cfg(target_os = "linux")]
    fn threads(&self) -> Vec<char> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let state = |stat: String| stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()).unwrap();
        threads
            .filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("stat")).ok())
            .map(state)
            .collect()
    }

    /// How many locks it holds that keep others waiting. One is its own, by which there is one daemon; SQLite's shared
    /// ones, of a ledger that is open, keep nobody.
    #[cfg(target_os = "linux")]
    fn locks(&self) -> usize {
        let all = fs::read_to_string("/proc/locks").unwrap();
        let is_its_own = |lock: &[&str]| lock.get(4) == Some(&self.child.id().to_string().as_str());
        let is_shared = |lock: &[&str]| lock.get(1) == Some(&"POSIX") && lock.get(3) == Some(&"READ");
        let fields = all.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
        fields.filter(|lock| is_its_own(lock) && !is_shared(lock)).count()
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

pub(crate) fn row(number: u32) -> String {
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

#[track_caller]
pub(crate) fn until(mut is_so: impl FnMut() -> bool) {
    let ends = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < ends, "it never came to that");
        std::thread::yield_now();
    }
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

pub(crate) fn draw(env: &TestEnv, payload: &str) {
    draw_by(env.command("statusline"), payload);
}

pub(crate) fn draw_by(mut command: Command, payload: &str) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(payload.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

pub(crate) fn token(env: &TestEnv) -> String {
    env.run("daemon token").stdout.trim().to_owned()
}

pub(crate) fn address(env: &TestEnv) -> String {
    env.run("daemon status --json").json()["address"].as_str().unwrap().to_owned()
}
