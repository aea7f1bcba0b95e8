//! Why no answer of the service can be shown.

use jiff::tz::TimeZone;

use crate::civil;

/// What stood between us and an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// Another process is asking right now.
    Refreshing,
    /// The token has expired; Claude Code makes a new one when it is opened.
    Expired,
    /// Nobody is logged in.
    NoCredentials,
    /// The system's key store did not answer.
    KeychainError,
    /// The credential is damaged.
    CredentialsUnreadable,
    /// The service refused the token.
    Unauthorized,
    /// The service refuses what the token may do.
    Forbidden,
    /// The service asked for patience.
    RateLimited {
        /// Until when, UTC milliseconds.
        until_ms: i64,
    },
    /// The service did not answer in time.
    Timeout,
    /// The service could not be reached, for a reason that has no name here.
    Network,
    /// Nobody took the connection.
    NoConnection,
    /// The service's name leads nowhere.
    NoName,
    /// No safe connection came about.
    Tls,
    /// Something on the way sent us elsewhere.
    Redirect,
    /// The service fails.
    Server,
    /// The answer could not be read.
    Parse,
    /// There is none, and no reason to name.
    NoData,
}

impl Trouble {
    /// Every trouble; times are none.
    pub const ALL: [Self; 17] = [
        Self::Refreshing,
        Self::Expired,
        Self::NoCredentials,
        Self::KeychainError,
        Self::CredentialsUnreadable,
        Self::Unauthorized,
        Self::Forbidden,
        Self::RateLimited { until_ms: 0 },
        Self::Timeout,
        Self::Network,
        Self::NoConnection,
        Self::NoName,
        Self::Tls,
        Self::Redirect,
        Self::Server,
        Self::Parse,
        Self::NoData,
    ];

    /// The trouble of this short form; `until_ms` is when patience ends.
    pub fn of_short(short: &str, until_ms: i64) -> Option<Self> {
        let trouble = Self::ALL.into_iter().find(|known| known.short() == short)?;
        Some(if let Self::RateLimited { .. } = trouble { Self::RateLimited { until_ms } } else { trouble })
    }

    /// When patience ends, UTC milliseconds, where it was asked for.
    pub fn until_ms(self) -> Option<i64> {
        if let Self::RateLimited { until_ms } = self { Some(until_ms) } else { None }
    }

    /// Its short form, which stands in brackets on the status line.
    pub fn short(self) -> &'static str {
        match self {
            Self::Refreshing => "refreshing",
            Self::Expired => "expired",
            Self::NoCredentials => "no login",
            Self::KeychainError => "keychain",
            Self::CredentialsUnreadable => "credentials",
            Self::Unauthorized => "login",
            Self::Forbidden => "forbidden",
            Self::RateLimited { .. } => "rate limit",
            Self::Timeout => "timeout",
            Self::Network => "network",
            Self::NoConnection => "refused",
            Self::NoName => "no name",
            Self::Tls => "tls",
            Self::Redirect => "redirect",
            Self::Server => "server",
            Self::Parse => "parse",
            Self::NoData => "no data",
        }
    }

    /// Its long form, with what to do where there is something; times are those of this zone.
    pub fn long(self, zone: &TimeZone) -> String {
        let words = match self {
            Self::Refreshing => "Refreshing",
            Self::Expired => "Expired (open Claude Code)",
            Self::NoCredentials => "No credentials",
            Self::KeychainError => "Keychain error",
            Self::CredentialsUnreadable => "Credentials unreadable",
            Self::Unauthorized => "Unauthorized (run `claude /login`)",
            Self::Forbidden => "Forbidden",
            Self::RateLimited { until_ms } => {
                let at = zone.to_datetime(civil::timestamp(until_ms)).time();
                return format!("Rate limited (until {:02}:{:02})", at.hour(), at.minute());
            }
            Self::Timeout => "Timeout (the network or the service is slow)",
            Self::Network => "Network error (see whether this machine is online)",
            Self::NoConnection => "Connection refused (see what HTTPS_PROXY and the firewall say)",
            Self::NoName => "Name not found (see whether this machine is online, and its DNS)",
            Self::Tls => "TLS failure (see the clock, and whether a proxy reads along)",
            Self::Redirect => "Redirect refused (a network that wants a login first: open a web page)",
            Self::Server => "Server error (nothing to mend here: it passes)",
            Self::Parse => "Parse error (something on the way answered, or a newer cco is needed)",
            Self::NoData => "No data",
        };
        words.to_owned()
    }

    /// It stays until the user does something about the login. A refusal on the way to the service is shown as
    /// [`Trouble::Forbidden`] as well: where a back-off is at hand, [`Tag::is_auth`](super::backoff::Tag::is_auth)
    /// tells the two apart.
    pub fn needs_user(self) -> bool {
        matches!(
            self,
            Self::NoCredentials | Self::CredentialsUnreadable | Self::Unauthorized | Self::Forbidden
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trouble_has_a_long_and_a_short_form() {
        // 2026-02-08 13:18 UTC.
        let until_ms = 1_770_556_680_000;
        let rows = [
            (Trouble::Refreshing, "refreshing", "Refreshing", false),
            (Trouble::Expired, "expired", "Expired (open Claude Code)", false),
            (Trouble::NoCredentials, "no login", "No credentials", true),
            (Trouble::KeychainError, "keychain", "Keychain error", false),
            (Trouble::CredentialsUnreadable, "credentials", "Credentials unreadable", true),
            (Trouble::Unauthorized, "login", "Unauthorized (run `claude /login`)", true),
            (Trouble::Forbidden, "forbidden", "Forbidden", true),
            (Trouble::RateLimited { until_ms }, "rate limit", "Rate limited (until 19:03)", false),
            (Trouble::Timeout, "timeout", "Timeout (the network or the service is slow)", false),
            (Trouble::Network, "network", "Network error (see whether this machine is online)", false),
            (
                Trouble::NoConnection,
                "refused",
                "Connection refused (see what HTTPS_PROXY and the firewall say)",
                false,
            ),
            (
                Trouble::NoName,
                "no name",
                "Name not found (see whether this machine is online, and its DNS)",
                false,
            ),
            (Trouble::Tls, "tls", "TLS failure (see the clock, and whether a proxy reads along)", false),
            (
                Trouble::Redirect,
                "redirect",
                "Redirect refused (a network that wants a login first: open a web page)",
                false,
            ),
            (Trouble::Server, "server", "Server error (nothing to mend here: it passes)", false),
            (
                Trouble::Parse,
                "parse",
                "Parse error (something on the way answered, or a newer cco is needed)",
                false,
            ),
            (Trouble::NoData, "no data", "No data", false),
        ];
        let kathmandu = TimeZone::get("Asia/Kathmandu").expect("the system's zone database has this zone");
        for (trouble, short, long, needs_user) in rows {
            assert_eq!((trouble.short(), trouble.long(&kathmandu).as_str()), (short, long));
            assert_eq!(trouble.needs_user(), needs_user, "{trouble:?}");
            assert_eq!(Trouble::of_short(short, until_ms), Some(trouble));
        }
    }
}
