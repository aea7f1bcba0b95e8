//! `cco doctor`: runs all checks and says how to mend what is wrong.
//!
//! Must not: know a check; end because something is broken.

use serde_json::json;

use crate::args::{CommonArgs, DoctorArgs};
use crate::doctor::facts::Facts;
use crate::doctor::{CHECKS, Check, Status, Verdict};
use crate::env::{Env, stderr_columns};
use crate::error::{CliError, Exit};
use crate::print::progress::StepProgress;
use crate::print::{BAD, GOOD, MIDDLING, Output, fit, json, styled, text};

/// Details that are shown to people; the rest is counted.
const SHOWN: usize = 5;
/// Where the id stands apart from the message.
const WIDE: usize = 90;
/// Columns of a status, with the blanks behind it.
const STATUS: usize = 9;

/// Runs the command.
pub(super) fn run(
    args: &DoctorArgs,
    common: &CommonArgs,
    env: &Env,
    out: &mut Output,
) -> Result<Exit, CliError> {
    let mut progress = StepProgress::new(args.deep && env.stderr_is_terminal, stderr_columns);
    let facts = Facts::gather(common, args.deep, env, &mut |step| progress.step(step));
    progress.finish();
    let facts = facts?;
    let asked = CHECKS.iter().filter(|check| args.deep || !check.deep);
    let results: Vec<(&Check, Verdict)> = asked.map(|check| (check, (check.judge)(&facts))).collect();
    let sick = results.iter().any(|(_, verdict)| verdict.status == Status::Problem);
    if common.json {
        out.data(&document(&results, !sick)?)?;
    } else {
        out.data(&page(&results, env.width))?;
        if !args.deep && !sick {
            out.hint("`cco doctor --deep` reads the whole ledger too");
        }
    }
    Ok(if sick { Exit::Problem } else { Exit::Done })
}

fn document(results: &[(&Check, Verdict)], ok: bool) -> Result<String, CliError> {
    let checks: Vec<serde_json::Value> = results
        .iter()
        .map(|(check, verdict)| {
            json!({
                "id": check.id,
                "status": verdict.status.name(),
                "message": verdict.message,
                "fix": verdict.fix,
                "details": verdict.details,
            })
        })
        .collect();
    json::render(&json!({ "checks": checks, "ok": ok }))
}

fn page(results: &[(&Check, Verdict)], columns: Option<usize>) -> String {
    let ids = results.iter().map(|(check, _)| check.id.len()).max().unwrap_or_default();
    let wide = columns.is_none_or(|columns| columns >= WIDE);
    let mut page = String::new();
    for (check, verdict) in results {
        let (style, word) = (style(verdict.status), verdict.status.name());
        let id = if wide { format!("{:<ids$} ", check.id) } else { format!("{}:", check.id) };
        let blanks = " ".repeat(STATUS - word.len());
        let line = format!("{}{blanks}{id} {}", styled(style, word), text::clean(&verdict.message));
        page += &hanging(&line, columns, if wide { STATUS + ids + 2 } else { STATUS });
        let indent = " ".repeat(STATUS);
        let details = verdict.details.iter().take(SHOWN).map(|detail| text::clean(detail).into_owned());
        let more = verdict.details.len().saturating_sub(SHOWN) as u64;
        let more = (more > 0).then(|| format!("{} more; --json has them all", text::count(more)));
        for detail in details.chain(more) {
            page += &hanging(&format!("{indent}{detail}"), columns, STATUS + 2);
        }
        if let Some(fix) = &verdict.fix {
            let line = format!("{indent}{} {}", styled(MIDDLING, "fix:"), text::clean(fix));
            page += &hanging(&line, columns, STATUS + 5);
        }
    }
    page + &summary(results)
}

fn style(status: Status) -> anstyle::Style {
    match status {
        Status::Ok => GOOD,
        Status::Note => MIDDLING,
        Status::Problem => BAD,
    }
}

