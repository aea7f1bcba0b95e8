//! The pull request of the branch.

use super::{BLUE, Piece, Segment};
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "pr",
    about: "The pull request of the branch; a click opens it where the terminal can",
    example: "PR#412",
    priority: 12,
    colour: BLUE,
    ground: 24,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let pull = scene.payload.pull.as_ref()?;
    let host = pull.host.as_deref();
    let link = pull.url.as_deref().filter(|_| scene.settings.links).and_then(|url| link(url, host?));
    Some(Piece::new(format!("PR#{}", pull.number)).link(link))
}

/// The address as it may stand in a link: on the repository's own host, over TLS, and of nothing but plain characters.
fn link(url: &str, host: &str) -> Option<String> {
    let rest = url.strip_prefix("https://")?;
    let (named, path) = rest.split_once('/')?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/%?=&#+".contains(&byte);
    (!host.is_empty()
        && named == host
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)))
    .then_some(())?;
    let mut link = format!("https://{host}/");
    for byte in path.bytes() {
        if is_plain(byte) { link.push(char::from(byte)) } else { link += &format!("%{byte:02X}") }
    }
    Some(link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_the_repositorys_host_and_hold_nothing_but_plain_characters() {
        let rows = [
            ("https://github.com/a/b/pull/1", "github.com", Some("https://github.com/a/b/pull/1")),
            ("https://github.com/a b\u{1b}\\é", "github.com", Some("https://github.com/a%20b%1B%5C%C3%A9")),
            ("https://evil.example/a", "github.com", None),
            ("https://github.com@evil.example/a", "github.com", None),
            ("http://github.com/a", "github.com", None),
            ("javascript:alert(1)", "github.com", None),
            ("https:///a", "", None),
            ("https://a\u{7}b/", "a\u{7}b", None),
        ];
        for (url, host, expected) in rows {
            assert_eq!(link(url, host).as_deref(), expected, "{url}");
        }
    }
}
