//! Rules about accounts, logins and plan limits.
//!
//! Must not: look at anything, or ask anybody.

use std::path::{Path, PathBuf};

use cco_engine::limits::check_up::{DirectorySeen, Files, KnownLogin};
use cco_model::civil;
use cco_model::limit::AccountId;
use cco_model::limit::alert::{self, LoginNote};
use cco_model::limit::login::Login;
use jiff::tz::TimeZone;

use super::Verdict;
use super::contents::of_ledger;
use super::facts::Facts;
use super::places::{quoted, without_settings};
use crate::choose::account_label;
use crate::config::keys;
use crate::notify::Said;
use crate::print::limits::NOT_HERE;
use crate::print::limits::glance::dead;
use crate::print::text;

/// Of accounts and limits, what files and settings tell.
#[derive(Clone, Debug)]
pub(crate) struct LimitsFacts {
    /// What files tell.
    pub(crate) files: Files,
    /// The user wants files of older tools to be written.
    pub(crate) is_shared: bool,
    /// What the user said of asking the service; none: nothing yet.
    pub(crate) allowed: Option<bool>,
    /// Where it is asked; an error: what is set cannot be used.
    pub(crate) base: Result<String, String>,
    /// Accounts whose logins the user handed over.
    pub(crate) managed: Vec<AccountId>,
    /// It is set for which OAuth client they are renewed.
    pub(crate) has_client_id: bool,
    /// The last alarm.
    pub(crate) said: Option<Said>,
    /// Logins may be in the system's key store, where nobody looked.
    pub(crate) has_key_store: bool,
    /// Whose times are shown.
    pub(crate) zone: TimeZone,
}

impl LimitsFacts {
    fn holders<'f>(&'f self, id: &'f AccountId) -> impl Iterator<Item = &'f DirectorySeen> {
        let holds = move |seen: &&DirectorySeen| matches!(&seen.account, Ok(Some(held)) if held.id == *id);
        self.files.directories.iter().filter(holds)
    }

    /// The logins that matter: those of accounts that a directory holds; where none holds any, all that are known.
    fn of_interest<'l>(&self, logins: &'l [KnownLogin]) -> Vec<&'l KnownLogin> {
        let here: Vec<&KnownLogin> =
            logins.iter().filter(|known| self.holders(&known.account.id).next().is_some()).collect();
        if here.is_empty() { logins.iter().collect() } else { here }
    }

    /// How a login is: one whose credential was written since is not dead before it was tried.
    fn login(&self, known: &KnownLogin, now_ms: i64) -> Login {
        let written = self.holders(&known.account.id).filter_map(|seen| seen.credential.written_at_ms).max();
        if known.may_be_mended(written, now_ms) { Login::Unknown } else { known.login }
    }

    /// Directories hold the account, and none a login of it. Sessions that are at work have one somewhere.
    fn is_logged_out(&self, id: &AccountId) -> bool {
        let nothing =
            |seen: &DirectorySeen| seen.credential.written_at_ms.is_none() && seen.active_since_ms.is_none();
        !self.has_key_store && self.holders(id).next().is_some() && self.holders(id).all(nothing)
    }

    /// Where an account is, to follow its name.
    fn places(&self, id: &AccountId) -> String {
        let places: Vec<String> =
            self.holders(id).map(|seen| format!(" in {}", seen.path.display())).collect();
        places.join(",")
    }

    fn minute(&self, at_ms: i64) -> String {
        text::minute(civil::timestamp(at_ms), &self.zone)
    }
}

/// What brings a login.
const LOG_IN: &str =
    "run `claude /login`; for another directory than the default one: `CLAUDE_CONFIG_DIR=DIR claude /login`";

fn now_ms(facts: &Facts) -> i64 {
    facts.now.as_millisecond()
}

/// A directory and what is wrong with it; mostly that names the file itself.
fn wrong(directory: &Path, why: &str) -> String {
    let names_it = why.starts_with(&*directory.to_string_lossy());
    if names_it { why.to_owned() } else { format!("{}: {why}", directory.display()) }
}

