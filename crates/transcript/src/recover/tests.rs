//! Recovery against the plain way: a strict parser tried at every `{`.

use proptest::prelude::*;
use serde_json::{Deserializer, value::RawValue};
use std::collections::BTreeMap;

use super::*;
use crate::source::Slice;
use crate::testing::{Windows, ascii, cases};

const SMALL: &str = r#"{"type":"user","sessionId":"s"}"#;

/// Records of the kinds that transcripts hold, each nasty in its own way.
const RECORDS: [&str; 8] = [
    SMALL,
    r#"{"sessionId": "s", "message": {"id": "m", "usage": {"output_tokens": 7}}, "type": "assistant"}"#,
    r#"{"type":"progress","data":{"type":"agent_progress","message":{"type":"assistant","message":{"usage":{"input_tokens":1}}}},"sessionId":"s"}"#,
    r#"{"type":"x","text":"}{ \"type\":{ {} [ \\","sessionId":"é😀","a":[{},[],{"b":[null,true,-1.5e+3]}]}"#,
    r#"{"type":"a","type":"b","sessionId":"s","usage":1,"usage":{"n":1e999,"i":9223372036854775808}}"#,
    r#"{"type":"x","sessionId":"\ud800 lone","t\u0079pe":"\udc00\uD83D"}"#,
    r#"{"outer":1,"type":"wrap","sessionId":"s","inner":{"type":"in","sessionId":"t"},"more":[1]}"#,
    r#"{"no":"record","holds":[{"type":"in","sessionId":"t"},{"type":"in","sessionId":"u"}],"type":"x"}"#,
];

/// What stands between records when a writer was cut off.
const JUNK: [&[u8]; 13] = [
    b"}",
    b"{",
    b"}{",
    b"[",
    b"\"",
    b"\0\0\0",
    b"\xff\xc3",
    b"\xef\xbb\xbf",
    b"\r",
    b" ",
    b"NaN,",
    b"\\u12",
    b"{\"a\":[{\"b\":",
];

/// `whole_records` of the oracle: at each `{` a whole value is tried; behind a record the search goes on, within
/// anything else it goes one byte further.
fn plain(line: &[u8]) -> Vec<Range<u64>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(brace) = line[at..].iter().position(|byte| *byte == b'{') {
        let start = at + brace;
        at = start + 1;
        let text = ascii(&line[start..]);
        let mut values = Deserializer::from_str(&text).into_iter::<BTreeMap<String, &RawValue>>();
        if let Some(Ok(keys)) = values.next()
            && keys.contains_key("type")
            && keys.contains_key("sessionId")
        {
            at = start + values.byte_offset();
            found.push(start as u64..at as u64);
        }
    }
    found
}

fn found(line: &[u8]) -> Vec<Range<u64>> {
    whole_records(&mut Scanner::new(Slice(line)), 0, Line::Ended)
}

fn found_through(line: &[u8], size: usize, state: Line) -> Vec<Range<u64>> {
    whole_records(&mut Scanner::new(Windows::new(line, size)), 0, state)
}

/// The records found, as text.
fn texts(line: &[u8]) -> Vec<String> {
    let index = |at: u64| usize::try_from(at).expect("in memory");
    found(line)
        .iter()
        .map(|r| String::from_utf8_lossy(&line[index(r.start)..index(r.end)]).into_owned())
        .collect()
}

