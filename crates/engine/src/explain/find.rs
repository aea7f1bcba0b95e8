//! What a word names: a day, a call, a session or a project.
//!
//! Must not: guess. A word that could mean two things of a kind is given back with both.

use jiff::civil::Date;

use cco_ledger::lookup::CallLine;
use cco_transcript::trace;

use crate::report::UNKNOWN_SESSION;
use crate::{Engine, EngineError};

/// Names that are offered where one was meant.
const OFFERED: usize = 8;
/// Advisors of one answer that are asked for.
const MOST_ADVISORS: u32 = 16;

/// One thing that can be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A call, by its row in the ledger; with its message id where that was given.
    Call {
        /// Its row.
        id: i64,
        /// Message id.
        message: Option<String>,
    },
    /// A session, by its row in the ledger (0: rows without a session id).
    Session {
        /// Its row.
        id: i64,
        /// Its id as written; empty when there is none.
        name: String,
    },
    /// A project, by its row in the ledger.
    Project {
        /// Its row.
        id: i64,
        /// Its path.
        path: String,
    },
    /// A civil day.
    Day(Date),
}

/// What a word names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// One thing.
    One(Subject),
    /// Several calls: an answer and its advisors.
    Calls(Vec<CallLine>),
    /// Several sessions begin so.
    Sessions {
        /// The first of them.
        names: Vec<String>,
        /// These are not all.
        more: bool,
    },
    /// Several projects are called so.
    Projects(Vec<String>),
    /// Nothing; names that may have been meant: sessions that begin a little like it, and all projects.
    Nothing {
        /// Sessions that share its first characters.
        sessions: Vec<String>,
        /// Paths of all projects.
        projects: Vec<String>,
    },
    /// A message id that does not suffice: its request id must be known too.
    NeedsRequest,
}

impl Engine {
    /// What a word names; `today` is the present day.
    pub fn find_subject(&self, word: &str, today: Date) -> Result<Found, EngineError> {
        let _snapshot = self.ledger.snapshot()?;
        if let Some(day) = day_of(word, today) {
            return Ok(Found::One(Subject::Day(day)));
        }
        if let Some(id) = word.strip_prefix('#').or_else(|| word.strip_prefix("call:")) {
            let known = id.parse().ok().map(|id| self.ledger.call(id)).transpose()?.flatten();
            return Ok(known.map_or_else(nothing, |call| one_call(call.id, None)));
        }
        if word.starts_with("msg_") {
            return self.find_message(word);
        }
        if word.starts_with("req_") {
            let calls = self.ledger.calls_of_request(word, OFFERED)?;
            return self.one_of(&calls, None);
        }
        if word.contains('/') {
            return self.find_path(word);
        }
        if let Some(found) = self.find_session(word)? {
            return Ok(found);
        }
        if let Some(found) = self.find_project(word)? {
            return Ok(found);
        }
        if let Some(id) = self.ledger.call_of_key(&trace::uuid_key(word))? {
            return Ok(one_call(id, None));
        }
        let projects = self.ledger.project_ids()?.into_iter().map(|(_, path)| path).collect();
        Ok(Found::Nothing { sessions: self.sessions_near(word)?, projects })
    }

    fn find_message(&self, id: &str) -> Result<Found, EngineError> {
        let Some(key) = trace::message_key(id) else { return Ok(Found::NeedsRequest) };
        let mut calls: Vec<i64> = self.ledger.call_of_key(&key)?.into_iter().collect();
        for index in 0..MOST_ADVISORS {
            match self.ledger.call_of_key(&trace::advisor_key(id, index))? {
                Some(advisor) => calls.push(advisor),
                None => break,
            }
        }
        self.one_of(&calls, Some(id))
    }

    fn one_of(&self, calls: &[i64], message: Option<&str>) -> Result<Found, EngineError> {
        match calls {
            [] => Ok(nothing()),
            [id] => Ok(one_call(*id, message)),
            several => {
                let mut lines = Vec::new();
                for id in several {
                    lines.extend(self.ledger.call(*id)?.map(|call| CallLine {
                        id: call.id,
                        at_ms: call.at_ms,
                        model: call.model,
                        session: call.session,
                        tokens: call.usage.tokens,
                        cost: call.cost,
                    }));
                }
                Ok(Found::Calls(lines))
            }
        }
    }

