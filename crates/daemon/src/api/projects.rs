//! `/api/stats/projects`: projects, with their branches.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use cco_engine::stats::ProjectSums;
use cco_model::sums::Sums;
use cco_wire::exact::Usd;
use cco_wire::text::{iso, project_name};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::answer::{Answer, answer};
use super::asked::Asked;
use super::filter::{self, Filter};
use super::problem::Problem;

/// Projects, dearest first.
#[derive(Serialize, ToSchema)]
pub(super) struct ProjectsAnswer {
    projects: Vec<ProjectAnswer>,
}

/// A project.
#[derive(Serialize, ToSchema)]
pub(super) struct ProjectAnswer {
    name: String,
    path: String,
    #[serde(flatten)]
    totals: Totals,
    /// Dearest first.
    branches: Vec<BranchAnswer>,
}

/// A branch of a project.
#[derive(Serialize, ToSchema)]
pub(super) struct BranchAnswer {
    name: String,
    #[serde(flatten)]
    totals: Totals,
}

/// Its calls.
#[derive(Serialize, ToSchema)]
pub(super) struct Totals {
    #[schema(value_type = f64)]
    total_cost: Usd,
    total_calls: u64,
    total_tokens: u64,
    /// Calls of models without a price, which cost 0 here.
    unpriced_calls: u64,
    last_activity: String,
}

/// Projects with calls in a stretch of time, with their branches, dearest first.
#[utoipa::path(get, path = "/api/stats/projects", tag = "stats", params(filter::Described), responses((status = OK, body = ProjectsAnswer), (status = BAD_REQUEST, body = Problem)))]
pub(super) async fn projects(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let settings = api.stats()?;
    let asked = Asked::new(&uri, &filter::PARAMETERS)?;
    let filter = Filter::new(&api, &settings, &asked)?;
    let made = answer(&api, &settings, &asked, move |engine| {
        let scope = filter.scope(engine)?;
        let projects = engine.project_list(&scope)?;
        let projects = projects.iter().map(ProjectAnswer::new).collect();
        Ok(Answer::of(&ProjectsAnswer { projects })?)
    });
    Ok(made.await?.send(&headers))
}

impl ProjectAnswer {
    fn new(project: &ProjectSums) -> Self {
        Self {
            name: project_name(&project.path),
            path: project.path.to_string(),
            totals: Totals::new(&project.sums, project.last),
            branches: project
                .branches
                .iter()
                .map(|(name, sums, last)| BranchAnswer {
                    name: name.to_string(),
                    totals: Totals::new(sums, *last),
                })
                .collect(),
        }
    }
}

impl Totals {
    fn new(sums: &Sums, last: Timestamp) -> Self {
        Self {
            total_cost: Usd(sums.cost),
            total_calls: sums.calls,
            total_tokens: sums.tokens.total(),
            unpriced_calls: sums.unpriced_calls,
            last_activity: iso(last),
        }
    }
}
