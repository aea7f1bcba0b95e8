//! Accounts, as the config directories tell them.
//!
//! Owns which account a config directory holds now, and the rules by which a session or a slot of an older tool
//! belongs to one. Whatever leaves a doubt belongs to nobody: there is no "active account" to fall back to.
//! Must not: remember what a directory held earlier, or touch a credential.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cco_model::limit::AccountId;
use cco_model::limit::session::{config_directory, plain_path};

use crate::claude_json::{self, CachedUsage, ClaudeJson, Login};
use crate::input::Unread;

/// A config root to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// The config directory.
    pub path: PathBuf,
    /// It is the default one of this home folder; none: `CLAUDE_CONFIG_DIR` or a setting names it.
    pub default_of: Option<PathBuf>,
}

/// One login, and where it is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Organization and account.
    pub id: AccountId,
    /// The address; with the organization where two accounts share one address; the account's id where there is none.
    pub label: String,
    /// The address alone.
    pub email: Option<String>,
    /// The config directories that hold it, in the order of the roots.
    pub directories: Vec<PathBuf>,
}

/// Who is logged in at a config directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// This account.
    Account(AccountId),
    /// Nobody, or somebody with an API key.
    Nobody,
    /// It cannot be told now, for this reason. This is no news about the account.
    Unknown(String),
}

/// A config directory and what it holds.
#[derive(Clone, Debug)]
pub struct Directory {
    /// As the root named it.
    pub path: PathBuf,
    /// The root was the default one.
    pub is_default: bool,
    /// Who is logged in.
    pub held: Held,
    /// What Claude Code remembers of the limits of the account that is held.
    pub usage: Option<CachedUsage>,
    /// Without links, so that a directory is known under both names.
    pub real: PathBuf,
}

/// What a slot of an account switcher says of itself. Its paths are compared, and never opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlotMarks {
    /// Its key: `slot-1`.
    pub slot: String,
    /// The address.
    pub email: Option<String>,
    /// The config directory for which it was registered.
    pub config_dir: Option<PathBuf>,
    /// The name of the credential in the Keychain.
    pub keychain_service: Option<String>,
}

/// All accounts of some config roots.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    accounts: Vec<Account>,
    directories: Vec<Directory>,
}

impl Accounts {
    /// Looks at config roots; each directory once.
    pub fn discover(roots: &[Root]) -> Self {
        let mut found = Self::default();
        let mut logins = Vec::new();
        for root in roots {
            let real = root.path.canonicalize().unwrap_or_else(|_| plain_path(&root.path));
            let is_default = root.default_of.is_some();
            if found.directories.iter().any(|seen| (&seen.real, seen.is_default) == (&real, is_default)) {
                continue;
            }
            let (held, usage) = look(root, &mut logins);
            found.directories.push(Directory { path: plain_path(&root.path), is_default, held, usage, real });
        }
        found.accounts = accounts_of(&found.directories, &logins);
        found
    }

    /// The accounts, in the order in which roots hold them.
    pub fn all(&self) -> &[Account] {
        &self.accounts
    }

    /// The directories, in the order of the roots.
    pub fn directories(&self) -> &[Directory] {
        &self.directories
    }

    /// The account that a config directory holds.
    pub fn of_directory(&self, path: &Path) -> Option<&AccountId> {
        let path = plain_path(path);
        self.only(|directory| directory.path == path || directory.real == path)
    }

    /// The account of a session: that of its config directory if it told one, else of the folder before the first
    /// `projects` of its transcript's path.
    pub fn of_session(&self, config_dir: Option<&Path>, transcript: Option<&Path>) -> Option<&AccountId> {
        self.of_directory(&config_directory(config_dir, transcript)?)
    }

