//! One call: its rows found again, each with what became of it.
//!
//! The ledger keeps one row of a call and forgets the others, so they are looked for where they can be: in the kept
//! row's file, in those of its session, of its project, then elsewhere, until enough was read.

use std::collections::HashSet;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use cco_ledger::lookup::{CallFacts, Group, ToolUse};
use cco_ledger::write::{KnownTranscript, TranscriptId};
use cco_model::call::{CallKey, Origin};
use cco_model::civil;
use cco_model::reason::{self, Candidate, Reason};
use cco_transcript::trace::{self, Traced, TracedRow};

use super::{CallStory, Depth, MOST_BYTES, Place, RowStory, Searched, Verdict, is_named_after, open};
use crate::scan::Progress;
use crate::{Engine, EngineError};

/// A row and the transcript that it stands in.
struct FoundRow<'t> {
    file: &'t KnownTranscript,
    row: TracedRow,
}

/// A search for a key's rows on lines with these bytes; none: on all lines.
type Look<'l, 't> = dyn FnMut(&CallKey, Option<&[u8]>) -> Vec<FoundRow<'t>> + 'l;

impl Engine {
    /// A call, by its row in the ledger; none: there is no such row. `message` is its message id, if it is known.
    pub fn explain_call(
        &self,
        id: i64,
        message: Option<&str>,
        depth: Depth,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<CallStory>, EngineError> {
        let _snapshot = self.ledger.snapshot()?;
        let Some(facts) = self.ledger.call(id)? else { return Ok(None) };
        let mut searched = Searched::default();
        let (kept, place) = self.kept_row(&facts)?;
        let files = self.candidates(&facts)?;
        let mut look = |key: &CallKey, needle: Option<&[u8]>| {
            searched = Searched::default();
            search(&facts, &files, (key, needle), depth, &mut searched, progress)
        };
        let found = match &kept {
            Some(row) if row.is_alone() => {
                let own = files.iter().find(|file| is_own(&facts, file));
                own.map(|file| FoundRow { file, row: row.clone() }).into_iter().collect()
            }
            Some(row) => look(&row.key, row.needle().as_deref()),
            None => match self.key_of(&facts, message)? {
                Some(key) => look_without_kept(&key, message, &facts.request, &mut look),
                None => Vec::new(),
            },
        };
        let tools = self.tools_of_call(&facts, &found)?;
        let told = found.iter().map(|found| found.row.message.as_str()).find(|id| !id.is_empty());
        Ok(Some(CallStory {
            at: civil::timestamp(facts.at_ms),
            message: told.or(message).unwrap_or_default().to_owned(),
            list: self.prices.id().to_owned(),
            breakdown: self.prices.breakdown(&facts.model, &facts.usage, facts.at_ms),
            rows: stories(&facts, kept.as_ref(), place, &found),
            tools,
            searched,
            facts,
        }))
    }

    /// The kept row, when it still stands where it stood, and whether it does.
    fn kept_row(&self, facts: &CallFacts) -> Result<(Option<TracedRow>, Place), EngineError> {
        let Some(known) = facts.transcript.as_ref().filter(|known| !known.gone) else {
            return Ok((None, Place::Gone));
        };
        let rows = open(known).and_then(|(file, state)| {
            Traced::new(&file, (state.device, state.inode), state.size).rows_at(facts.offset)
        });
        let Ok(rows) = rows else { return Ok((None, Place::Unreadable)) };
        for row in rows.into_iter().filter(|row| row.offset == facts.offset) {
            if self.ledger.call_of_key(&row.key)? == Some(facts.id) && row.usage == facts.usage {
                return Ok((Some(row), Place::There));
            }
        }
        Ok((None, Place::Rewritten))
    }

    /// The key of a call whose row cannot be asked.
    fn key_of(&self, facts: &CallFacts, message: Option<&str>) -> Result<Option<CallKey>, EngineError> {
        match message.and_then(trace::message_key) {
            Some(key) if self.ledger.call_of_key(&key)? == Some(facts.id) => Ok(Some(key)),
            _ => Ok(self.ledger.key_of_call(facts.id)?),
        }
    }

    /// The transcripts that may hold rows of a call, the likeliest first.
    fn candidates(&self, facts: &CallFacts) -> Result<Vec<KnownTranscript>, EngineError> {
        let own = facts.transcript.as_ref();
        let of_session: HashSet<TranscriptId> = match self.ledger.session_id(&facts.session)? {
            Some(session) => {
                self.ledger.transcripts_of(&Group::Session(session))?.into_iter().map(|(id, _)| id).collect()
            }
            None => HashSet::new(),
        };
        let folder = own.and_then(|own| project_folder(&own.path));
        let rank = |known: &KnownTranscript| {
            let of_session = of_session.contains(&known.id) || is_named_after(known, &facts.session);
            let of_project = folder.as_ref().is_some_and(|folder| known.path.starts_with(folder));
            // What was last written before the call can hardly hold it.
            let older = known.state.mtime_ns / 1_000_000 < facts.at_ms;
            (own.map(|own| own.id) != Some(known.id), !of_session, !of_project, older)
        };
        let mut files = self.ledger.transcripts(false)?;
        files.sort_by_cached_key(|known| (rank(known), known.path.clone()));
        Ok(files)
    }

    fn tools_of_call(&self, facts: &CallFacts, found: &[FoundRow<'_>]) -> Result<Vec<ToolUse>, EngineError> {
        if found.is_empty() {
            return Ok(self.ledger.tool_uses_of_call(facts.id)?);
        }
        let mut seen = HashSet::new();
        let ids = found.iter().flat_map(|found| &found.row.tools).map(|(id, _)| *id);
        let ids: Vec<i64> = ids.filter(|id| seen.insert(*id)).collect();
        Ok(self.ledger.tool_uses(&ids)?)
    }
}

/// Looks for the rows of a call whose kept row is not there. A request id finds rows that may tell the message id, and
/// that finds replays with other request ids; what neither finds, reading every row does.
fn look_without_kept<'t>(
    key: &CallKey,
    message: Option<&str>,
    request: &str,
    look: &mut Look<'_, 't>,
) -> Vec<FoundRow<'t>> {
    if let Some(message) = message {
        return look(key, Some(message.as_bytes()));
    }
    let by_request = if request.is_empty() { Vec::new() } else { look(key, Some(request.as_bytes())) };
    let needle = by_request.first().and_then(|found| found.row.needle());
    look(key, needle.as_deref())
}

