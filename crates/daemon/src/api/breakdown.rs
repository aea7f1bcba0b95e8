//! `/api/stats/breakdown`: calls told apart by one thing.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use cco_engine::limits::KnownAccount;
use cco_engine::stats::{By, Slice};
use cco_wire::names::account_label;
use cco_wire::text::iso;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::answer::{Answer, answer};
use super::asked::Asked;
use super::filter::{self, Filter};
use super::problem::Problem;
use super::sums::SumsAnswer;

/// Rows are no more; of sessions and branches there may be many.
const MOST_ROWS: u32 = 2_000;

/// What calls can be told apart by.
pub(super) const WORDS: [(&str, By); 13] = [
    ("model", By::Model),
    ("project", By::Project),
    ("branch", By::Branch),
    ("session", By::Session),
    ("tool", By::Tool),
    ("agent", By::Agent),
    ("skill", By::Skill),
    ("mcp", By::Mcp),
    ("account", By::Account),
    ("hour_of_day", By::HourOfDay),
    ("weekday", By::Weekday),
    ("weekday_hour", By::WeekdayHour),
    ("day", By::Day),
];

/// Calls told apart.
#[derive(Serialize, ToSchema)]
pub(super) struct BreakdownAnswer {
    by: &'static str,
    rows: Vec<RowAnswer>,
}

/// What has one thing in common.
#[derive(Serialize, ToSchema)]
pub(super) struct RowAnswer {
    /// Of a branch: its project's path, a line end, and its name. Of an account: its id, as `account` takes it. Of hours
    /// 0 to 23, of days of the week 1 (Monday) to 7.
    key: String,
    label: String,
    /// Not of a tool: a call may use many.
    #[serde(flatten)]
    sums: Option<SumsAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_activity: Option<String>,
    /// Of a tool, and of all tools of an MCP server, whose calls are those that it caused itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    uses: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<u64>,
}

/// Calls told apart by one thing: dearest first; tools by their uses, most first; hours and days in their order.
#[utoipa::path(get, path = "/api/stats/breakdown", tag = "stats", params(
    ("by" = String, Query, description = "What calls are told apart by"),
    ("limit" = Option<u32>, Query, description = "Rows at most"),
    filter::Described,
), responses((status = OK, body = BreakdownAnswer), (status = BAD_REQUEST, body = Problem)))]
pub(super) async fn breakdown(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let settings = api.stats()?;
    let known: Vec<&str> = filter::PARAMETERS.into_iter().chain(["by", "limit"]).collect();
    let asked = Asked::new(&uri, &known)?;
    let filter = Filter::new(&api, &settings, &asked)?;
    let by = asked.word("by", &WORDS)?.ok_or_else(|| {
        let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
        Problem::parameter("by", "by what are calls to be told apart?")
            .hint(format!("by={}", words.join(", by=")))
    })?;
    let most = asked.number("limit", MOST_ROWS)?.unwrap_or(MOST_ROWS) as usize;
    let name = WORDS.iter().find(|(_, word)| *word == by).map_or("", |(name, _)| *name);
    let made = answer(&api, &settings, &asked, move |engine| {
        let scope = filter.scope(engine)?;
        let mut rows = engine.breakdown(&scope, by)?;
        if by == By::Account {
            call_by_name(&mut rows, &engine.accounts()?);
        }
        let rows = rows.into_iter().take(most).map(|slice| RowAnswer::new(slice, by)).collect();
        Ok(Answer::of(&BreakdownAnswer { by: name, rows })?)
    });
    Ok(made.await?.send(&headers))
}

/// What people call accounts, and what they ask for them by; nothing where it is unknown.
fn call_by_name(rows: &mut [Slice], known: &[KnownAccount]) {
    for row in rows {
        let account = known.iter().find(|account| account.row.to_string() == row.key);
        row.label = account.map_or_else(String::new, account_label);
        row.key = account.map_or_else(String::new, |account| account.id.to_string());
    }
}

impl RowAnswer {
    fn new(slice: Slice, by: By) -> Self {
        Self {
            sums: (by != By::Tool).then(|| SumsAnswer::new(&slice.sums)),
            last_activity: slice.last.map(iso),
            uses: slice.uses.map(|uses| uses.uses),
            failures: slice.uses.map(|uses| uses.failures),
            key: slice.key,
            label: slice.label,
        }
    }
}

#[cfg(test)]
mod tests {
    use cco_model::limit::AccountId;
    use cco_model::sums::Sums;
    use cco_wire::names::called;

    use super::*;

    #[test]
    fn the_key_of_an_account_is_what_its_filter_takes() {
        let id = AccountId { organization: "org".into(), account: "me".into() };
        let known = KnownAccount {
            row: 7,
            id,
            email: "me@example.com".into(),
            name: String::new(),
            first_ms: 0,
            removed: false,
        };
        let row = |key: &str| Slice {
            key: key.to_owned(),
            label: String::new(),
            sums: Sums::default(),
            last: None,
            uses: None,
        };
        let mut rows = [row("7"), row("0")];
        call_by_name(&mut rows, std::slice::from_ref(&known));
        assert!(called(&known, &rows[0].key), "{rows:?}");
        assert_eq!((&*rows[0].label, &*rows[1].key, &*rows[1].label), ("me@example.com", "", ""));
    }
}
