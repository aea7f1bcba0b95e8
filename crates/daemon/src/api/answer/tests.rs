use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use axum::http::Uri;

use super::super::connection::Bounds;
use super::super::tests::served::{NOON, Served, Wanted, at};
use super::*;

/// A state of the ledger, by settings.
fn told(seq: i64, settings: &Arc<Http>) -> Told {
    Told { mark: Mark { ledger: "one".to_owned(), seq }, settings: Arc::clone(settings), generation: 0 }
}

fn settings() -> Arc<Http> {
    Arc::new(Wanted::default().http)
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).expect("text")
}

#[test]
fn an_answer_is_given_again_while_the_ledger_stands_and_time_changes_nothing_in_it() {
    let (answers, settings) = (Answers::default(), settings());
    let now = at(NOON);
    let later = |ms| now + SignedDuration::from_millis(ms);
    answers.keep("usual".to_owned(), told(7, &settings), now, Answer::of(&1).expect("an answer"));
    let long = Answer::of(&2).expect("an answer").true_until(later(60_000));
    answers.keep("long".to_owned(), told(7, &settings), now, long);
    let is_held = |asked, seq, ms| answers.held(asked, &told(seq, &settings), later(ms)).is_some();
    let held = [("usual", 7, 999), ("usual", 7, -1_000), ("long", 7, 59_999)];
    let anew = [
        ("usual", 7, 1_000),
        ("usual", 8, 0),
        ("usual", 6, 0),
        ("long", 7, 60_000),
        ("long", 7, -1_001),
        ("other", 7, 0),
    ];
    for (asked, seq, ms) in held {
        assert!(is_held(asked, seq, ms), "{asked} at {seq}, {ms} ms later");
    }
    for (asked, seq, ms) in anew {
        assert!(!is_held(asked, seq, ms), "{asked} at {seq}, {ms} ms later");
    }
}

#[test]
fn an_answer_by_other_settings_is_not_given_again() {
    let (answers, before, now) = (Answers::default(), settings(), at(NOON));
    answers.keep("asked".to_owned(), told(7, &before), now, Answer::of(&1).expect("an answer"));
    assert!(answers.held("asked", &told(7, &before), now).is_some());
    assert!(answers.held("asked", &told(7, &settings()), now).is_none());
    let of_other_engines = Told { generation: 1, ..told(7, &before) };
    assert!(answers.held("asked", &of_other_engines, now).is_none());
}

#[test]
fn of_too_many_or_too_large_answers_those_that_were_given_last_are_kept() {
    let (answers, settings) = (Answers::default(), settings());
    let later = |second: usize| at(NOON) + SignedDuration::from_secs(second.try_into().expect("seconds"));
    let keep = |asked: &str, second, document: &str| {
        let answer = Answer::of(&document).expect("an answer").true_until(later(10_000));
        answers.keep(asked.to_owned(), told(7, &settings), later(second), answer);
    };
    let is_held = |asked: &str, second| answers.held(asked, &told(7, &settings), later(second)).is_some();
    keep("page", 0, "asked for again and again");
    for second in 0..3 * MOST {
        keep(&format!("once {second}"), second, "");
        assert!(is_held("page", second), "after {second} others");
    }
    assert!(!is_held("once 0", 3 * MOST) && answers.all().len() == MOST);
    for second in 500..505 {
        keep(&format!("large {second}"), second, &"x".repeat(LARGEST - 2));
    }
    assert!(is_held("large 504", 505) && !is_held("large 500", 505) && !is_held("page", 505));
    keep("too large", 506, &"x".repeat(LARGEST));
    assert!(!is_held("too large", 507) && is_held("large 504", 507));
}

#[test]
fn what_is_given_again_says_when_it_was_given() {
    let answer = Answer::dated(&serde_json::json!({"calls": 3})).expect("an answer");
    let given = answer.clone().given(at(NOON));
    assert_eq!(text(&given), r#"{"status":"ok","generated_at":"2026-11-25T12:00:00.000Z","calls":3}"#);
    assert_eq!(given.tag, answer.given(at("2026-11-25T12:00:01Z")).tag, "and is the same answer");
}

#[test]
fn many_who_ask_the_same_at_once_wait_for_one_answer() {
    let served = Served::new();
    let api = Api { shared: Arc::clone(&served.shared), answers: Arc::default(), bounds: Bounds::USUAL };
    let asked = Asked::new(&Uri::from_static("/api/stats?period=day"), &["period"]).expect("a question");
    let settings = api.http();
    let (made, (go, waits)) = (Arc::new(AtomicUsize::new(0)), channel::<()>());
    let waits = Arc::new(Mutex::new(waits));
    served.runtime.block_on(async {
        let ask = || {
            let (made, waits) = (Arc::clone(&made), Arc::clone(&waits));
            answer(&api, &settings, &asked, move |_| {
                made.fetch_add(1, Ordering::Relaxed);
                let _ = waits.lock().map(|waits| waits.recv());
                Ok(Answer::of(&"all")?)
            })
        };
        let all = futures_util::future::join_all((0..8).map(|_| ask()));
        let release = async {
            // All of them have asked by now: this is polled after they were.
            drop(go);
        };
        let (answers, ()) = tokio::join!(all, release);
        assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|answer| text(answer) == r#""all""#)));
    });
    assert_eq!(made.load(Ordering::Relaxed), 1);
}
