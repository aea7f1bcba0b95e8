//! A token service that rotates, and revokes all when a token comes back; and a home with a login of its making.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use cco_limits::client::Proxies;
use cco_limits::refresh::{
    Exchange, Parts, Recovery, Refreshed, Step, TokenClient, TokenSettings, TokenUrl, recover, refresh,
};
use cco_model::limit::AccountId;

use crate::server::{Reply, Server};

/// One login's chain of refresh tokens.
#[derive(Debug)]
pub(crate) struct Chain {
    state: Mutex<State>,
    /// It gives a new refresh token each time.
    pub(crate) rotates: bool,
}

#[derive(Debug)]
struct State {
    number: u32,
    revoked: bool,
    posts: u32,
    refused: u32,
}

impl Chain {
    pub(crate) fn new(rotates: bool) -> Arc<Self> {
        let state = State { number: 0, revoked: false, posts: 0, refused: 0 };
        Arc::new(Self { state: Mutex::new(state), rotates })
    }

    /// The access token that follows so many others.
    pub(crate) fn access(number: u32) -> String {
        format!("tok-canary-access-{number}-QzXwVu")
    }

    fn refresh(&self, number: u32) -> String {
        format!("ref-canary-renew-{}-KjHgFd", if self.rotates { number } else { 0 })
    }

    /// How often it was asked.
    pub(crate) fn posts(&self) -> u32 {
        self.state.lock().unwrap().posts
    }

    /// How often it refused.
    pub(crate) fn refused(&self) -> u32 {
        self.state.lock().unwrap().refused
    }

    /// The newest access token.
    pub(crate) fn newest(&self) -> String {
        Self::access(self.state.lock().unwrap().number)
    }

