//! Reports as CSV (RFC 4180), safe to open in a spreadsheet.
//!
//! Must not: let a name from a transcript become a formula.

use cco_model::sums::Sums;

use super::reports::Report;

/// The columns behind a report's own.
const SUMS: [&str; 11] = [
    "calls",
    "inputTokens",
    "outputTokens",
    "cacheCreationTokens",
    "cacheCreation5mTokens",
    "cacheCreation1hTokens",
    "cacheReadTokens",
    "totalTokens",
    "totalCost",
    "unpricedCalls",
    "unpricedTokens",
];

/// A header and a line for each row; with `breakdown`, for each model of each row.
pub(crate) fn groups<R>(report: &Report<R>, rows: &[R], breakdown: bool) -> String {
    let mut names: Vec<&str> = report.fields.iter().map(|field| field.name).collect();
    if breakdown {
        names.push("modelName");
    }
    names.extend(SUMS);
    let mut csv = line(names.into_iter().map(cell));
    for row in rows {
        let fields: Vec<String> =
            report.fields.iter().map(|field| cell(&(field.text)(row).unwrap_or_default())).collect();
        if breakdown {
            for model in (report.models)(row) {
                let named = fields.iter().cloned().chain([cell(&model.model)]);
                csv += &line(named.chain(sums(&model.sums)));
            }
        } else {
            csv += &line(fields.into_iter().chain(sums(&(report.sums)(row))));
        }
    }
    csv
}

/// Names and whole numbers.
pub(crate) fn plain(header: &[&str], rows: impl Iterator<Item = (String, Vec<u64>)>) -> String {
    let mut csv = line(header.iter().map(|name| cell(name)));
    for (name, numbers) in rows {
        csv += &line([cell(&name)].into_iter().chain(numbers.iter().map(u64::to_string)));
    }
    csv
}

fn sums(sums: &Sums) -> [String; 11] {
    let tokens = &sums.tokens;
    [
        sums.calls.to_string(),
        tokens.input.to_string(),
        tokens.output.to_string(),
        tokens.cache_write().to_string(),
        tokens.cache_write_5m.to_string(),
        tokens.cache_write_1h.to_string(),
        tokens.cache_read.to_string(),
        tokens.total().to_string(),
        sums.cost.decimal(),
        sums.unpriced_calls.to_string(),
        sums.unpriced_tokens.to_string(),
    ]
}

fn line(cells: impl Iterator<Item = String>) -> String {
    cells.collect::<Vec<_>>().join(",") + "\r\n"
}

/// A cell of text. What a spreadsheet would take for a formula gets an apostrophe in front, behind quotes and blanks
/// too (OWASP ASVS 1.2.10, CWE-1236).
fn cell(text: &str) -> String {
    // Cleaned first: a mark that is not seen could hide the one behind it.
    let text = super::text::clean(text);
    let bare = text.trim_start_matches([' ', '"', '\'']);
    let guarded = if bare.starts_with(FORMULA) { format!("'{text}") } else { text.into_owned() };
    if guarded.contains(['"', ',', ';']) { format!("\"{}\"", guarded.replace('"', "\"\"")) } else { guarded }
}

/// What formulas begin with, in full width too.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_be_a_formula() {
        for (text, written) in [
            ("app", "app"),
            ("my app, the second", "\"my app, the second\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'=1"),
            ("\r=1", "'=1"),
            (" =1", "' =1"),
            ("\"=1", "\"'\"\"=1\""),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("＝1", "'＝1"),
            ("a;b", "\"a;b\""),
            ("", ""),
        ] {
            assert_eq!(cell(text), written, "{text:?}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(1_000))]
        #[test]
        fn whatever_a_name_holds_its_cell_is_text(
            head in proptest::sample::select(&["", " ", "\"", "'", "\t", "\u{feff}", "\u{200b}", "\0"][..]),
            name in ".{0,12}",
            mark in proptest::sample::select(&["=", "+", "-", "@", "\t=", "x"][..]),
        ) {
            let written = cell(&format!("{head}{mark}{name}"));
            let inside = written.strip_prefix('"').unwrap_or(&written);
            let first = inside.trim_start_matches([' ', '"']).chars().next();
            proptest::prop_assert!(!matches!(first, Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\0')), "{written:?}");
        }
    }
}
