//! What is done when, told by hand: no clock runs here.

use cco_engine::scan::ScanSummary;
use tokio::sync::oneshot;

use super::*;
use crate::event::{Refreshed, TakenIn};

const DEBOUNCE: Duration = Duration::from_millis(100);

/// A daemon and its time.
struct Told {
    machine: EventLoop,
    began: Instant,
    now: Instant,
}

impl Told {
    /// One that has begun: watching, and done with its first scan, look and git.
    fn at_rest() -> Self {
        let mut told = Self::new(false);
        told.on(Event::Watching(Ok(())));
        told.on_changes(scanned(0));
        // What was written before it was heard of.
        told.after(DEBOUNCE);
        told.on_changes(scanned(0));
        told.on(Event::Asked(Refreshed::default()));
        told.on(Event::LookedAtGit);
        told
    }

    fn new(leaves_when_idle: bool) -> Self {
        let now = Instant::now();
        let mut told = Self { machine: EventLoop::new(now, DEBOUNCE, leaves_when_idle), began: now, now };
        assert_eq!(told.names_of_time(), ["watch", "scan", "ask", "git"]);
        told
    }

    fn on(&mut self, event: Event) -> Vec<&'static str> {
        names(&self.machine.on(event, self.now))
    }

    /// The same without what goes its own way by the clock.
    fn on_changes(&mut self, event: Event) -> Vec<&'static str> {
        without_rounds(self.on(event))
    }

    fn after(&mut self, time: Duration) -> Vec<&'static str> {
        self.now += time;
        without_rounds(self.names_of_time())
    }

    fn names_of_time(&mut self) -> Vec<&'static str> {
        names(&self.machine.on_time(self.now))
    }

    /// Lets time go from due to due, until `until` after the beginning; what was done when, in milliseconds.
    fn let_go(&mut self, until: Duration, answer: fn(&str) -> Option<Event>) -> Vec<(&'static str, u128)> {
        let mut done = Vec::new();
        while self.machine.due().duration_since(self.began) <= until {
            self.now = self.now.max(self.machine.due());
            let mut orders = self.names_of_time();
            while let Some(order) = orders.pop() {
                done.push((order, self.now.duration_since(self.began).as_millis()));
                orders.extend(answer(order).map(|event| self.on(event)).unwrap_or_default());
            }
        }
        done
    }
}

fn scanned(files_read: u64) -> Event {
    let summary = ScanSummary { files_read, ..ScanSummary::default() };
    Event::Scanned(Scanned {
        result: Ok(TakenIn { summary, ..TakenIn::default() }),
        disk_fails: false,
        has_news: files_read > 0,
        new_folder: false,
        rebuilt: false,
        reopened: false,
    })
}

fn failed(why: &str) -> Event {
    Event::Scanned(Scanned {
        result: Err(why.to_owned()),
        disk_fails: true,
        has_news: false,
        new_folder: false,
        rebuilt: false,
        reopened: false,
    })
}

fn names(orders: &[Order]) -> Vec<&'static str> {
    let name = |order: &Order| match order {
        Order::Scan => "scan",
        Order::Ask { all: false } => "ask",
        Order::Ask { all: true } => "ask all",
        Order::LookAtGit => "git",
        Order::Watch => "watch",
        Order::Renew => "renew",
        Order::Advance => "advance",
        Order::AnswerScan(..) => "answer scan",
        Order::AnswerRefresh(waiting, _) if waiting.is_empty() => "",
        Order::AnswerRefresh(..) => "answer refresh",
        Order::Say(_) => "say",
        Order::Warn(_) => "warn",
        Order::Leave => "leave",
    };
    orders.iter().map(name).filter(|name| !name.is_empty()).collect()
}

