//! What a scan has to do: which transcripts are new, grown, rewritten, moved or gone, by one `stat` each.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use cco_ledger::write::{KnownTranscript, TranscriptId};
use cco_model::file::FileState;
use cco_transcript::file;
use cco_transcript::find::{Found, Walk};

/// A transcript to read.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) path: PathBuf,
    pub(crate) seen: FileState,
    /// Where reading begins.
    pub(crate) from: u64,
    /// Where the ledger stands; it must still stand there when the bytes are taken in.
    pub(crate) ledger_offset: u64,
}

/// What has to be done.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Largest first, so that threads end together.
    pub(crate) jobs: Vec<Job>,
    pub(crate) moved: Vec<(TranscriptId, PathBuf)>,
    pub(crate) gone: Vec<TranscriptId>,
    pub(crate) back: Vec<TranscriptId>,
}

impl Plan {
    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.moved.is_empty() && self.gone.is_empty() && self.back.is_empty()
    }
}

/// A transcript was found under a path that is not known.
pub(crate) fn has_new(walk: &Walk, known: &[KnownTranscript]) -> bool {
    let known: HashSet<&OsStr> = known.iter().map(|known| known.path.as_os_str()).collect();
    walk.files.iter().any(|found| !known.contains(found.path.as_os_str()))
}

/// Compares what is there with what is known.
pub(crate) fn plan(walk: &Walk, known: &[KnownTranscript], roots: &[PathBuf]) -> Plan {
    let by_path: HashMap<&OsStr, &KnownTranscript> =
        known.iter().map(|known| (known.path.as_os_str(), known)).collect();
    let found: HashMap<&OsStr, &Found> =
        walk.files.iter().map(|found| (found.path.as_os_str(), found)).collect();
    let mut absent: HashMap<(u64, u64), Vec<&KnownTranscript>> = HashMap::new();
    for known in known.iter().filter(|known| !found.contains_key(known.path.as_os_str())) {
        absent.entry((known.state.device, known.state.inode)).or_default().push(known);
    }
    // Inodes are used again: of several, one that was there at the last look is more likely the same file.
    absent.values_mut().for_each(|known| known.sort_by_key(|known| known.gone));
    let mut plan = Plan::default();
    for found in &walk.files {
        let same_file = (found.state.device, found.state.inode);
        let known = match by_path.get(found.path.as_os_str()) {
            Some(known) => Some(*known),
            None => absent.get(&same_file).and_then(|candidates| {
                candidates.iter().copied().find(|known| holds_what_was_read(found, &known.state))
            }),
        };
        let Some(known) = known else {
            plan.jobs.push(job(found, 0, 0));
            continue;
        };
        if known.path != found.path {
            plan.moved.push((known.id, found.path.clone()));
        } else if known.gone {
            plan.back.push(known.id);
        }
        if !known.state.looks_unchanged(&found.state) {
            let grown = known.state.may_have_grown(&found.state) && holds_what_was_read(found, &known.state);
            let from = if grown { known.state.offset } else { 0 };
            plan.jobs.push(job(found, from, known.state.offset));
        }
    }
    let moved: HashSet<TranscriptId> = plan.moved.iter().map(|(id, _)| *id).collect();
    let walked = Walked::new(roots, walk);
    let missing = absent.values().flatten().filter(|known| !known.gone && !moved.contains(&known.id));
    plan.gone = missing.filter(|known| walked.covers(&known.path)).map(|known| known.id).collect();
    plan.jobs.sort_by_key(|job| std::cmp::Reverse(job.seen.size - job.from));
    plan
}

fn job(found: &Found, from: u64, ledger_offset: u64) -> Job {
    Job { path: found.path.clone(), seen: found.state, from, ledger_offset }
}

/// The bytes that were read are still there, as far as their first and last kilobyte tell.
fn holds_what_was_read(found: &Found, known: &FileState) -> bool {
    found.state.size >= known.offset
        && file::open(&found.path, &found.state)
            .and_then(|file| file::fingerprint(&file, known.offset))
            .is_ok_and(|fingerprint| fingerprint == known.fingerprint)
}

/// What this walk looked at: a file that it did not see is missing only there.
struct Walked<'w> {
    roots: Vec<PathBuf>,
    unreadable: Vec<&'w Path>,
}

impl<'w> Walked<'w> {
    fn new(roots: &[PathBuf], walk: &'w Walk) -> Self {
        let resolved = roots.iter().filter_map(|root| std::fs::canonicalize(root).ok());
        Self {
            roots: roots.iter().cloned().chain(resolved).collect(),
            unreadable: walk.unreadable.iter().map(|(path, _)| path.as_path()).collect(),
        }
    }

    fn covers(&self, path: &Path) -> bool {
        self.roots.iter().any(|root| path.starts_with(root))
            && !self.unreadable.iter().any(|folder| path.starts_with(folder))
    }
}
