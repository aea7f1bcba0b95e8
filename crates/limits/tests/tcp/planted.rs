//! Every bug of renewing logins that can be planted spoils the story that guards against it.
//!
//! A bug is planted once for a process: run this with nextest, which gives each test its own.
//! `cargo nextest run -p cco-limits --features planted-bugs --test tcp planted::`

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use cco_limits::refresh::{Recovery, Refreshed, Step};
use cco_model::plant::{self, Bug};

use crate::tokens::{Chain, Home, client, now_ms, serve};

type Story = fn() -> bool;

const STORIES: [Story; 3] = [
    what_came_back_is_found_again_after_a_crash,
    a_login_that_was_renewed_while_we_waited_is_left_alone,
    a_session_that_has_ended_is_asked_for_once,
];

fn is_caught(bug: Bug, story: Story) {
    assert!(plant::plant(Some(bug)), "a process has one bug: run this with nextest");
    assert!(!story(), "{} went unnoticed", bug.name());
}

#[test]
fn successor_without_intent_is_caught() {
    is_caught(Bug::SuccessorWithoutIntent, what_came_back_is_found_again_after_a_crash);
}

#[test]
fn no_look_under_locks_is_caught() {
    is_caught(Bug::NoLookUnderLocks, a_login_that_was_renewed_while_we_waited_is_left_alone);
}

#[test]
fn dead_login_forgotten_is_caught() {
    is_caught(Bug::DeadLoginForgotten, a_session_that_has_ended_is_asked_for_once);
}

#[test]
fn without_a_bug_every_story_ends_well() {
    assert!(plant::plant(None));
    for (number, story) in STORIES.into_iter().enumerate() {
        assert!(story(), "story {number}");
    }
}

fn what_came_back_is_found_again_after_a_crash() -> bool {
    let chain = Chain::new(true);
    let (home, server) = (Home::expired(&chain), serve(&chain, 0));
    let client = client(&server.token_url());
    let crash = |step| assert_ne!(step, Step::Noted, "the crash of this story");
    let crashed = catch_unwind(AssertUnwindSafe(|| home.refresh(&client, &crash)));
    crashed.is_err() && home.recover(&client) == Recovery::Saved && home.text().contains(&chain.newest())
}

fn a_login_that_was_renewed_while_we_waited_is_left_alone() -> bool {
    let chain = Chain::new(true);
    let (home, server) = (Home::expired(&chain), serve(&chain, 0));
    let renewed = home.refresh(&client(&server.token_url()), &|step| {
        if step == Step::Locked {
            fs::write(home.credential(), chain.file(now_ms() + 28_800_000))
                .expect("the home of a test can be written");
        }
    });
    (renewed, chain.posts()) == (Refreshed::NotNeeded, 0)
}

fn a_session_that_has_ended_is_asked_for_once() -> bool {
    let chain = Chain::new(true);
    let (home, server) = (Home::expired(&chain), serve(&chain, 0));
    // Its token was spent behind our back.
    let spent = r#"{"grant_type": "refresh_token", "client_id": "client-7", "refresh_token": "spent"}"#;
    assert_eq!(chain.answer(spent).0, 400);
    let client = client(&server.token_url());
    let dead = |refreshed| matches!(refreshed, Refreshed::NeedsLogin { .. });
    let ends = [(); 3].map(|()| dead(home.refresh(&client, &|_| ())));
    (ends, chain.posts()) == ([true; 3], 2)
}
