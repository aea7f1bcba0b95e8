//! The scanner against `serde_json`, whose `RawValue` checks the grammar and nothing else, at any depth.

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::text::string_stop;
use super::*;
use crate::row::Row;
use crate::source::{FileRange, Slice};
use crate::testing::{Windows, ascii, cases, file_of};

fn check<S: Source>(source: S) -> (Scan<()>, u64) {
    let mut scanner = Scanner::new(source);
    let result = scanner.skip().and_then(|()| scanner.end());
    (result, scanner.last_string())
}

fn accepts(text: &[u8]) -> bool {
    check(Slice(text)).0.is_ok()
}

fn strict(text: &[u8]) -> bool {
    serde_json::from_str::<&RawValue>(&ascii(text)).is_ok()
}

/// Any JSON text: every form of number, escape, white space and nesting.
fn json() -> impl Strategy<Value = String> {
    let space = "[ \t\r\n]{0,2}";
    let string = r#""([a-z{}:,\[\] éΩ😀]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}){0,12}""#;
    let plain = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        "-?(0|[1-9][0-9]{0,18})(\\.[0-9]{1,3})?([eE][-+]?[0-9]{1,3})?",
        string,
        "\"[a-z ]{60,140}\"",
    ];
    plain.prop_recursive(5, 40, 5, move |inner| {
        let pair =
            (string, space, inner.clone(), space).prop_map(|(k, a, v, b)| format!("{a}{k}{b}:{a}{v}{b}"));
        prop_oneof![
            (prop::collection::vec(inner, 0..5), space)
                .prop_map(|(v, s)| format!("[{s}{}{s}]", v.join(&format!("{s},{s}")))),
            (prop::collection::vec(pair, 0..5), space)
                .prop_map(|(v, s)| format!("{{{s}{}{s}}}", v.join(","))),
        ]
    })
}

/// A small harm to a text.
#[derive(Clone, Debug)]
enum Harm {
    Cut(prop::sample::Index),
    Remove(prop::sample::Index),
    Replace(prop::sample::Index, u8),
    Insert(prop::sample::Index, u8),
}

fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![any::<u8>(), prop::sample::select(&b"{}[]\",:\\u-+.eE019 \n\0\x1f\x7f\xc3\xff tfn"[..])]
}

fn harm() -> impl Strategy<Value = Harm> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        at().prop_map(Harm::Cut),
        at().prop_map(Harm::Remove),
        (at(), byte()).prop_map(|(at, byte)| Harm::Replace(at, byte)),
        (at(), byte()).prop_map(|(at, byte)| Harm::Insert(at, byte)),
    ]
}

