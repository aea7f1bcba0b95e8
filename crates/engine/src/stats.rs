//! STANDS IN until the branch `queries` is merged, which has the same.

use std::sync::Arc;

use cco_model::money::NanoUsd;
use cco_model::tokens::Tokens;
use jiff::Timestamp;

use crate::{Engine, EngineError};

/// Which ledger, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its id.
    pub ledger: String,
    /// Its last commit.
    pub seq: i64,
}

/// A call that was changed.
#[derive(Clone, Debug)]
pub struct ChangedCall {
    /// By which commit.
    pub seq: i64,
    /// Its number.
    pub id: i64,
    /// When it was.
    pub at: Timestamp,
    /// Its model.
    pub model: Arc<str>,
    /// Its kind of model.
    pub tier: String,
    /// Its project's path.
    pub project: Arc<str>,
    /// Its session.
    pub session: Arc<str>,
    /// Its branch.
    pub branch: Arc<str>,
    /// Its tokens.
    pub tokens: Tokens,
    /// Its cost.
    pub cost: Option<NanoUsd>,
}

impl Engine {
    /// Which ledger, and how far it is.
    pub fn mark(&self) -> Result<Mark, EngineError> {
        let (ledger, seq) = self.ledger.mark()?;
        Ok(Mark { ledger, seq })
    }

    /// The highest number of a call.
    pub fn newest_call(&self) -> Result<i64, EngineError> {
        Ok(self.ledger.newest_call()?)
    }

    /// Calls that changed since, in the order of their commits.
    pub fn changes_since(&self, seq: i64, limit: usize) -> Result<Vec<ChangedCall>, EngineError> {
        let changed = self.ledger.changes_since(seq, limit)?;
        Ok(changed
            .into_iter()
            .map(|call| ChangedCall {
                seq: call.seq,
                id: call.id,
                at: cco_model::civil::timestamp(call.at_ms),
                tier: self.prices.find(&call.model).map_or_else(String::new, |priced| priced.tier.clone()),
                model: call.model,
                project: call.project,
                session: call.session,
                branch: call.branch,
                tokens: call.tokens,
                cost: call.cost,
            })
            .collect())
    }
}
