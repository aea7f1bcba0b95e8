//! The keys of `[daemon]`, and those of `[stats]` that only a daemon follows: what their values must be, and what they
//! come to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use cco_daemon::Http;
use jiff::tz::TimeZone;

use crate::env::Env;

use super::super::{Config, Source};
use super::{Complaint, Value};

/// Where it listens.
pub(crate) const LISTEN: &str = "daemon.listen";
/// Whether other machines may reach it.
pub(crate) const ALLOW_REMOTE: &str = "daemon.allow_remote";
/// Names that requests may give it.
pub(crate) const HOSTS: &str = "daemon.hosts";
/// Whether reading needs no token on this machine.
pub(crate) const OPEN_READS: &str = "daemon.open_reads";
/// Whether status lines begin it.
pub(crate) const AUTOSTART: &str = "daemon.autostart";
/// Whether statistics are served.
pub(crate) const ENABLED: &str = "stats.enabled";
/// How long a summary event waits.
pub(crate) const UPDATE_INTERVAL: &str = "stats.update_interval_secs";
/// How long changes are gathered.
pub(crate) const DEBOUNCE: &str = "stats.watch.debounce_ms";

/// Where it listens without being told.
pub(crate) const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3003);
pub(super) const UPDATE_INTERVAL_S: u64 = 5;
pub(super) const DEBOUNCE_MS: u64 = 100;

/// Keys that a daemon reads once, when it begins.
const READ_ONCE: [&str; 3] = [LISTEN, ALLOW_REMOTE, DEBOUNCE];

/// A daemon that runs does not follow another value of this key.
pub(crate) fn is_read_once(path: &str) -> bool {
    READ_ONCE.contains(&path)
}

/// The keys whose value is another one by now, and that a daemon which began with the first one does not follow.
pub(crate) fn waiting(first: &Config, now: &Config) -> Vec<&'static str> {
    let value = |config: &Config, key| config.value(key).map(|set| set.value.clone());
    READ_ONCE.into_iter().filter(|key| value(first, key) != value(now, key)).collect()
}

/// Where it listens. An error: where it may not, and why.
pub(crate) fn listen(config: &Config) -> Result<SocketAddr, Complaint> {
    let listen = config.text(LISTEN).and_then(|set| set.value.parse().ok()).unwrap_or(DEFAULT);
    if !listen.ip().is_loopback() && config.flag(ALLOW_REMOTE) != Some(true) {
        return Err(Complaint {
            message: format!(
                "`{LISTEN}` is {listen}, where other machines can reach it, which is not allowed"
            ),
            hint: format!("`cco config set {ALLOW_REMOTE} true` allows that; requests need the token"),
        });
    }
    Ok(listen)
}

/// How requests are answered by a daemon that listens there; each value was checked when it was read.
pub(crate) fn http(config: &Config, listen: SocketAddr, zone: TimeZone) -> Http {
    Http {
        zone,
        hosts: hosts(config, listen.ip()),
        // Of this machine alone: elsewhere every request needs the token.
        open_reads: config.flag(OPEN_READS) == Some(true) && listen.ip().is_loopback(),
        stats: config.flag(ENABLED) != Some(false),
        summary_every: Duration::from_secs(whole(config, UPDATE_INTERVAL, UPDATE_INTERVAL_S)),
    }
}

/// Names that requests may give it: those that are set, and the very address that it listens on, to which no page can
/// make another name lead.
fn hosts(config: &Config, ip: IpAddr) -> Vec<String> {
    let own = match ip {
        ip if ip.is_unspecified() || ip == Ipv4Addr::LOCALHOST || ip == Ipv6Addr::LOCALHOST => None,
        IpAddr::V4(ip) => Some(ip.to_string()),
        IpAddr::V6(ip) => Some(format!("[{ip}]")),
    };
    config.texts(HOSTS).value.iter().cloned().chain(own).collect()
}

/// The status line starts one where none runs. Where the clock stands only if somebody says so: nothing would ever be due.
pub(crate) fn autostart(config: &Config, env: &Env) -> bool {
    let set = config.value(AUTOSTART);
    let is_said = set.is_some_and(|set| set.source != Source::Default);
    set.is_some_and(|set| set.value == Value::Flag(true)) && (is_said || !env.clock_stands)
}

/// How long changes are gathered.
pub(crate) fn debounce(config: &Config) -> Duration {
    Duration::from_millis(whole(config, DEBOUNCE, DEBOUNCE_MS))
}

fn whole(config: &Config, path: &str, default: u64) -> u64 {
    match config.value(path).map(|set| &set.value) {
        Some(Value::Whole(number)) => *number,
        _ => default,
    }
}

pub(super) fn check_listen(value: &Value) -> Result<(), Complaint> {
    let Value::Text(text) = value else { return Ok(()) };
    if text.parse::<SocketAddr>().is_ok() {
        return Ok(());
    }
    Err(Complaint {
        message: format!("{text:?} is no address with a port"),
        hint: "127.0.0.1:3003, or [::1]:3003".to_owned(),
    })
}

pub(super) fn check_hosts(value: &Value) -> Result<(), Complaint> {
    let Value::Texts(names) = value else { return Ok(()) };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    match names.iter().find(|name| name.is_empty() || !name.chars().all(is_plain)) {
        None => Ok(()),
        Some(name) => Err(Complaint {
            message: format!("{name:?} is no name of a machine, with or without a port"),
            hint: "devbox.lan, or devbox.lan:3003; several stand apart: devbox.lan 192.168.1.5".to_owned(),
        }),
    }
}

pub(super) fn check_debounce(value: &Value) -> Result<(), Complaint> {
    match value {
        Value::Whole(ms) if *ms > 10_000 => Err(Complaint {
            message: format!("{ms} milliseconds would keep every number back that long"),
            hint: "10000 is the most; 100 is usual".to_owned(),
        }),
        _ => Ok(()),
    }
}
