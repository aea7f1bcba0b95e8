//! A damaged ledger comes back: what is derivable exactly, what was journalled in full, and the original is kept.
//!
//! A year of a few projects is scanned; then days pass, and all, half or none of the transcripts are left. The ledger's
//! files are spoiled in one of many ways, and whatever way that is, every report must say what it said before, at the
//! latest when the ledger was looked at as a whole. `CCO_DAMAGES` sets the number of trials, for the long
//! lane: `300`, with a fresh seed each time, or `300:7` with this one.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cco_engine::limits::{Holding, Observed, SeenAccount};
use cco_engine::rebuild::Rebuilt;
use cco_engine::report::{Filter, Only, ToolSums};
use cco_engine::{Engine, LedgerPlace};
use cco_model::limit::{AccountId, Attempt, LoginChange, Percent, Reading, Source, Told, Window};
use common::{ROW, Row, Tree, agreed_totals, everything, scan, zone};
use jiff::Timestamp;
use rusqlite::Connection;

/// How many trials the normal run makes: each way of damage, some of them twice.
const TRIALS: u64 = 36;
const FILES: u64 = 8;
const CALLS: u64 = 24;
const PAGE: u64 = 8192;

/// Small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides.max(1)
    }

    fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| u8::try_from(self.roll(256)).expect("a byte")).collect()
    }
}

