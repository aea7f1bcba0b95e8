//! Accounts and plan limits: what was observed goes to the ledger, what is known of it comes back.

pub use cco_ledger::limits::{Attempts, Holding, KnownAccount, Observed, SeenAccount};

use crate::{Engine, EngineError};

impl Engine {
    /// Keeps what was observed and is new. Returns why the journal could not be written, if so; the ledger has it then.
    pub fn observe(&mut self, observed: &Observed) -> Result<Option<String>, EngineError> {
        let (_, trouble) = self.ledger.observe(observed, self.now.as_millisecond())?;
        Ok(trouble.map(|trouble| trouble.to_string()))
    }

    /// Every account that was ever seen.
    pub fn accounts(&self) -> Result<Vec<KnownAccount>, EngineError> {
        Ok(self.ledger.accounts()?)
    }
}
