//! What could not be taken as it stands, in words.

use std::path::PathBuf;

use cco_ledger::write::{SoftError, SoftKind};
use cco_transcript::read::Soft;

/// Something in a transcript that could not be taken as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The transcript.
    pub path: PathBuf,
    /// Where its line starts; none for the file as a whole.
    pub offset: Option<u64>,
    /// What is wrong, in words for a person.
    pub what: String,
}

/// Of a call that the ledger refused.
pub(super) const TOO_LARGE_WORDS: &str =
    "a call too large to be added up with all others: not counted, or with what it had before";

/// What the ledger remembers of a damaged line or odd row, in words.
pub(crate) fn finding(path: PathBuf, SoftError { offset, kind, detail }: SoftError) -> Finding {
    let what = match kind {
        SoftKind::Damaged => {
            words(Soft::Damaged { recovered: usize::try_from(detail).unwrap_or(usize::MAX) })
        }
        SoftKind::Untimed => words(Soft::Untimed),
        SoftKind::OddCount => words(Soft::OddCount),
        SoftKind::TooLarge => TOO_LARGE_WORDS.to_owned(),
    };
    Finding { path, offset: Some(offset), what }
}

pub(super) fn soft_error(offset: u64, soft: Soft) -> SoftError {
    match soft {
        Soft::Damaged { recovered } => {
            SoftError { offset, kind: SoftKind::Damaged, detail: recovered as u64 }
        }
        Soft::Untimed => SoftError { offset, kind: SoftKind::Untimed, detail: 0 },
        Soft::OddCount => SoftError { offset, kind: SoftKind::OddCount, detail: 0 },
    }
}

pub(super) fn words(soft: Soft) -> String {
    match soft {
        Soft::Damaged { recovered: 0 } => "damaged line, nothing whole on it".to_owned(),
        Soft::Damaged { recovered: 1 } => "damaged line, 1 whole record recovered".to_owned(),
        Soft::Damaged { recovered } => format!("damaged line, {recovered} whole records recovered"),
        Soft::Untimed => {
            "call without a readable time, and none before it in the file: not counted".to_owned()
        }
        Soft::OddCount => "a token count that is negative, fractional or beyond 2^53: taken as 0".to_owned(),
    }
}