pub(super) fn accounts(facts: &Facts) -> Verdict {
    let directories = &facts.limits.files.directories;
    let unknown: Vec<String> =
        directories.iter().filter_map(|seen| Some(wrong(&seen.path, seen.account.as_ref().err()?))).collect();
    if !unknown.is_empty() {
        let number = text::plural(unknown.len() as u64, "directory", "directories");
        return Verdict::problem(format!("who is logged in cannot be told in {number}"))
            .fix("mend the file, or let yourself read it; Claude Code writes it anew when it starts")
            .details(unknown);
    }
    let held = |seen: &DirectorySeen| {
        let account = seen.account.as_ref().ok()?.as_ref()?;
        Some(format!("{} in {}", text::name(&account.label), seen.path.display()))
    };
    let held: Vec<String> = directories.iter().filter_map(held).collect();
    match &held[..] {
        [] => Verdict::ok("no directory of Claude Code holds an account"),
        [one] => Verdict::ok(one.as_str()),
        all => Verdict::ok(format!("{} directories hold an account", all.len())).details(held),
    }
}

pub(super) fn logins(facts: &Facts) -> Verdict {
    of_ledger(facts, |health| Some(&health.logins), |logins| judge_logins(facts, logins))
}

fn judge_logins(facts: &Facts, logins: &[KnownLogin]) -> Verdict {
    let (limits, now_ms) = (&facts.limits, now_ms(facts));
    let logins = limits.of_interest(logins);
    let state = |known: &KnownLogin| limits.login(known, now_ms);
    let mut dead: Vec<String> =
        logins.iter().filter_map(|known| dead_words(limits, known, state(known))).collect();
    if !dead.is_empty() {
        let all = text::plural(logins.len() as u64, "account", "accounts");
        let message = if alert::all_dead(logins.iter().map(|known| state(known))) {
            let not_shown = limits.said.as_ref().and_then(|said| said.not_shown.as_deref());
            dead.extend(not_shown.map(|why| format!("no notification could be shown: {why}")));
            format!("every login is dead ({all}): no limit can be told until somebody logs in")
        } else {
            format!("{} of {all} cannot be asked for: the login is dead", dead.len())
        };
        return Verdict::problem(message).fix(LOG_IN).details(dead);
    }
    let mended = logins.iter().filter(|known| known.login.is_dead());
    let mended = mended.map(|known| format!("{}: a new login is there", account_label(&known.account)));
    let (absent, here): (Vec<&KnownLogin>, Vec<&KnownLogin>) =
        logins.iter().partition(|known| limits.is_logged_out(&known.account.id));
    let absent_words = |known: &&KnownLogin| {
        format!("{}{}: {NOT_HERE}", account_label(&known.account), limits.places(&known.account.id))
    };
    let notes: Vec<String> = (absent.iter().map(absent_words))
        .chain(mended)
        .chain(here.iter().filter_map(|known| note_words(facts, known)))
        .collect();
    if !notes.is_empty() {
        let number = text::plural(notes.len() as u64, "login", "logins");
        let fix =
            if absent.is_empty() { "`cco limits` tries them; `claude /login` renews one" } else { LOG_IN };
        return Verdict::note(format!("{number} to know of")).fix(fix).details(notes);
    }
    let number = text::plural(logins.len() as u64, "login", "logins");
    match logins.iter().filter(|known| known.login == Login::Active).count() {
        _ if logins.is_empty() => Verdict::ok("no account was seen yet"),
        0 => Verdict::ok(format!("{number}, none accepted by the service so far")),
        working if working == logins.len() => Verdict::ok("every login worked when last tried"),
        working => Verdict::ok(format!("{working} of {number} worked when last tried")),
    }
}

fn dead_words(limits: &LimitsFacts, known: &KnownLogin, login: Login) -> Option<String> {
    let Login::NeedsLogin { reason, since_ms } = login else { return None };
    let (label, places) = (account_label(&known.account), limits.places(&known.account.id));
    Some(format!("{label}{places}: {}, since {}", dead(reason).0, limits.minute(since_ms)))
}

