//! The page: four files that are part of the program.
//!
//! A browser waits for them before it paints anything, so each is compressed once and its tag made once, when it is asked
//! for first.
//! Must not: read a file, or hold data.

use std::io::{self, Write};
use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::answer::{has, tag};

static INDEX: LazyLock<File> =
    LazyLock::new(|| File::new("text/html; charset=utf-8", include_str!("../../assets/index.html")));
static SCRIPT: LazyLock<File> =
    LazyLock::new(|| File::new("text/javascript; charset=utf-8", include_str!("../../assets/app.js")));
static STYLE: LazyLock<File> =
    LazyLock::new(|| File::new("text/css; charset=utf-8", include_str!("../../assets/app.css")));
static ICON: LazyLock<File> =
    LazyLock::new(|| File::new("image/svg+xml", include_str!("../../assets/favicon.svg")));

/// The page itself.
#[utoipa::path(get, path = "/", tag = "page", responses((status = OK, content_type = "text/html", body = String)))]
pub(super) async fn index(headers: HeaderMap) -> Response {
    INDEX.send(&headers)
}

/// Its script.
#[utoipa::path(get, path = "/assets/app.js", tag = "page", responses((status = OK, content_type = "text/javascript", body = String)))]
pub(super) async fn script(headers: HeaderMap) -> Response {
    SCRIPT.send(&headers)
}

/// Its style.
#[utoipa::path(get, path = "/assets/app.css", tag = "page", responses((status = OK, content_type = "text/css", body = String)))]
pub(super) async fn style(headers: HeaderMap) -> Response {
    STYLE.send(&headers)
}

/// Its icon.
#[utoipa::path(get, path = "/favicon.svg", tag = "page", responses((status = OK, content_type = "image/svg+xml", body = String)))]
pub(super) async fn icon(headers: HeaderMap) -> Response {
    ICON.send(&headers)
}

/// A file of the page.
struct File {
    kind: &'static str,
    text: &'static str,
    tag: HeaderValue,
    /// None: it cannot be compressed, and goes as it is.
    gzip: Option<Bytes>,
}

impl File {
    fn new(kind: &'static str, text: &'static str) -> Self {
        Self { kind, text, tag: tag(text), gzip: gzip(text).ok() }
    }

    /// A browser asks each time whether it is still the same: another version of the program may have another.
    fn send(&self, headers: &HeaderMap) -> Response {
        let always = [
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (ETAG, self.tag.clone()),
            (VARY, HeaderValue::from_static("accept-encoding")),
        ];
        if has(headers, &self.tag) {
            return (StatusCode::NOT_MODIFIED, always).into_response();
        }
        let kind = [(CONTENT_TYPE, HeaderValue::from_static(self.kind))];
        match &self.gzip {
            Some(gzip) if takes_gzip(headers) => {
                let packed = [(CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
                (always, kind, packed, gzip.clone()).into_response()
            }
            _ => (always, kind, self.text).into_response(),
        }
    }
}

/// Who asks names gzip, and not only to refuse it.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let named = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        let is_refused =
            weight.trim().strip_prefix("q=").is_some_and(|q| q.trim_matches(['0', '.']).is_empty());
        name.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}

fn gzip(text: &str) -> io::Result<Bytes> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(text.as_bytes())?;
    let mut packed = packed.finish()?;
    packed.shrink_to_fit();
    Ok(packed.into())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    fn asked(accept: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(accept))])
    }

    #[test]
    fn what_is_compressed_once_is_the_file() {
        for file in [&INDEX, &SCRIPT, &STYLE, &ICON] {
            let mut told = String::new();
            let packed = file.gzip.as_deref().expect("it is compressed");
            GzDecoder::new(packed).read_to_string(&mut told).expect("gzip");
            assert!(told == file.text, "{}", file.kind);
            assert_eq!(file.send(&asked("gzip")).headers()[CONTENT_ENCODING], "gzip");
            assert!(!file.send(&asked("br")).headers().contains_key(CONTENT_ENCODING));
        }
    }

    #[test]
    fn gzip_is_sent_to_whoever_takes_it_and_only_then() {
        let takes = |value| takes_gzip(&asked(value));
        for value in ["gzip", "gzip, deflate, br, zstd", "br;q=1.0, GZIP;q=0.5", "identity,gzip;q=0.001"] {
            assert!(takes(value), "{value}");
        }
        for value in ["", "identity", "br", "gzip;q=0", "gzip; q=0.000, br", "x-gzipped"] {
            assert!(!takes(value), "{value}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
