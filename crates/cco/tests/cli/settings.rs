//! `cco config`: what is set and why, changes that touch nothing else, checks, and an editor.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use insta::assert_snapshot;

use crate::sealed::{Call, TestEnv};

/// A file that another program shares, with all that people write.
const SHARED: &str = "# mine\r\n\r\n[tools.x] # theirs\r\n\tkey= [ 1,2 , ]\r\nwhen = 2026-01-01\r\n\r\n[stats]   # ours\r\n  timezone='UTC'   # home\r\nnew_key = {a=1}\r\n\r\n[[list]]\r\nx=1\r\n[[list]]\r\nx = nan";

fn text(env: &TestEnv) -> String {
    fs::read_to_string(env.home().join(".cco/config.toml")).unwrap()
}

#[test]
fn every_value_is_shown_with_its_source() {
    let env = TestEnv::new();
    assert_snapshot!(env.run("config show").story(), @r"
    exit 0
    -- stdout
    stats.enabled = true                 # default
    stats.update_interval_secs = 5       # default
    stats.retention_days is not set      # default, no effect yet
    stats.database_path is not set       # default
    stats.timezone is not set            # default
    stats.watch.paths = []               # default
    stats.watch.debounce_ms = 100        # default
    limits.endpoint is not set           # default
    limits.base_url is not set           # default
    limits.user_agent is not set         # default
    limits.keychain = false              # default
    limits.share_session_health = false  # default
    limits.client_id is not set          # default
    limits.token_url is not set          # default
    accounts.config_dirs = []            # default
    accounts.managed = []                # default
    statusline.preset is not set         # default
    statusline.lines is not set          # default
    statusline.color is not set          # default
    statusline.colors is not set         # default
    statusline.thresholds is not set     # default
    statusline.compact_at = 83           # default
    statusline.links = true              # default
    daemon.listen is not set             # default
    daemon.allow_remote = false          # default
    daemon.hosts = []                    # default
    daemon.open_reads = false            # default
    daemon.autostart = true              # default
    ");
    env.config("[stats]\ntimezone = \"Asia/Tokyo\"\n[stats.watch]\npaths = ['~/a', \"b\"]\n[prices.\"a/b\"]\ninput = 3.50\n");
    assert_snapshot!(env.run("config show").stdout, @r#"
    stats.enabled = true                 # default
    stats.update_interval_secs = 5       # default
    stats.retention_days is not set      # default, no effect yet
    stats.database_path is not set       # default
    stats.timezone = "Asia/Tokyo"        # $HOME/.cco/config.toml:2
    stats.watch.paths = ["~/a", "b"]     # $HOME/.cco/config.toml:4
    stats.watch.debounce_ms = 100        # default
    limits.endpoint is not set           # default
    limits.base_url is not set           # default
    limits.user_agent is not set         # default
    limits.keychain = false              # default
    limits.share_session_health = false  # default
    limits.client_id is not set          # default
    limits.token_url is not set          # default
    accounts.config_dirs = []            # default
    accounts.managed = []                # default
    statusline.preset is not set         # default
    statusline.lines is not set          # default
    statusline.color is not set          # default
    statusline.colors is not set         # default
    statusline.thresholds is not set     # default
    statusline.compact_at = 83           # default
    statusline.links = true              # default
    daemon.listen is not set             # default
    daemon.allow_remote = false          # default
    daemon.hosts = []                    # default
    daemon.open_reads = false            # default
    daemon.autostart = true              # default
    prices."a/b".input = 3.5             # $HOME/.cco/config.toml:5
    "#);
    env.config("[stats]\ndatabase_path = \"a\u{202e}b\"\n");
    assert!(!env.run("config show").stdout.contains('\u{202e}'), "what a file says cannot disguise itself");
    env.config("[stats]\ntimezone = \"Asia/Tokyo\"\n[prices.\"a/b\"]\ninput = 3.50\n");
    let env = env.with("CCO_TIMEZONE", "Europe/Berlin");
    let source = |words: &str| {
        let json = env.run(words).json();
        let zone = json["settings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["key"] == "stats.timezone")
            .unwrap()
            .clone();
        [&zone["value"], &zone["source"], &zone["place"]].map(|text| text.as_str().unwrap().to_owned())
    };
    assert_eq!(source("config show --json"), ["Europe/Berlin", "environment", "CCO_TIMEZONE"]);
    assert_eq!(source("config show --json -z UTC"), ["UTC", "flag", "--timezone"]);
    assert_eq!(env.run("config show --json").json()["prices"][0]["rates"]["input"], "3.5");
}

#[test]
fn settings_that_cannot_be_used_are_refused_as_reports_refuse_them() {
    let env = TestEnv::new();
    env.config("[stats]\ntimezone = \"Berlin\"\n");
    assert_eq!(env.run("config show").story(), env.run("daily").story());
    env.config("[stats\n");
    let refused = env.run("daily").story();
    assert_eq!(env.run("config show").story(), refused);
    assert_eq!(env.run("config set stats.timezone UTC").story(), refused);
    assert_eq!(text(&env), "[stats\n");
}

#[test]
fn the_path_is_data_wherever_it_leads() {
    let env = TestEnv::new();
    assert_snapshot!(env.run("config path").story(), @r"
    exit 0
    -- stdout
    $HOME/.cco/config.toml
    -- stderr
    note: there is no such file: all settings are defaults
    ");
    env.config("");
    assert_snapshot!(env.run("config path").story(), @r"
    exit 0
    -- stdout
    $HOME/.cco/config.toml
    ");
    assert_eq!(env.run("config path --json").json()["exists"], true);
    assert_snapshot!(env.without("HOME").run("config path").story(), @r"
    exit 1
    -- stderr
    error: neither CCO_HOME nor HOME is set: there is no place for settings
    ");
}

#[test]
fn what_is_taken_out_leaves_every_other_byte_and_says_what_holds_now() {
    let env = TestEnv::new();
    assert_snapshot!(env.run("config unset stats.timezone").story(), @r"
    exit 0
    -- stderr
    note: stats.timezone is not set in $HOME/.cco/config.toml; nothing else sets it
    ");
    assert!(!env.home().join(".cco").exists(), "nothing is made where nothing is taken out");
    env.config(SHARED);
    assert_snapshot!(env.run("config unset stats.timezone").story(), @r"
    exit 0
    -- stderr
    note: stats.timezone is taken out of $HOME/.cco/config.toml; nothing else sets it
    ");
    assert_eq!(text(&env), SHARED.replace("timezone='UTC'", ""));
    assert_eq!(env.run("config unset stats.timezone").code, 0, "what is not set can be taken out again");

    env.config("[stats]\ntimezone = \"UTC\"\nenabled = false\n[prices.\"acme-1\"]\ninput = 3\n[prices.claude-opus-4-8]\ninput = 3\n");
    assert_snapshot!(env.run("config unset stats.enabled").stderr, @"note: stats.enabled is taken out of $HOME/.cco/config.toml; it is true now (default)");
    assert_snapshot!(env.run("config unset prices.acme-1.input").stderr, @r#"
    note: prices."acme-1".input is taken out of $HOME/.cco/config.toml; such tokens have no price now
    hint: calls that have a price keep it; `cco reprice --dry-run` shows what the new one changes
    "#);
    let opus = env.run("config unset prices.claude-opus-4-8.input").stderr;
    assert!(opus.contains("; its rate is 5 now (price list "), "{opus}");
    assert_eq!(text(&env), "[stats]\ntimezone = \"UTC\"\n[prices.\"acme-1\"]\n[prices.claude-opus-4-8]\n");
    assert_snapshot!(env.run("config unset stats.timezon").story(), @r#"
    exit 2
    -- stderr
    error: no setting is called `stats.timezon`
    hint: did you mean `stats.timezone`?
    hint: `cco config show` names them all; prices are set as prices."MODEL".input
    "#);
    let env = env.with("CCO_TIMEZONE", "Asia/Tokyo");
    assert_snapshot!(env.run("config unset stats.timezone").stderr, @r#"note: stats.timezone is taken out of $HOME/.cco/config.toml; it is "Asia/Tokyo" now (CCO_TIMEZONE)"#);
    env.config("[stats]\ntimezone.x = 1\n[prices.acme.input]\nx = 1\n");
    assert_eq!(env.run("config unset stats.timezone").code, 1);
    assert_snapshot!(env.run("config unset prices.acme.input").story(), @r#"
    exit 1
    -- stderr
    error: $HOME/.cco/config.toml: there is no way to take `prices."acme".input` out that leaves the rest as it is
    hint: write it by hand: `cco config edit`
    "#);
}

#[test]
fn a_change_leaves_every_other_byte_alone() {
    let env = TestEnv::new();
    env.config(SHARED);
    let run = env.run("config set stats.timezone Asia/Tokyo");
    assert_snapshot!(run.story(), @r#"
    exit 0
    -- stderr
    note: stats.timezone = "Asia/Tokyo" in $HOME/.cco/config.toml
    "#);
    assert_eq!(text(&env), SHARED.replace("'UTC'", "\"Asia/Tokyo\""));
    assert_eq!(env.run_words(&["config", "set", "stats.watch.paths", "~/a b", "c"]).code, 0);
    let now = text(&env);
    assert_eq!(env.run("config set stats.timezone UTC").code, 0);
    assert!(now.contains("paths = [\"~/a b\", \"c\"]\r\n"), "{now}");
    let rest = |text: &str| -> Vec<String> {
        let ours =
            |line: &&str| !line.contains("timezone") && !line.contains("watch") && !line.contains("paths");
        text.split_inclusive('\n')
            .map(str::trim_end)
            .filter(ours)
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(rest(&text(&env)), rest(SHARED));
    assert_eq!(env.run("config show --json").json()["settings"][4]["value"], "UTC");
}

#[test]
fn a_new_file_is_private_and_a_link_stays_one() {
    let env = TestEnv::new();
    assert_eq!(env.run("config set stats.timezone UTC").code, 0);
    let mode = |path: &str| fs::metadata(env.home().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(".cco"), mode(".cco/config.toml")), (0o700, 0o600));
    assert_eq!(fs::read_dir(env.home().join(".cco")).unwrap().count(), 1, "nothing is left beside it");

    let link = env.home().join(".cco/config.toml");
    fs::remove_file(&link).unwrap();
    let real = env.write("dotfiles/cco.toml", "# theirs\n");
    symlink("../dotfiles/cco.toml", &link).unwrap();
    assert_eq!(env.run("config set stats.timezone UTC").code, 0);
    assert!(link.is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), "# theirs\n\n[stats]\ntimezone = \"UTC\"\n");
    // One that leads nowhere yet.
    fs::remove_file(&real).unwrap();
    assert_eq!(env.run("config set stats.timezone UTC").code, 0);
    assert!(link.is_symlink() && real.is_file());
}

#[test]
fn a_file_that_cannot_be_written_stays_and_so_does_everything_beside_it() {
    let env = TestEnv::new();
    env.config("# mine\n");
    fs::set_permissions(env.home().join(".cco"), fs::Permissions::from_mode(0o500)).unwrap();
    env.give_away();
    if let Some(run) = env.run_bound("config set stats.timezone UTC") {
        assert_snapshot!(run.story(), @r"
        exit 1
        -- stderr
        error: cannot write $HOME/.cco/config.toml: permission denied
        hint: check that the folder is there, can be written and has room
        ");
    }
    assert_eq!(text(&env), "# mine\n");
    assert_eq!(fs::read_dir(env.home().join(".cco")).unwrap().count(), 1);
    fs::set_permissions(env.home().join(".cco"), fs::Permissions::from_mode(0o700)).unwrap();
    // A folder and a pipe at its place are no settings.
    fs::remove_file(env.home().join(".cco/config.toml")).unwrap();
    fs::create_dir(env.home().join(".cco/config.toml")).unwrap();
    assert_eq!(env.run("config set stats.timezone UTC").code, 1);
    assert!(env.home().join(".cco/config.toml").is_dir());
}

#[test]
fn two_that_set_at_once_lose_nothing() {
    let env = TestEnv::new();
    for round in 0..10 {
        std::thread::scope(|scope| {
            let zone = scope.spawn(|| env.run("config set stats.timezone UTC").code);
            let days = scope.spawn(|| env.run("config set stats.retention_days 30").code);
            assert_eq!((zone.join().unwrap(), days.join().unwrap()), (0, 0));
        });
        let text = text(&env);
        assert!(text.contains("timezone") && text.contains("retention_days"), "{round}: {text}");
        fs::remove_file(env.home().join(".cco/config.toml")).unwrap();
    }
}

#[test]
fn wrong_values_and_names_change_nothing() {
    let env = TestEnv::new();
    env.config(SHARED);
    let mut told = String::new();
    for words in [
        "stats.timezone Berlin",
        "stats.timezon UTC",
        "timezone UTC",
        "stats.retention_days 0",
        "stats.retention_days -3",
        "stats.enabled yes",
        "prices.m.input cheap",
        "daemon.listen x",
        "tools.x.key 1",
    ] {
        let run = env.run(&format!("config set {words}"));
        assert_eq!((run.code, text(&env).as_str()), (2, SHARED), "{words}");
        told += &run.stderr;
    }
    assert_snapshot!(told, @r#"
    error: `stats.timezone`: no time zone is called "Berlin"
    hint: did you mean Europe/Berlin?
    error: no setting is called `stats.timezon`
    hint: did you mean `stats.timezone`?
    hint: `cco config show` names them all; prices are set as prices."MODEL".input
    error: no setting is called `timezone`
    hint: did you mean `stats.timezone`?
    hint: `cco config show` names them all; prices are set as prices."MODEL".input
    error: `stats.retention_days` must be a whole number, 1 or more, not the number 0
    hint: for example: retention_days = 365
    error: `stats.retention_days` must be a whole number, 1 or more, not the number -3
    hint: for example: retention_days = 365
    error: `stats.enabled` must be true or false, not a string
    hint: for example: enabled = true
    error: `prices."m".input` must be a price: zero or more, with up to six places
    hint: dollars for a million tokens, for example: input = 3.75
    error: `daemon.listen`: "x" is no address with a port
    hint: 127.0.0.1:3003, or [::1]:3003
    error: no setting is called `tools.x.key`
    hint: `cco config show` names them all; prices are set as prices."MODEL".input
    "#);
    assert_eq!(env.run("config set stats.timezone").code, 2);
}

#[test]
fn what_goes_before_the_file_and_what_has_no_effect_is_said() {
    let env = TestEnv::new().with("CCO_TIMEZONE", "UTC");
    assert_snapshot!(env.run("config set stats.timezone Asia/Tokyo").stderr, @r#"
    note: stats.timezone = "Asia/Tokyo" in $HOME/.cco/config.toml
    warning: CCO_TIMEZONE is set and goes before the file
    "#);
    assert_snapshot!(env.run("config set stats.retention_days 90").stderr, @r"
    note: stats.retention_days = 90 in $HOME/.cco/config.toml
    warning: `stats.retention_days` has no effect in this version: all calls are kept
    ");
}

#[test]
fn a_price_that_is_set_prices() {
    let env = TestEnv::new();
    env.transcript(
        "a/s.jsonl",
        &[Call { model: "acme/m.1", tokens: [1000, 0, 0, 0, 0], ..Call::default() }.row()],
    );
    for class in ["input", "output", "cache_write_5m", "cache_write_1h", "cache_read"] {
        assert_eq!(env.run(&format!("config set prices.acme/m.1.{class} 3.75")).code, 0);
    }
    assert_eq!(text(&env).matches("[prices.\"acme/m.1\"]").count(), 1, "{}", text(&env));
    assert!(env.run("daily --json").stdout.contains("\"totalCost\": 0.00375"));
    assert_eq!(env.run("config get prices.acme/m.1.cache_read").stdout, "3.75\n");
    assert_eq!(env.run("config get prices.claude-opus-4-8.input").stdout, "5\n");
    let json = env.run("config get prices.acme/m.1.input --json").json();
    assert_eq!((&json["value"], &json["source"]), (&"3.75".into(), &"file".into()));
    assert_eq!(env.run("config get prices.unheard-of.input").code, 1);
    for class in ["input", "output", "cache_write_5m", "cache_write_1h", "cache_read"] {
        assert_eq!(env.run(&format!("config unset prices.acme/m.1.{class}")).code, 0);
    }
    assert_eq!(env.run("config check").story(), "exit 0\n-- stdout\n$HOME/.cco/config.toml: all is well\n");
}

#[test]
fn a_check_says_all_that_is_wrong() {
    let env = TestEnv::new();
    assert_snapshot!(env.run("config check").story(), @r"
    exit 0
    -- stdout
    $HOME/.cco/config.toml: there is no such file: all settings are defaults
    ");
    env.config("[stats]\ntimezone = \"Berlin\"\ntimezon = 1\nretention_days = 9\n[prices.m]\ninput = 1\n");
    assert_snapshot!(env.run("config check").story(), @r#"
    exit 3
    -- stderr
    warning: $HOME/.cco/config.toml:2: `stats.timezone`: no time zone is called "Berlin"
    hint: did you mean Europe/Berlin?
    warning: $HOME/.cco/config.toml:3: unknown key `stats.timezon`; did you mean `timezone`?
    warning: $HOME/.cco/config.toml:5: `prices."m"` lacks output, cache_write_5m, cache_write_1h, cache_read; calls with such tokens have no price
    hint: add below [prices."m"], in dollars for a million tokens, such as output = 15 (0 if free)
    note: $HOME/.cco/config.toml: no effect in this version: `stats.retention_days` (line 4: all calls are kept)
    "#);
    let json = env.run("config check --json");
    assert_eq!((json.code, json.json()["problems"].as_array().unwrap().len()), (3, 3));
    env.config("[stats\n");
    assert_eq!(env.run("config check").code, 3);
    env.config("[another]\nx = 1\n[stats]\nretention_days = 9\n");
    assert_eq!(env.run("config check").code, 0);
    fs::remove_file(env.home().join(".cco/config.toml")).unwrap();
    fs::create_dir(env.home().join(".cco/config.toml")).unwrap();
    assert_eq!(env.run("config check").code, 1);
}

#[test]
fn an_editor_is_run_without_a_shell_and_its_work_is_checked() {
    let env = TestEnv::new();
    let editor = env.write(
        "bin/editor",
        "#!/bin/sh\necho \"$1|$2\" > \"$HOME/said\"\necho '[stats]\ntimezon = 1' >> \"$2\"\n",
    );
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).unwrap();
    let line = format!("{} ;$(x)", editor.display());
    let env = env.with("VISUAL", &line).with("EDITOR", "false");
    let run = env.run("config edit");
    // The template has its own [stats]: twice is an error of the file.
    assert_eq!(run.code, 3, "{}", run.story());
    let said = fs::read_to_string(env.home().join("said")).unwrap();
    assert_eq!(said, format!(";$(x)|{}\n", env.home().join(".cco/config.toml").display()));
    assert!(text(&env).starts_with("# Settings of cco."));
    let mode = fs::metadata(env.home().join(".cco/config.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    env.config("# mine\n");
    let run = env.run("config edit");
    assert_snapshot!(run.story(), @r"
    exit 3
    -- stderr
    warning: $HOME/.cco/config.toml:3: unknown key `stats.timezon`; did you mean `timezone`?
    ");
    assert_eq!(text(&env), "# mine\n[stats]\ntimezon = 1\n", "a file that is there is not touched first");
    assert_snapshot!(env.with("VISUAL", "/no/such/editor -w").run("config edit").story(), @r#"
    exit 1
    -- stderr
    error: cannot start "/no/such/editor": not there
    hint: set VISUAL or EDITOR to the editor of your choice
    "#);
    let env = TestEnv::new().with("EDITOR", "false");
    assert_snapshot!(env.run("config edit").story(), @r#"
    exit 1
    -- stderr
    error: "false" ended with exit status: 1; nothing was checked
    hint: set VISUAL or EDITOR to the editor of your choice
    "#);
    assert_eq!(TestEnv::new().with("EDITOR", "true").run("config edit").code, 0);
}
