//! Files of older tools: written where the user wants it and nobody else does, and named when they stay broken.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::limits::{later, machine};
use crate::logins::{ANN, BEA, Login, assert_no_token, minutes_ago};
use crate::sealed::{Call, TestEnv};
use crate::service::{Service, body, status, usage};

const FOLDER: &str = ".claude/session-health";
const QUOTA: &str = "hot-swap-quota.json";
const MERGED: &str = "merged-quota-cache.json";
const BILLING: &str = "billing-shared.json";

/// These logins, a service that may be asked, and older tools that are to be told.
fn sharing(logins: &[Login], service: &Service) -> TestEnv {
    machine(logins, &format!("{}share_session_health = true\n", service.config()))
}

fn told(env: &TestEnv, name: &str) -> Value {
    let text = fs::read_to_string(env.home().join(FOLDER).join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Another tool wrote this so many minutes ago.
fn put(env: &TestEnv, name: &str, content: &Value, minutes: i64) -> PathBuf {
    let path = env.write(&format!("{FOLDER}/{name}"), &content.to_string());
    set_age(&path, minutes);
    path
}

fn set_age(path: &Path, minutes: i64) {
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(minutes_ago(minutes).unsigned_abs());
    fs::File::options().write(true).open(path).unwrap().set_modified(at).unwrap();
}

fn theirs(email: &str, five_hour: u32, minutes: i64) -> Value {
    json!({"email": email, "five_hour_util": five_hour, "seven_day_util": 20, "last_fetched": minutes_ago(minutes),
        "is_fresh": true, "colour": "green"})
}

fn doctor(env: &TestEnv, check: &str) -> String {
    let page = env.run("doctor").stdout;
    let mut lines = page.lines().skip_while(|line| !line.contains(check));
    let first = lines.next().unwrap_or_default().to_owned();
    let rest = lines.take_while(|line| line.starts_with("         "));
    [vec![first.as_str()], rest.collect()].concat().join("\n")
}

#[test]
fn what_was_answered_is_told_to_older_tools_in_their_own_words() {
    let service = Service::start(vec![usage(42, 13), usage(73, 51)]);
    let env = sharing(&[ANN, BEA], &service);
    env.transcript("a/s.jsonl", &[Call { tokens: [1_000_000, 10, 0, 0, 0], ..Call::default() }.row()]);
    let run = env.run("limits --refresh");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.story());
    let folder = env.home().join(FOLDER);
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    let mut page = String::new();
    for name in [QUOTA, MERGED, BILLING] {
        assert_eq!(fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o777, 0o600);
        page +=
            &fs::read_to_string(folder.join(name)).unwrap().replace(env.home().to_str().unwrap(), "$HOME");
        page += "\n";
    }
    // Names of credentials in the key store hold a hash of the folder's path.
    let hash = told(&env, QUOTA)["slot-2"]["keychain_hash"].as_str().unwrap().to_owned();
    assert_eq!(hash.len(), 8, "{hash}");
    assert_snapshot!(page.replace(&hash, "HASH").replace("},\"", "},\n  \""), @r#"
    {"slot-1":{"email":"ann@example.com","five_hour_util":42,"seven_day_util":13,"weekly_budget_remaining_hours":69,"weekly_reset_day":"Fri","daily_reset_time":"14:30","five_hour_resets_at":"2026-10-20T14:30:00Z","seven_day_resets_at":"2026-10-23T09:00:00Z","last_fetched":1792497600000,"is_fresh":true,"config_dir":"$HOME/.claude","writer":"cco"},
      "slot-2":{"email":"bea@example.com","five_hour_util":73,"seven_day_util":51,"weekly_budget_remaining_hours":69,"weekly_reset_day":"Fri","daily_reset_time":"14:30","five_hour_resets_at":"2026-10-20T14:30:00Z","seven_day_resets_at":"2026-10-23T09:00:00Z","last_fetched":1792497600000,"is_fresh":true,"config_dir":"$HOME/.claude-work","keychain_hash":"HASH","writer":"cco"}}
    {"ts":1792497600,"schema_version":2,"active_slot":"slot-1","recommended_slot":"slot-1","failover_needed":false,"all_exhausted":false,"pipeline_remediation":"ok","slots":{"slot-1":{"email":"ann@example.com","status":"active","five_hour_util":42,"seven_day_util":13,"weekly_budget_remaining_hours":69,"weekly_reset_day":"Fri","daily_reset_time":"14:30","five_hour_resets_at":"2026-10-20T14:30:00Z","seven_day_resets_at":"2026-10-23T09:00:00Z","last_fetched":1792497600000,"is_fresh":true,"rank":1,"keychain_service":"Claude Code-credentials","config_dir":"$HOME/.claude","five_hour_burn_rate":16.8,"weekly_projected_util":22.1,"writer":"cco"},
      "slot-2":{"email":"bea@example.com","status":"active","five_hour_util":73,"seven_day_util":51,"weekly_budget_remaining_hours":69,"weekly_reset_day":"Fri","daily_reset_time":"14:30","five_hour_resets_at":"2026-10-20T14:30:00Z","seven_day_resets_at":"2026-10-23T09:00:00Z","last_fetched":1792497600000,"is_fresh":true,"rank":2,"keychain_service":"Claude Code-credentials-HASH","config_dir":"$HOME/.claude-work","keychain_hash":"HASH","five_hour_burn_rate":29.2,"weekly_projected_util":86.5,"writer":"cco"}},
      "writer":"cco"}
    {"costToday":5.00025,"burnRatePerHour":0,"budgetRemaining":240,"budgetPercentUsed":20,"resetTime":"16:00","totalTokens":1000010,"tokensPerMinute":0,"isFresh":true,"lastFetched":1792497600000,"writer":"cco"}
    "#);
    assert_no_token(&env, &[&run]);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 3, "nothing else stays behind");
}

#[test]
fn a_time_is_that_of_the_reading_however_often_the_file_is_written() {
    let service = Service::start(vec![usage(42, 13), status(500)]);
    let mut env = sharing(&[ANN], &service);
    assert_eq!(env.run("limits --refresh").code, 0);
    assert_eq!(told(&env, QUOTA)["slot-1"]["is_fresh"], true);
    for seconds in [700, 1_400, 170_000] {
        env = later(env, seconds);
        let _ = env.run("limits --refresh");
        let (quota, merged) = (told(&env, QUOTA), told(&env, MERGED));
        for slot in [&quota["slot-1"], &merged["slots"]["slot-1"]] {
            if seconds < 170_000 {
                assert_eq!(slot["five_hour_util"], 42);
            } else {
                assert!(slot.get("five_hour_util").is_none(), "the five hours have ended: {slot}");
            }
            assert_eq!(slot["last_fetched"], minutes_ago(0), "{seconds}: {slot}");
            assert_eq!(slot["is_fresh"], false, "{seconds}: {slot}");
        }
        assert_eq!(merged["ts"], minutes_ago(0) / 1_000 + seconds, "it says only when it was written");
        assert_eq!(merged["pipeline_remediation"], "unknown");
    }
}

#[test]
fn a_dead_login_is_told_as_one_and_nothing_of_it_is_young() {
    let service = Service::start(vec![usage(42, 13), status(401)]);
    let env = sharing(&[ANN], &service);
    let _ = env.run("limits --refresh");
    let env = later(env, 200);
    let _ = env.run("limits --refresh");
    let merged = told(&env, MERGED);
    let slot = &merged["slots"]["slot-1"];
    let words = (&slot["status"], &slot["deactivation_reason"], &slot["is_fresh"], &slot["five_hour_util"]);
    assert_eq!(words, (&json!("expired"), &json!("error_401"), &json!(false), &json!(42)));
    assert_eq!((&merged["all_exhausted"], &merged["failover_needed"]), (&json!(true), &json!(true)));
    assert_eq!(merged["pipeline_remediation"], "blocked_auth_required");
    assert_eq!(merged["recommended_slot"], "none");
    assert!(slot.get("rank").is_none(), "{slot}");
}

#[test]
fn of_what_is_not_known_nothing_is_told() {
    let service = Service::start(vec![status(500)]);
    let env = sharing(&[ANN], &service);
    let _ = env.run("limits --refresh");
    assert_eq!(told(&env, QUOTA), json!({}));
    let slot = told(&env, MERGED)["slots"]["slot-1"].clone();
    for name in ["five_hour_util", "seven_day_util", "last_fetched", "rank", "weekly_reset_day"] {
        assert!(slot.get(name).is_none(), "{name}: {slot}");
    }
    assert_eq!(slot["is_fresh"], false);
    assert!(!env.home().join(FOLDER).join(BILLING).exists(), "nothing was ever counted");
    assert!(!TestEnv::new().run("limits --refresh").stdout.contains("session-health"));
}

#[test]
fn it_is_off_until_it_is_set_and_made_up_data_is_not_shared() {
    let service = Service::start(vec![usage(42, 13)]);
    let env = machine(&[ANN], &service.config());
    let _ = env.run("limits --refresh");
    let _ = env.run("config set limits.share_session_health true");
    let _ = env.run("limits --refresh --demo");
    let _ = env.run("limits");
    assert!(!env.home().join(FOLDER).exists());
    let stderr = env.run("limits --refresh").stderr;
    assert!(!stderr.contains("effect") && !stderr.contains("warning"), "{stderr}");
    assert!(env.home().join(FOLDER).join(QUOTA).exists());
}

#[test]
fn what_another_tool_keeps_up_to_date_is_left_alone_and_doctor_says_so() {
    let service = Service::start(vec![usage(42, 13)]);
    let env = sharing(&[ANN], &service);
    let slots = json!({"slot-3": theirs(ANN.email, 7, 2)});
    let quota = put(&env, QUOTA, &slots, 2);
    let merged =
        put(&env, MERGED, &json!({"ts": minutes_ago(2) / 1_000, "active_slot": "slot-3", "slots": slots}), 2);
    let before = [&quota, &merged].map(|path| fs::read(path).unwrap());
    let run = env.run("limits --refresh");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!([&quota, &merged].map(|path| fs::read(path).unwrap()), before);
    assert_snapshot!(doctor(&env, "limits.sharing"), @r"
    note     limits.sharing         another program keeps 2 files up to date; cco leaves them alone
             $HOME/.claude/session-health/hot-swap-quota.json
             $HOME/.claude/session-health/merged-quota-cache.json
             fix: stop that program, or `cco config set limits.share_session_health false`
    ");
    // It has stopped: its slot goes on under its name, with what else it says.
    set_age(&quota, 11);
    let stopped = slots.to_string().replace(&minutes_ago(2).to_string(), &minutes_ago(11).to_string());
    fs::write(&quota, stopped).unwrap();
    set_age(&quota, 11);
    let env = later(env, 200);
    let _ = env.run("limits --refresh");
    let slot = told(&env, QUOTA)["slot-3"].clone();
    assert_eq!(
        (&slot["five_hour_util"], &slot["colour"], &slot["writer"]),
        (&json!(42), &json!("green"), &json!("cco"))
    );
    assert_eq!(fs::read(&merged).unwrap(), before[1], "each file for itself");
}

#[test]
fn slots_of_others_stay_and_ours_are_not_read_back() {
    let service = Service::start(vec![usage(42, 13), status(500)]);
    let env = sharing(&[ANN], &service);
    let other = theirs("else@example.com", 88, 30);
    put(&env, QUOTA, &json!({"slot-1": other}), 30);
    let _ = env.run("limits --refresh");
    let quota = told(&env, QUOTA);
    assert_eq!((&quota["slot-1"], &quota["slot-2"]["five_hour_util"]), (&other, &json!(42)));
    // What stands in our own slot is no news, whatever somebody makes of it.
    let text = quota.to_string().replace("42", "99");
    let ours = put(&env, QUOTA, &serde_json::from_str(&text).unwrap(), 0);
    let env = later(env, 60);
    let run = env.run("limits --json");
    assert_eq!(run.json()["accounts"][0]["windows"][0]["percent"], 42.0, "{}", run.story());
    assert!(ours.exists());
}

#[test]
fn a_switchers_own_names_and_choices_are_kept() {
    let service = Service::start(vec![usage(42, 13), usage(10, 5)]);
    let env = sharing(&[ANN, BEA], &service);
    env.write(
        ".claude/hot-swap/claude-sessions.yaml",
        &format!(
            "active_account: slot-8\naccounts:\n  slot-8: {{email: {}, status: active}}\n  slot-4: {{email: {}, status: inactive}}\n",
            ANN.email, BEA.email
        ),
    );
    let _ = env.run("limits --refresh");
    let merged = told(&env, MERGED);
    assert_eq!(merged["active_slot"], "slot-8");
    assert_eq!(merged["slots"]["slot-8"]["five_hour_util"], 42);
    assert_eq!(
        (&merged["slots"]["slot-4"]["status"], &merged["slots"]["slot-4"]["five_hour_util"]),
        (&json!("inactive"), &json!(10))
    );
    assert_eq!(merged["recommended_slot"], "slot-8", "nobody is sent to what was put aside");
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_nothing_fails() {
    let service = Service::start(vec![usage(42, 13)]);
    let env = sharing(&[ANN], &service);
    env.write(FOLDER, "in the way");
    let run = env.run("limits --refresh");
    assert_eq!(run.code, 0);
    assert!(run.stdout.contains("42%"));
    assert!(
        run.stderr.contains("older tools are not told: cannot write $HOME/.claude/session-health"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_file_that_stays_broken_is_named_at_the_third_bad_read_and_what_it_said_stays() {
    let env = machine(&[ANN], "");
    let whole = json!({"slot-1": theirs(ANN.email, 42, 5)}).to_string();
    let path = env.write(&format!("{FOLDER}/{QUOTA}"), &whole);
    assert!(env.run("limits").stdout.contains("42%"));
    for length in 1..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        if length <= 3 {
            let run = env.run("limits");
            assert!(run.stdout.contains("42%") && run.stdout.contains("5 min ago"), "{}", run.story());
        }
        if length == 2 {
            assert!(doctor(&env, "limits.files").starts_with("note"), "two are none");
        }
    }
    assert_snapshot!(doctor(&env, "limits.files"), @r"
    problem  limits.files           1 file of another tool cannot be used, time and again; what it said last stays, with its age
             $HOME/.claude/session-health/hot-swap-quota.json is broken: it ends in the middle (line 1, column 139); 3 bad reads in a row, since 2026-10-20 12:00
             fix: mend it, or move it away
    ");
    assert!(doctor(&env, "limits.files").contains("3 bad reads"), "a check-up is no read");
    fs::write(&path, &whole).unwrap();
    assert_eq!(env.run("limits").code, 0);
    fs::write(&path, "{").unwrap();
    assert_eq!(env.run("limits").code, 0);
    assert!(doctor(&env, "limits.files").starts_with("note"), "a good read ends the row");
}

#[test]
fn whatever_lies_where_a_file_should_be_ends_no_run_and_stays() {
    let service = Service::start(vec![usage(42, 13)]);
    let whole = body(1, 2);
    for bad in ["", "[]", "null", "{\"slot-1\":", "\u{0}\u{1}", whole.as_str()] {
        let env = sharing(&[ANN], &service);
        let path = env.write(&format!("{FOLDER}/{QUOTA}"), bad);
        let run = env.run("limits --refresh");
        assert_eq!(run.code, 0, "{bad:?}: {}", run.story());
        assert!(run.stdout.contains("42%"), "{bad:?}: {}", run.story());
        if serde_json::from_str::<Value>(bad).is_ok_and(|value| value.is_object()) {
            continue;
        }
        assert_eq!(fs::read_to_string(path).unwrap(), bad);
        assert!(doctor(&env, "limits.sharing").contains(QUOTA), "{bad:?}");
    }
}

#[test]
fn of_one_account_the_five_hours_that_were_told_stand_beside_the_cost() {
    let service = Service::start(vec![usage(42, 13), status(500)]);
    let env = sharing(&[ANN], &service);
    env.transcript("a/s.jsonl", &[Call::default().row()]);
    let _ = env.run("limits --refresh");
    let bill = told(&env, BILLING);
    let hours = (&bill["budgetRemaining"], &bill["budgetPercentUsed"], &bill["resetTime"]);
    assert_eq!(hours, (&json!(150), &json!(42), &json!("14:30")));
    let week = (&bill["weeklyBudgetRemaining"], &bill["weeklyBudgetPercentUsed"], &bill["weeklyResetDay"]);
    assert_eq!(week, (&json!(69), &json!(13), &json!("Fri")));
    // What is told no more gives way to what is counted, and to nothing.
    let env = later(env, 600);
    let _ = env.run("limits --refresh");
    let bill = told(&env, BILLING);
    assert_eq!((&bill["budgetPercentUsed"], &bill["resetTime"]), (&json!(23.3), &json!("16:00")));
    assert_eq!(bill["lastFetched"], minutes_ago(0) + 600_000);
    assert!(bill.get("weeklyBudgetRemaining").is_none(), "{bill}");
}

#[test]
fn what_is_no_file_where_one_should_be_holds_nobody_up() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let service = Service::start(vec![usage(42, 13)]);
    type Make = fn(&Path);
    let make: [(&str, Make); 4] = [
        ("a folder", |path| fs::create_dir(path).unwrap()),
        ("a pipe", |path| mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0).unwrap()),
        ("a link to itself", |path| std::os::unix::fs::symlink(path, path).unwrap()),
        ("a gigabyte of nothing", |path| fs::File::create(path).unwrap().set_len(1 << 30).unwrap()),
    ];
    for (what, make) in make {
        let env = sharing(&[ANN], &service);
        fs::create_dir_all(env.home().join(FOLDER)).unwrap();
        let path = env.home().join(FOLDER).join(QUOTA);
        make(&path);
        let before = path.symlink_metadata().unwrap().len();
        let run = env.run("limits --refresh");
        assert_eq!(run.code, 0, "{what}: {}", run.story());
        assert!(run.stdout.contains("42%"), "{what}: {}", run.story());
        assert_eq!(path.symlink_metadata().unwrap().len(), before, "{what}");
        assert!(doctor(&env, "limits.sharing").contains(QUOTA), "{what}");
        assert!(env.home().join(FOLDER).join(MERGED).exists(), "{what}: each file for itself");
    }
}
