//! Tables: the columns of a report, fitted to the terminal.
//!
//! Must not: query anything; break a row over lines.

use anstyle::Style;
use cco_engine::report::ModelSums;
use cco_model::sums::Sums;
use comfy_table::{CellAlignment, ContentArrangement, Table, TableStyle};
use jiff::{Timestamp, Zoned};

use super::fit::{self, GUTTER, Keep, PART_OF, Squeeze, arrange};
use super::names::ProjectNames;
use super::reports::Report;
use super::{FAINT, STRONG, Screen, styled, text};

/// A column of a report.
pub(crate) struct Column<R> {
    header: &'static str,
    fit: fit::Column,
    cell: Cell<R>,
}

/// Where a cell's text comes from.
enum Cell<R> {
    /// The row itself; the totals have no such cell.
    Row(fn(&R, &Zoned) -> String),
    /// The path of the row's project; its name depends on the other rows.
    Project(fn(&R) -> &str),
    /// An instant of the row.
    Time(fn(&R) -> Timestamp),
    /// The row's models, or one of them in the lines of a breakdown.
    Models(fn(&R) -> &[ModelSums]),
    /// The row's sums; totals and the lines of a breakdown fill it the same way.
    Sums(fn(&Sums) -> String),
}

pub(crate) const fn left<R>(header: &'static str, drop: u8, cell: fn(&R, &Zoned) -> String) -> Column<R> {
    squeezed(header, drop, Squeeze::Never, cell)
}

pub(crate) const fn squeezed<R>(
    header: &'static str,
    drop: u8,
    squeeze: Squeeze,
    cell: fn(&R, &Zoned) -> String,
) -> Column<R> {
    Column { header, fit: word(drop, squeeze), cell: Cell::Row(cell) }
}

pub(crate) const fn right<R>(header: &'static str, drop: u8, cell: fn(&R, &Zoned) -> String) -> Column<R> {
    Column { header, fit: number(drop), cell: Cell::Row(cell) }
}

pub(crate) const fn sums<R>(header: &'static str, drop: u8, cell: fn(&Sums) -> String) -> Column<R> {
    Column { header, fit: number(drop), cell: Cell::Sums(cell) }
}

/// How a column of numbers fits.
pub(crate) const fn number(drop: u8) -> fit::Column {
    fit::Column { align: CellAlignment::Right, drop, squeeze: Squeeze::Never }
}

/// How a column of words fits.
pub(crate) const fn word(drop: u8, squeeze: Squeeze) -> fit::Column {
    fit::Column { align: CellAlignment::Left, drop, squeeze }
}

/// Models by cost, of equals by tokens.
pub(crate) fn dearest_first(models: &[ModelSums]) -> Vec<&ModelSums> {
    let mut dearest: Vec<&ModelSums> = models.iter().collect();
    dearest.sort_by_key(|model| std::cmp::Reverse((model.sums.cost, model.sums.tokens.total())));
    dearest
}

