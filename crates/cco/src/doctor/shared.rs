//! Rules about files that older tools share with us, in both directions.
//!
//! Must not: look at anything.

use cco_engine::limits::Keeper;
use cco_engine::limits::check_up::Broken;
use cco_model::civil;

use super::Verdict;
use super::facts::Facts;
use super::places::without_settings;
use crate::config::keys;
use crate::print::text;

/// One that was just being written is whole the next time; one that stays broken is somebody's fault.
pub(super) fn broken(facts: &Facts) -> Verdict {
    let broken = &facts.limits.files.broken;
    if broken.is_empty() {
        return Verdict::ok("no file of another tool is there and broken");
    }
    let words = |file: &Broken| {
        let since = file.lasting.map_or_else(String::new, |(count, since_ms)| {
            let since = text::minute(civil::timestamp(since_ms), &facts.limits.zone);
            format!("; {} in a row, since {since}", text::plural(count.into(), "bad read", "bad reads"))
        });
        format!("{} {}{since}", file.path.display(), file.why)
    };
    let details = broken.iter().map(words).collect();
    let number = text::plural(broken.len() as u64, "file of another tool", "files of other tools");
    if broken.iter().any(|file| file.lasting.is_some()) {
        return Verdict::problem(format!(
            "{number} cannot be used, time and again; what it said last stays, with its age"
        ))
        .fix("mend it, or move it away")
        .details(details);
    }
    Verdict::note(format!("{number} cannot be used; other sources of limits go on"))
        .fix("a file that was just being written is whole the next time; else mend it or move it away")
        .details(details)
}

/// Where two programs wrote to one file, each would undo what the other did.
pub(super) fn written(facts: &Facts) -> Verdict {
    if let Some(verdict) = without_settings(facts) {
        return verdict;
    }
    let limits = &facts.limits;
    if !limits.is_shared {
        return Verdict::ok("limits are not written to files of older tools");
    }
    let shared = &limits.files.shared;
    let of = |is: fn(&Keeper) -> bool| -> Vec<String> {
        shared.iter().filter(|file| is(&file.keeper)).map(|file| file.path.display().to_string()).collect()
    };
    let others = of(|keeper| *keeper == Keeper::Other);
    let unknown = of(|keeper| matches!(keeper, Keeper::Unknown(_)));
    let files = |of: &[String]| text::plural(of.len() as u64, "file", "files");
    match (&others[..], &unknown[..]) {
        ([], []) => Verdict::ok("limits are written to files of older tools, by `cco limits --refresh`")
            .details(of(|_| true)),
        ([], _) => Verdict::note(format!(
            "cannot read {} of older tools, so nothing is written there",
            files(&unknown)
        ))
        .fix("mend them or move them away; the next `cco limits --refresh` writes new ones")
        .details(unknown),
        _ => Verdict::note(format!(
            "another program keeps {} up to date; cco leaves them alone",
            files(&others)
        ))
        .fix(format!("stop that program, or `cco config set {} false`", keys::limits::SHARE))
        .details([others, unknown].concat()),
    }
}
