//! Every bug that can be planted spoils the story that guards against it. The same stories pass in `lifecycle.rs`.
//! Those of renewing logins are in the tests of `cco-limits`.
//!
//! A bug is planted once for a process: run this with nextest, which gives each test its own.
//! `cargo nextest run -p cco-engine --features planted-bugs --test planted`

mod common;
#[path = "common/scenarios.rs"]
mod scenarios;

use cco_model::plant::{self, Bug};
use scenarios::Outcome;

fn is_caught(bug: Bug, story: fn() -> Outcome) {
    assert!(plant::plant(Some(bug)), "a process has one bug: run this with nextest");
    let outcome = story();
    assert!(outcome.is_err(), "{} went unnoticed", bug.name());
}

#[test]
fn first_row_wins_is_caught() {
    is_caught(Bug::FirstRowWins, scenarios::an_answer_that_grew_has_its_final_count);
}

#[test]
fn no_dedup_across_files_is_caught() {
    is_caught(Bug::NoDedupAcrossFiles, scenarios::a_copied_call_counts_once);
}

#[test]
fn offset_past_torn_line_is_caught() {
    is_caught(Bug::OffsetPastTornLine, scenarios::a_row_that_was_torn_counts_once_it_is_whole);
}

#[test]
fn zero_rows_set_time_is_caught() {
    is_caught(Bug::ZeroRowsSetTime, scenarios::a_row_of_zeros_sets_no_day);
}

#[test]
fn rollups_without_old_value_is_caught() {
    is_caught(Bug::RollupsWithoutOldValue, scenarios::a_call_that_moved_leaves_its_old_day);
}

#[test]
fn split_offset_transaction_is_caught() {
    is_caught(
        Bug::SplitOffsetTransaction,
        scenarios::a_scan_that_is_broken_off_counts_nothing_and_the_next_one_all,
    );
}

#[test]
fn deferred_transaction_is_caught() {
    is_caught(Bug::DeferredTransaction, scenarios::a_writer_begins_when_no_other_is_at_work);
}

#[test]
fn observed_not_journalled_is_caught() {
    is_caught(Bug::ObservedNotJournalled, scenarios::a_reading_that_was_taken_in_comes_back_from_the_journal);
}

#[test]
fn journal_failure_forgotten_is_caught() {
    is_caught(
        Bug::JournalFailureForgotten,
        scenarios::a_reading_that_the_journal_refused_is_written_to_it_later,
    );
}

/// The names of the tests above, and of those in `cco-limits`, are those of the bugs. What shows only when the power fails
/// is noticed by `scripts/torture`.
#[test]
fn every_bug_has_a_story_that_catches_it() {
    let by_power = "\"ledger-not-synced\": (\"power\",)";
    assert!(
        include_str!("../../../scripts/torture").contains(by_power),
        "it is in the table of planted bugs"
    );
    let stories = [include_str!("planted.rs"), include_str!("../../limits/tests/tcp/planted.rs")].concat();
    for bug in Bug::ALL.into_iter().filter(|bug| *bug != Bug::LedgerNotSynced) {
        let name = bug.name().replace('-', "_");
        assert!(stories.contains(&format!("fn {name}_is_caught()")), "{name}");
    }
}
