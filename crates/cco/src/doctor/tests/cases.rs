//! What makes each check speak.
//!
//! Must not: change more of a sound machine than that.

use std::path::PathBuf;

use cco_engine::health::{Holdings, KeyFaults, SoftFindings, Unpriced};
use cco_engine::limits::check_up::AccountSeen;
use cco_engine::limits::{Attempts, Keeper, LastRenewal, Unread};
use cco_model::limit::AccountId;

use super::sound::*;
use crate::config::check::Checked;
use crate::doctor::claude::Retention;
use crate::doctor::daemon::Daemon;
use crate::doctor::facts::{Facts, Home, LedgerState, Ours};
use crate::doctor::statusline::{Configured, Program};
use crate::error::CliError;
use crate::notify::Said;
use crate::roots::{Missing, Roots};

pub(super) type Change = fn(&mut Facts);

/// What makes a check speak.
pub(super) static CASES: &[(&str, Change)] = &[
    ("home.writable", |f| f.home = Home::Nowhere),
    ("home.writable", |f| f.home = Home::Wrong(CliError::usage("CCO_HOME must be absolute").hint("so"))),
    ("home.writable", |f| f.home = Home::Absent("/h/.cco".into(), Some("/h: permission denied".to_owned()))),
    ("home.writable", |f| {
        f.home = Home::Refused("/h/.cco".into(), "the file system is read-only".to_owned());
    }),
    ("home.private", |f| f.ours[0].mode = 0o755),
    ("home.private", |f| f.ours[1].mode = 0o644),
    ("home.private", |f| f.ours.push(Ours { path: "/d/it's.db".into(), mode: 0o640, ..f.ours[1].clone() })),
    ("home.private", |f| f.ours[1].owner = 0),
    ("home.room", |f| f.room = Some(Ok(10_000_000))),
    ("home.room", |f| f.room = Some(Ok(700_000_000))),
    ("home.room", |f| f.room = Some(Err("/h: permission denied".to_owned()))),
    ("home.room", |f| f.room = None),
    ("config.valid", |f| {
        f.config = Err(CliError::failed("cannot read c.toml: it is a folder").hint("mend it"));
    }),
    ("config.valid", |f| {
        let errors = vec![CliError::failed("c.toml:2: `stats.timezone`: no such zone")];
        f.config = Ok(Checked { errors, ..Checked::default() });
    }),
    ("config.keys", |f| {
        let doubts = vec![("c.toml:2: unknown key `stats.x`".to_owned(), None)];
        f.config = Ok(Checked { doubts, ..Checked::default() });
    }),
    ("config.keys", |f| f.config = Ok(Checked { is_broken: true, ..Checked::default() })),
    ("config.effect", |f| f.config = Ok(Checked { is_broken: true, ..Checked::default() })),
    ("config.effect", |f| {
        let idle = Some("c.toml: no effect in this version: [daemon] (line 1)".to_owned());
        f.config = Ok(Checked { idle, ..Checked::default() });
    }),
    ("roots.found", |f| f.roots = Roots::default()),
    ("roots.readable", |f| {
        let projects = PathBuf::from("/d/projects");
        let named_by = Some("CLAUDE_CONFIG_DIR".to_owned());
        f.roots.missing.push(Missing { projects, reason: "not there".to_owned(), absent: true, named_by });
    }),
    ("roots.readable", |f| {
        let projects = PathBuf::from("/h/.config/claude/projects");
        let reason = "permission denied".to_owned();
        f.roots.missing.push(Missing { projects, reason, absent: false, named_by: None });
    }),
    ("transcripts.readable", |f| {
        let why = "Permission denied (os error 13)".to_owned();
        f.transcripts.unreadable = vec![("/h/.claude/projects/a".into(), why)];
    }),
    ("transcripts.damaged", |f| {
        health(f).soft = Ok(SoftFindings { damaged: finding("damaged"), ..<_>::default() });
    }),
    ("transcripts.odd", |f| health(f).soft = Ok(SoftFindings { odd: finding("a count"), ..<_>::default() })),
    ("transcripts.too_large", |f| {
        health(f).soft = Ok(SoftFindings { too_large: finding("so"), ..<_>::default() });
    }),
    ("transcripts.kept", |f| f.retention[0].1 = Retention::Days(0)),
    ("transcripts.kept", |f| f.retention[0].1 = Retention::Days(3)),
    ("transcripts.kept", |f| f.retention[0].1 = Retention::Unknown("it is not valid JSON".to_owned())),
    ("prices.complete", |f| {
        let unpriced = |model: &str| Unpriced { model: model.to_owned(), calls: 2, tokens: 1000 };
        health(f).unpriced = Ok(vec![unpriced("acme-1"), unpriced("")]);
    }),
    ("prices.complete", |f| {
        health(f).unpriced = Ok(vec![Unpriced { model: "acme-1".to_owned(), calls: 1, tokens: 1 }]);
        health(f).prices_waiting = Ok(true);
    }),
    ("ledger.sqlite", |f| f.sqlite = ("3.50.0", "3.51.3", false)),
    ("ledger.opens", |f| f.ledger = LedgerState::Nowhere),
    ("ledger.opens", |f| {
        f.ledger = LedgerState::Refused(CliError::failed("x.db is not a ledger of cco").hint("so"));
    }),
    ("ledger.whole", |f| health(f).complaints = Ok(vec!["Tree 4 page 9: never used".to_owned()])),
    ("ledger.whole", |f| health(f).complaints = Err("disk I/O error".to_owned())),
    ("ledger.loaded", |f| health(f).cut_off = Ok(true)),
    ("ledger.keys", |f| {
        let keys = KeyFaults { calls_without_key: 1, calls_with_several: 2, keys_without_call: 0 };
        health(f).deep.as_mut().unwrap().keys = Ok(keys);
    }),
    ("ledger.rollups", |f| {
        health(f).deep.as_mut().unwrap().differences = Ok(vec!["day 7: 1 calls kept, 2 found".to_owned()]);
    }),
    ("ledger.rollups", |f| {
        health(f).cut_off = Ok(true);
        health(f).deep.as_mut().unwrap().differences = Ok(vec!["day 7: no row kept, 2 found".to_owned()]);
    }),
    ("limits.accounts", |f| {
        f.limits.files.directories[0].account = Err("/h/.claude.json is not valid JSON".to_owned());
    }),
    ("limits.logins", |f| {
        dead(f);
        let not_shown = Some("there is no notify-send".to_owned());
        f.limits.said = Some(Said { at_ms: 0, not_shown });
    }),
    ("limits.logins", |f| {
        // One of two, with a third that nobody holds any more.
        let (mut other, mut gone) = (login(f.now.as_millisecond()), dead(f).clone());
        other.account.id.account = "ann".into();
        other.account.name = "ann".to_owned();
        gone.account.id.account = "gone".into();
        let mut seen = f.limits.files.directories[0].clone();
        seen.path = "/h/ann".into();
        seen.account = Ok(Some(AccountSeen { id: other.account.id.clone(), label: "ann".to_owned() }));
        f.limits.files.directories.push(seen);
        health(f).logins.as_mut().unwrap().extend([other, gone]);
    }),
    ("limits.logins", |f| {
        dead(f);
        f.limits.files.directories[0].credential.written_at_ms = Some(f.now.as_millisecond() - HOUR_MS);
    }),
    ("limits.logins", |f| {
        let ends_ms = f.now.as_millisecond() + 2 * DAY_MS;
        f.limits.files.directories[0].credential.renewable_until_ms = Some(ends_ms);
    }),
    ("limits.logins", |f| {
        let known = &mut health(f).logins.as_mut().unwrap()[0];
        known.since_ms = known.since_ms.map(|since| since - 8 * DAY_MS);
    }),
    ("limits.logins", |f| {
        let seen = &mut f.limits.files.directories[0];
        (seen.credential.written_at_ms, seen.active_since_ms) = (None, None);
        // That it ends soon is no news of a login that is not there.
        let known = &mut health(f).logins.as_mut().unwrap()[0];
        known.since_ms = known.since_ms.map(|since| since - 8 * DAY_MS);
    }),
    ("limits.endpoint", |f| f.limits.allowed = None),
    ("limits.endpoint", |f| f.limits.base = Err("only its own host or this machine".to_owned())),
    ("limits.asking", |f| {
        let now_ms = f.now.as_millisecond();
        health(f).logins.as_mut().unwrap()[0].attempts = Attempts {
            last_success_ms: Some(now_ms - HOUR_MS),
            last_failure: Some((now_ms - 60_000, "Timeout".to_owned())),
        };
    }),
    ("limits.asking", |f| health(f).logins.as_mut().unwrap()[0].attempts = Attempts::default()),
    ("limits.managed", |f| {
        f.limits.managed = vec![id()];
        f.limits.has_client_id = false;
    }),
    ("limits.managed", |f| {
        let gone = AccountId { account: "gone".into(), ..id() };
        f.limits.managed = vec![id(), gone];
        let last = LastRenewal { at_ms: f.now.as_millisecond() - HOUR_MS, came_to: "timeout".to_owned() };
        f.limits.files.directories[0].renewal.last = Some(last);
    }),
    ("limits.managed", |f| f.limits.files.directories[0].renewal.unfinished = true),
    ("limits.managed", |f| f.limits.files.orphans = vec!["/h/.cco/state/refresh-1.intent".into()]),
    ("limits.files", |f| {
        f.limits.files.broken.push(broken(None));
    }),
    ("limits.files", |f| f.limits.files.broken.push(broken(Some((3, f.now.as_millisecond() - HOUR_MS))))),
    ("limits.sharing", |f| {
        f.limits.is_shared = true;
        f.limits.files.shared = [("a", Keeper::Ours), ("b", Keeper::Other)].map(shared).into();
    }),
    ("limits.sharing", |f| {
        f.limits.is_shared = true;
        let why = Unread::Broken("it is no object".to_owned());
        f.limits.files.shared = [("a", Keeper::Left), ("b", Keeper::Unknown(why))].map(shared).into();
    }),
    ("limits.credentials", |f| f.limits.files.directories[0].credential.readable_by_others = true),
    ("daemon.runs", |f| f.daemon.daemon = Daemon::Stranger),
    ("daemon.runs", |f| f.daemon.daemon = Daemon::Silent(Some(about("1")))),
    ("daemon.runs", |f| running(f).about = about("0.0.9")),
    ("daemon.runs", |f| running(f).about.instead_of = Some("127.0.0.1:80".to_owned())),
    ("daemon.parts", |f| running(f).checks[0] = ("disk".to_owned(), false, "it is full".to_owned())),
    ("daemon.parts", |f| running(f).is_polling = true),
    ("daemon.token", |f| f.daemon.token = Some("other users can read it".to_owned())),
    ("daemon.installed", |f| f.daemon.unit = Some(("/h/u".into(), false))),
    ("statusline.installed", |f| status_line(f).line = Err("it is not valid JSON".to_owned())),
    ("statusline.installed", |f| {
        let settings = PathBuf::from("/w/settings.json");
        f.statusline.directories.push(Configured { settings, line: foreign(), ..configured() });
    }),
    ("statusline.runs", |f| status_line(f).program = Program::Absent("/bin/cco".into())),
    ("statusline.runs", |f| status_line(f).program = Program::NotExecutable("/bin/cco".into())),
    ("statusline.runs", |f| {
        status_line(f).program = Program::Fails("/bin/cco".into(), "printed nothing".to_owned());
    }),
    ("statusline.runs", |f| status_line(f).program = Program::Unknown),
    ("statusline.unchanged", |f| status_line(f).installed = Some("/old/cco statusline".to_owned())),
    ("statusline.unchanged", |f| status_line(f).line = foreign()),
    ("statusline.unchanged", |f| status_line(f).open = vec!["/h/.claude/settings.json".into()]),
    ("statusline.overridden", |f| status_line(f).is_off = true),
    ("statusline.overridden", |f| {
        f.statusline.projects = vec![("/code/.claude/settings.json".into(), "`npx other`".to_owned())];
    }),
    ("time.data", |f| f.zone_data = false),
    ("time.zone", |f| {
        f.zone = Err(("TZ is \"X\", which is no time zone".to_owned(), "did you mean Y?".to_owned()));
    }),
    ("time.zone", |f| f.zone = Ok(("Europe/Berlin".to_owned(), "c.toml:3".to_owned()))),
    ("time.clock", |f| {
        health(f).ahead = Ok(3);
        let far = f.now.as_millisecond() + 5 * DAY_MS;
        health(f).holdings = Ok(Holdings { calls: 3, last_ms: Some(far), ..Holdings::default() });
    }),
];
