use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::testing::{NOON, NOON_MS, Seen, call, text, with};

#[test]
fn an_agent_id_names_its_kind_only_when_it_has_one() {
    for (id, kind) in [
        ("a881341", "subagent"),
        ("acompact-fffbd0", "compact"),
        ("aprompt_suggestion-0a1b2c", "prompt_suggestion"),
        ("a-1", "subagent"),
        ("", "subagent"),
    ] {
        assert_eq!(agent_kind(id.as_bytes()), kind.as_bytes(), "{id}");
    }
}

const API: &str = "msg_0123456789abcdef";

fn seen(rows: &[Value]) -> Seen {
    Seen::of(&text(rows))
}

#[test]
fn two_rows_are_one_call_by_message_id_then_request_then_uuid() {
    let plain = |id: &str, request: &str, uuid: &str| {
        let row = with(call(id, 5), "/requestId", json!(request));
        with(row, "/uuid", json!(uuid))
    };
    for (what, first, second, calls) in [
        ("an API id is enough", plain(API, "r", "u"), plain(API, "q", "v"), 1),
        ("15 characters are no API id", plain(&API[..19], "r", "u"), plain(&API[..19], "q", "v"), 2),
        ("message and request", plain("a", "r", "u"), plain("a", "r", "v"), 1),
        ("another message", plain("a", "r", "u"), plain("b", "r", "u"), 2),
        ("the uuid alone", plain("", "", "u"), plain("", "", "u"), 1),
        ("another uuid", plain("", "", "u"), plain("", "", "v"), 2),
        ("no id at all", plain("", "", ""), plain("", "", ""), 2),
    ] {
        assert_eq!(seen(&[first, second]).calls.len(), calls, "{what}");
    }
}

#[test]
fn of_a_call_s_rows_the_better_wins_in_any_order_and_the_earliest_time_stays() {
    let side = |row| with(row, "/isSidechain", json!(true));
    let early = |row| with(row, "/timestamp", json!("2026-10-20T11:00:00Z"));
    for (what, worse, better) in [
        ("main thread over sidechain", early(side(call(API, 9))), call(API, 1)),
        ("more tokens", early(call(API, 1)), call(API, 9)),
        (
            "the row with speed",
            early(call(API, 5)),
            with(call(API, 5), "/message/usage/speed", json!("standard")),
        ),
    ] {
        let marked = with(better, "/sessionId", json!("winner"));
        for rows in [[worse.clone(), marked.clone()], [marked, worse]] {
            let seen = seen(&rows);
            let only = seen.only();
            assert_eq!(only.names[1].as_deref(), Some("winner"), "{what}");
            assert_eq!(only.at_ms, NOON_MS - 3_600_000, "{what}");
        }
    }
}

#[test]
fn what_is_no_call_counts_nothing() {
    for (what, row) in [
        ("no tokens", call(API, 0)),
        ("a synthetic answer", with(call(API, 5), "/message/model", json!("<synthetic>"))),
        ("no model", with(call(API, 5), "/message/model", json!(null))),
        ("a user's row", with(call(API, 5), "/type", json!("user"))),
        (
            "usage of a tool result",
            json!({"type": "user", "timestamp": NOON, "toolUseResult": {"usage": {"output_tokens": 9}}}),
        ),
        (
            "text about \"usage\"",
            json!({"type": "assistant", "timestamp": NOON, "message": {"model": "m", "content": "\"usage\""}}),
        ),
    ] {
        assert_eq!(seen(&[row]).calls.len(), 0, "{what}");
    }
    let early = with(call(API, 0), "/timestamp", json!("2026-10-20T01:00:00Z"));
    assert_eq!(seen(&[early, call(API, 5)]).only().at_ms, NOON_MS, "an empty row sets no time");
}