/// Looks for a call's rows until enough was read.
fn search<'t>(
    facts: &CallFacts,
    files: &'t [KnownTranscript],
    (key, needle): (&CallKey, Option<&[u8]>),
    depth: Depth,
    searched: &mut Searched,
    progress: &mut dyn FnMut(Progress),
) -> Vec<FoundRow<'t>> {
    let mut found = Vec::new();
    let bytes_total = files.iter().map(|known| known.state.size).sum();
    let mut budget = if depth.all_files { u64::MAX } else { MOST_BYTES };
    for known in files {
        let range = part(known.state.size, is_own(facts, known).then_some(facts.offset), budget);
        let length = range.end - range.start;
        if length < known.state.size {
            searched.files_left += 1;
            searched.bytes_left += known.state.size - length;
        }
        if length == 0 && known.state.size > 0 {
            continue;
        }
        match rows_in(known, key, needle, range) {
            Ok(rows) => found.extend(rows.into_iter().map(|row| FoundRow { file: known, row })),
            Err(error) => searched.unreadable.push((known.path.clone(), error.to_string())),
        }
        budget -= length;
        searched.files += 1;
        searched.bytes += length;
        progress(Progress { bytes_done: searched.bytes, bytes_total, files_total: files.len() as u64 });
    }
    found
}

fn rows_in(
    known: &KnownTranscript,
    key: &CallKey,
    needle: Option<&[u8]>,
    range: Range<u64>,
) -> io::Result<Vec<TracedRow>> {
    let (file, state) = open(known)?;
    // What was appended since the last look is looked at as well.
    let range = if range.end == known.state.size { range.start..state.size.max(range.start) } else { range };
    Traced::new(&file, (state.device, state.inode), state.size).rows_of(key, needle, range)
}

/// The part of a transcript that is looked through: all of it when it fits in the budget, else nothing; of the kept
/// row's own file as much around that row.
fn part(size: u64, around: Option<u64>, budget: u64) -> Range<u64> {
    match around {
        _ if size <= budget => 0..size,
        Some(offset) => {
            let start = offset.saturating_sub(budget / 2).min(size - budget);
            start..start + budget
        }
        None => 0..0,
    }
}

