//! One question to the token address: a refresh token for its successor.
//!
//! Owns which answers mean that a login is dead. Only two do: 401, and `invalid_grant` as the service's own word on a
//! 4xx; a user who is told to log in for nothing does not believe it the next time. Must not: ask twice, follow a
//! redirect, or keep anything of an answer but what stands in [`Grant`].

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::time::Duration;

use cco_model::limit::login::Reason;
use serde_json::value::RawValue;
use ureq::Agent;
use zeroize::Zeroizing;

use super::url::TokenUrl;
use crate::client::{MAX_BODY, Proxies, Unusable, agent};
use crate::secret::Secret;

/// For the whole exchange.
pub const TIME_LIMIT: Duration = Duration::from_secs(10);
/// The longest life of a token that is believed: a year.
const MAX_LIFE_S: i64 = 366 * 86_400;

/// Sends a refresh token, once.
pub trait Exchange {
    /// One attempt.
    fn renew(&self, refresh_token: &Secret) -> Renewal;
}

/// What came of it.
#[derive(Debug)]
pub enum Renewal {
    /// The successor.
    Granted(Grant),
    /// The service's session has ended: only the user can mend that.
    Dead(Reason),
    /// Anything else; it may pass.
    Failed(ExchangeFailure),
}

/// Why there is no successor, and none was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeFailure {
    /// No whole answer in time.
    #[error("timeout")]
    Timeout,
    /// The service could not be reached, or the connection broke.
    #[error("network")]
    Network,
    /// A status that is no answer.
    #[error("status {0}")]
    Status(u16),
    /// An answer that makes no sense.
    #[error("bad answer")]
    BadAnswer,
}

/// A successor, as the service gives it.
pub struct Grant {
    /// The new access token.
    pub access: Secret,
    /// The new refresh token; none: the old one stays.
    pub refresh: Option<Secret>,
    /// How long the access token lives, in milliseconds, where that is told.
    pub lives_ms: Option<i64>,
    /// How long the refresh token lives, in milliseconds, where that is told.
    pub renewable_ms: Option<i64>,
    /// Whose it is, where that is told.
    pub account: Option<String>,
    /// Of which organization, where that is told.
    pub organization: Option<String>,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grant({}, rotated: {})", self.access.fingerprint(), self.refresh.is_some())
    }
}

/// The real exchange.
pub struct TokenClient {
    agent: Agent,
    url: TokenUrl,
    client_id: String,
}

/// How to ask for a successor.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// Where.
    pub url: TokenUrl,
    /// The OAuth client that the login was made for. We do not know it and guess none: it is `[limits] client_id`, and
    /// without it no login is renewed.
    pub client_id: String,
    /// Who we say we are.
    pub user_agent: String,
    /// For everything together, [`TIME_LIMIT`] at most.
    pub time_limit: Duration,
    /// Who stands between.
    pub proxies: Proxies,
}

impl TokenClient {
    /// Makes a client. Opens nothing.
    pub fn new(settings: &TokenSettings) -> Result<Self, Unusable> {
        let proxy = match settings.url.host() {
            Some(host) => settings.proxies.on_the_way_to(host)?,
            None => None,
        };
        let agent = agent(&settings.user_agent, settings.time_limit.min(TIME_LIMIT), proxy)?;
        Ok(Self { agent, url: settings.url.clone(), client_id: settings.client_id.clone() })
    }

    fn send(&self, refresh_token: &Secret) -> Result<(u16, Zeroizing<Vec<u8>>), ureq::Error> {
        let request = body(refresh_token, &self.client_id);
        let post = self.agent.post(self.url.as_str()).header("content-type", "application/json");
        let mut response = post.send(request.as_slice())?;
        let mut answer = Zeroizing::new(Vec::with_capacity(MAX_BODY + 1));
        response.body_mut().as_reader().take(MAX_BODY as u64 + 1).read_to_end(&mut answer)?;
        Ok((response.status().as_u16(), answer))
    }
}

impl Exchange for TokenClient {
    fn renew(&self, refresh_token: &Secret) -> Renewal {
        match self.send(refresh_token) {
            Ok((status, answer)) => judge(status, &answer),
            Err(ureq::Error::Timeout(_)) => Renewal::Failed(ExchangeFailure::Timeout),
            Err(ureq::Error::Io(error)) if error.kind() == std::io::ErrorKind::TimedOut => {
                Renewal::Failed(ExchangeFailure::Timeout)
            }
            Err(_) => Renewal::Failed(ExchangeFailure::Network),
        }
    }
}