#[test]
fn a_progress_row_is_its_subagent_s_call_and_ranks_as_a_sidechain() {
    let inner = with(call(API, 9), "/sessionId", json!(null));
    let wrap = json!({"type": "progress", "sessionId": "p", "timestamp": NOON,
        "data": {"type": "agent_progress", "agentId": "acompact-1", "message": inner}});
    let alone = seen(std::slice::from_ref(&wrap));
    assert_eq!(
        (alone.only().names[1].as_deref(), alone.only().names[4].as_deref()),
        (Some("p"), Some("compact"))
    );
    assert_eq!(seen(&[wrap.clone(), call(API, 1)]).outputs(), [1]);
    assert_eq!(seen(&[with(wrap, "/data/type", json!("hook"))]).calls.len(), 0);
}

#[test]
fn an_advisor_is_a_call_of_its_own_and_a_restated_message_is_none() {
    let parts = json!([
        {"type": "message", "model": "m", "output_tokens": 5},
        {"type": "advisor_message", "model": "wise", "output_tokens": 70},
        {"type": "advisor_message", "model": "wise", "output_tokens": 80},
    ]);
    let row = with(call(API, 5), "/message/usage/iterations", parts);
    assert_eq!(seen(&[row.clone(), row]).outputs(), [5, 70, 80]);
}

#[test]
fn tools_are_united_by_id_and_fail_by_a_later_result() {
    let uses = |ids: &[&str]| {
        let blocks: Vec<_> =
            ids.iter().map(|id| json!({"type": "tool_use", "id": id, "name": "Bash"})).collect();
        with(call(API, 5), "/message/content", json!(blocks))
    };
    let result = |id, failed| {
        json!({"type": "user", "message": {"content": [
        {"type": "tool_result", "tool_use_id": id, "is_error": failed}]}})
    };
    let rows = [uses(&["a"]), uses(&["a", "b"]), result("a", true), result("b", false), result("z", true)];
    assert_eq!(seen(&rows).tool_counts(), BTreeMap::from([("Bash", (2, 1))]));
}

#[test]
fn an_odd_count_is_nothing_and_noted() {
    for odd in [json!(-1), json!(1.5), json!((1_u64 << 53) + 1), json!("7")] {
        let seen = seen(&[with(call(API, 5), "/message/usage/input_tokens", odd)]);
        assert_eq!((seen.outputs(), seen.soft), (vec![5], vec![(0, Soft::OddCount)]));
    }
}

#[test]
fn cache_writes_beyond_the_split_are_of_five_minutes() {
    let usage = json!({"cache_creation_input_tokens": 100,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 60}});
    let tokens = seen(&[with(call(API, 5), "/message/usage", usage)]).only().usage.tokens;
    assert_eq!((tokens.cache_write_5m, tokens.cache_write_1h), (40, 60));
}

#[test]
fn an_unreadable_time_on_a_damaged_line_is_that_of_the_record_in_front() {
    let session = |row| with(row, "/sessionId", json!("s"));
    let before =
        session(with(call("msg_00000000000000000a", 1), "/timestamp", json!("2026-10-19T12:00:00Z")));
    let front = session(call("msg_00000000000000000b", 2));
    let glued = session(with(call("msg_00000000000000000c", 3), "/timestamp", json!("soon")));
    let seen = Seen::of(format!("{before}\n\u{feff} {front}{glued}\n").as_bytes());
    let times: Vec<i64> = seen.calls.values().map(|call| call.at_ms).collect();
    assert_eq!(times.iter().filter(|at_ms| **at_ms == NOON_MS).count(), 2, "{times:?}");
}

#[test]
fn two_records_without_ids_on_one_damaged_line_are_two_calls() {
    let nameless = || with(call("", 7), "/sessionId", json!("s"));
    assert_eq!(Seen::of(format!("{}{}\n", nameless(), nameless()).as_bytes()).calls.len(), 2);
}

#[test]
fn what_stands_in_front_on_a_damaged_line_and_is_no_record_lends_no_time() {
    let front =
        with(with(call("m1", 1), "/timestamp", json!("2026-10-13T12:00:00Z")), "/sessionId", json!(null));
    let glued = with(with(call("m2", 3), "/sessionId", json!("s")), "/timestamp", json!("nonsense"));
    assert_eq!(Seen::of(format!("{front}{glued}\n").as_bytes()).calls.len(), 0);
}