    /// The account of a slot. `service_of` names the credential of a directory. All that the slot tells must point
    /// to one account: an address that two organizations share, or a directory that holds another address by now,
    /// does not.
    pub fn of_slot(&self, slot: &SlotMarks, service_of: &dyn Fn(&Directory) -> String) -> Option<&AccountId> {
        let by_service = slot
            .keychain_service
            .as_ref()
            .and_then(|service| self.only(|directory| service_of(directory) == *service));
        let by_directory = slot.config_dir.as_ref().and_then(|path| self.of_directory(path));
        let pointed = match (by_service, by_directory) {
            (Some(one), Some(other)) if one != other => return None,
            (one, other) => one.or(other),
        };
        let Some(email) = &slot.email else { return pointed };
        let mut named = self
            .accounts
            .iter()
            .filter(|account| account.email.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(email)));
        match pointed {
            Some(id) => named.any(|account| account.id == *id).then_some(id),
            None => named.next().filter(|_| named.next().is_none()).map(|account| &account.id),
        }
    }

    /// The one account that the chosen directories hold. A directory that cannot be told makes it untold.
    fn only(&self, chosen: impl Fn(&Directory) -> bool) -> Option<&AccountId> {
        let mut held = self.directories.iter().filter(|directory| chosen(directory)).map(|it| &it.held);
        match held.next()? {
            first @ Held::Account(id) => held.all(|other| other == first).then_some(id),
            Held::Nobody | Held::Unknown(_) => None,
        }
    }
}

fn look(root: &Root, logins: &mut Vec<Login>) -> (Held, Option<CachedUsage>) {
    let json = match read_root(root) {
        Ok(json) => json,
        Err(why) => return (Held::Unknown(why), None),
    };
    let Some(json) = json else { return (Held::Nobody, None) };
    let usage = json.usage_of_login().map(|(_, usage)| usage.clone());
    let Some(login) = json.login else { return (Held::Nobody, None) };
    let held = Held::Account(login.account.clone());
    logins.push(login);
    (held, usage)
}

/// The file of a root that tells a login, else the first one. Where two tell different accounts there is no telling
/// which of them a session of this directory uses.
fn read_root(root: &Root) -> Result<Option<ClaudeJson>, String> {
    let mut told: Option<ClaudeJson> = None;
    for (number, path) in claude_json::places(&root.path, root.default_of.as_deref()).iter().enumerate() {
        let known = told.as_ref().and_then(|json| json.login.as_ref());
        let json = match claude_json::read(path) {
            Ok(json) => json,
            Err(Unread::Absent) => continue,
            Err(_) if known.is_some() => continue,
            Err(why) => return Err(format!("{} {why}", path.display())),
        };
        match (known, &json.login) {
            (Some(known), Some(login)) if known.account != login.account => {
                return Err(format!(
                    "{} tells another account than the file beside the folder",
                    path.display()
                ));
            }
            (None, Some(_)) => told = Some(json),
            _ => told = told.or(Some(json)),
        }
        // The file of early versions replaces the others.
        if number == 0 {
            break;
        }
    }
    Ok(told)
}

fn accounts_of(directories: &[Directory], logins: &[Login]) -> Vec<Account> {
    let mut accounts: Vec<Account> = Vec::new();
    for directory in directories {
        let Held::Account(id) = &directory.held else { continue };
        if let Some(known) = accounts.iter_mut().find(|account| account.id == *id) {
            known.directories.push(directory.path.clone());
            continue;
        }
        let email = logins.iter().filter(|login| login.account == *id).find_map(|login| login.email.clone());
        let label = email.clone().unwrap_or_else(|| id.account.to_string());
        accounts.push(Account { id: id.clone(), label, email, directories: vec![directory.path.clone()] });
    }
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<String> =
        accounts.iter().map(|it| it.label.clone()).filter(|label| !seen.insert(label.clone())).collect();
    for account in accounts.iter_mut().filter(|account| twice.contains(&account.label)) {
        let named = logins.iter().filter(|login| login.account == account.id);
        let organization = named.filter_map(|login| login.organization_name.as_deref()).next();
        account.label = format!("{} ({})", account.label, organization.unwrap_or(&account.id.organization));
    }
    accounts
}

#[cfg(test)]
mod tests;
