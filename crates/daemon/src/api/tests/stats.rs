//! What statistics say, held against the calls that were made.

use serde_json::{Value, json};

use super::served::{ROW, Row, Served};

/// A busy week: days, hours, projects, models, sessions and branches that differ.
fn busy() -> Served {
    let mut served = Served::new();
    let mut lines = String::new();
    let models =
        ["claude-opus-4-8", "claude-haiku-4-5-20251001", "claude-sonnet-4-5-20250929", "nobody-knows-1"];
    let places =
        [("/home/dev/app", "main"), ("/elsewhere/app", "feature"), ("/home/dev/site", ""), ("", "main")];
    for id in 1..=240_u32 {
        let index = id as usize;
        let (cwd, branch) = places[index % 4];
        let (day, hour, minute) = (19 + id % 8, (id * 7) % 24, (id * 13) % 60);
        let at = format!("2026-11-{day:02}T{hour:02}:{minute:02}:{:02}.{:03}Z", id % 60, id % 1_000);
        let session = format!("5e551011-0000-4000-8000-0000000000{:02}", id % 17);
        let row = Row {
            id,
            session: &session,
            at: &at,
            model: models[(index / 4) % 4],
            cwd,
            branch,
            input: u64::from(id) * 37,
            output: u64::from(id) * 11,
        };
        lines += &row.line();
    }
    served.write("busy/a.jsonl", &lines);
    served
}

/// A number of dollars as nano-dollars, exactly.
fn nanos(number: &Value) -> i128 {
    let text = number.to_string();
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    assert!(rest.len() <= 9 && !text.contains('e'), "{text}");
    format!("{whole}{rest:0<9}").parse().expect("a number")
}

fn added<'v>(parts: impl Iterator<Item = &'v Value>, cost: &str, calls: &str) -> (i128, u64) {
    parts.fold((0, 0), |(cost_sum, calls_sum), part| {
        (cost_sum + nanos(&part[cost]), calls_sum + part[calls].as_u64().expect("a count"))
    })
}

#[test]
fn all_parts_add_up_to_the_summary_for_every_filter() {
    let served = busy();
    let times = [
        "period=hour",
        "period=day",
        "period=week",
        "period=month",
        "period=all",
        "from=2026-11-20T10:07:03.017Z&to=2026-11-24T21:52:59.999Z",
        "from=2026-11-20T10:07:00Z&to=2026-11-20T10:08:00Z",
        "period=week&timezone=Asia/Kathmandu",
        "period=month&timezone=America/New_York&granularity=hour",
        "period=all&granularity=day",
        "period=all&granularity=week",
    ];
    let filters = [
        "",
        "&project=app",
        "&project=/home/dev/app",
        "&project=unknown",
        "&model=Opus",
        "&model=haiku",
        "&model=Unknown",
        "&branch=main",
        "&branch=feature&project=app",
        "&account=unknown",
        "&project=none-such",
        "&model=Opus&model=Haiku&project=app&branch=main",
    ];
    let mut with_calls = 0;
    for time in times {
        for filter in filters {
            let path = format!("/api/stats?{time}{filter}&split=model");
            let stats = served.json(&path);
            let summary = &stats["summary"];
            let whole =
                (nanos(&summary["total_cost_usd"]), summary["total_calls"].as_u64().expect("a count"));
            with_calls += u32::from(whole.1 > 0);
            for part in ["by_model_tier", "by_model", "by_project"] {
                let parts = stats[part].as_object().expect("an object").values();
                assert_eq!(added(parts, "total_cost", "call_count"), whole, "{part} of {path}");
            }
            let points = stats["time_series"]["data"].as_array().expect("points");
            assert_eq!(added(points.iter(), "cost", "calls"), whole, "the series of {path}");
            for point in points {
                for apart in ["by_tier", "by"] {
                    let parts = point[apart].as_object().expect("an object").values();
                    let rest = point.get("rest").filter(|_| apart == "by");
                    let parts = parts.chain(rest);
                    assert_eq!(parts.map(nanos).sum::<i128>(), nanos(&point["cost"]), "{apart} of {path}");
                }
            }
            let types = &summary["tokens_by_type"];
            let count = |name: &str| types[name].as_u64().expect("a count");
            let all = count("input") + count("output") + count("cache_write") + count("cache_read");
            assert_eq!(summary["total_tokens"], all, "{path}");
        }
    }
    assert!(with_calls > 60, "{with_calls}");
}

