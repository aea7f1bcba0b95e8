//! A daemon from its first moment to its last: what is started, what the event loop's orders do, what is stopped.
//!
//! Must not: decide when something is done ([`crate::event_loop`] does).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::api;
use crate::broker::Broker;
use crate::control::served;
use crate::event::{Event, Order};
use crate::event_loop::EventLoop;
use crate::health::Health;
use crate::keeper::Keeper;
use crate::live::Live;
use crate::lock::{self, Instance};
use crate::log::Log;
use crate::readers::{self, Readers};
use crate::setup::Setup;
use crate::shared::Shared;
use crate::slow::Slow;
use crate::tasks::{LooksAtGit, Threads, log_panics};
use crate::token::Tokens;
use crate::watch::Watch;

/// Events that wait for the loop; changes beyond them say nothing new.
const WAITING: usize = 1_024;
/// Ports behind the one that is wanted that are tried.
const NEXT_PORTS: u16 = 20;
/// Everything is to have ended within this time.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// Threads that ask the ledger: those for requests, one for those who listen, one for what takes long, one for the end.
/// Each keeps memory that it once needed.
const BLOCKING: usize = readers::FOR_REQUESTS + 3;

/// Why a daemon did not run, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No thread or timer could be had.
    #[error("the system gives no thread: {0}")]
    System(io::Error),
    /// Nobody can reach it.
    #[error("cannot listen on {address} or the {NEXT_PORTS} ports behind it: {error}")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// Why it cannot.
        error: io::Error,
    },
    /// A file of its state folder cannot be made.
    #[error("{what}: {error}")]
    State {
        /// Which.
        what: String,
        /// Why.
        error: io::Error,
    },
}

/// Runs a daemon until it is told to end.
pub fn run(setup: Setup, instance: Instance) -> Result<(), RunError> {
    // One thread serves and hears; whatever takes longer than a moment has a thread of its own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(BLOCKING)
        .thread_name("serve")
        .enable_all()
        .build()
        .map_err(RunError::System)?;
    let ran = runtime.block_on(serve(setup, instance));
    // Whoever asks for something that takes long is not waited for.
    runtime.shutdown_timeout(Duration::from_millis(100));
    ran
}

async fn serve(setup: Setup, mut instance: Instance) -> Result<(), RunError> {
    let log = Arc::new(Log::new(&setup.logs, Arc::clone(&setup.clock), setup.is_aloud));
    log_panics(&log);
    let (events, mut happens) = mpsc::channel(WAITING);
    hear_signals(&events).map_err(RunError::System)?;
    let listener = listen(setup.listen)?;
    let address = listener.local_addr().map_err(RunError::System)?;
    let in_state =
        |what: &str, error| RunError::State { what: setup.state.join(what).display().to_string(), error };
    let tokens = Tokens::open(&setup.state).map_err(|error| in_state("api-token", error))?;
    let wanted = setup.listen;
    instance.tell_address(address, wanted).map_err(|error| in_state("daemon.json", error))?;

    let (tell_health, health) = watch::channel(Health::beginning((setup.clock)()));
    let readers = |engines| Readers::new(Arc::clone(&setup.open), Arc::clone(&setup.clock), engines);
    let shared = Arc::new(Shared {
        live: Live::new(readers(1), Arc::clone(&setup.clock), Arc::clone(&setup.http)),
        readers: readers(readers::FOR_REQUESTS),
        slow: Slow::new(readers(1)),
        tokens,
        events: events.clone(),
        used: AtomicI64::default(),
        health,
        clock: Arc::clone(&setup.clock),
        http: Arc::clone(&setup.http),
        address,
        about: instance.about().clone(),
    });
    let (stop, stopped) = watch::channel(false);
    let http = tokio::spawn(api::serve(listener, Arc::clone(&shared), stopped.clone()));
    match served::bind(&setup.state) {
        Ok(socket) => drop(tokio::spawn(served::serve(socket, Arc::clone(&shared), stopped))),
        Err(error) => log.warn("control", &format!("cco's own commands cannot reach this daemon: {error}")),
    }
    let threads = Threads::start(
        Keeper {
            open: Arc::clone(&setup.open),
            settings: Arc::clone(&setup.settings),
            clock: Arc::clone(&setup.clock),
            log: Arc::clone(&log),
            events: events.clone(),
        },
        Broker {
            open: setup.open,
            settings: Arc::clone(&setup.settings),
            means: setup.means,
            tell: setup.tell_limits,
            clock: Arc::clone(&setup.clock),
            http: setup.http,
            log: Arc::clone(&log),
            events: events.clone(),
        },
        LooksAtGit {
            settings: Arc::clone(&setup.settings),
            clock: Arc::clone(&setup.clock),
            events: events.clone(),
        },
        Watch { settings: setup.settings, events },
    )
    .map_err(RunError::System)?;
    let (url, pid) = (lock::url(address), std::process::id());
    let everywhere = if address.ip().is_unspecified() { " and on every address of this machine" } else { "" };
    log.note("daemon", &format!("version {} serves {url}{everywhere}, process {pid}", setup.version));
    if let Some(wanted) = &shared.about.instead_of {
        log.warn("daemon", &format!("another program has {wanted}, so it is not where it was to be"));
    }

    let mut at_work = AtWork {
        machine: EventLoop::new(Instant::now(), setup.debounce, setup.leaves_when_idle),
        threads,
        shared: Arc::clone(&shared),
        log: Arc::clone(&log),
        tell_health,
        instance,
    };
    at_work.run(&mut happens).await;

    // Nothing new begins; what goes on is brought to its end.
    let _ = stop.send(true);
    drop(happens);
    let AtWork { threads, instance, .. } = at_work;
    let begun = Instant::now();
    let _ = tokio::time::timeout(PATIENCE / 2, http).await;
    let left = PATIENCE.saturating_sub(begun.elapsed());
    let late = tokio::task::spawn_blocking(move || threads.stop(left)).await.unwrap_or_default();
    if !late.is_empty() {
        log.note("daemon", &format!("cut off at work, which loses nothing: {}", late.join(", ")));
    }
    // What lies there may be another daemon's by now.
    if instance.holds() {
        served::unbind(&setup.state);
    }
    log.note("daemon", "has ended");
    Ok(())
}