/// A transcript of calls, with tools that were used and failed, a cost of Claude Code's own and a pull request.
fn transcript(file: u64) -> String {
    let mut text = String::new();
    let (session, project) = (format!("session-{file}"), format!("/home/dev/project-{}", file % 5));
    for call in 0..CALLS {
        let (id, at) = (format!("msg_{:020}", file * 1000 + call), at(file, call));
        let model = ["claude-opus-4-8", "claude-sonnet-4-20250514", "an-unknown-model"][(call % 3) as usize];
        let usage = format!(r#","cache_read_input_tokens":{}"#, call * 7);
        let row = Row { message: Some(&id), session: &session, at: &at, model, usage: &usage, ..ROW };
        let row = Row { input: 1 + call, output: 10 + file, side: call % 11 == 0, ..row };
        let uses =
            format!(r#""content":[{{"type":"tool_use","id":"toolu_{file}_{call}","name":"Bash"}}],"role":"#);
        text += &row.line().replace("/home/dev/app", &project).replace(r#""role":"#, &uses);
        if call % 9 == 0 {
            text += &format!(
                r#"{{"type":"user","sessionId":"{session}","timestamp":"{at}","message":{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"toolu_{file}_{call}","is_error":true}}]}}}}"#
            );
            text += "\n";
        }
    }
    text
}

fn at(file: u64, call: u64) -> String {
    format!("2026-{:02}-{:02}T{:02}:{:02}:00Z", 1 + file % 12, 1 + call % 28, call % 24, file)
}

/// Everything that reports say.
#[derive(Debug, PartialEq)]
struct Said {
    days: String,
    sessions: String,
    blocks: String,
    tools: Vec<ToolSums>,
    calls: u64,
    /// Calls by account.
    whose: Vec<(AccountId, u64)>,
}

impl Said {
    /// Where it is another.
    fn unlike(&self, truth: &Self) -> String {
        let parts = [
            ("days", self.days == truth.days),
            ("sessions", self.sessions == truth.sessions),
            ("blocks", self.blocks == truth.blocks),
            ("tools", self.tools == truth.tools),
            ("accounts", self.whose == truth.whose),
        ];
        let other: Vec<&str> = parts.iter().filter(|(_, same)| !same).map(|(part, _)| *part).collect();
        format!("other {}: {} calls instead of {}", other.join(", "), self.calls, truth.calls)
    }
}

fn said(engine: &Engine) -> Result<Said, String> {
    let all = everything(zone("Europe/Berlin"));
    let words = |error: cco_engine::EngineError| error.to_string();
    let mut whose = Vec::new();
    for known in engine.accounts().map_err(words)? {
        let only = Only { accounts: Some([known.row].into()), ..Only::default() };
        let sessions = engine.sessions(&Filter { only, ..all.clone() }).map_err(words)?;
        whose.push((known.id, sessions.iter().map(|session| session.sums.calls).sum()));
    }
    whose.sort();
    Ok(Said {
        whose,
        days: format!("{:?}", engine.periods(&all, cco_engine::report::Period::Day).map_err(words)?),
        sessions: format!("{:?}", engine.sessions(&all).map_err(words)?),
        blocks: format!("{:?}", engine.blocks(&all, jiff::Timestamp::UNIX_EPOCH).map_err(words)?),
        tools: engine.tools(&all).map_err(words)?,
        calls: engine.sessions(&all).map_err(words)?.iter().map(|session| session.sums.calls).sum(),
    })
}

fn account(name: &str) -> AccountId {
    AccountId { organization: "org".into(), account: name.into() }
}

/// Two accounts that followed each other in the directory, with their readings, attempts and logins.
fn observe_all(world: &World) {
    let dir = world.tree.path("").parent().and_then(Path::to_str).expect("a path").to_owned();
    let mut engine = world.open();
    for (number, (day, name)) in (0..).zip([("03-01", "a"), ("04-20", "a"), ("05-01", "b"), ("09-01", "b")]) {
        let at: Timestamp = format!("2026-{day}T12:00:00Z").parse().expect("an instant");
        let (id, at_ms) = (account(name), at.as_millisecond());
        let (window, told) = (Window::FiveHour, Told { session: "s".into(), api_duration_ms: Some(number) });
        let readings = (0..40).map(|reading| Reading {
            account: id.clone(),
            percent: Some(Percent::of_tenths(&window, reading * 10)),
            window: window.clone(),
            resets_at_ms: Some(at_ms + 3_600_000),
            observed_at_ms: at_ms - i64::from(reading) * 60_000,
            source: if reading % 2 == 0 { Source::Stdin } else { Source::Endpoint },
            told: (reading % 2 == 0).then(|| told.clone()),
        });
        let email = format!("{name}@example.com");
        let named = Some(format!("name {number}"));
        engine.set_now(at);
        let trouble = engine.observe(&Observed {
            accounts: vec![SeenAccount {
                id: id.clone(),
                email,
                at_ms,
                name: named,
                removed: Some(name == "a"),
            }],
            holdings: vec![Holding {
                dir: dir.clone(),
                from_ms: at_ms,
                until_ms: at_ms,
                account: Some(id.clone()),
            }],
            readings: readings.collect(),
            attempts: vec![Attempt {
                account: id.clone(),
                at_ms,
                outcome: ["ok", "timeout"][number as usize % 2].into(),
            }],
            logins: vec![LoginChange {
                account: id,
                at_ms,
                dead: (number % 2 == 0).then(|| "logged_out".into()),
            }],
        });
        assert_eq!(trouble.expect("a commit"), None);
    }
}

/// Every row of accounts and limits, read from the ledger's file.
fn observed_rows(world: &World) -> Result<Vec<String>, String> {
    let connection = Connection::open(world.path(".db")).map_err(|error| error.to_string())?;
    let mut rows = Vec::new();
    for sql in [
        "SELECT 'account ' || uuid || email || name || first_ms || removed FROM account",
        "SELECT 'held ' || dir || from_ms || ' ' || until_ms || uuid FROM held JOIN account ON id = account_id",
        "SELECT 'attempt ' || uuid || at_ms || outcome FROM attempt JOIN account ON id = account_id",
        "SELECT 'login ' || uuid || at_ms || reason FROM login JOIN account ON id = account_id",
        "SELECT 'reading ' || uuid || window || observed_at_ms || ' ' || source || session || tenths || ' '
             || resets_at_ms || ' ' || api_duration_ms FROM reading JOIN account ON id = account_id",
    ] {
        let mut select = connection.prepare(sql).map_err(|error| error.to_string())?;
        let of_table = select.query_map([], |row| row.get(0)).map_err(|error| error.to_string())?;
        let of_table: Result<Vec<String>, _> = of_table.collect();
        rows.extend(of_table.map_err(|error| error.to_string())?);
    }
    rows.sort();
    Ok(rows)
}

/// What is left of the transcripts when the ledger is damaged.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Left {
    All,
    Half,
    None,
}

/// What happens to the ledger.
#[derive(Clone, Copy, Debug)]
enum Damage {
    ZeroFirstPage,
    ZeroRoot(usize),
    RandomBytes,
    Truncate,
    SwapLog,
    DeleteLog,
    SpoilIndex,
    TextInstead,
    Nothing,
    Deleted,
}

const TABLES: [&str; 14] = [
    "call",
    "call_key",
    "rollup",
    "tool_use",
    "transcript",
    "session",
    "meta",
    "model",
    "account",
    "held",
    "reading",
    "attempt",
    "login",
    "plan_window",
];

fn damages() -> Vec<Damage> {
    let mut all = vec![
        Damage::ZeroFirstPage,
        Damage::RandomBytes,
        Damage::RandomBytes,
        Damage::RandomBytes,
        Damage::RandomBytes,
        Damage::RandomBytes,
        Damage::Truncate,
        Damage::Truncate,
        Damage::Truncate,
        Damage::SwapLog,
        Damage::DeleteLog,
        Damage::SpoilIndex,
        Damage::TextInstead,
        Damage::Nothing,
        Damage::Deleted,
    ];
    all.extend((0..TABLES.len()).map(Damage::ZeroRoot));
    all
}

struct World {
    tree: Tree,
    folder: tempfile::TempDir,
}

impl World {
    /// A ledger that has seen all transcripts, the older half of them long ago.
    fn new() -> Self {
        let shared = Path::new("/dev/shm");
        let folder = if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() };
        let world = Self { tree: Tree::new(), folder: folder.expect("a folder for the ledger") };
        (0..FILES / 2).for_each(|file| world.tree.put(&name(file), transcript(file)));
        observe_all(&world);
        scan(&mut world.open());
        world.tree.days_later.fetch_add(25, Ordering::Relaxed);
        (FILES / 2..FILES).for_each(|file| world.tree.put(&name(file), transcript(file)));
        world
    }

    fn path(&self, end: &str) -> PathBuf {
        self.folder.path().join(format!("ledger{end}"))
    }

    fn open(&self) -> Engine {
        self.tree.open(LedgerPlace::File(self.path(".db")), zone("Europe/Berlin"))
    }

    fn leave(&self, left: Left) {
        for file in 0..FILES {
            if left == Left::None || (left == Left::Half && file % 2 == 0) {
                fs::remove_file(self.tree.path(&name(file))).expect("a transcript");
            }
        }
    }

    fn aside(&self) -> Vec<PathBuf> {
        let entries =
            fs::read_dir(self.folder.path()).expect("a folder").map(|entry| entry.expect("an entry").path());
        let is_aside = |path: &PathBuf| path.to_string_lossy().contains(".damaged-");
        entries.filter(is_aside).collect()
    }
}

fn name(file: u64) -> String {
    format!("p{}/s{file}.jsonl", file % 4)
}

/// Spoils the files; returns what must be found again aside.
fn spoil(world: &World, damage: Damage, dice: &mut Dice) -> BTreeMap<&'static str, Vec<u8>> {
    let (file, log) = (world.path(".db"), world.path(".db-wal"));
    let size = fs::metadata(&file).expect("a ledger").len();
    let write = |at: u64, bytes: &[u8]| {
        let file = fs::File::options().write(true).open(&file).expect("a ledger");
        file.write_all_at(bytes, at).expect("room");
    };
    match damage {
        Damage::ZeroFirstPage => write(0, &[0; PAGE as usize]),
        Damage::ZeroRoot(table) => {
            let connection = Connection::open(&file).expect("a database");
            let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
            let root: i64 = connection.query_row(sql, [TABLES[table]], |row| row.get(0)).expect("a table");
            drop(connection);
            write((root.cast_unsigned() - 1) * PAGE, &[0; PAGE as usize]);
        }
        Damage::RandomBytes => {
            let bytes = dice.bytes(4096);
            write(dice.roll(size / 4096) * 4096, &bytes);
        }
        Damage::Truncate => {
            let file = fs::File::options().write(true).open(&file).expect("a ledger");
            file.set_len(dice.roll(size)).expect("a truncation");
        }
        Damage::SwapLog => {
            // Another ledger of the same kind, with another log.
            let other = World::new();
            let mut engine = other.open();
            other.tree.put("p0/other.jsonl", transcript(51));
            scan(&mut engine);
            fs::copy(other.path(".db-wal"), &log).expect("a log");
        }
        Damage::DeleteLog => drop(fs::remove_file(&log)),
        Damage::SpoilIndex => fs::write(world.path(".db-shm"), dice.bytes(32768)).expect("an index"),
        Damage::TextInstead => fs::write(&file, "dear diary\n".repeat(900)).expect("a file"),
        Damage::Deleted => {
            fs::remove_file(&file).expect("a ledger");
            drop(fs::remove_file(&log));
        }
        Damage::Nothing => {}
    }
    [".db", ".db-wal"].into_iter().filter_map(|end| Some((end, fs::read(world.path(end)).ok()?))).collect()
}

