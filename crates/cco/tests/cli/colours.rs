//! Colours that can be read on light and on dark terminals.

use crate::sealed::{Call, TestEnv};

/// Two models, one without a price, and a block that is near its limit.
fn busy() -> TestEnv {
    let env = TestEnv::new();
    let call = |number, model| Call { number, model, tokens: [0, 100, 0, 0, 0], ..Call::default() }.row();
    env.transcript("p/one.jsonl", &[call(1, "acme-1"), call(2, "claude-opus-4-8")]);
    env
}

/// Everything that `cco` says to these words, in colour.
fn shown(env: &TestEnv, words: &str) -> String {
    let run = env.run(&format!("{words} --color always"));
    run.stdout + &run.stderr
}

#[test]
fn nothing_is_yellow_which_cannot_be_read_on_white() {
    let env = busy().with("COLUMNS", "80");
    env.write(".cco/config.toml", "[stats]\nenabled = false\n");
    for words in ["", "blocks --token-limit 220", "daily", "doctor", "daily --help"] {
        let page = shown(&env, words);
        assert!(page.contains('\u{1b}'), "{words}: it is in colour: {page:?}");
        assert!(!page.contains("\u{1b}[33m"), "{words}: {page:?}");
    }
    let wrong = env.run_on_coloured_terminal("daily --order up");
    assert!(wrong.contains('\u{1b}') && !wrong.contains("\u{1b}[33m"), "{wrong:?}");
}

#[test]
fn help_and_wrong_words_are_as_colourful_as_was_wished() {
    let env = TestEnv::new();
    let has_colour = |words: &str| env.run_on_coloured_terminal(words).contains('\u{1b}');
    assert!(has_colour("daily --help") && has_colour("daily --wrong"));
    for words in ["--help --no-color", "daily --wrong --color never", "daily --color=never --help"] {
        assert!(!has_colour(words), "{words}");
    }
    assert!(env.run("daily --help --color always").stdout.contains('\u{1b}'));
    assert!(!env.run("daily --help").stdout.contains('\u{1b}'));
}

#[test]
fn no_figure_is_dimmed() {
    let env = busy().with("COLUMNS", "60");
    for words in ["", "daily --breakdown", "blocks --active", "explain today", "explain 1111", "project"] {
        let page = shown(&env, words);
        for dim in page.split("\u{1b}[2m").skip(1).filter_map(|rest| rest.split('\u{1b}').next()) {
            assert!(dim.chars().all(|c| c == '─'), "{words}: {dim:?}");
        }
    }
}
