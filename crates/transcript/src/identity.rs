//! What makes two rows the same API response (accounting section 3).

use cco_model::call::CallKey;
use sha2::{Digest, Sha256};

/// The ids that a row carries, as far as it does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids<'a> {
    pub(crate) message: Option<&'a [u8]>,
    pub(crate) request: Option<&'a [u8]>,
    pub(crate) uuid: Option<&'a [u8]>,
    /// For a row without any id: what tells it from every other row.
    pub(crate) place: Place,
}

/// Device, inode and offset of a row's line, its time and its size in tokens; the last two since inodes are reused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) offset: u64,
    pub(crate) at_ms: i64,
    pub(crate) tokens: u64,
}

/// The key of the call that a row belongs to; `advisor` is its place among the row's advisor items.
pub(crate) fn call_key(ids: Ids<'_>, advisor: Option<u32>) -> CallKey {
    let mut hash = Sha256::new();
    let text = |hash: &mut Sha256, part: Option<&[u8]>| {
        hash.update(part.map_or(u64::MAX, |part| part.len() as u64).to_le_bytes());
        hash.update(part.unwrap_or_default());
    };
    match ids {
        Ids { message: Some(id), .. } if is_api_id(id) => {
            hash.update(b"message");
            text(&mut hash, Some(id));
        }
        Ids { message, request, .. } if !(is_empty(message) && is_empty(request)) => {
            hash.update(b"request");
            text(&mut hash, message);
            text(&mut hash, request);
        }
        Ids { uuid: Some(uuid), .. } if !uuid.is_empty() => {
            hash.update(b"uuid");
            text(&mut hash, Some(uuid));
        }
        Ids { place, .. } => {
            hash.update(b"place");
            for part in [place.device, place.inode, place.offset, place.tokens] {
                hash.update(part.to_le_bytes());
            }
            hash.update(place.at_ms.to_le_bytes());
        }
    }
    if let Some(index) = advisor {
        hash.update(b"advisor");
        hash.update(index.to_le_bytes());
    }
    let mut key = CallKey::default();
    key.copy_from_slice(&hash.finalize()[..16]);
    key
}

/// The ledger's id of a tool use: 63 bits of a hash, so that it is a row id and needs no index of its own.
/// Ten million uses share one with a chance of 1 in 180,000.
pub(crate) fn tool_use_id(id: &[u8]) -> i64 {
    let hash = Sha256::digest(id);
    let mut word = [0; 8];
    word.copy_from_slice(&hash[..8]);
    i64::from_le_bytes(word) & i64::MAX
}

fn is_empty(id: Option<&[u8]>) -> bool {
    id.is_none_or(<[u8]>::is_empty)
}

/// `msg_` and 16 or more word characters: unique by itself, whatever request id stands beside it.
fn is_api_id(id: &[u8]) -> bool {
    id.strip_prefix(b"msg_").is_some_and(|rest| {
        rest.len() >= 16 && rest.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80)
    })
}
