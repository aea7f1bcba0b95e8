//! Every check is fine with a sound machine, and each has facts that make it speak.

mod cases;
mod sound;

use std::collections::BTreeSet;

use self::cases::{CASES, Change};
use self::sound::sound;
use super::facts::{Facts, LedgerState};
use super::*;
use crate::config::check::Checked;
use crate::error::CliError;

fn line(check: &Check, facts: &Facts) -> String {
    let Verdict { status, message, fix, details } = (check.judge)(facts);
    let fix = fix.map_or_else(String::new, |fix| format!("\n  fix: {fix}"));
    let details: String = details.iter().map(|detail| format!("\n  {detail}")).collect();
    format!("{} {}: {message}{details}{fix}\n", status.name(), check.id)
}

fn named(id: &str) -> &'static Check {
    CHECKS.iter().find(|check| check.id == id).unwrap()
}

#[test]
fn ids_are_unique_and_of_one_form() {
    let ids: BTreeSet<&str> = CHECKS.iter().map(|check| check.id).collect();
    assert_eq!(ids.len(), CHECKS.len());
    for check in CHECKS {
        let (area, rest) = check.id.split_once('.').unwrap();
        let plain = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        assert!(plain(area) && plain(rest), "{}", check.id);
        assert!(!check.about.ends_with('.') && !check.about.is_empty(), "{}", check.id);
    }
}

#[test]
fn every_check_has_a_case_that_makes_it_speak_and_nothing_else_needs_mending() {
    let cases: BTreeSet<&str> = CASES.iter().map(|(id, _)| *id).collect();
    assert_eq!(cases, CHECKS.iter().map(|check| check.id).collect());
    for (id, change) in CASES {
        let mut facts = sound();
        change(&mut facts);
        let verdict = (named(id).judge)(&facts);
        assert_ne!(verdict.status, Status::Ok, "{id}: {}", verdict.message);
        // A problem says what to do.
        assert!(verdict.status != Status::Problem || verdict.fix.is_some(), "{id}: {}", verdict.message);
    }
}

