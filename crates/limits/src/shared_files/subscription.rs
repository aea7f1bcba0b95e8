//! `subscription.yaml`: limits that somebody typed by hand from what the service showed.
//!
//! Two shapes are known. Times are local, and as exact as people type.

use std::path::Path;

use cco_model::limit::{Percent, Reading, Source, Window};
use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::yaml::Node;
use super::{Observed, Whose, fields, text_of, weekly};
use crate::accounts::SlotMarks;
use crate::input::Unread;

/// The file's name; it lies in `.claude/config` of the home folder.
pub const NAME: &str = "subscription.yaml";
const MINUTE_MS: i64 = 60_000;

/// What such a file tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The account that was in use.
    pub active: Option<String>,
    /// The accounts.
    pub accounts: Vec<Typed>,
    /// When it was typed, UTC milliseconds.
    pub modified_ms: i64,
}

/// What was typed of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// Whose it may be; its key stands in the place of a slot's.
    pub marks: SlotMarks,
    /// A name for people.
    pub label: Option<String>,
    /// The windows.
    pub windows: Vec<Observed>,
}

impl Subscription {
    /// The readings of all accounts that are known.
    pub fn readings(&self, whose: Whose) -> Vec<Reading> {
        let mut readings = Vec::new();
        for typed in &self.accounts {
            let Some(account) = whose(&typed.marks) else { continue };
            readings.extend(
                typed.windows.iter().map(|it| it.reading(&account, self.modified_ms, Source::Manual)),
            );
        }
        readings
    }
}

/// Reads such a file. Its days and times are those of `zone`.
pub fn read(path: &Path, zone: &TimeZone) -> Result<Subscription, Unread> {
    let (text, modified_ms) = text_of(path)?;
    let root = Node::parse(&text)?;
    if !root.is_map() {
        return Err(Unread::broken("it is no mapping"));
    }
    let reader = Reader { zone, at_ms: modified_ms };
    let accounts = match root.get("accounts") {
        Some(accounts) if accounts.is_map() => {
            let accounts = accounts.pairs().iter().filter(|(_, account)| account.is_map());
            accounts.take(256).map(|(id, account)| reader.account(id, account)).collect()
        }
        Some(_) => return Err(Unread::broken("accounts is no mapping")),
        None => reader.older(&root).into_iter().collect(),
    };
    Ok(Subscription { active: root.text_of("activeAccount"), accounts, modified_ms })
}

/// What the values of one file depend on.
struct Reader<'a> {
    zone: &'a TimeZone,
    at_ms: i64,
}

impl Reader<'_> {
    fn account(&self, id: &str, from: &Node) -> Typed {
        let windows = [
            self.session(from.get("currentSession")),
            self.week(Window::SevenDay, from.get("weeklyAllModels")),
            self.week(Window::SevenDayModel("sonnet".into()), from.get("weeklySonnetOnly")),
            extra(from.get("extraUsage")),
        ];
        let hash = from.text_of("credentialHash");
        Typed {
            marks: SlotMarks {
                slot: id.to_owned(),
                email: from.text_of("email").or_else(|| id.contains('@').then(|| id.to_owned())),
                config_dir: None,
                keychain_service: hash.map(|hash| format!("Claude Code-credentials-{hash}")),
            },
            label: from.text_of("label"),
            windows: windows.into_iter().flatten().collect(),
        }
    }

    /// The older shape: one account, one week, an hour instead of a time.
    fn older(&self, root: &Node) -> Option<Typed> {
        let (week, account) = (root.get("weekly")?, root.get("account"));
        let name = account.and_then(|it| it.text().map(str::to_owned).or_else(|| it.text_of("email")));
        let name = name.unwrap_or_default();
        let window = Window::SevenDay;
        let hour = week.text_of("resetHour").and_then(|hour| hour.parse().ok());
        let time = hour.and_then(|hour| Time::new(hour, 0, 0, 0).ok());
        let percent = percent(week.get("usedPercent"), &window)?;
        let resets_at_ms = self.end(week.text_of("resetDay"), time);
        let email = name.contains('@').then(|| name.clone());
        Some(Typed {
            marks: SlotMarks { slot: name, email, ..SlotMarks::default() },
            label: None,
            windows: vec![Observed { window, percent: Some(percent), resets_at_ms }],
        })
    }

    fn session(&self, from: Option<&Node>) -> Option<Observed> {
        let from = from?;
        let percent = percent(from.get("percentUsed"), &Window::FiveHour)?;
        let left = from.text_of("resetsIn").and_then(|text| minutes(&text)).filter(|left| *left <= 300);
        let resets_at_ms = left.map(|left| self.at_ms.saturating_add(left * MINUTE_MS));
        Some(Observed { window: Window::FiveHour, percent: Some(percent), resets_at_ms })
    }

    fn week(&self, window: Window, from: Option<&Node>) -> Option<Observed> {
        let from = from?;
        let percent = percent(from.get("percentUsed"), &window)?;
        let time = from.text_of("resetTime").and_then(|text| weekly::time(&text));
        let resets_at_ms = self.end(from.text_of("resetDay"), time);
        Some(Observed { window, percent: Some(percent), resets_at_ms })
    }

    fn end(&self, day: Option<String>, time: Option<Time>) -> Option<i64> {
        weekly::next(weekly::weekday(&day?)?, time?, self.zone, self.at_ms)
    }
}

fn extra(from: Option<&Node>) -> Option<Observed> {
    let window = Window::Other("extra_usage".into());
    let percent = percent(from?.get("percentUsed"), &window)?;
    Some(Observed { window, percent: Some(percent), resets_at_ms: None })
}

/// `41`, `41.5`, `41%`. Of a plan's window more than all is a slip of the hand.
fn percent(from: Option<&Node>, window: &Window) -> Option<Percent> {
    let number: f64 = from?.text()?.trim_end_matches('%').trim_end().parse().ok()?;
    let most = if window.is_plan() { 100.0 } else { 1e6 };
    (0.0..=most).contains(&number).then(|| fields::percent_of(number, window))
}

/// `42m`, `2h15m`, `1 hr 5 min`, as minutes.
fn minutes(text: &str) -> Option<i64> {
    let (mut total, mut rest) = (0_i64, text.trim());
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].trim_start();
        let end = unit.find(|char: char| !char.is_ascii_alphabetic()).unwrap_or(unit.len());
        let minutes = match &unit[..end] {
            "h" | "hr" | "hrs" | "hour" | "hours" => 60,
            "m" | "min" | "mins" | "minute" | "minutes" => 1,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(minutes)?)?;
        rest = unit[end..].trim_start();
    }
    (!text.trim().is_empty()).then_some(total)
}
