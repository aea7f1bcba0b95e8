//! The token that lets a request in, and the codes that are exchanged for it.

/// Who may ask.
pub(crate) struct Tokens {}
