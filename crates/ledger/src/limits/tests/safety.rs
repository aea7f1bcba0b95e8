//! Lost journals, full disks, and a ledger that is made anew meanwhile.

use super::*;

fn file_place(folder: &tempfile::TempDir) -> Place {
    Place::File(folder.path().join("ledger.db"))
}

fn remove_ledger(folder: &tempfile::TempDir) {
    for part in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        let _absent = std::fs::remove_file(folder.path().join(part));
    }
}

/// What a ledger that is made anew beside its journal says.
fn said_anew(folder: &tempfile::TempDir) -> String {
    remove_ledger(folder);
    let mut anew = Ledger::open(&file_place(folder), &TimeZone::UTC).expect("a ledger");
    anew.catch_up(&no_prices()).expect("a journal");
    format!("{:?}", said(&anew))
}

fn more(ago_ms: i64) -> Observed {
    Observed { readings: vec![reading("c", Some(7), ago_ms, Source::Endpoint)], ..Observed::default() }
}

#[test]
fn a_journal_that_was_lost_or_cut_holds_everything_again_after_the_next_observation() {
    for keep_bytes in [0, 60, 200] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut ledger = Ledger::open(&file_place(&folder), &TimeZone::UTC).expect("a ledger");
        ledger.observe(&everything(), NOW).expect("a commit");
        ledger.observe(&more(5), NOW).expect("a commit");
        let journal = folder.path().join("ledger.journal");
        let file = std::fs::File::options().write(true).open(&journal).expect("a journal");
        file.set_len(keep_bytes).expect("a cut");
        if keep_bytes == 0 {
            std::fs::remove_file(&journal).expect("a journal");
        }
        ledger.observe(&more(4), NOW).expect("a commit");
        let truth = format!("{:?}", said(&ledger));
        drop(ledger);
        assert_eq!(said_anew(&folder), truth, "{keep_bytes} bytes were left");
    }
}

#[test]
fn what_the_journal_refused_is_written_to_it_as_soon_as_it_takes_anything() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("ledger.journal");
    let mut ledger = Ledger::open(&file_place(&folder), &TimeZone::UTC).expect("a ledger");
    ledger.observe(&more(6), NOW).expect("a commit");
    // A device that is full; then a folder where the file should be.
    for (device, ago) in [("/dev/full", 5), ("/", 4)] {
        std::fs::remove_file(&journal).expect("a journal");
        std::os::unix::fs::symlink(device, &journal).expect("a link");
        let (new, trouble) = ledger.observe(&more(ago), NOW).expect("a commit");
        assert!(new == 1 && trouble.is_some(), "{device}: {trouble:?}");
        std::fs::remove_file(&journal).expect("a link");
        std::fs::write(&journal, "").expect("a journal");
    }
    ledger.observe(&everything(), NOW).expect("a commit");
    let truth = format!("{:?}", said(&ledger));
    drop(ledger);
    assert_eq!(said_anew(&folder), truth);
}

#[test]
fn a_ledger_without_room_takes_in_nothing_and_keeps_what_it_said_it_has() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ledger = Ledger::open(&file_place(&folder), &TimeZone::UTC).expect("a ledger");
    ledger.use_wal().expect("a log");
    ledger.observe(&everything(), NOW).expect("a commit");
    let (mut kept, mut refused) = (ledger.readings(i64::MIN).expect("readings").len(), 0);
    for room in 0..6 {
        let pages: i64 =
            ledger.connection.pragma_query_value(None, "page_count", |row| row.get(0)).expect("a count");
        ledger.connection.pragma_update(None, "max_page_count", pages + room).expect("a limit");
        let many = (0..300 * (room + 1))
            .map(|n| reading("c", Some(1), 1_000 * room + n + 1_000_000, Source::HotSwap));
        let observed = Observed { readings: many.collect(), ..Observed::default() };
        match ledger.observe(&observed, NOW) {
            Ok((new, None)) => kept += usize::try_from(new).expect("few"),
            Ok((_, Some(trouble))) => panic!("the journal had room: {trouble}"),
            Err(error) => refused += i32::from(error.trouble() == Some(crate::Trouble::Full)),
        }
        assert_eq!(ledger.readings(i64::MIN).expect("readings").len(), kept);
    }
    assert!(refused > 0, "it was never full");
    drop(ledger);
    let reopened = Ledger::open(&file_place(&folder), &TimeZone::UTC).expect("a ledger");
    assert_eq!(reopened.readings(i64::MIN).expect("readings").len(), kept);
}

#[test]
fn what_is_observed_while_a_damaged_ledger_is_made_anew_is_in_the_new_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut old = Ledger::open(&file_place(&folder), &TimeZone::UTC).expect("a ledger");
    old.use_wal().expect("a log");
    old.observe(&everything(), NOW).expect("a commit");
    // Another process finds damage, and has the journal for as long as it takes.
    spoil(&folder);
    let repair = crate::damage::Repair::begin(&file_place(&folder)).expect("a look").expect("damage");
    let refused = old.observe_within(&more(5), NOW, std::time::Duration::ZERO);
    let busy = refused.expect_err("nobody may say that it has it").trouble();
    assert_eq!(busy, Some(crate::Trouble::Busy));
    let mut anew = repair.new_ledger(&TimeZone::UTC, &no_prices()).expect("a ledger");
    repair.from_journal(&mut anew, &no_prices()).expect("a journal");
    // Whoever makes it anew looks at accounts too.
    anew.observe(&more(3), NOW).expect("a commit");
    repair.finish(anew, jiff::Timestamp::UNIX_EPOCH).expect("a new ledger");
    // The old file is set aside, and this process still writes to it.
    let (new, trouble) = old.observe(&more(4), NOW).expect("a commit");
    assert!(new == 1 && trouble.is_none(), "{trouble:?}");
    let mut anew = Ledger::open(&file_place(&folder), &TimeZone::UTC).expect("a ledger");
    anew.catch_up(&no_prices()).expect("a journal");
    let due = crate::keep::Due { before_ns: 0, with_ns: 0, made_before_ns: 0 };
    anew.keep(due).expect("a journal");
    let readings = anew.readings(i64::MIN).expect("readings");
    let [theirs, ours] = [4, 3].map(|ago| more(ago).readings[0].clone());
    assert!(readings.contains(&theirs) && readings.contains(&ours), "{readings:?}");
    let truth = format!("{:?}", said(&anew));
    drop((anew, old));
    assert_eq!(said_anew(&folder), truth);
}

/// Zeros where a page of calls was: the rest can be read.
fn spoil(folder: &tempfile::TempDir) {
    let connection = Connection::open(folder.path().join("ledger.db")).expect("a database");
    let root: i64 = connection
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'call_key'", [], |row| row.get(0))
        .expect("a table");
    connection.pragma_update(None, "wal_checkpoint", "TRUNCATE").expect("a checkpoint");
    drop(connection);
    let file = std::fs::File::options().write(true).open(folder.path().join("ledger.db")).expect("a ledger");
    std::os::unix::fs::FileExt::write_all_at(&file, &[0; 8192], (root.cast_unsigned() - 1) * 8192)
        .expect("room");
}
