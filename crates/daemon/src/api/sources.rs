//! `/api/sources`: where everything comes from.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use cco_engine::stats::SourceRoot;
use cco_wire::text::iso;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::answer::Answer;
use super::asked::Asked;
use super::problem::Problem;

/// Where everything comes from.
#[derive(Serialize, ToSchema)]
pub(super) struct SourcesAnswer {
    roots: Vec<RootAnswer>,
    /// Transcripts that lie in none of the roots any more.
    elsewhere: RootAnswer,
    ledger: LedgerAnswer,
    prices: PricesAnswer,
    watcher: WatcherAnswer,
    broker: BrokerAnswer,
}

/// A root, and its transcripts.
#[derive(Serialize, ToSchema)]
pub(super) struct RootAnswer {
    path: String,
    /// It is a folder, now.
    usable: bool,
    /// Transcripts that are there.
    transcripts: u64,
    /// Transcripts that are gone; their calls stay.
    gone: u64,
    /// Of the transcripts that are there, as large as each was when it was last read.
    bytes: u64,
    /// When one of them was last written to.
    last_event: Option<String>,
    /// Of those that are gone too.
    damaged_lines: u64,
    /// Rows that do not count: without a time, or with impossible counts.
    skipped_rows: u64,
}

/// The ledger.
#[derive(Serialize, ToSchema)]
pub(super) struct LedgerAnswer {
    /// None: it is in memory.
    path: Option<String>,
    /// Its three files together.
    bytes: u64,
    /// `ledger.db`.
    database_bytes: u64,
    /// `ledger.db-wal`, SQLite's write-ahead log, which is emptied now and then.
    log_bytes: u64,
    /// `ledger.journal`, what transcripts cannot give again.
    journal_bytes: u64,
    calls: u64,
    /// Grows with every change.
    seq: i64,
    /// The one whose days and months the ledger also keeps sums of: questions by its days are answered soonest. It is
    /// the one that the ledger began with; answers are in the zone that is asked for, whatever this one is.
    zone: String,
}

/// The price list.
#[derive(Serialize, ToSchema)]
pub(super) struct PricesAnswer {
    list: String,
}

/// How changes are heard of.
#[derive(Serialize, ToSchema)]
pub(super) struct WatcherAnswer {
    /// `events` or `polling`.
    mode: &'static str,
    since: String,
}

/// How asking for limits goes.
#[derive(Serialize, ToSchema)]
pub(super) struct BrokerAnswer {
    last_success: Option<String>,
    last_failure: Option<String>,
    last_failure_reason: Option<String>,
}

/// Roots with their transcripts, the ledger, the price list, and when the service last answered.
#[utoipa::path(get, path = "/api/sources", tag = "daemon", responses((status = OK, body = SourcesAnswer)))]
pub(super) async fn sources(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    Asked::new(&uri, &[])?;
    let sources = api.readers.ask(|engine| engine.sources()).await?;
    let health = api.health.borrow().clone();
    let failure = health.broker_failure;
    let answer = SourcesAnswer {
        roots: sources.roots.iter().map(RootAnswer::new).collect(),
        elsewhere: RootAnswer::new(&sources.elsewhere),
        ledger: LedgerAnswer {
            path: sources.ledger.path.map(|path| path.to_string_lossy().into_owned()),
            bytes: sources.ledger.sizes.total(),
            database_bytes: sources.ledger.sizes.database,
            log_bytes: sources.ledger.sizes.log,
            journal_bytes: sources.ledger.sizes.journal,
            calls: sources.ledger.calls,
            seq: sources.ledger.mark.seq,
            zone: sources.ledger.zone,
        },
        prices: PricesAnswer { list: sources.price_list },
        watcher: WatcherAnswer {
            mode: if health.is_polling { "polling" } else { "events" },
            since: iso(health.watcher.at),
        },
        broker: BrokerAnswer {
            last_success: sources.last_success.max(health.broker_success).map(iso),
            last_failure: sources.last_failure.max(failure.as_ref().map(|(at, _)| *at)).map(iso),
            last_failure_reason: failure.map(|(_, why)| why),
        },
    };
    Ok(Answer::of(&answer)?.send(&headers))
}

impl RootAnswer {
    fn new(root: &SourceRoot) -> Self {
        Self {
            path: root.path.to_string_lossy().into_owned(),
            usable: root.usable,
            transcripts: root.transcripts,
            gone: root.gone,
            bytes: root.bytes,
            last_event: root.last_event.map(iso),
            damaged_lines: root.damaged_lines,
            skipped_rows: root.skipped_rows,
        }
    }
}
