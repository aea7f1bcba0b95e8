//! Accounts and plan limits: what files and the service say goes to the ledger, what is known of it comes back.
//!
//! Owns the order: first every file that costs nothing, then the service for those that may be asked. Must not: touch a
//! credential itself, or say what a reading means.

pub mod alarm;
pub mod check_up;
pub mod share;

mod ask;
mod look;
mod renew;
mod tries;

use std::collections::BTreeMap;
use std::time::Duration;

use cco_ledger::limits::KnownWindow;
pub use cco_ledger::limits::{Attempts, Holding, KnownAccount, Observed, ReadingsMark, SeenAccount};
pub use cco_limits::Unread;
pub use cco_limits::accounts::Root;
pub use cco_limits::base::BaseUrl;
pub use cco_limits::client::{Proxies, Settings};
pub use cco_limits::credentials::SecurityTool;
pub use cco_limits::refresh::{
    ExchangeFailure, Held, Lack, LastRenewal, Recovery, RefreshFailure, Refreshed, TokenUrl, Traces,
};
pub use cco_limits::shared_files::keeper::Keeper;
pub use cco_limits::shared_files::session_health_folders;
pub use cco_limits::shared_files::sessions::folders as switcher_folders;
use cco_model::limit::login::{Login, Reason};
use cco_model::limit::mark::{Mark, Sessions};
use cco_model::limit::merge::Current;
use cco_model::limit::pace::{Pace, current_and_pace};
use cco_model::limit::shown::{Known, LocalUse, Shown, Value, shown};
use cco_model::limit::trouble::Trouble;
use cco_model::limit::{AccountId, LoginChange, Window};
use jiff::tz::TimeZone;

use self::check_up::KnownLogin;

pub use self::ask::{Asked, Asking};
pub use self::look::{Found, Places};
pub use self::renew::{CannotManage, Outcome, Renewal, Renewing};
pub use self::tries::Tries;
use crate::report::Only;
use crate::{Engine, EngineError};

/// So long a look waits to be kept.
const PATIENCE: Duration = Duration::from_millis(500);
/// A window of which nothing was heard for so long is not shown any more: none of a plan is longer than a week.
const HEARD_MS: i64 = 8 * 24 * 3_600_000;

/// What is known of an account's limits.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountLimits {
    /// Whose.
    pub account: KnownAccount,
    /// Config directories that hold it now.
    pub directories: Vec<String>,
    /// Its windows.
    pub windows: Vec<WindowLimits>,
    /// How its login is.
    pub login: Login,
    /// Why there is no newer answer of the service; none: nothing is wrong, or nobody asked.
    pub trouble: Option<Trouble>,
    /// How asking the service went so far.
    pub attempts: Attempts,
    /// Whether sessions of it are at work.
    pub sessions: Sessions,
    /// No config directory has a login of it: nobody can bring newer numbers before its user logs in.
    pub is_logged_out: bool,
    /// Before this the service is not asked for it, UTC milliseconds; none: nothing keeps us, or nobody was to be asked.
    pub next_try_ms: Option<i64>,
}

impl AccountLimits {
    /// This machine is logged in with it, and nobody told how full its five hours are.
    pub fn lacks_five_hours(&self) -> bool {
        let told = |known: &WindowLimits| {
            known.shown.window == Window::FiveHour && !matches!(known.shown.value, Value::Local { .. })
        };
        !self.directories.is_empty() && !self.windows.iter().any(told)
    }
}

/// What is known of a window.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowLimits {
    /// How it is shown.
    pub shown: Shown,
    /// What stands behind that; none: nothing but this machine's own use.
    pub current: Option<Current>,
    /// How fast it fills, where that can be told.
    pub pace: Option<Pace>,
}

impl Engine {
    /// Keeps what was observed and is new. Returns why the journal could not be written, if so; the ledger has it then.
    pub fn observe(&mut self, observed: &Observed) -> Result<Option<String>, EngineError> {
        let now_ms = self.now.as_millisecond();
        let observe = |engine: &mut Self| Ok(engine.ledger.observe(observed, now_ms)?);
        let (_, trouble) = self.with_room(observe, EngineError::is_full)?;
        Ok(trouble.map(|trouble| format!("{trouble}; the ledger has it, its journal not")))
    }

