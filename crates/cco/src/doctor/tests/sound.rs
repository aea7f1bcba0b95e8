//! A machine on which all is well, and its parts to be changed.

use cco_engine::health::{Deep, Health, Holdings, KeyFaults, SoftFindings, Transcripts};
use cco_engine::limits::check_up::{AccountSeen, Broken, DirectorySeen, FileState, Files, KnownLogin};
use cco_engine::limits::share::SharedFile;
use cco_engine::limits::{Attempts, Keeper, KnownAccount, Traces};
use cco_engine::scan::Finding;
use cco_model::limit::AccountId;
use cco_model::limit::login::{Login, Reason};
use jiff::tz::TimeZone;

use crate::claude_settings::command::Line;
use crate::config::check::Checked;
use crate::doctor::claude::Retention;
use crate::doctor::daemon::{Daemon, DaemonFacts};
use crate::doctor::facts::{Facts, Home, LedgerState, Ours};
use crate::doctor::limits::LimitsFacts;
use crate::doctor::statusline::{Configured, Program, StatusLineFacts};
use crate::roots::Roots;

pub(super) const DAY_MS: i64 = 86_400_000;

pub(super) fn broken(lasting: Option<(u32, i64)>) -> Broken {
    let path = "/h/.claude/session-health/merged-quota-cache.json".into();
    Broken { path, why: "is not valid JSON".to_owned(), lasting }
}

pub(super) fn shared((name, keeper): (&str, Keeper)) -> SharedFile {
    SharedFile { path: format!("/h/.claude/session-health/{name}.json").into(), keeper }
}

/// A machine on which all is well.
pub(super) fn sound() -> Facts {
    let now: jiff::Timestamp = "2026-10-20T12:00:00Z".parse().unwrap();
    let ours = |path: &str, mode, is_folder| Ours { path: path.into(), mode, owner: 1000, is_folder };
    let health = Health {
        complaints: Ok(vec![]),
        cut_off: Ok(false),
        zone: TimeZone::UTC,
        holdings: Ok(Holdings {
            calls: 1234,
            first_ms: Some(now.as_millisecond() - 40 * DAY_MS),
            last_ms: Some(now.as_millisecond()),
            of_gone_transcripts: 200,
        }),
        ahead: Ok(0),
        unpriced: Ok(vec![]),
        prices_waiting: Ok(false),
        soft: Ok(SoftFindings::default()),
        logins: Ok(vec![login(now.as_millisecond())]),
        deep: Some(Deep { differences: Ok(vec![]), keys: Ok(KeyFaults::default()) }),
    };
    Facts {
        now,
        home: Home::Writable("/h/.cco".into()),
        user: 1000,
        ours: vec![ours("/h/.cco", 0o700, true), ours("/h/.cco/ledger.db", 0o600, false)],
        room: Some(Ok(9_000_000_000)),
        config: Ok(Checked::default()),
        roots: Roots::only("/h/.claude".into()),
        transcripts: Transcripts { found: 7, unreadable: vec![] },
        retention: vec![("/h/.claude".into(), Retention::Default)],
        zone: Ok(("UTC".to_owned(), "TZ".to_owned())),
        zone_data: true,
        sqlite: ("3.54.1", "3.51.3", true),
        limits: limits(now.as_millisecond()),
        statusline: StatusLineFacts { directories: vec![configured()], projects: vec![] },
        daemon: DaemonFacts {
            daemon: Daemon::Running(daemon()),
            token: None,
            unit: Some(("/h/u".into(), true)),
        },
        ledger: LedgerState::Open("/h/.cco/ledger.db".into(), Box::new(health)),
    }
}

pub(super) const HOUR_MS: i64 = 3_600_000;

/// One of this version, all of whose parts work.
pub(super) fn daemon() -> cco_daemon::control::Status {
    cco_daemon::control::Status {
        about: about(env!("CARGO_PKG_VERSION")),
        checks: vec![("ledger".to_owned(), true, "what is new is taken in".to_owned())],
        is_polling: false,
    }
}

