//! The keys of `[limits]` and `[accounts]`, and what their values must be.

use cco_engine::limits::{BaseUrl, TokenUrl};
use cco_model::limit::AccountId;

use super::{Complaint, Value};

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

pub(super) fn check_base_url(value: &Value) -> Result<(), Complaint> {
    let Value::Text(text) = value else { return Ok(()) };
    let hint = "leave the key out to ask the service itself".to_owned();
    BaseUrl::parse(text).map(|_| ()).map_err(|error| Complaint { message: error.to_string(), hint })
}

pub(super) fn check_token_url(value: &Value) -> Result<(), Complaint> {
    let Value::Text(text) = value else { return Ok(()) };
    let hint = "leave the key out for the service's own address".to_owned();
    TokenUrl::parse(text).map(|_| ()).map_err(|error| Complaint { message: error.to_string(), hint })
}

pub(super) fn check_client_id(value: &Value) -> Result<(), Complaint> {
    let Value::Text(id) = value else { return Ok(()) };
    if !id.is_empty() && id.len() <= 256 && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Complaint {
        message: format!("{id:?} is no OAuth client id"),
        hint: "leave the key out, and no login is renewed".to_owned(),
    })
}

pub(super) fn check_managed(value: &Value) -> Result<(), Complaint> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
