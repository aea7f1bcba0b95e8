//! One question to the usage endpoint, over HTTP.
//!
//! Owns what is sent, where, and how much of an answer is taken in. Must not: retry, follow a redirect, send a token
//! anywhere but below its [`BaseUrl`], read the environment, or know whether it was a good time to ask.

use std::fmt;
use std::io::{ErrorKind, Read};
use std::time::Duration;

use cco_model::limit::backoff::RetryAfter;
use ureq::Agent;
use ureq::http::{HeaderMap, HeaderValue, Response, StatusCode};
use ureq::tls::{RootCerts, TlsConfig};

use crate::base::BaseUrl;
use crate::secret::Secret;

mod advice;
mod proxy;

pub use proxy::Proxies;

/// The longest body that is read.
pub const MAX_BODY: usize = 64 * 1024;
/// For a name, a connection, and the whole answer together.
pub const TIME_LIMIT: Duration = Duration::from_secs(2);
const PATH: &str = "/api/oauth/usage";
const OFFICIAL_HOST: &str = "api.anthropic.com";
const BETA: &str = "oauth-2025-04-20";

/// What the service made of a question.
#[derive(Clone, PartialEq, Eq)]
pub enum Outcome {
    /// 200 and this body.
    Ok(Vec<u8>),
    /// 401.
    Unauthorized,
    /// 403 that names scope or permission: this login may not ask.
    Forbidden,
    /// 403 of somebody on the way.
    OtherForbidden,
    /// 429, and how long to wait, where that was told.
    RateLimited(Option<RetryAfter>),
    /// No whole answer in time.
    Timeout,
    /// The service could not be reached, or the connection broke.
    Network,
    /// Nobody took the connection.
    NoConnection,
    /// The host's name leads nowhere.
    NoName,
    /// No safe connection came about.
    Tls,
    /// The answer was to ask elsewhere.
    Redirect,
    /// 5xx, a redirect, or anything else that is no answer.
    Server(u16),
    /// 200 with something that cannot be taken: too long, or it gives the token back.
    BadBody,
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok(body) => write!(f, "Ok({} bytes)", body.len()),
            Self::Unauthorized => f.write_str("Unauthorized"),
            Self::Forbidden => f.write_str("Forbidden"),
            Self::OtherForbidden => f.write_str("OtherForbidden"),
            Self::RateLimited(advice) => write!(f, "RateLimited({advice:?})"),
            Self::Timeout => f.write_str("Timeout"),
            Self::Network => f.write_str("Network"),
            Self::NoConnection => f.write_str("NoConnection"),
            Self::NoName => f.write_str("NoName"),
            Self::Tls => f.write_str("Tls"),
            Self::Redirect => f.write_str("Redirect"),
            Self::Server(status) => write!(f, "Server({status})"),
            Self::BadBody => f.write_str("BadBody"),
        }
    }
}

/// Asks the service.
pub trait Transport {
    /// One question; `now_ms` is the time that a date in the answer is compared with, where the answer has none.
    fn ask(&self, token: &Secret, now_ms: i64) -> Outcome;
}

/// How to ask.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where.
    pub base: BaseUrl,
    /// Who we say we are.
    pub user_agent: String,
    /// For everything together.
    pub time_limit: Duration,
    /// Who stands between, for the official host.
    pub proxies: Proxies,
}

impl Settings {
    /// The official service, asked directly.
    pub fn new(version: &str) -> Self {
        Self {
            base: BaseUrl::official(),
            user_agent: format!("cco/{version}"),
            time_limit: TIME_LIMIT,
            proxies: Proxies::default(),
        }
    }
}

/// A setting that no request can be made with.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It has line ends or other characters that no header may have.
    #[error("user_agent must be plain ASCII text")]
    UserAgent,
    /// Going past a proxy that was asked for would tell others what it was to hide.
    #[error(
        "the proxy of HTTPS_PROXY or ALL_PROXY cannot be used: it must be http://, https:// or socks5:// HOST:PORT"
    )]
    Proxy,
}

/// The real transport.
pub struct Client {
    agent: Agent,
    address: String,
}

