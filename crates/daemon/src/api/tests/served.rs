//! A server with a ledger in a folder of its own, and a client that sends exactly what it is told.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use cco_engine::limits::Places;
use cco_engine::scan::ScanSummary;
use cco_engine::{Engine, LedgerPlace, Setup, price_list};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};

use super::super::connection::Bounds;
use super::super::{description, listen, serve_within};
use crate::event::{Event, Refreshed, TakenIn};
use crate::health::Health;
use crate::live::Live;
use crate::lock::About;
use crate::readers::{FOR_REQUESTS, Readers};
use crate::setup::{Clock, Http, OpenEngine, ReadHttp};
use crate::shared::Shared;
use crate::slow::Slow;
use crate::token::{self, Tokens};

/// Nothing in these tests takes longer.
pub(super) const LONG: Duration = Duration::from_secs(20);

/// A server at work.
pub(in crate::api) struct Served {
    pub(super) folder: TempDir,
    pub(super) address: SocketAddr,
    pub(super) token: String,
    pub(in crate::api) shared: Arc<Shared>,
    pub(super) health: watch::Sender<Health>,
    pub(super) stop: watch::Sender<bool>,
    pub(super) events: mpsc::Receiver<Event>,
    pub(super) engine: Engine,
    now_ms: Arc<AtomicI64>,
    /// The last to go: it runs the server.
    pub(in crate::api) runtime: tokio::runtime::Runtime,
}

/// What may be other than usual.
pub(in crate::api) struct Wanted {
    pub(in crate::api) http: Http,
    pub(in crate::api) bounds: Bounds,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            http: Http {
                zone: TimeZone::UTC,
                hosts: Vec::new(),
                open_reads: false,
                stats: true,
                summary_every: Duration::from_millis(20),
            },
            bounds: Bounds::USUAL,
        }
    }
}

/// Noon, on the day of the calls that tests make.
pub(in crate::api) const NOON: &str = "2026-11-25T12:00:00Z";

pub(in crate::api) fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

impl Served {
    pub(in crate::api) fn new() -> Self {
        Self::with(Wanted::default())
    }

