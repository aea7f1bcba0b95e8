//! The description says what the routes do.

use serde_json::Value;

use super::super::guard::OPEN;
use super::served::{ROW, Reply, Row, Served, Valid, Wanted};

/// A server of which every route has something to say.
fn full() -> Served {
    let mut served = Served::new();
    let rows = [
        ROW,
        Row { id: 2, at: "2026-11-25T11:58:00.000Z", ..ROW },
        Row { id: 3, at: "2026-11-24T08:00:00.000Z", session: "5e551011-0000-4000-8000-000000000002", ..ROW },
    ];
    served.write("app/a.jsonl", &rows.iter().map(Row::line).collect::<String>());
    served
}

/// What a schema means, with its references followed.
fn followed<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema["$ref"].as_str().and_then(|name| name.strip_prefix('#')) {
        Some(name) => {
            followed(document, document.pointer(name).unwrap_or_else(|| panic!("{name} is not there")))
        }
        None => schema,
    }
}

/// Properties with their schemas, and whether further ones may be there.
fn properties<'d>(document: &'d Value, schema: &'d Value) -> Option<Vec<(&'d str, &'d Value)>> {
    let schema = followed(document, schema);
    let mut all = Vec::new();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        all.extend(properties(document, part)?);
    }
    for part in schema["oneOf"].as_array().into_iter().flatten() {
        // Null, or something.
        all.extend(properties(document, part).unwrap_or_default());
    }
    all.extend(schema["properties"].as_object().into_iter().flatten().map(|(name, it)| (name.as_str(), it)));
    (!all.is_empty()).then_some(all)
}

/// Everything in the answer is described, all the way down; every field that has to be there is.
fn check(document: &Value, schema: &Value, answer: &Value, path: &str) {
    let schema = followed(document, schema);
    match answer {
        Value::Object(fields) => {
            if let Some(known) = properties(document, schema) {
                for (name, value) in fields {
                    let found = known.iter().find(|(known, _)| known == name);
                    let (_, schema) = found.unwrap_or_else(|| panic!("{path}.{name} is not described"));
                    check(document, schema, value, &format!("{path}.{name}"));
                }
                for name in schema["required"].as_array().into_iter().flatten() {
                    assert!(fields.contains_key(name.as_str().expect("a name")), "{path} lacks {name}");
                }
            } else if let Some(inner) = schema.get("additionalProperties") {
                fields
                    .iter()
                    .for_each(|(name, value)| check(document, inner, value, &format!("{path}[{name}]")));
            } else {
                assert_eq!(schema["type"], "object", "{path} is not described");
            }
        }
        Value::Array(items) => {
            assert!(schema["type"].to_string().contains("array"), "{path} is a list: {schema}");
            items.iter().for_each(|item| check(document, &schema["items"], item, &format!("{path}[]")));
        }
        Value::String(_) => assert!(schema["type"].to_string().contains("string"), "{path}: {schema}"),
        Value::Bool(_) => assert!(schema["type"].to_string().contains("boolean"), "{path}: {schema}"),
        Value::Number(number) => {
            let kind = schema["type"].to_string();
            let whole = number.as_i64().is_some();
            assert!(kind.contains("number") || (whole && kind.contains("integer")), "{path}: {schema}");
        }
        Value::Null => assert!(schema.to_string().contains("null"), "{path} is null: {schema}"),
    }
}

#[test]
fn every_answer_has_the_fields_that_are_described() {
    let served = full();
    let document = served.json("/api/openapi.json");
    assert_eq!(document["openapi"].as_str().map(|version| &version[..3]), Some("3.1"));
    let mut checked = 0;
    let more = ["", "?period=all"];
    for (path, item) in document["paths"].as_object().expect("paths") {
        let schema = &item["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        if schema.is_null() || path == "/api/openapi.json" {
            continue;
        }
        let route = path.replace("{id}", ROW.session);
        let queries: Vec<String> = match &*route {
            "/api/explain" => vec!["?what=today".to_owned()],
            "/api/proof" => vec![format!("?nonce={}", "0".repeat(32))],
            "/api/stats/breakdown" => BY.iter().map(|by| format!("?period=all&by={by}")).collect(),
            "/api/stats/projects" => vec!["?period=all".to_owned()],
            "/api/stats" => {
                more.iter().map(|it| (*it).to_owned()).chain(["?split=project".to_owned()]).collect()
            }
            _ => vec![String::new()],
        };
        for query in queries {
            check(&document, schema, &served.json(&format!("{route}{query}")), &format!("{route}{query}"));
            checked += 1;
        }
    }
    assert!(checked >= 20, "{checked}");
}

