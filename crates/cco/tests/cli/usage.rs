//! Wrong usage is refused with what to do instead, and help is data.

use insta::assert_snapshot;

use crate::sealed::{Call, TestEnv};

#[test]
fn a_span_must_not_end_before_it_starts() {
    let run = TestEnv::new().run("daily --since 2026-10-20 --until 20261019");
    assert_snapshot!(run.story(), @r"
    exit 2
    -- stderr
    error: --since 2026-10-20 is after --until 2026-10-19
    hint: both days are included; swap them
    ");
}

#[test]
fn an_unknown_zone_is_wrong_usage_with_the_nearest_name() {
    let run = TestEnv::new().run("daily --timezone Europe/Berln");
    assert_snapshot!(run.story(), @r#"
    exit 2
    -- stderr
    error: --timezone: no time zone is called "Europe/Berln"
    hint: did you mean Europe/Berlin?
    "#);
    let run = TestEnv::new().with("CCO_TIMEZONE", "Mars").run("");
    assert_snapshot!(run.story(), @r#"
    exit 2
    -- stderr
    error: CCO_TIMEZONE: no time zone is called "Mars"
    hint: names are like Europe/Berlin, America/New_York or UTC
    "#);
}

#[test]
fn a_day_that_is_none_is_wrong_usage() {
    let run = TestEnv::new().run("session -s 2026-02-30");
    assert_snapshot!(run.story(), @r"
    exit 2
    -- stderr
    error: invalid value '2026-02-30' for '--since <DAY>': no such day; a day is 2026-10-20, 20261020, today or yesterday

    For more information, try '--help'.
    ");
}

#[test]
fn today_and_yesterday_are_days_of_the_asked_zone() {
    let env = TestEnv::new();
    let call = |number, time| Call { number, time, ..Call::default() }.row();
    env.transcript("p/one.jsonl", &[call(1, "2026-10-19T23:00:00Z"), call(2, "2026-10-20T11:00:00Z")]);
    let days = |words: &str| {
        let run = env.run(&format!("daily --json {words}"));
        let days = run.json()["daily"].as_array().unwrap().clone();
        days.iter().map(|day| day["date"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(days("--since today"), "2026-10-20");
    assert_eq!(days("--until yesterday"), "2026-10-19");
    assert_eq!(days("--since yesterday --until today"), "2026-10-19 2026-10-20");
    assert_eq!(days("--since today --timezone Pacific/Kiritimati"), "2026-10-21");
    assert_eq!(days("--since yesterday --until yesterday --timezone Pacific/Kiritimati"), "2026-10-20");
    assert_snapshot!(env.run("session --since today --until 2026-10-01").story(), @r"
    exit 2
    -- stderr
    error: --since today is after --until 2026-10-01
    hint: both days are included; swap them
    ");
    let reprice = env.run("reprice --dry-run --until yesterday");
    assert_eq!(reprice.code, 0, "{}", reprice.story());
}

#[test]
fn a_session_that_is_none_is_wrong_usage() {
    let env = TestEnv::new();
    env.transcript("p/one.jsonl", &[Call::default().row()]);
    assert_eq!(env.run("session --id 1111").code, 0);
    assert_snapshot!(env.run("session --id 11112 --json").story(), @r#"
    exit 2
    -- stderr
    error: no session's id begins with "11112"
    hint: did you mean the session 11111111-1111-4111-8111-111111111111?
    hint: `cco session` lists them all
    "#);
    assert_snapshot!(env.run("session --id 21111111-1111-4111-8111-111111111111").story(), @r#"
    exit 2
    -- stderr
    error: no session's id begins with "21111111-1111-4111-8111-111111111111"
    hint: did you mean the session 11111111-1111-4111-8111-111111111111?
    hint: `cco session` lists them all
    "#);
    assert_snapshot!(env.run("session --id zebra").story(), @r#"
    exit 2
    -- stderr
    error: no session's id begins with "zebra"
    hint: `cco session` lists them all
    "#);
    let filtered = env.run("session --id 1111 --until yesterday");
    assert_snapshot!(filtered.story(), @r#"
    exit 0
    -- stderr
    note: the session "1111" has no such calls
    "#);
    assert_snapshot!(TestEnv::new().run("session --id 1111").story(), @r"
    exit 1
    -- stderr
    error: no transcripts of Claude Code found
    hint: looked in $HOME/.config/claude/projects (not there)
    hint: looked in $HOME/.claude/projects (not there)
    hint: `cco --demo` shows made-up data
    ");
}

#[test]
fn an_unknown_command_is_wrong_usage() {
    let run = TestEnv::new().run("dayly");
    assert_snapshot!(run.story(), @r"
    exit 2
    -- stderr
    error: unrecognized subcommand 'dayly'

      tip: a similar subcommand exists: 'daily'

    Usage: cco [OPTIONS] [COMMAND]

    For more information, try '--help'.
    ");
}

#[test]
fn words_of_similar_tools_that_mean_nothing_here_are_answered() {
    let env = TestEnv::new();
    let last = |words: &str| {
        let run = env.run(words);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{words}");
        run.stderr.lines().next_back().unwrap().to_owned()
    };
    assert_snapshot!(last("--since 20261001"), @"hint: --since goes with a report: cco daily --since …; cco alone shows today at a glance");
    assert_snapshot!(last("-s 20261001"), @"hint: -s goes with a report: cco daily -s …; cco alone shows today at a glance");
    assert_snapshot!(last("--breakdown --json"), @"hint: --breakdown goes with a report: cco daily --breakdown …; cco alone shows today at a glance");
    assert_snapshot!(last("today"), @"hint: cco shows today at a glance, cco daily --since today a table of it");
    for words in ["daily --wrong", "--wrong", "weekly --instances"] {
        assert!(!env.run(words).stderr.contains("hint:"), "{words}");
    }
    let near = env.run("statz").stderr;
    assert!(!near.contains("'stats'") && !near.contains("\n\n\n"), "a hidden command is no tip");
}

#[test]
fn help_is_a_word_too() {
    let env = TestEnv::new();
    assert_eq!(env.run("help").stdout, env.run("--help").stdout);
    assert_eq!(env.run("help daily").stdout, env.run("daily --help").stdout);
    assert_eq!(env.run("help config set").stdout, env.run("config set --help").stdout);
    assert_eq!(env.run("help dayly").code, 2);
}

#[test]
fn help_and_version_are_data() {
    let env = TestEnv::new();
    for words in ["--help", "-h", "daily --help", "scan -h"] {
        let run = env.run(words);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{words}");
        assert!(run.stdout.contains("Usage: cco"), "{words}");
    }
    assert_snapshot!(env.run("--version").story(), @r"
    exit 0
    -- stdout
    cco 0.1.0
    ");
    assert!(!env.home().join(".cco").exists(), "help leaves no trace");
}

#[test]
fn help_names_every_variable_that_users_may_set() {
    assert_snapshot!(TestEnv::new().run("-h").stdout, @r"
    Counts what Claude Code uses and what it costs, from its own transcripts. Nothing leaves this
    machine unless you allow it

    Usage: cco [OPTIONS] [COMMAND]

    Commands:
      daily        Use and cost by day
      weekly       Use and cost by week
      monthly      Use and cost by month
      session      Use and cost by session [alias: sessions]
      blocks       Use and cost by five-hour block, with burn rate [alias: block]
      project      Use and cost by project, dearest first [alias: projects]
      branch       Use and cost by git branch, dearest first [alias: branches]
      model        Use and cost by model, or by tool, MCP server, agent, skill or plugin [alias: models]
      explain      Where a number comes from: a day, a session, a call or a project
      limits       How near the limits of your plan are [alias: limit]
      accounts     The accounts of Claude Code on this machine [alias: account]
      scan         Read all transcripts now
      reprice      Apply the present price list to calls that another one priced
      doctor       Check everything, and say how to mend what is wrong
      statusline   Print a status line for Claude Code, from what it hands over on stdin
      daemon       Follow transcripts in the background, and serve what is known over HTTP
      dashboard    Open the web page of the daemon, which is started where none runs
      config       Show, change and check the settings
      completions  Print what a shell needs to complete cco
      man          Print the manual page

    Options:
      -j, --json             Print JSON instead of a table
      -z, --timezone <ZONE>  Time zone of days and hours, such as Europe/Berlin [default: the system's]
          --color <WHEN>     When to use colour [default: auto] [possible values: auto, always, never]
          --demo             Show made-up data instead of yours
      -O, --offline          Accepted for habit: cco never goes to the network for reports
      -h, --help             Print help (see more with '--help')
      -V, --version          Print version

    Examples:
      cco                             today at a glance
      cco daily --since 2026-10-01    by day, from the first of October
      cco monthly --breakdown         by month and model
      cco session --json              by session, for scripts
      cco project                     what each project cost
      cco blocks --live               the running five-hour block, with burn rate
      cco limits                      how near the limits of your plan are
      cco --demo                      made-up data, to have a look
      cco doctor                      is all well, and what to do if not

    Environment:
      CCO_HOME           where cco keeps its own files [default: ~/.cco]
      CCO_TIMEZONE       time zone of reports, like --timezone
      CLAUDE_CONFIG_DIR  config folders of Claude Code, by comma; replaces the defaults
      XDG_CONFIG_HOME    where claude/ is looked for [default: ~/.config]
      HOME               the home folder
      NO_COLOR           when set: no colour
      TZ                 the system's time zone
      CLAUDE_HS_HOME     where an account switcher keeps its files [default: ~/.claude-hs]
      HTTPS_PROXY        the proxy through which limits are asked for; also ALL_PROXY, NO_PROXY
      VISUAL             the editor of `cco config edit`, before EDITOR
      EDITOR             the editor of `cco config edit` [default: vi]

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a problem or a limit at its guard, 4 cannot tell
    ");
}

#[test]
fn flags_of_similar_tools_are_understood() {
    let env = TestEnv::new();
    env.transcript("a/s.jsonl", &[crate::sealed::Call::default().row()]);
    for words in [
        "daily -j -s 20261001 -u 20261031 -z UTC -O",
        "--json daily",
        "session --offline",
        "daily --no-offline --offline",
        "blocks -z UTC --mode auto",
        "daily -m calculate",
    ] {
        let run = env.run(words);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{words}");
    }
}

#[test]
fn a_habit_that_would_change_numbers_is_answered() {
    let env = TestEnv::new();
    env.transcript("a/s.jsonl", &[crate::sealed::Call::default().row()]);
    let run = env.run("daily --json --mode display");
    assert_eq!((run.code, run.json()["totals"]["calls"].as_u64()), (0, Some(1)));
    assert_snapshot!(run.stderr, @"note: --mode display shows what the other modes show: costs are always worked out from tokens");
    assert_eq!(env.run("daily --mode guess").code, 2);
}