/// A daemon at work.
struct AtWork {
    machine: EventLoop,
    threads: Threads,
    shared: Arc<Shared>,
    log: Arc<Log>,
    tell_health: watch::Sender<Health>,
    instance: Instance,
}

impl AtWork {
    async fn run(&mut self, happens: &mut mpsc::Receiver<Event>) {
        loop {
            let due = tokio::time::Instant::from_std(self.machine.due());
            let orders = tokio::select! {
                event = happens.recv() => {
                    let Some(event) = event else { return };
                    self.take_note(&event);
                    self.machine.on(event, Instant::now())
                }
                () = tokio::time::sleep_until(due) => self.machine.on_time(Instant::now()),
            };
            for order in orders {
                if matches!(order, Order::Leave) {
                    return;
                }
                // Before a scan, which would write where nothing of ours is any more.
                if matches!(order, Order::Scan) && !self.instance.holds() {
                    self.log.warn(
                        "daemon",
                        "ends: its lock file is gone or another's, so it is not this home's daemon",
                    );
                    return;
                }
                self.carry_out(order);
            }
            self.take_note_of_lag();
        }
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Scan => self.threads.scan(),
            Order::Ask { all } => self.threads.ask(all),
            Order::LookAtGit => self.threads.look_at_git(),
            Order::Watch => self.threads.watch(),
            Order::Renew => {
                self.threads.renew();
                self.shared.readers.renew();
                self.shared.slow.renew();
                self.shared.live.renew();
            }
            Order::Advance => self.shared.live.advance(),
            Order::AnswerScan(waiting, result) => {
                for reply in waiting {
                    let _ = reply.send(result.clone());
                }
            }
            Order::AnswerRefresh(waiting, refreshed) => {
                for reply in waiting {
                    let _ = reply.send(Ok(refreshed.clone()));
                }
            }
            Order::Say(words) => self.log.note("daemon", &words),
            Order::Warn(words) => self.log.warn("daemon", &words),
            Order::Leave => {}
        }
    }

    /// What the event says of how the parts are.
    fn take_note(&self, event: &Event) {
        let now = (self.shared.clock)();
        match event {
            Event::Scanned(scanned) => self.tell_health.send_modify(|health| health.on_scan(scanned, now)),
            Event::Asked(refreshed) => {
                self.tell_health.send_modify(|health| health.on_asked(refreshed, now));
            }
            Event::Watching(result) => {
                self.tell_health.send_modify(|health| health.on_watching(result.as_ref().err(), now));
            }
            _ => {}
        }
    }

    fn take_note_of_lag(&self) {
        let late = self.machine.behind_since().map(|since| since.elapsed());
        let now = (self.shared.clock)();
        self.tell_health.send_if_modified(|health| health.on_lag(late, now));
    }
}

/// All signals that ask for an end do, that of a terminal which is closed too; the second one ends at once.
fn hear_signals(events: &mpsc::Sender<Event>) -> io::Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let events = events.clone();
    tokio::spawn(async move {
        let mut is_first = true;
        loop {
            let name = tokio::select! {
                heard = term.recv() => heard.map(|()| "SIGTERM"),
                heard = interrupt.recv() => heard.map(|()| "SIGINT"),
                heard = hangup.recv() => heard.map(|()| "SIGHUP"),
            };
            let Some(name) = name else { return };
            if !is_first {
                std::process::exit(1);
            }
            is_first = false;
            let _ = events.send(Event::Stop(name.to_owned())).await;
        }
    });
    Ok(())
}

/// Listens where that is wanted, or on the next free port.
fn listen(wanted: SocketAddr) -> Result<TcpListener, RunError> {
    let mut first = None;
    for more in 0..=NEXT_PORTS {
        // Any port is as good as another.
        if more > 0 && wanted.port() == 0 {
            break;
        }
        let Some(port) = wanted.port().checked_add(more) else { break };
        match api::listen(SocketAddr::new(wanted.ip(), port)) {
            Ok(listener) => return Ok(listener),
            Err(error) => {
                let is_taken = error.kind() == io::ErrorKind::AddrInUse;
                first.get_or_insert(error);
                if !is_taken {
                    break;
                }
            }
        }
    }
    let error = first.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into());
    Err(RunError::Listen { address: wanted, error })
}
