//! Where a number comes from: stories of calls with several rows, and that the parts of every answer add up.

mod common;

use std::fs;

use cco_engine::Engine;
use cco_engine::explain::{CallStory, Depth, Found, Place, SessionStory, Subject, Verdict, Within};
use cco_engine::money::NanoUsd;
use cco_engine::report::Period;
use common::{FIRST, ROW, Row, Tree, agreed_totals, everything, scan, zone};
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use proptest::prelude::*;

const SECOND: &str = "msg_01SECONDSECONDSECONDXX";
const MAIN: &str = "p/s1.jsonl";
const DEPTH: Depth = Depth { all_files: false, calls: 1_000 };

fn subject(engine: &Engine, word: &str) -> Subject {
    match engine.find_subject(word, date(2026, 10, 20)).expect("an answer") {
        Found::One(subject) => subject,
        other => panic!("{word}: {other:?}"),
    }
}

fn call(engine: &Engine, word: &str) -> CallStory {
    let Subject::Call { id, message } = subject(engine, word) else { panic!("{word} is no call") };
    let story = engine.explain_call(id, message.as_deref(), DEPTH, &mut |_| {});
    story.expect("an answer").expect("a call")
}

fn session(engine: &Engine, word: &str) -> SessionStory {
    let Subject::Session { id, name } = subject(engine, word) else { panic!("{word} is no session") };
    engine.explain_session(id, &name, &Within::default(), DEPTH, &mut |_| {}).expect("an answer")
}

/// Each row's file, place in it and fate: `s1.jsonl 0 kept`.
fn rows(tree: &Tree, story: &CallStory) -> Vec<String> {
    let row = |row: &cco_engine::explain::RowStory| {
        let name = row.path.strip_prefix(tree.path("")).expect("a file of the tree").display().to_string();
        let fate = match row.verdict {
            Verdict::Kept if row.place == Place::Gone => "kept, gone",
            Verdict::Kept if row.place == Place::Rewritten => "kept, rewritten",
            Verdict::Kept if row.place == Place::Unreadable => "kept, unreadable",
            Verdict::Kept => "kept",
            Verdict::Dropped(reason) => reason.code(),
            Verdict::Untimed => "untimed",
            Verdict::NotRead => "not-read",
        };
        format!("{name} {} {fate}", row.offset)
    };
    story.rows.iter().map(row).collect()
}

/// The call's rows in a tree of these files, the eldest first.
fn told(files: &[(&str, String)]) -> Vec<String> {
    let tree = Tree::new();
    files.iter().for_each(|(name, text)| tree.put(name, text));
    let mut engine = tree.engine();
    scan(&mut engine);
    rows(&tree, &call(&engine, FIRST))
}

