//! A daemon whose threads fail by an error of its own goes on, and is not behind for longer than a moment.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cco_daemon::control::Client;
use cco_daemon::lock::{About, Claim, Instance};
use cco_daemon::{Http, Means, OpenEngine, RunError, Settings, Setup};
use cco_engine::limits::Places;
use cco_engine::{Engine, LedgerPlace, price_list};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Longer than anything takes here; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(20);
/// What is written is in the ledger within this time, whatever fails.
const AGE: Duration = Duration::from_secs(2);
/// So often it may take longer, on a machine that has no time for a test.
const TRIES: usize = 3;

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let ends = Instant::now() + PATIENCE;
    while !is_so() {
        if Instant::now() >= ends {
            // The daemon's own would write it to a log that goes with the folder.
            drop(std::panic::take_hook());
            panic!("it never came to that: {what}");
        }
        std::thread::yield_now();
    }
}

/// What a trial took is within the bound in one of its tries.
fn is_soon(what: &str, trial: impl FnMut() -> Duration) {
    let took: Vec<Duration> =
        std::iter::repeat_with(trial).take(TRIES).take_while(|took| *took > AGE).collect();
    assert!(took.len() < TRIES, "{what}: {took:?}");
}

fn opener(folder: &Path) -> OpenEngine {
    let folder = folder.to_owned();
    Arc::new(move || {
        Engine::open(cco_engine::Setup {
            ledger: LedgerPlace::File(folder.join("ledger.db")),
            roots: vec![folder.join("claude")],
            user_home: None,
            ledger_zone: TimeZone::UTC,
            prices: price_list::embedded(),
            threads: Some(1),
            now: now(),
            places: Places::only(&folder.join("claude")),
        })
    })
}

fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().expect("a time")
}

/// Threads that are to fail once, when they read the settings the next time.
#[derive(Clone, Default)]
struct Armed(Arc<Mutex<BTreeSet<String>>>);

impl Armed {
    fn arm(&self, thread: &str) {
        self.0.lock().expect("nobody fails here").insert(thread.to_owned());
    }

    fn is_empty(&self) -> bool {
        self.0.lock().expect("nobody fails here").is_empty()
    }

    fn pass(&self) {
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        let fails = self.0.lock().expect("nobody fails here").remove(&thread);
        assert!(!fails, "on purpose");
    }
}

fn setup(folder: &Path, armed: &Armed) -> Setup {
    let (projects, armed) = (folder.join("claude/projects"), armed.clone());
    let http = Arc::new(Http {
        zone: TimeZone::UTC,
        hosts: Vec::new(),
        open_reads: false,
        stats: true,
        summary_every: Duration::from_secs(1),
    });
    Setup {
        state: folder.join("state"),
        logs: folder.join("logs"),
        version: "0".to_owned(),
        is_aloud: false,
        leaves_when_idle: false,
        open: opener(folder),
        settings: Arc::new(move || {
            armed.pass();
            let roots = projects.parent().map(Path::to_owned).into_iter().collect();
            Settings { watched: vec![projects.clone()], roots, ..Settings::default() }
        }),
        means: Arc::new(Means::default),
        tell_limits: Box::new(|_, _, _| Vec::new()),
        clock: Arc::new(now),
        debounce: Duration::from_millis(20),
        listen: ([127, 0, 0, 1], 0).into(),
        http: Arc::new(move || Arc::clone(&http)),
    }
}

/// Writes a row into a transcript of this project.
fn append(folder: &Path, project: &str, id: u32) {
    let path = folder.join("claude/projects").join(project).join("s.jsonl");
    let mut file = fs::File::options().append(true).create(true).open(path).expect("a transcript");
    let row = format!(
        r#"{{"type":"assistant","uuid":"u{id}","sessionId":"s","timestamp":"2026-11-25T11:00:00.000Z","cwd":"/app","message":{{"role":"assistant","id":"msg_01TESTTESTTESTTEST{id:04}","model":"claude-opus-4-8","usage":{{"input_tokens":1,"output_tokens":1}}}},"requestId":"req_{id}"}}"#
    );
    file.write_all((row + "\n").as_bytes()).expect("a row");
}

