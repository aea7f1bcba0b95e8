//! Small trees, one oddity each, with totals worked out by hand: the rules of counting and pricing, told by example.
//! [`ROW`], which most of them vary, is one token in and ten out of Opus 4.8: 5,000 + 10 × 25,000 nano-dollars.

mod common;

use common::{FIRST, ROW, Row, Tree, agreed_totals, everything, scan};
use jiff::tz::TimeZone;

/// The id of another call.
const SECOND: &str = "msg_01SECONDSECONDSECONDXX";
const MAIN: &str = "p/s1.jsonl";
const AGENT: &str = "p/s1/subagents/agent-a1.jsonl";
const NOON: &str = "2026-10-20T12:00:00.000Z";

/// Calls; input, output, cache writes for five minutes and an hour, cache reads; nano-dollars, if all is priced.
type Totals = (u64, [u64; 5], Option<i64>);

/// One call of the plainest row.
const PLAIN: Totals = (1, [1, 10, 0, 0, 0], Some(255_000));
const NOTHING: Totals = (0, [0; 5], Some(0));

#[derive(Default)]
struct Groups {
    days: &'static [&'static str],
    models: &'static [&'static str],
    sessions: &'static [&'static str],
}

struct Case {
    /// What it shows.
    story: &'static str,
    /// Transcripts, the eldest first.
    files: Vec<(&'static str, String)>,
    totals: Totals,
    groups: Groups,
}

fn case(story: &'static str, text: String, totals: Totals) -> Case {
    files(story, vec![(MAIN, text)], totals)
}

fn files(story: &'static str, files: Vec<(&'static str, String)>, totals: Totals) -> Case {
    Case { story, files, totals, groups: Groups::default() }
}

impl Case {
    fn on(mut self, days: &'static [&'static str]) -> Self {
        self.groups.days = days;
        self
    }

    fn of(mut self, models: &'static [&'static str]) -> Self {
        self.groups.models = models;
        self
    }

    fn under(mut self, sessions: &'static [&'static str]) -> Self {
        self.groups.sessions = sessions;
        self
    }

    /// Reads the tree and holds it against what was worked out; says what is wrong.
    fn tell(&self) -> Result<(), String> {
        let tree = Tree::new();
        for (name, text) in &self.files {
            tree.put(name, text);
        }
        let mut engine = tree.engine();
        scan(&mut engine);
        let sums = agreed_totals(&engine)?;
        let t = sums.tokens;
        let cost = (sums.unpriced_calls == 0).then_some(sums.cost.0);
        let got = (sums.calls, [t.input, t.output, t.cache_write_5m, t.cache_write_1h, t.cache_read], cost);
        same("totals", &got, &self.totals)?;
        if cost.is_none() {
            same("the priced part", &(sums.cost.0, sums.unpriced_tokens), &(0, t.total()))?;
        }
        let days = engine.periods(&everything(TimeZone::UTC), cco_engine::report::Period::Day).expect("days");
        let mut models: Vec<String> =
            days.iter().flat_map(|day| &day.models).map(|part| part.model.to_string()).collect();
        models.sort();
        models.dedup();
        let days: Vec<String> = days.iter().map(|day| day.key.to_string()).collect();
        let sessions = engine.sessions(&everything(TimeZone::UTC)).expect("sessions");
        let mut sessions: Vec<String> =
            sessions.into_iter().map(|session| session.session.to_string()).collect();
        sessions.sort();
        for (what, got, wanted) in [
            ("days", days, self.groups.days),
            ("models", models, self.groups.models),
            ("sessions", sessions, self.groups.sessions),
        ] {
            if !wanted.is_empty() {
                same(what, &got, &wanted.iter().map(|&name| name.to_owned()).collect())?;
            }
        }
        // What was read once is not counted again, and costs nothing to look at.
        let again = engine.scan(&mut |_| {}).expect("a scan");
        same("a second scan's changes", &(again.files_read, again.calls_new, again.calls_changed), &(0, 0, 0))
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, wanted: &T) -> Result<(), String> {
    if got == wanted { Ok(()) } else { Err(format!("{what}: {got:?} instead of {wanted:?}")) }
}

