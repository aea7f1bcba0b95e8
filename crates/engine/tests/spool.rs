//! What status lines observed reaches the ledger once, as its own account's, whatever happens on the way; and what a
//! snapshot says is never replaced by what was known before.

use std::fs;
use std::path::{Path, PathBuf};

use cco_engine::limits::{Places, Tries};
use cco_engine::snapshot::SnapshotSetup;
use cco_engine::{Engine, LedgerPlace, Setup, price_list};
use cco_model::limit::{Percent, Window};
use cco_statusline::payload::Told;
use cco_statusline::settings::Settings;
use cco_statusline::snapshot::{Clock, Repository, Snapshot};
use cco_statusline::spool::Observation;
use jiff::Timestamp;
use jiff::tz::TimeZone;

const NOW_MS: i64 = 1_792_497_600_000;
const MINUTE_MS: i64 = 60_000;

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().expect("a folder"));
        fs::create_dir_all(home.spool()).expect("the spool");
        home
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn spool(&self) -> PathBuf {
        self.path().join("state/spool")
    }

    fn engine(&self, now_ms: i64) -> Engine {
        Engine::open(Setup {
            ledger: LedgerPlace::File(self.path().join("ledger.db")),
            roots: vec![self.path().to_owned()],
            user_home: None,
            ledger_zone: TimeZone::UTC,
            prices: price_list::embedded(),
            threads: Some(1),
            now: Timestamp::from_millisecond(now_ms).expect("an instant"),
            places: Places { spool: Some(self.spool()), ..Places::only(self.path()) },
        })
        .expect("the engine opens")
    }

    fn log_in(&self, account: &str) {
        let text = format!(
            r#"{{"oauthAccount":{{"accountUuid":"{account}","organizationUuid":"org","emailAddress":"{account}@x"}}}}"#
        );
        fs::write(self.path().join(".claude.json"), text).expect("a file");
    }

    /// A session in this home is told so much of its five hours.
    fn tell(&self, percent: i32, at_ms: i64) {
        let window = Window::FiveHour;
        let percent = Some(Percent::of_tenths(&window, percent * 10));
        let told = Told { window, percent, resets_at_ms: Some(NOW_MS + 120 * MINUTE_MS) };
        let line = Observation {
            at_ms,
            session: "s".to_owned(),
            config_dir: self.path().to_str().map(str::to_owned),
            dir: None,
            api_ms: Some(u64::try_from(at_ms).expect("a time")),
            windows: vec![(told, at_ms)],
            cost: None,
            cost_moved_ms: None,
            context: None,
        };
        fs::write(self.spool().join("s.jsonl"), line.line().expect("a line")).expect("a spool file");
    }

    fn spooled(&self) -> usize {
        fs::read_dir(self.spool()).expect("the spool").count()
    }

    fn setup(&self) -> SnapshotSetup {
        SnapshotSetup {
            path: self.path().join("state/snapshot"),
            settings: Settings::default(),
            autostart: false,
            config: None,
            clock: Clock::default(),
            zone: TimeZone::UTC,
        }
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::read(&fs::read(self.setup().path).expect("a file")).expect("a snapshot")
    }

    /// Percent of the five hours by account, as the snapshot has it.
    fn known(&self) -> Vec<(String, i32)> {
        let accounts = self.snapshot().accounts;
        let known = accounts.iter().filter_map(|account| {
            let percent = account.windows.get(&Window::FiveHour)?.percent?;
            Some((account.id.account.to_string(), percent.whole()))
        });
        known.collect()
    }
}

fn look(home: &Home, now_ms: i64) -> Option<String> {
    let mut engine = home.engine(now_ms);
    let (_, trouble) = engine.look_at_accounts().expect("a look");
    engine.leave_snapshot(&home.setup()).expect("a snapshot");
    trouble
}

