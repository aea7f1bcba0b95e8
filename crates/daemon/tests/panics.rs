//! A daemon whose threads fail by an error of its own goes on, and is not behind for longer than a moment.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cco_daemon::control::Client;
use cco_daemon::lock::{About, Claim, Instance};
use cco_daemon::{Http, Means, OpenEngine, Settings, Setup};
use cco_engine::limits::Places;
use cco_engine::{Engine, LedgerPlace, price_list};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Longer than anything takes here; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(20);

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let ends = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < ends, "it never came to that: {what}");
        std::thread::yield_now();
    }
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

fn append(folder: &Path, id: u32) {
    let path = folder.join("claude/projects/app/s.jsonl");
    let mut file = fs::File::options().append(true).create(true).open(path).expect("a transcript");
    let row = format!(
        r#"{{"type":"assistant","uuid":"u{id}","sessionId":"s","timestamp":"2026-11-25T11:00:00.000Z","cwd":"/app","message":{{"role":"assistant","id":"msg_01TESTTESTTESTTEST{id:04}","model":"claude-opus-4-8","usage":{{"input_tokens":1,"output_tokens":1}}}},"requestId":"req_{id}"}}"#
    );
    file.write_all((row + "\n").as_bytes()).expect("a row");
}

#[test]
fn a_thread_that_fails_begins_again_and_what_is_written_is_soon_taken_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::create_dir_all(folder.join("claude/projects/app")).expect("a folder for transcripts");
    let armed = Armed::default();
    let threads = ["keeper", "broker", "watch"];
    threads.iter().for_each(|thread| armed.arm(thread));
    let about = About { pid: std::process::id(), version: "0".to_owned(), ..About::default() };
    let state = folder.join("state");
    let Claim::Ours(instance) = Instance::claim(&state, about).expect("a lock") else {
        unreachable!("nobody else runs here")
    };
    let setup = setup(folder, &armed);
    let daemon = std::thread::spawn(move || cco_daemon::run(setup, instance));
    append(folder, 1);
    let reader = opener(folder)().expect("an engine");
    until("all have failed once", || armed.is_empty());
    until("the first row is taken in", || reader.newest_call().is_ok_and(|call| call == 1));
    let watcher = |state: &Path| {
        let status = Client::reach(state, PATIENCE).and_then(Client::status).expect("it answers");
        status.checks.into_iter().find(|(name, ..)| name == "watcher").expect("a check").2
    };
    until("it is said", || watcher(&state).contains("an error in cco"));
    for (id, thread) in (2..).zip(threads) {
        armed.arm(thread);
        append(folder, id);
        until(thread, || reader.newest_call().is_ok_and(|call| call == i64::from(id)));
    }
    let log = fs::read_to_string(folder.join("logs/daemon.log")).expect("a log");
    for thread in threads {
        assert!(log.contains(&format!("{thread}: warning: an error in cco: ")), "{log}");
    }
    Client::reach(&state, PATIENCE).and_then(Client::stop).expect("it hears");
    daemon.join().expect("it ended").expect("and ended well");
}
