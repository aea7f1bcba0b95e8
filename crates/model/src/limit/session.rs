//! Where a session belongs, and what it sees of the windows: its own, and what its account adds.
//!
//! A session was told its windows by the service, so they are right whatever account it is taken for; showing it
//! another account's numbers is the worst mistake here. Must not: guess an account.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::Window;
use super::merge::{Current, View, same_reset};

/// The config directory of a session: the one it told, else the folder before the first `projects` of the path of its
/// transcript.
pub fn config_directory(config_dir: Option<&Path>, transcript: Option<&Path>) -> Option<PathBuf> {
    if let Some(told) = config_dir.filter(|path| !path.as_os_str().is_empty()) {
        return Some(plain_path(told));
    }
    let mut before = PathBuf::new();
    for part in transcript?.components() {
        if part.as_os_str() == "projects" && before.parent().is_some() {
            return Some(before);
        }
        before.push(part);
    }
    None
}

/// A path without `.` parts and slashes at its end; links stay.
pub fn plain_path(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, Component::CurDir)).collect()
}

/// The windows to show for a session that was told `own`, which is known to be of an account with the windows
/// `account` (none: cannot be told).
///
/// Its own always win. The account fills those that the session lacks (one that is over is lacking), and takes the
/// place of one that is the same window with at least as much use, observed later when it is just as much. Where the
/// two contradict each other (windows of one kind that are both open and end at different times), the session is not
/// what it is taken for, or knows of something new: then nothing is filled.
pub fn for_session(
    own: &BTreeMap<Window, Current>,
    account: Option<&BTreeMap<Window, Current>>,
    now_ms: i64,
) -> BTreeMap<Window, Current> {
    let mut shown = own.clone();
    let Some(account) = account else { return shown };
    let contradicted = own.iter().any(|(window, own)| {
        account.get(window).is_some_and(|theirs| !may_be_one(window, own, theirs, now_ms))
    });
    if contradicted {
        return shown;
    }
    for (window, theirs) in account {
        if own.get(window).is_none_or(|own| adds(window, own, theirs, now_ms)) {
            shown.insert(window.clone(), *theirs);
        }
    }
    shown
}

/// Both can be states of one window, or of one account's windows after each other.
fn may_be_one(window: &Window, own: &Current, theirs: &Current, now_ms: i64) -> bool {
    let open_end = |current: &Current| match current.view(window, now_ms) {
        View::Open { resets_at_ms, .. } => resets_at_ms,
        View::NotStarted | View::Over => None,
    };
    open_end(own).zip(open_end(theirs)).is_none_or(|(own, theirs)| same_reset(own, theirs))
}

/// The account knows more of this window than the session, which does not contradict it.
fn adds(window: &Window, own: &Current, theirs: &Current, now_ms: i64) -> bool {
    match (own.view(window, now_ms), theirs.view(window, now_ms)) {
        (View::Over, theirs) => theirs != View::Over,
        (View::NotStarted, View::NotStarted) => theirs.observed_at_ms > own.observed_at_ms,
        (_, View::Over | View::NotStarted) => false,
        (_, View::Open { .. }) if theirs.percent == own.percent => theirs.observed_at_ms > own.observed_at_ms,
        (_, View::Open { .. }) => theirs.percent > own.percent,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MINUTE_MS, Percent, Source};
    use super::*;

    const NOW: i64 = 1_770_556_680_000;

    fn known(percent: i32, resets_in_min: Option<i64>, age_min: i64, source: Source) -> Current {
        Current {
            percent: Some(Percent::of_tenths(&Window::FiveHour, percent * 10)),
            resets_at_ms: resets_in_min.map(|minutes| NOW + minutes * MINUTE_MS),
            observed_at_ms: Some(NOW - age_min * MINUTE_MS),
            source,
        }
    }

    /// Percent and source of what is shown for five hours and the week.
    fn shown(own: &[(Window, Current)], account: Option<&[(Window, Current)]>) -> [Option<(i32, Source)>; 2] {
        let own = own.iter().cloned().collect();
        let account = account.map(|windows| windows.iter().cloned().collect());
        let shown = for_session(&own, account.as_ref(), NOW);
        [Window::FiveHour, Window::SevenDay].map(|window| {
            shown.get(&window).map(|current| (current.percent.map_or(-1, Percent::whole), current.source))
        })
    }

    #[test]
    fn a_sessions_own_windows_win_and_its_account_fills_what_they_lack() {
        use Source::{Endpoint, Stdin};
        let own = |percent, resets, age| (Window::FiveHour, known(percent, resets, age, Stdin));
        let theirs = |percent, resets, age| (Window::FiveHour, known(percent, resets, age, Endpoint));
        let week = |percent| (Window::SevenDay, known(percent, Some(6_000), 1, Endpoint));
        let unknown = |current: (Window, Current)| (current.0, Current { percent: None, ..current.1 });
        let rows = [
            (
                "more use of the same window",
                own(29, Some(42), 9),
                theirs(31, Some(43), 1),
                (31, Endpoint),
                true,
            ),
            ("less use of the same window", own(29, Some(42), 9), theirs(28, Some(42), 1), (29, Stdin), true),
            ("as much, seen later", own(29, Some(42), 9), theirs(29, Some(42), 1), (29, Endpoint), true),
            ("as much, seen before", own(29, Some(42), 9), theirs(29, Some(42), 10), (29, Stdin), true),
            (
                "another window, so another account",
                own(29, Some(42), 9),
                theirs(90, Some(44), 1),
                (29, Stdin),
                false,
            ),
            ("its own is over", own(29, Some(0), 50), theirs(3, Some(290), 1), (3, Endpoint), true),
            ("both are over", own(29, Some(-1), 50), theirs(90, Some(-2), 51), (29, Stdin), true),
            ("the account's is over", own(29, Some(42), 9), theirs(90, Some(-2), 51), (29, Stdin), true),
            ("its own had not started", own(0, None, 9), theirs(1, Some(299), 1), (1, Endpoint), true),
            ("the account's has not started", own(2, Some(299), 9), theirs(0, None, 1), (2, Stdin), true),
            ("neither had started", own(0, None, 9), theirs(0, None, 1), (0, Endpoint), true),
            (
                "its own use is unknown",
                unknown(own(0, Some(42), 1)),
                theirs(5, Some(42), 9),
                (5, Endpoint),
                true,
            ),
            (
                "the account's use is unknown",
                own(5, Some(42), 9),
                unknown(theirs(0, Some(42), 1)),
                (5, Stdin),
                true,
            ),
        ];
        for (case, own, theirs, five_hour, filled) in rows {
            let expected = [Some(five_hour), filled.then_some((51, Endpoint))];
            assert_eq!(shown(&[own], Some(&[theirs, week(51)])), expected, "{case}");
        }
    }

    #[test]
    fn a_session_without_windows_of_its_own_sees_those_of_its_account() {
        let account = [(Window::FiveHour, known(29, Some(42), 1, Source::Endpoint))];
        assert_eq!(shown(&[], Some(&account)), [Some((29, Source::Endpoint)), None]);
    }

    #[test]
    fn a_session_whose_account_cannot_be_told_sees_its_own_windows_only() {
        let own = [(Window::FiveHour, known(29, Some(42), 1, Source::Stdin))];
        assert_eq!(shown(&own, None), [Some((29, Source::Stdin)), None]);
        assert_eq!(shown(&[], None), [None, None]);
    }
}
