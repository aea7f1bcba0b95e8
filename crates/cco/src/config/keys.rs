//! The keys of `config.toml`: one table that drives reading, checking and defaults.
//!
//! Must not: read files or the environment.

pub(crate) mod daemon;
pub(crate) mod statusline;

use std::fmt;

use cco_engine::limits::{BaseUrl, TokenUrl};
use cco_model::limit::AccountId;
use jiff::tz::TimeZone;

use crate::env::CCO_TIMEZONE;

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number, at least this.
    Whole(u64),
    /// A string.
    Text,
    /// A list of strings.
    Texts,
    /// A list of lists of strings.
    Lists,
    /// A list of whole numbers.
    Wholes,
}

impl fmt::Display for Value {
    /// As TOML has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Whole(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{}", toml::Value::from(text.as_str())),
            Self::Texts(texts) => write!(f, "{}", toml::Value::from(texts.clone())),
            Self::Lists(lists) => {
                let lists = lists.iter().map(|texts| toml::Value::from(texts.clone())).collect();
                write!(f, "{}", toml::Value::Array(lists))
            }
            Self::Wholes(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
                write!(f, "[{}]", numbers.join(", "))
            }
        }
    }
}

impl Kind {
    /// The kind in words, with its article.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Whole(0) => "a whole number".to_owned(),
            Self::Whole(least) => format!("a whole number, {least} or more"),
            Self::Text => "a string".to_owned(),
            Self::Texts => "a list of strings".to_owned(),
            Self::Lists => "a list of lists of strings".to_owned(),
            Self::Wholes => "a list of whole numbers".to_owned(),
        }
    }
}

/// A value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Of [`Kind::Flag`].
    Flag(bool),
    /// Of [`Kind::Whole`].
    Whole(u64),
    /// Of [`Kind::Text`].
    Text(String),
    /// Of [`Kind::Texts`].
    Texts(Vec<String>),
    /// Of [`Kind::Lists`].
    Lists(Vec<Vec<String>>),
    /// Of [`Kind::Wholes`].
    Wholes(Vec<u64>),
}

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

/// The zone of reports.
pub(crate) const TIMEZONE: &str = "stats.timezone";
/// Where the ledger is.
pub(crate) const DATABASE_PATH: &str = "stats.database_path";
/// Further roots.
pub(crate) const WATCH_PATHS: &str = "stats.watch.paths";

/// Whether the service may be asked for limits.
pub(crate) const ENDPOINT: &str = "limits.endpoint";
/// Where it is asked.
pub(crate) const BASE_URL: &str = "limits.base_url";
/// In whose name.
pub(crate) const USER_AGENT: &str = "limits.user_agent";
/// Whether the macOS Keychain may be read.
pub(crate) const KEYCHAIN: &str = "limits.keychain";
/// Whether files of older tools are written too.
pub(crate) const SHARE: &str = "limits.share_session_health";
/// The OAuth client that logins are renewed for.
pub(crate) const CLIENT_ID: &str = "limits.client_id";
/// Where they are renewed.
pub(crate) const TOKEN_URL: &str = "limits.token_url";
/// Further config directories.
pub(crate) const CONFIG_DIRS: &str = "accounts.config_dirs";
/// Accounts whose logins may be renewed.
pub(crate) const MANAGED: &str = "accounts.managed";