impl Client {
    /// Makes a client. Opens nothing.
    pub fn new(settings: &Settings) -> Result<Self, Unusable> {
        let proxy = match settings.base.is_loopback() {
            true => None,
            false => settings.proxies.on_the_way_to(OFFICIAL_HOST)?,
        };
        let agent = agent(&settings.user_agent, settings.time_limit, proxy)?;
        Ok(Self { agent, address: format!("{}{PATH}", settings.base) })
    }

    fn send(&self, token: &Secret) -> Result<Response<ureq::Body>, Outcome> {
        let bearer = zeroize::Zeroizing::new(format!("Bearer {}", token.expose()));
        let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| Outcome::Network)?;
        bearer.set_sensitive(true);
        let request =
            self.agent.get(&self.address).header("authorization", bearer).header("anthropic-beta", BETA);
        request.call().map_err(|error| failure(&error))
    }
}

impl Transport for Client {
    fn ask(&self, token: &Secret, now_ms: i64) -> Outcome {
        match self.send(token) {
            Ok(mut response) => judge(&mut response, token, now_ms).unwrap_or_else(|failed| failed),
            Err(failed) => failed,
        }
    }
}

/// What every request of ours is sent with.
pub(crate) fn agent(name: &str, time_limit: Duration, proxy: Option<ureq::Proxy>) -> Result<Agent, Unusable> {
    if name.is_empty() || !name.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Err(Unusable::UserAgent);
    }
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(time_limit))
        .proxy(proxy)
        .user_agent(name)
        .accept("application/json")
        .max_idle_connections(0)
        .max_response_header_size(16 * 1024)
        .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
        .build();
    Ok(config.into())
}

fn judge(response: &mut Response<ureq::Body>, token: &Secret, now_ms: i64) -> Result<Outcome, Outcome> {
    Ok(match response.status() {
        StatusCode::OK => match read(response)? {
            Some(body) if !token.is_in(&body) => Outcome::Ok(body),
            _ => Outcome::BadBody,
        },
        StatusCode::UNAUTHORIZED => Outcome::Unauthorized,
        StatusCode::FORBIDDEN => match read(response) {
            Ok(Some(body)) if names_a_right(&body) => Outcome::Forbidden,
            _ => Outcome::OtherForbidden,
        },
        StatusCode::TOO_MANY_REQUESTS => Outcome::RateLimited(advice_of(response.headers(), now_ms)),
        other if other.is_redirection() && response.headers().contains_key("location") => Outcome::Redirect,
        other => Outcome::Server(other.as_u16()),
    })
}

/// The body; none: it is too long.
fn read(response: &mut Response<ureq::Body>) -> Result<Option<Vec<u8>>, Outcome> {
    let mut body = Vec::new();
    let mut reader = response.body_mut().as_reader().take(MAX_BODY as u64 + 1);
    match reader.read_to_end(&mut body) {
        Ok(_) => Ok((body.len() <= MAX_BODY).then_some(body)),
        Err(error) => Err(failure(&ureq::Error::from(error))),
    }
}

fn failure(error: &ureq::Error) -> Outcome {
    match error {
        ureq::Error::Timeout(_) => Outcome::Timeout,
        ureq::Error::HostNotFound => Outcome::NoName,
        ureq::Error::ConnectionFailed => Outcome::NoConnection,
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => Outcome::Tls,
        ureq::Error::Io(error) => match error.kind() {
            ErrorKind::TimedOut => Outcome::Timeout,
            ErrorKind::ConnectionRefused => Outcome::NoConnection,
            // That is how the TLS library wraps its own errors.
            ErrorKind::InvalidData => Outcome::Tls,
            _ => Outcome::Network,
        },
        _ => Outcome::Network,
    }
}

/// The service itself says that a right is missing. A web page of a proxy that says so does not count.
fn names_a_right(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Answer {
        error: Error,
    }
    #[derive(serde::Deserialize)]
    struct Error {
        #[serde(default)]
        r#type: String,
        #[serde(default)]
        message: String,
    }
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else { return false };
    let words = format!("{} {}", answer.error.r#type, answer.error.message).to_lowercase();
    ["scope", "permission"].iter().any(|word| words.contains(word))
}

fn advice_of(headers: &HeaderMap, now_ms: i64) -> Option<RetryAfter> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    advice::retry_after(text("retry-after")?, text("date"), now_ms)
}
