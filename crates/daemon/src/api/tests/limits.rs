//! Connections that are too many, too slow or too large.

use std::io::{Read, Write};
use std::time::Duration;

use super::super::connection::Bounds;
use super::served::{Reply, Served, Wanted};

fn with(bounds: Bounds) -> Served {
    Served::with(Wanted { bounds, ..Wanted::default() })
}

/// Everything until the other side closes.
fn rest(stream: &mut impl Read) -> String {
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard);
    String::from_utf8_lossy(&heard).into_owned()
}

fn head(served: &Served, more: &str) -> String {
    format!(
        "GET /api/limits HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n{more}",
        served.host(),
        served.token
    )
}

#[test]
fn whoever_comes_when_all_places_are_held_is_told_so_and_others_go_on() {
    let served = with(Bounds { connections: 3, settled: Duration::ZERO, ..Bounds::USUAL });
    let mut held: Vec<_> = (0..3).map(|_| served.connect()).collect();
    // Whoever listens is answered all the time.
    for stream in &mut held {
        let asked = head(&served, "\r\n").replace("/api/limits", "/api/stats/live");
        stream.write_all(asked.as_bytes()).expect("sent");
        let mut first = [0; 12];
        stream.read_exact(&mut first).expect("an answer");
        assert_eq!(&first, b"HTTP/1.1 200");
    }
    let told = rest(&mut served.connect());
    assert!(told.starts_with("HTTP/1.1 503"), "{told}");
    assert!(told.contains("retry-after: 1") && told.contains("nosniff"), "{told}");
    drop(held.pop());
    // Its place is free when the server has seen that it is gone.
    let again = (0..1_000).map(|_| served.get("/api/limits").status).find(|status| *status == 200);
    assert_eq!(again, Some(200));
}

#[test]
fn whoever_asks_is_answered_however_many_say_nothing() {
    let served = with(Bounds { connections: 3, settled: Duration::ZERO, ..Bounds::USUAL });
    let body = format!(
        "POST /api/session HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nX-Cco: 1\r\nContent-Length: 9\r\n\r\n{{",
        served.host()
    );
    let mut others = Vec::new();
    for begun in ["", "GET /api/li", &body, "", "GET /", &body] {
        let mut stream = served.connect();
        stream.write_all(begun.as_bytes()).expect("a beginning");
        others.push(stream);
        assert_eq!(served.ask_bare("GET", "/api/health", &[], "").status, 200, "after {begun:?}");
    }
    assert_eq!(served.get("/api/limits").status, 200);
    // They were closed for that, without a word.
    assert_eq!(rest(&mut others[0]), "");
    assert_eq!(rest(&mut others[1]), "");
}

#[test]
fn whoever_comes_at_the_same_time_as_too_many_is_answered_a_little_later() {
    let served = with(Bounds { connections: 3, settled: Duration::from_millis(100), ..Bounds::USUAL });
    let _others: Vec<_> = (0..3).map(|_| served.connect()).collect();
    assert_eq!(served.ask_bare("GET", "/api/health", &[], "").status, 200);
}

#[test]
fn a_head_that_does_not_come_in_time_is_not_waited_for() {
    let served = with(Bounds { head: Duration::from_millis(100), ..Bounds::USUAL });
    let mut silent = served.connect();
    let mut slow = served.connect();
    slow.write_all(b"GET /api/li").expect("a beginning");
    // Both are closed by the server: reading ends.
    assert_eq!(rest(&mut silent), "");
    let _ = rest(&mut slow);
}

#[test]
fn whoever_was_answered_may_ask_again_later_and_is_not_waited_for_without_end() {
    // On a busy machine the head itself may be a while on its way.
    let (head_ms, idle_ms) = (Duration::from_secs(2), Duration::from_millis(2_500));
    let served = with(Bounds { head: head_ms, idle: idle_ms, ..Bounds::USUAL });
    let mut idle = served.connect();
    let begun = std::time::Instant::now();
    idle.write_all(head(&served, "\r\n").as_bytes()).expect("sent");
    assert!(rest(&mut idle).starts_with("HTTP/1.1 200"), "answered, and closed when nothing more came");
    assert!(begun.elapsed() >= idle_ms, "{:?}", begun.elapsed());
}

