//! The credential file as a text in which a few values are replaced and nothing else is touched.
//!
//! Must not: write, or lose a byte that it does not understand.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::EARLY_MS;
use crate::credentials::{Found, read_file};
use crate::secret::{Fingerprint, Secret};

type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// Why there is nothing to renew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// Nobody is logged in.
    Absent,
    /// There is a login without a refresh token.
    NotRenewable,
    /// It is damaged, half-written, or no regular file of this user.
    Broken,
    /// It cannot be read now.
    Unreadable,
}

/// What follows a credential.
pub(super) struct Successor {
    pub(super) access: Secret,
    /// None: the old one stays.
    pub(super) refresh: Option<Secret>,
    pub(super) expires_at_ms: i64,
    pub(super) renewable_until_ms: Option<i64>,
}

/// A login that can be renewed, with all that stands around it.
pub(super) struct Credential {
    pub(super) text: Zeroizing<String>,
    pub(super) refresh: Secret,
    pub(super) access: Fingerprint,
    expires_at_ms: Option<i64>,
}

impl Credential {
    pub(super) fn read(path: &Path) -> Result<Self, Lack> {
        let content = read_file(path).map_err(|found| match found {
            Found::Absent => Lack::Absent,
            Found::Unreadable(_) => Lack::Unreadable,
            _ => Lack::Broken,
        })?;
        Self::parse(&content)
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Lack> {
        let text = std::str::from_utf8(bytes).map_err(|_| Lack::Broken)?;
        if ["null", "\"\""].contains(&text.trim()) {
            return Err(Lack::Absent);
        }
        let oauth = oauth_of(text)?;
        if is_empty(oauth.get("accessToken")) && oauth.contains_key("accessToken") {
            return Err(Lack::Absent);
        }
        let access = secret(oauth.get("accessToken")).ok_or(Lack::Broken)?;
        if is_empty(oauth.get("refreshToken")) {
            return Err(Lack::NotRenewable);
        }
        let refresh = secret(oauth.get("refreshToken")).ok_or(Lack::Broken)?;
        let expires_at_ms = oauth.get("expiresAt").and_then(|time| {
            let whole = time.get().trim_matches('"').split('.').next()?;
            whole.parse().ok().filter(|time| *time > 0)
        });
        Ok(Self {
            text: Zeroizing::new(text.to_owned()),
            refresh,
            access: access.fingerprint(),
            expires_at_ms,
        })
    }

    /// Its time is over, or nearly. One whose end is not told is never due.
    pub(super) fn is_due(&self, now_ms: i64) -> bool {
        self.expires_at_ms.is_some_and(|at| at.saturating_sub(EARLY_MS) <= now_ms)
    }

    /// The whole text with the successor in it. None: it would not say what it must.
    pub(super) fn with(&self, successor: &Successor) -> Option<Zeroizing<String>> {
        let mut values = vec![
            ("accessToken", quoted(&successor.access)?),
            ("expiresAt", Zeroizing::new(successor.expires_at_ms.to_string())),
        ];
        if let Some(refresh) = &successor.refresh {
            values.push(("refreshToken", quoted(refresh)?));
        }
        if let Some(until_ms) = successor.renewable_until_ms {
            values.push(("refreshTokenExpiresAt", Zeroizing::new(until_ms.to_string())));
        }
        let text = self.replaced(&values)?;
        let new = Self::parse(text.as_bytes()).ok()?;
        let refresh = successor.refresh.as_ref().unwrap_or(&self.refresh).fingerprint();
        let right = new.access == successor.access.fingerprint() && new.refresh.fingerprint() == refresh;
        right.then_some(text)
    }

    fn replaced(&self, values: &[(&str, Zeroizing<String>)]) -> Option<Zeroizing<String>> {
        let oauth = oauth_of(&self.text).ok()?;
        let whole: Fields<'_> = serde_json::from_str(&self.text).ok()?;
        let inside = range_in(&self.text, whole.get("claudeAiOauth")?).start + 1;
        let mut edits: Vec<(Range<usize>, Zeroizing<String>)> = Vec::new();
        for (key, value) in values {
            edits.push(match oauth.get(*key) {
                Some(old) => (range_in(&self.text, old), value.clone()),
                None => (inside..inside, Zeroizing::new(format!("\"{key}\":{},", value.as_str()))),
            });
        }
        edits.sort_by_key(|(range, _)| range.start);
        let room = self.text.len() + edits.iter().map(|(_, new)| new.len()).sum::<usize>();
        let (mut text, mut at) = (Zeroizing::new(String::with_capacity(room)), 0);
        for (range, new) in &edits {
            text.push_str(self.text.get(at..range.start)?);
            text.push_str(new);
            at = range.end;
        }
        text.push_str(self.text.get(at..)?);
        Some(text)
    }
}

fn oauth_of(text: &str) -> Result<Fields<'_>, Lack> {
    let whole: Fields<'_> = serde_json::from_str(text).map_err(|_| Lack::Broken)?;
    let oauth = whole.get("claudeAiOauth").copied();
    if is_empty(oauth.as_ref()) {
        return Err(Lack::Absent);
    }
    oauth.and_then(|oauth| serde_json::from_str(oauth.get()).ok()).ok_or(Lack::Broken)
}