#[test]
fn each_row_of_an_answer_has_its_fate() {
    let (early, done) = (Row { output: 1, ..ROW }, Row { output: 300, ..ROW });
    let (a, b) = (early.line().len(), done.line().len());
    let zeros = Row { input: 0, output: 0, ..ROW };
    let side = Row { side: true, request: Some("req_2"), output: 900, ..ROW };
    let with_speed = Row { usage: r#","speed":"standard""#, ..done };
    let one = |rows: &[Row<'_>]| vec![(MAIN, rows.iter().map(Row::line).collect::<String>())];
    for (story, files, fates) in [
        (
            "placeholder rows and a repeated one",
            one(&[early, done, done]),
            vec![
                format!("p/s1.jsonl {a} kept"),
                "p/s1.jsonl 0 placeholder".to_owned(),
                format!("p/s1.jsonl {} repeated", a + b),
            ],
        ),
        (
            "a row of zeros",
            one(&[zeros, done]),
            vec![format!("p/s1.jsonl {} kept", zeros.line().len()), "p/s1.jsonl 0 all-zero".to_owned()],
        ),
        (
            "an older writing without a speed",
            one(&[done, with_speed]),
            vec![format!("p/s1.jsonl {b} kept"), "p/s1.jsonl 0 no-speed".to_owned()],
        ),
        (
            "fewer tokens of another class",
            one(&[Row { input: 0, ..done }, done]),
            vec![
                format!("p/s1.jsonl {} kept", Row { input: 0, ..done }.line().len()),
                "p/s1.jsonl 0 fewer-tokens".to_owned(),
            ],
        ),
        (
            "a fork",
            vec![(MAIN, done.line()), ("p/s2.jsonl", Row { session: "s2", ..done }.line())],
            vec!["p/s1.jsonl 0 kept".to_owned(), "p/s2.jsonl 0 forked".to_owned()],
        ),
        (
            "a fork whose name comes first",
            vec![(MAIN, done.line()), ("a/s0.jsonl", Row { session: "s0", ..done }.line())],
            vec!["p/s1.jsonl 0 kept".to_owned(), "a/s0.jsonl 0 forked".to_owned()],
        ),
        (
            "a copy in another folder",
            vec![(MAIN, done.line()), ("q/s1.jsonl", done.line())],
            vec!["p/s1.jsonl 0 kept".to_owned(), "q/s1.jsonl 0 born-later".to_owned()],
        ),
        (
            "a side question replays it, with another request id and more tokens",
            vec![("p/s1/subagents/agent-a1.jsonl", side.line()), (MAIN, done.line())],
            vec![
                "p/s1.jsonl 0 kept".to_owned(),
                "p/s1/subagents/agent-a1.jsonl 0 sidechain-replay".to_owned(),
            ],
        ),
        (
            "a row without any readable time",
            one(&[Row { at: "soon", ..early }, done]),
            vec![
                format!("p/s1.jsonl {} kept", Row { at: "soon", ..early }.line().len()),
                "p/s1.jsonl 0 untimed".to_owned(),
            ],
        ),
    ] {
        assert_eq!(told(&files), fates, "{story}");
    }
}

#[test]
fn a_progress_row_around_an_answer_is_a_replay_of_it() {
    // It loses even where it counts more: it is of a side thread, though it does not say so itself.
    for output in [1, 900] {
        let inner = Row { output, ..ROW }.text();
        let wrapped = format!(
            r#"{{"type":"progress","sessionId":"s1","timestamp":"2026-10-20T12:00:00.000Z","data":{{"type":"agent_progress","agentId":"a1","message":{inner}}}}}"#
        );
        let files = [(MAIN, wrapped + "\n" + &ROW.line())];
        let fates = told(&files);
        assert!(fates[0].ends_with(" kept") && fates[1] == "p/s1.jsonl 0 wrapped-replay", "{fates:?}");
    }
}

#[test]
fn files_born_at_one_moment_are_told_apart_by_path() {
    let tree = Tree::new();
    tree.put(MAIN, ROW.line());
    tree.put("p/s2.jsonl", Row { session: "s2", ..ROW }.line());
    let first = fs::metadata(tree.path(MAIN)).and_then(|data| data.modified()).expect("a time");
    let second = fs::File::options().append(true).open(tree.path("p/s2.jsonl")).expect("a file");
    second.set_modified(first).expect("the same time");
    let mut engine = tree.engine();
    scan(&mut engine);
    let fates = rows(&tree, &call(&engine, FIRST));
    assert_eq!(fates, ["p/s1.jsonl 0 kept", "p/s2.jsonl 0 later-path"]);
}

#[test]
fn a_record_on_a_damaged_line_is_told_with_its_own_place() {
    let tree = Tree::new();
    let torn = &Row { message: Some(SECOND), ..ROW }.text()[..50];
    tree.put(MAIN, format!("{torn}{}", ROW.line()));
    let mut engine = tree.engine();
    scan(&mut engine);
    assert_eq!(rows(&tree, &call(&engine, FIRST)), [format!("p/s1.jsonl {} kept", torn.len())]);
    let story = session(&engine, "s1");
    assert_eq!((story.group.findings_total, story.group.findings.len()), (1, 1));
    assert_eq!(story.group.findings[0].offset, Some(0));
}

#[test]
fn a_row_whose_file_is_gone_is_remembered_and_its_copies_are_still_found() {
    let tree = Tree::new();
    let with_tool = ROW.line().replace(
        r#""role":"assistant""#,
        r#""role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"Bash","input":{}}]"#,
    );
    tree.put(MAIN, &with_tool);
    tree.put("p/s2.jsonl", Row { session: "s2", ..ROW }.line());
    let mut engine = tree.engine();
    scan(&mut engine);
    fs::remove_file(tree.path(MAIN)).expect("it was there");
    scan(&mut engine);
    for word in [FIRST, "req_1", "#1"] {
        let story = call(&engine, word);
        assert_eq!(rows(&tree, &story), ["p/s1.jsonl 0 kept, gone", "p/s2.jsonl 0 forked"], "{word}");
        assert!(story.price_agrees());
        assert_eq!(story.message, FIRST);
    }
    fs::remove_file(tree.path("p/s2.jsonl")).expect("it was there");
    scan(&mut engine);
    let story = call(&engine, FIRST);
    assert_eq!(rows(&tree, &story), ["p/s1.jsonl 0 kept, gone"]);
    assert_eq!(story.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["Bash"]);
    let files = session(&engine, "s1").files;
    assert_eq!((files.len(), files[0].gone, files[0].kept, files[0].rows), (1, true, 1, None));
}

#[test]
fn without_the_kept_row_replays_with_another_request_id_are_found_too() {
    let side = Row { side: true, request: Some("req_2"), session: "s2", ..ROW };
    for fork in [true, false] {
        let tree = Tree::new();
        tree.put(MAIN, ROW.line());
        tree.put("p/s2/subagents/agent-a1.jsonl", side.line());
        if fork {
            tree.put("p/s3.jsonl", Row { session: "s3", ..ROW }.line());
        }
        let mut engine = tree.engine();
        scan(&mut engine);
        fs::remove_file(tree.path(MAIN)).expect("it was there");
        scan(&mut engine);
        let mut fates = vec!["p/s1.jsonl 0 kept, gone", "p/s2/subagents/agent-a1.jsonl 0 sidechain-replay"];
        fates.extend(fork.then_some("p/s3.jsonl 0 forked"));
        for word in [FIRST, "#1", "req_1"] {
            assert_eq!(rows(&tree, &call(&engine, word)), fates, "{word}");
        }
    }
}

#[test]
fn a_session_that_holds_copies_alone_is_told_so() {
    let tree = Tree::new();
    tree.put(MAIN, ROW.line());
    tree.put("p/s2.jsonl", Row { session: "s2", ..ROW }.line());
    tree.put("p/s2/subagents/agent-a1.jsonl", Row { session: "s2", side: true, ..ROW }.line());
    let mut engine = tree.engine();
    scan(&mut engine);
    let story = session(&engine, "s2");
    assert_eq!((story.group.sums.calls, story.group.span, story.files.len()), (0, None, 2));
    assert!(story.files.iter().all(|file| file.rows.is_some_and(|rows| rows.rows_of_others == 1)));
}

#[test]
fn a_file_that_was_written_anew_is_said_to_be() {
    let tree = Tree::new();
    let other = Row { message: Some(SECOND), ..ROW };
    tree.put(MAIN, other.line() + &ROW.line());
    let mut engine = tree.engine();
    scan(&mut engine);
    tree.put(MAIN, Row { output: 2, ..other }.line());
    scan(&mut engine);
    let story = call(&engine, FIRST);
    assert_eq!(rows(&tree, &story), [format!("p/s1.jsonl {} kept, rewritten", other.line().len())]);
    assert_eq!(story.facts.cost, Some(NanoUsd(255_000)), "what was counted stays");
}

#[test]
fn a_row_that_says_less_now_is_not_taken_for_the_one_that_was_kept() {
    let tree = Tree::new();
    tree.put(MAIN, Row { output: 300, ..ROW }.line());
    let mut engine = tree.engine();
    scan(&mut engine);
    tree.put(MAIN, Row { output: 100, ..ROW }.line());
    scan(&mut engine);
    let story = call(&engine, FIRST);
    assert_eq!(rows(&tree, &story), ["p/s1.jsonl 0 kept, rewritten", "p/s1.jsonl 0 placeholder"]);
    assert_eq!(story.facts.usage.tokens.output, 300);
}

#[test]
fn the_tools_of_all_rows_are_told_with_their_failures() {
    let tree = Tree::new();
    let used = |name: &str, id: &str| {
        ROW.line().replace(
            r#""role":"assistant""#,
            &format!(
                r#""role":"assistant","content":[{{"type":"tool_use","id":"{id}","name":"{name}","input":{{}}}}]"#
            ),
        )
    };
    let failed = r#"{"type":"user","sessionId":"s1","message":{"content":[{"type":"tool_result","tool_use_id":"toolu_2","is_error":true}]}}"#;
    tree.put(MAIN, used("Bash", "toolu_1") + &used("Read", "toolu_2") + failed + "\n");
    let mut engine = tree.engine();
    scan(&mut engine);
    let mut tools: Vec<(String, bool)> =
        call(&engine, FIRST).tools.into_iter().map(|tool| (tool.name, tool.failed)).collect();
    tools.sort();
    assert_eq!(tools, [("Bash".to_owned(), false), ("Read".to_owned(), true)]);
}

#[test]
fn a_session_tells_whose_rows_its_files_hold_and_what_claude_code_says() {
    let tree = Tree::new();
    let own = Row { message: Some(SECOND), session: "s2", ..ROW };
    tree.put(MAIN, ROW.line() + &ROW.line());
    let state = r#"{"type":"cost-state","sessionId":"s2","totalCostUSD":0.001}"#;
    let link = r#"{"type":"pr-link","sessionId":"s2","prUrl":"https://example.com/pull/7","prNumber":7}"#;
    let copies = Row { session: "s2", ..ROW }.line() + &Row { session: "s2", ..ROW }.line();
    tree.put("p/s2.jsonl", copies + &own.line() + state + "\n" + link + "\n");
    let mut engine = tree.engine();
    scan(&mut engine);
    let story = session(&engine, "s2");
    assert_eq!(story.group.sums.calls, 1);
    assert_eq!(story.cost_state.expect("a cost").cost, NanoUsd(1_000_000));
    assert_eq!(story.pull_requests, ["https://example.com/pull/7"]);
    let rows = story.files[0].rows.expect("rows");
    assert_eq!((rows.rows, rows.calls, rows.rows_of_others, rows.calls_of_others), (3, 2, 2, 1));
}

#[test]
fn words_find_what_they_name() {
    let tree = Tree::new();
    let other = Row { message: Some(SECOND), request: Some("req_2"), session: "s22", ..ROW };
    tree.put(MAIN, ROW.line() + &other.line());
    tree.put("p/s2.jsonl", Row { message: Some("short"), request: None, session: "s21", ..ROW }.line());
    let mut engine = tree.engine();
    scan(&mut engine);
    let is_session = |word: &str, wanted: &str| match subject(&engine, word) {
        Subject::Session { name, .. } => assert_eq!(name, wanted),
        other => panic!("{word}: {other:?}"),
    };
    is_session("s1", "s1");
    is_session("s21", "s21");
    let found = |word: &str| engine.find_subject(word, date(2026, 10, 20)).expect("an answer");
    assert_eq!(found("s2"), Found::Sessions { names: vec!["s21".to_owned(), "s22".to_owned()], more: false });
    assert_eq!(found("today"), Found::One(Subject::Day(date(2026, 10, 20))));
    for word in ["app", "/home/dev/app", "/home/dev/app/"] {
        let Subject::Project { path, .. } = subject(&engine, word) else { panic!("{word}") };
        assert_eq!(path, "/home/dev/app");
    }
    assert_eq!(call(&engine, "req_2").message, SECOND);
    assert_eq!(call(&engine, "req_1").message, FIRST);
    assert_eq!(found("msg_short"), Found::NeedsRequest);
    assert!(matches!(found("#99"), Found::Nothing { .. }));
    assert!(matches!(found("#x"), Found::Nothing { .. }));
    assert!(matches!(found("msg_01NOSUCHCALLNOSUCHCALL"), Found::Nothing { .. }));
    assert!(matches!(found("appp"), Found::Nothing { projects, .. } if projects == ["/home/dev/app"]));
}

#[test]
fn an_answer_and_its_advisor_are_two_calls() {
    let tree = Tree::new();
    let usage = r#","iterations":[{"type":"message"},{"type":"advisor_message","model":"claude-haiku-4-5","input_tokens":7,"output_tokens":3}]"#;
    tree.put(MAIN, Row { usage, ..ROW }.line());
    let mut engine = tree.engine();
    scan(&mut engine);
    let Found::Calls(calls) = engine.find_subject(FIRST, date(2026, 10, 20)).expect("an answer") else {
        panic!("one call")
    };
    assert_eq!(calls.len(), 2);
    for line in calls {
        let story = call(&engine, &format!("#{}", line.id));
        assert_eq!(story.facts.usage.tokens, line.tokens);
        assert_eq!(rows(&tree, &story), ["p/s1.jsonl 0 kept"]);
    }
}

#[test]
fn a_row_without_any_id_is_its_own_call() {
    let tree = Tree::new();
    let row = Row { message: None, request: None, ..ROW }.line();
    let start = row.find(r#""uuid":"#).expect("an id");
    let end = start + row[start..].find(',').expect("a next field") + 1;
    let nameless = format!("{}{}", &row[..start], &row[end..]);
    tree.put(MAIN, format!("{nameless}{nameless}"));
    let mut engine = tree.engine();
    scan(&mut engine);
    for (word, place) in [("#1", 0), ("#2", nameless.len())] {
        assert_eq!(rows(&tree, &call(&engine, word)), [format!("p/s1.jsonl {place} kept")]);
    }
}

#[test]
fn a_day_is_one_of_the_zone_that_is_asked_for() {
    let tree = Tree::new();
    let late = Row { message: Some(SECOND), at: "2026-10-20T18:20:00.000Z", ..ROW };
    tree.put(MAIN, ROW.line() + &late.line());
    let mut engine = tree.engine();
    scan(&mut engine);
    // There the next day begins at 18:15 UTC.
    for (zone, day, calls) in
        [(TimeZone::UTC, 20, 2), (zone("Asia/Kathmandu"), 20, 1), (zone("Asia/Kathmandu"), 21, 1)]
    {
        let story = engine.explain_day(date(2026, 10, day), &zone, &Within::default(), DEPTH).expect("a day");
        assert_eq!((story.sums.calls, story.calls.len()), (calls, usize::try_from(calls).expect("few")));
    }
    assert_eq!(
        engine
            .explain_day(date(2026, 10, 22), &TimeZone::UTC, &Within::default(), DEPTH)
            .expect("a day")
            .span,
        None
    );
}

/// A transcript of calls with these counts, in one of three sessions each; every third row is written twice.
fn tree_of(counts: &[([u64; 5], u8)]) -> Tree {
    let tree = Tree::new();
    let mut files = [const { String::new() }; 3];
    for (n, ([input, output, write_5m, write_1h, read], kind)) in counts.iter().enumerate() {
        let message = format!("msg_{n:024}");
        let speed = if kind & 4 == 0 { "standard" } else { "fast" };
        let geo = if kind & 8 == 0 { "" } else { "us" };
        let tier = if kind & 16 == 0 { "standard" } else { "batch" };
        let usage = format!(
            r#","cache_read_input_tokens":{read},"cache_creation":{{"ephemeral_5m_input_tokens":{write_5m},"ephemeral_1h_input_tokens":{write_1h}}},"speed":"{speed}","inference_geo":"{geo}","service_tier":"{tier}","server_tool_use":{{"web_search_requests":{}}}"#,
            kind & 1
        );
        let session = ["s1", "s2", "s3"][n % 3];
        let model = ["claude-opus-4-8", "claude-sonnet-4-5", "house/model", "claude-opus-4-6"][n % 4];
        let row = Row {
            message: Some(&message),
            session,
            model,
            input: *input,
            output: *output,
            usage: &usage,
            ..ROW
        };
        files[n % 3] += &row.line();
        if n % 3 == 0 {
            files[1] += &row.line();
        }
    }
    for (name, text) in ["p/s1.jsonl", "p/s2.jsonl", "p/s3.jsonl"].into_iter().zip(files) {
        tree.put(name, text);
    }
    tree
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_parts_of_every_answer_add_up(
        counts in proptest::collection::vec((proptest::array::uniform5(0_u64..400_000), any::<u8>()), 1..24),
    ) {
        let tree = tree_of(&counts);
        let mut engine = tree.engine();
        scan(&mut engine);
        for row in engine.sessions(&everything(TimeZone::UTC)).expect("sessions") {
            let story = session(&engine, &row.session);
            prop_assert_eq!(story.group.sums, row.sums);
            let mut cost = NanoUsd::default();
            for line in &story.group.calls {
                let call = call(&engine, &format!("#{}", line.id));
                prop_assert!(call.price_agrees());
                prop_assert_eq!(call.facts.cost, line.cost);
                let breakdown = call.breakdown.as_ref();
                let parts = breakdown.and_then(|breakdown| {
                    let parts: Option<Vec<_>> = breakdown.parts.iter().map(|part| part.cost).collect();
                    Some(parts?.into_iter().sum::<NanoUsd>() + breakdown.web_search_cost?)
                });
                prop_assert_eq!(parts, line.cost, "the parts of a call");
                cost += line.cost.unwrap_or_default();
                prop_assert!(call.rows.iter().filter(|row| row.verdict == Verdict::Kept).count() == 1);
                prop_assert!(call.rows.iter().all(|row| row.place == Place::There));
            }
            prop_assert_eq!(cost, row.sums.cost, "the calls of a session");
            prop_assert_eq!(story.group.calls.len() as u64, row.sums.calls);
        }
        let day = engine.periods(&everything(TimeZone::UTC), Period::Day).expect("days").remove(0);
        let told = engine.explain_day(day.key, &TimeZone::UTC, &Within::default(), DEPTH).expect("a day");
        prop_assert_eq!(told.sums, day.sums);
        // Calls that are looked at one by one come to what roll-ups and indexes say.
        let always = Within { range: Some(Timestamp::MIN..Timestamp::MAX), ..Within::default() };
        prop_assert_eq!(&engine.explain_day(day.key, &TimeZone::UTC, &always, DEPTH).expect("a day"), &told);
        prop_assert_eq!(agreed_totals(&engine), Ok(day.sums));
        let Subject::Project { id, .. } = subject(&engine, "app") else { panic!("no project") };
        prop_assert_eq!(engine.explain_project(id, &Within::default(), DEPTH).expect("a project").sums, day.sums);
    }
}
