//! Reading any bytes as a transcript, held against the plain way: each line a strict parse, and of a damaged line a
//! strict parse tried at every `{`. What is found must be the same, however the file is cut into stretches.

#![no_main]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt};

use cco_transcript::read::{Piece, Reader, Soft};
use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::Deserializer;
use serde_json::value::RawValue;

/// What marks a line that is decoded.
const MARKERS: [&str; 4] = ["\"usage\"", "\"is_error\"", "\"cost-state\"", "\"pr-link\""];

thread_local! {
    static FILE: RefCell<(File, Reader)> = RefCell::new((
        tempfile::tempfile_in("/dev/shm").expect("a file in memory"),
        Reader::default(),
    ));
}

fuzz_target!(|data: &[u8]| -> Corpus {
    // The first byte cuts the rest into stretches.
    let Some((cuts, bytes)) = data.split_first() else { return Corpus::Reject };
    let text = [bytes, b"\n"].concat();
    // Strict parsers refuse lone surrogates in keys; they are tested elsewhere.
    if text.len() > 4000 || text.windows(2).any(|pair| pair == b"\\u") {
        return Corpus::Reject;
    }
    let whole = read(&text, &[0]);
    let (records, damaged, recovered) = plain(&text);
    assert_eq!((whole.damaged, whole.recovered), (damaged, recovered), "damaged lines and records on them");
    // The same records on lines of their own. A call without a time takes that of what stands in front of it, which may
    // be an object that is no record: such texts are left to the tests.
    let apart = read(&records, &[0]);
    if whole.untimed + apart.untimed == 0 {
        assert_eq!(whole.calls, apart.calls, "calls of whole records");
    }
    let step = 1 + usize::from(*cuts) * 3;
    let cuts: Vec<u64> = (0..text.len()).step_by(step).map(|cut| cut as u64).collect();
    let pieces = read(&text, &cuts);
    assert_eq!((pieces.damaged, pieces.recovered), (damaged, recovered), "in stretches");
    Corpus::Keep
});

/// What a reading found. Calls are told by what they say, not by their keys: those of nameless calls are places.
#[derive(Default)]
struct Seen {
    calls: Vec<(String, String)>,
    untimed: usize,
    damaged: u64,
    recovered: u64,
}

impl Seen {
    fn add(&mut self, piece: &Piece) {
        for call in &piece.batch.calls {
            let model = piece.batch.names.get(call.model).to_owned();
            self.calls.push((model, format!("{:?}", call.usage)));
        }
        self.calls.sort();
        self.untimed += piece.soft.first.iter().filter(|(_, soft)| *soft == Soft::Untimed).count();
        self.damaged += piece.soft.damaged_lines;
        self.recovered += piece.soft.recovered_records;
    }
}

/// Reads the text in stretches that begin at these places.
fn read(text: &[u8], cuts: &[u64]) -> Seen {
    FILE.with_borrow_mut(|(file, reader)| {
        let size = text.len() as u64;
        file.set_len(0).expect("an empty file");
        file.write_all_at(text, 0).expect("room");
        file.flush().expect("written");
        let metadata = file.metadata().expect("a file");
        let (mut seen, mut behind) = (Seen::default(), 0);
        for (n, start) in cuts.iter().enumerate() {
            let end = cuts.get(n + 1).copied().unwrap_or(size);
            let identity = (metadata.dev(), metadata.ino());
            let piece = reader.read(file, identity, *start..end, n == 0, size).expect("a readable file");
            if let Some(range) = &piece.range {
                assert_eq!(range.start, behind, "stretches meet");
                behind = range.end;
            }
            seen.add(&piece);
        }
        assert_eq!(behind, size, "the last line has its end");
        seen
    })
}

/// Each whole record on a line of its own; how many lines are damaged; how many whole records those held.
fn plain(text: &[u8]) -> (Vec<u8>, u64, u64) {
    let (mut records, mut damaged, mut recovered) = (Vec::new(), 0, 0);
    for line in text.split(|byte| *byte == b'\n') {
        let line = trimmed(line);
        if line.is_empty() {
            continue;
        }
        let ascii = ascii(line);
        if serde_json::from_str::<&RawValue>(&ascii).is_ok() {
            records.extend([line, b"\n"].concat());
            continue;
        }
        let marked = MARKERS.iter().any(|marker| ascii.contains(marker));
        if !marked && line.starts_with(b"{") && line.ends_with(b"}") {
            continue;
        }
        let found = whole_records(&ascii);
        (damaged, recovered) = (damaged + 1, recovered + found.len() as u64);
        for range in found {
            records.extend([&line[range], b"\n"].concat());
        }
    }
    (records, damaged, recovered)
}

/// At each `{` a whole value is tried; behind a record the search goes on, within anything else it goes one byte
/// further.
fn whole_records(line: &str) -> Vec<std::ops::Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(brace) = line[at..].find('{') {
        let start = at + brace;
        at = start + 1;
        let mut values = Deserializer::from_str(&line[start..]).into_iter::<BTreeMap<String, &RawValue>>();
        if let Some(Ok(keys)) = values.next()
            && keys.contains_key("type")
            && keys.contains_key("sessionId")
        {
            at = start + values.byte_offset();
            found.push(start..at);
        }
    }
    found
}

/// A letter for each byte that is not ASCII: to the grammar it is the same, and it is UTF-8.
fn ascii(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { 'x' }).collect()
}

fn trimmed(line: &[u8]) -> &[u8] {
    let space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
    let mut line = line;
    while let Some(rest) = line.strip_prefix(b"\xef\xbb\xbf") {
        line = rest;
    }
    while let Some((first, rest)) = line.split_first().filter(|(first, _)| space(first)) {
        let _ = first;
        line = rest;
    }
    while let Some((_, rest)) = line.split_last().filter(|(last, _)| space(last)) {
        line = rest;
    }
    line
}
