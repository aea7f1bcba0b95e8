//! Where a refresh token may be sent: the service's own address, or this machine. Must not: accept anything else, from
//! whatever setting it comes.

use std::fmt;

use crate::base;

const HOST: &str = "platform.claude.com";
const PATH: &str = "/v1/oauth/token";

/// The one address that refresh tokens are sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenUrl {
    text: String,
    loopback: bool,
}

/// An address where no refresh token may be sent.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0:?} is not allowed; logins are renewed at https://platform.claude.com/v1/oauth/token, or on this machine (http://127.0.0.1:PORT/v1/oauth/token)"
)]
pub struct TokenUrlNotAllowed(String);

impl TokenUrl {
    /// The service itself.
    pub fn official() -> Self {
        Self { text: format!("https://{HOST}{PATH}"), loopback: false }
    }

    /// The official address, or the same path on a loopback address.
    pub fn parse(text: &str) -> Result<Self, TokenUrlNotAllowed> {
        let official = Self::official();
        if text == official.text {
            return Ok(official);
        }
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        match rest.and_then(|rest| rest.strip_suffix(PATH)) {
            Some(authority) if base::is_loopback(authority) => {
                Ok(Self { text: text.to_owned(), loopback: true })
            }
            _ => Err(TokenUrlNotAllowed(text.to_owned())),
        }
    }

    /// The host whose proxy counts; none: this machine, without a proxy.
    pub(super) fn host(&self) -> Option<&'static str> {
        (!self.loopback).then_some(HOST)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for TokenUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_token_is_sent_to_the_service_or_to_this_machine_and_nowhere_else() {
        assert_eq!(
            TokenUrl::parse("https://platform.claude.com/v1/oauth/token").unwrap(),
            TokenUrl::official()
        );
        for text in ["http://127.0.0.1:8080/v1/oauth/token", "http://localhost/v1/oauth/token"] {
            assert_eq!(TokenUrl::parse(text).unwrap().host(), None, "{text}");
        }
        for text in [
            "",
            "http://platform.claude.com/v1/oauth/token",
            "https://platform.claude.com/v1/oauth/token/",
            "https://platform.claude.com/v1/oauth/token?x",
            "https://platform.claude.com:444/v1/oauth/token",
            "https://platform.claude.com.evil.example/v1/oauth/token",
            "https://platform.claude.com@evil.example/v1/oauth/token",
            "https://api.anthropic.com/v1/oauth/token",
            "https://evil.example/v1/oauth/token",
            "http://127.0.0.1:80@evil.example/v1/oauth/token",
            "http://127.0.0.1.evil.example/v1/oauth/token",
            "http://127.0.0.1:8080",
            "http://127.0.0.1:8080/other",
            "http://evil.example/127.0.0.1/v1/oauth/token",
        ] {
            assert!(TokenUrl::parse(text).is_err(), "{text:?}");
        }
    }
}