fn all_are_told(cases: &[Case]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| case.tell().err().map(|error| format!("{}: {error}", case.story)))
        .collect();
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// A parent's copy of an agent's row.
fn progress(inner: &Row<'_>) -> String {
    let Row { model, input, output, at, .. } = inner;
    let (id, request) = (inner.message.expect("an id"), inner.request.expect("a request"));
    format!(
        r#"{{"type":"progress","uuid":"u-p","sessionId":"s1","timestamp":"{NOON}","isSidechain":false,"cwd":"/home/dev/app","data":{{"type":"agent_progress","agentId":"a1","message":{{"type":"assistant","message":{{"role":"assistant","model":"{model}","usage":{{"input_tokens":{input},"output_tokens":{output}}},"id":"{id}"}},"timestamp":"{at}","uuid":"u-i","requestId":"{request}"}}}}}}"#
    )
}

fn second() -> Row<'static> {
    Row { message: Some(SECOND), ..ROW }
}

#[test]
fn a_response_counts_once_however_many_rows_tell_of_it() {
    let side = Row { side: true, ..ROW };
    let foreign = Row { message: Some("gen-1"), ..ROW };
    let nameless = Row { message: None, request: None, ..ROW };
    all_are_told(&[
        case("one row is one call", ROW.line(), PLAIN),
        case(
            "an answer streams in three rows, and only the last knows how long it became",
            Row { output: 1, ..ROW }.line().repeat(2) + &Row { output: 300, ..ROW }.line(),
            (1, [1, 300, 0, 0, 0], Some(7_505_000)),
        ),
        files(
            "the parent noted an agent's answer as it began; the agent's own file has the end of it",
            vec![
                (MAIN, progress(&Row { output: 1, ..ROW }) + "\n"),
                (AGENT, Row { output: 500, ..side }.line()),
            ],
            (1, [1, 500, 0, 0, 0], Some(12_505_000)),
        ),
        case(
            "the agent's file was deleted: the parent's note is all that is left",
            progress(&Row { output: 40, ..ROW }) + "\n",
            (1, [1, 40, 0, 0, 0], Some(1_005_000)),
        ),
        files(
            "a row of zeros is nobody's: it neither wins nor sets the day",
            vec![
                (MAIN, Row { input: 0, output: 0, at: "2026-10-19T23:59:59.000Z", ..ROW }.line()),
                (AGENT, Row { output: 7, ..side }.line()),
            ],
            (1, [1, 7, 0, 0, 0], Some(180_000)),
        )
        .on(&["2026-10-20"]),
        case(
            "a gateway sends no request ids: the message id is enough",
            Row { request: None, output: 1, ..ROW }.line() + &Row { request: None, output: 20, ..ROW }.line(),
            (1, [1, 20, 0, 0, 0], Some(505_000)),
        ),
        files(
            "a side question replays an answer under a request id of its own",
            vec![(MAIN, ROW.line()), (AGENT, Row { request: Some("req_2"), ..side }.line())],
            PLAIN,
        ),
        case(
            "ids of another shape may repeat: the request id tells them apart",
            foreign.line() + &Row { request: Some("req_2"), ..foreign }.line(),
            (2, [2, 20, 0, 0, 0], Some(510_000)),
        ),
        case(
            "without ids a row is known by its uuid",
            nameless.line() + &Row { output: 20, ..nameless }.line(),
            (2, [2, 30, 0, 0, 0], Some(760_000)),
        ),
        files(
            "a fork begins with its parent's rows: they stay the parent's, whose file is older",
            vec![
                (MAIN, ROW.line()),
                (
                    "p/s0-fork.jsonl",
                    Row { session: "s0", ..ROW }.line()
                        + &Row { session: "s0", output: 3, ..second() }.line(),
                ),
            ],
            (2, [2, 13, 0, 0, 0], Some(335_000)),
        )
        .under(&["s0", "s1"]),
        files(
            "agents of a workflow lie deeper, and its journal is no transcript",
            vec![
                ("p/s1/subagents/workflows/w1/agent-a1.jsonl", side.line()),
                ("p/s1/subagents/workflows/w1/journal.jsonl", second().line()),
            ],
            PLAIN,
        ),
    ]);
}