const BY: [&str; 13] = [
    "model",
    "project",
    "branch",
    "session",
    "tool",
    "agent",
    "skill",
    "mcp",
    "account",
    "hour_of_day",
    "weekday",
    "weekday_hour",
    "day",
];

/// What a route says of the answers of a method.
fn responses<'d>(document: &'d Value, method: &str, path: &str) -> &'d Value {
    &document["paths"][path.replace(ROW.session, "{id}")][method.to_ascii_lowercase()]["responses"]
}

/// An answer that is none is described by its status, and is what is described.
fn check_refusal(document: &Value, valid: &Valid, reply: &Reply, status: u16) {
    let path = valid.target.split('?').next().expect("a path");
    let what = format!("{} {path}: {}", valid.method, reply.text());
    assert_eq!(reply.status, status, "{what}");
    let response = &responses(document, valid.method, path)[status.to_string()];
    assert!(response["description"].is_string(), "{status} of {what}");
    if status != 304 {
        let kind = reply.header("content-type").expect("a kind");
        let content = response["content"].as_object().expect("contents");
        let described =
            content.get(kind).unwrap_or_else(|| panic!("{kind} is not described: {status} of {what}"));
        check(document, &described["schema"], &reply.json(), &what);
    }
}

#[test]
fn every_refusal_is_one_that_is_described() {
    let mut served = full();
    served.answer_events();
    let document = served.json("/api/openapi.json");
    for valid in Valid::all(&served) {
        let Valid { method, ref target, ref body } = valid;
        let ask = |target: &str, more: &[&str], body: &str| {
            let lines: Vec<&str> = valid.lines().iter().chain(more).copied().collect();
            served.ask_with(method, target, &lines, body)
        };
        check_refusal(&document, &valid, &ask(target, &["Origin: http://evil.example"], body), 403);
        check_refusal(&document, &valid, &ask(target, &["Host: twice"], body), 400);
        let path = target.split('?').next().expect("a path");
        if !OPEN.contains(&path) {
            check_refusal(&document, &valid, &served.ask_bare(method, target, valid.lines(), body), 401);
        }
        if path.starts_with("/api/") || path == "/metrics" {
            check_refusal(&document, &valid, &ask(&format!("{path}?nonsense=1"), &[], body), 400);
        }
        if method == "POST" {
            check_refusal(&document, &valid, &ask(target, &[], "nojson"), 400);
            check_refusal(&document, &valid, &ask(target, &[], &"x".repeat(1_024 * 1_024 + 1)), 413);
            let kind = ["Content-Type: text/plain", "X-Cco: 1"];
            check_refusal(&document, &valid, &served.ask_with(method, target, &kind, body), 415);
            let plain = ["Content-Type: application/json"];
            check_refusal(&document, &valid, &served.ask_with(method, target, &plain, body), 403);
        } else if !responses(&document, method, path)["304"].is_null() {
            check_refusal(&document, &valid, &ask(target, &["If-None-Match: *"], ""), 304);
        } else if !path.ends_with("/live") {
            assert_eq!(ask(target, &["If-None-Match: *"], "").status, 200, "{path}");
        }
    }
    let code =
        Valid { method: "POST", target: "/api/session".to_owned(), body: r#"{"code":"x"}"#.to_owned() };
    check_refusal(&document, &code, &served.post(&code.target, &code.body), 401);
    let none = Valid { method: "GET", target: "/api/explain".to_owned(), body: String::new() };
    check_refusal(&document, &none, &served.get("/api/explain?what=nothing-of-that-name"), 404);
    served.health.send_modify(|health| health.disk.is_ok = false);
    let health = Valid { method: "GET", target: "/api/health".to_owned(), body: String::new() };
    check_refusal(&document, &health, &served.get("/api/health"), 503);
}

#[test]
fn statistics_that_are_turned_off_are_described_so() {
    let mut wanted = Wanted::default();
    wanted.http.stats = false;
    let served = Served::with(wanted);
    let document = served.json("/api/openapi.json");
    for valid in Valid::all(&served).iter().filter(|valid| valid.target.starts_with("/api/stats")) {
        check_refusal(&document, valid, &served.get(&valid.target), 503);
    }
}

#[test]
fn what_does_something_is_described_with_what_it_needs_and_answers() {
    let mut served = full();
    served.answer_events();
    let document = served.json("/api/openapi.json");
    let mut checked = 0;
    for valid in Valid::all(&served).iter().filter(|valid| valid.method == "POST") {
        let operation = &document["paths"][&valid.target]["post"];
        let headers = operation["parameters"].as_array().expect("parameters");
        let intent: Vec<&Value> = headers.iter().filter(|it| it["name"] == "X-Cco").collect();
        assert_eq!(intent.len(), 1, "{}", valid.target);
        assert_eq!(
            (&intent[0]["in"], &intent[0]["required"]),
            (&"header".into(), &true.into()),
            "{}",
            valid.target
        );
        let sent: Value = serde_json::from_str(&valid.body).expect("JSON");
        check(
            &document,
            &operation["requestBody"]["content"]["application/json"]["schema"],
            &sent,
            "the body",
        );
        let reply = served.post(&valid.target, &valid.body);
        assert_eq!(reply.status, 200, "{}", valid.target);
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        check(&document, schema, &reply.json(), &valid.target);
        checked += 1;
    }
    assert_eq!(checked, 3);
}

#[test]
fn every_word_that_is_described_is_answered_and_no_other() {
    let served = full();
    let document = served.json("/api/openapi.json");
    let mut asked: Vec<&str> = Vec::new();
    for valid in Valid::all(&served).iter().filter(|valid| valid.method == "GET") {
        let (path, needed) = valid.target.split_once('?').unwrap_or((&valid.target, ""));
        let operation = &document["paths"][path.replace(ROW.session, "{id}")]["get"];
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().expect("a name");
            let Some(words) = parameter["schema"]["enum"].as_array() else { continue };
            asked.push(name);
            let query = |word: &str| match needed.starts_with(name) {
                true => format!("{path}?{name}={word}"),
                false => format!("{path}?{needed}&{name}={word}"),
            };
            words.iter().for_each(|word| drop(served.json(&query(word.as_str().expect("a word")))));
            let problem = served.get(&query("nonsense"));
            assert_eq!((problem.status, &problem.json()["parameter"]), (400, &name.into()), "{path}");
        }
    }
    asked.sort_unstable();
    asked.dedup();
    assert_eq!(asked, ["by", "granularity", "period", "split"]);
}

