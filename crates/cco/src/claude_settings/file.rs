//! A `settings.json` on the disk: read, and replaced whole or not at all.
//!
//! A link stays a link: what it leads to is replaced. Must not: know what is in the file.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use crate::error::{CliError, why};

/// Nobody's settings are larger.
const MOST_BYTES: u64 = 8 << 20;
/// How the names of files begin that are not whole yet.
const TEMPORARY: &str = ".settings.json.cco-";
/// Who may do what with a new file, as far as the user's mask lets it be.
const NEW_MODE: u32 = 0o644;

/// A file as it was found.
#[derive(Debug)]
pub(crate) struct SettingsFile {
    /// Where it really is.
    pub(crate) path: PathBuf,
    /// What is in it; none: it is not there.
    pub(crate) text: Option<String>,
    /// What it is; none: it is not there.
    found: Option<Metadata>,
}

/// Reads a file. What is there and cannot be used is an error that says what to do.
pub(crate) fn read(path: &Path) -> Result<SettingsFile, CliError> {
    let failed = |why: &str| CliError::failed(format!("cannot use {}: {why}", path.display()));
    let real = match path.canonicalize() {
        Ok(real) => real,
        Err(error) if error.kind() == ErrorKind::NotFound && path.symlink_metadata().is_err() => {
            return absent(path).map_err(|error| no_folder(path, &error));
        }
        Err(error) if path.is_symlink() => {
            return Err(failed(&format!("it is a link that leads nowhere ({})", why(&error)))
                .hint("make the file that it leads to, or remove the link"));
        }
        Err(error) => return Err(failed(&why(&error)).hint("let yourself read it")),
    };
    // A pipe would be waited on.
    if !fs::metadata(&real).is_ok_and(|found| found.is_file()) {
        return Err(failed("it is not a file").hint("move away what has its name"));
    }
    let (found, bytes) =
        contents(&real).map_err(|error| failed(&why(&error)).hint("let yourself read it"))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(failed("it is larger than 8 MiB").hint("settings are small: look what is in it"));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| failed("it is not valid UTF-8").hint("save it as UTF-8 with your editor"))?;
    Ok(SettingsFile { path: real, text: Some(text), found: Some(found) })
}

fn absent(path: &Path) -> io::Result<SettingsFile> {
    let folder = path.parent().unwrap_or(Path::new("/")).canonicalize()?;
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
    Ok(SettingsFile { path: folder.join(name), text: None, found: None })
}

fn no_folder(path: &Path, error: &io::Error) -> CliError {
    let folder = path.parent().unwrap_or(path).display();
    CliError::failed(format!("there is no config directory {folder} ({})", why(error)))
        .hint("start Claude Code once, or name the directory with --config-dir DIR")
}

fn contents(path: &Path) -> io::Result<(Metadata, Vec<u8>)> {
    let file = File::open(path)?;
    let (found, mut bytes) = (file.metadata()?, Vec::new());
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    Ok((found, bytes))
}

/// Other `cco` that change settings in this folder wait until this is dropped. Without it (a file system that
/// has no locks) the change goes on: it is held against what is there at the last moment.
pub(crate) fn turn(path: &Path) -> Option<File> {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = File::open(real.parent()?).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

impl SettingsFile {
    /// A new file beside this one, whole and on the disk, that can take its place.
    pub(crate) fn successor(&self, text: &str) -> Result<Successor<'_>, CliError> {
        self.written(text).map(|file| Successor { of: self, file }).map_err(|error| self.unwritten(&error))
    }

    fn written(&self, text: &str) -> io::Result<tempfile::NamedTempFile> {
        let folder = self.folder();
        sweep(folder);
        let mode = if self.found.is_some() { 0o600 } else { NEW_MODE };
        let mut file = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        if let Some(old) = &self.found {
            let new = file.as_file().metadata()?;
            if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
                fchown(file.as_file(), Some(old.uid()), Some(old.gid()))?;
            }
            file.as_file().set_permissions(Permissions::from_mode(old.mode() & 0o7777))?;
        }
        file.as_file().sync_all()?;
        Ok(file)
    }

    /// Removes the file; false: it is not what it was.
    pub(crate) fn remove(&self) -> Result<bool, CliError> {
        if !self.is_unchanged() {
            return Ok(false);
        }
        fs::remove_file(&self.path).map_err(|error| self.unwritten(&error))?;
        sync(self.folder());
        Ok(true)
    }

    fn is_unchanged(&self) -> bool {
        match (contents(&self.path), &self.text) {
            (Ok((_, now)), Some(text)) => now == text.as_bytes(),
            (Err(error), None) => error.kind() == ErrorKind::NotFound,
            _ => false,
        }
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    fn unwritten(&self, error: &io::Error) -> CliError {
        CliError::failed(format!("cannot write {}: {}", self.path.display(), why(error)))
            .hint("nothing was changed; let yourself write in that folder, as the owner of the file")
    }
}

/// A new file that has not got its name yet.
pub(crate) struct Successor<'f> {
    of: &'f SettingsFile,
    file: tempfile::NamedTempFile,
}

impl Successor<'_> {
    /// Gives it the name; false: the file is not what it was, and stays as it is.
    pub(crate) fn replace(self) -> Result<bool, CliError> {
        if !self.of.is_unchanged() {
            return Ok(false);
        }
        // What came into being in this moment is not written over.
        let done = match self.of.text {
            Some(_) => self.file.persist(&self.of.path),
            None => self.file.persist_noclobber(&self.of.path),
        };
        match done {
            Ok(_) => {
                sync(self.of.folder());
                Ok(true)
            }
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(self.of.unwritten(&error.error)),
        }
    }
}

/// Removes what killed processes left. Only under [`turn`]: then nobody is writing one of these.
fn sweep(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for left in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(TEMPORARY)) {
        // What cannot be removed is in nobody's way.
        _ = fs::remove_file(left.path());
    }
}

/// A name lasts through a power cut once its folder is on the disk; some file systems cannot promise that.
pub(crate) fn sync(folder: &Path) {
    _ = File::open(folder).and_then(|folder| folder.sync_all());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(text: Option<&str>) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        if let Some(text) = text {
            fs::write(&path, text).unwrap();
        }
        (folder, path)
    }

    #[test]
    fn what_another_program_wrote_meanwhile_is_not_written_over() {
        let (_folder, path) = folder(Some("{}"));
        let file = read(&path).unwrap();
        let successor = file.successor("ours").unwrap();
        fs::write(&path, "theirs").unwrap();
        assert!(!successor.replace().unwrap() && !file.remove().unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
        fs::remove_file(&path).unwrap();
        assert!(!file.successor("ours").unwrap().replace().unwrap(), "nor is what was removed made again");
        assert!(!path.exists());
    }

    #[test]
    fn what_came_into_being_meanwhile_is_not_written_over() {
        let (_folder, path) = folder(None);
        let file = read(&path).unwrap();
        let successor = file.successor("ours").unwrap();
        fs::write(&path, "theirs").unwrap();
        assert!(!successor.replace().unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
    }

    #[test]
    fn what_a_killed_process_left_goes_with_the_next_change() {
        let (folder, path) = folder(Some("{}"));
        fs::write(folder.path().join(format!("{TEMPORARY}abc")), "half").unwrap();
        assert!(read(&path).unwrap().successor("{ }").unwrap().replace().unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_pipe_is_refused_and_not_waited_on() {
        let (_folder, path) = folder(None);
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR).unwrap();
        assert!(read(&path).unwrap_err().message.contains("not a file"));
    }
}
