//! What the other routes say, held against the calls that were made.

use serde_json::{Value, json};

use super::served::{ROW, Row, Served, Wanted};
use crate::event::Event;

fn served() -> Served {
    let mut served = Served::new();
    let rows = [
        Row { id: 1, at: "2026-11-24T09:00:00.000Z", ..ROW },
        Row { id: 2, at: "2026-11-25T11:00:00.000Z", branch: "feature", ..ROW },
        Row { id: 3, at: "2026-11-25T11:58:00.000Z", model: "claude-haiku-4-5-20251001", ..ROW },
        Row {
            id: 4,
            at: "2026-11-25T08:00:00.000Z",
            session: "5e551011-0000-4000-8000-000000000002",
            cwd: "/home/dev/site",
            ..ROW
        },
    ];
    served.write("app/a.jsonl", &rows.iter().map(Row::line).collect::<String>());
    served
}

fn column<'v>(rows: &'v Value, name: &str) -> Vec<&'v Value> {
    rows.as_array().expect("rows").iter().map(|row| &row[name]).collect()
}

#[test]
fn projects_come_with_their_branches_dearest_first() {
    let served = served();
    let answer = served.json("/api/stats/projects?period=all");
    assert_eq!(column(&answer["projects"], "name"), ["app", "site"]);
    assert_eq!(
        answer["projects"][0]["branches"],
        json!([
            { "name": "main", "total_cost": 0.009, "total_calls": 2, "total_tokens": 2_200, "unpriced_calls": 0, "last_activity": "2026-11-25T11:58:00.000Z" },
            { "name": "feature", "total_cost": 0.0075, "total_calls": 1, "total_tokens": 1_100, "unpriced_calls": 0, "last_activity": "2026-11-25T11:00:00.000Z" },
        ])
    );
    assert_eq!(served.json("/api/stats/projects?project=site")["projects"][0]["total_calls"], 1);
}

#[test]
fn sessions_come_page_by_page_the_latest_first() {
    let served = served();
    let first = served.json("/api/stats/sessions?limit=1");
    assert_eq!(
        (&first["sessions"][0]["id"], &first["sessions"][0]["active"]),
        (&ROW.session.into(), &true.into())
    );
    assert_eq!(first["sessions"][0]["calls"], 2, "those of the day");
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let second = served.json(&format!("/api/stats/sessions?limit=1&cursor={cursor}"));
    assert_eq!(second["sessions"][0]["project"], "site");
    assert_eq!(second["next_cursor"], Value::Null);
    assert_eq!(served.get("/api/stats/sessions?cursor=x").json()["parameter"], "cursor");
    assert_eq!(served.get("/api/stats/sessions?limit=501").json()["parameter"], "limit");
}

#[test]
fn a_session_is_said_to_be_of_the_branch_that_was_asked_for() {
    let served = served();
    let branches = |query: &str| {
        let answer = served.json(&format!("/api/stats/sessions?{query}"));
        column(&answer["sessions"], "branch").into_iter().cloned().collect::<Vec<Value>>()
    };
    assert_eq!(branches("branch=feature"), ["feature"], "its last call is of another");
    assert_eq!(branches("branch=main&project=app"), ["main"]);
    assert_eq!(branches("project=app&to=2026-11-25T11:30:00Z"), ["feature"], "the last call of that time");
}

#[test]
fn a_session_comes_with_its_calls_in_their_order() {
    let served = served();
    let path = format!("/api/stats/sessions/{}", ROW.session);
    let first = served.json(&format!("{path}?limit=2"));
    assert_eq!(first["session"]["calls"], 3);
    assert_eq!(
        column(&first["calls"], "timestamp"),
        ["2026-11-24T09:00:00.000Z", "2026-11-25T11:00:00.000Z"]
    );
    assert_eq!((&first["calls"][0]["tier"], &first["calls"][0]["cost"]), (&"Opus".into(), &json!(0.0075)));
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let second = served.json(&format!("{path}?limit=2&cursor={cursor}"));
    assert_eq!(column(&second["calls"], "tier"), ["Haiku"]);
    assert_eq!(
        (served.get("/api/stats/sessions/none").status, served.get("/api/stats/sessions/%00").status),
        (404, 404)
    );
}

