//! A block of the journal while it is filled with calls as their rows have them: ids of the ledger become the block's own
//! names.

use cco_model::batch::KeyMap;
use cco_model::call::CallKey;
use rusqlite::Connection;

use crate::journal;
use crate::journal::block::{Draft, KeptTool, Source};
use crate::names::{self, NameTable};
use crate::stored::StoredCall;

/// A use of a tool, as its row has it.
pub(crate) struct UsedTool {
    pub(crate) call: i64,
    pub(crate) id: i64,
    pub(crate) tool: i64,
    pub(crate) failed: bool,
}

/// The names of ids, each looked up once.
pub(crate) struct Book<'c> {
    /// None: only what is in here already is known.
    connection: Option<&'c Connection>,
    names: KeyMap<i64, String>,
    attributions: KeyMap<i64, [String; 4]>,
}

impl<'c> Book<'c> {
    pub(crate) fn new(connection: &'c Connection) -> Self {
        Self { connection: Some(connection), names: KeyMap::default(), attributions: KeyMap::default() }
    }

    /// A book of names that were read before.
    pub(crate) fn of(names: KeyMap<i64, String>, attributions: KeyMap<i64, [String; 4]>) -> Self {
        Self { connection: None, names, attributions }
    }

    /// The id has a name.
    pub(crate) fn knows(&self, table: NameTable, id: i64) -> bool {
        self.names.get(&table.own(id)).is_some_and(|name| !name.is_empty())
    }

    /// The name of an id, empty for one that has none.
    fn name(&mut self, table: NameTable, id: i64) -> rusqlite::Result<&str> {
        if !self.names.contains_key(&table.own(id)) {
            let found = self.connection.map(|connection| names::name(connection, table, id)).transpose()?;
            let name = found.flatten().unwrap_or_default();
            self.names.insert(table.own(id), name);
        }
        Ok(self.names.get(&table.own(id)).map_or("", String::as_str))
    }

    fn attribution(&mut self, id: i64) -> rusqlite::Result<[String; 4]> {
        if let Some(parts) = self.attributions.get(&id) {
            return Ok(parts.clone());
        }
        let found = self.connection.map(|connection| names::attribution(connection, id)).transpose()?;
        let parts = found.flatten().unwrap_or_default();
        self.attributions.insert(id, parts.clone());
        Ok(parts)
    }
}

/// A block that is being filled.
pub(crate) struct Page {
    pub(crate) draft: Draft,
    ids: KeyMap<i64, i64>,
    attributions: KeyMap<i64, [i64; 4]>,
    tools: Vec<KeptTool>,
}

impl Page {
    pub(crate) fn new(transcript: Source) -> Self {
        let (ids, attributions) = (KeyMap::default(), KeyMap::default());
        Self { draft: Draft::new(transcript), ids, attributions, tools: Vec::new() }
    }

    pub(crate) fn named(&mut self, book: &mut Book<'_>, table: NameTable, id: i64) -> rusqlite::Result<i64> {
        if id == 0 {
            return Ok(0);
        }
        if let Some(number) = self.ids.get(&table.own(id)) {
            return Ok(*number);
        }
        let number = self.draft.name(book.name(table, id)?);
        self.ids.insert(table.own(id), number);
        Ok(number)
    }

    /// Adds a call as its row has it.
    pub(crate) fn call<'t>(
        &mut self,
        book: &mut Book<'_>,
        key: &CallKey,
        mut call: StoredCall,
        texts: (&str, &str),
        used: impl Iterator<Item = &'t UsedTool>,
    ) -> rusqlite::Result<()> {
        let attribution = match self.attributions.get(&call.ids.attribution) {
            Some(numbers) => *numbers,
            None => {
                let parts = book.attribution(call.ids.attribution)?;
                let numbers = parts.map(|part| self.draft.name(&part));
                self.attributions.insert(call.ids.attribution, numbers);
                numbers
            }
        };
        let ids = &mut call.ids;
        ids.session = self.named(book, names::SESSION, ids.session)?;
        ids.project = self.named(book, names::PROJECT, ids.project)?;
        ids.branch = self.named(book, names::BRANCH, ids.branch)?;
        ids.model = self.named(book, names::MODEL, ids.model)?;
        ids.account = self.named(book, names::ACCOUNT, ids.account)?;
        call.price_list = self.named(book, names::PRICE_LIST, call.price_list)?;
        self.tools.clear();
        for UsedTool { id, tool, failed, .. } in used {
            let name = self.named(book, names::TOOL, *tool)?;
            self.tools.push(KeptTool { id: *id, name, failed: *failed });
        }
        self.draft.call(key, &call, texts, attribution, &self.tools);
        Ok(())
    }

    /// Writes the block so far; the next one is of the same transcript.
    pub(crate) fn payload(&mut self, out: &mut Vec<u8>) {
        self.ids.clear();
        self.attributions.clear();
        self.draft.write(out);
    }

    /// Writes the block so far as a record, if it holds anything.
    pub(super) fn write(&mut self, out: &mut Vec<u8>) {
        if !self.draft.is_empty() {
            journal::put_record(out, |payload| self.payload(payload));
        }
    }
}
