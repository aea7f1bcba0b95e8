//! What every command starts from: settings, roots, an open engine and the terminal.
//!
//! Owns the order in which layers are read and the engine is opened. Must not: know a report.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cco_daemon::control::Client;
use cco_engine::limits::Places;
use cco_engine::price::PriceList;
use cco_engine::rebuild::Rebuilt;
use cco_engine::report::{Filter, Glance, Named, Only};
use cco_engine::scan::{Finding, ScanSummary};
use cco_engine::snapshot::SnapshotSetup;
use cco_engine::{Engine, LedgerPlace, Setup, price_list};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use tempfile::TempDir;

use crate::args::{CommonArgs, CostMode, Day, ReportArgs, SpanArgs};
use crate::config::{Config, Source, keys};
use crate::env::{Env, later, stderr_columns};
use crate::error::{CliError, without_number};
use crate::notify::Desktop;
use crate::places::LimitsAccess;
use crate::print::progress::ScanProgress;
use crate::print::{Output, Screen, text};
use crate::roots::Roots;
use crate::{choose, demo, home, places, statusline, zone};

/// Less than this is read before a bar would be of use.
const BAR_FROM_BYTES: u64 = 50_000_000;
/// A daemon that takes longer to take in what is new is not waited for.
const DAEMON_PATIENCE: Duration = Duration::from_secs(2);
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

/// A run, ready for its command.
pub(crate) struct App<'o> {
    /// The terminal.
    pub(crate) out: &'o mut Output,
    /// The ledger and the means to fill it.
    pub(crate) engine: Engine,
    /// The present, in the zone of reports.
    pub(crate) now: Zoned,
    /// JSON is wanted.
    pub(crate) json: bool,
    /// Where data is shown.
    pub(crate) screen: Screen,
    roots: Roots,
    /// How the service may be asked for limits.
    pub(crate) limits: LimitsAccess,
    /// Where notifications go.
    pub(crate) desktop: Desktop,
    /// Somebody looks at notes.
    pub(crate) stderr_is_terminal: bool,
    /// Somebody can be asked, and sees the question.
    pub(crate) can_ask: bool,
    /// What the snapshot for status lines needs beside the ledger; none: nothing is kept after this run.
    snapshot: Option<SnapshotSetup>,
    /// The state folder in which a daemon of this ledger would be; none: nothing is kept, so none is.
    daemon: Option<PathBuf>,
    /// Keeps the made-up tree for as long as the run.
    _demo: Option<TempDir>,
}

impl<'o> App<'o> {
    /// Reads the settings and opens the engine.
    pub(crate) fn open(args: &CommonArgs, env: &Env, out: &'o mut Output) -> Result<Self, CliError> {
        let settings = Settings::read(args, env, out)?;
        let (folder, config) = (settings.folder.as_deref(), &settings.config);
        if args.mode == Some(CostMode::Display) {
            out.note(
                "--mode display shows what the other modes show: costs are always worked out from tokens",
            );
        }
        let report_zone = config.zone().unwrap_or_else(|| system_zone(env, out));
        let prices = prices(config);
        for (warning, hint) in config.prices.iter().filter_map(|own| own.complaint(&prices)) {
            out.warning(&warning);
            out.hint(&hint);
        }

        let demo = if args.demo { Some(demo::make_tree(env.now)?) } else { None };
        let (ledger, roots) = match &demo {
            Some(tree) => {
                out.note("demo data, made up");
                (LedgerPlace::Memory, Roots::only(tree.path().to_owned()))
            }
            None => (ledger(folder, config, env, out), Roots::find(env, config, folder)),
        };
        let limits =
            LimitsAccess::find(args.demo, env, &settings.config, settings.folder.as_deref(), &ledger)?;
        let Settings { folder, config, ledger_zone, clock_zone } = settings;
        let lasts = demo.is_none() && !matches!(ledger, LedgerPlace::Memory);
        let snapshot = folder
            .as_deref()
            .filter(|_| lasts)
            .map(|folder| snapshot_setup(env, &config, clock_zone, folder));
        let mut setup =
            engine_setup(env, &config, folder.as_deref(), ledger, &roots, (ledger_zone, &report_zone));
        // What nobody keeps is not taken away from where it lies.
        setup.places.spool = setup.places.spool.filter(|_| lasts);
        if let Some(tree) = &demo {
            setup.places = Places::only(tree.path());
        }
        let engine = Engine::open(setup)?;
        let mut app = Self {
            out,
            engine,
            now: env.now.to_zoned(report_zone),
            json: args.json,
            screen: Screen { columns: env.width, is_terminal: env.stdout_is_terminal },
            roots,
            limits,
            desktop: Desktop { search: env.search_path.clone() },
            stderr_is_terminal: env.stderr_is_terminal,
            can_ask: env.stdin_is_terminal && env.stderr_is_terminal,
            daemon: snapshot.as_ref().and_then(|setup| Some(setup.path.parent()?.to_owned())),
            snapshot,
            _demo: demo,
        };
        app.tell_of_rebuilding();
        Ok(app)
    }

