//! Facts for a check-up: what the ledger is like, which transcripts cannot be read.
//!
//! Owns the asking. Must not: judge (whoever asks does), change anything, or stop because one question fails.

use std::fs::File;
use std::path::{Path, PathBuf};

use cco_ledger::write::SoftKind;
use cco_transcript::find;
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use cco_ledger::health::{Holdings, KeyFaults, Unpriced, sqlite};

use crate::limits::check_up::KnownLogin;
use crate::report::{Difference, Side};
use crate::scan::Finding;
use crate::{Engine, EngineError};

/// An answer of the ledger, or why it has none: a damaged one may answer some questions and not others.
pub type Answer<T> = Result<T, String>;

/// What an open ledger is like.
#[derive(Clone, Debug)]
pub struct Health {
    /// What SQLite finds wrong with the file.
    pub complaints: Answer<Vec<String>>,
    /// A first load ended before its end.
    pub cut_off: Answer<bool>,
    /// The zone in which the ledger keeps its days.
    pub zone: TimeZone,
    /// The calls in it.
    pub holdings: Answer<Holdings>,
    /// Calls dated after the instant that was asked for.
    pub ahead: Answer<u64>,
    /// Models whose calls have no price.
    pub unpriced: Answer<Vec<Unpriced>>,
    /// The price list is not applied yet: the next scan does that.
    pub prices_waiting: Answer<bool>,
    /// What could not be taken from transcripts as it stands.
    pub soft: Answer<SoftFindings>,
    /// How the logins of accounts are, and how asking for their limits went.
    pub logins: Answer<Vec<KnownLogin>>,
    /// What takes long to find out; none: it was not asked for.
    pub deep: Option<Deep>,
}

/// Findings in the transcripts that are still there, by what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SoftFindings {
    /// Damaged lines.
    pub damaged: Vec<Finding>,
    /// Rows without a time, or with impossible counts.
    pub odd: Vec<Finding>,
    /// Calls too large to be added up.
    pub too_large: Vec<Finding>,
}

/// What takes a look at every call.
#[derive(Clone, Debug)]
pub struct Deep {
    /// Roll-up rows that differ from their calls, each in words.
    pub differences: Answer<Vec<String>>,
    /// Calls and keys that do not go one to one.
    pub keys: Answer<KeyFaults>,
}

/// What is being looked at; told before each part that may take long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The file, page by page.
    File,
    /// What is kept.
    Contents,
    /// The keys of calls.
    Keys,
    /// The roll-ups.
    Rollups,
}

impl Engine {
    /// Asks the ledger how it is. `deep` takes seconds at a million calls.
    pub fn health(&self, now: Timestamp, deep: bool, step: &mut dyn FnMut(Step)) -> Health {
        step(Step::File);
        let complaints = answer(self.ledger.complaints(deep));
        step(Step::Contents);
        Health {
            complaints,
            cut_off: answer(self.ledger.load_was_cut_off()),
            zone: self.ledger.zone().clone(),
            holdings: answer(self.ledger.holdings()),
            ahead: answer(self.ledger.calls_after(now.as_millisecond())),
            unpriced: answer(self.ledger.unpriced()),
            prices_waiting: answer(self.ledger.is_priced_by(&self.prices).map(|done| !done)),
            soft: answer(self.soft_findings()),
            logins: answer(self.logins()),
            deep: deep.then(|| self.deep(step)),
        }
    }

    fn deep(&self, step: &mut dyn FnMut(Step)) -> Deep {
        step(Step::Keys);
        let keys = answer(self.ledger.key_faults());
        step(Step::Rollups);
        let differences = answer(self.audit());
        Deep { differences: differences.map(|all| all.iter().map(difference_words).collect()), keys }
    }

    fn soft_findings(&self) -> Result<SoftFindings, EngineError> {
        let mut found = SoftFindings::default();
        for (finding, (_, soft)) in self.findings()?.into_iter().zip(self.ledger.soft_errors()?) {
            match soft.kind {
                SoftKind::Damaged => found.damaged.push(finding),
                SoftKind::TooLarge => found.too_large.push(finding),
                SoftKind::Untimed | SoftKind::OddCount => found.odd.push(finding),
            }
        }
        Ok(found)
    }
}

/// A difference in one line, both sides as they stand.
fn difference_words(difference: &Difference) -> String {
    let side = |side: &Option<Side>| match side {
        None => "nothing".to_owned(),
        Some(Side::Calls { sums, first_ms, last_ms }) => {
            let (calls, tokens, cost) = (sums.calls, sums.tokens.total(), sums.cost.decimal());
            format!("calls {calls}, tokens {tokens}, dollars {cost}, from {first_ms} to {last_ms}")
        }
        Some(Side::Uses { uses, failures }) => format!("uses {uses}, failures {failures}"),
    };
    let Difference { rollup, bucket, kept, found } = difference;
    format!("{} {bucket}: kept is {}; found is {}", rollup.replace('_', " "), side(kept), side(found))
}

fn answer<T, E: std::fmt::Display>(result: Result<T, E>) -> Answer<T> {
    result.map_err(|error| error.to_string())
}

/// The transcripts of some roots, without reading what is in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcripts {
    /// How many there are.
    pub found: u64,
    /// Files and folders that cannot be read, each with why.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// Looks for transcripts and tries to open each.
pub fn transcripts(roots: &[PathBuf]) -> Transcripts {
    let walk = find::walk(roots);
    let tried = walk.files.iter().filter_map(|found| Some((found.path.clone(), cannot_open(&found.path)?)));
    let refused = walk.unreadable.iter().map(|(path, error)| (path.clone(), error.to_string()));
    let mut unreadable: Vec<(PathBuf, String)> = refused.chain(tried).collect();
    unreadable.sort();
    Transcripts { found: walk.files.len() as u64, unreadable }
}

fn cannot_open(path: &Path) -> Option<String> {
    match File::open(path) {
        // Gone since the walk: nobody misses it.
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Some(error.to_string()),
        _ => None,
    }
}