/// One trial; returns what was rebuilt, if anything.
fn trial(left: Left, damage: Damage, dice: &mut Dice) -> Result<Option<Rebuilt>, String> {
    let world = World::new();
    let mut engine = world.open();
    scan(&mut engine);
    if dice.roll(2) == 0 {
        // The journal is lost before, wholly or not, and the next scan finds out.
        let journal = fs::File::options().write(true).open(world.path(".journal")).expect("a journal");
        let size = journal.metadata().expect("a journal").len();
        journal.set_len(dice.roll(size)).expect("a cut");
    }
    world.leave(left);
    scan(&mut engine);
    let (truth, rows) = (said(&engine)?, observed_rows(&world)?);
    // As a kill leaves it: with its log, or without when it is not asked for.
    let keeps_log =
        matches!(damage, Damage::SwapLog | Damage::DeleteLog | Damage::SpoilIndex) || dice.roll(2) == 0;
    let log = fs::read(world.path(".db-wal")).ok().filter(|_| keeps_log);
    let file = fs::read(world.path(".db")).ok().filter(|_| keeps_log);
    drop(engine);
    if let (Some(log), Some(file)) = (log, file) {
        fs::write(world.path(".db-wal"), log).map_err(|error| error.to_string())?;
        fs::write(world.path(".db"), file).map_err(|error| error.to_string())?;
    }
    let spoiled = spoil(&world, damage, dice);

    let mut engine = world.open();
    let mut rebuilt = engine.take_rebuilt();
    scan(&mut engine);
    rebuilt = rebuilt.or(engine.take_rebuilt());
    let first = said(&engine);
    if first.as_ref() != Ok(&truth) {
        // Where only the reports look.
        engine.rebuild(&mut |_| {}).map_err(|error| error.to_string())?;
        rebuilt = rebuilt.or(engine.take_rebuilt());
        scan(&mut engine);
        let again = said(&engine)?;
        if again != truth {
            return Err(format!("{}; {rebuilt:?}", again.unlike(&truth)));
        }
        if let Ok(first) = first {
            return Err(format!("first said {}; {rebuilt:?}", first.unlike(&truth)));
        }
    }
    // What nobody has looked at yet comes to light now.
    engine.rebuild(&mut |_| {}).map_err(|error| error.to_string())?;
    rebuilt = rebuilt.or(engine.take_rebuilt());
    scan(&mut engine);
    if said(&engine)? != truth || agreed_totals(&engine)?.calls != truth.calls {
        return Err("another look spoils it".to_owned());
    }
    drop(engine);
    let kept = observed_rows(&world)?;
    if kept != rows {
        let lost: Vec<&String> = rows.iter().filter(|row| !kept.contains(row)).collect();
        let made: Vec<&String> = kept.iter().filter(|row| !rows.contains(row)).collect();
        return Err(format!(
            "observed before and not now: {lost:?}; now and not before: {made:?}; {rebuilt:?}"
        ));
    }
    match &rebuilt {
        Some(rebuilt) => {
            // Byte for byte where nothing could have been written before the damage was met.
            let at_once = matches!(damage, Damage::TextInstead | Damage::ZeroFirstPage | Damage::SwapLog);
            for (end, bytes) in spoiled.iter().filter(|(end, _)| at_once || **end == ".db") {
                let mut name = rebuilt.set_aside.clone().into_os_string();
                name.push(end.strip_prefix(".db").expect("a ledger's file"));
                let kept = fs::read(&name).map_err(|error| format!("{}: {error}", name.display()))?;
                if at_once && kept != *bytes {
                    return Err(format!("{} is not what it was", name.display()));
                }
            }
        }
        None if !world.aside().is_empty() => return Err("set aside without a word".to_owned()),
        None => {}
    }
    let kept: Vec<String> = fs::read_dir(world.folder.path())
        .map_err(|error| error.to_string())?
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| ["rebuilding", "rebuilt", "salvage", "look"].iter().any(|end| name.contains(end)))
        .collect();
    if kept.is_empty() { Ok(rebuilt) } else { Err(format!("left behind: {kept:?}")) }
}