fn is_own(facts: &CallFacts, known: &KnownTranscript) -> bool {
    facts.transcript.as_ref().is_some_and(|own| own.id == known.id)
}

/// The folder below `projects` that a transcript lies in.
fn project_folder(path: &Path) -> Option<PathBuf> {
    let parts: Vec<_> = path.iter().collect();
    let at = parts.iter().rposition(|part| *part == cco_transcript::find::PROJECTS)?;
    (at + 2 < parts.len()).then(|| parts[..=at + 1].iter().collect())
}

/// All rows with what became of them: the kept one, be it gone, then the others by file and place.
fn stories(
    facts: &CallFacts,
    kept: Option<&TracedRow>,
    place: Place,
    found: &[FoundRow<'_>],
) -> Vec<RowStory> {
    let own = facts.transcript.as_ref();
    let path = own.map(|own| own.path.clone()).unwrap_or_default();
    let mut rows = vec![RowStory {
        path: path.clone(),
        offset: facts.offset,
        place,
        at: kept.and_then(|row| row.at_ms).map(civil::timestamp),
        session: facts.session.clone(),
        usage: facts.usage,
        sidechain: facts.sidechain,
        verdict: Verdict::Kept,
    }];
    let believed = Candidate {
        usage: facts.usage,
        sidechain: facts.sidechain,
        wrapped: false,
        session: &facts.session,
        origin: Origin {
            born_ns: own.map_or(i64::MIN, |own| own.state.born_ns),
            path: path.as_os_str().as_encoded_bytes(),
            offset: facts.offset,
        },
    };
    let is_kept = |found: &&FoundRow<'_>| {
        kept.is_some() && is_own(facts, found.file) && found.row.offset == facts.offset
    };
    let mut others: Vec<RowStory> = found
        .iter()
        .filter(|found| !is_kept(found))
        .map(|FoundRow { file, row }| RowStory {
            path: file.path.clone(),
            offset: row.offset,
            place: Place::There,
            at: row.at_ms.map(civil::timestamp),
            session: row.session.clone(),
            usage: row.usage,
            sidechain: row.sidechain,
            verdict: verdict(file, row, &believed),
        })
        .collect();
    others.sort_by(|a, b| (a.path != path, &a.path, a.offset).cmp(&(b.path != path, &b.path, b.offset)));
    rows.append(&mut others);
    rows
}

fn verdict(file: &KnownTranscript, row: &TracedRow, kept: &Candidate<'_>) -> Verdict {
    let candidate = Candidate {
        usage: row.usage,
        sidechain: row.sidechain,
        wrapped: row.wrapped,
        session: &row.session,
        origin: Origin {
            born_ns: file.state.born_ns,
            path: file.path.as_os_str().as_encoded_bytes(),
            offset: row.offset,
        },
    };
    match reason::dropped(&candidate, kept) {
        reason if row.at_ms.is_none() && reason != Reason::AllZero => Verdict::Untimed,
        Reason::Outranks if row.offset >= file.state.offset => Verdict::NotRead,
        reason => Verdict::Dropped(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_large_file_the_part_around_the_kept_row_is_searched() {
        for (size, around, budget, range) in [
            (100, Some(50), 100, 0..100),
            (100, None, 100, 0..100),
            (101, None, 100, 0..0),
            (1000, Some(0), 100, 0..100),
            (1000, Some(500), 100, 450..550),
            (1000, Some(999), 100, 900..1000),
            (0, None, 0, 0..0),
        ] {
            assert_eq!(part(size, around, budget), range, "{size} {around:?}");
        }
    }

    #[test]
    fn the_folder_of_a_project_is_the_one_below_projects() {
        for (path, folder) in [
            ("/r/projects/p/s.jsonl", Some("/r/projects/p")),
            ("/r/projects/p/s/subagents/a.jsonl", Some("/r/projects/p")),
            ("/home/projects/.claude/projects/p/s.jsonl", Some("/home/projects/.claude/projects/p")),
            ("/r/projects/s.jsonl", None),
            ("/elsewhere/s.jsonl", None),
        ] {
            assert_eq!(project_folder(Path::new(path)), folder.map(PathBuf::from), "{path}");
        }
    }
}
