//! What status lines observed: taken out of their spool, into readings.
//!
//! A file is renamed before it is read, so that the next status line begins a new one, and deleted when the ledger has
//! what it says and a snapshot remembers its session. Killed in between, the next run reads it again: a reading is kept
//! once. Must not: say what a reading means.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use cco_ledger::limits::HeldBy;
use cco_model::limit::{AccountId, Reading, Source, Told};
use cco_statusline::spool::Observation;

use crate::limits::Found;
use crate::{Engine, EngineError};

/// Of a file so much is read, in bytes: twice what a status line lets it grow to.
const MOST_BYTES: u64 = 2 << 20;
const WRITTEN: &str = "jsonl";
const TAKEN: &str = "taken";

/// A file that was read.
#[derive(Clone, Debug)]
pub(crate) struct TakenFile {
    path: PathBuf,
    /// So many bytes of it.
    length: u64,
}

impl TakenFile {
    /// What it said is kept. Where a status line that had it open has added something since, it is read again the next
    /// time; and so is one that cannot be deleted, which then says nothing new.
    pub(crate) fn delete(&self) {
        if self.path.symlink_metadata().is_ok_and(|about| about.len() <= self.length) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// What lies in a spool.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// The files to delete once all of this is kept.
    pub(crate) files: Vec<TakenFile>,
    /// What they say.
    pub(crate) observations: Vec<Observation>,
}

impl Taken {
    /// Takes all that lies there.
    pub(crate) fn from(folder: &Path) -> Self {
        let mut taken = Self::default();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            let ours = match path.extension().and_then(|extension| extension.to_str()) {
                Some(TAKEN) => Some(path),
                Some(WRITTEN) if is_file => set_aside(&path),
                _ => None,
            };
            if let Some(path) = ours {
                let bytes = bytes_of(&path);
                taken.observations.extend(bytes.split(|byte| *byte == b'\n').filter_map(Observation::read));
                // What is longer than is read is none of ours.
                let length = if bytes.len() as u64 == MOST_BYTES { u64::MAX } else { bytes.len() as u64 };
                taken.files.push(TakenFile { path, length });
            }
        }
        taken
    }
}

/// Something of ours lies in the spool.
pub(crate) fn has_news(folder: &Path) -> bool {
    let is_ours = |path: PathBuf| path.extension().is_some_and(|it| it == WRITTEN || it == TAKEN);
    fs::read_dir(folder)
        .is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(|it| is_ours(it.path()))))
}

/// Renames a file out of the way of who writes; none: another process did.
fn set_aside(path: &Path) -> Option<PathBuf> {
    let numbered = |number: u32| path.with_extension(format!("{number}.{TAKEN}"));
    let free = (0..1_000).map(numbered).find(|path| path.symlink_metadata().is_err())?;
    fs::rename(path, &free).ok().map(|()| free)
}

fn bytes_of(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let is_file = path.symlink_metadata().is_ok_and(|about| about.is_file());
    if is_file && let Ok(file) = fs::File::open(path) {
        // What cannot be read is as good as torn.
        let _ = file.take(MOST_BYTES).read_to_end(&mut bytes);
    }
    bytes
}

impl Engine {
    /// The readings in what sessions were told: of the account that the session's config directory held when it was told
    /// them. Where that is not known they are nobody's, and no readings.
    pub(crate) fn readings_of(
        &self,
        observations: &[Observation],
        found: &Found,
    ) -> Result<Vec<Reading>, EngineError> {
        if observations.is_empty() {
            return Ok(Vec::new());
        }
        let (held, accounts) = (self.ledger.held_by(self.now.as_millisecond())?, self.ledger.accounts()?);
        let nobody = HeldBy::default();
        let account = |it: &Observation, at_ms: i64| -> Option<AccountId> {
            let directory = found.name_of(it.config_dir.as_deref()?);
            let row = held.get(&directory).unwrap_or(&nobody).at(at_ms);
            accounts.iter().find(|known| known.row == row).map(|known| known.id.clone())
        };
        let mut readings = Vec::new();
        for it in observations {
            let session = Told { session: it.session.as_str().into(), api_duration_ms: it.api_ms };
            for (told, at_ms) in &it.windows {
                let Some(account) = account(it, *at_ms) else { continue };
                readings.push(Reading {
                    account,
                    window: told.window.clone(),
                    percent: told.percent,
                    resets_at_ms: told.resets_at_ms,
                    observed_at_ms: *at_ms,
                    source: Source::Stdin,
                    told: Some(session.clone()),
                });
            }
        }
        Ok(readings)
    }
}
