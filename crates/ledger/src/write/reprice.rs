//! Another price for calls that have one: which would change, and changing them.
//!
//! The looking takes no lock; the changing looks again at each call, so that what came between does no harm.

use std::collections::HashMap;
use std::ops::Range;

use cco_model::civil;
use cco_model::money::NanoUsd;
use cco_model::price::{PriceList, PricedModel};
use rusqlite::{Connection, OptionalExtension};

use super::Writer;
use crate::lookup::name;
use crate::query::Only;
use crate::stored::{self, Price, StoredCall};
use crate::{Ledger, LedgerError};

/// Calls looked at in one go: some megabytes.
const PAGE: i64 = 10_000;

/// Which calls may get another price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Which {
    /// Of these UTC milliseconds.
    pub range: Range<i64>,
    /// Of these projects and models.
    pub only: Only,
}

/// A call that gets another price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its row.
    pub id: i64,
    /// Model name as in the transcripts.
    pub model: String,
    /// What it costs so far; none: it has no price.
    pub old: Option<NanoUsd>,
    /// What it costs then; none: the list has no price for it.
    pub new: Option<NanoUsd>,
    /// The list that gave the old price.
    pub old_list: String,
}

impl Ledger {
    /// The calls that this list prices otherwise, behind row `after` and in order, of a page of calls; and the row
    /// that the page ends with, none when it is the last.
    pub fn price_changes(
        &self,
        prices: &PriceList,
        which: &Which,
        after: i64,
    ) -> Result<(Vec<Change>, Option<i64>), LedgerError> {
        let range = (which.range.start, which.range.end.saturating_sub(1));
        let page = stored::some(&self.connection, after, range, PAGE)?;
        let end = page.last().map(|(id, _)| *id).filter(|_| page.len() as i64 == PAGE);
        let mut models: HashMap<i64, (String, Option<&PricedModel>)> = HashMap::new();
        let mut changes = Vec::new();
        for (id, call) in page {
            let model = call.ids.model;
            if !which.only.holds(&call.ids.marks()) {
                continue;
            }
            let (name, priced) = match models.get(&model) {
                Some(known) => known,
                None => {
                    let name = name(&self.connection, "SELECT name FROM model WHERE id = ?1", model)?;
                    let priced = prices.find(&name);
                    models.entry(model).or_insert((name, priced))
                }
            };
            let day = civil::utc_day(call.at_ms);
            let cost = priced.and_then(|priced| priced.cost(&call.usage, day, prices.web_search()));
            let price = cost.map(|cost| Price { cost_nanos: cost.total().0, savings_nanos: cost.savings.0 });
            if price != call.price {
                changes.push(change(&self.connection, id, name, &call, price)?);
            }
        }
        Ok((changes, end))
    }
}

impl Writer<'_> {
    /// Gives these calls the price that this writer's list has for them; those that have it already stay untouched,
    /// and so does one that is too large to be added up. Returns what changed.
    pub fn reprice(&mut self, calls: &[i64]) -> Result<Vec<Change>, LedgerError> {
        let mut changes = Vec::new();
        for id in calls {
            let Some(old) = stored::get(&self.transaction, *id).optional()? else { continue };
            let mut new = old.clone();
            let model = self.model_name(new.ids.model)?;
            self.price(&mut new, &model);
            if new.price != old.price && self.weighs_in(old.weight(), &new) {
                changes.push(change(&self.transaction, *id, &model, &old, new.price)?);
                self.replace(*id, &old, &new)?;
            }
        }
        Ok(changes)
    }
}

fn change(
    connection: &Connection,
    id: i64,
    model: &str,
    call: &StoredCall,
    price: Option<Price>,
) -> Result<Change, LedgerError> {
    let cost = |price: Option<Price>| price.map(|price| NanoUsd(price.cost_nanos));
    let old_list = name(connection, "SELECT name FROM price_list WHERE id = ?1", call.price_list)?;
    Ok(Change { id, model: model.to_owned(), old: cost(call.price), new: cost(price), old_list })
}