#[test]
fn what_somebody_else_was_told_is_not_taken_for_the_one_before_while_the_ledger_is_busy() {
    let home = Home::new();
    home.log_in("ann");
    assert_eq!(look(&home, NOW_MS - 10 * MINUTE_MS), None);
    home.log_in("bea");
    home.tell(77, NOW_MS - MINUTE_MS);
    let other = rusqlite::Connection::open(home.path().join("ledger.db")).expect("the ledger");
    other.execute_batch("BEGIN IMMEDIATE").expect("the write lock");
    let mut engine = home.engine(NOW_MS);
    let (found, trouble) = engine.look_at_accounts().expect("a look");
    let limits = engine.limits(&found, &Tries::default(), &TimeZone::UTC).expect("limits");
    let told = limits.iter().flat_map(|known| &known.windows).filter(|window| window.current.is_some());
    assert_eq!((trouble.is_some(), told.count()), (true, 0), "whose it is cannot be told by now");
    assert_eq!(home.spooled(), 1, "it waits where it lies");
    drop(engine);
    other.execute_batch("ROLLBACK").expect("the end");
    home.tell(78, NOW_MS + MINUTE_MS);
    assert_eq!(look(&home, NOW_MS), None);
    assert_eq!((home.known(), home.spooled()), (vec![("bea".to_owned(), 78)], 0));
}

#[test]
fn what_was_taken_in_stays_until_a_snapshot_remembers_it_and_counts_once() {
    let home = Home::new();
    home.log_in("ann");
    look(&home, NOW_MS - 10 * MINUTE_MS);
    home.tell(41, NOW_MS - MINUTE_MS);
    // As if it had been killed before it could leave a snapshot.
    home.engine(NOW_MS).look_at_accounts().expect("a look");
    assert_eq!((home.spooled(), home.snapshot().sessions.len()), (1, 0));
    look(&home, NOW_MS);
    assert_eq!((home.spooled(), home.known()), (0, vec![("ann".to_owned(), 41)]));
    assert_eq!(home.snapshot().sessions.len(), 1);
    let ledger = rusqlite::Connection::open(home.path().join("ledger.db")).expect("the ledger");
    let count = ledger.query_row("SELECT count(*) FROM reading", [], |row| row.get::<_, i64>(0));
    assert_eq!(count, Ok(1));
}

#[test]
fn what_is_added_to_a_file_that_was_taken_is_read_the_next_time() {
    let home = Home::new();
    home.log_in("ann");
    look(&home, NOW_MS - 10 * MINUTE_MS);
    home.tell(41, NOW_MS - 2 * MINUTE_MS);
    let first = fs::read(home.spool().join("s.jsonl")).expect("a line");
    let mut engine = home.engine(NOW_MS);
    engine.look_at_accounts().expect("a look");
    // A status line that had it open writes only now.
    home.tell(45, NOW_MS - MINUTE_MS);
    let late = fs::read(home.spool().join("s.jsonl")).expect("a line");
    fs::remove_file(home.spool().join("s.jsonl")).expect("it goes");
    let taken =
        fs::read_dir(home.spool()).expect("the spool").next().expect("a file").expect("a file").path();
    fs::write(&taken, [first, late].concat()).expect("two lines");
    engine.leave_snapshot(&home.setup()).expect("a snapshot");
    look(&home, NOW_MS);
    assert_eq!((home.known(), home.spooled()), (vec![("ann".to_owned(), 45)], 0));
}

#[test]
fn a_snapshot_is_not_put_back_by_one_that_began_before_it() {
    let home = Home::new();
    home.log_in("ann");
    let mut slow = home.engine(NOW_MS - MINUTE_MS);
    slow.scan(&mut |_| {}).expect("a scan");
    slow.look_at_accounts().expect("a look");
    home.tell(41, NOW_MS - MINUTE_MS / 2);
    let mut quick = home.engine(NOW_MS);
    quick.scan(&mut |_| {}).expect("a scan");
    quick.look_at_accounts().expect("a look");
    quick.leave_snapshot(&home.setup()).expect("a snapshot");
    let newest = home.snapshot();
    slow.leave_snapshot(&home.setup()).expect("a snapshot");
    let now = home.snapshot();
    assert_eq!((now.counted_at_ms, now.looked_at_ms), (Some(NOW_MS), Some(NOW_MS)));
    assert_eq!((now.accounts, now.sessions), (newest.accounts, newest.sessions));
}

