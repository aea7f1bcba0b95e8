//! Where a number comes from: a call down to its rows and rates, and what a session, a day or a project adds up.
//!
//! Must not: word anything for people; change the ledger.

mod call;
mod find;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::PathBuf;

pub use cco_ledger::lookup::{CallFacts, CallLine, CostState, ToolUse};
use cco_ledger::lookup::{Group, GroupPart, Narrowed};
use cco_ledger::write::{KnownTranscript, TranscriptId};
use cco_model::call::{CallKey, Usage};
use cco_model::civil;
use cco_model::file::FileState;
use cco_model::price::parts::Breakdown;
use cco_model::reason::Reason;
use cco_model::sums::Sums;
use cco_transcript::file;
use cco_transcript::trace::Traced;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::report::{ModelSums, Only, UNKNOWN_SESSION};
use crate::scan::{Finding, Progress, finding};
use crate::{Engine, EngineError};

pub use find::{Found, Subject};

/// Bytes of transcripts that are looked through unless all are asked for: some ten milliseconds.
const MOST_BYTES: u64 = 48_000_000;
/// Damaged lines that a story names.
const MOST_FINDINGS: usize = 20;

/// How far a story goes.
#[derive(Clone, Copy, Debug)]
pub struct Depth {
    /// Look through every transcript that is there, whatever it takes.
    pub all_files: bool,
    /// Calls that a list names.
    pub calls: usize,
}

/// Which calls of a day, a session or a project a story is of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Within {
    /// Those of this time; none: of any.
    pub range: Option<Range<Timestamp>>,
    /// What they have in common.
    pub only: Only,
}

/// One call: what it counts, what it costs and why, and every row of it that was found.
#[derive(Clone, Debug)]
pub struct CallStory {
    /// What the ledger keeps of it.
    pub facts: CallFacts,
    /// When.
    pub at: Timestamp,
    /// Message id; empty where no row tells it any more.
    pub message: String,
    /// The list that this engine has.
    pub list: String,
    /// How that list comes to a price; none: it does not know the model.
    pub breakdown: Option<Breakdown>,
    /// Its rows, the kept one first, then by file and place.
    pub rows: Vec<RowStory>,
    /// Tools that it used.
    pub tools: Vec<ToolUse>,
    /// What was looked through.
    pub searched: Searched,
}

impl CallStory {
    /// The present list comes to what the ledger keeps.
    pub fn price_agrees(&self) -> bool {
        let now = self.breakdown.as_ref().and_then(|breakdown| Some((breakdown.total?, breakdown.savings?)));
        now == self.facts.cost.map(|cost| (cost, self.facts.savings))
    }
}

/// A row of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowStory {
    /// Its transcript.
    pub path: PathBuf,
    /// Where its line starts.
    pub offset: u64,
    /// Whether it is still there; if not, what is told comes from the ledger.
    pub place: Place,
    /// When; none: unreadable.
    pub at: Option<Timestamp>,
    /// Session id as written.
    pub session: String,
    /// What it counts.
    pub usage: Usage,
    /// It is of a side thread.
    pub sidechain: bool,
    /// What became of it.
    pub verdict: Verdict,
}

/// Whether a row is where it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is.
    There,
    /// Its file is gone.
    Gone,
    /// Its file is there and was written anew: the row is not where it was, or says something else.
    Rewritten,
    /// Its file cannot be read now.
    Unreadable,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The call's counts, model, session, project and branch come from it.
    Kept,
    /// Another row is believed.
    Dropped(Reason),
    /// It has no readable time, and none before it in the file has: it does not count.
    Untimed,
    /// It was written after the file was read.
    NotRead,
}

/// Which transcripts were looked through, and which were not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Searched {
    /// Transcripts looked through, in whole or in part.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Transcripts that were not looked through to their end.
    pub files_left: u64,
    /// Bytes of them.
    pub bytes_left: u64,
    /// Transcripts that could not be read, and why.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// A group of calls: a session, a day or a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupStory {
    /// All of it.
    pub sums: Sums,
    /// Its first and its last call; none: it has no calls.
    pub span: Option<(Timestamp, Timestamp)>,
    /// By model, dearest first.
    pub models: Vec<ModelSums>,
    /// By session, dearest first; an empty id: rows had none.
    pub sessions: Vec<(String, Sums)>,
    /// By project path, dearest first; empty: unknown.
    pub projects: Vec<(String, Sums)>,
    /// Its dearest calls.
    pub calls: Vec<CallLine>,
    /// The first damaged lines and odd rows of its transcripts.
    pub findings: Vec<Finding>,
    /// All of those.
    pub findings_total: u64,
}

