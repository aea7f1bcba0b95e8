//! What every command starts from: settings, roots, an open engine and the terminal.
//!
//! Owns the order in which a run comes about; how it is set is `setup`, taking in what is new `intake`. Must not: know a
//! report.

mod intake;
mod setup;

use std::path::PathBuf;

use cco_engine::limits::Places;
use cco_engine::report::{Filter, Glance, Named, Only};
use cco_engine::snapshot::SnapshotSetup;
use cco_engine::{Engine, LedgerPlace};
use jiff::{Timestamp, Zoned};
use tempfile::TempDir;

pub(crate) use self::intake::Footing;
use self::setup::{Settings, ledger, system_zone, tell_of_prices};
pub(crate) use self::setup::{engine_setup, ledger_zone, snapshot_setup};
use crate::args::{CommonArgs, Day, ReportArgs, SpanArgs};
use crate::env::{Env, later};
use crate::error::{CliError, without_number};
use crate::notify::Desktop;
use crate::places::LimitsAccess;
use crate::print::{Output, Screen};
use crate::roots::Roots;
use crate::{choose, demo};

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
    /// What is noted down is there for the next run.
    pub(crate) lasts: bool,
    /// Keeps the made-up tree for as long as the run.
    _demo: Option<TempDir>,
}

impl<'o> App<'o> {
    /// Reads the settings and opens the engine.
    pub(crate) fn open(args: &CommonArgs, env: &Env, out: &'o mut Output) -> Result<Self, CliError> {
        let settings = Settings::read(args, env, out)?;
        let (folder, config) = (settings.folder.as_deref(), &settings.config);
        let report_zone = config.zone().unwrap_or_else(|| system_zone(env, out));
        tell_of_prices(args, config, out);

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
        let mut engine = Engine::open(setup)?;
        if demo.is_some() {
            demo::log_in(&mut engine, env.now)?;
        }
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
            lasts,
            _demo: demo,
        };
        app.tell_of_rebuilding();
        Ok(app)
    }

    /// Leaves what is known by now to status lines. Without it they show what was known before, with its age.
    pub(crate) fn leave_snapshot(&mut self) {
        if let Some(setup) = &self.snapshot
            && setup.make_folder().is_ok()
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
            branches: choose::branches(&args.branch, &self.engine.named(Named::Branch)?)?,
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

    /// Yesterday and today: where the running block is.
    pub(crate) fn recent_days() -> SpanArgs {
        SpanArgs { since: Some(Day::Yesterday), until: None }
    }

    /// What a glance shows.
    pub(crate) fn glance(&self) -> Result<Glance, CliError> {
        Ok(self.engine.glance(self.now.time_zone(), self.instant())?)
    }
}
