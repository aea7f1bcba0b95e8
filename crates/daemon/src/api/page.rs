//! The page: four files that are part of the program.
//!
//! Must not: read a file, or hold data.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::{has, tag};

/// The page itself.
#[utoipa::path(get, path = "/", tag = "page", responses((status = OK, content_type = "text/html", body = String)))]
pub(super) async fn index(headers: HeaderMap) -> Response {
    file(&headers, "text/html; charset=utf-8", include_str!("../../assets/index.html"))
}

/// Its script.
#[utoipa::path(get, path = "/assets/app.js", tag = "page", responses((status = OK, content_type = "text/javascript", body = String)))]
pub(super) async fn script(headers: HeaderMap) -> Response {
    file(&headers, "text/javascript; charset=utf-8", include_str!("../../assets/app.js"))
}

/// Its style.
#[utoipa::path(get, path = "/assets/app.css", tag = "page", responses((status = OK, content_type = "text/css", body = String)))]
pub(super) async fn style(headers: HeaderMap) -> Response {
    file(&headers, "text/css; charset=utf-8", include_str!("../../assets/app.css"))
}

/// Its icon.
#[utoipa::path(get, path = "/favicon.svg", tag = "page", responses((status = OK, content_type = "image/svg+xml", body = String)))]
pub(super) async fn icon(headers: HeaderMap) -> Response {
    file(&headers, "image/svg+xml", include_str!("../../assets/favicon.svg"))
}

/// A browser asks each time whether it is still the same: another version of the program may have another.
fn file(headers: &HeaderMap, kind: &'static str, text: &'static str) -> Response {
    let tag = tag(text);
    let always = [(CACHE_CONTROL, HeaderValue::from_static("no-cache")), (ETAG, tag.clone())];
    if has(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, always).into_response();
    }
    (always, [(CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response()
}
