use jiff::tz::TimeZone;

use super::{FEW, USES_OF_CALL};
use crate::{Ledger, Place};

#[test]
fn uses_of_a_call_are_found_by_its_index_alone_where_the_ledger_is_followed() {
    let ledger = Ledger::open(&Place::Memory, &TimeZone::UTC).expect("a ledger");
    assert!(!ledger.has_tools_by_call().expect("an answer"), "nobody else pays for it");
    ledger.prepare_following().expect("indexes");
    assert!(ledger.has_tools_by_call().expect("an answer"));
    let plan: String = ledger
        .connection
        .query_row(&format!("EXPLAIN QUERY PLAN {USES_OF_CALL}"), [1], |row| row.get(3))
        .expect("a plan");
    assert!(plan.contains("SEARCH tool_use USING COVERING INDEX tool_use_call (call_id=?"), "{plan}");
}

#[test]
fn few_calls_and_many_find_the_same_uses() {
    let ledger = Ledger::open(&Place::Memory, &TimeZone::UTC).expect("a ledger");
    ledger
        .connection
        .execute_batch(
            "INSERT INTO tool_use VALUES (11, 1, 1, 0), (12, 1, 2, 1), (13, 2, 1, 0), (14, 2, 0, 1), (15, 0, 1, 0);",
        )
        .expect("uses");
    let uses = |calls: std::ops::Range<i64>| {
        let mut uses = Vec::new();
        let each = &mut |tool, failed, call| uses.push((call, tool, failed));
        ledger.tool_uses_of_calls(&calls.collect(), each).expect("an answer");
        uses.sort_unstable();
        uses
    };
    let wanted = [(1, 1, false), (1, 2, true), (2, 1, false)];
    assert_eq!(uses(1..9), wanted, "without an index");
    ledger.prepare_following().expect("indexes");
    assert_eq!(uses(1..9), wanted);
    assert_eq!(uses(1..i64::try_from(FEW).expect("a number") + 9), wanted, "more than are looked up");
    assert_eq!(uses(2..3), wanted[2..]);
}