/// The models of a row, the dearest three by name.
fn models(models: &[ModelSums]) -> String {
    const SHOWN: usize = 3;
    let mut names: Vec<String> = Vec::new();
    for name in dearest_first(models).iter().map(|model| text::short_model(&model.model)) {
        // Two may differ in their dates only.
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let more = names.split_off(names.len().min(SHOWN)).len();
    if more > 0 {
        names.push(format!("+{more}"));
    }
    names.join(", ")
}

/// The models of a row for the lines below it: by their short names, whole where two would read alike.
fn parts(models: &[ModelSums]) -> Vec<(&ModelSums, String)> {
    let alike =
        |name: &str| models.iter().filter(|model| text::short_model(&model.model) == name).count() > 1;
    let named = |model: &ModelSums| {
        let short = text::short_model(&model.model);
        if alike(&short) { text::name(&model.model) } else { short }
    };
    dearest_first(models).into_iter().map(|model| (model, named(model))).collect()
}

impl<R> Column<R> {
    pub(crate) const fn time(header: &'static str, drop: u8, time: fn(&R) -> Timestamp) -> Self {
        Self { header, fit: word(drop, Squeeze::Never), cell: Cell::Time(time) }
    }

    /// A project by its name, or by more of its path where others of the report have the same.
    pub(crate) const fn project(drop: u8, path: fn(&R) -> &str) -> Self {
        Self { header: "Project", fit: word(drop, Squeeze::Before(4, Keep::End)), cell: Cell::Project(path) }
    }

    pub(crate) const fn models(header: &'static str, drop: u8, models: fn(&R) -> &[ModelSums]) -> Self {
        Self { header, fit: word(drop, Squeeze::Never), cell: Cell::Models(models) }
    }

    /// Ids are cut for eyes only: a program behind a pipe needs them whole.
    fn fit_on(&self, screen: Screen, breakdown: bool) -> fit::Column {
        let cut = screen.is_terminal || self.fit.squeeze != Squeeze::Id;
        let squeeze = if cut { self.fit.squeeze } else { Squeeze::Never };
        // A breakdown is about models: their column stays.
        let stays = breakdown && matches!(self.cell, Cell::Models(_));
        // A long name of a model gives way before numbers do.
        let squeeze = if stays { Squeeze::Before(9, Keep::End) } else { squeeze };
        fit::Column { squeeze, drop: if stays { 0 } else { self.fit.drop }, ..self.fit }
    }
}

impl<R> Report<R> {
    /// The table of these rows with their totals, made to fit the screen; with `breakdown`, each row's models below it.
    pub(crate) fn render(&self, rows: &[R], now: &Zoned, screen: Screen, breakdown: bool) -> String {
        let breakdown = breakdown && self.columns.iter().any(|column| matches!(column.cell, Cell::Models(_)));
        let totals = super::json::total(rows.iter().map(|row| (self.sums)(row)));
        let names = ProjectNames::of(rows.iter().flat_map(|row| self.projects(row)));
        let headers = self.columns.iter().map(|column| column.header.to_owned()).collect();
        let mut lines: Vec<Vec<String>> = vec![headers];
        let mut styles = vec![STRONG];
        for row in rows {
            lines.push(self.cells(row, now, &names, breakdown));
            styles.push((self.style)(row));
            if breakdown {
                for (model, name) in parts((self.models)(row)) {
                    lines.push(self.model_cells(model, &name));
                    styles.push(Style::new());
                }
            }
        }
        lines.push(self.total_cells(&totals));
        styles.push(STRONG);
        let columns: Vec<fit::Column> =
            self.columns.iter().map(|column| column.fit_on(screen, breakdown)).collect();
        let kept = arrange(&mut lines, &columns, screen.columns);
        let table = table(&lines, &kept, |column| columns[column].align);
        let drawn: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
        finish(&drawn, &styles) + &self.left_out(&kept, screen)
    }

    /// Which numbers there was no room for, so that nobody adds up the others and wonders.
    fn left_out(&self, kept: &[usize], screen: Screen) -> String {
        let numbers = |column: &&Column<R>| column.fit.align == CellAlignment::Right;
        let gone = self.columns.iter().enumerate().filter(|(index, _)| !kept.contains(index));
        let names: Vec<&str> =
            gone.map(|(_, column)| column).filter(numbers).map(|column| column.header).collect();
        if names.is_empty() {
            return String::new();
        }
        let words = format!("not shown here: {}", names.join(", ").to_lowercase());
        fit::wrap(&words, screen.columns) + "\n"
    }

    fn projects<'r>(&self, row: &'r R) -> impl Iterator<Item = &'r str> {
        self.columns.iter().filter_map(|column| match column.cell {
            Cell::Project(path) => Some(path(row)),
            _ => None,
        })
    }

    fn cells(&self, row: &R, now: &Zoned, names: &ProjectNames, breakdown: bool) -> Vec<String> {
        let sums = (self.sums)(row);
        let cell = |column: &Column<R>| match column.cell {
            Cell::Row(cell) => cell(row, now),
            Cell::Project(path) => names.get(path(row)),
            Cell::Time(time) => text::minute(time(row), now.time_zone()),
            Cell::Models(_) if breakdown => String::new(),
            Cell::Models(of) => models(of(row)),
            Cell::Sums(cell) => cell(&sums),
        };
        self.columns.iter().map(cell).collect()
    }

    fn model_cells(&self, model: &ModelSums, name: &str) -> Vec<String> {
        let cell = |column: &Column<R>| match column.cell {
            Cell::Sums(cell) => cell(&model.sums),
            Cell::Models(_) => format!("{PART_OF}{name}"),
            Cell::Row(_) | Cell::Project(_) | Cell::Time(_) => String::new(),
        };
        self.columns.iter().map(cell).collect()
    }

    fn total_cells(&self, totals: &Sums) -> Vec<String> {
        let cell = |(index, column): (usize, &Column<R>)| match column.cell {
            Cell::Sums(cell) => cell(totals),
            _ if index == 0 => "Total".to_owned(),
            _ => String::new(),
        };
        self.columns.iter().enumerate().map(cell).collect()
    }
}

/// Emphasis, and rules below the header and above the totals.
pub(crate) fn finish(drawn: &[String], styles: &[Style]) -> String {
    let widest = drawn.iter().map(|line| fit::width(line)).max().unwrap_or_default();
    let rule = format!("{}\n", styled(FAINT, &"─".repeat(widest)));
    let mut text = String::new();
    for (index, (line, style)) in drawn.iter().zip(styles).enumerate() {
        if index == 1 && drawn.len() > 2 || index + 1 == drawn.len() {
            text += &rule;
        }
        text += &if style.is_plain() { format!("{line}\n") } else { format!("{}\n", styled(*style, line)) };
    }
    text
}

/// Rows of cells in aligned columns that fit, without lines or emphasis.
pub(crate) fn align(
    mut lines: Vec<Vec<String>>,
    columns: &[fit::Column],
    room: Option<usize>,
) -> Vec<String> {
    let kept = arrange(&mut lines, columns, room);
    let table = table(&lines, &kept, |column| columns[column].align);
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// The kept columns of lines whose first is the header.
fn table(lines: &[Vec<String>], kept: &[usize], align: impl Fn(usize) -> CellAlignment) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_content_arrangement(ContentArrangement::Disabled);
    for line in lines {
        table.add_row(kept.iter().map(|column| line[*column].clone()).collect::<Vec<_>>());
    }
    let last = kept.len().saturating_sub(1);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if index == last { 0 } else { GUTTER as u16 }));
        column.set_cell_alignment(align(kept[index]));
    }
    table
}
