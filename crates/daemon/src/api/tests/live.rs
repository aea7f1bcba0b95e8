//! Events over real sockets: who hears what, who is cut off, and what whoever was away is told.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use cco_engine::limits::{Observed, SeenAccount};
use cco_model::limit::{AccountId, Percent, Reading, Source, Window};
use serde_json::Value;

use super::super::connection::Bounds;
use super::served::{LONG, ROW, Row, Served, Wanted};

/// One who listens.
struct Ear {
    stream: TcpStream,
    /// What came and is not taken yet, without the marks of chunks.
    text: String,
    raw: Vec<u8>,
    /// No test listens longer.
    ends: Instant,
}

/// An event.
#[derive(Clone, Debug, PartialEq)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

impl Ear {
    fn new(served: &Served, more: &str) -> Self {
        let mut ear = Self {
            stream: served.connect(),
            text: String::new(),
            raw: Vec::new(),
            ends: Instant::now() + LONG,
        };
        let (host, token) = (served.host(), &served.token);
        let request = format!(
            "GET /api/stats/live HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n{more}\r\n"
        );
        ear.stream.write_all(request.as_bytes()).expect("sent");
        ear
    }

    /// Listens, and has heard how things stand: whatever happens from now on is told.
    fn begun(served: &Served) -> Self {
        let mut ear = Self::new(served, "");
        assert_eq!(ear.next().expect("sums").data["type"], "summary");
        ear
    }