#[test]
fn every_parameter_that_is_described_is_known_and_no_other_is() {
    let served = full();
    let document = served.json("/api/openapi.json");
    for (path, item) in document["paths"].as_object().expect("paths") {
        if item["get"].is_null() || !path.starts_with("/api/") {
            continue;
        }
        let route = path.replace("{id}", ROW.session);
        for parameter in item["get"]["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] == "query" {
                let name = parameter["name"].as_str().expect("a name");
                let reply = served.get(&format!("{route}?{name}=%00"));
                assert!(!reply.text().contains("no parameter is called"), "{route} does not know {name}");
            }
        }
        let reply = served.get(&format!("{route}?nonsense=1"));
        assert_eq!((reply.status, &reply.json()["parameter"]), (400, &"nonsense".into()), "{route}");
    }
}

#[test]
fn every_route_that_answers_is_described() {
    // The router names its routes when it is printed: none was added past the table.
    let (router, _) = super::super::table().split_for_parts();
    let printed = format!("{router:?}");
    let (_, table) = printed.split_once("paths: {").expect("a table of paths");
    let (table, _) = table.split_once("} }").expect("its end");
    let paths: Vec<String> = super::super::description().paths.paths.into_keys().collect();
    for path in &paths {
        assert!(table.contains(&format!("\"{path}\"")), "{path} is not in {table}");
    }
    assert_eq!(table.matches("RouteId").count(), paths.len(), "{table}");
}

/// Every name that the page for people has to have: routes, parameters and their words.
#[test]
fn the_page_for_people_names_every_route_parameter_and_metric() {
    let page = include_str!("../../../../../docs/api.md");
    let named: Vec<&str> = page.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).collect();
    let is_named = |name: &str| named.iter().any(|it| *it == name || it.starts_with(&format!("{name}=")));
    let served = full();
    let document = served.json("/api/openapi.json");
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            let is_data = path.starts_with("/api/") || path == "/metrics";
            let route = format!("{} {path}", method.to_uppercase());
            assert!(!is_data || is_named(&route), "docs/api.md does not name {route}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let words = parameter["schema"]["enum"].as_array().into_iter().flatten();
                let words = words.filter_map(Value::as_str).filter(|_| parameter["in"] == "query");
                let is_in_path = parameter["in"] == "path" || parameter["name"] == "X-Cco";
                let name = parameter["name"].as_str().filter(|_| !is_in_path);
                for name in name.into_iter().chain(words) {
                    assert!(is_named(name), "docs/api.md does not name `{name}` of {route}");
                }
            }
        }
    }
    let metrics = served.get("/metrics");
    let metrics = metrics.text();
    for name in metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
        assert!(is_named(name), "docs/api.md does not name {name}");
    }
}
