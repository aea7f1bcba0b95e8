//! Requests that a page of another origin, another user or a scanner could send: none is answered, on any route.

use super::super::guard::OPEN;
use super::super::headers::ALWAYS;
use super::served::{ROW, Reply, Served, Valid, Wanted, routes};

/// Values of `Host`; `{port}` is ours, `{other}` another.
const HOSTS: [&str; 52] = [
    "",
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1",
    "localhost",
    "[::1]",
    "127.0.0.1:{other}",
    "localhost:{other}",
    "[::1]:{other}",
    "127.0.0.1:",
    "localhost:",
    "127.0.0.1:0{port}",
    "127.0.0.1:+{port}",
    "127.0.0.1:{port}:{port}",
    "127.0.0.1:{port}.evil.example",
    "127.0.0.1:{port}/",
    "127.0.0.1:{port}#",
    "127.0.0.1:{port}@evil.example",
    "evil.example@127.0.0.1:{port}",
    "user:pw@localhost:{port}",
    "127.0.0.1 :{port}",
    "127.0.0.1:{port} evil.example",
    "127.0.0.1,evil.example:{port}",
    "0.0.0.0:{port}",
    "0:{port}",
    "[::]:{port}",
    "127.0.0.1.:{port}",
    "localhost.:{port}",
    "localhost.evil:{port}",
    "localhost.evil.example:{port}",
    "evil.localhost:{port}",
    "127.0.0.1.nip.io:{port}",
    "127-0-0-1.nip.io:{port}",
    "localtest.me:{port}",
    "2130706433:{port}",
    "0x7f000001:{port}",
    "0x7f.0.0.1:{port}",
    "0177.0.0.1:{port}",
    "017700000001:{port}",
    "127.1:{port}",
    "127.0.1:{port}",
    "127.0.0.2:{port}",
    "cco.local:{port}",
    "printer.local:{port}",
    "LOCALHOST:{port}",
    "::1:{port}",
    "[::ffff:127.0.0.1]:{port}",
    "[0:0:0:0:0:0:0:1]:{port}",
    "[::1%25lo]:{port}",
    "xn--localhost:{port}",
    "localhоst:{port}",
    "ⅼocalhost:{port}",
];

/// Header lines about where a request comes from.
const ORIGINS: [&str; 44] = [
    "Origin: null",
    "Origin: ",
    "Origin: *",
    "Origin: https://evil.example",
    "Origin: http://evil.example",
    "Origin: http://127.0.0.1",
    "Origin: http://127.0.0.1:{other}",
    "Origin: http://localhost:{port}",
    "Origin: http://localhost:{other}",
    "Origin: http://[::1]:{port}",
    "Origin: https://127.0.0.1:{port}",
    "Origin: ws://127.0.0.1:{port}",
    "Origin: file://",
    "Origin: file:///home/dev/page.html",
    "Origin: 127.0.0.1:{port}",
    "Origin: //127.0.0.1:{port}",
    "Origin: http://127.0.0.1:{port}/",
    "Origin: http://127.0.0.1:{port}.evil.example",
    "Origin: http://127.0.0.1:{port}@evil.example",
    "Origin: http://evil.example#127.0.0.1:{port}",
    "Origin: HTTP://127.0.0.1:{port}",
    "Origin: http://127.0.0.1.:{port}",
    "Origin: http://127.0.0.1.nip.io:{port}",
    "Origin: http://2130706433:{port}",
    "Origin: chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    "Origin: moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc",
    "Origin: safari-web-extension://x",
    "Origin: vscode-webview://x",
    "Origin: app://obsidian.md",
    "Origin: http://127.0.0.1:{port} http://evil.example",
    "Origin: http://127.0.0.1:{port}, http://evil.example",
    "Origin: http://127.0.0.1:{port}\r\nOrigin: http://evil.example",
    "Origin: http://evil.example\r\nOrigin: http://127.0.0.1:{port}",
    "Sec-Fetch-Site: cross-site",
    "Sec-Fetch-Site: same-site",
    "Sec-Fetch-Site: ",
    "Sec-Fetch-Site: SAME-ORIGIN",
    "Sec-Fetch-Site: same-origin, cross-site",
    "Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site",
    "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image",
    "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script",
    "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty",
    "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe",
    "Origin: http://127.0.0.1:{port}\r\nSec-Fetch-Site: cross-site",
];