/// All keys of the sections that are checked.
pub(crate) static KEYS: &[Key] = &[
    daemon::key(
        daemon::ENABLED,
        "Whether the daemon serves statistics over HTTP",
        Kind::Flag,
        Some(Value::Flag(true)),
        "enabled = true",
        daemon::any,
    ),
    daemon::key(
        daemon::UPDATE_INTERVAL,
        "The longest that a summary event of the daemon waits, in seconds",
        Kind::Whole(1),
        Some(Value::Whole(daemon::UPDATE_INTERVAL_S)),
        "update_interval_secs = 5",
        daemon::any,
    ),
    idle(
        ("stats.retention_days", "How many days calls are kept; without it, for ever"),
        ": all calls are kept",
        Kind::Whole(1),
        None,
        "retention_days = 365",
    ),
    Key {
        path: DATABASE_PATH,
        about: "The ledger's file, in place of `ledger.db` beside `config.toml`",
        kind: Kind::Text,
        default: None,
        variable: None,
        example: "database_path = \"/data/cco/ledger.db\"",
        idle: None,
        check: check_database_path,
    },
    Key {
        path: TIMEZONE,
        about: "Whose days and hours reports show; without it, the system's time zone",
        kind: Kind::Text,
        default: None,
        variable: Some(CCO_TIMEZONE),
        example: "timezone = \"Europe/Berlin\"",
        idle: None,
        check: check_timezone,
    },
    Key {
        path: WATCH_PATHS,
        about: "Further config folders of Claude Code, or their `projects` folders",
        kind: Kind::Texts,
        default: Some(Value::Texts(Vec::new())),
        variable: None,
        example: "paths = [\"~/other/.claude\"]",
        idle: None,
        check: |_| Ok(()),
    },
    daemon::key(
        daemon::DEBOUNCE,
        "How long the daemon gathers changes of transcripts before it reads them, in milliseconds; read when the daemon begins",
        Kind::Whole(0),
        Some(Value::Whole(daemon::DEBOUNCE_MS)),
        "debounce_ms = 100",
        daemon::check_debounce,
    ),
    Key {
        path: ENDPOINT,
        about: "Whether the service may be asked for your limits, with the login of Claude Code; without it, `cco limits` asks you once",
        kind: Kind::Flag,
        default: None,
        variable: None,
        example: "endpoint = true",
        idle: None,
        check: |_| Ok(()),
    },
    Key {
        path: BASE_URL,
        about: "Where the service is asked: its own host, or a port of this machine",
        kind: Kind::Text,
        default: None,
        variable: None,
        example: "base_url = \"https://api.anthropic.com\"",
        idle: None,
        check: check_base_url,
    },
    Key {
        path: USER_AGENT,
        about: "What we call ourselves when asking; without it, `cco/VERSION`",
        kind: Kind::Text,
        default: None,
        variable: None,
        example: "user_agent = \"cco\"",
        idle: None,
        check: |_| Ok(()),
    },
    Key {
        path: KEYCHAIN,
        about: "Whether Claude Code's login may be read from the macOS Keychain; the system may ask you",
        kind: Kind::Flag,
        default: Some(Value::Flag(false)),
        variable: None,
        example: "keychain = true",
        idle: None,
        check: |_| Ok(()),
    },
    Key {
        path: SHARE,
        about: "Whether `cco limits --refresh` and `--watch` also write what they know to the files of older tools, where no other program does",
        kind: Kind::Flag,
        default: Some(Value::Flag(false)),
        variable: None,
        example: "share_session_health = true",
        idle: None,
        check: |_| Ok(()),
    },
    Key {
        path: CLIENT_ID,
        about: "The OAuth client that your logins were made for, sent when one is renewed; cco knows none, and renews nothing without it",
        kind: Kind::Text,
        default: None,
        variable: None,
        example: "client_id = \"00000000-0000-0000-0000-000000000000\"",
        idle: None,
        check: check_client_id,
    },
    Key {
        path: TOKEN_URL,
        about: "Where logins of managed accounts are renewed: the service's own address, or a port of this machine",
        kind: Kind::Text,
        default: None,
        variable: None,
        example: "token_url = \"https://platform.claude.com/v1/oauth/token\"",
        idle: None,
        check: check_token_url,
    },
    Key {
        path: CONFIG_DIRS,
        about: "Further config directories of Claude Code whose accounts are looked at; `cco accounts add` writes it",
        kind: Kind::Texts,
        default: Some(Value::Texts(Vec::new())),
        variable: None,
        example: "config_dirs = [\"~/.claude-work\"]",
        idle: None,
        check: |_| Ok(()),
    },
    Key {
        path: MANAGED,
        about: "Accounts whose logins cco may renew, each as ORGANIZATION/ACCOUNT; `cco accounts manage` writes it, with what there is to know",
        kind: Kind::Texts,
        default: Some(Value::Texts(Vec::new())),
        variable: None,
        example: "managed = [\"11111111-2222-4333-8444-555555555555/66666666-7777-4888-8999-000000000000\"]",
        idle: None,
        check: check_managed,
    },
    Key {
        path: statusline::PRESET,
        about: "What the status line looks like: classic, compact, plain or powerline",
        kind: Kind::Text,
        default: None,
        variable: None,
        example: "preset = \"compact\"",
        idle: None,
        check: statusline::check_preset,
    },
    Key {
        path: statusline::LINES,
        about: "Segments of the status line, line by line, in place of the preset's; `cco statusline preview --time` names them all",
        kind: Kind::Lists,
        default: None,
        variable: None,
        example: "lines = [[\"dir\", \"git\", \"model\"], [\"clock\", \"five_hour\", \"week\"]]",
        idle: None,
        check: statusline::check_lines,
    },
    Key {
        path: statusline::COLOR,
        about: "Whether the status line has colours: auto, always or never",
        kind: Kind::Text,
        default: None,
        variable: None,
        example: "color = \"never\"",
        idle: None,
        check: statusline::check_color,
    },
    Key {
        path: statusline::COLORS,
        about: "Colours of segments of the status line",
        kind: Kind::Texts,
        default: None,
        variable: None,
        example: "colors = [\"dir=blue\", \"git=#22aa22\"]",
        idle: None,
        check: statusline::check_colors,
    },
    Key {
        path: statusline::THRESHOLDS,
        about: "Percentages from which on a limit is half used, near its end and almost full on the status line",
        kind: Kind::Wholes,
        default: None,
        variable: None,
        example: "thresholds = [50, 80, 95]",
        idle: None,
        check: statusline::check_thresholds,
    },
    Key {
        path: statusline::COMPACT_AT,
        about: "Percent of the context window at which Claude Code compacts it",
        kind: Kind::Whole(1),
        default: Some(Value::Whole(83)),
        variable: None,
        example: "compact_at = 83",
        idle: None,
        check: statusline::check_compact_at,
    },
    Key {
        path: statusline::LINKS,
        about: "Whether a pull request on the status line is a link",
        kind: Kind::Flag,
        default: Some(Value::Flag(true)),
        variable: None,
        example: "links = true",
        idle: None,
        check: |_| Ok(()),
    },
    daemon::key(
        daemon::LISTEN,
        "Where the daemon serves: an address of this machine and a port; without it, 127.0.0.1:3003; the next free port where that is taken; read when the daemon begins",
        Kind::Text,
        None,
        "listen = \"127.0.0.1:3003\"",
        daemon::check_listen,
    ),
    daemon::key(
        daemon::ALLOW_REMOTE,
        "Whether the daemon may listen where other machines reach it; they need the token; read when the daemon begins",
        Kind::Flag,
        Some(Value::Flag(false)),
        "allow_remote = true",
        daemon::any,
    ),
    daemon::key(
        daemon::HOSTS,
        "Names of this machine, beside localhost, by which requests may call it",
        Kind::Texts,
        Some(Value::Texts(Vec::new())),
        "hosts = [\"devbox.lan:3003\"]",
        daemon::check_hosts,
    ),
    daemon::key(
        daemon::OPEN_READS,
        "Whether every user of this machine may read what the daemon serves, without the token",
        Kind::Flag,
        Some(Value::Flag(false)),
        "open_reads = true",
        daemon::any,
    ),
    daemon::key(
        daemon::AUTOSTART,
        "Whether the status line starts the daemon where none runs; that one ends when nobody used it for half an hour",
        Kind::Flag,
        Some(Value::Flag(true)),
        "autostart = false",
        daemon::any,
    ),
];