    pub(super) fn with(wanted: Wanted) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("claude/projects")).expect("a folder for transcripts");
        let now_ms = Arc::new(AtomicI64::new(at(NOON).as_millisecond()));
        let clock: Clock = {
            let now_ms = Arc::clone(&now_ms);
            Arc::new(move || Timestamp::from_millisecond(now_ms.load(Ordering::Relaxed)).expect("a time"))
        };
        let open = opener(folder.path(), &clock);
        let engine = open().expect("an engine");
        engine.prepare_following().expect("what a keeper prepares");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let inside = runtime.enter();
        let listener = listen(([127, 0, 0, 1], 0).into()).expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, events) = mpsc::channel(64);
        let (health, heard) = watch::channel(Health::beginning(clock()));
        let (stop, stopped) = watch::channel(false);
        let readers = || Readers::new(Arc::clone(&open), Arc::clone(&clock), FOR_REQUESTS);
        let http = Arc::new(wanted.http);
        let read: ReadHttp = Arc::new(move || Arc::clone(&http));
        let tokens = Tokens::open(folder.path()).expect("a token");
        let shared = Arc::new(Shared {
            live: Live::new(readers(), Arc::clone(&clock), Arc::clone(&read)),
            readers: readers(),
            slow: Slow::new(readers()),
            tokens,
            events: sender,
            used: AtomicI64::default(),
            health: heard,
            clock,
            http: read,
            address,
            about: About { pid: 1, version: "0".to_owned(), ..About::default() },
        });
        runtime.spawn(serve_within(wanted.bounds, listener, Arc::clone(&shared), stopped));
        drop(inside);
        let token = token::read(folder.path()).expect("the token");
        Self { folder, address, token, shared, health, stop, events, engine, now_ms, runtime }
    }

    pub(super) fn set_now(&self, now: &str) {
        self.now_ms.store(at(now).as_millisecond(), Ordering::Relaxed);
    }

    /// `127.0.0.1:PORT`.
    pub(super) fn host(&self) -> String {
        self.address.to_string()
    }

    /// Sends exactly this on a connection of its own, and hears what comes back until it is closed.
    pub(super) fn send(&self, bytes: &[u8]) -> Reply {
        let mut stream = self.connect();
        // Whoever is refused early may be cut off while it still writes.
        let _ = stream.write_all(bytes);
        let mut heard = Vec::new();
        let _ = stream.read_to_end(&mut heard);
        Reply::parse(&heard)
    }

    pub(super) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(LONG)).expect("a timeout");
        stream.set_write_timeout(Some(LONG)).expect("a timeout");
        stream
    }

    /// A request with further header lines, and the token.
    pub(super) fn ask_with(&self, method: &str, path: &str, more: &[&str], body: &str) -> Reply {
        let token = format!("Authorization: Bearer {}", self.token);
        let lines: Vec<&str> = more.iter().copied().chain([token.as_str()]).collect();
        self.ask_bare(method, path, &lines, body)
    }

    /// The same without the token.
    pub(super) fn ask_bare(&self, method: &str, path: &str, more: &[&str], body: &str) -> Reply {
        let host = format!("Host: {}", self.host());
        let lines: Vec<&str> =
            [host.as_str(), "Connection: close"].into_iter().chain(more.iter().copied()).collect();
        let length = match (method, body) {
            ("GET", "") => String::new(),
            _ => format!("Content-Length: {}\r\n", body.len()),
        };
        self.send(
            format!("{method} {path} HTTP/1.1\r\n{}\r\n{length}\r\n{body}", lines.join("\r\n")).as_bytes(),
        )
    }

    pub(super) fn get(&self, path: &str) -> Reply {
        self.ask_with("GET", path, &[], "")
    }

    /// What a route answers, which has to be 200.
    pub(super) fn json(&self, path: &str) -> Value {
        let reply = self.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.json()
    }

    pub(super) fn post(&self, path: &str, body: &str) -> Reply {
        self.ask_with("POST", path, &["Content-Type: application/json", "X-Cco: 1"], body)
    }

    /// Does what is asked of the event loop from now on, as a daemon does it.
    pub(super) fn answer_events(&mut self) {
        let mut events = std::mem::replace(&mut self.events, mpsc::channel(1).1);
        self.runtime.spawn(async move {
            while let Some(event) = events.recv().await {
                match event {
                    Event::ScanWanted(reply) => {
                        let summary = ScanSummary { files: 7, calls_new: 3, ..ScanSummary::default() };
                        let _ = reply.send(Ok(TakenIn { summary, ..TakenIn::default() }));
                    }
                    Event::RefreshWanted(reply) => {
                        let asked = vec!["me@example.com".to_owned()];
                        let _ = reply.send(Ok(Refreshed { asked, ..Refreshed::default() }));
                    }
                    _ => {}
                }
            }
        });
    }

    /// The status of the answer to exactly this; the rest of it, which may have no end, is not waited for.
    pub(super) fn status_of(&self, bytes: &[u8]) -> u16 {
        let mut stream = self.connect();
        let _ = stream.write_all(bytes);
        let mut line = String::new();
        let _ = BufReader::new(stream).read_line(&mut line);
        line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    /// Adds to a transcript, and takes it in.
    pub(super) fn write(&mut self, name: &str, lines: &str) {
        let path = self.folder.path().join("claude/projects").join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let mut file = fs::OpenOptions::new().create(true).append(true).open(path).expect("a transcript");
        file.write_all(lines.as_bytes()).expect("rows");
        self.engine.set_now((self.shared.clock)());
        self.engine.scan(&mut |_| {}).expect("a scan");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

pub(super) fn opener(folder: &Path, clock: &Clock) -> OpenEngine {
    let (folder, clock) = (folder.to_owned(), Arc::clone(clock));
    Arc::new(move || {
        Engine::open(Setup {
            ledger: LedgerPlace::File(folder.join("ledger.db")),
            roots: vec![folder.join("claude")],
            user_home: None,
            ledger_zone: TimeZone::UTC,
            prices: price_list::embedded(),
            threads: Some(1),
            now: clock(),
            places: Places::only(&folder.join("claude")),
        })
    })
}

/// One answered message, as Claude Code writes it.
pub(super) struct Row<'a> {
    pub(super) id: u32,
    pub(super) session: &'a str,
    pub(super) at: &'a str,
    pub(super) model: &'a str,
    pub(super) cwd: &'a str,
    pub(super) branch: &'a str,
    pub(super) input: u64,
    pub(super) output: u64,
}

pub(super) const ROW: Row<'static> = Row {
    id: 1,
    session: "5e551011-0000-4000-8000-000000000001",
    at: "2026-11-25T11:00:00.000Z",
    model: "claude-opus-4-8",
    cwd: "/home/dev/app",
    branch: "main",
    input: 1_000,
    output: 100,
};

