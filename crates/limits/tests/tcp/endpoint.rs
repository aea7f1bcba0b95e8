//! Whatever the usage endpoint does, over real sockets.

use std::time::{Duration, Instant};

use crate::server::{Reply, Server};
use cco_limits::client::{Client, MAX_BODY, Outcome, Settings, Transport};
use cco_limits::secret::Secret;
use cco_limits::usage;
use cco_model::limit::backoff::RetryAfter;

const TOKEN: &str = "tok-canary-0123456789-abcdefghij";
/// Sun, 08 Feb 2026 13:18:00 GMT
const NOW_MS: i64 = 1_770_556_680_000;

fn ask(server: &Server, limit: Duration) -> Outcome {
    let settings = Settings { base: server.base(), time_limit: limit, ..Settings::new("1.2.3") };
    let client = Client::new(&settings).unwrap();
    client.ask(&Secret::new(TOKEN.to_owned()).unwrap(), NOW_MS)
}

/// The limit is long where the answer comes at once, so that a slow machine changes nothing.
fn outcome_of(reply: Reply) -> Outcome {
    ask(&Server::start(vec![reply]), Duration::from_secs(20))
}

#[test]
fn one_request_says_who_asks_and_nothing_else() {
    let server = Server::start(vec![Reply::ok(r#"{"five_hour": null}"#)]);
    assert_eq!(ask(&server, Duration::from_secs(20)), Outcome::Ok(br#"{"five_hour": null}"#.to_vec()));
    let heads = server.heads();
    let mut lines: Vec<String> = heads[0].trim_end().lines().map(str::to_lowercase).collect();
    assert_eq!(lines.remove(0), "get /api/oauth/usage http/1.1");
    lines.retain(|line| !line.starts_with("host: 127.0.0.1:"));
    lines.sort();
    assert_eq!(
        lines,
        [
            "accept: application/json".to_owned(),
            "anthropic-beta: oauth-2025-04-20".to_owned(),
            format!("authorization: bearer {TOKEN}"),
            "user-agent: cco/1.2.3".to_owned(),
        ]
    );
    assert_eq!(heads.len(), 1);
}

#[test]
fn each_status_has_its_outcome() {
    for (status, outcome) in [
        (401, Outcome::Unauthorized),
        (403, Outcome::OtherForbidden),
        (429, Outcome::RateLimited(None)),
        (204, Outcome::Server(204)),
        (304, Outcome::Server(304)),
        (400, Outcome::Server(400)),
        (404, Outcome::Server(404)),
        (500, Outcome::Server(500)),
        (503, Outcome::Server(503)),
        (529, Outcome::Server(529)),
    ] {
        assert_eq!(outcome_of(Reply::status(status)), outcome, "{status}");
    }
}

#[test]
fn only_the_service_itself_can_say_that_a_right_is_missing() {
    let refusal = |body: &str| outcome_of(Reply::Whole(403, Vec::new(), body.as_bytes().to_vec()));
    for body in [
        r#"{"type":"error","error":{"type":"permission_error","message":"No."}}"#,
        r#"{"error":{"message":"OAuth token does not meet Scope requirement user:profile"}}"#,
    ] {
        assert_eq!(refusal(body), Outcome::Forbidden, "{body}");
    }
    for body in [
        "",
        "<html>You do not have permission to access this page.</html>",
        r#"{"error":"permission"}"#,
        r#"{"error":{"type":"overloaded_error","message":"later"}}"#,
        r#"{"note":"scope","error":{}}"#,
    ] {
        assert_eq!(refusal(body), Outcome::OtherForbidden, "{body}");
    }
    let long = format!(r#"{{"error":{{"message":"scope {}"}}}}"#, "x".repeat(MAX_BODY));
    assert_eq!(refusal(&long), Outcome::OtherForbidden);
}

#[test]
fn a_refusals_advice_is_heard() {
    for (value, seconds) in [
        ("0", None),
        ("3000", Some(3_000)),
        ("-1", None),
        ("a while", None),
        ("Sun, 08 Feb 2026 13:28:00 GMT", Some(600)),
        ("Sun, 08 Feb 2026 13:08:00 GMT", None),
        ("31536000", Some(21_600)),
    ] {
        let outcome = outcome_of(Reply::with(429, "retry-after", value));
        assert_eq!(
            outcome,
            Outcome::RateLimited(seconds.and_then(|s: i64| RetryAfter::of_ms(s * 1_000))),
            "{value}"
        );
    }
    let dates = vec![
        ("date", "Sun, 08 Feb 2026 10:00:00 GMT".to_owned()),
        ("retry-after", "Sun, 08 Feb 2026 10:05:00 GMT".to_owned()),
    ];
    let outcome = outcome_of(Reply::Whole(429, dates, Vec::new()));
    assert_eq!(outcome, Outcome::RateLimited(RetryAfter::of_ms(300_000)), "the answer's own clock counts");
}

#[test]
fn a_redirect_is_not_followed_and_the_token_goes_nowhere_else() {
    let elsewhere = Server::start(vec![Reply::ok("{}")]);
    for status in [301, 302, 303, 307, 308] {
        for location in [format!("{}/api/oauth/usage", elsewhere.base()), "/api/oauth/usage?again".to_owned()]
        {
            let server = Server::start(vec![Reply::with(status, "location", &location)]);
            assert_eq!(ask(&server, Duration::from_secs(20)), Outcome::Redirect);
            assert_eq!(server.connections(), 1, "{status} {location}");
        }
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn a_body_of_any_kind_is_bytes_until_it_is_read_as_an_answer() {
    // A gzip stream of `{"five_hour":null}`, which nobody asked for.
    let zipped = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff\xabVJ\xcb,K\x8d\xcf\xc8/-R\xb2\xca+\xcd\xc9\xa9\x05\0\xab\x9d\x8d\xe2\x12\0\0\0";
    for reply in [
        Reply::ok("<!DOCTYPE html><title>Sign in to the hotel's network</title>"),
        Reply::ok(r#"{"five_hour": {"utilization": 2"#),
        Reply::ok(""),
        Reply::Whole(200, vec![("content-encoding", "gzip".into())], zipped.to_vec()),
    ] {
        let Outcome::Ok(body) = outcome_of(reply.clone()) else { panic!("{reply:?}") };
        assert!(usage::parse(&body).is_err(), "{reply:?}");
    }
    let odd =
        r#"{"five_hour": {"utilization": NaN, "new": [1]}, "seven_day": {"utilization": 1e300}, "x": null}"#;
    let Outcome::Ok(body) = outcome_of(Reply::ok(odd)) else { panic!("a body") };
    assert_eq!(usage::parse(&body).unwrap().buckets.len(), 2);
}

#[test]
fn a_body_that_gives_the_token_back_is_dropped() {
    assert_eq!(
        outcome_of(Reply::ok(&format!(r#"{{"five_hour": null, "you": "{TOKEN}"}}"#))),
        Outcome::BadBody
    );
}

#[test]
fn a_body_of_64_kib_is_read_and_a_longer_one_is_left() {
    let body = |length| " ".repeat(length);
    assert_eq!(outcome_of(Reply::ok(&body(MAX_BODY))), Outcome::Ok(body(MAX_BODY).into_bytes()));
    assert_eq!(outcome_of(Reply::ok(&body(MAX_BODY + 1))), Outcome::BadBody);
    for chunked in [false, true] {
        let server = Server::start(vec![Reply::Endless(chunked)]);
        assert_eq!(ask(&server, Duration::from_secs(20)), Outcome::BadBody);
        assert!(server.written() < 50 << 20, "100 MB were offered, {} taken", server.written());
    }
}

#[test]
fn a_server_that_hangs_or_drips_is_given_up_when_the_time_is_over() {
    for reply in [Reply::Hang, Reply::Drip] {
        let server = Server::start(vec![reply.clone()]);
        let start = Instant::now();
        assert_eq!(ask(&server, Duration::from_millis(60)), Outcome::Timeout, "{reply:?}");
        assert!(start.elapsed() < Duration::from_secs(10), "{reply:?} took {:?}", start.elapsed());
    }
}

#[test]
fn a_connection_that_breaks_is_the_networks_fault() {
    for reply in [
        Reply::Reset,
        Reply::Raw(Vec::new()),
        Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"five".to_vec()),
        Reply::Raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_vec()),
        Reply::Raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec()),
        Reply::Raw([b"HTTP/1.1 200 OK\r\nx: ".as_slice(), &[b'y'; 1 << 20]].concat()),
    ] {
        assert_eq!(outcome_of(reply.clone()), Outcome::Network, "{reply:?}");
    }
    // A port that was free a moment ago may be another test's by now; this one is the system's, and nobody's.
    let nobody = "127.0.0.1:1";
    for scheme in ["http", "https"] {
        let base = cco_limits::base::BaseUrl::parse(&format!("{scheme}://{nobody}")).unwrap();
        let client = Client::new(&Settings { base, ..Settings::new("1") }).unwrap();
        assert_eq!(client.ask(&Secret::new(TOKEN.to_owned()).unwrap(), 0), Outcome::NoConnection);
    }
}

#[test]
fn a_server_that_speaks_no_tls_gets_no_token() {
    let server = Server::start(vec![Reply::ok("{}")]);
    let base = server.base().as_str().replace("http://", "https://");
    let base = cco_limits::base::BaseUrl::parse(&base).unwrap();
    let settings = Settings { base, time_limit: Duration::from_millis(300), ..Settings::new("1") };
    let outcome = Client::new(&settings).unwrap().ask(&Secret::new(TOKEN.to_owned()).unwrap(), 0);
    assert!(matches!(outcome, Outcome::Tls | Outcome::Timeout), "{outcome:?}");
    assert!(server.heads().iter().all(|head| !head.contains(TOKEN)));
}

#[test]
fn an_outcome_is_printed_without_the_body() {
    let printed = format!("{:?}", Outcome::Ok(b"canary".to_vec()));
    assert_eq!(printed, "Ok(6 bytes)");
}

#[test]
fn a_name_for_us_that_no_header_can_hold_is_refused() {
    for user_agent in ["", "two\r\nX-Injected: 1", "ключ"] {
        let settings = Settings { user_agent: user_agent.into(), ..Settings::new("1") };
        assert!(Client::new(&settings).is_err(), "{user_agent:?}");
    }
}
