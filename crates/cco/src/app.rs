//! What every command starts from: settings, roots, an open engine and the terminal.
//!
//! Owns the order in which layers are read and the engine is opened. Must not: know a report.

use std::path::{Path, PathBuf};

use cco_engine::report::{Filter, Glance};
use cco_engine::scan::{Finding, ScanSummary};
use cco_engine::{Engine, LedgerPlace, Setup, price_list};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use tempfile::TempDir;

use crate::args::{CommonArgs, ReportArgs};
use crate::config::{Config, Source, keys};
use crate::env::{Env, stderr_columns};
use crate::error::CliError;
use crate::print::progress::ScanProgress;
use crate::print::{Output, Screen, text};
use crate::roots::Roots;
use crate::{demo, home, zone};

/// Less than this is read before a bar would be of use.
const BAR_FROM_BYTES: u64 = 50_000_000;
/// Troubles with files that a report names before it refers to `scan -v`.
const NAMED_TROUBLES: usize = 3;

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
    stderr_is_terminal: bool,
    /// Keeps the made-up tree for as long as the run.
    _demo: Option<TempDir>,
}

impl<'o> App<'o> {
    /// Reads the settings and opens the engine.
    pub(crate) fn open(args: &CommonArgs, env: &Env, out: &'o mut Output) -> Result<Self, CliError> {
        let Settings { folder, config, ledger_zone } = Settings::read(args, env, out)?;
        let report_zone = config.zone().unwrap_or_else(|| system_zone(env, out));
        let prices = price_list::with_overrides(price_list::embedded(), &config.overrides());
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
            None => {
                (ledger(folder.as_deref(), &config, env, out), Roots::find(env, &config, folder.as_deref()))
            }
        };
        let engine = Engine::open(Setup {
            ledger,
            roots: roots.usable.clone(),
            user_home: env.home.clone(),
            ledger_zone,
            prices,
            threads: env.threads,
        })?;
        Ok(Self {
            out,
            engine,
            now: env.now.to_zoned(report_zone),
            json: args.json,
            screen: Screen { columns: env.width, is_terminal: env.stdout_is_terminal },
            roots,
            stderr_is_terminal: env.stderr_is_terminal,
            _demo: demo,
        })
    }

    /// The present as an instant.
    pub(crate) fn instant(&self) -> Timestamp {
        self.now.timestamp()
    }

    /// The calls that a report is about.
    pub(crate) fn filter(&self, args: &ReportArgs) -> Filter {
        Filter { since: args.since, until: args.until, zone: self.now.time_zone().clone() }
    }

    /// What a glance shows.
    pub(crate) fn glance(&self) -> Result<Glance, CliError> {
        Ok(self.engine.glance(self.now.time_zone(), self.instant())?)
    }

    /// Takes in what is new before a report, and says what the report stands on.
    pub(crate) fn take_in(&mut self) -> Result<Footing, CliError> {
        let summary = self.scan(BAR_FROM_BYTES)?;
        self.warn_of_troubles(&summary);
        self.footing()
    }

    /// Takes in what is new; a bar shows for work of at least this many bytes.
    pub(crate) fn scan(&mut self, bar_from_bytes: u64) -> Result<ScanSummary, CliError> {
        self.warn_of_missing_roots();
        let mut progress = ScanProgress::new(self.stderr_is_terminal, bar_from_bytes, stderr_columns);
        let summary = self.engine.scan(&mut |step| progress.update(step));
        progress.finish();
        Ok(summary?)
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
            let Some(named_by) = &root.named_by else { continue };
            let projects = root.projects.display();
            self.out.warning(&format!("{projects}, named by {named_by}, cannot be read: {}", root.reason));
        }
    }

    /// Names files that could not be read. Damaged lines are `scan`'s to name: they are met only once.
    fn warn_of_troubles(&mut self, summary: &ScanSummary) {
        if summary.damaged_lines > 0 {
            let lines = text::plural(summary.damaged_lines, "damaged line", "damaged lines");
            let records = text::plural(summary.recovered_records, "record", "records");
            self.out.note(&format!("{lines} met, {records} recovered; `cco scan -v` names them"));
        }
        let troubles: Vec<&Finding> =
            summary.findings.iter().filter(|finding| finding.offset.is_none()).collect();
        for finding in troubles.iter().take(NAMED_TROUBLES) {
            self.out.warning(&format!("{}: {}", finding.path.display(), finding.what));
        }
        if troubles.len() > NAMED_TROUBLES {
            let more = troubles.len() - NAMED_TROUBLES;
            self.out.hint(&format!("{more} more; `cco scan -v` names them all"));
        }
    }
}

/// Where `cco` lives and how it is set.
struct Settings {
    folder: Option<PathBuf>,
    config: Config,
    ledger_zone: TimeZone,
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
        let ledger_zone = config.lasting_zone().unwrap_or_else(zone::machine);
        if let Some(zone) = &args.timezone {
            config.set(keys::TIMEZONE, zone, Source::Flag("--timezone"))?;
        }
        config.refused().into_iter().try_for_each(forgive)?;
        config.warnings.iter().for_each(|warning| out.warning(warning));
        Ok(Self { folder, config, ledger_zone })
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
