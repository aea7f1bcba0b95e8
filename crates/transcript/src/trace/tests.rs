use std::io::Write;

use super::*;

const ID: &str = "msg_01FIRSTFIRSTFIRSTFIRST";

fn row(id: &str, output: u64, pad: usize) -> String {
    let pad = "x".repeat(pad);
    format!(
        r#"{{"type":"assistant","sessionId":"s1","uuid":"u-{output}","timestamp":"2026-10-20T12:00:00.000Z","pad":"{pad}","message":{{"id":"{id}","model":"m","usage":{{"input_tokens":1,"output_tokens":{output}}}}}}}"#
    )
}

fn file(text: &str) -> File {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(text.as_bytes()).expect("room");
    file
}

fn outputs(text: &str, needle: Option<&[u8]>, range: Range<u64>) -> Vec<(u64, u64)> {
    let file = file(text);
    let key = message_key(ID).expect("an API id");
    let mut traced = Traced::new(&file, (1, 1), text.len() as u64);
    let rows = traced.rows_of(&key, needle, range).expect("a readable file");
    rows.into_iter().map(|row| (row.offset, row.usage.tokens.output)).collect()
}

#[test]
fn the_search_finds_what_reading_everything_finds_at_any_length_of_line() {
    let other = row("msg_01OTHEROTHEROTHEROTHER", 5, 10);
    for pad in [0, 100, WINDOW - 300, WINDOW, 3 * WINDOW + 17] {
        let lines = [
            other.clone(),
            row(ID, 1, pad),
            "not json, though it names ".to_owned() + ID,
            row(ID, 300, 0),
            other.clone(),
            row(ID, 7, pad),
        ];
        // The last line has no end yet.
        let text = lines.join("\n");
        let all = 0..text.len() as u64;
        let found = outputs(&text, Some(ID.as_bytes()), all.clone());
        assert_eq!(found.iter().map(|(_, output)| *output).collect::<Vec<_>>(), [1, 300, 7], "{pad}");
        assert_eq!(found, outputs(&text, None, all), "{pad}");
    }
}

#[test]
fn an_id_across_the_edge_of_what_is_searched_at_a_time_is_found() {
    for before in [1, 2, ID.len() - 1, ID.len(), ID.len() + 1] {
        // So many of its bytes stand in front of the edge.
        let at = row(ID, 9, 0).find(ID).expect("its id");
        let filler = "x".repeat(WINDOW - before - at - 1) + "\n";
        let text = filler + &row(ID, 9, 0) + "\n";
        assert_eq!(text.find(ID), Some(WINDOW - before));
        let found = outputs(&text, Some(ID.as_bytes()), 0..text.len() as u64);
        assert_eq!(found, [((WINDOW - before - at) as u64, 9)], "{before}");
    }
}

#[test]
fn a_record_on_a_damaged_line_is_found_at_its_own_place() {
    let (torn, whole) = (&row("msg_01OTHEROTHEROTHEROTHER", 5, 0)[..40], row(ID, 9, 0));
    let text = format!("{torn}{whole}{whole}\n");
    let found = outputs(&text, Some(ID.as_bytes()), 0..text.len() as u64);
    let second = (torn.len() + whole.len()) as u64;
    assert_eq!(found, [(torn.len() as u64, 9), (second, 9)]);
    let file = file(&text);
    let rows = Traced::new(&file, (1, 1), text.len() as u64).rows_at(found[0].0).expect("a readable file");
    assert_eq!(rows[0].offset, found[0].0);
    assert_eq!(rows[0].needle().as_deref(), Some(ID.as_bytes()));
}

#[test]
fn only_the_range_that_is_asked_for_is_searched() {
    let text = [row(ID, 1, 0), row(ID, 2, 0), row(ID, 3, 0)].map(|row| row + "\n").concat();
    let second = row(ID, 1, 0).len() as u64 + 1;
    assert_eq!(outputs(&text, Some(ID.as_bytes()), second..second + 1000).first(), Some(&(second, 2)));
    assert_eq!(outputs(&text, Some(ID.as_bytes()), 0..0), []);
}

#[test]
fn ids_that_suffice_are_told_from_those_that_do_not() {
    assert!(message_key(ID).is_some());
    assert_eq!(message_key("msg_short"), None);
    assert_eq!(message_key(""), None);
    assert_ne!(Some(advisor_key(ID, 0)), message_key(ID));
    let mut row = TracedRow {
        key: CallKey::default(),
        offset: 0,
        at_ms: None,
        usage: Usage::default(),
        sidechain: false,
        wrapped: false,
        advisor: None,
        session: String::new(),
        model: String::new(),
        message: "short".to_owned(),
        request: "req_1234567".to_owned(),
        uuid: "u".to_owned(),
        tools: Vec::new(),
    };
    assert_eq!(row.needle().as_deref(), Some(b"req_1234567".as_slice()));
    row.request = "a\"b\\c".to_owned();
    assert_eq!(row.needle(), None, "JSON may write it in another way, so nothing is passed over");
    (row.message, row.request) = (String::new(), String::new());
    assert_eq!(row.needle(), None);
    row.uuid = String::new();
    assert!(row.is_alone());
}
