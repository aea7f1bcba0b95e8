//! Says that no limit can be told any more: on stderr, and once a day on the desktop.
//!
//! Must not: decide when that is so.

use std::path::PathBuf;

use cco_engine::limits::AccountLimits;
use cco_engine::limits::alarm::{AllDead, all_dead};
use cco_model::civil;
use jiff::Zoned;

use crate::app::App;
use crate::choose::account_label;
use crate::notify::{Desktop, Said};
use crate::print::limits::glance::dead;
use crate::print::text;

const TITLE: &str = "cco: every login of Claude Code is dead";

/// Where the alarm is raised, and remembered.
pub(super) struct Alarm {
    /// The folder in which it is remembered; none: nowhere, and so it is not raised on the desktop.
    pub(super) state: Option<PathBuf>,
    /// The desktop.
    pub(super) desktop: Desktop,
}

/// There is reason for the alarm.
pub(super) struct Raised {
    /// Accounts whose logins are dead: all there are.
    accounts: usize,
    /// Why it cannot be remembered that it was said.
    unwritten: Option<String>,
}

impl Alarm {
    /// Raises it where there is reason for it, on the desktop where that is due.
    pub(super) fn raise(&self, limits: &[AccountLimits], now: &Zoned) -> Option<Raised> {
        let now_ms = now.timestamp().as_millisecond();
        let said_ms = self.state.as_deref().and_then(Said::read).map(|said| said.at_ms);
        let alarm = all_dead(limits, said_ms, now_ms)?;
        let mut raised = Raised { accounts: alarm.accounts.len(), unwritten: None };
        // Without a place to remember in, it would be said every minute.
        if let Some(state) = self.state.as_ref().filter(|_| alarm.is_due) {
            let shown = self.desktop.show(TITLE, &words(&alarm, now));
            let said = Said { at_ms: now_ms, not_shown: shown.err() };
            let written = said.write(state);
            raised.unwritten =
                written.err().map(|error| format!("{} cannot be written: {error}", state.display()));
        }
        Some(raised)
    }
}

/// Raises the alarm of a command; `aloud`: with words on stderr too.
pub(super) fn raise(app: &mut App<'_>, limits: &[AccountLimits], aloud: bool) {
    let state = app.limits.asking.as_ref().map(|asking| asking.state.clone());
    let alarm = Alarm { state, desktop: app.desktop.clone() };
    let Some(raised) = alarm.raise(limits, &app.now).filter(|_| aloud) else { return };
    let number = text::plural(raised.accounts as u64, "account", "accounts");
    app.out.warning(&format!("every login is dead ({number}): no limit can be told until somebody logs in"));
    app.out.hint("run `claude /login`; `cco doctor` says for which directories");
    raised.unwritten.iter().for_each(|why| app.out.warning(why));
}

/// One line for each account. Tools take some characters for markup.
fn words(alarm: &AllDead, now: &Zoned) -> String {
    let line = |(account, reason, since_ms): &(_, _, i64)| {
        let since = text::clock(civil::timestamp(*since_ms), now);
        format!("{}: {}, since {since}", account_label(account), dead(*reason).0)
    };
    let mut lines: Vec<String> = alarm.accounts.iter().map(line).collect();
    lines.push("Run claude /login".to_owned());
    lines.join("\n").replace(['<', '>', '&'], "")
}