    /// The same for what is seen again at the next look: that a busy or full ledger cannot take it in hides nothing of
    /// what is known.
    fn note_down(&mut self, mut observed: Observed) -> Result<Option<String>, EngineError> {
        observed.readings.append(&mut self.unkept);
        // Whoever looks does not wait for what can be kept the next time.
        self.ledger.wait_at_most(PATIENCE)?;
        let kept = self.observe(&observed);
        self.ledger.wait_at_most(cco_ledger::open::BUSY_TIMEOUT)?;
        match kept {
            Err(error) if !error.is_suspect() => {
                self.unkept = observed.readings;
                let why = match error.is_busy() {
                    true => "another cco is at work on the ledger".to_owned(),
                    false => error.to_string(),
                };
                Ok(Some(format!("{why}; what was seen of accounts and limits is not kept this time")))
            }
            kept => kept,
        }
    }

    /// Every account that was ever seen.
    pub fn accounts(&self) -> Result<Vec<KnownAccount>, EngineError> {
        Ok(self.ledger.accounts()?)
    }

    /// What is known of the limits of all accounts that the user wants to see, in the order in which they were first
    /// seen. `tries`: how asking the service went just now.
    pub fn limits(
        &self,
        found: &Found,
        tries: &Tries,
        zone: &TimeZone,
    ) -> Result<Vec<AccountLimits>, EngineError> {
        let _snapshot = self.ledger.snapshot()?;
        let now_ms = self.now.as_millisecond();
        let mut known_windows = self.known_windows(now_ms)?;
        let mut limits = Vec::new();
        let accounts = self.ledger.accounts()?;
        let is_only = accounts.len() == 1;
        for account in accounts.into_iter().filter(|account| !account.removed) {
            let of_account = found.of(&account.id);
            let known = self.known_login(account)?;
            // A login that was written since is not dead: nobody has tried it.
            let mended = known.may_be_mended(of_account.credential_ms, self.now.as_millisecond());
            let KnownLogin { account, login, attempts, .. } = known;
            let login = if mended { Login::Unknown } else { login };
            let is_logged_out = self.is_logged_out(&of_account);
            let (directories, sessions) = (of_account.directories, of_account.sessions);
            // What the service said of a login says nothing of the one that is there now.
            let is_past = |trouble: &Trouble| mended && trouble.needs_user();
            let trouble = tries.troubles.get(&account.id).copied();
            let next_try_ms =
                tries.next_ms.get(&account.id).copied().filter(|_| !trouble.as_ref().is_some_and(is_past));
            let trouble = trouble.filter(|trouble| !is_past(trouble));
            let context = Context { login, sessions, trouble, is_logged_out, zone };
            let windows = known_windows.remove(&account.id).unwrap_or_default();
            let own = match (directories.is_empty(), is_only) {
                (true, _) => None,
                (false, true) => Some(Only::default()),
                (false, false) => Some(Only { accounts: Some([account.row].into()), ..Only::default() }),
            };
            limits.push(AccountLimits {
                windows: self.windows(windows, &context, own)?,
                attempts,
                directories,
                login,
                trouble,
                sessions,
                is_logged_out,
                next_try_ms,
                account,
            });
        }
        Ok(limits)
    }

    /// Nobody is logged in with it here, as far as files tell. Sessions that are at work have a login somewhere.
    fn is_logged_out(&self, account: &look::OfAccount) -> bool {
        let in_no_file = account.credential_ms.is_none() && !self.places.has_key_store;
        account.directories.is_empty() || (in_no_file && account.sessions == Sessions::Idle)
    }

    /// The windows of all accounts, with what is known of them and how fast they fill.
    /// The present state of what was read of limits: another one, and something was.
    pub fn readings_mark(&self) -> Result<ReadingsMark, EngineError> {
        Ok(self.ledger.readings_mark()?)
    }

