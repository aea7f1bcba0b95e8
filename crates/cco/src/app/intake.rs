//! Taking in what is new before a report, by a daemon or by this run, and what is said of it: what could not be read, what
//! is damaged, and what the report stands on.

use std::time::Duration;

use cco_daemon::control::{Client, SOCKET, Settled, Unanswered};
use cco_engine::rebuild::Rebuilt;
use cco_engine::scan::{Finding, ScanSummary};

use super::App;
use crate::env::stderr_columns;
use crate::error::{CliError, without_number};
use crate::print::progress::ScanProgress;
use crate::print::text;

/// Less than this is read before a bar would be of use.
const BAR_FROM_BYTES: u64 = 50_000_000;
/// A daemon that takes longer to take in what is new is not waited for.
const DAEMON_PATIENCE: Duration = Duration::from_secs(2);
/// One that works says within this time how it is, on a busy machine too.
const DAEMON_SAYS: Duration = Duration::from_secs(1);
/// Unreadable files and folders that are named before it is referred to `scan -v`.
const NAMED_UNREAD: usize = 3;

/// What a report stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Footing {
    /// Transcripts were looked for and read, if there were any.
    Transcripts,
    /// There is no place to look in, but the ledger holds calls.
    LedgerOnly,
    /// There is no place to look in, and nothing is kept.
    Nothing,
}

impl App<'_> {
    /// Looks whether the ledger is damaged, and makes a new one if it is.
    pub(crate) fn mend(&mut self) -> Result<(), CliError> {
        let mut progress = ScanProgress::new(self.stderr_is_terminal, BAR_FROM_BYTES, stderr_columns);
        let mended = self.engine.rebuild(&mut |step| progress.update(step));
        progress.finish();
        mended?;
        self.tell_of_rebuilding();
        Ok(())
    }

    pub(super) fn tell_of_rebuilding(&mut self) {
        let Some(rebuilt) = self.engine.take_rebuilt() else { return };
        let (warning, note) = rebuilt_words(&rebuilt);
        self.out.warning(&warning);
        self.out.note(&note);
    }

    /// Takes in what is new; false when there is nothing to report on.
    pub(crate) fn begin(&mut self) -> Result<bool, CliError> {
        Ok(self.take_in()? != Footing::Nothing)
    }

    /// Takes in what is new without a word.
    pub(crate) fn scan_quietly(&mut self) -> Result<(), CliError> {
        self.engine.scan(&mut |_| {})?;
        Ok(())
    }

    /// Takes in what is new before a report, and says what the report stands on.
    pub(crate) fn take_in(&mut self) -> Result<Footing, CliError> {
        match self.settle_or_scan() {
            Ok(summary) => {
                self.note_damage(&summary);
                self.warn_of_unread(&summary);
            }
            // Reports are as good as what is in the ledger; what is new there is the other process's to finish.
            Err(error) if error.is_busy => {
                self.out.warning("another cco is at work on the ledger: what is new may not be counted yet");
            }
            Err(error) => return Err(error),
        }
        self.note_uncounted()?;
        self.footing()
    }

    /// Has a daemon take in what is new, where one follows the same transcripts; else this run does.
    fn settle_or_scan(&mut self) -> Result<ScanSummary, CliError> {
        match self.settled().filter(|settled| settled.done) {
            Some(settled) => {
                self.warn_of_missing_roots();
                let finding = |(path, what)| Finding { path, offset: None, what };
                let unread = settled.unread.into_iter().map(finding).collect();
                Ok(ScanSummary { unread, ..ScanSummary::default() })
            }
            None => self.scan(BAR_FROM_BYTES),
        }
    }

    /// What a daemon says that has taken in what is new; none: there is none, or it does not say. Whoever keeps each
    /// command waiting is named.
    fn settled(&mut self) -> Option<Settled> {
        let state = self.daemon.as_deref()?;
        let ask = |patience| Client::reach(state, patience);
        match ask(DAEMON_PATIENCE).and_then(|daemon| daemon.settle(self.roots.usable.clone())) {
            Ok(settled) => return Some(settled),
            Err(Unanswered::Stranger) => {
                let socket = state.join(SOCKET);
                self.out.warning(&format!(
                    "another program has {}, and does not answer; no daemon runs",
                    socket.display()
                ));
                self.out.hint("`cco daemon start` takes its place");
            }
            // One that is long at work says at least how it is.
            Err(Unanswered::Silent(_))
                if matches!(ask(DAEMON_SAYS).and_then(Client::status), Err(Unanswered::Silent(_))) =>
            {
                self.out.warning("the daemon does not answer");
                self.out.hint("`cco daemon restart` begins another; `cco daemon logs` may say why");
            }
            Err(_) => {}
        }
        None
    }

    /// Takes in what is new; a bar shows for work of at least this many bytes.
    pub(crate) fn scan(&mut self, bar_from_bytes: u64) -> Result<ScanSummary, CliError> {
        self.warn_of_missing_roots();
        let mut progress = ScanProgress::new(self.stderr_is_terminal, bar_from_bytes, stderr_columns);
        let summary = self.engine.scan(&mut |step| progress.update(step));
        progress.finish();
        let summary = summary?;
        self.tell_of_rebuilding();
        if let Some(why) = &summary.not_journalled {
            self.out.warning(&format!("{}; the ledger has all calls, its journal not", without_number(why)));
        }
        Ok(summary)
    }

    /// A bar for other work on transcripts.
    pub(crate) fn progress(&self) -> ScanProgress {
        ScanProgress::new(self.stderr_is_terminal, BAR_FROM_BYTES, stderr_columns)
    }

    /// Whether there is anything to look at.
    pub(crate) fn footing(&mut self) -> Result<Footing, CliError> {
        if !self.roots.usable.is_empty() {
            return Ok(Footing::Transcripts);
        }
        let kept = self.glance()?.calls_ever > 0;
        if kept {
            self.out.warning("no transcripts of Claude Code found; these are the numbers kept in the ledger");
            self.roots.looked_in().iter().for_each(|place| self.out.hint(place));
        }
        Ok(if kept { Footing::LedgerOnly } else { Footing::Nothing })
    }

    /// What to say when there is nothing to look at.
    pub(crate) fn nothing(&self) -> CliError {
        let mut error = CliError::failed("no transcripts of Claude Code found");
        error.hints = self.roots.looked_in();
        error.hint("`cco --demo` shows made-up data")
    }

    /// Defaults may be absent; what somebody named should be there.
    fn warn_of_missing_roots(&mut self) {
        if self.roots.usable.is_empty() {
            return;
        }
        for root in &self.roots.missing {
            let (projects, reason) = (root.projects.display(), &root.reason);
            match &root.named_by {
                Some(by) => self.out.warning(&format!("{projects}, named by {by}, cannot be read: {reason}")),
                None if root.absent => {}
                None => self.out.warning(&format!("{projects} cannot be read: {reason}")),
            }
        }
    }

    /// Damaged lines are `scan`'s to name: they are met only once.
    fn note_damage(&mut self, summary: &ScanSummary) {
        if summary.damaged_lines > 0 {
            let lines = text::plural(summary.damaged_lines, "damaged line", "damaged lines");
            let records = text::plural(summary.recovered_records, "record", "records");
            self.out.note(&format!("{lines} met, {records} recovered; `cco scan -v` names them"));
        }
    }

    /// Calls that are in no number are never left out silently.
    fn note_uncounted(&mut self) -> Result<(), CliError> {
        let uncounted = self.engine.uncounted()?;
        if uncounted > 0 {
            let calls = text::plural(uncounted, "call is", "calls are");
            self.out.note(&format!("{calls} not counted: no time, or too large; `cco scan -v` names them"));
        }
        Ok(())
    }

    /// Says how many files and folders could not be read, and names the first of them.
    pub(crate) fn warn_of_unread(&mut self, summary: &ScanSummary) {
        let Some(words) = unread_words(summary) else { return };
        self.out.warning(&words.warning);
        words.named.iter().for_each(|named| self.out.note(named));
        words.hint.iter().for_each(|hint| self.out.hint(hint));
    }
}

