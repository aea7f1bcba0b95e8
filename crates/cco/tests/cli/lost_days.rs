//! The story of two lost days: all logins died on a Sunday while another tool's file stayed new, and nobody was told.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use jiff::Timestamp;

use crate::sealed::{Call, Run, TestEnv};

/// A service on this machine that answers the tokens it likes, and refuses all others.
struct Service {
    url: String,
    tokens: Arc<Mutex<HashSet<String>>>,
}

impl Service {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let tokens: Arc<Mutex<HashSet<String>>> = Arc::default();
        let liked = Arc::clone(&tokens);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = BufReader::new(&stream).lines().map_while(Result::ok);
                let token = head.by_ref().take_while(|line| !line.is_empty()).find_map(|line| {
                    let (name, value) = line.split_once(": Bearer ")?;
                    name.eq_ignore_ascii_case("authorization").then(|| value.to_owned())
                });
                let likes = token.is_some_and(|token| liked.lock().unwrap().contains(&token));
                let (status, body) = if likes {
                    ("200 OK", r#"{"seven_day":{"utilization":60,"resets_at":"2026-10-23T11:30:00Z"}}"#)
                } else {
                    ("401 Unauthorized", r#"{"error":{"type":"authentication_error"}}"#)
                };
                let length = body.len();
                write!(stream, "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").unwrap();
            }
        });
        Self { url, tokens }
    }

    fn likes(&self, tokens: &[&str]) {
        *self.tokens.lock().unwrap() = tokens.iter().map(|token| (*token).to_owned()).collect();
    }
}

fn instant(at: &str) -> Timestamp {
    at.parse().unwrap()
}

/// Two accounts with sessions at work, leave to ask, and an account switcher that writes its file every minute.
struct Machine {
    env: TestEnv,
    service: Service,
}

const ACCOUNTS: [(&str, &str, &str); 2] =
    [("one", ".claude", ".claude.json"), ("two", "two", "two/.claude.json")];

impl Machine {
    fn new() -> Self {
        let (env, service) = (TestEnv::new(), Service::start());
        env.transcript("a/s.jsonl", &[Call { time: "2026-10-18T11:00:00.000Z", ..Call::default() }.row()]);
        env.config(&format!(
            "[limits]\nendpoint = true\nbase_url = \"{}\"\n[accounts]\nconfig_dirs = ['~/two']\n",
            service.url
        ));
        fs::set_permissions(env.home().join(".cco"), fs::Permissions::from_mode(0o700)).unwrap();
        for (who, folder, json) in ACCOUNTS {
            let login = serde_json::json!({ "oauthAccount": {
                "accountUuid": who, "organizationUuid": "org", "emailAddress": format!("{who}@example.com"),
            }});
            env.write(json, &login.to_string());
            // A session of this test's own process, since Sunday morning.
            let (pid, since) = (std::process::id(), instant("2026-10-18T08:00:00Z").as_millisecond());
            let session = serde_json::json!({ "pid": pid, "startedAt": since });
            env.write(&format!("{folder}/sessions/{pid}.json"), &session.to_string());
        }
        // The desktop writes down what it is told.
        let tool = env.write("bin/notify-send", "#!/bin/sh\nprintf '[%s]' \"$@\" >> \"$HOME/shown\"\n");
        fs::set_permissions(tool, fs::Permissions::from_mode(0o700)).unwrap();
        let search = format!("{}:/usr/bin:/bin", env.home().join("bin").display());
        let machine = Self { env: env.with("PATH", &search), service };
        machine.log_in("old", "2026-10-18T07:00:00Z");
        machine
    }

    /// Logs in with both accounts.
    fn log_in(&self, token: &str, at: &str) {
        for (who, folder, _) in ACCOUNTS {
            let credential =
                serde_json::json!({ "claudeAiOauth": { "accessToken": format!("{token}-{who}") } });
            let path = self.env.write(&format!("{folder}/.credentials.json"), &credential.to_string());
            let file = fs::File::options().write(true).open(path).unwrap();
            file.set_permissions(fs::Permissions::from_mode(0o600)).unwrap();
            file.set_modified(SystemTime::from(instant(at))).unwrap();
        }
    }

    /// Runs `cco` at a time. The switcher has just written its file, with what it fetched before the logins died.
    fn at(self, now: &str, words: &str) -> (Self, Run) {
        let fetched = instant("2026-10-18T12:58:00Z").as_millisecond();
        let slot = |who: &str| {
            serde_json::json!({
                "email": format!("{who}@example.com"), "status": "active", "five_hour_util": 42,
                "five_hour_resets_at": "2026-10-18T17:00:00Z", "last_fetched": fetched, "is_fresh": true,
            })
        };
        let merged = serde_json::json!({
            "ts": instant(now).as_second(), "schema_version": 2, "active_slot": "slot-1",
            "slots": { "slot-1": slot("one"), "slot-2": slot("two") },
        });
        self.env.write(".claude/session-health/merged-quota-cache.json", &merged.to_string());
        let env = self.env.with("CCO_NOW", now);
        let run = env.run(words);
        (Self { env, ..self }, run)
    }
}

/// What the desktop was told since it was last asked.
fn shown(machine: &Machine) -> String {
    let path = machine.env.home().join("shown");
    let shown = fs::read_to_string(&path).unwrap_or_default();
    _ = fs::remove_file(path);
    shown
}

