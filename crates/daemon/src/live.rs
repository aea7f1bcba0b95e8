//! What happens, told to all who listen as it happens.

/// Tells those who listen.
pub(crate) struct Live {}