#[test]
fn a_body_that_does_not_come_in_time_is_not_waited_for() {
    let served = with(Bounds { request: Duration::from_millis(100), ..Bounds::USUAL });
    let mut slow = served.connect();
    let lines = format!(
        "POST /api/session HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nX-Cco: 1\r\nContent-Length: 100\r\n\r\n{{",
        served.host()
    );
    slow.write_all(lines.as_bytes()).expect("a beginning");
    let told = rest(&mut slow);
    assert!(told.starts_with("HTTP/1.1 408"), "{told}");
}

#[test]
fn heads_and_bodies_that_are_too_large_are_refused() {
    let served = Served::new();
    let large = |bytes: usize| -> Reply {
        let line = format!("X-Filler: {}\r\nConnection: close\r\n\r\n", "x".repeat(bytes));
        served.send(head(&served, &line).as_bytes())
    };
    assert_eq!(large(8_000).status, 200);
    let too_large = large(17_000);
    assert!(matches!((too_large.status, &*too_large.text()), (431 | 0, "")), "{too_large:?}");
    let many: String = (0..10_000).map(|n| format!("p{n}=1&")).collect();
    assert!(matches!(served.get(&format!("/api/limits?{many}")).status, 400 | 414 | 431 | 0));
    let body = format!(r#"{{"code":"{}"}}"#, "x".repeat(1_024 * 1_024));
    assert_eq!(served.post("/api/session", &body).status, 413);
    let lines = ["Content-Type: application/json", "X-Cco: 1", "Transfer-Encoding: chunked"];
    let host = served.host();
    let mut chunked = format!(
        "POST /api/session HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{}\r\n\r\n",
        lines.join("\r\n")
    );
    for _ in 0..40 {
        chunked += &format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    }
    chunked += "0\r\n\r\n";
    assert!(matches!(served.send(chunked.as_bytes()).status, 413 | 0));
}

#[test]
fn a_request_that_means_two_things_is_answered_as_none() {
    let served = Served::new();
    let host = served.host();
    for smuggled in [
        format!(
            "POST /api/session HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nX-Cco: 1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}"
        ),
        format!("GET /api/limits HTTP/1.1\r\nHost: {host}\r\nBad Header: x\r\n\r\n"),
        format!("GET /api/limits\r\nHost: {host}\r\n\r\n"),
        format!("GET /api/limits HTTP/2.0\r\nHost: {host}\r\n\r\n"),
        "\u{16}\u{3}\u{1}".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
    ] {
        let reply = served.send(smuggled.as_bytes());
        assert!(matches!(reply.status, 0 | 400..=599), "{smuggled:?}: {}", reply.status);
    }
}

#[test]
fn it_ends_within_a_second_whoever_holds_on() {
    // It gives them 0.6 s: what a busy machine adds once it does not add three times.
    assert!((0..3).any(|_| end_of_one_that_is_held() < Duration::from_secs(1)));
}

/// How long one takes to end that clients hold on to in every way.
fn end_of_one_that_is_held() -> Duration {
    let served = Served::new();
    let mut idle = served.connect();
    let mut halfway = served.connect();
    halfway.write_all(b"GET /").expect("a beginning");
    let mut kept = served.connect();
    kept.write_all(head(&served, "\r\n").as_bytes()).expect("sent");
    let mut first = [0; 12];
    kept.read_exact(&mut first).expect("an answer");
    let begun = std::time::Instant::now();
    served.stop.send(true).expect("it listens");
    for stream in [&mut idle, &mut halfway, &mut kept] {
        let _ = rest(stream);
    }
    let took = begun.elapsed();
    assert!(std::net::TcpStream::connect(served.address).is_err(), "nobody listens any more");
    took
}
