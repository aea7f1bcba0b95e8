//! Reports as tables: one entry of columns for each report, fitted to the terminal.
//!
//! Owns which columns a report has and which go first when it is narrow.
//! Must not: query anything; break a row over lines.

use cco_engine::report::{BlockRow, DayRow, ModelSums, SessionRow};
use cco_model::sums::Sums;
use comfy_table::{CellAlignment, ContentArrangement, Table, TableStyle};
use jiff::Zoned;

use super::{FAINT, STRONG, styled, text};

/// Blanks between columns.
const GUTTER: u16 = 2;

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
    align: CellAlignment,
    /// Columns with a higher number go first where the terminal is narrow; 0 stays.
    drop: u8,
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
    Column { header, align: CellAlignment::Left, drop, cell: Cell::Row(cell) }
}

const fn right<R>(header: &'static str, drop: u8, cell: fn(&R, &Zoned) -> String) -> Column<R> {
    Column { header, align: CellAlignment::Right, drop, cell: Cell::Row(cell) }
}

const fn sums<R>(header: &'static str, drop: u8, cell: fn(&Sums) -> String) -> Column<R> {
    Column { header, align: CellAlignment::Right, drop, cell: Cell::Sums(cell) }
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
        left("Date", 0, |row, _| row.date.to_string()),
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
        left("Session", 0, |row, _| text::name(&row.session)),
        left("Project", 3, |row, _| text::project(&row.project_path)),
        left("Last call", 5, |row, now| text::minute(row.last, now.time_zone())),
        left("Models", 9, |row, _| models(&row.models)),
        calls(8),
        input(6),
        output(4),
        cache_write(7),
        cache_read(7),
        total_tokens(2),
        cost(),
    ],
    sums: |row| row.sums,
    strong: |_| false,
};

/// `cco blocks`.
pub(crate) static BLOCKS: Report<BlockRow> = Report {
    columns: &[
        left("Block", 0, |row, now| text::minute(row.start, now.time_zone())),
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

impl<R> Report<R> {
    /// The table of these rows with their totals, at most `width` wide where columns can be spared.
    pub(crate) fn render(&self, rows: &[R], now: &Zoned, width: Option<usize>) -> String {
        let totals = super::json::total(rows.iter().map(|row| (self.sums)(row)));
        let headers = self.columns.iter().map(|column| column.header.to_owned()).collect();
        let mut lines: Vec<Vec<String>> = vec![headers];
        lines.extend(rows.iter().map(|row| self.cells(row, now)));
        lines.push(self.total_cells(&totals));
        let kept = self.fitting(&lines, width);
        let drawn = draw(&lines, &kept, |column| self.columns[column].align);
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

    /// The columns that fit: those most easily missed go first, of equals the right one.
    fn fitting(&self, lines: &[Vec<String>], width: Option<usize>) -> Vec<usize> {
        let mut kept: Vec<usize> = (0..self.columns.len()).collect();
        let Some(width) = width else { return kept };
        let widths = table(lines, &kept, |_| CellAlignment::Left).column_max_content_widths();
        let needed = |kept: &[usize]| {
            let cells: usize = kept.iter().map(|column| usize::from(widths[*column])).sum();
            cells + usize::from(GUTTER) * (kept.len() - 1)
        };
        while needed(&kept) > width {
            let droppable = (0..kept.len()).filter(|at| self.columns[kept[*at]].drop > 0);
            let Some(next) = droppable.max_by_key(|at| (self.columns[kept[*at]].drop, *at)) else { break };
            kept.remove(next);
        }
        kept
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

/// Rows of cells in aligned columns, without lines or emphasis.
pub(crate) fn align(lines: &[Vec<String>], align: &[CellAlignment]) -> Vec<String> {
    let all: Vec<usize> = (0..align.len()).collect();
    let mut table = table(lines, &all, |column| align[column]);
    table.load_style(TableStyle::new());
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

fn draw(lines: &[Vec<String>], kept: &[usize], align: impl Fn(usize) -> CellAlignment) -> Vec<String> {
    let mut drawn: Vec<String> =
        table(lines, kept, align).lines().map(|line| line.trim_end().to_owned()).collect();
    let rule = drawn.iter().map(|line| line.chars().count()).max().unwrap_or_default();
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
        column.set_padding((0, if index == last { 0 } else { GUTTER }));
        column.set_cell_alignment(align(kept[index]));
    }
    table
}
