//! Whatever becomes of a journal's bytes, what is read of it is what was written.

use std::fs;

use proptest::prelude::*;

use super::block::{Block, Draft, KeptCall, KeptCostState, KeptPullRequest, KeptTool, Source};
use super::*;
use crate::stored::{Ids, Numbers, Price};

fn block(number: u64) -> Block {
    let signed = number.cast_signed();
    let numbers = Numbers {
        tokens: cco_model::tokens::Tokens {
            input: number,
            output: u64::MAX >> (number % 64),
            cache_write_5m: 0,
            cache_write_1h: 1,
            cache_read: number * 1000,
        },
        web_search: 1,
        thinking: 7,
        price: Price { cost_nanos: signed * 1001, savings_nanos: -signed },
        logged_nanos: i64::MIN + signed,
        flags: 127,
    };
    let ids = Ids { session: 1, project: 2, branch: 0, model: 3, attribution: 0, account: 0, transcript: 0 };
    let mut call = numbers.call(ids, 1_790_000_000_000 - signed, number, 3);
    (call.request, call.effort) = (format!("req_{number}"), "high".to_owned());
    let key = [u8::try_from(number % 256).expect("a byte"); 16];
    let tools = vec![KeptTool { id: i64::MAX - signed, name: 2, failed: number.is_multiple_of(2) }];
    Block {
        transcript: Source {
            path: b"/p/\xff\n.jsonl".to_vec(),
            device: 1,
            inode: u64::MAX,
            born_ns: -signed,
        },
        names: ["s1", "a project of \u{1f600}", "claude"].map(str::to_owned).to_vec(),
        calls: vec![KeptCall { key, call, attribution: [0, 1, 2, 3], tools }],
        cost_states: vec![KeptCostState { session: 1, cost_nanos: -5, at_ms: 0, offset: number }],
        pull_requests: vec![KeptPullRequest { session: 1, url: 2, number: 7, repository: 0 }],
    }
}

fn record(number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let block = block(number);
    let mut draft = Draft::new(block.transcript.clone());
    for (number, name) in (1..).zip(&block.names) {
        assert_eq!(draft.name(name), number);
    }
    for kept in &block.calls {
        let texts = (kept.call.request.as_str(), kept.call.effort.as_str());
        draft.call(&kept.key, &kept.call, texts, kept.attribution, &kept.tools);
    }
    block.cost_states.iter().for_each(|state| draft.cost_state(state));
    block.pull_requests.iter().for_each(|pull| draft.pull_request(pull));
    put_record(&mut bytes, |payload| draft.write(payload));
    bytes
}

/// The payloads in these bytes, and how many stretches were damaged.
fn read(bytes: &[u8]) -> (Vec<Vec<u8>>, u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = Journal::of(&folder.path().join("ledger.db"));
    fs::write(journal.path(), bytes).expect("a journal");
    let mut records = journal.records(0).expect("a journal");
    let mut found = Vec::new();
    while let Some(record) = records.next().expect("no error") {
        found.push(record);
    }
    (found, records.damaged)
}

fn payloads(numbers: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    numbers.map(|number| record(number)[HEAD..].to_vec()).collect()
}

#[test]
fn a_block_comes_back_as_it_was_written() {
    for number in [0, 1, 63, 64, 1 << 40] {
        let before = block(number);
        let payload = record(number)[HEAD..].to_vec();
        let after = Block::read(&payload).expect("a block");
        assert_eq!(format!("{after:?}"), format!("{before:?}"));
        for length in 0..payload.len() {
            let _no_panic = Block::read(&payload[..length]);
        }
    }
}

#[test]
fn a_journal_torn_anywhere_gives_its_whole_records_and_takes_more_behind_the_tear() {
    let two = [record(1), record(2)].concat();
    let first = record(1).len();
    for length in 0..=two.len() {
        let torn = &two[..length];
        let whole = if length < first {
            0
        } else if length < two.len() {
            1
        } else {
            2
        };
        let (found, damaged) = read(torn);
        assert_eq!(found, payloads(1..1 + whole), "torn at {length}");
        let tear = u64::from(length != 0 && length != first && length != two.len());
        assert_eq!(damaged, tear, "torn at {length}");
        let (found, damaged) = read(&[torn, &record(3)].concat());
        let expected = [payloads(1..1 + whole), payloads(3..4)].concat();
        assert_eq!((found, damaged), (expected, tear), "torn at {length} and gone on");
    }
}

#[test]
fn of_a_journal_with_a_flipped_bit_one_record_is_missing_and_none_is_wrong() {
    let three = [record(1), record(2), record(3)].concat();
    let ends: Vec<usize> = (1..=3)
        .scan(0, |end, number| {
            *end += record(number).len();
            Some(*end)
        })
        .collect();
    for bit in 0..three.len() * 8 {
        let mut flipped = three.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let hit = ends.iter().position(|end| bit / 8 < *end).expect("a record");
        let mut expected = payloads(1..4);
        expected.remove(hit);
        assert_eq!(read(&flipped), (expected, 1), "bit {bit}");
    }
}

proptest! {
    #[test]
    fn bytes_that_are_no_journal_hold_no_record(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(read(&bytes).0.is_empty());
        let _no_panic = Block::read(&[&[CALLS], bytes.as_slice()].concat());
    }
}

#[test]
fn a_record_longer_than_what_is_read_at_once_comes_back() {
    let mut bytes = Vec::new();
    for length in [CHUNK - 20, CHUNK, 3 * CHUNK + 1, 5] {
        put_record(&mut bytes, |payload| payload.extend(std::iter::repeat_n(7, length)));
    }
    let (found, damaged) = read(&bytes);
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [CHUNK - 20, CHUNK, 3 * CHUNK + 1, 5]);
    assert_eq!(damaged, 0);
}

#[test]
fn a_file_that_is_no_journal_is_foreign_and_an_empty_one_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = Journal::of(&folder.path().join("ledger.db"));
    assert_eq!(journal.head().expect("no file"), Head::Empty);
    let head_of = |bytes: &[u8]| {
        fs::write(journal.path(), bytes).expect("a file");
        journal.head().expect("a file")
    };
    assert_eq!(head_of(b""), Head::Empty);
    assert_eq!(head_of(b"dear diary\n"), Head::Foreign);
    assert_eq!(head_of(&first_record("abc")), Head::Ours(Some("abc".to_owned())));
    let mut damaged = [first_record("abc"), record(1)].concat();
    damaged[17] ^= 1;
    assert_eq!(head_of(&damaged), Head::Ours(None));
}
