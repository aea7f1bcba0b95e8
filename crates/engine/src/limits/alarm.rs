//! When no limit can be told any more, for anybody: what is to be said of it, and whether the desktop is to be told.
//!
//! Must not: say it.

use cco_model::limit::alert;
use cco_model::limit::login::{Login, Reason};

use super::{AccountLimits, KnownAccount};

/// Every login that matters is dead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllDead {
    /// The accounts: why, and since when (UTC milliseconds).
    pub accounts: Vec<(KnownAccount, Reason, i64)>,
    /// It was not said within the last day.
    pub is_due: bool,
}

/// The alarm, if there is reason for one: the logins of all accounts that a directory holds are dead, or, where none
/// holds any, those of all that are known. `said_ms`: when it was said last, UTC milliseconds.
pub fn all_dead(limits: &[AccountLimits], said_ms: Option<i64>, now_ms: i64) -> Option<AllDead> {
    let is_here = |known: &&AccountLimits| !known.directories.is_empty();
    let any_here = limits.iter().any(|known| is_here(&known));
    let of_interest = || limits.iter().filter(|known| !any_here || is_here(known));
    if !alert::all_dead(of_interest().map(|known| known.login)) {
        return None;
    }
    let dead = |known: &AccountLimits| match known.login {
        Login::NeedsLogin { reason, since_ms } => Some((known.account.clone(), reason, since_ms)),
        Login::Unknown | Login::Active => None,
    };
    Some(AllDead {
        accounts: of_interest().filter_map(dead).collect(),
        is_due: alert::is_due(said_ms, now_ms),
    })
}

#[cfg(test)]
mod tests {
    use cco_model::limit::AccountId;
    use cco_model::limit::mark::Sessions;

    use super::super::Attempts;
    use super::*;

    fn account(name: &str, login: Login, directory: Option<&str>) -> AccountLimits {
        let id = AccountId { organization: "org".into(), account: name.into() };
        let (email, name) = (format!("{name}@example.com"), String::new());
        AccountLimits {
            account: KnownAccount { row: 1, id, email, name, first_ms: 0, removed: false },
            directories: directory.into_iter().map(str::to_owned).collect(),
            windows: Vec::new(),
            login,
            trouble: None,
            is_logged_out: false,
            next_try_ms: None,
            attempts: Attempts::default(),
            sessions: Sessions::Live,
        }
    }

    const DEAD: Login = Login::NeedsLogin { reason: Reason::Unauthorized, since_ms: 5 };

    #[test]
    fn it_is_raised_when_all_that_are_here_are_dead_and_repeated_after_a_day() {
        let (one, two) = (account("one", DEAD, Some("/one")), account("two", DEAD, Some("/two")));
        let gone = account("gone", Login::Active, None);
        let alive = account("two", Login::Active, Some("/two"));
        let day = 24 * 3_600_000;
        assert_eq!(all_dead(&[], None, 9), None);
        assert_eq!(all_dead(&[one.clone(), alive, gone.clone()], None, 9), None);
        let raised = all_dead(&[one.clone(), two, gone], None, 9).expect("an alarm");
        assert_eq!((raised.accounts.len(), raised.is_due), (2, true), "who is not here says nothing");
        let is_due = |said| all_dead(std::slice::from_ref(&one), said, day).expect("an alarm").is_due;
        assert!(!is_due(Some(1)) && is_due(Some(0)) && is_due(Some(3 * day)));
        let away = account("away", DEAD, None);
        assert!(all_dead(&[away], None, 9).is_some(), "nobody is logged in anywhere");
    }
}