fn without_rounds(names: Vec<&'static str>) -> Vec<&'static str> {
    names.into_iter().filter(|name| !["git", "ask"].contains(name)).collect()
}

#[test]
fn a_change_is_taken_in_a_debounce_later_however_many_follow() {
    let mut told = Told::at_rest();
    assert_eq!(told.on(Event::Changed), [""; 0]);
    assert_eq!(told.after(Duration::from_millis(60)), [""; 0]);
    assert_eq!(told.on(Event::Changed), [""; 0]);
    assert_eq!(told.machine.due(), told.now + Duration::from_millis(40));
    assert_eq!(told.after(Duration::from_millis(40)), ["scan"]);
}

#[test]
fn what_changes_while_a_scan_goes_on_is_taken_in_by_the_next_one() {
    let mut told = Told::at_rest();
    told.on(Event::Changed);
    told.after(DEBOUNCE);
    told.on(Event::Changed);
    assert_eq!(told.after(Duration::from_secs(2)), [""; 0], "one scan at a time");
    assert!(told.machine.behind_since().is_some());
    assert_eq!(told.on_changes(scanned(1)), ["advance", "scan"]);
    assert_eq!(told.on_changes(scanned(1)), ["advance"]);
    assert_eq!(told.machine.behind_since(), None);
}

#[test]
fn who_wants_a_scan_is_answered_by_one_that_began_afterwards() {
    let mut told = Told::at_rest();
    told.on(Event::Changed);
    assert_eq!(told.after(DEBOUNCE), ["scan"]);
    let (reply, mut answer) = oneshot::channel();
    assert_eq!(told.on(Event::ScanWanted(reply)), [""; 0]);
    // This one may have looked before the wish came.
    assert_eq!(told.on_changes(scanned(3)), ["advance", "scan"]);
    assert!(answer.try_recv().is_err());
    let orders = told.machine.on(scanned(0), told.now);
    assert!(matches!(&orders[0], Order::AnswerScan(waiting, Ok(_)) if waiting.len() == 1), "{orders:?}");
}

#[test]
fn without_changes_there_is_a_sweep_every_half_minute_and_no_look_at_repositories() {
    let mut told = Told::at_rest();
    told.began = told.now;
    let done = told.let_go(Duration::from_secs(61), |order| match order {
        "scan" => Some(scanned(0)),
        "ask" => Some(Event::Asked(Refreshed::default())),
        _ => None,
    });
    let times = |name| done.iter().filter(|(it, _)| *it == name).count();
    assert_eq!((times("scan"), times("git")), (2, 0), "{done:?}");
    assert_eq!(times("ask"), 4, "{done:?}");
}

#[test]
fn where_changes_are_not_heard_of_transcripts_are_looked_at_every_second_with_one_warning() {
    let mut told = Told::at_rest();
    told.on(Event::Changed);
    told.after(DEBOUNCE);
    assert_eq!(told.on(Event::Watching(Err("the limit".to_owned()))), ["warn"]);
    assert_eq!(told.on_changes(scanned(1)), ["advance"]);
    told.began = told.now;
    let done = told.let_go(Duration::from_secs(65), |order| match order {
        "scan" => Some(scanned(1)),
        "ask" => Some(Event::Asked(Refreshed::default())),
        "git" => Some(Event::LookedAtGit),
        "watch" => Some(Event::Watching(Err("the limit".to_owned()))),
        _ => None,
    });
    let times = |name| done.iter().filter(|(it, _)| *it == name).count();
    assert!((62..=65).contains(&times("scan")), "{done:?}");
    assert_eq!((times("watch"), times("warn")), (2, 0), "{done:?}");
    assert_eq!(told.on(Event::Watching(Ok(()))), ["say"]);
}

#[test]
fn a_sweep_that_finds_what_no_event_told_of_has_everything_watched_anew() {
    let mut told = Told::at_rest();
    assert!(told.after(SWEEP).contains(&"scan"));
    assert_eq!(told.on_changes(scanned(1)), ["watch", "advance"]);
    // One that an event announced does not.
    told.on(Event::Changed);
    told.after(DEBOUNCE);
    assert_eq!(told.on_changes(scanned(1)), ["advance"]);
}

#[test]
fn a_scan_that_fails_is_tried_every_second_and_said_once() {
    let mut told = Told::at_rest();
    told.on(Event::Changed);
    told.after(DEBOUNCE);
    assert_eq!(told.on_changes(failed("full")), ["warn"]);
    told.on(Event::Changed);
    assert_eq!(told.after(DEBOUNCE), [""; 0], "not for every line that is written");
    assert_eq!(told.after(AGAIN), ["scan"]);
    assert_eq!(told.on_changes(failed("full")), [""; 0]);
    assert_eq!(told.after(AGAIN), ["scan"]);
    assert_eq!(told.on_changes(scanned(1)), ["say", "advance"]);
}

#[test]
fn who_wants_limits_asked_for_is_answered_by_asking_for_all() {
    let mut told = Told::at_rest();
    let (reply, _answer) = oneshot::channel();
    assert_eq!(told.on(Event::RefreshWanted(reply)), ["ask all"]);
    assert_eq!(told.on(Event::Asked(Refreshed::default())), ["advance", "answer refresh"]);
}

#[test]
fn a_broker_that_could_not_do_its_work_looks_again_within_seconds_and_rests_when_it_could() {
    let asks = |answer: fn(&str) -> Option<Event>| {
        let mut told = Told::at_rest();
        told.began = told.now;
        let done = told.let_go(Duration::from_secs(61), answer);
        let asked = done.iter().filter(|(order, _)| *order == "ask").map(|(_, at)| *at).collect::<Vec<_>>();
        asked.windows(2).map(|two| two[1] - two[0]).collect::<Vec<_>>()
    };
    let often = asks(|order| {
        let refreshed = Refreshed { faults: vec!["full".to_owned()], ..Refreshed::default() };
        if order == "ask" { Some(Event::Asked(refreshed)) } else { rests(order) }
    });
    assert_eq!(often, [3_000; 15]);
    let seldom =
        asks(|order| if order == "ask" { Some(Event::Asked(Refreshed::default())) } else { rests(order) });
    assert_eq!(seldom, [15_000; 3]);
}

/// All others do their work.
fn rests(order: &str) -> Option<Event> {
    match order {
        "scan" => Some(scanned(0)),
        "git" => Some(Event::LookedAtGit),
        _ => None,
    }
}

#[test]
fn a_repository_is_looked_at_when_a_session_begins_in_it_and_every_half_minute_while_somebody_works() {
    let mut told = Told::at_rest();
    let Event::Scanned(scanned_now) = scanned(0) else { unreachable!() };
    told.on(Event::Changed);
    told.after(DEBOUNCE);
    assert_eq!(told.on(Event::Scanned(Scanned { new_folder: true, ..scanned_now })), ["git"]);
    told.on(Event::LookedAtGit);
    told.on(Event::Changed);
    told.after(DEBOUNCE);
    assert_eq!(told.on(scanned(1)), ["advance"]);
    told.now += GIT;
    assert!(told.names_of_time().contains(&"git"));
}

#[test]
fn nobody_keeps_the_file_of_a_ledger_that_was_set_aside() {
    let mut told = Told::at_rest();
    told.on(Event::Changed);
    told.after(DEBOUNCE);
    let Event::Scanned(scanned) = scanned(1) else { unreachable!() };
    assert_eq!(told.on_changes(Event::Scanned(Scanned { rebuilt: true, ..scanned })), ["renew", "advance"]);
}

#[test]
fn other_settings_or_roots_are_followed_by_all_who_have_an_engine_or_watch() {
    let mut told = Told::at_rest();
    assert!(told.after(SWEEP).contains(&"scan"));
    let Event::Scanned(scanned) = scanned(0) else { unreachable!() };
    let orders = told.on(Event::Scanned(Scanned { reopened: true, ..scanned }));
    assert_eq!(orders, ["watch", "renew", "git"], "what was known of repositories is to be found again");
}

#[test]
fn a_folder_that_came_or_went_is_looked_at_and_everything_watched_anew() {
    let mut told = Told::at_rest();
    assert_eq!(told.on(Event::Moved), ["watch"]);
    assert_eq!(told.after(DEBOUNCE), ["scan"]);
}

#[test]
fn what_a_status_line_began_ends_half_an_hour_after_its_last_use() {
    let mut told = Told::new(true);
    told.on(Event::Watching(Ok(())));
    told.on_changes(scanned(0));
    told.now += IDLE / 2;
    told.on(Event::Used);
    assert!(!told.after(IDLE - Duration::from_secs(1)).contains(&"leave"));
    told.on_changes(scanned(1));
    assert!(!told.after(IDLE - Duration::from_secs(1)).contains(&"leave"), "somebody works with Claude Code");
    assert_eq!(told.after(Duration::from_secs(1)), ["say", "leave"]);
    assert_eq!(told.after(IDLE), [""; 0], "nothing begins after that");
}

#[test]
fn one_that_somebody_started_does_not_end_by_itself() {
    let mut told = Told::at_rest();
    assert!(!told.after(IDLE * 100).contains(&"leave"));
    assert_eq!(told.on(Event::Stop("SIGTERM".to_owned())), ["say", "leave"]);
}
