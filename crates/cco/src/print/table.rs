//! Reports as tables: one entry of columns for each report, fitted to the terminal.
//!
//! Owns which columns a report has and which go first when it is narrow.
//! Must not: query anything; break a row over lines.

use cco_engine::report::{BlockRow, DayRow, ModelSums, SessionRow};
use cco_model::sums::Sums;
use comfy_table::{CellAlignment, ContentArrangement, Table, TableStyle};
use jiff::Zoned;

use super::fit::{self, GUTTER, Keep, Squeeze, arrange};
use super::{FAINT, STRONG, Screen, styled, text};

/// A report's table.
pub(crate) struct Report<R: 'static> {
    /// From left to right.
    pub(crate) columns: &'static [Column<R>],
    /// What a row adds to the totals.
    pub(crate) sums: fn(&R) -> Sums,
    /// The row is worth more attention than the others.
    pub(crate) strong: fn(&R) -> bool,
}

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
    /// The row's sums; the totals fill it the same way.
    Sums(fn(&Sums) -> String),
}

const fn left<R>(header: &'static str, drop: u8, cell: fn(&R, &Zoned) -> String) -> Column<R> {
    squeezed(header, drop, Squeeze::Never, cell)
}

const fn squeezed<R>(
    header: &'static str,
    drop: u8,
    squeeze: Squeeze,
    cell: fn(&R, &Zoned) -> String,
) -> Column<R> {
    Column { header, fit: fit::Column { align: CellAlignment::Left, drop, squeeze }, cell: Cell::Row(cell) }
}

const fn right<R>(header: &'static str, drop: u8, cell: fn(&R, &Zoned) -> String) -> Column<R> {
    Column { header, fit: number(drop), cell: Cell::Row(cell) }
}

const fn sums<R>(header: &'static str, drop: u8, cell: fn(&Sums) -> String) -> Column<R> {
    Column { header, fit: number(drop), cell: Cell::Sums(cell) }
}

/// How a column of numbers fits.
pub(crate) const fn number(drop: u8) -> fit::Column {
    fit::Column { align: CellAlignment::Right, drop, squeeze: Squeeze::Never }
}

const fn calls<R>(drop: u8) -> Column<R> {
    sums("Calls", drop, |sums| text::count(sums.calls))
}

const fn input<R>(drop: u8) -> Column<R> {
    sums("Input", drop, |sums| text::count(sums.tokens.input))
}

const fn output<R>(drop: u8) -> Column<R> {
    sums("Output", drop, |sums| text::count(sums.tokens.output))
}

const fn cache_write<R>(drop: u8) -> Column<R> {
    sums("Cache write", drop, |sums| text::count(sums.tokens.cache_write()))
}

const fn cache_read<R>(drop: u8) -> Column<R> {
    sums("Cache read", drop, |sums| text::count(sums.tokens.cache_read))
}

const fn total_tokens<R>(drop: u8) -> Column<R> {
    sums("Total tokens", drop, |sums| text::count(sums.tokens.total()))
}

const fn cost<R>() -> Column<R> {
    sums("Cost", 0, text::cost)
}

/// `cco daily`.
pub(crate) static DAILY: Report<DayRow> = Report {
    columns: &[
        squeezed("Date", 0, Squeeze::Last(Keep::End), |row, _| row.date.to_string()),
        left("Models", 6, |row, _| models(&row.models)),
        calls(5),
        input(3),
        output(2),
        cache_write(4),
        cache_read(4),
        total_tokens(1),
        cost(),
    ],
    sums: |row| row.sums,
    strong: |_| false,
};

/// `cco session`.
pub(crate) static SESSION: Report<SessionRow> = Report {
    columns: &[
        squeezed("Session", 0, Squeeze::Id, |row, _| text::clean(&row.session).into_owned()),
        squeezed("Project", 2, Squeeze::Before(4, Keep::End), |row, _| text::project(&row.project_path)),
        left("Last call", 3, |row, now| text::minute(row.last, now.time_zone())),
        left("Models", 9, |row, _| models(&row.models)),
        calls(8),
        input(6),
        output(5),
        cache_write(7),
        cache_read(7),
        total_tokens(4),
        cost(),
    ],
    sums: |row| row.sums,
    strong: |_| false,
};