/// Sections that hold keys of [`KEYS`], further sections aside.
pub(crate) static SECTIONS: &[&str] = &["stats", "stats.watch", "limits", "accounts", "statusline", "daemon"];

/// The section of prices: a table for each model.
pub(crate) const PRICES: &str = "prices";

/// A key for parts that are not here yet.
const fn idle(
    (path, about): (&'static str, &'static str),
    instead: &'static str,
    kind: Kind,
    default: Option<Value>,
    example: &'static str,
) -> Key {
    Key { path, about, kind, default, variable: None, example, idle: Some(instead), check: |_| Ok(()) }
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

pub(crate) use cco_wire::names::{distance, nearest};

/// The zone of this name.
pub(crate) fn zone(name: &str) -> Option<TimeZone> {
    crate::zone::named(name)
}

fn check_timezone(value: &Value) -> Result<(), Complaint> {
    let Value::Text(name) = value else { return Ok(()) };
    if zone(name).is_some() {
        return Ok(());
    }
    Err(Complaint { message: format!("no time zone is called {name:?}"), hint: zone_hint(name) })
}

/// What to write in place of a zone's name that is none.
pub(crate) fn zone_hint(given: &str) -> String {
    let known: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
    match zones_near(given, known.iter().map(String::as_str)).as_slice() {
        [] => "names are like Europe/Berlin, America/New_York or UTC".to_owned(),
        [near] => format!("did you mean {near}?"),
        [more @ .., last] => format!("did you mean {} or {last}?", more.join(", ")),
    }
}

/// The names that may have been meant, best first: near ones, and those of places that are near.
fn zones_near<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    const NAMED: usize = 3;
    let given = given.trim().replace(' ', "_").to_lowercase();
    let far = |name: &str| {
        let name = name.to_lowercase();
        let whole = distance(&given, &name);
        let place = name.rsplit('/').next().unwrap_or_default();
        let of_place = distance(&given, place);
        let near_place = of_place <= place.chars().count() / 4;
        let near_whole = whole <= 1 + name.chars().count() / 4;
        (near_place || near_whole).then(|| if near_place { of_place.min(whole) } else { whole })
    };
    let plain = |name: &&str| !name.starts_with("posix/") && !name.starts_with("right/");
    let mut near: Vec<(usize, &str)> =
        known.filter(plain).filter_map(|name| Some((far(name)?, name))).collect();
    near.sort_unstable();
    let best = near.first().map_or(0, |(best, _)| *best);
    near.into_iter().take_while(|(far, _)| *far == best).take(NAMED).map(|(_, name)| name).collect()
}