/// A daemon of this process.
struct Running {
    state: PathBuf,
    daemon: JoinHandle<Result<(), RunError>>,
}

impl Running {
    fn start(folder: &Path, armed: &Armed) -> Self {
        let about = About { pid: std::process::id(), version: "0".to_owned(), ..About::default() };
        let state = folder.join("state");
        let Claim::Ours(instance) = Instance::claim(&state, about).expect("a lock") else {
            unreachable!("nobody else runs here")
        };
        let setup = setup(folder, armed);
        Self { state, daemon: std::thread::spawn(move || cco_daemon::run(setup, instance)) }
    }

    /// What it says of its watcher; nothing while it cannot be reached yet.
    fn watcher(&self) -> String {
        let status = Client::reach(&self.state, PATIENCE).and_then(Client::status);
        let checks = status.map_or_else(|_| Vec::new(), |status| status.checks);
        checks.into_iter().find(|(name, ..)| name == "watcher").map_or_else(String::new, |check| check.2)
    }

    fn end(self) {
        Client::reach(&self.state, PATIENCE).and_then(Client::stop).expect("it hears");
        self.daemon.join().expect("it ended").expect("and ended well");
    }
}

/// A machine with a project and no row.
fn machine() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("claude/projects/app")).expect("a folder for transcripts");
    folder
}

#[test]
fn what_is_written_while_every_thread_fails_as_it_begins_is_taken_in_within_two_seconds() {
    let threads = ["keeper", "broker", "watch", "git"];
    is_soon("all failed", || {
        let (folder, armed) = (machine(), Armed::default());
        let folder = folder.path();
        threads.iter().for_each(|thread| armed.arm(thread));
        let daemon = Running::start(folder, &armed);
        append(folder, "app", 1);
        let written = Instant::now();
        let reader = opener(folder)().expect("an engine");
        until("the first row is taken in", || reader.newest_call().is_ok_and(|call| call == 1));
        let took = written.elapsed();
        until("all have failed once", || armed.is_empty());
        until("it is said", || daemon.watcher().contains("an error in cco"));
        daemon.end();
        let log = fs::read_to_string(folder.join("logs/daemon.log")).expect("a log");
        for thread in threads {
            assert!(log.contains(&format!("{thread}: warning: an error in cco: ")), "{log}");
        }
        took
    });
}

#[test]
fn what_is_written_while_a_thread_fails_at_work_is_taken_in_within_two_seconds() {
    let (folder, armed) = (machine(), Armed::default());
    let folder = folder.path();
    let daemon = Running::start(folder, &armed);
    until("changes are heard of", || daemon.watcher().contains("as they happen"));
    let reader = opener(folder)().expect("an engine");
    let mut id = 0;
    let (projects, aside) = (folder.join("claude/projects"), folder.join("aside"));
    // What the others do next they do after 15 and 30 seconds.
    for thread in ["keeper", "watch"] {
        is_soon(thread, || {
            id += 1;
            armed.arm(thread);
            // What was watched is another folder now, for all that is known.
            let replace = || {
                fs::rename(&projects, &aside).and_then(|()| fs::rename(&aside, &projects)).expect("a folder");
                Instant::now()
            };
            let mut replaced = replace();
            append(folder, "app", id);
            let written = Instant::now();
            until(thread, || reader.newest_call().is_ok_and(|call| call == i64::from(id)));
            let took = written.elapsed();
            until(&format!("{thread} has failed"), || {
                // A watch that was just beginning, for the one before, has seen the folder as it is.
                if replaced.elapsed() > AGE / 4 {
                    replaced = replace();
                }
                armed.is_empty()
            });
            took
        });
    }
    daemon.end();
}
