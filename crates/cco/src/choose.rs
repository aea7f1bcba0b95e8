//! Which project, branch, model or account somebody means: names as they are typed, to ids of the ledger.
//!
//! Must not: query; guess between names that differ in more than a path's front.

use std::collections::BTreeSet;
use std::sync::Arc;

use cco_engine::limits::KnownAccount;
pub(crate) use cco_wire::names::{SHORT_ID, account_label, called, is_project, nearest};

use crate::error::CliError;
use crate::print::text;

/// What calls of no known account are called.
pub(crate) const UNKNOWN: &str = "unknown";
/// Names that an error lists.
const LISTED: usize = 8;

/// The projects of these names: a whole path, or the last parts of one. None given: no choice.
pub(crate) fn projects(
    given: &[String],
    known: &[(i64, Arc<str>)],
) -> Result<Option<BTreeSet<i64>>, CliError> {
    let short: Vec<String> = known.iter().map(|(_, path)| text::whole_project(path)).collect();
    choose(given, |name| {
        let found: BTreeSet<i64> = known
            .iter()
            .filter(|(_, path)| is_project(path, name))
            .map(|(id, _)| *id)
            .chain((name == "unknown").then_some(0))
            .collect();
        if !found.is_empty() || known.is_empty() {
            return Ok(found);
        }
        let names = || short.iter().map(String::as_str);
        Err(unknown("project", name, nearest(name, names()), names(), "`cco project` lists them all"))
    })
}

/// What to say of names that several projects share.
pub(crate) fn namesakes(given: &[String], known: &[(i64, Arc<str>)]) -> Vec<String> {
    let paths_of = |name: &String| -> Vec<&str> {
        let paths = known.iter().map(|(_, path)| &**path);
        paths.filter(|path| text::whole_project(path) == *name).collect()
    };
    let shared = given.iter().map(|name| (name, paths_of(name))).filter(|(_, paths)| paths.len() > 1);
    shared.map(|(name, paths)| format!("{name} is {} projects: {}", paths.len(), paths.join(", "))).collect()
}

/// The branches of these names, whole. None given: no choice.
pub(crate) fn branches(
    given: &[String],
    known: &[(i64, Arc<str>)],
) -> Result<Option<BTreeSet<i64>>, CliError> {
    choose(given, |name| {
        let of = known.iter().filter(|(_, branch)| **branch == *name).map(|(id, _)| *id);
        let found: BTreeSet<i64> = of.chain((name == UNKNOWN).then_some(0)).collect();
        if !found.is_empty() || known.is_empty() {
            return Ok(found);
        }
        let names = || known.iter().map(|(_, branch)| &**branch);
        Err(unknown("branch", name, nearest(name, names()), names(), "`cco branch` lists them all"))
    })
}

/// The models of these names: as in the transcripts, or any with this in their name, in small or large letters.
pub(crate) fn models(given: &[String], known: &[(i64, Arc<str>)]) -> Result<Option<BTreeSet<i64>>, CliError> {
    choose(given, |name| {
        let wanted = name.to_lowercase();
        let ids = |holds: &dyn Fn(&str) -> bool| -> BTreeSet<i64> {
            known.iter().filter(|(_, model)| holds(model)).map(|(id, _)| *id).collect()
        };
        let exact = ids(&|model| model == name || text::short_model(model) == name);
        let found =
            if exact.is_empty() { ids(&|model| model.to_lowercase().contains(&wanted)) } else { exact };
        if !found.is_empty() || known.is_empty() {
            return Ok(found);
        }
        let short: Vec<String> = known.iter().map(|(_, model)| text::short_model(model)).collect();
        let names = || short.iter().map(String::as_str);
        Err(unknown("model", name, nearest(name, names()), names(), "`cco model` lists them all"))
    })
}

