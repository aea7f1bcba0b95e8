//! What is done when: a machine that is told of events and of the time, and says what to do.
//!
//! It has no clock, no channel and no thread, so that a test can tell it anything in any order.
//! Owns every interval of the daemon. Must not: do anything itself.

use std::time::{Duration, Instant};

use crate::event::{Event, Order, RefreshReply, ScanReply, Scanned};

/// Transcripts are looked at by `stat` at least this often: watchers miss events.
const SWEEP: Duration = Duration::from_secs(30);
/// The same where changes are not heard of.
const POLL: Duration = Duration::from_secs(1);
/// So long after changes could not be heard of, it is tried again.
const WATCH_AGAIN: Duration = Duration::from_secs(30);
/// Accounts are looked at this often; whom the service is asked for, and when, is the broker's rule.
const ASK: Duration = Duration::from_secs(15);
/// The same while something keeps the broker from its work, such as a full disk: what status lines observed waits for
/// it, and is to be in the ledger within five seconds of its end. A look takes 1.3 ms: that is 0.05 % of a core.
const ASK_AGAIN: Duration = Duration::from_secs(3);
/// Repositories of sessions that are at work are looked at this often.
const GIT: Duration = Duration::from_secs(30);
/// A failed scan is tried again after this; changes bring it sooner.
const AGAIN: Duration = Duration::from_secs(1);
/// What is written may take so long to be in the ledger before that is worth a word.
pub(crate) const LATE: Duration = Duration::from_secs(5);
/// A daemon that a status line began ends when nobody used it for so long.
const IDLE: Duration = Duration::from_secs(30 * 60);

/// The machine.
#[derive(Debug)]
pub(crate) struct EventLoop {
    debounce: Duration,
    /// It ends when nobody uses it.
    leaves_when_idle: bool,
    used: Instant,
    /// The first change that no scan has begun after.
    dirty: Option<Instant>,
    /// A scan goes on, with the first change that it takes in; none: nothing was heard of.
    scanning: Option<Option<Instant>>,
    /// They wait for a scan that begins from now on.
    wanted: Vec<ScanReply>,
    /// They wait for the scan that goes on.
    waiting: Vec<ScanReply>,
    next_scan: Instant,
    /// The last scan failed.
    failed: bool,
    watch: Watch,
    /// What was said of why changes are not heard of.
    deaf_because: Option<String>,
    asking: bool,
    next_ask: Instant,
    refresh_wanted: Vec<RefreshReply>,
    refresh_waiting: Vec<RefreshReply>,
    looks_at_git: bool,
    next_git: Instant,
    /// Something was taken in since the repositories were looked at.
    worked: bool,
    leaving: bool,
}

/// How changes are heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watch {
    /// As events.
    Events,
    /// Not at all; it is tried again then.
    Polling { again: Instant },
}

impl EventLoop {
    /// A daemon that begins now.
    pub(crate) fn new(now: Instant, debounce: Duration, leaves_when_idle: bool) -> Self {
        Self {
            debounce,
            leaves_when_idle,
            used: now,
            dirty: None,
            scanning: None,
            wanted: Vec::new(),
            waiting: Vec::new(),
            next_scan: now,
            failed: false,
            watch: Watch::Polling { again: now },
            deaf_because: None,
            asking: false,
            next_ask: now,
            refresh_wanted: Vec::new(),
            refresh_waiting: Vec::new(),
            looks_at_git: false,
            next_git: now,
            worked: true,
            leaving: false,
        }
    }

    /// Since when something that was written has not been taken in.
    pub(crate) fn behind_since(&self) -> Option<Instant> {
        self.scanning.flatten().or(self.dirty)
    }

    /// Something happened.
    pub(crate) fn on(&mut self, event: Event, now: Instant) -> Vec<Order> {
        let mut orders = Vec::new();
        match event {
            Event::Changed => {
                self.dirty.get_or_insert(now);
            }
            Event::Moved => {
                self.dirty.get_or_insert(now);
                orders.push(Order::Watch);
            }
            Event::Watching(result) => self.on_watching(result, now, &mut orders),
            Event::Scanned(scanned) => self.on_scanned(scanned, now, &mut orders),
            Event::Asked(refreshed) => {
                self.asking = false;
                if !refreshed.faults.is_empty() {
                    self.next_ask = self.next_ask.min(now + ASK_AGAIN);
                }
                let waiting = std::mem::take(&mut self.refresh_waiting);
                // New readings are in the ledger, and the snapshot has them.
                orders.push(Order::Advance);
                orders.push(Order::AnswerRefresh(waiting, refreshed));
            }
            Event::LookedAtGit => self.looks_at_git = false,
            Event::ScanWanted(reply) => {
                self.used = now;
                self.wanted.push(reply);
            }
            Event::RefreshWanted(reply) => {
                self.used = now;
                self.refresh_wanted.push(reply);
            }
            Event::Used => self.used = now,
            Event::Stop(why) => self.leave(&why, &mut orders),
        }
        orders.append(&mut self.on_time(now));
        orders
    }

