//! Plan limits: whom to ask, when, with which credential, and what the answers say.
//!
//! Owns everything that touches a credential or the usage endpoint, and what Claude Code and older tools keep of
//! accounts and limits in files. Must not: know the ledger, print, show a token to anybody but the service it belongs
//! to, or be reached while a status line is drawn. The clock, the home folder and the environment are arguments.

pub mod accounts;
pub mod base;
pub mod cascade;
pub mod claude_json;
pub mod client;
pub mod credentials;
pub mod live;
pub mod refresh;
pub mod secret;
pub mod shared_files;
pub mod store;
pub mod usage;

mod input;

pub use input::Unread;