/// A session, with its files and what Claude Code says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionStory {
    /// Its calls.
    pub group: GroupStory,
    /// Transcripts that hold its kept rows or carry its name, by path.
    pub files: Vec<SessionFile>,
    /// Claude Code's own cost of it.
    pub cost_state: Option<CostState>,
    /// Pull requests that it names.
    pub pull_requests: Vec<String>,
}

/// A transcript of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFile {
    /// Where it was last seen.
    pub path: PathBuf,
    /// It is gone.
    pub gone: bool,
    /// Calls of the session whose kept row stands in it.
    pub kept: u64,
    /// What is in it now; none: it is gone, unreadable, or was too much to read.
    pub rows: Option<FileRows>,
    /// Its size when it was last read.
    pub size: u64,
}

/// The rows of calls in a transcript.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileRows {
    /// All of them, those that count nothing too.
    pub rows: u64,
    /// Different calls that they belong to.
    pub calls: u64,
    /// Rows of calls that are shown under another session.
    pub rows_of_others: u64,
    /// Calls that are shown under another session.
    pub calls_of_others: u64,
}

impl Engine {
    /// A stretch of time, of which these calls are meant.
    pub fn explain_time(
        &self,
        range: &Range<Timestamp>,
        only: &Only,
        depth: Depth,
    ) -> Result<GroupStory, EngineError> {
        let within = Within { range: None, only: only.clone() };
        self.group_story(&Group::Time(milliseconds(range)), &within, depth)
    }

    /// A day of `zone`.
    pub fn explain_day(
        &self,
        day: Date,
        zone: &TimeZone,
        within: &Within,
        depth: Depth,
    ) -> Result<GroupStory, EngineError> {
        let range = civil::day_range_ms(Some(day), Some(day), zone);
        self.group_story(&Group::Time(range), within, depth)
    }

    /// A project, by its row in the ledger.
    pub fn explain_project(
        &self,
        project: i64,
        within: &Within,
        depth: Depth,
    ) -> Result<GroupStory, EngineError> {
        self.group_story(&Group::Project(project), within, depth)
    }

