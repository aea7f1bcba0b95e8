//! The thread that looks who is logged in where, and asks the service for limits. The network keeps nobody else waiting.
//!
//! Must not: decide whom to ask when (that is the engine's), or touch a credential.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use cco_engine::Engine;
use cco_engine::limits::{Asked, KnownAccount, Tries};
use cco_model::limit::AccountId;
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
        let mut engine = None;
        let mut said = String::new();
        while let Ok(task) = tasks.recv() {
            if task == Task::Renew {
                engine = None;
                continue;
            }
            let all = task == Task::AskForAll;
            let done = catch_unwind(AssertUnwindSafe(|| self.refresh(&mut engine, all)));
            let refreshed = done.unwrap_or_else(|_| {
                engine = None;
                Err("an error in cco: the broker stopped, and begins again".to_owned())
            });
            let refreshed = refreshed.unwrap_or_else(|why| {
                // Settings may be others by now; and a ledger that was set aside is not this engine's any more.
                engine = None;
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

    fn refresh(&self, engine: &mut Option<Engine>, all: bool) -> Result<Refreshed, String> {
        let words = |error: cco_engine::EngineError| error.to_string();
        let engine = match engine {
            Some(engine) => engine,
            None => {
                let opened = engine.insert((self.open)().map_err(words)?);
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
            asked =
                engine.ask(&found, &due, asking, &clock).map_err(words)?.map_err(|why| why.to_string())?;
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
