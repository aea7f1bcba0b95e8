//! The thread that looks who is logged in where, and asks the service for limits. The network keeps nobody else waiting.
//!
//! Must not: decide whom to ask when (that is the engine's, as long as it can remember), or touch a credential.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use cco_engine::Engine;
use cco_engine::limits::{Asked, KnownAccount, Tries};
use cco_model::limit::AccountId;
use cco_model::limit::poll::POLL_MS;
use tokio::sync::mpsc::Sender;

use crate::event::{Event, Refreshed};
use crate::log::Log;
use crate::setup::{Clock, Means, OpenEngine, ReadHttp, ReadMeans, ReadSettings, TellLimits};

/// What the broker is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Look, and ask for those who are due.
    Look,
    /// Look, and ask for everyone who may be asked for.
    AskForAll,
    /// Let go of the engine: the ledger's file is another one by now, or settings are.
    Renew,
}

/// Where nobody can remember that the service was asked, as on a full disk, it is not asked again before.
const UNREMEMBERED: Duration = Duration::from_millis(POLL_MS.unsigned_abs());

/// What it has at hand from one task to the next.
#[derive(Default)]
struct Hand {
    engine: Option<Engine>,
    restraint: Restraint,
}

/// When the service was asked and files and ledger do not remember it, which else say when it may be asked again.
#[derive(Default)]
struct Restraint {
    unremembered: Option<Instant>,
}

impl Restraint {
    /// Asks for those who are due, if it may by now. An error inside says why nobody was asked.
    fn ask(
        &mut self,
        due: Vec<AccountId>,
        now: Instant,
        ask: impl FnOnce(&[AccountId]) -> Result<Result<Asked, String>, String>,
    ) -> Result<Asked, String> {
        let is_held = self.unremembered.is_some_and(|at| now.duration_since(at) < UNREMEMBERED);
        if due.is_empty() || is_held {
            return Ok(Asked { not_asked: due, ..Asked::default() });
        }
        // Whatever comes of it, a panic too.
        self.unremembered = Some(now);
        let asked = ask(&due)?;
        if asked.as_ref().map_or(true, |asked| asked.faults.is_empty()) {
            self.unremembered = None;
        }
        asked
    }
}

/// What the broker works with.
pub(crate) struct Broker {
    pub(crate) open: OpenEngine,
    pub(crate) settings: ReadSettings,
    pub(crate) means: ReadMeans,
    pub(crate) tell: TellLimits,
    pub(crate) clock: Clock,
    pub(crate) http: ReadHttp,
    pub(crate) log: Arc<Log>,
    pub(crate) events: Sender<Event>,
}

impl Broker {
    /// Works until nobody can tell it anything any more.
    pub(crate) fn run(&self, tasks: &Receiver<Task>) {
        let mut hand = Hand::default();
        let mut said = String::new();
        while let Ok(task) = tasks.recv() {
            if task == Task::Renew {
                hand.engine = None;
                continue;
            }
            let all = task == Task::AskForAll;
            let done = catch_unwind(AssertUnwindSafe(|| self.refresh(&mut hand, all)));
            let refreshed = done.unwrap_or_else(|_| {
                hand.engine = None;
                Err("an error in cco: the broker stopped, and begins again".to_owned())
            });
            let refreshed = refreshed.unwrap_or_else(|why| {
                // Settings may be others by now; and a ledger that was set aside is not this engine's any more.
                hand.engine = None;
                Refreshed { faults: vec![why], ..Refreshed::default() }
            });
            let faults = refreshed.faults.join("; ");
            if faults != said && !faults.is_empty() {
                self.log.warn("broker", &faults);
            }
            said = faults;
            if self.events.blocking_send(Event::Asked(refreshed)).is_err() {
                return;
            }
        }
    }

