//! What is told, as text, and up to where: made once for all who listen.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use axum::body::Bytes;
use cco_engine::limits::{ReadingsMark, Tries};
use cco_engine::stats::{ChangedCall, Mark};
use cco_engine::{Engine, EngineError};
use cco_model::sums::Sums;
use cco_wire::exact::Usd;
use cco_wire::text::{escape_json, iso_ms, project_name};
use jiff::tz::TimeZone;
use serde::Serialize;

/// Up to where somebody was told: of which ledger, all changes up to which, and all calls up to which. A call that is told
/// and no newer is one that has grown; he heard of it before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(super) ledger: Arc<str>,
    pub(super) seq: i64,
    pub(super) newest: i64,
}

impl Told {
    /// In no ledger of ours.
    pub(crate) fn elsewhere() -> Self {
        Self { ledger: Arc::default(), seq: 0, newest: 0 }
    }

    pub(super) fn at(mark: Mark, newest: i64) -> Self {
        Self { ledger: mark.ledger.into(), seq: mark.seq, newest }
    }

    /// Where somebody is who has heard of these changes too, which are all there are.
    pub(super) fn behind(&self, mark: &Mark, changed: &[ChangedCall]) -> Self {
        // A commit need not change a call; and some may have come since the mark was looked at.
        let seq = changed.iter().map(|call| call.seq).max().unwrap_or(0).max(mark.seq);
        let newest = changed.iter().map(|call| call.id).max().unwrap_or(0).max(self.newest);
        Self { ledger: Arc::clone(&self.ledger), seq, newest }
    }
}

/// As it stands in `id:` and comes back in `Last-Event-ID`.
impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.ledger, self.seq, self.newest)
    }
}

impl FromStr for Told {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (rest, newest) = text.rsplit_once('.').ok_or(())?;
        let (ledger, seq) = rest.rsplit_once('.').ok_or(())?;
        let number = |text: &str| text.parse().map_err(|_| ());
        Ok(Self { ledger: ledger.into(), seq: number(seq)?, newest: number(newest)? })
    }
}

/// What listeners are told at once.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// Calls, in the order in which they changed.
    Calls(Arc<[Bytes]>),
    /// Something that needs no order.
    Hint(Bytes),
    /// Ask anew; up to here you then know all.
    Reset(Bytes),
}

/// Today's sums.
pub(super) struct Summary {
    pub(super) sums: Sums,
}

impl Item {
    pub(super) fn calls(events: Vec<Bytes>) -> Self {
        Self::Calls(events.into())
    }

    pub(super) fn reset(told: &Told) -> Self {
        Self::Reset(text(told, "reset", "{}"))
    }

    pub(super) fn limits(accounts: &str) -> Self {
        Self::Hint(text_without_id("stats-update", &format!(r#"{{"type":"limits","accounts":{accounts}}}"#)))
    }

    pub(super) fn summary(told: &Told, summary: &Summary) -> Self {
        #[derive(Serialize)]
        struct Data {
            r#type: &'static str,
            total_cost_today: Usd,
            calls_today: u64,
            tokens_today: u64,
            seq: i64,
        }
        let data = json(&Data {
            r#type: "summary",
            total_cost_today: Usd(summary.sums.cost),
            calls_today: summary.sums.calls,
            tokens_today: summary.sums.tokens.total(),
            seq: told.seq,
        });
        Self::Hint(text_without_id("stats-update", &data))
    }
}

/// What is known of limits.
#[derive(Clone, Default)]
pub(super) struct Heard {
    /// Another one, and readings came.
    mark: Option<ReadingsMark>,
    /// Accounts with their windows, as they are told.
    accounts: String,
}

impl Heard {
    /// The same by now.
    pub(super) fn by_now(self, engine: &Engine, zone: &TimeZone) -> Result<Self, EngineError> {
        let mark = Some(engine.readings_mark()?);
        if mark == self.mark {
            return Ok(self);
        }
        let known = engine.limits(&engine.see_accounts()?, &Tries::default(), zone)?;
        Ok(Self { mark, accounts: json(&cco_wire::limits::hint(&known)) })
    }

    /// What is to be told to whoever knows something else.
    pub(super) fn news_since(&self, before: &Self) -> Option<&str> {
        (before.mark.is_some() && self.accounts != before.accounts).then_some(&*self.accounts)
    }
}

/// What changed between two states, as events, each of which says up to where whoever hears it was told then. New calls
/// come first and in their order, since all up to the newest are known to whoever comes back.
pub(super) fn calls(engine: &Engine, from: &Told, until: &Told, changed: &[ChangedCall]) -> Vec<Bytes> {
    let is_update = |call: &ChangedCall| call.id <= from.newest;
    let mut changed: Vec<&ChangedCall> = changed.iter().collect();
    changed.sort_unstable_by_key(|call| (is_update(call), if is_update(call) { call.seq } else { call.id }));
    let mut events = Vec::with_capacity(changed.len());
    // From the last event, behind which nothing is missing, to where each of those before it leaves off.
    let mut told = until.clone();
    for call in changed.iter().rev() {
        events.push(text(&told, "stats-update", &data(call, engine.tier(&call.model), is_update(call))));
        told.seq = told.seq.min(call.seq - 1);
        if !is_update(call) {
            told.newest = call.id - 1;
        }
    }
    events.reverse();
    events
}

fn data(call: &ChangedCall, tier: &str, update: bool) -> String {
    #[derive(Serialize)]
    struct Data<'c> {
        r#type: &'static str,
        update: bool,
        id: i64,
        timestamp: String,
        model: &'c str,
        tier: &'c str,
        project: String,
        project_path: &'c str,
        session: &'c str,
        branch: &'c str,
        tokens: u64,
        cost: Option<Usd>,
    }
    json(&Data {
        r#type: "call",
        update,
        id: call.id,
        timestamp: iso_ms(call.at_ms),
        model: &call.model,
        tier,
        project: project_name(&call.project),
        project_path: &call.project,
        session: &call.session,
        branch: &call.branch,
        tokens: call.tokens.total(),
        cost: call.cost.map(Usd),
    })
}

fn json(data: &impl Serialize) -> String {
    // Data of ours: it is always JSON, and one line.
    escape_json(serde_json::to_string(data).unwrap_or_default())
}

fn text(told: &Told, event: &str, data: &str) -> Bytes {
    format!("id: {told}\nevent: {event}\ndata: {data}\n\n").into()
}

fn text_without_id(event: &str, data: &str) -> Bytes {
    format!("event: {event}\ndata: {data}\n\n").into()
}