    /// A session, by its row in the ledger and its id. Its files are read again, as far as the depth allows; what is
    /// told of them, and of Claude Code's own cost, is of the whole session.
    pub fn explain_session(
        &self,
        session: i64,
        name: &str,
        within: &Within,
        depth: Depth,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<SessionStory, EngineError> {
        let _snapshot = self.ledger.snapshot()?;
        let mut group = self.group_story(&Group::Session(session), within, depth)?;
        let kept: HashMap<TranscriptId, u64> =
            self.ledger.transcripts_of(&Group::Session(session))?.into_iter().collect();
        let mut known = self.ledger.all_transcripts()?;
        known.retain(|known| kept.contains_key(&known.id) || is_named_after(known, name));
        known.sort_by(|a, b| a.path.cmp(&b.path));
        self.add_findings(&mut group, &known)?;
        let files_total = known.len() as u64;
        let bytes_total = known.iter().map(|known| known.state.size).sum();
        let (mut files, mut bytes_done) = (Vec::new(), 0);
        for known in known {
            let allowed = depth.all_files || bytes_done + known.state.size <= MOST_BYTES;
            let rows = if allowed && !known.gone { self.rows_in(&known, session)? } else { None };
            bytes_done += known.state.size;
            progress(Progress { bytes_done, bytes_total, files_total });
            let KnownTranscript { id, path, gone, state } = known;
            let kept = kept.get(&id).copied().unwrap_or(0);
            files.push(SessionFile { path, gone, kept, rows, size: state.size });
        }
        Ok(SessionStory {
            group,
            files,
            cost_state: self.ledger.cost_state(session)?,
            pull_requests: self.ledger.pull_requests(session)?,
        })
    }

    /// All calls of the session with this id, the oldest first.
    pub fn calls_of_session(&self, name: &str) -> Result<Vec<CallLine>, EngineError> {
        let _snapshot = self.ledger.snapshot()?;
        let session = match self.ledger.session_id(name)? {
            None if name != UNKNOWN_SESSION => return Ok(Vec::new()),
            session => session.unwrap_or(0),
        };
        let mut calls = self.ledger.dearest(&Group::Session(session), usize::MAX)?;
        calls.sort_by_key(|call| (call.at_ms, call.id));
        Ok(calls)
    }

    /// The rows of calls in a transcript, and whose they are; none when it cannot be read.
    fn rows_in(&self, known: &KnownTranscript, session: i64) -> Result<Option<FileRows>, EngineError> {
        let mut counts: HashMap<CallKey, u64> = HashMap::new();
        let counted = open(known).and_then(|(file, state)| {
            let mut traced = Traced::new(&file, (state.device, state.inode), state.size);
            traced.all_rows(0..state.size, &mut |row| *counts.entry(row.key).or_default() += 1)
        });
        if counted.is_err() {
            return Ok(None);
        }
        let mut rows = FileRows::default();
        for (key, count) in counts {
            let Some(call) = self.ledger.call_of_key(&key)? else { continue };
            let other = self.ledger.session_of_call(call)?.is_some_and(|shown| shown != session);
            rows.rows += count;
            rows.calls += 1;
            rows.rows_of_others += if other { count } else { 0 };
            rows.calls_of_others += u64::from(other);
        }
        Ok(Some(rows))
    }

    fn group_story(&self, group: &Group, within: &Within, depth: Depth) -> Result<GroupStory, EngineError> {
        let _snapshot = self.ledger.snapshot()?;
        let Narrowed { parts, transcripts, dearest } = self.calls_of(group, within, depth)?;
        let by = |name: fn(&GroupPart) -> &String| dearest_first(&parts, name);
        let mut sums = Sums::default();
        parts.iter().for_each(|part| sums += part.sums);
        let first = parts.iter().map(|part| part.first_ms).min();
        let last = parts.iter().map(|part| part.last_ms).max();
        let models =
            by(|part| &part.model).into_iter().map(|(model, sums)| ModelSums { model: model.into(), sums });
        let mut story = GroupStory {
            sums,
            span: first.zip(last).map(|(first, last)| (civil::timestamp(first), civil::timestamp(last))),
            models: models.collect(),
            sessions: by(|part| &part.session),
            projects: by(|part| &part.project),
            calls: dearest,
            findings: Vec::new(),
            findings_total: 0,
        };
        if !matches!(group, Group::Session(_)) {
            let mut known = Vec::new();
            for (id, _) in transcripts {
                known.extend(self.ledger.transcript(id)?);
            }
            known.sort_by(|a, b| a.path.cmp(&b.path));
            self.add_findings(&mut story, &known)?;
        }
        Ok(story)
    }

    fn calls_of(&self, group: &Group, within: &Within, depth: Depth) -> Result<Narrowed, EngineError> {
        if *within != Within::default() {
            let range = within.range.as_ref().map_or(i64::MIN..i64::MAX, milliseconds);
            return Ok(self.ledger.narrowed(group, &range, &within.only, depth.calls)?);
        }
        Ok(Narrowed {
            parts: self.ledger.group_parts(group)?,
            transcripts: self.ledger.transcripts_of(group)?,
            dearest: self.ledger.dearest(group, depth.calls)?,
        })
    }

    fn add_findings(&self, story: &mut GroupStory, known: &[KnownTranscript]) -> Result<(), EngineError> {
        for known in known {
            for soft in self.ledger.soft_errors_of(known.id)? {
                story.findings_total += 1;
                if story.findings.len() < MOST_FINDINGS {
                    story.findings.push(finding(known.path.clone(), soft));
                }
            }
        }
        Ok(())
    }
}

/// The milliseconds of a half-open range. What begins inside of one begins with the next: calls have whole ones.
fn milliseconds(range: &Range<Timestamp>) -> Range<i64> {
    let up = |at: Timestamp| i64::try_from((at.as_nanosecond() + 999_999).div_euclid(1_000_000));
    up(range.start).unwrap_or(i64::MAX)..up(range.end).unwrap_or(i64::MAX)
}

/// Sums by a name, dearest first, of equals by name.
fn dearest_first(parts: &[GroupPart], name: fn(&GroupPart) -> &String) -> Vec<(String, Sums)> {
    let mut sums: BTreeMap<&String, Sums> = BTreeMap::new();
    parts.iter().for_each(|part| *sums.entry(name(part)).or_default() += part.sums);
    let mut sums: Vec<(String, Sums)> = sums.into_iter().map(|(name, sums)| (name.clone(), sums)).collect();
    sums.sort_by_key(|(_, sums)| std::cmp::Reverse((sums.cost, sums.tokens.total())));
    sums
}

/// The transcript is called like the session, or lies in a folder that is.
fn is_named_after(known: &KnownTranscript, session: &str) -> bool {
    let named = |part: &std::ffi::OsStr| {
        let text = part.as_encoded_bytes();
        text.strip_suffix(b".jsonl").unwrap_or(text) == session.as_bytes()
    };
    !session.is_empty() && known.path.iter().any(named)
}

/// Opens a transcript as it is now; an error when another file has its name.
fn open(known: &KnownTranscript) -> std::io::Result<(std::fs::File, FileState)> {
    let file = file::open(&known.path, &known.state)?;
    let size = file.metadata()?.len();
    Ok((file, FileState { size, ..known.state }))
}
