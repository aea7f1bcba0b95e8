//! What is known of plan limits.

use cco_engine::limits::{AccountLimits, WindowLimits};
use cco_model::limit::login::Login;
use cco_model::limit::mark::Sessions;
use cco_model::limit::shown::Value;
use cco_model::limit::trouble::Trouble;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::names::account_label;
use crate::text;

/// An account with its windows and its login, by now.
pub fn account(known: &AccountLimits, now: Timestamp) -> Json {
    let (state, reason, since) = match known.login {
        Login::Unknown => ("unknown", None, None),
        Login::Active => ("active", None, None),
        Login::NeedsLogin { reason, since_ms } => ("needs_login", Some(reason.name()), Some(since_ms)),
    };
    let failure = known.attempts.last_failure.as_ref();
    json!({
        "account": account_label(&known.account),
        "email": known.account.email,
        "organizationUuid": &*known.account.id.organization,
        "accountUuid": &*known.account.id.account,
        "directories": known.directories,
        "login": { "state": state, "reason": reason, "since": since.map(text::iso_ms) },
        "loggedIn": !known.is_logged_out,
        "nextTry": known.next_try_ms.filter(|at_ms| *at_ms > now.as_millisecond()).map(text::iso_ms),
        "sessions": match known.sessions { Sessions::Live => "live", Sessions::Idle => "idle" },
        "trouble": known.trouble.map(Trouble::short),
        "lastSuccess": known.attempts.last_success_ms.map(text::iso_ms),
        "lastFailure": failure.map(|(at_ms, why)| json!({ "at": text::iso_ms(*at_ms), "outcome": why })),
        "windows": known.windows.iter().map(|window| window_json(window, now)).collect::<Vec<Json>>(),
    })
}

/// Whose windows are how full, as a hint to ask for more.
pub fn hint(known: &[AccountLimits]) -> Json {
    let window = |window: &WindowLimits| {
        let (state, percent, _) = value(&window.shown.value);
        json!({ "window": window.shown.window.to_string(), "state": state, "percent": percent })
    };
    let account = |known: &AccountLimits| {
        let windows: Vec<Json> = known.windows.iter().map(window).collect();
        json!({ "account": account_label(&known.account), "windows": windows })
    };
    known.iter().map(account).collect()
}

/// What is said of a window: its state, percent, and tokens that were used on this machine.
fn value(value: &Value) -> (&'static str, Option<Json>, Option<u64>) {
    match value {
        Value::Open { percent, .. } => {
            ("open", percent.map(|percent| tenths(i64::from(percent.tenths()))), None)
        }
        Value::NotStarted => ("not_started", Some(tenths(0)), None),
        Value::Reset => ("reset", None, None),
        Value::Local { tokens, .. } => ("local", None, Some(*tokens)),
        Value::Trouble(_) => ("unknown", None, None),
    }
}

fn window_json(window: &WindowLimits, now: Timestamp) -> Json {
    let (state, percent, local) = value(&window.shown.value);
    let current = window.current.filter(|_| percent.is_some() || state == "open");
    let age = current.and_then(|current| current.age_ms(now.as_millisecond()));
    let resets = current.and_then(|current| current.resets_at_ms);
    json!({
        "window": window.shown.window.to_string(),
        "state": state,
        "percent": percent,
        "resetsAt": resets.map(text::iso_ms),
        "observedAt": current.and_then(|current| current.observed_at_ms).map(text::iso_ms),
        "ageSeconds": age.map(|age| age / 1_000),
        "source": window.current.map(|current| current.source.name()),
        "mark": window.shown.mark.symbol(),
        "localTokens": local,
        "pace": window.pace.map(|pace| json!({
            "percentPerHour": tenths(pace.tenths_per_hour),
            "percentAtReset": tenths(pace.tenths_at_reset),
            "fullAt": pace.full_at_ms.map(text::iso_ms),
        })),
    })
}

/// Tenths of a percent as a number of percent.
fn tenths(tenths: i64) -> Json {
    let sign = if tenths < 0 { "-" } else { "" };
    let number = format!("{sign}{}.{}", tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10);
    serde_json::from_str(&number).unwrap_or(Json::Null)
}
