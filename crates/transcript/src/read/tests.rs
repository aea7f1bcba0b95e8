//! A file gives the same however it is cut and however small the buffer is.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::testing::{NOON_MS, Seen, call, cases, file_of, ids, text, with};

/// Reads in stretches that begin at these places, through a buffer of this size.
fn read_in_pieces(bytes: &[u8], cuts: &[u64], buffer: usize) -> (Seen, u64) {
    let (file, size) = (file_of(bytes), bytes.len() as u64);
    let (mut reader, mut seen, mut behind) = (Reader::with_buffer(buffer), Seen::default(), 0);
    for (n, start) in cuts.iter().enumerate() {
        let end = cuts.get(n + 1).copied().unwrap_or(size);
        let piece = reader.read(&file, ids(&file), *start..end, n == 0, size).expect("a readable file");
        if let Some(range) = &piece.range {
            assert_eq!(range.start, behind, "stretches meet");
            behind = range.end;
        }
        seen.add(&piece);
    }
    (seen, behind)
}

fn untimed(id: &str, output: u64) -> String {
    with(call(id, output), "/timestamp", json!(null)).to_string()
}

fn line() -> impl Strategy<Value = String> {
    let id = || prop::sample::select(&["a", "b", "msg_0123456789abcdef"][..]);
    prop_oneof![
        (id(), 0_u64..9).prop_map(|(id, output)| call(id, output).to_string()),
        (id(), 0_u64..9).prop_map(|(id, output)| untimed(id, output)),
        (1_u64..9).prop_map(|n| with(call("", n), "/uuid", json!(format!("u{n}"))).to_string()),
        (0_u32..9).prop_map(|n| format!(r#"{{"type":"summary","timestamp":"2026-10-20T11:00:0{n}.000Z"}}"#)),
        (id(), 0_usize..300).prop_map(|(id, n)| with(call(id, 3), "/text", json!("x".repeat(n))).to_string()),
        (0_usize..300).prop_map(|n| json!({"type": "user", "text": "y".repeat(n)}).to_string()),
        Just(r#"{"type":"assistant","timestamp":"2026-10-20T10:00:00Z","message":{"id":"c","model":"m","usage":{"input_tokens":1},"content":[{"type":"tool_use","id":"t","name":"Bash"}]}}"#.to_owned()),
        Just(r#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t","is_error":true}]}}"#.to_owned()),
        Just(r#"{"type":"cost-state","sessionId":"s","totalCostUSD":1.25}"#.to_owned()),
        (id(), 1_usize..150).prop_map(|(id, cut)| { let row = call(id, 4).to_string(); format!("{}{row}", &row[..cut]) }),
        id().prop_map(|id| format!("\0\0{}", call(id, 5))),
        prop::sample::select(&["", "\r", "12", "{", "not json"][..]).prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn stretches_of_any_sizes_through_any_buffer_give_what_one_look_gives(
        lines in prop::collection::vec(line(), 0..12),
        ended in any::<bool>(),
        ends in prop::sample::select(&["\n", "\r\n"][..]),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        buffer in prop_oneof![12_usize..40, 40_usize..600],
    ) {
        let mut text = lines.join(ends);
        if ended {
            text.push_str(ends);
        }
        let mut cuts: Vec<u64> = cuts.iter().map(|cut| cut.index(text.len() + 1) as u64).chain([0]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let whole = Seen::of(text.as_bytes());
        let (pieces, behind) = read_in_pieces(text.as_bytes(), &cuts, buffer);
        prop_assert_eq!(pieces, whole, "{}", text);
        prop_assert_eq!(behind, text.rfind('\n').map_or(0, |last| last as u64 + 1));
    }
}

#[test]
fn nominal_stretches_meet_and_cover_all_that_is_new() {
    for (from, size) in [(0, 0), (7, 7), (0, 1), (5, STRETCH + 5), (5, STRETCH + 6), (0, 3 * STRETCH + 1)] {
        let ranges: Vec<_> = stretches(from, size).collect();
        assert_eq!((ranges.first().map(|r| r.start), ranges.last().map(|r| r.end)), (Some(from), Some(size)));
        assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
    }
}

#[test]
fn a_line_longer_than_the_buffer_counts_and_so_do_the_lines_after_it() {
    let long = with(call("long", 2), "/text", json!("x".repeat(600_000)));
    let unmarked = json!({"type": "user", "text": "y".repeat(600_000)});
    let bytes = text(&[call("a", 1), long, unmarked, call("b", 4)]);
    let seen = Seen::of(&bytes);
    assert_eq!((seen.outputs(), seen.soft), (vec![1, 2, 4], vec![]));
}

#[test]
fn a_torn_tail_waits_and_counts_once_it_is_whole() {
    let (before, tail) = (text(&[call("a", 1)]), call("b", 2).to_string());
    for cut in 0..=tail.len() {
        let bytes = [&before, &tail.as_bytes()[..cut]].concat();
        for buffer in [16, 64, 4096] {
            let (seen, behind) = read_in_pieces(&bytes, &[0], buffer);
            let whole = cut == tail.len();
            assert_eq!(seen.outputs(), if whole { vec![1, 2] } else { vec![1] }, "{cut} of the tail");
            assert_eq!((seen.soft, behind), (vec![], before.len() as u64), "{cut} of the tail");
        }
    }
}

#[test]
fn a_torn_tail_is_damage_once_its_line_end_follows() {
    let (seen, behind) = read_in_pieces(b"{\"type\":\"x\",\"n\":1\n", &[0], 16);
    assert_eq!((seen.soft, behind), (vec![(0, Soft::Damaged { recovered: 0 })], 18));
}

#[test]
fn an_unreadable_time_is_that_of_the_row_before_however_far_back() {
    let filler: Vec<_> = (0..300).map(|_| json!({"type": "user", "text": "z".repeat(1000)})).collect();
    let mut bytes = text(&[json!({"type": "summary", "timestamp": "2026-10-20T12:00:00Z"})]);
    bytes.extend(text(&filler));
    let late = bytes.len() as u64;
    bytes.extend(format!("{}\n{}\n", untimed("a", 1), untimed("b", 2)).into_bytes());
    let (seen, _) = read_in_pieces(&bytes, &[0, late], 4096);
    assert_eq!(seen.calls.values().map(|call| call.at_ms).collect::<Vec<_>>(), [NOON_MS; 2]);
    let first = Seen::of(format!("{}\n", untimed("a", 1)).as_bytes());
    assert_eq!((first.outputs(), first.soft), (vec![], vec![(0, Soft::Untimed)]));
}
