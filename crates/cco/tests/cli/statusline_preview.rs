//! `cco statusline preview`: what each preset looks like, without anybody's data.

use insta::assert_snapshot;

use crate::sealed::TestEnv;

#[test]
fn every_preset_is_shown_with_made_up_data() {
    let env = TestEnv::new();
    assert_snapshot!(env.run("statusline preview").story(), @r"
    exit 0
    -- stdout
    classic: two lines: the session, and its limits and costs
    📁:~/app 🌿:main+2-1*3 🤖:Opus4.6 🧠:92k-free[====-----|--]
    🕐:13:18|⌛:2h15m(73%)|📅:28h(41%)@Mon 💰:$2.50|$4.00/h 📊:83.4Mtok(521ktpm)

    compact: all that matters on one line
    📁:~/app 🌿:main+2-1*3 🤖:Opus4.6 🧠:92k-free[====-----|--] ⌛:2h15m(73%)|📅:28h(41%)@Mon 💰:$2.50|$4.00/h

    plain: as classic, in plain letters
    ~/app main+2-1*3 Opus4.6 ctx:92k-free[====-----|--]
    13:18|5h:2h15m(73%)|week:28h(41%)@Mon $2.50|$4.00/h 83.4Mtok(521ktpm)

    powerline: two lines of coloured bars, for fonts that have their arrows
     📁:~/app  🌿:main+2-1*3  🤖:Opus4.6  🧠:92k-free[====-----|--] 
     🕐:13:18  ⌛:2h15m(73%)  📅:28h(41%)@Mon  💰:$2.50|$4.00/h  📊:83.4Mtok(521ktpm) 
    -- stderr
    hint: `cco statusline install --preset NAME` lets Claude Code show one
    ");
    assert!(!env.home().join(".cco").exists(), "a look leaves nothing");
}

#[test]
fn it_fits_the_terminal_or_the_columns_that_are_named() {
    let env = TestEnv::new();
    assert_snapshot!(env.run_on_terminal("statusline preview classic", 60), @r"
    classic: two lines: the session, and its limits and costs
    📁:~/app 🌿:main+2-1*3 🤖:Opus4.6 🧠:92k-free[====-----|--]
    🕐:13:18|⌛:2h15m(73%)|📅:28h(41%)@Mon 💰:$2.50 📊:83.4Mtok
    hint: `cco statusline install --preset NAME` lets Claude
      Code show one
    ");
    assert_snapshot!(env.run("statusline preview plain compact --columns 40").stdout, @r"
    plain: as classic, in plain letters
    ~/app main+2-1*3 Opus4.6 ctx:92k-free
    13:18|5h:73%|week:41% $2.50 83.4Mtok

    compact: all that matters on one line
    📁:~/app 🤖:Opus4.6 🧠:92k ⌛:73%|📅:41%
    ");
}

#[test]
fn what_is_set_comes_first() {
    let env = TestEnv::new();
    env.config("[statusline]\nlines = [[\"model\", \"text:|\", \"clock\"]]\n");
    let page = env.run("statusline preview").stdout;
    let yours = "yours: as `[statusline]` in config.toml sets it\n🤖:Opus4.6 | 🕐:13:18\n\nclassic: ";
    assert!(page.starts_with(yours), "{page}");
    assert!(env.run("statusline preview compact").stdout.starts_with("compact: "));
}

#[test]
fn it_has_the_colours_of_the_terminal() {
    let env = TestEnv::new().with("TERM", "xterm-256color");
    let page = env.run_on_coloured_terminal("statusline preview powerline");
    assert!(page.contains("\u{1b}[") && page.contains("48;5;"), "{page:?}");
    let env = env.with("NO_COLOR", "1");
    let plain = env.run_on_coloured_terminal("statusline preview powerline");
    assert!(!plain.contains("\u{1b}["), "{plain:?}");
}

#[test]
fn time_lists_every_segment_with_what_it_costs() {
    let env = TestEnv::new();
    let json = env.run("statusline preview --time --json").json();
    let segments = json["segments"].as_array().unwrap();
    assert!(segments.len() > 20 && segments.iter().all(|it| it["nanoseconds"].as_u64() > Some(0)));
    let page = env.run("statusline preview --time").stdout;
    assert!(page.lines().count() == segments.len() + 1 && page.contains("five_hour"), "{page}");
    assert_eq!(env.run("statusline preview --time classic").code, 2);
}

#[test]
fn programs_get_the_lines_without_colour() {
    let env = TestEnv::new();
    let json = env.run("statusline preview classic --json --color always").json();
    let lines = json["presets"][0]["lines"].as_array().unwrap();
    assert_eq!((json["presets"][0]["preset"].as_str(), lines.len()), (Some("classic"), 2));
    assert!(!lines[0].as_str().unwrap().contains('\u{1b}'));
}

#[test]
fn a_preset_that_is_none_is_told_with_those_that_are() {
    let run = TestEnv::new().run("statusline preview fancy");
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("classic, compact, plain, powerline"), "{}", run.stderr);
}
