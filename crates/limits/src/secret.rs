//! A token that cannot be printed, and the hash by which caches tell logins apart.
//!
//! Must not: implement `Display`, `Serialize` or `PartialEq` for the token, or give a part of it to anybody. What a
//! library copies of it (the header of a request) is not wiped; everything that is ours is.

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Keeps the hash of a token apart from any other use of SHA-256 over the same bytes. A token is long and random, so
/// nobody guesses one from eight bytes of its hash.
const SALT: &[u8] = b"cco credential fingerprint 1\0";

/// An access token. It is wiped when it goes.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a token over. None: it could not stand in a header (empty, blanks, anything but visible ASCII).
    pub fn new(token: impl Into<Zeroizing<String>>) -> Option<Self> {
        let token = token.into();
        let fits = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then_some(Self(token))
    }

    /// The token itself, for the request that it belongs to.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Stands for this token in files.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hash = Sha256::new();
        hash.update(SALT);
        hash.update(self.0.as_bytes());
        let mut short = [0; 8];
        short.copy_from_slice(&hash.finalize()[..8]);
        Fingerprint(u64::from_be_bytes(short))
    }

    /// These bytes hold the token.
    pub(crate) fn is_in(&self, bytes: &[u8]) -> bool {
        bytes.windows(self.0.len()).any(|window| window == self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Stands for a credential where the credential must not be: part of a salted hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// Reads the sixteen hex digits that [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let fits = text.len() == 16 && text.bytes().all(digits);
        fits.then(|| u64::from_str_radix(text, 16).ok()).flatten().map(Self)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl serde::Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Fingerprint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("no fingerprint"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "tok-canary-0123456789-abcdefghij";

    fn secret(token: &str) -> Option<Secret> {
        Secret::new(token.to_owned())
    }

    #[test]
    fn a_secret_shows_no_six_characters_of_itself() {
        let secret = secret(TOKEN).unwrap();
        let shown = format!("{secret:?} {secret:#?} {:?} {}", Some(&secret), secret.fingerprint());
        for part in TOKEN.as_bytes().windows(6) {
            assert!(!shown.contains(std::str::from_utf8(part).unwrap()), "{shown}");
        }
    }

    #[test]
    fn a_fingerprint_tells_tokens_apart_and_is_read_back() {
        let one = secret(TOKEN).unwrap().fingerprint();
        assert_eq!(one, secret(TOKEN).unwrap().fingerprint());
        assert_ne!(one, secret("tok-canary-0123456789-abcdefghik").unwrap().fingerprint());
        assert_eq!(Fingerprint::parse(&one.to_string()), Some(one));
        for text in ["", "157c8837", "+57c8837157c8837", "157C8837157C8837", "157c8837157c88370"] {
            assert_eq!(Fingerprint::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_fingerprint_is_not_the_plain_hash_of_the_token() {
        let plain = Sha256::digest(TOKEN.as_bytes());
        let plain: String = plain.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        assert_ne!(secret(TOKEN).unwrap().fingerprint().to_string(), plain);
    }

    #[test]
    fn what_could_not_stand_in_a_header_is_no_token() {
        for token in ["", " ", "two words", "line\nbreak", "line\r\nX-Injected: 1", "ключ", "nul\0"] {
            assert!(secret(token).is_none(), "{token:?}");
        }
    }
}
