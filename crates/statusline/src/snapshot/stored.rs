//! The snapshot as its file has it: plain values with short names, made of the model's and turned into them again.

use super::{
    AccountId, AccountNow, Alert, Basis, BlockNow, Clock, Current, Deserialize, Local, Login, MOST_SESSIONS,
    Observation, Pace, Percent, Reason, Repository, Serialize, Settings, Snapshot, Source, Stamp, Today,
    Trouble, Window,
};

#[derive(Serialize, Deserialize)]
pub(super) struct File {
    written_at: i64,
    settings: Settings,
    config: Option<Stamp>,
    #[serde(default)]
    autostart: bool,
    zone: Clock,
    accounts: Vec<Account>,
    looked_at: Option<i64>,
    counted_at: Option<i64>,
    today: Option<Today>,
    block: Option<BlockNow>,
    repositories: Vec<Repository>,
    /// Lines of the spool.
    sessions: Vec<String>,
    alerts: Vec<Alert>,
}

/// Its name, tenths of a percent, its reset, when that was observed, and by which source.
type StoredWindow = (String, Option<i32>, Option<i64>, Option<i64>, String);

#[derive(Serialize, Deserialize)]
struct Account {
    organization: String,
    account: String,
    label: String,
    directories: Vec<String>,
    since: Option<i64>,
    login: Option<(String, i64)>,
    logged_out: bool,
    active: bool,
    trouble: Option<(String, i64)>,
    windows: Vec<StoredWindow>,
    pace: Option<(i64, bool, i64, Option<i64>)>,
    local: Option<Local>,
}

impl File {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let sessions = snapshot.sessions.iter().take(MOST_SESSIONS);
        Self {
            written_at: snapshot.written_at_ms,
            settings: snapshot.settings.clone(),
            config: snapshot.config,
            autostart: snapshot.autostart,
            zone: snapshot.zone.clone(),
            accounts: snapshot.accounts.iter().map(Account::of).collect(),
            looked_at: snapshot.looked_at_ms,
            counted_at: snapshot.counted_at_ms,
            today: snapshot.today,
            block: snapshot.block,
            repositories: snapshot.repositories.clone(),
            sessions: sessions.filter_map(Observation::line).collect(),
            alerts: snapshot.alerts.clone(),
        }
    }

    pub(super) fn into_snapshot(self) -> Option<Snapshot> {
        Some(Snapshot {
            written_at_ms: self.written_at,
            settings: self.settings,
            config: self.config,
            autostart: self.autostart,
            zone: self.zone,
            accounts: self.accounts.into_iter().map(Account::read).collect::<Option<_>>()?,
            looked_at_ms: self.looked_at,
            counted_at_ms: self.counted_at,
            today: self.today,
            block: self.block,
            repositories: self.repositories,
            sessions: self.sessions.iter().filter_map(|line| Observation::read(line.as_bytes())).collect(),
            alerts: self.alerts,
        })
    }
}

impl Account {
    fn of(it: &AccountNow) -> Self {
        let (login, active) = match it.login {
            Login::NeedsLogin { reason, since_ms } => (Some((reason.name().to_owned(), since_ms)), false),
            login => (None, login == Login::Active),
        };
        let window = |(window, current): (&Window, &Current)| {
            let Current { percent, resets_at_ms, observed_at_ms, source } = *current;
            let percent = percent.map(Percent::tenths);
            (window.to_string(), percent, resets_at_ms, observed_at_ms, source.name().to_owned())
        };
        let pace = |pace: Pace| {
            (pace.tenths_per_hour, pace.basis == Basis::Recent, pace.tenths_at_reset, pace.full_at_ms)
        };
        Self {
            organization: it.id.organization.to_string(),
            account: it.id.account.to_string(),
            label: it.label.clone(),
            directories: it.directories.clone(),
            since: it.since_ms,
            login,
            logged_out: it.logged_out,
            active,
            trouble: it.trouble.map(|trouble| (trouble.short().to_owned(), trouble.until_ms().unwrap_or(0))),
            windows: it.windows.iter().map(window).collect(),
            pace: it.pace.map(pace),
            local: it.local,
        }
    }

    /// None: a word in it is not known, so nothing of it can be trusted.
    fn read(self) -> Option<AccountNow> {
        let login = match self.login {
            Some((reason, since_ms)) => {
                let reason = Reason::ALL.into_iter().find(|known| known.name() == reason)?;
                Login::NeedsLogin { reason, since_ms }
            }
            None if self.active => Login::Active,
            None => Login::Unknown,
        };
        let window = |(window, tenths, resets_at_ms, observed_at_ms, source): StoredWindow| {
            let window: Window = window.parse().ok()?;
            let percent = tenths.map(|tenths| Percent::of_tenths(&window, tenths));
            let source = Source::ALL.into_iter().find(|known| known.name() == source)?;
            Some((window, Current { percent, resets_at_ms, observed_at_ms, source }))
        };
        let trouble = match self.trouble {
            Some((name, until_ms)) => Some(Trouble::of_short(&name, until_ms)?),
            None => None,
        };
        let pace = |(tenths_per_hour, recent, tenths_at_reset, full_at_ms)| Pace {
            tenths_per_hour,
            basis: if recent { Basis::Recent } else { Basis::Whole },
            tenths_at_reset,
            full_at_ms,
        };
        Some(AccountNow {
            id: AccountId { organization: self.organization.into(), account: self.account.into() },
            label: self.label,
            directories: self.directories,
            since_ms: self.since,
            login,
            logged_out: self.logged_out,
            trouble,
            windows: self.windows.into_iter().map(window).collect::<Option<_>>()?,
            pace: self.pace.map(pace),
            local: self.local,
        })
    }
}