/// The number of trials that the long lane asks for.
#[expect(
    clippy::disallowed_methods,
    reason = "a lane of tests is chosen by the environment, as the file's doc says"
)]
fn asked_for() -> Option<(u64, u64)> {
    let asked = std::env::var("CCO_DAMAGES").ok()?;
    let (trials, seed) = asked.split_once(':').unwrap_or((&asked, ""));
    let trials = trials.parse().expect("CCO_DAMAGES is a number, or a number and a seed: 300:7");
    Some((trials, seed.parse().unwrap_or_else(|_| u64::from(std::process::id()))))
}

#[test]
fn whatever_happens_to_a_ledger_every_report_says_what_it_said_before() {
    let (ways, lefts) = (damages(), [Left::All, Left::Half, Left::None]);
    let (trials, seed) = asked_for().unwrap_or((TRIALS, 1));
    let mut rebuilt = 0;
    let mut wrong = Vec::new();
    for n in 0..trials {
        // Both go round, and meet in every way.
        let (damage, left) = (ways[n as usize % ways.len()], lefts[n as usize % 3]);
        let mut dice = Dice(seed * 1000 + n);
        dice.roll(2);
        match trial(left, damage, &mut dice) {
            Ok(done) => rebuilt += u64::from(done.is_some()),
            Err(error) => wrong.push(format!("trial {n} of seed {seed}: {damage:?}, {left:?} left: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(rebuilt > trials / 3, "only {rebuilt} were rebuilt");
}

/// Zeros where the first page of the ledger was.
fn zero_first_page(world: &World) {
    spoil(world, Damage::ZeroFirstPage, &mut Dice(0));
}

#[test]
fn of_eight_that_meet_a_damaged_ledger_at_once_one_rebuilds_it_and_all_go_on() {
    let world = World::new();
    let mut engine = world.open();
    scan(&mut engine);
    let truth = said(&engine).expect("reports");
    drop(engine);
    zero_first_page(&world);
    let start = Barrier::new(8);
    let rebuilt: usize = std::thread::scope(|scope| {
        let engines: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    let mut engine = world.open();
                    let rebuilt = engine.take_rebuilt();
                    scan(&mut engine);
                    assert_eq!(said(&engine).as_ref(), Ok(&truth));
                    usize::from(rebuilt.is_some())
                })
            })
            .collect();
        engines.into_iter().map(|engine| engine.join().expect("no panic")).sum()
    });
    assert_eq!((rebuilt, world.aside().len()), (1, 1), "one did it, and once");
}

