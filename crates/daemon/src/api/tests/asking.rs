//! How asking the service goes is told by the broker, and said by `/api/limits`.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use cco_engine::limits::{Asking, BaseUrl, Renewing, Settings as Service, TokenUrl};
use serde_json::Value;
use tokio::sync::mpsc;

use super::served::{Served, opener};
use crate::broker::{Broker, Task};
use crate::event::{Event, Refreshed};
use crate::log::Log;
use crate::setup::{Means, Settings};

/// A service on this machine that gives these statuses in turn.
fn service(statuses: &'static [u16]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for (status, stream) in statuses.iter().zip(listener.incoming()) {
            let mut stream = stream.expect("a connection");
            let (mut seen, mut page) = (Vec::new(), [0; 4096]);
            while !seen.ends_with(b"\r\n\r\n") {
                match stream.read(&mut page) {
                    Ok(length @ 1..) => seen.extend_from_slice(&page[..length]),
                    _ => break,
                }
            }
            let body = r#"{"five_hour":{"utilization":42,"resets_at":"2026-11-25T14:30:00Z"}}"#;
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all((head + body).as_bytes());
        }
    });
    format!("http://{address}")
}

/// Ann is logged in, until a time in milliseconds.
fn log_in(folder: &Path, expires_at: i64) {
    let account =
        r#"{"oauthAccount":{"accountUuid":"ann","organizationUuid":"org","emailAddress":"ann@example.com"}}"#;
    fs::write(folder.join("claude/.claude.json"), account).expect("a file");
    let login = format!(r#"{{"claudeAiOauth":{{"accessToken":"tok-1","expiresAt":{expires_at}}}}}"#);
    fs::write(folder.join("claude/.credentials.json"), login).expect("a file");
}

const FOREVER: i64 = 4_000_000_000_000;

/// A server whose broker does one thing after another, as the event loop would have it.
struct Asks {
    served: Served,
    tasks: std::sync::mpsc::Sender<Task>,
    events: mpsc::Receiver<Event>,
}

impl Asks {
    fn new(base: &str, is_allowed: bool) -> Self {
        let served = Served::new();
        let state = served.folder.path().to_owned();
        let base = base.to_owned();
        let means = move || {
            let mut settings = Service::new("0");
            settings.base = BaseUrl::parse(&base).expect("a loopback address");
            let renewing =
                Renewing { managed: Vec::new(), client_id: None, url: TokenUrl::official(), home: None };
            let state = state.clone();
            let asking = Asking { state, settings, key_store: None, key_store_allowed: false, renewing };
            Means { asking: Some(asking), is_allowed, share: false }
        };
        let clock = Arc::clone(&served.shared.clock);
        let (sender, events) = mpsc::channel(8);
        let broker = Broker {
            open: opener(served.folder.path(), &clock),
            settings: Arc::new(|| Settings {
                stamp: None,
                snapshot: None,
                watched: Vec::new(),
                roots: Vec::new(),
                wrong: None,
                waiting: Vec::new(),
                missing: Vec::new(),
            }),
            means: Arc::new(means),
            tell: Box::new(|_, _, _| Vec::new()),
            log: Arc::new(Log::new(&served.folder.path().join("logs"), Arc::clone(&clock), false)),
            clock,
            http: Arc::clone(&served.shared.http),
            events: sender,
        };
        let (tasks, of_broker) = std::sync::mpsc::channel();
        thread::spawn(move || broker.run(&of_broker));
        Self { served, tasks, events }
    }

    fn does(&mut self, task: Task) -> Refreshed {
        self.tasks.send(task).expect("a broker");
        let Some(Event::Asked(refreshed)) = self.events.blocking_recv() else { panic!("no answer") };
        let now = (self.served.shared.clock)();
        self.served.health.send_modify(|health| health.on_asked(&refreshed, now));
        refreshed
    }

    /// What the route says of the one account: the trouble, and the next try.
    fn told(&self) -> (Value, Value) {
        let account = self.served.json("/api/limits")["accounts"][0].clone();
        (account["trouble"].clone(), account["nextTry"].clone())
    }
}

#[test]
fn the_route_says_why_the_last_try_failed_and_when_the_next_one_may_be() {
    let mut asks = Asks::new(&service(&[503, 200]), true);
    log_in(asks.served.folder.path(), FOREVER);
    let refreshed = asks.does(Task::Look);
    assert_eq!((refreshed.asked.len(), &refreshed.faults), (1, &Vec::new()));
    assert_eq!(asks.told(), ("server".into(), "2026-11-25T12:00:30.000Z".into()));
    // It is too soon to ask: what was left on the disk says so.
    asks.served.set_now("2026-11-25T12:00:20Z");
    assert!(asks.does(Task::Look).asked.is_empty());
    assert_eq!(asks.told(), ("server".into(), "2026-11-25T12:00:30.000Z".into()));
    asks.served.set_now("2026-11-25T12:00:31Z");
    assert!(asks.does(Task::Look).answered);
    assert_eq!(asks.told(), (Value::Null, "2026-11-25T12:03:31.000Z".into()));
    // Nobody is due, and still it is known.
    asks.served.set_now("2026-11-25T12:01:00Z");
    assert!(asks.does(Task::Look).not_asked.is_empty());
    assert_eq!(asks.told(), (Value::Null, "2026-11-25T12:03:31.000Z".into()));
    // What is past is not told.
    asks.served.set_now("2026-11-25T12:04:00Z");
    assert_eq!(asks.told(), (Value::Null, Value::Null));
}

#[test]
fn a_login_that_cannot_ask_is_a_trouble_that_no_file_remembers() {
    let mut asks = Asks::new(&service(&[]), true);
    log_in(asks.served.folder.path(), 1);
    let _ = asks.does(Task::Look);
    assert_eq!(asks.told(), ("expired".into(), Value::Null));
}

#[test]
fn where_nobody_may_ask_there_is_no_next_try() {
    let mut asks = Asks::new(&service(&[]), false);
    log_in(asks.served.folder.path(), FOREVER);
    let _ = asks.does(Task::AskForAll);
    assert_eq!(asks.told(), (Value::Null, Value::Null));
}
