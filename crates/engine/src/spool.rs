//! What status lines observed: taken out of their spool, into readings.
//!
//! A file is renamed before it is read, so that a line which is written meanwhile goes to a new one, and deleted when
//! the ledger has what it says. Killed in between, the next run reads it again: a reading is kept once. Must not: say
//! what a reading means.

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

/// What lies in a spool.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// The files to delete once all of this is kept.
    files: Vec<PathBuf>,
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
                taken.observations.extend(lines(&path));
                taken.files.push(path);
            }
        }
        taken
    }

    /// What they said is kept.
    pub(crate) fn delete(&self) {
        // One that cannot be deleted is read again, and says nothing new.
        self.files.iter().for_each(|file| drop(fs::remove_file(file)));
    }
}

/// Something lies in the spool.
pub(crate) fn has_news(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

/// Renames a file out of the way of who writes; none: another process did.
fn set_aside(path: &Path) -> Option<PathBuf> {
    let numbered = |number: u32| path.with_extension(format!("{number}.{TAKEN}"));
    let free = (0..1_000).map(numbered).find(|path| path.symlink_metadata().is_err())?;
    fs::rename(path, &free).ok().map(|()| free)
}

fn lines(path: &Path) -> Vec<Observation> {
    let mut bytes = Vec::new();
    let is_file = path.symlink_metadata().is_ok_and(|about| about.is_file());
    if is_file && let Ok(file) = fs::File::open(path) {
        // What cannot be read is as good as torn.
        let _ = file.take(MOST_BYTES).read_to_end(&mut bytes);
    }
    bytes.split(|byte| *byte == b'\n').filter_map(Observation::read).collect()
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
        let account = |it: &Observation| -> Option<AccountId> {
            let directory = found.name_of(it.config_dir.as_deref()?);
            let row = held.get(&directory).unwrap_or(&nobody).at(it.told_at_ms);
            accounts.iter().find(|known| known.row == row).map(|known| known.id.clone())
        };
        let mut readings = Vec::new();
        for it in observations {
            let Some(account) = account(it) else { continue };
            let told = Told { session: it.session.as_str().into(), api_duration_ms: it.api_ms };
            readings.extend(it.windows.iter().map(|window| Reading {
                account: account.clone(),
                window: window.window.clone(),
                percent: window.percent,
                resets_at_ms: window.resets_at_ms,
                observed_at_ms: it.told_at_ms,
                source: Source::Stdin,
                told: Some(told.clone()),
            }));
        }
        Ok(readings)
    }
}
