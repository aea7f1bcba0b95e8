//! The token that lets a request in, and the codes that are exchanged for it.

use std::io;
use std::path::Path;

use jiff::Timestamp;

/// Who may ask.
pub(crate) struct Tokens {}

impl Tokens {
    pub(crate) fn open(_: &Path) -> io::Result<Self> {
        Ok(Self {})
    }

    pub(crate) fn new_code(&self, _: Timestamp) -> String {
        String::new()
    }

    pub(crate) fn rotate(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Its file in the state folder.
pub const FILE: &str = "api-token";

/// Reads it.
pub fn read(state: &Path) -> io::Result<String> {
    std::fs::read_to_string(state.join(FILE))
}

/// Makes another one.
pub fn rotate(_: &Path) -> io::Result<()> {
    Ok(())
}
