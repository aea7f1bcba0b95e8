//! Text that fits: how wide it is on a terminal, notes broken at words, cells shortened, columns left out.
//!
//! Must not: know what a text means; break a word of a note, since a path or a command that is broken cannot be copied.

use std::collections::HashSet;

use anstream::adapter::strip_str;
use comfy_table::{CellAlignment, Table};

/// Blanks between columns.
pub(crate) const GUTTER: usize = 2;
/// What stands in for what was cut; one column wide.
const CUT: &str = "…";
/// What stands before a part of the row above; it stays when its cell is shortened.
pub(crate) const PART_OF: &str = "└ ";
/// Characters of an id that tell it apart, mostly.
const SHORT_ID: usize = 8;
/// Up to here the first characters of ids are preferred to the last, since tools name ids by them.
const LONG_ID: usize = 16;
/// Blanks before the further lines of a message.
const HANGING: usize = 2;

/// The columns that one line takes on a terminal; colour codes take none.
pub(crate) fn width(line: &str) -> usize {
    let plain = strip_str(line).to_string();
    if plain.is_ascii() {
        return plain.len();
    }
    let mut table = Table::new();
    table.add_row([plain]);
    table.column_max_content_widths().first().map_or(0, |width| usize::from(*width))
}

/// The text with its lines broken between words where they are wider than the terminal; none: no limit.
pub(crate) fn wrap(text: &str, columns: Option<usize>) -> String {
    let Some(columns) = columns else { return text.to_owned() };
    let lines: Vec<String> = text.split('\n').map(|line| wrap_line(line, columns)).collect();
    lines.join("\n")
}

fn wrap_line(line: &str, columns: usize) -> String {
    if width(line) <= columns {
        return line.to_owned();
    }
    let words = line.trim_start_matches(' ');
    let indent = line.len() - words.len();
    let mut wrapped = " ".repeat(indent);
    let mut used = indent;
    for (index, word) in words.split(' ').enumerate() {
        let wide = width(word);
        if index == 0 {
            used += wide;
        } else if used + 1 + wide <= columns {
            wrapped.push(' ');
            used += 1 + wide;
        } else {
            wrapped.push('\n');
            wrapped.push_str(&" ".repeat(indent + HANGING));
            used = indent + HANGING + wide;
        }
        wrapped.push_str(word);
    }
    wrapped
}

/// How a column gives way where the terminal is narrow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// How its cells stand.
    pub(crate) align: CellAlignment,
    /// Columns with a higher number go first, of equals the right one; 0 stays.
    pub(crate) drop: u8,
    /// What may be done to its cells.
    pub(crate) squeeze: Squeeze,
}

/// What may be done to the cells of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Squeeze {
    /// Nothing: half a number is a wrong one.
    Never,
    /// Ids are cut to what tells them apart, before anything else.
    Id,
    /// A name: shortened before columns with at most this number go, and where it is very long before any goes.
    Before(u8, Keep),
    /// Shortened when nothing else can go.
    Last(Keep),
}

/// Which end of a text tells more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// What it begins with.
    Start,
    /// What it ends with, as of a path.
    End,
}

/// The least that a cell is shortened to while other columns could go instead.
const LEAST_CELL: usize = 12;
/// A name that is wider is not worth a column where this much of its end, or of its beginning, tells it apart.
/// Anthropic's longest model name, with its date, is as wide.
const WIDE_CELL: usize = 26;