#[test]
fn the_beginning_of_an_id_is_enough_where_it_is_one_session_s_alone() {
    let served = served();
    let get = |id: &str| served.get(&format!("/api/stats/sessions/{id}"));
    let both = &ROW.session[..ROW.session.len() - 1];
    let one = "5e551011-0000-4000-8000-000000000002";
    assert_eq!(get(one).json()["session"]["project"], "site");
    let several = get(both);
    assert_eq!((several.status, several.header("content-type")), (409, Some("application/problem+json")));
    let hint = several.json()["hint"].as_str().map(str::to_owned).unwrap_or_default();
    assert!(hint.contains(ROW.session) && hint.contains(one) && !hint.contains("others"), "{hint}");
    let mut served = served;
    let other = Row { id: 9, session: "6e551011-0000-4000-8000-000000000001", cwd: "/home/dev/third", ..ROW };
    served.write("app/b.jsonl", &other.line());
    assert_eq!(served.json("/api/stats/sessions/6e")["session"]["id"], other.session);
    assert_eq!(served.get("/api/stats/sessions/7").status, 404);
}

#[test]
fn calls_are_told_apart_by_what_is_asked() {
    let served = served();
    let keys = |query: &str| -> Vec<String> {
        let answer = served.json(&format!("/api/stats/breakdown?period=all&{query}"));
        column(&answer["rows"], "key").iter().map(|key| key.as_str().expect("a key").to_owned()).collect()
    };
    assert_eq!(keys("by=model"), ["claude-opus-4-8", "claude-haiku-4-5-20251001"]);
    assert_eq!(keys("by=model&limit=1"), ["claude-opus-4-8"]);
    assert_eq!(keys("by=hour_of_day"), ["8", "9", "11"]);
    assert_eq!(keys("by=weekday"), ["2", "3"]);
    assert_eq!(keys("by=weekday_hour"), ["2-9", "3-8", "3-11"]);
    assert_eq!(keys("by=day"), ["2026-11-24", "2026-11-25"]);
    assert_eq!(keys("by=weekday&timezone=Pacific/Auckland"), ["2", "3", "4"]);
    assert_eq!(keys("by=branch&project=app"), ["/home/dev/app\nmain", "/home/dev/app\nfeature"]);
    let missing = served.get("/api/stats/breakdown");
    assert_eq!((missing.status, &missing.json()["parameter"]), (400, &"by".into()));
    assert_eq!(
        served.get("/api/stats/breakdown?by=modle").json()["hint"].as_str().map(|hint| &hint[..19]),
        Some("did you mean model?")
    );
}

#[test]
fn blocks_tell_what_runs() {
    let served = served();
    let answer = served.json("/api/stats/blocks");
    assert_eq!(column(&answer["blocks"], "active"), [false, false, true], "{answer}");
    let active = served.json("/api/stats/blocks?active=true");
    let block = &active["blocks"][0];
    assert_eq!(
        (&block["start"], &block["end"]),
        (&"2026-11-25T08:00:00.000Z".into(), &"2026-11-25T13:00:00.000Z".into())
    );
    assert_eq!((&block["calls"], &block["projection"]["minutes_left"]), (&3.into(), &60.into()));
}