/// The accounts of these names: the user's own, an e-mail address, or `unknown`. None given: no choice.
pub(crate) fn accounts(given: &[String], known: &[KnownAccount]) -> Result<Option<BTreeSet<i64>>, CliError> {
    choose(given, |name| {
        let found: BTreeSet<i64> = known
            .iter()
            .filter(|account| called(account, name))
            .map(|account| account.row)
            .chain((name == UNKNOWN).then_some(0))
            .collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let labels: Vec<String> = known.iter().map(account_label).collect();
        let names = || labels.iter().map(String::as_str).chain([UNKNOWN]);
        Err(unknown("account", name, nearest(name, names()), names(), "`cco accounts` lists them all"))
    })
}

/// The one account of this name.
pub(crate) fn account<'k>(name: &str, known: &'k [KnownAccount]) -> Result<&'k KnownAccount, CliError> {
    let found: Vec<&KnownAccount> = known.iter().filter(|account| called(account, name)).collect();
    match found[..] {
        [one] => Ok(one),
        [] => {
            let labels: Vec<String> = known.iter().map(account_label).collect();
            let error = CliError::usage(format!("no account is called {name:?}"));
            Err(match nearest(name, labels.iter().map(String::as_str)) {
                Some(near) => error.hint(format!("did you mean {near}? `cco accounts` lists them all")),
                None => error.hint("`cco accounts` lists them all"),
            })
        }
        _ => Err(CliError::usage(format!("{} accounts are called {name:?}", found.len())).hint(format!(
            "name one by its id: {}",
            found.iter().map(|account| typed(account, known)).collect::<Vec<_>>().join(", ")
        ))),
    }
}

/// What can be typed to mean this account and no other: its name, its address, the beginning of an id, else the whole
/// of it.
pub(crate) fn typed(account: &KnownAccount, known: &[KnownAccount]) -> String {
    let is_its_own = |name: &String| {
        let others = known.iter().filter(|other| other.id != account.id);
        called(account, name) && !others.into_iter().any(|other| called(other, name))
    };
    let (name, email) = (account.name.clone(), account.email.clone());
    let ids = [&account.id.account, &account.id.organization].map(|id| start_of(id));
    let plain = |name: &String| text::name(name) == *name && !name.contains([' ', '\'', '"']);
    let mut names = [name, email].into_iter().chain(ids);
    names.find(|name| plain(name) && is_its_own(name)).unwrap_or_else(|| account.id.to_string())
}

/// So much of an id is enough to tell two from each other.
fn start_of(id: &str) -> String {
    id.chars().take(SHORT_ID).collect()
}

/// What people tell accounts from each other by: those that share an address by their organization as well.
pub(crate) fn account_labels(known: &[&KnownAccount]) -> Vec<String> {
    let labels: Vec<String> = known.iter().map(|account| account_label(account)).collect();
    let is_shared = |label: &String| labels.iter().filter(|other| *other == label).count() > 1;
    let label = |(label, account): (&String, &&KnownAccount)| match is_shared(label) {
        true => format!("{label} (organization {})", text::clean(&start_of(&account.id.organization))),
        false => label.clone(),
    };
    labels.iter().zip(known).map(label).collect()
}

fn choose(
    given: &[String],
    find: impl Fn(&str) -> Result<BTreeSet<i64>, CliError>,
) -> Result<Option<BTreeSet<i64>>, CliError> {
    if given.is_empty() {
        return Ok(None);
    }
    let mut all = BTreeSet::new();
    for name in given {
        all.extend(find(name)?);
    }
    Ok(Some(all))
}

