//! A record of what was observed: accounts, the directories that held them, readings, attempts, changes of logins.
//!
//! Numbers and texts are written as in a record of calls; an account is its two ids.

use std::sync::Arc;

use cco_model::limit::{AccountId, Attempt, LoginChange, Percent, Reading, Source, Told, Window};

use super::OBSERVED;
use super::block::{Bytes, put, put_bytes, put_signed};
use crate::limits::{Holding, Observed, SeenAccount};

/// Writes the payload.
pub(crate) fn write(observed: &Observed, out: &mut Vec<u8>) {
    let Observed { accounts, holdings, readings, attempts, logins } = observed;
    out.push(OBSERVED);
    put(out, accounts.len() as u64);
    for SeenAccount { id, email, at_ms, name, removed } in accounts {
        put_account(out, id);
        put_bytes(out, email.as_bytes());
        put_signed(out, *at_ms);
        put(out, u64::from(name.is_some()));
        put_bytes(out, name.as_deref().unwrap_or("").as_bytes());
        put(out, removed.map_or(2, u64::from));
    }
    put(out, holdings.len() as u64);
    for Holding { dir, from_ms, until_ms, account } in holdings {
        put_bytes(out, dir.as_bytes());
        put_signed(out, *from_ms);
        put_signed(out, *until_ms);
        put(out, u64::from(account.is_some()));
        if let Some(id) = account {
            put_account(out, id);
        }
    }
    put(out, readings.len() as u64);
    readings.iter().for_each(|reading| put_reading(out, reading));
    put(out, attempts.len() as u64);
    for Attempt { account, at_ms, outcome } in attempts {
        put_account(out, account);
        put_signed(out, *at_ms);
        put_bytes(out, outcome.as_bytes());
    }
    put(out, logins.len() as u64);
    for LoginChange { account, at_ms, dead } in logins {
        put_account(out, account);
        put_signed(out, *at_ms);
        put_bytes(out, dead.as_deref().unwrap_or("").as_bytes());
    }
}

/// What a payload of kind [`OBSERVED`] says.
pub(crate) fn read(payload: &[u8]) -> Option<Observed> {
    let mut from = Bytes::new(payload.strip_prefix(&[OBSERVED])?);
    let accounts = from.list(|from| {
        let (id, email, at_ms) = (account(from)?, text(from)?, from.signed()?);
        let (named, name) = (from.number()? == 1, text(from)?);
        let removed = from.number()?;
        let removed = (removed < 2).then_some(removed == 1);
        Some(SeenAccount { id, email, at_ms, name: named.then_some(name), removed })
    })?;
    let holdings = from.list(|from| {
        let (dir, from_ms, until_ms) = (text(from)?, from.signed()?, from.signed()?);
        let account = if from.number()? == 1 { Some(account(from)?) } else { None };
        Some(Holding { dir, from_ms, until_ms, account })
    })?;
    // A window or a source of a later version is passed over, and not the record with it.
    let readings = from.list(reading)?.into_iter().flatten().collect();
    let attempts = from.list(|from| {
        let (account, at_ms) = (account(from)?, from.signed()?);
        Some(Attempt { account, at_ms, outcome: text(from)?.into() })
    })?;
    let logins = from.list(|from| {
        let (account, at_ms, reason) = (account(from)?, from.signed()?, text(from)?);
        Some(LoginChange { account, at_ms, dead: (!reason.is_empty()).then(|| reason.into()) })
    })?;
    Some(Observed { accounts, holdings, readings, attempts, logins })
}

fn put_account(out: &mut Vec<u8>, id: &AccountId) {
    put_bytes(out, id.organization.as_bytes());
    put_bytes(out, id.account.as_bytes());
}

fn put_reading(out: &mut Vec<u8>, reading: &Reading) {
    put_account(out, &reading.account);
    put_bytes(out, reading.window.to_string().as_bytes());
    put_bytes(out, reading.source.name().as_bytes());
    put_signed(out, reading.percent.map_or(-1, |percent| i64::from(percent.tenths())));
    put_signed(out, reading.resets_at_ms.unwrap_or(0));
    put_signed(out, reading.observed_at_ms);
    put(out, u64::from(reading.told.is_some()));
    if let Some(Told { session, api_duration_ms }) = &reading.told {
        put_bytes(out, session.as_bytes());
        // One more, so that 0 is none.
        put(out, api_duration_ms.map_or(0, |duration| duration.saturating_add(1)));
    }
}

fn reading(from: &mut Bytes<'_>) -> Option<Option<Reading>> {
    let (account, window, source) = (account(from)?, text(from)?, text(from)?);
    let (tenths, resets_at_ms, observed_at_ms) = (from.signed()?, from.signed()?, from.signed()?);
    let told = if from.number()? == 1 {
        let session: Arc<str> = text(from)?.into();
        Some(Told { session, api_duration_ms: from.number()?.checked_sub(1) })
    } else {
        None
    };
    let source = Source::ALL.into_iter().find(|known| known.name() == source);
    let (Ok(window), Some(source)) = (window.parse::<Window>(), source) else { return Some(None) };
    let percent = i32::try_from(tenths).ok().filter(|tenths| *tenths >= 0);
    Some(Some(Reading {
        account,
        percent: percent.map(|tenths| Percent::of_tenths(&window, tenths)),
        window,
        resets_at_ms: (resets_at_ms != 0).then_some(resets_at_ms),
        observed_at_ms,
        source,
        told,
    }))
}

fn account(from: &mut Bytes<'_>) -> Option<AccountId> {
    Some(AccountId { organization: text(from)?.into(), account: text(from)?.into() })
}

fn text(from: &mut Bytes<'_>) -> Option<String> {
    String::from_utf8(from.bytes()?.to_vec()).ok()
}