#[test]
fn a_project_that_is_called_other_is_no_rest() {
    let mut served = Served::new();
    let paths: Vec<String> = (0..9).map(|number| format!("/home/dev/p{number}")).collect();
    let cwds = paths.iter().map(String::as_str).chain(["/home/dev/other"]);
    let rows = cwds.zip(1..).map(|(cwd, id)| Row { id, cwd, at: "2026-11-25T11:00:00.000Z", ..ROW }.line());
    // Twice as dear as the others, so that it is one of those that are told apart.
    let more = Row { id: 99, cwd: "/home/dev/other", at: "2026-11-25T11:01:00.000Z", ..ROW }.line();
    served.write("app/a.jsonl", &rows.chain([more]).collect::<String>());
    let stats = served.json("/api/stats?split=project");
    let points = stats["time_series"]["data"].as_array().expect("points");
    let point = points.iter().find(|point| point["calls"] != 0).expect("a point with calls");
    assert_eq!((&point["by"]["other"], &point["rest"]), (&json!(0.015), &json!(0.015)), "{point}");
    assert_eq!(point["by"].as_object().map(serde_json::Map::len), Some(8));
    assert!(served.json("/api/stats")["time_series"]["data"][0].get("rest").is_none());
}

#[test]
fn statistics_are_those_of_the_calls() {
    let mut served = Served::new();
    let rows = [
        Row { id: 1, at: "2026-11-25T11:00:00.000Z", ..ROW },
        Row { id: 2, at: "2026-11-25T11:57:00.000Z", model: "claude-haiku-4-5-20251001", ..ROW },
        Row { id: 3, at: "2026-11-24T23:59:59.999Z", cwd: "/home/dev/<img src=x onerror=alert(1)>", ..ROW },
        Row {
            id: 4,
            at: "2026-11-25T00:00:00.000Z",
            model: "nobody-knows-1",
            session: "5e551011-0000-4000-8000-000000000002",
            ..ROW
        },
    ];
    served.write("app/a.jsonl", &rows.iter().map(Row::line).collect::<String>());
    let stats = served.json("/api/stats");
    assert_eq!(stats["status"], "ok");
    assert_eq!(stats["generated_at"], "2026-11-25T12:00:00.000Z");
    assert_eq!(
        stats["period"],
        json!({
            "type": "day", "start": "2026-11-25T00:00:00.000Z", "end": "2026-11-25T23:59:59.000Z",
            "end_exclusive": "2026-11-26T00:00:00.000Z", "timezone": "UTC"
        })
    );
    // 1,000 in and 100 out: $5 and $25 a million for the one, $1 and $5 for the other, nothing known of the third.
    assert_eq!(
        stats["summary"],
        json!({
            "total_cost_usd": 0.009, "total_calls": 3, "total_tokens": 3_300,
            "tokens_by_type": { "input": 3_000, "output": 300, "cache_write": 0, "cache_write_5m": 0, "cache_write_1h": 0, "cache_read": 0 },
            "cache_savings_usd": 0, "avg_cost_per_call": 0.0045, "unpriced_calls": 1
        })
    );
    assert_eq!(
        stats["by_model_tier"]["Opus"],
        json!({ "call_count": 1, "total_cost": 0.0075, "total_tokens": 1_100, "avg_tokens_per_call": 1_100, "unpriced_calls": 0 })
    );
    let unknown = &stats["by_model_tier"]["Unknown"];
    assert_eq!((&unknown["call_count"], &unknown["unpriced_calls"]), (&1.into(), &1.into()));
    assert_eq!(stats["by_project"]["app"]["call_count"], 3);
    let points = stats["time_series"]["data"].as_array().expect("points");
    assert_eq!((points.len(), &points[0]["calls"], &points[11]["calls"]), (24, &1.into(), &2.into()));
    assert_eq!(stats["recent_calls"][0]["model"], "claude-haiku-4-5-20251001");
    assert_eq!(stats["recent_calls"][2]["cost"], Value::Null);
    let of = &stats["recent_calls"][0];
    assert!(
        of["project_path"].as_str().is_some_and(
            |path| path.starts_with('/') && path.ends_with(of["project"].as_str().unwrap_or("?"))
        ),
        "{of}"
    );
    assert_eq!(stats["sessions"], json!({ "active_count": 1, "today_count": 2, "total_count": 2 }));
    let hostile = served.json("/api/stats?period=all");
    assert_eq!(hostile["by_project"]["<img src=x onerror=alert(1)>"]["call_count"], 1, "data is data");
    for (filter, calls) in [
        ("model=Opus", 2),
        ("model=opus&model=Haiku", 3),
        ("model=claude-haiku-4-5-20251001", 1),
        ("model=Unknown", 1),
        ("model=Sonnet", 0),
        ("project=app", 3),
        ("project=/home/dev/app", 3),
        ("branch=main", 4),
        ("branch=other", 0),
        ("account=unknown", 4),
        ("model=Opus&project=app", 1),
    ] {
        let stats = served.json(&format!("/api/stats?period=all&{filter}"));
        assert_eq!(stats["summary"]["total_calls"], calls, "{filter}");
    }
    let unknown = served.json("/api/stats?model=Unknown");
    assert_eq!(
        [&unknown["summary"]["total_calls"], &unknown["summary"]["avg_cost_per_call"]],
        [&json!(1), &Value::Null],
        "what no call costs is not told"
    );
    // A project without calls is no mistake.
    let none = served.json("/api/stats?project=none-such");
    assert_eq!(
        (&none["summary"]["total_calls"], &none["summary"]["avg_cost_per_call"]),
        (&0.into(), &0.into())
    );
    assert_eq!(none["time_series"]["data"].as_array().map(Vec::len), Some(24));
}