fn note_words(facts: &Facts, known: &KnownLogin) -> Option<String> {
    let limits = &facts.limits;
    let mut holders = limits.holders(&known.account.id).peekable();
    holders.peek()?;
    let ends_ms = holders.filter_map(|seen| seen.credential.renewable_until_ms).max();
    // What it was since it last came to work is the age of the login, not of the account.
    let first_ms = known.since_ms.unwrap_or(known.account.first_ms);
    let label = account_label(&known.account);
    Some(match alert::login_note(ends_ms, Some(first_ms), now_ms(facts))? {
        LoginNote::EndsAt { at_ms } => format!("{label}: the login ends at {}", limits.minute(at_ms)),
        LoginNote::KnownSince { at_ms } => {
            let since = limits.minute(at_ms);
            format!("{label}: logged in since {since} or earlier; logins end at about 30 days")
        }
    })
}

pub(super) fn endpoint(facts: &Facts) -> Verdict {
    if let Some(verdict) = without_settings(facts) {
        return verdict;
    }
    let base = match &facts.limits.base {
        Ok(base) => base,
        Err(why) => {
            return Verdict::problem(format!(
                "the service cannot be asked: `{}`: {why}",
                keys::limits::BASE_URL
            ))
            .fix(format!("`cco config unset {}`", keys::limits::BASE_URL));
        }
    };
    let has_account = facts.limits.files.directories.iter().any(|seen| matches!(seen.account, Ok(Some(_))));
    match facts.limits.allowed {
        Some(true) => Verdict::ok(format!("you allowed to ask for limits, at {base}")),
        Some(false) => Verdict::ok(format!("nobody is asked: {} = false", keys::limits::ENDPOINT)),
        None if has_account => Verdict::note(format!(
            "not decided yet whether limits are asked for, at {base}"
        ))
        .fix(format!("`cco config set {} true` allows it, `false` settles it too", keys::limits::ENDPOINT)),
        None => Verdict::ok("nobody is asked, and there is no account to ask for"),
    }
}

pub(super) fn asking(facts: &Facts) -> Verdict {
    if let Some(verdict) = without_settings(facts) {
        return verdict;
    }
    of_ledger(facts, |health| Some(&health.logins), |logins| judge_asking(facts, logins))
}

fn judge_asking(facts: &Facts, logins: &[KnownLogin]) -> Verdict {
    let (limits, now_ms) = (&facts.limits, now_ms(facts));
    if limits.allowed != Some(true) {
        return Verdict::ok("nothing is asked");
    }
    let (mut failing, mut waiting, mut failed_last, mut all) = (0, 0, 0, Vec::new());
    for known in logins.iter().filter(|known| limits.holders(&known.account.id).next().is_some()) {
        let attempts = &known.attempts;
        let active_ms = limits.holders(&known.account.id).filter_map(|seen| seen.active_since_ms).min();
        // A dead login is told by its own check.
        let silent =
            alert::broker_is_silent(attempts.last_success_ms, active_ms, now_ms) && !known.login.is_dead();
        let failed = attempts.last_failure.as_ref();
        let has_failed = failed.is_some_and(|(at_ms, _)| Some(*at_ms) > attempts.last_success_ms);
        failing += u64::from(silent && has_failed);
        waiting += u64::from(silent && !has_failed);
        failed_last += u64::from(has_failed && !known.login.is_dead());
        all.push(attempts_words(limits, known));
    }
    let accounts = |number| text::plural(number, "account", "accounts");
    let minutes = alert::SILENCE_MS / 60_000;
    match (failing, waiting) {
        (0, 0) if all.is_empty() => Verdict::ok("there is no account to ask for"),
        (0, 0) if failed_last > 0 => Verdict::note(format!(
            "the last time that {} was asked for, no limits came back",
            accounts(failed_last)
        ))
        .fix("`cco limits --refresh` tries again and says what is wrong")
        .details(all),
        (0, 0) => Verdict::ok("asking works, or is not due").details(all),
        (0, waiting) => Verdict::note(format!(
            "sessions are at work, and nobody asked for {} in {minutes} minutes",
            accounts(waiting)
        ))
        .fix("`cco limits` asks")
        .details(all),
        (failing, _) => Verdict::problem(format!(
            "sessions are at work, and asking for {} has not succeeded in {minutes} minutes",
            accounts(failing)
        ))
        .fix("`cco limits --refresh` tries at once and says what is wrong; mostly it is the network")
        .details(all),
    }
}