#[test]
fn a_kill_between_the_old_name_and_the_new_one_is_made_good() {
    let world = World::new();
    let truth = said(&world.open()).expect("reports");
    // The damaged ledger has lost its name, its log has not, and the new ledger waits for the name.
    fs::rename(world.path(".db"), world.path(".db.rebuilt")).expect("a new ledger");
    fs::write(world.path(".db.damaged-20261120T101112Z"), "damaged").expect("a damaged ledger");
    fs::write(world.path(".db-wal"), "its log").expect("a log");
    let engine = world.open();
    assert_eq!(said(&engine).as_ref(), Ok(&truth));
    let log = fs::read(world.path(".db.damaged-20261120T101112Z-wal")).expect("the log went after it");
    assert_eq!(log, b"its log");
    assert!(!world.path(".db.rebuilt").exists());
}

#[test]
fn a_ledger_made_anew_beside_its_journal_has_what_no_transcript_tells() {
    let world = World::new();
    world.leave(Left::None);
    let mut engine = world.open();
    scan(&mut engine);
    let truth = said(&engine).expect("reports");
    drop(engine);
    fs::remove_file(world.path(".db")).expect("a ledger");
    let mut engine = world.open();
    scan(&mut engine);
    assert_eq!(said(&engine).as_ref(), Ok(&truth));
    assert_eq!(engine.take_rebuilt(), None, "nothing was damaged");
    let mut elsewhere = world.tree.engine();
    scan(&mut elsewhere);
    assert_eq!(said(&elsewhere).expect("reports").calls, 0, "transcripts alone tell nothing");
}

