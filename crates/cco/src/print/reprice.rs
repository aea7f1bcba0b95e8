//! What another price list changes, as a table and as JSON.
//!
//! Must not: add up anything but what it is given.

use cco_engine::reprice::{Amounts, ModelRepricing, Repricing};
use cco_model::money::NanoUsd;
use cco_wire::exact::Usd;
use comfy_table::CellAlignment;
use serde::Serialize;

use super::fit::{Column, Keep, Squeeze};
use super::json::render;
use super::table::{align, number};
use super::waiting::WaitingLine;
use super::{STRONG, styled, text};
use crate::error::CliError;

/// Fewer calls are repriced before anybody wonders.
const BAR_FROM_CALLS: u64 = 10_000;

/// A line on how far it is, where somebody looks and waits.
pub(crate) struct RepriceProgress {
    calls: u64,
    line: Option<WaitingLine>,
}

impl RepriceProgress {
    /// For so many calls.
    pub(crate) fn new(stderr_is_terminal: bool, calls: u64) -> Self {
        let shown = stderr_is_terminal && calls >= BAR_FROM_CALLS;
        Self { calls, line: shown.then(WaitingLine::default) }
    }

    /// So many calls are done.
    pub(crate) fn update(&mut self, done: u64) {
        let calls = self.calls;
        if let Some(line) = &mut self.line {
            // No wider than the narrowest terminal on which a table can be read.
            line.show(|| format!("repricing {}/{}", text::count(done), text::count(calls)));
        }
    }

    /// Removes the line.
    pub(crate) fn finish(self) {
        drop(self.line);
    }
}

/// The changes by model, with their sum.
pub(crate) fn table(repricing: &Repricing, list: &str, room: Option<usize>) -> String {
    let list = text::clean(list);
    if repricing.all.touched() == 0 {
        return format!("Nothing to change: these calls have the prices that list {list} gives.\n");
    }
    let headers = ["Model", "Calls", "Cost so far", "New cost", "Difference"].map(str::to_owned).to_vec();
    let mut lines = vec![headers];
    for model in &repricing.models {
        lines.extend(cells(&text::name(&model.model), &model.amounts));
    }
    let all = &repricing.all;
    lines.push(row(
        "Total",
        all.touched(),
        dollars(all.old + all.lost_cost),
        dollars(all.new + all.gained_cost) + if all.lost > 0 { "+?" } else { "" },
        all.difference(),
    ));
    let name = Column { align: CellAlignment::Left, drop: 0, squeeze: Squeeze::Last(Keep::Start) };
    let columns = [name, number(3), number(2), number(1), number(0)];
    let drawn = align(lines, &columns, room);
    let last = drawn.len() - 1;
    let strong = |(at, line): (usize, &String)| match at {
        at if at == 0 || at == last => format!("{}\n", styled(STRONG, line)),
        _ => format!("{line}\n"),
    };
    let mut page: String = drawn.iter().enumerate().map(strong).collect();
    let mut lists: Vec<&str> =
        repricing.models.iter().flat_map(|model| &model.lists).map(String::as_str).collect();
    lists.sort_unstable();
    lists.dedup();
    let from = lists.iter().map(|list| text::clean(list)).collect::<Vec<_>>().join(", ");
    page += &format!("price list {from} → {list}\n");
    page
}

/// A line for calls whose price changes, one for those that get one, one for those that lose theirs.
fn cells(model: &str, amounts: &Amounts) -> Vec<Vec<String>> {
    let Amounts { calls, old, new, gained, gained_cost, lost, lost_cost } = *amounts;
    let mut lines = Vec::new();
    if calls > 0 {
        lines.push(row(model, calls, dollars(old), dollars(new), new - old));
    }
    if gained > 0 {
        let name = format!("{model} (had no price)");
        lines.push(row(&name, gained, "?".to_owned(), dollars(gained_cost), gained_cost));
    }
    if lost > 0 {
        let name = format!("{model} (loses its price)");
        lines.push(row(&name, lost, dollars(lost_cost), "?".to_owned(), -lost_cost));
    }
    lines
}

fn row(name: &str, calls: u64, old: String, new: String, difference: NanoUsd) -> Vec<String> {
    vec![name.to_owned(), text::count(calls), old, new, change(difference)]
}

fn dollars(amount: NanoUsd) -> String {
    text::dollars(amount)
}

/// `+$1.20`, `-$0.30`, or all its digits where cents would show nothing.
pub(crate) fn change(difference: NanoUsd) -> String {
    let sign = if difference.0 > 0 { "+" } else { "" };
    if difference.0 != 0 && difference.0.unsigned_abs() < 10_000_000 {
        let digits = difference.decimal();
        let (minus, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |digits| ("-", digits));
        return format!("{sign}{minus}${digits}");
    }
    format!("{sign}{}", text::dollars(difference))
}

/// The same for scripts.
pub(crate) fn json(repricing: &Repricing, list: &str, applied: bool) -> Result<String, CliError> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Document<'a> {
        applied: bool,
        price_list: &'a str,
        models: Vec<Model<'a>>,
        totals: Numbers,
    }
    render(&Document {
        applied,
        price_list: list,
        models: repricing.models.iter().map(Model::new).collect(),
        totals: Numbers::new(&repricing.all),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Model<'a> {
    model_name: &'a str,
    price_lists: &'a [String],
    #[serde(flatten)]
    numbers: Numbers,
}

impl<'a> Model<'a> {
    fn new(model: &'a ModelRepricing) -> Self {
        Self { model_name: &model.model, price_lists: &model.lists, numbers: Numbers::new(&model.amounts) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Numbers {
    calls: u64,
    old_cost: Usd,
    new_cost: Usd,
    newly_priced_calls: u64,
    newly_priced_cost: Usd,
    newly_unpriced_calls: u64,
    newly_unpriced_cost: Usd,
    difference: Usd,
}

impl Numbers {
    fn new(amounts: &Amounts) -> Self {
        Self {
            calls: amounts.calls,
            old_cost: Usd(amounts.old),
            new_cost: Usd(amounts.new),
            newly_priced_calls: amounts.gained,
            newly_priced_cost: Usd(amounts.gained_cost),
            newly_unpriced_calls: amounts.lost,
            newly_unpriced_cost: Usd(amounts.lost_cost),
            difference: Usd(amounts.difference()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_show_their_sign_and_small_ones_their_digits() {
        for (nanos, text) in [
            (1_200_000_000, "+$1.20"),
            (-300_000_000, "-$0.30"),
            (0, "$0.00"),
            (255_000, "+$0.000255"),
            (-1, "-$0.000000001"),
            (5_000_000, "+$0.005"),
        ] {
            assert_eq!(change(NanoUsd(nanos)), text);
        }
    }
}
