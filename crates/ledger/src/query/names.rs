//! Names by their ids, as rows of sums hold them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use rusqlite::OptionalExtension;

use super::Attribution;
use crate::{Ledger, LedgerError};

/// Things that have names and can be asked for by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// Projects, by path.
    Project,
    /// Models, as in the transcripts.
    Model,
    /// Sessions, by id.
    Session,
    /// Branches.
    Branch,
}

impl Ledger {
    /// Every name of a kind with its id, in the order in which they were first seen.
    pub fn named(&self, named: Named) -> Result<Vec<(i64, Arc<str>)>, LedgerError> {
        let mut names: Vec<(i64, Arc<str>)> = self.names(named)?.0.into_iter().collect();
        names.sort_unstable_by_key(|(id, _)| *id);
        Ok(names)
    }

    pub(super) fn names(&self, named: Named) -> Result<Names, LedgerError> {
        self.names_by(match named {
            Named::Project => "SELECT id, name FROM project",
            Named::Model => "SELECT id, name FROM model",
            Named::Session => "SELECT id, name FROM session",
            Named::Branch => "SELECT id, name FROM branch",
        })
    }

    /// The names of these ids, each looked up once: where they are few of many.
    pub(super) fn names_of(
        &self,
        named: Named,
        ids: impl Iterator<Item = i64>,
    ) -> Result<Names, LedgerError> {
        let sql = match named {
            Named::Project => "SELECT name FROM project WHERE id = ?1",
            Named::Model => "SELECT name FROM model WHERE id = ?1",
            Named::Session => "SELECT name FROM session WHERE id = ?1",
            Named::Branch => "SELECT name FROM branch WHERE id = ?1",
        };
        let mut select = self.connection.prepare_cached(sql)?;
        let mut names = HashMap::new();
        for id in ids {
            if let Entry::Vacant(unknown) = names.entry(id) {
                let name: Option<String> = select.query_row([id], |row| row.get(0)).optional()?;
                unknown.insert(name.unwrap_or_default().into());
            }
        }
        Ok(Names(names))
    }

    pub(super) fn names_by(&self, sql: &'static str) -> Result<Names, LedgerError> {
        let mut select = self.connection.prepare_cached(sql)?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?.into())))?;
        Ok(Names(rows.collect::<Result<_, _>>()?))
    }

    /// Who worked, by id.
    pub fn attributions(&self) -> Result<HashMap<i64, Arc<Attribution>>, LedgerError> {
        let mut select =
            self.connection.prepare_cached("SELECT id, agent, skill, plugin, mcp_server FROM attribution")?;
        let rows = select.query_map([], |row| {
            let attribution = Attribution {
                agent: row.get(1)?,
                skill: row.get(2)?,
                plugin: row.get(3)?,
                mcp_server: row.get(4)?,
            };
            Ok((row.get(0)?, Arc::new(attribution)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Names by id.
#[derive(Default)]
pub(super) struct Names(HashMap<i64, Arc<str>>);

impl Names {
    /// The name of an id; empty for 0, which is unknown.
    pub(super) fn get(&self, id: i64) -> Arc<str> {
        self.0.get(&id).cloned().unwrap_or_default()
    }
}