#[test]
fn totals_are_as_old_as_the_last_scan_that_came_to_its_end() {
    let home = Home::new();
    let mut engine = home.engine(NOW_MS - MINUTE_MS);
    engine.scan(&mut |_| {}).expect("a scan");
    let counted = |engine: &mut Engine| {
        engine.leave_snapshot(&home.setup()).expect("a snapshot");
        home.snapshot().counted_at_ms
    };
    assert_eq!(counted(&mut engine), Some(NOW_MS - MINUTE_MS));
    engine.set_now(Timestamp::from_millisecond(NOW_MS).expect("an instant"));
    fs::create_dir_all(home.path().join("projects/p")).expect("a folder");
    fs::write(home.path().join("projects/p/s.jsonl"), "{}\n").expect("a transcript");
    // Whatever keeps it from its end: here a ledger that takes in no transcript.
    let ledger = rusqlite::Connection::open(home.path().join("ledger.db")).expect("the ledger");
    ledger
        .execute_batch(
            "CREATE TRIGGER refusal BEFORE INSERT ON transcript BEGIN SELECT raise(ABORT, 'no'); END",
        )
        .expect("a trigger");
    engine.scan(&mut |_| {}).expect_err("refused");
    assert_eq!(counted(&mut engine), Some(NOW_MS - MINUTE_MS));
    ledger.execute_batch("DROP TRIGGER refusal").expect("no trigger");
    engine.scan(&mut |_| {}).expect("a scan");
    assert_eq!(counted(&mut engine), Some(NOW_MS));
}

#[test]
fn a_ledger_that_is_made_anew_takes_nothing_from_the_spool_that_it_may_lose() {
    let home = Home::new();
    home.log_in("ann");
    look(&home, NOW_MS - 10 * MINUTE_MS);
    home.tell(41, NOW_MS - MINUTE_MS);
    fs::write(home.path().join("ledger.db"), "no ledger any more, but its journal is there").expect("damage");
    let mut engine = home.engine(NOW_MS);
    assert!(engine.take_rebuilt().is_some());
    assert_eq!(home.spooled(), 1);
    drop(engine);
    look(&home, NOW_MS);
    assert_eq!((home.known(), home.spooled()), (vec![("ann".to_owned(), 41)], 0));
}

#[test]
fn what_two_looks_told_of_repositories_is_all_in_the_next_snapshot() {
    let home = Home::new();
    let mut engine = home.engine(NOW_MS);
    let seen = |root: &str, dirty, seen_at_ms| Repository {
        root: root.to_owned(),
        ahead: 0,
        behind: 0,
        dirty,
        seen_at_ms,
    };
    engine.remember_repositories(&[seen("/swift", 1, NOW_MS), seen("/slow", 2, NOW_MS - MINUTE_MS)]);
    engine.remember_repositories(&[seen("/slow", 3, NOW_MS)]);
    engine.leave_snapshot(&home.setup()).expect("a snapshot");
    assert_eq!(home.snapshot().repositories, [seen("/swift", 1, NOW_MS), seen("/slow", 3, NOW_MS)]);
    // What was seen long ago is nobody's state any more.
    engine.set_now(Timestamp::from_millisecond(NOW_MS + 61 * MINUTE_MS).expect("an instant"));
    engine.leave_snapshot(&home.setup()).expect("a snapshot");
    assert_eq!(home.snapshot().repositories, []);
}
