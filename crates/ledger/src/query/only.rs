//! Which calls are meant, by the ids of their names.

use std::collections::BTreeSet;

/// Ids of names that calls must have ([`crate::Ledger::named`]); none: any. They are few, and looked up for every row:
/// hashing them took a fifth of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Only {
    /// Their project; 0 is an unknown one.
    pub projects: Option<BTreeSet<i64>>,
    /// Their branch; 0 is an unknown one.
    pub branches: Option<BTreeSet<i64>>,
    /// Their model.
    pub models: Option<BTreeSet<i64>>,
    /// Their account; 0 is an unknown one.
    pub accounts: Option<BTreeSet<i64>>,
}

/// What a row of sums, or a call, tells of itself; 0 where it is unknown or not told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Marks {
    pub(crate) project: i64,
    pub(crate) branch: i64,
    pub(crate) attribution: i64,
    pub(crate) model: i64,
    pub(crate) account: i64,
}

impl Only {
    /// Nothing is left out.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn holds(&self, marks: &Marks) -> bool {
        in_set(self.projects.as_ref(), marks.project)
            && in_set(self.models.as_ref(), marks.model)
            && in_set(self.accounts.as_ref(), marks.account)
            && in_set(self.branches.as_ref(), marks.branch)
    }
}

fn in_set(set: Option<&BTreeSet<i64>>, id: i64) -> bool {
    set.is_none_or(|set| set.contains(&id))
}