pub(super) fn about(version: &str) -> cco_daemon::lock::About {
    let address = Some("http://127.0.0.1:3003".to_owned());
    cco_daemon::lock::About { pid: 7, version: version.to_owned(), address, ..Default::default() }
}

pub(super) fn running(facts: &mut Facts) -> &mut cco_daemon::control::Status {
    match &mut facts.daemon.daemon {
        Daemon::Running(status) => status,
        _ => unreachable!("a sound machine has one that runs"),
    }
}

pub(super) fn id() -> AccountId {
    AccountId { organization: "org".into(), account: "dev".into() }
}

/// A login that worked two minutes ago, known for a week.
pub(super) fn login(now_ms: i64) -> KnownLogin {
    let first_ms = now_ms - 7 * DAY_MS;
    let (email, name) = ("dev@example.com".to_owned(), String::new());
    KnownLogin {
        account: KnownAccount { row: 1, id: id(), email, name, first_ms, removed: false },
        login: Login::Active,
        since_ms: Some(first_ms),
        attempts: Attempts { last_success_ms: Some(now_ms - 120_000), last_failure: None },
    }
}

/// Its directory, with sessions at work for three hours, and leave to ask.
pub(super) fn limits(now_ms: i64) -> LimitsFacts {
    let seen = DirectorySeen {
        path: "/h/.claude".into(),
        account: Ok(Some(AccountSeen { id: id(), label: "dev@example.com".to_owned() })),
        credential: FileState { written_at_ms: Some(now_ms - DAY_MS), ..FileState::default() },
        active_since_ms: Some(now_ms - 3 * HOUR_MS),
        renewal: Traces::default(),
    };
    LimitsFacts {
        files: Files { directories: vec![seen], ..Files::default() },
        is_shared: false,
        allowed: Some(true),
        managed: vec![],
        has_client_id: true,
        said: None,
        has_key_store: false,
        base: Ok("https://api.anthropic.com".to_owned()),
        zone: TimeZone::UTC,
    }
}

/// Its settings, as `cco statusline install` left them.
pub(super) fn configured() -> Configured {
    let command = "/bin/cco statusline".to_owned();
    Configured {
        settings: "/h/.claude/settings.json".into(),
        line: Ok(Line::Ours { command: command.clone(), program: "/bin/cco".to_owned() }),
        installed: Some(command),
        program: Program::Runs("/bin/cco".into()),
        is_off: false,
        open: vec![],
    }
}

/// The one status line that is set.
pub(super) fn status_line(facts: &mut Facts) -> &mut Configured {
    &mut facts.statusline.directories[0]
}

pub(super) fn foreign() -> Result<Line, String> {
    Ok(Line::Foreign("`npx other`".to_owned()))
}

/// The login of the account, dead for six hours.
pub(super) fn dead(facts: &mut Facts) -> &mut KnownLogin {
    let since_ms = facts.now.as_millisecond() - 6 * HOUR_MS;
    let known = &mut health(facts).logins.as_mut().unwrap()[0];
    known.login = Login::NeedsLogin { reason: Reason::Unauthorized, since_ms };
    known.since_ms = Some(since_ms);
    known.attempts = Attempts {
        last_success_ms: Some(since_ms - 180_000),
        last_failure: Some((since_ms, "Unauthorized".to_owned())),
    };
    known
}

pub(super) fn health(facts: &mut Facts) -> &mut Health {
    match &mut facts.ledger {
        LedgerState::Open(_, health) => health,
        _ => panic!("a sound machine has a ledger"),
    }
}

pub(super) fn finding(what: &str) -> Vec<Finding> {
    vec![Finding { path: "/h/.claude/projects/a/s.jsonl".into(), offset: Some(17), what: what.to_owned() }]
}