fn check_base_url(value: &Value) -> Result<(), Complaint> {
    let Value::Text(text) = value else { return Ok(()) };
    let hint = "leave the key out to ask the service itself".to_owned();
    BaseUrl::parse(text).map(|_| ()).map_err(|error| Complaint { message: error.to_string(), hint })
}

fn check_token_url(value: &Value) -> Result<(), Complaint> {
    let Value::Text(text) = value else { return Ok(()) };
    let hint = "leave the key out for the service's own address".to_owned();
    TokenUrl::parse(text).map(|_| ()).map_err(|error| Complaint { message: error.to_string(), hint })
}

fn check_client_id(value: &Value) -> Result<(), Complaint> {
    let Value::Text(id) = value else { return Ok(()) };
    if !id.is_empty() && id.len() <= 256 && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Complaint {
        message: format!("{id:?} is no OAuth client id"),
        hint: "leave the key out, and no login is renewed".to_owned(),
    })
}

fn check_managed(value: &Value) -> Result<(), Complaint> {
    let Value::Texts(accounts) = value else { return Ok(()) };
    match accounts.iter().find(|account| account_id(account).is_none()) {
        None => Ok(()),
        // An address can be of several accounts, and a name can be given to another one.
        Some(odd) => Err(Complaint {
            message: format!("{odd:?} is not ORGANIZATION/ACCOUNT"),
            hint: "`cco accounts manage NAME` writes it as it must be".to_owned(),
        }),
    }
}

/// The account of an id as [`AccountId`] shows it.
pub(crate) fn account_id(text: &str) -> Option<AccountId> {
    let (organization, account) = text.split_once('/')?;
    let good = |id: &str| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    let id = |id: &str| id.to_ascii_lowercase().into();
    let whole = good(organization) && good(account) && !account.is_empty();
    whole.then(|| AccountId { organization: id(organization), account: id(account) })
}

fn check_database_path(value: &Value) -> Result<(), Complaint> {
    let Value::Text(path) = value else { return Ok(()) };
    let (message, hint) = if path.is_empty() {
        ("an empty path", "leave the key out to use ledger.db")
    } else if path.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("file:")) {
        ("a path is wanted, not a URI", "write the path itself, without file: and parameters")
    } else {
        return Ok(());
    };
    Err(Complaint { message: message.to_owned(), hint: hint.to_owned() })
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

    #[test]
    fn the_nearest_name_is_found_only_when_near() {
        let names = ["timezone", "enabled", "watch"];
        assert_eq!(nearest("time_zone", names), Some("timezone"));
        assert_eq!(nearest("TIMEZONE", names), Some("timezone"));
        assert_eq!(nearest("colour", names), None);
        assert_eq!((distance("", "abc"), distance("kitten", "sitting")), (3, 3));
    }

    #[test]
    fn zones_are_found_by_their_place_too() {
        let known = ["America/New_York", "Europe/Berlin", "Europe/London", "Indian/Mahe", "UTC", "posix/UTC"];
        for (given, near) in [
            ("Europe/Berln", vec!["Europe/Berlin"]),
            ("europe/berlin ", vec!["Europe/Berlin"]),
            ("Berlin", vec!["Europe/Berlin"]),
            ("new york", vec!["America/New_York"]),
            ("UCT", vec![]),
            ("Mars", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(zones_near(given, known.into_iter()), near, "{given}");
        }
    }

    #[test]
    fn an_account_is_managed_by_its_ids_and_not_by_a_name() {
        let id = account_id("Org-1/ACC-2").unwrap();
        assert_eq!((&*id.organization, &*id.account), ("org-1", "acc-2"));
        assert_eq!(account_id(&id.to_string()), Some(id));
        assert!(account_id("/acc").is_some(), "an organization is not always told");
        for text in ["", "acc", "org/", "org/a/b", "org/dev@example.com", "o rg/a"] {
            assert_eq!(account_id(text), None, "{text}");
            assert!(check_managed(&Value::Texts(vec![text.to_owned()])).is_err());
        }
    }

    #[test]
    fn a_database_is_a_path() {
        for (path, right) in
            [("file:x.db", false), ("FILE:/x?mode=ro", false), ("", false), ("/x/file:y", true), ("é", true)]
        {
            assert_eq!(check_database_path(&Value::Text(path.to_owned())).is_ok(), right, "{path}");
        }
    }
}
