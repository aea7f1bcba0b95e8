//! Whose login is renewed where a system has a key store: only one that is shown to be in its file alone.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use cco_engine::limits::{
    Asking, BaseUrl, CannotManage, ExchangeFailure, Outcome, Places, RefreshFailure, Refreshed, Renewing,
    Root, SecurityTool, Settings, TokenUrl,
};
use cco_engine::{Engine, LedgerPlace, Setup, price_list};
use cco_model::limit::AccountId;
use jiff::Timestamp;
use jiff::tz::TimeZone;

const NOW_MS: i64 = 1_700_000_000_000;

/// What the key store is like.
#[derive(Clone, Copy)]
struct Store {
    /// The program that stands in for the system's tool.
    tool: &'static str,
    /// It may be asked.
    allowed: bool,
}

const EMPTY: Store = Store { tool: "exit 44", allowed: true };

fn ann() -> AccountId {
    AccountId { organization: "org".into(), account: "ann".into() }
}

/// A service that answers every question with 503.
fn busy_service() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut seen = Vec::new();
            let mut page = [0; 4096];
            while !seen.ends_with(b"}") {
                match stream.read(&mut page) {
                    Ok(length @ 1..) => seen.extend_from_slice(&page[..length]),
                    _ => break,
                }
            }
            let _ = stream.write_all(b"HTTP/1.1 503 X\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}");
        }
    });
    format!("http://{address}")
}

struct Machine {
    engine: Engine,
    folder: tempfile::TempDir,
}

impl Machine {
    /// Ann is logged in, in a file, and her login has expired.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("config");
        fs::create_dir(&config).expect("a folder");
        let account = r#"{"oauthAccount": {"accountUuid": "ann", "organizationUuid": "org"}}"#;
        fs::write(config.join(".claude.json"), account).expect("a file");
        let login = r#"{"claudeAiOauth": {"accessToken": "tok-1", "refreshToken": "ref-1", "expiresAt": 1}}"#;
        fs::write(config.join(".credentials.json"), login).expect("a file");
        let setup = Setup {
            ledger: LedgerPlace::Memory,
            roots: Vec::new(),
            user_home: None,
            ledger_zone: TimeZone::UTC,
            prices: price_list::embedded(),
            threads: Some(1),
            now: Timestamp::from_millisecond(NOW_MS).expect("a time"),
            places: Places { roots: vec![Root { path: config, default_of: None }], ..Places::default() },
        };
        Self { engine: Engine::open(setup).expect("an engine"), folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn asking(&self, store: Store, service: &str) -> Asking {
        let tool = self.path("security");
        write_program(&tool, store.tool);
        let mut settings = Settings::new("1");
        settings.base = BaseUrl::parse(service).expect("loopback");
        Asking {
            state: self.path("state"),
            settings,
            key_store: Some(Box::new(SecurityTool {
                program: tool,
                login_name: "ann".to_owned(),
                time_limit: Duration::from_secs(5),
            })),
            key_store_allowed: store.allowed,
            renewing: Renewing {
                managed: vec![ann()],
                client_id: Some("client-7".to_owned()),
                url: TokenUrl::parse(&format!("{service}/v1/oauth/token")).expect("loopback"),
                home: Some(self.path("")),
            },
        }
    }
}

fn write_program(path: &Path, body: &str) {
    fs::write(path, format!("#!/bin/sh\n{body}\n")).expect("a program");
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).expect("permissions");
}

/// Whether the login can be handed over, and what became of it where it was.
fn told(store: Store) -> (Result<usize, CannotManage>, Outcome) {
    let mut machine = Machine::new();
    let asking = machine.asking(store, &busy_service());
    let (found, _) = machine.engine.look_at_accounts().expect("a look");
    let can_manage = machine.engine.can_manage(&found, &ann(), &asking).map(|directories| directories.len());
    let asked = machine.engine.ask(&found, &[ann()], &asking, &|| NOW_MS).expect("a ledger");
    let mut renewals = asked.expect("settings that can be used").renewals;
    assert_eq!(renewals.len(), 1, "{renewals:?}");
    (can_manage, renewals.remove(0).outcome)
}

#[test]
fn a_login_is_renewed_where_the_key_store_says_that_it_has_none() {
    let failed = RefreshFailure::Exchange(ExchangeFailure::Status(503));
    assert_eq!(told(EMPTY), (Ok(1), Outcome::Came(Refreshed::Failed(failed))));
}

#[test]
fn a_login_that_a_key_store_has_or_may_have_is_not_spent_from_its_file() {
    let newer = "echo '{\"claudeAiOauth\": {\"accessToken\": \"tok-2\", \"expiresAt\": 1}}'";
    for (tool, why) in [
        (newer, CannotManage::InKeyStore),
        // Locked, denied, hung up: that is not the same as having none.
        ("exit 36", CannotManage::InKeyStore),
        ("exit 1", CannotManage::InKeyStore),
    ] {
        assert_eq!(told(Store { tool, ..EMPTY }), (Err(why), Outcome::InKeyStore), "{tool}");
    }
    let not_asked = Store { allowed: false, ..EMPTY };
    assert_eq!(told(not_asked), (Err(CannotManage::KeyStoreNotAllowed), Outcome::InKeyStore));
}
