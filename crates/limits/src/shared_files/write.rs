//! How these files are written: compact JSON with the keys in the order of those tools, whole or not at all.

use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};
use serde_json::Value;

/// A file that was not written. The one that was there is still there.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The folder or the file cannot be written.
    #[error("cannot write {path}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A value that JSON cannot hold.
    #[error("cannot be told in JSON")]
    Json(#[from] serde_json::Error),
}

/// What a file says of one slot: what we know, or what another tool wrote.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Entry<'a, S> {
    Ours(Box<S>),
    Kept(&'a Value),
}

/// An object whose keys keep their order.
pub(super) struct InOrder<'a, T>(pub(super) &'a [(&'a str, T)]);

impl<T: Serialize> Serialize for InOrder<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

pub(super) fn text(value: &impl Serialize) -> Result<String, WriteError> {
    Ok(serde_json::to_string(value)?)
}

/// Makes the folder where it is missing; only the user can read what is written. Synced before it gets its name: what a
/// power cut would leave of it could not be told from somebody else's broken file.
pub(super) fn file(path: &Path, text: &str) -> Result<(), WriteError> {
    let written = || -> io::Result<()> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let name = name.to_string_lossy();
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file =
            tempfile::Builder::new().prefix(&format!(".{name}.")).suffix(".tmp").tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    written().map_err(|source| WriteError::File { path: path.to_owned(), source })
}
