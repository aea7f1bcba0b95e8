//! What a `settings.json` becomes, and that it comes back.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn pairs() -> [(&'static str, String); 2] {
    [("type", "\"command\"".to_owned()), ("command", "\"/bin/cco statusline\"".to_owned())]
}

fn with_line(text: &str) -> String {
    let document = Document::read(text).unwrap();
    document.with(&document.object(&pairs())).unwrap()
}

#[test]
fn a_line_is_written_as_the_file_is() {
    for (text, expected) in [
        (
            "{}",
            "{\n  \"statusLine\": {\n    \"type\": \"command\",\n    \"command\": \"/bin/cco statusline\"\n  }\n}",
        ),
        (
            " \n",
            "{\n  \"statusLine\": {\n    \"type\": \"command\",\n    \"command\": \"/bin/cco statusline\"\n  }\n}\n",
        ),
        (r#"{"a":1}"#, r#"{"a":1,"statusLine":{"type":"command","command":"/bin/cco statusline"}}"#),
        (
            r#"{"a": 1, "b": 2}"#,
            r#"{"a": 1, "b": 2, "statusLine": {"type": "command", "command": "/bin/cco statusline"}}"#,
        ),
        (
            "{\r\n\t\"a\": [1]\r\n}\r\n",
            "{\r\n\t\"a\": [1],\r\n\t\"statusLine\": {\r\n\t\t\"type\": \"command\",\r\n\t\t\"command\": \"/bin/cco statusline\"\r\n\t}\r\n}\r\n",
        ),
        (
            "{\n    \"a\" : 1\n}",
            "{\n    \"a\" : 1,\n    \"statusLine\" : {\n        \"type\" : \"command\",\n        \"command\" : \"/bin/cco statusline\"\n    }\n}",
        ),
        (
            "\u{feff}{\"statusLine\":null,\"a\":1}",
            "\u{feff}{\"statusLine\":{\"type\":\"command\",\"command\":\"/bin/cco statusline\"},\"a\":1}",
        ),
    ] {
        assert_eq!(with_line(text), expected, "{text:?}");
    }
}

#[test]
fn a_line_is_taken_out_with_one_comma() {
    for (text, expected) in [
        (r#"{"statusLine": 1}"#, "{}"),
        (r#"{"statusLine": 1, "a": 2}"#, r#"{"a": 2}"#),
        (r#"{"a": 2, "statusLine": 1}"#, r#"{"a": 2}"#),
        ("{\n  \"a\": 2,\n  \"statusLine\": {},\n  \"b\": 3\n}\n", "{\n  \"a\": 2,\n  \"b\": 3\n}\n"),
        (r#"{"a": {"statusLine": 1}}"#, r#"{"a": {"statusLine": 1}}"#),
        ("", ""),
    ] {
        assert_eq!(Document::read(text).unwrap().without().unwrap(), expected, "{text}");
    }
}

#[test]
fn the_key_is_told_from_what_only_looks_like_it() {
    let line = |text| Document::read(text).unwrap().line().map(str::to_owned);
    assert_eq!(line(r#"{"status\u004cine": 7}"#), Some("7".to_owned()));
    assert_eq!(line(r#"{"a": "\", \"statusLine\": 1", "b": [{"statusLine": 2}, "}"]}"#), None);
    assert_eq!(line(r#"{"\ud800": 1, "statusLine": "x\\"}"#), Some(r#""x\\""#.to_owned()));
    assert_eq!(line(r#"{"statusline": 1}"#), None);
}

#[test]
fn what_claude_code_could_not_read_is_refused() {
    let refused = |text| Document::read(text).unwrap_err();
    assert_eq!(refused(r#"{"statusLine": 1, "a": 2, "status\u004Cine": 3}"#), Unfit::Twice);
    assert_eq!(refused("[]"), Unfit::NotAnObject);
    assert_eq!(refused("null"), Unfit::NotAnObject);
    for text in [
        "{ // word\n}",
        "{\"a\": 1,}",
        "{} {}",
        "{\"a\": 01}",
        "{\"a\"",
        "{'a': 1}",
        "{\"a\": \"\t\"}",
        "\u{feff}\u{feff}{}",
    ] {
        assert!(matches!(refused(text), Unfit::NotJson(_)), "{text}");
    }
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~é\"\\\\{}\\[\\],:\n]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z\"\\\\}]{0,6}|statusLine", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_line_goes_in_and_comes_out_and_all_else_stays(
        members in prop::collection::btree_map("[a-z\"\\\\}]{1,6}", json(), 0..5),
        old in prop::option::of(json()),
        pretty in any::<bool>(),
    ) {
        let mut object: serde_json::Map<String, Value> = members.into_iter().collect();
        object.extend(old.clone().map(|old| ("statusLine".to_owned(), old)));
        let value = Value::Object(object);
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let before = Document::read(&text).unwrap();
        let new = with_line(&text);
        let after = Document::read(&new).unwrap();
        prop_assert!(after.others().eq(before.others()));
        match before.line() {
            Some(old) => prop_assert_eq!(after.with(old).unwrap(), text),
            None if before.members.is_empty() => prop_assert_eq!(after.without().unwrap(), "{}"),
            None => prop_assert_eq!(after.without().unwrap(), text),
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\{\\}\\[\\]\",:a\\\\\n 1é\u{feff}]{0,40}") {
        if let Ok(document) = Document::read(&text) {
            let _ = document.with("1");
            let _ = document.without();
        }
    }
}
