//! What a call belongs to, as ids: each name of a batch is looked up once.

use std::collections::HashMap;

use cco_model::batch::{Batch, CallRow, NameId};
use rusqlite::{Connection, OptionalExtension, params};

use super::{TranscriptId, Writer};
use crate::LedgerError;
use crate::limits::HeldBy;
use crate::names::{self, NameCaches};
use crate::stored::Ids;

impl Writer<'_> {
    pub(super) fn ids(
        &mut self,
        transcript: TranscriptId,
        batch: &Batch,
        row: &CallRow,
        projects: &HashMap<NameId, String>,
        accounts: &HeldBy,
        ids: &mut BatchIds,
    ) -> Result<Ids, LedgerError> {
        let (transaction, caches) = (&self.transaction, &mut *self.names);
        let text = |name: NameId| batch.names.get(name);
        let session = ids.sessions.get(row.session, |name| {
            names::id(transaction, &mut caches.session, names::SESSION, text(name))
        })?;
        let branch = ids
            .branches
            .get(row.branch, |name| names::id(transaction, &mut caches.branch, names::BRANCH, text(name)))?;
        let model = ids.models.get(Some(row.model), |name| {
            names::id(transaction, &mut caches.model, names::MODEL, text(name))
        })?;
        let project = ids.projects.get(row.cwd, |name| {
            let asked = projects.get(&name).map(String::as_str);
            project_id(transaction, caches, text(name), asked)
        })?;
        let a = row.attribution;
        let attribution = match ids.attributions.get(&a) {
            Some(id) => *id,
            None => {
                let parts = [a.agent, a.skill, a.plugin, a.mcp_server];
                let parts = parts.map(|name| name.map_or("", text));
                let id = names::attribution_id(transaction, &mut caches.attribution, parts)?;
                ids.attributions.insert(a, id);
                id
            }
        };
        let (account, transcript) = (accounts.at(row.at_ms), transcript.0);
        Ok(Ids { session, project, branch, model, attribution, account, transcript })
    }
}

/// Ids of a batch's names, looked up once each.
pub(super) struct BatchIds {
    sessions: IdColumn,
    branches: IdColumn,
    models: IdColumn,
    projects: IdColumn,
    attributions: HashMap<cco_model::batch::Attribution, i64>,
}

/// Ids by a name's place in its batch.
struct IdColumn(HashMap<NameId, i64>);

impl BatchIds {
    pub(super) fn new(names: usize) -> Self {
        let column = || IdColumn(HashMap::with_capacity(names.min(16)));
        Self {
            sessions: column(),
            branches: column(),
            models: column(),
            projects: column(),
            attributions: HashMap::new(),
        }
    }
}

impl IdColumn {
    fn get(
        &mut self,
        name: Option<NameId>,
        look_up: impl FnOnce(NameId) -> rusqlite::Result<i64>,
    ) -> rusqlite::Result<i64> {
        let Some(name) = name else { return Ok(0) };
        if let Some(id) = self.0.get(&name) {
            return Ok(*id);
        }
        let id = look_up(name)?;
        self.0.insert(name, id);
        Ok(id)
    }
}

/// The project of a working directory: remembered, or `asked` and remembered; itself when nobody asked.
pub(super) fn project_id(
    connection: &Connection,
    caches: &mut NameCaches,
    cwd: &str,
    asked: Option<&str>,
) -> rusqlite::Result<i64> {
    if let Some(id) = caches.place.get(cwd) {
        return Ok(*id);
    }
    let mut select = connection.prepare_cached("SELECT project_id FROM place WHERE cwd = ?1")?;
    let known: Option<i64> = select.query_row([cwd], |row| row.get(0)).optional()?;
    let id = match known {
        Some(id) => id,
        None => {
            let id = names::id(connection, &mut caches.project, names::PROJECT, asked.unwrap_or(cwd))?;
            connection.prepare_cached("INSERT INTO place VALUES (?1, ?2)")?.execute(params![cwd, id])?;
            id
        }
    };
    caches.place.insert(cwd.into(), id);
    Ok(id)
}