/// What is said of a ledger that was damaged.
fn rebuilt_words(rebuilt: &Rebuilt) -> (String, String) {
    let aside = rebuilt.set_aside.display();
    let warning = format!("the ledger was damaged; it is kept as {aside}, and a new one was made");
    let parts = [
        (rebuilt.from_transcripts, "from transcripts"),
        (rebuilt.from_journal, "from the journal"),
        (rebuilt.from_damaged, "from the damaged ledger"),
    ];
    let mut parts: Vec<String> = parts
        .iter()
        .filter(|(calls, _)| *calls > 0)
        .map(|(calls, from)| format!("{} {from}", text::plural(*calls, "call", "calls")))
        .collect();
    if parts.is_empty() {
        parts.push("no calls".to_owned());
    }
    let mut note = format!("{} came back", parts.join(", "));
    if rebuilt.journal_damaged > 0 {
        let places = text::plural(rebuilt.journal_damaged, "place", "places");
        note += &format!("; the journal is damaged too, in {places}, and what stood there was passed over");
    }
    (warning, note)
}

/// What is said of unreadable files and folders.
struct UnreadWords {
    warning: String,
    named: Vec<String>,
    hint: Option<String>,
}

fn unread_words(summary: &ScanSummary) -> Option<UnreadWords> {
    let count = summary.unread.len();
    if count == 0 {
        return None;
    }
    let number = text::plural(count as u64, "file or folder", "files or folders");
    let name = |finding: &Finding| format!("{}: {}", finding.path.display(), without_number(&finding.what));
    let more = count.saturating_sub(NAMED_UNREAD) as u64;
    Some(UnreadWords {
        warning: format!("{number} cannot be read; what is new there is not counted"),
        named: summary.unread.iter().take(NAMED_UNREAD).map(name).collect(),
        hint: (more > 0).then(|| format!("{} more; `cco scan -v` names them all", text::count(more))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(unread: usize, damaged: usize) -> ScanSummary {
        let finding = |number: usize, offset| Finding {
            path: format!("/p/{number}.jsonl").into(),
            offset,
            what: "cannot be read: Permission denied (os error 13)".to_owned(),
        };
        ScanSummary {
            findings: (0..damaged).map(|number| finding(number, Some(0))).collect(),
            unread: (1..=unread).map(|number| finding(number, None)).collect(),
            ..ScanSummary::default()
        }
    }

    #[test]
    fn what_cannot_be_read_is_counted_and_the_first_are_named() {
        let words = |unread, damaged| {
            let Some(words) = unread_words(&summary(unread, damaged)) else { return "nothing".to_owned() };
            [vec![words.warning], words.named, words.hint.into_iter().collect()].concat().join("\n")
        };
        assert_eq!(words(0, 3), "nothing");
        insta::assert_snapshot!(words(1, 3), @r"
        1 file or folder cannot be read; what is new there is not counted
        /p/1.jsonl: cannot be read: Permission denied
        ");
        insta::assert_snapshot!(words(5, 0), @r"
        5 files or folders cannot be read; what is new there is not counted
        /p/1.jsonl: cannot be read: Permission denied
        /p/2.jsonl: cannot be read: Permission denied
        /p/3.jsonl: cannot be read: Permission denied
        2 more; `cco scan -v` names them all
        ");
        assert!(!words(3, 0).contains("more"));
    }
}