/// The logins in the JSON of `cco limits`: state, and since when.
fn logins(run: &Run) -> Vec<(String, String)> {
    let json = run.json();
    let accounts = json["accounts"].as_array().unwrap_or_else(|| panic!("{}", run.story()));
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    accounts.iter().map(|known| (text(&known["login"]["state"]), text(&known["login"]["since"]))).collect()
}

fn all(state: &str, since: &str) -> Vec<(String, String)> {
    vec![(state.to_owned(), since.to_owned()); 2]
}

/// Status of a check, its message and details.
fn check(run: &Run, id: &str) -> (String, String) {
    let json = run.json();
    let found = json["checks"].as_array().unwrap().iter().find(|check| check["id"] == id).unwrap().clone();
    (found["status"].as_str().unwrap().to_owned(), found.to_string())
}

/// Both accounts are named, with since when and what to do.
fn tells(text: &str, since: &str) -> bool {
    ["one@example.com", "two@example.com", since, "claude /login"].iter().all(|part| text.contains(part))
}

#[test]
fn logins_that_die_on_a_sunday_are_told_within_minutes_and_still_on_tuesday_and_heal_by_themselves() {
    let machine = Machine::new();
    machine.service.likes(&["old-one", "old-two"]);
    let (machine, run) = machine.at("2026-10-18T13:00:00Z", "limits --refresh --json");
    assert_eq!(logins(&run), all("active", ""), "{}", run.story());
    let (machine, run) = machine.at("2026-10-18T13:01:00Z", "doctor --json");
    assert_eq!((run.code, check(&run, "limits.logins").0.as_str()), (0, "ok"), "{}", run.story());

    // All logins die. The file of the switcher is as new as ever.
    machine.service.likes(&[]);
    let (machine, run) = machine.at("2026-10-18T13:06:00Z", "limits");
    assert!(tells(&run.stdout, "since 13:06"), "{}", run.story());
    assert!(run.stdout.contains("42%🔺"), "what is known stays, marked: {}", run.story());
    let (machine, run) = machine.at("2026-10-18T13:07:00Z", "doctor --json");
    let (status, words) = check(&run, "limits.logins");
    assert_eq!((run.code, status.as_str()), (3, "problem"), "{}", run.story());
    assert!(tells(&words, "2026-10-18 13:06") && words.contains("every login is dead"), "{words}");
    let (machine, run) = machine.at("2026-10-18T13:08:00Z", "");
    assert!(tells(&run.stdout, "5 h 42%🔺"), "{}", run.story());

    // Whoever refreshes is told aloud, and once a day on the desktop.
    assert_eq!(shown(&machine), "");
    let (machine, run) = machine.at("2026-10-18T13:09:00Z", "limits --refresh");
    assert!(run.stderr.contains("every login is dead (2 accounts)"), "{}", run.story());
    let told = shown(&machine);
    assert!(tells(&told, "since 13:06") && !told.contains("old-one"), "{told}");
    let (machine, run) = machine.at("2026-10-18T13:20:00Z", "limits --refresh");
    assert!(run.stderr.contains("every login is dead (2 accounts)"), "{}", run.story());
    assert_eq!(shown(&machine), "");

    // Two days later it is still said, since when too, and nothing old is shown as if it were new.
    let (machine, run) = machine.at("2026-10-20T09:00:00Z", "limits --json");
    assert_eq!(logins(&run), all("needs_login", "2026-10-18T13:06:00.000Z"));
    let (machine, run) = machine.at("2026-10-20T09:00:00Z", "limits");
    assert!(tells(&run.stdout, "since Sun 13:06") && !run.stdout.contains("42%"), "{}", run.story());
    let (machine, run) = machine.at("2026-10-20T09:00:30Z", "doctor --json");
    assert_eq!(run.code, 3);
    assert!(tells(&check(&run, "limits.logins").1, "2026-10-18 13:06"));

    let (machine, _) = machine.at("2026-10-20T09:01:00Z", "limits --refresh");
    assert!(tells(&shown(&machine), "since Sun 13:06"));

    // Somebody logs in. Nothing else has to be done.
    machine.service.likes(&["new-one", "new-two"]);
    machine.log_in("new", "2026-10-20T09:10:00Z");
    let (machine, run) = machine.at("2026-10-20T09:10:30Z", "doctor --json");
    assert_eq!((run.code, check(&run, "limits.logins").0.as_str()), (0, "note"), "{}", run.story());
    let (machine, run) = machine.at("2026-10-20T09:11:00Z", "limits --json");
    assert_eq!(logins(&run), all("active", ""), "{}", run.story());
    let (machine, run) = machine.at("2026-10-20T09:12:00Z", "limits --refresh");
    assert_eq!(shown(&machine), "");
    let is_fresh = |line: &str| line.starts_with("note: not asked for") && line.contains("is fresh");
    assert!(run.stderr.lines().all(is_fresh), "{}", run.stderr);
    let (_, run) = machine.at("2026-10-20T09:13:00Z", "doctor --json");
    assert_eq!((run.code, check(&run, "limits.logins").0.as_str()), (0, "ok"), "{}", run.story());
}
