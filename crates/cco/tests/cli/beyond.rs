//! Who can reach the daemon from an address that is not this machine's own: nobody, unless the user says so, and then
//! nobody without the token.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, TcpStream};
use std::time::Duration;

use crate::running::{Daemon, PATIENCE, address, calls, machine_with, token};
use crate::sealed::TestEnv;

/// A machine answers itself at once; only where that is forbidden is it waited for so long.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Routes that hold no data: the files of the page, `ok` or not. The exchange of a code and a proof do not either, and
/// refuse what has neither code nor nonce.
const OPEN: [&str; 5] = ["/", "/assets/app.js", "/assets/app.css", "/favicon.svg", "/api/health"];

/// The addresses of this machine by which others reach it, with port 0. Linux tells them; elsewhere there are none.
fn others() -> Vec<SocketAddr> {
    let of_4 = fs::read_to_string("/proc/net/fib_trie").unwrap_or_default();
    let of_6 = fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let all: BTreeSet<SocketAddr> =
        addresses_of_4(&of_4).chain(of_6.lines().filter_map(address_of_6)).collect();
    all.into_iter().filter(|address| !address.ip().is_loopback()).collect()
}

/// Each `|-- ADDRESS` that has `host LOCAL` on the line below.
fn addresses_of_4(trie: &str) -> impl Iterator<Item = SocketAddr> {
    trie.lines().zip(trie.lines().skip(1)).filter_map(|(address, about)| {
        let ip: Ipv4Addr = address.trim_start().strip_prefix("|-- ")?.parse().ok()?;
        about.ends_with("/32 host LOCAL").then(|| SocketAddr::new(ip.into(), 0))
    })
}

/// 32 hexadecimal digits, then the number of the interface, which an address of one link needs.
fn address_of_6(line: &str) -> Option<SocketAddr> {
    let mut words = line.split_whitespace();
    let ip = u128::from_str_radix(words.next()?, 16).ok()?;
    let interface = u32::from_str_radix(words.next()?, 16).ok()?;
    Some(SocketAddrV6::new(Ipv6Addr::from(ip), 0, 0, interface).into())
}

/// The addresses by which others reach this machine; none, with a word on it: it has none of this kind.
#[expect(clippy::print_stderr, reason = "whoever reads the log should know what was not tested")]
fn others_or_skip(is_wanted: fn(&SocketAddr) -> bool) -> Option<Vec<SocketAddr>> {
    let found: Vec<SocketAddr> = others().into_iter().filter(is_wanted).collect();
    if found.is_empty() {
        eprintln!("SKIPPED: this machine has, or tells, no address by which others could reach it");
        return None;
    }
    Some(found)
}

fn at(address: SocketAddr, port: u16) -> SocketAddr {
    let mut address = address;
    address.set_port(port);
    address
}

/// The port of a daemon.
fn port(env: &TestEnv) -> u16 {
    address(env).rsplit(':').next().unwrap().parse().unwrap()
}

/// Nobody listens there.
fn assert_closed(address: SocketAddr) {
    let error = TcpStream::connect_timeout(&address, AT_ONCE).expect_err(&address.to_string());
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{address}: {error}");
}

/// What is answered at this address to a request with these lines and this body.
pub(crate) fn answered(at: SocketAddr, method: &str, path: &str, lines: &str, body: &str) -> String {
    let mut stream = TcpStream::connect_timeout(&at, AT_ONCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Type: application/json\r\nX-Cco: 1\r\n\
         Content-Length: {length}\r\n{lines}\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}

/// Method and path of every route, as the daemon itself describes them.
fn routes(at: SocketAddr, token: &str) -> Vec<(String, String)> {
    let lines = format!("Host: 127.0.0.1:{}\r\nAuthorization: Bearer {token}\r\n", at.port());
    let answer = answered(at, "GET", "/api/openapi.json", &lines, "");
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    let described: serde_json::Value = serde_json::from_str(body).unwrap();
    let mut routes = Vec::new();
    for (path, item) in described["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            routes
                .push((method.to_uppercase(), path.replace("{id}", "11111111-1111-4111-8111-111111111111")));
        }
    }
    assert!(routes.len() > 15 && routes.iter().any(|(method, _)| method == "POST"), "{routes:?}");
    routes
}

/// Where this process listens, as the kernel's tables write it: address and port in hexadecimal digits. None: only root
/// is told of a process that keeps its memory to itself.
fn listening(pid: u32) -> Option<Vec<String>> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let links = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    let links = links.map(|link| link.to_string_lossy().into_owned());
    let sockets: BTreeSet<String> =
        links.filter_map(|link| Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())).collect();
    let mut found = Vec::new();
    for (table, state) in [("tcp", Some("0A")), ("tcp6", Some("0A")), ("udp", None), ("udp6", None)] {
        let rows = fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
        for row in rows.lines().skip(1) {
            let words: Vec<&str> = row.split_whitespace().collect();
            if sockets.contains(words[9]) && state.is_none_or(|state| words[3] == state) {
                found.push(words[1].to_owned());
            }
        }
    }
    Some(found)
}

