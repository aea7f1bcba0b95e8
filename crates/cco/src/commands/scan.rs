//! `cco scan`: reads all transcripts now, and with `-v` names what is damaged.
//!
//! Must not: show a report.

use cco_engine::scan::{Finding, ScanSummary};

use crate::app::{App, Footing};
use crate::args::ScanArgs;
use crate::error::{CliError, without_number};
use crate::print::fit::wrap;
use crate::print::{json, text};

/// Runs the command.
pub(super) fn run(app: &mut App<'_>, args: &ScanArgs) -> Result<(), CliError> {
    let summary = app.scan(0)?;
    if app.json {
        app.out.data(&json::scan(&summary)?)?;
    }
    if !args.verbose || app.json {
        app.warn_of_unread(&summary);
    }
    if app.footing()? == Footing::Nothing {
        return Err(app.nothing());
    }
    if app.json {
        return Ok(());
    }
    app.out.data(&wrap(&render(&summary), app.screen.columns))?;
    if args.verbose {
        // What earlier scans met is still there; what could not be read was met by this one.
        let lines: String = summary.unread.iter().chain(&app.engine.findings()?).map(finding_line).collect();
        app.out.data(&wrap(&lines, app.screen.columns))?;
    } else if summary.damaged_lines > 0 {
        app.out.hint("`cco scan -v` names damaged lines");
    }
    Ok(())
}

fn render(summary: &ScanSummary) -> String {
    let files = text::plural(summary.files, "transcript", "transcripts");
    let read = text::plural(summary.files_read, "had something new", "had something new");
    let mut page = format!("{files}, {read} ({})\n", text::bytes(summary.bytes_read));
    let changed = text::count(summary.calls_changed);
    page += &format!("{}, {changed} changed\n", text::plural(summary.calls_new, "new call", "new calls"));
    if summary.damaged_lines > 0 {
        let lines = text::plural(summary.damaged_lines, "damaged line", "damaged lines");
        let records = text::plural(summary.recovered_records, "record", "records");
        page += &format!("{lines}, {records} recovered from them\n");
    }
    page
}

/// `path: byte OFFSET: what`. An offset and no line number: it is what a tool can seek to in a file of gigabytes.
fn finding_line(finding: &Finding) -> String {
    let path = finding.path.display().to_string();
    let offset = finding.offset.map_or_else(String::new, |offset| format!(": byte {offset}"));
    format!("{}{offset}: {}\n", text::clean(&path), text::clean(without_number(&finding.what)))
}
