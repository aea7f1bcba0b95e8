//! How asking the service goes for each account: why the last try brought nothing new, and when the next one may be.
//!
//! Must not: ask, or look at a login.

use std::collections::BTreeMap;

use cco_limits::accounts::Account;
use cco_limits::cascade::Store;
use cco_limits::store::Files;
use cco_model::limit::AccountId;
use cco_model::limit::poll;
use cco_model::limit::trouble::Trouble;

use super::{Asking, Found};
use crate::Engine;

/// What is known of tries, by account; of whom nothing is said nothing is wrong, and nothing keeps us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    /// Why there is no newer answer.
    pub troubles: BTreeMap<AccountId, Trouble>,
    /// Before this nobody asks again, UTC milliseconds.
    pub next_ms: BTreeMap<AccountId, i64>,
}

impl Engine {
    /// What processes left for each other of their tries, by now. `asked`: what came of asking just now, which is
    /// believed where it says something.
    pub fn tries(&self, found: &Found, asking: &Asking, asked: Tries) -> Tries {
        let now_ms = self.now.as_millisecond();
        let mut tries = Tries::default();
        for Account { id, .. } in found.accounts.all() {
            let files = Files::new(&asking.state, id, &asking.settings.base);
            let hour_ms = poll::next_attempt_ms(&files.attempts(), now_ms);
            let backoff = files.backoff().filter(|backoff| backoff.in_force(now_ms));
            let trouble = match &backoff {
                Some(backoff) => backoff.trouble(),
                None => hour_ms.map(|until_ms| Trouble::RateLimited { until_ms }),
            };
            tries.troubles.extend(trouble.map(|trouble| (id.clone(), trouble)));
            let next_ms = hour_ms.max(backoff.map(|backoff| backoff.ends_at_ms()));
            tries.next_ms.extend(next_ms.map(|next_ms| (id.clone(), next_ms)));
        }
        tries.troubles.extend(asked.troubles);
        for (id, at_ms) in asked.next_ms {
            let next_ms = tries.next_ms.entry(id).or_insert(at_ms);
            *next_ms = at_ms.max(*next_ms);
        }
        tries
    }
}
