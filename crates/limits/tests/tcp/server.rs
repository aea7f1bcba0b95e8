//! A usage endpoint on this machine that behaves as it is told, and remembers what it was asked.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use cco_limits::base::BaseUrl;
use cco_limits::refresh::TokenUrl;

use crate::tokens::Chain;

/// What to do with a connection.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A status, further header lines, and a body with its length.
    Whole(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// These bytes, then the end of the connection.
    Raw(Vec<u8>),
    /// A header that promises this much, then zeros until nobody reads; `true`: in chunks.
    Endless(bool),
    /// A header, then a byte every few milliseconds for ever.
    Drip,
    /// Nothing, until the other side goes.
    Hang,
    /// The connection is reset.
    Reset,
    /// What this token service says, after up to this long.
    Tokens(Arc<Chain>, Duration),
}

impl Reply {
    /// 200 with this body.
    pub(crate) fn ok(body: &str) -> Self {
        Self::Whole(200, Vec::new(), body.as_bytes().to_vec())
    }

    /// A status with an empty JSON body.
    pub(crate) fn status(status: u16) -> Self {
        Self::Whole(status, Vec::new(), b"{}".to_vec())
    }

    /// A status with one further header line.
    pub(crate) fn with(status: u16, name: &'static str, value: &str) -> Self {
        Self::Whole(status, vec![(name, value.to_owned())], b"{}".to_vec())
    }
}

/// Listens until it goes.
pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    heads: Mutex<Vec<String>>,
    connections: AtomicU64,
    written: AtomicU64,
}

impl Server {
    /// The replies are given in turn; the last one stays.
    pub(crate) fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let seen = Arc::clone(&server.seen);
        thread::spawn(move || {
            for (turn, stream) in listener.incoming().enumerate() {
                let Ok(stream) = stream else { break };
                let reply = replies[turn.min(replies.len() - 1)].clone();
                let seen = Arc::clone(&seen);
                seen.connections.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || play(stream, &reply, &seen));
            }
        });
        server
    }

    /// Where it listens.
    pub(crate) fn base(&self) -> BaseUrl {
        BaseUrl::parse(&format!("http://{}", self.address)).unwrap()
    }

    /// Where it gives tokens.
    pub(crate) fn token_url(&self) -> TokenUrl {
        TokenUrl::parse(&format!("http://{}/v1/oauth/token", self.address)).unwrap()
    }

    /// The heads of all requests.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.seen.heads.lock().unwrap().clone()
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> u64 {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// The same, once there are so many: who gives up soon may do so before its connection is seen.
    pub(crate) fn connections_when(&self, many: u64) -> u64 {
        let patience = Instant::now() + Duration::from_secs(20);
        while self.connections() < many && Instant::now() < patience {
            thread::yield_now();
        }
        self.connections()
    }

    /// How many bytes of bodies could be got rid of.
    pub(crate) fn written(&self) -> u64 {
        self.seen.written.load(Ordering::SeqCst)
    }
}

fn play(mut stream: TcpStream, reply: &Reply, seen: &Seen) {
    if matches!(reply, Reply::Reset) {
        // Closing with unread bytes resets the connection.
        let _ = stream.peek(&mut [0]);
        return;
    }
    let Some(head) = read_head(&mut stream) else { return };
    let body = read_body(&mut stream, &head);
    seen.heads.lock().unwrap().push(head);
    let _ = match reply {
        Reply::Tokens(chain, delay) => {
            let (status, answer) = chain.answer(&body);
            thread::sleep(*delay * (chain.posts() % 7) / 6);
            stream.write_all(&whole(status, &[], answer.as_bytes()))
        }
        Reply::Whole(status, headers, body) => stream.write_all(&whole(*status, headers, body)),
        Reply::Raw(bytes) => stream.write_all(bytes),
        Reply::Endless(chunked) => endless(&mut stream, *chunked, seen),
        Reply::Drip => drip(&mut stream),
        Reply::Hang | Reply::Reset => stream.read(&mut [0]).map(drop),
    };
}

fn read_head(stream: &mut TcpStream) -> Option<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

fn read_body(stream: &mut TcpStream, head: &str) -> String {
    let lower = head.to_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    let _ = stream.read_exact(&mut body);
    String::from_utf8_lossy(&body).into_owned()
}

fn whole(status: u16, headers: &[(&'static str, String)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

fn endless(stream: &mut TcpStream, chunked: bool, seen: &Seen) -> std::io::Result<()> {
    const SIZE: u64 = 100 << 20;
    let framing =
        if chunked { "transfer-encoding: chunked".into() } else { format!("content-length: {SIZE}") };
    stream.write_all(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n").as_bytes())?;
    let piece = vec![b'0'; 0x10000];
    while seen.written.load(Ordering::SeqCst) < SIZE {
        if chunked {
            stream.write_all(b"10000\r\n")?;
        }
        stream.write_all(&piece)?;
        if chunked {
            stream.write_all(b"\r\n")?;
        }
        seen.written.fetch_add(piece.len() as u64, Ordering::SeqCst);
    }
    Ok(())
}

fn drip(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4000\r\n\r\n")?;
    stream.set_read_timeout(Some(Duration::from_millis(5)))?;
    loop {
        stream.write_all(b" ")?;
        // Waits for the other side to go, a little.
        if stream.read(&mut [0]).is_ok_and(|read| read == 0) {
            return Ok(());
        }
    }
}