    /// Looks whether the ledger is damaged, and makes a new one if it is.
    pub(crate) fn mend(&mut self) -> Result<(), CliError> {
        let mut progress = ScanProgress::new(self.stderr_is_terminal, BAR_FROM_BYTES, stderr_columns);
        let mended = self.engine.rebuild(&mut |step| progress.update(step));
        progress.finish();
        mended?;
        self.tell_of_rebuilding();
        Ok(())
    }

    fn tell_of_rebuilding(&mut self) {
        let Some(rebuilt) = self.engine.take_rebuilt() else { return };
        let (warning, note) = rebuilt_words(&rebuilt);
        self.out.warning(&warning);
        self.out.note(&note);
    }

    /// Leaves what is known by now to status lines. Without it they show what was known before, with its age.
    pub(crate) fn leave_snapshot(&mut self) {
        if let Some(setup) = &self.snapshot
            && let Err(error) = self.engine.leave_snapshot(setup)
            // Without an old one there is no status line that could show it.
            && setup.path.exists()
        {
            self.out.warning(&format!(
                "status lines show what was known before: {}",
                without_number(&error.to_string())
            ));
        }
    }

    /// The present as an instant.
    pub(crate) fn instant(&self) -> Timestamp {
        self.now.timestamp()
    }

    /// The calls that a report is about; names are looked up in the ledger.
    pub(crate) fn filter(&mut self, args: &ReportArgs) -> Result<Filter, CliError> {
        let projects = self.engine.named(Named::Project)?;
        for words in choose::namesakes(&args.project, &projects) {
            self.out.note(&words);
        }
        let only = Only {
            branches: None,
            projects: choose::projects(&args.project, &projects)?,
            models: choose::models(&args.model, &self.engine.named(Named::Model)?)?,
            accounts: choose::accounts(&args.account, &self.engine.accounts()?)?,
        };
        Ok(Filter { only, ..self.span(&args.span) })
    }

    /// All calls of these days.
    pub(crate) fn span(&self, span: &SpanArgs) -> Filter {
        let zone = self.now.time_zone().clone();
        Filter { days: span.days(self.now.date()), zone, only: Only::default() }
    }

    /// Looks at the clock again.
    pub(crate) fn refresh_now(&mut self) -> Result<(), CliError> {
        self.now = later()?.to_zoned(self.now.time_zone().clone());
        self.engine.set_now(self.now.timestamp());
        Ok(())
    }

    /// Takes in what is new without a word.
    pub(crate) fn scan_quietly(&mut self) -> Result<(), CliError> {
        self.engine.scan(&mut |_| {})?;
        Ok(())
    }

    /// Yesterday and today: where the running block is.
    pub(crate) fn recent_days() -> SpanArgs {
        SpanArgs { since: Some(Day::Yesterday), until: None }
    }

    /// Takes in what is new; false when there is nothing to report on.
    pub(crate) fn begin(&mut self) -> Result<bool, CliError> {
        Ok(self.take_in()? != Footing::Nothing)
    }

