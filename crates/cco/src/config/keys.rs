//! The keys of `config.toml`: one table that drives reading, checking and defaults. What the values of a section must be
//! stands in the file of its name.
//!
//! Must not: read files or the environment.

pub(crate) mod daemon;
pub(crate) mod limits;
pub(crate) mod stats;
pub(crate) mod statusline;
mod value;

pub(crate) use self::value::{Kind, Value};
use crate::env::CCO_TIMEZONE;

/// A key of one of our sections.
pub(crate) struct Key {
    /// Section and name: `stats.timezone`.
    pub(crate) path: &'static str,
    /// What it is for: a sentence without its full stop.
    pub(crate) about: &'static str,
    /// What it holds.
    pub(crate) kind: Kind,
    /// What it is without being set; none: nothing.
    pub(crate) default: Option<Value>,
    /// The environment variable that overrides the file.
    pub(crate) variable: Option<&'static str>,
    /// A line that would be right.
    pub(crate) example: &'static str,
    /// Has no effect in this version; what holds instead, to follow its line, where that needs saying.
    pub(crate) idle: Option<&'static str>,
    /// What must hold beyond the kind.
    pub(crate) check: fn(&Value) -> Result<(), Complaint>,
}

/// Why a value of the right kind is wrong all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// What is wrong, to follow the key's name and a colon.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: String,
}

/// All keys of the sections that are checked.
pub(crate) static KEYS: &[Key] = &[
    key(
        daemon::ENABLED,
        "Whether the daemon serves statistics over HTTP",
        Kind::Flag,
        Some(Value::Flag(true)),
        "enabled = true",
        any,
    ),
    key(
        daemon::UPDATE_INTERVAL,
        "The longest that a summary event of the daemon waits, in seconds",
        Kind::Whole(1),
        Some(Value::Whole(daemon::UPDATE_INTERVAL_S)),
        "update_interval_secs = 5",
        any,
    ),
    Key {
        path: "stats.retention_days",
        about: "How many days calls are kept; without it, for ever",
        kind: Kind::Whole(1),
        default: None,
        variable: None,
        example: "retention_days = 365",
        idle: Some(": all calls are kept"),
        check: any,
    },
    key(
        stats::DATABASE_PATH,
        "The ledger's file, in place of `ledger.db` beside `config.toml`",
        Kind::Text,
        None,
        "database_path = \"/data/cco/ledger.db\"",
        stats::check_database_path,
    ),
    Key {
        path: stats::TIMEZONE,
        about: "Whose days and hours reports show; without it, the system's time zone",
        kind: Kind::Text,
        default: None,
        variable: Some(CCO_TIMEZONE),
        example: "timezone = \"Europe/Berlin\"",
        idle: None,
        check: stats::check_timezone,
    },
    key(
        stats::WATCH_PATHS,
        "Further config folders of Claude Code, or their `projects` folders",
        Kind::Texts,
        Some(Value::Texts(Vec::new())),
        "paths = [\"~/other/.claude\"]",
        any,
    ),
    key(
        daemon::DEBOUNCE,
        "How long the daemon gathers changes of transcripts before it reads them, in milliseconds; read when the daemon begins",
        Kind::Whole(0),
        Some(Value::Whole(daemon::DEBOUNCE_MS)),
        "debounce_ms = 100",
        daemon::check_debounce,
    ),
    key(
        limits::ENDPOINT,
        "Whether the service may be asked for your limits, with the login of Claude Code; without it, `cco limits` asks you once",
        Kind::Flag,
        None,
        "endpoint = true",
        any,
    ),
    key(
        limits::BASE_URL,
        "Where the service is asked: its own host, or a port of this machine",
        Kind::Text,
        None,
        "base_url = \"https://api.anthropic.com\"",
        limits::check_base_url,
    ),
    key(
        limits::USER_AGENT,
        "What we call ourselves when asking; without it, `cco/VERSION`",
        Kind::Text,
        None,
        "user_agent = \"cco\"",
        any,
    ),
    key(
        limits::KEYCHAIN,
        "Whether Claude Code's login may be read from the macOS Keychain; the system may ask you",
        Kind::Flag,
        Some(Value::Flag(false)),
        "keychain = true",
        any,
    ),
    key(
        limits::SHARE,
        "Whether `cco limits --refresh` and `--watch` also write what they know to the files of older tools, where no other program does",
        Kind::Flag,
        Some(Value::Flag(false)),
        "share_session_health = true",
        any,
    ),
    key(
        limits::CLIENT_ID,
        "The OAuth client that your logins were made for, sent when one is renewed; cco knows none, and renews nothing without it",
        Kind::Text,
        None,
        "client_id = \"00000000-0000-0000-0000-000000000000\"",
        limits::check_client_id,
    ),
    key(
        limits::TOKEN_URL,
        "Where logins of managed accounts are renewed: the service's own address, or a port of this machine",
        Kind::Text,
        None,
        "token_url = \"https://platform.claude.com/v1/oauth/token\"",
        limits::check_token_url,
    ),
    key(
        limits::CONFIG_DIRS,
        "Further config directories of Claude Code whose accounts are looked at; `cco accounts add` writes it",
        Kind::Texts,
        Some(Value::Texts(Vec::new())),
        "config_dirs = [\"~/.claude-work\"]",
        any,
    ),
    key(
        limits::MANAGED,
        "Accounts whose logins cco may renew, each as ORGANIZATION/ACCOUNT; `cco accounts manage` writes it, with what there is to know",
        Kind::Texts,
        Some(Value::Texts(Vec::new())),
        "managed = [\"11111111-2222-4333-8444-555555555555/66666666-7777-4888-8999-000000000000\"]",
        limits::check_managed,
    ),
    key(
        statusline::PRESET,
        "What the status line looks like: classic, compact, plain or powerline",
        Kind::Text,
        None,
        "preset = \"compact\"",
        statusline::check_preset,
    ),
    key(
        statusline::LINES,
        "Segments of the status line, line by line, in place of the preset's; `cco statusline preview --time` names them all",
        Kind::Lists,
        None,
        "lines = [[\"dir\", \"git\", \"model\"], [\"clock\", \"five_hour\", \"week\"]]",
        statusline::check_lines,
    ),
    key(
        statusline::COLOR,
        "Whether the status line has colours: auto, always or never",
        Kind::Text,
        None,
        "color = \"never\"",
        statusline::check_color,
    ),
    key(
        statusline::COLORS,
        "Colours of segments of the status line",
        Kind::Texts,
        None,
        "colors = [\"dir=blue\", \"git=#22aa22\"]",
        statusline::check_colors,
    ),
    key(
        statusline::THRESHOLDS,
        "Percentages from which on a limit is half used, near its end and almost full on the status line",
        Kind::Wholes,
        None,
        "thresholds = [50, 80, 95]",
        statusline::check_thresholds,
    ),
    key(
        statusline::COMPACT_AT,
        "Percent of the context window at which Claude Code compacts it",
        Kind::Whole(1),
        Some(Value::Whole(83)),
        "compact_at = 83",
        statusline::check_compact_at,
    ),
    key(
        statusline::LINKS,
        "Whether a pull request on the status line is a link",
        Kind::Flag,
        Some(Value::Flag(true)),
        "links = true",
        any,
    ),
    key(
        daemon::LISTEN,
        "Where the daemon serves: an address of this machine and a port; without it, 127.0.0.1:3003; the next free port where that is taken; read when the daemon begins",
        Kind::Text,
        None,
        "listen = \"127.0.0.1:3003\"",
        daemon::check_listen,
    ),
    key(
        daemon::ALLOW_REMOTE,
        "Whether the daemon may listen where other machines reach it; they need the token; read when the daemon begins",
        Kind::Flag,
        Some(Value::Flag(false)),
        "allow_remote = true",
        any,
    ),
    key(
        daemon::HOSTS,
        "Names of this machine, beside localhost, by which requests may call it",
        Kind::Texts,
        Some(Value::Texts(Vec::new())),
        "hosts = [\"devbox.lan:3003\"]",
        daemon::check_hosts,
    ),
    key(
        daemon::OPEN_READS,
        "Whether every user of this machine may read what the daemon serves, without the token",
        Kind::Flag,
        Some(Value::Flag(false)),
        "open_reads = true",
        any,
    ),
    key(
        daemon::AUTOSTART,
        "Whether the status line starts the daemon where none runs; that one ends when nobody used it for half an hour",
        Kind::Flag,
        Some(Value::Flag(true)),
        "autostart = false",
        any,
    ),
];