#[test]
fn a_block_is_of_each_time_that_it_reaches_into() {
    let mut served = Served::new();
    let at = ["2026-11-24T09:20:00.000Z", "2026-11-24T22:30:00.000Z", "2026-11-25T08:10:00.000Z"];
    let rows = at.iter().zip(1..).map(|(at, id)| Row { id, at, ..ROW }.line());
    served.write("app/a.jsonl", &rows.collect::<String>());
    // Where each block starts; pauses in brackets.
    let told = |query: &str| {
        let answer = served.json(&format!("/api/stats/blocks?{query}"));
        let one = |row: &Value| {
            let start = &row["start"].as_str().expect("a start")[8..13];
            if row["gap"] == true { format!("({start})") } else { start.to_owned() }
        };
        answer["blocks"].as_array().expect("blocks").iter().map(one).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(told("period=all"), "24T09 (24T14) 24T22 (25T03) 25T08", "it begins before its first call");
    assert_eq!(told("period=day"), "24T22 (25T03) 25T08", "one goes on after midnight");
    assert_eq!(told("period=hour"), "25T08", "the one that runs");
    assert_eq!(told("period=hour&active=true"), "25T08");
    assert_eq!(told("from=2026-11-25T02:59:59Z&to=2026-11-25T08:00:00Z"), "24T22 (25T03)");
    assert_eq!(
        told("from=2026-11-25T03:00:00Z&to=2026-11-25T08:00:01Z"),
        "(25T03) 25T08",
        "its end is not in it"
    );
    assert_eq!(told("from=2026-11-25T09:00:00Z&to=2026-11-25T09:00:00Z"), "", "a time that is none");
}

#[test]
fn blocks_hold_what_is_asked_for() {
    let served = served();
    // Start and calls of each block.
    let told = |query: &str| {
        let blocks = served.json(&format!("/api/stats/blocks?{query}"))["blocks"].clone();
        let blocks = blocks.as_array().cloned().expect("blocks").into_iter();
        let one =
            |block: Value| (block["start"].as_str().map(|at| at[8..13].to_owned()), block["calls"].as_u64());
        blocks.map(one).collect::<Vec<_>>()
    };
    let of = |blocks: &[(&str, u64)]| -> Vec<(Option<String>, Option<u64>)> {
        blocks.iter().map(|(start, calls)| (Some((*start).to_owned()), Some(*calls))).collect()
    };
    assert_eq!(told(""), of(&[("24T09", 1), ("24T14", 0), ("25T08", 3)]));
    assert_eq!(
        told("project=app"),
        of(&[("24T09", 1), ("25T08", 2)]),
        "a block begins with a call of another"
    );
    assert_eq!(told("project=site"), of(&[("25T08", 1)]));
    assert_eq!(told("model=Haiku"), of(&[("25T08", 1)]));
    assert_eq!(told("branch=feature"), of(&[("25T08", 1)]));
    assert_eq!(told("branch=main"), of(&[("24T09", 1), ("25T08", 2)]));
    assert_eq!(told("branch=feature&branch=main&model=Opus"), of(&[("24T09", 1), ("25T08", 2)]));
    assert_eq!(told("account=unknown&period=day"), of(&[("25T08", 3)]));
    assert_eq!(told("account=&period=day"), of(&[("25T08", 3)]), "as a breakdown's key has it");
    assert_eq!(told("period=week&project=app&to=2026-11-25T08:00:00Z"), of(&[("24T09", 1)]));
    // There the day began at 11:00.
    assert_eq!(told("timezone=Pacific/Auckland"), told(""));
    assert_eq!(told("period=day&timezone=Pacific/Auckland&project=app"), of(&[("25T08", 2)]));
    assert_eq!(told("period=all&branch=none&recent=true"), of(&[]));
    let wrong = served.get("/api/stats/blocks?account=nobody");
    assert_eq!((wrong.status, &wrong.json()["parameter"]), (400, &"account".into()));
    let wrong = served.get("/api/stats/blocks?session=x");
    assert_eq!((wrong.status, &wrong.json()["parameter"]), (400, &"session".into()));
}

#[test]
fn a_number_is_explained_as_the_command_explains_it() {
    let served = served();
    let day = served.json("/api/explain?what=2026-11-25");
    assert_eq!((&day["day"]["date"], &day["day"]["calls"]), (&"2026-11-25".into(), &3.into()));
    assert_eq!(served.json("/api/explain?what=app")["project"]["path"], "/home/dev/app");
    assert_eq!(served.json(&format!("/api/explain?what={}", ROW.session))["session"]["calls"], 3);
    assert_eq!(served.json("/api/explain?what=%231")["call"]["modelName"], "claude-opus-4-8");
    assert_eq!(served.get("/api/explain").json()["parameter"], "what");
    let nothing = served.get("/api/explain?what=sitte");
    assert_eq!((nothing.status, &nothing.json()["hint"]), (404, &"did you mean site?".into()));
}

#[test]
fn a_filtered_number_is_explained_by_the_calls_that_it_counts() {
    let served = served();
    for filter in [
        "period=day",
        "period=day&project=app",
        "period=all&branch=main",
        "period=week&model=Opus&project=app",
        "from=2026-11-25T08:00:00.000Z&to=2026-11-25T11:00:00Z",
        "from=2026-11-25T08:00:00.000000001Z&to=2026-11-25T11:00:00.000000001Z",
        "period=all&account=unknown&model=Haiku&model=Opus",
        "period=day&project=nowhere",
    ] {
        let told = served.json(&format!("/api/stats?{filter}"));
        let story = served.json(&format!("/api/explain?{filter}"))["period"].clone();
        let [summary, period] = [&told["summary"], &told["period"]];
        assert_eq!(
            [&story["calls"], &story["totalCost"], &story["start"], &story["endExclusive"]],
            [&summary["total_calls"], &summary["total_cost_usd"], &period["start"], &period["end_exclusive"]],
            "{filter}"
        );
        let listed = story["dearestCalls"].as_array().expect("calls").len();
        assert_eq!(Some(listed as u64), summary["total_calls"].as_u64(), "{filter}");
    }
    let calls =
        |query: &str, kind: &str| served.json(&format!("/api/explain?{query}"))[kind]["calls"].clone();
    assert_eq!(calls("what=2026-11-25&project=app", "day"), 2);
    assert_eq!(calls("what=app&period=day&model=Opus", "project"), 1);
    assert_eq!(calls("what=app", "project"), 3, "no time is asked for");
    assert_eq!(calls(&format!("what={}&branch=feature", ROW.session), "session"), 1);
    assert_eq!(calls("project=app", "period"), 2, "today's, as /api/stats has it");
    let of_call = served.get("/api/explain?what=%231&model=Opus&timezone=UTC");
    assert_eq!((of_call.status, &of_call.json()["parameter"]), (400, &"model".into()));
    assert_eq!(served.get("/api/explain?what=%231&timezone=UTC").status, 200);
}

#[test]
fn sources_tell_where_everything_comes_from() {
    let mut served = served();
    // What is written after a first load is in the log.
    served.write("app/a.jsonl", &Row { id: 9, ..ROW }.line());
    let answer = served.json("/api/sources");
    let size = |name: &str| served.folder.path().join(name).metadata().map_or(0, |file| file.len());
    let ledger = &answer["ledger"];
    let sizes = [size("ledger.db"), size("ledger.db-wal"), size("ledger.journal")];
    assert!(sizes.iter().all(|size| *size > 0), "{sizes:?}");
    assert_eq!(
        [&ledger["database_bytes"], &ledger["log_bytes"], &ledger["journal_bytes"], &ledger["bytes"]],
        [sizes[0], sizes[1], sizes[2], sizes.iter().sum()].map(Value::from).each_ref()
    );
    assert_eq!(
        (&answer["roots"][0]["usable"], &answer["roots"][0]["transcripts"]),
        (&true.into(), &1.into())
    );
    assert_eq!((&answer["ledger"]["calls"], &answer["watcher"]["mode"]), (&5.into(), &"polling".into()));
}

#[test]
fn reading_changes_nothing_in_the_ledger() {
    let served = served();
    let engine = &served.engine;
    let before = engine.mark().expect("a mark");
    let files = || {
        let entries = std::fs::read_dir(served.folder.path()).expect("a folder");
        let mut names: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
        names.sort();
        names
    };
    let names = files();
    for (method, path) in super::served::routes() {
        if method == "GET" && !path.ends_with("/live") {
            served.get(&path);
        }
    }
    assert_eq!((engine.mark().expect("a mark"), files()), (before, names));
}

#[test]
fn a_status_line_that_looks_whether_a_daemon_runs_uses_it() {
    let mut served = served();
    let socket = {
        let _inside = served.runtime.enter();
        crate::control::served::bind(served.folder.path()).expect("a socket")
    };
    let stopped = served.stop.subscribe();
    served.runtime.spawn(crate::control::served::serve(
        socket,
        std::sync::Arc::clone(&served.shared),
        stopped,
    ));
    let path = served.folder.path().join(crate::control::SOCKET);
    drop(std::os::unix::net::UnixStream::connect(path).expect("it listens"));
    let heard = served.runtime.block_on(async {
        tokio::time::timeout(super::served::LONG, served.events.recv()).await.expect("an event")
    });
    assert!(matches!(heard, Some(Event::Used)), "{heard:?}");
}

#[test]
fn the_event_loop_is_told_once_in_a_second_that_somebody_asks() {
    let mut served = served();
    for second in ["2026-11-21T12:00:01Z", "2026-11-21T12:00:02Z"] {
        served.set_now(second);
        for _ in 0..3 {
            assert_eq!(served.get("/api/stats").status, 200);
        }
        assert!(matches!(served.events.try_recv(), Ok(Event::Used)));
        assert!(served.events.try_recv().is_err(), "it is told again within {second}");
    }
}

#[test]
fn what_is_to_be_done_is_done_by_the_event_loop() {
    let mut served = served();
    served.answer_events();
    let scanned = served.post("/api/scan", "{}");
    assert_eq!(
        scanned.json(),
        json!({ "files": 7, "files_read": 0, "calls_new": 3, "calls_changed": 0, "damaged_lines": 0 })
    );
    let refreshed = served.post("/api/limits/refresh", "{}");
    assert_eq!(refreshed.json(), json!({ "asked": ["me@example.com"], "not_asked": [], "faults": [] }));
    for route in ["/api/scan", "/api/limits/refresh"] {
        for body in ["", " {} "] {
            assert_eq!(served.post(route, body).status, 200, "{route} with {body:?}");
        }
        for body in ["nojson", "[]", "null", "{} {}", r#"{"since":"2026-11-01"}"#] {
            assert_eq!(served.post(route, body).status, 400, "{route} with {body:?}");
        }
        let reply = served.post(&format!("{route}?force=1"), "{}");
        assert_eq!((reply.status, &reply.json()["parameter"]), (400, &"force".into()), "{route}");
    }
}

#[test]
fn tools_come_by_their_uses_most_first() {
    let mut served = Served::new();
    let uses = |id: u32, tool: &str| {
        let content =
            format!(r#""content":[{{"type":"tool_use","id":"toolu_{id}","name":"{tool}","input":{{}}}}],"#);
        Row { id, ..ROW }.line().replace(r#""usage":"#, &(content + r#""usage":"#))
    };
    let tools = ["Bash", "Write", "Write", "Agent", "Write", "Bash"];
    served.write("app/a.jsonl", &(1..).zip(tools).map(|(id, tool)| uses(id, tool)).collect::<String>());
    let answer = served.json("/api/stats/breakdown?period=all&by=tool");
    assert_eq!(column(&answer["rows"], "key"), ["Write", "Bash", "Agent"]);
    assert_eq!(column(&answer["rows"], "uses"), [3, 2, 1]);
    let first = served.json("/api/stats/breakdown?period=all&by=tool&limit=1");
    assert_eq!(column(&first["rows"], "key"), ["Write"]);
}

#[test]
fn servers_have_the_uses_of_their_tools_beside_the_calls_that_they_caused() {
    let mut served = Served::new();
    let call = |id: u32, tool: &str, caused: &str| {
        let content =
            format!(r#""content":[{{"type":"tool_use","id":"toolu_{id}","name":"{tool}","input":{{}}}}],"#);
        let line = Row { id, ..ROW }.line().replace(r#""usage":"#, &(content + r#""usage":"#));
        line.replacen('{', &format!("{{{caused}"), 1)
    };
    let rows = [
        call(1, "mcp__github__search", ""),
        call(2, "mcp__docs__read", r#""attributionMcpServer":"docs","#),
        call(3, "mcp__github__open", ""),
        call(4, "Bash", ""),
    ];
    served.write("app/a.jsonl", &rows.concat());
    let answer = served.json("/api/stats/breakdown?period=all&by=mcp");
    assert_eq!(column(&answer["rows"], "key"), ["", "docs", "github"], "{answer}");
    assert_eq!(column(&answer["rows"], "calls"), [3, 1, 0]);
    assert_eq!(column(&answer["rows"], "uses"), [&Value::Null, &1.into(), &2.into()]);
}

#[test]
fn health_says_what_is_wrong_to_those_who_may_know() {
    let served = served();
    assert_eq!(served.json("/api/health")["checks"].as_array().map(Vec::len), Some(5));
    served.health.send_modify(|health| {
        health.disk.is_ok = false;
        health.disk.detail = "no room in /home/dev".to_owned();
    });
    let open = served.ask_bare("GET", "/api/health", &[], "");
    assert_eq!((open.status, &*open.text()), (503, r#"{"status":"failing"}"#));
    let told = served.get("/api/health").json();
    assert_eq!((&told["checks"][3]["name"], &told["checks"][3]["ok"]), (&"disk".into(), &false.into()));
}

#[test]
fn a_proof_is_for_the_name_that_was_asked_and_the_nonce_and_needs_no_token() {
    let mut wanted = Wanted::default();
    wanted.http.hosts = vec!["devbox.lan:4000".to_owned()];
    let served = Served::with(wanted);
    let nonces = ["0123456789abcdef".repeat(2), "f".repeat(64)];
    let proof = |host: &str, nonce: &str| {
        let text =
            format!("GET /api/proof?nonce={nonce} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        served.send(text.as_bytes())
    };
    let mut proofs = std::collections::BTreeSet::new();
    for host in [format!("127.0.0.1:{}", served.address.port()), "devbox.lan:4000".to_owned()] {
        for nonce in &nonces {
            let told = proof(&host, nonce).json()["proof"].as_str().expect("a proof").to_owned();
            assert_eq!(told, served.shared.tokens.prove(&format!("cco\n{host}\n{nonce}")));
            assert!(proofs.insert(told));
        }
    }
    // Whoever has another port cannot have this daemon prove it.
    assert_eq!(proof("127.0.0.1:3", &nonces[0]).status, 403);
    for wrong in ["", "0123", &"f".repeat(65), &"x".repeat(32)] {
        assert_eq!(served.get(&format!("/api/proof?nonce={wrong}")).status, 400, "{wrong}");
    }
}
