//! What is told, as text, and up to where: made once for all who listen.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use axum::body::Bytes;
use cco_engine::Engine;
use cco_engine::stats::{ChangedCall, Mark};
use cco_model::sums::Sums;
use cco_wire::exact::Usd;
use cco_wire::text::{escape_json, iso_ms, whole_project};
use serde::Serialize;

/// Up to where somebody was told: of which ledger, which of its changes, and the newest call that he knows. A call that
/// is told and no newer is one that has grown.
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

    pub(super) fn limits(told: &Told) -> Self {
        Self::Hint(text(told, "stats-update", r#"{"type":"limits"}"#))
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

/// What changed, as events, each of which says that it was told.
pub(super) fn calls(engine: &Engine, told: &mut Told, changed: &[ChangedCall]) -> Vec<Bytes> {
    let tell = |call: &ChangedCall| {
        let is_update = call.id <= told.newest;
        (told.seq, told.newest) = (call.seq, told.newest.max(call.id));
        text(told, "stats-update", &data(call, engine.tier(&call.model), is_update))
    };
    changed.iter().map(tell).collect()
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
        cost: Usd,
    }
    json(&Data {
        r#type: "call",
        update,
        id: call.id,
        timestamp: iso_ms(call.at_ms),
        model: &call.model,
        tier,
        project: project(&call.project),
        project_path: &call.project,
        session: &call.session,
        branch: &call.branch,
        tokens: call.tokens.total(),
        cost: Usd(call.cost.unwrap_or_default()),
    })
}

/// The name of a project; nothing for none.
fn project(path: &str) -> String {
    if path.is_empty() { String::new() } else { whole_project(path) }
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
