//! A process that is killed at any step of a renewal, for real, and the one that comes after it.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use cco_limits::refresh::{Recovery, Refreshed, Step, TokenClient, TokenUrl};

use crate::server::Server;
use crate::tokens::{Chain, Home, client, serve};

/// What the child is told: its home, its server, where to end.
const TOLD: &str = "CCO_TEST_KILLED_RENEWAL";

#[expect(clippy::disallowed_methods, reason = "how a test of this file tells its child what to do")]
fn told() -> Option<(String, String, usize)> {
    let told = std::env::var(TOLD).ok()?;
    let mut parts = told.split('\n').map(str::to_owned);
    Some((parts.next()?, parts.next()?, parts.next()?.parse().ok()?))
}

#[test]
fn a_child_that_is_killed() {
    let Some((home, url, at)) = told() else { return };
    let client = client(&TokenUrl::parse(&url).unwrap());
    Home::at(Path::new(&home)).refresh(&client, &|step| {
        if Step::ALL[at] == step {
            let us = std::process::id().to_string();
            let _ = Command::new("kill").args(["-9", &us]).status();
            loop {
                std::thread::park();
            }
        }
    });
    panic!("it was to be killed");
}

fn kill_at(home: &Home, server: &Server, step: usize) {
    let told = format!("{}\n{}\n{step}", home.path.display(), server.token_url());
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["renewal_kill::a_child_that_is_killed", "--exact", "--nocapture"]).env(TOLD, told);
    let status = child.output().unwrap().status;
    assert_eq!(status.signal(), Some(9), "{:?}", Step::ALL[step]);
}

#[test]
fn a_kill_at_any_step_leaves_a_login_that_works_or_can_be_brought_back_or_one_word_to_log_in() {
    for rotates in [true, false] {
        for (index, step) in Step::ALL.into_iter().enumerate() {
            let chain = Chain::new(rotates);
            let (home, server) = (Home::expired(&chain), serve(&chain, 0));
            kill_at(&home, &server, index);
            home.assert_no_token_lies_about(true);
            // The dead process's locks are a minute old.
            home.later_ms.set(61_000);
            let expected = match step {
                Step::Locked | Step::IntentGone | Step::PreviousKept => Recovery::Nothing,
                Step::Intended | Step::Answered => Recovery::Unanswered,
                Step::Noted | Step::Written => Recovery::Saved,
                Step::Renamed | Step::Synced | Step::Verified | Step::PreviousGone => Recovery::Stored,
            };
            let client = client(&server.token_url());
            assert_eq!(home.recover(&client), expected, "{step:?}");
            assert_eq!(home.recover(&client), Recovery::Nothing, "{step:?}");
            home.assert_no_token_lies_about(false);
            after(&home, &chain, &client, step);
            home.assert_no_token_lies_about(false);
        }
    }
}

/// What everybody sees from then on.
fn after(home: &Home, chain: &Chain, client: &TokenClient, step: Step) {
    let says = || home.refresh(client, &|_| ());
    match step {
        Step::Locked | Step::PreviousKept => {
            assert!(matches!(says(), Refreshed::Renewed { .. }), "{step:?}");
        }
        Step::Intended | Step::Answered => {
            assert!(matches!(says(), Refreshed::BackedOff { .. }), "{step:?}");
            home.later_ms.set(301_000);
            let lost = step == Step::Answered && chain.rotates;
            let told = says();
            assert_eq!(matches!(told, Refreshed::NeedsLogin { first: true, .. }), lost, "{step:?} {told:?}");
            assert_eq!(matches!(told, Refreshed::Renewed { .. }), !lost, "{step:?} {told:?}");
            let posts = chain.posts();
            for _ in 0..3 {
                let again = says();
                assert_eq!(matches!(again, Refreshed::NeedsLogin { first: false, .. }), lost, "{again:?}");
            }
            assert_eq!(chain.posts(), posts, "nobody asks again");
            if lost {
                return;
            }
        }
        _ => assert_eq!(chain.posts(), 1, "{step:?}"),
    }
    assert!(home.text().contains(&chain.newest()), "{step:?}: the newest login is in the file");
    assert_eq!((says(), chain.refused()), (Refreshed::NotNeeded, 0), "{step:?}");
    // Where nothing is left to do nobody takes the dead process's locks over; the next renewal does.
    let locks = usize::from(step == Step::IntentGone);
    assert_eq!(fs::read_dir(home.config()).unwrap().count(), 1 + locks, "{step:?}: no lock is left");
}

#[test]
fn the_next_attempt_recovers_by_itself() {
    let chain = Chain::new(true);
    let (home, server) = (Home::expired(&chain), serve(&chain, 0));
    let noted = Step::ALL.iter().position(|step| *step == Step::Noted).unwrap();
    kill_at(&home, &server, noted);
    home.later_ms.set(61_000);
    assert_eq!(home.refresh(&client(&server.token_url()), &|_| ()), Refreshed::Recovered);
    assert!(home.text().contains(&chain.newest()));
    assert_eq!((chain.posts(), chain.refused()), (1, 0));
}