#[test]
fn a_word_for_a_kind_of_model_finds_what_the_price_list_does_not_know_yet() {
    let mut served = Served::new();
    let models =
        ["claude-fable-9-9", "us.anthropic.claude-fable-9-9-v1:0", "claude-opus-4-8", "nobody-knows-1"];
    let rows = (1..).zip(models).map(|(id, model)| Row { id, model, ..ROW }.line());
    served.write("app/a.jsonl", &rows.collect::<String>());
    for (model, calls) in [("Fable", 2), ("fable", 2), ("Opus", 1), ("Unknown", 3), ("Fable&model=Opus", 3)] {
        let stats = served.json(&format!("/api/stats?period=all&model={model}"));
        assert_eq!(stats["summary"]["total_calls"], calls, "{model}");
    }
}

#[test]
fn namesakes_are_told_apart_by_their_paths() {
    let served = busy();
    let stats = served.json("/api/stats?period=all");
    let names: Vec<&String> = stats["by_project"].as_object().expect("an object").keys().collect();
    let mut sorted: Vec<&str> = names.into_iter().map(String::as_str).collect();
    sorted.sort_unstable();
    assert_eq!(sorted, ["", "/elsewhere/app", "/home/dev/app", "site"]);
}

#[test]
fn a_wrong_parameter_is_named_with_the_right_word() {
    let served = busy();
    for (query, parameter, hint) in [
        ("period=dai", "period", "did you mean day?"),
        ("perod=day", "perod", "did you mean period?"),
        ("model=opsu", "model", "did you mean Opus?"),
        ("model=gpt", "model", "there are: Opus"),
        ("account=nobody", "account", "there are: unknown"),
        ("timezone=Europe/Berln", "timezone", "did you mean Europe/Berlin?"),
        ("timezone=../../etc/passwd", "timezone", "names are like"),
        ("granularity=second", "granularity", "there are: minute"),
        ("split=tier", "split", "there are: model, project"),
        ("from=now", "from", "write it as"),
        ("from=2026-11-25T00:00:00Z&to=2026-11-24T00:00:00Z", "to", "change the two"),
        ("from=2026-11-25&to=2026-11-24", "to", "change the two"),
        ("from=2026-11-25T00:00:00Z&to=2026-11-24", "to", "change the two"),
        ("period=month&granularity=minute", "granularity", "hour fits"),
        ("period=day&period=week", "period", ""),
    ] {
        let reply = served.get(&format!("/api/stats?{query}"));
        assert_eq!(reply.status, 400, "{query}: {}", reply.text());
        let problem = reply.json();
        assert_eq!(problem["parameter"], parameter, "{problem}");
        assert!(problem["hint"].as_str().unwrap_or_default().contains(hint), "{problem}");
    }
}