fn unknown<'n>(
    what: &str,
    given: &str,
    near: Option<&str>,
    names: impl Iterator<Item = &'n str>,
    list: &str,
) -> CliError {
    let error = CliError::usage(match what {
        // An account need not have calls.
        "account" => format!("no account is called {given:?}"),
        what => format!("no calls of a {what} called {given:?}"),
    });
    if let Some(near) = near {
        return error.hint(format!("did you mean {near}? {list}"));
    }
    let mut named: Vec<&str> = names.collect();
    named.sort_unstable();
    named.dedup();
    let more = if named.len() > LISTED { ", …" } else { "" };
    named.truncate(LISTED);
    error.hint(format!("there are: {}{more}; {list}", named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(names: &[&str]) -> Vec<(i64, Arc<str>)> {
        (1..).zip(names).map(|(id, name)| (id, Arc::from(*name))).collect()
    }

    fn given(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn words(error: &CliError) -> String {
        format!("{} ({})", error.message, error.hints.join("; "))
    }

    #[test]
    fn a_project_is_named_by_its_path_or_the_end_of_it() {
        let known = known(&["/home/dev/app", "/elsewhere/app", "/home/dev/site"]);
        let ids = |names: &[&str]| projects(&given(names), &known).map(|ids| ids.map(|ids| ids.len()));
        assert_eq!(ids(&[]), Ok(None));
        assert_eq!(ids(&["site"]), Ok(Some(1)));
        assert_eq!(ids(&["/elsewhere/app/"]), Ok(Some(1)));
        assert_eq!(ids(&["app"]), Ok(Some(2)), "namesakes are both meant");
        assert_eq!(ids(&["elsewhere/app"]), Ok(Some(1)), "as reports call it beside its namesake");
        assert!(ids(&["where/app"]).is_err());
        assert_eq!(ids(&["app", "site"]), Ok(Some(3)));
        assert_eq!(
            namesakes(&given(&["app", "site", "/elsewhere/app"]), &known),
            ["app is 2 projects: /home/dev/app, /elsewhere/app"]
        );
        assert_eq!(ids(&["unknown"]), Ok(Some(1)));
        insta::assert_snapshot!(
            words(&ids(&["sito"]).expect_err("no such project")),
            @"no calls of a project called \"sito\" (did you mean site? `cco project` lists them all)"
        );
        insta::assert_snapshot!(
            words(&ids(&["zebra"]).expect_err("no such project")),
            @"no calls of a project called \"zebra\" (there are: app, site; `cco project` lists them all)"
        );
        assert_eq!(
            projects(&given(&["x"]), &[]),
            Ok(Some(BTreeSet::new())),
            "an empty ledger knows no names"
        );
    }

    #[test]
    fn a_branch_is_named_whole() {
        let known = known(&["main", "feature/login"]);
        let ids = |name: &str| branches(&given(&[name]), &known).map(|ids| ids.map(|ids| ids.len()));
        assert_eq!(
            (ids("main"), ids("feature/login"), ids("unknown")),
            (Ok(Some(1)), Ok(Some(1)), Ok(Some(1)))
        );
        insta::assert_snapshot!(
            words(&ids("login").expect_err("no such branch")),
            @r#"no calls of a branch called "login" (there are: feature/login, main; `cco branch` lists them all)"#
        );
        insta::assert_snapshot!(
            words(&ids("mian").expect_err("no such branch")),
            @r#"no calls of a branch called "mian" (did you mean main? `cco branch` lists them all)"#
        );
    }

    #[test]
    fn a_model_is_named_by_any_part_of_its_name() {
        let known = known(&["claude-opus-4-8", "claude-opus-4-8-fast", "claude-haiku-4-5-20251001"]);
        let ids = |name: &str| models(&given(&[name]), &known).map(|ids| ids.map(|ids| ids.len()));
        assert_eq!(ids("opus"), Ok(Some(2)));
        assert_eq!(ids("claude-opus-4-8"), Ok(Some(1)), "a whole name is that one only");
        assert_eq!(ids("haiku-4-5"), Ok(Some(1)));
        assert_eq!(ids("OPUS"), Ok(Some(2)));
        insta::assert_snapshot!(
            words(&ids("gpt").expect_err("no such model")),
            @"no calls of a model called \"gpt\" (there are: haiku-4-5, opus-4-8, opus-4-8-fast; `cco model` lists them all)"
        );
    }
}
