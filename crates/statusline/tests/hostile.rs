//! Whatever names and payloads hold, a terminal only sees text, colours, and links to where they may lead.

use cco_model::untrusted::is_treacherous;
use cco_statusline::colour::Depth;
use cco_statusline::payload::Payload;
use cco_statusline::preset::Preset;
use cco_statusline::segments::SEGMENTS;
use cco_statusline::settings::Settings;
use cco_statusline::snapshot::{AccountNow, Repository, Snapshot};
use cco_statusline::{Head, Nearby, Scene, Screen, render};
use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// What a terminal makes of a line.
#[derive(Default)]
struct Terminal {
    text: String,
    forbidden: Vec<String>,
}

impl vte::Perform for Terminal {
    fn print(&mut self, c: char) {
        self.text.push(c);
    }

    fn execute(&mut self, byte: u8) {
        self.forbidden.push(format!("control {byte:#x}"));
    }

    fn csi_dispatch(&mut self, _: &vte::Params, between: &[u8], ignored: bool, action: char) {
        if action != 'm' || ignored || !between.is_empty() {
            self.forbidden.push(format!("CSI {action}"));
        }
    }

    fn osc_dispatch(&mut self, parts: &[&[u8]], _: bool) {
        let is_link = matches!(parts, [b"8", b"", link] if link.is_empty() || link.starts_with(b"https://git.example/"));
        if !is_link {
            self.forbidden.push(format!("OSC {parts:?}"));
        }
    }

    fn esc_dispatch(&mut self, _: &[u8], _: bool, byte: u8) {
        // The end of a link.
        if byte != b'\\' {
            self.forbidden.push(format!("ESC {byte:#x}"));
        }
    }

    fn hook(&mut self, _: &vte::Params, _: &[u8], _: bool, _: char) {
        self.forbidden.push("DCS".to_owned());
    }
}

/// Names that steer, disguise, break or only annoy.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\u{1b}[2J".to_owned()),
        Just("\u{1b}]0;owned\u{7}".to_owned()),
        Just("\u{1b}]8;;http://evil.example\u{1b}\\".to_owned()),
        Just("\u{1b}P$qm\u{1b}\\".to_owned()),
        Just("\u{9b}5m\u{85}\u{90}".to_owned()),
        Just("\u{202e}\u{2066}\u{200b}\u{2028}".to_owned()),
        Just("\u{e0041}\u{7f}\r\n\t\u{0}".to_owned()),
        Just("]52;c;aGk=\u{7}".to_owned()),
        Just("$(id)`id`%s{0}".to_owned()),
        Just("東京👩‍💻e\u{301}".to_owned()),
        "[a-z/ ]{0,12}",
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn payload(names: &[String]) -> serde_json::Value {
    let name = |index: usize| names[index % names.len()].clone();
    serde_json::json!({
        "session_id": name(0), "session_name": name(1), "transcript_path": name(2), "version": name(3),
        "workspace": {"current_dir": name(4), "repo": {"host": "git.example"}},
        "model": {"id": name(5)}, "output_style": {"name": name(6)}, "effort": {"level": name(7)},
        "vim": {"mode": name(8)}, "agent": {"name": name(9)}, "worktree": {"name": name(10)},
        "pr": {"number": 7, "url": format!("https://git.example/{}", name(11))},
        "rate_limits": {
            "five_hour": {"used_percentage": 73, "resets_at": 8_000},
            (name(12)): {"used_percentage": 112, "resets_at": 8_000},
            "model_scoped": [{"display_name": name(13), "used_percentage": 90, "resets_at": 8_000}],
        },
    })
}

fn settings(preset: Preset) -> Settings {
    let all: Vec<String> = SEGMENTS.iter().map(|segment| segment.id.to_owned()).collect();
    Settings { preset, lines: Some(vec![all]), ..Settings::default() }
}

fn snapshot(names: &[String]) -> Snapshot {
    let account = |number: usize| AccountNow {
        id: cco_model::limit::AccountId { organization: "o".into(), account: number.to_string().into() },
        label: names[number].clone(),
        directories: vec![if number == 0 { "/c".to_owned() } else { names[1].clone() }],
        since_ms: None,
        login: cco_model::limit::login::Login::Unknown,
        logged_out: false,
        trouble: None,
        windows: [].into(),
        pace: None,
        local: None,
    };
    Snapshot {
        accounts: vec![account(0), account(1)],
        repositories: vec![Repository {
            root: names[2].clone(),
            ahead: 1,
            behind: 0,
            dirty: 2,
            seen_at_ms: 0,
        }],
        ..Snapshot::default()
    }
}

/// The lines of one set of names, each as a terminal reads it, with its colours.
fn drawn(names: &[String], preset: Preset, depth: Depth, columns: usize) -> Vec<(String, Terminal)> {
    let (payload, snapshot) = (payload(names), snapshot(names));
    let nearby = Nearby {
        config_dir: Some("/c".to_owned()),
        head: Some(Head { root: names[2].clone(), branch: names[3].clone() }),
        ..Nearby::default()
    };
    let scene = Scene {
        payload: &Payload::read(payload.to_string().as_bytes()),
        snapshot: &snapshot,
        nearby: &nearby,
        settings: &settings(preset),
        now_ms: 5_000_000,
        zone: None,
    };
    let lines = render(&scene, Screen { columns, depth });
    let read = |line: String| {
        let (mut parser, mut terminal) = (vte::Parser::new(), Terminal::default());
        parser.advance(&mut terminal, line.as_bytes());
        (line, terminal)
    };
    lines.into_iter().map(read).collect()
}

fn columns_of(text: &str) -> usize {
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

proptest! {
    // Each case holds some fifteen names: over 100,000 of them.
    #![proptest_config(ProptestConfig { cases: 7_000, ..ProptestConfig::default() })]

    #[test]
    fn no_name_steers_the_terminal_or_makes_a_line_too_wide(
        names in prop::collection::vec(hostile(), 15),
        preset in prop::sample::select(Preset::ALL.to_vec()),
        depth in prop::sample::select(vec![Depth::None, Depth::Ansi, Depth::Fixed, Depth::True]),
        columns in 1..260_usize,
    ) {
        let lines = drawn(&names, preset, depth, columns);
        prop_assert!(!lines.is_empty());
        for (line, terminal) in lines {
            prop_assert!(terminal.forbidden.is_empty(), "{:?} in {line:?}", terminal.forbidden);
            prop_assert!(!terminal.text.contains(is_treacherous), "{:?}", terminal.text);
            prop_assert!(columns_of(&terminal.text) <= columns, "{columns}: {:?}", terminal.text);
            prop_assert!(!terminal.text.trim().is_empty());
            if depth == Depth::None {
                prop_assert_eq!(line, terminal.text);
            }
        }
    }

    #[test]
    fn any_bytes_at_all_are_a_line(bytes in prop::collection::vec(any::<u8>(), 0..400), json in ".{0,60}") {
        for text in [bytes, format!("{{\"model\":{json}").into_bytes(), format!("{{\"cwd\":\"{json}\"}}").into_bytes()] {
            let (payload, snapshot, nearby, settings) =
                (Payload::read(&text), Snapshot::default(), Nearby::default(), Settings::default());
            let scene = Scene {
                payload: &payload, snapshot: &snapshot, nearby: &nearby, settings: &settings, now_ms: 0, zone: None,
            };
            let lines = render(&scene, Screen { columns: 120, depth: Depth::None });
            prop_assert!(lines.iter().all(|line| !line.trim().is_empty()) && !lines.is_empty());
        }
    }
}