/// Bodies and headers of a `POST` that a page could send without being asked, or that lack something.
const POSTS: [&str; 18] = [
    "",
    "X-Cco: 1",
    "Content-Type: application/json",
    "Content-Type: text/plain\r\nX-Cco: 1",
    "Content-Type: application/x-www-form-urlencoded\r\nX-Cco: 1",
    "Content-Type: multipart/form-data; boundary=x\r\nX-Cco: 1",
    "Content-Type: text/json\r\nX-Cco: 1",
    "Content-Type: application/jsonp\r\nX-Cco: 1",
    "Content-Type: application/json+x\r\nX-Cco: 1",
    "Content-Type: application/csp-report\r\nX-Cco: 1",
    "Content-Type: application/json, text/plain\r\nX-Cco: 1",
    "Content-Type: application/json\r\nContent-Type: text/plain\r\nX-Cco: 1",
    "Content-Type: text/plain; application/json\r\nX-Cco: 1",
    "Content-Type: application/json\r\nX-Cco: 0",
    "Content-Type: application/json\r\nX-Cco: ",
    "Content-Type: application/json\r\nX-Cco: true",
    "Content-Type: application/json\r\nX-Cco: 1\r\nX-Cco: 1",
    "Content-Type: application/json\r\nX-Cc0: 1",
];

const METHODS: [&str; 13] = [
    "GET", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "MKCOL", "QUERY", "FOO", "get", "POST",
    "PRI",
];

fn filled(served: &Served, text: &str) -> String {
    let port = served.address.port();
    text.replace("{port}", &port.to_string()).replace("{other}", &(port ^ 1).to_string())
}

fn token(served: &Served) -> String {
    format!("Authorization: Bearer {}", served.token)
}

/// What the guard itself says to whoever is no friend. What else a route might say of a request (that it lacks a
/// parameter, or that nobody does what it asks) is no refusal.
const STRANGER: [u16; 2] = [400, 403];

/// Refused with one of these, and nothing is said that another origin might want to read.
fn assert_refused(reply: &Reply, with: &[u16], what: &str) {
    assert!(with.contains(&reply.status), "{what}: {} {}", reply.status, reply.text());
    assert!(!reply.headers.iter().any(|(name, _)| name.starts_with("access-control")), "{what}");
    assert!(!reply.text().contains("/home/dev/app") && !reply.text().contains("accounts"), "{what}");
}

fn hostile() -> Served {
    let mut served = Served::new();
    served.write("app/a.jsonl", &ROW.line());
    served.answer_events();
    served
}

/// The bytes of a request with the token that, but for its method and these header lines, its route would answer.
fn request(served: &Served, valid: &Valid, method: &str, target: &str, lines: &str) -> Vec<u8> {
    let body = if method == "POST" && valid.body.is_empty() { "{}" } else { &*valid.body };
    let (token, length) = (token(served), body.len());
    format!(
        "{method} {target} HTTP/1.1\r\nConnection: close\r\n{token}\r\nContent-Length: {length}\r\n{lines}\r\n{body}"
    )
    .into_bytes()
}

#[test]
fn no_request_of_a_stranger_is_answered_on_any_route() {
    let served = hostile();
    let mut cases = 0;
    let all = Valid::all(&served);
    for valid in &all {
        let (method, path) = (valid.method, &*valid.target);
        let post: String = valid.lines().iter().map(|line| format!("{line}\r\n")).collect();
        let ours = format!("Host: {}\r\n", served.host());
        let mut refused = |method: &str, target: &str, lines: String, with: &[u16]| {
            cases += 1;
            let reply = served.send(&request(&served, valid, method, target, &lines));
            assert_refused(&reply, with, &format!("{method} {target} with {lines:?}"));
        };
        for host in HOSTS {
            refused(method, path, format!("Host: {}\r\n{post}", filled(&served, host)), &STRANGER);
        }
        refused(method, path, post.clone(), &[403]);
        refused(method, path, format!("{ours}{ours}{post}"), &[400]);
        refused(method, path, format!("{ours}Host: evil.example\r\n{post}"), &[400]);
        for other in
            ["http://evil.example", "http://localhost:{port}", "https://evil.example:{port}", "ftp://x"]
        {
            refused(method, &format!("{}{path}", filled(&served, other)), format!("{ours}{post}"), &STRANGER);
        }
        for line in ORIGINS {
            refused(method, path, format!("{ours}{}\r\n{post}", filled(&served, line)), &STRANGER);
        }
        for other in METHODS.into_iter().filter(|other| *other != method) {
            let lines = format!("{ours}Content-Type: application/json\r\nX-Cco: 1\r\n");
            refused(other, path, lines, &[405]);
        }
        for lines in POSTS {
            let lines = if lines.is_empty() { String::new() } else { format!("{lines}\r\n") };
            let with: &[u16] = if method == "POST" { &[400, 403, 415] } else { &[400, 405] };
            refused("POST", path, format!("{ours}{lines}"), with);
        }
        let preflight = "Origin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization,x-cco\r\nAccess-Control-Request-Private-Network: true\r\n";
        refused("OPTIONS", path, format!("{ours}{preflight}"), &[403]);
        refused(
            "OPTIONS",
            path,
            format!("{ours}{}", preflight.replace("evil.example", &served.host())),
            &[405],
        );
        // All that was wrong was who asked: a code has not been used up by it either.
        let status = served.status_of(&request(&served, valid, method, path, &format!("{ours}{post}")));
        assert_eq!(status, 200, "{method} {path} of a friend");
    }
    let each = cases / all.len();
    assert!(each >= 120, "{each} cases for each route");
    assert!(HOSTS.len() >= 40 && ORIGINS.len() >= 30);
}

