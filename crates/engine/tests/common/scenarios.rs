//! Stories that a planted bug must spoil. Each is told as a check that says what went wrong.

use std::fs;
use std::io::Write;

use cco_engine::Engine;
use jiff::tz::TimeZone;

use crate::common::{self, FIRST, ROW, Row, Tree, agreed_totals};

/// The id of another call.
const SECOND: &str = "msg_01SECONDSECONDSECONDXX";

/// What a story ends with: nothing to say, or what is wrong.
pub(crate) type Outcome = Result<(), String>;

/// All ways of adding up agree on so many calls and output tokens.
fn expect(engine: &Engine, calls: u64, output: u64) -> Outcome {
    let sums = agreed_totals(engine)?;
    let got = (sums.calls, sums.tokens.output);
    if got == (calls, output) { Ok(()) } else { Err(format!("{got:?} instead of {:?}", (calls, output))) }
}

/// The days of UTC that have calls.
fn days(engine: &Engine) -> Vec<String> {
    let days =
        engine.periods(&common::everything(TimeZone::UTC), cco_engine::report::Period::Day).expect("days");
    days.into_iter().map(|day| day.key.to_string()).collect()
}

fn append(tree: &Tree, name: &str, text: &str) {
    let path = tree.path(name);
    let mut file = fs::File::options().append(true).open(&path).expect("a transcript");
    file.write_all(text.as_bytes()).expect("room on the disk");
    drop(file);
    tree.touch(&path);
}

/// The last row of a streamed answer comes in a later scan, and it is the one that holds the count.
pub(crate) fn an_answer_that_grew_has_its_final_count() -> Outcome {
    let (tree, started, finished) = (Tree::new(), Row { output: 1, ..ROW }, Row { output: 300, ..ROW });
    let mut engine = tree.engine();
    tree.put("p/s1.jsonl", started.line());
    common::scan(&mut engine);
    append(&tree, "p/s1.jsonl", &finished.line());
    common::scan(&mut engine);
    expect(&engine, 1, 300)
}

/// A resumed session copies old rows into a new file, in another folder.
pub(crate) fn a_copied_call_counts_once() -> Outcome {
    let tree = Tree::new();
    tree.put("p/s1.jsonl", ROW.line());
    tree.put("p/s2.jsonl", ROW.line() + &Row { message: Some(SECOND), session: "s2", ..ROW }.line());
    tree.put("elsewhere/s1.jsonl", ROW.line());
    let mut engine = tree.engine();
    common::scan(&mut engine);
    expect(&engine, 2, 20)
}

/// A scan meets a row that is still being written; the next one reads the rest.
pub(crate) fn a_row_that_was_torn_counts_once_it_is_whole() -> Outcome {
    let (tree, late) = (Tree::new(), Row { message: Some(SECOND), output: 5, ..ROW }.line());
    let (begun, rest) = late.split_at(120);
    let mut engine = tree.engine();
    tree.put("p/s1.jsonl", ROW.line() + begun);
    common::scan(&mut engine);
    expect(&engine, 1, 10)?;
    append(&tree, "p/s1.jsonl", rest);
    common::scan(&mut engine);
    expect(&engine, 2, 15)
}

/// A row of zeros from before midnight, in the same file, in the same scan and in an earlier one.
pub(crate) fn a_row_of_zeros_sets_no_day() -> Outcome {
    let zeros = Row { input: 0, output: 0, at: "2026-10-19T23:59:59.000Z", ..ROW };
    for pause in [false, true] {
        let tree = Tree::new();
        let mut engine = tree.engine();
        tree.put("p/s1.jsonl", zeros.line());
        if pause {
            common::scan(&mut engine);
        }
        append(&tree, "p/s1.jsonl", &ROW.line());
        common::scan(&mut engine);
        expect(&engine, 1, 10)?;
        if days(&engine) != ["2026-10-20"] {
            return Err(format!("days {:?}", days(&engine)));
        }
    }
    Ok(())
}

/// A later scan finds an earlier, longer row of a call: it moves to the day before, and leaves nothing behind.
pub(crate) fn a_call_that_moved_leaves_its_old_day() -> Outcome {
    let (tree, before) = (Tree::new(), "2026-10-19T23:50:00.000Z");
    let mut engine = tree.engine();
    tree.put("p/s1.jsonl", ROW.line());
    common::scan(&mut engine);
    tree.put("p/s2.jsonl", Row { message: Some(FIRST), at: before, output: 40, session: "s2", ..ROW }.line());
    common::scan(&mut engine);
    expect(&engine, 1, 40)?;
    if days(&engine) == ["2026-10-19"] { Ok(()) } else { Err(format!("days {:?}", days(&engine))) }
}