fn body(refresh_token: &Secret, client_id: &str) -> Zeroizing<Vec<u8>> {
    #[derive(serde::Serialize)]
    struct Request<'a> {
        grant_type: &'a str,
        refresh_token: &'a str,
        client_id: &'a str,
    }
    let request = Request { grant_type: "refresh_token", refresh_token: refresh_token.expose(), client_id };
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let room = 6 * (refresh_token.expose().len() + client_id.len()) + 128;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    // Texts always can be JSON, and memory takes them.
    let _ = serde_json::to_writer(&mut *bytes, &request);
    bytes
}

type Fields<'a> = BTreeMap<String, &'a RawValue>;

fn judge(status: u16, body: &[u8]) -> Renewal {
    let fields = serde_json::from_slice::<Fields<'_>>(body).unwrap_or_default();
    match status {
        200 => grant(&fields).map_or(Renewal::Failed(ExchangeFailure::BadAnswer), Renewal::Granted),
        401 => Renewal::Dead(Reason::Unauthorized),
        400..=499 if text(&fields, "error").as_deref() == Some("invalid_grant") => {
            Renewal::Dead(Reason::SessionEnded)
        }
        other => Renewal::Failed(ExchangeFailure::Status(other)),
    }
}

fn grant(fields: &Fields<'_>) -> Option<Grant> {
    let access = secret(fields.get("access_token")?)?;
    let refresh = match fields.get("refresh_token").filter(|token| !["null", "\"\""].contains(&token.get())) {
        Some(token) => Some(secret(token)?),
        None => None,
    };
    let uuid = |of| {
        let inner: Fields<'_> = serde_json::from_str(fields.get(of)?.get()).ok()?;
        text(&inner, "uuid").map(|uuid| uuid.to_lowercase())
    };
    let (account, organization) = (uuid("account"), uuid("organization"));
    let life_ms = |key| {
        let seconds = fields.get(key)?.get().split('.').next()?.parse::<i64>().ok()?;
        (1..=MAX_LIFE_S).contains(&seconds).then(|| seconds * 1_000)
    };
    let (lives_ms, renewable_ms) = (life_ms("expires_in"), life_ms("refresh_token_expires_in"));
    Some(Grant { access, refresh, lives_ms, renewable_ms, account, organization })
}

fn secret(value: &RawValue) -> Option<Secret> {
    serde_json::from_str::<String>(value.get()).ok().map(Zeroizing::new).and_then(Secret::new)
}

fn text(fields: &Fields<'_>, key: &str) -> Option<String> {
    serde_json::from_str(fields.get(key)?.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, body: &str) -> String {
        format!("{:?}", judge(status, body.as_bytes()))
    }

    #[test]
    fn only_the_services_own_word_that_a_grant_is_invalid_or_401_ends_a_login() {
        for (status, body) in [
            (400, r#"{"error": "invalid_grant"}"#),
            (403, r#"{"error_description": "gone", "error": "invalid_grant"}"#),
        ] {
            assert_eq!(said(status, body), "Dead(SessionEnded)", "{status} {body}");
        }
        assert_eq!(said(401, "<html>"), "Dead(Unauthorized)");
        for (status, body) in [
            (400, r#"{"error": {"type": "invalid_grant"}}"#),
            (400, r#"{"error": "invalid_request", "error_description": "invalid_grant"}"#),
            (400, r#"{"nested": {"error": "invalid_grant"}}"#),
            (400, r#"{"error": "invalid_grant""#),
            (400, "invalid_grant"),
            (429, "{}"),
            (500, r#"{"error": "invalid_grant"}"#),
            (302, r#"{"error": "invalid_grant"}"#),
        ] {
            assert_eq!(said(status, body), format!("Failed(Status({status}))"), "{status} {body}");
        }
        for body in [
            "",
            "{}",
            r#"{"error": "invalid_grant"}"#,
            r#"{"access_token": ""}"#,
            r#"{"access_token": "two words"}"#,
            r#"{"access_token": "tok-canary-1", "refresh_token": 7}"#,
            r#"{"access_token": "tok-canary-1", "refresh_token": "ref-can"#,
        ] {
            assert_eq!(said(200, body), "Failed(BadAnswer)", "{body}");
        }
    }

    #[test]
    fn a_grant_shows_nothing_of_its_tokens() {
        let body =
            r#"{"access_token": "tok-canary-1", "refresh_token": "ref-canary-1", "expires_in": 28800}"#;
        let shown = said(200, body);
        assert!(shown.starts_with("Granted(") && !shown.contains("canary"), "{shown}");
    }

    #[test]
    fn the_question_is_json_whatever_the_token_holds() {
        let token = Secret::new("a\"\\b".to_owned()).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&body(&token, "id")).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"grant_type": "refresh_token", "refresh_token": "a\"\\b", "client_id": "id"})
        );
    }
}