#[test]
fn our_own_page_and_scripts_are_answered() {
    let served = Served::new();
    let port = served.address.port();
    for name in ["127.0.0.1", "localhost", "[::1]"] {
        let host = format!("{name}:{port}");
        for lines in [
            String::new(),
            "Sec-Fetch-Site: none\r\n".to_owned(),
            format!("Origin: http://{host}\r\nSec-Fetch-Site: same-origin\r\n"),
        ] {
            let request = format!(
                "GET /api/limits HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{}\r\n{lines}\r\n",
                token(&served)
            );
            assert_eq!(served.send(request.as_bytes()).status, 200, "{host} {lines:?}");
        }
    }
    // A link on another page leads to ours, which holds no data; it does not let that page ask for data.
    let visit = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"];
    assert_eq!(served.ask_bare("GET", "/", &visit, "").status, 200);
    assert_eq!(served.ask_with("GET", "/api/limits", &visit, "").status, 403);
}

#[test]
fn a_listed_host_is_answered_and_nothing_near_it() {
    let mut wanted = Wanted::default();
    wanted.http.hosts = vec!["cco.example".to_owned()];
    let served = Served::with(wanted);
    let ask = |host: &str, origin: &str| {
        let request = format!(
            "GET /api/limits HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: close\r\n{}\r\n\r\n",
            token(&served)
        );
        served.send(request.as_bytes()).status
    };
    assert_eq!(ask("cco.example", "https://cco.example"), 200);
    assert_eq!(ask("cco.example", "https://evil.example"), 403);
    for near in ["cco.example.evil", "x.cco.example", "cco.example:1", "cco.example."] {
        assert_eq!(ask(near, &format!("https://{near}")), 403, "{near}");
    }
}