    /// Status and body of the answer to a request.
    pub(crate) fn answer(&self, request: &str) -> (u16, String) {
        let mut state = self.state.lock().unwrap();
        state.posts += 1;
        let request: serde_json::Value = serde_json::from_str(request).unwrap();
        assert_eq!(
            (&request["grant_type"], &request["client_id"]),
            (&"refresh_token".into(), &"client-7".into())
        );
        let valid = request["refresh_token"] == self.refresh(state.number);
        if state.revoked || !valid {
            state.revoked = true;
            state.refused += 1;
            return (400, r#"{"error": "invalid_grant", "error_description": "no such token"}"#.into());
        }
        state.number += 1;
        let new = if self.rotates {
            format!(r#""refresh_token": "{}","#, self.refresh(state.number))
        } else {
            String::new()
        };
        let access = Self::access(state.number);
        (
            200,
            format!(
                r#"{{{new}"access_token": "{access}", "expires_in": 28800, "account": {{"uuid": "ONE"}}}}"#
            ),
        )
    }

    /// The credential file of the newest login, with this end.
    pub(crate) fn file(&self, expires_at_ms: i64) -> String {
        let number = self.state.lock().unwrap().number;
        let (access, refresh) = (Self::access(number), self.refresh(number));
        format!(
            "{{\"mcpOAuth\":{{\"n\":1.10e2}},\n \"claudeAiOauth\": {{\"accessToken\":\"{access}\",\"refreshToken\":\"{refresh}\",\"expiresAt\":{expires_at_ms},\"scopes\":[\"user:x\"],\"new\":null}} }}\n"
        )
    }
}

/// More rounds than usual, and each bit of each byte: a longer lane of these tests.
#[expect(clippy::disallowed_methods, reason = "how long a test runs is nothing that it tests")]
pub(crate) fn longer() -> Option<u32> {
    std::env::var("CCO_RENEWALS").ok()?.parse().ok()
}

#[expect(clippy::disallowed_methods, reason = "the file system stamps locks with the real time")]
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// A home with a config directory whose login has expired, and what else a renewal depends on.
pub(crate) struct Home {
    /// Goes with it, where it is its own.
    pub(crate) folder: Option<tempfile::TempDir>,
    pub(crate) path: PathBuf,
    pub(crate) allowed: bool,
    pub(crate) live: bool,
    pub(crate) held_by: Option<&'static str>,
    pub(crate) later_ms: Cell<i64>,
    pub(crate) wait: Duration,
}

impl Home {
    pub(crate) fn at(path: &Path) -> Self {
        Self {
            folder: None,
            path: path.to_owned(),
            allowed: true,
            live: false,
            held_by: Some("one"),
            later_ms: Cell::new(0),
            wait: Duration::from_secs(20),
        }
    }

    pub(crate) fn expired(chain: &Chain) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Self { wait: Duration::from_millis(100), ..Self::at(folder.path()) };
        fs::create_dir(home.config()).unwrap();
        fs::write(home.credential(), chain.file(now_ms() - 1)).unwrap();
        Self { folder: Some(folder), ..home }
    }

    /// The same home, as another process finds it.
    pub(crate) fn again(&self) -> Self {
        assert!(self.folder.is_some(), "it is there as long as this one");
        Self { wait: self.wait, ..Self::at(&self.path) }
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path.join("config")
    }

    pub(crate) fn credential(&self) -> PathBuf {
        self.config().join(".credentials.json")
    }

    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.credential()).unwrap()
    }

    fn with<T>(&self, exchange: &dyn Exchange, step: &dyn Fn(Step), act: impl FnOnce(&Parts<'_>) -> T) -> T {
        let account = AccountId { organization: "".into(), account: "one".into() };
        let held = AccountId { account: self.held_by.unwrap_or_default().into(), ..account.clone() };
        act(&Parts {
            allowed: self.allowed,
            account: &account,
            config: &self.config(),
            legacy_lock: &self.path.join(".claude.lock"),
            state: &self.path.join("state"),
            held_by: &|| self.held_by.map(|_| held.clone()),
            live_session: &|| self.live,
            exchange,
            now_ms: &|| now_ms() + self.later_ms.get(),
            wait: self.wait,
            step,
        })
    }

    pub(crate) fn refresh(&self, exchange: &dyn Exchange, step: &dyn Fn(Step)) -> Refreshed {
        let refreshed = self.with(exchange, step, refresh);
        assert_shows_no_token(&format!("{refreshed:?}"));
        refreshed
    }

    pub(crate) fn recover(&self, exchange: &dyn Exchange) -> Recovery {
        self.with(exchange, &|_| (), recover).unwrap()
    }

    /// Our files and Claude Code's locks that are there.
    pub(crate) fn left(&self) -> Vec<String> {
        let mut names = Vec::new();
        for folder in [self.config(), self.path.join("state"), self.path.clone()] {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                if ![".credentials.json", "config", "state"].contains(&name.as_str()) {
                    names.push(name);
                }
            }
        }
        names.sort();
        names
    }

    /// No file but the credential has six characters of a token; with `named`, the two that may have them do.
    pub(crate) fn assert_no_token_lies_about(&self, named: bool) {
        for folder in [self.config(), self.path.join("state"), self.path.clone()] {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let allowed =
                    named && [".intent", ".previous", ".cco-new"].iter().any(|end| name.ends_with(end));
                if path.is_file() && name != ".credentials.json" && !allowed {
                    assert_shows_no_token(&String::from_utf8_lossy(&fs::read(&path).unwrap()));
                    assert_shows_no_token(&name);
                }
            }
        }
    }
}

fn assert_shows_no_token(text: &str) {
    for token in ["tok-canary-access-", "-QzXwVu", "ref-canary-renew-", "-KjHgFd"] {
        for part in token.as_bytes().windows(6) {
            assert!(!text.as_bytes().windows(6).any(|window| window == part), "{text}");
        }
    }
}

/// A client of an address.
pub(crate) fn client(url: &TokenUrl) -> TokenClient {
    TokenClient::new(&TokenSettings {
        url: url.clone(),
        client_id: "client-7".into(),
        user_agent: "cco/1".into(),
        time_limit: Duration::from_secs(10),
        proxies: Proxies::default(),
    })
    .unwrap()
}

/// A server of a chain that answers after up to 200 ms.
pub(crate) fn serve(chain: &Arc<Chain>, delay_ms: u64) -> Server {
    Server::start(vec![Reply::Tokens(Arc::clone(chain), Duration::from_millis(delay_ms))])
}
