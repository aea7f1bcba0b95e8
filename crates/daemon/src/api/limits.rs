//! `/api/limits` and `POST /api/limits/refresh`: how near the limits of plans are.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use cco_engine::limits::{AccountLimits, alarm};
use cco_model::limit::shown::Value;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::answer::Answer;
use super::asked::Asked;
use super::problem::Problem;
use crate::event::Event;

/// From so many percent on a window is worth an alert.
const NEAR_PERCENT: i32 = 75;

/// What is known of all accounts.
#[derive(Serialize, ToSchema)]
pub(super) struct LimitsAnswer {
    /// As `cco limits --json` has them.
    #[schema(value_type = Vec<Object>)]
    accounts: Vec<serde_json::Value>,
    alerts: Vec<Alert>,
}

/// Something that somebody should see.
#[derive(Serialize, ToSchema)]
pub(super) struct Alert {
    /// `near`, `full`, `needs_login` or `all_logins_dead`.
    kind: &'static str,
    /// The account's name; none: all of them.
    account: Option<String>,
    /// The window's name, where it is about one.
    window: Option<String>,
    detail: String,
}

/// What came of asking.
#[derive(Serialize, ToSchema)]
pub(super) struct RefreshAnswer {
    /// Accounts that were asked for.
    asked: Vec<String>,
    /// Accounts that it is too early to ask for.
    not_asked: Vec<String>,
    faults: Vec<String>,
}

/// How near the limits of each account are, how old that is, and what is wrong.
#[utoipa::path(get, path = "/api/limits", tag = "limits", responses((status = OK, body = LimitsAnswer)))]
pub(super) async fn limits(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    Asked::new(&uri, &[])?;
    let (zone, now) = (api.zone(), (api.clock)());
    let tries = api.health.borrow().tries.clone();
    let known = api
        .readers
        .ask(move |engine| {
            let found = engine.see_accounts()?;
            engine.limits(&found, &tries, &zone)
        })
        .await?;
    let answer = LimitsAnswer {
        accounts: known.iter().map(|known| cco_wire::limits::account(known, now)).collect(),
        alerts: alerts(&known, now.as_millisecond()),
    };
    Ok(Answer::of(&answer)?.send(&headers))
}

/// Asks the service for limits, of whom it may be asked by now.
#[utoipa::path(post, path = "/api/limits/refresh", tag = "limits",
    params(("X-Cco" = String, Header, description = "`1`")), responses((status = OK, body = RefreshAnswer)))]
pub(super) async fn refresh(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    uri: Uri,
    body: String,
) -> Result<Response, Problem> {
    Asked::plainly(&uri, &body)?;
    let done = api.have(Event::RefreshWanted).await?;
    let answer = RefreshAnswer { asked: done.asked, not_asked: done.not_asked, faults: done.faults };
    Ok(Answer::of(&answer)?.send(&headers))
}

fn alerts(known: &[AccountLimits], now_ms: i64) -> Vec<Alert> {
    let mut alerts = Vec::new();
    if alarm::all_dead(known, None, now_ms).is_some() {
        alerts.push(Alert {
            kind: "all_logins_dead",
            account: None,
            window: None,
            detail: "no login works any more, so no limit can be told: run `claude /login`".to_owned(),
        });
    }
    for known in known.iter().filter(|known| !known.directories.is_empty()) {
        let account = cco_wire::names::account_label(&known.account);
        if known.login.is_dead() {
            alerts.push(Alert {
                kind: "needs_login",
                account: Some(account.clone()),
                window: None,
                detail: "its login has ended: run `claude /login`".to_owned(),
            });
        }
        for window in &known.windows {
            let Value::Open { percent: Some(percent), .. } = window.shown.value else { continue };
            let percent = percent.whole();
            if percent >= NEAR_PERCENT {
                alerts.push(Alert {
                    kind: if percent >= 100 { "full" } else { "near" },
                    account: Some(account.clone()),
                    window: Some(window.shown.window.to_string()),
                    detail: format!("{percent}% used"),
                });
            }
        }
    }
    alerts
}