/// `cco blocks`.
pub(crate) static BLOCKS: Report<BlockRow> = Report {
    columns: &[
        squeezed("Block", 0, Squeeze::Last(Keep::End), |row, now| text::minute(row.start, now.time_zone())),
        left("Until", 3, block_end),
        left("Models", 7, |row, _| models(&row.models)),
        calls(6),
        input(8),
        output(8),
        cache_write(9),
        cache_read(9),
        total_tokens(1),
        right("Tokens/min", 4, |row, _| row.burn_rate.map_or_else(String::new, |rate| per_minute(&rate))),
        right("Cost/h", 5, |row, _| {
            row.burn_rate.map_or_else(String::new, |rate| text::derived_cost(rate.cost_per_hour, &row.sums))
        }),
        cost(),
    ],
    sums: |row| row.sums,
    strong: |row| row.active,
};

/// Tokens a minute, whole.
pub(crate) fn per_minute(rate: &cco_engine::report::BurnRate) -> String {
    text::count((rate.milli_tokens_per_minute + 500) / 1000)
}

fn block_end(row: &BlockRow, now: &Zoned) -> String {
    let Some(end) = row.end else { return "?".to_owned() };
    let end = end.to_zoned(now.time_zone().clone()).strftime("%H:%M").to_string();
    if row.active { format!("{end} (now)") } else { end }
}

/// The models of a row, the dearest three by name.
fn models(models: &[ModelSums]) -> String {
    const SHOWN: usize = 3;
    let mut dearest: Vec<&ModelSums> = models.iter().collect();
    dearest.sort_by_key(|model| std::cmp::Reverse((model.sums.cost, model.sums.tokens.total())));
    let mut names: Vec<String> =
        dearest.iter().take(SHOWN).map(|model| text::short_model(&model.model)).collect();
    if dearest.len() > SHOWN {
        names.push(format!("+{}", dearest.len() - SHOWN));
    }
    names.join(", ")
}

impl<R> Column<R> {
    /// Ids are cut for eyes only: a program behind a pipe needs them whole.
    fn fit_on(&self, screen: Screen) -> fit::Column {
        let cut = screen.is_terminal || self.fit.squeeze != Squeeze::Id;
        fit::Column { squeeze: if cut { self.fit.squeeze } else { Squeeze::Never }, ..self.fit }
    }
}

impl<R> Report<R> {
    /// The table of these rows with their totals, made to fit the screen.
    pub(crate) fn render(&self, rows: &[R], now: &Zoned, screen: Screen) -> String {
        let totals = super::json::total(rows.iter().map(|row| (self.sums)(row)));
        let headers = self.columns.iter().map(|column| column.header.to_owned()).collect();
        let mut lines: Vec<Vec<String>> = vec![headers];
        lines.extend(rows.iter().map(|row| self.cells(row, now)));
        lines.push(self.total_cells(&totals));
        let columns: Vec<fit::Column> = self.columns.iter().map(|column| column.fit_on(screen)).collect();
        let kept = arrange(&mut lines, &columns, screen.columns);
        let drawn = draw(&lines, &kept, |column| columns[column].align);
        self.finish(&drawn, rows)
    }

    fn cells(&self, row: &R, now: &Zoned) -> Vec<String> {
        let sums = (self.sums)(row);
        let cell = |column: &Column<R>| match column.cell {
            Cell::Row(cell) => cell(row, now),
            Cell::Sums(cell) => cell(&sums),
        };
        self.columns.iter().map(cell).collect()
    }

    fn total_cells(&self, totals: &Sums) -> Vec<String> {
        let cell = |(index, column): (usize, &Column<R>)| match column.cell {
            Cell::Sums(cell) => cell(totals),
            Cell::Row(_) if index == 0 => "Total".to_owned(),
            Cell::Row(_) => String::new(),
        };
        self.columns.iter().enumerate().map(cell).collect()
    }

    /// Emphasis and the rule above the totals; lines are header, rule, rows, totals.
    fn finish(&self, drawn: &[String], rows: &[R]) -> String {
        let mut text = String::new();
        for (index, line) in drawn.iter().enumerate() {
            let row = index.checked_sub(2).and_then(|index| rows.get(index));
            let is_last = index + 1 == drawn.len();
            if is_last {
                text += &format!("{}\n", styled(FAINT, &drawn[1]));
            }
            let line = match (index, row) {
                (1, _) => styled(FAINT, line),
                (_, Some(row)) if !(self.strong)(row) => line.clone(),
                _ => styled(STRONG, line),
            };
            text += &format!("{line}\n");
        }
        text
    }
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

fn draw(lines: &[Vec<String>], kept: &[usize], align: impl Fn(usize) -> CellAlignment) -> Vec<String> {
    let mut drawn: Vec<String> =
        table(lines, kept, align).lines().map(|line| line.trim_end().to_owned()).collect();
    let rule = drawn.iter().map(|line| fit::width(line)).max().unwrap_or_default();
    drawn.insert(1, "─".repeat(rule));
    drawn
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