    fn find_session(&self, word: &str) -> Result<Option<Found>, EngineError> {
        let one = |id, name: &str| Found::One(Subject::Session { id, name: name.to_owned() });
        if let Some(id) = self.ledger.session_id(word)? {
            return Ok(Some(one(id, word)));
        }
        if word == UNKNOWN_SESSION {
            return Ok(Some(one(0, "")));
        }
        // A project that is called exactly so is meant rather than a session that begins so.
        if let Some(found @ Found::One(_)) = self.find_project(word)? {
            return Ok(Some(found));
        }
        let mut sessions = self.ledger.sessions_with_prefix(word, OFFERED + 1)?;
        match sessions.len() {
            0 => Ok(None),
            1 => {
                let name = sessions.remove(0);
                Ok(self.ledger.session_id(&name)?.map(|id| one(id, &name)))
            }
            count => {
                sessions.truncate(OFFERED);
                Ok(Some(Found::Sessions { names: sessions, more: count > OFFERED }))
            }
        }
    }

    /// The projects whose path ends in this name, or in these folders.
    fn find_project(&self, word: &str) -> Result<Option<Found>, EngineError> {
        let mut named = self.ledger.project_ids()?;
        named.retain(|(_, path)| ends_in(path, word));
        Ok(match named.as_slice() {
            [] => None,
            [(id, path)] => Some(Found::One(Subject::Project { id: *id, path: path.clone() })),
            _ => Some(Found::Projects(named.into_iter().map(|(_, path)| path).collect())),
        })
    }

    /// The project of this path, or that a folder of this path belongs to.
    fn find_path(&self, path: &str) -> Result<Found, EngineError> {
        let wanted = if path.len() > 1 { path.trim_end_matches('/') } else { path };
        let projects = self.ledger.project_ids()?;
        let place = self.ledger.project_of_place(wanted)?;
        let found = projects.iter().find(|(id, path)| path == wanted || Some(*id) == place);
        if let Some((id, path)) = found {
            return Ok(Found::One(Subject::Project { id: *id, path: path.clone() }));
        }
        if let Some(found) = self.find_project(wanted)? {
            return Ok(found);
        }
        let projects = projects.into_iter().map(|(_, path)| path).collect();
        Ok(Found::Nothing { sessions: Vec::new(), projects })
    }

    /// Ids of sessions that share the longest start with a word, if that is more than chance.
    pub fn sessions_near(&self, word: &str) -> Result<Vec<String>, EngineError> {
        const LEAST: usize = 4;
        let starts = word.char_indices().map(|(at, _)| at).filter(|at| *at >= LEAST).rev();
        for start in starts.map(|at| &word[..at]) {
            let sessions = self.ledger.sessions_with_prefix(start, OFFERED)?;
            if !sessions.is_empty() {
                return Ok(sessions);
            }
        }
        Ok(Vec::new())
    }
}

fn nothing() -> Found {
    Found::Nothing { sessions: Vec::new(), projects: Vec::new() }
}

fn one_call(id: i64, message: Option<&str>) -> Found {
    Found::One(Subject::Call { id, message: message.map(str::to_owned) })
}

/// The last parts of a path are these: reports call projects of one name so.
fn ends_in(path: &str, parts: &str) -> bool {
    let before = path.trim_end_matches(['/', '\\']).strip_suffix(parts);
    !parts.is_empty() && before.is_some_and(|before| before.is_empty() || before.ends_with(['/', '\\']))
}

fn day_of(word: &str, today: Date) -> Option<Date> {
    let format = match (word, word.len()) {
        ("today", _) => return Some(today),
        ("yesterday", _) => return today.yesterday().ok(),
        (_, 8) => "%Y%m%d",
        (_, 10) => "%Y-%m-%d",
        _ => return None,
    };
    Date::strptime(format, word).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_have_four_spellings() {
        let today = date(2026, 10, 20);
        for (word, day) in [
            ("today", Some(today)),
            ("yesterday", Some(date(2026, 10, 19))),
            ("2026-10-01", Some(date(2026, 10, 1))),
            ("20261001", Some(date(2026, 10, 1))),
            ("2026-13-01", None),
            ("tomorrow", None),
            ("", None),
            ("１２３４", None),
        ] {
            assert_eq!(day_of(word, today), day, "{word}");
        }
    }

    #[test]
    fn a_project_is_called_by_the_end_of_its_path() {
        for (path, parts, so) in [
            ("/code/atlas", "atlas", true),
            ("/code/atlas", "code/atlas", true),
            ("/code/atlas", "ode/atlas", false),
            ("/code/atlas", "las", false),
            ("C:\\code\\atlas\\", "atlas", true),
            ("atlas", "atlas", true),
            ("/", "", false),
            ("", "", false),
        ] {
            assert_eq!(ends_in(path, parts), so, "{path} {parts}");
        }
    }
}