impl Row<'_> {
    pub(super) fn line(&self) -> String {
        let Self { id, session, at, model, cwd, branch, input, output } = self;
        let cwd = serde_json::to_string(cwd).expect("JSON");
        format!(
            r#"{{"type":"assistant","uuid":"u-{id}-{output}","sessionId":"{session}","timestamp":"{at}","isSidechain":false,"cwd":{cwd},"gitBranch":"{branch}","message":{{"role":"assistant","id":"msg_01TESTTESTTESTTEST{id:04}","model":"{model}","usage":{{"input_tokens":{input},"output_tokens":{output}}}}},"requestId":"req_{id}"}}"#
        ) + "\n"
    }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Reply {
    fn parse(bytes: &[u8]) -> Self {
        let nothing = Self { status: 0, headers: Vec::new(), body: Vec::new() };
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return nothing };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let is_chunked =
            headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
        let body = &bytes[end + 4..];
        let body = if is_chunked { unchunked(body) } else { body.to_vec() };
        Self { status, headers, body }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

pub(super) fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
        let length =
            std::str::from_utf8(&body[..end]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let Some(length) = length.filter(|length| *length > 0) else { break };
        whole.extend_from_slice(&body[end + 2..(end + 2 + length).min(body.len())]);
        body = body.get(end + 2 + length + 2..).unwrap_or_default();
    }
    whole
}

/// What each route answers with a success.
pub(super) struct Valid {
    pub(super) method: &'static str,
    pub(super) target: String,
    pub(super) body: String,
}

impl Valid {
    /// The header lines that its method needs.
    pub(super) fn lines(&self) -> &'static [&'static str] {
        if self.method == "POST" { &["Content-Type: application/json", "X-Cco: 1"] } else { &[] }
    }

    /// A new route that asks for something needs its line here.
    fn of(served: &Served, (method, path): (&'static str, String)) -> Self {
        let query = match &*path {
            "/api/explain" => "?what=today",
            "/api/stats/breakdown" => "?by=model",
            "/api/proof" => "?nonce=0123456789abcdef0123456789abcdef",
            _ => "",
        };
        let body = match (method, &*path) {
            ("POST", "/api/session") => {
                format!(r#"{{"code":"{}"}}"#, served.shared.tokens.new_code((served.shared.clock)()))
            }
            ("POST", _) => "{}".to_owned(),
            _ => String::new(),
        };
        Self { method, target: format!("{path}{query}"), body }
    }

    /// Of every route that there is.
    pub(super) fn all(served: &Served) -> Vec<Self> {
        routes().into_iter().map(|route| Self::of(served, route)).collect()
    }
}

/// Every route that the router has: its methods, and a path that it takes.
pub(super) fn routes() -> Vec<(&'static str, String)> {
    let mut routes = Vec::new();
    for (path, item) in description().paths.paths {
        let path = path.replace("{id}", ROW.session);
        routes.extend(item.get.is_some().then(|| ("GET", path.clone())));
        routes.extend(item.post.is_some().then_some(("POST", path)));
    }
    assert!(routes.len() >= 13, "{routes:?}");
    routes
}