#[test]
fn without_a_word_of_the_user_it_is_reached_at_one_address_of_this_machine_and_no_other() {
    let env = TestEnv::new();
    let daemon = Daemon::run(&env);
    let port = port(&env);
    TcpStream::connect(("127.0.0.1", port)).expect("where it says that it is");
    // Not even the others that nobody else can reach.
    for ip in [IpAddr::from([127, 0, 0, 2]), IpAddr::from([127, 255, 255, 254]), Ipv6Addr::LOCALHOST.into()] {
        assert_closed(SocketAddr::new(ip, port));
    }
    if let Some(listening) = listening(daemon.child.id()) {
        assert_eq!(listening, [format!("0100007F:{port:04X}")]);
    }
    for other in others_or_skip(|_| true).into_iter().flatten() {
        assert_closed(at(other, port));
    }
}

#[test]
fn beyond_this_machine_nothing_listens_without_the_users_word() {
    let env = TestEnv::new();
    let known = others().into_iter().map(|other| at(other, 0)).filter(|other| match other {
        SocketAddr::V4(_) => true,
        SocketAddr::V6(other) => other.ip().segments()[0] != 0xfe80,
    });
    let given = ["0.0.0.0:0", "[::]:0", "[::ffff:0.0.0.0]:0", "192.0.2.1:3003"].map(str::to_owned);
    for listen in given.into_iter().chain(known.map(|other| other.to_string())) {
        // The token alone, or reads without it, are no such word.
        for more in ["", "allow_remote = false\n", "open_reads = true\nhosts = [\"0.0.0.0\"]\n"] {
            env.config(&format!("[daemon]\nlisten = \"{listen}\"\n{more}"));
            for words in ["daemon run", "daemon start", "dashboard --print"] {
                let run = env.run(words);
                assert_eq!((run.code, &*run.stdout), (2, ""), "{listen}: {words}: {}", run.stderr);
                let wanted = format!(
                    "error: `daemon.listen` is {listen}, where other machines can reach it, which is not allowed\n\
                     hint: `cco config set daemon.allow_remote true` allows that; requests need the token\n"
                );
                assert_eq!(run.stderr, wanted, "{words}");
            }
            assert_eq!(env.run("daemon status").code, 3);
        }
    }
}

#[test]
fn where_others_may_reach_it_every_route_needs_the_token() {
    let Some(others) = others_or_skip(SocketAddr::is_ipv4) else { return };
    let hosts: Vec<String> = others.iter().map(|other| format!("\"{}\"", other.ip())).collect();
    let hosts = hosts.join(", ");
    let env = machine_with(1);
    let mut asked = 0;
    for more in ["", "open_reads = true\n"] {
        env.config(&format!(
            "[daemon]\nlisten = \"0.0.0.0:0\"\nallow_remote = true\nhosts = [{hosts}]\n{more}"
        ));
        let _daemon = Daemon::run(&env);
        assert_eq!(calls(&env), 1);
        let (port, token) = (port(&env), token(&env));
        let here = SocketAddr::from(([127, 0, 0, 1], port));
        let routes = routes(here, &token);
        for from in others.iter().map(|other| at(*other, port)).chain([here]) {
            // Whoever is elsewhere may say that he is here.
            for host in [from, here] {
                let host = format!("Host: {host}\r\n");
                for (method, path) in &routes {
                    for lines in [host.clone(), format!("{host}Authorization: Bearer {}\r\n", "0".repeat(64))]
                    {
                        let body = if method == "GET" { "" } else { r#"{"code":"0"}"# };
                        let answer = answered(from, method, path, &lines, body);
                        assert!(
                            !answer.contains("atlas") && !answer.contains(&token[..6]),
                            "{path}: {answer}"
                        );
                        let wanted = match &**path {
                            path if OPEN.contains(&path) => 200,
                            "/api/proof" => 400,
                            _ => 401,
                        };
                        assert_eq!(status(&answer), wanted, "{from}: {method} {path} with {lines}: {answer}");
                        asked += 1;
                    }
                }
                let friend = format!("{host}Authorization: Bearer {token}\r\n");
                let answer = answered(from, "GET", "/api/stats", &friend, "");
                assert!(status(&answer) == 200 && answer.contains("atlas"), "{from} with {friend}: {answer}");
            }
        }
    }
    assert!(asked > 200, "{asked}");
}
