//! `cco doctor` on machines that are well, sick, empty and broken.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use insta::assert_snapshot;

use crate::sealed::{Call, Run, TestEnv};

/// A machine with one call taken in.
fn with_ledger() -> TestEnv {
    let env = TestEnv::new();
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    assert_eq!(env.run("scan").code, 0);
    env
}

/// Status and message of a check.
fn check(run: &Run, id: &str) -> (String, String) {
    let all = run.json();
    let found = all["checks"].as_array().unwrap().iter().find(|check| check["id"] == id);
    let found = found.unwrap_or_else(|| panic!("no {id}: {}", run.story()));
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("message"))
}

/// The ids of checks that found a problem.
fn problems(run: &Run) -> Vec<String> {
    let all = run.json();
    let checks = all["checks"].as_array().unwrap();
    let ids: Vec<String> = checks
        .iter()
        .filter(|check| check["status"] == "problem")
        .map(|check| check["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        (run.code, all["ok"].as_bool()),
        if ids.is_empty() { (0, Some(true)) } else { (3, Some(false)) }
    );
    ids
}

/// Free space is another on every machine.
fn steady(story: &str) -> String {
    let steady = |line: &str| match line.split_once("home.room") {
        Some((before, _)) => format!("{before}home.room …\n"),
        None => format!("{line}\n"),
    };
    story.lines().map(steady).collect()
}

#[test]
fn a_sound_machine_is_well() {
    let env = with_ledger();
    assert_snapshot!(steady(&env.run("doctor --deep").story()), @r"
    exit 0
    -- stdout
    ok       home.writable          $HOME/.cco can be written
    ok       home.private           only you can read it
    ok       home.room …
    ok       config.valid           the settings can be used
    ok       config.keys            every setting is known and complete
    ok       config.effect          every setting has an effect
    ok       roots.found            1 transcript under $HOME/.claude
    ok       roots.readable         every place that was named can be read
    ok       transcripts.readable   every transcript can be read
    ok       transcripts.damaged    no damaged line
    ok       transcripts.odd        no odd row
    ok       transcripts.too_large  no call is too large to be added up
    ok       transcripts.kept       Claude Code keeps transcripts for 30 days; the ledger has 1 call of 0 days
    ok       prices.complete        every call has a price
    ok       ledger.sqlite          SQLite 3.54.1
    ok       ledger.opens           $HOME/.cco/ledger.db has 1 call
    ok       ledger.whole           SQLite finds nothing wrong with the file
    ok       ledger.loaded          the first load came to its end
    ok       ledger.keys            every call has exactly one key
    ok       ledger.rollups         all sums equal their calls
    ok       limits.accounts        no directory of Claude Code holds an account
    ok       limits.logins          no account was seen yet
    ok       limits.endpoint        nobody is asked, and there is no account to ask for
    ok       limits.asking          nothing is asked
    ok       limits.managed         logins are only read
    ok       limits.files           no file of another tool is there and broken
    ok       limits.sharing         limits are not written to files of older tools
    ok       limits.credentials     no login is in a file that others can read
    ok       statusline.installed   no config directory has cco's status line; `cco statusline install` sets it
             $HOME/.claude/settings.json: no status line
    ok       statusline.runs        no status line of cco is set
    ok       statusline.unchanged   nobody changed the status line that was installed
    ok       statusline.overridden  no other setting stands in its way
    ok       daemon.runs            none runs; reports and the status line work without
    ok       daemon.parts           none runs
    ok       daemon.token           no other user can read it
    ok       daemon.installed       the system does not start it by itself
    ok       time.data              the system's time zone files are there
    ok       time.zone              reports show days of UTC (TZ), as the ledger keeps them
    ok       time.clock             no call is dated ahead of now

    39 checks: all is well
    ");
    let run = env.run("doctor --json");
    assert_eq!(problems(&run), [""; 0]);
    let json = run.json();
    let keys: Vec<&String> = json["checks"][0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["details", "fix", "id", "message", "status"]);
}

#[test]
fn an_empty_machine_is_told_where_it_was_looked_and_stays_empty() {
    let env = TestEnv::new();
    let run = env.run("doctor --json");
    assert_eq!(problems(&run), ["roots.found"]);
    assert_eq!(fs::read_dir(env.home()).unwrap().count(), 0);
    // An empty file is no ledger yet, and is not made one by looking.
    let ledger = env.write(".cco/ledger.db", "");
    assert_eq!(check(&env.run("doctor --json"), "ledger.opens").0, "ok");
    assert_eq!(fs::metadata(ledger).unwrap().len(), 0);
    // With settings that cannot be used, it is not known where the ledger would be.
    env.config("[stats]\ndatabase_path = \"/d/x.db\"\n[stats]\n");
    assert_eq!(check(&env.run("doctor --json"), "ledger.opens").0, "note");
    let nowhere = TestEnv::new().without("HOME");
    assert_eq!(problems(&nowhere.run("doctor --json")), ["home.writable", "roots.found"]);
}

#[test]
fn a_sick_machine_says_what_to_do() {
    let env = TestEnv::new();
    let torn = r#"{"type":"assistant","#.to_owned();
    let ahead = Call { number: 2, time: "2026-10-27T12:00:00Z", model: "acme-1", ..Call::default() };
    let odd =
        Call { number: 3, ..Call::default() }.row().replace("\"input_tokens\":1", "\"input_tokens\":-1");
    let path = env.transcript("a/s.jsonl", &[torn, Call::default().row(), ahead.row(), odd]);
    assert_eq!(env.run("scan").code, 0);
    env.config("[stats]\ntimezon = \"UTC\"\nretention_days = 3\n[prices.acme-2]\ninput = 1\n");
    env.write(".claude/settings.json", "{ \"cleanupPeriodDays\": 0, /* all */ }");
    let open = |path: &str, mode| {
        fs::set_permissions(env.home().join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    open(".cco", 0o755);
    open(".cco/ledger.db", 0o644);
    open(".cco/config.toml", 0o600);
    fs::remove_file(path).unwrap();
    fs::create_dir(env.home().join(".config")).unwrap();
    env.write(".config/claude/projects", "");
    assert_eq!(env.run("scan").code, 0);
    let env = env.with("TZ", "Europe/Berln");
    assert_snapshot!(steady(&env.run("doctor").story()), @r#"
    exit 3
    -- stdout
    ok       home.writable          $HOME/.cco can be written
    problem  home.private           other users of this machine may read what you use and what it costs
             $HOME/.cco has mode 0755
             $HOME/.cco/ledger.db has mode 0644
             fix: chmod 700 $HOME/.cco
    ok       home.room …
    ok       config.valid           the settings can be used
    problem  config.keys            some settings do not do what they seem to
             $HOME/.cco/config.toml:2: unknown key `stats.timezon`; did you mean `timezone`?
             $HOME/.cco/config.toml:4: `prices."acme-2"` lacks output, cache_write_5m, cache_write_1h, cache_read; calls with such tokens have no price
             fix: add below [prices."acme-2"], in dollars for a million tokens, such as output = 15 (0 if free)
    note     config.effect          $HOME/.cco/config.toml: no effect in this version: `stats.retention_days` (line 3: all calls are kept)
    ok       roots.found            0 transcripts under $HOME/.claude
    problem  roots.readable         places with transcripts cannot be read; what is new there is not counted
             $HOME/.config/claude/projects: not a folder
             fix: correct the name, or let yourself read the folder
    ok       transcripts.readable   every transcript can be read
    ok       transcripts.damaged    no damaged line
    ok       transcripts.odd        no odd row
    ok       transcripts.too_large  no call is too large to be added up
    problem  transcripts.kept       Claude Code keeps no transcripts, so nothing can be counted
             fix: set cleanupPeriodDays in $HOME/.claude/settings.json to 30 or more
    problem  prices.complete        1 model has calls without a price; their cost is in no total
             acme-1: 1 call, 11 tokens
             fix: [prices."acme-1"] in config.toml sets one (0 if free); a newer cco may know it
    ok       ledger.sqlite          SQLite 3.54.1
    ok       ledger.opens           $HOME/.cco/ledger.db has 3 calls
    ok       ledger.whole           SQLite finds nothing wrong with the file
    ok       ledger.loaded          the first load came to its end
    ok       limits.accounts        no directory of Claude Code holds an account
    ok       limits.logins          no account was seen yet
    ok       limits.endpoint        nobody is asked, and there is no account to ask for
    ok       limits.asking          nothing is asked
    ok       limits.managed         logins are only read
    ok       limits.files           no file of another tool is there and broken
    ok       limits.sharing         limits are not written to files of older tools
    ok       limits.credentials     no login is in a file that others can read
    note     statusline.installed   cco's status line is set in 0 of 2 config directories
             $HOME/.claude/settings.json: it is not valid JSON: key must be a string at line 1 column 27
             $HOME/.config/claude/settings.json: no status line
             fix: `cco statusline install --config-dir DIR` sets it in another one
    ok       statusline.runs        no status line of cco is set
    ok       statusline.unchanged   nobody changed the status line that was installed
    ok       statusline.overridden  no other setting stands in its way
    ok       daemon.runs            none runs; reports and the status line work without
    ok       daemon.parts           none runs
    ok       daemon.token           no other user can read it
    ok       daemon.installed       the system does not start it by itself
    ok       time.data              the system's time zone files are there
    problem  time.zone              TZ is "Europe/Berln", which is no time zone known here; days are those of UTC
             fix: did you mean Europe/Berlin?
    problem  time.clock             1 call is dated ahead of now, the last one by 7 days
             fix: set this machine's clock right; calls that were dated by a wrong clock keep their dates

    37 checks: 7 problems, 2 notes
    "#);
    for columns in [40, 60, 80, 100, 200] {
        // A path that is wider than the terminal is not broken.
        let screen = env.run_on_terminal("doctor", columns);
        let fits = |line: &str| line.chars().count() <= usize::from(columns) || !line.trim().contains(' ');
        assert!(screen.lines().all(fits), "{columns}: {screen}");
    }
}

#[test]
fn damaged_lines_and_odd_rows_are_named() {
    let env = TestEnv::new();
    let torn = r#"{"type":"assistant","#.to_owned();
    let odd =
        Call { number: 3, ..Call::default() }.row().replace("\"input_tokens\":1", "\"input_tokens\":-1");
    env.transcript("a/s.jsonl", &[torn, odd]);
    assert_eq!(env.run("scan").code, 0);
    let run = env.run("doctor --json");
    assert_eq!(check(&run, "transcripts.damaged").0, "note");
    assert_eq!(check(&run, "transcripts.odd").0, "note");
    assert_eq!(check(&run, "transcripts.too_large").0, "ok");
    assert!(run.stdout.contains("s.jsonl: byte 0: damaged line"), "{}", run.story());
}

#[test]
fn of_settings_that_cannot_be_read_nothing_is_claimed() {
    let env = with_ledger();
    env.config("a = [");
    let run = env.run("doctor --json");
    assert_eq!(check(&run, "config.valid").0, "problem");
    for id in ["config.keys", "config.effect", "limits.endpoint", "limits.managed"] {
        assert_eq!(check(&run, id).1, "not looked at: the settings cannot be read", "{id}");
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let env = with_ledger();
    symlink(env.home().join(".claude/projects/a"), env.home().join(".claude/projects/loop")).unwrap();
    let folder = env.home().join(".claude/projects/deep");
    fs::create_dir(&folder).unwrap();
    crate::places::unlistable_folder(&folder);
    let run = env.run("doctor --json");
    assert_eq!(problems(&run), ["transcripts.readable"]);
    assert_eq!(check(&run, "roots.found").1, "1 transcript under $HOME/.claude");
}

/// Puts something wrong at a ledger's place.
type Spoil = fn(&std::path::Path);

#[test]
fn a_ledger_that_cannot_be_opened_is_a_failed_check() {
    let spoilt: [(&str, Spoil); 5] = [
        ("another program's file", |path| fs::write(path, "not a database at all, by far").unwrap()),
        ("a folder", |path| fs::create_dir(path).unwrap()),
        ("a newer ledger", |path| {
            let mut bytes = fs::read(path.with_extension("copy")).unwrap();
            bytes[60..64].copy_from_slice(&99_i32.to_be_bytes());
            fs::write(path, bytes).unwrap();
        }),
        ("a damaged ledger", |path| {
            let mut bytes = fs::read(path.with_extension("copy")).unwrap();
            bytes[108..].fill(0xaa);
            fs::write(path, bytes).unwrap();
        }),
        ("a link that leads nowhere", |path| symlink("/nowhere/at/all", path).unwrap()),
    ];
    let mut told = String::new();
    for (what, spoil) in spoilt {
        let env = with_ledger();
        let path = env.home().join(".cco/ledger.db");
        fs::rename(&path, path.with_extension("copy")).unwrap();
        for beside in ["ledger.db-wal", "ledger.db-shm"] {
            let _gone = fs::remove_file(env.home().join(".cco").join(beside));
        }
        spoil(&path);
        let run = env.run("doctor --deep --json");
        assert_eq!(problems(&run), ["ledger.opens"], "{what}: {}", run.story());
        assert_eq!(check(&run, "ledger.rollups").0, "note", "{what}");
        told += &format!("{what}: {}\n", check(&run, "ledger.opens").1);
    }
    assert_snapshot!(told, @r"
    another program's file: the ledger cannot be opened: $HOME/.cco/ledger.db is damaged
    a folder: the ledger cannot be opened: $HOME/.cco/ledger.db is not a ledger of cco; it was left as it is
    a newer ledger: the ledger cannot be opened: $HOME/.cco/ledger.db was written by a newer cco (schema 99, this one knows 6); it was left as it is
    a damaged ledger: the ledger cannot be opened: $HOME/.cco/ledger.db: database disk image is malformed
    a link that leads nowhere: the ledger cannot be opened: $HOME/.cco/ledger.db: No such file or directory
    ");
}

#[test]
fn settings_that_cannot_be_used_do_not_stop_the_others() {
    let env = with_ledger();
    for (text, id) in [
        ("[stats\n", "config.valid"),
        ("[stats]\nenabled = 1\n", "config.valid"),
        ("[stats]\ntimezone = \"Berlin\"\n", "config.valid"),
        ("[stats]\ntimezon = \"UTC\"\n", "config.keys"),
        ("[prices.acme-1]\ninput = 1\n", "config.keys"),
    ] {
        env.config(text);
        let run = env.run("doctor --json");
        assert_eq!(problems(&run), [id], "{text}");
        assert_eq!(check(&run, "ledger.opens").0, "ok", "{text}");
    }
    env.config("");
    let elsewhere = TestEnv::new().with("CCO_TIMEZONE", "Mars");
    elsewhere.transcript("a/s.jsonl", &[]);
    assert_eq!(problems(&elsewhere.run("doctor --json")), ["config.valid"]);
    env.config("[stats]\nretention_days = 3\n");
    assert_eq!(check(&env.run("doctor --json"), "config.effect").0, "note");
    env.config("[another]\nx = 1\n");
    assert_eq!(problems(&env.run("doctor --json")), [""; 0]);
    fs::remove_file(env.home().join(".cco/config.toml")).unwrap();
    fs::create_dir(env.home().join(".cco/config.toml")).unwrap();
    assert_eq!(problems(&env.run("doctor --json")), ["config.valid"]);
}

#[test]
fn how_long_transcripts_are_kept_is_read_from_what_people_write() {
    let env = with_ledger();
    for (settings, status, words) in [
        ("", "ok", "for 30 days"),
        ("{\"cleanupPeriodDays\": 365}", "ok", "for 365 days"),
        ("\u{feff}{ // mine\n\"cleanupPeriodDays\": 2, }", "note", "for 2 days"),
        ("{ garbage", "note", "is not known"),
        ("{\"cleanupPeriodDays\": 0}", "problem", "keeps no transcripts"),
    ] {
        env.write(".claude/settings.json", settings);
        let (found, message) = check(&env.run("doctor --json"), "transcripts.kept");
        assert!(found == status && message.contains(words), "{settings}: {found} {message}");
        assert_eq!(fs::read_to_string(env.home().join(".claude/settings.json")).unwrap(), settings);
    }
}

#[test]
fn gone_transcripts_are_counted() {
    let env = with_ledger();
    fs::remove_file(env.home().join(".claude/projects/a/s.jsonl")).unwrap();
    assert_eq!(env.run("scan").code, 0);
    let (status, message) = check(&env.run("doctor --json"), "transcripts.kept");
    assert_eq!(status, "ok");
    assert_snapshot!(message, @"Claude Code keeps transcripts for 30 days; the ledger has 1 call of 0 days, 1 of them from transcripts that are gone");
}

#[test]
fn a_zone_that_differs_from_the_ledgers_is_worth_a_note() {
    let env = with_ledger();
    let zone = |env: &TestEnv, words: &str| check(&env.run(words), "time.zone");
    assert_eq!(zone(&env, "doctor --json").0, "ok");
    let (status, message) = zone(&env, "doctor --json --timezone Asia/Kathmandu");
    assert_eq!(
        (status.as_str(), message.contains("Asia/Kathmandu (--timezone)")),
        ("note", true),
        "{message}"
    );
    assert_eq!(env.run("doctor --timezone Mars").code, 2);
}

#[test]
fn deep_checks_are_only_there_when_asked_for() {
    let env = with_ledger();
    assert!(!env.run("doctor --json").stdout.contains("ledger.keys"));
    let deep = env.run("doctor --json --deep");
    assert_eq!(check(&deep, "ledger.keys").0, "ok");
    assert_eq!(check(&deep, "ledger.rollups").0, "ok");
}

#[test]
fn what_is_quoted_cannot_steer_the_terminal() {
    let env = TestEnv::new();
    let model = "ac\u{1b}[31mme\u{202e}";
    env.transcript("a\u{1b}]0;x\u{7}/s.jsonl", &[Call { model, ..Call::default() }.row(), "{\"a".to_owned()]);
    assert_eq!(env.run("scan").code, 0);
    for words in ["doctor", "doctor --json", "doctor --deep --color never"] {
        let run = env.run(words);
        assert_eq!(run.code, 3);
        assert!(!run.stdout.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{words}: {:?}", run.stdout);
    }
    let screen = env.run("doctor --color always").stdout;
    assert!(screen.contains("\u{1b}[") && !screen.contains("\u{1b}]") && !screen.contains("\u{1b}[31mme"));
}

#[test]
fn accounts_and_their_files_are_looked_at_without_asking_and_without_a_trace() {
    let env = with_ledger();
    let account =
        r#"{"oauthAccount":{"accountUuid":"a-1","organizationUuid":"o-1","emailAddress":"dev@example.com"}}"#;
    let json = env.write(".claude.json", account);
    let login = env.write(".claude/.credentials.json", r#"{"claudeAiOauth":{"accessToken":"made-up"}}"#);
    fs::set_permissions(login, fs::Permissions::from_mode(0o644)).unwrap();
    env.write(".claude/session-health/hot-swap-quota.json", "{\"slot-1\":");
    let run = env.run("doctor --json");
    assert_eq!(problems(&run), [""; 0]);
    let said = |id: &str| check(&run, id);
    assert_eq!(said("limits.accounts"), ("ok".to_owned(), "dev@example.com in $HOME/.claude".to_owned()));
    for id in ["limits.endpoint", "limits.files", "limits.credentials"] {
        assert_eq!(said(id).0, "note", "{id}: {}", run.story());
    }
    assert!(!run.stdout.contains("made-up"));
    assert_eq!(env.run("accounts --json").json()["accounts"].as_array().map(Vec::len), Some(1));
    // What cannot be used is named, whatever the ledger is like.
    fs::write(json, "{").unwrap();
    fs::write(env.home().join(".cco/ledger.db"), "no database").unwrap();
    let run = env.run("doctor --json");
    assert_eq!(problems(&run), ["ledger.opens", "limits.accounts"]);
    assert_eq!(check(&run, "limits.logins").0, "note");
    assert!(run.stdout.contains("$HOME/.claude.json"), "{}", run.story());
}
