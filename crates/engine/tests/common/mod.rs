//! What stories about transcripts are told with: rows, a folder of transcripts, and what all reports agree on.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use cco_engine::price::PriceList;
use cco_engine::report::{Filter, Only, Period};
use cco_engine::sums::Sums;
use cco_engine::{Engine, LedgerPlace, Setup, price_list};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tempfile::TempDir;

/// An id of the API's own shape.
pub(crate) const FIRST: &str = "msg_01FIRSTFIRSTFIRSTFIRST";

/// One assistant row, to be changed by struct update.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) message: Option<&'a str>,
    pub(crate) request: Option<&'a str>,
    pub(crate) session: &'a str,
    pub(crate) at: &'a str,
    pub(crate) model: &'a str,
    pub(crate) side: bool,
    pub(crate) input: u64,
    pub(crate) output: u64,
    /// Further fields of `usage`, each after a comma.
    pub(crate) usage: &'a str,
}

/// The plainest row: one token in, ten out, noon.
pub(crate) const ROW: Row<'static> = Row {
    message: Some(FIRST),
    request: Some("req_1"),
    session: "s1",
    at: "2026-10-20T12:00:00.000Z",
    model: "claude-opus-4-8",
    side: false,
    input: 1,
    output: 10,
    usage: "",
};

impl Row<'_> {
    /// The row as Claude Code writes it, without a line end.
    pub(crate) fn text(&self) -> String {
        let Self { session, at, model, side, input, output, usage, .. } = self;
        let id = self.message.map_or(String::new(), |id| format!(r#","id":"{id}""#));
        let request = self.request.map_or(String::new(), |id| format!(r#","requestId":"{id}""#));
        let uuid = format!("u-{}-{output}-{at}", self.message.unwrap_or_default());
        format!(
            r#"{{"type":"assistant","uuid":"{uuid}","sessionId":"{session}","timestamp":"{at}","isSidechain":{side},"cwd":"/home/dev/app","message":{{"role":"assistant","model":"{model}","usage":{{"input_tokens":{input},"output_tokens":{output}{usage}}}{id}}}{request}}}"#
        )
    }

    /// The row as a line.
    pub(crate) fn line(&self) -> String {
        self.text() + "\n"
    }
}

/// A config root in a folder of its own, with a clock of its own: each write is a second after the one before.
pub(crate) struct Tree {
    folder: TempDir,
    writes: AtomicU64,
    /// Days that have passed; engines that are opened afterwards know.
    pub(crate) days_later: AtomicU64,
}

impl Tree {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        fs::create_dir(folder.path().join("projects")).expect("a folder for transcripts");
        Self { folder, writes: AtomicU64::new(0), days_later: AtomicU64::new(0) }
    }

    /// A transcript's path, below `projects`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("projects").join(name)
    }

    /// Writes a whole transcript; what it held before is gone. Of files that are new, the one put first is the elder.
    pub(crate) fn put(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a transcript");
        self.touch(&path);
    }

    /// Makes a file as new as the latest write.
    pub(crate) fn touch(&self, path: &Path) {
        let second = self.writes.fetch_add(1, Ordering::Relaxed)
            + 1
            + 86_400 * self.days_later.load(Ordering::Relaxed);
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000 + second);
        fs::File::options()
            .append(true)
            .open(path)
            .and_then(|file| file.set_modified(at))
            .expect("a new time");
    }

    /// The present.
    fn now(&self) -> Timestamp {
        let seconds = self.writes.load(Ordering::Relaxed) + 86_400 * self.days_later.load(Ordering::Relaxed);
        Timestamp::from_second(1_600_000_000 + seconds.cast_signed()).expect("a time of this century")
    }

    /// An engine for this tree. A ledger that it makes keeps its days in `zone`.
    pub(crate) fn open(&self, ledger: LedgerPlace, zone: TimeZone) -> Engine {
        self.open_with(ledger, zone, price_list::embedded())
    }

    /// An engine that has these prices.
    pub(crate) fn open_with(&self, ledger: LedgerPlace, zone: TimeZone, prices: PriceList) -> Engine {
        let setup = Setup {
            ledger,
            roots: vec![self.folder.path().to_owned()],
            user_home: None,
            ledger_zone: zone,
            prices,
            threads: Some(2),
            now: self.now(),
            places: cco_engine::limits::Places::default(),
        };
        Engine::open(setup).expect("the engine opens")
    }

    /// An engine that remembers nothing but this test.
    pub(crate) fn engine(&self) -> Engine {
        self.open(LedgerPlace::Memory, TimeZone::UTC)
    }
}

/// Reads what is new.
pub(crate) fn scan(engine: &mut Engine) {
    let summary = engine.scan(&mut |_| {}).expect("a scan");
    assert!(summary.roots_without_projects.is_empty());
}

/// All calls.
pub(crate) fn everything(zone: TimeZone) -> Filter {
    Filter { days: (None, None), zone, only: Only::default() }
}

/// A zone of the system's list.
pub(crate) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("a zone that every system knows")
}

/// The sum of all calls, when every way of adding them up gives the same: days of three zones, sessions, blocks and
/// the calls themselves.
pub(crate) fn agreed_totals(engine: &Engine) -> Result<Sums, String> {
    let differences = engine.audit().expect("an audit");
    if !differences.is_empty() {
        return Err(format!("roll-ups differ from calls: {differences:#?}"));
    }
    let all = everything(TimeZone::UTC);
    let sum = |parts: Vec<Sums>| {
        parts.into_iter().fold(Sums::default(), |mut sum, part| {
            sum += part;
            sum
        })
    };
    let sessions =
        sum(engine.sessions(&all).expect("sessions").into_iter().map(|session| session.sums).collect());
    let blocks = engine.blocks(&all, Timestamp::UNIX_EPOCH).expect("blocks");
    let mut ways = vec![("blocks", sum(blocks.into_iter().map(|block| block.sums).collect()))];
    // The second has days of quarter hours that begin at 18:15 UTC, the third clocks that move by half an hour.
    for name in ["UTC", "Asia/Kathmandu", "Australia/Lord_Howe"] {
        let days = engine.periods(&everything(zone(name)), Period::Day).expect("days");
        ways.push((name, sum(days.into_iter().map(|day| day.sums).collect())));
    }
    match ways.iter().find(|(_, sums)| *sums != sessions) {
        Some((way, sums)) => Err(format!("sessions say {sessions:?}, {way} says {sums:?}")),
        None => Ok(sessions),
    }
}