/// Makes lines of cells fit: shortens cells in place and gives the columns that are left. The first line and the last
/// are no rows with ids when there are ids: they are headers and totals.
pub(crate) fn arrange(lines: &mut [Vec<String>], columns: &[Column], room: Option<usize>) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    let Some(room) = room else { return kept };
    let mut widths: Vec<usize> = kept.iter().map(|column| widest(lines, *column)).collect();
    let excess = |kept: &[usize], widths: &[usize]| {
        let cells: usize = kept.iter().map(|column| widths[*column]).sum();
        (cells + GUTTER * kept.len().saturating_sub(1)).saturating_sub(room)
    };
    if excess(&kept, &widths) > 0 {
        for column in (0..columns.len()).filter(|column| columns[*column].squeeze == Squeeze::Id) {
            shorten_ids(lines, column);
            widths[column] = widest(lines, column);
        }
    }
    loop {
        let too_much = excess(&kept, &widths);
        if too_much == 0 {
            return kept;
        }
        let droppable = (0..kept.len()).filter(|at| columns[kept[*at]].drop > 0);
        let next = droppable.max_by_key(|at| (columns[kept[*at]].drop, *at));
        let next_drop = next.map_or(0, |at| columns[kept[at]].drop);
        // How much each gives, and all together.
        let gives = kept.iter().filter_map(|column| {
            let (keep, least) = columns[*column].squeeze.at(next_drop)?;
            (widths[*column] > least).then(|| (widths[*column] - least, *column, keep))
        });
        let gives: Vec<(usize, usize, Keep)> = gives.collect();
        let is_enough = gives.iter().map(|(most, ..)| most).sum::<usize>() >= too_much;
        let roomiest = gives.into_iter().filter(|_| is_enough).max_by_key(|(most, ..)| *most);
        let short = roomiest.map(|(most, column, keep)| {
            (column, shortened(lines, column, widths[column] - most.min(too_much), keep))
        });
        // Two rows that read alike are worse than a number that is not shown.
        let squeezed = short.filter(|(column, short)| {
            let is_due = columns[*column].squeeze.is_due(next_drop);
            is_due || different(short) == different(&cells(lines, *column))
        });
        match (squeezed, next) {
            (Some((column, short)), _) => {
                lines.iter_mut().zip(short).for_each(|(line, cell)| line[column] = cell);
                widths[column] = widest(lines, column);
            }
            (None, Some(at)) => {
                kept.remove(at);
            }
            (None, None) => return kept,
        }
    }
}

impl Squeeze {
    /// How to shorten, and to what at the least, when columns with this number are next to go; 0: none is left.
    fn at(self, next_drop: u8) -> Option<(Keep, usize)> {
        match self {
            Self::Before(_, keep) if next_drop > 0 => {
                Some((keep, if self.is_due(next_drop) { LEAST_CELL } else { WIDE_CELL }))
            }
            Self::Before(_, keep) | Self::Last(keep) => (next_drop == 0).then_some((keep, 1)),
            Self::Id => (next_drop == 0).then_some((Keep::Start, 1)),
            Self::Never => None,
        }
    }

    /// Columns with this number are worth more than names in full, even than names that can all be told apart.
    fn is_due(self, next_drop: u8) -> bool {
        !matches!(self, Self::Before(before, _) if next_drop > before)
    }
}

fn cells(lines: &[Vec<String>], column: usize) -> Vec<String> {
    lines.iter().map(|line| line[column].clone()).collect()
}

fn different(cells: &[String]) -> usize {
    cells.iter().collect::<HashSet<_>>().len()
}

fn widest(lines: &[Vec<String>], column: usize) -> usize {
    lines.iter().map(|line| width(&line[column])).max().unwrap_or_default()
}

/// The cells of a column, shortened: paths between their parts, or amid one where that tells more cells apart.
fn shortened(lines: &[Vec<String>], column: usize, target: usize, keep: Keep) -> Vec<String> {
    let cells = cells(lines, column);
    let short: Vec<String> = cells.iter().map(|cell| shorten(cell, target, keep)).collect();
    if keep == Keep::End && different(&short) < different(&cells) {
        let amid: Vec<String> = cells.iter().map(|cell| shorten_amid(cell, target)).collect();
        if different(&amid) > different(&short) {
            return amid;
        }
    }
    short
}

/// Cuts ids to their first characters, to as many more as it takes to tell them apart; to their last ones where those
/// do it sooner.
fn shorten_ids(lines: &mut [Vec<String>], column: usize) {
    let Some((_, rows)) = lines.split_first_mut() else { return };
    let Some((_, rows)) = rows.split_last_mut() else { return };
    let ids: Vec<Vec<char>> = rows.iter().map(|row| row[column].chars().collect()).collect();
    let longest = ids.iter().map(Vec::len).max().unwrap_or_default();
    let all = ids.iter().collect::<HashSet<_>>().len();
    let least = |part: fn(&[char], usize) -> &[char]| {
        let telling =
            |length: &usize| ids.iter().map(|id| part(id, *length)).collect::<HashSet<_>>().len() == all;
        (SHORT_ID..longest).find(telling).unwrap_or(longest)
    };
    let (from_start, from_end) = (least(start), least(end));
    for (row, id) in rows.iter_mut().zip(&ids) {
        row[column] = if from_start <= LONG_ID.max(from_end + 1) || id.len() <= from_end {
            start(id, from_start).iter().collect()
        } else {
            CUT.chars().chain(end(id, from_end).iter().copied()).collect()
        };
    }
}

