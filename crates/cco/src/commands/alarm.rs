//! Says that no limit can be told any more: on stderr, and once a day on the desktop.
//!
//! Must not: decide when that is so.

use cco_engine::limits::AccountLimits;
use cco_engine::limits::alarm::{AllDead, all_dead};

use crate::app::App;
use crate::choose::account_label;
use crate::notify::Said;
use crate::print::limits::glance::dead;
use crate::print::text;

const TITLE: &str = "cco: every login of Claude Code is dead";

/// Raises the alarm where there is reason for it; `aloud`: with words on stderr too.
pub(super) fn raise(app: &mut App<'_>, limits: &[AccountLimits], aloud: bool) {
    let now_ms = app.instant().as_millisecond();
    let state = app.limits.asking.as_ref().map(|asking| asking.state.clone());
    let said_ms = state.as_deref().and_then(Said::read).map(|said| said.at_ms);
    let Some(alarm) = all_dead(limits, said_ms, now_ms) else { return };
    let number = text::plural(alarm.accounts.len() as u64, "account", "accounts");
    if aloud {
        app.out
            .warning(&format!("every login is dead ({number}): no limit can be told until somebody logs in"));
        app.out.hint("run `claude /login`; `cco doctor` says for which directories");
    }
    // Without a place to remember in, it would be said every minute.
    let Some(state) = state.filter(|_| alarm.is_due) else { return };
    let shown = app.desktop.show(TITLE, &words(&alarm, app));
    let said = Said { at_ms: now_ms, not_shown: shown.err() };
    if let Err(error) = said.write(&state)
        && aloud
    {
        app.out.warning(&format!("{} cannot be written: {error}", state.display()));
    }
}

/// One line for each account. Tools take some characters for markup.
fn words(alarm: &AllDead, app: &App<'_>) -> String {
    let line = |(account, reason, since_ms): &(_, _, i64)| {
        let since = text::clock(text::instant(*since_ms), &app.now);
        format!("{}: {}, since {since}", account_label(account), dead(*reason).0)
    };
    let mut lines: Vec<String> = alarm.accounts.iter().map(line).collect();
    lines.push("Run claude /login".to_owned());
    lines.join("\n").replace(['<', '>', '&'], "")
}