#[test]
fn a_call_is_filed_under_the_instant_it_began() {
    all_are_told(&[
        case(
            "an answer that streams past midnight belongs to the evening",
            Row { output: 1, at: "2026-10-20T23:59:59.900Z", ..ROW }.line()
                + &Row { output: 50, at: "2026-10-21T00:00:02.000Z", ..ROW }.line(),
            (1, [1, 50, 0, 0, 0], Some(1_255_000)),
        )
        .on(&["2026-10-20"]),
        case(
            "half past midnight two hours east is still yesterday in UTC",
            Row { at: "2026-10-20T00:30:00+02:00", ..ROW }.line(),
            PLAIN,
        )
        .on(&["2026-10-19"]),
        case(
            "a time that is none is that of the row before",
            r#"{"type":"user","sessionId":"s1","timestamp":"2026-10-18T09:00:00Z"}"#.to_owned()
                + "\n"
                + &Row { at: "soon", ..ROW }.line(),
            PLAIN,
        )
        .on(&["2026-10-18"]),
    ]);
}

#[test]
fn every_way_of_writing_a_row_down_is_read() {
    let spaced = ROW.line().replace("\":", "\": ").replace(",\"", ", \"");
    all_are_told(&[
        case("a byte order mark stands before the first row", "\u{feff}".to_owned() + &ROW.line(), PLAIN),
        case("a writer puts spaces after separators", spaced, PLAIN),
        case("lines end as on Windows", ROW.line().replace('\n', "\r\n"), PLAIN),
        case(
            "the last line has no line end yet, and is whole",
            ROW.line() + &second().text(),
            (2, [2, 20, 0, 0, 0], Some(510_000)),
        ),
        case(
            "a key stands twice: the last one counts",
            ROW.line().replace(r#""output_tokens":10"#, r#""output_tokens":10,"output_tokens":12"#),
            (1, [1, 12, 0, 0, 0], Some(305_000)),
        ),
    ]);
}

#[test]
fn damage_takes_no_whole_record_with_it() {
    let (whole, torn_progress) = (ROW.text(), progress(&ROW));
    all_are_told(&[
        case(
            "a write was cut, and the next record was glued on",
            whole[..90].to_owned() + &Row { output: 3, ..second() }.line(),
            (1, [1, 3, 0, 0, 0], Some(80_000)),
        ),
        case(
            "two records share a line",
            whole.clone() + &Row { output: 3, ..second() }.line(),
            (2, [2, 13, 0, 0, 0], Some(335_000)),
        ),
        case("a crash left NULs before a record", "\0".repeat(600) + &ROW.line(), PLAIN),
        case(
            "the row inside a torn progress row is no record of its own",
            torn_progress[..torn_progress.len() - 2].to_owned() + "\n",
            NOTHING,
        ),
        case("the last line is still being written", ROW.line() + &whole[..200], PLAIN),
        case("NaN is no JSON", ROW.line() + &second().line().replace(":10", ":NaN"), PLAIN),
        files(
            "empty files, blank lines and rubbish hold nothing",
            vec![
                (MAIN, String::new()),
                ("p/s2.jsonl", "\n\n  \nnot json \"usage\": {\n[1,2]\n3\nnull\n".to_owned()),
            ],
            NOTHING,
        ),
    ]);
}

#[test]
fn what_only_looks_like_usage_is_none() {
    let quoted = ROW.text().replace('"', "\\\"");
    let decoys = format!(
        r#"{{"type":"user","sessionId":"s1","timestamp":"{NOON}","toolUseResult":{{"usage":{{"input_tokens":9,"output_tokens":9}}}},"message":{{"role":"user","content":"{quoted}"}}}}
{{"type":"new-kind","sessionId":"s1","x":{{"usage":{{"output_tokens":9}}}}}}
"#
    );
    let restated = r#"{"type":"message","input_tokens":1,"output_tokens":20}"#;
    let advice =
        r#"{"type":"advisor_message","model":"claude-haiku-4-5","input_tokens":100,"output_tokens":10}"#;
    let (one, both) =
        (format!(r#","iterations":[{advice}]"#), format!(r#","iterations":[{restated},{advice}]"#));
    all_are_told(&[
        case(
            "a count of 2^60 is no count",
            Row { input: 1 << 60, ..ROW }.line(),
            (1, [0, 10, 0, 0, 0], Some(250_000)),
        ),
        case("usage in a text, a tool's result, an unknown row", ROW.line() + &decoys, PLAIN),
        case(
            "Claude Code's own messages were never sent",
            ROW.line() + &Row { model: "<synthetic>", ..second() }.line(),
            PLAIN,
        ),
        case(
            "an advisor is a call of its own model; the restated total is not",
            Row { output: 1, usage: &one, ..ROW }.line() + &Row { output: 20, usage: &both, ..ROW }.line(),
            (2, [101, 30, 0, 0, 0], Some(505_000 + 150_000)),
        )
        .of(&["claude-haiku-4-5", "claude-opus-4-8"]),
    ]);
}

#[test]
fn each_call_costs_what_its_day_its_length_and_its_terms_say() {
    let haiku = Row { model: "claude-haiku-5-5", usage: r#","cache_read_input_tokens":100000"#, ..ROW };
    let fast = Row { model: "claude-opus-4-6", usage: r#","speed":"fast""#, ..ROW };
    let read = r#","cache_read_input_tokens":1000"#;
    let sonnet = Row { model: "claude-sonnet-5-5", input: 0, output: 0, usage: read, ..ROW };
    let split = |total: u64, short: u64| {
        format!(
            r#","cache_creation_input_tokens":{total},"cache_creation":{{"ephemeral_5m_input_tokens":{short},"ephemeral_1h_input_tokens":6}}"#
        )
    };
    all_are_told(&[
        case(
            "a cache write is split by age; what the split leaves out lasts five minutes",
            Row { usage: &split(0, 4), ..ROW }.line() + &Row { usage: &split(10, 0), ..second() }.line(),
            (2, [2, 20, 8, 12, 0], Some(510_000 + 8 * 6_250 + 12 * 10_000)),
        ),
        case(
            "one prompt token too many, and all of the request is dearer",
            haiku.line(),
            (1, [1, 10, 0, 0, 100_000], Some(500 + 25_000 + 5_000_000)),
        ),
        case(
            "exactly at the threshold it is not",
            Row { input: 0, ..haiku }.line(),
            (1, [0, 10, 0, 0, 100_000], Some(5_000 + 1_000_000)),
        ),
        case(
            "fast and long has rates of its own",
            Row { input: 200_001, at: "2026-03-01T00:00:00Z", ..fast }.line(),
            (1, [200_001, 10, 0, 0, 0], Some(200_001 * 60_000 + 10 * 225_000)),
        ),
        case("after its last day fast is billed as any other", Row { at: "2026-07-01T00:00:00Z", ..fast }.line(), PLAIN),
        case(
            "a price falls at midnight",
            Row { at: "2026-10-06T23:59:59Z", ..sonnet }.line()
                + &Row { message: Some(SECOND), at: "2026-10-07T00:00:00Z", ..sonnet }.line(),
            (2, [0, 0, 0, 0, 2000], Some(200_000 + 100_000)),
        ),
        case(
            "a tenth more in the US, half in a batch, and searches as they are",
            Row {
                usage: r#","inference_geo":"us","service_tier":"batch","server_tool_use":{"web_search_requests":2}"#,
                ..ROW
            }
            .line(),
            (1, [1, 10, 0, 0, 0], Some(255_000 * 11 / 20 + 20_000_000)),
        ),
        case(
            "a model that no list knows has no price: neither nothing nor another's",
            Row { model: "claude-opus-5-9", ..ROW }.line(),
            (1, [1, 10, 0, 0, 0], None),
        ),
        case(
            "clouds and gateways spell one model each in their way",
            Row { model: "us.anthropic.claude-sonnet-4-20250514-v1:0", message: Some(FIRST), ..ROW }.line()
                + &Row { model: "claude-sonnet-4@20250514", ..second() }.line()
                + &Row {
                    model: "anthropic/claude-sonnet-4-20250514",
                    message: Some("msg_01THIRDTHIRDTHIRDTHIRD"),
                    ..ROW
                }
                .line(),
            (3, [3, 30, 0, 0, 0], Some(3 * 153_000)),
        ),
    ]);
}
