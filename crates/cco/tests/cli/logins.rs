//! Logins of made-up people, as Claude Code keeps them.

use std::collections::HashSet;
use std::fs;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sealed::{NOW, Run, TestEnv};

/// What a token begins with; what follows is secret.
const PREFIX: &str = "sk-ant-oat01-";
/// The secret parts of the tokens of the tests.
pub(crate) const SECRETS: [&str; 6] = [
    "Qz7xKp2WvN4mLr8TtB6yHs3D",
    "Jf5cVd9GgX2nPw7RkE4uAo1M",
    "Yb8hZq3TsC6vKi9LxF2jWe5N",
    "Mn3kRt8VbQ5wXj2ZpL7gDy4H",
    "Ud6sFh1JcE9aNo4GvK8tBi3P",
    "Xr2mWl7CyT5zQe9HfS1uPj6K",
];

/// Somebody who is logged in.
#[derive(Clone, Copy)]
pub(crate) struct Login {
    /// The config directory, below the home folder.
    pub(crate) dir: &'static str,
    pub(crate) account: &'static str,
    pub(crate) organization: &'static str,
    pub(crate) email: &'static str,
    pub(crate) secret: &'static str,
}

/// Whoever has the default directory.
pub(crate) const ANN: Login = Login {
    dir: ".claude",
    account: "11111111-aaaa-4aaa-8aaa-000000000001",
    organization: "99999999-bbbb-4bbb-8bbb-000000000001",
    email: "ann@example.com",
    secret: SECRETS[0],
};
/// Somebody in a directory of her own.
pub(crate) const BEA: Login = Login {
    dir: ".claude-work",
    account: "11111111-aaaa-4aaa-8aaa-000000000002",
    email: "bea@example.com",
    secret: SECRETS[1],
    ..ANN
};
/// And a third.
pub(crate) const CLEO: Login = Login {
    dir: ".claude-third",
    account: "11111111-aaaa-4aaa-8aaa-000000000003",
    email: "cleo@example.com",
    secret: SECRETS[2],
    ..ANN
};

/// UTC milliseconds of a time so many minutes before the present of the tests.
pub(crate) fn minutes_ago(minutes: i64) -> i64 {
    NOW.parse::<Timestamp>().unwrap().as_millisecond() - minutes * 60_000
}

impl Login {
    pub(crate) fn token(&self) -> String {
        format!("{PREFIX}{}", self.secret)
    }

    /// Logs in, long before the present of the tests.
    pub(crate) fn log_in(&self, env: &TestEnv) {
        self.tell(env, &json!({}));
        let login =
            json!({ "claudeAiOauth": { "accessToken": self.token(), "expiresAt": minutes_ago(-600) } });
        let path = env.write(&format!("{}/.credentials.json", self.dir), &login.to_string());
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_millis(minutes_ago(600).unsigned_abs());
        fs::File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
    }

    /// Logs in, and Claude Code remembers this answer of the service from so many minutes ago.
    pub(crate) fn log_in_with(&self, env: &TestEnv, minutes: i64, body: &str) {
        self.log_in(env);
        self.remember(env, minutes, body);
    }

    /// Claude Code remembers this answer of the service from so many minutes ago.
    pub(crate) fn remember(&self, env: &TestEnv, minutes: i64, body: &str) {
        let body: Value = serde_json::from_str(body).unwrap();
        self.tell(
            env,
            &json!({ "fetchedAtMs": minutes_ago(minutes), "accountUuid": self.account, "utilization": body }),
        );
    }

    fn tell(&self, env: &TestEnv, usage: &Value) {
        let text = json!({
            "oauthAccount": {
                "accountUuid": self.account,
                "organizationUuid": self.organization,
                "emailAddress": self.email,
            },
            "cachedUsageUtilization": usage,
        });
        let inside = format!("{}/.claude.json", self.dir);
        fs::create_dir_all(env.home().join(self.dir)).unwrap();
        env.write(if self.dir == ANN.dir { ".claude.json" } else { &inside }, &text.to_string());
    }
}

/// No piece of a token is in what was written: neither on a stream nor in a file of ours.
pub(crate) fn assert_no_token(env: &TestEnv, runs: &[&Run]) {
    for run in runs {
        assert_clean("a stream", run.story().as_bytes());
    }
    let mut folders = vec![env.home().join(".cco")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = fs::read(&path) {
                // One that is gone by now was of a run that goes on.
                assert_clean(&path.display().to_string(), &bytes);
            }
        }
    }
}

fn assert_clean(place: &str, bytes: &[u8]) {
    let pieces: HashSet<&[u8]> = SECRETS.iter().flat_map(|secret| secret.as_bytes().windows(6)).collect();
    let found = bytes.windows(6).find(|window| pieces.contains(window));
    assert!(found.is_none(), "{:?} stands in {place}", found.map(String::from_utf8_lossy));
}
