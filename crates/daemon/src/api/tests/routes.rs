//! What the other routes say, held against the calls that were made.

use serde_json::{Value, json};

use super::served::{ROW, Row, Served};
use crate::event::{Event, Refreshed, TakenIn};

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
    let answer = served.json("/api/stats/projects?period=all&branches=true");
    assert_eq!(column(&answer["projects"], "name"), ["app", "site"]);
    assert_eq!(
        answer["projects"][0]["branches"],
        json!([
            { "name": "main", "total_cost": 0.009, "total_calls": 2, "total_tokens": 2_200, "last_activity": "2026-11-25T11:58:00.000Z" },
            { "name": "feature", "total_cost": 0.0075, "total_calls": 1, "total_tokens": 1_100, "last_activity": "2026-11-25T11:00:00.000Z" },
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
    assert_eq!(served.json("/api/stats/blocks?from=2026-11-25T09:00:00Z")["blocks"], json!([]));
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
fn prometheus_can_read_what_was_counted() {
    let text = served().get("/metrics").text();
    for line in [
        "# TYPE cco_calls_total counter",
        r#"cco_calls_total{model="claude-opus-4-8",tier="Opus"} 3"#,
        r#"cco_cost_usd_total{model="claude-opus-4-8",tier="Opus"} 0.0225"#,
        r#"cco_check_ok{check="ledger"} 1"#,
    ] {
        assert!(text.lines().any(|one| one == line), "{line} is not in {text}");
    }
}

#[test]
fn sources_tell_where_everything_comes_from() {
    let answer = served().json("/api/sources");
    assert_eq!(
        (&answer["roots"][0]["usable"], &answer["roots"][0]["transcripts"]),
        (&true.into(), &1.into())
    );
    assert_eq!((&answer["ledger"]["calls"], &answer["watcher"]["mode"]), (&4.into(), &"polling".into()));
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
fn what_is_to_be_done_is_done_by_the_event_loop() {
    let mut served = served();
    let mut events = std::mem::replace(&mut served.events, tokio::sync::mpsc::channel(1).1);
    served.runtime.spawn(async move {
        while let Some(event) = events.recv().await {
            match event {
                Event::ScanWanted(reply) => {
                    let summary =
                        cco_engine::scan::ScanSummary { files: 7, calls_new: 3, ..Default::default() };
                    let _ = reply.send(Ok(TakenIn { summary, ..TakenIn::default() }));
                }
                Event::RefreshWanted(reply) => {
                    let asked = vec!["me@example.com".to_owned()];
                    let _ = reply.send(Ok(Refreshed { asked, ..Refreshed::default() }));
                }
                _ => {}
            }
        }
    });
    let scanned = served.post("/api/scan", "{}");
    assert_eq!(
        scanned.json(),
        json!({ "files": 7, "files_read": 0, "calls_new": 3, "calls_changed": 0, "damaged_lines": 0 })
    );
    let refreshed = served.post("/api/limits/refresh", "{}");
    assert_eq!(refreshed.json(), json!({ "asked": ["me@example.com"], "not_asked": [], "faults": [] }));
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