    /// Time went by.
    pub(crate) fn on_time(&mut self, now: Instant) -> Vec<Order> {
        let mut orders = Vec::new();
        if self.leaving {
            return orders;
        }
        if self.leaves_when_idle && now.duration_since(self.used) >= IDLE {
            self.leave("nobody used it for half an hour", &mut orders);
            return orders;
        }
        if let Watch::Polling { again } = self.watch
            && now >= again
        {
            self.watch = Watch::Polling { again: now + WATCH_AGAIN };
            orders.push(Order::Watch);
        }
        if self.scanning.is_none() && now >= self.scan_due() {
            self.scanning = Some(self.dirty.take());
            self.waiting.append(&mut self.wanted);
            orders.push(Order::Scan);
        }
        if !self.asking && (now >= self.next_ask || !self.refresh_wanted.is_empty()) {
            self.asking = true;
            self.next_ask = now + ASK;
            self.refresh_waiting.append(&mut self.refresh_wanted);
            orders.push(Order::Ask { all: !self.refresh_waiting.is_empty() });
        }
        if !self.looks_at_git && self.worked && now >= self.next_git {
            self.looks_at_git = true;
            self.worked = false;
            self.next_git = now + GIT;
            orders.push(Order::LookAtGit);
        }
        orders
    }

    /// When time is to be told of next, if nothing happens before.
    pub(crate) fn due(&self) -> Instant {
        let mut due = Vec::new();
        if !self.asking {
            due.push(self.next_ask);
        }
        if self.scanning.is_none() {
            due.push(self.scan_due());
        }
        if let Watch::Polling { again } = self.watch {
            due.push(again);
        }
        if self.worked && !self.looks_at_git {
            due.push(self.next_git);
        }
        if self.leaves_when_idle {
            due.push(self.used + IDLE);
        }
        due.into_iter().min().unwrap_or(self.next_ask + ASK)
    }

    /// When the next scan is to begin.
    fn scan_due(&self) -> Instant {
        if !self.wanted.is_empty() {
            return self.used;
        }
        match self.dirty {
            // One that failed is not tried again for every line that is written.
            Some(first) if !self.failed => self.next_scan.min(first + self.debounce),
            _ => self.next_scan,
        }
    }

    fn on_watching(&mut self, result: Result<(), String>, now: Instant, orders: &mut Vec<Order>) {
        match result {
            Ok(()) => {
                if self.deaf_because.take().is_some() {
                    orders.push(Order::Say("changes are heard of as they happen".to_owned()));
                }
                self.watch = Watch::Events;
                // What happened before that was heard of by nobody.
                self.dirty.get_or_insert(now);
            }
            Err(why) => {
                self.next_scan = self.next_scan.min(now + POLL);
                let words = format!("{why}; transcripts are looked at every second instead");
                // It is tried again every now and then, and fails for the same reason.
                if self.deaf_because.as_ref() != Some(&words) {
                    orders.push(Order::Warn(words.clone()));
                    self.deaf_because = Some(words);
                }
                self.watch = Watch::Polling { again: now + WATCH_AGAIN };
            }
        }
    }

    fn on_scanned(&mut self, scanned: Scanned, now: Instant, orders: &mut Vec<Order>) {
        let heard = self.scanning.take().flatten();
        if scanned.result.is_err() {
            self.dirty = heard.or(self.dirty);
        }
        let was_failing = std::mem::replace(&mut self.failed, scanned.result.is_err());
        let found = scanned.result.as_ref().is_ok_and(|taken| taken.summary.files_read > 0);
        // What was known of repositories went with the engine that knew it.
        self.worked |= found || scanned.new_folder || scanned.reopened;
        if scanned.new_folder || scanned.reopened {
            self.next_git = now;
        }
        // Somebody works with Claude Code.
        if found {
            self.used = now;
        }
        self.next_scan = now
            + match (&scanned.result, self.watch) {
                (Err(_), _) => AGAIN,
                (Ok(_), Watch::Polling { .. }) => POLL,
                (Ok(_), Watch::Events) => SWEEP,
            };
        match &scanned.result {
            Err(why) if !was_failing => {
                orders.push(Order::Warn(format!("what is new was not taken in: {why}")));
            }
            Ok(_) if was_failing => orders.push(Order::Say("what is new is taken in again".to_owned())),
            _ => {}
        }
        // A look found what no event had told of: folders may have come that nobody watches.
        let missed = found && heard.is_none() && self.dirty.is_none() && self.watch == Watch::Events;
        if missed || scanned.reopened {
            orders.push(Order::Watch);
        }
        if scanned.rebuilt || scanned.reopened {
            orders.push(Order::Renew);
        }
        if scanned.has_news {
            orders.push(Order::Advance);
        }
        let waiting = std::mem::take(&mut self.waiting);
        if !waiting.is_empty() {
            orders.push(Order::AnswerScan(waiting, scanned.result));
        }
    }

    fn leave(&mut self, why: &str, orders: &mut Vec<Order>) {
        if !self.leaving {
            self.leaving = true;
            orders.push(Order::Say(format!("ends: {why}")));
        }
        orders.push(Order::Leave);
    }
}

#[cfg(test)]
mod tests;
