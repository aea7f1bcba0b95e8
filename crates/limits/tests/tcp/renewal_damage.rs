//! Files that are cut or have a flipped bit: no credential is replaced by a worse one.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;

use cco_limits::refresh::{
    Exchange, ExchangeFailure, Grant, Recovery, RefreshFailure, Refreshed, Renewal, Step,
};
use cco_limits::secret::Secret;

use crate::tokens::{Chain, Home, longer};

/// A service that cannot be reached.
struct Gone;

impl Exchange for Gone {
    fn renew(&self, _: &Secret) -> Renewal {
        Renewal::Failed(ExchangeFailure::Network)
    }
}

/// The next of the chain, without sockets.
struct Next;

impl Exchange for Next {
    fn renew(&self, _: &Secret) -> Renewal {
        let secret = |text: String| Secret::new(text).unwrap();
        Renewal::Granted(Grant {
            access: secret(Chain::access(1)),
            refresh: Some(secret("ref-canary-renew-1-KjHgFd".into())),
            lives_ms: Some(28_800_000),
            renewable_ms: None,
            account: None,
            organization: None,
        })
    }
}

/// A home whose renewal ended after a step.
fn ended_after(step: Step) -> Home {
    let home = Home::expired(&Chain::new(true));
    let end = |now| {
        if now == step {
            resume_unwind(Box::new(()));
        }
    };
    let ended = catch_unwind(AssertUnwindSafe(|| home.refresh(&Next, &end)));
    assert!(ended.is_err());
    home
}

fn ours(home: &Home, end: &str) -> PathBuf {
    let entries = fs::read_dir(home.path.join("state")).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    paths.find(|path| path.to_string_lossy().ends_with(end)).unwrap()
}

/// Cut at every length.
fn cuts(whole: &[u8]) -> Vec<Vec<u8>> {
    (0..whole.len()).map(|length| whole[..length].to_vec()).collect()
}

/// One bit of each byte flipped; all of them in the longer lane.
fn flips(whole: &[u8]) -> Vec<Vec<u8>> {
    let flip = |bit: usize| {
        let mut bytes = whole.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    };
    let wanted = |bit: &usize| longer().is_some() || bit % 8 == (bit / 8 * 3) % 8;
    (0..whole.len() * 8).filter(wanted).map(flip).collect()
}

fn damages(whole: &[u8]) -> Vec<Vec<u8>> {
    [cuts(whole), flips(whole)].concat()
}

#[test]
fn a_damaged_credential_without_an_intent_is_left_as_it_is() {
    let home = Home::expired(&Chain::new(true));
    let whole = fs::read(home.credential()).unwrap();
    for damaged in damages(&whole) {
        fs::write(home.credential(), &damaged).unwrap();
        let refreshed = home.refresh(&Gone, &|_| ());
        assert!(!matches!(refreshed, Refreshed::NeedsLogin { .. } | Refreshed::Renewed { .. }));
        assert_eq!(fs::read(home.credential()).unwrap(), damaged, "{refreshed:?}");
        let _ = fs::remove_dir_all(home.path.join("state"));
    }
    home.assert_no_token_lies_about(false);
}

/// The files of ours that a step leaves, to be laid out again and again.
fn laid_out(home: &Home) -> Vec<(PathBuf, Vec<u8>)> {
    let files = [ours(home, ".intent"), ours(home, ".previous"), home.credential()];
    files.map(|path| (path.clone(), fs::read(path).unwrap())).to_vec()
}

