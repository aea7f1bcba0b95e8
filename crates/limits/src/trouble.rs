//! Why limits could not be had, in the words that people are shown.
//!
//! Must not: hold anything of a credential or of an answer; a trouble is stored and printed.

use std::fmt;

/// Why there is no newer answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// Another process asks at this moment.
    Refreshing,
    /// The login's time is over; Claude Code renews it when it is opened.
    Expired,
    /// Nobody is logged in.
    NoCredentials,
    /// The system's key store gave no answer.
    KeychainError,
    /// The login is there and cannot be used.
    CredentialsUnreadable,
    /// The service does not know the login any more.
    Unauthorized,
    /// The login may not ask this.
    Forbidden,
    /// Asked too often.
    RateLimited,
    /// No answer in time.
    Timeout,
    /// The service cannot be reached, or is ill.
    Network,
    /// The answer makes no sense.
    Parse,
    /// Nothing was asked yet.
    NoData,
}

impl Trouble {
    /// Every trouble.
    pub const ALL: [Self; 12] = [
        Self::Refreshing,
        Self::Expired,
        Self::NoCredentials,
        Self::KeychainError,
        Self::CredentialsUnreadable,
        Self::Unauthorized,
        Self::Forbidden,
        Self::RateLimited,
        Self::Timeout,
        Self::Network,
        Self::Parse,
        Self::NoData,
    ];
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refreshing => "Refreshing",
            Self::Expired => "Expired",
            Self::NoCredentials => "No credentials",
            Self::KeychainError => "Keychain error",
            Self::CredentialsUnreadable => "Credentials unreadable",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::RateLimited => "Rate limited",
            Self::Timeout => "Timeout",
            Self::Network => "Network error",
            Self::Parse => "Parse error",
            Self::NoData => "No data",
        })
    }
}