/// The last success and the last failure of asking for an account.
fn attempts_words(limits: &LimitsFacts, known: &KnownLogin) -> String {
    let attempts = &known.attempts;
    let success = attempts.last_success_ms.map_or_else(|| "never".to_owned(), |at_ms| limits.minute(at_ms));
    let failure = attempts.last_failure.as_ref().map_or_else(String::new, |(at_ms, why)| {
        format!(", last failure {}: {}", limits.minute(*at_ms), text::clean(why))
    });
    format!("{}: last answer {success}{failure}", account_label(&known.account))
}

pub(super) fn managed(facts: &Facts) -> Verdict {
    if let Some(verdict) = without_settings(facts) {
        return verdict;
    }
    let limits = &facts.limits;
    let unfinished = limits.files.directories.iter().filter(|seen| seen.renewal.unfinished);
    let unfinished: Vec<String> = unfinished.map(|seen| seen.path.display().to_string()).collect();
    if !unfinished.is_empty() {
        return Verdict::note("a renewal of a login was broken off, or goes on now")
            .fix("`cco limits` brings it to an end")
            .details(unfinished);
    }
    let orphans = &limits.files.orphans;
    if !orphans.is_empty() {
        return Verdict::note("a renewal was broken off, of a login in a directory that is not looked at any more")
            .fix("`cco accounts add DIR` and `cco limits` bring it to an end; else delete the files: a login may be in them")
            .details(orphans.iter().map(|path| path.display().to_string()).collect());
    }
    if limits.managed.is_empty() {
        return Verdict::ok("logins are only read");
    }
    let number = text::plural(limits.managed.len() as u64, "account", "accounts");
    let lines: Vec<String> = limits.managed.iter().flat_map(|id| managed_words(limits, id)).collect();
    if !limits.has_client_id {
        return Verdict::problem(format!("{number} managed, and no login can be renewed"))
            .fix(format!("`cco config set {} ID`, or `cco accounts unmanage NAME`", keys::limits::CLIENT_ID))
            .details(lines);
    }
    let holders = || limits.managed.iter().flat_map(|id| limits.holders(id));
    let failed =
        holders().filter_map(|seen| seen.renewal.last.as_ref()).filter(|last| !last.worked()).count();
    match failed {
        0 => Verdict::ok(format!("{number} managed: cco renews the login")).details(lines),
        _ => Verdict::note(format!("{number} managed; the last renewal failed"))
            .fix("`cco limits --refresh` tries again and says what is wrong; `claude /login` makes a new login")
            .details(lines),
    }
}

/// A managed account in each directory that holds it, and the last renewal there.
fn managed_words(limits: &LimitsFacts, id: &AccountId) -> Vec<String> {
    let words = |seen: &DirectorySeen| {
        let label = seen.account.as_ref().ok().and_then(Option::as_ref).map(|seen| text::name(&seen.label));
        let last = seen.renewal.last.as_ref().map_or_else(
            || "not renewed yet".to_owned(),
            |last| format!("{} {}", text::clean(&last.came_to), limits.minute(last.at_ms)),
        );
        format!("{} in {}: {last}", label.unwrap_or_default(), seen.path.display())
    };
    let all: Vec<String> = limits.holders(id).map(words).collect();
    if all.is_empty() { vec![format!("{id}: no directory holds it")] } else { all }
}

pub(super) fn credentials(facts: &Facts) -> Verdict {
    let seen = facts.limits.files.directories.iter().filter(|seen| seen.credential.readable_by_others);
    let open: Vec<PathBuf> = seen.map(|seen| seen.path.join(".credentials.json")).collect();
    let Some(first) = open.first() else { return Verdict::ok("no login is in a file that others can read") };
    Verdict::note("other users of this machine can read a login of Claude Code")
        .fix(format!("chmod 600 {}", quoted(first)))
        .details(open.iter().map(|path| path.display().to_string()).collect())
}