    fn refresh(&self, hand: &mut Hand, all: bool) -> Result<Refreshed, String> {
        let words = |error: cco_engine::EngineError| error.to_string();
        let engine = match &mut hand.engine {
            Some(engine) => engine,
            unopened => {
                let opened = unopened.insert((self.open)().map_err(words)?);
                opened.live_long().map_err(words)?;
                opened
            }
        };
        engine.set_now((self.clock)());
        let (found, trouble) = engine.look_at_accounts().map_err(words)?;
        let Means { asking, is_allowed, share } = (self.means)();
        let mut refreshed = Refreshed { faults: trouble.into_iter().collect(), ..Refreshed::default() };
        let mut asked = Asked::default();
        if let Some(asking) = &asking {
            let clock = || (self.clock)().as_millisecond();
            let unended =
                engine.recover_logins(&found, asking, &clock).into_iter().filter(|(_, it)| it.is_err());
            let said = unended
                .map(|(path, _)| format!("{}: an interrupted renewal waits to be ended", path.display()));
            refreshed.faults.extend(said);
            let due = if is_allowed { engine.due(&found, all).map_err(words)? } else { Vec::new() };
            asked = hand.restraint.ask(due, Instant::now(), |due| {
                let asked = engine.ask(&found, due, asking, &clock).map_err(words)?;
                Ok(asked.map_err(|unusable| unusable.to_string()))
            })?;
        }
        let http = (self.http)();
        let limits = engine.limits(&found, &asked.tries, &http.zone).map_err(words)?;
        let asking = asking.filter(|_| is_allowed);
        refreshed.tries = Some(match &asking {
            Some(asking) => engine.tries(&found, asking, asked.tries.clone()),
            None => Tries::default(),
        });
        let known = engine.accounts().map_err(words)?;
        refreshed.faults.extend((self.tell)(&limits, &asked, &known));
        if share && !asked.whom.is_empty() {
            let glance = engine.glance(&http.zone, (self.clock)()).ok().filter(|it| it.calls_ever > 0);
            refreshed.faults.extend(engine.share(&found, &limits, glance.as_ref(), is_allowed));
        }
        self.leave_snapshot(engine, &mut refreshed);
        Ok(told(refreshed, &asked, &known))
    }

    fn leave_snapshot(&self, engine: &mut Engine, refreshed: &mut Refreshed) {
        if let Some(setup) = &(self.settings)().snapshot
            && let Err(error) = engine.leave_snapshot(setup)
        {
            refreshed.faults.push(format!("status lines show what was known before: {error}"));
        }
    }
}

/// What came of it, in words.
fn told(refreshed: Refreshed, asked: &Asked, known: &[KnownAccount]) -> Refreshed {
    let label = |id: &AccountId| {
        let known = known.iter().find(|known| known.id == *id);
        let name = known.map(|known| if known.name.is_empty() { &known.email } else { &known.name });
        name.filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| id.to_string())
    };
    let really = asked.whom.iter().filter(|id| !asked.not_asked.contains(id));
    let failed = |id: &&AccountId| asked.tries.troubles.contains_key(*id);
    Refreshed {
        answered: really.clone().any(|id| !failed(&id)),
        trouble: really
            .clone()
            .find(failed)
            .and_then(|id| asked.tries.troubles.get(id))
            .map(|it| it.short().to_owned()),
        asked: really.map(label).collect(),
        not_asked: asked.not_asked.iter().map(label).collect(),
        tries: refreshed.tries,
        faults: refreshed.faults.into_iter().chain(asked.faults.iter().cloned()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due() -> Vec<AccountId> {
        vec![AccountId { account: "ann".into(), organization: "org".into() }]
    }

    /// How often the service is asked within an hour of looks, one every three seconds, that end like this.
    fn asked_in_an_hour(ends: fn() -> Result<Result<Asked, String>, String>) -> usize {
        let (mut restraint, began, mut asked) = (Restraint::default(), Instant::now(), 0);
        for look in 0..1_200 {
            let _ = restraint.ask(due(), began + Duration::from_secs(3) * look, |_| {
                asked += 1;
                ends()
            });
        }
        asked
    }

    #[test]
    fn who_cannot_remember_that_he_asked_asks_twenty_times_an_hour_at_most() {
        assert_eq!(asked_in_an_hour(|| Err("the disk is full".to_owned())), 20);
        let unremembered = || Ok(Ok(Asked { faults: vec!["it is full".to_owned()], ..Asked::default() }));
        assert_eq!(asked_in_an_hour(unremembered), 20);
    }

    #[test]
    fn who_can_is_told_by_what_he_remembers() {
        assert_eq!(asked_in_an_hour(|| Ok(Ok(Asked::default()))), 1_200);
    }

    #[test]
    fn whoever_asked_nobody_by_settings_that_cannot_be_used_asks_as_soon_as_they_are_mended() {
        assert_eq!(asked_in_an_hour(|| Ok(Err("the user agent is no header".to_owned()))), 1_200);
    }

    #[test]
    fn those_who_are_not_asked_for_are_named() {
        let mut restraint = Restraint { unremembered: Some(Instant::now()) };
        let asked = restraint.ask(due(), Instant::now(), |_| Err("asked".to_owned())).expect("nobody asked");
        assert_eq!((asked.whom, asked.not_asked), (vec![], due()));
    }
}