    fn known_windows(&self, now_ms: i64) -> Result<BTreeMap<AccountId, Vec<WindowKnown>>, EngineError> {
        let mut accounts: BTreeMap<AccountId, Vec<WindowKnown>> = BTreeMap::new();
        let mut windows = self.ledger.windows(now_ms - HEARD_MS, now_ms)?;
        for reading in &self.unkept {
            let is_its =
                |known: &&mut KnownWindow| known.account == reading.account && known.window == reading.window;
            match windows.iter_mut().find(is_its) {
                Some(known) => known.readings.push(reading.clone()),
                None => windows.push(KnownWindow {
                    account: reading.account.clone(),
                    window: reading.window.clone(),
                    left: Vec::new(),
                    readings: vec![reading.clone()],
                }),
            }
        }
        for known in windows {
            let now = current_and_pace(&known.window, &known.left, &known.readings, now_ms);
            if let Some((current, pace)) = now {
                accounts.entry(known.account).or_default().push((known.window, current, pace));
            }
        }
        // The five hours first, then the week, then others by their names.
        accounts.values_mut().for_each(|windows| windows.sort_by(|one, other| one.0.cmp(&other.0)));
        Ok(accounts)
    }

    fn windows(
        &self,
        known: Vec<WindowKnown>,
        context: &Context<'_>,
        own_calls: Option<Only>,
    ) -> Result<Vec<WindowLimits>, EngineError> {
        let mut windows = Vec::new();
        for (window, current, pace) in known {
            windows.extend(self.window(&window, Some(&current), pace, context, None)?);
        }
        let has_five_hours = windows.iter().any(|known| known.shown.window == Window::FiveHour);
        if let Some(own_calls) = own_calls.filter(|_| !has_five_hours) {
            // An estimate stands in only for an account that this machine is logged in with.
            let local = self.local_use(&own_calls)?;
            windows.extend(self.window(&Window::FiveHour, None, None, context, local)?);
        }
        Ok(windows)
    }

    fn window(
        &self,
        window: &Window,
        current: Option<&Current>,
        pace: Option<Pace>,
        context: &Context<'_>,
        local: Option<LocalUse>,
    ) -> Result<Option<WindowLimits>, EngineError> {
        let Context { login, sessions, trouble, is_logged_out, zone } = *context;
        let known = Known { current, local, trouble, login, sessions };
        let mut shown = shown(window, &known, self.now.as_millisecond(), zone);
        if let Some(shown) = shown.as_mut().filter(|_| is_logged_out)
            && matches!(shown.value, Value::Open { .. } | Value::NotStarted)
        {
            // Only the user can bring a newer number.
            shown.mark = Mark::Critical;
        }
        Ok(shown.map(|shown| WindowLimits { shown, current: current.copied(), pace }))
    }

    /// What these calls of this machine used in the block that runs now.
    fn local_use(&self, calls: &Only) -> Result<Option<LocalUse>, EngineError> {
        Ok(self.running_block(self.now, calls)?.and_then(|block| {
            let (end, last) = (block.end?, block.last?);
            Some(LocalUse {
                tokens: block.sums.tokens.total(),
                ends_at_ms: end.as_millisecond(),
                age_ms: u64::try_from(self.now.as_millisecond() - last.as_millisecond()).ok(),
            })
        }))
    }
}

/// A window, what its readings come to, and its pace.
type WindowKnown = (Window, Current, Option<Pace>);

/// What all windows of an account are shown by.
#[derive(Clone, Copy)]
struct Context<'z> {
    login: Login,
    sessions: Sessions,
    trouble: Option<Trouble>,
    is_logged_out: bool,
    zone: &'z TimeZone,
}

/// The login that a change of it left.
fn login_of(change: Option<LoginChange>) -> Login {
    let Some(LoginChange { at_ms, dead, .. }) = change else { return Login::Unknown };
    let Some(name) = dead else { return Login::Active };
    // A reason of a later version is as final as ours.
    let reason = Reason::ALL.into_iter().find(|reason| reason.name() == &*name);
    Login::NeedsLogin { reason: reason.unwrap_or(Reason::Unauthorized), since_ms: at_ms }
}
