//! Who may ask at all: pages of other origins may not, and neither may whoever has no token.
//!
//! Must not: give a reason to try again with something near.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use super::{Api, places};
use crate::setup::Http;
use crate::shared::Shared;

/// Routes that hold no data, or say no more than whether all is well or that this is the daemon, and the one that gives the
/// token for a code.
pub(super) const OPEN: [&str; 7] =
    ["/", "/assets/app.js", "/assets/app.css", "/favicon.svg", "/api/health", "/api/proof", "/api/session"];

/// What proxies add to a request.
const PROXIED: [&str; 7] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
];

/// Whose request it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Refuses what a page of another origin could send, and whatever does not name this daemon.
pub(super) async fn keep_strangers_out(
    State(api): State<Arc<Api>>,
    request: Request,
    next: Next,
) -> Response {
    let (method, uri, headers) = (request.method(), request.uri(), request.headers());
    match judge(method, uri, headers, &api.http(), api.address.port()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Lets in who has the token, and whoever needs none.
pub(super) async fn ask_for_token(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let is_open = request.extensions().get::<MatchedPath>().is_some_and(|path| OPEN.contains(&path.as_str()));
    if is_open {
        return next.run(request).await;
    }
    if is_admitted(&request, &api) {
        // A daemon that nobody uses may leave.
        api.is_used();
        let hold = request.extensions().get::<places::Handle>().map(places::Handle::hold);
        let answer = next.run(request).await;
        return match hold {
            Some(hold) => hold.until_sent(answer),
            None => answer,
        };
    }
    Problem::new(StatusCode::UNAUTHORIZED, "this needs the token of the daemon")
        .hint("send `Authorization: Bearer TOKEN`; `cco daemon token` prints it, `cco dashboard` opens the page with it")
        .into_response()
}

/// The request has the token, or is one that needs none by the settings.
pub(super) fn is_admitted(request: &Request, shared: &Shared) -> bool {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let Peer(peer) = request.extensions().get::<Peer>().copied().unwrap_or(Peer(([0, 0, 0, 0], 0).into()));
    // Through a proxy everybody comes from this machine: only a loopback name says that somebody really does, where
    // no proxy says that it stands between.
    let host = one(request.headers(), &HOST).ok().flatten();
    let is_passed_on = PROXIED.iter().any(|name| request.headers().contains_key(*name));
    let is_here = peer.ip().is_loopback()
        && !is_passed_on
        && host.is_some_and(|host| is_loopback(host, shared.address.port()));
    let is_of_here = shared.address.ip().is_loopback();
    (reads && is_here && is_of_here && shared.http().open_reads) || has_token(request.headers(), shared)
}

fn has_token(headers: &HeaderMap, shared: &Shared) -> bool {
    let Ok(Some(given)) = one(headers, &AUTHORIZATION) else { return false };
    let Some((scheme, token)) = given.split_once(' ') else { return false };
    scheme.eq_ignore_ascii_case("bearer") && shared.tokens.admits(token)
}

fn judge(method: &Method, uri: &Uri, headers: &HeaderMap, http: &Http, port: u16) -> Result<(), Problem> {
    let refused = |why: &str| Problem::new(StatusCode::FORBIDDEN, why);
    let host = one(headers, &HOST)?.ok_or_else(|| refused("the request names no host"))?;
    let is_ours = is_loopback(host, port) || is_listed(host, &http.hosts, port);
    if !is_ours || uri.authority().is_some_and(|named| named.as_str() != host) {
        return Err(refused("the request names a host that is not this daemon")
            .hint("use 127.0.0.1 or localhost with its port; `hosts` in config.toml lists further names"));
    }
    if let Some(origin) = one(headers, &ORIGIN)?
        && !is_origin(origin, host, is_loopback(host, port))
    {
        return Err(refused("the request comes from a page of another origin"));
    }
    let site = HeaderName::from_static("sec-fetch-site");
    if let Some(site) = one(headers, &site)?
        && !matches!(site, "same-origin" | "none")
        && !is_visit(method, uri, headers)
    {
        return Err(refused("the request comes from a page of another site"));
    }
    Ok(())
}

/// Lets in what changes something only where it was sent as no form and no plain request of a page can be.
pub(super) async fn ask_for_intent(request: Request, next: Next) -> Response {
    // Other methods are refused behind this: it stands before a path, not before a method.
    match judge_change(request.headers()) {
        Err(problem) if request.method() == Method::POST => problem.into_response(),
        _ => next.run(request).await,
    }
}

fn judge_change(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = one(headers, &CONTENT_TYPE)?.unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is to be JSON")
            .hint("send `Content-Type: application/json`"));
    }
    if one(headers, &HeaderName::from_static("x-cco"))? != Some("1") {
        return Err(
            Problem::new(StatusCode::FORBIDDEN, "a header is missing").hint("send `X-Cco: 1` with a POST")
        );
    }
    Ok(())
}

/// Somebody follows a link to the page, which holds no data: that is not a page that asks.
fn is_visit(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    let says = |name: &'static str, what: &str| matches!(one(headers, &HeaderName::from_static(name)), Ok(Some(said)) if said == what);
    let is_page = *method == Method::GET && uri.path() == "/";
    is_page && says("sec-fetch-mode", "navigate") && says("sec-fetch-dest", "document")
}

/// The value of a header that is there once; none: it is not there. Two of one kind are refused, and so is what is no
/// plain text.
fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    match (value.to_str(), values.next()) {
        (Ok(value), None) => Ok(Some(value)),
        _ => Err(Problem::new(StatusCode::BAD_REQUEST, format!("the header {name} cannot be understood"))),
    }
}

/// Exactly a name of this machine for itself, with our port; a browser leaves out port 80.
fn is_loopback(host: &str, port: u16) -> bool {
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| is_name(host, name, port))
}

fn is_listed(host: &str, listed: &[String], port: u16) -> bool {
    // One that is listed without a port may also stand behind something that has another.
    listed.iter().any(|name| host == name || is_name(host, name, port))
}

fn is_name(host: &str, name: &str, port: u16) -> bool {
    match host.strip_prefix(name) {
        Some("") => port == 80,
        Some(rest) => rest.strip_prefix(':').is_some_and(|text| *text == port.to_string()),
        None => false,
    }
}

/// The origin of a page that came from this very host.
fn is_origin(origin: &str, host: &str, is_loopback: bool) -> bool {
    let plain = origin.strip_prefix("http://");
    // Somebody else may speak TLS for us, but not on loopback.
    let origin = plain.or_else(|| origin.strip_prefix("https://").filter(|_| !is_loopback));
    origin == Some(host)
}