fn harmed(text: &str, harms: &[Harm]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for harm in harms {
        match harm {
            Harm::Insert(at, byte) => bytes.insert(at.index(bytes.len() + 1), *byte),
            _ if bytes.is_empty() => {}
            Harm::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Harm::Remove(at) => drop(bytes.remove(at.index(bytes.len()))),
            Harm::Replace(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn takes_what_a_strict_parser_takes_and_nothing_else(
        text in json(),
        harms in prop::collection::vec(harm(), 0..4),
    ) {
        let bytes = harmed(&text, &harms);
        prop_assert_eq!(accepts(&bytes), strict(&bytes), "{:?}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn takes_what_a_strict_parser_takes_of_random_tokens(
        tokens in prop::collection::vec(
            prop::sample::select(&["{", "}", "[", "]", ",", ":", "\"a\"", "\"", "1", "-", "0", ".5", "e9", "null", "t", " ", "\\"][..]),
            0..9,
        ),
    ) {
        let text = tokens.concat();
        prop_assert_eq!(accepts(text.as_bytes()), strict(text.as_bytes()), "{}", text);
    }

    #[test]
    fn tiny_windows_of_memory_or_of_a_file_change_nothing(
        text in json(),
        harms in prop::collection::vec(harm(), 0..4),
        size in 1_usize..8,
    ) {
        let bytes = harmed(&text, &harms);
        let whole = check(Slice(&bytes));
        prop_assert_eq!(check(Windows::new(&bytes, size)), whole);
        let file = file_of(&bytes);
        prop_assert_eq!(check(FileRange::new(&file, 0..bytes.len() as u64, size)), whole);
    }

    #[test]
    fn a_text_cut_short_ran_out_and_more_of_it_may_mend_it(text in json(), at in any::<prop::sample::Index>()) {
        let whole = format!("[{text}]");
        let cut = at.index(whole.len());
        prop_assert_eq!(check(Slice(&whole.as_bytes()[..cut])).0, Err(Broken::RanOut));
    }

    #[test]
    fn a_string_is_decoded_as_utf_16_with_lone_halves_replaced(
        pieces in prop::collection::vec(piece(), 0..20),
        size in 1_usize..8,
    ) {
        let body: String = pieces.iter().map(|(text, _)| text.as_str()).collect();
        let units: Vec<u16> = pieces.iter().flat_map(|(_, units)| units.clone()).collect();
        let text = format!(" \"{body}\" ");
        let want = String::from_utf16_lossy(&units);
        if let Ok(theirs) = serde_json::from_str::<String>(&text) {
            prop_assert_eq!(&theirs, &want);
        }
        prop_assert_eq!(string_of(Slice(text.as_bytes())), want.clone());
        prop_assert_eq!(string_of(Windows::new(text.as_bytes(), size)), want.clone());
        let pair = format!("{{\"{body}\":1}}");
        prop_assert_eq!(key_of_pair(Slice(pair.as_bytes())), key_of_pair(Windows::new(pair.as_bytes(), size)));
    }

    #[test]
    fn a_row_is_decoded_alike_through_tiny_windows(
        text in row_text(),
        harms in prop::collection::vec(harm(), 0..2),
        size in 1_usize..8,
    ) {
        let bytes = harmed(&text, &harms);
        let (mut whole, mut pieces) = (Row::default(), Row::default());
        let result = whole.decode(&mut Scanner::new(Slice(&bytes)));
        prop_assert_eq!(pieces.decode(&mut Scanner::new(Windows::new(&bytes, size))), result);
        if result.is_ok() {
            prop_assert_eq!(format!("{whole:?}"), format!("{pieces:?}"));
        }
        // Asking for fields must not loosen the grammar.
        prop_assert_eq!(result.is_ok(), strict(&bytes));
    }
}

/// A part of a string as it is written, and the UTF-16 units it stands for.
fn piece() -> impl Strategy<Value = (String, Vec<u16>)> {
    let raw = |char: char| (char.to_string(), char.encode_utf16(&mut [0; 2]).to_vec());
    let escaped = |unit: u16| (format!("\\u{unit:04x}"), vec![unit]);
    prop_oneof![
        prop::char::any()
            .prop_filter("needs an escape", |c| !matches!(c, '"' | '\\' | '\0'..='\x1f'))
            .prop_map(raw),
        any::<u16>().prop_map(escaped),
        (0xD800_u16..0xE000).prop_map(escaped),
        prop::sample::select(
            &[
                ("\\n", 10),
                ("\\\"", 34),
                ("\\\\", 92),
                ("\\/", 47),
                ("\\b", 8),
                ("\\f", 12),
                ("\\r", 13),
                ("\\t", 9)
            ][..]
        )
        .prop_map(|(text, unit)| (text.to_owned(), vec![unit])),
    ]
}

/// Rows with the fields that are looked for, some of them of the wrong type.
fn row_text() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        3 => Just(r#"{"id":"msg_1","model":"m","usage":{"input_tokens":1,"cache_creation":{"ephemeral_5m_input_tokens":2},"speed":"fast","iterations":[{"type":"advisor_message","model":"a","output_tokens":4}]},"content":[{"type":"tool_use","id":"t","name":"Bash"},{"type":"tool_result","tool_use_id":"t","is_error":true}]}"#.to_owned()),
        1 => json(),
    ];
    let key = prop::sample::select(
        &[
            "type",
            "message",
            "data",
            "timestamp",
            "sessionId",
            "costUSD",
            "isSidechain",
            "mess\\u0061ge",
            "usage",
        ][..],
    );
    prop::collection::vec((key, value), 0..5).prop_map(|pairs| {
        format!("{{{}}}", pairs.iter().map(|(k, v)| format!("\"{k}\": {v}")).collect::<Vec<_>>().join(","))
    })
}

fn string_of<S: Source>(source: S) -> String {
    let (mut scanner, mut text) = (Scanner::new(source), Vec::new());
    assert_eq!(scanner.string(&mut text), Ok(true));
    assert_eq!(scanner.end(), Ok(()));
    String::from_utf8(text).expect("valid in, valid out")
}

fn key_of_pair<S: Source>(source: S) -> Vec<u8> {
    let mut scanner = Scanner::new(source);
    scanner.expect(b'{').expect("an object");
    scanner.key(|key| key[..key.len().min(MAX_KEY)].to_vec()).expect("a key")
}

#[test]
fn a_bare_number_is_a_whole_value() {
    for text in ["0", "12", "-3", "1.5", "2e9", " 7 "] {
        assert!(accepts(text.as_bytes()), "{text}");
    }
}

#[test]
fn depth_is_no_error_and_a_bracket_of_the_wrong_kind_is_at_any_depth() {
    for depth in [1, 63, 64, 65, 128, 129, 10_000] {
        let (open, close) = ("{\"a\":[".repeat(depth), "]}".repeat(depth));
        assert!(accepts(format!("{open}{close}").as_bytes()), "{depth}");
        for wrong in ["}", "]]", "", "]}]"] {
            let text = format!("{open}{wrong}{}", &close[2..]);
            assert!(!accepts(text.as_bytes()), "{wrong} at {depth}");
        }
    }
}

#[test]
fn only_a_whole_number_up_to_2_to_the_53_is_a_count() {
    for (text, want) in [
        ("0", Count::Is(0)),
        ("17", Count::Is(17)),
        ("9007199254740992", Count::Is(1 << 53)),
        ("9007199254740993", Count::Odd),
        ("9223372036854775808", Count::Odd),
        ("99999999999999999999999999999999999999999999999999999999999999999999999999999999", Count::Odd),
        ("-1", Count::Odd),
        ("1.0", Count::Odd),
        ("1e2", Count::Odd),
        ("1e999", Count::Odd),
        ("null", Count::Is(0)),
        ("true", Count::Odd),
        ("\"5\"", Count::Odd),
        ("{\"a\":[1]}", Count::Odd),
    ] {
        for size in 1..8 {
            let mut scanner = Scanner::new(Windows::new(text.as_bytes(), size));
            assert_eq!(scanner.count(), Ok(want), "{text}");
            assert_eq!(scanner.end(), Ok(()), "{text}");
        }
        assert_eq!(Scanner::new(Slice(text.as_bytes())).count(), Ok(want), "{text}");
    }
}

#[test]
fn of_a_long_string_64_kib_are_kept_and_the_rest_is_checked() {
    for unit in ["x", "\\n", "x\\u0041"] {
        let body = unit.repeat(MAX_TEXT);
        let (mut plain, mut pieces) = (Vec::new(), Vec::new());
        let text = format!("\"{body}\"");
        assert_eq!(Scanner::new(Slice(text.as_bytes())).string(&mut plain), Ok(true));
        assert_eq!(Scanner::new(Windows::new(text.as_bytes(), 5)).string(&mut pieces), Ok(true));
        assert_eq!((plain.len(), plain == pieces), (MAX_TEXT, true), "{unit}");
        let broken = format!("\"{body}\\x\"");
        let result = Scanner::new(Slice(broken.as_bytes())).string(&mut plain);
        assert_eq!(result, Err(Broken::Unexpected), "{unit}");
    }
}

#[test]
fn a_long_key_is_nobody_s_even_when_it_begins_like_a_known_one() {
    let text = format!("{{\"type\\u0020{}\":1,\"ty\\u0070e\":2}}", "x".repeat(200));
    for size in 1..8 {
        let mut known = Vec::new();
        let result = Scanner::new(Windows::new(text.as_bytes(), size)).object(
            |key| key == b"type",
            |scanner, is_type| {
                known.push(is_type);
                scanner.skip()
            },
        );
        assert_eq!((result, known), (Ok(true), vec![false, true]));
    }
}

#[test]
fn the_first_quote_backslash_or_control_byte_ends_a_run_wherever_it_stands() {
    for length in [0, 1, 7, 8, 9, 63, 64, 65, 72, 200] {
        for at in 0..length {
            for byte in 0..=u8::MAX {
                let mut bytes = vec![b'x'; length];
                bytes[at] = byte;
                let stops = matches!(byte, b'"' | b'\\' | 0..=0x1f);
                assert_eq!(
                    string_stop(&bytes),
                    if stops { at } else { length },
                    "{byte:#x} at {at} of {length}"
                );
                if let Some(later) = bytes.get_mut(at + 1) {
                    *later = b'"';
                    assert_eq!(
                        string_stop(&bytes),
                        if stops { at } else { at + 1 },
                        "{byte:#x} before a quote"
                    );
                }
            }
        }
    }
}
