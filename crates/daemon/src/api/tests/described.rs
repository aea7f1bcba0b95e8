//! The description says what the routes do.

use serde_json::Value;

use super::served::{ROW, Row, Served};

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
    let more = ["", "?period=all", "?period=all&split=project&branches=true"];
    for (path, item) in document["paths"].as_object().expect("paths") {
        let schema = &item["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        if schema.is_null() || path == "/api/openapi.json" {
            continue;
        }
        let route = path.replace("{id}", ROW.session);
        let queries: Vec<String> = match &*route {
            "/api/explain" => vec!["?what=today".to_owned()],
            "/api/stats/breakdown" => BY.iter().map(|by| format!("?period=all&by={by}")).collect(),
            "/api/stats/projects" => vec!["?period=all&branches=true".to_owned()],
            "/api/stats" => {
                more[..2].iter().map(|it| (*it).to_owned()).chain(["?split=project".to_owned()]).collect()
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
        if !["/api/health", "/api/openapi.json"].contains(&&**path) {
            let reply = served.get(&format!("{route}?nonsense=1"));
            assert_eq!((reply.status, &reply.json()["parameter"]), (400, &"nonsense".into()), "{route}");
        }
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