/// Where a value stands in the text that it was read from.
fn range_in(text: &str, value: &RawValue) -> Range<usize> {
    let start = value.get().as_ptr().addr() - text.as_ptr().addr();
    start..start + value.get().len()
}

/// `null` and `""` are how a login looks after a logout.
fn is_empty(value: Option<&&RawValue>) -> bool {
    value.is_none_or(|value| ["null", "\"\""].contains(&value.get()))
}

fn secret(value: Option<&&RawValue>) -> Option<Secret> {
    Secret::new(Zeroizing::new(serde_json::from_str::<String>(value?.get()).ok()?))
}

fn quoted(secret: &Secret) -> Option<Zeroizing<String>> {
    serde_json::to_string(secret.expose()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn successor(refresh: Option<&str>) -> Successor {
        Successor {
            access: Secret::new("tok-\"new\"".to_owned()).unwrap(),
            refresh: refresh.map(|token| Secret::new(token.to_owned()).unwrap()),
            expires_at_ms: 99,
            renewable_until_ms: None,
        }
    }

    #[test]
    fn everything_but_the_login_stays_to_the_byte() {
        let old = "{ \"mcpOAuth\" : {\"n\":1.10e2,\"é\":\"\\u00e9\"},\n\"claudeAiOauth\":{\"accessToken\":\"tok-old\" , \"new\":[1, 2],\"refreshToken\":\"ref-old\",\"expiresAt\": 5 ,\"scopes\":[ ]},\"x\":18446744073709551616}\n";
        let credential = Credential::parse(old.as_bytes()).unwrap();
        let new = credential.with(&successor(Some("ref-new"))).unwrap();
        let expected = old
            .replace("\"tok-old\"", r#""tok-\"new\"""#)
            .replace("ref-old", "ref-new")
            .replace(": 5 ", ": 99 ");
        assert_eq!(*new, expected);
    }

    #[test]
    fn the_old_refresh_token_stays_when_none_came_back_and_what_was_not_there_is_added() {
        let old = r#"{"claudeAiOauth":{"accessToken":"a","refreshToken":"ref-old"}}"#;
        let credential = Credential::parse(old.as_bytes()).unwrap();
        let new = credential.with(&Successor { renewable_until_ms: Some(7), ..successor(None) }).unwrap();
        assert_eq!(
            *new,
            r#"{"claudeAiOauth":{"expiresAt":99,"refreshTokenExpiresAt":7,"accessToken":"tok-\"new\"","refreshToken":"ref-old"}}"#
        );
    }

    #[test]
    fn of_keys_that_stand_there_twice_the_last_counts_as_for_claude_code() {
        let old =
            r#"{"claudeAiOauth":{"accessToken":"a","refreshToken":"x","refreshToken":"y","expiresAt":1}}"#;
        let new = Credential::parse(old.as_bytes()).unwrap().with(&successor(Some("z"))).unwrap();
        assert!(new.contains(r#""refreshToken":"x","refreshToken":"z""#), "{}", *new);
    }

    #[test]
    fn a_login_that_is_over_or_has_a_minute_left_is_due() {
        let due = |expires: &str, now_ms| {
            let text = format!(r#"{{"claudeAiOauth":{{"accessToken":"a","refreshToken":"r"{expires}}}}}"#);
            Credential::parse(text.as_bytes()).unwrap().is_due(now_ms)
        };
        assert!(!due(",\"expiresAt\":100000", 39_999));
        assert!(due(",\"expiresAt\":100000", 40_000) && due(",\"expiresAt\":\"100000\"", 200_000));
        assert!(!due("", i64::MAX) && !due(",\"expiresAt\":null", i64::MAX) && !due(",\"expiresAt\":0", 9));
    }
}