    /// The next piece between two blank lines; none: it is at its end.
    fn piece(&mut self) -> Option<String> {
        loop {
            if let Some((piece, rest)) = self.text.split_once("\n\n") {
                let (piece, rest) = (piece.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(piece);
            }
            assert!(Instant::now() < self.ends, "nothing came");
            let mut bytes = [0; 65_536];
            match self.stream.read(&mut bytes) {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.raw.extend_from_slice(&bytes[..count]),
            }
            self.unchunk();
        }
    }

    /// Takes whole chunks out of what came.
    fn unchunk(&mut self) {
        if let Some(end) = self.raw.windows(4).position(|four| four == b"\r\n\r\n")
            && self.raw.starts_with(b"HTTP/1.1 ")
        {
            let head = String::from_utf8_lossy(&self.raw[..end]).to_lowercase();
            assert!(head.starts_with("http/1.1 200") && head.contains("text/event-stream"), "{head}");
            assert!(!head.contains("content-encoding"), "{head}");
            self.raw.drain(..end + 4);
        }
        while let Some(end) = self.raw.windows(2).position(|two| two == b"\r\n") {
            let length = std::str::from_utf8(&self.raw[..end]).ok();
            let Some(length) = length.and_then(|text| usize::from_str_radix(text, 16).ok()) else { return };
            if self.raw.len() < end + 2 + length + 2 {
                return;
            }
            self.text += &String::from_utf8_lossy(&self.raw[end + 2..end + 2 + length]);
            self.raw.drain(..end + 2 + length + 2);
        }
    }

    /// The next event, whatever else comes before it.
    fn next(&mut self) -> Option<Event> {
        loop {
            let piece = self.piece()?;
            let field = |name: &str| {
                piece.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned()
            };
            if piece.contains("data: ") {
                let data = serde_json::from_str(&field("data: ")).expect("JSON");
                return Some(Event { name: field("event: "), id: field("id: "), data });
            }
        }
    }

    /// The next event about calls, or that ends something.
    fn call(&mut self) -> Option<Event> {
        loop {
            let event = self.next()?;
            if event.name != "stats-update" || event.data["type"] == "call" {
                return Some(event);
            }
        }
    }
}

fn rows(ids: std::ops::Range<u32>) -> String {
    ids.map(|id| Row { id, ..ROW }.line()).collect()
}

fn tell(served: &mut Served, name: &str, lines: &str) {
    served.write(name, lines);
    served.shared.live.advance();
}

fn parts(event: &Event) -> (bool, i64) {
    (event.data["update"].as_bool().expect("whether it grew"), event.data["id"].as_i64().expect("its number"))
}

#[test]
fn a_call_without_a_price_is_not_told_as_free() {
    let mut served = Served::new();
    let mut ear = Ear::begun(&served);
    tell(&mut served, "app/a.jsonl", &ROW.line().replace("claude-opus-4-8", "claude-nebula-9"));
    assert_eq!(ear.call().expect("a call").data["cost"], serde_json::Value::Null);
}

#[test]
fn a_call_is_told_with_what_it_cost_and_again_when_it_has_grown() {
    let mut served = Served::new();
    let mut ear = Ear::begun(&served);
    tell(&mut served, "app/a.jsonl", &ROW.line());
    let event = ear.call().expect("a call");
    assert_eq!(
        event.data,
        serde_json::json!({
            "type": "call", "update": false, "id": 1, "timestamp": "2026-11-25T11:00:00.000Z",
            "model": "claude-opus-4-8", "tier": "Opus", "project": "app", "project_path": "/home/dev/app",
            "session": ROW.session, "branch": "main", "tokens": 1_100, "cost": 0.0075
        })
    );
    // Sums of a moment before it may be told after it.
    let counted = std::iter::from_fn(|| ear.next()).find(|sums| sums.data["calls_today"] == 1);
    assert_eq!(counted.expect("sums").data["type"], "summary");
    tell(&mut served, "app/a.jsonl", &Row { output: 300, ..ROW }.line());
    let event = ear.call().expect("the same call");
    assert_eq!(parts(&event), (true, 1));
    assert_eq!(event.data["tokens"], 1_300);
}

/// The five hours of an account are so full, as it is known at this second.
fn read(served: &mut Served, percent: i32, second: i64) {
    let id = AccountId { organization: "org".into(), account: "me".into() };
    let now_ms = (served.shared.clock)().as_millisecond() - 60_000 + second * 1_000;
    let account = SeenAccount {
        id: id.clone(),
        email: "me@example.com".to_owned(),
        at_ms: now_ms,
        name: None,
        removed: None,
    };
    let reading = Reading {
        account: id,
        window: Window::FiveHour,
        percent: Some(Percent::of_tenths(&Window::FiveHour, percent * 10)),
        resets_at_ms: Some((served.shared.clock)().as_millisecond() + 3_600_000),
        observed_at_ms: now_ms,
        source: Source::Endpoint,
        told: None,
    };
    let observed = Observed { accounts: vec![account], readings: vec![reading], ..Observed::default() };
    served.engine.observe(&observed).expect("it is kept");
    served.shared.live.advance();
}

#[test]
fn limits_are_told_when_what_is_known_of_them_changes_and_only_then() {
    let mut served = Served::new();
    let mut ear = Ear::begun(&served);
    let mut limits = |served: &mut Served, percent: i32, second: i64| {
        read(served, percent, second);
        let event = std::iter::from_fn(|| ear.next()).find(|event| event.data["type"] == "limits");
        event.expect("limits").data["accounts"].clone()
    };
    let full = |percent: f64| {
        serde_json::json!([{
            "account": "me@example.com",
            "windows": [{ "window": Window::FiveHour.to_string(), "state": "open", "percent": percent }]
        }])
    };
    assert_eq!(limits(&mut served, 41, 1), full(41.0));
    // Read again, and a call beside it: nothing is new.
    read(&mut served, 41, 2);
    tell(&mut served, "app/a.jsonl", &ROW.line());
    assert_eq!(limits(&mut served, 55, 3), full(55.0));
}

/// What of it somebody counts who adds up all that is told as new.
fn counted(events: &[Event]) -> Vec<i64> {
    let new = events.iter().filter(|event| event.data["update"] == false);
    let mut ids: Vec<i64> = new.map(|event| parts(event).1).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn a_call_that_grew_before_it_was_told_is_new_to_whoever_hears_of_it_first() {
    let mut served = Served::new();
    let mut ear = Ear::begun(&served);
    tell(&mut served, "app/a.jsonl", &rows(1..2));
    let before = ear.call().expect("a call").id;
    // Several commits, of which all hear at once: 2 and 3 come, 2 and 1 grow, 4 comes.
    served.write("app/a.jsonl", &rows(2..3));
    served.write("app/a.jsonl", &rows(3..4));
    served.write("app/a.jsonl", &Row { id: 2, output: 300, ..ROW }.line());
    served.write("app/a.jsonl", &Row { id: 1, output: 300, ..ROW }.line());
    served.write("app/a.jsonl", &rows(4..5));
    // Who comes back before it was told to anybody hears it once, too.
    let mut early = Ear::new(&served, &format!("Last-Event-ID: {before}\r\n"));
    served.shared.live.advance();
    let heard: Vec<Event> = (0..4).map(|_| ear.call().expect("a call")).collect();
    assert_eq!(counted(&heard), [2, 3, 4]);
    tell(&mut served, "app/a.jsonl", &rows(5..6));
    let mut of_early = Vec::new();
    while of_early.last().is_none_or(|event: &Event| parts(event) != (false, 5)) {
        of_early.push(early.call().expect("a call"));
    }
    assert_eq!(counted(&of_early), [2, 3, 4, 5]);
    // Wherever it was cut off, nothing is missing and nothing counts twice.
    tell(&mut served, "app/a.jsonl", &(Row { id: 3, output: 400, ..ROW }.line() + &rows(6..7)));
    for cut in 0..=heard.len() {
        let id = heard[..cut].last().map_or(&before, |event| &event.id);
        let mut back = Ear::new(&served, &format!("Last-Event-ID: {id}\r\n"));
        let mut events = heard[..cut].to_vec();
        tell(&mut served, "app/a.jsonl", &Row { id: 6, output: 500 + cut as u64, ..ROW }.line());
        while events.last().is_none_or(|event| event.data["tokens"] != 1_500 + cut) {
            events.push(back.call().expect("a call"));
        }
        assert_eq!(counted(&events), [2, 3, 4, 5, 6], "cut off behind {cut}: {events:?}");
    }
}

#[test]
fn a_call_that_was_missed_and_has_grown_since_all_were_told_is_new_to_whoever_comes_back() {
    let mut served = Served::new();
    let mut ear = Ear::begun(&served);
    tell(&mut served, "app/a.jsonl", &rows(1..2));
    let before = ear.call().expect("a call").id;
    tell(&mut served, "app/a.jsonl", &rows(2..3));
    assert_eq!(parts(&ear.call().expect("a call")), (false, 2));
    // Nobody was told of this yet.
    served.write("app/a.jsonl", &Row { id: 2, output: 300, ..ROW }.line());
    let mut back = Ear::new(&served, &format!("Last-Event-ID: {before}\r\n"));
    assert_eq!(parts(&back.call().expect("what was missed")), (false, 2));
    served.shared.live.advance();
    assert_eq!(parts(&back.call().expect("what all are told")), (true, 2));
}

#[test]
fn a_call_that_is_known_and_has_grown_since_all_were_told_is_told_once_to_whoever_comes_back() {
    let mut served = Served::new();
    let mut ear = Ear::begun(&served);
    tell(&mut served, "app/a.jsonl", &rows(1..3));
    let heard: Vec<Event> = (0..2).map(|_| ear.call().expect("a call")).collect();
    // Nobody was told of this yet.
    served.write("app/a.jsonl", &Row { id: 1, output: 300, ..ROW }.line());
    let mut back = Ear::new(&served, &format!("Last-Event-ID: {}\r\n", heard[1].id));
    assert_eq!(back.next().expect("sums").data["type"], "summary", "nothing was missed");
    tell(&mut served, "app/a.jsonl", &rows(3..4));
    let told = [(); 2].map(|()| parts(&back.call().expect("a call")));
    assert_eq!(told, [(false, 3), (true, 1)]);
    tell(&mut served, "app/a.jsonl", &rows(4..5));
    assert_eq!(parts(&back.call().expect("what comes next")), (false, 4));
}

#[test]
fn whoever_asks_much_keeps_no_listener_and_no_slow_question_waiting() {
    let mut served = Served::new();
    let (begins, begun) = std::sync::mpsc::channel();
    let (lets_go, waiting): (Vec<_>, Vec<_>) = (0..4).map(|_| std::sync::mpsc::channel::<()>()).unzip();
    for go in waiting {
        let (readers, begins) = (served.shared.readers.clone(), begins.clone());
        served.runtime.spawn(async move {
            let held = move |_: &mut cco_engine::Engine| {
                let _ = begins.send(());
                let _ = go.recv();
                Ok(())
            };
            let _ = readers.ask(held).await;
        });
    }
    (0..4).for_each(|_| begun.recv_timeout(LONG).expect("it is asked"));
    let mut ear = Ear::begun(&served);
    tell(&mut served, "app/a.jsonl", &ROW.line());
    assert_eq!(parts(&ear.call().expect("a call")), (false, 1));
    served.json("/api/explain?what=%231&all_files=true");
    drop(lets_go);
}

#[test]
fn whoever_was_away_is_told_what_he_missed_once_and_in_order() {
    let mut served = Served::new();
    let mut ear = Ear::begun(&served);
    tell(&mut served, "app/a.jsonl", &rows(1..4));
    let heard: Vec<Event> = (0..3).map(|_| ear.call().expect("a call")).collect();
    drop(ear);
    tell(&mut served, "app/a.jsonl", &rows(4..6));
    tell(&mut served, "app/a.jsonl", &(Row { id: 2, output: 999, ..ROW }.line() + &rows(6..7)));
    // Whoever heard all of the first commit is told nothing of it again.
    let mut back = Ear::new(&served, &format!("Last-Event-ID: {}\r\n", heard[2].id));
    let told: Vec<(bool, i64)> = (0..4).map(|_| parts(&back.call().expect("a call"))).collect();
    let mut sorted = told.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [(false, 4), (false, 5), (false, 6), (true, 2)], "{told:?}");
    tell(&mut served, "app/a.jsonl", &rows(7..8));
    assert_eq!(parts(&back.call().expect("what comes now")), (false, 7));
    // Whoever was cut off in the middle of it hears of the rest.
    let mut back = Ear::new(&served, &format!("Last-Event-ID: {}\r\n", heard[0].id));
    let mut told: Vec<i64> = (0..6).map(|_| parts(&back.call().expect("a call")).1).collect();
    told.sort_unstable();
    assert_eq!(told, [2, 3, 4, 5, 6, 7]);
}

#[test]
fn whoever_was_told_of_another_ledger_begins_anew() {
    let mut served = Served::new();
    let id = {
        let mut ear = Ear::begun(&served);
        tell(&mut served, "app/a.jsonl", &rows(1..2));
        ear.call().expect("a call").id
    };
    let (ledger, _) = id.split_once('.').expect("an id");
    for other in ["x.1.1", "nonsense", &format!("{ledger}.99999999.1"), "..", "\u{e9}.1.1"] {
        let mut ear = Ear::new(&served, &format!("Last-Event-ID: {other}\r\n"));
        let event = ear.call().expect("an event");
        assert_eq!(event.name, "reset", "{other}");
        assert_eq!(event.id, id, "from here on all is told");
    }
}

#[test]
fn whoever_missed_too_much_begins_anew() {
    let mut served = Served::new();
    let mut ear = Ear::begun(&served);
    tell(&mut served, "app/a.jsonl", &rows(1..2));
    let id = ear.call().expect("a call").id;
    drop(ear);
    tell(&mut served, "app/a.jsonl", &rows(2..1_100));
    let mut back = Ear::new(&served, &format!("Last-Event-ID: {id}\r\n"));
    assert_eq!(back.call().expect("an event").name, "reset");
}

#[test]
fn no_more_than_32_listen_and_a_place_is_free_when_one_leaves() {
    let served = Served::new();
    let mut ears: Vec<Ear> = (0..32).map(|_| Ear::begun(&served)).collect();
    let reply = served.get("/api/stats/live");
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
    ears.pop();
    let ends = Instant::now() + LONG;
    while served.shared.live.clients() > 31 {
        assert!(Instant::now() < ends, "its place is still taken");
        std::thread::yield_now();
    }
    ears.push(Ear::begun(&served));
}

#[test]
fn another_token_and_an_end_are_told_as_the_last_thing() {
    let served = Served::new();
    let (mut one, mut other) = (Ear::begun(&served), Ear::begun(&served));
    served.shared.tokens.rotate().expect("another token");
    for ear in [&mut one, &mut other] {
        let bye = ear.call().expect("a last word");
        assert_eq!((&*bye.name, &bye.data["reason"]), ("bye", &"token".into()));
        assert!(ear.next().is_none());
    }
    let served = Served::new();
    let mut ear = Ear::begun(&served);
    let begun = Instant::now();
    served.stop.send(true).expect("it listens");
    let bye = ear.call().expect("a last word");
    assert_eq!((&*bye.name, &bye.data["reason"]), ("bye", &"stopping".into()));
    assert!(ear.next().is_none() && begun.elapsed() < Duration::from_secs(2));
}

#[test]
fn whoever_hears_nothing_hears_that_all_is_well() {
    let bounds = Bounds { heartbeat: Duration::from_millis(20), ..Bounds::USUAL };
    let served = Served::with(Wanted { bounds, ..Wanted::default() });
    let mut ear = Ear::new(&served, "Accept-Encoding: gzip\r\n");
    let comments = std::iter::from_fn(|| ear.piece()).filter(|piece| piece == ": alive");
    assert_eq!(comments.take(3).count(), 3);
}

#[test]
fn whoever_does_not_read_is_cut_off_and_keeps_nobody_waiting() {
    // Whoever reads may rest for a moment too, on a busy machine.
    let bounds = Bounds { stalled: Duration::from_secs(2), ..Bounds::USUAL };
    let mut served = Served::with(Wanted { bounds, ..Wanted::default() });
    let stalled: Vec<Ear> = (0..8).map(|_| Ear::new(&served, "")).collect();
    let mut ear = Ear::begun(&served);
    let ends = Instant::now() + LONG;
    // More than goes into the sockets of those who do not read: some 2,000 calls do.
    for round in 0..6 {
        let first = 1 + round * 900;
        tell(&mut served, "app/a.jsonl", &rows(first..first + 900));
        for _ in 0..900 {
            assert_eq!(ear.call().expect("a call").name, "stats-update");
        }
    }
    while served.shared.live.clients() > 1 {
        assert!(Instant::now() < ends, "{} still listen", served.shared.live.clients());
        std::thread::yield_now();
    }
    drop(stalled);
}