/// Sections that hold keys of [`KEYS`], further sections aside.
pub(crate) static SECTIONS: &[&str] = &["stats", "stats.watch", "limits", "accounts", "statusline", "daemon"];

/// The section of prices: a table for each model.
pub(crate) const PRICES: &str = "prices";

/// A key that no variable overrides.
const fn key(
    path: &'static str,
    about: &'static str,
    kind: Kind,
    default: Option<Value>,
    example: &'static str,
    check: fn(&Value) -> Result<(), Complaint>,
) -> Key {
    Key { path, about, kind, default, variable: None, example, idle: None, check }
}

/// Whatever is of the kind is right.
fn any(_: &Value) -> Result<(), Complaint> {
    Ok(())
}

/// The key with this path.
pub(crate) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// What may stand in a section: its keys and the sections inside it.
pub(crate) fn names_in(section: &str) -> Vec<&'static str> {
    let paths = KEYS.iter().map(|key| key.path).chain(SECTIONS.iter().copied());
    paths
        .filter_map(|path| path.strip_prefix(section)?.strip_prefix('.'))
        .filter(|name| !name.contains('.'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_in_a_section_and_its_example_is_right() {
        for key in KEYS {
            let (section, name) = key.path.rsplit_once('.').unwrap();
            assert!(SECTIONS.contains(&section), "{}", key.path);
            assert!(key.example.starts_with(&format!("{name} = ")), "{}", key.path);
            assert!(names_in(section).contains(&name), "{}", key.path);
            let config = super::super::file::read("x", &format!("[{section}]\n{}", key.example)).unwrap();
            let default = config.values.get(key.path).map(|value| &value.value) == key.default.as_ref();
            let idle = key.idle.is_some() && !default;
            assert_eq!((config.idle.is_some(), config.warnings.len()), (idle, 0), "{}", key.path);
            assert!(config.values.contains_key(key.path), "{}", key.path);
            if let Some(default) = &key.default {
                assert_eq!((key.check)(default), Ok(()));
            }
        }
    }
}
