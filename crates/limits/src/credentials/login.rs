//! The JSON that Claude Code keeps a login in. Must not: copy the refresh token, or keep a copy of the access token
//! that is not wiped.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{Broken, Expired, Found, Login};
use crate::secret::Secret;

/// A map and not a struct: a struct would be read from a list as well, and could not tell null from nothing.
type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// `null` and `""` are how a login looks after a logout.
fn is_empty(value: &RawValue) -> bool {
    ["null", "\"\""].contains(&value.get())
}

pub(super) fn parse(bytes: &[u8], now_ms: i64, readable_by_others: bool) -> Found {
    let Ok(text) = std::str::from_utf8(bytes) else { return Found::Broken(Broken::NotJson) };
    if ["null", "\"\""].contains(&text.trim()) {
        return Found::Absent;
    }
    let Ok(stored) = serde_json::from_str::<Fields<'_>>(text) else { return Found::Broken(Broken::NotJson) };
    let Some(oauth) = stored.get("claudeAiOauth").filter(|oauth| !is_empty(oauth)) else {
        return Found::Absent;
    };
    let Ok(oauth) = serde_json::from_str::<Fields<'_>>(oauth.get()) else {
        return Found::Broken(Broken::NotJson);
    };
    found(&oauth, now_ms, readable_by_others).unwrap_or_else(|found| found)
}

fn found(oauth: &Fields<'_>, now_ms: i64, readable_by_others: bool) -> Result<Found, Found> {
    let token = oauth.get("accessToken").ok_or(Found::Broken(Broken::NoToken))?;
    if is_empty(token) {
        return Err(Found::Absent);
    }
    let token: Zeroizing<String> = serde_json::from_str::<String>(token.get())
        .map(Zeroizing::new)
        .map_err(|_| Found::Broken(Broken::OddToken))?;
    let token = Secret::new(token).ok_or(Found::Broken(Broken::OddToken))?;
    let expires_at_ms = oauth.get("expiresAt").and_then(|time| time_ms(time));
    let renewable_until_ms = oauth.get("refreshTokenExpiresAt").and_then(|time| time_ms(time));
    Ok(match expires_at_ms {
        Some(at_ms) if at_ms <= now_ms => {
            Found::Expired(Expired { fingerprint: token.fingerprint(), at_ms, renewable_until_ms })
        }
        _ => Found::Ok(Login {
            token,
            expires_at_ms,
            renewable: oauth.get("refreshToken").is_some_and(|token| !is_empty(token)),
            renewable_until_ms,
            readable_by_others,
        }),
    })
}

/// Milliseconds, as a number or (older files) a text of digits. Anything else is not told.
fn time_ms(value: &RawValue) -> Option<i64> {
    let text = value.get().trim_matches('"');
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    whole.parse().ok().filter(|time| *time > 0)
}
