//! Whether an account's login still works.

/// What is known of an account's login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Login {
    /// Nobody has tried it yet.
    #[default]
    Unknown,
    /// The service accepted it when last asked.
    Active,
    /// It is dead, and only the user can mend it.
    NeedsLogin {
        /// Why.
        reason: Reason,
        /// Since when, UTC milliseconds.
        since_ms: i64,
    },
}

/// Why only the user can mend a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The service refused its token.
    Unauthorized,
    /// The service refuses what the token may do.
    Forbidden,
    /// The service gives no new token for it: its session has ended.
    SessionEnded,
    /// There is no credential.
    LoggedOut,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Unauthorized, Self::Forbidden, Self::SessionEnded, Self::LoggedOut];

    /// Its name in the ledger and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::SessionEnded => "session_ended",
            Self::LoggedOut => "logged_out",
        }
    }
}

/// What happened to a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoginEvent {
    /// The service answered it.
    Accepted,
    /// It turned out to be dead.
    Died(Reason),
    /// Another credential lies where its own lay.
    CredentialChanged,
}

impl Login {
    /// The state after an event at `at_ms` (UTC milliseconds). A login that is dead stays so, since the time it died,
    /// until its credential changes or the service accepts it.
    pub fn after(self, event: LoginEvent, at_ms: i64) -> Self {
        match (event, self) {
            (LoginEvent::Accepted, _) => Self::Active,
            (LoginEvent::CredentialChanged, _) => Self::Unknown,
            (LoginEvent::Died(reason), Self::NeedsLogin { since_ms, .. }) => {
                Self::NeedsLogin { reason, since_ms }
            }
            (LoginEvent::Died(reason), _) => Self::NeedsLogin { reason, since_ms: at_ms },
        }
    }

    /// Only the user can mend it.
    pub fn is_dead(self) -> bool {
        matches!(self, Self::NeedsLogin { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_dead_since_it_died_until_its_credential_changes_or_works() {
        let dead = Login::Active.after(LoginEvent::Died(Reason::Unauthorized), 5);
        assert_eq!(dead, Login::NeedsLogin { reason: Reason::Unauthorized, since_ms: 5 });
        let still = dead.after(LoginEvent::Died(Reason::SessionEnded), 9);
        assert_eq!(still, Login::NeedsLogin { reason: Reason::SessionEnded, since_ms: 5 });
        assert_eq!(still.after(LoginEvent::CredentialChanged, 9), Login::Unknown);
        assert_eq!(still.after(LoginEvent::Accepted, 9), Login::Active);
        let dead = [Login::Unknown, Login::Active, still].map(Login::is_dead);
        assert_eq!(dead, [false, false, true]);
    }
}