#[test]
fn a_record_cut_at_any_byte_takes_nothing_of_the_record_glued_to_it() {
    for torn in RECORDS {
        for next in RECORDS {
            for cut in 0..=torn.len() {
                for between in [&b""[..], b"\0\0", b"\xff", b"}", b" "] {
                    let line = [&torn.as_bytes()[..cut], between, next.as_bytes()].concat();
                    let ranges = found(&line);
                    let context = String::from_utf8_lossy(&line);
                    assert_eq!(ranges, plain(&line), "{context}");
                    if next != RECORDS[7] {
                        let last = (line.len() - next.len()) as u64..line.len() as u64;
                        assert_eq!(ranges.last(), Some(&last), "{context}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_record_without_its_beginning_takes_nothing_of_the_next() {
    for torn in RECORDS {
        for cut in 1..torn.len() {
            let line = [&torn.as_bytes()[cut..], SMALL.as_bytes()].concat();
            assert_eq!(found(&line), plain(&line), "{}", String::from_utf8_lossy(&line));
            assert_eq!(texts(&line).last().map(String::as_str), Some(SMALL));
        }
    }
}

#[test]
fn nul_bytes_anywhere_in_a_record_cost_that_record_only() {
    for record in RECORDS {
        for at in 0..=record.len() {
            let line = [
                SMALL.as_bytes(),
                &record.as_bytes()[..at],
                &[0; 3],
                &record.as_bytes()[at..],
                SMALL.as_bytes(),
            ]
            .concat();
            assert_eq!(found(&line), plain(&line), "{}", String::from_utf8_lossy(&line));
            let texts = texts(&line);
            assert_eq!(texts.first().map(String::as_str), Some(SMALL));
            assert_eq!(texts.last().map(String::as_str), Some(SMALL));
        }
    }
}

#[test]
fn a_record_inside_another_is_not_counted_beside_it_but_outlives_it() {
    let inner = r#"{"type":"in","sessionId":"t"}"#;
    let whole = RECORDS[6];
    assert_eq!(texts(format!("{whole}{whole}").as_bytes()), [whole, whole]);
    let torn = &whole[..whole.len() - 4];
    assert_eq!(texts(format!("{torn}{SMALL}").as_bytes()), [inner, SMALL]);
}

#[test]
fn text_that_looks_like_a_record_inside_a_string_is_none() {
    let line = r#"{"t":"{\"type\":\"x\",\"sessionId\":\"s\"} {'type'} {","u":1}}"#;
    assert_eq!(texts(line.as_bytes()), Vec::<String>::new());
}

#[test]
fn ten_thousand_open_values_are_damage_and_the_records_around_them_stay() {
    for unit in ["{\"a\":", "[", "{\"a\":[", "{", "\0{"] {
        let line = format!("{SMALL}{}{SMALL}", unit.repeat(10_000));
        assert_eq!(texts(line.as_bytes()), [SMALL, SMALL], "{unit}");
    }
    // Nested in a record that is whole, on a line that is not.
    let deep = format!(r#"{{"type":"x","sessionId":"s","a":{}1{}}}"#, "[".repeat(4000), "]".repeat(4000));
    assert_eq!(texts(format!("}}{deep}{SMALL}").as_bytes()), [deep.as_str(), SMALL]);
}

#[test]
fn of_a_line_that_grows_nothing_is_believed_that_an_open_object_may_still_swallow() {
    let torn = r#"{"type":"x","sessionId":"s","list":[{"type":"in","sessionId":"t"},"#;
    for size in 1..8 {
        assert_eq!(found_through(torn.as_bytes(), size, Line::Growing), []);
        assert_eq!(found_through(torn.as_bytes(), size, Line::Ended).len(), 1);
        // What went before, and what no byte can mend any more, is certain.
        for certain in [format!("{SMALL}{torn}"), format!("{{\"cut{SMALL}{torn}")] {
            assert_eq!(found_through(certain.as_bytes(), size, Line::Growing).len(), 1, "{certain}");
        }
    }
}

#[test]
fn a_growing_line_never_takes_back_what_it_gave() {
    for first in RECORDS {
        for second in RECORDS {
            let line = format!("{{\"cut{first}{second}{}", &first[..first.len() / 2]);
            let all = found(line.as_bytes());
            for cut in 0..=line.len() {
                for range in
                    whole_records(&mut Scanner::new(Slice(&line.as_bytes()[..cut])), 0, Line::Growing)
                {
                    assert!(all.contains(&range), "{range:?} of {cut} bytes of {line}");
                }
            }
        }
    }
}

#[test]
fn a_hostile_megabyte_costs_a_few_looks_at_each_byte() {
    const MEGABYTE: usize = 1024 * 1024;
    for unit in [
        "{",
        "{\"",
        "{}",
        "{\"\":",
        "{\"a\":[",
        "{\"a\":{},",
        "[{\"a\":1},",
        "{\"\\\"",
        "{\\\"",
        "{ ",
        "\0",
        "\"{",
        "{\"{\":1,\"b\":[",
        SMALL,
        &SMALL[..20],
        "{\"type\":\"x\",\"sessionId\":\"s\",\"a\":[",
        "1,",
    ] {
        for head in ["", "{\"a\":[", "{\"a\":\"", "{\"type\":1,\"sessionId\":"] {
            // A quarter of it for each of the four heads.
            let line = format!("{head}{}", unit.repeat(MEGABYTE / 4 / unit.len()));
            // Windows of one byte: each byte handed out is a byte looked at.
            let mut scanner = Scanner::new(Windows::new(line.as_bytes(), 1));
            whole_records(&mut scanner, 0, Line::Ended);
            let work = scanner.into_source().work;
            assert!(work <= 4 * line.len(), "{work} looks at {} bytes of {head}{unit}…", line.len());
        }
    }
}

/// A part of a line: a record or some of it, or junk.
fn part() -> impl Strategy<Value = Vec<u8>> {
    let record = || prop::sample::select(&RECORDS[..]);
    let cut = (record(), any::<prop::sample::Index>(), any::<bool>());
    prop_oneof![
        record().prop_map(|record| record.as_bytes().to_vec()),
        cut.prop_map(|(record, at, head)| {
            let (before, after) = record.as_bytes().split_at(at.index(record.len()));
            if head { before.to_vec() } else { after.to_vec() }
        }),
        prop::sample::select(&JUNK[..]).prop_map(<[u8]>::to_vec),
    ]
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn finds_each_whole_record_and_invents_none(parts in prop::collection::vec(part(), 1..8)) {
        let line = parts.concat();
        prop_assert_eq!(found(&line), plain(&line), "{}", String::from_utf8_lossy(&line));
    }

    #[test]
    fn tiny_windows_find_the_same_records(parts in prop::collection::vec(part(), 1..8), size in 1_usize..8) {
        let line = parts.concat();
        for state in [Line::Ended, Line::Growing] {
            let whole = whole_records(&mut Scanner::new(Slice(&line)), 0, state);
            prop_assert_eq!(found_through(&line, size, state), whole);
        }
    }
}

#[test]
fn a_number_at_the_end_of_a_line_is_not_followed_by_the_line_s_beginning() {
    for line in [
        r#"}{"type":"x","sessionId":"s","n":1"#,
        r#"0}{"type":"x","sessionId":"s","n":1"#,
        r#",{"type":"x","sessionId":"s","n":1"#,
        r#"}]}{"type":"x","sessionId":"s","n":[{"a":1"#,
    ] {
        assert_eq!(texts(line.as_bytes()), Vec::<String>::new(), "{line}");
    }
}
