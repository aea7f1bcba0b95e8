//! Bugs that can be planted on purpose, to see that the tests which should catch them do.
//!
//! Only a build with the feature `planted-bugs` can plant one. Without it [`planted`] is a constant `false`, so call
//! sites need no `cfg` and the planted branch is compiled away.
//! Must not: be asked for anything but a deliberate mistake.

#[cfg(feature = "planted-bugs")]
use std::sync::OnceLock;

/// A mistake that the program makes when told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bug {
    /// A file's offset is committed in another transaction than the calls that were read up to it.
    SplitOffsetTransaction,
    /// Writing transactions begin as readers, so that two writers can meet.
    DeferredTransaction,
    /// Of a call's rows the first one seen is believed.
    FirstRowWins,
    /// Copies of a call in several files are counted each.
    NoDedupAcrossFiles,
    /// The offset moves past a last line that is not whole yet.
    OffsetPastTornLine,
    /// A row whose counts are all zero sets its call's time.
    ZeroRowsSetTime,
    /// Roll-ups add a changed call's new value without taking the old one away.
    RollupsWithoutOldValue,
    /// A refresh token is spent, and no intent is on disk that could take its successor up.
    SuccessorWithoutIntent,
    /// A login is renewed as it was before the locks were taken.
    NoLookUnderLocks,
    /// That a login's session has ended is not remembered.
    DeadLoginForgotten,
    /// What is observed of accounts and limits goes into the ledger and not to its journal.
    ObservedNotJournalled,
    /// What could not be written to the journal passes for written.
    JournalFailureForgotten,
    /// What is committed is not on the disk yet.
    LedgerNotSynced,
}

impl Bug {
    /// Every bug there is.
    pub const ALL: [Self; 13] = [
        Self::SplitOffsetTransaction,
        Self::DeferredTransaction,
        Self::FirstRowWins,
        Self::NoDedupAcrossFiles,
        Self::OffsetPastTornLine,
        Self::ZeroRowsSetTime,
        Self::RollupsWithoutOldValue,
        Self::SuccessorWithoutIntent,
        Self::NoLookUnderLocks,
        Self::DeadLoginForgotten,
        Self::ObservedNotJournalled,
        Self::JournalFailureForgotten,
        Self::LedgerNotSynced,
    ];

    /// Its name on a command line, in kebab case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SplitOffsetTransaction => "split-offset-transaction",
            Self::DeferredTransaction => "deferred-transaction",
            Self::FirstRowWins => "first-row-wins",
            Self::NoDedupAcrossFiles => "no-dedup-across-files",
            Self::OffsetPastTornLine => "offset-past-torn-line",
            Self::ZeroRowsSetTime => "zero-rows-set-time",
            Self::RollupsWithoutOldValue => "rollups-without-old-value",
            Self::SuccessorWithoutIntent => "successor-without-intent",
            Self::NoLookUnderLocks => "no-look-under-locks",
            Self::DeadLoginForgotten => "dead-login-forgotten",
            Self::ObservedNotJournalled => "observed-not-journalled",
            Self::JournalFailureForgotten => "journal-failure-forgotten",
            Self::LedgerNotSynced => "ledger-not-synced",
        }
    }

    /// The bug of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|bug| bug.name() == name)
    }
}

#[cfg(feature = "planted-bugs")]
static PLANTED: OnceLock<Option<Bug>> = OnceLock::new();

/// Settles for the life of the process which bug it has, if any. The first word counts; says whether this was it.
#[cfg(feature = "planted-bugs")]
pub fn plant(bug: Option<Bug>) -> bool {
    PLANTED.set(bug).is_ok()
}

/// Whether the process has this bug; it has none until [`plant`] says so.
#[cfg(feature = "planted-bugs")]
pub fn planted(bug: Bug) -> bool {
    PLANTED.get().copied().flatten() == Some(bug)
}

/// Whether the process has this bug: never, in a build without the feature `planted-bugs`.
#[cfg(not(feature = "planted-bugs"))]
pub const fn planted(_: Bug) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bug_is_found_by_its_own_name_only() {
        for bug in Bug::ALL {
            assert_eq!(Bug::from_name(bug.name()), Some(bug));
        }
        assert_eq!(Bug::from_name("no-such-bug"), None);
    }

    #[cfg(not(feature = "planted-bugs"))]
    #[test]
    fn a_normal_build_has_no_planted_bug() {
        assert!(Bug::ALL.into_iter().all(|bug| !planted(bug)));
    }

    #[cfg(feature = "planted-bugs")]
    #[test]
    fn only_the_bug_planted_first_is_there() {
        assert!(Bug::ALL.into_iter().all(|bug| !planted(bug)));
        assert!(plant(Some(Bug::FirstRowWins)));
        assert!(!plant(Some(Bug::ZeroRowsSetTime)));
        assert!(planted(Bug::FirstRowWins) && !planted(Bug::ZeroRowsSetTime));
    }
}