#[test]
fn a_day_from_its_start_to_its_end_is_no_mistake_and_a_time_of_no_length_holds_nothing() {
    let served = busy();
    let calls = |query: &str| served.json(&format!("/api/stats?{query}"))["summary"]["total_calls"].clone();
    assert_eq!(calls("from=2026-11-24&to=2026-11-24"), 30);
    assert_eq!(calls("period=all&from=2026-11-24&to=2026-11-24"), 30, "these go before a period");
    assert_eq!(calls("from=2026-11-24T00:00:00Z&to=2026-11-24T00:00:00Z"), 0);
}

#[test]
fn the_same_answer_has_the_same_tag_whenever_it_was_made() {
    let mut served = busy();
    let path = "/api/stats?period=month&project=app";
    let first = served.get(path);
    let tag = first.header("etag").expect("a tag").to_owned();
    served.set_now("2026-11-25T12:00:30Z");
    let later = served.get(path);
    assert_ne!(first.json()["generated_at"], later.json()["generated_at"], "it was made anew");
    assert_eq!(later.header("etag"), Some(&*tag));
    for given in
        [tag.clone(), format!("\"x\", {tag}"), "*".to_owned(), tag.trim_start_matches("W/").to_owned()]
    {
        let reply = served.ask_with("GET", path, &[&format!("If-None-Match: {given}")], "");
        assert_eq!((reply.status, reply.body.len(), reply.header("etag")), (304, 0, Some(&*tag)), "{given}");
    }
    served.write("busy/b.jsonl", &Row { id: 900, ..ROW }.line());
    let reply = served.ask_with("GET", path, &[&format!("If-None-Match: {tag}")], "");
    assert_eq!(reply.status, 200, "a call more, and the answer is another");
    assert_ne!(reply.header("etag"), Some(&*tag));
}

#[test]
fn an_answer_is_another_when_a_call_comes_and_when_time_alone_changes_what_it_says() {
    let mut served = busy();
    let active = |served: &Served| served.json("/api/stats")["sessions"]["active_count"].clone();
    let calls = |served: &Served| served.json("/api/stats")["summary"]["total_calls"].as_u64();
    let before = calls(&served).expect("a number");
    served.write("busy/b.jsonl", &Row { id: 901, at: "2026-11-25T11:59:30.000Z", ..ROW }.line());
    assert_eq!(calls(&served), Some(before + 1), "a call more");
    assert_eq!(active(&served), 1);
    served.set_now("2026-11-25T12:04:30.000Z");
    assert_eq!(active(&served), 1, "five minutes to the millisecond");
    served.set_now("2026-11-25T12:04:30.001Z");
    assert_eq!(active(&served), 0);
    served.set_now("2026-11-27T00:00:00Z");
    assert_eq!(calls(&served), Some(0), "another day");
    served.set_now(super::served::NOON);
    assert_eq!((calls(&served), active(&served)), (Some(before + 1), 1.into()), "a clock that was set back");
}

#[test]
fn answers_are_compressed_for_those_who_want_it() {
    let served = busy();
    let reply = served.ask_with("GET", "/api/stats?period=month", &["Accept-Encoding: gzip"], "");
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    assert!(reply.body.starts_with(&[0x1f, 0x8b]));
    assert!(reply.body.len() * 2 < served.get("/api/stats?period=month").body.len());
}

#[test]
fn statistics_that_are_turned_off_say_so() {
    let mut wanted = super::served::Wanted::default();
    wanted.http.stats = false;
    let served = Served::with(wanted);
    for path in ["/api/stats", "/api/stats/blocks", "/api/stats/live", "/api/explain?what=today", "/metrics"]
    {
        let reply = served.get(path);
        assert_eq!(reply.status, 503, "{path}");
        assert!(reply.text().contains("stats.enabled"), "{}", reply.text());
    }
    assert_eq!(served.get("/api/limits").status, 200);
}