/// A line broken between words, its further lines behind so many blanks.
fn hanging(line: &str, columns: Option<usize>, indent: usize) -> String {
    let Some(columns) = columns else { return format!("{line}\n") };
    let (mut page, mut used, mut first) = (String::new(), 0, true);
    for word in line.split_inclusive(' ') {
        let wide = fit::width(word.trim_end());
        if used + wide > columns && used > indent && !first {
            page.truncate(page.trim_end().len());
            page += &format!("\n{}", " ".repeat(indent));
            used = indent;
        }
        page += word;
        used += fit::width(word);
        first &= word.trim().is_empty();
    }
    page + "\n"
}

fn summary(results: &[(&Check, Verdict)]) -> String {
    let number = |status| results.iter().filter(|(_, verdict)| verdict.status == status).count() as u64;
    let (notes, problems) = (number(Status::Note), number(Status::Problem));
    let all = text::plural(results.len() as u64, "check", "checks");
    let mut parts = Vec::new();
    if problems > 0 {
        parts.push(text::plural(problems, "problem", "problems"));
    }
    if notes > 0 {
        parts.push(text::plural(notes, "note", "notes"));
    }
    if parts.is_empty() {
        parts.push("all is well".to_owned());
    }
    format!("\n{all}: {}\n", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_terminals_have_no_column_of_ids() {
        let judge = |_: &Facts| unreachable!();
        let check = |id| Check { id, about: "", deep: false, judge };
        let checks = [check("time.data"), check("home.private"), check("transcripts.damaged")];
        let verdict = |status, message: &str| Verdict {
            status,
            message: message.to_owned(),
            fix: None,
            details: Vec::new(),
        };
        let mut problem = verdict(Status::Problem, "other users of this machine may read what you use");
        problem.fix = Some("chmod 700 /home/ann/.cco and take care of all the others".to_owned());
        let mut note = verdict(Status::Note, "7 damaged lines; whole records on them count");
        note.details = (1..=7).map(|n| format!("/home/ann/.claude/projects/{n}.jsonl: byte {n}")).collect();
        let fine = verdict(Status::Ok, "the system's time zone files are there");
        let results: Vec<(&Check, Verdict)> = checks.iter().zip([fine, problem, note]).collect();
        let shown = |columns| anstream::adapter::strip_str(&page(&results, columns)).to_string();
        insta::assert_snapshot!(shown(Some(60)), @r"
        ok       time.data: the system's time zone files are there
        problem  home.private: other users of this machine may read
                 what you use
                 fix: chmod 700 /home/ann/.cco and take care of all
                      the others
        note     transcripts.damaged: 7 damaged lines; whole records
                 on them count
                 /home/ann/.claude/projects/1.jsonl: byte 1
                 /home/ann/.claude/projects/2.jsonl: byte 2
                 /home/ann/.claude/projects/3.jsonl: byte 3
                 /home/ann/.claude/projects/4.jsonl: byte 4
                 /home/ann/.claude/projects/5.jsonl: byte 5
                 2 more; --json has them all

        3 checks: 1 problem, 1 note
        ");
        insta::assert_snapshot!(shown(Some(100)), @r"
        ok       time.data            the system's time zone files are there
        problem  home.private         other users of this machine may read what you use
                 fix: chmod 700 /home/ann/.cco and take care of all the others
        note     transcripts.damaged  7 damaged lines; whole records on them count
                 /home/ann/.claude/projects/1.jsonl: byte 1
                 /home/ann/.claude/projects/2.jsonl: byte 2
                 /home/ann/.claude/projects/3.jsonl: byte 3
                 /home/ann/.claude/projects/4.jsonl: byte 4
                 /home/ann/.claude/projects/5.jsonl: byte 5
                 2 more; --json has them all

        3 checks: 1 problem, 1 note
        ");
    }

    #[test]
    fn lines_hang_behind_their_status() {
        assert_eq!(hanging("ok  a b c", None, 4), "ok  a b c\n");
        assert_eq!(hanging("ok  aaa bbb ccc", Some(11), 4), "ok  aaa bbb\n    ccc\n");
        assert_eq!(hanging("ok  aaaaaaaaaaaaaaa", Some(8), 4), "ok  aaaaaaaaaaaaaaa\n");
        assert_eq!(hanging("   ok  東京 東京", Some(12), 7), "   ok  東京\n       東京\n");
    }
}
