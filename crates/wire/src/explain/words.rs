//! What became of a row, in words.

use cco_engine::explain::Verdict;
use cco_model::reason::Reason;

/// What became of a row, in words.
pub fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Kept => "the call's counts come from it",
        Verdict::Untimed => "it has no readable time, and no row before it in the file has one",
        Verdict::NotRead => "it was written since the last scan; the next one reads it",
        Verdict::Dropped(reason) => reason_words(reason),
    }
}

fn reason_words(reason: Reason) -> &'static str {
    match reason {
        Reason::AllZero => "all its counts are zero; such a row does not count and sets no time",
        Reason::WrappedReplay => {
            "a progress row around a subagent's answer; a row of the main thread is believed before it"
        }
        Reason::SidechainReplay => {
            "a replay in a side thread; a row of the main thread is believed before it"
        }
        Reason::Placeholder => "a placeholder with less output, written while the answer was still coming",
        Reason::FewerTokens => "it counts fewer tokens than the kept row",
        Reason::NoSpeed => "it does not say its speed and the kept row does, so it is an older writing",
        Reason::Repeated => "the same counts again: one answer is written as several rows",
        Reason::Forked => "a copy in a resumed or forked session, in a file born later",
        Reason::BornLater => "a copy in a file born later",
        Reason::LaterPath => "a copy in a file born at the same moment, whose path comes later",
        Reason::Outranks => {
            "it would be believed before the kept row: the file was changed after it was read"
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_reason_has_words_of_its_own() {
        let all: HashSet<&str> = Reason::ALL.into_iter().map(reason_words).collect();
        assert_eq!(all.len(), Reason::ALL.len());
    }
}
