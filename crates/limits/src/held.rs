//! Which account a config directory held when.
//!
//! Owns the rule by which a call is attributed to an account by directory and time. Must not: read files or a clock.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cco_model::limit::AccountId;

/// From one observation to the last one in a row that saw the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// First seen, UTC milliseconds.
    pub from_ms: i64,
    /// Last seen, UTC milliseconds.
    pub until_ms: i64,
    /// The account; none: nobody was logged in.
    pub account: Option<AccountId>,
}

/// What config directories held, as far as it was observed.
///
/// What was before the first observation is unknown: a login leaves no date behind, and people change accounts. So is
/// the time between two observations that differ, for the change happened somewhere in it. After the last
/// observation the account last seen counts, until another observation says otherwise; [`History::sure_until`] tells
/// up to where nothing can change any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    directories: BTreeMap<PathBuf, Vec<Stretch>>,
}

impl History {
    /// Takes in what was seen; true when that was news other than "still the same". A file that could not be read is
    /// no observation. One that comes late and speaks against a stretch breaks it: of that, its two ends stay known.
    pub fn observe(&mut self, directory: &Path, at_ms: i64, account: Option<AccountId>) -> bool {
        let stretches = self.directories.entry(directory.to_owned()).or_default();
        let next = stretches.partition_point(|stretch| stretch.from_ms <= at_ms);
        if let Some(before) = next.checked_sub(1).and_then(|index| stretches.get_mut(index)) {
            if before.account == account {
                before.until_ms = before.until_ms.max(at_ms);
                return false;
            }
            // Two answers for one moment: what was taken in first stands.
            if at_ms == before.from_ms || at_ms == before.until_ms {
                return false;
            }
            if at_ms < before.until_ms {
                let end = Stretch { from_ms: before.until_ms, ..before.clone() };
                before.until_ms = before.from_ms;
                let seen = Stretch { from_ms: at_ms, until_ms: at_ms, account };
                stretches.splice(next..next, [seen, end]);
                return true;
            }
        }
        match stretches.get_mut(next) {
            Some(after) if after.account == account => after.from_ms = at_ms,
            _ => stretches.insert(next, Stretch { from_ms: at_ms, until_ms: at_ms, account }),
        }
        true
    }

    /// Puts a stretch back that was stored; the stretches of a directory come in the order of time.
    pub fn restore(&mut self, directory: &Path, stretch: Stretch) {
        self.directories.entry(directory.to_owned()).or_default().push(stretch);
    }

    /// All stretches, by directory and time.
    pub fn stretches(&self) -> impl Iterator<Item = (&Path, &Stretch)> {
        self.directories
            .iter()
            .flat_map(|(directory, stretches)| stretches.iter().map(|stretch| (directory.as_path(), stretch)))
    }

    /// The account that a directory held at a time; none: nobody, or unknown.
    pub fn account_at(&self, directory: &Path, at_ms: i64) -> Option<&AccountId> {
        let stretches = self.directories.get(directory)?;
        let next = stretches.partition_point(|stretch| stretch.from_ms <= at_ms);
        let stretch = stretches.get(next.checked_sub(1)?)?;
        let known = at_ms <= stretch.until_ms || next == stretches.len();
        known.then_some(stretch.account.as_ref())?
    }

    /// The time of the last observation of a directory: no later one changes what is said of earlier times.
    pub fn sure_until(&self, directory: &Path) -> Option<i64> {
        self.directories.get(directory)?.last().map(|stretch| stretch.until_ms)
    }
}

#[cfg(test)]
mod tests;
