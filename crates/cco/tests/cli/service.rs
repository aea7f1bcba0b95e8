//! A service on this machine that answers as it is told, and counts what it was asked.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What it does with a question.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A status, further header lines, a body.
    Whole(u16, &'static str, String),
    /// Half of an answer.
    Cut,
    /// Nothing, until the other side goes.
    Hang,
}

/// An answer that is as it should be.
pub(crate) fn usage(five_hour: u32, seven_day: u32) -> Reply {
    Reply::Whole(200, "", body(five_hour, seven_day))
}

/// What the service says of two windows that end after the present of the tests.
pub(crate) fn body(five_hour: u32, seven_day: u32) -> String {
    format!(
        r#"{{"five_hour":{{"utilization":{five_hour},"resets_at":"2026-10-20T14:30:00Z"}},
            "seven_day":{{"utilization":{seven_day},"resets_at":"2026-10-23T09:00:00Z"}}}}"#
    )
}

/// A failure with an empty body.
pub(crate) fn status(status: u16) -> Reply {
    Reply::Whole(status, "", "{}".to_owned())
}

pub(crate) struct Service {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Service {
    /// The replies are given in turn; the last one stays.
    pub(crate) fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, replies) = (Arc::clone(&seen), replies.clone());
                thread::spawn(move || play(stream.unwrap(), &replies, &seen));
            }
        });
        Self { address, heads }
    }

    /// What `config.toml` says of it, where it may be asked.
    pub(crate) fn config(&self) -> String {
        format!("[limits]\nendpoint = true\n{}", self.base_url())
    }

    /// Its address, and nothing of whether it may be asked.
    pub(crate) fn base_url(&self) -> String {
        format!("base_url = \"http://{}\"\n", self.address)
    }

    /// What `config.toml` says of it as the place where logins are renewed.
    pub(crate) fn token_url(&self) -> String {
        format!("token_url = \"http://{}/v1/oauth/token\"\n", self.address)
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.heads.lock().unwrap().len()
    }

    /// It was asked with this token.
    pub(crate) fn saw(&self, token: &str) -> bool {
        self.heads.lock().unwrap().iter().any(|head| head.contains(token))
    }
}

fn play(mut stream: TcpStream, replies: &[Reply], seen: &Mutex<Vec<String>>) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if !matches!(stream.read(&mut byte), Ok(1)) {
            return;
        }
        head.push(byte[0]);
    }
    let told = String::from_utf8_lossy(&head).to_lowercase();
    let length = told.split("content-length:").nth(1).and_then(|rest| rest.lines().next());
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
    if stream.read_exact(&mut body).is_err() {
        return;
    }
    head.extend(body);
    let turn = {
        let mut seen = seen.lock().unwrap();
        seen.push(String::from_utf8(head).unwrap());
        seen.len() - 1
    };
    let answer = match &replies[turn.min(replies.len() - 1)] {
        Reply::Whole(status, headers, body) => {
            let length = body.len();
            format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
            )
        }
        Reply::Cut => "HTTP/1.1 200 X\r\ncontent-length: 400\r\n\r\n{\"five_hour\":{\"util".to_owned(),
        Reply::Hang => {
            let _ = stream.read(&mut byte);
            return;
        }
    };
    // Whoever asked may have gone.
    let _ = stream.write_all(answer.as_bytes());
}