#[test]
fn a_sound_machine_is_found_sound() {
    let facts = sound();
    let all: String = CHECKS.iter().map(|check| line(check, &facts)).collect();
    insta::assert_snapshot!(all, @r"
    ok home.writable: /h/.cco can be written
    ok home.private: only you can read it
    ok home.room: 9.0 GB free for the ledger
    ok config.valid: the settings can be used
    ok config.keys: every setting is known and complete
    ok config.effect: every setting has an effect
    ok roots.found: 7 transcripts under /h/.claude
    ok roots.readable: every place that was named can be read
    ok transcripts.readable: every transcript can be read
    ok transcripts.damaged: no damaged line
    ok transcripts.odd: no odd row
    ok transcripts.too_large: no call is too large to be added up
    ok transcripts.kept: Claude Code keeps transcripts for 30 days; the ledger has 1,234 calls of 40 days, 200 of them from transcripts that are gone
    ok prices.complete: every call has a price
    ok ledger.sqlite: SQLite 3.54.1
    ok ledger.opens: /h/.cco/ledger.db has 1,234 calls
    ok ledger.whole: SQLite finds nothing wrong with the file
    ok ledger.loaded: the first load came to its end
    ok ledger.keys: every call has exactly one key
    ok ledger.rollups: all sums equal their calls
    ok limits.accounts: dev@example.com in /h/.claude
    ok limits.logins: every login worked when last tried
    ok limits.endpoint: you allowed to ask for limits, at https://api.anthropic.com
    ok limits.asking: asking works, or is not due
      dev@example.com: last answer 2026-10-20 11:58
    ok limits.managed: logins are only read
    ok limits.files: no file of another tool is there and broken
    ok limits.sharing: limits are not written to files of older tools
    ok limits.credentials: no login is in a file that others can read
    ok statusline.installed: Claude Code shows cco's status line
    ok statusline.runs: the program of the status line is there, and prints a line
    ok statusline.unchanged: nobody changed the status line that was installed
    ok statusline.overridden: no other setting stands in its way
    ok daemon.runs: it runs: http://127.0.0.1:3003, process 7
    ok daemon.parts: all of its parts work
    ok daemon.token: no other user can read it
    ok daemon.installed: the system starts it at login: /h/u
    ok time.data: the system's time zone files are there
    ok time.zone: reports show days of UTC (TZ), as the ledger keeps them
    ok time.clock: no call is dated ahead of now
    ");
}

#[test]
fn what_is_wrong_is_said_with_how_to_mend_it() {
    let said = |(id, change): &(&str, Change)| {
        let mut facts = sound();
        change(&mut facts);
        line(named(id), &facts)
    };
    let all: String = CASES.iter().map(said).collect();
    insta::assert_snapshot!(all, @r#"
    problem home.writable: neither CCO_HOME nor HOME is set; reports work in memory and nothing is kept
      fix: set CCO_HOME to a folder that you can write
    problem home.writable: CCO_HOME must be absolute
      fix: so
    problem home.writable: /h/.cco cannot be made (/h: permission denied); reports work in memory and nothing is kept
      fix: set CCO_HOME to a folder that you can write
    problem home.writable: /h/.cco cannot be written (the file system is read-only); reports work in memory and nothing is kept
      fix: let yourself write there, or set CCO_HOME to another folder
    problem home.private: other users of this machine may read what you use and what it costs
      /h/.cco has mode 0755
      fix: chmod 700 /h/.cco
    note home.private: files are open to other users, though the folder is not
      /h/.cco/ledger.db has mode 0644
      fix: chmod 600 /h/.cco/ledger.db
    problem home.private: other users of this machine may read what you use and what it costs
      /d/it's.db has mode 0640
      fix: chmod 600 '/d/it'\''s.db'
    problem home.private: not all of it is yours (you are user 1000)
      /h/.cco/ledger.db is of user 0
      fix: change the owner with chown, or run cco as that user
    problem home.room: only 10.0 MB free for the ledger
      fix: free some space; nothing that was counted is lost meanwhile
    note home.room: 700.0 MB free for the ledger
    note home.room: free space is not known: /h: permission denied
    note home.room: not looked at: there is no place for a ledger
    problem config.valid: the settings cannot be used, and no report runs
      cannot read c.toml: it is a folder
      fix: mend it
    problem config.valid: the settings cannot be used, and no report runs
      c.toml:2: `stats.timezone`: no such zone
      fix: `cco config edit` opens them
    problem config.keys: some settings do not do what they seem to
      c.toml:2: unknown key `stats.x`
      fix: `cco config edit` opens them
    note config.keys: not looked at: the settings cannot be read
    note config.effect: not looked at: the settings cannot be read
    note config.effect: c.toml: no effect in this version: [daemon] (line 1)
    problem roots.found: no transcripts of Claude Code found
      set CLAUDE_CONFIG_DIR to the folder that holds projects/
      fix: use Claude Code once, or set CLAUDE_CONFIG_DIR to the folder that holds projects/
    problem roots.readable: places with transcripts cannot be read; what is new there is not counted
      /d/projects, named by CLAUDE_CONFIG_DIR: not there
      fix: correct the name, or let yourself read the folder
    problem roots.readable: places with transcripts cannot be read; what is new there is not counted
      /h/.config/claude/projects: permission denied
      fix: correct the name, or let yourself read the folder
    problem transcripts.readable: 1 file or folder cannot be read; what is new there is not counted
      /h/.claude/projects/a: Permission denied
      fix: let yourself read them
    note transcripts.damaged: 1 damaged line; whole records on them count
      /h/.claude/projects/a/s.jsonl: byte 17: damaged
    note transcripts.odd: 1 odd row; what can be told of them counts
      /h/.claude/projects/a/s.jsonl: byte 17: a count
    note transcripts.too_large: 1 call is too large; not counted
      /h/.claude/projects/a/s.jsonl: byte 17: so
    problem transcripts.kept: Claude Code keeps no transcripts, so nothing can be counted
      fix: set cleanupPeriodDays in /h/.claude/settings.json to 30 or more
    note transcripts.kept: Claude Code keeps transcripts for 3 days; the ledger has 1,234 calls of 40 days, 200 of them from transcripts that are gone
      fix: run cco more often than that, or raise cleanupPeriodDays in /h/.claude/settings.json
    note transcripts.kept: how long Claude Code keeps transcripts is not known, 30 days by itself; the ledger has 1,234 calls of 40 days, 200 of them from transcripts that are gone
      /h/.claude/settings.json: it is not valid JSON
    problem prices.complete: 2 models have calls without a price; their cost is in no total
      acme-1: 2 calls, 1,000 tokens
      unknown: 2 calls, 1,000 tokens
      fix: [prices."acme-1"] in config.toml sets one (0 if free); a newer cco may know it
    note prices.complete: 1 model has calls without a price; the price list is new, and the next report applies it
      acme-1: 1 call, 1 token
    problem ledger.sqlite: SQLite 3.50.0 can lose committed rows; 3.51.3 or newer is needed
      fix: build cco with its bundled SQLite
    note ledger.opens: not looked at: its place is not known, or cannot be written
    problem ledger.opens: the ledger cannot be opened: x.db is not a ledger of cco
      fix: so
    problem ledger.whole: the file is damaged
      Tree 4 page 9: never used
      fix: move the file away and keep it: the next run builds a new one from the transcripts that are still there
    problem ledger.whole: the ledger does not answer: disk I/O error
      fix: check the disk, and whether another cco is at work for long; then run this again
    note ledger.loaded: the first load has not come to its end; the next report completes it, or another cco is at it now
      fix: `cco scan` completes it now
    problem ledger.keys: calls and their keys do not go one to one
      1 call without a key
      2 calls with several keys
      fix: this is a bug of cco, or a damaged file: keep a copy of the ledger and report it
    problem ledger.rollups: 1 sum differs from the calls
      day 7: 1 calls kept, 2 found
      fix: this is a bug of cco, or a damaged file: keep a copy of the ledger and report it
    problem ledger.rollups: 1 sum differs from the calls
      day 7: no row kept, 2 found
      fix: `cco scan` completes the first load
    problem limits.accounts: who is logged in cannot be told in 1 directory
      /h/.claude.json is not valid JSON
      fix: mend the file, or let yourself read it; Claude Code writes it anew when it starts
    problem limits.logins: every login is dead (1 account): no limit can be told until somebody logs in
      dev@example.com in /h/.claude: its login has ended, since 2026-10-20 06:00
      no notification could be shown: there is no notify-send
      fix: run `claude /login`; for another directory than the default one: `CLAUDE_CONFIG_DIR=DIR claude /login`
    problem limits.logins: 1 of 2 accounts cannot be asked for: the login is dead
      dev@example.com in /h/.claude: its login has ended, since 2026-10-20 06:00
      fix: run `claude /login`; for another directory than the default one: `CLAUDE_CONFIG_DIR=DIR claude /login`
    note limits.logins: 1 login to know of
      dev@example.com: a new login is there
      fix: `cco limits` tries them; `claude /login` renews one
    note limits.logins: 1 login to know of
      dev@example.com: the login ends at 2026-10-22 12:00
      fix: `cco limits` tries them; `claude /login` renews one
    note limits.logins: 1 login to know of
      dev@example.com: logged in since 2026-10-05 12:00 or earlier; logins end at about 30 days
      fix: `cco limits` tries them; `claude /login` renews one
    note limits.logins: 1 login to know of
      dev@example.com in /h/.claude: its login is not on this machine
      fix: run `claude /login`; for another directory than the default one: `CLAUDE_CONFIG_DIR=DIR claude /login`
    note limits.endpoint: not decided yet whether limits are asked for, at https://api.anthropic.com
      fix: `cco config set limits.endpoint true` allows it, `false` settles it too
    problem limits.endpoint: the service cannot be asked: `limits.base_url`: only its own host or this machine
      fix: `cco config unset limits.base_url`
    problem limits.asking: sessions are at work, and asking for 1 account has not succeeded in 15 minutes
      dev@example.com: last answer 2026-10-20 11:00, last failure 2026-10-20 11:59: Timeout
      fix: `cco limits --refresh` tries at once and says what is wrong; mostly it is the network
    note limits.asking: sessions are at work, and nobody asked for 1 account in 15 minutes
      dev@example.com: last answer never
      fix: `cco limits` asks
    problem limits.managed: 1 account managed, and no login can be renewed
      dev@example.com in /h/.claude: not renewed yet
      fix: `cco config set limits.client_id ID`, or `cco accounts unmanage NAME`
    note limits.managed: 2 accounts managed; the last renewal failed
      dev@example.com in /h/.claude: timeout 2026-10-20 11:00
      org/gone: no directory holds it
      fix: `cco limits --refresh` tries again and says what is wrong; `claude /login` makes a new login
    note limits.managed: a renewal of a login was broken off, or goes on now
      /h/.claude
      fix: `cco limits` brings it to an end
    note limits.managed: a renewal was broken off, of a login in a directory that is not looked at any more
      /h/.cco/state/refresh-1.intent
      fix: `cco accounts add DIR` and `cco limits` bring it to an end; else delete the files: a login may be in them
    note limits.files: 1 file of another tool cannot be used; other sources of limits go on
      /h/.claude/session-health/merged-quota-cache.json is not valid JSON
      fix: a file that was just being written is whole the next time; else mend it or move it away
    problem limits.files: 1 file of another tool cannot be used, time and again; what it said last stays, with its age
      /h/.claude/session-health/merged-quota-cache.json is not valid JSON; 3 bad reads in a row, since 2026-10-20 11:00
      fix: mend it, or move it away
    note limits.sharing: another program keeps 1 file up to date; cco leaves them alone
      /h/.claude/session-health/b.json
      fix: stop that program, or `cco config set limits.share_session_health false`
    note limits.sharing: cannot read 1 file of older tools, so nothing is written there
      /h/.claude/session-health/b.json
      fix: mend them or move them away; the next `cco limits --refresh` writes new ones
    note limits.credentials: other users of this machine can read a login of Claude Code
      /h/.claude/.credentials.json
      fix: chmod 600 /h/.claude/.credentials.json
    note daemon.runs: none runs; another program has its socket, and each report waits for it a moment
      fix: `cco daemon start` takes its place
    problem daemon.runs: it runs (process 7), and does not answer
      fix: `cco daemon logs` may say why; `cco daemon stop`, then `cco daemon start`
    problem daemon.runs: the one that runs is of version 0.0.9, and this is 0.1.0
      fix: `cco daemon restart`
    note daemon.runs: it runs: http://127.0.0.1:3003, process 7; another program has 127.0.0.1:80
      fix: end that one, or set `daemon.listen` to a port that is free; then `cco daemon restart`
    problem daemon.parts: a part of it does not work
      disk: it is full
      fix: `cco daemon logs` says since when
    note daemon.parts: it looks at transcripts every second, since the system does not tell it of changes
      fix: raise the system's limits of watched files (fs.inotify.max_user_watches, max_user_instances)
    problem daemon.token: it cannot be used: other users can read it
      fix: `cco daemon token --rotate` makes another one, after its file is gone
    note daemon.installed: /h/u is not what this version, at this place, would write
      fix: `cco daemon install` writes it anew
    note statusline.installed: cco's status line is set in 0 of 1 config directory
      /h/.claude/settings.json: it is not valid JSON
      fix: `cco statusline install --config-dir DIR` sets it in another one
    note statusline.installed: cco's status line is set in 1 of 2 config directories
      /w/settings.json: another status line: `npx other`
      fix: `cco statusline install --config-dir DIR` sets it in another one
    problem statusline.runs: the program of 1 status line does not work; Claude Code shows none
      /h/.claude/settings.json: /bin/cco is not there
      fix: `cco statusline install` sets it anew; --config-dir names another directory
    problem statusline.runs: the program of 1 status line does not work; Claude Code shows none
      /h/.claude/settings.json: /bin/cco cannot be run
      fix: `cco statusline install` sets it anew; --config-dir names another directory
    problem statusline.runs: the program of 1 status line does not work; Claude Code shows none
      /h/.claude/settings.json: /bin/cco printed nothing
      fix: `cco statusline install` sets it anew; --config-dir names another directory
    note statusline.runs: it cannot be told here whether a status line works
      /h/.claude/settings.json: its program is nowhere in the search path of this terminal
      fix: `cco statusline install` sets it anew; --config-dir names another directory
    note statusline.unchanged: the status line is not the one that was installed
      /h/.claude/settings.json: `/bin/cco statusline` instead of `/old/cco statusline`
      fix: `cco statusline install` sets it anew; --config-dir names another directory
    note statusline.unchanged: the status line is not the one that was installed
      /h/.claude/settings.json: `npx other` instead of `/bin/cco statusline`
      fix: `cco statusline install` sets it anew; --config-dir names another directory
    problem statusline.unchanged: other users of this machine can change what Claude Code runs for its status line
      /h/.claude/settings.json
      fix: chmod go-w /h/.claude/settings.json
    note statusline.overridden: another setting goes before the status line
      /h/.claude/settings.json: "disableAllHooks" switches status lines off
    note statusline.overridden: another setting goes before the status line
      /code/.claude/settings.json: `npx other` goes before it here
    problem time.data: the system has no time zone files; days can only be those of UTC
      fix: install them (tzdata)
    problem time.zone: TZ is "X", which is no time zone
      fix: did you mean Y?
    note time.zone: reports show days of Europe/Berlin (c.toml:3), the ledger keeps those of UTC: as exact, and a little slower
    problem time.clock: 3 calls are dated ahead of now, the last one by 5 days
      fix: set this machine's clock right; calls that were dated by a wrong clock keep their dates
    "#);
}

#[test]
fn without_a_ledger_no_check_of_it_claims_anything() {
    for (ledger, status) in [
        (LedgerState::Absent("/x".into()), Status::Ok),
        (LedgerState::Refused(CliError::failed("x")), Status::Note),
        (LedgerState::Nowhere, Status::Note),
    ] {
        let facts = Facts { ledger, ..sound() };
        for id in [
            "ledger.whole",
            "ledger.loaded",
            "ledger.keys",
            "prices.complete",
            "transcripts.odd",
            "limits.logins",
            "limits.asking",
            "time.clock",
        ] {
            let verdict = (named(id).judge)(&facts);
            assert_eq!((verdict.status, verdict.message.contains("no ledger")), (status, true), "{id}");
        }
    }
}

#[test]
fn nothing_is_claimed_of_settings_that_cannot_be_read() {
    let mut facts = sound();
    for broken in [Err(CliError::failed("x")), Ok(Checked { is_broken: true, ..Checked::default() })] {
        facts.config = broken;
        for id in [
            "config.keys",
            "config.effect",
            "limits.endpoint",
            "limits.asking",
            "limits.managed",
            "limits.sharing",
        ] {
            assert!(line(named(id), &facts).contains("the settings cannot be read"), "{id}");
        }
    }
}