#[test]
fn a_credential_that_is_damaged_while_its_successor_waits_becomes_the_successor() {
    let home = ended_after(Step::Noted);
    let files = laid_out(&home);
    let whole = fs::read(home.credential()).unwrap();
    let cuts = cuts(&whole);
    let must_heal = cuts.len();
    for (index, damaged) in cuts.into_iter().chain(flips(&whole)).enumerate() {
        files.iter().for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
        fs::write(home.credential(), &damaged).unwrap();
        home.recover(&Gone);
        let now = fs::read(home.credential()).unwrap();
        let text = String::from_utf8_lossy(&now);
        let healed = text.contains(&Chain::access(1)) && text.contains("ref-canary-renew-1-KjHgFd");
        // A flip in a token makes another login of it, and one in a name a logout: those are not ours to replace.
        assert!(healed || (index >= must_heal && now == damaged), "{index}: {text}");
        home.assert_no_token_lies_about(false);
    }
}

#[test]
fn a_damaged_intent_changes_nothing_or_brings_the_successor_whole() {
    for end in [".intent", ".previous"] {
        let home = ended_after(Step::Noted);
        let files = laid_out(&home);
        let old = home.text();
        let path = ours(&home, end);
        for damaged in damages(&fs::read(&path).unwrap()) {
            files.iter().for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
            fs::write(&path, &damaged).unwrap();
            home.recover(&Gone);
            let now = home.text();
            let whole = now.contains(&Chain::access(1)) && now.contains("ref-canary-renew-1-KjHgFd");
            assert!(whole || now == old, "{now}");
            assert!(whole || end == ".intent", "the previous content is not needed here");
        }
    }
}

#[test]
fn a_damaged_note_is_as_good_as_absent_and_harms_nothing() {
    let home = Home::expired(&Chain::new(true));
    let untouched = home.text();
    home.refresh(&Gone, &|_| ());
    let note = ours(&home, ".json");
    for damaged in damages(&fs::read(&note).unwrap()) {
        fs::write(&note, &damaged).unwrap();
        let refreshed = home.refresh(&Gone, &|_| ());
        let known =
            [matches!(refreshed, Refreshed::Failed(_)), matches!(refreshed, Refreshed::BackedOff { .. })];
        assert!(known.contains(&true), "{refreshed:?}");
    }
    assert_eq!(home.text(), untouched);
}

#[test]
fn a_credential_that_was_damaged_before_any_answer_came_is_as_it_was_before() {
    let home = ended_after(Step::Intended);
    let whole = home.text();
    fs::write(home.credential(), &whole[..whole.len() / 2]).unwrap();
    assert_eq!(home.recover(&Gone), Recovery::Restored);
    assert_eq!(home.text(), whole);
    assert!(matches!(home.refresh(&Next, &|_| ()), Refreshed::BackedOff { .. }), "it may be spent");
    home.assert_no_token_lies_about(false);
}

#[test]
fn what_a_living_claude_code_may_be_writing_is_waited_for() {
    for step in [Step::Intended, Step::Noted] {
        let mut home = ended_after(step);
        let whole = home.text();
        fs::write(home.credential(), "{").unwrap();
        home.live = true;
        assert_eq!(home.recover(&Gone), Recovery::Waiting);
        assert!(matches!(home.refresh(&Next, &|_| ()), Refreshed::Failed(RefreshFailure::NotSaved(_))));
        assert_eq!(home.text(), "{");
        fs::write(home.credential(), &whole).unwrap();
        let expected = if step == Step::Noted { Recovery::Saved } else { Recovery::Unanswered };
        assert_eq!(home.recover(&Gone), expected, "a successor that is there is saved all the same");
    }
}

#[test]
fn who_logged_out_or_in_since_is_left_alone() {
    let other = Chain::new(true).file(1).replace("-0-", "-77-");
    for step in [Step::Intended, Step::Noted, Step::Written] {
        for text in ["null", r#"{"claudeAiOauth": null, "mcpOAuth": {}}"#, other.as_str()] {
            let home = ended_after(step);
            fs::write(home.credential(), text).unwrap();
            assert_eq!(home.recover(&Gone), Recovery::Superseded, "{step:?} {text}");
            assert_eq!(home.text(), text);
            home.assert_no_token_lies_about(false);
        }
    }
}