    /// What a glance shows.
    pub(crate) fn glance(&self) -> Result<Glance, CliError> {
        Ok(self.engine.glance(self.now.time_zone(), self.instant())?)
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
        let reached = self.daemon.as_deref().and_then(|state| Client::reach(state, DAEMON_PATIENCE).ok());
        let settled = reached.and_then(|client| client.settle(self.roots.usable.clone()).ok());
        match settled.filter(|settled| settled.done) {
            Some(settled) => {
                self.warn_of_missing_roots();
                let finding = |(path, what)| Finding { path, offset: None, what };
                let unread = settled.unread.into_iter().map(finding).collect();
                Ok(ScanSummary { unread, ..ScanSummary::default() })
            }
            None => self.scan(BAR_FROM_BYTES),
        }
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

/// What an engine is made of. The zones: of a new ledger's days, and of times that were typed.
pub(crate) fn engine_setup(
    env: &Env,
    config: &Config,
    folder: Option<&Path>,
    ledger: LedgerPlace,
    roots: &Roots,
    (ledger_zone, zone): (TimeZone, &TimeZone),
) -> Setup {
    Setup {
        ledger,
        roots: roots.usable.clone(),
        user_home: env.home.clone(),
        ledger_zone,
        prices: prices(config),
        threads: env.threads,
        now: env.now,
        places: places::places(env, config, folder, &roots.config_dirs(), zone),
    }
}

/// The zone of a new ledger's days.
pub(crate) fn ledger_zone(config: &Config) -> TimeZone {
    config.lasting_zone().unwrap_or_else(zone::machine)
}

/// The built-in list, with the user's own prices.
fn prices(config: &Config) -> PriceList {
    price_list::with_overrides(price_list::embedded(), &config.overrides())
}

/// What the snapshot for status lines needs beside the ledger. `zone`: the user's; none: the system's.
pub(crate) fn snapshot_setup(
    env: &Env,
    config: &Config,
    zone: Option<TimeZone>,
    folder: &Path,
) -> SnapshotSetup {
    let zone = zone.or_else(|| zone::system(env.tz.as_deref()).ok()).unwrap_or(TimeZone::UTC);
    SnapshotSetup {
        path: places::state(folder).join(statusline::SNAPSHOT),
        settings: statusline::settings(config),
        config: statusline::stamp_of(folder),
        autostart: keys::daemon::autostart(config, env),
        clock: statusline::clock(&zone, env),
        zone,
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

/// Where `cco` lives and how it is set.
struct Settings {
    folder: Option<PathBuf>,
    config: Config,
    ledger_zone: TimeZone,
    /// Of the user's clock, whatever zone this run reports in; none: the system's.
    clock_zone: Option<TimeZone>,
}

impl Settings {
    /// Reads the layers. Made-up data needs none of them: there, what is wrong with them is only told.
    fn read(args: &CommonArgs, env: &Env, out: &mut Output) -> Result<Self, CliError> {
        let mut forgive = |error: CliError| {
            if !args.demo {
                return Err(error);
            }
            out.warning(&error.message);
            error.hints.iter().for_each(|hint| out.hint(hint));
            Ok(())
        };
        let folder = match home::folder(env) {
            Ok(folder) => folder,
            Err(error) => forgive(error).map(|()| None)?,
        };
        let mut config = match Config::load(home::config_file(folder.as_deref()).as_deref(), env) {
            Ok(config) => config,
            Err(error) => forgive(error).map(|()| Config::defaults())?,
        };
        let ledger_zone = ledger_zone(&config);
        let clock_zone = config.zone();
        if let Some(zone) = &args.timezone {
            config.set(keys::TIMEZONE, zone, Source::Flag("--timezone"))?;
        }
        config.refused().into_iter().try_for_each(forgive)?;
        config.warnings.iter().chain(&config.idle).for_each(|warning| out.warning(warning));
        Ok(Self { folder, config, ledger_zone, clock_zone })
    }
}

fn ledger(folder: Option<&Path>, config: &Config, env: &Env, out: &mut Output) -> LedgerPlace {
    let (place, warning) = home::ledger_place(folder, config, env);
    if let Some(warning) = warning {
        out.warning(&warning);
    }
    place
}

/// The system's zone; UTC where the system does not tell, with a word only when it tried to.
fn system_zone(env: &Env, out: &mut Output) -> TimeZone {
    zone::system(env.tz.as_deref()).unwrap_or_else(|_| {
        if let Some(tz) = &env.tz {
            let tz = tz.to_string_lossy();
            out.warning(&format!("TZ is {tz:?}, which is no time zone known here; days are those of UTC"));
            out.hint(&keys::zone_hint(&tz));
        }
        TimeZone::UTC
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