#[test]
fn a_ledger_that_lost_its_journal_writes_it_again() {
    let world = World::new();
    let journal = |world: &World| fs::metadata(world.path(".journal")).expect("a journal").len();
    world.leave(Left::None);
    scan(&mut world.open());
    let whole = journal(&world);
    fs::remove_file(world.path(".journal")).expect("a journal");
    // Nothing is due for the first run to see; the next scan that has something to write finds out.
    world.tree.put("p0/new.jsonl", transcript(50));
    world.tree.days_later.fetch_add(21, Ordering::Relaxed);
    scan(&mut world.open());
    assert!(journal(&world) > whole, "{} bytes, and {whole} before", journal(&world));
    let truth = said(&world.open()).expect("reports");
    fs::remove_file(world.path(".db")).expect("a ledger");
    fs::remove_file(world.tree.path("p0/new.jsonl")).expect("a transcript");
    let mut engine = world.open();
    scan(&mut engine);
    assert_eq!(said(&engine).as_ref(), Ok(&truth));
}

#[test]
fn what_is_not_damage_sets_nothing_aside() {
    let world = World::new();
    let mut engine = world.open();
    scan(&mut engine);
    let truth = said(&engine).expect("reports");
    // Somebody else is writing, and somebody else reads.
    let other = Connection::open(world.path(".db")).expect("a database");
    other.busy_timeout(Duration::from_secs(1)).expect("a timeout");
    other.execute_batch("BEGIN IMMEDIATE; SELECT count(*) FROM call;").expect("the write lock");
    assert!(!engine.rebuild(&mut |_| {}).expect("a look"), "nothing is damaged");
    other.execute_batch("COMMIT").expect("an end");
    drop(other);
    // The file may not be read, or holds what a newer version wrote.
    let newer = Connection::open(world.path(".db")).expect("a database");
    let version: i32 = newer.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version");
    newer.pragma_update(None, "user_version", 99).expect("a version");
    drop(newer);
    assert!(engine.rebuild(&mut |_| {}).is_err(), "a newer ledger is refused");
    let newer = Connection::open(world.path(".db")).expect("a database");
    newer.pragma_update(None, "user_version", version).expect("a version");
    drop(newer);
    assert_eq!(said(&world.open()).as_ref(), Ok(&truth));
    assert_eq!(world.aside(), Vec::<PathBuf>::new());
}

#[test]
fn a_journal_is_for_its_user_alone_and_a_warm_run_leaves_it_as_it_is() {
    let world = World::new();
    world.tree.days_later.fetch_add(30, Ordering::Relaxed);
    scan(&mut world.open());
    let journal = fs::metadata(world.path(".journal")).expect("a journal");
    assert_eq!(journal.permissions().mode() & 0o777, 0o600);
    scan(&mut world.open());
    world.leave(Left::Half);
    scan(&mut world.open());
    let later = fs::metadata(world.path(".journal")).expect("a journal").len();
    assert_eq!(later, journal.len(), "what is in it is not written again");
    let text = fs::read(world.path(".journal")).expect("a journal");
    assert!(!text.windows(8).any(|bytes| bytes == b"toolu_0_"), "no ids but hashes, and no text");
}

#[test]
fn a_tool_whose_failure_another_file_told_weeks_later_is_journalled_again() {
    let world = World::new();
    scan(&mut world.open());
    let late = transcript(0).lines().nth(1).expect("a failure").replace("toolu_0_0", "toolu_0_1");
    world.tree.put("p0/late.jsonl", late + "\n");
    let mut engine = world.open();
    scan(&mut engine);
    let truth = said(&engine).expect("reports");
    drop(engine);
    world.leave(Left::None);
    fs::remove_file(world.tree.path("p0/late.jsonl")).expect("a transcript");
    scan(&mut world.open());
    fs::remove_file(world.path(".db")).expect("a ledger");
    let mut engine = world.open();
    scan(&mut engine);
    assert_eq!(said(&engine).as_ref(), Ok(&truth));
}
