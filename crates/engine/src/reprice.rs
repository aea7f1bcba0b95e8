//! The present price list for calls that another one priced: what would change, and changing it.
//!
//! Must not: change a call whose price stays the same; hold the ledger's lock for longer than a few thousand calls.

use std::collections::{BTreeMap, BTreeSet};

use cco_ledger::write::{Change, Which};
use cco_model::civil;
use cco_model::money::NanoUsd;

use crate::report::Filter;
use crate::{Engine, EngineError};

/// Calls that one transaction changes: less than a tenth of a second.
const AT_ONCE: usize = 5_000;

/// What another price list changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repricing {
    /// By model, the greatest difference first.
    pub models: Vec<ModelRepricing>,
    /// All of it.
    pub all: Amounts,
}

/// What changes for a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRepricing {
    /// Model name as in the transcripts.
    pub model: String,
    /// Its calls.
    pub amounts: Amounts,
    /// The lists that gave the old prices.
    pub lists: Vec<String>,
}

/// Calls and costs that change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Calls that have a price and get another one.
    pub calls: u64,
    /// What those cost so far.
    pub old: NanoUsd,
    /// What those cost then.
    pub new: NanoUsd,
    /// Calls that get a price and had none.
    pub gained: u64,
    /// What those cost then.
    pub gained_cost: NanoUsd,
    /// Calls that lose their price.
    pub lost: u64,
    /// What those cost so far.
    pub lost_cost: NanoUsd,
}

impl Amounts {
    /// How much more, or less, the calls cost then: what the totals of reports move by.
    pub fn difference(&self) -> NanoUsd {
        self.new - self.old + self.gained_cost - self.lost_cost
    }

    /// All calls that change.
    pub fn touched(&self) -> u64 {
        self.calls + self.gained + self.lost
    }

    fn add(&mut self, change: &Change) {
        match (change.old, change.new) {
            (Some(old), Some(new)) => {
                self.calls += 1;
                self.old += old;
                self.new += new;
            }
            (None, Some(new)) => {
                self.gained += 1;
                self.gained_cost += new;
            }
            (Some(old), None) => {
                self.lost += 1;
                self.lost_cost += old;
            }
            (None, None) => {}
        }
    }
}

/// Adds changes up.
#[derive(Default)]
struct Tally {
    models: BTreeMap<String, (Amounts, BTreeSet<String>)>,
    all: Amounts,
}

impl Tally {
    fn add(&mut self, change: Change) {
        self.all.add(&change);
        let (amounts, lists) = self.models.entry(change.model.clone()).or_default();
        amounts.add(&change);
        lists.insert(change.old_list);
    }

    fn finish(self) -> Repricing {
        let mut models: Vec<ModelRepricing> = self
            .models
            .into_iter()
            .map(|(model, (amounts, lists))| ModelRepricing {
                model,
                amounts,
                lists: lists.into_iter().collect(),
            })
            .collect();
        models.sort_by_key(|model| std::cmp::Reverse(model.amounts.difference().0.unsigned_abs()));
        Repricing { models, all: self.all }
    }
}

impl Engine {
    /// The id of the list that calls are priced by.
    pub fn price_list_id(&self) -> &str {
        self.prices.id()
    }

    /// What the present list would change, of the calls that the filter holds.
    pub fn preview_repricing(&self, filter: &Filter) -> Result<Repricing, EngineError> {
        let _snapshot = self.ledger.snapshot()?;
        let which = which_calls(filter);
        let (mut tally, mut after) = (Tally::default(), Some(i64::MIN));
        while let Some(from) = after {
            let (changes, end) = self.ledger.price_changes(&self.prices, &which, from)?;
            changes.into_iter().for_each(|change| tally.add(change));
            after = end;
        }
        Ok(tally.finish())
    }

    /// Gives the calls that the filter holds the present list's prices, in transactions of bounded length. Cut off anywhere, what is done
    /// is exact, and another run does the rest. `progress` is told how many calls have changed.
    pub fn reprice(
        &mut self,
        filter: &Filter,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Repricing, EngineError> {
        let which = which_calls(filter);
        let (mut tally, mut after) = (Tally::default(), Some(i64::MIN));
        while let Some(from) = after {
            let (changes, end) = self.ledger.price_changes(&self.prices, &which, from)?;
            for some in changes.chunks(AT_ONCE) {
                let ids: Vec<i64> = some.iter().map(|change| change.id).collect();
                let mut writer = self.ledger.writer(&self.prices)?;
                let done = writer.reprice(&ids).and_then(|done| writer.commit(false).map(|_| done));
                if done.is_err() {
                    self.ledger.forget_uncommitted();
                }
                done?.into_iter().for_each(|change| tally.add(change));
                progress(tally.all.touched());
            }
            after = end;
        }
        Ok(tally.finish())
    }
}

fn which_calls(filter: &Filter) -> Which {
    let range = civil::day_range_ms(filter.days.0, filter.days.1, &filter.zone);
    Which { range, only: filter.only.clone() }
}