#[test]
fn without_the_token_no_route_gives_data() {
    let served = hostile();
    let wrong = [
        String::new(),
        "Authorization: Bearer ".to_owned(),
        "Authorization: Bearer x".to_owned(),
        format!("Authorization: Bearer {}", "0".repeat(64)),
        format!("Authorization: Bearer {}", &served.token[1..]),
        format!("Authorization: Bearer {} ", served.token.to_uppercase()),
        format!("Authorization: Basic {}", served.token),
        format!("Authorization: {}", served.token),
        format!("Authorization: Bearer {0}, Bearer {0}", served.token),
        format!("Authorization: Bearer x\r\nAuthorization: Bearer {}", served.token),
        format!("Cookie: token={}", served.token),
        format!("X-Token: {}", served.token),
    ];
    for line in wrong.iter().map(String::as_str) {
        for valid in Valid::all(&served) {
            let (method, path) = (valid.method, &*valid.target);
            let lines: Vec<&str> = [line]
                .into_iter()
                .filter(|line| !line.is_empty())
                .chain(valid.lines().iter().copied())
                .collect();
            let reply = served.ask_bare(method, path, &lines, &valid.body);
            if path.split('?').next().is_some_and(|path| OPEN.contains(&path)) {
                assert_eq!(reply.status, 200, "{method} {path}");
                continue;
            }
            assert_refused(&reply, &[401], &format!("{method} {path} with {line:?}"));
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        }
    }
    for (_, path) in routes().iter().filter(|(_, path)| !OPEN.contains(&&**path)) {
        // Neither does one in the address.
        let reply = served.ask_bare("GET", &format!("{path}?token={}", served.token), &[], "");
        assert_refused(&reply, &[401], path);
    }
    assert_eq!(served.ask_bare("GET", "/api/health", &[], "").text(), r#"{"status":"ok"}"#);
}

#[test]
fn open_reads_lets_reads_of_this_machine_pass_and_nothing_else() {
    let mut wanted = Wanted::default();
    wanted.http.open_reads = true;
    wanted.http.hosts = vec!["cco.example".to_owned()];
    let served = Served::with(wanted);
    assert_eq!(served.ask_bare("GET", "/api/limits", &[], "").status, 200);
    let post = ["Content-Type: application/json", "X-Cco: 1"];
    assert_eq!(served.ask_bare("POST", "/api/scan", &post, "{}").status, 401);
    assert_eq!(served.ask_bare("GET", "/api/limits", &["Origin: http://evil.example"], "").status, 403);
    // Through a proxy everybody comes from here, whatever name of a host it hands on.
    for proxied in [
        "X-Forwarded-For: 203.0.113.7",
        "X-Forwarded-For: 127.0.0.1",
        "Forwarded: for=203.0.113.7",
        "Via: 1.1 proxy",
    ] {
        assert_eq!(served.ask_bare("GET", "/api/limits", &[proxied], "").status, 401, "{proxied}");
        assert_eq!(
            served.ask_with("GET", "/api/limits", &[proxied], "").status,
            200,
            "{proxied}, with the token"
        );
    }
    let proxied = "GET /api/limits HTTP/1.1\r\nHost: cco.example\r\nConnection: close\r\n\r\n";
    assert_eq!(served.send(proxied.as_bytes()).status, 401);
}

#[test]
fn every_answer_tells_browsers_what_they_may_do_with_it() {
    let served = Served::new();
    let post = ["Content-Type: application/json", "X-Cco: 1"];
    let mut replies: Vec<(String, Reply)> = Vec::new();
    for (method, path) in routes() {
        replies.push((path.clone(), served.ask_bare(method, &path, &post, "{}")));
        if method == "GET" && !path.ends_with("/live") {
            replies.push((path.clone(), served.get(&path)));
        }
        replies.push((path.clone(), served.ask_with("DELETE", &path, &[], "")));
        replies.push((path.clone(), served.ask_with("GET", &path, &["Origin: null"], "")));
    }
    replies.push(("nowhere".to_owned(), served.get("/nowhere")));
    for (path, reply) in replies {
        for (name, value) in ALWAYS {
            assert_eq!(reply.header(name.as_str()), Some(value), "{path} {}", reply.status);
        }
        // Cookies know no ports: one of ours would be sent to whoever listens on another.
        assert_eq!(reply.header("set-cookie"), None, "{path}");
        let is_file = matches!(&*path, "/" | "/assets/app.js" | "/assets/app.css" | "/favicon.svg");
        let kept = if is_file && reply.status == 200 { "no-cache" } else { "no-store" };
        assert_eq!(reply.header("cache-control"), Some(kept), "{path} {}", reply.status);
        if reply.status >= 400 && path != "/api/health" {
            assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{path}");
            let problem = reply.json();
            assert_eq!(problem["status"], reply.status, "{path}");
            assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        }
    }
}

#[test]
fn a_code_lets_the_page_in_once() {
    let served = Served::new();
    let code = served.shared.tokens.new_code((served.shared.clock)());
    let post = ["Content-Type: application/json", "X-Cco: 1"];
    let body = format!(r#"{{"code":"{code}"}}"#);
    let foreign = ["Content-Type: application/json", "X-Cco: 1", "Origin: http://evil.example"];
    assert_eq!(served.ask_bare("POST", "/api/session", &foreign, &body).status, 403);
    let reply = served.ask_bare("POST", "/api/session", &post, &body);
    assert_eq!(reply.json()["token"], served.token);
    assert_eq!(served.ask_bare("POST", "/api/session", &post, &body).status, 401, "once");
    let code = served.shared.tokens.new_code((served.shared.clock)());
    served.set_now("2026-11-25T12:00:31Z");
    let late = served.ask_bare("POST", "/api/session", &post, &format!(r#"{{"code":"{code}"}}"#));
    assert_eq!(late.status, 401);
    assert!(!late.text().contains(&code[..6]));
}

#[test]
fn another_token_refuses_the_old_one_at_once() {
    let served = Served::new();
    assert_eq!(served.get("/api/limits").status, 200);
    served.shared.tokens.rotate().expect("another token");
    assert_eq!(served.get("/api/limits").status, 401);
}
