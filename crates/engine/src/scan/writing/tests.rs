//! What only the writing side of a scan can show.

use std::ops::Range;

use cco_ledger::Place;
use cco_ledger::limits::{Holding, Observed};
use cco_model::batch::Batch;
use cco_model::limit::AccountId;
use cco_transcript::read::{Piece, SoftErrors};
use jiff::tz::TimeZone;

use super::*;

fn file_of(size: u64) -> FileState {
    FileState { device: 1, inode: 1, born_ns: 1, size, mtime_ns: 1, offset: 0, fingerprint: 0 }
}

fn read_of(range: Range<u64>) -> Read {
    let state = Some(FileState { offset: range.end, ..file_of(range.end) });
    let piece = Piece { range: Some(range), batch: Batch::default(), soft: SoftErrors::default() };
    Read { piece, projects: HashMap::new(), state }
}

fn stretch(number: usize, starts: Range<u64>, last: bool) -> StretchOf {
    StretchOf { job: 0, starts, first: number == 0, last, number }
}

#[test]
fn what_was_cut_out_of_a_file_while_it_was_read_is_read_again_and_not_passed_over() {
    let mut ledger = Ledger::open(&Place::Memory, &TimeZone::UTC).expect("a ledger");
    let prices = crate::price_list::embedded();
    let path = PathBuf::from("/t.jsonl");
    let jobs = [Job { path: path.clone(), seen: file_of(300), from: 0, ledger_offset: 0 }];
    let mut summary = ScanSummary::default();
    let mut scan = Scan::new(&jobs, &[], HashMap::new(), &mut summary);
    let mut writer = ledger.writer(&prices).expect("a writer");
    scan.take(&mut writer, &stretch(0, 0..100, false), Ok(read_of(0..90))).expect("taken");
    assert!(!scan.overtaken);
    // The lines from 90 to 110 are not there any more, or not yet.
    scan.take(&mut writer, &stretch(1, 100..200, false), Ok(read_of(110..190))).expect("refused");
    assert!(scan.overtaken);
    scan.take(&mut writer, &stretch(2, 200..300, true), Ok(read_of(190..300))).expect("refused too");
    writer.commit(true).expect("a commit");
    let known = ledger.transcripts(false).expect("transcripts");
    assert_eq!(known.iter().map(|known| known.state.offset).collect::<Vec<_>>(), [90]);
}

#[test]
fn a_config_directory_within_another_one_has_its_own_account() {
    let mut ledger = Ledger::open(&Place::Memory, &TimeZone::UTC).expect("a ledger");
    let roots = ["/home/dev/.claude", "/home/dev/.claude/accounts/two"];
    let holding = |dir: &str| Holding {
        dir: dir.to_owned(),
        from_ms: 1,
        until_ms: 1,
        account: Some(AccountId { organization: "o".into(), account: dir.into() }),
    };
    let observed = Observed { holdings: roots.map(holding).into(), ..Observed::default() };
    ledger.observe(&observed, 1).expect("a commit");
    let held = ledger.held_by(i64::MAX).expect("holders");
    let paths = roots.map(PathBuf::from);
    let of = |held: &HashMap<String, HeldBy>, root: &str| {
        let holders = Holders::of(&paths, held.clone());
        holders.of_transcript(&Path::new(root).join("projects/p/s.jsonl")).clone()
    };
    assert_eq!(roots.map(|root| of(&held, root)), roots.map(|root| held[root].clone()));
    // Whose the inner one is was never seen: not the outer one's.
    let outer = HashMap::from([(roots[0].to_owned(), held[roots[0]].clone())]);
    assert_eq!(roots.map(|root| of(&outer, root)), [held[roots[0]].clone(), HeldBy::default()]);
}
