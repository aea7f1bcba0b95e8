//! `claude-sessions.yaml`: the logins of an account switcher, and why it put one aside.

use std::path::{Path, PathBuf};

use super::text_of;
use super::yaml::Node;
use crate::accounts::SlotMarks;
use crate::input::Unread;

/// The file's name.
pub const NAME: &str = "claude-sessions.yaml";

/// What such a file tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sessions {
    /// The slot in use.
    pub active: Option<String>,
    /// The slots.
    pub slots: Vec<SessionSlot>,
    /// When it was written, UTC milliseconds.
    pub modified_ms: i64,
}

/// One login.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionSlot {
    /// Whose it may be.
    pub marks: SlotMarks,
    /// `active`, `inactive`.
    pub status: Option<String>,
    /// When it was put aside, as the file has it.
    pub deactivated_at: Option<String>,
    /// Why: `error_401`, `error_session_expired`, `error_no_data`.
    pub deactivation_reason: Option<String>,
    /// When it was taken up again, as the file has it.
    pub reactivated_at: Option<String>,
}

/// The folders of the file, in the order in which they are tried.
pub fn folders(home: &Path) -> Vec<PathBuf> {
    let folders =
        ["cloud_configs/hot-swap", "_claude-configs/hot-swap", ".claude/hot-swap", ".claude/config"];
    folders.iter().map(|folder| home.join(folder)).collect()
}

/// Reads such a file.
pub fn read(path: &Path) -> Result<Sessions, Unread> {
    let (text, modified_ms) = text_of(path)?;
    let root = Node::parse(&text)?;
    let accounts = root.get("accounts").filter(|accounts| accounts.is_map());
    let accounts = accounts.ok_or_else(|| Unread::broken("accounts is no mapping"))?;
    let slots =
        accounts.pairs().iter().filter(|(_, slot)| slot.is_map()).map(|(name, slot)| slot_of(name, slot));
    Ok(Sessions { active: root.text_of("active_account"), slots: slots.collect(), modified_ms })
}

fn slot_of(name: &str, from: &Node) -> SessionSlot {
    SessionSlot {
        marks: SlotMarks {
            slot: name.to_owned(),
            email: from.text_of("email"),
            config_dir: from.text_of("config_dir").map(PathBuf::from),
            keychain_service: from.text_of("keychain_service"),
        },
        status: from.text_of("status"),
        deactivated_at: from.text_of("deactivated_at"),
        deactivation_reason: from.text_of("deactivation_reason"),
        reactivated_at: from.text_of("reactivated_at"),
    }
}