fn start(id: &[char], length: usize) -> &[char] {
    &id[..length.min(id.len())]
}

fn end(id: &[char], length: usize) -> &[char] {
    &id[id.len().saturating_sub(length)..]
}

/// At most so many columns of a text, with a mark where something was cut: `…/name` of a path where a part fits.
pub(crate) fn shorten(text: &str, columns: usize, keep: Keep) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    if let Some(rest) = text.strip_prefix(PART_OF).filter(|_| columns > width(PART_OF)) {
        return format!("{PART_OF}{}", shorten(rest, columns.saturating_sub(width(PART_OF)), keep));
    }
    let room = columns.saturating_sub(width(CUT));
    match keep {
        Keep::Start => {
            let ends = text.char_indices().map(|(end, _)| end).rev();
            let start = ends.map(|end| &text[..end]).find(|start| width(start) <= room);
            format!("{}{CUT}", start.unwrap_or_default())
        }
        Keep::End => {
            let mut parts = text.match_indices('/').map(|(at, _)| &text[at..]);
            match parts.find(|end| width(end) <= room) {
                Some(end) => format!("{CUT}{end}"),
                None => shorten_amid(text, columns),
            }
        }
    }
}

/// The end of a text, as long as it may be.
fn shorten_amid(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    if let Some(rest) = text.strip_prefix(PART_OF).filter(|_| columns > width(PART_OF)) {
        return format!("{PART_OF}{}", shorten_amid(rest, columns.saturating_sub(width(PART_OF))));
    }
    let room = columns.saturating_sub(width(CUT));
    let mut ends = text.char_indices().map(|(at, _)| &text[at..]);
    format!("{CUT}{}", ends.find(|end| width(end) <= room).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_the_end_that_tells_more() {
        for (text, columns, keep, short) in [
            ("atlas", 5, Keep::End, "atlas"),
            ("/home/ann/code/atlas", 13, Keep::End, "…/code/atlas"),
            ("/home/ann/code/atlas", 8, Keep::End, "…/atlas"),
            ("/home/ann/code/atlas", 5, Keep::End, "…tlas"),
            ("claude-opus-4-8", 8, Keep::Start, "claude-…"),
            ("東京都庁", 5, Keep::Start, "東京…"),
            ("東京都庁", 4, Keep::End, "…庁"),
            ("└ lighthouse-preview", 12, Keep::End, "└ …e-preview"),
            ("└ proxy/qwen3-coder", 15, Keep::End, "└ …/qwen3-coder"),
            ("└ proxy/qwen3-coder", 2, Keep::End, "…r"),
            ("abc", 1, Keep::Start, "…"),
            ("abc", 1, Keep::End, "…"),
        ] {
            assert_eq!(shorten(text, columns, keep), short, "{text} {columns}");
        }
    }

    #[test]
    fn cells_that_differ_stay_different_where_there_is_room() {
        let short = |names: &[&str], columns| {
            let lines: Vec<Vec<String>> = names.iter().map(|name| vec![(*name).to_owned()]).collect();
            shortened(&lines, 0, columns, Keep::End).join(" ")
        };
        assert_eq!(
            short(&["client-alpha/backend", "client-beta/backend"], 14),
            "…alpha/backend …-beta/backend"
        );
        assert_eq!(short(&["client-alpha/backend", "client-beta/worker"], 14), "…/backend …/worker");
        assert_eq!(short(&["client-alpha/backend", "client-alpha/backend"], 14), "…/backend …/backend");
    }

    /// Columns of a name, of words that go first, and of two numbers, at so many columns of a terminal.
    fn arranged(names: [&str; 2], room: usize) -> Vec<String> {
        let column = |drop, squeeze| Column { align: CellAlignment::Left, drop, squeeze };
        let columns = [
            column(0, Squeeze::Before(4, Keep::End)),
            column(2, Squeeze::Before(4, Keep::Start)),
            column(9, Squeeze::Never),
            column(5, Squeeze::Never),
            column(0, Squeeze::Never),
        ];
        let mut lines = vec![[names[0], names[1], "words", "1,234,567", "$8.90"].map(str::to_owned).to_vec()];
        let kept = arrange(&mut lines, &columns, Some(room));
        kept.iter().map(|column| lines[0][*column].clone()).collect()
    }

    #[test]
    fn a_very_long_name_is_shortened_before_anything_goes_and_one_that_fits_stays_whole() {
        let long = "n".repeat(120);
        for (names, room, shown) in [
            ([&*long, "short"], 60, "…".to_owned() + &long[..27] + " short words 1,234,567 $8.90"),
            ([&*long, &*long], 80, format!("…{} {}… words 1,234,567 $8.90", &long[..26], &long[..25])),
            // There is no room for the words beside 26 columns of a name.
            ([&*long, "short"], 55, format!("…{} short 1,234,567 $8.90", &long[..29])),
            (
                ["a-name-of-thirty-characters-xy", "short"],
                62,
                "a-name-of-thirty-characters-xy short words 1,234,567 $8.90".to_owned(),
            ),
            (
                ["a-name-of-24-characters-", "short"],
                55,
                "a-name-of-24-characters- short 1,234,567 $8.90".to_owned(),
            ),
        ] {
            assert_eq!(arranged(names, room).join(" "), shown, "{names:?} at {room}");
        }
    }

    #[test]
    fn names_that_would_read_alike_stay_whole_and_numbers_go() {
        let column = |drop, squeeze| Column { align: CellAlignment::Left, drop, squeeze };
        let columns = [
            column(0, Squeeze::Before(4, Keep::Start)),
            column(9, Squeeze::Never),
            column(0, Squeeze::Never),
        ];
        let names = ["us.anthropic.claude-sonnet-4-20250514", "us.anthropic.claude-sonnet-4-5-20250929"];
        let mut lines = names.map(|name| vec![name.to_owned(), "1,234,567".to_owned(), "$1".to_owned()]);
        assert_eq!(arrange(&mut lines, &columns, Some(44)), [0, 2]);
        assert_eq!([&lines[0][0], &lines[1][0]], names);
    }

    #[test]
    fn however_narrow_the_terminal_is_it_comes_to_an_end() {
        for room in 0..60 {
            assert!(!arranged(["└ a-name-of-a-part", "else"], room).is_empty());
        }
    }

    #[test]
    fn ids_are_as_short_as_they_can_be_told_apart() {
        let ids = |ids: &[&str]| {
            let column = |text: &str| vec![text.to_owned()];
            let mut lines: Vec<Vec<String>> =
                [&["Session"], ids, &["Total, of many"]].concat().into_iter().map(column).collect();
            shorten_ids(&mut lines, 0);
            lines.into_iter().map(|mut line| line.remove(0)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(ids(&["11111111-1111", "22222222-2222"]), "Session 11111111 22222222 Total, of many");
        assert_eq!(
            ids(&["11111111-1111", "11111111-1211"]),
            "Session 11111111-11 11111111-12 Total, of many"
        );
        assert_eq!(ids(&["11111111-1111", "11111111"]), "Session 11111111- 11111111 Total, of many");
        assert_eq!(
            ids(&["11111111-1111-0000-01", "11111111-1111-0000-02", "unknown"]),
            "Session …-0000-01 …-0000-02 unknown Total, of many"
        );
        assert_eq!(ids(&["same", "same"]), "Session same same Total, of many");
        assert_eq!(ids(&[]), "Session Total, of many");
    }

    #[test]
    fn width_is_what_a_terminal_shows() {
        for (text, columns) in
            [("", 0), ("abc", 3), ("naïve", 5), ("東京", 4), ("\u{1b}[1mnote\u{1b}[0m: é", 7)]
        {
            assert_eq!(width(text), columns, "{text}");
        }
    }

    #[test]
    fn lines_break_between_words_only() {
        let message =
            "note: no price for acme-1 (1 call);\n  see /a/path/that/is/too/long/for/any/line of it";
        insta::assert_snapshot!(wrap(message, Some(20)), @r"
        note: no price for
          acme-1 (1 call);
          see
            /a/path/that/is/too/long/for/any/line
            of it
        ");
        assert_eq!(wrap(message, None), message);
        assert_eq!(wrap("a b", Some(1)), "a\n  b");
        assert_eq!(wrap("東京 東京", Some(8)), "東京\n  東京");
    }
}
